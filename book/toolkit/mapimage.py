"""A map of the course as a picture, for PDF, EPUB and previews: base map, lines and legend, drawn by matplotlib."""

import io
import math
import textwrap
from pathlib import Path

import numpy as np
from matplotlib import style
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.path import Path as Outline
from PIL import Image

from . import data

STYLE = Path(__file__).with_name("course.mplstyle")
SEA, LAND, HOME, BORDER, INK = "#dbe8f0", "#f3efe8", "#fdf6df", "#b9b0a3", "#565049"  # as in map.css
WIDTH = 8  # inches of 100 pixels
POINT = 0.75  # a CSS pixel in points


def draw(chart):
    """Draw a map.

    What folium itself has added to the map is not in the picture.

    Parameters
    ----------
    chart : toolkit.maps.Map

    Returns
    -------
    bytes
        A PNG file, 800 pixels wide; the same map gives the same bytes.
    """
    with style.context(STYLE, after_reset=True):
        (south, west), (north, east) = chart.home
        height = (north - south) / (east - west) / math.cos(math.radians((south + north) / 2)) * WIDTH
        figure = Figure(figsize=(WIDTH, height + 1.5), dpi=100)
        ax = figure.add_subplot()
        _base(ax, chart.home)
        for route in chart.drawn:
            lat, lon = zip(*route["line"])
            ax.plot(lon, lat, color=route["colour"], **_stroke(route["weight"], route["dash"]))
        ax.set_title("\n".join(textwrap.wrap(chart.title, 80)), parse_math=False)
        _legend(figure, chart.legend)
        return png(figure)


def _base(ax, home):
    """States, and the names that have room, within the home view at the scale of its middle latitude."""
    (south, west), (north, east) = home
    ax.set(xlim=(west, east), ylim=(south, north), aspect=1 / math.cos(math.radians((south + north) / 2)))
    ax.set(xticks=[], yticks=[], facecolor=SEA)
    ax.grid(False)
    shapes, fills = [], []
    for feature in data.load("basemap")["features"]:
        state = feature["properties"]
        rings = [Outline(ring, closed=True) for polygon in feature["geometry"]["coordinates"] for ring in polygon]
        shapes.append(Outline.make_compound_path(*rings))
        fills.append(HOME if state["name"] == "Kazakhstan" else LAND)
        lat, lon = state.get("label", (-90, 0))
        if south < lat < north and west + 3 < lon < east - 3:
            ax.text(lon, lat, state["name"].upper(), color=INK, fontsize=7, ha="center", va="center", clip_on=True)
    # As one collection, and without limits to be found: those of the axes are set.
    states = PathCollection(shapes, facecolors=fills, edgecolors=BORDER, linewidths=0.6, zorder=1)
    ax.add_collection(states, autolim=False)


def _legend(figure, legend):
    handles, labels = [], []
    for entries in legend.values():
        for look, label in entries:
            handles.append(_sample(**look) if look else Line2D([], [], linestyle=""))
            labels.append(label)
    if handles:
        figure.legend(handles, labels, loc="outside lower left", ncols=4, fontsize=8, handlelength=4, columnspacing=1.5)


def _sample(colour=INK, dash="", weight=3):
    return Line2D([], [], color=colour, **_stroke(weight, dash))


def _stroke(weight, dash):
    """Width and pattern of a line as matplotlib says it; its patterns count in widths of the line."""
    lengths = [float(length) / weight for length in dash.split()]
    return {
        "linewidth": weight * POINT,
        "linestyle": (0, lengths) if lengths else "-",
        "solid_capstyle": "round",
        "dash_capstyle": "round",
    }


def png(figure):
    """A matplotlib figure as the bytes of a PNG file, the same for the same figure. A few dozen colours are enough for
    a map and make the file a third as large."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    image = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB").quantize(64, dither=Image.Dither.NONE)
    file = io.BytesIO()
    image.save(file, format="PNG", optimize=True)
    return file.getvalue()
