"""The assignments: sources, variants, and what right, wrong and blank solutions score."""

import contextlib
import io
import json
import os
import re
import sys

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "book" / "assignments"))
import check  # noqa: E402
import make  # noqa: E402
import variants  # noqa: E402


def run(cell, names):
    """Run one cell as a kernel would: what it raised, or None. nbgrader counts anything on stderr as a failure."""
    errors = io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(errors):
        try:
            exec(compile(cell, "cell", "exec"), names)
        except Exception as error:
            return error
    return errors.getvalue() or None


def score(assignment, folder, variant, change=lambda name, text: text):
    """Points by test of an assignment, its solutions changed by ``change(name, text)``; a dict, and what failed."""
    make.write_json(folder / "variant.json", variant)
    names, points, failed = {}, {}, {}
    here = os.getcwd()
    os.chdir(folder)
    try:
        for cell in make.notebook(make.HERE / f"{assignment}.md").cells:
            settings = cell.metadata["nbgrader"]
            name = settings["grade_id"]
            if cell.cell_type != "code":
                continue
            text = change(name, cell.source) if settings["solution"] else cell.source
            wrong = run(text, names)
            if settings["grade"] and not settings["solution"]:
                points[name.removeprefix("test-")] = 0 if wrong else settings["points"]
            if wrong:
                failed[name] = wrong
    finally:
        os.chdir(here)
    return points, failed
