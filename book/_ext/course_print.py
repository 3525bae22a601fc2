"""The course to take along: an EPUB, a PDF, and the whole site as one archive.

    python book/_ext/course_print.py [options of jupyter-book build]

It builds the site, which does nothing where nothing has changed, and makes the three files of ``_build/print`` from the
finished pages: no cell runs again, and the site stays as it is. It needs the environment of the tests, which holds
fonts and a browser. What a page can do with a script only is left out or changed: a map is its picture, a question a
list whose answer stands at the end of the book, the note of a claim an endnote of its chapter.
"""

import base64
import copy
import io
import json
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass, field
from functools import cache
from html import escape
from importlib.resources import files
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

import pikepdf
import yaml
from bs4 import BeautifulSoup
from course_downloads import ARCHIVE
from course_build import EXTENSIONS
from course_inputs import ROOT, digest, environment, files_below
from course_landing import cover, partner_map
from filelock import FileLock
from fontTools import subset
from fontTools.ttLib import TTFont
from fontTools.varLib import instancer

SITE = ROOT / "_build" / "html"
PRINT = ROOT / "_build" / "print"
SHEET, PAPER = (Path(__file__).with_name(f"course_{name}.css") for name in ("print", "paper"))

# What only works with a script, or stands in the book in another place.
LEFT_OUT = (
    ".headerlink, .toctree-wrapper, .events-timeline, .events-more, .course-map > ul, .course-map > style, "
    "script, noscript, style, form, button, svg, iframe, [data-questions]"
)
# Spans without a meaning of their own. In the PDF each would be an element that a screen reader passes.
NEEDLESS = "pre span:not(.c1), span.doc, span.xref, span.fn-bracket, span.pre, span.std-term"
# Attributes of the theme, of pandas and of scripts that mean nothing on paper or that XHTML does not know.
ATTRIBUTES = re.compile(r"data-.*|style|border|halign|valign|loading|title|download|target|tabindex")

# The families of the style sheet, in the order in which they are asked for a letter: package, path in it, weights,
# style. All are under the SIL Open Font License or, DejaVu, under that of Bitstream Vera.
UPRIGHT, ITALIC = "files/NotoSerif[wdth,wght].ttf", "files/NotoSerif-Italic[wdth,wght].ttf"
CJK = "fonts/ofl/notosans{0}/NotoSans{1}[wght].ttf"
FAMILIES = {
    "Noto Serif": [
        ("fontpkg_noto_serif", UPRIGHT, (400, 700), "normal"),
        ("fontpkg_noto_serif", ITALIC, (400, 700), "italic"),
    ],
    "Noto Sans KR": [("justmytype_intl_cjk", CJK.format("kr", "KR"), (400, 700), "normal")],
    "Noto Sans SC": [("justmytype_intl_cjk", CJK.format("sc", "SC"), (400,), "normal")],
    "DejaVu Sans": [
        ("matplotlib", "mpl-data/fonts/ttf/DejaVuSans.ttf", (400,), "normal"),
        ("matplotlib", "mpl-data/fonts/ttf/DejaVuSans-Bold.ttf", (700,), "normal"),
    ],
}
MONOSPACED = ("DejaVu Sans Mono", ("matplotlib", "mpl-data/fonts/ttf/DejaVuSansMono.ttf", (400,), "normal"))


class PrintError(Exception):
    """The site cannot be printed; the message says what is missing where."""


@dataclass
class Chapter:
    """A page of the site, made ready for paper: every id is unique in the book, a link within the book is ``#id``."""

    name: str
    part: str
    title: str
    body: BeautifulSoup
    pictures: dict = field(default_factory=dict)  # the bytes of each picture, by its name


