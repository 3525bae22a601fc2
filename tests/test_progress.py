"""Progress kept in the reader's browser: marked, kept, shown and cleared; and nothing breaks where it cannot be kept."""

import gzip
import json
import re

import pytest
from access import barriers
from conftest import ROOT
from course_quiz import identifier, read_questions

KEY = "course-progress"
READ = "I have read this chapter"
GUIDE = "book/self-study.html"
BANK = ROOT / "book" / "quizzes" / "russia.json"
QUESTIONS = [identifier(BANK, question) for question in read_questions(BANK)]
CHAPTERS = len(list(BANK.parent.glob("*.json")))


def row(page, name):
    """What the overview says of a chapter: read or not, and the score."""
    cells = page.locator(f"#your-progress tr:has(a[href='{name}.html']) td").all_inner_texts()
    return cells[1:]


def answer(page, number, right):
    """Press the right or the first wrong option of a question."""
    kind = ".quiz-right" if right else ":not(.quiz-right)"
    page.locator(".quiz-question").nth(number).locator(f"li{kind} > button").first.click()


def reload(page):
    """Chromium hands what a page from the disk keeps to its next process a moment later."""
    page.wait_for_timeout(300)
    page.reload()


def test_what_is_done_is_kept_shown_and_cleared(page, base):
    page.goto(f"{base}/book/russia.html")
    button = page.get_by_role("button", name=READ)
    assert button.get_attribute("aria-pressed") == "false"
    button.focus()
    page.keyboard.press("Enter")
    assert button.get_attribute("aria-pressed") == "true"
    answer(page, 0, True)
    answer(page, 1, False)
    answer(page, 1, True)  # too late
    answer(page, 2, True)
    total = page.locator(".quiz-question").count()
    score = f"2 of {total}"
    assert score in page.get_by_role("group", name="Your progress").inner_text()
    reload(page)
    assert page.get_by_role("button", name=READ).get_attribute("aria-pressed") == "true"
    answer(page, 1, True)  # too late, on another day too
    assert page.locator(".bd-sidebar-primary .course-read").count() == 1

    page.goto(f"{base}/{GUIDE}")
    assert row(page, "russia") == ["✓ read", score] and row(page, "china") == ["–", "–"]
    assert page.locator("#your-progress tr").count() == 1 + CHAPTERS
    line = page.locator("#checklists input").nth(3)
    line.check()
    reload(page)
    assert line.is_checked() and page.locator("#checklists input:checked").count() == 1
    assert f"1 of {CHAPTERS} chapters read" in page.locator("#your-progress").inner_text()

    clear = page.get_by_role("button", name="Clear my progress")
    page.once("dialog", lambda dialog: dialog.dismiss())
    clear.click()
    assert row(page, "russia") == ["✓ read", score]
    page.once("dialog", lambda dialog: dialog.accept())
    clear.click()
    assert row(page, "russia") == ["–", "–"] and not line.is_checked()
    assert page.locator(".course-read").count() == 0
    assert page.evaluate(f"localStorage.getItem('{KEY}')") is None
    page.goto(f"{base}/book/russia.html")
    button = page.get_by_role("button", name=READ)
    assert button.get_attribute("aria-pressed") == "false"
    button.click()
    button.click()
    assert button.get_attribute("aria-pressed") == "false"
    assert page.faults == []


def test_an_answer_belongs_to_its_question_wherever_it_stands(page, address, site):
    """A build puts a new question before all others, which moves them, and takes the last away."""
    total = len(QUESTIONS)
    page.goto(f"{address}/book/russia.html")
    before = {"read": ["russia"], "quiz": {"russia": [False] * total}, "ticks": []}  # as answers were kept once: by place
    page.evaluate("([key, kept]) => localStorage.setItem(key, JSON.stringify(kept))", [KEY, before])
    page.reload()
    assert "first try" not in page.locator(".course-progress").inner_text()
    for number in range(total):
        answer(page, number, True)
    page.goto(f"{address}/{GUIDE}")
    assert row(page, "russia") == ["✓ read", f"{total} of {total}"]

    moved = dict(zip(QUESTIONS, ["quiz-new", *QUESTIONS]))

    def rebuilt(route):
        text = (site / "book" / route.request.url.rpartition("/")[2]).read_text("utf-8")
        text = re.sub("|".join(QUESTIONS), lambda found: moved[found[0]], text)
        route.fulfill(body=text, content_type="text/html; charset=utf-8")

    page.route(re.compile("/(russia|self-study).html$"), rebuilt)
    known = f"{total - 1} of {total}"
    page.reload()
    assert row(page, "russia") == ["✓ read", known]
    page.goto(f"{address}/book/russia.html")
    assert f"first try: {known}." in page.locator(".course-progress").inner_text()
    answer(page, 1, False)  # the first of before, which has its answer
    assert f"first try: {known}." in page.locator(".course-progress").inner_text()
    answer(page, 0, True)
    assert f"first try: {total} of {total}." in page.locator(".course-progress").inner_text()
    assert page.faults == []


