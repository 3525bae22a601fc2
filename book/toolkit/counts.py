"""Count Kazakhstan's events with other states: in the course's table, in GDELT, ICEWS and POLECAT files, in a warehouse.

What a data set calls its columns stands in ``LAYOUTS``. Files are taken apart by Arrow, a few megabytes at a time; every
rule and every count is one Ibis expression, which DuckDB runs inside Python and any other Ibis backend runs unchanged.
"""

import re
import tempfile
import zipfile
import zlib
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import ibis
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pycountry

from . import data

STATE = "KAZ"
FIRST_DAY, LAST_DAY = "1979-01-01", "2100-12-31"  # GDELT begins in 1979
BLOCK = 1 << 22  # bytes of a file that are held at a time
ENDINGS = {".csv", ".tsv", ".tab", ".txt", ".zip"}  # of files in a folder

# QuadClass of a PLOVER event type: PLOVER manual, table "Quad categories in PLOVER" (openeventdata/PLOVER, 2024).
PLOVER = {
    **dict.fromkeys(["AGREE", "CONSULT", "SUPPORT", "CONCEDE"], 1),
    **dict.fromkeys(["COOPERATE", "AID", "RETREAT"], 2),
    **dict.fromkeys(["REQUEST", "ACCUSE", "REJECT", "SANCTION", "THREATEN"], 3),
    **dict.fromkeys(["PROTEST", "MOBILIZE", "COERCE", "ASSAULT"], 4),
}

# Names of states in ICEWS that are no names of ISO 3166.
ALIASES = {
    "Brunei": "BRN",
    "Cape Verde": "CPV",
    "Cote d'Ivoire": "CIV",
    "Democratic Republic of Congo": "COD",
    "Holy See": "VAT",
    "Macedonia": "MKD",
    "Occupied Palestinian Territory": "PSE",
    "Russia": "RUS",
    "Swaziland": "SWZ",
    "Turkey": "TUR",
}

COUNTED = "counted"
SET_ASIDE = ["Kazakhstan is no actor", "Kazakhstan is both actors", "no other state is named"]
BAD_DATE = "the date is no day of the Gregorian calendar from 1979 to 2100"
BAD_CODE = "the event code is not known"
BAD_STATE = "the state of an actor is not known"
BAD_COLUMNS = "the number of columns is wrong"
BAD_TEXT = "the encoding is not UTF-8"
CUT_OFF = "the last line has no line break; the file may be cut off"
EMPTY = "the file is empty"
REFUSED = [BAD_COLUMNS, BAD_TEXT, CUT_OFF, EMPTY, BAD_DATE, BAD_CODE, BAD_STATE]


class CountError(ValueError):
    """Nothing can be counted. The message names the file, how many rows were read, and why they were refused."""


@dataclass(frozen=True)
class Layout:
    """The columns of a data set: one for each of ``ROLES``, and how dates, codes and states are written in them."""

    name: str
    columns: tuple
    date_format: str = "%Y-%m-%d"
    delimiter: str = "\t"
    plover: bool = False  # event types of PLOVER instead of CAMEO codes
    names: bool = False  # states by name


ROLES = ("id", "date", "actor1", "actor2", "code")
LAYOUTS = [
    Layout("the course's table", ("event_id", "date", None, "partners", "cameo"), delimiter=","),
    Layout(
        "GDELT",
        ("GLOBALEVENTID", "SQLDATE", "Actor1CountryCode", "Actor2CountryCode", "EventCode"),
        date_format="%Y%m%d",
    ),
    Layout("ICEWS", ("Event ID", "Event Date", "Source Country", "Target Country", "CAMEO Code"), names=True),
    Layout(
        "POLECAT",
        ("Event ID", "Event Date", "Actor Country", "Recipient Country", "Event Type"),
        plover=True,
        names=True,
    ),
]
# GDELT's files have no header: 57 columns in files of before April 2013, 58 in later ones of version 1.0, 61 in 2.0.
# What is read stands at the same place in all of them.
GDELT_WIDTHS = {57, 58, 61}
GDELT_PLACES = (0, 1, 7, 17, 26)