def main():
    build = [str(Path(sys.executable).with_name("jupyter-book")), "build", str(ROOT), *sys.argv[1:]]
    if (status := subprocess.run(build).returncode) != 0:
        raise SystemExit(status)
    PRINT.mkdir(exist_ok=True)
    with FileLock(PRINT / ".lock"):
        last, new = PRINT / ".made-of", made_of()
        files = [PRINT / f"{ARCHIVE}{ending}" for ending in (".epub", ".pdf", "-site.zip")]
        if last.exists() and last.read_text("utf-8") == f"{new} {digest(files, PRINT)}":
            print("Nothing has changed since the last print.")
            return
        try:
            about = describe()
            with FileLock(ROOT / "_build" / ".lock"):  # no build publishes another site meanwhile
                chapters = read_book()
                site = packed({f"{ARCHIVE}/{name}": text for name, text in site_files().items()})
            fonts = cut_fonts(about, chapters)
            texts = [epub(about, chapters, fonts), pdf(about, chapters, fonts), site]
        except PrintError as error:
            raise SystemExit(f"Nothing was printed; what lies in _build/print is as it was.\n\n{error}") from None
        last.unlink(missing_ok=True)
        for file, text in zip(files, texts):
            written = file.with_name(f".{file.name}")
            written.write_bytes(text)
            written.replace(file)
            print(f"_build/print/{file.name}: {len(text) / 1e6:.1f} MB")
        last.write_text(f"{new} {digest(files, PRINT)}", "utf-8")


def made_of():
    """A digest of all that is printed: the site, its order, and how it is printed."""
    rest = [ROOT / name for name in ("_config.yml", "_toc.yml", "CITATION.cff")]
    return f"{digest([*files_below(SITE), *rest, *EXTENSIONS])}-{environment()}"


def describe():
    """What a title page says. The date (ISO 8601) is that of the release: a build has none of its own."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    return {
        "title": config["title"],
        "author": config["author"],
        "language": config["sphinx"]["config"]["language"],
        "date": str(cited["date-released"]),
        "version": cited["version"],
        "abstract": " ".join(cited["abstract"].split()),
        "licence": "Code: BSD 3-Clause. Text, figures and our own tables: CC BY 4.0.",
    }


def site_files():
    """The text of every file of the site, by its path."""
    return {path.relative_to(SITE).as_posix(): path.read_bytes() for path in files_below(SITE)}


# From pages to chapters


def read_book():
    """All pages in the order of ``_toc.yml``, and the answers to the questions as the last."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text("utf-8"))
    parts = toc.get("parts", [{"caption": "", "chapters": toc.get("chapters", [])}])
    listed = [("", toc["root"])] + [(part["caption"], page["file"]) for part in parts for page in part["chapters"]]
    names = {Path(file).name for _, file in listed}
    if lost := {path.stem for path in (SITE / "book").glob("*.html")} - names:
        raise PrintError(f"_toc.yml: {', '.join(sorted(lost))}: a printed book has parts and chapters, and no pages below these")
    chapters = [read_chapter(Path(file).name, part, names) for part, file in listed]
    chapters += filter(None, [take_answers(chapters)])
    known = {tag["id"] for chapter in chapters for tag in chapter.body.select("[id]")}
    for chapter in chapters:
        for link in chapter.body.select('a[href^="#"]'):
            if link["href"][1:] not in known:  # of something that is left out
                link["href"] = link["href"].partition(".")[0]
    return chapters


def read_chapter(name, part, names):
    """A page of the site as a chapter."""
    page = BeautifulSoup((SITE / "book" / f"{name}.html").read_text("utf-8"), "html.parser")
    body = page.select_one("article.bd-article > section")
    if body is None or body.h1 is None:
        raise PrintError(f"{name}.html: no article with a title; has the theme changed?")
    notes = page.select(".page-notes > [id]")
    chapter = Chapter(name, part, "", body)
    take_pictures(chapter)
    for tag in body.select(LEFT_OUT):
        tag.decompose()
    for tag in body.select(NEEDLESS):
        tag.unwrap()
    chapter.title = body.h1.get_text()
    unfold(body, page)
    set_addresses(body, name, names)
    for note in notes:
        set_addresses(note, name, names)
    body["id"] = name
    add_notes(chapter, notes, page)
    drop_attributes(body)
    return chapter


def take_pictures(chapter):
    """Pictures by their name, and in the place of each map its picture, which the executed notebook has beside it."""
    for image in chapter.body.select("img[src]"):
        path = SITE / "book" / image["src"]
        image["src"] = f"images/{path.name}"
        chapter.pictures[image["src"]] = path.read_bytes()
    for drawing in chapter.body.select(".partner-map svg"):
        chapter.pictures["images/partner-map.png"] = partner_map()
        alt = f"{drawing.title.get_text()}. {drawing.desc.get_text()}"
        drawing.replace_with(BeautifulSoup().new_tag("img", src="images/partner-map.png", alt=alt))
    maps = chapter.body.select("figure.course-map")
    drawn = pictures_of_maps(chapter.name) if maps else []
    if len(drawn) != len(maps):
        raise PrintError(f"{chapter.name}.html: {len(maps)} maps, but {len(drawn)} pictures of maps in its notebook")
    for number, (figure, picture) in enumerate(zip(maps, drawn), start=1):
        address = f"images/{chapter.name}-map-{number}.png"
        chapter.pictures[address] = picture
        image = BeautifulSoup().new_tag("img", src=address, alt=f"Map: {figure.iframe['title']}. Described below.")
        figure.iframe.replace_with(image)


