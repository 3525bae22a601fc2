"""Read the tables of ``data/`` and check them against their descriptor.

Every table is described in ``data/datapackage.json`` (Frictionless Data Package): fields, types, units,
constraints and keys stand there, not here. ``python -m toolkit.data`` says what is wrong with the tables. Two rules go beyond what the standard can say:

* a field with the property ``listOf`` holds codes joined by ``;``, each of which must stand in the named table;
* a field called ``source`` holds ``key, locator`` pairs joined by ``; ``, each key an entry of ``book/references.bib``.
"""

import csv
import io
import json
import re
import sys
from functools import cache
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
    tables = _Tables()
    if name not in tables.resources:
        raise DataError(f"data/datapackage.json has no table {name!r}; it has {', '.join(tables.resources)}")
    resource = tables.resources[name]
    if resource["path"].endswith(".geojson"):
        return _read_geojson(resource)
    _stop_at(_errors(resource, tables))
    _, values = tables.read(name)
    return pd.DataFrame({field["name"]: _series(values[field["name"]], field["type"]) for field in _fields(resource)})


def check():
    """Check the whole package: every table, every key, every route.

    Raises
    ------
    DataError
        Names file, row, field and rule of the first fault, and says how many more there are.
    """
    _stop_at(faults())


def faults():
    """Every fault of the package that can be found at once, as a list of sentences.

    Raises
    ------
    DataError
        If the descriptor itself is at fault.
    """
    found, tables = [], _Tables()
    for resource in tables.resources.values():
        try:
            found += [] if _read_shape(resource) else _errors(resource, tables)
        except DataError as error:
            found.append(str(error))
    return found or list(_route_errors(load("export_routes"), load("route_waypoints")))


def package():
    """Return the descriptor ``data/datapackage.json`` as a dict: what every table is, and its rules.

    Raises
    ------
    DataError
        If the file is missing or not JSON, or lacks what ``load`` needs.
    """
    descriptor = _json(DATA / "datapackage.json")
    place = "data/datapackage.json"
    try:
        for resource in descriptor["resources"]:
            place = f"data/datapackage.json, table {resource['name']!r}"
            for field in resource["path"] and resource.get("schema", {"fields": []})["fields"]:
                place = f"data/datapackage.json, table {resource['name']!r}, field {field['name']!r}"
                rules.TYPES[field["type"]]
                for constraint in field.get("constraints", {}):
                    rules.CONSTRAINTS[constraint]
    except (KeyError, TypeError) as error:
        raise DataError(f"{place}: a property is missing, or its value is not known: {error}") from None
    return descriptor


def cited(source):
    """Split a ``source`` cell into its ``(key, locator)`` pairs.

    >>> cited("kmg-2025-annual-report, midstream; cpc-2021-interview, para. 2")
    [('kmg-2025-annual-report', 'midstream'), ('cpc-2021-interview', 'para. 2')]
    """
    return [tuple(part.strip() for part in pair.partition(",")[::2]) for pair in source.split(";")]


def reference_keys():
    """Keys of the entries of ``book/references.bib``, as a frozenset."""
    return _keys_of(REFERENCES, REFERENCES.stat().st_mtime_ns)


@cache
def _keys_of(path, changed):
    return frozenset(re.findall(r"^@\w+\{([^,\s]+),", path.read_text("utf-8"), flags=re.MULTILINE))


