// Notes at the badges of claims, and filters for the ledger. Without this script a badge is a link and the ledger a list.
(() => {
  const card = document.createElement("div");
  card.className = "claim-card";
  card.id = "claim-card";
  card.role = "group";
  card.tabIndex = 0; // a long note scrolls
  card.setAttribute("aria-label", "About this claim");
  let shown = null;
  let closing = 0;

  function place(badge) {
    const at = badge.getBoundingClientRect();
    const room = document.documentElement.clientWidth - card.offsetWidth - 8;
    const below = at.bottom + card.offsetHeight + 4 < document.documentElement.clientHeight || at.top < card.offsetHeight;
    const from = (card.offsetParent ?? document.documentElement).getBoundingClientRect();
    card.style.left = `${Math.max(8, Math.min(at.left, room)) - from.left}px`;
    card.style.top = `${(below ? at.bottom + 2 : at.top - card.offsetHeight - 2) - from.top}px`;
  }

  function show(badge) {
    clearTimeout(closing);
    if (shown === badge) return;
    hide();
    const note = document.getElementById(`note-${badge.hash.slice(1)}`);
    if (!note) return;
    card.replaceChildren(...note.cloneNode(true).childNodes);
    badge.after(card); // next in the order of Tab, so that its links can be reached
    badge.setAttribute("aria-details", card.id);
    shown = badge;
    place(badge);
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

  for (const mark of document.querySelectorAll("a > .claim")) {
    const badge = mark.parentElement;
    badge.addEventListener("pointerenter", (event) => { if (event.pointerType !== "touch") show(badge); });
    badge.addEventListener("pointerleave", hideUnused);
    badge.addEventListener("focus", () => show(badge));
    badge.addEventListener("blur", hideUnused);
    // The first touch shows the note, the second follows the link.
    let touched = false;
    badge.addEventListener("pointerdown", (event) => { touched = event.pointerType === "touch" && shown !== badge; });
    badge.addEventListener("click", (event) => {
      if (touched) { event.preventDefault(); show(badge); }
      touched = false;
    });
  }
  card.addEventListener("pointerleave", hideUnused);
  card.addEventListener("focusout", hideUnused);
  window.addEventListener("resize", () => { if (shown) place(shown); });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !shown) return;
    if (card.contains(document.activeElement)) { const badge = shown; badge.focus(); }
    hide();
  });
  document.addEventListener("pointerdown", (event) => {
    if (shown && !card.contains(event.target) && !shown.contains(event.target)) hide();
  });

  // The ledger

  const entries = [...document.querySelectorAll(".claims-ledger > li")];
  if (!entries.length) return;
  const facets = ["document", "verdict", "type", "chapter"];
  const valueOf = (entry, facet) => [...entry.classList].find((name) => name.startsWith(`${facet}--`))?.slice(facet.length + 2);
  const form = document.createElement("form");
  form.className = "claims-filter";
  form.setAttribute("aria-label", "Filter the claims");
  for (const facet of facets) {
    const label = form.appendChild(document.createElement("label"));
    label.append(facet[0].toUpperCase() + facet.slice(1));
    const select = label.appendChild(document.createElement("select"));
    select.name = facet;
    select.add(new Option("all", ""));
    for (const value of [...new Set(entries.map((entry) => valueOf(entry, facet)))].filter(Boolean).sort()) {
      select.add(new Option(facet === "document" ? value.toUpperCase() : value, value));
    }
  }
  const words = form.appendChild(document.createElement("label"));
  words.append("Words");
  words.appendChild(Object.assign(document.createElement("input"), { type: "search", name: "words" }));
  const count = form.appendChild(document.createElement("output"));
  for (const list of document.querySelectorAll(".claims-ledger")) list.role = "list"; // Safari drops it with the bullets

  function filter() {
    const wanted = new FormData(form);
    const text = wanted.get("words").trim().toLowerCase();
    let left = 0;
    for (const entry of entries) {
      const fits = facets.every((facet) => !wanted.get(facet) || wanted.get(facet) === valueOf(entry, facet));
      entry.hidden = !(fits && entry.textContent.toLowerCase().includes(text));
      left += !entry.hidden;
    }
    for (const list of document.querySelectorAll(".claims-ledger")) {
      list.closest("section").hidden = !list.querySelector("li:not([hidden])");
    }
    count.textContent = `${left} of ${entries.length} claims`;
    const address = new URLSearchParams([...wanted].filter(([, value]) => value)).toString();
    history.replaceState(null, "", `${location.pathname}${address && "?" + address}${location.hash}`);
  }

  for (const [name, given] of new URLSearchParams(location.search)) {
    const field = form.elements[name];
    const value = name === "words" ? given : given.toLowerCase();
    if (field && (!field.options || [...field.options].some((option) => option.value === value))) field.value = value;
  }

  function reveal() { // a link to a claim that the filter hides
    const entry = document.getElementById(location.hash.slice(1));
    if (entry?.hidden) { form.reset(); filter(); }
    entry?.scrollIntoView();
  }

  window.addEventListener("hashchange", reveal);
  form.addEventListener("input", filter);
  form.appendChild(Object.assign(document.createElement("button"), { type: "reset", textContent: "Show all" }));
  form.addEventListener("reset", () => setTimeout(filter));
  form.addEventListener("submit", (event) => event.preventDefault());
  document.querySelector(".claims-ledger").closest("section").before(form);
  filter();
  if (location.hash) reveal();
})();
