"""The assignments: variants, what solutions score, and a class made, marked and given feedback by the real commands."""

import contextlib
import copy
import csv
import io
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import warnings
import zipfile

import course_teaching
import matplotlib
import nbformat
import psutil
import pytest
from bs4 import BeautifulSoup
from conftest import ROOT
from course_teaching import SEED
from nbgrader.api import Gradebook
from sphinx.errors import ExtensionError

sys.path.insert(0, str(ROOT / "book" / "assignments"))
import check  # noqa: E402
import make  # noqa: E402
import variants  # noqa: E402

matplotlib.use("agg")
SEEDS = [str(seed) for seed in range(200)]
MARK = [sys.executable, str(make.HERE / "mark.py")]


def source(assignment):
    return make.notebook(make.HERE / f"{assignment}.md")


def role(cell):
    return cell.metadata["nbgrader"]


# Text and variants

SAID = {  # what tests ask for and what no chapter teaches before
    "sources": ["proportion_ci()", "(*same* − *chance*) / (1 − *chance*)", "the full address (`https://…`)"],
    "events": ["`stats.spearmanr(one, other).statistic`", "the source, after the word *Source*", "What you hand in is"],
    "dependence": ["oil exports, a number between 0 and 1.", "(*Russia* will do)"],
    "balance": ["`stats.spearmanr(one, other).statistic`", "the source, after the word *Source*", "do not round"],
    "coding": ["(*same* − *chance*) / (1 − *chance*)", "returns two numbers"],
}


@pytest.mark.parametrize("assignment", make.ASSIGNMENTS)
def test_points_and_files_are_as_the_text_says(assignment):
    notebook = source(assignment)
    nbformat.validate(notebook)
    names = [role(cell)["grade_id"] for cell in notebook.cells]
    assert len(set(names)) == len(names)
    graded = [(role(cell)["points"], role(cell)["solution"]) for cell in notebook.cells if role(cell)["grade"]]
    by_tests = sum(points for points, by_hand in graded if not by_hand)
    by_hand = sum(points for points, by_hand in graded if by_hand)
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    total = by_tests + by_hand
    assert f"{total}, of which {by_tests} are marked by tests and {by_hand} by your teacher" in text
    assert f"Hand in `{assignment}.ipynb` and nothing else" in text
    for word in ("**Goals.**", "**Time.**", "**Difficulty:**", "| points"):
        assert word in text
    for said in SAID.get(assignment, []):
        assert said in text
    assert sum(map(int, re.findall(r"^## .*\((\d+) points", text, flags=re.MULTILINE))) in (total, total - 38)
    most = {points for points, by_hand in graded if by_hand}
    for table in re.findall(r"^\| points \|.*?\n\n", text, flags=re.DOTALL | re.MULTILINE):  # rubrics add up
        assert sum(map(int, re.findall(r"^\| (\d+) \|", table, flags=re.MULTILINE))) in most


@pytest.mark.parametrize("assignment", make.ASSIGNMENTS)
def test_a_seed_gives_one_variant_and_other_seeds_give_others(assignment):
    drawn = [json.dumps(variants.draw(assignment, seed)) for seed in SEEDS]
    assert drawn == [json.dumps(variants.draw(assignment, seed)) for seed in SEEDS]
    assert len(set(drawn)) >= 180


@pytest.mark.parametrize("seed", [SEEDS], ids=["200 seeds"])
def test_variants_are_equally_hard(seed):
    events = check.table("events").merge(check.table("cameo"), left_on="cameo", right_on="code")
    partners, years = events["partners"].str.split(";"), events["date"].dt.year
    claims = check.table("claims").set_index("claim_id")
    oil = check.table("oil_exports")
    routes = check.table("export_routes")["transit"].dropna().str.split(";")
    reports = variants.pd.read_csv(make.HERE / "reports.csv").set_index("event_id")["slot"]
    codings = check.table("codings").set_index("event_id")
    for one in seed:
        draw = variants.draw("events", one)
        own = partners.map(lambda codes: draw["partner"] in codes)
        assert own.sum() > 100 and partners.map(lambda codes: draw["other"] in codes).sum() > 100
        quarrels = years[own & (events["quadclass"] > 2)].tolist()
        counts = [quarrels.count(year) for year in range(draw["first"], draw["last"] + 1)]
        assert len(counts) == 12 and sum(counts) >= 8 and counts.count(0) >= 2
        for shift in (-2, 2):
            assert (own & (years - draw["turn"] - shift).between(-1, 1)).sum() >= 5

        draw = variants.draw("dependence", one)
        assert routes.map(lambda codes: draw["state"] in codes).sum() >= 3
        span = range(draw["first"], draw["last"] + 1)
        known = oil[(oil["route"] == draw["route"]) & (oil["measure"] == "kazakh_oil") & oil["year"].isin(span)]
        assert 4 <= len(known) < len(span)
        down, links = tuple(draw["down"]), draw["links"]
        extra = sorted(variants.flow(down) - variants.flow((*down, link)) for link in links)
        assert len(set(links)) == 4 and extra[1] > 0.1 and extra[3] > extra[2] + 0.5
        assert sum(variants.flow(()) - variants.flow((link,)) < 0.001 for link in links) >= 2

        draw = variants.draw("balance", one)
        assert len(set(draw["partners"])) == 4 and draw["last"] - draw["first"] == 7 and draw["last"] <= 2019

        draw = variants.draw("sources", one)
        chosen = claims.loc[draw["claims"]]
        alike = chosen[(chosen["first"] == chosen["second"]) & (chosen["first"] == chosen["verdict"])]
        assert len(set(draw["claims"])) == 15 and chosen["source"].notna().all()
        assert (chosen["first"] != chosen["second"]).sum() == 3
        assert not chosen["claim"].str.contains(r"^(?:So|And|Hence|The (?:visit|summit))\b|therefore|situation").any()
        assert alike["verdict"].value_counts().to_dict() == {"confirmed": 4, "imprecise": 3, "wrong": 3, "disputed": 2}

        draw = variants.draw("coding", one)
        ids = [report["event_id"] for report in draw["reports"]]
        assert sorted(reports[ids]) == list(range(1, 21))
        assert (codings.loc[ids, "first"] == codings.loc[ids, "second"]).all()


def test_the_two_reports_of_a_slot_have_one_code_and_no_sentence_of_the_table():
    reports = variants.pd.read_csv(make.HERE / "reports.csv")
    events = check.table("events").set_index("event_id").loc[reports["event_id"]]
    assert (events["cameo"].to_numpy().reshape(-1, 2)[:, 0] == events["cameo"].to_numpy().reshape(-1, 2)[:, 1]).all()
    for report, summary in zip(reports["text"], events["summary"]):
        words = [re.findall(r"\b[a-z]\w*", text) for text in (report, summary)]  # names must recur
        runs = [{tuple(text[at : at + 6]) for at in range(len(text) - 5)} for text in words]
        assert not runs[0] & runs[1], report


# What solutions score. Cells run in this process, one assignment after the other: a kernel each would take minutes


