"""Maps that need no network: folium on the course's own base map.

folium asks ten addresses on four hosts for its scripts and style sheets. ``Map`` takes Leaflet from the installed
package ``xstatic-leaflet`` instead (the version that folium 0.20 asks for) and draws ``data/basemap.geojson`` where
folium would ask for tiles. In a notebook the map carries all this with it; in the built book the pages share it
(``book/_ext/course_maps.py`` takes it out of the map again). Where no HTML can be shown, a picture drawn by
matplotlib stands for the map (``book/toolkit/mapimage.py``).
"""

import copy
import html
import json
import re
from functools import cache

import folium
import pandas as pd
from branca.element import Element, MacroElement
from folium.map import Layer
from folium.template import Template
from folium.utilities import JsCode
from matplotlib.ticker import MaxNLocator

from . import data, distances, mapimage
from .assets import asset_tag, assets

# Degrees, south-west and north-east: from the Black Sea to Xinjiang.
REGION = [[36.5, 34.0], [57.0, 90.0]]

# Each has a contrast of 3 or more to land and sea, on the light map as on the dark one.
COMMODITY_COLOURS = {"oil": "#b8622a", "gas": "#2f80c6", "freight": "#8a68c4"}

# Stroke patterns of a line (SVG stroke-dasharray), so that status can be told without colour.
STATUS_DASHES = {
    "operating": "",
    "reversed": "14 5",
    "mothballed": "7 6",
    "under construction": "3 5",
    "planned": "1 7",
    "shelved": "1 7 7 7",
}

IDLE = "Not in use"  # the layer of all routes that are planned, under construction, mothballed or shelved

# Widths of lines in CSS pixels: of all lines where width means nothing; of the least and the largest figure where it
# does; and of a line without a figure.
PLAIN, THINNEST, WIDEST, UNKNOWN = 3, 2, 13, 1

# The attributes of the table route_figures, as a popup names them.
FIGURE_TERMS = {
    "capacity": "Capacity",
    "length_km": "Length",
    "length_kz_km": "Length in Kazakhstan",
    "start_year": "In use since",
}

# From this number of routes on a map has a search field.
MANY = 20


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
        super().__init__(tiles=None, min_zoom=3, max_zoom=9, zoom_snap=0.25)
        self.title, self.description, self.frame_height, self.home = title, description, height, bounds
        self.legend = {}  # title of a group: its entries, each a style of line or None, and a label
        self.drawn = []  # routes, for the picture
        self.add_child(_Start())

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
        legend = "".join(
            f'<ul aria-label="{html.escape(title)}">'
            + "".join(f"<li>{_swatch(**style) if style else ''} {html.escape(label)}</li>" for style, label in entries)
            + "</ul>"
            for title, entries in self.legend.items()
        )
        return (
            f'<figure class="course-map">{_FULL_SCREEN}<iframe loading="lazy" title="{html.escape(self.title)}" '
            f'height="{self.frame_height}" style="width:100%;border:0" '
            f'srcdoc="{html.escape(self.document())}"></iframe>'
            f"{legend}"
            f"<figcaption><strong>{html.escape(self.title)}.</strong> {html.escape(self.description)}</figcaption>"
            "</figure>"
        )

    def _repr_png_(self):
        return mapimage.draw(self)

    def __repr__(self):
        return f"{self.title}. {self.description}"


# A notebook has no style sheet of the course, and in full screen the map must fill what the legend leaves.
_FULL_SCREEN = (
    "<style>.course-map:fullscreen{display:flex;flex-direction:column;margin:0;overflow:auto;"
    "background:var(--pst-color-background,Canvas);color:var(--pst-color-text-base,CanvasText)}"
    ".course-map:fullscreen iframe{flex:1 0 60vh;max-height:none}</style>"
)


class _Start(MacroElement):
    """Land, borders and names of states under everything else, the view and the buttons."""

    _template = Template(
        "{% macro script(this, kwargs) %}"
        "courseMap.start({{ this._parent.get_name() }}, {{ this._parent.home | tojson }});"
        "{% endmacro %}"
    )
    _name = "Start"


class _Lines(Layer):
    """A layer of routes.

    ``folium.GeoJson`` would do, but folium renders what it has rendered once more as a template: ``{{`` in a table
    would be run as code, and ``folium.GeoJsonPopup`` takes text for HTML.
    """

    _template = Template(
        "{% macro script(this, kwargs) %}var {{ this.get_name() }} = courseMap.lines({{ this.routes }});{% endmacro %}"
    )
    _name = "Lines"

    def __init__(self, routes, name):
        super().__init__(name=name, overlay=True)
        text = json.dumps(routes, ensure_ascii=False, separators=(",", ":")).replace("<", r"\u003c")
        text = text.replace("'", r"\u0027")  # a page can hold a map between single quotes, and has no &quot; to send
        self.routes = re.sub(r"\{(?=[{%#])", r"\\u007b", text)


