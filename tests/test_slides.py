"""The slides: every chapter has a deck that holds what the chapter holds, and works offline, by keyboard and on paper."""

import base64
import hashlib
import re

import pytest
from access import barriers
from bs4 import BeautifulSoup
from conftest import ROOT, build
from test_build import change

BANKS = {path.stem for path in (ROOT / "book" / "quizzes").glob("*.json")}
SLIDE = ".slides > section.present"


def words(element):
    return " ".join(element.get_text().split())


@pytest.fixture(scope="module")
def decks(site):
    """Each deck with the article of its chapter."""
    read = {path.stem: BeautifulSoup(path.read_text("utf-8"), "html.parser") for path in (site / "slides").glob("*.html")}
    articles = {}
    for name in read:
        page = BeautifulSoup((site / "book" / f"{name}.html").read_text("utf-8"), "html.parser")
        articles[name] = page.select_one("article.bd-article")
        for part in articles[name].select(".headerlink, .page-notes, .cell_input, .sd-summary-state-marker"):
            part.decompose()
    return {name: (read[name], articles[name]) for name in sorted(read)}


@pytest.fixture(params=["russia", "event-counts"])
def deck(request, page, site):
    """A deck in the browser, opened from the disk."""
    page.goto(f"{site.as_uri()}/slides/{request.param}.html")
    page.wait_for_selector(".reveal.ready")
    return page


def test_every_chapter_offers_its_deck_and_the_guide_lists_all(site, decks):
    assert set(decks) == BANKS
    guide = (site / "book" / "teaching.html").read_text("utf-8")
    listed = re.findall(r'href="\.\./slides/([\w-]+)\.html"', guide)
    assert sorted(listed) == sorted(BANKS) and listed[0] == "history", "in the order of the book"
    for name in BANKS:
        menu = BeautifulSoup((site / "book" / f"{name}.html").read_text("utf-8"), "html.parser").select_one(
            ".dropdown-download-buttons"
        )
        assert menu.find("a", href=f"../slides/{name}.html").get_text(strip=True) == "Slides (.html)"


def test_a_deck_has_every_figure_map_and_table_of_its_chapter(decks):
    for name, (slides, chapter) in decks.items():
        for picture in chapter.find_all("img"):
            (shown,) = slides.find_all("img", src=picture["src"])
            assert shown["alt"] == picture["alt"] and len(shown["alt"]) >= 40, name
        for frame in chapter.find_all("iframe"):
            (shown,) = slides.find_all("iframe", title=frame["title"])
            assert shown["data-srcdoc"] == frame["data-srcdoc"], name
            assert words(shown.parent.figcaption) == words(frame.parent.figcaption), name
        assert len(slides.select(".content table")) == len(chapter.find_all("table")), name


def test_the_notes_hold_the_prose(decks):
    for name, (slides, chapter) in decks.items():
        notes = words(BeautifulSoup("\n".join(map(str, slides.select("aside.notes"))), "html.parser"))
        shown = words(BeautifulSoup("\n".join(map(str, slides.select(".content"))), "html.parser"))
        for paragraph in chapter.select("p:not(.admonition-title, table p, figure p, #further-reading p)"):
            text = words(paragraph)
            assert text in notes or text in shown or text == "You will be able to", f"{name}: {text}"


def test_slides_are_short_and_have_headings(decks):
    for name, (slides, _) in decks.items():
        for slide in slides.select(".slides > section"):
            assert len(slide.find_all(["h1", "h2"])) == 1 and words(slide.find(["h1", "h2"])), name
            assert slide.select_one(".content > :not(.fragment)"), f"{name}: {slide.h2} shows nothing at first"
            listed = [words(item) for item in slide.select(".content > ul > li")]
            if slide["class"] == ["plain"] and words(slide.find(["h1", "h2"])) not in ("Summary", "You will be able to"):
                assert len(listed) <= 6 and all(len(line) <= 130 for line in listed), name


def test_the_text_of_a_chapter_cannot_become_markup():
    from course_slides import deck

    body = "<section><h1>A &lt;i&gt;</h1><section><h2>B &lt;b&gt;</h2><p>See &lt;img src=x onerror=1&gt; in this.</p></section></section>"
    made = BeautifulSoup(deck(body, "C <u>", "../book/a.html"), "html.parser")
    assert made.title.get_text() == "A <i>: slides – C <u>" and made.h2.get_text() == "B <b>"
    assert "See <img src=x onerror=1> in this." in words(made.select_one("section.plain:last-of-type .content"))
    assert not made.find_all(["img", "i", "b", "u"])


