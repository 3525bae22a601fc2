"""The functions that cells call."""

import html
import io
import json
import re
from itertools import accumulate

import matplotlib

matplotlib.use("agg")

import folium
import matplotlib.image
import matplotlib.pyplot as plt
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from toolkit import charts, data, distances, maps
from toolkit.assets import _steps, assets

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


def routes_in(document):
    """The routes that a map hands to its script, layer by layer."""
    layers = re.findall(r"courseMap\.lines\((\[.*\])\);", document)
    return [route for layer in layers for route in json.loads(layer)]


SCRIPTS_OF_A_MAP = chart().document().count("</script>")


@settings(max_examples=50, deadline=None)
@given(anything)
@example("{{ 1 }}{% raw %}{# x #}")
def test_text_from_the_tables_is_never_code(text):
    """Any text in a field of a route comes out of the map as it went in, as text."""
    document = chart(note=text or "x", name=text or "x").document()
    (route,) = routes_in(document)
    assert dict(route["details"])["Note"] == (text or "x")
    assert document.count("</script>") == SCRIPTS_OF_A_MAP


@pytest.mark.parametrize("text", HOSTILE)
def test_title_and_description_are_never_code(text):
    shown = BeautifulSoup(maps.Map(text, text)._repr_html_(), "html.parser")
    inside = BeautifulSoup(shown.iframe["srcdoc"], "html.parser")
    assert shown.iframe["title"] == inside.title.string.strip() == text
    assert shown.figcaption.get_text() == f"{text}. {text}"
    assert not shown.find_all(["script", "img"])
    assert not [script for script in inside.find_all("script") if "alert(1)" in script.get_text()]


def atlas(**options):
    return maps.add_routes(maps.Map("All", "All routes."), ROUTES, WAYPOINTS, **options)


def test_every_kind_of_route_has_a_layer_and_what_is_not_in_use_has_one():
    used = ROUTES[ROUTES["status"].isin(["operating", "reversed"])]
    wanted = {f"{commodity.capitalize()} by {mode}" for commodity, mode in zip(used["commodity"], used["mode"])}
    shown = re.findall(r'"((?:Oil|Gas|Freight) by [^"]+|Not in use)"\s*:', atlas().document())
    assert set(shown) == wanted | {"Not in use"} and len(shown) == len(set(shown))


def test_a_small_map_has_no_controls_for_many_routes():
    small, large = chart().document(), atlas().document()
    assert "L.control.layers(" in large and "L.control.layers(" not in small
    assert re.search(r"courseMap\.finish\(\w+, true\)", large) and re.search(r"courseMap\.finish\(\w+, false\)", small)


def test_width_is_the_capacity_and_a_missing_figure_is_a_thin_line_of_its_own():
    map_ = atlas(width="capacity")
    weights = {route["name"].rpartition(" (")[0]: route["weight"] for route in map_.drawn}
    for route in ROUTES.to_dict("records"):
        if route["name"] in weights:
            known = pd.notna(route["capacity"])
            assert (weights[route["name"]] >= maps.THINNEST) == known
            assert (weights[route["name"]] == maps.UNKNOWN) != known
    assert max(weights, key=weights.get) == ROUTES.loc[ROUTES["capacity"].idxmax(), "name"]
    assert max(weights.values()) == maps.WIDEST
    labels = [label for _, label in map_.legend["Width"]]
    assert labels[0] == "Width of a line: capacity in bcm/a or Mt/a" and labels[-1] == "no figure found"
    assert "Width" not in atlas().legend and {route["weight"] for route in atlas().drawn} == {maps.PLAIN}


def test_width_can_be_any_figures_by_route():
    flows = pd.Series({"cpc": 64.8, "btc": 0.0, "uas": 8.8}, name="oil in 2025, Mt")
    map_ = atlas(width=flows)
    weights = {route["name"].split(" (")[0]: route["weight"] for route in map_.drawn}
    assert weights["Caspian Pipeline Consortium"] == maps.WIDEST and weights["Baku–Tbilisi–Ceyhan"] == maps.THINNEST
    assert maps.THINNEST < weights["Uzen–Atyrau–Samara"] < maps.WIDEST and weights["Bukhara–Ural"] == maps.UNKNOWN
    assert "oil in 2025, Mt" in map_._repr_html_()
    step = (maps.WIDEST - maps.THINNEST) / 64.8  # widths grow evenly
    assert weights["Uzen–Atyrau–Samara"] == pytest.approx(maps.THINNEST + 8.8 * step, abs=0.05)


