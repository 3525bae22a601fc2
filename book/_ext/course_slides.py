"""Slides of each chapter: a deck of reveal.js made from the page itself when the page is written.

A deck shows the headings, figures, maps, tables, source checks, exercises and questions of its chapter, what its lists
name, and the sentence with which each paragraph opens, where it is short; what the chapter says in full stands in the
notes of the speaker. A page that is not written again keeps its deck. All decks share one copy of reveal.js, from the
package sphinx-revealjs.
"""

import html
import json
import re
import shutil
from copy import deepcopy
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path

from course_downloads import menu_link
from course_pages import forget, kinds_of, mend_tables, policy, scripts_in, written
from docutils import nodes
from lxml.html import HtmlElement, document_fromstring, fragment_fromstring
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

FOLDER = "slides"
REVEAL = ["LICENSE", "dist/reset.css", "dist/reveal.css", "dist/reveal.js", "plugin/notes/notes.js"]
MOST_LINES = 6  # on a slide
LONGEST_LINE = 130  # characters
SUMMARY_SLIDE = 850  # characters: what a slide of points holds before the next one begins
NOT_SHOWN = "Further reading"

DECK = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}: slides – {book}</title>
<link rel="icon" href="../_static/favicon.svg">
<link rel="stylesheet" href="../_static/reveal/reset.css">
<link rel="stylesheet" href="../_static/reveal/reveal.css">
<link rel="stylesheet" href="../_static/slides.css">
<script defer src="../_static/reveal/reveal.js"></script>
<script defer src="../_static/reveal/notes.js"></script>
<script defer src="../_static/slides.js"></script>
</head>
<body>
<noscript>These slides need scripts. <a href="{page}">The chapter</a> does not, and says everything.</noscript>
<main><div class="reveal"><div class="slides">
{slides}
</div></div></main>
</body>
</html>
"""
FIRST = """\
<h1>{title}</h1>
<p>{book}</p>
<p class="small"><a href="{page}">The chapter</a>, with its sources. Text and figures: CC BY 4.0.
Keys: arrows to move, <kbd>S</kbd> notes for the speaker, <kbd>O</kbd> overview, <kbd>?</kbd> all keys.</p>"""


def setup(app):
    app.add_directive("slides", Slides)
    app.connect("env-updated", name_new_decks)
    app.connect("doctree-resolved", list_decks)
    app.connect("html-page-context", write_deck, priority=960)  # after course_downloads has named its menu
    app.connect("build-finished", share, priority=800)  # before the site is published
    return {"parallel_read_safe": True, "parallel_write_safe": True}


class Slides(SphinxDirective):
    """A list of all decks, in the order of the book."""

    def run(self):
        self.env.metadata[self.env.docname]["slides"] = True
        return [nodes.container(classes=["slides-list"])]


def chapters(env):
    """Titles of the pages that have a deck, which are those with a quiz, by their names, in the order of the book."""
    order = [name for name in env.collect_relations() if "quiz" in env.metadata[name]]
    return {name: env.titles[name].astext() for name in order}


def name_new_decks(app, env):
    """Pages that list the decks are written again when there are others."""
    before, env.course_decks = getattr(env, "course_decks", None), list(chapters(env))
    return [] if before == env.course_decks else sorted(name for name in env.all_docs if "slides" in env.metadata[name])


def list_decks(app, doctree, docname):
    for place in doctree.findall(lambda node: "slides-list" in getattr(node, "attributes", {}).get("classes", [])):
        folder = "../" * docname.count("/") + FOLDER
        entries = nodes.bullet_list()
        for name, title in chapters(app.env).items() if app.builder.format == "html" else ():
            link = nodes.reference("", title, refuri=f"{folder}/{Path(name).name}.html", internal=True)
            entries += nodes.list_item("", nodes.paragraph("", "", link))
        place.extend([entries] if entries.children else [])


def write_deck(app, pagename, templatename, context, doctree):
    """The deck of a chapter, which is a page with a quiz, and its line in the menu of downloads."""
    if app.builder.format != "html" or doctree is None or "quiz" not in app.env.metadata[pagename]:
        return
    path = Path(app.outdir, FOLDER, f"{Path(pagename).name}.html")
    path.parent.mkdir(exist_ok=True)
    path.write_text(deck(context["body"], app.config.html_title, f"../{pagename}.html"), "utf-8")
    for group in context["header_buttons"]:
        if group.get("label") == "download-buttons":
            address = f"{context['pathto'](FOLDER, 1)}/{path.name}"
            group["buttons"].insert(0, menu_link("Slides (.html)", address, "fas fa-display"))


def share(app, exception):
    """What all decks load; and no deck of a page that is gone."""
    if exception or app.builder.format != "html":
        return
    names = {Path(name).name for name in chapters(app.env)}
    for path in Path(app.outdir, FOLDER).glob("*.html"):
        if path.stem not in names:
            path.unlink()
    folder = Path(app.outdir, "_static", "reveal")
    folder.mkdir(parents=True, exist_ok=True)
    with as_file(reveal_js()) as reveal:
        for name in REVEAL:
            shutil.copyfile(reveal / name, folder / Path(name).name)


def reveal_js():
    return files("sphinx_revealjs") / "_static" / "revealjs"


@cache
def script_of_speaker():
    """The script that reveal.js writes into the window of the speaker, which is under the policy of the deck."""
    plugin = (reveal_js() / "plugin" / "notes" / "notes.js").read_text("utf-8")
    pieces = re.findall(r'document\.write\(("(?:[^"\\]|\\.)*")', plugin)
    window = "".join(json.loads(re.sub(r"\\x(?=[0-9a-f]{2})", r"\\u00", text)) for text in pieces)  # JSON has no \x
    scripts = list(document_fromstring(window).iter("script"))
    if len(scripts) != 1:
        raise ExtensionError(f"notes.js writes {len(scripts)} scripts for the speaker, not one; has reveal.js changed?")
    return scripts[0].text


def deck(body, book, page):
    """A deck as text.

    Parameters
    ----------
    body : str
        A chapter as Sphinx writes it, in HTML.
    book : str
        Title of the book.
    page : str
        Address of the chapter, as seen from the deck.
    """
    chapter = fragment_fromstring(body, create_parent="div")
    tidy(chapter)
    allowed = policy([*scripts_in(chapter), script_of_speaker()])
    section = chapter.find("section")
    title = section.find(".//h1").text_content()
    texts = {"title": html.escape(title), "book": html.escape(book), "page": page}
    first = Slide("")
    first.shown.append(FIRST.format(**texts))
    slides = [first]
    for part in section.iterchildren("*"):
        if part.tag == "section":
            heading = part.find(".//h2").text_content()
            if heading != NOT_SHOWN:
                slides += slides_of(part, heading)
        elif "admonition" in kinds_of(part):
            slides.append(goals(part))
        elif part.tag != "h1":
            slides[-1].notes.append(part)
    return DECK.format(policy=allowed, slides="\n".join(map(str, slides)), **texts)


def tidy(chapter):
    """Take away what belongs to the page alone: addresses inside it, code, scripts' hooks, notes at its end."""
    unwanted = {"headerlink", "page-notes", "cell_input", "sd-summary-state-marker"}
    for part in list(chapter.iterdescendants("*")):
        if part.tag in ("script", "style") or unwanted & set(kinds_of(part)):
            part.drop_tree()
        elif part.tag == "a":
            part.drop_tag()
        part.attrib.pop("id", None)
    mend_tables(chapter)
    for frame in chapter.iter("iframe"):  # it has the room that its slide leaves
        forget(frame, "height", "style")


