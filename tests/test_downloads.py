"""Notebooks to take away run where they are unpacked, and buttons for Binder and Colab come with an address only."""

import os
import re
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor

import nbformat
import pytest
from bs4 import BeautifulSoup
from conftest import NOTEBOOKS, ROOT, build
from myst_nb.core.utils import coalesce_streams
from nbclient import NotebookClient
from test_build import change, stopped

ARCHIVE = "kazakhstan-between-the-powers"
ADDRESS = "https://github.com/some-one/some.course"


def menu(site, page, label):
    """The links of a menu of a page: text and address."""
    text = (site / "book" / f"{page}.html").read_text("utf-8")
    button = BeautifulSoup(text, "html.parser").select_one(f".dropdown-{label}")
    return {link.get_text(strip=True): link["href"] for link in button.select("a[href]")} if button else {}


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def shown(notebook):
    """What the cells of a notebook show, text that came in several pieces as one."""
    return [
        [output.get("data", output.get("text")) for output in coalesce_streams(cell.outputs)] for cell in code(notebook)
    ]


@pytest.fixture(scope="session")
def unpacked(site, tmp_path_factory):
    """The archive of notebooks, unpacked in a folder of its own."""
    folder = tmp_path_factory.mktemp("taken away")
    with zipfile.ZipFile(site / "notebooks" / f"{ARCHIVE}.zip") as file:
        file.extractall(folder)
    return folder / ARCHIVE


@pytest.mark.parametrize("chapter", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_chapter_offers_its_notebook_with_and_without_outputs(chapter, site):
    links = menu(site, chapter.stem, "download-buttons")
    for text in ("Notebook (.ipynb)", "Notebook with outputs (.ipynb)", "All notebooks, data and functions (.zip)"):
        assert (site / "book" / links[text]).is_file()
    blank, full = (
        nbformat.read(site / "notebooks" / folder / f"{chapter.stem}.ipynb", 4) for folder in ("", "with-outputs")
    )
    assert [cell.source for cell in blank.cells] == [cell.source for cell in full.cells]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code(blank))
    text = chapter.read_text("utf-8")
    assert len(code(full)) == len(re.findall(r"^```\{code-cell\}", text, flags=re.MULTILINE))
    drawn = [output.data for cell in code(full) for output in cell.outputs if "data" in output]
    assert sum("image/png" in data and "text/html" not in data for data in drawn) == text.count("    alt: ")
    assert sum("course-map" in data.get("text/html", "") for data in drawn) == text.count("maps.Map(")


@pytest.mark.parametrize("chapter", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_speaks_plain_markdown(chapter, site):
    notebook = nbformat.read(site / "notebooks" / f"{chapter.stem}.ipynb", 4)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            myst = re.search(r"\{[a-z:]+\}`|^ *:::|```\{|^\([\w-]+\)=$", cell.source, flags=re.MULTILINE)
            assert not myst, cell.source
    prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    for name in re.findall(r"\]\(([\w-]+\.ipynb)\)", prose):
        assert (site / "notebooks" / name).is_file()


def test_the_archive_asks_only_for_what_it_names(unpacked):
    """Everything that it asks for is here already, so pip needs no network to say so."""
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--no-index", "-r", "requirements.txt"]
    done = subprocess.run(command, cwd=unpacked, capture_output=True, text=True)
    assert done.returncode == 0 and "Would install" not in done.stdout, done.stdout[-2000:] + done.stderr


def test_unpacked_notebooks_run_and_show_what_the_book_shows(unpacked, site):
    def run(path):
        notebook = nbformat.read(path, 4)
        NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(path.parent)}}).execute()
        return path.name, shown(notebook)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        again = dict(pool.map(run, sorted((unpacked / "book").glob("*.ipynb"))))
    assert set(again) == {f"{chapter.stem}.ipynb" for chapter in NOTEBOOKS}
    for name, outputs in again.items():
        assert outputs == shown(nbformat.read(site / "notebooks" / "with-outputs" / name, 4)), name


def test_without_an_address_there_are_no_buttons(site):
    assert menu(site, "russia", "launch-buttons") == {}
    for path in (site / "notebooks").rglob("*.ipynb"):
        assert "urllib" not in path.read_text("utf-8")


def test_with_an_address_there_are_buttons_and_a_first_cell_that_fetches(book, tmp_path):
    change(book / "_config.yml", "  url: ''", f"  url: {ADDRESS}")
    done = build(book)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    site = book / "_build" / "html"
    assert menu(site, "trade", "launch-buttons") == {
        "Binder": "https://mybinder.org/v2/gh/some-one/some.course/main?urlpath=lab/tree/book/trade.md",
        "Colab": "https://colab.research.google.com/github/some-one/some.course/blob/gh-pages/notebooks/trade.ipynb",
    }
    assert menu(site, "prose", "launch-buttons") == {}
    first = nbformat.read(site / "notebooks" / "trade.ipynb", 4).cells[0].source
    fetched, installs = re.split(r"\n    %pip install --quiet ", first)
    for pin in installs.split():  # what Colab would install is what the book was built with
        assert re.search(f"^{re.escape(pin)}\\b", (ROOT / "requirements.txt").read_text("utf-8"), flags=re.MULTILINE)

    # The repository as its host packs it, and a notebook with nothing around it.
    packed = tmp_path / "main.zip"
    with zipfile.ZipFile(packed, "w") as file:
        for part in ("book", "data"):
            for path in (book / part).rglob("*"):
                file.write(path, f"some.course-main/{path.relative_to(book).as_posix()}")
    address = f"{ADDRESS}/archive/refs/heads/main.zip"
    assert address in fetched
    alone = tmp_path / "alone"
    alone.mkdir()
    use = "\nfrom toolkit import data\nprint(len(data.load('events')))"
    command = [sys.executable, "-c", fetched.replace(address, packed.as_uri()) + use]
    done = subprocess.run(command, cwd=alone, capture_output=True, text=True)
    rows = (ROOT / "data" / "events.csv").read_text("utf-8").count("\n") - 1
    assert (done.returncode, done.stdout) == (0, f"{rows}\n"), done.stderr


@pytest.mark.parametrize("address", ["github.com/some-one/course", "https://gitlab.com/some-one/course", "http://github.com/a/b"])
def test_a_wrong_address_stops_the_build(book, address):
    change(book / "_config.yml", "  url: ''", f"  url: {address}")
    assert f"_config.yml: repository: url: '{address}' is not of the form" in stopped(build(book), book)
