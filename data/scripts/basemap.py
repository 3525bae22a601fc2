"""Make data/basemap.geojson: states of Eurasia, cropped and simplified, with a point for each label.

    python data/scripts/basemap.py countries-50m.json

The input is a file of the npm package world-atlas 2.0.2 (Natural Earth 1:50m, public domain; the package is under
the ISC licence): unpack `npm pack world-atlas@2.0.2`. Needs shapely. The same input gives the same bytes; a test
fetches the package and compares.
"""

import json
import sys
from pathlib import Path

from shapely import coverage_simplify, make_valid, set_precision
from shapely.geometry import MultiPolygon, Point, Polygon, box, mapping
from shapely.ops import polylabel

WINDOW = box(22, 35.8, 110, 66)  # degrees: from the Baltic to Lanzhou, from northern Iran to Siberia
TOLERANCE = 0.03  # degrees: finer than a line is wide at the closest zoom of the course's maps
SMALLEST = 0.02  # square degrees: islands below this are left out
LABELLED = 5  # square degrees: smaller states are drawn but not labelled
NAMES = {"Turkey": "Türkiye"}  # as the United Nations writes them

# Natural Earth draws who is in control. The United Nations General Assembly holds Crimea to be part of Ukraine
# (resolution 68/262), and the course follows the United Nations.
CRIMEA = Point(34.2, 45.2)


def rings(topology, arcs):
    """Decode arc numbers of a TopoJSON geometry into one ring of lon-lat pairs in degrees."""
    (kx, ky), (dx, dy) = topology["transform"]["scale"], topology["transform"]["translate"]
    ring = []
    for number in arcs:
        x = y = 0
        points = []
        for step in topology["arcs"][number if number >= 0 else ~number]:
            x, y = x + step[0], y + step[1]
            points.append((x * kx + dx, y * ky + dy))
        if number < 0:
            points.reverse()
        ring += points[1 if ring else 0 :]
    east_and_west = max(ring)[0] - min(ring)[0] > 300  # Russia crosses the 180th meridian: keep the ring in one piece
    return [(x + 360 if x < 0 else x, y) for x, y in ring] if east_and_west else ring


def polygons(topology, geometry):
    """One shapely MultiPolygon from a TopoJSON Polygon or MultiPolygon."""
    parts = geometry["arcs"] if geometry["type"] == "MultiPolygon" else [geometry["arcs"]]
    return MultiPolygon([Polygon(rings(topology, p[0]), [rings(topology, hole) for hole in p[1:]]) for p in parts])


def states(topology):
    """The area of each state inside the window, by name."""
    found = {}
    for geometry in topology["objects"]["countries"]["geometries"]:
        area = make_valid(polygons(topology, geometry)).intersection(WINDOW)
        if not area.is_empty:
            found[geometry["properties"]["name"]] = area
    crimea = next(part for part in found["Russia"].geoms if part.contains(CRIMEA))
    found["Russia"] = found["Russia"].difference(crimea)
    found["Ukraine"] = found["Ukraine"].union(crimea)
    return found


def features(topology):
    found = states(topology)
    for name, area in zip(found, coverage_simplify(list(found.values()), TOLERANCE)):  # neighbours keep one border
        parts = [p for p in getattr(area, "geoms", [area]) if p.geom_type == "Polygon" and p.area >= SMALLEST]
        if not parts:
            continue
        properties = {"name": NAMES.get(name, name)}
        largest = max(parts, key=lambda p: p.area)
        if largest.area >= LABELLED:
            spot = polylabel(largest, 0.1)
            properties["label"] = [round(spot.y, 2), round(spot.x, 2)]
        area = set_precision(MultiPolygon(parts), 0.01)
        yield {"type": "Feature", "properties": properties, "geometry": mapping(area)}


def text(topology):
    """The text of data/basemap.geojson, with a line for each state."""
    found = sorted(features(topology), key=lambda f: f["properties"]["name"])
    for feature in found:  # set_precision leaves 1e-15 tails
        feature["geometry"] = json.loads(json.dumps(feature["geometry"]), parse_float=lambda x: round(float(x), 2))
    packed = json.dumps({"type": "FeatureCollection", "features": found}, ensure_ascii=False, separators=(",", ":"))
    return packed.replace('{"type":"Feature"', '\n{"type":"Feature"') + "\n"


if __name__ == "__main__":
    out = Path(__file__).resolve().parents[1] / "basemap.geojson"
    out.write_text(text(json.loads(Path(sys.argv[1]).read_text("utf-8"))), "utf-8", newline="\n")
    print(f"{out.name}: {out.stat().st_size / 1000:.0f} kB")