def run(cell, names):
    """Run one cell as a kernel would: what it raised or wrote to stderr, which nbgrader counts too, or None.

    Warnings are off, as by the settings of a class.
    """
    errors, quiet = io.StringIO(), warnings.catch_warnings(action="ignore")
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(errors), quiet:
        try:
            exec(compile(cell, "cell", "exec"), names)
        except Exception as error:
            return error
    return errors.getvalue() or None


def failed(assignment, folder, seed="one", changed=None, blank=False, hidden=True):
    """Names of the tests that fail, with the solutions of some cells changed or all taken out.

    Without ``hidden`` only what students see is tested.
    """
    make.write_json(folder / "variant.json", variants.draw(assignment, seed))
    names, found = {}, {}
    with contextlib.chdir(folder):
        for cell in source(assignment).cells:
            if cell.cell_type == "code":
                name, text = role(cell)["grade_id"], cell.source
                if role(cell)["solution"]:
                    text = (changed or {}).get(name, "raise NotImplementedError()" if blank else text)
                elif not hidden:
                    text = re.sub("### BEGIN HIDDEN.*?### END HIDDEN TESTS", "", text, flags=re.DOTALL)
                wrong = run(text, names)
                if wrong and role(cell)["grade"] and not role(cell)["solution"]:
                    found[name.removeprefix("test-")] = wrong
    return found


@pytest.mark.parametrize("seed", ["one", "two", "three", "four"])
@pytest.mark.parametrize("assignment", make.ASSIGNMENTS)
def test_the_reference_solution_passes_whatever_the_variant(assignment, seed, tmp_path):
    assert failed(assignment, tmp_path, seed) == {}


@pytest.mark.parametrize("assignment", make.ASSIGNMENTS)
def test_a_blank_notebook_passes_nothing(assignment, tmp_path):
    tests = [cell for cell in source(assignment).cells if role(cell)["grade"] and not role(cell)["solution"]]
    assert len(failed(assignment, tmp_path, blank=True)) == len(tests)