class Slide:
    """A heading, what stands below it, short lines, and notes."""

    def __init__(self, heading, kind=""):
        self.heading, self.kind, self.shown, self.lines, self.notes = heading, kind, [], [], []

    def __str__(self):
        heading = f"<h2>{html.escape(self.heading)}</h2>" if self.heading else ""
        lines = "".join(f"<li>{html.escape(line)}</li>" for line in self.lines)
        listed = f"<ul>{lines}</ul>" if len(self.lines) > 1 else "".join(f"<p>{html.escape(x)}</p>" for x in self.lines)
        shown = "".join(map(as_html, self.shown))
        notes = "\n".join(map(as_html, self.notes))
        return (
            f'<section class="{self.kind or "plain"}">{heading}<div class="content">{shown}{listed}</div>'
            f'<aside class="notes">{notes}</aside></section>'
        )


def as_html(part):
    return part if isinstance(part, str) else written(part)


def goals(box):
    """The slide of what one will be able to do; times and prerequisites are notes."""
    slide = Slide("You will be able to")
    for part in [part for part in box.iterchildren("p", "ul") if "admonition-title" not in kinds_of(part)][1:]:
        (slide.shown if part.tag == "ul" else slide.notes).append(part)
    return slide


def slides_of(section, heading):
    """Slides of a section: one that opens it, then one for each exhibit, box, exercise and question."""
    opening = points_on = Slide(heading)
    slides = [opening]
    for part in section.iterchildren("*"):
        kinds = kinds_of(part)
        if part.tag == "section":
            slides += slides_of(part, next(part.iter("h3", "h4", "h5", "h6")).text_content())
        elif re.match("h[2-6]$", part.tag):
            continue
        elif "quiz-question" in kinds:
            slides.append(question(part, heading))
        elif "admonition" in kinds:
            made = box(part)
            slides[-1].notes += made[0].notes if not made[0].shown and not made[0].lines else []
            slides += [slide for slide in made if slide.shown or slide.lines]
        elif shown := exhibits(part):
            slides += on_slides(shown, heading)
        elif part.tag in ("ul", "ol") and heading == "Summary":
            slides += points(part, heading)
        elif part.tag in ("p", "ul", "ol", "dl", "blockquote"):
            if part.tag in ("ul", "ol", "dl"):
                for lines in whole(lines_of(part)):  # a list is never cut short
                    if slides[-1] is not points_on or len(points_on.lines) + len(lines) > MOST_LINES:
                        points_on = Slide(heading)
                        slides.append(points_on)
                    points_on.lines += lines
            elif slides[-1].kind == "exhibit" and not slides[-1].lines:  # what to see in the figure
                slides[-1].lines = lines_of(part)[:1]
            else:
                points_on.lines += lines_of(part)[: MOST_LINES - len(points_on.lines)]
            slides[-1].notes.append(part)
    if opening.notes and not opening.lines:  # no paragraph opens with a short sentence
        opening.lines = [line for part in opening.notes if (line := first_sentence(part, 400))][:1]
    if not opening.lines and not opening.notes and len(slides) > 1:
        slides.remove(opening)  # nothing but a heading, which the next slide repeats
    return slides


