"""Mark the submissions of one assignment with nbgrader, each apart from the others and within limits.

    python book/assignments/mark.py FOLDER ASSIGNMENT [--timeout 60] [--minutes 5] [--memory 3] [--jobs N] [STUDENT ...]

FOLDER was made by make.py; hand-ins lie in ``submitted/STUDENT/ASSIGNMENT/ASSIGNMENT.ipynb``. Every hand-in is looked
at first, then marked by ``nbgrader autograde`` in a process and a throw-away copy of the course of its own. Only the
marks and the marked notebook come back. ``marks/ASSIGNMENT.csv`` has a line for every student, with a remark where
something was odd.

What holds a hand-in back, and what does not, is written in README.md beside this file.
"""

import argparse
import contextlib
import csv
import ctypes
import difflib
import logging
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import psutil

try:
    import resource
except ImportError:
    raise SystemExit("mark.py runs on Linux and macOS; on Windows use WSL, or the container in README.md") from None

LARGEST = 20_000_000  # bytes of a hand-in
LONGEST = 20_000  # characters of one output that are kept
HERE = Path(__file__).resolve().parent
os.environ["PYTHONPATH"] = str(HERE)  # for warm.py
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # nbgrader calls `alembic`


class Refused(Exception):
    """A hand-in cannot be marked. The message tells the teacher why."""


def read_submission(folder, assignment):
    """The notebook that a student handed in.

    Raises
    ------
    Refused
        If it is missing, too large or no notebook.
    """
    path = folder / assignment / f"{assignment}.ipynb"
    if not path.is_file() or path.is_symlink():
        there = sorted(file.name for file in path.parent.glob("*")) if path.parent.is_dir() else []
        raise Refused(f"no file {path.name}" + (f", but {', '.join(there)}" if there else ""))
    if (size := path.stat().st_size) > LARGEST:
        raise Refused(f"{path.name} has {size / 1e6:.0f} MB; up to {LARGEST / 1e6:.0f} MB are read")
    try:
        notebook = nbformat.reads(path.read_bytes().decode("utf-8"), 4)
        nbformat.validate(notebook)
    except UnicodeDecodeError:
        raise Refused(f"{path.name} is not in UTF-8; open and save it in JupyterLab") from None
    except Exception as error:  # whatever a broken file makes the reader stumble over
        raise Refused(f"{path.name} is not a notebook ({type(error).__name__})") from None
    return notebook


def restored(release, submission):
    """The student's answers in the notebook that was released, and what was found changed.

    Cells that were deleted, edited, doubled or moved stand again as released; cells that the student added are kept.

    Returns
    -------
    (nbformat.NotebookNode, list of str)
    """
    answers, added, remarks, last = {}, {}, [], None
    for cell in submission.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if name is None:
            added.setdefault(last, []).append(cell)
        else:
            answers.setdefault(name, cell.source)
            last = name
    names = [cell.metadata["nbgrader"]["grade_id"] for cell in release.cells]
    if not set(names) & set(answers):
        raise Refused("the notebook has none of the assignment's cells")
    cells = list(added.get(None, []))
    for cell, name in zip(release.cells, names):
        if name not in answers:
            remarks.append(f"cell {name} was missing and stands again")
        elif cell.metadata["nbgrader"]["solution"]:
            cell.source = answers[name]
        elif answers[name].strip() != cell.source.strip():
            remarks.append(f"cell {name} was edited and stands again as released")
        cells += [cell, *added.get(name, [])]
    release.cells = cells
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number}"
    return release, remarks


CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # system calls of Landlock, the same on every architecture
NO_NEW_PRIVILEGES = 38
SYSTEM = ctypes.CDLL(None, use_errno=True)


def landlock():
    """The version of Landlock that this system has; 0 if none."""
    return max(SYSTEM.syscall(CREATE_RULESET, None, 0, 1), 0) if sys.platform == "linux" else 0


def gaps():
    """What submissions are not held back from on this system, a list of str."""
    since = {"writing files outside its folder": 1, "the network (TCP)": 4, "stopping other processes": 6}
    return [what for what, version in since.items() if landlock() < version]