KAPPA_WITHOUT_CHANCE = """
def kappa(one, other):
    return sum(a == b for a, b in zip(one, other)) / len(list(one))
"""
KAPPA_THAT_WARNS = """
from statsmodels.stats.inter_rater import cohens_kappa, to_table


def kappa(one, other):
    coders = pd.factorize(pd.Series([*one, *other]))[0].reshape(2, -1)
    return cohens_kappa(to_table(coders.T)[0], return_results=False)


beyond = kappa(own.map(quad), published["code"].map(quad))
"""
PER_CENT = """
votes = data.load("un_votes")
span = votes[votes["partner"].isin(variant["partners"]) & votes["year"].between(variant["first"], variant["last"])]
alike = span.assign(same=span["agreement"] * span["roll_calls"]).groupby("partner")[["same", "roll_calls"]].sum()
alike = 100 * alike["same"] / alike["roll_calls"]
"""
WRONG = {
    "the search takes text for a pattern": (
        "sources",
        {
            "find": """
def find(words, first, last):
    found = events[events["date"].between(first, last)]
    for word in words:
        found = found[found["summary"].str.contains(word, case=False)]
    return found
"""
        },
        {"find"},
    ),
    "a key that is cited twice stands twice": (
        "sources",
        {
            "independent": """
def independent(source):
    keys = [] if pd.isna(source) else [key for key, _ in data.cited(source)]
    return [key for key in keys if not key.startswith(("s0-", "s1-", "s2-", "s3-", "s4-"))]
"""
        },
        {"independent"},
    ),
    "every claim is called confirmed": (
        "sources",
        {
            "judgements": """
judgements = {
    claim: ("confirmed", "bailey-2017-preferences", f"For {claim} I found nothing that speaks against it anywhere.")
    for claim in variant["claims"]
}
"""
        },
        {"side"},
    ),
    "a document proves itself": (
        "sources",
        {
            "judgements": """
judgements = {
    row.claim_id: (row.verdict, "s1-asiatoday", f"For {row.claim_id} the report says so itself, in so many words.")
    for row in claims[claims["claim_id"].isin(variant["claims"])].itertuples()
}
"""
        },
        {"form"},
    ),
    "a document proves itself by its address": (
        "sources",
        {
            "judgements": """
itself = "https://techengine1.tistory.com/m/1"
judgements = {
    row.claim_id: (row.verdict, itself, f"For {row.claim_id} the essay says so itself, in so many words.")
    for row in claims[claims["claim_id"].isin(variant["claims"])].itertuples()
}
"""
        },
        {"form"},
    ),
    "a name is neither a key nor an address": (
        "sources",
        {
            "judgements": """
judgements = {
    row.claim_id: (row.verdict, "Reuters", f"For {row.claim_id} an agency says so somewhere, in so many words.")
    for row in claims[claims["claim_id"].isin(variant["claims"])].itertuples()
}
"""
        },
        {"form"},
    ),
    "agreement is taken for kappa": (
        "sources",
        {
            "kappa": KAPPA_WITHOUT_CHANCE
            + """
kind = claims[claims["type"] == variant["type"]]
agreed = beyond = (kind["first"] == kind["second"]).mean()
"""
        },
        {"kappa"},
    ),
    "only the first partner is looked at": (
        "events",
        {"select": 'mine = events[events["partners"].str.startswith(variant["partner"])]'},
        {"select", "conflict", "ratio", "witness"},
    ),
    "empty years are lost": (
        "events",
        {
            "conflict": """
coded = mine.merge(cameo, left_on="cameo", right_on="code")
conflict = coded[coded["quadclass"] > 2].groupby(coded["date"].dt.year).size()
conflict = conflict.loc[variant["first"]:variant["last"]]
"""
        },
        {"conflict"},
    ),
    "shares in per cent": (
        "events",
        {
            "profile": """
pairs = events.assign(partner=events["partners"].str.split(";")).explode("partner")
pairs = pairs[pairs["partner"].isin([variant["partner"], variant["other"]])]
pairs = pairs.merge(cameo, left_on="cameo", right_on="code")
profile = 100 * pd.crosstab(pairs["partner"], pairs["quadclass"], normalize="index")
"""
        },
        {"profile"},
    ),
    "a normal curve for a Poisson interval": (
        "events",
        {
            "interval": """
from scipy import stats


def interval(count):
    return max(0, count - 1.96 * count**0.5), count + 1.96 * count**0.5
"""
        },
        {"interval"},
    ),
    "the turning point belongs to what comes after": (
        "events",
        {
            "ratio": """
year = mine["date"].dt.year
before = year.between(variant["turn"] - 3, variant["turn"] - 1).sum()
after = year.between(variant["turn"], variant["turn"] + 2).sum()
ends = stats.binomtest(after, before + after).proportion_ci()
ratio, low, high = after / before, ends.low / (1 - ends.low), ends.high / (1 - ends.high)
changed = not low <= 1 <= high
"""
        },
        {"ratio"},
    ),
    "the rest is forgotten": (
        "dependence",
        {
            "shares": """
rows = data.load("trade").query("statistic == 'bns' and partner != 'WLD'")
rows = rows[(rows["flow"] == variant["flow"]) & (rows["year"] == variant["year"])].set_index("partner")["usd_million"]
shares = rows / rows.sum()
"""
        },
        {"shares", "hhi"},
    ),
    "gaps become zeros": (
        "dependence",
        {
            "route": """
oil = data.load("oil_exports")
own = oil[(oil["route"] == variant["route"]) & (oil["measure"] == "kazakh_oil")].set_index("year")["million_tonnes"]
total = oil[oil["route"] == "total"].pivot(index="year", columns="measure", values="million_tonnes")
total = total["ministry"].fillna(total["customs"])
by_route = (own / total).reindex(range(variant["first"], variant["last"] + 1)).fillna(0)
"""
        },
        {"route"},
    ),
    "the map draws every route": (
        "dependence",
        {
            "map": """
chart = maps.Map("Routes across " + names[variant["state"]], "The routes of the course, all of them, " * 5)
maps.add_routes(chart, data.load("export_routes"), data.load("route_waypoints"))
"""
        },
        {"map"},
    ),
    "the oil of others is not subtracted": (
        "dependence",
        {
            "flow": """
import networkx as nx


def flow(closed):
    net = nx.DiGraph()
    for link in data.load("network").itertuples():
        free = 0 if link.link_id in closed or link.route_id in closed else link.capacity
        net.add_edge(link.from_node, link.to_node, capacity=free)
    for node in [node for node in net if not net.out_degree(node)]:
        net.add_edge(node, "all")
    return nx.maximum_flow_value(net, "Oil for export", "all")


alone = {link: flow([]) - flow([link]) for link in variant["links"]}
extra = {link: flow(variant["down"]) - flow([*variant["down"], link]) for link in variant["links"]}
worst = max(extra, key=extra.get)
"""
        },
        {"flow"},
    ),
    "a junction whose way out is closed is a market": (
        "dependence",
        {
            "flow": """
import networkx as nx


def flow(closed):
    net = nx.DiGraph()
    for link in data.load("network").fillna({"route_id": "", "other_oil": 0}).itertuples():
        if not {link.link_id, link.route_id} & set(closed):
            net.add_edge(link.from_node, link.to_node, capacity=round(1000 * (link.capacity - link.other_oil)))
    for node in [node for node in net if not net.out_degree(node)]:
        net.add_edge(node, "all")
    return nx.maximum_flow_value(net, "Oil for export", "all") / 1000


alone = {link: flow([]) - flow([link]) for link in variant["links"]}
extra = {link: flow(variant["down"]) - flow([*variant["down"], link]) for link in variant["links"]}
worst = max(extra, key=extra.get)
"""
        },
        {"flow", "loss"},
    ),
    "the share of a route in per cent": (
        "dependence",
        {
            "route": """
oil = data.load("oil_exports")
own = oil[(oil["route"] == variant["route"]) & (oil["measure"] == "kazakh_oil")].set_index("year")["million_tonnes"]
total = oil[oil["route"] == "total"].pivot(index="year", columns="measure", values="million_tonnes")
by_route = 100 * own.reindex(range(variant["first"], 2026)) / total["ministry"].fillna(total["customs"])
by_route = by_route.loc[variant["first"] : variant["last"]]
"""
        },
        {"route"},
    ),
    "the map does not say where it is": (
        "dependence",
        {
            "map": """
chart = maps.Map("Export routes", "Routes that carry oil, gas or freight of Kazakhstan from its fields abroad. " * 2)
maps.add_routes(chart, across, data.load("route_waypoints"))
"""
        },
        {"map"},
    ),
    "a figure without source": (
        "events",
        {
            "figure": """
def figure(counts):
    ax = counts.plot.bar()
    ax.set(title="Conflict", ylabel="events")
    return ax
"""
        },
        {"figure"},
    ),
    "each year weighs the same": (
        "balance",
        {
            "alike": """
votes = data.load("un_votes")
span = votes[votes["partner"].isin(variant["partners"]) & votes["year"].between(variant["first"], variant["last"])]
alike = span.groupby("partner")["agreement"].mean()
"""
        },
        {"alike"},
    ),
    "exports are taken for all trade": (
        "balance",
        {
            "traded": """
value = data.load("trade").query("statistic == 'bns' and flow == 'exports'")
value = value[value["year"] == variant["year"]].set_index("partner")["usd_million"]
traded = (value / value["WLD"]).loc[variant["partners"]]
value = data.load("trade").query("statistic == 'bns' and year == @variant['year']")
value = value.groupby("partner")["usd_million"].sum()
"""
        },
        {"traded"},
    ),
    "lines without names": (
        "balance",
        {
            "lines": """
def lines(table):
    return charts.finish(table.plot(legend=False), "Votes", "share", "un_votes.csv")
"""
        },
        {"lines"},
    ),
    "shares in per cent": ("balance", {"alike": PER_CENT}, {"alike"}),
    "a source that is not called so": (
        "balance",
        {
            "lines": """
def lines(table):
    ax = table.plot(title="Votes", ylabel="share")
    ax.annotate("From un_votes.csv", (0, 0), xycoords="figure fraction")
    return ax
"""
        },
        {"lines"},
    ),
    "the result of scipy is no number": (
        "balance",
        {"rho": "from scipy import stats\nrho = stats.spearmanr([1, 2, 3], [3, 1, 2])"},
        {"rho"},
    ),
    "a brief of fifty words": ("balance", {"brief": 'brief = "Kazakhstan balances, that is that. " * 10'}, {"brief"}),
    "one code for everything": ("coding", {"code": 'mine = {report: "173" for report in range(1, 21)}'}, {"class"}),
    "reports are numbered in text": (
        "coding",
        {"code": 'mine = {str(report): "057" for report in range(1, 21)}'},
        {"form", "class", "agreement", "kappa", "alpha", "bootstrap"},
    ),
    "codes are numbers": (
        "coding",
        {"code": "mine = {report: 57 for report in range(1, 21)}"},
        {"form", "class", "agreement", "kappa", "alpha"},
    ),
    "kappa without chance": ("coding", {"kappa": KAPPA_WITHOUT_CHANCE + "\nbeyond = 1.0"}, {"kappa"}),
    "draws without replacement": (
        "coding",
        {
            "bootstrap": """
import numpy as np


def bootstrap(same, draws):
    shares = [np.mean(np.random.permutation(same)) for _ in range(draws)]
    return np.quantile(shares, 0.025), np.quantile(shares, 0.975)


low, high = bootstrap(own == published["code"], 2000)
"""
        },
        {"bootstrap"},
    ),
}


@pytest.mark.parametrize("mistake", WRONG)
def test_a_plausible_mistake_costs_its_points_and_no_others(mistake, tmp_path):
    assignment, changed, expected = WRONG[mistake]
    assert set(failed(assignment, tmp_path, changed=changed)) == expected


