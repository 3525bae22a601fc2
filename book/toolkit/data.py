"""Read the tables of ``data/`` and check them against their descriptor.

Every table is described in ``data/datapackage.json`` (Frictionless Data Package): fields, types, units,
constraints and keys stand there, not here. Two rules go beyond what the standard can say:

* a field with the property ``listOf`` holds codes joined by ``;``, each of which must stand in the named table;
* a field called ``source`` holds ``key, locator`` pairs joined by ``; ``, each key an entry of ``book/references.bib``.
"""

import csv
import io
import json
import re
from pathlib import Path

import pandas as pd

from . import rules

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "data"
REFERENCES = ROOT / "book" / "references.bib"

# How a field type of the descriptor is kept in a DataFrame. Nullable integers keep a gap a gap.
DTYPES = {
    "string": "str",
    "integer": "Int64",
    "year": "Int64",
    "number": "float64",
    "boolean": "boolean",
    "date": "datetime64[s]",
}


class DataError(ValueError):
    """A table breaks a rule. The message names file, row, field and rule."""


def load(name):
    """Return one table of the data package, checked and typed.

    Parameters
    ----------
    name : str
        Name of a table in ``data/datapackage.json``, for example ``"events"``.

    Returns
    -------
    pandas.DataFrame or dict
        A table has one row per record and one column per field: dates as ``datetime64``, whole numbers as
        nullable ``Int64``, other numbers as ``float64`` in the unit that the descriptor states; an empty cell
        is missing. A GeoJSON file comes as a dict (coordinates: degrees, longitude first, WGS 84).

    Raises
    ------
    DataError
        If there is no such table, or if it breaks a rule of its descriptor.
    """
    resources = {resource["name"]: resource for resource in package()["resources"]}
    if name not in resources:
        raise DataError(f"data/datapackage.json has no table {name!r}; it has {', '.join(resources)}")
    resource = resources[name]
    if resource["path"].endswith(".geojson"):
        return _read_geojson(resource)
    table = _read(resource)
    _stop_at(_errors(resource, table))
    return pd.DataFrame({field["name"]: _series(table[field["name"]], field["type"]) for field in _fields(resource)})


def check():
    """Check the whole package: every table, every key, every route.

    Raises
    ------
    DataError
        Names file, row, field and rule of the first fault, and says how many more there are.
    """
    found = []
    for resource in package()["resources"]:
        if resource["path"].endswith(".geojson"):
            _read_geojson(resource)
        else:
            found += _errors(resource, _read(resource))
    _stop_at(found)
    if {"export_routes", "route_waypoints"} <= {resource["name"] for resource in package()["resources"]}:
        _stop_at(_route_errors(load("export_routes"), load("route_waypoints")))


def package():
    """Return the descriptor ``data/datapackage.json`` as a dict: what every table is, and its rules.

    Raises
    ------
    DataError
        If the file is missing or not JSON.
    """
    return _json(DATA / "datapackage.json")


def cited(source):
    """Split a ``source`` cell into its ``(key, locator)`` pairs.

    >>> cited("kmg-2025-annual-report, midstream; cpc-2021-interview, para. 2")
    [('kmg-2025-annual-report', 'midstream'), ('cpc-2021-interview', 'para. 2')]
    """
    return [tuple(part.strip() for part in pair.partition(",")[::2]) for pair in source.split(";")]


def reference_keys():
    """Keys of the entries of ``book/references.bib``, as a frozenset."""
    return frozenset(re.findall(r"^@\w+\{([^,\s]+),", REFERENCES.read_text("utf-8"), flags=re.MULTILINE))


def _fields(resource):
    return resource["schema"]["fields"]


