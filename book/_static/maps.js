// A map is drawn when it comes near, so that a page is there quickly however many maps it has. Once a reader does
// something, all are drawn one after another: the keyboard, a search in the page and a printer must find them.
(() => {
  const SIGNS = ["keydown", "pointerdown", "pointermove", "scroll"];
  const frames = [...document.querySelectorAll("iframe[data-srcdoc]")];

  function draw(frame) {
    near.unobserve(frame);
    if (!frame.dataset.srcdoc) return;
    frame.srcdoc = frame.dataset.srcdoc;
    frame.removeAttribute("data-srcdoc");
  }

  function drawInTurn() {
    for (const sign of SIGNS) removeEventListener(sign, drawInTurn);
    const next = frames.find((frame) => frame.dataset.srcdoc);
    if (!next) return;
    next.addEventListener("load", () => setTimeout(drawInTurn, 100), { once: true });
    draw(next);
  }

  const near = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) if (isIntersecting) draw(target);
  }, { rootMargin: "100%" }); // a screen away
  for (const frame of frames) near.observe(frame);
  for (const sign of SIGNS) addEventListener(sign, drawInTurn, { passive: true });
  addEventListener("beforeprint", () => frames.forEach(draw));
})();
