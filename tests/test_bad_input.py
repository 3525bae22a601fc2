"""Every table, broken in each way that its schema forbids, gives one error that names file, row, field and rule."""

import csv
import io
import json
import re
import shutil

import pytest
from conftest import ROOT
from frictionless import Package
from toolkit import data, rules

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
            yield name, "no such value", "the enum allows only"
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
    assert f"data/{TABLES[name]['path']}, row 4, field '{field}" in message or f", {field}'" in message
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
        (lambda content: content[: len(content) // 2], "row |cut off"),
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
        for field, cell, _ in wrong:
            damaged = [*rows[0:1], *(list(row) for row in rows[1:])]
            damaged[3][rows[0].index(field)] = cell
            write(broken, name, damaged)
            report = Package(str(broken / "datapackage.json")).get_resource(name).validate()
            found = report.flatten(["rowNumber", "type"])
            assert any(row == 4 for row, _ in found), f"{name}.{field} = {cell!r}: frictionless sees nothing"
        shutil.copyfile(ROOT / "data" / TABLES[name]["path"], broken / TABLES[name]["path"])


def test_every_rule_of_the_descriptor_is_known():
    known = set(rules.CONSTRAINTS)
    for name, resource in TABLES.items():
        assert set(resource["schema"]) <= {"fields", "primaryKey", "foreignKeys", "missingValues"}, name
        for field in resource["schema"]["fields"]:
            assert field["type"] in rules.TYPES, (name, field["name"])
            assert set(field.get("constraints", {})) <= known, (name, field["name"])


@pytest.mark.parametrize("content", [b"{", b"[1, 2", b"\xff"])
@pytest.mark.parametrize("name", ["datapackage.json", "basemap.geojson"])
def test_bad_json_is_named(broken, name, content):
    (broken / name).write_bytes(content)
    with pytest.raises(data.DataError, match=f"data/{name}: not valid JSON"):
        data.check()


def test_a_shape_that_is_no_map_is_named(broken):
    (broken / "basemap.geojson").write_text(json.dumps({"type": "Topology"}))
    with pytest.raises(data.DataError, match="data/basemap.geojson: not a GeoJSON FeatureCollection"):
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
