"""The first page's map of Kazakhstan between its four partners, and the picture that previews of a link show.

Both are drawn from ``data/basemap.geojson`` and ``data/export_routes.geojson``. The map is SVG in the page, so that it
takes the page's colours, in light and dark; the names of the partners are links to their chapters.
"""

import itertools
import math
from html import escape
from pathlib import Path

from course_build import DATA, READING, TOOLKIT, kept
from course_inputs import digest
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

DRAWN_OF = [*(DATA / name for name in ("basemap.geojson", "export_routes.csv", "export_routes.geojson")), *READING]
WEST, EAST, SOUTH, NORTH = 23, 109, 36.2, 61.5  # degrees; the base map is cut off a little outside
WIDTH = 960  # units of the drawing
SCALE = WIDTH / (EAST - WEST)
STRETCH = 1 / math.cos(math.radians((SOUTH + NORTH) / 2))
HEIGHT = round((NORTH - SOUTH) * SCALE * STRETCH)
NEAR = 2  # units; points nearer to the last one are left out

UNION = "Bulgaria Estonia Finland Greece Hungary Latvia Lithuania Poland Romania Slovakia Sweden".split()
KINDS = {"Kazakhstan": "home", "Russia": "russia", "China": "china", **dict.fromkeys(UNION, "europe")}
# Chapter, name, what the chapter is about, and the place of the name in hundredths of width and height.
PARTNERS = [
    ("russia", "Russia", "alliance, border, pipelines", 55, 7),
    ("china", "China", "oil, gas, rails, trade", 79, 63),
    ("united-states", "United States", "disarmament, investment", 1.5, 7),
    ("europe", "Europe", "treaties, trade, sanctions", 1.5, 38),
]
DESCRIPTION = (
    "Kazakhstan lies in the middle, without a coast on the ocean. Russia lies along its whole north, China to the east, "
    "the European Union in the far west; the United States is beyond the map. Routes of oil and gas leave the west of "
    "Kazakhstan through Russia and over the Caspian Sea towards the Black Sea and the Baltic, and others run east to "
    "China."
)
TITLE = "Kazakhstan\nbetween the Powers"
SUBTITLE = "An annotated course, with data, maps and checked claims"
COLOURS = {"": "#f1ede4", "russia": "#dfc9cc", "china": "#f5d7c8", "europe": "#e0d5ea", "home": "#f2c94c"}
SEA, INK, BORDER, ROUTE = "#dce7ec", "#1f2a30", "#ffffff", "#7a3e12"


def setup(app):
    app.add_directive("partner-map", PartnerMap)
    app.connect("build-finished", write_card, priority=800)  # before the site is published
    return {"parallel_read_safe": True, "parallel_write_safe": True}


class PartnerMap(SphinxDirective):
    """The map, the partners' names as links on it, and the directive's text as caption."""

    has_content = True

    def run(self):
        for path in DRAWN_OF:
            self.env.note_dependency(str(path))
        figure = nodes.container(classes=["partner-map"])
        figure += nodes.raw("", drawing(), format="html")
        names = nodes.bullet_list(classes=["partner-names"])
        for chapter, name, about, left, top in PARTNERS:
            link, _ = self.state.inline_text(f"{{doc}}`{name} <{chapter}>`", self.lineno)
            paragraph = nodes.paragraph("", "", *link, nodes.Text(" "), nodes.inline("", about))
            names += nodes.list_item("", paragraph, classes=[f"partner-{chapter}"])
        figure += names
        self.state.nested_parse(self.content, self.content_offset, figure)
        return [figure]


def drawing():
    """The map as an SVG element; the style sheet colours it.

    Returns
    -------
    str
    """
    states, routes = shapes()
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="partner-map-title partner-map-text" '
        'xmlns="http://www.w3.org/2000/svg">',
        '<title id="partner-map-title">Kazakhstan between Russia, China, Europe and the United States</title>',
        f'<desc id="partner-map-text">{escape(DESCRIPTION)}</desc>',
    ]
    for kind, rings in states:
        path = "".join(f"{course(ring)}Z" for ring in rings)
        parts.append(f'<path class="{f"map-state map-{kind}" if kind else "map-state"}" d="{path}"/>')
    parts += [f'<path class="map-route map-{commodity}" d="{course(line)}"/>' for commodity, line in routes]
    x, y = project(67.2, 48.0)
    parts.append(f'<text class="map-name" x="{x:.0f}" y="{y:.0f}" text-anchor="middle">Kazakhstan</text></svg>')
    return "".join(parts)