def exhibits(part):
    """Figures, maps, tables and printed text in a part of a chapter, each ready for a slide."""
    shown = [x for x in part.iterdescendants("figure", "table", "pre", "img") if x.tag != "img" or not in_figure(x)]
    if part.tag in ("figure", "table", "pre"):
        shown.append(part)
    return [exhibit for exhibit in shown if exhibit.text_content().strip() or exhibit.tag in ("figure", "img")]


def in_figure(picture):
    return any(True for _ in picture.iterancestors("figure"))


def on_slides(shown, heading):
    """A slide for each exhibit; one printed line stands above what follows it."""
    slides = []
    for made in (exhibited(exhibit, heading) for exhibit in shown):
        last = slides[-1].shown[-1] if slides else None
        if last is not None and last.tag == "pre" and "\n" not in last.text_content().strip():
            slides[-1].shown += made.shown
            slides[-1].notes += made.notes
        else:
            slides.append(made)
    return slides


def exhibited(exhibit, heading):
    """The slide of an exhibit. Citations, which would fill a table there, go to the notes."""
    slide = Slide(heading, "exhibit")
    slide.shown.append(exhibit)
    cited = parts_of_kind(exhibit, "bibtex-citation") if exhibit.tag == "table" else []
    texts = dict.fromkeys(citation.text_content().strip("[]") for citation in cited)
    for citation in cited:
        citation.drop_tree()
    if texts:
        slide.notes.append(f"<p>Sources: {html.escape('; '.join(texts))}.</p>")
    return slide


