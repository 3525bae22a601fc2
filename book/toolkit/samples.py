"""Write made-up events in the format of GDELT's event files: for tests, for measuring, for trying out a cell.

    python -m toolkit.samples FILE ROWS [1|2]

The layout is that of the GDELT codebooks: tab-separated text without a header, 58 columns in version 1.0 and 61 in 2.0.
The events are drawn at random, with the same seed always the same; they say nothing about the world.
"""

import io
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute
import pyarrow.csv

from . import data

STATES = "KAZ RUS CHN USA KGZ UZB TKM TJK TUR DEU FRA GBR IRN IND JPN KOR UKR AZE BLR PAK".split()
BATCH = 100_000  # rows made at a time, so that a file of any length needs little memory


def write(path, rows, seed=1, version=2):
    """Write a file of made-up events in GDELT's format.

    Parameters
    ----------
    path : str or pathlib.Path
        A path that ends in ``.zip`` gives a zip archive with one file in it, as GDELT publishes them.
    rows : int
        Number of events.
    seed : int, optional
        Another seed gives other events; the same seed, version and number of rows give the same bytes.
    version : {1, 2}, optional
        Format 1.0 (58 columns) or 2.0 (61 columns).

    Returns
    -------
    pathlib.Path
        The path of the file.
    """
    path = Path(path)
    if path.suffix != ".zip":
        with open(path, "wb") as file:
            _write(file, rows, seed, version)
        return path
    member = zipfile.ZipInfo(path.stem, date_time=(1980, 1, 1, 0, 0, 0))  # a clock would change the bytes
    member.compress_type = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(path, "w") as archive, archive.open(member, "w", force_zip64=True) as file:
        _write(file, rows, seed, version)
    return path


def _write(file, rows, seed, version):
    random = np.random.default_rng(seed)
    cameo = data.load("cameo")
    codes = pa.table(cameo[cameo["level"] != "root"][["code", "root", "quadclass", "goldstein"]].astype(str))
    days = pd.date_range("1991-12-16", "2025-12-31")
    style = pa.csv.WriteOptions(include_header=False, delimiter="\t", quoting_style="none")
    for first in range(0, rows, BATCH):
        batch = _batch(random, first, min(BATCH, rows - first), codes, days, version)
        text = io.BytesIO()
        pa.csv.write_csv(batch, text, style)
        file.write(text.getbuffer())


def _batch(random, first, size, codes, days, version):
    """Some rows as an Arrow table of text, in the order of GDELT's columns."""

    def any_of(values, share_blank=0.0):
        picked = pa.array(values).take(pa.array(random.integers(len(values), size=size)))
        return pa.compute.if_else(pa.array(random.random(size) < share_blank), "", picked)

    def numbers(low, high):
        return pa.array(random.integers(low, high, size=size)).cast("string")

    blank = pa.array([""] * size)
    day = days[random.integers(len(days), size=size)]
    event = codes.take(pa.array(random.integers(len(codes), size=size)))
    base = pa.compute.utf8_slice_codeunits(event["code"], 0, 3)
    ids = pa.array(np.arange(first, first + size) + 1_000_000_000).cast("string")

    def actor():
        state = any_of(STATES, share_blank=0.1)
        return [any_of(["GOV", "BUS", "MIL"]), any_of(["PRESIDENT", "COMPANY", "ARMY"]), state, *[blank] * 7]

    def place():
        name, country, region, lat, lon = "Almaty, Almaty Qalasy, Kazakhstan", "KZ", "KZ02", "43.25", "76.95"
        second_level = [blank] if version == 2 else []
        filled = [pa.array([text] * size) for text in ("4", name, country, region)]
        return [*filled, *second_level, *(pa.array([text] * size) for text in (lat, lon, "-2325797"))]

    columns = [
        ids,
        pa.array(day.strftime("%Y%m%d")),
        pa.array(day.strftime("%Y%m")),
        pa.array(day.strftime("%Y")),
        pa.array((day.year + (day.month * 30 + day.day) / 365).to_numpy().round(4)).cast("string"),
        *actor(),
        *actor(),
        any_of(["0", "1"]),
        event["code"],
        base,
        event["root"],
        event["quadclass"],
        event["goldstein"],
        numbers(1, 50),
        numbers(1, 10),
        numbers(1, 50),
        pa.array(random.uniform(-10, 10, size).round(4)).cast("string"),
        *place(),
        *place(),
        *place(),
        pa.array(day.strftime("%Y%m%d%H%M%S" if version == 2 else "%Y%m%d")),
        pa.compute.binary_join_element_wise("https://example.org/news", ids, "/"),
    ]
    return pa.table(columns, names=[str(number) for number in range(len(columns))])


if __name__ == "__main__":
    write(sys.argv[1], int(sys.argv[2]), version=int((*sys.argv[3:], "2")[0]))