def confine(folder, memory):
    """Hold this process and all that it starts within limits.

    Memory and size of files are limited on every system. With Landlock (Linux 5.13 and newer) files can be written in
    ``folder`` only; ``gaps`` says what else an older system leaves open. Reading stays free.
    """
    most = {resource.RLIMIT_AS: int(memory * 2**30), resource.RLIMIT_FSIZE: LARGEST * 10, resource.RLIMIT_CORE: 0}
    for limit, amount in most.items():
        with contextlib.suppress(ValueError):  # macOS refuses some
            resource.setrlimit(limit, (amount, amount))
    if (version := landlock()) < 1:
        return
    # Write, remove, make; from version 2 on also move to another folder, from 3 on cut off.
    write = 1 << 1 | sum(1 << bit for bit in range(4, 13)) | (version >= 2) << 13 | (version >= 3) << 14
    tcp = 0b11 if version >= 4 else 0  # bind and connect
    scope = 0b11 if version >= 6 else 0  # abstract sockets and signals
    attributes = (ctypes.c_uint64 * 3)(write, tcp, scope)
    rules = SYSTEM.syscall(CREATE_RULESET, attributes, 24 if version >= 6 else 16 if version >= 4 else 8, 0)
    for place, access in ((folder, write), ("/dev", 1 << 1)):
        rule = allowed(access, os.open(place, os.O_PATH))
        SYSTEM.syscall(ADD_RULE, rules, 1, ctypes.byref(rule), 0)
    SYSTEM.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    if SYSTEM.syscall(RESTRICT_SELF, rules, 0):
        raise OSError(ctypes.get_errno(), "this process cannot be confined with Landlock")


def allowed(access, handle):
    """The rule of Landlock that allows something below an open folder."""

    class Rule(ctypes.Structure):
        _pack_ = 1
        _fields_ = [("access", ctypes.c_uint64), ("folder", ctypes.c_int32)]

    return Rule(access, handle)


def autograde(place, assignment, student, timeout, memory):
    """``nbgrader autograde`` for one student in the course that lies in ``place``. Runs in a process of its own."""
    os.setsid()
    log = os.open(place / "log", os.O_WRONLY | os.O_CREAT)
    os.dup2(log, 1)
    os.dup2(log, 2)
    for name in ("tmp", "run"):
        (place / name).mkdir()
    os.environ |= {
        "TMPDIR": str(place / "tmp"),
        "HOME": str(place),
        "JUPYTER_RUNTIME_DIR": str(place / "run"),
        "IPYTHONDIR": str(place / "tmp"),
        "OPENBLAS_NUM_THREADS": "1",  # threads take address space, which is limited
        "MPLBACKEND": "agg",
    }
    del os.environ["PYTHONPATH"]
    tempfile.tempdir = None
    os.chdir(place / "course")
    confine(str(place), memory)
    from nbgrader.apps import AutogradeApp

    options = [f"--student={student}", f"--Execute.timeout={timeout}", "--Application.log_level=INFO"]
    if sys.platform == "linux":  # kernel and nbgrader talk through files, so that no network is needed
        options += ["--KernelManager.transport=ipc", f"--KernelManager.ip={place / 'run' / 'kernel'}"]
    AutogradeApp.launch_instance([assignment, *options])


def end(worker, place):
    """End a process and everything that it has started, also what has slipped away from it."""
    if worker.is_alive():
        worker.kill()
    worker.join()
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get("HOME") == str(place):
                process.kill()


def why_failed(log):
    """One line for the teacher on what stopped nbgrader, from its log."""
    for sign, reason in {
        "DeadKernelError": "the kernel died: it was killed, or ended itself",
        "UnresponsiveKernelError": "the kernel did not answer and could not be interrupted",
        "MemoryError": "more output or memory than is allowed",
        "Interrupting kernel\n[AutogradeApp | ERROR] There was an error": "a cell ran too long and could not be stopped",
        "iopub": "more output than could be read",
    }.items():
        if sign in log:
            return reason
    lines = [line for line in log.splitlines() if line.strip()]
    return f"nbgrader stopped: {lines[-1][:150] if lines else 'without a message'}"