def _read(resource):
    """A table as text: a dict from each field of the descriptor to the list of its cells."""
    file = f"data/{resource['path']}"
    try:
        text = (DATA / resource["path"]).read_bytes().decode("utf-8")
        header, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    except OSError:
        raise DataError(f"{file}: there is no such file") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{file}: the encoding is not UTF-8 (byte {error.start}); save the file as UTF-8") from None
    except csv.Error as error:
        raise DataError(f"{file}: not a CSV file, or cut off: {error}") from None
    except ValueError:
        raise DataError(f"{file}: the file is empty") from None
    names = [field["name"] for field in _fields(resource)]
    if text.startswith("\ufeff"):
        raise DataError(f"{file}: the file begins with a byte order mark; save it as UTF-8 without one")
    if header != names:
        raise DataError(f"{file}, row 1: the header must be {','.join(names)} but is {','.join(header)}")
    if not text.endswith("\n"):
        raise DataError(f"{file}, row {len(rows) + 1}: the last row has no line break; the file may be cut off")
    for number, row in enumerate(rows, start=2):
        if not row:
            raise DataError(f"{file}, row {number}: a blank row")
        if len(row) > len(names):
            raise DataError(f"{file}, row {number}: an extra cell, {row[len(names)]!r}, after the field {names[-1]!r}")
        if len(row) < len(names):
            raise DataError(f"{file}, row {number}, field {names[len(row)]!r}: a missing cell; the row ends too early")
    return dict(zip(names, map(list, zip(*rows)))) if rows else {name: [] for name in names}


def _series(cells, kind):
    """A column of sound text in the type of its field."""
    if kind == "string":
        return pd.Series([text or None for text in cells], dtype=DTYPES[kind])
    if kind == "date":
        return pd.to_datetime(pd.Series(cells, dtype=DTYPES["string"]), format="%Y-%m-%d").astype(DTYPES[kind])
    return pd.Series([rules.value(text, kind) for text in cells], dtype=DTYPES[kind])


def _errors(resource, table):
    """The faults of one table as sentences, in the order of its rows and fields."""
    found, schema = [], resource["schema"]
    for field in schema["fields"]:
        found += rules.of_type(table, field)
        for constraint, value in field.get("constraints", {}).items():
            found += rules.CONSTRAINTS[constraint](table, field, value)
        if "listOf" in field:
            other = field["listOf"]
            keys = _keys(other["table"], [other["field"]])
            found += rules.list_of(table, field["name"], other["table"], other["field"], keys)
    if "primaryKey" in schema:
        found += rules.no_duplicates(table, _names(schema["primaryKey"]))
    for key in schema.get("foreignKeys", []):
        other, names = key["reference"]["resource"], _names(key["reference"]["fields"])
        found += rules.refer(table, _names(key["fields"]), other, names, _keys(other, names))
    if "source" in table:
        found += rules.sourced(table, cited, reference_keys())
    order = {field["name"]: place for place, field in enumerate(schema["fields"])}
    found = sorted(dict.fromkeys(found), key=lambda error: (error[0], order.get(error[1], 0)))
    return [f"data/{resource['path']}, row {row}, field {field!r}: {sentence}" for row, field, sentence in found]


def _names(key):
    """A key of the descriptor is one name or a list of names."""
    return [key] if isinstance(key, str) else key


def _keys(name, fields):
    """The set of keys of a table, as tuples of text, for the rules that look across tables."""
    (resource,) = (resource for resource in package()["resources"] if resource["name"] == name)
    table = _read(resource)
    return set(zip(*(table[field] for field in fields)))


def _route_errors(routes, waypoints):
    """A route needs a line, and a line needs two points; only a plan may have no course yet."""
    points = waypoints.groupby("route_id").size()
    for row, route, status in zip(routes.index + rules.FIRST, routes["route_id"], routes["status"]):
        count = points.get(route, 0)
        if count == 1 or (count == 0 and status != "planned"):
            yield (
                f"data/export_routes.csv, row {row}, field 'route_id': route {route!r} has {count} point"
                f"{'' if count == 1 else 's'} in data/route_waypoints.csv; a line needs two or more"
            )


def _read_geojson(resource):
    shape = _json(DATA / resource["path"])
    if not isinstance(shape, dict) or shape.get("type") != "FeatureCollection":
        raise DataError(f"data/{resource['path']}: not a GeoJSON FeatureCollection")
    return shape


def _json(path):
    try:
        return json.loads(path.read_text("utf-8"))
    except OSError:
        raise DataError(f"data/{path.name}: there is no such file") from None
    except ValueError as error:
        raise DataError(f"data/{path.name}: not valid JSON: {error}") from None


def _stop_at(found):
    found = list(found)
    if found:
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise DataError(found[0] + more)
