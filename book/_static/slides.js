// Starts the slides of a chapter. They take the shape of the screen, a map draws itself when its slide comes, and
// whatever does not fit its slide can be scrolled, by keyboard too.
(() => {
  const printed = /[?&](print-pdf|view=print)/i.test(location.search);

  function shape() {
    if (printed || innerWidth > innerHeight) return { width: 1120, height: 700 };
    return { width: 520, height: Math.round((520 * innerHeight) / innerWidth) };
  }

  function bring(slide) {
    for (const frame of slide.querySelectorAll("iframe[data-srcdoc]")) {
      frame.srcdoc = frame.dataset.srcdoc;
      frame.removeAttribute("data-srcdoc");
    }
    const content = slide.querySelector(".content");
    if (!content) return;
    const scrolls = content.scrollHeight > content.clientHeight + 1 || content.scrollWidth > content.clientWidth + 1;
    content.toggleAttribute("tabindex", false);
    if (!scrolls) return;
    content.tabIndex = 0;
    content.role = "group";
    content.setAttribute("aria-label", slide.querySelector("h1, h2").textContent);
  }

  document.addEventListener("keydown", (event) => { // up and down scroll; reveal.js has the other keys
    const region = document.activeElement?.closest(".content[tabindex]");
    if (region && ["ArrowUp", "ArrowDown", "PageUp", "PageDown"].includes(event.key)) event.stopPropagation();
  }, true);

  Reveal.initialize({
    ...shape(),
    center: false,
    controlsTutorial: false,
    display: "flex",
    hash: true,
    margin: 0.03,
    pdfSeparateFragments: false,
    plugins: [RevealNotes],
    scrollActivationWidth: null,
    slideNumber: "c/t",
    transition: "none",
    backgroundTransition: "none",
  }).then(() => {
    if (printed) {
      document.querySelectorAll(".slides section").forEach(bring);
      return;
    }
    const bringCurrent = () => bring(Reveal.getCurrentSlide());
    for (const event of ["slidechanged", "fragmentshown", "fragmenthidden"]) Reveal.on(event, bringCurrent);
    window.addEventListener("resize", () => {
      Reveal.configure(shape());
      bringCurrent();
    });
    bringCurrent();
  });
})();
