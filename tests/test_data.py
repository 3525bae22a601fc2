"""The tables hold what their descriptor and the bibliography say."""

import re
import subprocess
import sys
from collections import Counter

import networkx as nx
import pandas as pd
import pytest
from conftest import CHAPTERS, ROOT
from pybtex.database import parse_file
from toolkit import data

REFERENCES = parse_file(str(ROOT / "book" / "references.bib")).entries
TABLES = [path.stem for path in sorted((ROOT / "data").glob("*.csv"))]
KINDS = {"official", "legal", "dataset", "agency", "press", "analysis", "company", "wiki", "blog"}


def cited_in(text):
    """``(key, locator)`` pairs of every citation in a chapter."""
    for role in re.findall(r"\{cite:\w+\}`([^`]+)`", text):
        for target in re.split(r",(?![^{]*\})", role):
            key, _, locator = target.strip().partition("{")
            yield key, locator.rstrip("}")


def cited_in_tables():
    for table in TABLES:
        frame = data.load(table)
        if "source" in frame:
            for source in frame["source"].dropna():
                yield from data.cited(source)


def test_frictionless_accepts_the_package():
    done = subprocess.run(
        [sys.executable, "-m", "frictionless", "validate", "data/datapackage.json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_our_own_rules_hold():
    data.check()


def test_every_file_is_described():
    described = {resource["path"] for resource in data.package()["resources"]}
    assert described == {path.name for path in (ROOT / "data").iterdir() if path.suffix in (".csv", ".geojson")}


@pytest.mark.parametrize("resource", data.package()["resources"], ids=lambda resource: resource["name"])
def test_every_table_says_what_it_is(resource):
    assert resource["title"] and len(resource["description"]) > 40 and resource["licenses"]
    for field in resource.get("schema", {}).get("fields", []):
        assert field["description"].endswith("."), field["name"]


def test_bibliography_is_complete():
    for key, entry in REFERENCES.items():
        assert re.fullmatch(r"[a-z0-9-]+", key), key
        assert entry.persons.get("author") and entry.fields["title"], key
        assert entry.fields["url"].startswith("http"), key
        undated = "-nd-" in key or "year" in entry.fields["note"]  # the key or the note says so
        assert undated or re.fullmatch(r"\d{4}", entry.fields.get("year", "")), key
        assert entry.fields["note"].startswith("Read 20"), f"{key}: the note must begin with the day of reading"
        assert entry.fields["keywords"] in KINDS, key


def test_no_source_stands_twice():
    addresses = Counter(re.sub(r"^https?://(www\.)?|/$", "", entry.fields["url"].lower()) for entry in REFERENCES.values())
    assert [address for address, count in addresses.items() if count > 1] == []
    works = Counter((str(e.persons["author"]), e.fields["title"].lower(), e.fields.get("year")) for e in REFERENCES.values())
    assert [work for work, count in works.items() if count > 1] == []


def test_every_citation_has_key_and_locator():
    for path in CHAPTERS:
        for key, locator in cited_in(path.read_text("utf-8")):
            assert key in REFERENCES, f"{path.name}: {key}"
            assert locator, f"{path.name}: {key} is cited without a locator"


def test_every_claim_is_used_in_the_text():
    used = {claim for path in CHAPTERS for claim in re.findall(r"\{claim\}`(S\d-\d\d)`", path.read_text("utf-8"))}
    assert sorted(set(data.load("claims")["claim_id"]) - used) == []


def test_most_facts_have_evidence():
    claims = data.load("claims")
    checkable = claims[claims["type"].isin(["fact", "figure", "quote"])]
    assert checkable["source"].notna().mean() >= 0.8
    assert claims.loc[claims["verdict"].isin(["confirmed", "imprecise", "wrong"]), "source"].notna().all()
    assert claims.loc[claims["verdict"] != "confirmed", "correction"].notna().all()


def test_no_entry_is_unused():
    used = {key for key, _ in cited_in_tables()}
    used |= {key for path in CHAPTERS for key, _ in cited_in(path.read_text("utf-8"))}
    notes = "".join((ROOT / "data" / f"{table}.csv").read_text("utf-8") for table in ("export_routes", "oil_exports"))
    used |= {key for key in REFERENCES if re.search(rf"(?<![\w-]){re.escape(key)}(?![\w-])", notes)}
    resources = data.package()["resources"]
    used |= {key for resource in resources for key, _ in data.cited(resource.get("source", "")) if key}
    assert sorted(set(REFERENCES) - used) == []


def groups_of(events):
    """One row for each event and partner group that takes part in it."""
    partners = data.load("partners").set_index("code")["group"]
    pairs = events.assign(code=events["partners"].str.split(";")).explode("code")
    return pairs.assign(group=pairs["code"].map(partners)).drop_duplicates(["event_id", "group"])


def test_events_are_enough_and_not_only_handshakes():
    events = data.load("events").merge(data.load("cameo"), left_on="cameo", right_on="code")
    assert len(events) >= 700
    assert events["date"].dt.year.value_counts().reindex(range(1991, 2027), fill_value=0).min() >= 10
    assert events["quadclass"].isin([3, 4]).mean() > 0.1
    assert not events.duplicated(["date", "summary"]).any()


@pytest.mark.parametrize(
    "group, least",
    [
        ("Russia", 100),
        ("Central Asia", 100),
        ("China", 80),
        ("United States", 80),
        ("Europe and the West", 80),
        ("Türkiye and the Turkic states", 30),
    ],
)
def test_no_partner_is_neglected(group, least):
    assert (groups_of(data.load("events"))["group"] == group).sum() >= least


def test_few_events_rest_on_a_wiki():
    def is_wiki(source):
        return all(REFERENCES[key].fields["keywords"] == "wiki" for key, _ in data.cited(source))

    assert data.load("events")["source"].map(is_wiki).mean() <= 0.03


def test_codes_are_as_fine_as_the_scheme_has_them():
    levels = data.load("cameo").set_index("code")["level"]
    for table, columns in (("events", ["cameo"]), ("codings", ["first", "second"])):
        for column in columns:
            assert (data.load(table)[column].map(levels) != "root").all(), (table, column)


def test_every_event_was_coded_twice_and_every_difference_settled():
    codings = data.load("codings").set_index("event_id")
    events = data.load("events").set_index("event_id")
    assert set(codings.index) == set(events.index)
    settled = events["cameo"].reindex(codings.index)
    explained = codings["note"].notna()
    assert (explained | (codings["first"] == codings["second"])).all()
    assert (explained | (codings["first"] == settled)).all()


@pytest.mark.parametrize("table, keys", [("energy", ["year", "series"]), ("investment", ["year", "partner", "measure"])])
def test_one_of_several_figures_is_used(table, keys):
    frame = data.load(table)
    assert (frame.groupby(keys)["used"].sum() == 1).all()


def test_figures_used_are_those_of_the_routes():
    figures = data.load("route_figures")
    used = figures[figures["used"]].pivot(index="route_id", columns="attribute", values="value")
    routes = data.load("export_routes").set_index("route_id")
    for attribute in ("length_km", "length_kz_km", "capacity", "start_year"):
        stated = routes[attribute].astype(float).dropna()
        pd.testing.assert_series_equal(used[attribute].dropna().sort_index(), stated.sort_index(), check_names=False)


@pytest.mark.parametrize("table, least", [("memberships", 25), ("visits", 150), ("glossary", 100)])
def test_tables_are_as_long_as_promised(table, least):
    assert len(data.load(table)) >= least


def test_a_visit_and_its_event_tell_of_one_time():
    visits = data.load("visits").dropna(subset="event_id")
    events = data.load("events").set_index("event_id")
    apart = visits["date"].to_numpy() - events["date"].reindex(visits["event_id"]).to_numpy()
    assert abs(pd.Series(apart)).max() <= pd.Timedelta(days=31)


def test_root_codes_and_quadclasses_agree():
    cameo = data.load("cameo")
    expected = cameo["root"].astype(int).map(lambda root: 1 + (root > 5) + (root > 8) + (root > 13))
    assert (cameo["quadclass"] == expected).all()
    assert (cameo["code"].str[:2] == cameo["root"]).all()


def test_the_routes_of_the_course_are_there():
    needed = {
        "cpc", "uas", "kcp_kenkiyak_atyrau", "kcp_kenkiyak_kumkol", "kcp_atasu_alashankou", "omsk_pavlodar",
        "pavlodar_shymkent", "btc", "aktau_baku", "cac", "ca_china", "bbs", "bukhara_ural", "soyuz",
    }  # fmt: skip
    assert needed <= set(data.load("export_routes")["route_id"])


def test_waypoints_are_numbered_in_order():
    for route, points in data.load("route_waypoints").groupby("route_id"):
        assert list(points["seq"]) == list(range(1, len(points) + 1)), route


def test_basemap_is_small():
    assert (ROOT / "data" / "basemap.geojson").stat().st_size < 150_000


def test_the_oil_network_leads_from_the_fields_to_markets_and_hides_no_guess():
    links = data.load("network")
    net = nx.from_pandas_edgelist(links, "from_node", "to_node", create_using=nx.DiGraph)
    assert len(net.edges) == len(links), "two links join the same nodes; the graph of the chapter would keep one"
    assert nx.is_directed_acyclic_graph(net) and [node for node in net if not net.in_degree(node)] == ["Oil for export"]
    assert links.loc[links["basis"] != "assumed", "source"].notna().all()
    assert (links["expanded"] > links["capacity"]).eq(links["expanded"].notna()).all()
    assert (links["other_oil"].fillna(0) <= links["capacity"]).all()


def test_the_supplies_of_the_network_are_the_exports_of_2025_by_route():
    oil = data.load("oil_exports").query("measure == 'kazakh_oil' and year == 2025").set_index("route")["million_tonnes"]
    links = data.load("network")
    supplies = links.loc[links["from_node"] == "Oil for export", "capacity"].sum()
    assert supplies == pytest.approx(oil[["cpc", "atyrau_samara", "aktau", "kazakhstan_china"]].sum())


def test_no_route_is_further_off_on_average_than_at_most():
    deviation = data.load("route_deviation")
    assert (deviation["mean_km"] < deviation["largest_km"]).all()