def pictures_of_maps(name):
    notebook = json.loads((SITE / "notebooks" / "with-outputs" / f"{name}.ipynb").read_text("utf-8"))
    outputs = (output.get("data", {}) for cell in notebook["cells"] for output in cell.get("outputs", []))
    maps = (data for data in outputs if "course-map" in "".join(data.get("text/html", "")))
    return [base64.b64decode(data["image/png"]) for data in maps]


def unfold(body, page):
    """Boxes that open on the screen stand open on paper; answers to questions stay folded until they are taken away."""
    for box in body.select("details"):
        if box.parent.name == "div" and "quiz-question" in box.parent.get("class", []):
            continue
        title = box.summary.get_text(" ", strip=True)
        box.summary.decompose()
        box.name, box["class"] = "div", ["admonition"]
        heading = page.new_tag("p", attrs={"class": "admonition-title"})
        heading.string = title
        box.insert(0, heading)


def set_addresses(tree, name, names):
    """Ids that are unique in the book; links to them; what leads to other files of the site is no link any more."""
    seen = set()
    for tag in [tree, *tree.select("[id], [aria-labelledby]")]:
        anchor = identifier(name, tag.get("id", ""))
        if tag.get("id") and anchor in seen:
            del tag["id"]
        elif tag.get("id"):
            tag["id"] = anchor
            seen.add(anchor)
        if tag.get("aria-labelledby"):
            tag["aria-labelledby"] = identifier(name, tag["aria-labelledby"])
    for link in tree.select("a[href]"):
        if re.match(r"(https?|mailto):", link["href"]):
            continue
        file, _, anchor = link["href"].partition("#")
        page = file.removesuffix(".html") if file else name
        if page in names and not link.has_attr("download"):
            link["href"] = f"#{identifier(page, anchor) if anchor else page}"
        else:
            link.unwrap()


def identifier(page, anchor):
    return f"{page}.{re.sub(r'[^A-Za-z0-9_.-]', '-', anchor)}"


def add_notes(chapter, notes, page):
    """Endnotes for the claims of a chapter; what a term means stands in the glossary."""
    section = page.new_tag("section", id=f"{chapter.name}.notes", attrs={"class": "notes"})
    heading = page.new_tag("h2")
    heading.string = "Notes on claims"
    section.append(heading)
    links = [badge.parent for badge in chapter.body.select("a > .claim")]
    for note in notes:
        ledger = note["id"].replace(f"{chapter.name}.note-", "#claims.")
        badges = [link for link in links if link["href"] == ledger]
        if not badges:
            continue
        for badge in badges:
            badge.attrs = {"class": "badge", "href": f"#{note['id']}", "role": "doc-noteref", "epub:type": "noteref"}
        badges[0]["id"] = note["id"].replace(".note-", ".at-")
        note.name = "aside"
        note.attrs = {"id": note["id"], "class": "note", "role": "doc-footnote", "epub:type": "footnote"}
        note.select_one(".claim").wrap(page.new_tag("a", href=ledger))
        back = page.new_tag("a", href=f"#{badges[0]['id']}", role="doc-backlink")
        back.string = "Back to the text"
        note.select("p")[-1].extend([" ", back])
        drop_attributes(note)
        section.append(note)
    if section.aside:
        chapter.body.append(section)


def drop_attributes(tree):
    for tag in tree.find_all(True):
        tag.attrs = {name: value for name, value in tag.attrs.items() if not ATTRIBUTES.fullmatch(name)}
        if tag.name == "a" and not tag.get("href", "#").startswith("#"):
            del tag["rel"]
        if "lang" in tag.attrs:
            tag["xml:lang"] = tag["lang"]