class _Finish(MacroElement):
    """What needs all routes: the places on them and, where there are many, a search field."""

    _template = Template(
        "{% macro script(this, kwargs) %}"
        "courseMap.finish({{ this._parent.get_name() }}, {{ this.search | tojson }});"
        "{% endmacro %}"
    )
    _name = "Finish"

    def __init__(self, search):
        super().__init__()
        self.search = search


def add_routes(chart, routes, waypoints, figures=None, width=None):
    """Draw export routes on a map: a layer for each kind of route, details on click or Enter, places from a near view.

    Colour tells the commodity, the pattern of a line its status. A map of many routes gets a search field, and one of
    several layers a box to switch them.

    Parameters
    ----------
    chart : Map
    routes : pandas.DataFrame
        Rows of the table ``export_routes``, or some of them.
    waypoints : pandas.DataFrame
        The table ``route_waypoints``: longitude and latitude in degrees (WGS 84), in the order of ``seq``.
    figures : pandas.DataFrame, optional
        The table ``route_figures``: where sources differ, the details of a route list every figure.
    width : "capacity" or pandas.Series, optional
        What the width of a line means: the capacity in the unit of the table, or figures of your own, with
        ``route_id`` as index; the name of the Series, with its unit, stands in the legend. A route without a figure is
        a thin line. Without ``width`` all lines are alike.

    Returns
    -------
    Map
        The same map.

    Raises
    ------
    ValueError
        If ``width`` is something else, has no name, or has a route that is not among ``routes``, a route twice or a
        negative figure.
    """
    values, meaning = _width_values(routes, width)
    points = {key: group.sort_values("seq") for key, group in waypoints.groupby("route_id")}
    routes = routes[routes["route_id"].isin(points)]  # a plan may have no course yet
    largest = values[values.index.isin(routes["route_id"])].max()
    layers = {}
    for route in routes.to_dict("records"):
        weight = PLAIN if width is None else _weight(values.get(route["route_id"]), largest)
        drawn = _drawn(route, points[route["route_id"]], weight)
        if figures is not None:
            drawn["figures"] = _figures(figures[figures["route_id"] == route["route_id"]])
        layers.setdefault(_layer_name(route), []).append(drawn)
    for name in sorted(layers, key=lambda name: (name == IDLE, name)):
        layers[name].sort(key=lambda drawn: -drawn["weight"])  # a thin line lies on a wide one
        _Lines(layers[name], name).add_to(chart)
        chart.drawn += layers[name]
    _Finish(search=len(routes) >= MANY).add_to(chart)
    if len(layers) > 1:  # open where there is room for it; a button on a phone
        folium.LayerControl(collapsed=JsCode("window.innerWidth < 600")).add_to(chart)
    _explain(chart.legend, routes)
    if width is not None:
        _explain_width(chart.legend, meaning, values.reindex(routes["route_id"]))
    return chart


def _drawn(route, line, weight):
    """A route as map.js and mapimage.py draw it."""
    course = line[["lat", "lon"]].to_numpy()
    km = distances.along(course)
    states = distances.by_state(course)
    return {
        "name": f"{route['name']} ({route['commodity']}, {route['status']})",
        "colour": COMMODITY_COLOURS[route["commodity"]],
        "weight": weight,
        "dash": _dash(route["status"], weight),
        "line": course.tolist(),
        "stops": [list(stop) for stop in zip(line["name"], line["kind"], km.round().astype(int).tolist())],
        "states": list(states),
        "details": _details(route, km[-1], states),
    }


def _width_values(routes, width):
    """Figures by route and what they mean."""
    if width is None:
        return pd.Series(dtype=float), ""
    if isinstance(width, str) and width == "capacity":
        units = " or ".join(sorted(routes["unit"].dropna().unique(), reverse=True))
        return routes.set_index("route_id")["capacity"], f"capacity in {units}"
    if not isinstance(width, pd.Series):
        raise ValueError(f'width is "capacity" or a Series of figures by route_id, not {width!r}')
    if not width.name:
        raise ValueError('width: a Series needs a name with its unit, such as "oil in 2024, Mt", for the legend')
    if unknown := sorted(set(width.index) - set(routes["route_id"])):
        raise ValueError(f"width: not among the routes of this map: {', '.join(map(str, unknown))}")
    if width.index.has_duplicates:
        raise ValueError(f"width: more than one figure for {', '.join(width.index[width.index.duplicated()].unique())}")
    if (width < 0).any():
        raise ValueError(f"width: a negative figure for {', '.join(width.index[width < 0])}")
    return width, width.name


