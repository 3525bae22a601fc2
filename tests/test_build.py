"""The build itself: it does nothing twice, runs again only what must, and a fault leaves the book as it was."""

import hashlib
import json
import os
import pickle
import platform
import random
import re
import shutil
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

import pytest
from conftest import BUILD, NOTEBOOKS, ROOT, build
from course_inputs import CELL, DATA, inputs_of
from course_kernels import kernels
from jupyter_client import AsyncKernelManager
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook
from toolkit import data


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
        [r"data/events\.csv, row \d+, field 'precision'", r"is not in the list.*did you mean 'day'"],
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
        [r"book/trade\.md, line 19: a cell failed", "ZeroDivisionError: division by zero", r"The cell:\n1 / 0\n"],
    ),
    "a cell that does not parse": (
        lambda book: change(book / "book/trade.md", "from toolkit import", "for\nfrom toolkit import"),
        [r"book/trade\.md, line 19: a cell failed", "SyntaxError"],
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


# Again, and only what must


def ran(done):
    """The chapters that a build ran; it must have succeeded."""
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    text = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)
    assert "Executing notebook" not in text, "MyST-NB ran what the build had not"
    return set(re.findall(r"book/([\w-]+): ran in", text))


def test_a_changed_style_sheet_reaches_the_site(book):
    assert ran(build(book)) == set()
    site, sheet = book / "_build" / "html", book / "book/_static/course.css"
    page = (site / "book/index.html").read_text("utf-8")
    change(sheet, ".course-map {", ".course-map { color: red;")
    assert ran(build(book)) == set()
    assert ".course-map{color: red;" in (site / "_static/site.css").read_text("utf-8")
    assert re.search(r"site\.css\?v=\w+", page)[0] not in (site / "book/index.html").read_text("utf-8")


def test_the_style_sheet_does_not_depend_on_the_pages_that_were_written(book):
    build(book)
    site, before = book / "_build" / "html", fingerprint(book / "_build" / "html")
    assert ".sd-badge{" not in (site / "_static/site.css").read_text("utf-8")
    change(book / "book/prose.md", "This page", "{bdg}`This` page")
    assert ran(build(book)) == set()
    sheet = (site / "_static/site.css").read_text("utf-8")
    assert ".sd-badge{" in sheet and ".course-map{" in sheet  # the map stands on another page
    versions = {re.search(r"site\.css\?v=(\w+)", page.read_text("utf-8"))[1] for page in (site / "book").glob("*.html")}
    assert versions == {hashlib.sha256(sheet.encode()).hexdigest()[:8]}
    change(book / "book/prose.md", "{bdg}`This` page", "This page")
    assert ran(build(book)) == set()
    assert fingerprint(site) == before


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
        ("from toolkit import maps", {"basemap.geojson", "partners.csv"}),
        ("from toolkit import counts", {"cameo.csv"}),
        ("%matplotlib", "all"),
        ("from toolkit import maps\nmaps.data.load('trade')", {"basemap.geojson", "partners.csv", "trade.csv"}),
        ("from toolkit.maps import data\ndata.load('trade')", {"basemap.geojson", "partners.csv", "trade.csv"}),
        ("from toolkit.maps import *", "all"),
        ("import importlib", "all"),
        ("name = 'trade'\nopen(f'../data/{name}.csv')", "all"),
    ],
)
def test_tables_that_a_chapter_uses_are_found(code, tables):
    found = {path.name for path in inputs_of(f"```{{code-cell}} python\n:tags: [hide-input]\n{code}\n```\n")}
    everything = {path.name for path in DATA.iterdir() if path.suffix in (".csv", ".geojson")}
    assert found & everything == (everything if tables == "all" else tables)


@pytest.mark.parametrize("fence", ["```", "````", "~~~"])
def test_cells_are_found_in_every_fence(fence):
    found = inputs_of(f"{fence}{{code-cell}} python\nfrom toolkit import data\ndata.load('trade')\n{fence}\n")
    assert DATA / "trade.csv" in found


def test_a_table_that_changes_while_its_chapter_runs_stops_the_build(book):
    before = fingerprint(book / "_build" / "html")
    change(book / "book/trade.md", "from toolkit import", "import time; time.sleep(8)\nfrom toolkit import")
    with ThreadPoolExecutor(1) as pool:
        building = pool.submit(build, book)
        time.sleep(6)
        change(book / "data/trade.csv", "14666.16", "14666.17")
        message = stopped(building.result(), book)
    assert "changed while it" in message
    assert fingerprint(book / "_build" / "html") == before