def take_answers(chapters):
    """A chapter with the answers to all questions, taken from the others; None for a book without questions."""
    page = BeautifulSoup('<section id="answers"><h1>Answers to the questions</h1></section>', "html.parser")
    for chapter in chapters:
        questions = chapter.body.select(".quiz-question")
        if questions:
            section = BeautifulSoup(f"<section><h2>{escape(chapter.title)}</h2></section>", "html.parser").section
            page.section.append(section)
        for number, question in enumerate(questions, start=1):
            asked, answered = f"{chapter.name}.question-{number}", f"answers.{chapter.name}-{number}"
            question["id"] = asked
            answer = question.details.extract()
            answer.summary.decompose()
            answer.name, answer.attrs = "div", {"id": answered, "class": "answer"}
            link = f'<p><strong><a href="#{asked}">Question {number}</a></strong></p>'
            answer.insert(0, BeautifulSoup(link, "html.parser"))
            section.append(answer)
            link = f'<p class="to-answer"><a href="#{answered}">Answer to question {number}</a></p>'
            question.append(BeautifulSoup(link, "html.parser"))
    if page.h2 is None:
        return None
    return Chapter("answers", chapters[-1].part, "Answers to the questions", page.section)


# Fonts


def cut_fonts(about, chapters):
    """The fonts of the book, cut down to its letters.

    Returns
    -------
    list of (str, int, str, bytes)
        Family, weight, style and file (TrueType).

    Raises
    ------
    PrintError
        If no font has a letter of the book.
    """
    letters = set("".join([*about.values(), *(chapter.body.get_text() for chapter in chapters)]))
    letters = {letter for letter in letters | set("0123456789") if letter.isprintable()}
    fonts, missing = [], set(letters)
    for family, members in FAMILIES.items():
        has = set(map(chr, font_file(*members[0][:2]).getBestCmap()))
        for package, path, weights, style in members:
            fonts += [(family, weight, style, cut(package, path, weight, missing & has)) for weight in weights]
        missing -= has
    if missing:
        raise PrintError(f"course_print.py: no font has the letters {' '.join(sorted(missing))}")
    family, (package, path, (weight,), style) = MONOSPACED
    return [*fonts, (family, weight, style, cut(package, path, weight, letters))]


@cache
def font_file(package, path):
    return TTFont(files(package) / path, recalcTimestamp=False, lazy=True)


def cut(package, path, weight, letters):
    """A font with some letters only, in one weight, as bytes."""
    font = TTFont(files(package) / path, recalcTimestamp=False)
    options = subset.Options(layout_features=["kern", "mark", "mkmk", "ccmp", "locl"], hinting=False)
    options.drop_tables += ["FFTM"]  # notes of FontForge, which fontTools complains of
    cutter = subset.Subsetter(options)
    cutter.populate(text="".join(letters) or " ")
    cutter.subset(font)
    if "fvar" in font:
        axes = {"wght": weight, "wdth": 100}
        font = instancer.instantiateVariableFont(font, {axis.axisTag: axes[axis.axisTag] for axis in font["fvar"].axes})
    text = io.BytesIO()
    font.save(text)
    return text.getvalue()


def font_name(family, weight, style):
    return f"fonts/{family.replace(' ', '')}-{weight}-{style}.ttf"


def style_sheet(fonts):
    faces = "".join(
        f'@font-face{{font-family:"{family}";font-weight:{weight};font-style:{style};'
        f'src:url("{font_name(family, weight, style)}")}}\n'
        for family, weight, style, _ in fonts
    )
    return faces + SHEET.read_text("utf-8")


# EPUB

