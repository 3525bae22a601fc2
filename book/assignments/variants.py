"""What changes from class to class, or from student to student.

Each function draws the settings of one assignment with a random generator. The choices are computed from the tables by
rules that keep all variants equally hard, so they follow when the tables grow.
"""

import random
from functools import cache
from itertools import combinations, product
from pathlib import Path

import networkx as nx
import pandas as pd
from toolkit import data

LARGE = ["CHN", "KGZ", "RUS", "USA", "UZB"]  # partners with more than a hundred events
load = cache(data.load)


def draw(assignment, seed):
    """The settings of one assignment: the same for the same seed, on every machine.

    Parameters
    ----------
    assignment : str
        ``sources``, ``events``, ``dependence``, ``balance`` or ``coding``.
    seed : str
        Any text; what students cannot guess keeps their variants unknown.

    Returns
    -------
    dict
        What ``variant.json`` holds.
    """
    return DRAW[assignment](random.Random(f"{assignment} {seed}"))


@cache
def _pairs():
    """Year and QuadClass of every pair of event and partner."""
    events = load("events").merge(load("cameo")[["code", "quadclass"]], left_on="cameo", right_on="code")
    pairs = events.assign(partner=events["partners"].str.split(";"), year=events["date"].dt.year).explode("partner")
    return pairs[["partner", "year", "quadclass"]]


@cache
def spans_of(partner):
    """First years of twelve with at least eight conflict events and at least two years that have none."""
    pairs = _pairs()
    years = pairs.loc[(pairs["partner"] == partner) & (pairs["quadclass"] >= 3), "year"]
    counts = years.value_counts().reindex(range(1991, 2026), fill_value=0)
    windows = {first: counts.loc[first : first + 11] for first in range(1993, 2015)}
    return [first for first, window in windows.items() if window.sum() >= 8 and (window == 0).sum() >= 2]


@cache
def turns_of(partner):
    """Years with five events or more in the three years before, and in the three after.

    Who counts the year itself, instead of the first or the last of the seven, gets another number.
    """
    years = _pairs().query("partner == @partner")["year"].tolist()
    count = {year: years.count(year) for year in range(1992, 2026)}
    return [
        turn
        for turn in range(1995, 2023)
        if sum(count[turn - gap] for gap in (1, 2, 3)) >= 5
        and sum(count[turn + gap] for gap in (1, 2, 3)) >= 5
        and count[turn] not in (count[turn - 3], count[turn + 3])
    ]


def events(rng):
    partner, other = rng.sample(LARGE, 2)
    first, turn = rng.choice(spans_of(partner)), rng.choice(turns_of(partner))
    return {"partner": partner, "other": other, "first": first, "last": first + 11, "turn": turn}


LEANS_ON_ANOTHER = r"^(?:Its?|He|His|She|They|Their|This|That|These|Those|Such|Another|There)\b|\bthem\b|\bthe same\b"
LEANS_ON_ANOTHER += r"|^(?:And|Because of that|Hence|So)\b|\btherefore\b"
LEANS_ON_ANOTHER += r"|^The (?:reason|summit|visit)\b|\b[Tt]he situation\b"


@cache
def claims_by(kind):
    """Ids of claims that can be read alone and have evidence in the course's tables too, by verdict.

    ``alike``: both checkers and the last reader gave the same verdict. ``apart``: the two checkers differed.
    """
    tables = ["events", "visits", "memberships", "trade", "investment", "energy", "oil_exports", "route_figures"]
    known = {key for table in tables for cell in load(table)["source"].dropna() for key, _ in data.cited(cell)}
    claims = load("claims").dropna(subset="source")
    claims = claims[~claims["claim"].str.contains(LEANS_ON_ANOTHER)]
    claims = claims[[any(key in known for key, _ in data.cited(cell)) for cell in claims["source"]]]
    alike = (claims["first"] == claims["second"]) & (claims["first"] == claims["verdict"])
    chosen = claims[alike] if kind == "alike" else claims[claims["first"] != claims["second"]]
    return chosen.groupby("verdict")["claim_id"].apply(list)


def sources(rng):
    alike, apart = claims_by("alike"), claims_by("apart")
    chosen = rng.sample(alike["confirmed"], 4) + rng.sample(alike["imprecise"], 3) + rng.sample(alike["wrong"], 3)
    chosen += rng.sample(alike["disputed"], 2) + rng.sample(apart["imprecise"] + apart["disputed"], 2)
    chosen += rng.sample(apart["confirmed"] + apart["unverifiable"] + apart["wrong"], 1)
    return {
        "claims": sorted(chosen),
        "documents": sorted(rng.sample(["S0", "S1", "S2", "S3", "S4"], 2)),
        "type": rng.choice(["fact", "figure", "interpretation"]),
        "word": rng.choice(["border", "gas", "Baikonur", "pipeline", "visit", "agreement"]),
    }


