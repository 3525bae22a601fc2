"""Make data/export_routes.geojson: each route of export_routes.csv as a line through its points in route_waypoints.csv.

    python data/scripts/routes.py

Run it again after a change in either table; the tests compare the file with what this script would write.
"""

import json
import sys
from pathlib import Path

DATA = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(DATA.parent / "book"))
from toolkit import data  # noqa: E402


def collection(routes, waypoints):
    """The routes as a GeoJSON FeatureCollection.

    Parameters
    ----------
    routes, waypoints : pandas.DataFrame
        The tables ``export_routes`` and ``route_waypoints``.

    Returns
    -------
    dict
        One feature for each route that has a course, in the order of ``routes``; ``properties.id`` is its ``route_id``.
        Coordinates are longitude and latitude in degrees, WGS 84, of the waypoints in the order of ``seq``.
    """
    lines = {route: points.sort_values("seq")[["lon", "lat"]] for route, points in waypoints.groupby("route_id")}
    features = []
    for route in routes[routes["route_id"].isin(lines)].itertuples():
        shown = ("name", "commodity", "mode", "status", "drawing")
        properties = {"id": route.route_id, **{name: getattr(route, name) for name in shown}}
        geometry = {"type": "LineString", "coordinates": lines[route.route_id].values.tolist()}
        features.append({"type": "Feature", "properties": properties, "geometry": geometry})
    return {"type": "FeatureCollection", "features": features}


def text(routes, waypoints):
    """The text of data/export_routes.geojson, with a line for each route."""
    packed = json.dumps(collection(routes, waypoints), ensure_ascii=False, separators=(",", ":"))
    return packed.replace('{"type":"Feature"', '\n{"type":"Feature"') + "\n"


if __name__ == "__main__":
    out = DATA / "export_routes.geojson"
    out.write_text(text(data.load("export_routes"), data.load("route_waypoints")), "utf-8", newline="\n")
    print(f"{out.name}: {out.stat().st_size / 1000:.0f} kB")
