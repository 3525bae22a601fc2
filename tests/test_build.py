"""The build itself: it does nothing twice, runs again only what must, and a fault leaves the book as it was."""

import hashlib
import os
import re

import pytest
from conftest import ROOT, build
from course_inputs import DATA, inputs_of


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
    "a cell that raises": (
        lambda book: change(book / "book/trade.md", "from toolkit import", "1 / 0\nfrom toolkit import"),
        [r"book/trade\.md, line 15: a cell failed", "ZeroDivisionError: division by zero", r"The cell:\n1 / 0\n"],
    ),
    "a cell that does not parse": (
        lambda book: change(book / "book/trade.md", "from toolkit import", "for\nfrom toolkit import"),
        [r"book/trade\.md, line 15: a cell failed", "SyntaxError"],
    ),
    "a kernel that dies": (
        lambda book: change(book / "book/trade.md", "from toolkit import", "import os; os._exit(1)\nfrom toolkit import"),
        [r"book/trade\.md: Kernel died"],
    ),
    "a picture without a text": (
        lambda book: change(book / "book/trade.md", "    alt: ", "    width: 300px\n    # "),
        ["book/trade: a picture has no text alternative"],
    ),
}  # fmt: skip


def stopped(done, folder):
    """The one message of a build that did not succeed."""
    assert done.returncode != 0
    assert done.stderr.count("The book was not built") == 1 and "Traceback" not in done.stderr
    message = done.stderr.split("The book was not built")[1]
    assert str(folder) not in message
    return message


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_stops_the_build_with_one_message_and_leaves_the_book(book, fault):
    make, says = FAULTS[fault]
    before = fingerprint(book / "_build" / "html")
    make(book)
    message = stopped(build(book), book)
    for words in says:
        assert re.search(words, message), message
    assert fingerprint(book / "_build" / "html") == before


def test_an_unknown_citation_key_is_named(copy):
    before = fingerprint(copy / "_build" / "html")
    change(copy / "book/history.md", "{cite:p}`", "{cite:p}`no-such-source{p. 1},")
    message = stopped(build(copy), copy)
    assert re.search(r"book/history\.md:\d+", message) and "no-such-source" in message
    assert fingerprint(copy / "_build" / "html") == before


# Again, and only what must


def ran(done):
    """The chapters that a build ran; it must have succeeded."""
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    text = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)
    assert "Executing notebook" not in text, "MyST-NB ran what the build had not"
    return set(re.findall(r"book/([\w-]+): ran in", text))


def test_an_unchanged_book_is_left_alone(book):
    before = fingerprint(book / "_build" / "html")
    assert ran(build(book)) == set()  # in another folder the pages are read again
    done = build(book)
    assert ran(done) == set() and "Nothing has changed" in done.stdout and "building [html]" not in done.stdout
    assert fingerprint(book / "_build" / "html") == before
    assert "building [html]" in build(book, "--all").stdout
    (book / "_build" / "html" / "book" / "trade.html").write_text("somebody wrote here", "utf-8")
    assert ran(build(book)) == set()
    assert fingerprint(book / "_build" / "html") == before


def test_a_change_runs_the_chapters_that_use_it_and_no_other(book):
    assert ran(build(book)) == set()
    blank = ("\n", "\n\n")  # a change in a file's text that changes nothing else
    rounds = [
        ({"data/trade.csv": ("14666.16", "14666.17"), "book/toolkit/samples.py": blank}, {"trade"}),
        ({"book/toolkit/map.js": blank, "data/visits.csv": ("Boris Yeltsin", "B. Yeltsin")}, {"index"}),
        ({"book/toolkit/charts.py": blank, "book/prose.md": blank}, {"trade"}),
    ]
    for changes, chapters in rounds:
        for path, (old, new) in changes.items():
            time = (book / path).stat().st_mtime - 1000
            change(book / path, old, new)
            os.utime(book / path, (time, time))  # as when a copy comes with its old time
        assert ran(build(book)) == chapters


@pytest.mark.parametrize(
    "code, tables",
    [
        ("from toolkit import data\ndata.load('trade')", {"trade.csv"}),
        ("import toolkit.data\ntoolkit.data.load('trade')", {"trade.csv"}),
        ("from toolkit.data import load as get\nget('trade')", {"trade.csv"}),
        ("from toolkit import data as d\nfor name in ('trade', 'visits'): d.load(name)", "all"),
        ("from toolkit import data\nread = data.load", "all"),
        ("from toolkit import data\ndata.load(name='trade')", "all"),
        ("from toolkit import data\ndata.check()", "all"),
        ("from toolkit import *", "all"),
        ("import toolkit\ngetattr(toolkit, 'data')", "all"),
        ("text = open('../data/visits.csv')", {"visits.csv"}),
        ("from toolkit import data\nload = 3\nprint(load)", set()),
        ("from toolkit import maps", {"basemap.geojson"}),
        ("from toolkit import counts", {"cameo.csv"}),
        ("%matplotlib", "all"),
    ],
)
def test_tables_that_a_chapter_uses_are_found(code, tables):
    found = {path.name for path in inputs_of(f"```{{code-cell}} python\n:tags: [hide-input]\n{code}\n```\n")}
    everything = {path.name for path in DATA.iterdir() if path.suffix in (".csv", ".geojson")}
    assert found & everything == (everything if tables == "all" else tables)


def test_modules_that_a_chapter_reaches_are_found():
    found = {path.name for path in inputs_of("```{code-cell}\nfrom toolkit import maps\n```\n")}
    assert found >= {"__init__.py", "maps.py", "map.css", "map.js", "data.py", "rules.py", "datapackage.json"}
    assert not found & {"charts.py", "course.mplstyle", "counts.py", "samples.py"}


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