@dataclass(frozen=True)
class Counts:
    """What ``count`` returns.

    Attributes
    ----------
    table : pandas.DataFrame
        ``year``, ``partner`` (ISO 3166 alpha-3, or a code of the table ``partners``), ``quadclass`` (1 to 4),
        ``events`` (number) and ``goldstein_sum`` (sum of the events' Goldstein values; missing for PLOVER types).
    report : pandas.DataFrame
        What became of every row that was read: ``outcome`` (counted, set aside, refused), ``reason``, ``rows`` and, for
        refused ones, an ``example``. The rows add up to those read.
    """

    table: pd.DataFrame
    report: pd.DataFrame

    def __str__(self):
        """One sentence: how many rows were read, counted, set aside and refused, and why."""
        total = self.report.groupby("outcome")["rows"].sum().reindex(["counted", "set aside", "refused"], fill_value=0)
        sentence = f"{total.sum():,} rows read: " + ", ".join(f"{rows:,} {outcome}" for outcome, rows in total.items())
        refused = self.report[self.report["outcome"] == "refused"]
        why = [f"{row.reason} ({row.rows:,}, for example {row.example})" for row in refused.itertuples()]
        return sentence + (f". Refused: {'; '.join(why)}" if why else "")


def count(source, connection=None, **options):
    """Count the events in which Kazakhstan is one actor, by year, partner and QuadClass.

    Reads the course's table ``events``, event files of GDELT 1.0 and 2.0 (plain or zipped) and of ICEWS, and POLECAT files.
    QuadClass and Goldstein value come from the course's table ``cameo``, whatever the source says, so that counts of
    different sources can be compared. PLOVER types, which POLECAT has, get the QuadClass that the PLOVER manual gives
    them; its scores are another scale than Goldstein's and are left out.

    An event counts for the state of the other actor, and in the course's table once for each partner. Events of
    Kazakhstan with itself, or with an actor of no state (in GDELT also international organisations), are set aside. States
    of GDELT keep the CAMEO code of the file, which is the ISO one for nearly all.

    Parameters
    ----------
    source : str, pathlib.Path, list of them, pandas.DataFrame or ibis.Table
        Files, a folder (its ``.csv``, ``.tsv``, ``.tab``, ``.txt`` and ``.zip`` files), or a table with the column names of
        one of the data sets. An Ibis table is counted by the engine that holds it: DuckDB, Spark, BigQuery or another.
    connection : ibis.BaseBackend, optional
        The engine that counts what is not an Ibis table. Without one, DuckDB inside Python.
    **options
        What the engine's ``to_pandas`` takes, for example ``engine="streaming"`` for less memory in Polars.

    Returns
    -------
    Counts
        The table of counts, and a report of every row that was set aside or refused.

    Raises
    ------
    CountError
        If a file is missing, damaged or of no known layout, or if every row was refused.
    """
    if isinstance(source, ibis.Table):
        return _count(_rows(source), _layout_of(source.columns), source.get_backend(), Refusals(), options)
    connection = connection or ibis.duckdb.connect()
    if isinstance(source, pd.DataFrame):
        return _count(_rows(ibis.memtable(source)), _layout_of(source.columns), connection, Refusals(), options)
    with tempfile.TemporaryDirectory() as folder:
        staged, refusals = Path(folder) / "rows.parquet", Refusals()
        layout = _stage(_files(source), staged, refusals)
        return _count(connection.read_parquet(staged), layout, connection, refusals, options)


# Rules and counts, as Ibis expressions


def _layout_of(columns):
    for layout in LAYOUTS:
        if set(filter(None, layout.columns)) <= set(columns):
            return layout
    raise CountError(
        "the table has the columns of none of these: "
        + "; ".join(f"{layout.name} ({', '.join(filter(None, layout.columns))})" for layout in LAYOUTS)
    )


