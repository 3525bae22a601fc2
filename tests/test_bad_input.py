"""Every table, broken in each way that its schema forbids, gives one error that names file, row, field and rule."""

import csv
import io
import json
import re
import shutil
import subprocess
import sys

import pytest
from conftest import ROOT
from frictionless import Package
from toolkit import data

TABLES = {r["name"]: r for r in data.package()["resources"] if "schema" in r}
# A code that stands nowhere; the first that suits the pattern of a field is used.
STRANGERS = ["QQQ", "E9999", "2999", "no_such_row", "no-such-row"]


def beyond(bound, step):
    """The nearest value on the wrong side of a bound."""
    if isinstance(bound, str):  # a day
        year = int(bound[:4]) + step
        return f"{year}-01-01"
    return str(bound + step)


def faults(resource):
    """``(field, cell, what the error says)`` for every rule of the fields of a table."""
    schema = resource["schema"]
    foreign = {name for key in schema.get("foreignKeys", []) for name in data._names(key["fields"])}
    for field in schema["fields"]:
        name, kind, limits = field["name"], field["type"], field.get("constraints", {})
        if kind != "string":
            yield name, "x", f"the type is {kind}"
        if kind in ("integer", "number"):
            yield name, "1,5", f"the type is {kind}"
        if kind == "date":  # as spreadsheets save a day again, and a day that does not exist
            for day in ("31.12.1991", "12/31/1991", "31-Dec-91", "33603", "1991-02-30", "19911231"):
                yield name, day, "the type is date"
        if limits.get("required"):
            yield name, "", "the value is required"
        if "enum" in limits:
            yield name, "no such value", "is not in the list (enum)"
        if "pattern" in limits:
            yield name, "§", "the pattern is"
        if "minimum" in limits:
            yield name, beyond(limits["minimum"], -1), "the minimum is"
        if "maximum" in limits:
            yield name, beyond(limits["maximum"], 1), "the maximum is"
        if name in foreign:
            stranger = next(code for code in STRANGERS if re.fullmatch(limits.get("pattern", ".*"), code))
            yield name, stranger, "foreign key"
        if "listOf" in field:
            yield name, "RUS;QQQ", f"'QQQ' is no code of the table {field['listOf']['table']!r}"
        if name == "source":
            yield name, "no-such-key, row 1", "'no-such-key' is not a key of book/references.bib"
            yield name, "icews-r-package", "the source 'icews-r-package' has no locator"


