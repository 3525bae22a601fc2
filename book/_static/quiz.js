// Options of a question become buttons that answer at once. Without this script they are a list, and the answers are folded.
(() => {
  for (const question of document.querySelectorAll(".quiz-question")) {
    const options = [...question.querySelectorAll(":scope > ul > li")];
    const folded = question.querySelector("details");
    const feedback = [...folded.querySelectorAll("li")];
    const answer = document.createElement("div");
    answer.className = "quiz-answer";
    answer.role = "status";
    folded.replaceWith(answer);
    const buttons = options.map((option, number) => {
      const button = document.createElement("button");
      button.type = "button";
      button.ariaPressed = "false";
      button.append(...(option.querySelector("p") ?? option).childNodes);
      option.replaceChildren(button);
      button.addEventListener("click", () => {
        for (const other of buttons) other.ariaPressed = String(other === button);
        answer.replaceChildren(...feedback[number].cloneNode(true).childNodes);
      });
      return button;
    });
  }
})();
