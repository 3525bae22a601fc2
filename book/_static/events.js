// The table of events: filter, order, timeline and download. Without this script the table is whole and plain.
(() => {
  const STEP = 50; // rows shown at first, and added by a button
  const form = document.getElementById("events-filter");
  const chart = document.querySelector(".events-chart");
  const svg = chart.querySelector("[role=slider]");
  const card = chart.querySelector(".events-shown");
  const table = document.querySelector("table.events");
  const body = table.tBodies[0];
  const [more, all] = document.querySelectorAll(".events-more button");
  const groupOf = Object.fromEntries(
    [...form.elements.partner.options].map((option) => [option.value, option.parentElement.label]),
  );
  // The form names a partner with its code, "China (CHN)", the table without.
  const codeOf = Object.fromEntries(
    [...form.elements.partner.options].map(({ textContent, value }) => [textContent.replace(` (${value})`, ""), value]),
  );
  const labels = (select) => [...select.querySelectorAll("optgroup")].map(({ label }) => label);

  const items = [...body.rows].map((element, number) => {
    const [, date, partners, where, summary, cameo, quadclass, goldstein] = element.cells;
    const stated = date.firstElementChild.dateTime; // 2022, 2022-01 or 2022-01-06
    const codes = partners.textContent.split("; ").map((name) => codeOf[name]);
    const code = cameo.textContent.split(" ")[0];
    const row = {
      event_id: element.id,
      date: `${stated}-01-01`.slice(0, 10),
      precision: { 4: "year", 7: "month", 10: "day" }[stated.length],
      partners: codes.join(";"),
      place: where.textContent,
      summary: summary.querySelector("span").textContent,
      cameo: code,
      status: element.dataset.status,
      second_reading: element.dataset.reading,
      source: summary.querySelector("small").textContent,
    };
    return {
      element,
      row,
      text: [row.summary, row.place, row.event_id, row.source].join("\n"),
      facets: {
        year: [row.date.slice(0, 4)],
        partner: [...codes, ...codes.map((each) => groupOf[each])],
        kind: [code.slice(0, 2), quadclass.textContent],
        status: [row.status],
      },
      keys: {
        id: row.event_id,
        date: row.date,
        partners: partners.textContent,
        place: row.place,
        summary: row.summary,
        cameo: cameo.textContent,
        quadclass: quadclass.dataset.quadclass,
        goldstein: Number(goldstein.textContent.replace("−", "-")),
      },
      told: `${date.textContent}, ${partners.textContent}: ${row.summary} (${cameo.textContent})`,
      number, // in the file, where events stand by date
      day: Date.parse(row.date),
      group: groupOf[codes[0]],
      quadclass: quadclass.dataset.quadclass,
      kind: quadclass.textContent,
    };
  });

  // The table

  const order = new Intl.Collator("en"); // not numeric: CAMEO code 0211 stands before 022
  let left = [];
  let shown = STEP;
  let sorted = null; // the order of the rows, as the address names it

  for (const [selector, role] of [["thead, tbody", "rowgroup"], ["tr", "row"], ["th", "columnheader"], ["td", "cell"], ["td:first-child", "rowheader"]]) {
    for (const element of table.querySelectorAll(selector)) element.role = role; // Safari drops them from cards
  }
  table.role = "table";
  for (const head of table.tHead.rows[0].cells) {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: head.textContent });
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const key = head.dataset.key;
      form.elements.sort.value = head.ariaSort === "ascending" ? `-${key}` : key;
      filter.update();
    });
  }

  function sort() {
    sorted = form.elements.sort.value;
    const down = sorted.startsWith("-");
    const heads = [...table.tHead.rows[0].cells];
    const by = heads.find(({ dataset }) => dataset.key === sorted.slice(down ? 1 : 0))?.dataset.key ?? "date";
    for (const head of heads) head.ariaSort = head.dataset.key !== by ? null : down ? "descending" : "ascending";
    items.sort((one, other) => {
      const [a, b] = [one.keys[by], other.keys[by]];
      if (a === "" || b === "") return (a === "") - (b === ""); // an empty cell stands last in both orders
      const sign = (down ? -1 : 1) * (typeof a === "number" ? a - b : order.compare(a, b));
      return sign || one.number - other.number;
    });
    body.append(...items.map(({ element }) => element));
  }

  function showRows() {
    const fits = new Map(left.map((item, place) => [item, place]));
    for (const item of items) {
      item.element.hidden = !fits.has(item);
      item.element.classList.toggle("later", fits.get(item) >= shown); // printed, but not on the screen
    }
    const rest = left.length - shown;
    more.parentElement.hidden = rest <= 0;
    more.textContent = `Show ${Math.min(STEP, rest)} more`;
    all.textContent = `Show all ${left.length.toLocaleString("en-GB")}`;
  }

  more.addEventListener("click", () => { shown += STEP; showRows(); });
  all.addEventListener("click", () => { shown = left.length; showRows(); });

  // The file: the rows that are left, in their order and in the form of data/events.csv

  function download() {
    const cell = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    const lines = [Object.keys(items[0].row), ...left.map(({ row }) => Object.values(row))];
    const text = lines.map((line) => `${line.map(cell).join(",")}\n`).join("");
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
    link.download = left.length < items.length ? "events-filtered.csv" : "events.csv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  form.querySelector(".events-download").addEventListener("click", download);

  // The timeline: marks of equal size, piled up where they would cover each other

  const HEAD = 18; // of a lane, in pixels, for its name
  const FOOT = 20; // for the years
  let marks = []; // in the order of time, with their places
  let chosen = null;
  let drawn = 0; // width of the timeline
  let fitted = null; // size of the marks and lanes for these years and this width

  function draw(tag, attributes, text = "") {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.textContent = text;
    return element;
  }

  function inTime(one, other) {
    return one.day - other.day || one.number - other.number;
  }

  // Each event with its column and its number in the pile, from 1, of this column and lane.
  function pile(events, across, size, lane) {
    const heights = new Map();
    return events.map((item) => {
      const column = Math.floor(across(item.day) / size);
      const key = `${lane(item)} ${column}`;
      heights.set(key, (heights.get(key) ?? 0) + 1);
      return { item, column, floor: heights.get(key) };
    });
  }

  // All events of the years that are drawn decide on size and lanes, so that nothing moves when another filter changes.
  function fitLanes(events, lanes, lane, across, height) {
    for (let size = 11; ; size -= 0.5) {
      const highest = Object.fromEntries(lanes.map((name) => [name, 1]));
      for (const { item, floor } of pile(events, across, size, lane)) {
        highest[lane(item)] = Math.max(highest[lane(item)], floor);
      }
      const taken = lanes.reduce((sum, name) => sum + HEAD + highest[name] * size, FOOT);
      if (taken <= height || size <= 2) return { size, highest, spare: Math.max(0, height - taken) / lanes.length };
    }
  }

  function drawTimeline() {
    const { clientWidth: width, clientHeight: height } = svg;
    drawn = width;
    if (!width) return;
    const years = [...form.elements.from.options].slice(1).map(({ value }) => Number(value));
    const first = Number(form.elements.from.value) || years[0];
    const last = Math.max(first, Number(form.elements.to.value) || years.at(-1));
    const [start, end] = [Date.UTC(first), Date.UTC(last + 1)];
    const across = (day) => ((day - start) / (end - start)) * width;
    const byKind = form.elements.lanes.value === "kinds";
    const lane = byKind ? (item) => item.kind : (item) => item.group;
    const lanes = labels(byKind ? form.elements.kind : form.elements.partner);
    const scale = [first, last, byKind, width, height].join();
    if (scale !== fitted?.scale) {
      fitted = { scale, ...fitLanes(items.filter(({ day }) => day >= start && day < end), lanes, lane, across, height) };
    }
    const { size, highest, spare } = fitted;
    const parts = [];
    const step = [1, 2, 5, 10].find((each) => ((last + 1 - first) / each) * 44 <= width) ?? 20;
    for (let year = Math.ceil(first / step) * step; year <= last; year += step) {
      const x = across(Date.UTC(year)).toFixed(1);
      parts.push(draw("path", { class: "grid", d: `M${x},0V${height - FOOT + 4}` }));
      if (x < width - 32) parts.push(draw("text", { x: Number(x) + 3, y: height - 5 }, year));
    }
    const counts = {};
    for (const item of left) counts[lane(item)] = (counts[lane(item)] ?? 0) + 1;
    const ground = {};
    let y = 0;
    for (const name of lanes) {
      parts.push(draw("text", { class: "lane", x: 2, y: y + 13 }, `${name}: ${counts[name] ?? 0}`));
      y += HEAD + spare + highest[name] * size;
      ground[name] = y;
      parts.push(draw("path", { class: "ground", d: `M0,${y}H${width}` }));
    }
    const r = size / 2 - 0.5;
    marks = pile([...left].sort(inTime), across, size, lane).map(({ item, column, floor }) => {
      const [x, up] = [(column + 0.5) * size, ground[lane(item)] - (floor - 0.5) * size];
      const circle = `M${x - r},${up}a${r},${r} 0 1 0 ${2 * r},0a${r},${r} 0 1 0 ${-2 * r},0`;
      const diamond = `M${x},${up - r - 0.5}l${r + 0.5},${r + 0.5}l${-r - 0.5},${r + 0.5}l${-r - 0.5},${-r - 0.5}z`;
      const d = item.quadclass <= 2 ? circle : diamond;
      const element = draw("path", { class: `quadclass-${item.quadclass}`, "data-event": item.row.event_id, d });
      return { item, x, y: up, element };
    });
    svg.replaceChildren(...parts, ...marks.map(({ element }) => element));
    choose(marks.find(({ item }) => item === chosen?.item) ?? null);
  }

  function choose(mark) {
    chosen?.element.classList.remove("chosen");
    chosen = mark;
    chosen?.element.classList.add("chosen");
    svg.ariaValueMax = marks.length;
    svg.ariaValueNow = mark ? marks.indexOf(mark) + 1 : 0;
    svg.ariaValueText = mark ? mark.item.told : "none chosen";
    if (!mark) {
      const hint = "Point at a mark, or go from mark to mark with the arrow keys, to read the event.";
      card.textContent = marks.length ? hint : "No event fits the filter.";
      return;
    }
    const link = document.createElement("a");
    link.href = `#${mark.item.row.event_id}`;
    link.textContent = `${mark.item.row.event_id} in the table`;
    link.addEventListener("click", (event) => { event.preventDefault(); go(mark.item); });
    card.replaceChildren(`${mark.item.told} `, link);
  }

  function go({ row }) {
    if (location.hash === `#${row.event_id}`) filter.reveal();
    else location.hash = row.event_id;
  }

  function nearest(event) {
    const box = svg.getBoundingClientRect();
    let [found, closest] = [null, 14 ** 2];
    for (const mark of marks) {
      const distance = (mark.x - event.clientX + box.x) ** 2 + (mark.y - event.clientY + box.y) ** 2;
      if (distance < closest) [found, closest] = [mark, distance];
    }
    return found;
  }

  svg.addEventListener("pointermove", (event) => {
    const mark = nearest(event);
    svg.classList.toggle("on-mark", Boolean(mark));
    if (mark && mark !== chosen) choose(mark);
  });
  svg.addEventListener("click", (event) => {
    const mark = nearest(event);
    if (!mark) return;
    choose(mark);
    if (event.pointerType !== "touch") go(mark.item); // a finger reads first, then follows the link
  });
  svg.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return; // the browser's own
    const at = marks.indexOf(chosen);
    const steps = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10 };
    const to = { Home: 0, End: marks.length - 1 }[event.key] ?? at + steps[event.key]; // else not a number
    if (event.key === "Enter" && chosen) go(chosen.item);
    if (Number.isNaN(to) || !marks.length) return;
    event.preventDefault();
    choose(marks[Math.max(0, Math.min(to, marks.length - 1))]);
  });

  new ResizeObserver(() => { if (svg.clientWidth !== drawn) drawTimeline(); }).observe(svg);

  // All together

  const filter = courseFilter(form, items, {
    noun: "events",
    changed(fitting) {
      if (form.elements.sort.value !== sorted) sort();
      const wanted = new Set(fitting);
      left = items.filter((item) => wanted.has(item)); // in the order of the table
      shown = STEP;
      showRows();
      drawTimeline();
    },
    bring(item) {
      shown = Math.max(shown, left.indexOf(item) + 1);
      showRows();
    },
  });
  table.classList.add("ready");
})();
