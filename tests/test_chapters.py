"""Chapters as files: each runs alone, and each has the form that a reader expects."""

import ast
import re
from operator import attrgetter

import nbformat
import pytest
from conftest import CHAPTERS, NOTEBOOKS, ROOT
from myst_nb.core.read import myst_nb_reader_plugin
from nbclient import NotebookClient

PROSE = [path for path in CHAPTERS if not path.stem.startswith("references")]
GENERATED = {"claims", "data", "glossary"}  # a directive writes most of these pages
name = attrgetter("stem")  # of a test


def without_code(text):
    """The prose of a chapter: no header, no cells, no directive lines."""
    text = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.DOTALL)
    text = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"^:.*$", "", text, flags=re.MULTILINE)


def cells(path):
    return re.findall(r"^```\{code-cell\}[^\n]*\n(.*?)^```$", path.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name)
def test_a_chapter_runs_alone_from_a_fresh_kernel(path):
    notebook = myst_nb_reader_plugin(str(path))
    NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(path.parent)}}).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert outputs, "no cell shows anything"
    assert not [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"]
    nbformat.validate(notebook)


@pytest.mark.parametrize("path", [path for path in PROSE if path.stem not in GENERATED], ids=name)
def test_a_chapter_has_enough_text(path):
    assert len(re.findall(r"\w+", without_code(path.read_text("utf-8")))) >= 600


@pytest.mark.parametrize("path", CHAPTERS, ids=name)
def test_headings_are_in_order(path):
    levels = [
        len(hashes) for hashes in re.findall(r"^(#+) ", without_code(path.read_text("utf-8")), flags=re.MULTILINE)
    ]
    assert levels.count(1) == 1 and levels[0] == 1
    assert all(deeper - level <= 1 for level, deeper in zip(levels, levels[1:]))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name)
def test_cells_are_short_and_read_no_file_by_path(path):
    for cell in cells(path):
        code = re.sub(r"\A---\n.*?\n---\n", "", cell, flags=re.DOTALL)
        assert len(ast.parse(code).body) <= 15, code
        assert not re.search(r"read_csv|open\(|\.csv[\"']\)", code), code
        assert max(map(len, code.splitlines())) <= 100, code


def test_every_chapter_stands_in_the_table_of_contents():
    listed = re.findall(r"(?:root|file): book/([\w-]+)", (ROOT / "_toc.yml").read_text("utf-8"))
    assert sorted(listed) == sorted(path.stem for path in CHAPTERS)


def test_every_partner_chapter_counts_events():
    for stem in ("russia", "china", "united-states", "europe", "regional-stability", "event-counts"):
        code = "\n".join(cells(ROOT / "book" / f"{stem}.md"))
        assert "groupby(" in code and ".plot" in code, stem


@pytest.mark.parametrize("path", PROSE, ids=name)
def test_foreign_words_say_their_language(path):
    text = re.sub(r'<span lang="\w+">.*?</span>', "", without_code(path.read_text("utf-8")), flags=re.DOTALL)
    assert not re.findall(r"[\u0400-\u04ff]+|[\uac00-\ud7a3]+|[\u4e00-\u9fff]+", text)