def test_a_new_title_reaches_every_page_and_what_is_gone_leaves_nothing(small, book):
    change(book / "book/trade.md", "# Trade", "# Commerce")
    assert ran(build(book)) == set()
    pages = book / "_build" / "html" / "book"
    assert "Commerce" in (pages / "prose.html").read_text("utf-8")
    change(book / "book/trade.md", "# Commerce", "# Trade")
    assert ran(build(book)) == set()
    assert fingerprint(book / "_build" / "html") == fingerprint(small / "_build" / "html")
    (book / "book" / "prose.md").unlink()
    change(book / "_toc.yml", "- file: book/prose\n", "")
    build(book)
    left = [path for path in (book / "_build" / "html").rglob("*prose*")]
    assert left == [] and (pages / "trade.html").exists()


def test_a_new_order_reaches_every_page_and_a_file_that_is_gone_leaves_the_site(small, book):
    (book / "book/_static/more.txt").write_text("More.", "utf-8")
    change(book / "_toc.yml", "- file: book/trade\n- file: book/prose", "- file: book/prose\n- file: book/trade\n  title: Commerce")
    assert ran(build(book)) == set()
    site = book / "_build" / "html"
    assert (site / "_static/more.txt").exists()
    prose = (site / "book/prose.html").read_text("utf-8")
    assert "Commerce" in prose and re.search(r'class="right-next"[^>]*href="trade\.html"|href="trade\.html"[^>]*right-next', prose)
    (book / "book/_static/more.txt").unlink()
    change(book / "_toc.yml", "- file: book/prose\n- file: book/trade\n  title: Commerce", "- file: book/trade\n- file: book/prose")
    assert ran(build(book)) == set()
    assert fingerprint(site) == fingerprint(small / "_build" / "html")


def test_another_builder_leaves_the_site_and_what_it_knows_alone(book):
    assert ran(build(book)) == set()
    before = fingerprint(book / "_build" / "html")
    change(book / "book/prose.md", "This page", "Our page")
    done = build(book, "--builder", "custom", "--custom-builder", "dummy")
    assert done.returncode == 0 and "Nothing has changed" not in done.stdout, done.stderr[-2000:]
    assert fingerprint(book / "_build" / "html") == before
    assert ran(build(book)) == set()
    assert "Our page" in (book / "_build/html/book/prose.html").read_text("utf-8")


def test_modules_that_a_chapter_reaches_are_found():
    found = {path.name for path in inputs_of("```{code-cell}\nfrom toolkit import maps\n```\n")}
    assert found >= {"__init__.py", "maps.py", "map.css", "map.js", "data.py", "rules.py", "datapackage.json"}
    assert not found & {"charts.py", "counts.py", "samples.py"}


STATE = """
import locale, os, signal, sys, warnings
import folium, matplotlib.pyplot as plt, numpy, pandas, scipy.stats
environment = {name: value for name, value in os.environ.items() if name != "JPY_PARENT_PID"}
signals = [str(signal.getsignal(signal.SIGCHLD)), str(signal.getsignal(signal.SIGINT))]
state = [sys.path, sys.stdin.fileno(), environment, signals, locale.getlocale(), plt.get_backend()]
state += [sorted(map(str, warnings.filters)), *plt.rcParams.items()]
options = pandas.describe_option(_print_desc=False).lower().splitlines()
print(*state, *(line.partition("[currently: ")[2] for line in options), sep="\\n")
"""
ALONE = "print(os.getpid(), os.getsid(0), numpy.random.random())"


def test_a_forked_kernel_is_as_fresh_as_any_other(tmp_path):
    """The same state of the libraries, a process of its own, numbers of its own; and nothing runs on."""

    def run(manager):
        notebook = new_notebook(cells=[new_code_cell(STATE), new_code_cell(ALONE)])
        NotebookClient(notebook, kernel_manager_class=manager, resources={"metadata": {"path": str(tmp_path)}}).execute()
        return [cell.outputs[0]["text"] for cell in notebook.cells]

    with kernels() as manager, ThreadPoolExecutor(2) as pool:
        forked = list(pool.map(run, [manager, manager]))
    assert [state for state, _ in forked] == [run(AsyncKernelManager)[0]] * 2
    one, two = (alone.split() for _, alone in forked)
    assert len({one[0], two[0], str(os.getpid())}) == 3 and one[2] != two[2]
    for pid, session, _ in (one, two):
        assert pid == session
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid), 0)


