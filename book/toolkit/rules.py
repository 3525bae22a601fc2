"""The rules of a Table Schema (Frictionless Data), for tables read as text.

The descriptor ``data/datapackage.json`` states the rules. The Frictionless library applies the same ones, but needs
seconds where a chapter wants to start at once; the tests hold both to the same verdicts.

A table is a dict from the name of a field to the list of its cells (``str``, ``""`` for an empty cell). A rule yields
``(row, field, sentence)``: the number of the row in the file (the header is row 1), the field, what is wrong.
"""

import re
from datetime import date

# How a value of each type is written, how a reader is told so, and what compares it.
TYPES = {
    "string": (r"(?s:.*)", "text", str),
    "integer": (r"-?\d+", "a whole number, such as 12", int),
    "number": (r"-?\d+(\.\d+)?", "a number with a decimal point, such as 12.5", float),
    "year": (r"\d{4}", "a year of four digits, such as 1991", int),
    "date": (r"\d{4}-\d{2}-\d{2}", "a day that exists, written as 1991-12-16", date.fromisoformat),
    "boolean": (r"true|false", "true or false", {"true": True, "false": False}.get),
}
FIRST = 2  # the number of the first row after the header


def value(text, kind):
    """The value of a cell, or None if it is empty or not written as its type asks."""
    form, _, convert = TYPES[kind]
    try:
        return convert(text) if text and re.fullmatch(form, text, re.ASCII) else None
    except ValueError:  # a day that does not exist
        return None


def of_type(table, field):
    kind = field["type"]
    if kind != "string":
        sentence = f"the type is {kind}: write {TYPES[kind][1]}"
        yield from _cells(table, field, lambda text: value(text, kind) is None, sentence)


def required(table, field, wanted):
    if wanted:
        for row, text in enumerate(table[field["name"]], FIRST):
            if not text:
                yield row, field["name"], "the value is required, but the cell is empty"


def unique(table, field, wanted):
    if wanted:
        yield from no_duplicates(table, [field["name"]])


def enum(table, field, values):
    yield from _cells(table, field, lambda text: text not in values, f"the enum allows only {', '.join(values)}")


def pattern(table, field, expression):
    yield from _cells(table, field, lambda text: not re.fullmatch(expression, text), f"the pattern is {expression}")


def minimum(table, field, least):
    bound = value(str(least), field["type"])
    yield from _cells(table, field, lambda text: _held(text, field, bound) < bound, f"the minimum is {least}")


def maximum(table, field, most):
    bound = value(str(most), field["type"])
    yield from _cells(table, field, lambda text: _held(text, field, bound) > bound, f"the maximum is {most}")


CONSTRAINTS = {rule.__name__: rule for rule in (required, unique, enum, pattern, minimum, maximum)}


def no_duplicates(table, names):
    """No two rows hold the same key."""
    seen = {}
    for row, key in enumerate(zip(*(table[name] for name in names)), FIRST):
        if all(key) and seen.setdefault(key, row) != row:
            text = ", ".join(key)
            yield row, ", ".join(names), f"the key must be unique, but {text!r} stands in row {seen[key]} too"


def refer(table, names, other, other_names, keys):
    """Every key stands in another table: ``keys`` is the set of its tuples."""
    for row, key in enumerate(zip(*(table[name] for name in names)), FIRST):
        if all(key) and key not in keys:
            text = ", ".join(key)
            yield row, ", ".join(names), f"{text!r} is no {', '.join(other_names)} of the table {other!r} (foreign key)"


def list_of(table, name, other, other_name, keys):
    """Every code of a ``;`` list stands in another table."""
    for row, text in enumerate(table[name], FIRST):
        for code in text.split(";") if text else ():
            if (code,) not in keys:
                yield row, name, f"{code!r} is no {other_name} of the table {other!r} (the cell holds {text!r})"


def sourced(table, cited, keys):
    """Every source is a key of the bibliography with a locator."""
    for row, source in enumerate(table["source"], FIRST):
        for key, locator in cited(source) if source else ():
            if key not in keys:
                yield row, "source", f"{key!r} is not a key of book/references.bib"
            elif not locator:
                yield row, "source", f"the source {key!r} has no locator (write 'key, where in the source')"


def _held(text, field, instead):
    """The value of a cell to compare; a cell of the wrong type is named by ``of_type``, so it passes here."""
    held = value(text, field["type"])
    return instead if held is None else held


def _cells(table, field, wrong, sentence):
    for row, text in enumerate(table[field["name"]], FIRST):
        if text and wrong(text):
            yield row, field["name"], f"{sentence} (the cell holds {text!r})"