DOWN = [["cpc"], ["cpc_kazakhstan"], ["cpc_russia"]]
DOWN += [["cpc_mooring_1", "cpc_mooring_2"], ["cpc_mooring_1", "cpc_mooring_3"], ["cpc_mooring_2", "cpc_mooring_3"]]
OUTAGES = ["aktau_berths", "aktau_makhachkala", "as_ustluga", "atasu_china", "atyrau_kenkiyak", "btc", "rail", "uas"]


@cache
def flow(closed):
    """Most oil that can pass, in Mt a year, with some links or routes closed: a tuple of ids."""
    net = nx.DiGraph()
    for link in load("network").fillna({"route_id": "", "other_oil": 0}).itertuples():
        free = 0 if {link.link_id, link.route_id} & set(closed) else round(1000 * (link.capacity - link.other_oil))
        net.add_edge(link.from_node, link.to_node, capacity=free)
    for market in [node for node in net if not net.out_degree(node)]:
        net.add_edge(market, "all")
    return nx.maximum_flow_value(net, "Oil for export", "all") / 1000


@cache
def outages():
    """What is down, and four outages that may follow: three or more cost something then, and one clearly the most.

    Alone, at least two of them cost nothing: the lesson is that each was the other's reserve.
    """
    found = []
    for down, four in product(map(tuple, DOWN), combinations(OUTAGES, 4)):
        extra = sorted(flow(down) - flow((*down, link)) for link in four)
        free_alone = [link for link in four if flow(()) - flow((link,)) < 0.001]
        if extra[1] > 0.1 and extra[3] > extra[2] + 0.5 and len(free_alone) >= 2:
            found.append({"down": list(down), "links": list(four)})
    return found


@cache
def route_spans(route):
    """First years from which a route has at least four known shares and at least two gaps up to 2025."""
    oil = load("oil_exports")
    own = set(oil.loc[(oil["route"] == route) & (oil["measure"] == "kazakh_oil"), "year"])
    whole = set(oil.loc[(oil["route"] == "total") & oil["measure"].isin(["ministry", "customs"]), "year"])
    known = own & whole
    years = {first: range(first, 2026) for first in range(2005, 2020)}
    return [first for first, span in years.items() if len(known & set(span)) >= 4 and len(set(span) - known) >= 2]


@cache
def crossed():
    """States that three routes or more cross; each of these routes has a drawn course."""
    drawn = set(load("route_waypoints")["route_id"])
    routes = load("export_routes").dropna(subset="transit")
    routes = routes[routes["route_id"].isin(drawn)]
    counts = routes["transit"].str.split(";").explode().value_counts()
    return sorted(counts.index[counts >= 3])


def dependence(rng):
    route = rng.choice(["cpc", "kazakhstan_china", "aktau"])
    return {
        "flow": rng.choice(["exports", "imports"]),
        "year": rng.randint(2020, 2025),
        "route": route,
        "first": rng.choice(route_spans(route)),
        "last": 2025,
        "state": rng.choice(crossed()),
        **rng.choice(outages()),
    }


SIX = ["CHN", "KOR", "RUS", "TUR", "USA", "UZB"]  # states of both un_votes and trade
READERS = [
    "the head of the Central Asia desk in a foreign ministry",
    "a member of a parliament's committee on foreign affairs",
    "the board of a development bank that Kazakhstan asks for a loan",
    "the editor of a newspaper's foreign pages",
]


@cache
def vote_spans(partners):
    """First years of eight in which each of the six voted, and in which the weights matter for one of the partners."""
    votes = load("un_votes").dropna(subset="agreement")
    found = []
    for first in range(1992, 2013):
        span = votes[votes["year"].between(first, first + 7)]
        if any((span["partner"] == partner).sum() < 8 for partner in SIX):
            continue
        own = span[span["partner"].isin(partners)]
        pooled = (own["agreement"] * own["roll_calls"].astype(float)).groupby(own["partner"]).sum()
        pooled /= own.groupby("partner")["roll_calls"].sum().astype(float)
        if (pooled - own.groupby("partner")["agreement"].mean()).abs().max() > 0.002:
            found.append(first)
    return found


def balance(rng):
    partners = sorted(rng.sample(SIX, 4))
    first = rng.choice(vote_spans(tuple(partners)))
    return {
        "partners": partners,
        "first": first,
        "last": first + 7,
        "year": rng.randint(2020, 2025),
        "reader": rng.choice(READERS),
    }


@cache
def report_slots():
    """The reports that may stand for each other, lists of dicts: their events have one published code."""
    reports = pd.read_csv(Path(__file__).with_name("reports.csv"))
    dates = load("events").set_index("event_id")["date"]
    reports["date"] = reports["event_id"].map(dates).dt.strftime("%Y-%m-%d")
    return [slot[["date", "text", "event_id"]].to_dict("records") for _, slot in reports.groupby("slot")]


def coding(rng):
    chosen = [rng.choice(slot) for slot in report_slots()]
    rng.shuffle(chosen)
    return {"reports": [{"report": number, **report} for number, report in enumerate(chosen, start=1)]}


DRAW = {"sources": sources, "events": events, "dependence": dependence, "balance": balance, "coding": coding}
