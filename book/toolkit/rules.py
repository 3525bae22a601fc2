"""The rules of a Table Schema (Frictionless Data), for tables read as text.

The descriptor ``data/datapackage.json`` states the rules. The Frictionless library applies the same ones, but needs
seconds where a chapter wants to start at once; the tests hold both to the same verdicts.

A column is a list of cells (``str``, ``""`` for an empty cell) and a list of their values (None where a cell is empty or
not written as its type asks). A rule yields ``(row, field, sentence)``: the number of the record in the file (the header
is row 1), the field, what is wrong.
"""

import math
import re
from datetime import date
from difflib import get_close_matches


def _integer(text):
    number = int(text)
    if not -(2**63) <= number < 2**63:
        raise ValueError  # more than a DataFrame can hold
    return number


def _number(text):
    number = float(text)
    if not math.isfinite(number):
        raise ValueError
    return number


def _written(form):
    return re.compile(form, re.ASCII).fullmatch


# How a value of each type is written, how a reader is told so, and what reads it.
TYPES = {
    "string": (bool, "text", str),
    "integer": (_written(r"-?\d+"), "a whole number, such as 12", _integer),
    "number": (_written(r"-?\d+(\.\d+)?"), "a number with a decimal point, such as 12.5", _number),
    "year": (_written(r"\d{4}"), "a year of four digits, such as 1991", int),
    "date": (_written(r"\d{4}-\d{2}-\d{2}"), "a day that exists, written as 1991-12-16", date.fromisoformat),
    "boolean": (_written("true|false"), "true or false", {"true": True, "false": False}.get),
}
FIRST = 2  # the number of the first row after the header


def values(cells, kind):
    """The values of a column; None where a cell is empty or not written as its type asks."""
    written, _, read = TYPES[kind]
    held = []
    for text in cells:
        try:
            held.append(read(text) if text and written(text) else None)
        except ValueError:  # a day that does not exist, a number too large
            held.append(None)
    return held


def of_type(field, cells, values):
    wrong = [bool(text) and held is None for text, held in zip(cells, values)]
    yield from _at(field, cells, wrong, f"the type is {field['type']}: write {TYPES[field['type']][1]}")


def required(field, cells, values, wanted):
    wrong = [wanted and not text.strip() for text in cells]
    yield from _at(field, cells, wrong, "the value is required, but the cell is empty")


def unique(field, cells, values, wanted):
    if wanted:
        yield from no_duplicates([field["name"]], [values])


def enum(field, cells, values, allowed):
    for row, text in enumerate(cells, FIRST):
        if text and text not in allowed:
            yield row, field["name"], f"{text!r} is not in the list (enum): {', '.join(allowed)}{_alike(text, allowed)}"


def pattern(field, cells, values, expression):
    wrong = [bool(text) and not re.fullmatch(expression, text) for text in cells]
    written = f"write it like {field['example']}; " if "example" in field else ""
    yield from _at(field, cells, wrong, f"{written}the pattern is {expression}")


def minimum(field, cells, values, least):
    bound = TYPES[field["type"]][2](str(least))
    yield from _at(field, cells, [held is not None and held < bound for held in values], f"too small: the minimum is {least}")


def maximum(field, cells, values, most):
    bound = TYPES[field["type"]][2](str(most))
    yield from _at(field, cells, [held is not None and held > bound for held in values], f"too large: the maximum is {most}")


CONSTRAINTS = {rule.__name__: rule for rule in (required, unique, enum, pattern, minimum, maximum)}


def no_duplicates(names, columns, primary=False):
    """No two rows hold the same key. An empty cell is no value to ``unique``, but part of a primary key."""
    seen = {}
    for row, key in enumerate(zip(*columns), FIRST):
        if (primary or None not in key) and seen.setdefault(key, row) != row:
            text = ", ".join(map(str, key))
            yield row, ", ".join(names), f"the key must be unique, but {text!r} stands in row {seen[key]} too"


def refer(names, columns, other, other_names, keys):
    """Every key stands in another table: ``keys`` is the set of its tuples of values."""
    for row, key in enumerate(zip(*columns), FIRST):
        if key not in keys and any(part is not None for part in key):
            text = ", ".join(map(str, key))
            alike = _alike(key[0], [k[0] for k in keys]) if len(key) == 1 else ""
            yield row, ", ".join(names), f"{text!r} is no {', '.join(other_names)} of the table {other!r} (foreign key){alike}"


def list_of(name, cells, other, other_name, keys):
    """Every code of a ``;`` list stands in another table, and in the list once."""
    for row, text in enumerate(cells, FIRST):
        codes = text.split(";") if text else []
        for place, code in enumerate(codes):
            if (code,) not in keys:
                alike = _alike(code, [k[0] for k in keys])
                yield row, name, f"{code!r} is no {other_name} of the table {other!r}{alike} (the cell holds {text!r})"
            elif code in codes[:place]:
                yield row, name, f"{code!r} stands in the list twice (the cell holds {text!r})"


def sourced(cells, cited, keys):
    """Every source is a key of the bibliography with a locator."""
    for row, source in enumerate(cells, FIRST):
        for key, locator in cited(source) if source else ():
            if key not in keys:
                yield row, "source", f"{key!r} is not a key of book/references.bib{_alike(key, keys)}"
            elif not locator:
                yield row, "source", f"the source {key!r} has no locator (write 'key, where in the source')"


def _alike(text, known):
    """The value that was perhaps meant."""
    near = get_close_matches(str(text), [str(value) for value in known], n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _at(field, cells, wrong, sentence):
    for row, (text, is_wrong) in enumerate(zip(cells, wrong), FIRST):
        if is_wrong:
            yield row, field["name"], sentence + (f" (the cell holds {text!r})" if text else "")
