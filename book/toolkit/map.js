// What every map of the course does beyond Leaflet. Text from the data is only ever set as text, never as HTML.
const courseMap = {
  // Land, borders and names of states from the shared base map; sea is the background.
  addBasemap(map) {
    const window_ = L.latLngBounds([35.8, 22], [66, 110]);
    map.setMaxBounds(window_.pad(0.05));
    // The keyboard comes to the controls first, not after every route.
    map.getContainer().prepend(map.getContainer().querySelector(".leaflet-control-container"));
    map.attributionControl.setPrefix("Leaflet");
    L.geoJSON(courseBasemap, {
      interactive: false,
      attribution: "Natural Earth, GeoNames",
      style: (feature) => ({
        color: "#b9b0a3",
        weight: 0.8,
        fillColor: feature.properties.name === "Kazakhstan" ? "#fdf6df" : "#f3efe8",
        fillOpacity: 1,
      }),
    }).addTo(map);
    for (const { properties } of courseBasemap.features) {
      if (!properties.label) continue;
      const name = document.createElement("span");
      name.textContent = properties.name;
      const icon = L.divIcon({ className: "country-name", html: name, iconSize: null });
      L.marker(properties.label, { icon, interactive: false, keyboard: false }).addTo(map);
    }
  },

  // A layer of lines, each in its own style.
  lines(features) {
    return L.geoJSON(features, { style: (feature) => feature.properties.style, onEachFeature: courseMap.describe });
  },

  // A feature with `name` and `details` gets a tooltip, a popup and a place in the tab order.
  describe(feature, layer) {
    const { name, details } = feature.properties;
    const label = document.createElement("span");
    label.textContent = name;
    layer.bindTooltip(label, { sticky: true });
    layer.bindPopup(() => courseMap.popup(name, details), { maxWidth: 300, minWidth: 220 });
    layer.on("add", () => {
      const path = layer.getElement();
      path.setAttribute("tabindex", "0");
      path.setAttribute("role", "button");
      path.setAttribute("aria-label", name);
      path.addEventListener("keydown", (event) => {
        if (event.key === "Escape") layer.closePopup();
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        layer.openPopup();
      });
    });
  },

  popup(name, details) {
    const content = document.createElement("div");
    const list = document.createElement("dl");
    content.append(document.createElement("h2"), list);
    content.firstChild.textContent = name;
    list.className = "route-details";
    list.tabIndex = 0;
    for (const [term, text] of details) {
      list.append(document.createElement("dt"), document.createElement("dd"));
      list.lastChild.previousSibling.textContent = term;
      list.lastChild.textContent = text;
    }
    return content;
  },
};