def _rows(table):
    """A table with the column names of its data set as text under the names of ``ROLES``."""
    layout = _layout_of(table.columns)

    def text(name):
        if name is None:
            return ibis.literal(STATE)
        if table[name].type().is_temporal():
            return table[name].strftime(layout.date_format)
        return table[name].cast("string").fill_null("")

    roles = {role: text(name) for role, name in zip(ROLES, layout.columns)}
    return table.select(place=ibis.literal("id"), **roles)


def _count(rows, layout, connection, refusals, options):
    found = connection.to_pandas(_outcomes(rows, layout, connection), **options)
    rest = found[found["reason"] != COUNTED].groupby("reason").agg(rows=("events", "sum"), example=("example", "min"))
    for reason, (number, example) in zip(rest.index, rest.to_numpy()):
        refusals.add(reason, example, number)
    counted = found[found["reason"] == COUNTED]
    table = pd.DataFrame(
        {
            "year": counted["year"].astype("int64"),
            "partner": counted["partner"].astype("str"),
            "quadclass": counted["quadclass"].astype("int64"),
            "events": counted["events"].astype("int64"),
            "goldstein_sum": counted["tenths"].astype("float64") / 10 if not layout.plover else float("nan"),
        }
    )
    result = Counts(
        table.sort_values(["year", "partner", "quadclass"], ignore_index=True), refusals.report(table["events"].sum())
    )
    if not result.report.loc[result.report["outcome"] != "refused", "rows"].any():
        raise CountError(f"nothing can be counted: {result}")
    return result


def _outcomes(rows, layout, connection):
    """Number of rows and tenths of Goldstein points by outcome, and for counted rows by year, partner and QuadClass.

    Goldstein values have one decimal. Tenths are whole numbers, whose sum is the same in whatever order an engine adds.
    """
    if layout.columns[2] is None:
        rows = rows.mutate(actor2=rows["actor2"].split(";").unnest())
    states = _states(rows, layout, connection)
    other = states.rename(other="state", other_actor="actor")
    rows = rows.left_join(_days(layout), [("date", "day")]).left_join(_codes(layout), [("code", "known")])
    rows = rows.left_join(states, [("actor1", "actor")]).left_join(other, [("actor2", "other_actor")])

    first, second = rows["state"], rows["other"]
    bad_date, bad_code, bad_state = rows["year"].isnull(), rows["quadclass"].isnull(), first.isnull() | second.isnull()
    reason = ibis.cases(
        (bad_date, BAD_DATE),
        (bad_code, BAD_CODE),
        (bad_state, BAD_STATE),
        ((first != STATE) & (second != STATE), SET_ASIDE[0]),
        (first == second, SET_ASIDE[1]),
        ((first == "") | (second == ""), SET_ASIDE[2]),
        else_=COUNTED,
    )
    event = rows["place"] + " " + rows["id"] + ": "
    example = ibis.cases(
        (bad_date, event + rows["date"]),
        (bad_code, event + rows["code"]),
        (bad_state, event + rows["actor1"] + " / " + rows["actor2"]),
    )
    rows = rows.mutate(
        reason=reason,
        example=example,
        partner=(first == STATE).ifelse(second, first),
    )
    is_counted = rows["reason"] == COUNTED
    by = {
        name: is_counted.ifelse(rows[name], ibis.null(rows[name].type())) for name in ("year", "partner", "quadclass")
    }
    return rows.group_by("reason", **by).agg(
        events=rows.count(), tenths=rows["tenths"].sum(), example=rows["example"].min()
    )


def _days(layout):
    """Every day that an event can have, as the data set writes it."""
    days = pd.date_range(FIRST_DAY, LAST_DAY)
    return ibis.memtable(pd.DataFrame({"day": days.strftime(layout.date_format), "year": days.year.astype("int64")}))


def _codes(layout):
    """Every known event code with its QuadClass and the tenths of its Goldstein value."""
    if layout.plover:
        return ibis.memtable(pd.DataFrame({"known": list(PLOVER), "quadclass": list(PLOVER.values()), "tenths": 0}))
    cameo = data.load("cameo")
    tenths = (cameo["goldstein"] * 10).round().astype("int64")
    return ibis.memtable(
        pd.DataFrame({"known": cameo["code"], "quadclass": cameo["quadclass"].astype("int64"), "tenths": tenths})
    )