def test_the_id_of_a_question_goes_with_its_chapter_and_text(site):
    text = {"question": "Which?", "answers": []}
    same = identifier(BANK, text)
    assert same == identifier(BANK, {"question": " Which?\n", "answers": [1]})
    assert len({same, identifier(BANK, {"question": "Why?"}), identifier(BANK.with_name("china.json"), text)}) == 3
    page = (site / "book" / "russia.html").read_text("utf-8")
    assert re.findall(r'id="(quiz-[0-9a-f]{8})"', page) == QUESTIONS


def test_nothing_is_sent_and_one_name_is_kept(page, address):
    page.goto(f"{address}/book/russia.html")
    before = set(page.evaluate("Object.keys(localStorage)"))
    asked = []
    # Pictures and maps, which come near or are drawn once a reader does something, are fetched.
    drawn = lambda request: request.resource_type == "image" or "/_static/maps/" in request.url
    page.on("request", lambda request: drawn(request) or asked.append(request.url))
    page.get_by_role("button", name=READ).click()
    answer(page, 0, True)
    assert asked == [] and page.context.cookies() == []
    assert set(page.evaluate("Object.keys(localStorage)")) - before == {KEY}
    assert json.loads(page.evaluate(f"localStorage.getItem('{KEY}')"))["read"] == ["russia"]


def test_another_tab_shows_the_change(page, address):
    page.goto(f"{address}/{GUIDE}")
    other = page.context.new_page()
    other.goto(f"{address}/book/china.html")
    other.get_by_role("button", name=READ).click()
    page.locator("#your-progress td", has_text="✓ read").wait_for()
    assert row(page, "china") == ["✓ read", "–"]


NO_STORAGE = """
for (const name of ["getItem", "setItem", "removeItem"])
  Storage.prototype[name] = function (key) {
    if (String(key).startsWith("course-progress")) throw new DOMException("no", "SecurityError");
    return null;
  };
"""


@pytest.mark.parametrize("full", [False, True], ids=["none at all", "full"])
def test_without_storage_the_page_says_so_and_works(page, base, full):
    page.add_init_script(NO_STORAGE.replace('["getItem", "setItem", "removeItem"]', '["setItem"]') if full else NO_STORAGE)
    page.goto(f"{base}/book/russia.html")
    assert "keeps nothing" in page.locator(".course-progress").inner_text()
    assert page.get_by_role("button", name=READ).count() == 0
    answer(page, 0, True)
    assert "is right" in page.locator(".quiz-answer").first.inner_text()
    page.goto(f"{base}/{GUIDE}")
    assert "keeps nothing" in page.locator("#your-progress").inner_text()
    assert page.locator("#your-progress :is(table, button):visible").count() == 0
    assert page.locator("#checklists input").count() == 0 and page.locator("#checklists li").count() > 40
    assert page.faults == []


HOSTILE = [
    "not JSON",
    "null",
    "3",
    '"text"',
    "[]",
    '{"read": 3, "right": "russia", "ticks": {"length": 5}, "wrong": true}',
    '{"read": [null, 3, ["russia"], {}], "right": [[], "x", {}, 1], "wrong": ["quiz-", "x"], "ticks": [null]}',
    '{"read": ["<img src=x onerror=alert(1)>"], "right": ["<b>", "__proto__"], "ticks": ["<script>"]}',
    '{"__proto__": {"read": ["russia"]}, "constructor": 1, "right": ["toString"]}',
    '{"read": [], "quiz": {"russia": [true, true, true, true, true, true], "china": [false]}, "ticks": []}',  # as once kept
    json.dumps({"read": ["russia"] * 400_000}),
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_values_do_no_harm(page, site, text):
    page.goto(f"{site.as_uri()}/{GUIDE}")
    page.evaluate("([key, text]) => localStorage.setItem(key, text)", [KEY, text])
    reload(page)
    assert row(page, "russia") == ["–", "–"] and page.locator("#checklists input:checked").count() == 0
    assert page.locator("#your-progress :is(img, script, b)").count() == 0
    page.locator("#checklists input").first.check()
    page.goto(f"{site.as_uri()}/book/russia.html")
    page.get_by_role("button", name=READ).click()
    answer(page, 0, True)
    reload(page)
    assert page.get_by_role("button", name=READ).get_attribute("aria-pressed") == "true"
    assert "first try: 1 of" in page.locator(".course-progress").inner_text()
    assert page.faults == []


def test_without_scripts_nothing_is_shown_that_does_not_work(browser, site):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    for name in (GUIDE, "book/russia.html"):
        page.goto(f"{site.as_uri()}/{name}")
        assert page.locator(".course-progress, .course-read, #checklists input, #your-progress button").count() == 0
    context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 320])
def test_axe_finds_nothing_in_progress(page, address, theme, width):
    page.set_viewport_size({"width": width, "height": 900})
    page.add_init_script(f"localStorage.setItem('theme', '{theme}'); localStorage.setItem('mode', '{theme}')")
    page.goto(f"{address}/book/russia.html")
    page.get_by_role("button", name=READ).click()
    assert barriers(page) == ""
    page.goto(f"{address}/{GUIDE}")
    page.locator("#checklists input").first.check()
    assert barriers(page) == ""
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_script_is_small(site):
    assert len(gzip.compress((site / "_static" / "progress.js").read_bytes())) < 3000
