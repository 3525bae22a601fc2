// What every map of the course does beyond Leaflet. Text from the data is only ever set as text, never as HTML.
const courseMap = {
  mapped: [[35.8, 22], [66, 110]], // what the base map shows
  placesFrom: 6.5, // from this zoom on places appear,
  namesFrom: [7.5, 9], // from these the names of stations, crossings and ports, and of towns
  routes: [], // every route with its line, its layer and its name
  pieces: [], // functions that draw what is not drawn yet

  // Draw what there is time for. The rest comes after a pause, in which the page around the map can answer its reader.
  draw(map, milliseconds = 6) {
    const end = performance.now() + milliseconds;
    while (courseMap.pieces.length && performance.now() < end) courseMap.pieces.shift()();
    if (courseMap.pieces.length) setTimeout(courseMap.draw, 0, map);
    else map.getContainer().removeAttribute("aria-busy");
  },

  // The base map, the home view and the controls.
  start(map, home) {
    const container = map.getContainer();
    container.setAttribute("aria-busy", "true");
    container.setAttribute("role", "region");
    container.setAttribute("aria-label", `${document.title}. Arrow keys move the map, plus and minus zoom.`);
    // The keyboard comes to the controls first, not after every route.
    container.prepend(container.querySelector(".leaflet-control-container"));
    const edge = L.latLngBounds(courseMap.mapped).pad(0.05);
    const still = { animate: false };
    map.fitBounds(home, still).panInsideBounds(edge, still).setMaxBounds(edge); // moved before there is much to move
    map.attributionControl.setPrefix("Leaflet");
    L.control.scale({ imperial: false }).addTo(map);
    courseMap.button(map, "Home view", "M2 8 8 2l6 6M4 7v7h8V7", () => map.fitBounds(home, { animate: false }));
    courseMap.addFullScreen(map);
    courseMap.addBasemap(map);
    map.createPane("places").style.zIndex = 450;
    setTimeout(courseMap.draw, 0, map);
    addEventListener("beforeprint", () => courseMap.draw(map, Infinity));
  },

  // Land, borders and names of states from the shared base map; sea is the background.
  addBasemap(map) {
    map.createPane("states").style.zIndex = 350;
    map.createPane("names").style.zIndex = 430;
    L.rectangle(courseMap.mapped, { pane: "states", className: "sea", stroke: false, interactive: false }).addTo(map);
    const attribution = "Natural Earth, GeoNames";
    const drawState = ({ name, label, polygons }) => {
      const className = name === "Kazakhstan" ? "state home" : "state";
      const rings = polygons.map((polygon) => polygon.map(courseMap.points));
      L.polygon(rings, { pane: "states", className, weight: 0.8, interactive: false, attribution }).addTo(map);
      if (!label) return;
      const icon = L.divIcon({ className: "country-name", html: courseMap.element("span", name), iconSize: null });
      L.marker(label, { icon, pane: "names", interactive: false, keyboard: false }).addTo(map);
    };
    courseMap.pieces.push(...courseBasemap.map((state) => () => drawState(state)));
  },

  // Latitudes and longitudes of a ring, which comes as steps of hundredths of a degree, east and north by turns.
  points(steps) {
    let [east, north] = [0, 0];
    return steps.flatMap((step, i) => (i % 2 ? [[(north += step) / 100, east / 100]] : ((east += step), [])));
  },

  // One more button under plus and minus, with an icon of lines.
  button(map, label, icon, act) {
    const button = document.createElement("button");
    button.type = "button";
    button.innerHTML = `<svg aria-hidden="true" viewBox="0 0 16 16"><path d="${icon}"/></svg>`;
    button.title = label;
    button.setAttribute("aria-label", label);
    L.DomEvent.disableClickPropagation(button);
    button.addEventListener("click", act);
    map.zoomControl.getContainer().append(button);
    return button;
  },

  // The whole figure, with its legend, fills the screen.
  addFullScreen(map) {
    const figure = window.frameElement?.closest("figure") ?? document.documentElement;
    const page = figure.ownerDocument;
    if (!page.fullscreenEnabled) return;
    const button = courseMap.button(map, "Full screen", "M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4", () =>
      page.fullscreenElement ? page.exitFullscreen() : figure.requestFullscreen(),
    );
    button.setAttribute("aria-pressed", "false");
    page.addEventListener("fullscreenchange", () =>
      button.setAttribute("aria-pressed", String(page.fullscreenElement === figure)),
    );
  },

  // A layer of routes.
  lines(routes) {
    const layer = L.layerGroup();
    for (const route of routes) {
      route.layer = layer;
      courseMap.pieces.push(() => courseMap.addRoute(route));
    }
    courseMap.routes.push(...routes);
    return layer;
  },

  // A line, and under it a wide and faint one: it is easier to hit and shows which line is meant.
  addRoute(route) {
    const halo = L.polyline(route.line, { pane: "states", className: "halo", weight: Math.max(route.weight + 8, 14) });
    const line = L.polyline(route.line, {
      className: "route",
      color: route.colour,
      weight: route.weight,
      opacity: 0.95,
      dashArray: route.dash,
    });
    route.shape = line;
    const label = () => courseMap.element("span", route.name);
    line.bindTooltip(label, { sticky: true });
    halo.bindTooltip(label, { sticky: true });
    line.bindPopup(() => courseMap.routeDetails(route), { maxWidth: 340, minWidth: 220 });
    halo.on("click", (event) => line.openPopup(event.latlng));
    const show = (shown) => () => halo.getElement()?.classList.toggle("shown", shown || line.isPopupOpen());
    for (const part of [line, halo]) part.on("mouseover", show(true)).on("mouseout", show(false));
    line.on("popupopen", show(true));
    line.on("popupclose", () => halo.getElement()?.classList.remove("shown"));
    line.on("add", () => {
      const path = line.getElement();
      courseMap.operable(path, route.name, line);
      path.addEventListener("focus", () => {
        if (!line._map.getBounds().intersects(line.getBounds())) line._map.panTo(line.getCenter(), { animate: false });
        halo.getElement().classList.toggle("shown", path.matches(":focus-visible"));
      });
      path.addEventListener("blur", show(false));
    });
    halo.addTo(route.layer);
    line.addTo(route.layer);
  },

  // What a mouse opens by a click, a keyboard opens by Enter or the space bar and closes by Escape.
  operable(element, name, layer) {
    element.setAttribute("role", "button");
    element.setAttribute("aria-label", name);
    element.setAttribute("tabindex", "-1");
    element.addEventListener("keydown", (event) => {
      if (event.key === "Escape") layer.closePopup();
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      event.stopPropagation();
      courseMap.openByKeyboard(layer);
    });
  },

  // The focus goes into the popup, and back to its line or place when it is closed.
  openByKeyboard(layer) {
    layer.openPopup().closeTooltip();
    const popup = layer.getPopup().getElement();
    popup.querySelector(".details").focus({ preventScroll: true });
    popup.addEventListener("keydown", (event) => event.key === "Escape" && layer.closePopup());
    layer.once("popupclose", () => {
      if (popup.contains(document.activeElement)) layer.getElement()?.focus({ preventScroll: true });
    });
  },

  routeDetails(route) {
    const { element } = courseMap;
    const details = courseMap.details(route.name);
    details.append(courseMap.terms(route.details));
    if (route.figures?.length) details.append(element("h3", "Where figures differ or stand apart"));
    for (const [term, figures] of route.figures ?? []) {
      const list = element("ul");
      for (const [text, used, source, note] of figures) {
        const entry = element("li");
        entry.append(element("b", text), used ? " (used here)" : "", note && `. ${note}`, `. ${source}`);
        list.append(entry);
      }
      details.append(element("h4", figures.some(([, used]) => used) ? term : `${term}: none is used`), list);
    }
    const along = element("details");
    const stops = element("ol");
    for (const [name, kind, km] of route.stops) stops.append(element("li", `km ${km}: ${name}, ${kind}`));
    along.append(element("summary", `${route.stops.length} places along the line, by km as drawn`), stops);
    details.append(along);
    return details;
  },

  // The body of a popup; it can be scrolled by keyboard.
  details(name) {
    const details = courseMap.element("section");
    details.className = "details";
    details.tabIndex = 0;
    details.setAttribute("aria-label", name);
    details.append(courseMap.element("h2", name));
    return details;
  },

  terms(pairs) {
    const list = courseMap.element("dl");
    for (const [term, text] of pairs) list.append(courseMap.element("dt", term), courseMap.element("dd", text));
    return list;
  },

  element(tag, text = "") {
    const element = document.createElement(tag);
    element.textContent = text;
    return element;
  },

  // What needs all routes.
  finish(map, search) {
    if (search) courseMap.addSearch(map);
    courseMap.pieces.push(() => {
      courseMap.addPlaces(map);
      const lines = map.getPane("overlayPane").querySelector("svg");
      courseMap.rove(map, lines, "path.route", "Lines");
      courseMap.rove(map, map.getPane("places"), ".place", "Places on the lines");
    });
  },

  // Towns, stations, crossings and ports: those of the lines that are shown, in view, from a certain zoom on.
  addPlaces(map) {
    const spots = new Map();
    for (const route of courseMap.routes) {
      route.stops.forEach(([name, kind, km], index) => {
        const key = route.line[index].join();
        if (!spots.has(key)) spots.set(key, { name, kinds: new Set(), at: route.line[index], lines: [] });
        spots.get(key).kinds.add(kind);
        spots.get(key).lines.push([route, km]);
      });
    }
    const update = () => {
      const near = map.getZoom() >= courseMap.placesFrom;
      const view = map.getBounds().pad(0.1);
      const [named, allNamed] = courseMap.namesFrom.map((zoom) => map.getZoom() >= zoom);
      map.getPane("places").classList.toggle("named", named);
      map.getPane("places").classList.toggle("all-named", allNamed);
      for (const spot of spots.values()) {
        if (near && view.contains(spot.at) && spot.lines.some(([route]) => map.hasLayer(route.layer))) {
          spot.marker ??= courseMap.placeMarker(spot);
          spot.marker.addTo(map);
        } else if (!spot.marker?.isPopupOpen()) spot.marker?.remove();
      }
    };
    map.on("moveend overlayadd overlayremove", update);
    update();
  },

  placeMarker({ name, kinds, at, lines }) {
    const kind = [...kinds].sort((a, b) => (a === "town") - (b === "town")); // what it is for the lines comes first
    const label = `${name}, ${kind.join(", ")}`;
    const icon = L.divIcon({
      className: `place ${kind[0]}`,
      html: courseMap.element("span", name.replace(/ \(.*/, "")), // the whole name is in the tooltip
      iconSize: [24, 24],
    });
    const marker = L.marker(at, { icon, pane: "places", keyboard: false });
    marker.bindTooltip(() => courseMap.element("span", label), { offset: [8, 0] });
    marker.bindPopup(() => {
      const details = courseMap.details(label);
      details.append(
        courseMap.terms(lines.map(([route, km]) => [route.name, `km ${km} of ${route.stops.at(-1)[2]} as drawn`])),
      );
      return details;
    });
    marker.on("add", () => courseMap.operable(marker.getElement(), label, marker));
    return marker;
  },

  // Many elements are one stop in the tab order; the arrow keys move between them.
  rove(map, root, selector, label) {
    const all = () => [...root.querySelectorAll(selector)];
    const settle = () => {
      const elements = all();
      for (const name of ["role", "aria-label"]) root.removeAttribute(name);
      if (!elements.length) return; // a name without a role says nothing
      root.setAttribute("role", "toolbar");
      root.setAttribute("aria-label", `${label}: arrow keys move between them`);
      const current = elements.find((element) => element.getAttribute("tabindex") === "0") ?? elements[0];
      for (const element of elements) element.setAttribute("tabindex", element === current ? "0" : "-1");
    };
    root.addEventListener("focusin", ({ target }) => {
      if (!target.matches(selector)) return;
      for (const element of all()) element.setAttribute("tabindex", element === target ? "0" : "-1");
    });
    root.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (!step) return;
      const elements = all();
      const place = elements.indexOf(document.activeElement);
      elements[(place + step + elements.length) % elements.length].focus({ preventScroll: true });
      event.preventDefault();
      event.stopPropagation();
    });
    map.on("moveend overlayadd overlayremove", settle);
    settle();
  },

  // A field that finds routes by their name, a place on them or a state.
  addSearch(map) {
    const { element, plain } = courseMap;
    const box = element("div");
    const field = element("input");
    const results = element("div");
    box.className = "leaflet-control search";
    results.className = "results";
    results.setAttribute("role", "status");
    Object.assign(field, { type: "search", placeholder: "Find a route", autocomplete: "off", spellcheck: false });
    field.setAttribute("aria-label", "Find a route by name, town or state");
    box.append(field, results);
    L.DomEvent.disableClickPropagation(box);
    L.DomEvent.disableScrollPropagation(box);
    const update = () => {
      const words = plain(field.value);
      const found = words ? courseMap.routes.map((route) => [route, courseMap.match(route, words)]) : [];
      const hits = found.filter(([, why]) => why).sort(([, a], [, b]) => a.rank - b.rank);
      results.replaceChildren(...(words ? [element("p", `${hits.length} found`)] : []));
      for (const [route, { why }] of hits) {
        const button = element("button", route.name);
        button.type = "button";
        if (why) button.append(element("small", why));
        button.addEventListener("click", (event) => {
          event.stopPropagation(); // once the button is gone, Leaflet takes the click for one on the map
          field.value = "";
          update();
          courseMap.goTo(map, route);
        });
        results.append(button);
      }
    };
    field.addEventListener("input", update);
    box.addEventListener("keydown", (event) => {
      const stops = [field, ...results.querySelectorAll("button")];
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step) stops[stops.indexOf(document.activeElement) + step]?.focus();
      else if (event.key === "Enter" && document.activeElement === field) stops[1]?.click();
      else if (event.key === "Escape") {
        field.value = "";
        update();
        field.focus();
      } else return;
      event.preventDefault();
    });
    const control = L.control({ position: "topright" });
    control.onAdd = () => box;
    control.addTo(map);
  },

  // Why a route answers a search, or nothing.
  match(route, words) {
    const { plain } = courseMap;
    const terms = Object.fromEntries(route.details);
    if (plain(route.name).includes(words)) return { rank: 0, why: "" };
    if (plain(terms.From).includes(words)) return { rank: 1, why: terms.From };
    const state = route.states.find((name) => plain(name).includes(words));
    if (state) return { rank: 2, why: `drawn through ${state}` };
    if (plain(terms["Transit states"]).includes(words)) return { rank: 2, why: `transit: ${terms["Transit states"]}` };
    const stop = route.stops.find(([name]) => plain(name).includes(words));
    return stop && { rank: 3, why: `passes ${stop[0]}` };
  },

  // Letters without marks and capitals, so that nobody needs a Turkish keyboard.
  plain(text) {
    return text.normalize("NFD").replace(/[\p{M}’‘'ʹ]/gu, "").replaceAll("ı", "i").toLowerCase().replace(/[–—]/g, "-").trim();
  },

  goTo(map, route) {
    courseMap.draw(map, Infinity);
    route.layer.addTo(map);
    map.fitBounds(route.shape.getBounds(), { animate: false, maxZoom: 7, padding: [20, 20] });
    courseMap.openByKeyboard(route.shape);
  },

  // Light or dark as the page around the map: of the course, or of JupyterLab.
  followTheme() {
    const page = parent.document;
    const apply = () => {
      const dark = page.documentElement.dataset.theme === "dark" || page.body.dataset.jpThemeLight === "false";
      document.documentElement.dataset.theme = dark ? "dark" : "light";
    };
    const observer = new MutationObserver(apply);
    for (const element of [page.documentElement, page.body])
      observer.observe(element, { attributeFilter: ["data-theme", "data-jp-theme-light"] });
    apply();
  },
};
courseMap.followTheme();
