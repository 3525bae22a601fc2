"""Counting events of other data sets: every layout, every engine, every kind of bad row."""

import importlib.util
import re
import shutil
import sys
import zipfile

import ibis
import pandas as pd
import pytest
from conftest import ROOT
from toolkit import counts, data, samples

sys.path.insert(0, str(ROOT / "tests"))
import benchmark

ROWS = 3000
ENGINES = {
    "DuckDB": (ibis.duckdb, {}),
    "Polars": (ibis.polars, {}),
    "Polars, streaming": (ibis.polars, {"engine": "streaming"}),
}
ICEWS = (
    "Event ID,Event Date,Source Name,Source Sectors,Source Country,Event Text,CAMEO Code,Intensity,Target Name,"
    "Target Sectors,Target Country,Story ID,Sentence Number,Publisher,City,District,Province,Country,Latitude,Longitude"
).split(",")
POLECAT = "Event ID,Event Date,Event Type,Event Mode,Intensity,Quad Code,Actor Country,Recipient Country".split(",")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """GDELT 2.0 plain, GDELT 1.0 zipped, both sound."""
    folder = tmp_path_factory.mktemp("gdelt")
    samples.write(folder / "a.export.CSV", ROWS)
    samples.write(folder / "b.export.CSV.zip", ROWS, seed=2, version=1)
    return folder


def lines(path):
    return path.read_bytes().splitlines(keepends=True)


def lay_out(path, header, rows):
    """Write dicts as a tab-separated file with a header."""
    text = [header, *([str(row.get(name, "")) for name in header] for row in rows)]
    path.write_text("".join("\t".join(cells) + "\n" for cells in text), "utf-8")
    return path


def outcomes(result):
    return dict(zip(result.report["reason"], result.report["rows"]))


def same(one, other):
    pd.testing.assert_frame_equal(one.table, other.table)
    pd.testing.assert_frame_equal(one.report, other.report)


# What is read


def test_our_own_events_are_counted_once_for_each_partner():
    events, cameo = data.load("events"), data.load("cameo")
    pairs = events.assign(partner=events["partners"].str.split(";")).explode("partner")
    pairs = pairs.merge(cameo, left_on="cameo", right_on="code").assign(year=pairs["date"].dt.year.to_numpy())
    counted = counts.count(events)
    assert counted.table["events"].sum() == len(pairs) == outcomes(counted)["counted"]
    assert counted.table["goldstein_sum"].sum() == pytest.approx(pairs["goldstein"].sum())
    expected = events.assign(partner=events["partners"].str.split(";")).explode("partner").value_counts(["partner"])
    assert counted.table.groupby("partner")["events"].sum().to_dict() == {key[0]: n for key, n in expected.items()}
    same(counts.count(ROOT / "data" / "events.csv"), counted)  # a reader's own table in our layout is a file


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("name", ["events.export.CSV", "events.export.CSV.zip"])
def test_gdelt_files_are_counted_as_pandas_counts_them(tmp_path, version, name):
    counted = counts.count(samples.write(tmp_path / name, ROWS, version=version))
    plain = samples.write(tmp_path / "plain.csv", ROWS, version=version)
    pd.testing.assert_frame_equal(counted.table, benchmark.plain_pandas(plain).astype(counted.table.dtypes))
    assert counted.report["rows"].sum() == ROWS and set(counted.report["outcome"]) == {"counted", "set aside"}


def test_old_gdelt_files_have_a_column_less(tmp_path):
    path = samples.write(tmp_path / "old.csv", ROWS, version=1)
    new = counts.count(path)
    path.write_bytes(re.sub(rb"\t[^\t\n]*\n", b"\n", path.read_bytes()))
    same(counts.count(path), new)


