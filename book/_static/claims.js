// Filters for the ledger of claims. Without this script it is a list.
(() => {
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
