"""What the tests of the assignments share. They look at values, never at code: order, type and shape are the student's.

Tables come from ``table`` and not from the student's variables, which may have been changed on the way.
"""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pandas as pd
from toolkit import data


@cache
def _load(name):
    return data.load(name)


def table(name):
    """A fresh copy of a table of the course, whatever has been done to other copies."""
    return _load(name).copy()


@cache
def bibliography():
    """Key, author, year, title and address of every entry of the bibliography, a DataFrame."""
    entries = re.split(r"^@\w+\{", Path(data.REFERENCES).read_text("utf-8"), flags=re.MULTILINE)[1:]
    rows = []
    for entry in entries:
        fields = dict(re.findall(r"^  (\w+) = \{+(.*?)\}+,?$", entry, flags=re.MULTILINE))
        rows.append([entry.partition(",")[0], *(fields.get(name, "") for name in ("author", "year", "title", "url"))])
    return pd.DataFrame(rows, columns=["key", "author", "year", "title", "url"])


def labelled(thing):
    """Numbers by label: a dict, whether they came as Series, dict or table, wide or long, in whatever order.

    A year is an ``int`` whether it came as number, text or date. The label of a cell of a wide table is the set of the
    names of its row and its column, so a table may stand on its side.
    """
    if isinstance(thing, Mapping) and any(isinstance(part, (Mapping, pd.Series)) for part in thing.values()):
        thing = pd.DataFrame(thing)
    if isinstance(thing, pd.DataFrame):
        thing = thing.infer_objects()
        names = [name for name in thing if not pd.api.types.is_numeric_dtype(thing[name])]
        whole = [name for name in thing if pd.api.types.is_integer_dtype(thing[name])]
        if names and thing.shape[1] == len(names + whole) + 1:
            names += whole  # a long table; its one other column holds the values
        if names:
            thing = thing.set_index(names)
        elif len(thing) == 1 < thing.shape[1]:
            thing = thing.T  # a Series that lies down
        elif thing.shape[1] == 2 and (thing.columns[0] in whole or thing.index.equals(pd.RangeIndex(len(thing)))):
            thing = thing.set_index(thing.columns[0])  # years and their values
        thing = thing.iloc[:, 0] if thing.shape[1] == 1 else thing.stack()
    assert isinstance(thing, (Mapping, pd.Series)), f"expected a Series, a table or a dict, not {type(thing).__name__}"
    return {_label(label): _number(value) for label, value in thing.items()}


def _label(label):
    if isinstance(label, tuple):
        return frozenset(map(_label, label)) if len(label) > 1 else _label(label[0])
    if isinstance(label, (pd.Timestamp, pd.Period)):
        return label.year
    text = str(label).strip()
    return int(float(text)) if re.fullmatch(r"\d+(\.0)?", text) else text


def _number(value):
    try:
        return float("nan") if pd.isna(value) else float(value)
    except (TypeError, ValueError):
        raise AssertionError(f"expected one number for each label, not {value!r}") from None


def close(got, expected, tolerance=1e-6):
    """Compare numbers by label; the message names labels and not the right values.

    A gap may be a missing value or be left out. Numbers may differ by ``tolerance``, relative to numbers above 1.
    """
    got, expected = labelled(got), labelled(expected)
    gaps = {label for label, value in expected.items() if value != value}
    missing = [_text(label) for label in expected if label not in got and label not in gaps]
    extra = [_text(label) for label in got if label not in expected]
    assert not missing, f"missing: {', '.join(missing[:5])}"
    assert not extra, f"not asked for: {', '.join(extra[:5])}"
    for label, value in expected.items():
        number = got.get(label, float("nan"))
        right = number != number if label in gaps else abs(number - value) <= tolerance * max(1, abs(value))
        assert right, f"the value for {_text(label)} is not right"


def _text(label):
    return " and ".join(sorted(map(str, label))) if isinstance(label, frozenset) else str(label)


def listed(thing):
    """The texts of a list, set, Series, Index or one-column table, sorted; what stands twice stays twice."""
    if isinstance(thing, pd.DataFrame):
        thing = thing.iloc[:, 0]
    assert not isinstance(thing, (str, bytes, Mapping)), "expected several values, not one text"
    return sorted(map(str, thing))


def texts(ax):
    """What is written in a figure, joined: titles, labels, legends, notes."""
    return " ".join(part.get_text() for part in ax.figure.findobj(lambda part: hasattr(part, "get_text")))


def titled(ax):
    """True if the axes or their figure have a title, wherever it stands, and an axis says what it counts."""
    titles = [ax.get_title(loc) for loc in ("left", "center", "right")] + [ax.figure.get_suptitle()]
    labels = [ax.get_ylabel(), ax.get_xlabel(), ax.figure.get_supylabel()]
    return any(map(str.strip, titles)) and any(map(str.strip, labels))


def drawn(ax):
    """The numbers that a plot shows: heights of bars, values of lines and points, a list of lists."""
    bars = [[patch.get_height() for patch in bars] for bars in ax.containers if hasattr(bars, "patches")]
    across = [[patch.get_width() for patch in bars] for bars in ax.containers if hasattr(bars, "patches")]
    lines = [list(line.get_ydata()) for line in ax.lines]
    points = [list(spots.get_offsets()[:, 1]) for spots in ax.collections if len(spots.get_offsets())]
    return [[float(value) for value in values] for values in bars + across + lines + points]


def shows(ax, values, tolerance=1e-6):
    """True if the plot draws these values, in any order, as one series."""
    wanted = sorted(map(float, values))
    return any(
        len(series) == len(wanted) and all(abs(a - b) <= tolerance for a, b in zip(sorted(series), wanted))
        for series in drawn(ax)
    )
