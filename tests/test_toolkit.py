"""The functions that cells call."""

import html
import json
import re

import matplotlib

matplotlib.use("agg")

import folium
import matplotlib.pyplot as plt
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from toolkit import charts, data, maps

ROUTES, WAYPOINTS = data.load("export_routes"), data.load("route_waypoints")

# Text that has broken maps: ends of scripts and templates, quotes, markup, other scripts.
HOSTILE = [
    "</script><script>alert(1)</script>",
    "${alert(1)}",
    "`",
    "\\",
    '"',
    "'",
    "<img src=x onerror=alert(1)>",
    "&lt;",
    "{{ 1 }}",
]
anything = st.text() | st.sampled_from(HOSTILE)


def chart(**changes):
    """A map of one route whose text fields are replaced."""
    route = ROUTES[ROUTES["route_id"] == "cpc"].assign(**changes)
    return maps.add_routes(maps.Map("A map", "What it shows."), route, WAYPOINTS)


# data


def test_types_are_those_of_the_descriptor():
    events = data.load("events")
    assert events["date"].dtype.kind == "M"
    assert events["cameo"].str.match(r"^\d{2,4}$").all()  # text: a number would lose the leading zero
    routes = data.load("export_routes")
    assert routes["start_year"].dtype == "Int64" and routes["capacity"].dtype == "float64"


def test_an_empty_cell_is_missing_and_nothing_else_is():
    events = data.load("events")
    assert events["place"].isna().any()
    assert not events.drop(columns="place").isna().any().any()


@given(
    st.lists(
        st.tuples(
            st.from_regex(r"[a-z][a-z0-9-]{0,20}", fullmatch=True),
            st.from_regex(r"[^;\s][^;]{0,20}[^;\s]", fullmatch=True),
        ),
        min_size=1,
    )
)
def test_a_source_can_be_taken_apart(pairs):
    cell = "; ".join(f"{key}, {locator}" for key, locator in pairs)
    assert data.cited(cell) == [(key, locator.strip()) for key, locator in pairs]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(anything, st.dates(pd.Timestamp("1991-01-01").date(), pd.Timestamp("2026-12-31").date())),
        min_size=1,
        max_size=20,
    )
)
def test_what_is_written_to_a_table_comes_back(tmp_path, monkeypatch, rows):
    """Any text in a free field is kept as it is; only the empty text is refused."""
    for path in (data.ROOT / "data").iterdir():
        if path.is_file():
            (tmp_path / path.name).write_bytes(path.read_bytes())
    good = data.load("events").iloc[:1]
    table = pd.concat([good] * len(rows), ignore_index=True)
    table["event_id"] = [f"E{number:04d}" for number in range(len(rows))]
    table["summary"] = [re.sub(r"[\x00\r\n\ud800-\udfff]", "", text) for text, _ in rows]
    table["date"] = [date.isoformat() for _, date in rows]
    table.to_csv(tmp_path / "events.csv", index=False, lineterminator="\n")
    monkeypatch.setattr(data, "DATA", tmp_path)
    if (table["summary"] == "").any():
        with pytest.raises(data.DataError, match="'summary': the value is required"):
            data.load("events")
    else:
        loaded = data.load("events")
        assert list(loaded["summary"]) == list(table["summary"])
        assert list(loaded["date"].dt.strftime("%Y-%m-%d")) == list(table["date"])


# maps


def test_a_map_asks_no_other_host_for_anything():
    document = chart().document()
    for element in BeautifulSoup(document, "html.parser").find_all(["script", "link", "img", "iframe"]):
        assert not element.get("src") and not element.get("href")
    assert not re.findall(r"url\((?!data:|#)", document)
    assert "Leaflet 1.9.3" in document


def test_the_same_map_has_the_same_bytes():
    one = chart()
    assert one._repr_html_() == one._repr_html_() == chart()._repr_html_()
    assert not re.search(r"_[0-9a-f]{32}\b", one.document())


def test_a_map_is_named_for_screen_readers():
    shown = chart()._repr_html_()
    assert 'title="A map"' in shown and "What it shows." in shown
    assert '<html lang="en">' in html.unescape(shown)


SCRIPTS_OF_A_MAP = chart().document().count("</script>")


