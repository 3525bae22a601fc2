"""Make a class's set of assignments with one command.

    python book/assignments/make.py FOLDER --seed TEXT [--students FILE]

FOLDER, which must not exist yet, becomes an nbgrader course: ``source/`` with solutions and all tests, ``release/``
without, the gradebook, the tables and the toolkit, and ``handouts/``, one archive per assignment for students to work
in offline.

The seed decides the variants: partners, years, routes, claims, reports. The same seed gives the same variants. With a
list of students, one name a line, each gets variants and archives of their own in ``handouts/NAME/``.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

import jupytext
from nbgrader.apps.api import NbGraderAPI
from traitlets.config import Config

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(HERE.parent)]
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # nbgrader calls `alembic`
import variants  # noqa: E402

ASSIGNMENTS = list(variants.DRAW)
KINDS = {"task": "solution", "test": "grade", "answer": "solution grade", "locked": "locked"}


def notebook(path):
    """The text file of an assignment as a notebook with nbgrader's metadata.

    In the text a cell says in one word what it is: ``task`` (the student writes code), ``test`` (points), ``answer``
    (the student writes, the teacher marks) or ``locked``. Text without a word is locked.
    """
    found = jupytext.read(path)
    for number, cell in enumerate(found.cells):
        kind = next((kind for kind in KINDS if kind in cell.metadata), "locked")
        name = cell.metadata.get(kind, f"text-{number}")
        roles = KINDS[kind].split()
        settings = {
            "schema_version": 3,
            "grade_id": f"test-{name}" if kind == "test" else name,
            "solution": "solution" in roles,
            "grade": "grade" in roles,
            "locked": "solution" not in roles,
            "task": False,
        }
        if "grade" in roles:
            settings["points"] = cell.metadata["points"]
        cell.metadata, cell["id"] = {"nbgrader": settings}, f"{kind}-{name}"
    found.metadata = {"kernelspec": found.metadata["kernelspec"], "language_info": {"name": "python"}}
    return found


def write_json(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", "utf-8")


def write_shared(folder):
    """What notebooks need to run: toolkit, bibliography, tables, requirements; and the settings of nbgrader."""
    shutil.copy(HERE / "nbgrader_config.py", folder)
    (folder / "submitted").mkdir()
    shutil.copytree(HERE.parent / "toolkit", folder / "book" / "toolkit", ignore=shutil.ignore_patterns("__pycache__", ".*"))
    shutil.copy(HERE.parent / "references.bib", folder / "book")
    shutil.copytree(ROOT / "data", folder / "data", ignore=shutil.ignore_patterns("scripts", ".*"))
    for name in ("LICENSE", "requirements.txt"):
        shutil.copy(ROOT / name, folder / name)


def write_source(folder, path, variant):
    """The source version: notebook with solutions and hidden tests, what its tests share, and the variant."""
    source = folder / "source" / path.stem
    source.mkdir(parents=True)
    jupytext.write(notebook(path), source / f"{path.stem}.ipynb")
    shutil.copy(HERE / "check.py", source)
    write_json(source / "variant.json", variant)


def release(folder, assignment):
    """Let nbgrader make the release version, and enter the assignment in its gradebook."""
    config = Config()
    config.CourseDirectory.root = str(folder)
    done = NbGraderAPI(config=config).generate_assignment(assignment)
    if not done["success"]:
        raise SystemExit(f"{assignment}: nbgrader could not make the release version.\n{done['log']}")


def pack(folder, assignment):
    """Write ``handouts/ASSIGNMENT.zip`` without a variant; the same files give the same bytes."""
    shared = [file for name in ("book", "data") for file in (folder / name).rglob("*")]
    shared += [folder / "LICENSE", folder / "requirements.txt"]
    shared += [file for file in (folder / "release" / assignment).iterdir() if file.name != "variant.json"]
    path = folder / "handouts" / f"{assignment}.zip"
    path.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(file for file in shared if file.is_file() and "__pycache__" not in file.parts):
            name = file.relative_to(folder).as_posix().removeprefix("release/")
            add(archive, f"kazakhstan-{assignment}/{name}", file.read_bytes())
        how = (HERE / "students.md").read_text("utf-8").replace("ASSIGNMENT", assignment)
        add(archive, f"kazakhstan-{assignment}/README.md", how.encode())
    return path


def add(archive, name, content):
    archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)  # without the time of day


def add_variant(path, assignment, variant):
    with zipfile.ZipFile(path, "a") as archive:
        add(archive, f"kazakhstan-{assignment}/{assignment}/variant.json", json.dumps(variant, ensure_ascii=False))


def make(folder, seed, students=()):
    """Fill a new folder with the class's set."""
    write_shared(folder)
    for assignment in ASSIGNMENTS:
        variant = variants.draw(assignment, seed)
        write_source(folder, HERE / f"{assignment}.md", variant)
        release(folder, assignment)
        path = pack(folder, assignment)
        for student in students:
            own = variants.draw(assignment, f"{seed} {student}")
            write_json(folder / "variants" / assignment / f"{student}.json", own)
            archive = folder / "handouts" / student / path.name
            archive.parent.mkdir(exist_ok=True)
            shutil.copy(path, archive)
            add_variant(archive, assignment, own)
        if students:
            path.unlink()  # its variant would be nobody's
        else:
            add_variant(path, assignment, variant)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", required=True, help="any text; keep it to yourself")
    parser.add_argument("--students", type=Path, help="text file, one name a line, as in submitted/NAME")
    given = parser.parse_args()
    given.folder = given.folder.expanduser()
    if given.folder.exists():
        parser.error(f"{given.folder} exists; choose a new folder, so that no marks are lost")
    names = given.students.expanduser().read_text("utf-8").split("\n") if given.students else []
    students = [name.strip() for name in names if name.strip()]
    if odd := [name for name in students if not name.isidentifier() and not name.replace("-", "").isalnum()]:
        parser.error(f"{given.students}: {odd[0]!r} cannot be the name of a folder; use letters, digits, - and _")
    given.folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=given.folder.resolve().parent) as place:
        made = Path(place) / "class"
        made.mkdir()
        make(made, given.seed, students)
        made.rename(given.folder)
    handouts = given.folder / "handouts" / ("NAME" if students else "")
    print(f"{given.folder}: {len(ASSIGNMENTS)} assignments; give students what lies in {handouts}")


if __name__ == "__main__":
    main()
