"""What the tests share: the repository, one built book for the whole run, one browser."""

import functools
import http.server
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "book"))
sys.path.insert(0, str(ROOT / "book" / "_ext"))

CHAPTERS = sorted((ROOT / "book").glob("*.md"))
NOTEBOOKS = [path for path in CHAPTERS if "{code-cell}" in path.read_text("utf-8")]


def build(folder, *options):
    """Run the README's build in a folder; the finished process, with both outputs as text."""
    command = [str(Path(sys.executable).with_name("jupyter-book")), "build", ".", *options]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8", errors="replace")


@pytest.fixture(scope="session")
def site():
    """The folder of the built book. It is built once, as the README builds it, with nitpicky references."""
    done = build(ROOT, "-W", "-n")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return ROOT / "_build" / "html"


@pytest.fixture
def copy(site, tmp_path):
    """A copy of the repository with its built book, to break things in."""
    folder = tmp_path / "a copy é"
    ignored = shutil.ignore_patterns(".git", ".venv", "__pycache__", ".pytest_cache", ".hypothesis")
    shutil.copytree(ROOT, folder, ignore=ignored)
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


@pytest.fixture(scope="session")
def browser():
    """A Chrome or Chromium: an installed one, else Playwright's own, which is downloaded. Without either, tests fail."""
    from playwright.sync_api import Error, sync_playwright

    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
    installed = next(filter(None, map(shutil.which, names)), None)
    quiet = ["--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
    with sync_playwright() as playwright:
        try:
            chromium = playwright.chromium.launch(executable_path=installed, args=quiet)
        except Error:
            if installed:
                raise
            subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=True)
            chromium = playwright.chromium.launch(args=quiet)
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


def is_external(url):
    """True if an address lies on another host than the tests' own server."""
    return not re.match(r"(file:|data:|blob:|about:|http://127\.0\.0\.1[:/])", url)


def pages(site):
    """Every page of the built book, as a path relative to its folder."""
    return sorted(path.relative_to(site).as_posix() for path in site.rglob("*.html") if "_static" not in path.parts)


def chapter_pages(site):
    """Every page but the one that only leads on to the first chapter."""
    return [name for name in pages(site) if name != "index.html"]