def shapes():
    """States as (kind, rings) with Kazakhstan last, and routes of oil and gas in use as (commodity, line)."""
    from toolkit import data  # here: a build that changes nothing needs none of it

    states = []
    for feature in data.load("basemap")["features"]:
        rings = [thin(ring) for polygon in feature["geometry"]["coordinates"] for ring in polygon]
        states.append((KINDS.get(feature["properties"]["name"], ""), [ring for ring in rings if len(ring) > 3]))
    table = data.load("export_routes")
    used = table[(table["commodity"] != "freight") & table["status"].isin(["operating", "reversed"])]
    commodity = dict(zip(used["route_id"], used["commodity"]))
    drawn = {feature["properties"]["id"]: feature["geometry"] for feature in data.load("export_routes_geojson")["features"]}
    routes = [(commodity[name], thin(drawn[name]["coordinates"])) for name in commodity]
    return sorted(states, key=lambda state: state[0] == "home"), routes


def project(lon, lat):
    """Place in the drawing: degrees to units, true to scale in the middle of the map."""
    return (lon - WEST) * SCALE, (NORTH - lat) * SCALE * STRETCH


def thin(line):
    """The points of a line in units, without those that nobody could see."""
    kept = []
    for place in line:
        point = project(*place[:2])
        if not kept or math.dist(point, kept[-1]) > NEAR or place is line[-1]:
            kept.append(point)
    return kept


def course(line):
    """The points of a line as SVG writes a path: the first, then steps from point to point, in whole units."""
    places = [(round(x), round(y)) for x, y in line]
    steps = (f"{b[0] - a[0]} {b[1] - a[1]}" for a, b in itertools.pairwise(places) if a != b)
    return f"M{places[0][0]} {places[0][1]}l" + " ".join(steps).replace(" -", "-")


def write_card(app, exception):
    """The preview of links to the course, 1200 by 630 pixels."""
    if exception or app.builder.name != "html":
        return
    made_of = digest([*DRAWN_OF, TOOLKIT / "mapimage.py"])
    Path(app.outdir, "_static", "card.png").write_bytes(kept(app, "card.png", made_of, card))


def card():
    """Draw the preview.

    Returns
    -------
    bytes
        A PNG file; the same data give the same bytes.
    """
    return picture((12, 6.3), (0, WIDTH, 72), 0.35, {"Russia": (66, 56), "China": (88, 40.3), "Europe": (24.2, 54.4)}, 33)


def cover():
    """Draw the cover of a printed edition, 1600 by 2400 pixels, as bytes of a PNG file."""
    return picture((8, 12), (248, 726, 0), 0.4, {"Russia": (62, 57.5), "China": (82.5, 41.8)}, 42, dpi=200)


def partner_map():
    """Draw the map of the first page, 960 pixels wide, as bytes of a PNG file."""
    names = {"Russia": (62, 58.5), "China": (88, 40.3), "← United States": (23.8, 59.6), "Europe": (24.2, 54.4)}
    return picture((9.6, HEIGHT / 100), (0, WIDTH, 0), 0, names | {"Kazakhstan": (61, 47.6)}, 0)


def picture(size, window, map_from, names, type_size, dpi=100):
    """A part of the map above the title of the course.

    Parameters
    ----------
    size : (float, float)
        Width and height in inches.
    window : (float, float, float)
        Left, right and upper edge of the map, in units of the drawing.
    map_from : float
        Share of the height below the map, for the title; none if 0.
    names : dict
        Longitude and latitude, in degrees, at which each name begins.
    type_size : float
        Size of the title in points.
    dpi : int

    Returns
    -------
    bytes
        A PNG file.
    """
    from matplotlib import style
    from matplotlib.figure import Figure
    from matplotlib.patches import PathPatch, Rectangle
    from matplotlib.path import Path as Outline
    from toolkit.mapimage import png

    (width, height), (left, right, top) = size, window
    bottom = top + (right - left) * height * (1 - map_from) / width
    states, routes = shapes()
    with style.context("default"):
        figure = Figure(figsize=size, dpi=dpi, facecolor=INK)
        ax = figure.add_axes([0, map_from, 1, 1 - map_from], facecolor=SEA)
        ax.set(xlim=(left, right), ylim=(bottom, top), xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
        for kind, rings in states:
            shape = Outline.make_compound_path(*(Outline(ring, closed=True) for ring in rings))
            ax.add_patch(PathPatch(shape, facecolor=COLOURS[kind], edgecolor=BORDER, linewidth=0.8))
        for commodity, line in routes:
            broken = "--" if commodity == "gas" else "-"
            ax.plot(*zip(*line), broken, color=ROUTE, linewidth=1.6, solid_capstyle="round")
        for name, place in names.items():
            ax.text(*project(*place), name, color=INK, fontsize=17)
        if not map_from:
            return png(figure)
        figure.add_artist(Rectangle((0, map_from - 0.005), 1, 0.008, color=COLOURS["home"]))
        title = {"fontsize": type_size, "fontweight": "bold", "linespacing": 1.15}
        figure.text(0.035, map_from * 0.614, TITLE, color="white", va="center", **title)
        figure.text(0.035, map_from * 0.186, SUBTITLE, color="#e8dfc8", fontsize=15, va="center")
        return png(figure)
