"""How long a line is as drawn, and in which states of the base map it lies.

A drawn course is an approximation (see the field ``drawing`` of ``export_routes``), and so are its kilometres: they
help to compare lines, they do not replace a surveyed length.
"""

from functools import cache

import numpy as np
from matplotlib.path import Path

from . import data

EARTH_KM = 6371.0088  # mean radius, IUGG
STEP_KM = 1.0  # a line is cut into pieces of this length or less; each lies where its middle lies


def along(line):
    """Distance of each point of a line from its start.

    Parameters
    ----------
    line : array_like of shape (n, 2)
        Latitude and longitude in degrees (WGS 84).

    Returns
    -------
    numpy.ndarray of shape (n,)
        Kilometres on a sphere (haversine formula), 0 for the first point.
    """
    lat, lon = np.radians(np.asarray(line, dtype=float)).T
    half = np.sin(np.diff(lat) / 2) ** 2 + np.cos(lat[1:]) * np.cos(lat[:-1]) * np.sin(np.diff(lon) / 2) ** 2
    return np.concatenate([[0.0], np.cumsum(2 * EARTH_KM * np.arcsin(np.sqrt(half)))])


def by_state(line):
    """Kilometres of a line in each state of ``data/basemap.geojson``.

    Parameters
    ----------
    line : array_like of shape (n, 2)
        Latitude and longitude in degrees (WGS 84).

    Returns
    -------
    dict of str to float
        Name of the state and kilometres, the largest part first; what lies in no state is left out.
    """
    line = np.asarray(line, dtype=float)
    lengths = np.diff(along(line))
    pieces = np.maximum(np.ceil(lengths / STEP_KM), 1).astype(int)
    segment = np.repeat(np.arange(len(lengths)), pieces)
    part = np.concatenate([(np.arange(count) + 0.5) / count for count in pieces])[:, None]
    middles = line[segment] * (1 - part) + line[segment + 1] * part
    weights = (lengths / pieces)[segment]
    parts = {state: float(weights[_inside(rings, middles)].sum()) for state, rings in _states().items()}
    return dict(sorted(((state, km) for state, km in parts.items() if km > 0), key=lambda part: -part[1]))


@cache
def _states():
    """The rings of every state of the base map, as matplotlib paths of latitude and longitude."""
    return {
        feature["properties"]["name"]: [
            Path(np.asarray(ring)[:, ::-1]) for polygon in feature["geometry"]["coordinates"] for ring in polygon
        ]
        for feature in data.load("basemap")["features"]
    }


def _inside(rings, points):
    """Which points lie inside an odd number of rings: in a polygon and not in its hole."""
    inside = np.zeros(len(points), dtype=bool)
    for ring in rings:
        near = ((points >= ring.vertices.min(axis=0)) & (points <= ring.vertices.max(axis=0))).all(axis=1)
        if near.any():
            inside[near] ^= ring.contains_points(points[near])
    return inside
