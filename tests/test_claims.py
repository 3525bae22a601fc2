"""The extension for checked claims, in a small book of its own."""

import csv
import json

import pytest
from bs4 import BeautifulSoup
from conftest import ROOT
from course_claims import read_claims
from sphinx.errors import ExtensionError
from sphinx.testing.util import SphinxTestApp

CONF = """
import sys
sys.path.insert(0, {extensions!r})
extensions = ["sphinxcontrib.bibtex", "course_claims"]
bibtex_bibfiles = ["refs.bib"]
claims_file = "claims.csv"
claims_ledger = "ledger"
claims_verdicts = {{"holds": "+", "fails": "-"}}
claims_documents = {{"A": "An article"}}
"""
COLUMNS = ["claim_id", "document", "paragraph", "type", "chapter", "claim", "verdict", "correction", "source"]
GOOD = ["A-1", "A", "para. 2", "fact", "index", "Water is wet.", "holds", "", "ray-2020, p. 1; ray-2020, p. 2"]
BAD = ["A-2", "A", "", "fact", "index", "Water is dry.", "fails", "It is wet.", ""]
HOSTILE = '</script><script>alert(1)</script> "quoted" \'single\' {{ 7 }} 물은 <b>젖다</b> ' + "long " * 400


@pytest.fixture
def book(tmp_path):
    """A function that builds a book with the given claims and text and returns the application."""

    def build(rows, text=":claim:`A-1` and :claim:`A-2`", fresh=True):
        (tmp_path / "conf.py").write_text(CONF.format(extensions=str(ROOT / "book" / "_ext")), "utf-8")
        (tmp_path / "refs.bib").write_text("@misc{ray-2020, author={Ray, Ann}, title={Water}, year={2020}}", "utf-8")
        (tmp_path / "index.rst").write_text(f"Home\n====\n\n{text}\n\n.. toctree::\n\n   ledger\n   refs\n", "utf-8")
        (tmp_path / "ledger.rst").write_text("Ledger\n======\n\n.. claims-ledger::\n", "utf-8")
        (tmp_path / "refs.rst").write_text("Sources\n=======\n\n.. bibliography::\n   :all:\n", "utf-8")
        with open(tmp_path / "claims.csv", "w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([COLUMNS, *rows])
        apps.append(SphinxTestApp("html", srcdir=tmp_path, freshenv=fresh))
        apps[-1].build()
        return apps[-1]

    apps = []
    yield build
    for app in apps:
        app.cleanup()


def page(app, name):
    return BeautifulSoup((app.outdir / f"{name}.html").read_text("utf-8"), "html.parser")


def test_a_badge_is_a_link_that_says_the_verdict(book):
    badges = page(book([GOOD, BAD]), "index").select("a > .claim")
    assert [badge.get_text() for badge in badges] == ["A-1 + holds", "A-2 - fails"]
    assert [badge.parent["href"] for badge in badges] == ["ledger.html#A-1", "ledger.html#A-2"]


def test_the_note_behind_a_badge_has_claim_finding_and_evidence(book):
    shown = page(book([GOOD, BAD], ":claim:`A-1` :claim:`A-1` :claim:`A-2`"), "index")
    assert len(shown.select("#note-A-1")) == 1, "one note for a claim, however often it is cited"
    note = shown.select_one("#note-A-1")
    assert "An article, para. 2" in note.get_text() and "Water is wet." in note.get_text()
    assert [link["href"].split("#")[0] for link in note.select("a")] == ["refs.html"]
    assert "[Ray20, p. 1, p. 2]" in note.get_text(), "a source is named once, with all its locators"
    assert "It is wet." in shown.select_one("#note-A-2").get_text()


def test_the_ledger_has_every_claim_and_says_where_it_is_used(book):
    ledger = page(book([GOOD, BAD], ":claim:`A-2`"), "ledger")
    used, unused = ledger.find(id="A-2"), ledger.find(id="A-1")
    assert used.select_one('a[href="index.html"]').get_text() == "Home" and not unused.select('a[href="index.html"]')
    assert {"document--a", "verdict--fails", "type--fact", "chapter--index"} <= set(used["class"])


def test_the_ledger_speaks_the_language_of_fact_checkers(book):
    app = book([GOOD, BAD])
    reviews = json.loads(page(app, "ledger").find("script", type="application/ld+json").string)["@graph"]
    assert [review["@type"] for review in reviews] == ["ClaimReview"] * 2
    assert reviews[1]["claimReviewed"] == "Water is dry." and reviews[1]["reviewBody"] == "It is wet."
    assert reviews[1]["reviewRating"] == {"@type": "Rating", "alternateName": "fails"}
    assert reviews[1]["itemReviewed"]["appearance"]["name"] == "An article"
    assert page(app, "index").find("script", type="application/ld+json") is None


def test_text_of_a_claim_is_never_code(book):
    app = book([GOOD[:5] + [HOSTILE] + GOOD[6:], BAD])
    for name in ("index", "ledger"):
        shown = page(app, name)
        assert not [script for script in shown.find_all("script") if (script.string or "").startswith("alert")]
        assert not shown.find_all("b")
        for part in ("</script><script>alert(1)</script>", "{{ 7 }} 물은 <b>젖다</b>", "long " * 399):
            assert part in shown.get_text()
    reviews = json.loads(page(app, "ledger").find("script", type="application/ld+json").string)["@graph"]
    assert reviews[0]["claimReviewed"] == HOSTILE


def test_an_unknown_claim_is_named_until_it_is_there(book):
    app = book([GOOD], ":claim:`A-9`")
    assert "there is no claim 'A-9'" in app.warning.getvalue() and "index.rst:4" in app.warning.getvalue()
    app = book([GOOD, ["A-9", *BAD[1:]]], ":claim:`A-9`", fresh=False)
    assert page(app, "index").select_one("a > .claim").get_text() == "A-9 - fails"


def test_a_changed_verdict_reaches_every_page(book):
    book([GOOD, BAD])
    app = book([GOOD[:6] + ["fails"] + GOOD[7:], BAD], fresh=False)
    assert page(app, "index").select_one("a > .claim").get_text() == "A-1 - fails"
    assert "verdict--fails" in page(app, "ledger").find(id="A-1")["class"]


def test_a_badge_may_stand_in_a_heading(book):
    shown = page(book([GOOD], "Water :claim:`A-1`\n-----------------"), "index")
    assert shown.select_one("h2 a > .claim").get_text() == "A-1 + holds"


@pytest.mark.parametrize(
    "rows, says",
    [
        ([GOOD, GOOD], "row 3: the id 'A-1' stands in an earlier row too"),
        ([GOOD[:6] + ["perhaps"] + GOOD[7:]], "row 2: 'perhaps' is no verdict; use one of holds, fails"),
        ([["B-1", "B", *GOOD[2:]]], "row 2: 'B' is no document; use one of A"),
        ([["A 1", *GOOD[1:]]], "row 2: 'A 1' is no id"),
        ([GOOD[:-1] + ["ray-2020"]], "row 2: write the evidence as 'key, where in the source'"),
        ([GOOD[:-1] + ["ray-2020, {p. 1}"]], "row 2: write the evidence as 'key, where in the source'"),
        ([GOOD[:-1]], "row 2: 8 cells, where the header has 9"),
        ([GOOD, [*BAD, "more"]], "row 3: 10 cells, where the header has 9"),
    ],
)
def test_a_bad_row_is_named(book, rows, says):
    with pytest.raises(ExtensionError, match=f"claims.csv, {says}"):
        book(rows)


@pytest.mark.parametrize(
    "content, says",
    [
        (None, "there is no such file"),
        (b"", "the file is empty"),
        (b"claim_id,claim\n", "row 1: the header lacks document, paragraph"),
        ("é".encode("latin-1"), "not a CSV file in UTF-8"),
        (b'claim_id\n"A-1', "not a CSV file in UTF-8"),
    ],
)
def test_a_bad_file_is_named(tmp_path, content, says):
    path = tmp_path / "claims.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ExtensionError, match=f"claims.csv.*{says}"):
        read_claims(path, {}, {})
