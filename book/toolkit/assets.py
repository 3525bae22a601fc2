"""What every map of the course carries with it, or shares with the others of a site: scripts, style sheets, base map.

It stands apart from ``maps`` because a build that writes a page needs it, but neither folium nor pandas.
"""

import base64
import json
import re
from functools import cache
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
    states = json.loads(BASEMAP.read_text("utf-8"))
    shapes = json.dumps(states, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
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


def _inline_images(css, folder):
    """Put the images that a style sheet names into it, as data URLs."""

    def data_url(match):
        content = base64.b64encode((folder / match[1]).read_bytes()).decode()
        return f"url(data:image/png;base64,{content})"

    # Internet Explorer's behaviours have no file behind them.
    return re.sub(r"url\((images/[\w-]+\.png)\)", data_url, css)