SEEN = [  # mistakes of reading or of form, which students must be able to see before they hand in
    "a document proves itself by its address",
    "a name is neither a key nor an address",
    "a junction whose way out is closed is a market",
    "the share of a route in per cent",
    "the map does not say where it is",
    "a figure without source",
    "shares in per cent",
    "a source that is not called so",
    "the result of scipy is no number",
]


@pytest.mark.parametrize("mistake", SEEN)
def test_a_mistake_of_form_is_seen_before_handing_in(mistake, tmp_path):
    assignment, changed, expected = WRONG[mistake]
    found = failed(assignment, tmp_path, changed=changed, hidden=False)
    assert found and set(found) <= expected and all(map(str, found.values()))


RIGHT = {
    "sources": {
        "find": """
def find(words, first, last):
    days = pd.Timestamp(first), pd.Timestamp(last)
    keep = [days[0] <= row.date <= days[1] and all(word.casefold() in row.summary.casefold() for word in words)
            for row in events.itertuples()]
    return events.loc[keep, ["summary", "source", "date", "event_id"]].sort_values("summary")
""",
        "independent": """
import re


def independent(source):
    pairs = str(source).split(";") if isinstance(source, str) else []
    return {pair.split(",")[0].strip() for pair in pairs if not re.match(r"s[0-4]-", pair.strip())}
""",
        "judgements": """
judgements = {
    row.claim_id: (
        row.verdict, f"https://example.org/{row.claim_id}", f"For {row.claim_id} a page on the web says what it says."
    )
    for row in claims[claims["claim_id"].isin(variant["claims"])].itertuples()
}
""",
        "confirmed": """
from statsmodels.stats.proportion import proportion_confint

confirmed = []
for document in variant["documents"][::-1]:
    verdicts = claims.query("document == @document")["verdict"]
    low, high = proportion_confint(verdicts.eq("confirmed").sum(), len(verdicts), method="beta")
    values = {"high": high, "low": low, "share": verdicts.eq("confirmed").mean()}
    confirmed += [{"document": document, "number": name, "value": value} for name, value in values.items()]
confirmed = pd.DataFrame(confirmed)
""",
        "kappa": """
from statsmodels.stats.inter_rater import cohens_kappa, to_table


def kappa(one, other):
    codes = pd.factorize(pd.concat([pd.Series(list(one)), pd.Series(list(other))]))[0].reshape(2, -1)
    return cohens_kappa(to_table(codes.T)[0], return_results=False)


kind = claims.query("type == @variant['type']").sample(frac=1, random_state=1)
agreed, beyond = kind["first"].eq(kind["second"]).mean(), kappa(kind["first"], kind["second"])
""",
    },
    "events": {
        "select": """
ids = events.assign(code=events["partners"].str.split(";")).explode("code")
ids = ids.query("code == @variant['partner']")["event_id"]
mine = events.set_index("event_id").loc[ids[::-1]].reset_index()
""",
        "conflict": """
codes = set(cameo.loc[cameo["quadclass"].isin([3, 4]), "code"])
conflict = {str(year): 0 for year in range(variant["first"], variant["last"] + 1)}
for row in mine.itertuples():
    if row.cameo in codes and str(row.date.year) in conflict:
        conflict[str(row.date.year)] += 1
""",
        "profile": """
coded = events.merge(cameo, left_on="cameo", right_on="code")
profile = pd.DataFrame({
    code: coded[coded["partners"].str.contains(rf"\\b{code}\\b")]["quadclass"].value_counts(normalize=True)
    for code in (variant["other"], variant["partner"])
})
""",
        "interval": """
import numpy as np
from scipy import optimize, stats


def interval(count):
    upper = optimize.brentq(lambda rate: stats.poisson.cdf(count, rate) - 0.025, count, 10 * count + 20)
    lower = optimize.brentq(lambda rate: stats.poisson.sf(count - 1, rate) - 0.025, 0, count) if count else 0
    return np.array([lower, upper])
""",
        "witness": """
machine = data.load("machine_counts").query("partner == @variant['partner']").groupby("year")["events"].sum()
ours = mine.groupby(mine["date"].dt.year).size().reindex(machine.index, fill_value=0)
rho = stats.spearmanr(ours, machine).statistic
""",
        "figure": """
def figure(counts):
    fig, ax = charts.plt.subplots()
    years = [int(year) for year in dict(counts)]
    ax.plot(years, list(dict(counts).values()), marker="o")
    fig.suptitle("Conflict")
    ax.set_ylabel("conflicts a year")
    fig.text(0, 0, "Source: the table of the course")
    return ax
""",
    },
    "dependence": {
        "shares": """
table = data.load("trade").query("statistic == 'bns' and year == @variant['year'] and flow == @variant['flow']")
shares = {row.partner: row.usd_million for row in table.itertuples()}
world = shares.pop("WLD")
shares = {partner: dollars / world for partner, dollars in reversed(shares.items())}
shares["rest"] = 1 - sum(shares.values())
shares = pd.DataFrame({"partner": list(shares), "share": list(shares.values())})
""",
        "hhi": """
import numpy as np


def hhi(shares):
    return np.square(np.asarray(shares, dtype=float)).sum()


numbers = shares.set_index("partner")["share"]
high = hhi(numbers)
low = high - numbers["rest"] ** 2
""",
        "route": """
oil = data.load("oil_exports")
by_route = {}
for year in range(variant["first"], variant["last"] + 1):
    rows = oil[oil["year"] == year]
    own = rows[(rows["route"] == variant["route"]) & (rows["measure"] == "kazakh_oil")]["million_tonnes"]
    whole = rows[rows["route"] == "total"].sort_values("measure", ascending=False)["million_tonnes"]
    if len(own) and len(whole):
        by_route[year] = own.iloc[0] / whole.iloc[0]
""",
        "across": """
routes = data.load("export_routes")
across = routes[routes["transit"].str.contains(variant["state"], na=False)].sort_values("name")
""",
        "flow": """
import numpy as np
from scipy.optimize import linprog


def flow(closed):
    links = data.load("network").fillna({"route_id": "", "other_oil": 0})
    shut = links["link_id"].isin(closed) | links["route_id"].isin(closed)
    free = (links["capacity"] - links["other_oil"]).where(~shut, 0)
    inner = sorted((set(links["from_node"]) & set(links["to_node"])))
    into, out_of = links["to_node"].to_numpy(), links["from_node"].to_numpy()
    balance = np.array([1 * (into == node) - 1 * (out_of == node) for node in inner])
    start = -(links["from_node"] == "Oil for export").astype(int)
    return -linprog(start, A_eq=balance, b_eq=np.zeros(len(inner)), bounds=[(0, most) for most in free]).fun


whole, broken = flow([]), flow(variant["down"])
alone = {link: max(0, round(whole - flow([link]), 6)) for link in variant["links"]}
extra = pd.Series({link: broken - flow(variant["down"] + [link]) for link in reversed(variant["links"])}).to_frame("Mt")
worst = extra["Mt"].idxmax()
""",
    },
    "balance": {
        "alike": """
votes = data.load("un_votes")
alike = {}
for code in reversed(variant["partners"]):
    own = votes[(votes["partner"] == code) & (votes["year"] >= variant["first"]) & (votes["year"] <= variant["last"])]
    alike[code] = (own["agreement"] * own["roll_calls"]).sum() / own["roll_calls"].sum()
""",
        "moved": """
wide = votes.assign(gap=(votes["kazakhstan_fp"] - votes["partner_fp"]).abs())
wide = wide.pivot(index="year", columns="partner", values="gap").loc[[variant["first"], variant["last"]]]
moved = wide[variant["partners"]].diff().iloc[-1].rename("change").reset_index()
""",
        "lines": """
def lines(table):
    fig, ax = charts.plt.subplots()
    for code in table:
        ax.plot(table.index, table[code], label=names.get(code, code))
    ax.legend()
    ax.set(title="Votes", ylabel="share")
    ax.annotate("Source: un_votes", (0, 0), xycoords="figure fraction")
    return ax
""",
        "rho": """
from scipy import stats

six = ["UZB", "USA", "TUR", "RUS", "KOR", "CHN"]
last = votes[votes["year"] == variant["last"]].set_index("partner")["agreement"]
rho = stats.spearmanr(last[six], value[six]).statistic
""",
        "brief": """
cited = "[bailey-2017-preferences, abstract; yuneman-2023-unga] [vanderhill-2020-multivectorism, abstract]"
brief = "In 2019, 2020, 2021 and 2022 it was so " + cited + " word" * 570
""",
    },
    "coding": {
        "agreement": """
quad = dict(zip(cameo["code"], cameo["quadclass"]))
own = pd.Series(mine)
pairs = [(mine[report], published.at[report, "code"]) for report in range(20, 0, -1)]
rows = [("root", sum(a[:2] == b[:2] for a, b in pairs) / 20), ("code", sum(a == b for a, b in pairs) / 20),
        ("quadclass", sum(quad[a] == quad[b] for a, b in pairs) / 20)]
agreement = pd.DataFrame(rows, columns=["level", "share"])
""",
        "kappa": """
import numpy as np


def kappa(one, other):
    table = pd.crosstab(pd.Series(list(one)), pd.Series(list(other)))
    labels = sorted(set(table.index) | set(table.columns))
    table = table.reindex(index=labels, columns=labels, fill_value=0).to_numpy() / len(list(one))
    chance = table.sum(axis=0) @ table.sum(axis=1)
    return np.nan if chance == 1 else (np.trace(table) - chance) / (1 - chance)


beyond = kappa([quad[a] for a, _ in pairs], [quad[b] for _, b in pairs])
""",
        "alpha": """
from krippendorff import alpha as nominal

alpha = pd.Series({
    level: nominal([[int(read(code)) for code in coder] for coder in zip(*pairs)], level_of_measurement="nominal")
    for level, read in (("quadclass", lambda code: quad[code]), ("root", lambda code: code[:2]))
})
""",
        "bootstrap": """
import random


def bootstrap(same, draws):
    same = list(same)
    shares = sorted(sum(random.choices(same, k=len(same))) / len(same) for _ in range(draws))
    return [shares[int(0.025 * draws)], shares[int(0.975 * draws)]]


low, high = bootstrap([a == b for a, b in pairs], 2000)
""",
    },
}