@settings(max_examples=50, deadline=None)
@given(anything)
@example("{{ 1 }}{% raw %}{# x #}")
def test_text_from_the_tables_is_never_code(text):
    """Any text in a field of a route comes out of the map as it went in, as text."""
    document = chart(note=text or "x", name=text or "x").document()
    (feature,) = json.loads(re.search(r"courseMap\.lines\((\[.*\])\);", document)[1])
    assert dict(feature["properties"]["details"])["Note"] == (text or "x")
    assert document.count("</script>") == SCRIPTS_OF_A_MAP


@pytest.mark.parametrize("text", HOSTILE)
def test_title_and_description_are_never_code(text):
    shown = BeautifulSoup(maps.Map(text, text)._repr_html_(), "html.parser")
    inside = BeautifulSoup(shown.iframe["srcdoc"], "html.parser")
    assert shown.iframe["title"] == inside.title.string.strip() == text
    assert shown.figcaption.get_text() == f"{text}. {text}"
    assert not shown.find_all(["script", "img"])
    assert not [script for script in inside.find_all("script") if "alert(1)" in script.get_text()]


def test_every_commodity_and_state_of_use_has_a_layer():
    document = maps.add_routes(maps.Map("All", "All routes."), ROUTES, WAYPOINTS).document()
    wanted = {maps._layer_name(route) for route in ROUTES.to_dict("records")}
    assert wanted == set(re.findall(r'"((?:Oil|Gas|Freight) by [^"]+)"\s*:', document))


def test_every_status_has_a_dash_and_every_commodity_a_colour():
    (table,) = (resource for resource in data.package()["resources"] if resource["name"] == "export_routes")
    fields = {field["name"]: field for field in table["schema"]["fields"]}
    assert set(maps.STATUS_DASHES) == set(fields["status"]["constraints"]["enum"])
    assert len(set(maps.STATUS_DASHES.values())) == len(maps.STATUS_DASHES)
    assert set(maps.COMMODITY_COLOURS) == set(fields["commodity"]["constraints"]["enum"])


def test_a_map_takes_whatever_folium_has():
    map_ = maps.Map("Towns", "One town.")
    folium.CircleMarker([43.2, 76.9], radius=4).add_to(map_)
    assert "L.circleMarker" in map_.document()


# charts


def test_every_group_and_quadclass_has_a_colour():
    partners = data.load("partners")
    groups = partners.loc[partners["kind"] != "aggregate", "group"].unique()
    assert len(set(charts.colours(groups))) == len(groups) == 8
    assert len(set(charts.colours(charts.QUADCLASSES.values()))) == 4
    with pytest.raises(KeyError):
        charts.colours(["Atlantis"])


@pytest.mark.parametrize("labels", [list(charts.COLOURS)[:8], list(charts.QUADCLASSES.values())])
def test_colours_can_be_told_apart_in_grey(labels):
    """CIE lightness (0 black, 100 white) differs by seven or more."""

    def lightness(colour):
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in matplotlib.colors.to_rgb(colour)]
        return 116 * sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear)) ** (1 / 3) - 16

    greys = sorted(map(lightness, charts.colours(labels)))
    assert min(b - a for a, b in zip(greys, greys[1:])) >= 7


def test_a_finished_plot_has_title_unit_and_source():
    fig, ax = plt.subplots()
    ax.bar([1], [1])
    charts.finish(ax, "Title", "million tonnes", "events.csv")
    assert (ax.get_title(loc="left"), ax.get_ylabel(), fig.get_supxlabel()) == (
        "Title",
        "million tonnes",
        "Source: events.csv",
    )
    plt.close(fig)


def test_a_bar_for_each_year_names_every_fifth():
    ax = pd.Series(1, index=range(1991, 2027)).plot.bar()
    charts.finish(ax, "Title", "events", "events.csv")
    shown = [label.get_text() for label in ax.get_xticklabels() if label.get_visible()]
    assert shown == ["1995", "2000", "2005", "2010", "2015", "2020", "2025"]
    plt.close(ax.figure)


def test_bar_labels_leave_small_bars_alone():
    fig, ax = plt.subplots()
    ax.bar([1, 2], [1, 5])
    charts.label_bars(ax, smallest=2)
    assert [text.get_text() for text in ax.texts] == ["", "5"]
    plt.close(fig)


@pytest.mark.parametrize("letters", ["Қазақстан әіңғүұқөһ", "Россия"])
def test_the_font_has_russian_and_kazakh_letters(letters):
    from matplotlib import font_manager, ft2font

    font = ft2font.FT2Font(font_manager.findfont("DejaVu Sans"))
    assert all(font.get_char_index(ord(letter)) for letter in letters if letter != " ")
