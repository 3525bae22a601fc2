"""Chapters as files: each runs alone, and each has the form that a reader expects."""

import ast
import re
from operator import attrgetter
from pathlib import Path

import nbformat
import pytest
from conftest import CHAPTERS, NOTEBOOKS, ROOT
from course_quiz import read_questions
from jupyter_cache import get_cache
from myst_nb.core.read import myst_nb_reader_plugin

PROSE = [path for path in CHAPTERS if not path.stem.startswith("references")]
GENERATED = {"claims", "data", "events", "glossary", "routes", "versions"}  # a directive writes most of these pages
GENERATED |= {path.stem for path in CHAPTERS if path.stem.startswith("assignment")}
SUBJECTS = [
    ROOT / "book" / f"{stem}.md"
    for stem in ("history", "russia", "china", "united-states", "europe", "balance", "security", "connectivity", "society")
]
TAUGHT = [path for path in CHAPTERS if "} In this chapter" in path.read_text("utf-8")]
name = attrgetter("stem")  # of a test


def without_code(text):
    """The prose of a chapter: no header, no cells, no directive lines."""
    text = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.DOTALL)
    text = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"^:.*$", "", text, flags=re.MULTILINE)


def cells(path):
    return re.findall(r"^```\{code-cell\}[^\n]*\n(.*?)^```$", path.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def executed(site):
    """The notebooks as the build ran them, each in a fresh kernel of its own, by the name of the chapter."""
    cache = get_cache(site.parent / ".jupyter_cache")
    records = sorted(cache.list_cache_records(), key=attrgetter("pk"))  # the last of a chapter counts
    return {Path(record.uri).stem: cache.get_cache_bundle(record.pk).nb for record in records}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name)
def test_a_chapter_runs_alone_from_a_fresh_kernel(path, executed):
    notebook, written = executed[path.stem], myst_nb_reader_plugin(str(path))
    sources = [[cell.source for cell in each.cells if cell.cell_type == "code"] for each in (notebook, written)]
    assert sources[0] == sources[1], "the build ran another text"
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


@pytest.mark.parametrize("path", SUBJECTS, ids=name)
def test_a_chapter_has_the_length_of_a_lesson(path):
    narrative = path.read_text("utf-8").partition("## Check yourself")[0]
    prose = re.sub(r"\{cite:p\}`[^`]*`|^```.*|<[^>]*>", "", without_code(narrative), flags=re.MULTILINE)
    assert 2000 <= len(re.findall(r"\w+(?:[’'.,]\w+)*", prose)) <= 3500


@pytest.mark.parametrize("path", SUBJECTS, ids=name)
def test_a_chapter_maps_counts_checks_and_asks(path):
    text, code = path.read_text("utf-8"), "\n".join(cells(path))
    assert "maps.Map(" in code and "groupby(" in code and ".plot" in code
    assert text.count("{admonition} Source check") >= 2
    heads = re.findall(r"^## (.*)$", text, flags=re.MULTILINE)
    assert heads[-4:] == ["Summary", "Check yourself", "Exercises", "Further reading"]


@pytest.mark.parametrize("path", TAUGHT, ids=name)
def test_a_chapter_has_questions_and_solved_exercises(path):
    text = path.read_text("utf-8")
    assert len(read_questions(path.parent / "quizzes" / f"{path.stem}.json")) >= 6
    exercises = re.findall(r"^```\{exercise-start\}.*\n:label: (.*)$", text, flags=re.MULTILINE)
    assert len(exercises) >= 3
    assert re.findall(r"^```\{solution-start\} (.*)$", text, flags=re.MULTILINE) == exercises


@pytest.mark.parametrize("guide", ["teaching", "self-study"])
def test_a_guide_states_the_times_of_the_chapters(guide):
    text = (ROOT / "book" / f"{guide}.md").read_text("utf-8")
    stated = {row[0]: row[1:] for row in re.findall(r"^\| \{doc\}`([\w-]+)` \| (\d+) \| (\d+|–) \|", text, flags=re.MULTILINE)}
    assert sorted(stated) == sorted(path.stem for path in TAUGHT)
    for path in TAUGHT:
        time = re.search(r"\*\*Time:\*\* (?:about )?(\d+) minutes(?:, and (\d+) for the exercises)?\.", path.read_text("utf-8"))
        assert stated[path.stem] == (time[1], time[2] or "–"), path.stem
    minutes, exercises = (sum(int(row[part]) for row in stated.values() if row[part] != "–") for part in (0, 1))
    assert f"{minutes}" in text and f"{exercises}" in text and f"{(minutes + exercises) // 60} hours" in text


def test_session_plans_and_syllabi_of_the_teaching_guide_add_up():
    text = (ROOT / "book" / "teaching.md").read_text("utf-8")
    minutes = [(int(start), int(end)) for start, end in re.findall(r"^\| (\d+)–(\d+) \|", text, flags=re.MULTILINE)]
    ends = [0, *(end % 90 for _, end in minutes)]  # each plan begins at 0, has no gap and ends at 90
    assert [start for start, _ in minutes] == ends[:-1] and ends[-1] == 0 and all(start < end for start, end in minutes)

    syllabi = re.findall(r"((?:^\| \d+ \|.*\n)+)\n(Reading .*)", text, flags=re.MULTILINE)
    assert len(syllabi) == 3
    for table, stated in syllabi:
        rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in table.splitlines()]
        read = sum(int(number) for row in rows for number in re.findall(r"\d+", row[-3]))
        work = sum(int(hours) * 60 + 30 * bool(half) for row in rows for hours, half in re.findall(r", (\d+)(½)? h", row[-1]))
        sums = [int(hours) * 60 + int(rest or 0) for hours, rest in re.findall(r"(\d+) h(?: (\d+) min)?", stated)]
        assert sums == [read, 90 * len(rows), work, read + 90 * len(rows) + work]


@pytest.mark.parametrize("path", PROSE, ids=name)
def test_foreign_words_say_their_language(path):
    text = re.sub(r'<span lang="\w+">.*?</span>', "", without_code(path.read_text("utf-8")), flags=re.DOTALL)
    assert not re.findall(r"[\u0400-\u04ff]+|[\uac00-\ud7a3]+|[\u4e00-\u9fff]+", text)
