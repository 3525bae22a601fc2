"""What changes from class to class, or from student to student.

Each function draws the settings of one assignment with a random generator. The choices are computed from the tables by
rules that keep all variants equally hard, so they follow when the tables grow.
"""

import random
from functools import cache

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
    """Years with at least five events in the three years before, and at least five in the three after."""
    years = _pairs().query("partner == @partner")["year"]
    return [
        turn
        for turn in range(1995, 2023)
        if years.between(turn - 3, turn - 1).sum() >= 5 and years.between(turn + 1, turn + 3).sum() >= 5
    ]


def events(rng):
    partner, other = rng.sample(LARGE, 2)
    first, turn = rng.choice(spans_of(partner)), rng.choice(turns_of(partner))
    return {"partner": partner, "other": other, "first": first, "last": first + 11, "turn": turn}


DRAW = {"events": events}
