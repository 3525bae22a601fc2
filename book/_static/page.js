// The names of buttons that unfold a solution. The menus at the head of a page: printing, and closing them by Escape or by a click beside them. Paper is light.
(() => {
  document.querySelector(".btn-download-pdf-button")?.addEventListener("click", () => window.print());

  const shown = document.documentElement.dataset;
  let theme = shown.theme;
  addEventListener("beforeprint", () => { theme = shown.theme; shown.theme = "light"; });
  addEventListener("afterprint", () => { shown.theme = theme; });

  // Else every solution of a page has a button of the same name: "Toggle hidden content".
  addEventListener("DOMContentLoaded", () => {
    for (const button of document.querySelectorAll(".toggle-button")) {
      const title = button.parentElement; // has the words on the button too
      title.id ||= `of-${button.id}`;
      button.removeAttribute("aria-label");
      button.setAttribute("aria-labelledby", title.id);
    }
  });

  const menus = document.querySelectorAll("details.dropdown");
  document.addEventListener("pointerdown", (event) => {
    for (const menu of menus) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of menus) {
      if (menu.open && menu.contains(document.activeElement)) menu.querySelector("summary").focus();
      menu.open = false;
    }
  });
})();