@pytest.mark.parametrize("assignment", RIGHT)
def test_another_right_solution_passes_everything(assignment, tmp_path):
    assert failed(assignment, tmp_path, changed=RIGHT[assignment]) == {}


def test_a_map_may_call_a_state_by_its_short_name(tmp_path):
    seed = next(seed for seed in SEEDS if variants.draw("dependence", seed)["state"] == "RUS")
    solution = next(cell.source for cell in source("dependence").cells if role(cell)["grade_id"] == "map")
    short = solution.replace('names[variant["state"]]', '"Russia"')
    assert short != solution and failed("dependence", tmp_path, seed, {"map": short}) == {}


WIDE = variants.pd.DataFrame({1: [0.6, 0.7], 2: [0.2, 0.1], 3: [0.1, 0.2], 4: [0.1, 0.0]}, index=["RUS", "UZB"])
LONG = WIDE.stack().rename_axis(["partner", "quadclass"]).rename("share").reset_index()
YEARS = variants.pd.DataFrame({"year": [2001, 2002], "events": [3, 0]})


@pytest.mark.parametrize(
    "thing",
    [
        WIDE.T,
        WIDE.astype(object),
        WIDE.rename_axis("partner").reset_index(),
        LONG,
        LONG[["share", "quadclass", "partner"]],
        LONG.astype({"quadclass": "Int64"}),
        LONG.set_axis(range(3, 11)),
        LONG.set_index(["partner", "quadclass"]),
        WIDE.to_dict(),
        WIDE.T.to_dict(),
        {partner: shares for partner, shares in WIDE.iterrows()},
        dict(WIDE.stack()),
    ],
)
def test_shares_of_two_partners_may_come_in_any_ordinary_form(thing):
    check.close(thing, WIDE)
    assert len(check.labelled(thing)) == 8


@pytest.mark.parametrize(
    "thing",
    [
        YEARS,
        YEARS.set_axis([7, 9]),
        YEARS.astype({"year": float}),
        YEARS.astype({"year": str}),
        YEARS.set_index("year"),
        YEARS.assign(year=variants.pd.to_datetime(YEARS["year"].astype(str))).set_axis([7, 9]),
        {"2001": 3, "2002": 0},
    ],
)
def test_counts_by_year_may_come_in_any_ordinary_form(thing):
    check.close(thing, {2001: 3, 2002: 0})


def test_one_row_of_numbers_lies_down():
    shares = {"root": 0.5, "quadclass": 0.75}
    check.close(variants.pd.DataFrame(shares, index=[0]), shares)
    check.close(variants.pd.DataFrame(shares | {"code": 0.25}, index=["share"]), shares | {"code": 0.25})


def test_what_is_no_number_is_named():
    with pytest.raises(AssertionError, match=r"expected one number for each label, not \[3, 0\]"):
        check.labelled({"RUS": [3, 0]})


# A class, with the real commands


