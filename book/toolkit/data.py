"""Read the tables of ``data/`` and check them against their descriptor.

Every table is described in ``data/datapackage.json`` (Frictionless Data Package): fields, types, units,
constraints and keys stand there, not here. Two rules go beyond what the standard can say:

* a field with the property ``listOf`` holds codes joined by ``;``, each of which must stand in the named table;
* a field called ``source`` holds ``key, locator`` pairs joined by ``; ``, each key an entry of ``book/references.bib``.
"""

import json
import re
from functools import cache
from pathlib import Path

import pandas as pd
from frictionless import Check, Checklist, FrictionlessException, Package, errors

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "data"
REFERENCES = ROOT / "book" / "references.bib"

# How a field type of the descriptor is kept in a DataFrame. Nullable integers keep a gap a gap.
DTYPES = {"string": "str", "integer": "Int64", "year": "Int64", "number": "float64", "boolean": "boolean"}


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
    package = _package()
    if not package.has_resource(name):
        raise DataError(f"data/datapackage.json has no table {name!r}; it has {', '.join(package.resource_names)}")
    resource = package.get_resource(name)
    path = DATA / resource.path
    if path.suffix == ".geojson":
        return _read_geojson(path)
    _stop_at(_errors(resource))
    fields = resource.schema.fields
    return pd.read_csv(
        path,
        dtype={f.name: DTYPES[f.type] for f in fields if f.type in DTYPES},
        parse_dates=[f.name for f in fields if f.type == "date"],
        date_format="%Y-%m-%d",
        keep_default_na=False,  # "NA" is text here; only an empty cell is missing
        na_values=[""],
    )


def check():
    """Check the whole package: every table, every key, every route.

    Raises
    ------
    DataError
        Names file, row, field and rule of the first fault, and says how many more there are.
    """
    package = _package()
    found = []
    for resource in package.resources:
        path = DATA / resource.path
        if path.suffix == ".geojson":
            _read_geojson(path)
        else:
            found += _errors(resource)
    _stop_at(found)
    if {"export_routes", "route_waypoints"} <= set(package.resource_names):
        _stop_at(_route_errors(load("export_routes"), load("route_waypoints")))


def cited(source):
    """Split a ``source`` cell into its ``(key, locator)`` pairs.

    >>> cited("kmg-2025-annual-report, midstream; cpc-2021-interview, para. 2")
    [('kmg-2025-annual-report', 'midstream'), ('cpc-2021-interview', 'para. 2')]
    """
    return [tuple(part.strip() for part in pair.partition(",")[::2]) for pair in source.split(";")]


@cache
def reference_keys():
    """Keys of the entries of ``book/references.bib``, as a frozenset."""
    return frozenset(re.findall(r"^@\w+\{([^,\s]+),", REFERENCES.read_text("utf-8"), flags=re.MULTILINE))


class _ListOf(Check):
    """Every code of a ``;`` list stands in another table."""

    Errors = [errors.ForeignKeyError]

    def __init__(self, field, table, column, codes):
        super().__init__()
        self.field, self.table, self.column, self.codes = field, table, column, codes

    def validate_row(self, row):
        for code in (row[self.field] or "").split(";"):
            if row[self.field] and code not in self.codes:
                note = f"{code!r} does not stand in the column {self.column!r} of the table {self.table!r}"
                yield errors.CellError.from_row(row, note=note, field_name=self.field)


class _Cited(Check):
    """Every source is a key of the bibliography with a locator."""

    Errors = [errors.CellError]

    def validate_row(self, row):
        for key, locator in cited(row["source"] or ""):
            if key not in reference_keys():
                note = f"{key!r} is not a key of book/references.bib"
            elif not locator:
                note = f"the source {key!r} has no locator (write 'key, where in the source')"
            else:
                continue
            yield errors.CellError.from_row(row, note=note, field_name="source")


def _package():
    descriptor = DATA / "datapackage.json"
    try:
        return Package(descriptor)
    except FrictionlessException as error:
        reason = (error.reasons or [error.error])[0]
        raise DataError(f"data/{descriptor.name}: {reason.note}") from None


@cache
def _codes(table, column):
    """The values of one column, for the ``listOf`` rule."""
    return frozenset(load(table)[column])


def _errors(resource):
    """The faults of one table as sentences, in the order of its rows."""
    fields = resource.schema.fields
    checks = [_Cited()] if resource.schema.has_field("source") else []
    for field in fields:
        if "listOf" in field.custom:
            table, column = field.custom["listOf"]["table"], field.custom["listOf"]["field"]
            checks.append(_ListOf(field.name, table, column, _codes(table, column)))
    found = [error for task in resource.validate(Checklist(checks=checks)).tasks for error in task.errors]
    return [_sentence(resource, error) for error in sorted(found, key=_reading_order)]


def _reading_order(error):
    """Row by row; in a row a fault of its shape first, because it brings the others with it."""
    shape = error.type in ("extra-cell", "missing-cell", "blank-row")
    return getattr(error, "row_number", 0), not shape, getattr(error, "field_number", 0)


def _sentence(resource, error):
    place = [f"data/{resource.path}"]
    if hasattr(error, "row_number"):
        place.append(f"row {error.row_number}")
    fields = getattr(error, "field_names", None) or [getattr(error, "field_name", None)]
    if error.type == "primary-key":
        fields = resource.schema.primary_key
    if error.type != "extra-cell" and all(fields):
        place.append(f"field {', '.join(map(repr, fields))}")
    cell = getattr(error, "cell", None)
    value = f" (the cell holds {cell!r})" if cell not in (None, "", "None") else ""
    return f"{', '.join(place)}: {error.title.lower()}: {error.note or error.message}{value}"


def _route_errors(routes, waypoints):
    """A route needs a line, and a line needs two points."""
    points = waypoints.groupby("route_id").size()
    for row, route in zip(routes.index + 2, routes["route_id"]):
        if (count := points.get(route, 0)) < 2:
            yield (
                f"data/export_routes.csv, row {row}, field 'route_id': route {route!r} has {count} point"
                f"{'' if count == 1 else 's'} in data/route_waypoints.csv; a line needs two or more"
            )


def _read_geojson(path):
    try:
        shape = json.loads(path.read_text("utf-8"))
    except OSError:
        raise DataError(f"data/{path.name}: there is no such file") from None
    except ValueError as error:
        raise DataError(f"data/{path.name}: not valid JSON: {error}") from None
    if not isinstance(shape, dict) or shape.get("type") != "FeatureCollection":
        raise DataError(f"data/{path.name}: not a GeoJSON FeatureCollection")
    return shape


def _stop_at(found):
    found = list(found)
    if found:
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise DataError(found[0] + more)
