"""What a reader sees first and relies on: the first page, the mark, the preview, and a path for keyboard and print."""

import io
import re

import course_landing
import pytest
import yaml
from bs4 import BeautifulSoup
from conftest import ROOT, chapter_pages
from course_routes import facts
from course_styles import without_unused_properties
from PIL import Image
from toolkit import data


@pytest.fixture(scope="module")
def first(site):
    return BeautifulSoup((site / "book/index.html").read_text("utf-8"), "html.parser")


def test_the_first_page_leads_to_every_chapter(first):
    parts = yaml.safe_load((ROOT / "_toc.yml").read_text("utf-8"))["parts"]
    files = {chapter["file"] for part in parts for chapter in part["chapters"]}
    linked = {f"book/{link['href'].removesuffix('.html')}" for link in first.article.select("a.reference.internal")}
    followed = {name for name in files if name.startswith(("book/references-", "book/assignment-"))}  # from a page of their own
    assert files - followed <= linked


def test_the_map_of_partners_says_what_it_shows_and_leads_to_their_chapters(first):
    drawing = first.select_one(".partner-map svg")
    assert drawing["role"] == "img" and len(drawing.desc.get_text()) > 100
    named = drawing["aria-labelledby"].split()
    assert named == [drawing.title["id"], drawing.desc["id"]]
    links = [link["href"] for link in first.select(".partner-names a")]
    assert links == [f"{chapter}.html" for chapter, *_ in course_landing.PARTNERS]
    used = data.load("export_routes").query("commodity != 'freight' and status in ['operating', 'reversed']")
    assert len(drawing.select(".map-route")) == len(used)
    assert len(drawing.select(".map-home")) == len(drawing.select(".map-russia")) == len(drawing.select(".map-china")) == 1
    assert len(drawing.select(".map-europe")) == len(course_landing.UNION)
    assert len(str(drawing)) < 50_000


def test_the_preview_is_small_and_always_the_same(site):
    made = (site / "_static/card.png").read_bytes()
    assert made == course_landing.card() and len(made) < 100_000
    assert Image.open(io.BytesIO(made)).size == (1200, 630)


def test_entries_of_the_sidebar_do_not_repeat_their_caption(first):
    for caption in first.select("nav.bd-links p.caption"):
        entries = [entry.get_text(strip=True) for entry in caption.find_next("ul").select("a")]
        assert not any(entry.startswith(caption.get_text(strip=True).removesuffix("s") + ":") for entry in entries)


def test_every_map_leads_to_its_routes_in_words(site):
    words = BeautifulSoup((site / "book/routes.html").read_text("utf-8"), "html.parser")
    for _, route in data.load("export_routes").iterrows():
        name = words.find("dt", id=f"route-{route['route_id']}")
        assert name.get_text(strip=True) == route["name"]
        assert facts(route) in name.find_next_sibling("dd").get_text(" ", strip=True)
    for name in chapter_pages(site):
        page = BeautifulSoup((site / name).read_text("utf-8"), "html.parser")
        for caption in page.select("figure.course-map figcaption"):
            assert caption.select_one('a[href="routes.html"]'), name


def test_what_is_not_known_of_a_route_is_left_out():
    routes = data.load("export_routes").set_index("route_id", drop=False)
    assert facts(routes.loc["cpc"]).endswith("Pipeline, operating, first year 2001, capacity 81.5 Mt/a.")
    bare = routes.loc["cpc"].copy()
    bare[["start_year", "capacity"]] = None
    assert facts(bare).endswith("Russia. Pipeline, operating.")


def test_headings_are_in_order(site):
    for name in chapter_pages(site):
        page = BeautifulSoup((site / name).read_text("utf-8"), "html.parser")
        levels = [int(heading.name[1]) for heading in (page.article or page).select("h1, h2, h3, h4, h5, h6")]
        assert levels[:1] == [1] and levels.count(1) == 1, name
        assert all(after <= before + 1 for before, after in zip(levels, levels[1:])), name