def what_happened(notebook):
    """Remarks on errors that a teacher should know of: cells that ran too long or asked for too much memory."""
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    names = {output.ename for output in outputs if output.output_type == "error"}
    return [
        remark
        for name, remark in {
            "CellTimeoutError": "a cell ran too long and was stopped",
            "MemoryError": "a cell asked for more memory than is allowed",
        }.items()
        if name in names
    ]


def trimmed(notebook):
    """The notebook with long outputs cut, and a remark if there were any."""
    cut = False
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if len(text := output.get("text", "")) > LONGEST:
                output["text"], cut = f"{text[:LONGEST]}\n… (cut: {len(text):,} characters)", True
            for kind, text in output.get("data", {}).items():
                if len(text) > 100 * LONGEST:
                    output["data"][kind], cut = f"(cut: {len(text):,} characters)", True
    return ["a long output was cut"] if cut else []


def mark_one(course, assignment, student, options):
    """Mark one student; a dict for the gradebook and the list of marks. Whatever goes wrong becomes a remark."""
    with tempfile.TemporaryDirectory(prefix="mark-", ignore_cleanup_errors=True) as place:
        place = Path(place).resolve()
        try:
            return _mark_one(place, course, assignment, student, options)
        except Refused as error:
            return {"student": student, "remarks": [f"not marked: {error}"]}
        except Exception as error:  # one hand-in must not stop the others
            return {"student": student, "remarks": [f"not marked: {type(error).__name__}: {error}"]}


def _mark_one(place, course, assignment, student, options):
    submission = read_submission(course / "submitted" / student, assignment)
    released = nbformat.read(course / "release" / assignment / f"{assignment}.ipynb", 4)
    notebook, remarks = restored(released, submission)

    copy = place / "course"
    for name in ("book", "data", f"source/{assignment}"):  # without the notebook that has the solutions
        shutil.copytree(course / name, copy / name, ignore=shutil.ignore_patterns("*.ipynb"))
    for name in ("nbgrader_config.py", "gradebook.db"):
        shutil.copy(course / name, copy)
    own = course / "variants" / assignment / f"{student}.json"
    if own.is_file():
        shutil.copy(own, copy / "source" / assignment / "variant.json")
    elif own.parent.is_dir():
        near = difflib.get_close_matches(student, [file.stem for file in own.parent.iterdir()], 3, 0)
        raise Refused(f"{student!r} has no variant; its folder must be named as in the list: {' or '.join(near)}?")
    target = copy / "submitted" / student / assignment
    target.mkdir(parents=True)
    nbformat.write(notebook, target / f"{assignment}.ipynb")

    context = multiprocessing.get_context("forkserver")
    worker = context.Process(target=autograde, args=(place, assignment, student, options.timeout, options.memory))
    worker.start()
    worker.join(60 * options.minutes)
    in_time = worker.exitcode is not None
    end(worker, place)
    if not in_time:
        raise Refused(f"it ran for more than {options.minutes:g} minutes")

    marked = copy / "autograded" / student / assignment / f"{assignment}.ipynb"
    if worker.exitcode < 0:
        raise Refused("the process that marked it was killed")
    if worker.exitcode or not marked.is_file() or marked.is_symlink():
        log = place / "log"
        raise Refused(why_failed(log.read_text("utf-8", "replace")[-100_000:] if log.is_file() else ""))
    notebook = nbformat.read(marked, 4)
    remarks += what_happened(notebook) + trimmed(notebook)
    grades = read_grades(copy / "gradebook.db", assignment, student)
    return {"student": student, "notebook": notebook, "grades": grades, "remarks": remarks}


def open_gradebook(path):
    from nbgrader.api import Gradebook

    return Gradebook(f"sqlite:///{path}", "kazakhstan")


