"""What every map of the course carries with it, or shares with the others of a site: scripts, style sheets, base map.

It stands apart from ``maps`` because a build that writes a page needs it, but neither folium nor pandas.
"""

import json
import re
from functools import cache
from itertools import pairwise
from pathlib import Path

from xstatic.pkg import leaflet

BASEMAP = Path(__file__).resolve().parents[2] / "data" / "basemap.geojson"


@cache
def assets():
    """What every map needs, by file name: Leaflet, the base map and the behaviour of the course's maps.

    Returns
    -------
    dict of str to str
        File name (``.css`` or ``.js``) and its text. No text asks for another file.
    """
    folder = Path(leaflet.BASE_DIR)
    states = [
        {**state["properties"], "polygons": [[_steps(ring) for ring in polygon] for polygon in state["geometry"]["coordinates"]]}
        for state in json.loads(BASEMAP.read_text("utf-8"))["features"]
    ]
    shapes = json.dumps(states, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    return {
        "leaflet.css": _alone((folder / "leaflet.css").read_text("utf-8")),
        "leaflet.js": (folder / "leaflet.js").read_text("utf-8").replace("//# sourceMappingURL=leaflet.js.map", ""),
        "basemap.js": f"const courseBasemap = {shapes};\n",
        "course-map.css": Path(__file__).with_name("map.css").read_text("utf-8"),
        "course-map.js": Path(__file__).with_name("map.js").read_text("utf-8"),
    }


def asset_tag(name):
    """The HTML element that carries one asset inside a map."""
    kind = "style" if name.endswith(".css") else "script"
    return f"<{kind}>{assets()[name]}</{kind}>"


def _steps(ring):
    """A ring as whole hundredths of a degree, each number the step from the point before: half the size in transfer.

    Parameters
    ----------
    ring : list of (float, float)
        Longitude and latitude in degrees, with at most two decimals.

    Returns
    -------
    list of int
        East and north of the first point, then the step east and north to each next one.

    Raises
    ------
    ValueError
        If a number has more decimals.
    """
    whole = [[round(100 * degrees) for degrees in point] for point in ring]
    if [[hundredths / 100 for hundredths in point] for point in whole] != ring:
        raise ValueError("data/basemap.geojson: a coordinate has more than two decimals")
    return [step for last, point in pairwise([[0, 0], *whole]) for step in (point[0] - last[0], point[1] - last[1])]


def _alone(css):
    """Leaflet's style sheet, short, and without its images: ``map.css`` draws the only one that is shown, in a tenth of the bytes."""
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    css = re.sub(r"(?<=[;{},:])\s+|\s+(?=[{}])", "", css)
    return re.sub(r"background-image:url\(images/[\w-]+\.png\);", "", css)