FIELD_FAULTS = [(name, *fault) for name, resource in TABLES.items() for fault in faults(resource)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A copy of data/, to break one file of it at a time."""
    folder = tmp_path_factory.mktemp("data")
    shutil.copytree(ROOT / "data", folder, dirs_exist_ok=True)
    return folder


@pytest.fixture
def broken(whole, monkeypatch):
    """The copy, mended again after the test, which must itself have written nothing else."""
    monkeypatch.setattr(data, "DATA", whole)
    yield whole
    shutil.copytree(ROOT / "data", whole, dirs_exist_ok=True)


def rows_of(folder, name, limit=40):
    """Header and first rows of a table, as lists of cells."""
    text = (folder / TABLES[name]["path"]).read_text("utf-8")
    return list(csv.reader(io.StringIO(text)))[:limit]


def write(folder, name, rows):
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    (folder / TABLES[name]["path"]).write_text(buffer.getvalue(), "utf-8")


def error_of(name):
    with pytest.raises(data.DataError) as error:
        data.load(name)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("name, field, cell, says", FIELD_FAULTS, ids=lambda value: str(value)[:24])
def test_a_bad_cell_is_named(broken, name, field, cell, says):
    rows = rows_of(broken, name)
    rows[3][rows[0].index(field)] = cell
    write(broken, name, rows)
    before = {path: path.read_bytes() for path in broken.glob("*.*")}
    message = error_of(name)
    assert re.match(f"data/{TABLES[name]['path']}, row 4, field '([a-z_]+, )*{field}(, [a-z_]+)*': ", message)
    assert says in message
    assert before == {path: path.read_bytes() for path in broken.glob("*.*")}


@pytest.mark.parametrize("name", [name for name, resource in TABLES.items() if "primaryKey" in resource["schema"]])
def test_a_double_key_is_named(broken, name):
    rows = rows_of(broken, name)
    write(broken, name, [*rows, rows[2]])
    message = error_of(name)
    assert f"row {len(rows) + 1}, field " in message and "must be unique" in message and "stands in row 3 too" in message


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize(
    "damage, says",
    [
        (lambda rows: [rows[0], rows[1][:-1], *rows[2:]], r"row 2, field '\w+': a missing cell"),
        (lambda rows: [rows[0], [*rows[1], "more"], *rows[2:]], r"row 2: an extra cell, 'more'"),
        (lambda rows: [[*row, "stray"] for row in rows], r"row 1: the header must be .* but is .*,stray"),
        (lambda rows: [row[1:] for row in rows], r"row 1: the header must be "),
        (lambda rows: [row[::-1] for row in rows], r"row 1: the header must be "),
        (lambda rows: [rows[0], [], *rows[1:]], r"row 2: a blank row"),
    ],
    ids=["missing cell", "extra cell", "stray column", "missing column", "columns moved", "blank row"],
)
def test_a_bad_shape_is_named(broken, name, damage, says):
    write(broken, name, damage(rows_of(broken, name)))
    assert re.match(f"data/{TABLES[name]['path']}, {says}", error_of(name))


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize(
    "damage, says",
    [
        (lambda content: b"", "the file is empty"),
        (lambda content: content.decode().encode("utf-16"), "the encoding is not UTF-8"),
        (lambda content: "é".encode("latin-1") + content, "the encoding is not UTF-8"),
        (lambda content: b"\xef\xbb\xbf" + content, "byte order mark"),
        (lambda content: content.replace(b",", b";"), "row 1: the header must be"),
        (lambda content: content[: content.rindex(b",", 0, len(content) // 2)], "a missing cell|may be cut off|or cut off"),
        (lambda content: content.rstrip(b"\n"), "the file may be cut off"),
        (lambda content: content + b'"never closed', "cut off"),
        (None, "there is no such file"),
    ],
    ids=["empty", "UTF-16", "Latin-1", "BOM", "semicolons", "half", "no last line break", "open quote", "gone"],
)
def test_a_bad_file_is_named(broken, name, damage, says):
    path = broken / TABLES[name]["path"]
    content = path.read_bytes()
    path.unlink()
    if damage:
        path.write_bytes(damage(content))
    message = error_of(name)
    assert message.startswith(f"data/{TABLES[name]['path']}") and re.search(says, message)


def test_frictionless_agrees_on_every_bad_cell(broken):
    """Our rules and the library's say the same, save for the two rules that the standard cannot express."""
    for name in TABLES:
        rows = rows_of(broken, name)
        wrong = [fault for fault in faults(TABLES[name]) if "references.bib" not in fault[2] and "locator" not in fault[2]]
        wrong = [fault for fault in wrong if not fault[1].endswith(";QQQ")]
        for start in range(0, len(wrong), len(rows) - 1):  # as many at once as the table has rows, one in each
            damaged, part = [list(row) for row in rows], wrong[start : start + len(rows) - 1]
            for row, (field, cell, _) in zip(damaged[1:], part):
                row[rows[0].index(field)] = cell
            write(broken, name, damaged)
            report = Package(str(broken / "datapackage.json")).get_resource(name).validate()
            found = {row for (row,) in report.flatten(["rowNumber"])}
            unseen = [fault for number, fault in enumerate(part, start=2) if number not in found]
            assert unseen == [], f"{name}: frictionless sees nothing in {unseen}"
        shutil.copyfile(ROOT / "data" / TABLES[name]["path"], broken / TABLES[name]["path"])


INTEGER, NUMBER, TEXT = ({"name": "a", "type": kind} for kind in ("integer", "number", "string"))
SMALL = {
    "whole": ([INTEGER], {}, ["1", "-3"]),
    "letters": ([INTEGER], {}, ["1", "x"]),
    "fraction": ([INTEGER], {}, ["1.5"]),
    "numbers": ([NUMBER], {}, ["1", "1.0", "-2.5"]),
    "decimal comma": ([NUMBER], {}, ["1,5"]),
    "key twice": ([INTEGER], {"primaryKey": "a"}, ["1", "1"]),
    "key twice, written otherwise": ([INTEGER], {"primaryKey": "a"}, ["1", "01"]),
    "number twice, written otherwise": ([NUMBER], {"primaryKey": "a"}, ["1", "1.0"]),
    "text that looks alike": ([TEXT], {"primaryKey": "a"}, ["1", "01"]),
    "unique": ([TEXT | {"constraints": {"unique": True}}], {}, ["x", "x"]),
    "unique, empty": ([INTEGER | {"constraints": {"unique": True}}, {"name": "b", "type": "string"}], {}, [",x", ",y"]),
    "required": ([TEXT | {"constraints": {"required": True}}, {"name": "b", "type": "string"}], {}, [",x"]),
    "too small": ([NUMBER | {"constraints": {"minimum": 0.00001}}], {}, ["0.000001"]),
    "just right": ([NUMBER | {"constraints": {"minimum": 0.00001}}], {}, ["0.00001"]),
    "not in the list": ([TEXT | {"constraints": {"enum": ["x"]}}], {}, ["y"]),
    "half a pattern": ([TEXT | {"constraints": {"pattern": "^ab$"}}], {}, ["abc"]),
}


@pytest.mark.parametrize("fields, keys, rows", SMALL.values(), ids=SMALL)
def test_frictionless_and_our_rules_agree_on_small_tables(tmp_path, monkeypatch, fields, keys, rows):
    """In both directions: what one accepts or refuses, so does the other."""
    header = ",".join(field["name"] for field in fields)
    (tmp_path / "t.csv").write_text("\n".join([header, *rows, ""]), "utf-8")
    resource = {"name": "t", "path": "t.csv", "type": "table", "schema": {"fields": fields, **keys}}
    (tmp_path / "datapackage.json").write_text(json.dumps({"name": "p", "resources": [resource]}), "utf-8")
    monkeypatch.setattr(data, "DATA", tmp_path)
    theirs = Package(str(tmp_path / "datapackage.json")).validate().valid
    try:
        data.load("t")
        ours = True
    except data.DataError:
        ours = False
    assert ours == theirs


@pytest.mark.parametrize("cell", ["1e3", " 5", "5 ", "+5", "1_000", "inf", "nan", "9" * 400])
def test_numbers_that_only_programs_write_are_refused(broken, cell):
    """Stricter than the library: a spreadsheet writes 1E+03, and nobody sees it."""
    rows = rows_of(broken, "trade")
    rows[3][rows[0].index("usd_million")] = cell
    write(broken, "trade", rows)
    assert "row 4, field 'usd_million': the type is number" in error_of("trade")


def test_a_number_too_large_for_a_table_is_named(broken):
    rows = rows_of(broken, "route_waypoints")
    rows[3][rows[0].index("geonameid")] = "9" * 20
    write(broken, "route_waypoints", rows)
    assert "row 4, field 'geonameid': the type is integer" in error_of("route_waypoints")


def test_a_code_that_stands_in_a_list_twice_is_named(broken):
    rows = rows_of(broken, "events")
    rows[3][rows[0].index("partners")] = "RUS;CHN;RUS"
    write(broken, "events", rows)
    assert "row 4, field 'partners': 'RUS' stands in the list twice" in error_of("events")


def test_blank_text_is_no_value(broken):
    rows = rows_of(broken, "events")
    rows[3][rows[0].index("summary")] = " \u00a0"
    write(broken, "events", rows)
    assert "row 4, field 'summary': the value is required" in error_of("events")


@pytest.mark.parametrize(
    "change, says",
    [
        (lambda package: package.pop("resources"), "data/datapackage.json: a property is missing"),
        (lambda package: package["resources"][0].pop("name"), "data/datapackage.json: a property is missing"),
        (lambda package: package["resources"][0].pop("path"), "table 'claims': a property is missing"),
        (lambda package: package["resources"][0]["schema"].pop("fields"), "table 'claims': a property is missing"),
        (lambda package: package["resources"][0]["schema"]["fields"][0].update(type="text"), "field 'claim_id': .* 'text'"),
        (
            lambda package: package["resources"][0]["schema"]["fields"][0]["constraints"].update(minLength=3),
            "field 'claim_id': .* 'minLength'",
        ),
    ],
)
def test_a_bad_descriptor_is_named(broken, change, says):
    package = data.package()
    change(package)
    (broken / "datapackage.json").write_text(json.dumps(package), "utf-8")
    with pytest.raises(data.DataError, match=says):
        data.check()


@pytest.mark.parametrize("content", [b"{", b"[1, 2", b"\xff"])
@pytest.mark.parametrize("name", ["datapackage.json", "basemap.geojson"])
def test_bad_json_is_named(broken, name, content):
    (broken / name).write_bytes(content)
    with pytest.raises(data.DataError, match=f"data/{name}: not valid JSON"):
        data.check()


@pytest.mark.parametrize(
    "shape, says",
    [
        ({"type": "Topology"}, "not a GeoJSON FeatureCollection"),
        ({"type": "FeatureCollection"}, "not a GeoJSON FeatureCollection with features"),
        ({"type": "FeatureCollection", "features": []}, "not a GeoJSON FeatureCollection with features"),
        ({"type": "FeatureCollection", "features": [{}]}, "feature 1: its coordinates"),
        ({"type": "FeatureCollection", "features": [{"geometry": {"coordinates": [999, 1]}}]}, "feature 1: its coordinates"),
        ({"type": "FeatureCollection", "features": [{"geometry": {"coordinates": [[1, "x"]]}}]}, "feature 1: its coord"),
    ],
)
def test_a_shape_that_is_no_map_is_named(broken, shape, says):
    (broken / "basemap.geojson").write_text(json.dumps(shape))
    with pytest.raises(data.DataError, match=f"data/basemap.geojson.*{says}"):
        data.load("basemap")


def test_a_route_needs_two_points(broken):
    path = broken / "route_waypoints.csv"
    lines = path.read_text("utf-8").splitlines(keepends=True)
    path.write_text("".join(line for line in lines if not re.match(r"bbs,(?!1,)", line)), "utf-8")
    with pytest.raises(data.DataError, match=r"row \d+, field 'route_id': route 'bbs' has 1 point in data/route_waypo"):
        data.check()


def test_an_unknown_table_is_named():
    with pytest.raises(data.DataError, match="no table 'evnts'; it has .*events"):
        data.load("evnts")


@pytest.mark.parametrize(
    "name, field, cell, says",
    [
        ("events", "precision", "dya", "'dya' is not in the list (enum): day, month, year; did you mean 'day'?"),
        ("events", "event_id", "404", "write it like E0404; the pattern is"),
        ("events", "partners", "RSU", "'RSU' is no code of the table 'partners'; did you mean 'RUS'?"),
        ("trade", "usd_million", "1,5", "write a number with a decimal point, such as 12.5 (the cell holds '1,5')"),
        ("events", "date", "16.12.1991", "write a day that exists, written as 1991-12-16"),
    ],
)
def test_a_message_says_what_to_write(broken, name, field, cell, says):
    rows = rows_of(broken, name)
    rows[3][rows[0].index(field)] = cell
    write(broken, name, rows)
    assert says in error_of(name)


def test_a_file_with_semicolons_says_so(broken):
    path = broken / "cameo.csv"
    path.write_text(path.read_text("utf-8").replace(",", ";"), "utf-8")
    assert "save the file as CSV with commas" in error_of("cameo")


def test_the_check_from_the_command_line_names_every_fault(tmp_path):
    shutil.copytree(ROOT / "data", tmp_path / "data")
    shutil.copytree(ROOT / "book" / "toolkit", tmp_path / "book" / "toolkit")
    shutil.copyfile(ROOT / "book" / "references.bib", tmp_path / "book" / "references.bib")
    check = [sys.executable, "-m", "toolkit.data"]
    done = subprocess.run(check, cwd=tmp_path / "book", capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "Every table keeps its rules.\n")
    for name in ("events", "visits"):
        path = tmp_path / "data" / f"{name}.csv"
        path.write_text(path.read_text("utf-8").replace(",day,", ",dya,", 1), "utf-8")
    done = subprocess.run(check, cwd=tmp_path / "book", capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr == ""
    assert [line.partition(",")[0] for line in done.stdout.splitlines()] == ["data/events.csv", "data/visits.csv"]
