"""Maps that need no network: folium on the course's own base map.

folium asks ten addresses on four hosts for its scripts and style sheets. ``Map`` takes Leaflet from the installed
package ``xstatic-leaflet`` instead (the version that folium 0.20 asks for) and draws ``data/basemap.geojson`` where
folium would ask for tiles. In a notebook the map carries all this with it; in the built book the pages share it
(``book/_ext/course_maps.py`` takes it out of the map again).
"""

import base64
import copy
import html
import json
import re
from functools import cache
from pathlib import Path

import folium
import pandas as pd
from branca.element import Element, MacroElement
from folium.map import Layer
from folium.template import Template
from folium.utilities import JsCode
from xstatic.pkg import leaflet

from . import data

# Degrees, south-west and north-east: from the Black Sea to Xinjiang.
REGION = [[36.5, 34.0], [57.0, 90.0]]

COMMODITY_COLOURS = {"oil": "#8a3b12", "gas": "#1f6fb2", "freight": "#5b3d8a"}

# Stroke patterns of a line (SVG stroke-dasharray), so that status can be told without colour.
STATUS_DASHES = {
    "operating": "",
    "reversed": "14 5",
    "mothballed": "7 6",
    "under construction": "3 5",
    "planned": "1 7",
    "shelved": "1 7 7 7",
}