def points(listed, heading):
    """The points of a summary in full, on as many slides as they need."""
    slides, size = [], SUMMARY_SLIDE
    for item in listed.iterchildren("li"):
        length = len(item.text_content())
        if not slides or size + length > SUMMARY_SLIDE:
            slides.append(Slide(heading))
            size = 0
        slides[-1].lines.append(plain(item))
        size += length
    return slides


def question(part, heading):
    """A question of the quiz with its options; the answers are notes."""
    slide = Slide(heading, "question")
    for child in part.iterchildren("*"):
        if child.tag == "details":
            slide.notes.append(child.find(".//ul"))
        else:
            slide.shown.append(child)
    return slide


def box(part):
    """A source check shows its claim and its verdict, an exercise its task, another box its short lines.

    The first slide has nothing but notes if the box has nothing to show, as a solution in words.
    """
    kinds, (head, *_) = kinds_of(part), parts_of_kind(part, "admonition-title")
    title = " ".join(text.strip() for text in head.xpath(".//text()") if text.strip())
    head.drop_tree()
    check = "warning" in kinds and title.startswith("Source check")
    slide = Slide(re.sub(r"\s+", " ", title), "check" if check else "box")
    inner = next(part.iterdescendants("section"), part)
    found = exhibits(inner)
    holders = [child for child in inner.iterchildren("*") if not any(within(x, child) for x in found)]
    for child in holders:
        if "exercise" in kinds:
            slide.shown.append(child)
        elif check:
            if found_out := re.match("The source|Verdict|How to", child.text_content()):
                step = {"Verdict": "fragment verdict", "How to": "fragment"}.get(found_out[0], "")  # the class answers first
                slide.shown.append(bare(child, step))
        elif "solution" not in kinds:
            slide.lines += lines_of(child)[: MOST_LINES - len(slide.lines)]
        slide.notes.append(child)
    return [slide, *on_slides(found, slide.heading)]


def within(element, holder):
    return element is holder or any(parent is holder for parent in element.iterancestors())


def lines_of(part):
    """Short lines that a paragraph or a list gives: first sentences, and what list items put in bold."""
    if part.tag == "p":
        return [line for line in [first_sentence(part)] if line]
    lines = []
    for item in part.iter("li", "dt"):
        strong, lead = item.find(".//strong"), plain(item)
        if strong is not None and lead.startswith(plain(strong)):
            lead = plain(strong).rstrip(".")
        if 0 < len(lead) <= LONGEST_LINE:
            lines.append(lead)
    return lines


def whole(lines):
    """All lines of a list in parts of nearly one size, each short enough for a slide."""
    count = -(-len(lines) // MOST_LINES)
    return [lines[len(lines) * n // count : len(lines) * (n + 1) // count] for n in range(count)]


def first_sentence(paragraph, longest=LONGEST_LINE):
    """The sentence with which a paragraph opens, if a slide can show it; else nothing.

    A sentence in which another language is marked stays in the notes: a line has no marks.
    """
    text = plain(paragraph)
    if text.startswith("Sources, "):  # of a table: without the citations nothing is left
        return ""
    found = re.match(r".{15,%d}?[.!?](?=\s+[A-Z“‘]|$)" % (longest - 1), text)
    foreign = [part.text_content() for part in paragraph.xpath(".//*[@lang]")]
    return found[0] if found and not any(text in found[0] for text in foreign) else ""


def parts_of_kind(element, *kinds):
    return [part for part in element.iterdescendants("*") if set(kinds) & set(kinds_of(part))]


def bare(element: HtmlElement, kind=""):
    """An element without its citations and badges, as HTML."""
    element = deepcopy(element)
    for part in parts_of_kind(element, "bibtex-citation", "claim"):
        part.drop_tree()
    if kind:
        element.set("class", kind)
    text = re.sub(r"\s+", " ", written(element))
    text = re.sub(r" ?\((?:and|,|;|\s)*\)", "", text)  # what badges leave
    text = re.sub(r"[,;\s]+\)", ")", text)
    return re.sub(r" ([.,;:])", r"\1", text)


def plain(element: HtmlElement):
    """The words of an element without its citations and badges."""
    return fragment_fromstring(bare(element)).text_content().strip()