XHTML = """<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops"
 lang="{language}" xml:lang="{language}">
<head><title>{title}</title><link rel="stylesheet" href="book.css"/></head>
<body>{body}</body>
</html>
"""
PACKAGE = """<?xml version="1.0" encoding="utf-8"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id" xml:lang="{language}">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:identifier id="id">{identifier}</dc:identifier>
<dc:title>{title}</dc:title>
<dc:creator>{author}</dc:creator>
<dc:language>{language}</dc:language>
<dc:date>{date}</dc:date>
<dc:description>{abstract}</dc:description>
<dc:rights>{licence}</dc:rights>
<meta property="dcterms:modified">{date}T00:00:00Z</meta>
<meta property="schema:accessMode">textual</meta>
<meta property="schema:accessMode">visual</meta>
<meta property="schema:accessModeSufficient">textual</meta>
<meta property="schema:accessibilityFeature">alternativeText</meta>
<meta property="schema:accessibilityFeature">readingOrder</meta>
<meta property="schema:accessibilityFeature">structuralNavigation</meta>
<meta property="schema:accessibilityFeature">tableOfContents</meta>
<meta property="schema:accessibilityHazard">none</meta>
<meta property="schema:accessibilitySummary">Every plot and map has a text alternative or a description; words in other
languages are marked as such. Maps are pictures; on the web they can be explored with the keyboard.</meta>
</metadata>
<manifest>
{manifest}
</manifest>
<spine>
{spine}
</spine>
</package>
"""
CONTAINER = """<?xml version="1.0" encoding="utf-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>
<rootfile full-path="book/package.opf" media-type="application/oebps-package+xml"/>
</rootfiles></container>
"""
MEDIA = {
    ".xhtml": "application/xhtml+xml",
    ".css": "text/css",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".svg": "image/svg+xml",
    ".ttf": "font/ttf",
}


def epub(about, chapters, fonts):
    """The book as an EPUB 3, as bytes; the same book gives the same bytes."""
    home = {tag["id"]: chapter.name for chapter in chapters for tag in [chapter.body, *chapter.body.select("[id]")]}
    pages = {"title": title_page(about), "contents": contents(chapters, lambda chapter: f"{chapter.name}.xhtml")}
    for chapter in chapters:
        body = copy.copy(chapter.body)
        for link in body.select('a[href^="#"]'):
            if home[link["href"][1:]] != chapter.name:
                link["href"] = f"{home[link['href'][1:]]}.xhtml{link['href']}"
        pages[chapter.name] = str(body)
    titles = {"title": about["title"], "contents": "Contents"} | {chapter.name: chapter.title for chapter in chapters}
    quoted = {name: escape(text) for name, text in about.items()}
    members = {
        f"{name}.xhtml": XHTML.format(language=about["language"], title=escape(titles[name]), body=body).encode()
        for name, body in pages.items()
    }
    members["book.css"] = style_sheet(fonts).encode()
    members |= {font_name(*font[:3]): font[3] for font in fonts}
    members |= {name: picture for chapter in chapters for name, picture in chapter.pictures.items()}
    members["images/cover.png"] = cover()
    items = {name: f"item-{number}" for number, name in enumerate(members)}
    properties = {"contents.xhtml": ' properties="nav"', "images/cover.png": ' properties="cover-image"'}
    manifest = [
        f'<item id="{item}" href="{name}" media-type="{MEDIA[Path(name).suffix]}"{properties.get(name, "")}/>'
        for name, item in items.items()
    ]
    spine = [f'<itemref idref="{items[f"{name}.xhtml"]}"/>' for name in pages]
    quoted["identifier"] = f"urn:uuid:{uuid5(NAMESPACE_URL, about['title'])}"
    package = PACKAGE.format(manifest="\n".join(manifest), spine="\n".join(spine), **quoted)
    members["package.opf"] = package.encode()
    outer = {"mimetype": b"application/epub+zip", "META-INF/container.xml": CONTAINER.encode()}
    return packed(outer | {f"book/{name}": text for name, text in members.items()})


def title_page(about):
    lines = [f'<p class="author">{escape(about["author"])}</p>', f"<p>{escape(about['abstract'])}</p>"]
    lines += [f'<p class="small">Version {about["version"]} of {about["date"]}. {escape(about["licence"])}</p>']
    return f'<section class="title" epub:type="titlepage"><h1>{escape(about["title"])}</h1>{"".join(lines)}</section>'


def contents(chapters, address):
    """The table of contents: parts, their chapters, and the sections of these.

    Parameters
    ----------
    chapters : list of Chapter
    address : function
        The address of a chapter.
    """
    lines, part = [], ""
    for chapter in chapters:
        if chapter.part != part:
            lines += ["</ol></li>"] if part else []
            lines += [f"<li><span>{escape(chapter.part)}</span><ol>"]
            part = chapter.part
        lines += [f'<li><a href="{address(chapter)}">{escape(chapter.title)}</a></li>']
    lines += ["</ol></li>"] if part else []
    return f'<nav epub:type="toc" role="doc-toc"><h1>Contents</h1><ol>{"".join(lines)}</ol></nav>'