@cache
def assets():
    """What every map needs, by file name: Leaflet, the base map and the behaviour of the course's maps.

    Returns
    -------
    dict of str to str
        File name (``.css`` or ``.js``) and its text. No text asks for another file.
    """
    folder = Path(leaflet.BASE_DIR)
    shapes = json.dumps(data.load("basemap"), ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    return {
        "leaflet.css": _inline_images((folder / "leaflet.css").read_text("utf-8"), folder),
        "leaflet.js": (folder / "leaflet.js").read_text("utf-8").replace("//# sourceMappingURL=leaflet.js.map", ""),
        "basemap.js": f"const courseBasemap = {shapes};\n",
        "course-map.css": Path(__file__).with_name("map.css").read_text("utf-8"),
        "course-map.js": Path(__file__).with_name("map.js").read_text("utf-8"),
    }


def asset_tag(name):
    """The HTML element that carries one asset inside a map."""
    kind = "style" if name.endswith(".css") else "script"
    return f"<{kind}>{assets()[name]}</{kind}>"


class Map(folium.Map):
    """A folium map on the course's base map; everything that folium can add to a map can be added to it.

    Parameters
    ----------
    title : str
        What the map is, in a few words; unique on its page. Screen readers announce it.
    description : str
        What the map shows, for those who do not see it. Stands under the map.
    bounds : list, optional
        ``[[south, west], [north, east]]`` in degrees (WGS 84).
    height : int, optional
        Height in CSS pixels.
    """

    default_js = []
    default_css = []

    def __init__(self, title, description, bounds=REGION, height=460):
        super().__init__(tiles=None, control_scale=True, min_zoom=3, max_zoom=9, zoom_snap=0.25)
        self.title, self.description, self.frame_height = title, description, height
        self.legend = []
        self.fit_bounds(bounds)
        self.add_child(_Basemap())

    def document(self):
        """The whole map as one HTML document, the same for the same map: ids are numbered, not random."""
        figure = copy.deepcopy(self.get_root())  # rendering adds to a figure
        figure.title = html.escape(self.title)
        head = '<html lang="en">\n<head>\n' + "\n".join(map(asset_tag, assets()))
        text = re.sub(r"<html>\s*<head>", lambda _: head, figure.render(), count=1)
        slug = re.sub(r"\W+", "_", self.title.lower(), flags=re.ASCII).strip("_")
        numbered = {}
        random_ids = "|".join(element._id for element in _elements(figure))
        return re.sub(random_ids, lambda id_: numbered.setdefault(id_[0], f"{slug}_{len(numbered)}"), text)

    def _repr_html_(self, **kwargs):
        legend = "".join(f"<li>{swatch} {html.escape(label)}</li>" for swatch, label in self.legend)
        return (
            f'<figure class="course-map"><iframe loading="lazy" title="{html.escape(self.title)}" height="{self.frame_height}" '
            f'style="width:100%;border:0" srcdoc="{html.escape(self.document())}"></iframe>'
            f"{f'<ul>{legend}</ul>' if legend else ''}"
            f"<figcaption><strong>{html.escape(self.title)}.</strong> {html.escape(self.description)}</figcaption>"
            "</figure>"
        )

    def __repr__(self):
        return f"{self.title}. {self.description}"


class _Basemap(MacroElement):
    """Land, borders and names of states under everything else."""

    _template = Template(
        "{% macro script(this, kwargs) %}courseMap.addBasemap({{ this._parent.get_name() }});{% endmacro %}"
    )
    _name = "Basemap"


class _Lines(Layer):
    """A layer of GeoJSON features with ``name``, ``details`` and ``style``.

    ``folium.GeoJson`` would do, but folium renders what it has rendered once more as a template: ``{{`` in a table
    would be run as code, and ``folium.GeoJsonPopup`` takes text for HTML.
    """

    _template = Template(
        "{% macro script(this, kwargs) %}var {{ this.get_name() }} = courseMap.lines({{ this.shapes }});{% endmacro %}"
    )
    _name = "Lines"

    def __init__(self, features, name):
        super().__init__(name=name, overlay=True)
        self.shapes = re.sub(r"\{(?=[{%#])", r"\\u007b", json.dumps(features).replace("<", r"\u003c"))


def add_routes(chart, routes, waypoints):
    """Draw export routes on a map: a layer for each commodity, mode and state of use, details on click or Enter.

    Colour tells the commodity, the pattern of the line its status.

    Parameters
    ----------
    chart : Map
    routes : pandas.DataFrame
        Rows of the table ``export_routes``, or some of them.
    waypoints : pandas.DataFrame
        The table ``route_waypoints``: longitude and latitude in degrees (WGS 84), in the order of ``seq``.

    Returns
    -------
    Map
        The same map.
    """
    points = {key: group.sort_values("seq") for key, group in waypoints.groupby("route_id")}
    routes = routes[routes["route_id"].isin(points)]  # a plan may have no course yet
    layers = {}
    for route in routes.to_dict("records"):
        line = points[route["route_id"]]
        layers.setdefault(_layer_name(route), []).append(
            {
                "type": "Feature",
                "geometry": {"type": "LineString", "coordinates": line[["lon", "lat"]].to_numpy().tolist()},
                "properties": {
                    "name": f"{route['name']} ({route['commodity']}, {route['status']})",
                    "details": _details(route),
                    "style": {
                        "color": COMMODITY_COLOURS[route["commodity"]],
                        "weight": 3,
                        "opacity": 0.95,
                        "dashArray": STATUS_DASHES[route["status"]],
                    },
                },
            }
        )
    for name in sorted(layers):
        _Lines(layers[name], name).add_to(chart)
    # Open where there is room for it; a button on a phone.
    folium.LayerControl(collapsed=JsCode("window.innerWidth < 600")).add_to(chart)
    for commodity in sorted(set(routes["commodity"])):
        chart.legend.append((_swatch(COMMODITY_COLOURS[commodity], ""), commodity))
    for status in STATUS_DASHES:
        if status in set(routes["status"]):
            chart.legend.append((_swatch("#444", STATUS_DASHES[status]), status))
    return chart


def _layer_name(route):
    in_use = "" if route["status"] in ("operating", "reversed") else ", not in use"
    return f"{route['commodity'].capitalize()} by {route['mode']}{in_use}"


def _details(route):
    """What a popup says of a route: pairs of term and text, gaps left out."""
    length = _number_text(route["length_km"], "km")
    if (inside := _number_text(route["length_kz_km"], "km")) is not None:
        length = f"{length or 'not found'}, of which in Kazakhstan {inside}"
    pairs = {
        "From": f"{route['from_place']} to {route['to_place']}",
        "Capacity": _number_text(route["capacity"], route["unit"]),
        "Length": length,
        "Status": route["status"],
        "In use since": _number_text(route["start_year"], ""),
        "Operator": route["operator"],
        "Transit states": ", ".join(route["transit"].split(";")) if not pd.isna(route["transit"]) else "none",
        "Note": route["note"],
        "Drawn course": route["drawing"],
        "Source": route["source"],
    }
    return [[term, text] for term, text in pairs.items() if not pd.isna(text)]


def _number_text(value, unit):
    return None if pd.isna(value) else f"{value:g} {unit}".strip()


def _swatch(colour, dashes):
    """A short line as it stands on the map, for the legend; the word beside it says the same."""
    return (
        f'<svg aria-hidden="true" width="44" height="8"><line x1="2" y1="4" x2="42" y2="4" stroke="{colour}" '
        f'stroke-width="3" stroke-dasharray="{dashes}"/></svg>'
    )


def _elements(element):
    """An element of a folium map and everything below it."""
    yield element
    for child in element._children.values():
        yield from _elements(child)
    for part in ("header", "html", "script"):  # of a figure
        if isinstance(child := getattr(element, part, None), Element):
            yield from _elements(child)


def _inline_images(css, folder):
    """Put the images that a style sheet names into it, as data URLs."""

    def data_url(match):
        content = base64.b64encode((folder / match[1]).read_bytes()).decode()
        return f"url(data:image/png;base64,{content})"

    # Internet Explorer's behaviours have no file behind them.
    return re.sub(r"url\((images/[\w-]+\.png)\)", data_url, css)