def test_a_folder_is_the_sum_of_its_files(folder):
    (folder / "notes.md").write_text("no events")
    a, b = (counts.count(folder / name) for name in ("a.export.CSV", "b.export.CSV.zip"))
    both = counts.count(folder)
    same(counts.count([folder / "b.export.CSV.zip", folder / "a.export.CSV"]), both)
    assert both.table["events"].sum() == a.table["events"].sum() + b.table["events"].sum()
    assert both.report["rows"].sum() == 2 * ROWS


def test_icews_files_name_states_and_kinds_of_quotes(tmp_path):
    event = {"Event ID": 1, "Event Date": "2014-03-01", "CAMEO Code": "040"}
    rows = [
        event | {"Source Country": "Kazakhstan", "Target Country": "Russian Federation"},
        event | {"Source Country": "South Korea", "Target Country": "Kazakhstan", "CAMEO Code": "173"},
        event | {"Source Country": "Kazakhstan", "Target Country": ""},
        event | {"Source Country": "Atlantis", "Target Country": "Kazakhstan"},
    ]
    counted = counts.count(lay_out(tmp_path / "events.tab", ICEWS, rows))
    assert counted.table.to_dict("tight")["data"] == [[2014, "KOR", 4, 1, -5.0], [2014, "RUS", 1, 1, 1.0]]
    assert outcomes(counted) == {"counted": 2, "no other state is named": 1, counts.BAD_STATE: 1}
    assert "Atlantis" in str(counted)
    quoted = tmp_path / "quoted.tab"
    quoted.write_text(re.sub(r"[^\t\n]+", r'"\g<0>"', (tmp_path / "events.tab").read_text()))
    pd.testing.assert_frame_equal(counts.count(quoted).table, counted.table)


def test_polecat_types_get_the_class_of_the_plover_manual_and_no_goldstein_value(tmp_path):
    event = {"Event Date": "2022-05-01", "Actor Country": "KAZ", "Recipient Country": "CHN"}
    rows = [event | {"Event ID": name, "Event Type": name} for name in counts.PLOVER]
    rows += [
        event | {"Event ID": "x", "Event Type": "CRIME"},
        event | {"Event Type": "AID", "Recipient Country": "None"},
    ]
    counted = counts.count(lay_out(tmp_path / "polecat.txt", POLECAT, rows))
    assert counted.table.set_index("quadclass")["events"].to_dict() == {1: 4, 2: 3, 3: 5, 4: 4}
    assert counted.table["goldstein_sum"].isna().all()
    assert outcomes(counted) == {"counted": 16, "no other state is named": 1, counts.BAD_CODE: 1}


# On every engine


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_counts_the_same(folder, tmp_path, engine):
    backend, options = ENGINES[engine]
    faulty = tmp_path / "faulty.csv"
    rows = lines(folder / "a.export.CSV")
    rows[5], rows[7] = rows[5][:300] + b"\n", rows[7].replace(b"\t", b"\t9", 1)
    faulty.write_bytes(b"".join(rows) + rows[9][:50])
    for source in (faulty, folder, data.load("events")):
        same(counts.count(source, backend.connect(), **options), counts.count(source))


def test_a_table_of_a_warehouse_is_counted_where_it_is(folder, tmp_path):
    names = [f"column {number}" for number in range(61)]
    for place, name in zip(counts.GDELT_PLACES, counts.LAYOUTS[1].columns):
        names[place] = name
    cells = pd.read_csv(folder / "a.export.CSV", sep="\t", header=None, names=names, dtype={"EventCode": "str"})
    cells.to_parquet(tmp_path / "warehouse.parquet")
    table = ibis.duckdb.connect().read_parquet(tmp_path / "warehouse.parquet")
    assert table["SQLDATE"].type().is_integer()  # as in BigQuery's public table
    pd.testing.assert_frame_equal(counts.count(table).table, counts.count(folder / "a.export.CSV").table)


