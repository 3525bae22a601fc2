// What a reader has done: chapters read, first answers to questions, ticks in checklists. It is kept in the reader's
// own browser, under one key, and sent nowhere. Whatever is found under that key is only taken for what it must be:
// lists of texts. A question is known by its id, which the build makes of its text, so that one that moves keeps its
// answer and a new one in its place has none.
(() => {
  const KEY = "course-progress";
  const LARGEST = 100000; // characters; the whole course fits five times
  const here = nameOf(location);
  const questions = [...document.querySelectorAll(".quiz-question")].map(({ id }) => id);
  let works = true;

  function nameOf({ pathname }) {
    return pathname.split("/").at(-1).replace(/\.html$/, "");
  }

  function load() {
    let kept = null;
    try {
      const text = localStorage.getItem(KEY) ?? "";
      if (text.length < LARGEST) kept = JSON.parse(text || null);
    } catch (error) {
      if (!(error instanceof SyntaxError)) works = false;
    }
    const texts = (list) => new Set(Array.isArray(list) ? list.filter((each) => typeof each === "string") : []);
    return { read: texts(kept?.read), ticks: texts(kept?.ticks), right: texts(kept?.right), wrong: texts(kept?.wrong) };
  }

  // Another tab may have kept something since; so every change begins with what is kept now.
  function change(apply) {
    const kept = load();
    apply(kept);
    try {
      localStorage.setItem(KEY, JSON.stringify(kept, (_, value) => (value instanceof Set ? [...value] : value)));
    } catch {
      works = false;
    }
    show();
  }

  function flip(set, name, on) {
    if (on) set.add(name);
    else set.delete(name);
  }

  // How many of some questions were right at the first try; nothing before the first answer
  function score(ids, { right, wrong }) {
    const tried = ids.some((id) => right.has(id) || wrong.has(id));
    return tried ? `${ids.filter((id) => right.has(id)).length} of ${ids.length}` : "";
  }

  function element(tag, text = "", attributes = {}) {
    const made = document.createElement(tag);
    made.textContent = text;
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    return made;
  }

  const parts = []; // functions that show what is kept, each in its place
  const missing = "This browser keeps nothing for this page, so progress cannot be shown here.";

  function show() {
    const kept = load();
    for (const part of parts) part(kept);
  }

  // At the end of a chapter
  function addToChapter() {
    const box = element("div", "", { class: "course-progress", role: "group", "aria-label": "Your progress" });
    const button = element("button", "I have read this chapter", { type: "button" });
    const text = element("p");
    box.append(button, text);
    document.querySelector("article.bd-article").append(box);
    button.addEventListener("click", () => change(({ read }) => flip(read, here, !read.has(here))));
    document.addEventListener("click", ({ target }) => {
      const option = target.closest?.(".quiz-question li:has(> button)");
      if (!option) return;
      const { id } = option.closest(".quiz-question");
      change(({ right, wrong }) => {
        if (right.has(id) || wrong.has(id)) return; // only the first answer counts
        (option.classList.contains("quiz-right") ? right : wrong).add(id);
      });
    });
    parts.push((kept) => {
      button.hidden = !works;
      button.setAttribute("aria-pressed", String(kept.read.has(here)));
      const scored = score(questions, kept);
      const right = scored && `Questions right at the first try: ${scored}. `;
      text.textContent = works ? `${right}Kept in this browser only. ` : missing;
      if (works) text.append(element("a", "Your progress", { href: "self-study.html#your-progress" }));
    });
  }

  // On the page for those who study alone
  function addOverview(section) {
    const chapters = [...document.querySelectorAll("#the-whole-course tbody a")];
    const asked = JSON.parse(section.querySelector("[data-questions]").dataset.questions); // ids, of each chapter
    const table = element("table", "", { class: "table" });
    const sum = element("p", "", { role: "status" });
    const button = element("button", "Clear my progress", { type: "button" });
    const box = element("div", "", { class: "course-progress" });
    const scroll = element("div", "", { class: "pst-scrollable-table-container" });
    scroll.append(table);
    box.append(sum, button);
    section.append(scroll, box);
    button.addEventListener("click", () => {
      if (!confirm("Clear all progress kept in this browser: chapters read, quiz scores and ticks?")) return;
      try {
        localStorage.removeItem(KEY);
      } catch {
        works = false;
      }
      show();
    });
    const head = element("tr");
    for (const title of ["Chapter", "Read", "Right at the first try"]) head.append(element("th", title, { scope: "col" }));
    const body = element("tbody"); // rows without one have other styles
    const heads = element("thead");
    heads.append(head);
    table.append(heads, body);
    parts.push((kept) => {
      const isRead = (link) => kept.read.has(nameOf(link));
      const rows = chapters.map((link) => {
        const row = element("tr");
        const first = element("td");
        first.append(link.cloneNode(true));
        const scored = score(asked[nameOf(link)] ?? [], kept);
        row.append(first, element("td", isRead(link) ? "✓ read" : "–"), element("td", scored || "–"));
        return row;
      });
      body.replaceChildren(...rows);
      scroll.hidden = button.hidden = !works;
      const done = chapters.filter(isRead).length;
      sum.textContent = works ? `${done} of ${chapters.length} chapters read. ` : missing;
    });
  }

  function addTicks(item) {
    const label = element("label");
    const box = element("input", "", { type: "checkbox" });
    const text = item.textContent.trim();
    label.append(box, " ", ...(item.querySelector("p") ?? item).childNodes);
    item.replaceChildren(label);
    item.parentElement.classList.add("course-ticks");
    box.addEventListener("change", () => change((kept) => flip(kept.ticks, text, box.checked)));
    parts.push(({ ticks }) => (box.checked = ticks.has(text)));
  }

  function addToSidebar(link) {
    const tick = element("span", " ✓", { class: "course-read", role: "img", "aria-label": "read" });
    parts.push(({ read }) => (read.has(nameOf(link)) ? link.append(tick) : tick.remove()));
  }

  try { // some browsers say only when asked to keep something that they keep nothing
    localStorage.setItem(`${KEY}-trial`, "");
    localStorage.removeItem(`${KEY}-trial`);
  } catch {
    works = false;
  }
  const overview = document.querySelector("section#your-progress");
  if (questions.length) addToChapter();
  if (overview) addOverview(overview);
  if (works) {
    if (overview) document.querySelectorAll("#checklists li").forEach(addTicks);
    document.querySelectorAll(".bd-sidebar-primary a.reference.internal").forEach(addToSidebar);
  }
  window.addEventListener("storage", show);
  window.addEventListener("pageshow", ({ persisted }) => persisted && show());
  show();
})();