# The same bytes


def executed(folder):
    """The notebooks that a build ran, by chapter, without the ids of cells, which nbformat draws by lot."""
    notebooks = {}
    for path in sorted((folder / "_build" / "jupyter_execute").rglob("*.ipynb")):
        notebooks[path.stem] = json.loads(path.read_text("utf-8"))
        for cell in notebooks[path.stem]["cells"]:
            del cell["id"]
    return notebooks


@pytest.fixture(scope="module")
def elsewhere(site, tmp_path_factory):
    """The book built from nothing in another folder, with another hash seed, language and time zone, and watched at it."""
    folder, log = tmp_path_factory.mktemp("elsewhere") / "another folder", tmp_path_factory.mktemp("log")
    ignored = shutil.ignore_patterns("_build", ".git", ".venv", "__pycache__", ".pytest_cache", ".hypothesis")
    shutil.copytree(ROOT, folder, ignore=ignored)
    other = {"PYTHONHASHSEED": "7", "TZ": "Asia/Almaty", "LC_ALL": "C.UTF-8", "LANG": "kk_KZ.UTF-8"}
    watch = {"PYTHONPATH": str(ROOT / "tests" / "recorder"), "RECORD_IN": str(log), "RECORD_OF": str(folder)}
    done = build(folder, **other, **watch)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    processes = [[json.loads(line) for line in path.read_text("utf-8").splitlines()] for path in log.iterdir()]
    return folder, processes


def test_two_clean_builds_are_the_same_bytes(site, elsewhere):
    """Every file of the site, and every executed notebook. Left out is what no reader gets: Sphinx's and jupyter-cache's
    stores hold times and paths."""
    one, two = fingerprint(site), fingerprint(elsewhere[0] / "_build" / "html")
    assert {name for name in one.keys() | two.keys() if one.get(name) != two.get(name)} == set()
    assert executed(site.parents[1]) == executed(elsewhere[0])


def test_every_file_that_a_chapter_opens_is_known(elsewhere):
    """What kernels really opened is what ``inputs_of`` reads from the code, neither less nor more."""
    resources = {resource["name"]: resource for resource in data.package()["resources"]}
    by_path = {f"data/{resource['path']}": name for name, resource in resources.items()}
    chapters = {path: {cell["code"].strip() for cell in CELL.finditer(path.read_text("utf-8"))} for path in NOTEBOOKS}
    seen = set()
    for process in elsewhere[1]:
        cells = {said["cell"].strip() for said in process if "cell" in said}
        opened = {said["opened"].replace(os.sep, "/") for said in process if "opened" in said}
        opened = {re.sub(r"__pycache__/(\w+)\..*", r"\1.py", path) for path in opened}
        opened = {path for path in opened if re.match(r"data/|book/toolkit/.*\.", path)}
        for path in [path for path, code in chapters.items() if cells >= code]:
            inputs = {file.relative_to(ROOT).as_posix() for file in inputs_of(path.read_text("utf-8"))}
            looked_up = {
                f"data/{resources[name]['path']}" for name in reach(inputs & by_path.keys(), by_path, resources)
            }
            assert opened - looked_up <= inputs <= opened, path.stem
            seen.add(path)
    assert seen == set(NOTEBOOKS)


def reach(paths, by_path, resources):
    """Tables to which the keys of some tables refer, and theirs in turn."""
    found, waiting = set(), [by_path[path] for path in paths]
    while waiting:
        schema = resources[waiting.pop()].get("schema", {"fields": []})
        others = [key["reference"]["resource"] for key in schema.get("foreignKeys", [])]
        others += [field["listOf"]["table"] for field in schema["fields"] if "listOf" in field]
        waiting += [name for name in others if name not in found]
        found.update(others)
    return found


def test_a_build_asks_no_other_host(elsewhere):
    assert {said["connected"] for process in elsewhere[1] for said in process if "connected" in said} <= {
        "127.0.0.1",
        "::1",
    }