def test_a_list_is_shown_whole_and_no_line_is_what_citations_leave():
    from course_slides import deck

    cite = '<span class="bibtex-citation">[A 2026]</span>'
    items = "".join(f"<li><p><strong>Point {number}.</strong> More.</p></li>" for number in range(8))
    body = (
        "<section><h1>A</h1><section><h2>B</h2><p>A sentence that opens (S4, a source; <span class='claim'>S4-13</span>).</p>"
        f"<ul>{items}</ul><div><pre>one printed line</pre><table><tr><td>x</td></tr></table></div>"
        f"<p>Sources, row by row: {cite} and {cite}.</p></section></section>"
    )
    made = BeautifulSoup(deck(body, "C", "../book/a.html"), "html.parser").select(".slides > section")
    lines = [[words(line) for line in slide.select(".content > p, .content > ul > li")] for slide in made[1:]]
    points = [f"Point {number}" for number in range(8)]
    assert lines == [["A sentence that opens (S4, a source).", *points[:4]], points[4:], []]


def test_decks_share_what_they_load_and_ask_no_other_host(site, decks):
    for name, (slides, _) in decks.items():
        loaded = [tag.get("src") or tag.get("href") for tag in slides.select("script[src], link[href], img[src]")]
        assert all((site / "slides" / address).is_file() for address in loaded), name
        assert not slides.find_all("script", src=False) and len({tag for tag in loaded if "reveal" in tag}) == 4, name
        assert not any(element.has_attr("id") for element in slides.find_all(True)), name


def policy_of(document):
    """The rules of a page, by their names; they must come before all else."""
    meta = document.head.find(True)
    assert meta["http-equiv"] == "Content-Security-Policy"
    return {rule.split()[0]: rule.split()[1:] for rule in meta["content"].split(";")}


def digest_of(script):
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def test_no_script_runs_in_a_deck_but_those_of_its_maps_and_of_the_speaker(site, decks):
    """The rules of a deck are those of its chapter, but for the scripts; one script is none of the maps', in all decks."""
    others = set()
    for name, (slides, _) in decks.items():
        page = BeautifulSoup((site / "book" / f"{name}.html").read_text("utf-8"), "html.parser")
        rules, of_page = (policy_of(document) for document in (slides, page))
        allowed = set(rules.pop("script-src"))
        assert of_page.pop("script-src") and rules == of_page, name
        maps = [BeautifulSoup(frame["data-srcdoc"], "html.parser") for frame in slides.find_all("iframe")]
        scripts = {digest_of(script.string) for drawn in maps for script in drawn.find_all("script", src=False)}
        assert scripts | {"'self'"} < allowed and len(scripts) >= len(maps), name
        others |= allowed - scripts - {"'self'"}
        assert not any(attribute.startswith("on") for tag in slides.find_all(True) for attribute in tag.attrs), name
    (speaker,) = others
    assert speaker.startswith("'sha256-")


def test_the_keyboard_moves_and_the_address_keeps_the_place(deck):
    assert deck.locator(f"{SLIDE} h1").is_visible()
    deck.keyboard.press("ArrowRight")
    assert deck.locator(f"{SLIDE} h2").inner_text() == "You will be able to"
    deck.wait_for_url("**#/1")
    deck.reload()
    deck.wait_for_selector(".reveal.ready")
    assert deck.locator(f"{SLIDE} h2").inner_text() == "You will be able to"
    deck.keyboard.press("ArrowLeft")
    deck.keyboard.press("End")
    deck.wait_for_url(f"**#/{deck.locator('.slides > section').count() - 1}")  # reveal.js writes it once a second
    assert deck.faults == []


def test_a_map_draws_itself_when_its_slide_comes(page, base):
    page.goto(f"{base}/slides/russia.html")
    page.wait_for_selector(".reveal.ready")
    assert page.locator("iframe[srcdoc]").count() == 0, "no map before its slide"
    for _ in range(page.locator(".slides > section").count() * 2):
        if page.locator(f"{SLIDE} iframe").count():
            break
        page.keyboard.press("ArrowRight")
    content = page.locator(f"{SLIDE} iframe").content_frame
    content.locator(".leaflet-container:not([aria-busy])").wait_for()
    content.locator("path.route").first.wait_for()
    assert page.faults == []