class _Tables:
    """The tables of the package, each read once, for the rules that look across tables."""

    def __init__(self):
        self.resources = {resource["name"]: resource for resource in package()["resources"]}
        self.references = reference_keys()
        self.read = cache(self._read)

    def _read(self, name):
        """Cells and values of a table, by field."""
        cells = _read(self.resources[name])
        kinds = {field["name"]: field["type"] for field in _fields(self.resources[name])}
        return cells, {field: rules.values(cells[field], kinds[field]) for field in cells}

    def keys(self, name, fields):
        """The keys of a table, a set of tuples of values."""
        if name not in self.resources or not set(fields) <= {field["name"] for field in _fields(self.resources[name])}:
            raise DataError(f"data/datapackage.json: a key refers to {', '.join(fields)} of {name!r}, which is not there")
        _, values = self.read(name)
        return set(zip(*(values[field] for field in fields)))


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
        raise DataError(f"{file}: the file begins with a byte order mark; save it as plain UTF-8, which LibreOffice and text editors offer")
    if header != names:
        tabs = [mark for mark in (";", "\t") if header == [mark.join(names)]]
        hint = f" (the cells are parted by {tabs[0]!r}: save the file as CSV with commas)" if tabs else ""
        raise DataError(f"{file}, row 1: the header must be {','.join(names)} but is {','.join(header)}{hint}")
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


def _series(values, kind):
    """A column of sound values in the type of its field."""
    return pd.Series(pd.to_datetime(values) if kind == "date" else values, dtype=DTYPES[kind])


def _errors(resource, tables):
    """The faults of one table as sentences, in the order of its rows and fields."""
    found, schema = [], resource["schema"]
    cells, values = tables.read(resource["name"])
    for field in schema["fields"]:
        column = cells[field["name"]], values[field["name"]]
        found += rules.of_type(field, *column)
        for constraint, limit in field.get("constraints", {}).items():
            found += rules.CONSTRAINTS[constraint](field, *column, limit)
        if "listOf" in field:
            other, name = field["listOf"]["table"], field["listOf"]["field"]
            found += rules.list_of(field["name"], cells[field["name"]], other, name, tables.keys(other, [name]))
    if "primaryKey" in schema:
        names = _names(schema["primaryKey"])
        found += rules.no_duplicates(names, [values[name] for name in names], primary=True)
    for key in schema.get("foreignKeys", []):
        names, other, others = _names(key["fields"]), key["reference"]["resource"], _names(key["reference"]["fields"])
        found += rules.refer(names, [values[name] for name in names], other, others, tables.keys(other, others))
    if "source" in cells:
        found += rules.sourced(cells["source"], cited, tables.references)
    order = {field["name"]: place for place, field in enumerate(schema["fields"])}
    found = sorted(dict.fromkeys(found), key=lambda error: (error[0], order.get(error[1], 0)))
    return [f"data/{resource['path']}, row {row}, field {field!r}: {sentence}" for row, field, sentence in found]


def _names(key):
    """A key of the descriptor is one name or a list of names."""
    return [key] if isinstance(key, str) else key


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


def _read_shape(resource):
    return _read_geojson(resource) if resource["path"].endswith(".geojson") else None


def _read_geojson(resource):
    file = f"data/{resource['path']}"
    shape = _json(DATA / resource["path"])
    if not isinstance(shape, dict) or shape.get("type") != "FeatureCollection" or not shape.get("features"):
        raise DataError(f"{file}: not a GeoJSON FeatureCollection with features")
    for number, feature in enumerate(shape["features"], start=1):
        try:
            spots = list(_positions(feature["geometry"]["coordinates"]))
            on_earth = all(-180 <= lon <= 180 and -90 <= lat <= 90 for lon, lat in spots)
        except (KeyError, TypeError, ValueError):
            spots, on_earth = [], False
        if not spots or not on_earth:
            raise DataError(f"{file}, feature {number}: its coordinates are not longitudes and latitudes in degrees")
    return shape


def _positions(coordinates):
    """The positions of a geometry, however deep they are nested."""
    if isinstance(coordinates[0], (int, float)):
        yield coordinates
    else:
        for part in coordinates:
            yield from _positions(part)


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


if __name__ == "__main__":
    try:
        messages = faults()
    except DataError as error:
        messages = [str(error)]
    print(*messages or ["Every table keeps its rules."], sep="\n")
    sys.exit(bool(messages))