def command(folder, name, *arguments):
    """Run a command of the environment in a folder; its output, if it ends well."""
    path = f"{os.path.dirname(sys.executable)}{os.pathsep}{os.environ['PATH']}"
    line = [sys.executable, "-m", name, *map(str, arguments)] if name == "nbgrader" else [*name, *map(str, arguments)]
    done = subprocess.run(line, cwd=folder, env=os.environ | {"PATH": path}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    return done.stdout


STUDENTS = [f"student-{number:02}" for number in range(1, 31)]


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A class of thirty, each with variants of their own, made by the command of the README."""
    place = tmp_path_factory.mktemp("class")
    (place / "names.txt").write_text("\n".join(STUDENTS) + "\n", "utf-8")
    command(place, [sys.executable, make.HERE / "make.py"], "spring", "--seed", "secret", "--students", "names.txt")
    return place / "spring"


def answered(released, assignment, changed=None):
    """The released notebook with the reference solution, or other text, in its answer cells."""
    solutions = {role(cell)["grade_id"]: cell.source for cell in source(assignment).cells} | (changed or {})
    notebook = copy.deepcopy(released)
    for cell in notebook.cells:
        if role(cell)["solution"]:
            cell.source = solutions[role(cell)["grade_id"]]
    return notebook


def hand_in(course, student, assignment, content, name=None):
    path = course / "submitted" / student / assignment / (name or f"{assignment}.ipynb")
    path.parent.mkdir(parents=True)
    path.write_bytes(content if isinstance(content, bytes) else nbformat.writes(content).encode())


def marks(course, assignment):
    with open(course / "marks" / f"{assignment}.csv", encoding="utf-8", newline="") as file:
        return {line["student"]: line for line in csv.DictReader(file)}


@pytest.mark.parametrize("assignment", make.ASSIGNMENTS)
def test_the_release_version_holds_no_solution_and_no_hidden_test(course, assignment):
    holds_no_secret(nbformat.read(course / "release" / assignment / f"{assignment}.ipynb", 4), assignment)


def holds_no_secret(released, assignment):
    nbformat.validate(released)
    text = "\n".join(cell.source for cell in released.cells)
    assert not re.search("(BEGIN|END) (SOLUTION|HIDDEN)", text)
    region = r"### BEGIN (?:SOLUTION|HIDDEN TESTS)\n(.*?)### END"
    written = "\n".join(cell.source for cell in source(assignment).cells)
    open_lines = set(re.sub(region, "", written, flags=re.DOTALL).splitlines())
    secret = [line for part in re.findall(region, written, re.DOTALL) for line in part.splitlines()]
    secret = {line for line in secret if len(line) > 20} - open_lines
    assert len(secret) > 20 and not secret & set(text.splitlines())
    assert not any(cell.get("outputs") for cell in released.cells)


def test_an_archive_holds_what_a_student_needs_and_no_solution(course, tmp_path):
    assert sorted(path.name for path in (course / "handouts").iterdir()) == STUDENTS  # no archive of nobody's variant
    with zipfile.ZipFile(course / "handouts" / "student-07" / "events.zip") as archive:
        names = archive.namelist()
        archive.extractall(tmp_path)
    assert len(set(names)) == len(names) and not [name for name in names if "source/" in name or "gradebook" in name]
    folder = tmp_path / "kazakhstan-events" / "events"
    own = json.loads((folder / "variant.json").read_text("utf-8"))
    assert own == variants.draw("events", "secret student-07") != variants.draw("events", "secret")
    released = nbformat.read(folder / "events.ipynb", 4)
    setup = next(cell.source for cell in released.cells if role(cell)["grade_id"] == "setup")
    done = subprocess.run([sys.executable, "-"], input=setup, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0 and own["partner"] in done.stdout, done.stderr


# In the book


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """The archives of the published seed, made by the command of the README."""
    place = tmp_path_factory.mktemp("published")
    command(place, [sys.executable, make.HERE / "make.py"], "class", "--seed", SEED)
    return place / "class" / "handouts"


@pytest.mark.parametrize("assignment", make.ASSIGNMENTS)
def test_the_site_has_the_archive_of_the_published_seed_byte_for_byte(site, published, assignment):
    name = f"{assignment}.zip"
    assert (site / "assignments" / name).read_bytes() == (published / name).read_bytes()


@pytest.mark.parametrize("assignment", make.ASSIGNMENTS)
def test_an_archive_of_the_site_runs_to_the_first_task_and_holds_no_secret(site, assignment, tmp_path):
    with zipfile.ZipFile(site / "assignments" / f"{assignment}.zip") as archive:
        archive.extractall(tmp_path)
    top = tmp_path / f"kazakhstan-{assignment}"
    shared = {"LICENSE", "README.md", "requirements.txt", "book", "data"}
    assert {path.name for path in top.iterdir()} == {*shared, assignment}
    assert {path.name for path in (top / assignment).iterdir()} == {f"{assignment}.ipynb", "check.py", "variant.json"}
    assert not list(top.rglob("assignments")) and not list(top.rglob("quizzes"))
    assert (top / "requirements.txt").read_bytes() == (ROOT / "requirements.txt").read_bytes()
    how = (top / "README.md").read_text("utf-8")
    assert f"install -r {top.name}/requirements.txt" in how and f"install -r {top.name}\\requirements.txt" in how
    assert json.loads((top / assignment / "variant.json").read_text("utf-8")) == variants.draw(assignment, SEED)
    released = nbformat.read(top / assignment / f"{assignment}.ipynb", 4)
    holds_no_secret(released, assignment)
    code = [cell for cell in released.cells if cell.cell_type == "code"]
    first = next(number for number, cell in enumerate(code) if role(cell)["solution"])
    text = "\n".join([*(cell.source for cell in code[:first]), "print('here')", code[first].source])
    text = re.sub(r"^%.*$", "", text, flags=re.MULTILINE)
    done = subprocess.run([sys.executable, "-"], input=text, cwd=top / assignment, capture_output=True, text=True)
    assert first and "here" in done.stdout, done.stderr
    assert role(code[first])["grade"] or done.stderr.strip().endswith("NotImplementedError"), done.stderr


@pytest.mark.parametrize("assignment", make.ASSIGNMENTS)
def test_the_page_of_an_assignment_says_what_its_notebook_says(site, assignment):
    page = BeautifulSoup((site / "book" / f"assignment-{assignment}.html").read_text("utf-8"), "html.parser").article
    shown = " ".join(page.get_text().split())
    graded = [role(cell) for cell in source(assignment).cells if role(cell)["grade"]]
    totals = [sum(part["points"] for part in graded if part["solution"] == hand) for hand in (False, True)]
    rows = [[cell.get_text() for cell in row("td")] for row in page.table("tr")[1:]]
    assert [sum(int(row[column].replace("–", "0")) for row in rows) for column in (1, 2)] == totals
    assert len(rows) == len(re.findall("^## Task ", (make.HERE / f"{assignment}.md").read_text("utf-8"), re.MULTILINE))
    assert f"of which {totals[0]} are marked by tests" in shown and "Goals." in shown and "Difficulty:" in shown
    assert "estimates: no class has worked" in shown and "answers do not fit another" in shown
    assert f"Hand in {assignment}.ipynb and nothing else" in shown and "stands in The assignments." in shown
    assert page.find("a", href=f"../assignments/{assignment}.zip")
    asked = {link["href"] for link in page.find(id="before-you-start")("a", class_="internal")}
    assert asked and all((site / "book" / link).is_file() for link in asked)


def test_archives_are_made_again_only_when_something_has_changed(site, tmp_path, monkeypatch):
    fails, start = [sys.executable, "-c", "raise SystemExit('no space left')"], subprocess.Popen
    monkeypatch.setattr(course_teaching.subprocess, "Popen", lambda _, **options: start(fails, **options))
    for archive in course_teaching.Handouts(site.parent).folder().iterdir():
        assert archive.read_bytes() == (site / "assignments" / archive.name).read_bytes()
    with pytest.raises(ExtensionError, match="make.py could not make the archives.\nno space left"):
        course_teaching.Handouts(tmp_path).folder()
    assert not list(tmp_path.iterdir())


def test_the_overview_states_the_hours_of_the_notebooks():
    text = (ROOT / "book" / "assignments.md").read_text("utf-8")
    hours = dict(re.findall(r"^\| \{doc\}`assignment-(\w+)` \|.*\| (\S+) \|$", text, re.MULTILINE))
    assert list(hours) == ["sources", "events", "dependence", "balance", "coding"]
    readme, guide = ((ROOT / "book" / name).read_text("utf-8") for name in ("assignments/README.md", "teaching.md"))
    total = sum(float(stated.replace("½", ".5")) for stated in hours.values())
    assert f": {total:g} hours".replace(".5", "½") in guide
    for assignment, stated in hours.items():
        written = (make.HERE / f"{assignment}.md").read_text("utf-8")
        assert f"About {stated} hours, our estimate" in written
        title = re.search("^# Assignment: (.*)$", written, re.MULTILINE)[1]
        assert re.search(rf"\*{title}\* {stated}\b", " ".join(guide.split()))
        assert set(re.findall(rf"\*{title}\*, (\S+) h\b", guide)) == {stated}  # in the syllabi
        assert re.search(rf"^\| `{assignment}` \|.*\| {stated} h \|", readme, re.MULTILINE)


# Marking


def test_a_class_of_thirty_is_marked_in_one_go(course):
    released = nbformat.read(course / "release" / "coding" / "coding.ipynb", 4)
    wrong = {"kappa": WRONG["kappa without chance"][1]["kappa"]}
    for number, student in enumerate(STUDENTS):
        changed = wrong if number < 8 else {"kappa": KAPPA_THAT_WARNS} if number < 10 else {}
        notebook = released if number < 3 else answered(released, "coding", changed)
        hand_in(course, student, "coding", notebook)
    command(course, MARK, course, "coding")
    lines = marks(course, "coding")
    assert list(lines) == STUDENTS
    points = [line["points by tests"] for line in lines.values()]
    assert points == ["0"] * 3 + ["31"] * 5 + ["39"] * 22, lines
    assert {line["remark"] for line in lines.values()} == {""}

    command(course, "nbgrader", "generate_feedback", "coding")
    for student in STUDENTS:
        assert (course / "feedback" / student / "coding" / "coding.html").stat().st_size > 10_000
    command(course, "nbgrader", "export", "--to=grades.csv")
    with open(course / "grades.csv", encoding="utf-8", newline="") as file:
        exported = {line["student_id"]: line for line in csv.DictReader(file) if line["assignment"] == "coding"}
    assert [float(exported[student]["score"]) for student in STUDENTS] == list(map(float, points))
    assert exported["student-30"]["max_score"] == "55.0"

    # A mark given by hand stays when a hand-in is marked again, and so do the lines of the others.
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}", "kazakhstan") as book:
        book.find_grade("rule", "coding", "coding", "student-30").manual_score = 10
        book.db.commit()
    # Nobody is marked by a variant that is not theirs.
    hand_in(course, "Student 30", "coding", released)
    command(course, MARK, course, "coding", "--jobs", 1, "student-30", "Student 30")
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}", "kazakhstan") as book:
        assert book.find_submission("coding", "student-30").score == 49
    again = marks(course, "coding")
    misspelt = again.pop("Student 30")
    assert misspelt["points by tests"] == "" and again == lines
    assert "not marked: 'Student 30' has no variant" in misspelt["remark"] and "student-30" in misspelt["remark"]


TRIAL = """---
kernelspec: {display_name: Python 3, language: python, name: python3}
---

```{code-cell} python
:task: first
### BEGIN SOLUTION
one = 1
### END SOLUTION
```

```{code-cell} python
:test: first
:points: 1
assert one
### BEGIN HIDDEN TESTS
assert one == 1
### END HIDDEN TESTS
```

```{code-cell} python
:task: second
### BEGIN SOLUTION
two = 2
### END SOLUTION
```

```{code-cell} python
:test: second
:points: 2
assert two
### BEGIN HIDDEN TESTS
assert two == 2
### END HIDDEN TESTS
```
"""
HOSTILE = {
    "loop": ("while True: pass", "1", "a cell ran too long and was stopped"),
    "stubborn-loop": (
        "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass",
        "",
        "not marked: a cell ran too long and could not be stopped",
    ),
    "memory": ("hog = bytearray(10**11)", "1", "a cell asked for more memory than is allowed"),
    "killed": ("import os\nos.kill(os.getpid(), 9)", "", "not marked: the kernel died: it was killed, or ended itself"),
    "ended": ("import os\nos._exit(0)", "", "not marked: the kernel died: it was killed, or ended itself"),
    "kills": ("import os\nos.kill(os.getppid(), 9)", "", "not marked: the process that marked it was killed"),
    "writes": (
        "for path in {paths}:\n    try:\n        open(path, 'w').write('broken')\n    except OSError: pass\ntwo = 2",
        "3",
        "",
    ),
    "network": (
        "import socket\ntry:\n    socket.create_connection(('127.0.0.1', {port}), 1)\nexcept OSError:\n    two = 2",
        "3",
        "",
    ),
    "output": ("for _ in range(50):\n    print('x' * 10**6)\ntwo = 2", "3", "a long output was cut"),
    "leaves-a-process": (
        "import subprocess, sys\nnap = 'import time; time.sleep(321)'\n"
        "subprocess.Popen([sys.executable, '-c', nap], start_new_session=True)\ntwo = 2",
        "3",
        "",
    ),
}


def test_hostile_and_broken_hand_ins_leave_everything_else_as_it_was(tmp_path):
    course, outside = tmp_path / "class", tmp_path / "outside.txt"
    course.mkdir()
    outside.write_text("safe")
    (tmp_path / "trial.md").write_text(TRIAL, "utf-8")
    make.write_shared(course)
    make.write_source(course, tmp_path / "trial.md", {})
    make.release(course, "trial")
    solution = nbformat.read(course / "source" / "trial" / "trial.ipynb", 4)
    released = nbformat.read(course / "release" / "trial" / "trial.ipynb", 4)

    def answers(two="two = 2"):
        notebook = copy.deepcopy(released)
        for cell in notebook.cells:
            if role(cell)["grade_id"] in ("first", "second"):
                cell.source = "one = 1" if role(cell)["grade_id"] == "first" else two
        return notebook

    hand_in(course, "good", "trial", answers())
    good = course / "submitted" / "good" / "trial" / "trial.ipynb"
    inside = [good, course / "gradebook.db", course / "source/trial/trial.ipynb", course / "marks/trial.csv"]
    paths = [str(path) for path in (outside, *inside)] + ["../../../../../../outside.txt"]
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        for student, (code, *_) in HOSTILE.items():
            code = code.replace("{paths}", repr(paths)).replace("{port}", str(port))
            hand_in(course, student, "trial", answers(code))
        edited = answers("two = 3")
        edited.cells[3].source = "pass"
        deleted = answers()
        del deleted.cells[3]
        doubled = answers("two = 3")
        doubled.cells += copy.deepcopy(answers().cells)
        hand_in(course, "edited", "trial", edited)
        hand_in(course, "deleted", "trial", deleted)
        for number, cell in enumerate(doubled.cells):
            cell.id = f"doubled-{number}"
        hand_in(course, "doubled", "trial", doubled)
        hand_in(course, "other-name", "trial", answers(), "Trial (1).ipynb")
        hand_in(course, "no-notebook", "trial", b"Dear teacher, here is my homework.")
        hand_in(course, "other-json", "trial", b"[1, 2]")
        hand_in(course, "other-encoding", "trial", nbformat.writes(answers()).encode("utf-16"))
        hand_in(course, "other-notebook", "trial", nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")]))
        hand_in(course, "huge", "trial", b" " * 21_000_000)
        (course / "submitted" / "nothing").mkdir()
        archive = course / "downloaded" / "trial" / "archive" / "Politics-Trial-77.zip"
        archive.parent.mkdir(parents=True)
        with zipfile.ZipFile(archive, "w") as moodle:
            moodle.writestr("Anna Example_4711_assignsubmission_file/trial.ipynb", nbformat.writes(answers()))
            moodle.writestr("Bo Li_4712_assignsubmission_file_/trial (1).ipynb", nbformat.writes(answers()))
        command(course, "nbgrader", "zip_collect", "trial")
        before = {path: path.read_bytes() for path in (course / "submitted").rglob("*") if path.is_file()}
        options = ["--timeout", 5, "--minutes", 1, "--memory", 2]
        command(course, MARK, course, "trial", *options)

    lines = marks(course, "trial")
    expected = {student: (points, remark) for student, (_, points, remark) in HOSTILE.items()} | {
        "good": ("3", ""),
        "edited": ("1", "cell test-second was edited and stands again as released"),
        "deleted": ("3", "cell test-second was missing and stands again"),
        "doubled": ("1", ""),
        "other-name": ("", "not marked: no file trial.ipynb, but Trial (1).ipynb"),
        "no-notebook": ("", "not marked: trial.ipynb is not a notebook (NotJSONError)"),
        "other-json": ("", "not marked: trial.ipynb is not a notebook (AttributeError)"),
        "other-encoding": ("", "not marked: trial.ipynb is not in UTF-8; open and save it in JupyterLab"),
        "other-notebook": ("", "not marked: the notebook has none of the assignment's cells"),
        "huge": ("", "not marked: trial.ipynb has 21 MB; up to 20 MB are read"),
        "nothing": ("", "not marked: no file trial.ipynb"),
        "Anna Example": ("3", ""),
        "Bo Li": ("", "not marked: no file trial.ipynb, but trial (1).ipynb"),
    }
    assert {student: (line["points by tests"], line["remark"]) for student, line in lines.items()} == expected
    assert outside.read_text() == "safe"
    assert before == {path: path.read_bytes() for path in (course / "submitted").rglob("*") if path.is_file()}
    assert nbformat.read(course / "source" / "trial" / "trial.ipynb", 4) == solution
    assert max(path.stat().st_size for path in (course / "autograded").rglob("*.ipynb")) < 100_000
    assert not [line for line in command_lines() if "time.sleep(321)" in line]

    # nbgrader alone gives the same points.
    shutil.rmtree(course / "autograded" / "good")
    command(course, "nbgrader", "autograde", "trial", "--student=good", "--force")
    command(course, "nbgrader", "export", "--to=grades.csv")
    with open(course / "grades.csv", encoding="utf-8", newline="") as file:
        exported = {line["student_id"]: float(line["score"]) for line in csv.DictReader(file)}
    assert exported == {student: float(points) for student, (points, _) in expected.items() if points}


def command_lines():
    """The command lines of all processes."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            yield " ".join(process.cmdline())


def test_a_class_is_never_made_over_another(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "names").write_text("anna\n../bob\n", "utf-8")
    for arguments, message in (
        (["there", "--seed", "x"], "there exists; choose a new folder"),
        (["new", "--seed", "x", "--students", "names"], "'../bob' cannot be the name of a folder"),
    ):
        line = [sys.executable, str(make.HERE / "make.py"), *arguments]
        done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 2 and message in done.stderr
    assert not (tmp_path / "new").exists()


def test_a_folder_may_begin_with_a_tilde(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "there" / "source" / "trial").mkdir(parents=True)
    (tmp_path / "there" / "submitted").mkdir()
    (tmp_path / "names").write_text("../bob\n", "utf-8")
    command(tmp_path, MARK, "~/there", "trial")
    assert (tmp_path / "there" / "marks" / "trial.csv").is_file()
    for arguments, message in (
        (["~/there", "--seed", "x"], "there exists; choose a new folder"),
        (["~/new", "--seed", "x", "--students=~/names"], "'../bob' cannot be the name of a folder"),
    ):
        done = subprocess.run([sys.executable, make.HERE / "make.py", *arguments], capture_output=True, text=True)
        assert done.returncode == 2 and message in done.stderr


def test_marking_says_in_one_line_that_windows_needs_wsl():
    for guide in (make.HERE / "README.md", ROOT / "book" / "teaching.md"):
        text = guide.read_text("utf-8")
        assert "WSL (`wsl --install`" in text and "venv\\Scripts" not in text
    code = "import psutil, runpy, sys; sys.modules['resource'] = None; runpy.run_path(sys.argv[1], run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", code, MARK[1]], capture_output=True, text=True)
    assert done.returncode == 1 and re.fullmatch("mark.py runs on Linux and macOS; on Windows use WSL.*\n", done.stderr)


def test_hidden_files_of_editors_stay_at_home(tmp_path, monkeypatch):
    """JupyterLab leaves drafts beside the tables that somebody opened in it."""
    here, root = tmp_path / "course" / "book" / "assignments", tmp_path / "course"
    for name in (
        "book/assignments/nbgrader_config.py",
        "book/references.bib",
        "book/toolkit/data.py",
        "book/toolkit/.data.py.swp",
        "data/events.csv",
        "data/.ipynb_checkpoints/events-checkpoint.csv",
        "LICENSE",
        "requirements.txt",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("", "utf-8")
    monkeypatch.setattr(make, "HERE", here)
    monkeypatch.setattr(make, "ROOT", root)
    folder = tmp_path / "class"
    (folder / "book").mkdir(parents=True)
    make.write_shared(folder)
    given = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    tables = {"book/references.bib", "book/toolkit/data.py", "data/events.csv"}
    assert given == {"nbgrader_config.py", "LICENSE", "requirements.txt", *tables}
