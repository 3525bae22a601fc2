"""Claims of source documents, with verdicts: the role ``claim`` and the directive ``claims-ledger``.

``{claim}`S2-07``` sets a badge behind a sentence that reports a claim. The badge is a link to the ledger; a script shows
the claim, its verdict and the evidence when the badge is pointed at, focused or touched. What it shows stands hidden at
the end of the page, where printed pages show it as notes.

The extension reads one CSV file with the columns ``claim_id``, ``document``, ``paragraph``, ``type``, ``chapter``,
``claim``, ``verdict``, ``correction`` and ``source`` (evidence: ``key, locator`` pairs joined by ``; ``, the keys those of
the bibliography of sphinxcontrib-bibtex). Settings in ``conf.py`` or ``_config.yml``:

``claims_file``      path of the CSV file, from the source directory
``claims_ledger``    name of the document that holds the directive ``claims-ledger``
``claims_verdicts``  the verdicts and the sign of each, which tells them apart without colour
``claims_documents`` the documents and their titles
"""

import csv
import json
import re
from dataclasses import dataclass
from pathlib import Path

from course_notes import add_notes
from docutils import nodes
from sphinx import addnodes
from sphinx.errors import ExtensionError
from sphinx.transforms import SphinxTransform
from sphinx.util.docutils import SphinxDirective, SphinxRole


@dataclass(frozen=True)
class Claim:
    """One statement of a document and what became of it when it was checked."""

    claim_id: str
    document: str
    paragraph: str
    type: str
    chapter: str
    claim: str
    verdict: str
    correction: str
    source: str

    @property
    def evidence(self) -> list[tuple[str, str]]:
        """``(key, locator)`` pairs."""
        pairs = (pair.partition(",") for pair in self.source.split(";") if pair.strip())
        return [(key.strip(), locator.strip()) for key, _, locator in pairs]

    @property
    def targets(self) -> str:
        """The evidence as sphinxcontrib-bibtex writes it, ``key{locators},key{locators}``, each key once."""
        locators: dict[str, list[str]] = {}
        for key, locator in self.evidence:
            locators.setdefault(key, []).append(locator)
        return ",".join(f"{key}{{{', '.join(places)}}}" for key, places in locators.items())


def read_claims(path: Path, verdicts: dict, documents: dict) -> dict[str, Claim]:
    """Read the claims file.

    Raises
    ------
    ExtensionError
        If the file is missing, not UTF-8 or not CSV, or lacks a column; if a row has a cell too many or too few, an id
        twice, an unknown verdict or document, or evidence without a locator. The message names file, row and rule.
    """
    try:
        header, *rows = csv.reader(path.read_text("utf-8-sig").splitlines(keepends=True), strict=True)
    except OSError:
        raise ExtensionError(f"{path.name}: there is no such file") from None
    except (csv.Error, UnicodeDecodeError) as error:
        raise ExtensionError(f"{path.name}: not a CSV file in UTF-8: {error}") from None
    except ValueError:
        raise ExtensionError(f"{path.name}: the file is empty") from None
    if missing := [name for name in Claim.__dataclass_fields__ if name not in header]:
        raise ExtensionError(f"{path.name}, row 1: the header lacks {', '.join(missing)}")
    claims = {}
    for number, row in enumerate(rows, start=2):
        place = f"{path.name}, row {number}"
        if len(row) != len(header):
            raise ExtensionError(f"{place}: {len(row)} cells, where the header has {len(header)}")
        claim = Claim(**{name: text for name, text in zip(header, row) if name in Claim.__dataclass_fields__})
        if not re.fullmatch(r"[A-Za-z][\w-]*", claim.claim_id):
            raise ExtensionError(f"{place}: {claim.claim_id!r} is no id; write a letter, then letters, digits, - or _")
        if claim.claim_id in claims:
            raise ExtensionError(f"{place}: the id {claim.claim_id!r} stands in an earlier row too")
        if claim.verdict not in verdicts:
            raise ExtensionError(f"{place}: {claim.verdict!r} is no verdict; use one of {', '.join(verdicts)}")
        if claim.document not in documents:
            raise ExtensionError(f"{place}: {claim.document!r} is no document; use one of {', '.join(documents)}")
        for key, locator in claim.evidence:
            if not key or not locator or re.search(r"[{}`]", key + locator):
                raise ExtensionError(f"{place}: write the evidence as 'key, where in the source', without braces")
        claims[claim.claim_id] = claim
    return claims