def test_everything_that_a_page_is_made_of_is_watched(elsewhere):
    """The files that Sphinx knows as sources of a page are among those whose change makes a new build."""
    with open(elsewhere[0] / "_build" / ".doctrees" / "environment.pickle", "rb") as file:
        paths = [path for paths in pickle.load(file).dependencies.values() for path in paths]
    used = {Path(os.path.relpath(elsewhere[0] / path, elsewhere[0])).as_posix() for path in paths}
    assert "data/events.csv" in used
    assert {path for path in used if not re.match(r"book/|data/|[^/]+$|_build/jupyter_execute/", path)} == set()


def test_a_change_that_is_taken_back_leaves_no_trace(elsewhere):
    folder = elsewhere[0]
    before = fingerprint(folder / "_build" / "html")
    changes = [("data/energy.csv", ",26.6,", ",26.7,"), ("book/history.md", "\n## ", "\nOne sentence more.\n\n## ")]
    for path, old, new in changes:
        change(folder / path, old, new)
    uses = {
        path.stem for path in NOTEBOOKS if "energy.csv" in {file.name for file in inputs_of(path.read_text("utf-8"))}
    }
    assert ran(build(folder)) == uses != set()
    assert fingerprint(folder / "_build" / "html") != before
    for path, old, new in changes:
        change(folder / path, new, old)
    assert ran(build(folder)) == set()
    assert fingerprint(folder / "_build" / "html") == before


def test_an_unknown_citation_key_is_named(elsewhere):
    folder = elsewhere[0]
    before, text = fingerprint(folder / "_build" / "html"), (folder / "book/history.md").read_text("utf-8")
    change(folder / "book/history.md", "{cite:p}`", "{cite:p}`no-such-source{p. 1},")
    message = stopped(build(folder), folder)
    (folder / "book/history.md").write_text(text, "utf-8")
    assert re.search(r"book/history\.md:\d+", message) and "no-such-source" in message
    assert fingerprint(folder / "_build" / "html") == before