def read_grades(path, assignment, student):
    """Name, points by tests (None if a person must mark) and points possible of each graded cell, a list of tuples."""
    with open_gradebook(path) as book:
        notebook = book.find_submission_notebook(assignment, assignment, student)
        grades = [(grade.name, grade.auto_score, grade.max_score) for grade in notebook.grades]
    if odd := [name for name, points, most in grades if points is not None and not 0 <= points <= most]:
        raise Refused(f"points out of range in {odd[0]}")
    return grades


def enter(course, assignment, results):
    """Write results into the class's gradebook and marked notebooks to ``autograded/``, as nbgrader would."""
    with open_gradebook(course / "gradebook.db") as book:
        for result in results:
            folder = course / "autograded" / result["student"] / assignment
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(course / "source" / assignment, folder, ignore=shutil.ignore_patterns("*.ipynb"))
            nbformat.write(result["notebook"], folder / f"{assignment}.ipynb")
            book.update_or_create_student(result["student"])
            book.update_or_create_submission(assignment, result["student"])
            for name, points, _ in result["grades"]:
                grade = book.find_grade(name, assignment, assignment, result["student"])
                grade.auto_score = points
                grade.needs_manual_grade = points is None or grade.manual_score is not None
        book.db.commit()


def summary(result):
    """A line of the list of marks."""
    grades = result.get("grades")
    by_tests = [grade for grade in grades or [] if grade[1] is not None]
    return {
        "student": result["student"],
        "points by tests": f"{sum(points for _, points, _ in by_tests):g}" if grades else "",
        "of": f"{sum(most for *_, most in by_tests):g}" if grades else "",
        "to mark by hand": f"{sum(most for _, points, most in grades if points is None):g}" if grades else "",
        "remark": "; ".join(result["remarks"]),
    }


def write_marks(path, lines):
    """Write the list of marks; students who were not marked this time keep their line."""
    known = {}
    if path.is_file():
        with open(path, encoding="utf-8", newline="") as file:
            known = {line["student"]: line for line in csv.DictReader(file)}
    known |= {line["student"]: line for line in lines}
    path.parent.mkdir(exist_ok=True)
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(summary({"student": "", "remarks": []})), lineterminator="\n")
        writer.writeheader()
        writer.writerows(known[student] for student in sorted(known))


def mark(course, assignment, options):
    """Mark the submissions of a class; the lines of the list of marks, in the order of names."""
    students = options.students or sorted(path.name for path in (course / "submitted").iterdir() if path.is_dir())
    multiprocessing.get_context("forkserver").set_forkserver_preload(["warm"])
    with ThreadPoolExecutor(options.jobs) as pool:
        results = list(pool.map(lambda student: mark_one(course, assignment, student, options), students))
    enter(course, assignment, [result for result in results if "grades" in result])
    return list(map(summary, results))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("assignment")
    parser.add_argument("students", nargs="*", metavar="STUDENT", help="default: all in submitted/")
    parser.add_argument("--timeout", type=int, default=60, help="seconds that one cell may take")
    parser.add_argument("--minutes", type=float, default=5, help="that one submission may take")
    parser.add_argument("--memory", type=float, default=3, help="gigabytes of address space of a process")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() + 1, help="submissions marked at the same time")
    given = parser.parse_intermixed_args()
    course = given.folder.expanduser().resolve()
    if not (course / "source" / given.assignment).is_dir():
        parser.error(f"{given.folder} has no assignment {given.assignment!r}; make.py makes such a folder")
    if gaps():
        print(f"Careful: nothing keeps submissions from {', '.join(gaps())} here. README.md shows a container.")
    start = time.perf_counter()
    lines = mark(course, given.assignment, given)
    write_marks(course / "marks" / f"{given.assignment}.csv", lines)
    for line in lines:
        points = f"{line['points by tests']} of {line['of']}" if line["of"] else "-"
        print(f"{line['student']:<24} {points:<10} {line['remark']}")
    print(f"{len(lines)} submissions in {time.perf_counter() - start:.0f} s; marks/{given.assignment}.csv")


if __name__ == "__main__":
    logging.getLogger("alembic").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", module="nbgrader")  # on its own calls of the gradebook: nothing that a teacher can mend
    main()