def _weight(value, largest):
    """Width of a line in CSS pixels; it grows evenly with the figure."""
    if value is None or pd.isna(value):
        return UNKNOWN
    return round(THINNEST + (WIDEST - THINNEST) * float(value / largest if largest else 0), 1)


def _dash(status, weight):
    """The pattern of a status in SVG; on a wider line it is longer, or round ends would fill the gaps."""
    scale = max(weight / PLAIN, 0.7)
    return " ".join(f"{float(length) * scale:.3g}" for length in STATUS_DASHES[status].split())


def _explain(legend, routes):
    """Put colours and patterns into the legend."""
    legend.setdefault("Colour", []).extend(
        ({"colour": COMMODITY_COLOURS[commodity]}, commodity) for commodity in sorted(set(routes["commodity"]))
    )
    legend.setdefault("Status", []).extend(
        ({"dash": _dash(status, PLAIN)}, status) for status in STATUS_DASHES if status in set(routes["status"])
    )


def _explain_width(legend, meaning, values):
    """Put a few round figures with their widths into the legend, and the thin line if a figure is missing."""
    entries = legend.setdefault("Width", [])
    entries.append((None, f"Width of a line: {meaning}"))
    if values.notna().any():
        largest = values.max()
        for value in MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]).tick_values(0, largest):
            if 0 < value <= largest:
                entries.append(({"weight": _weight(value, largest)}, f"{value:g}"))
    if values.isna().any():
        entries.append(({"weight": UNKNOWN}, "no figure found"))


def _layer_name(route):
    """The layer of a route: its kind if it is in use, else the one for all that is not."""
    in_use = route["status"] in ("operating", "reversed")
    return f"{route['commodity'].capitalize()} by {route['mode']}" if in_use else IDLE


def _details(route, drawn_km, states):
    """What a popup says of a route: pairs of term and text, gaps left out."""
    length = _number_text(route["length_km"], "km")
    if (inside := _number_text(route["length_kz_km"], "km")) is not None:
        length = f"{length or 'not found'}, of which in Kazakhstan {inside}"
    pairs = {
        "From": f"{route['from_place']} to {route['to_place']}",
        "Capacity": _number_text(route["capacity"], route["unit"]),
        "Length": length,
        "As drawn": _drawn_text(drawn_km, states),
        "Status": route["status"],
        "In use since": _number_text(route["start_year"], ""),
        "Owners": route["owners"],
        "Operator": route["operator"],
        "Transit states": _transit_text(route["transit"]),
        "Note": route["note"],
        "Drawn course": route["drawing"],
        "Source": route["source"],
    }
    return [[term, text] for term, text in pairs.items() if not pd.isna(text)]


def _drawn_text(total, states):
    """Kilometres of a drawn course in all and by state, to the nearest ten: it is not more exact than that."""
    parts = [*states.items(), ("water of the base map", total - sum(states.values()))]
    shown = [f"{state} {km:,.0f}" for state, km in ((state, round(km, -1)) for state, km in parts) if km >= 10]
    return f"about {round(total, -1):,.0f} km" + (f": {', '.join(shown)}" if len(shown) > 1 or states else "")


@cache
def _partner_names():
    return data.load("partners").set_index("code")["name"].to_dict()


def _transit_text(codes):
    return "none" if pd.isna(codes) else ", ".join(_partner_names()[code] for code in codes.split(";"))


def _figures(rows):
    """Where sources differ: term and figures, each with its text, whether it is used, its source and its note."""
    shown = []
    for attribute, term in FIGURE_TERMS.items():
        group = rows[rows["attribute"] == attribute]
        if len(group) and not group["used"].all():
            shown.append([term, [_figure(row) for row in group.to_dict("records")]])
    return shown


def _figure(row):
    unit = "" if row["unit"] == "year" else row["unit"]
    year = "" if pd.isna(row["year"]) or not unit else f" ({row['year']})"
    note = "" if pd.isna(row["note"]) else row["note"]
    return [_number_text(row["value"], unit) + year, bool(row["used"]), row["source"], note]


def _number_text(value, unit):
    return None if pd.isna(value) else f"{value:g} {unit}".strip()


def _swatch(colour="currentColor", dash="", weight=PLAIN):
    """A short line as it stands on the map, for the legend; the word beside it says the same."""
    return (
        '<svg aria-hidden="true" width="44" height="14" style="vertical-align:middle">'
        f'<line x1="2" y1="7" x2="42" y2="7" stroke="{colour}" '
        f'stroke-width="{weight}" stroke-dasharray="{dash}"/></svg>'
    )


def _elements(element):
    """An element of a folium map and everything below it."""
    yield element
    for child in element._children.values():
        yield from _elements(child)
    for part in ("header", "html", "script"):  # of a figure
        if isinstance(child := getattr(element, part, None), Element):
            yield from _elements(child)
