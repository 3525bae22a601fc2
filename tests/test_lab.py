"""The chapters as notebooks in the real JupyterLab, started as the README says, in a real browser and with no network."""

import json
import os
import re
import subprocess
import sys
import time

import pytest
from conftest import NOTEBOOKS, ROOT

# Nothing answers there: what asks for another host by these variables, as Python and its libraries do, fails.
NO_NETWORK = {name: "http://127.0.0.1:9" for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")}

# The cells of the notebook in front: whether they have all run, the errors, how many maps and pictures they show.
STATE = """() => {
  const cells = [...document.querySelectorAll(".jp-NotebookPanel .jp-CodeCell")];
  const outputs = selector => cells.map(cell => cell.querySelectorAll(".jp-OutputArea " + selector).length)
    .reduce((sum, count) => sum + count, 0);
  return {
    cells: cells.length,
    run: cells.filter(cell => /\\d/.test(cell.querySelector(".jp-InputPrompt").textContent)).length,
    errors: [...document.querySelectorAll('[data-mime-type$="jupyter.error"], [data-mime-type$="jupyter.stderr"]')]
      .map(output => output.textContent),
    maps: outputs("figure.course-map iframe"),
    pictures: outputs("img"),
  };
}"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Address and token of JupyterLab, started by the README's command; what it writes goes to a folder of the tests."""
    kept = tmp_path_factory.mktemp("jupyter")
    command = re.search(r"\.venv/bin/python (-m jupyter lab --config \S+)", (ROOT / "README.md").read_text("utf-8"))
    folders = {f"JUPYTER_{name}_DIR": str(kept / name) for name in ("CONFIG", "DATA", "RUNTIME")}
    folders |= {f"JUPYTERLAB_{name}_DIR": str(kept / name) for name in ("SETTINGS", "WORKSPACES")}
    with open(kept / "log", "w", encoding="utf-8") as log:
        server = subprocess.Popen(
            [sys.executable, *command[1].split(), "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1"],
            cwd=ROOT,
            env={**os.environ, **NO_NETWORK, **folders},
            stdout=log,
            stderr=log,
        )
    try:
        while "is running at" not in (kept / "log").read_text("utf-8"):
            assert server.poll() is None, (kept / "log").read_text("utf-8")
            time.sleep(0.2)
        (told,) = (kept / "RUNTIME").glob("jpserver-*.json")
        told = json.loads(told.read_text("utf-8"))
        yield told["url"], told["token"]
    finally:
        server.terminate()
        server.wait()


def run_all(page):
    """*Run All* by the menu; the state of the notebook when its last cell has come to an end."""
    page.get_by_text("(ipykernel) | Idle").wait_for()  # before that JupyterLab asks for a kernel
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    for _ in range(600):
        state = page.evaluate(STATE)
        if state["errors"] or state["run"] == state["cells"]:
            return state
        page.wait_for_timeout(200)
    return state


def expected(chapter):
    """Cells, maps and pictures that a chapter has by its text."""
    text = chapter.read_text("utf-8")
    cells = re.findall(r"^```\{code-cell\}.*?^```$", text, flags=re.DOTALL | re.MULTILINE)
    maps = [cell for cell in cells if "maps.Map(" in cell]
    return len(cells), len(maps), len([cell for cell in cells if re.search(r"^    alt:", cell, flags=re.MULTILINE)])


@pytest.mark.parametrize("chapter", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_chapter_opens_as_a_notebook_and_runs(chapter, lab, page):
    url, token = lab
    page.goto(f"{url}lab/tree/book/{chapter.name}?token={token}&reset")
    state = run_all(page)
    cells, maps, pictures = expected(chapter)
    assert state["errors"] == []
    assert (state["cells"], state["run"]) == (cells, cells)
    assert (state["maps"], state["pictures"]) == (maps, pictures)
    for place in range(maps):
        frame = page.locator(".jp-NotebookPanel figure.course-map iframe").nth(place)
        frame.scroll_into_view_if_needed()
        frame.content_frame.locator(".leaflet-container:not([aria-busy])").wait_for()
        frame.content_frame.locator("path.route").first.wait_for()
    assert page.faults == []


def test_readers_meet_no_tools_for_teachers(lab, page):
    url, token = lab
    page.goto(f"{url}lab/tree/book/history.md?token={token}&reset")
    page.get_by_text("(ipykernel) | Idle").wait_for()
    assert "Nbgrader" not in page.get_by_role("menubar").first.inner_text()
    assert page.get_by_role("button", name="Validate").count() == 0
    assert page.faults == []
    assert page.goto(f"{url}formgrader").status == 404
