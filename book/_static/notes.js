// Notes at the links they belong to: badges of claims, terms of the glossary. Without this script the links lead on.
(() => {
  const card = document.createElement("div");
  card.className = "note-card";
  card.id = "note-card";
  card.role = "group";
  card.tabIndex = 0; // a long note scrolls
  card.setAttribute("aria-label", "Note");
  let shown = null;
  let closing = 0;

  function noteOf(link) {
    return document.getElementById(`note-${decodeURIComponent(link.hash.slice(1))}`);
  }

  function place(link) {
    const at = link.getBoundingClientRect();
    const room = document.documentElement.clientWidth - card.offsetWidth - 8;
    const below = at.bottom + card.offsetHeight + 4 < document.documentElement.clientHeight || at.top < card.offsetHeight;
    const from = (card.offsetParent ?? document.documentElement).getBoundingClientRect();
    card.style.left = `${Math.max(8, Math.min(at.left, room)) - from.left}px`;
    card.style.top = `${(below ? at.bottom + 2 : at.top - card.offsetHeight - 2) - from.top}px`;
  }

  function show(link) {
    clearTimeout(closing);
    if (shown === link) return;
    hide();
    card.replaceChildren(...noteOf(link).cloneNode(true).childNodes);
    link.after(card); // next in the order of Tab, so that its links can be reached
    link.setAttribute("aria-details", card.id);
    shown = link;
    place(link);
  }

  function hide() {
    clearTimeout(closing);
    shown?.removeAttribute("aria-details");
    card.remove();
    shown = null;
  }

  function hideUnused() { // after a moment: the pointer or the focus may be on its way to the card
    clearTimeout(closing);
    closing = setTimeout(() => {
      if (!card.matches(":hover, :focus-within") && !shown?.matches(":hover, :focus")) hide();
    }, 250);
  }

  for (const link of document.querySelectorAll("a.internal[href*='#']")) {
    if (!noteOf(link) || link.closest(".page-notes")) continue;
    link.addEventListener("pointerenter", (event) => { if (event.pointerType !== "touch") show(link); });
    link.addEventListener("pointerleave", hideUnused);
    link.addEventListener("focus", () => show(link));
    link.addEventListener("blur", hideUnused);
    // The first touch shows the note, the second follows the link.
    let touched = false;
    link.addEventListener("pointerdown", (event) => { touched = event.pointerType === "touch" && shown !== link; });
    link.addEventListener("click", (event) => {
      if (touched) { event.preventDefault(); show(link); }
      touched = false;
    });
  }
  card.addEventListener("pointerleave", hideUnused);
  card.addEventListener("focusout", hideUnused);
  window.addEventListener("resize", () => { if (shown) place(shown); });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !shown) return;
    if (card.contains(document.activeElement)) { const link = shown; link.focus(); }
    hide();
  });
  document.addEventListener("pointerdown", (event) => {
    if (shown && !card.contains(event.target) && !shown.contains(event.target)) hide();
  });
})();