STOP = """() => {
  const stop = document.activeElement;
  if (stop === document.body) return null;
  const style = getComputedStyle(stop), box = stop.getBoundingClientRect();
  return {
    text: stop.outerHTML.slice(0, 120), frame: stop.tagName === "IFRAME", ring: `${style.outlineStyle} ${style.outlineWidth}`,
    seen: stop.checkVisibility({opacityProperty: true, visibilityProperty: true}) && box.width > 0 && box.right > 0,
  };
}"""


@pytest.mark.parametrize("name, width", [("index", 1280), ("index", 390), ("china", 390)])
def test_every_stop_of_the_keyboard_is_seen(page, address, name, width):
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{address}/book/{name}.html")
    stops = []
    while len(stops) < 150:
        page.keyboard.press("Tab")
        stop = page.evaluate(STOP)
        if stop is None:
            break
        stops.append(stop)
    assert "Skip to main content" in stops[0]["text"] and len(stops) > 40
    for stop in stops:  # inside a map the ring is the map's own
        assert stop["seen"] and (stop["frame"] or stop["ring"] == "solid 3px"), stop


def test_buttons_have_names_in_words(page, address):
    page.goto(f"{address}/book/russia.html")
    tree = page.locator("body").aria_snapshot()
    assert not any("\ue000" <= sign <= "\uf8ff" for sign in tree), "the sign of an icon is no name"
    for name in ("Toggle primary sidebar", "Color mode", "Copy to clipboard"):
        assert page.get_by_role("button", name=name).first.count() == 1
    solutions = page.locator(".solution").count()
    named = re.findall(r'button "Solution to (Exercise \d+) .*Click to show"', tree)
    assert len(set(named)) == len(named) == solutions > 1, "each says what it unfolds"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_colours_can_be_read(browser, address, scheme):
    """Text on every ground of the palette, 4.5 to 1; the tests of axe see the pages, this one names the pair."""
    context = browser.new_context(color_scheme=scheme)
    page = context.new_page()
    page.goto(f"{address}/book/index.html")
    names = "text-base text-muted heading link link-hover primary inline-code background surface on-background"
    read = "names => names.map(n => getComputedStyle(document.documentElement).getPropertyValue('--pst-color-' + n).trim())"
    colour = dict(zip(names.split(), page.evaluate(read, names.split())))
    context.close()
    for ground in ("background", "surface", "on-background"):
        for text in ("text-base", "text-muted", "heading", "link", "link-hover", "primary", "inline-code"):
            assert contrast(colour[text], colour[ground]) >= 4.5, f"{text} on {ground}"


def contrast(one, other):
    """Contrast of two colours ``#rgb`` or ``#rrggbb`` as WCAG 2.2 defines it."""
    lighter, darker = sorted(map(luminance, (one, other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour):
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    shares = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    red, green, blue = (s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_a_printed_page_is_the_text_alone_and_light(page, address):
    page.emulate_media(color_scheme="dark")
    page.goto(f"{address}/book/russia.html")
    theme = "document.documentElement.dataset.theme"
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate(theme) == "light"
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate(theme) == "dark"
    page.emulate_media(media="print")
    for part in (".bd-sidebar-primary", ".bd-sidebar-secondary", ".bd-header-article", ".prev-next-footer"):
        assert not page.locator(part).first.is_visible(), part
    hidden = page.evaluate(
        "[...document.querySelectorAll('.admonition.toggle > :not(.admonition-title), .admonition.toggle p')]"
        ".filter(e => !e.checkVisibility({opacityProperty: true, visibilityProperty: true})).length"
    )
    assert hidden == 0 and page.locator(".admonition.toggle").count() > 0


def test_a_dark_page_has_no_glaring_picture(browser, address):
    context = browser.new_context(color_scheme="dark")
    page = context.new_page()
    page.goto(f"{address}/book/russia.html")
    picture = page.locator(".cell_output img").first
    assert "brightness(0.84)" in picture.evaluate("e => getComputedStyle(e).filter")
    context.close()


def test_properties_that_nothing_reads_leave_the_style_sheet():
    rules = 'html{--a:var(--b);--b:"x;}";--c: url("data:,;");color:var(--d, red);--d:#fff;--e:1px}p{margin:var(--f)}'
    kept = without_unused_properties(rules, {"--e"})
    assert kept == "html{color:var(--d, red);--d:#fff;--e:1px}p{margin:var(--f)}"
