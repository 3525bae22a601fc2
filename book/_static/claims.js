// The filter of the ledger of claims. Without this script it is a list.
(() => {
  const lists = [...document.querySelectorAll(".claims-ledger")];
  const entries = lists.flatMap((list) => [...list.children]);
  const facets = ["document", "verdict", "type", "chapter"];
  const valueOf = (entry, facet) => [...entry.classList].find((name) => name.startsWith(`${facet}--`))?.slice(facet.length + 2);
  const form = document.createElement("form");
  form.className = "course-filter";
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
  form.appendChild(document.createElement("output"));
  form.appendChild(Object.assign(document.createElement("button"), { type: "reset", textContent: "Show all" }));
  for (const list of lists) list.role = "list"; // Safari drops it with the bullets
  lists[0].closest("section").before(form);

  const items = entries.map((element) => ({
    element,
    text: element.textContent,
    facets: Object.fromEntries(facets.map((facet) => [facet, [valueOf(element, facet)]])),
  }));
  courseFilter(form, items, {
    noun: "claims",
    changed(left) {
      const shown = new Set(left.map(({ element }) => element));
      for (const entry of entries) entry.hidden = !shown.has(entry);
      for (const list of lists) list.closest("section").hidden = !list.querySelector("li:not([hidden])");
    },
  });
})();