def _states(rows, layout, connection):
    """The state of every actor that occurs: its code, or an empty text where none is named; no row if it is unknown."""
    actors = rows.select(actor="actor1").union(rows.select(actor="actor2")).distinct()
    texts = sorted(connection.to_pandas(actors)["actor"])
    known = {text: state for text in texts if (state := _state(text, layout)) is not None}
    return ibis.memtable(pd.DataFrame({"actor": list(known), "state": list(known.values())}, dtype="str"))


def _state(text, layout):
    """The code of a state as the data set writes it; an empty text if it names none, None if it is not known."""
    if not layout.names:
        return text if re.fullmatch(r"([A-Z][A-Z0-9]{1,4})?", text) else None
    if text in ("", "NA", "NULL", "None"):
        return ""
    try:
        return ALIASES.get(text) or pycountry.countries.lookup(text).alpha_3
    except LookupError:
        return None


# Files, taken apart into rows of text


class Refusals:
    """How many rows were set aside or refused for each reason, with the first example in the order of the alphabet."""

    def __init__(self):
        self.rows, self.examples = Counter(), {}

    def add(self, reason, example, rows=1):
        self.rows[reason] += int(rows)
        if isinstance(example, str):
            self.examples[reason] = min(example, self.examples.get(reason, example))

    def report(self, counted):
        listed = [("counted", COUNTED, int(counted), "")]
        for outcome, reasons in (("set aside", SET_ASIDE), ("refused", REFUSED)):
            for reason in reasons:
                if reason in self.rows:
                    listed.append((outcome, reason, self.rows[reason], self.examples.get(reason, "")))
        return pd.DataFrame(listed, columns=["outcome", "reason", "rows", "example"])


def _files(source):
    """The files that a path, a folder or a list of them stands for."""
    files = []
    for path in map(Path, [source] if isinstance(source, (str, Path)) else source):
        if not path.exists():
            raise CountError(f"{path}: there is no such file or folder")
        inside = sorted(file for file in path.iterdir() if file.suffix.lower() in ENDINGS) if path.is_dir() else [path]
        files += inside
    if not files:
        raise CountError(f"{source}: no file that ends in {', '.join(sorted(ENDINGS))}")
    return files


@contextmanager
def _opened(path):
    """The byte streams of a file, one for each file of a zip archive, as pairs of name and stream."""
    if path.suffix.lower() != ".zip":
        with open(path, "rb") as file:
            yield [(path.name, file)]
        return
    with zipfile.ZipFile(path) as archive:
        yield ((f"{path.name}/{name}", archive.open(name)) for name in archive.namelist() if not name.endswith("/"))


def _stage(files, target, refusals):
    """Write the rows of all files to one Parquet file under the names of ``ROLES``; return their layout."""
    schema = pa.schema([(name, pa.string()) for name in ("place", *ROLES)])
    repeated = [name for name in schema.names if name != "id"]
    layout, read = None, 0
    with pa.parquet.ParquetWriter(target, schema, compression="lz4", use_dictionary=repeated) as writer:
        for path in files:
            try:
                with _opened(path) as streams:
                    for name, stream in streams:
                        for form, rows in _tables(name, stream, refusals):
                            if layout not in (None, form):
                                raise CountError(f"{name}: a file of {form.name} among files of {layout.name}")
                            layout, read = form, read + len(rows)
                            writer.write_table(rows.cast(schema))
            except (zipfile.BadZipFile, zlib.error, EOFError) as error:
                raise CountError(
                    f"{path}: the zip archive is cut off or damaged ({error}) after {read:,} sound rows "
                    f"and {refusals.rows.total():,} refused ones; nothing was counted"
                ) from None
    if layout is None:
        raise CountError(f"nothing can be counted: {Counts(None, refusals.report(0))}")
    return layout


