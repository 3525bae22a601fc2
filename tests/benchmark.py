"""How loading and counting grow with the table of events, up to a hundred times today's rows.

    python tests/benchmark.py [FACTOR ...]

Works on a copy of data/ in a temporary folder. Each line gives seconds and, in brackets, the ratio to the first line:
ratios of one run can be compared between machines, seconds cannot.
"""

import csv
import shutil
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "book"))
from toolkit import data  # noqa: E402


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


if __name__ == "__main__":
    main([int(factor) for factor in sys.argv[1:]] or [1, 3, 10, 30, 100])