# Adds an element whose script stands in an attribute; what the policy says to it.
INTRUDER = """() => new Promise((said) => {
  document.addEventListener("securitypolicyviolation", (event) => said(event.effectiveDirective));
  window.ran = () => said("it ran");
  document.body.insertAdjacentHTML("beforeend", '<img src="data:," onerror="ran()">');
})"""


def test_the_speaker_sees_the_notes_and_no_other_script_runs(page, base):
    page.goto(f"{base}/slides/russia.html#/2")
    page.wait_for_selector(".reveal.ready")
    page.context.on("console", lambda message: message.type == "error" and page.faults.append(message.text))  # of both
    with page.expect_popup() as opened:
        page.keyboard.press("s")
    speaker = opened.value
    note = speaker.locator(".speaker-controls-notes .value", has_text="The first tie is the border")
    note.wait_for()
    shown = speaker.frame_locator("#current-slide iframe").locator(f"{SLIDE} h2")
    assert shown.inner_text() == page.locator(f"{SLIDE} h2").inner_text()
    page.keyboard.press("ArrowRight")  # the window follows
    note.wait_for(state="hidden")
    assert page.faults == []
    for window in (page, speaker):
        assert window.evaluate(INTRUDER) == "script-src-attr"


@pytest.mark.parametrize("width, height", [(1280, 800), (390, 844)])
def test_slides_fit_the_screen_and_axe_finds_nothing(deck, address, width, height):
    deck.set_viewport_size({"width": width, "height": height})
    deck.goto(f"{address}/slides/{deck.url.rpartition('/')[2]}")
    deck.wait_for_selector(".reveal.ready")
    count = deck.locator(".slides > section").count()
    kinds = set()
    for number in range(count):
        deck.evaluate("number => Reveal.slide(number, 0, 9)", number)
        assert deck.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert deck.evaluate(  # what does not fit is reached by Tab and scrolls
            "[...document.querySelectorAll('section.present .content')].every(content =>"
            " content.tabIndex === 0 || content.scrollHeight <= content.clientHeight + 1)"
        )
        kind = deck.locator(SLIDE).get_attribute("class") + str(deck.locator(f"{SLIDE} :is(table, iframe, img)").count())
        if kind not in kinds:  # one slide of each kind
            kinds.add(kind)
            assert barriers(deck) == "", f"slide {number}"
    letters = deck.evaluate(
        "parseFloat(getComputedStyle(document.querySelector('.reveal')).fontSize) * Reveal.getScale()"
    )
    assert letters >= 15, "in pixels of the screen"


def test_a_printed_deck_has_every_slide_whole(page, base):
    page.goto(f"{base}/slides/russia.html?print-pdf")
    page.locator(".pdf-page").first.wait_for(state="attached")
    printed, slides = page.locator(".pdf-page").count(), page.locator(".pdf-page section").count()
    assert printed == slides >= 30
    assert page.evaluate("[...document.querySelectorAll('.fragment')].every(part => getComputedStyle(part).opacity === '1')")
    page.locator("iframe").first.content_frame.locator("path.route").first.wait_for()
    assert page.faults == []


def test_a_deck_comes_and_goes_with_its_quiz(book):
    """A small book has no quiz; one page gets one, then loses it."""
    quizzes = book / "book" / "quizzes"
    quizzes.mkdir()
    (quizzes / "trade.json").write_bytes((ROOT / "book" / "quizzes" / "russia.json").read_bytes())
    bank = (quizzes / "trade.json").read_text("utf-8")
    (quizzes / "trade.json").write_text(re.sub(r" ?\{cite:p\}`[^`]*`", "", bank), "utf-8")
    change(book / "book" / "prose.md", "# Prose\n", "# Prose\n\n```{slides}\n```\n")
    change(book / "book" / "trade.md", "# Trade\n", "# Trade\n\n```{quiz} trade\n```\n")
    made, site = build(book), book / "_build" / "html"
    assert made.returncode == 0, made.stderr[-2000:]
    assert [path.name for path in (site / "slides").glob("*")] == ["trade.html"]
    assert 'href="../slides/trade.html"' in (site / "book" / "prose.html").read_text("utf-8")
    change(book / "book" / "trade.md", "\n```{quiz} trade\n```\n", "")
    made = build(book)
    assert made.returncode == 0, made.stderr[-2000:]
    assert not list((site / "slides").glob("*"))
    assert "slides/trade.html" not in (site / "book" / "prose.html").read_text("utf-8")
