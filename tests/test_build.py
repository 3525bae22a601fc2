"""The build itself: it does nothing twice, runs again only what must, and a fault leaves the book as it was."""

import hashlib
import os
import re

import course_build
import nbformat
import pytest
from conftest import ROOT, build
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn


def fingerprint(folder):
    """Every file of a folder with a digest of its content."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def change(path, old, new):
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


FAULTS = {
    "a malformed row": (
        lambda book: change(book / "data/events.csv", ",day,", ",dya,"),
        [r"data/events\.csv, row \d+, field 'precision'", "enum"],
    ),
    "a missing table": (
        lambda book: (book / "data/oil_exports.csv").unlink(),
        [r"data/oil_exports\.csv"],
    ),
    "an unknown event code": (
        lambda book: change(book / "data/events.csv", ",057,", ",9999,"),
        [r"data/events\.csv, row \d+, field 'cameo'", "9999"],
    ),
    "a route with one point": (
        lambda book: (book / "data/route_waypoints.csv").write_text(
            re.sub(r"^cpc,(?!1,).*\n", "", (book / "data/route_waypoints.csv").read_text("utf-8"), flags=re.MULTILINE), "utf-8"
        ),
        [r"data/export_routes\.csv, row \d+, field 'route_id'", "'cpc' has 1 point"],
    ),
    "an unknown citation key": (
        lambda book: change(book / "book/history.md", "{cite:p}`", "{cite:p}`no-such-source{p. 1},"),
        [r"book/history\.md:\d+", "no-such-source"],
    ),
    "a cell that raises": (
        lambda book: change(book / "book/china.md", "from toolkit import", "1 / 0\nfrom toolkit import"),
        [r"book/china\.md, line \d+: a cell failed", "ZeroDivisionError: division by zero"],
    ),
    "a picture without a text": (
        lambda book: change(book / "book/russia.md", "    alt: ", "    width: 300px\n    # "),
        ["book/russia: a picture has no text alternative"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_stops_the_build_with_one_message_and_leaves_the_book(copy, fault):
    make, says = FAULTS[fault]
    before = fingerprint(copy / "_build" / "html")
    make(copy)
    done = build(copy)
    assert done.returncode != 0
    assert done.stderr.count("The book was not built") == 1 and "Traceback" not in done.stderr
    message = done.stderr.split("The book was not built")[1]
    for words in says:
        assert re.search(words, message), message
    assert str(copy) not in message
    assert fingerprint(copy / "_build" / "html") == before


def test_an_unchanged_book_is_not_executed_again(copy):
    before = fingerprint(copy / "_build" / "html")
    done = build(copy)
    assert done.returncode == 0, done.stderr
    assert "Executing notebook" not in done.stdout + done.stderr
    assert fingerprint(copy / "_build" / "html") == before


def test_a_changed_table_runs_the_chapters_that_load_it_and_no_other(copy):
    change(copy / "data/oil_exports.csv", ",reported,", ",derived,")
    done = build(copy)
    assert done.returncode == 0, done.stderr
    executed = set(
        re.findall(
            r"book[/\\]([\w-]+)\.md: Executing notebook", re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)
        )
    )
    loading = {
        path.stem
        for path in (copy / "book").glob("*.md")
        if re.search(r"""load\(["']oil_exports""", path.read_text("utf-8"))
    }
    assert executed == loading != set()


def test_a_changed_style_sheet_reaches_the_site(copy):
    site, sheet = copy / "_build" / "html", copy / "book/_static/course.css"
    page = (site / "book/index.html").read_text("utf-8")
    change(sheet, ".course-map {", ".course-map { color: red;")
    done = build(copy)
    assert done.returncode == 0, done.stderr
    assert "Executing notebook" not in done.stdout + done.stderr
    assert (site / "_static/course.css").read_bytes() == sheet.read_bytes()
    assert re.search(r"course\.css\?v=\w+", page)[0] not in (site / "book/index.html").read_text("utf-8")


def test_a_killed_build_is_made_good_by_the_next(copy):
    before = fingerprint(copy / "_build" / "html")
    (copy / "_build" / ".unfinished").touch()
    (copy / "_build" / ".html" / "book" / "russia.html").write_text("half a pa")
    assert build(copy).returncode == 0
    assert fingerprint(copy / "_build" / "html") == before


def test_two_clean_builds_are_the_same_bytes(site, copy):
    """In another folder, with another hash seed, language and time zone."""
    import shutil

    shutil.rmtree(copy / "_build")
    other = {"PYTHONHASHSEED": "7", "TZ": "Asia/Almaty", "LC_ALL": "C.UTF-8"}
    old = {key: os.environ.get(key) for key in other}
    os.environ.update(other)
    try:
        assert build(copy).returncode == 0
    finally:
        for key, value in old.items():
            os.environ.pop(key) if value is None else os.environ.update({key: value})
    one, two = fingerprint(site), fingerprint(copy / "_build" / "html")
    assert {name for name in one.keys() | two.keys() if one.get(name) != two.get(name)} == set()


def test_the_cache_drops_old_records_only_when_all_chapters_are_read(tmp_path):
    cache = get_cache(tmp_path)
    cache.change_cache_limit(1)
    kernel = {"name": "python3", "display_name": "Python 3"}
    for number in (1, 2):
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(f"{number}")], metadata={"kernelspec": kernel})
        cache.cache_notebook_bundle(CacheBundleIn(notebook, f"{number}.md"), check_validity=False)
    assert len(cache.list_cache_records()) == 2
    course_build.drop_old_records(cache)
    assert len(cache.list_cache_records()) == 1


def test_inputs_of_a_chapter_are_found():
    chapter = "x = data.load(\"events\")\ny = data.load('partners')"
    names = {path.name for path in course_build.inputs_of(chapter)}
    assert {"events.csv", "partners.csv", "basemap.geojson", "datapackage.json", "maps.py", "course.mplstyle"} <= names
    assert "oil_exports.csv" not in names


def test_the_bridge_says_when_the_theme_has_changed():
    import course_pages
    from sphinx.errors import ExtensionError

    with pytest.raises(ExtensionError, match="found nothing to mend; has the theme changed"):
        course_pages.finish_page("<!DOCTYPE html><html><head></head><body></body></html>", "a page")


def test_chapters_carry_the_header_that_the_cache_needs():
    for path in (ROOT / "book").glob("*.md"):
        text = path.read_text("utf-8")
        if "{code-cell}" in text:
            assert re.match(r"---\n.*?display_name:.*?\n---\n", text, flags=re.DOTALL), path.name