def test_a_plain_locale_no_network_and_tables_that_may_not_be_written_change_nothing(small, book):
    shutil.rmtree(book / "_build")
    before = {path: path.stat().st_mtime_ns for path in [book / "data", *(book / "data").rglob("*")]}
    for path in before:
        path.chmod(0o555 if path.is_dir() else 0o444)
    poor = {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = build(book, **poor, http_proxy="http://127.0.0.1:9", https_proxy="http://127.0.0.1:9")
    for path in before:
        path.chmod(0o755 if path.is_dir() else 0o644)
    assert ran(done) == {"index", "trade"}
    assert fingerprint(book / "_build" / "html") == fingerprint(small / "_build" / "html")
    assert before == {path: path.stat().st_mtime_ns for path in [book / "data", *(book / "data").rglob("*")]}


def test_line_ends_of_windows_change_no_page(small, book):
    for path in [book / "_config.yml", book / "_toc.yml", *(book / "book").glob("*.*"), *(book / "data").glob("*.*")]:
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert ran(build(book)) == {"index", "trade"}
    one, two = fingerprint(small / "_build" / "html"), fingerprint(book / "_build" / "html")
    differ = {name for name in one.keys() | two.keys() if one.get(name) != two.get(name)}
    as_they_are = re.compile(r"_downloads/|_sources/|notebooks/.*\.zip")  # these hold copies of files
    assert {name for name in differ if not as_they_are.match(name)} == set()


# Faults of the machine


def test_a_build_killed_at_any_moment_is_made_good_by_the_next(small, book):
    """Twenty kills. After each the site is the old one or the new one, whole; a build that is not killed makes the new one."""
    texts = ["A cell that draws.", "One cell that draws."]
    change(book / "book/trade.md", *texts)
    begun = time.monotonic()
    ran(build(book))
    seconds, which = time.monotonic() - begun, 1
    sites, chance = [fingerprint(folder / "_build" / "html") for folder in (small, book)], random.Random(7)
    for number in range(20):
        if number % 5 == 0:  # a change, and then builds that begin where the one before was killed
            change(book / "book/trade.md", texts[which], texts[1 - which])
            which = 1 - which
        if number in (5, 15):
            shutil.rmtree(book / "_build")
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        process = subprocess.Popen(BUILD, cwd=book, start_new_session=True, **quiet)
        time.sleep(chance.uniform(0, seconds))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert fingerprint(book / "_build" / "html") in ({}, *sites)
        if number % 5 == 4:
            ran(build(book))
            assert fingerprint(book / "_build" / "html") == sites[which]


@pytest.mark.parametrize("limit", [2_000, 30_000, 1_000_000])
def test_a_full_disk_stops_the_build_with_one_message(small, book, limit):
    """A file that cannot grow fails as on a full disk, for any user; the larger the limit, the later in the build."""
    import resource  # not on Windows

    change(book / "book/trade.md", "A cell", "One cell")
    change(book / "data/trade.csv", "14666.16", "14666.17")
    before = fingerprint(book / "_build" / "html")
    full = build(book, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
    assert re.search("too large|disk|I/O|space", stopped(full, book)), full.stderr
    assert fingerprint(book / "_build" / "html") == before
    change(book / "book/trade.md", "One cell", "A cell")
    change(book / "data/trade.csv", "14666.17", "14666.16")
    ran(build(book))
    assert fingerprint(book / "_build" / "html") == fingerprint(small / "_build" / "html")


def cut(path):
    """Keep the first half of a file."""
    os.truncate(path, path.stat().st_size // 2)


@pytest.mark.parametrize(
    "broken",
    [
        [".jupyter_cache/global.db", ".html/book/trade.html"],
        [".jupyter_cache/executed/*/base.ipynb", ".made-of"],
        [".doctrees/environment.pickle"],
        [".doctrees/book/trade.doctree"],
    ],
    ids=lambda paths: paths[0].rpartition("/")[2],
)
def test_a_broken_store_never_gets_into_the_book(small, book, broken):
    ran(build(book))
    change(book / "book/prose.md", "This page", "Our page")
    for path in [path for pattern in broken for path in (book / "_build").glob(pattern)]:
        cut(path)
    done = build(book)
    if done.returncode:
        stopped(done, book)
    change(book / "book/prose.md", "Our page", "This page")
    ran(build(book))
    assert fingerprint(book / "_build" / "html") == fingerprint(small / "_build" / "html")


def test_a_second_build_waits_for_the_first(small, book):
    shutil.rmtree(book / "_build")
    with ThreadPoolExecutor() as pool:
        both = [done.result() for done in [pool.submit(build, book), pool.submit(build, book)]]
    assert sorted(map(ran, both), key=len) == [set(), {"index", "trade"}]
    assert ["waiting for it to end" in done.stdout for done in both].count(True) == 1
    assert fingerprint(book / "_build" / "html") == fingerprint(small / "_build" / "html")


def test_every_package_is_pinned_with_digests_for_every_system():
    pinned = []
    for folder in (ROOT, ROOT / "tests"):
        pins = re.split(r"\n(?! )", (folder / "requirements.txt").read_text("utf-8").strip())
        assert all(
            re.match(r"[\w.-]+(\[[\w, -]+\])?==\S+( ; .*?)? \\\n", pin) and "--hash=sha256:" in pin for pin in pins
        )
        names = {re.match(r"[\w.-]+", pin)[0] for pin in pins}
        asked = re.findall(r"^[a-z][\w.-]*", (folder / "requirements.in").read_text("utf-8"), flags=re.MULTILINE)
        assert names >= {*asked, "colorama", "pywinpty", "appnope"}, "Windows and macOS need these"
        pinned.append({pin.partition(" ")[0] for pin in pins})
    assert {pin for pin in pinned[0] if "ibis" not in pin} <= pinned[1]  # the tests want one more extra of ibis


def test_the_last_page_names_the_versions(site):
    assert (ROOT / "_toc.yml").read_text("utf-8").rstrip().endswith("book/versions")
    page = (site / "book" / "versions.html").read_text("utf-8")
    for name in ("pandas", "folium", "jupyter-book", "myst-nb", "Sphinx"):
        assert re.search(rf"\b{name} {re.escape(version(name))}\b", page, flags=re.IGNORECASE)
    assert f"Python {platform.python_version()}" in page


def test_the_bridge_says_when_the_theme_has_changed():
    import course_pages
    from sphinx.errors import ExtensionError

    with pytest.raises(ExtensionError, match="found nothing to mend; has the theme changed"):
        course_pages.finish_page("<!DOCTYPE html><html><head></head><body></body></html>", "a page", {})


def test_chapters_carry_the_header_that_the_cache_needs():
    for path in (ROOT / "book").glob("*.md"):
        text = path.read_text("utf-8")
        if "{code-cell}" in text:
            assert re.match(r"---\n.*?display_name:.*?\n---\n", text, flags=re.DOTALL), path.name