@pytest.mark.parametrize("dialect", ["bigquery", "pyspark", "snowflake"])
def test_the_same_expression_can_be_said_to_a_warehouse(dialect):
    connection = ibis.duckdb.connect()
    rows = counts._rows(ibis.memtable(data.load("events")))
    query = ibis.to_sql(counts._outcomes(rows, counts.LAYOUTS[0], connection), dialect=dialect)
    assert "GROUP BY" in query and counts.BAD_CODE in query


@pytest.mark.skipif(
    not shutil.which("java") or not importlib.util.find_spec("pyspark"),
    reason="Spark needs Java and `pip install 'ibis-framework[pyspark]'`; the README's command needs neither",
)
def test_spark_counts_the_same(folder):
    from pyspark.sql import SparkSession

    session = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
    try:
        same(counts.count(folder, ibis.pyspark.connect(session)), counts.count(folder))
    finally:
        session.stop()


# Bad input


def with_cell(line, place, text):
    cells = line.split(b"\t")
    cells[place] = text
    return b"\t".join(cells)


@pytest.mark.parametrize(
    "reason, broken",
    [
        (counts.BAD_COLUMNS, lambda line: line.rsplit(b"\t", 3)[0] + b"\n"),
        (counts.BAD_COLUMNS, lambda line: line[:-1] + b"\textra\n"),
        (counts.BAD_TEXT, lambda line: with_cell(line, 6, "Назарбаев".encode("cp1251"))),
        (counts.BAD_DATE, lambda line: b"\n"),
        (counts.BAD_DATE, lambda line: with_cell(line, 1, b"20230229")),
        (counts.BAD_DATE, lambda line: with_cell(line, 1, b"25670115")),  # Buddhist era
        (counts.BAD_DATE, lambda line: with_cell(line, 1, b"14440621")),  # Islamic calendar
        (counts.BAD_DATE, lambda line: with_cell(line, 1, b"14020325")),  # Iranian calendar
        (counts.BAD_DATE, lambda line: with_cell(line, 1, b"15.01.2024")),
        (counts.BAD_DATE, lambda line: with_cell(line, 1, b"")),
        (counts.BAD_CODE, lambda line: with_cell(line, 26, b"999")),
        (counts.BAD_CODE, lambda line: with_cell(line, 26, b"---")),
        (counts.BAD_CODE, lambda line: with_cell(line, 26, b"")),
        (counts.BAD_STATE, lambda line: with_cell(line, 7, "Казахстан".encode())),
    ],
)
def test_a_bad_row_is_refused_and_reported_and_the_others_are_counted(folder, tmp_path, reason, broken):
    rows = lines(folder / "a.export.CSV")
    path = tmp_path / "some file.csv"
    path.write_bytes(b"".join([*rows, broken(rows[0]), broken(rows[1])]))
    counted, sound = counts.count(path), counts.count(folder / "a.export.CSV")
    pd.testing.assert_frame_equal(counted.table, sound.table)
    assert outcomes(counted) == outcomes(sound) | {reason: 2}
    assert counted.report["rows"].sum() == ROWS + 2
    assert f"{ROWS + 2:,} rows read" in str(counted) and "2 refused" in str(counted)
    assert reason in str(counted) and "some file.csv" in str(counted)


def test_half_a_file_loses_its_last_row_and_says_so(folder, tmp_path):
    path = tmp_path / "half.csv"
    path.write_bytes((folder / "a.export.CSV").read_bytes()[:100_000])
    counted = counts.count(path)
    whole = path.read_bytes().count(b"\n")
    assert outcomes(counted)[counts.CUT_OFF] == 1 and counted.report["rows"].sum() == whole + 1


def test_windows_line_ends_and_a_byte_order_mark_change_nothing(folder, tmp_path):
    path = tmp_path / "windows.csv"
    path.write_bytes(b"".join(line[:-1] + b"\r\n" for line in lines(folder / "a.export.CSV")))
    pd.testing.assert_frame_equal(counts.count(path).table, counts.count(folder / "a.export.CSV").table)
    events = tmp_path / "events.csv"
    events.write_bytes(b"\xef\xbb\xbf" + (ROOT / "data" / "events.csv").read_bytes())
    same(counts.count(events), counts.count(data.load("events")))