@pytest.mark.parametrize(
    "width, message",
    [
        ("flow", "'flow'"),
        (pd.Series({"cpc": 1.0}), "needs a name"),
        (pd.Series({"cpc": 1.0, "atlantis": 1.0}, name="Mt"), "not among the routes of this map: atlantis"),
        (pd.Series([1.0, 2.0], index=["cpc", "cpc"], name="Mt"), "more than one figure for cpc"),
        (pd.Series({"cpc": -1.0}, name="Mt"), "a negative figure for cpc"),
    ],
)
def test_a_wrong_width_is_refused(width, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        atlas(width=width)


def test_a_popup_has_every_figure_where_sources_differ():
    """All rows of an attribute with a figure that is not used: value, source, note, and which one is used."""
    figures = data.load("route_figures")
    drawn = {route["name"].rpartition(" (")[0]: route for route in routes_in(atlas(figures=figures).document())}
    names = ROUTES.set_index("route_id")["name"]
    checked = 0
    for (route_id, attribute), group in figures.groupby(["route_id", "attribute"]):
        if group["used"].all() or names[route_id] not in drawn:
            continue
        shown = dict(drawn[names[route_id]]["figures"])[maps.FIGURE_TERMS[attribute]]
        assert [used for _, used, _, _ in shown] == group["used"].to_list()
        assert [source for _, _, source, _ in shown] == group["source"].to_list()
        assert all(text.startswith(f"{value:g}") for (text, *_), value in zip(shown, group["value"]))
        checked += 1
    assert checked > 40
    assert set(figures["attribute"]) == set(maps.FIGURE_TERMS)


def test_a_popup_has_owners_operator_states_by_name_and_the_places():
    (route,) = routes_in(chart().document())
    details = dict(route["details"])
    assert "Chevron" in details["Owners"] and details["Operator"] and details["Transit states"] == "Russian Federation"
    places = WAYPOINTS[WAYPOINTS["route_id"] == "cpc"]
    assert [tuple(stop[:2]) for stop in route["stops"]] == list(zip(places["name"], places["kind"]))
    assert [len(route["line"]), route["stops"][0][2]] == [len(route["stops"]), 0]
    assert re.fullmatch(r"about 1,\d{3} km: Russia [\d,]+, Kazakhstan \d+", details["As drawn"])


def test_lengths_as_drawn_are_those_of_shapely():
    """Another library, another way of cutting: kilometres in Kazakhstan within two per cent or five kilometres."""
    from shapely import LineString, get_coordinates, get_parts
    from shapely.geometry import shape
    from shapely.ops import unary_union

    (state,) = [f for f in data.load("basemap")["features"] if f["properties"]["name"] == "Kazakhstan"]
    land = unary_union(shape(state["geometry"]))
    for _, group in WAYPOINTS.sort_values("seq").groupby("route_id"):
        course = group[["lat", "lon"]].to_numpy()
        pieces = get_parts(LineString(course[:, ::-1]).intersection(land))
        expected = sum(distances.along(get_coordinates(piece)[:, ::-1])[-1] for piece in pieces if piece.length)
        assert distances.by_state(course).get("Kazakhstan", 0) == pytest.approx(expected, rel=0.02, abs=5)


def test_a_degree_of_a_meridian_is_111_kilometres():
    assert distances.along([[45, 60], [46, 60], [45, 60]]) == pytest.approx([0, 111.195, 222.39], abs=0.01)


def test_lines_can_be_told_from_land_and_sea_in_both_themes():
    """WCAG 2.2, 1.4.11: a contrast of three."""

    def light(colour):
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in matplotlib.colors.to_rgb(colour)]
        return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear)) + 0.05

    grounds = re.findall(r"--(?:sea|land|home): (#\w+)", maps.assets()["course-map.css"])
    assert len(grounds) == 6
    for colour in maps.COMMODITY_COLOURS.values():
        for ground in grounds:
            darker, lighter = sorted([light(colour), light(ground)])
            assert lighter / darker >= 3, (colour, ground)


def test_every_map_has_a_picture_of_its_routes():
    one, other = atlas(width="capacity")._repr_png_(), maps.Map("All", "No routes.")._repr_png_()
    image, empty = (matplotlib.image.imread(io.BytesIO(png), format="png") for png in (one, other))
    assert image.shape[1] == 800 and len(one) < 80_000
    for colour in map(matplotlib.colors.to_rgb, maps.COMMODITY_COLOURS.values()):
        drawn, none = ((abs(picture[:, :, :3] - colour).max(axis=2) < 0.06).sum() for picture in (image, empty))
        assert drawn > 200 > none, colour
    assert one == atlas(width="capacity")._repr_png_()


def test_a_notebook_gets_html_and_picture():
    from IPython.core.formatters import DisplayFormatter

    bundle, _ = DisplayFormatter().format(chart())
    assert {"text/html", "image/png", "text/plain"} <= set(bundle)


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


def test_the_picture_of_a_map_takes_its_caption_for_a_text_alternative():
    from course_maps import describe_pictures
    from docutils import nodes
    from docutils.utils import new_document

    tree, bundle = new_document("chapter"), nodes.container(nb_element="mime_bundle")
    picture, other = nodes.image(uri="map.png"), nodes.image(uri="plot.png", alt="A plot")
    bundle += [nodes.raw("", chart()._repr_html_(), format="html"), picture]
    tree += [bundle, nodes.container("", other, nb_element="mime_bundle")]
    describe_pictures(None, tree)
    assert (picture["alt"], other["alt"]) == ("A map. What it shows.", "A plot")


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


def test_the_base_map_of_the_browser_is_that_of_the_data():
    states = json.loads(assets()["basemap.js"].partition("=")[2].rstrip(";\n"))
    for state, feature in zip(states, data.load("basemap")["features"], strict=True):
        assert {**feature["properties"], "polygons": state["polygons"]} == state
        rings = [ring for polygon in feature["geometry"]["coordinates"] for ring in polygon]
        for steps, ring in zip([steps for polygon in state["polygons"] for steps in polygon], rings, strict=True):
            east, north = (accumulate(steps[first::2]) for first in (0, 1))
            assert [[x / 100, y / 100] for x, y in zip(east, north, strict=True)] == ring
    with pytest.raises(ValueError, match="more than two decimals"):
        _steps([[67.831, 37.06]])