# In the text


class claim_badge(nodes.inline):
    """A badge; becomes a link to the ledger, and stays text in a heading, which others copy."""


class ClaimRole(SphinxRole):
    """``{claim}`S2-07```: a badge with the id and the verdict of a claim."""

    def run(self):
        self.env.note_dependency(str(claims_path(self.env.app)))
        claim = self.env.app.claims.get(self.text.strip())
        if claim is None:
            message = self.inliner.reporter.error(f"there is no claim {self.text.strip()!r}", line=self.lineno)
            return [self.inliner.problematic(self.rawtext, self.rawtext, message)], [message]
        return [claim_badge("", "", badge_text(self.env.app, claim), claim_id=claim.claim_id)], []


class ClaimNotes(SphinxTransform):
    """Put a note for each claim of a page at its end; the script shows it at the badge, printed pages as a note."""

    default_priority = 500

    def apply(self):
        used = list(dict.fromkeys(badge["claim_id"] for badge in self.document.findall(claim_badge)))
        if used:
            self.env.metadata[self.env.docname]["claims"] = used
            add_notes(self.document, {name: note(self.app, self.app.claims[name], self.env.docname) for name in used})


def note(app, claim, docname):
    """What a reader is told of a claim: paragraphs with claim, verdict, correction and evidence."""
    head = nodes.paragraph("", "", badge_text(app, claim), nodes.Text(f" {app.config.claims_documents[claim.document]}"))
    if claim.paragraph:
        head += nodes.Text(f", {claim.paragraph}")
    yield head
    yield nodes.paragraph("", "", nodes.strong(text="Claim: "), nodes.Text(claim.claim))
    if claim.correction:
        yield nodes.paragraph("", "", nodes.strong(text="Finding: "), nodes.Text(claim.correction))
    if claim.targets:
        cite = addnodes.pending_xref(
            refdomain="cite", reftype="p", reftarget=claim.targets, refdoc=docname, refwarn=True, refexplicit=False
        )
        cite += nodes.inline(text=claim.targets)
        yield nodes.paragraph("", "", nodes.strong(text="Evidence: "), cite)


def badge_text(app, claim):
    """Id, sign and verdict, in the colour of the verdict."""
    sign = app.config.claims_verdicts[claim.verdict]
    return nodes.inline(text=f"{claim.claim_id} {sign} {claim.verdict}", classes=["claim", f"claim-{nodes.make_id(claim.verdict)}"])


# The ledger


class ClaimsLedger(SphinxDirective):
    """All claims, document by document; the script adds filters."""

    def run(self):
        app = self.env.app
        self.env.note_dependency(str(claims_path(app)))
        sections = []
        for document, title in app.config.claims_documents.items():
            claims = [claim for claim in app.claims.values() if claim.document == document]
            section = nodes.section("", nodes.title(text=f"{document}: {title}"), ids=[document])
            section += nodes.bullet_list("", *(self.entry(claim) for claim in claims), classes=["claims-ledger"])
            sections.append(section)
        return sections

    def entry(self, claim):
        facets = {"document": claim.document, "verdict": claim.verdict, "type": claim.type, "chapter": claim.chapter}
        item = nodes.list_item("", *note(self.env.app, claim, self.env.docname), ids=[claim.claim_id])
        item["classes"] = [f"{facet}--{nodes.make_id(value)}" for facet, value in facets.items()]
        item += claim_uses("", claim_id=claim.claim_id)
        return item


class claim_uses(nodes.General, nodes.Element):
    """The pages that use a claim; known when all pages are read."""


