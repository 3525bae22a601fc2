// A form that filters the items of a page and keeps its state in the address. The ledger of claims and the table of
// events share it.

// Text as it is compared: no case, no accents; Korean syllables and Cyrillic letters fall apart in the same way.
function foldText(text) {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").replace(/[‘’]/g, "'").replace(/[‐-―]/g, "-").toLowerCase();
}

// `items` are {element, text, facets}: a field of the form filters by the facet of its name, which is a list of values;
// with `data-least` or `data-most` it bounds the first value of the facet it names; the field `words` looks in `text`.
// `changed` gets the items that are left and shows them; `bring` may prepare an item that a link leads to.
function courseFilter(form, items, { noun, changed, bring }) {
  const fields = [...form.elements].filter((field) => field.name);
  const output = form.querySelector("output");
  const texts = new Map(items.map((item) => [item, foldText(item.text)]));
  const number = new Intl.NumberFormat("en-GB");
  let left = items;

  function fits(item) {
    return fields.every((field) => !field.value || fitsField(item, field));
  }

  function fitsField(item, { name, value, dataset }) {
    if (name === "words") return foldText(value).split(/\s+/).every((word) => texts.get(item).includes(word));
    if (dataset.least) return item.facets[dataset.least][0] >= value;
    if (dataset.most) return item.facets[dataset.most][0] <= value;
    return item.facets[name]?.includes(value) ?? true; // a field without a facet changes only what is drawn
  }

  function update() {
    left = items.filter(fits);
    const years = left.flatMap(({ facets }) => facets.year ?? []).sort();
    const span = years.length ? `, ${years[0]} to ${years.at(-1)}` : "";
    output.textContent = `${number.format(left.length)} of ${number.format(items.length)} ${noun}${span}`;
    changed(left);
    const state = new URLSearchParams([...new FormData(form)].filter(([, value]) => value)).toString();
    const target = targeted();
    const hash = target && !left.includes(target) ? "" : location.hash; // in the address it would undo the filter
    history.replaceState(null, "", `${location.pathname}${state && "?" + state}${hash}`);
  }

  function clear() {
    for (const field of fields) if (!("keep" in field.dataset)) field.value = "";
    update();
  }

  function targeted() {
    return items.find(({ element }) => `#${element.id}` === location.hash);
  }

  function reveal() { // a link to an item is stronger than the filter
    const item = targeted();
    if (!item) return;
    if (!left.includes(item)) clear();
    bring?.(item);
    item.element.tabIndex = -1;
    item.element.focus({ preventScroll: true });
    item.element.scrollIntoView();
  }

  for (const [name, given] of new URLSearchParams(location.search)) {
    const field = fields.find((each) => each.name === name);
    if (!field) continue;
    const option = [...(field.options ?? [])].find(({ value }) => value.toLowerCase() === given.toLowerCase());
    if (option || !field.options) field.value = option?.value ?? given;
  }
  form.addEventListener("input", update);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", (event) => {
    event.preventDefault(); // it resets the fields only after the listeners
    clear();
  });
  window.addEventListener("hashchange", reveal);
  left = items.filter(fits);
  if (targeted() && !left.includes(targeted())) clear();
  else update();
  reveal();
  return { update, reveal };
}
