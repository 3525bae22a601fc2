"""What the tests share: the repository, one built book for the whole run, one browser."""

import functools
import http.server
import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "book"))
sys.path.insert(0, str(ROOT / "book" / "_ext"))

CHAPTERS = sorted((ROOT / "book").glob("*.md"))
NOTEBOOKS = [path for path in CHAPTERS if "{code-cell}" in path.read_text("utf-8")]

# The files of tests that take longest begin. The first builds the book; the next asks for it late and does not wait.
LONGEST = ["browser", "build", "assignments", "print", "lab", "downloads", "slides", "finding"]


def pytest_collection_modifyitems(items):
    places = {f"test_{name}": place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.stem, len(places)))


BUILD = [str(Path(sys.executable).with_name("jupyter-book")), "build", "."]


def build(folder, *options, **settings):
    """Run the README's build in a folder; the finished process, with both outputs as text.

    ``settings`` are environment variables (None takes one away) and ``preexec_fn``, which runs in the process first.
    """
    start = settings.pop("preexec_fn", None)
    variables = {name: value for name, value in {**os.environ, **settings}.items() if value is not None}
    return subprocess.run(
        [*BUILD, *options],
        cwd=folder,
        env=variables,
        preexec_fn=start,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
    )


@pytest.fixture(scope="session")
def site():
    """The folder of the built book. It is built once, as the README builds it, with nitpicky references."""
    done = build(ROOT, "-W", "-n")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return ROOT / "_build" / "html"


HEADER = """---
jupytext: {text_representation: {extension: .md, format_name: myst}}
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---
"""
INDEX = """
# A small book

It has a map, and a download of {download}`trade <../data/trade.csv>`.

```{code-cell} python
from toolkit import data, maps

routes = data.load("export_routes").query("route_id == 'cpc'")
maps.add_routes(maps.Map("One pipeline", "The pipeline of the Caspian consortium."), routes, data.load("route_waypoints"))
```
"""
TRADE = """
# Trade

A cell that draws.

```{code-cell} python
---
mystnb:
  image:
    alt: Trade with China, the sum of a statistic in each year.
---
from toolkit import charts, data

trade = data.load("trade").query("partner == 'CHN'")
ax = trade.groupby("year")["usd_million"].sum().plot.bar()
charts.finish(ax, "Trade with China", "US$ million", "the table trade");
```
"""
PROSE = """# Prose

This page holds no cells; it is here to be read and written again when it changes, and the others are not.

```{glossary}
rebuild
: A build after a build.
```
"""


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    """A book of three pages with the course's own extensions, toolkit and data, built: for what needs many builds."""
    folder = tmp_path_factory.mktemp("small") / "책 한 권"  # a path with blanks and Korean letters
    for part in ("book/_ext", "book/toolkit", "book/_static", "data"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("book/references.bib", "requirements.in", "requirements.txt", "LICENSE", "CITATION.cff"):
        shutil.copyfile(ROOT / name, folder / name)
    for name, text in {"index": HEADER + INDEX, "trade": HEADER + TRADE, "prose": PROSE}.items():
        (folder / "book" / f"{name}.md").write_text(text, "utf-8")
    config = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))
    for extension in ("course_claims", "course_references", "course_teaching"):  # these need pages of their own
        del config["sphinx"]["local_extensions"][extension]
    settings = config["sphinx"]["config"]
    config["sphinx"]["config"] = {
        name: settings[name] for name in settings if not name.startswith(("claims_", "bibtex_"))
    }
    del config["bibtex_bibfiles"]
    (folder / "_config.yml").write_text(yaml.safe_dump(config, allow_unicode=True), "utf-8")
    (folder / "_toc.yml").write_text(
        "format: jb-book\nroot: book/index\nchapters:\n- file: book/trade\n- file: book/prose\n", "utf-8"
    )
    done = build(folder)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return folder


@pytest.fixture
def book(small, tmp_path):
    """A copy of the small book with what was built, to break things in."""
    folder = tmp_path / "책 é"
    shutil.copytree(small, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture(scope="session")
def address(site):
    """Address of the built book on a server of its own on this machine."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(site))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(params=["server", "disk"])
def base(request, site, address):
    """Where the built book is read from: the server, or the disk without one."""
    return address if request.param == "server" else site.as_uri()


@pytest.fixture(scope="session")
def browser():
    """A Chrome or Chromium: an installed one, else Playwright's own, which is downloaded. Without either, tests fail."""
    from course_print import launch
    from playwright.sync_api import sync_playwright

    quiet = ["--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
    with sync_playwright() as playwright:
        chromium = launch(playwright, args=quiet)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser):
    """A fresh page of the browser, which remembers what went wrong: ``page.faults``."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, bypass_csp=False)
    page = context.new_page()
    page.faults = []
    page.on("console", lambda message: message.type == "error" and page.faults.append(message.text))
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    # A request is aborted when the page is left before it is answered.
    page.on(
        "requestfailed", lambda request: "ABORTED" in request.failure or page.faults.append(f"failed: {request.url}")
    )
    page.on("request", lambda request: is_external(request.url) and page.faults.append(f"external: {request.url}"))
    yield page
    context.close()


def wait_until(page, expression):
    """Wait until a JavaScript expression is true. Playwright's own ``wait_for_function`` evaluates its text in the page,
    which the policy of the pages forbids."""
    for _ in range(300):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(100)
    pytest.fail(f"not true within 30 seconds: {expression}")


def is_external(url):
    """True if an address lies on another host than the tests' own server."""
    return not re.match(r"(file:|data:|blob:|about:|http://127\.0\.0\.1[:/])", url)


def pages(site):
    """Every page of the built book, as a path relative to its folder; the decks of slides are no pages."""
    found = (path.relative_to(site) for path in site.rglob("*.html"))
    return sorted(path.as_posix() for path in found if path.parts[0] not in ("_static", "slides"))


def chapter_pages(site):
    """Every page but the one that only leads on to the first chapter."""
    return [name for name in pages(site) if name != "index.html"]