def resolve(app, doctree, docname):
    """Turn badges into links, and say in the ledger which pages use a claim."""
    builder, ledger = app.builder, app.config.claims_ledger
    for badge in list(doctree.findall(claim_badge)):
        claim = app.claims[badge["claim_id"]]
        address = f"{builder.get_relative_uri(docname, ledger)}#{claim.claim_id}"
        badge.replace_self(nodes.reference("", "", badge_text(app, claim), refuri=address, internal=True))
    for place in list(doctree.findall(claim_uses)):
        pages = [page for page, metadata in app.env.metadata.items() if place["claim_id"] in metadata.get("claims", ())]
        links = nodes.paragraph("", "", nodes.strong(text="In: "))
        for number, page in enumerate(sorted(pages)):
            title = app.env.titles[page].astext()
            link = nodes.reference("", title, refuri=builder.get_relative_uri(docname, page), internal=True)
            links += [nodes.Text(", "), link] if number else [link]
        place.replace_self(links if pages else [])


def rewrite_ledger(app, env):
    """The ledger names the pages that use a claim: write it again when these have changed."""
    if app.config.claims_ledger not in env.all_docs:
        raise ExtensionError(f"claims_ledger: there is no page {app.config.claims_ledger!r}")
    uses = {page: metadata["claims"] for page, metadata in env.metadata.items() if "claims" in metadata}
    if getattr(env, "claims_uses", None) == uses:
        return []
    env.claims_uses = uses
    return [app.config.claims_ledger]


def add_claim_reviews(app, pagename, templatename, context, doctree):
    """The ledger in the vocabulary of fact-checkers: a schema.org ``ClaimReview`` for every claim."""
    if pagename != app.config.claims_ledger:
        return
    reviews = [
        {
            "@type": "ClaimReview",
            "claimReviewed": claim.claim,
            "author": {"@type": "Organization", "name": app.config.author or app.config.project},
            "itemReviewed": {
                "@type": "Claim",
                "identifier": claim.claim_id,
                "appearance": {"@type": "CreativeWork", "name": app.config.claims_documents[claim.document]},
            },
            # No number: a verdict such as "unverifiable" stands on no scale from worst to best.
            "reviewRating": {"@type": "Rating", "alternateName": claim.verdict},
            **({"reviewBody": claim.correction} if claim.correction else {}),
        }
        for claim in app.claims.values()
    ]
    text = json.dumps({"@context": "https://schema.org", "@graph": reviews}, ensure_ascii=False)
    script = f'<script type="application/ld+json">{text.replace("<", chr(92) + "u003c")}</script>'
    context["metatags"] = context.get("metatags", "") + script


def add_filter(app, pagename, templatename, context, doctree):
    """Scripts of the ledger, on its page only."""
    if pagename == app.config.claims_ledger:
        for name in ("filter.js", "claims.js"):
            app.add_js_file(name, loading_method="defer")


def claims_path(app) -> Path:
    return Path(app.srcdir, app.config.claims_file)


def load(app, env, docnames):
    app.claims = read_claims(claims_path(app), app.config.claims_verdicts, app.config.claims_documents)


def setup(app):
    app.setup_extension("course_notes")
    app.add_config_value("claims_file", "claims.csv", "env", str)
    app.add_config_value("claims_ledger", "claims", "env", str)
    app.add_config_value("claims_verdicts", {}, "env", dict)
    app.add_config_value("claims_documents", {}, "env", dict)
    app.add_node(claim_badge)
    app.add_node(claim_uses)
    app.add_role("claim", ClaimRole())
    app.add_directive("claims-ledger", ClaimsLedger)
    app.add_transform(ClaimNotes)
    app.connect("env-before-read-docs", load)
    app.connect("env-updated", rewrite_ledger)
    app.connect("doctree-resolved", resolve)
    app.connect("html-page-context", add_claim_reviews)
    app.connect("html-page-context", add_filter)
    app.add_css_file("claims.css")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
