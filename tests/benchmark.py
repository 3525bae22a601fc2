"""How loading and counting grow with the table of events, how long a file of GDELT's takes, and how long a build.

    python tests/benchmark.py [FACTOR ...]
    python tests/benchmark.py gdelt [ROWS]
    python tests/benchmark.py build [FACTOR ...]
    python tests/benchmark.py marking [SUBMISSIONS]

The first works on a copy of data/ in a temporary folder, up to a hundred times today's rows. The second writes made-up
events in GDELT's format, ten million unless told, and counts them with plain pandas and with the toolkit on two engines,
each in a process of its own. The third builds a copy of the book: from nothing, beside nbconvert running the same
chapters one after another; again, with nothing, one sentence and one table changed; and with two, five and ten times the
chapters. The fourth marks a class's hand-ins of one assignment, thirty unless told, and compares with the time of their
kernels alone. Each line gives seconds and, in brackets, the ratio to the first line: ratios of one run can be compared
between machines, seconds cannot.
"""

import contextlib
import csv
import ctypes
import io
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import ibis
import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "book"))
from toolkit import counts, data, samples  # noqa: E402


def enlarge(folder, times):
    """Write the events of data/ ``times`` times over, under new ids, into the copy in ``folder``."""
    with open(ROOT / "data" / "events.csv", encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    with open(folder / "events.csv", "w", encoding="utf-8", newline="") as file:
        many = (row[1:] for _ in range(times) for row in rows)
        csv.writer(file, lineterminator="\n").writerows(
            [header, *([f"E{number:06d}", *rest] for number, rest in enumerate(many, start=1))]
        )


def count(events, cameo):
    """Events by year and QuadClass, as the chapters count them: a DataFrame of counts."""
    coded = events.merge(cameo, left_on="cameo", right_on="code")
    return coded.groupby([coded["date"].dt.year, "quadclass"]).size().unstack(fill_value=0)


def measure(folder, times):
    """``(rows, seconds to load, seconds to count)`` for one size."""
    enlarge(folder, times)
    cameo = data.load("cameo")
    start = time.perf_counter()
    events = data.load("events")
    loaded = time.perf_counter()
    table = count(events, cameo)
    end = time.perf_counter()
    assert table.to_numpy().sum() == len(events)
    return len(events), loaded - start, end - loaded


def main(factors):
    with tempfile.TemporaryDirectory() as folder:
        data.DATA = Path(folder) / "data"
        shutil.copytree(ROOT / "data", data.DATA)
        first = None
        for times in factors:
            rows, load, counting = measure(data.DATA, times)
            first = first or (load, counting)
            print(
                f"x{times:<4} {rows:>7,} rows   load {load:7.3f} s ({load / first[0]:6.1f})"
                f"   count {counting:7.3f} s ({counting / first[1]:6.1f})"
            )


def plain_pandas(path):
    """The counts of ``toolkit.counts`` for a sound file of GDELT's, as one would write them in pandas."""
    columns = {1: "date", 7: "actor1", 17: "actor2", 26: "code"}
    cells = pd.read_csv(
        path, sep="\t", header=None, usecols=list(columns), dtype=str, keep_default_na=False, quoting=csv.QUOTE_NONE
    ).rename(columns=columns)
    one = (cells["actor1"] == "KAZ") ^ (cells["actor2"] == "KAZ")
    cells = cells[one & (cells["actor1"] != "") & (cells["actor2"] != "")]
    partner = cells["actor2"].where(cells["actor1"] == "KAZ", cells["actor1"])
    cells = cells.assign(partner=partner, year=cells["date"].str[:4].astype("int64"))
    cells = cells.merge(data.load("cameo").astype({"quadclass": "int64"}), on="code")
    by = cells.groupby(["year", "partner", "quadclass"])["goldstein"]
    return by.agg(events="size", goldstein_sum="sum").round(1).reset_index()


WAYS = {
    "pandas": plain_pandas,
    "DuckDB": lambda path: counts.count(path).table,
    "Polars": lambda path: counts.count(path, ibis.polars.connect(), engine="streaming").table,
}


def count_alone(way, path):
    """Count in this process and print the table, then seconds, processor seconds and the peak of memory in MB."""
    start, before = time.perf_counter(), time.process_time()
    table = WAYS[way](path)
    seconds, processor = time.perf_counter() - start, time.process_time() - before
    # Linux only. resource.getrusage would give the peak of the parent where that is larger.
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    print(table.to_csv(index=False), seconds, processor, int(peak[1]) / 1024, sep="\n")


def gdelt(rows):
    """Print time and memory of every way to count ``rows`` made-up events; all must come to the same table."""
    with tempfile.TemporaryDirectory() as folder:
        path = samples.write(Path(folder) / "events.export.CSV", rows)
        print(f"{rows:,} rows, {path.stat().st_size / 1e6:,.0f} MB")
        first = None
        for way in WAYS:
            command = [sys.executable, __file__, "gdelt-with", way, str(path)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            text, *measured = done.stdout.rsplit("\n", 4)[:4]
            table, (seconds, processor, peak) = pd.read_csv(io.StringIO(text)), map(float, measured)
            first = first or (table, seconds, peak)
            pd.testing.assert_frame_equal(table, first[0])
            print(
                f"{way:<6} {seconds:7.1f} s ({seconds / first[1]:4.2f})   of the processors {processor:6.1f} s"
                f"   peak {peak:6,.0f} MB ({peak / first[2]:4.2f})   {table['events'].sum():,} events counted"
            )


def run_for(command, folder):
    """Run a command in a folder; the seconds it took, and the chapters that it ran."""
    program, *arguments = command
    start = time.perf_counter()
    done = subprocess.run(
        [str(Path(sys.executable).with_name(program)), *arguments], cwd=folder, capture_output=True, text=True
    )
    seconds = time.perf_counter() - start
    if done.returncode:
        raise SystemExit(done.stdout[-2000:] + done.stderr[-2000:])
    return seconds, re.findall(r"book/([\w-]+): ran in", done.stdout)


def building(factors):
    """Print the times of builds of the whole book, and their ratios to nbconvert's time for its chapters."""
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "book"
        shutil.copytree(
            ROOT, folder, ignore=shutil.ignore_patterns("_build", ".git", ".venv", "__pycache__", ".*_cache")
        )
        chapters = [path for path in sorted((folder / "book").glob("*.md")) if "{code-cell}" in path.read_text("utf-8")]
        run_for(["jupytext", "--to", "ipynb", *map(str, chapters)], folder)
        notebooks = [path.with_suffix(".ipynb") for path in chapters]
        convert = ["jupyter", "nbconvert", "--execute", "--to", "html", "--output-dir", parent, *map(str, notebooks)]
        alone, _ = run_for(convert, folder / "book")
        for notebook in notebooks:
            notebook.unlink()
        print(f"{f'nbconvert, {len(chapters)} chapters one after another':<44} {alone:7.1f} s (1.00)", flush=True)

        def show(what):
            seconds, ran = run_for(["jupyter-book", "build", "."], folder)
            print(f"{what:<44} {seconds:7.1f} s ({seconds / alone:4.2f})   ran {len(ran)} chapters", flush=True)
            return seconds

        clean = show("clean build")
        show("nothing changed")
        change(folder / "book" / "china.md", "\nTroops came next.", "\nOne more sentence. Troops came next.")
        show("one sentence changed")
        change(folder / "data" / "oil_exports.csv", ",reported,", ",derived,")
        show("one table changed (oil_exports)")
        for factor in factors:
            for number in range((factor - 1) * len(chapters)):
                copy_chapter(folder, f"copy{number}")
            shutil.rmtree(folder / "_build")
            seconds = show(f"clean build of {factor} times the chapters")
            print(f"{'':<44} {seconds / clean:7.2f} times the first clean build")


def copy_chapter(folder, name):
    """Put a chapter into the book once more under a new name, with cells of its own."""
    text = (folder / "book" / "china.md").read_text("utf-8")
    text = re.sub(r"^(:label:|```\{solution-start\}|    name:) ", rf"\g<0>{name}-", text, flags=re.MULTILINE)
    (folder / "book" / f"{name}.md").write_text(text.replace("\nfrom toolkit", f"\n# {name}\nfrom toolkit", 1), "utf-8")
    contents = (folder / "_toc.yml").read_text("utf-8")
    if f"book/{name}\n" not in contents:
        (folder / "_toc.yml").write_text(f"{contents}      - file: book/{name}\n", "utf-8")


def change(path, old, new):
    text = path.read_text("utf-8")
    assert old in text, old
    path.write_text(text.replace(old, new, 1), "utf-8")


def processor_seconds():
    """Processor time of all processes that this one has started and that have ended, in seconds."""
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def marking(submissions):
    """Print how long marking takes on all cores, and its ratio to the kernels alone, one after the other, on one core.

    On a machine that has other work, compare the seconds of the processors.
    """
    sys.path.insert(0, str(ROOT / "book" / "assignments"))
    import make
    import nbclient
    import nbformat

    # Linux only: processes whose parent has ended become ours, so that their time can be counted.
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
    with tempfile.TemporaryDirectory() as folder:
        course = Path(folder) / "class"
        course.mkdir()
        make.write_shared(course)
        make.write_source(course, make.HERE / "events.md", make.variants.draw("events", "benchmark"))
        make.release(course, "events")
        path = course / "source" / "events" / "events.ipynb"
        notebook = nbformat.read(path, 4)
        for number in range(submissions):
            shutil.copytree(path.parent, course / "submitted" / f"student-{number:02}" / "events")
        used, start = processor_seconds(), time.perf_counter()
        for _ in range(submissions):
            nbclient.NotebookClient(notebook, resources={"metadata": {"path": str(path.parent)}}).execute()
        kernels = time.perf_counter() - start
        used_by_kernels = processor_seconds() - used
        start = time.perf_counter()
        subprocess.run([sys.executable, make.HERE / "mark.py", course, "events"], check=True, capture_output=True)
        marked = time.perf_counter() - start
        used_by_marking = processor_seconds() - used - used_by_kernels
        cores = os.cpu_count()
        print(
            f"{submissions} kernels alone, shared by {cores} cores {kernels / cores:7.1f} s (1.00)"
            f"   of the processors {used_by_kernels:7.1f} s (1.00)\n"
            f"{submissions} submissions marked                {marked:7.1f} s ({marked * cores / kernels:4.2f})"
            f"   of the processors {used_by_marking:7.1f} s ({used_by_marking / used_by_kernels:4.2f})"
        )


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["build", *factors]:
            building([int(factor) for factor in factors] or [2, 5, 10])
        case ["gdelt-with", way, path]:
            count_alone(way, path)
        case ["gdelt", *rows]:
            gdelt(int(*rows or [10_000_000]))
        case ["marking", *submissions]:
            marking(int(*submissions or [30]))
        case factors:
            main([int(factor) for factor in factors] or [1, 3, 10, 30, 100])