def cut_zip(folder, path):
    path.write_bytes((folder / "b.export.CSV.zip").read_bytes()[:-2000])


def damaged_zip(folder, path):
    content = bytearray((folder / "b.export.CSV.zip").read_bytes())
    content[20_000:20_040] = bytes(40)
    path.write_bytes(content)


def of_another_layout(folder, path):
    path.write_text("a\tb\n1\t2\n")


def of_another_encoding(folder, path):
    path.write_bytes((folder / "a.export.CSV").read_text().encode("utf-16"))


def empty(folder, path):
    path.write_bytes(b"")


def all_refused(folder, path):
    path.write_bytes(b"".join(with_cell(line, 26, b"") for line in lines(folder / "a.export.CSV")))


def without_lines(folder, path):
    path.write_bytes(bytes(5 * counts.BLOCK))


@pytest.mark.parametrize(
    "name, broken, says",
    [
        ("cut.zip", cut_zip, "cut off or damaged"),
        ("damaged.zip", damaged_zip, "cut off or damaged"),
        ("other.tsv", of_another_layout, "not the layout of a known data set: most lines have 2 columns"),
        ("utf-16.csv", of_another_encoding, "not the layout of a known data set"),
        ("empty.csv", empty, "0 rows read.*the file is empty"),
        ("codes.csv", all_refused, "3,000 rows read: 0 counted, 0 set aside, 3,000 refused.*event code"),
        ("binary.csv", without_lines, "no line break"),
        ("missing.csv", lambda folder, path: None, "no such file"),
    ],
)
def test_a_file_of_which_nothing_can_be_counted_is_named(folder, tmp_path, name, broken, says):
    broken(folder, tmp_path / name)
    with pytest.raises(counts.CountError, match=says) as error:
        counts.count(tmp_path / name)
    assert name in str(error.value)


def test_files_of_two_data_sets_are_not_added_up(folder, tmp_path):
    with pytest.raises(counts.CountError, match="events.csv: a file of the course's table among files of GDELT"):
        counts.count([folder / "a.export.CSV", ROOT / "data" / "events.csv"])


def test_a_table_without_the_columns_and_an_empty_folder_are_refused(tmp_path):
    with pytest.raises(counts.CountError, match="SQLDATE"):
        counts.count(pd.DataFrame({"date": []}))
    with pytest.raises(counts.CountError, match="no file"):
        counts.count(tmp_path)


# Made-up files


@pytest.mark.parametrize("name", ["a.csv", "a.csv.zip"])
def test_made_up_files_are_the_same_every_time(tmp_path, name):
    first = samples.write(tmp_path / name, 50).read_bytes()
    assert samples.write(tmp_path / name, 50).read_bytes() == first
    assert samples.write(tmp_path / name, 50, seed=2).read_bytes() != first


@pytest.mark.parametrize("version, width", [(1, 58), (2, 61)])
def test_made_up_files_have_the_form_of_gdelt(tmp_path, version, width):
    path = samples.write(tmp_path / "a.csv.zip", samples.BATCH + 1, version=version)
    with zipfile.ZipFile(path) as archive:
        rows = archive.read("a.csv").decode().splitlines()
    assert len(rows) == samples.BATCH + 1 and {row.count("\t") for row in rows} == {width - 1}
    assert len({row.split("\t")[0] for row in rows}) == len(rows)


def test_the_benchmark_comes_to_the_same_table_in_every_way(capsys):
    benchmark.gdelt(ROWS)
    _, *ways = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in ways] == list(benchmark.WAYS)
    assert len({line.rsplit("MB", 1)[1].split(")")[1] for line in ways}) == 1