def _tables(name, stream, refusals):
    """The sound rows of one file, block by block, as pairs of its layout and an Arrow table."""
    form = None
    for block in _blocks(name, stream, refusals):
        if form is None:
            form = _Form(name, block, refusals)
            block = block[form.start :]
        if block:
            yield form.layout, form.read(_only_utf8(name, block, refusals))
    if not stream.tell():
        refusals.add(EMPTY, name, 0)


def _blocks(name, stream, refusals):
    """Whole lines of a file, some megabytes at a time."""
    while block := stream.read(BLOCK):
        block += stream.readline(4 * BLOCK)
        if not block.endswith(b"\n"):
            lines, end, last = block.rpartition(b"\n")
            if len(last) >= 4 * BLOCK:
                raise CountError(f"{name}: no line break in {len(last):,} bytes; this is no table of text")
            refusals.add(CUT_OFF, f"{name} {_start(last)}")
            block = lines + end
        if block:
            yield block


def _only_utf8(name, block, refusals):
    try:
        if not block.isascii():
            block.decode()
        return block
    except UnicodeDecodeError:
        sound = []
        for line in block.splitlines(keepends=True):
            try:
                line.decode()
                sound.append(line)
            except UnicodeDecodeError:
                refusals.add(BAD_TEXT, f"{name} {_start(line)}")
        return b"".join(sound)


class _Form:
    """How one file is laid out, seen from its first lines, and how its blocks are read."""

    def __init__(self, name, block, refusals):
        lines = block[: 1 << 16].decode("utf-8", "replace").splitlines()[:100]
        header = lines[0].removeprefix("\ufeff")
        self.layout, self.places, self.start = None, None, 0
        for layout in LAYOUTS:
            cells = [cell.strip('"') for cell in header.split(layout.delimiter)]
            if set(filter(None, layout.columns)) <= set(cells):
                self.layout, width = layout, len(cells)
                self.places = [cells.index(column) if column else None for column in layout.columns]
                self.start = block.index(b"\n") + 1
        if self.layout is None:
            width = Counter(len(line.split("\t")) for line in lines).most_common(1)[0][0]
            if width not in GDELT_WIDTHS or not header.split("\t")[0].isdecimal():
                raise CountError(
                    f"{name}: not the layout of a known data set: most lines have {width} columns between tabs, and the "
                    f"first begins {header[:60]!r}. GDELT has 57, 58 or 61 and no header; other files need one with "
                    + "; or ".join(", ".join(filter(None, layout.columns)) for layout in LAYOUTS)
                )
            self.layout, self.places = LAYOUTS[1], GDELT_PLACES

        def refuse(row):
            fault = f"{row.actual_columns} columns instead of {row.expected_columns}: {row.text[:40]!r}"
            refusals.add(BAD_COLUMNS, f"{name} {fault}")
            return "skip"

        self.name = name
        wanted = [str(place) for place in self.places if place is not None]
        quoted = self.layout.delimiter == "," or header.startswith('"')
        self.options = (
            pa.csv.ReadOptions(column_names=[str(number) for number in range(width)], block_size=BLOCK // 2),
            pa.csv.ParseOptions(
                delimiter=self.layout.delimiter,
                quote_char='"' if quoted else False,
                ignore_empty_lines=False,
                invalid_row_handler=refuse,
            ),
            pa.csv.ConvertOptions(include_columns=wanted, column_types=dict.fromkeys(wanted, pa.string())),
        )

    def read(self, block):
        """Whole lines as an Arrow table of text with the columns ``place`` and ``ROLES``."""
        cells = pa.csv.read_csv(pa.py_buffer(block), *self.options)
        columns = {"place": pa.repeat(self.name, len(cells))}
        for role, place in zip(ROLES, self.places):
            columns[role] = pa.repeat(STATE, len(cells)) if place is None else cells[str(place)]
        return pa.table(columns)


def _start(line):
    return repr(line[:40].decode("utf-8", "replace"))