def packed(members):
    """A ZIP archive in the order of its members, as bytes; the same members give the same bytes."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        for name, text in members.items():
            member = zipfile.ZipInfo(name)  # of 1980, for a date would make each build another file
            member.external_attr, member.create_system = 0o644 << 16, 3  # as on Unix, on every system
            kept = name == "mimetype" or name.endswith((".zip", ".png"))  # EPUB asks for the first; others are dense
            file.writestr(member, text, zipfile.ZIP_STORED if kept else zipfile.ZIP_DEFLATED, 9)
    return archive.getvalue()


# PDF

PAGE = """<!DOCTYPE html>
<html lang="{language}"><head><meta charset="utf-8"><title>{title}</title><link rel="stylesheet" href="book.css"></head>
<body>{body}</body></html>
"""


def pdf(about, chapters, fonts):
    """The book as a tagged PDF with an outline, as bytes: printed twice, for the numbers of pages in the contents."""
    from playwright.sync_api import sync_playwright

    numbers = {chapter.name: "000" for chapter in chapters}
    files = {font_name(*font[:3]): font[3] for font in fonts}
    files["book.css"] = (style_sheet(fonts) + PAPER.read_text("utf-8")).encode()
    files |= {name: picture for chapter in chapters for name, picture in chapter.pictures.items()}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        for name, text in files.items():
            path = Path(folder, name)
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(text)
        browser = launch(playwright)
        for final in (False, True):
            Path(folder, "book.html").write_text(one_page(about, chapters, numbers), "utf-8")
            page = browser.new_page()
            page.goto(Path(folder, "book.html").as_uri())
            page.evaluate("Promise.all([...document.fonts].map(font => font.load())).then(() => true)")  # none comes too late
            text = page.pdf(prefer_css_page_size=True, print_background=True, tagged=final, outline=final)
            page.close()
            found = page_numbers(text, chapters)
            if final and found != numbers:
                raise PrintError("The contents name pages that have moved since; is a title longer than a line?")
            numbers = found
        browser.close()
    return without_times(text, about)


def one_page(about, chapters, numbers):
    """The whole book as one page of HTML, its headings one level lower, below those of the parts."""
    toc = BeautifulSoup(contents(chapters, lambda chapter: f"#{chapter.name}"), "html.parser")
    for link in toc.select("a"):
        link.append(BeautifulSoup(f' <span class="page">{numbers[link["href"][1:]]}</span>', "html.parser"))
    sections, part = [], ""
    for chapter in chapters:
        heading = f'<h1 class="part">{escape(chapter.part)}</h1>' if chapter.part != part else ""
        part = chapter.part
        body = copy.copy(chapter.body)
        for tag in body.select("h1, h2, h3, h4, h5"):
            tag.name = f"h{int(tag.name[1]) + 1}"
        sections.append(f'<div class="chapter">{heading}{body}</div>')
    body = f"{title_page(about)}{toc}{''.join(sections)}"
    return PAGE.format(language=about["language"], title=escape(about["title"]), body=body)


def page_numbers(text, chapters):
    """The number of the page on which each chapter begins, as text; the contents link to all of them."""
    with pikepdf.open(io.BytesIO(text)) as file:
        numbers = {page.objgen: number for number, page in enumerate(file.pages, start=1)}
        places = file.Root.Dests
        return {chapter.name: str(numbers[places[f"/{chapter.name}"][0].objgen]) for chapter in chapters}


def without_times(text, about):
    """A PDF with the date of the release in the place of the time of printing, well compressed."""
    day = f"D:{about['date'].replace('-', '')}000000Z"
    with pikepdf.open(io.BytesIO(text)) as file:
        facts = pikepdf.Dictionary(Title=about["title"], Author=about["author"], CreationDate=day, ModDate=day)
        file.docinfo = file.make_indirect(facts)
        file.Root.ViewerPreferences = pikepdf.Dictionary(DisplayDocTitle=True)
        out = io.BytesIO()
        file.save(out, deterministic_id=True, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    return out.getvalue()


def launch(playwright, **options):
    """A Chrome or Chromium: an installed one, else Playwright's own, which is downloaded."""
    from playwright.sync_api import Error

    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
    installed = next(filter(None, map(shutil.which, names)), None)
    try:
        return playwright.chromium.launch(executable_path=installed, **options)
    except Error:
        if installed:
            raise
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=True)
        return playwright.chromium.launch(**options)


if __name__ == "__main__":
    main()
