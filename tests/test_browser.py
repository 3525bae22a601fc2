"""The built book in a real browser: from a server and from the disk, by mouse and by keyboard, for everyone."""

import gzip
import io
import unicodedata
from urllib.parse import unquote, urlsplit

import pandas as pd
import pytest
from access import barriers
from conftest import ROOT, chapter_pages, wait_until

MAP_PAGE = "book/export-pipelines.html"
DRAWN = ".leaflet-container:not([aria-busy])"  # a map with all that belongs on it


def draw_maps(page):
    """Maps below the fold are drawn when they come near: bring them all, and wait until nothing is left to be drawn."""
    for frame in page.locator("figure.course-map iframe").all():
        frame.scroll_into_view_if_needed()
        frame.content_frame.locator(DRAWN).wait_for()
        frame.content_frame.locator("path.state:not([d='M0 0'])").first.wait_for()  # states out of view have that course
    page.evaluate("scrollTo(0, 0)")


def open_details(page):
    """Open whatever is folded, and wait until it has stopped moving."""
    page.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true; })")
    page.evaluate("Promise.all(document.getAnimations().map(animation => animation.finished))")


def open_map(page, base):
    page.goto(f"{base}/{MAP_PAGE}")
    frame = page.locator("figure.course-map iframe").first
    frame.scroll_into_view_if_needed()
    content = frame.content_frame
    content.locator(DRAWN).wait_for()
    return content


def test_the_first_address_leads_into_the_book(page, base):
    page.goto(f"{base}/index.html")
    page.wait_for_url("**/book/index.html")
    assert page.get_by_role("heading", level=1).inner_text().startswith("Kazakhstan between the Powers")


WAYS = "[...document.querySelectorAll('.prev-next-area a')]"


def test_every_page_opens_without_fault_and_without_another_host_and_is_not_cut_off(page, base, address, site):
    """From the server a page is made narrow after it was opened, from the disk it is opened at either width."""
    from_disk = base != address
    for name in chapter_pages(site):
        for width in (320, 1280) if from_disk else (1280, 320):
            page.set_viewport_size({"width": width, "height": 900})
            if from_disk or width == 1280:
                page.goto(f"{base}/{name}")
            if width == 1280:
                draw_maps(page)  # on a narrow one a small state may be less than a pixel high
            assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{name} at {width}"
            assert page.evaluate(f"{WAYS}.every(way => way.scrollWidth <= way.clientWidth)"), f"{name}: where to read on"
        assert page.faults == [], name


def test_the_map_shows_its_routes(page, base):
    from toolkit import data

    routes, waypoints = data.load("export_routes"), data.load("route_waypoints")
    drawn = routes["route_id"].isin(waypoints["route_id"])
    content = open_map(page, base)
    assert content.locator("path.route").count() == drawn.sum()
    assert content.locator(".country-name", has_text="Kazakhstan").is_visible()
    assert page.faults == []


def test_a_click_on_a_route_says_what_it_is(page, base):
    content = open_map(page, base)
    path = content.locator("path.route[aria-label*='CPC']").first
    # A line is thin: click on a point that lies on it, not on the middle of its box.
    spot = path.evaluate(
        "path => { const point = path.getPointAtLength(path.getTotalLength() / 3).matrixTransform(path.getScreenCTM()),"
        " box = path.getBoundingClientRect(); return {x: point.x - box.x, y: point.y - box.y}; }"
    )
    path.click(position=spot, force=True)
    popup = content.locator(".leaflet-popup-content")
    popup.wait_for()
    for term in ("Capacity", "Length", "As drawn", "Owners", "Operator", "Transit states", "Drawn course", "Source"):
        assert popup.locator(f"dt:text-is('{term}')").count() == 1, term
    assert popup.locator("h4:text-is('Capacity') + ul b", has_text="72.5 Mt/a").count() == 1
    assert popup.locator("h4:text-is('Capacity') + ul li", has_text="(used here)").count() == 1


def test_the_keyboard_reaches_the_layers_and_the_routes(page, base):
    content = open_map(page, base)
    page.locator("figure.course-map iframe").first.focus()
    reached = []
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.append(
            content.locator(":focus").evaluate_all("all => all.map(e => e.type || e.getAttribute('role') || '')")
        )
        if ["checkbox"] in reached and ["button"] in reached and content.locator("path:focus").count():
            break
    assert ["checkbox"] in reached
    page.keyboard.press("Enter")
    content.locator(".leaflet-popup-content").wait_for()
    page.keyboard.press("Escape")
    content.locator(".leaflet-popup-content").wait_for(state="detached")
    assert content.locator("path.route:focus").count() == 1, "the focus is back on the line"


def test_lines_are_one_stop_of_the_tab_key_and_arrows_move_between_them(page, base):
    content = open_map(page, base)
    assert content.locator("path.route[tabindex='0']").count() == 1
    first = content.locator("path.route[tabindex='0']")
    name = first.get_attribute("aria-label")
    first.focus()
    page.keyboard.press("ArrowRight")
    assert content.locator("path.route:focus").get_attribute("aria-label") != name
    assert content.locator("path.route[tabindex='0']").count() == 1
    page.keyboard.press("ArrowLeft")
    assert content.locator("path.route:focus").get_attribute("aria-label") == name


def zoom_to(content, lat, lon, zoom):
    content.locator("body").evaluate(
        "(body, [lat, lon, zoom]) => Object.values(window).find(value => value instanceof L.Map)"
        ".setView([lat, lon], zoom, {animate: false})",
        [lat, lon, zoom],
    )


def test_places_appear_from_a_near_view_and_are_reached_by_keyboard(page, base):
    content = open_map(page, base)
    assert content.locator(".place").count() == 0
    zoom_to(content, 46.8, 52.5, 8)
    content.locator(".place").first.wait_for(state="attached")
    assert content.locator(".place[tabindex='0']").count() == 1 < content.locator(".place").count()
    content.locator(".place[tabindex='0']").focus()
    page.keyboard.press("ArrowRight")
    label = content.locator(".place:focus").get_attribute("aria-label")
    assert label.rpartition(", ")[2] in ("town", "station", "crossing", "port", "terminal")
    page.keyboard.press("Enter")
    popup = content.locator(".leaflet-popup-content")
    assert popup.locator("h2").inner_text() == label and " as drawn" in popup.locator("dd").first.inner_text()
    page.keyboard.press("Escape")
    assert content.locator(".place:focus").get_attribute("aria-label") == label


@pytest.mark.parametrize(
    "words, found", [("cpc", "CPC"), ("beyneu", "Beineu"), ("kyrgyz", "Bishkek"), ("TURKIYE", "BTC")]
)
def test_a_search_by_name_town_or_state_leads_to_a_route(page, base, words, found):
    content = open_map(page, base)
    field = content.get_by_label("Find a route by name, town or state")
    field.fill(words)
    hit = content.locator(".results button", has_text=found).first
    name = hit.evaluate("button => button.firstChild.textContent")
    hit.focus()
    page.keyboard.press("Enter")
    assert content.locator(".leaflet-popup-content h2").inner_text() == name
    assert content.locator(".details:focus").count() == 1
    path = content.locator(f'path.route[aria-label="{name}"]')
    assert path.get_attribute("d") != "M0 0"
    assert page.faults == []


def test_a_search_switches_a_hidden_layer_on_and_says_when_nothing_is_found(page, base):
    content = open_map(page, base)
    content.get_by_label("Oil by pipeline").uncheck()
    field = content.get_by_label("Find a route by name, town or state")
    field.fill("no such place")
    assert content.locator(".results").inner_text() == "0 found"
    field.fill("tengiz")
    field.press("ArrowDown")
    page.keyboard.press("Enter")
    content.locator(".leaflet-popup-content h2").wait_for()
    assert content.get_by_label("Oil by pipeline").is_checked()


def test_the_home_button_brings_the_first_view_back(page, base):
    content = open_map(page, base)
    before = content.locator("path.route").first.get_attribute("d")
    zoom_to(content, 43.5, 77, 8)
    assert content.locator("path.route").first.get_attribute("d") != before
    content.get_by_role("button", name="Home view").press("Enter")
    page.wait_for_timeout(100)
    assert content.locator(".leaflet-control-scale-line").inner_text() == "500 km"


def test_full_screen_shows_the_map_with_its_legend(page, base):
    content = open_map(page, base)
    button = content.get_by_role("button", name="Full screen")
    button.click()
    wait_until(page, "document.fullscreenElement?.matches('figure.course-map')")
    assert page.locator("figure.course-map ul").first.is_visible()
    content.locator("button[aria-pressed=true]").wait_for()
    button.click()
    wait_until(page, "document.fullscreenElement === null")


def test_a_map_is_dark_in_dark_mode(page, base):
    content = open_map(page, base)

    def grounds():
        inside = content.locator(".leaflet-container").evaluate("map => getComputedStyle(map).backgroundColor")
        outside = page.locator("figure.course-map").first.evaluate(
            "figure => getComputedStyle(figure.closest('.text_html')).backgroundColor"
        )
        return inside, outside

    page.evaluate("document.documentElement.dataset.theme = 'light'")
    light = grounds()
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    content.locator("html[data-theme=dark]").wait_for(state="attached")
    dark = grounds()
    assert light[0] != dark[0] and dark[1] == "rgba(0, 0, 0, 0)"


def test_a_small_map_has_no_search(page, base):
    page.goto(f"{base}/book/russia.html")
    draw_maps(page)
    content = page.locator("figure.course-map iframe").first.content_frame
    assert content.locator(".search").count() == 0 and content.locator(".place").count() == 0


@pytest.mark.parametrize("scheme, width", [("light", 1280), ("dark", 320)])
def test_axe_finds_nothing_in_open_details_search_and_places(browser, address, scheme, width):
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 800}, bypass_csp=True)
    page = context.new_page()
    content = open_map(page, address)
    content.get_by_label("Find a route by name, town or state").fill("beyneu")
    assert barriers(page) == ""
    content.locator(".results button").first.press("Enter")
    content.locator(".leaflet-popup-content").wait_for()
    zoom_to(content, 45.3, 55.2, 8)
    assert barriers(page) == ""
    context.close()


def test_a_layer_can_be_switched_off_by_keyboard(page, base):
    content = open_map(page, base)
    shown = content.locator("path.route")
    before = shown.count()
    assert before > 40
    content.locator("input.leaflet-control-layers-selector").first.focus()
    page.keyboard.press("Space")
    assert shown.count() < before


UNDRAWN = "document.querySelectorAll('.course-map iframe:not([srcdoc])').length"


def test_a_map_is_drawn_when_it_comes_near(page, base):
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(f"{base}/{MAP_PAGE}")
    page.wait_for_timeout(1000)
    assert page.evaluate(UNDRAWN) == 3, "a page that nobody has touched is text"
    last = page.locator("figure.course-map iframe").last
    last.evaluate("frame => { location.hash = frame.closest('section').id; }")
    last.content_frame.locator(DRAWN).wait_for()
    assert last.content_frame.locator("path.route").count() > 10
    assert page.faults == []


def test_all_maps_are_drawn_once_a_reader_does_something(page, base):
    """Else a search in the page and a printer would not find them."""
    page.goto(f"{base}/{MAP_PAGE}")
    room = page.evaluate("document.documentElement.scrollHeight")
    page.keyboard.press("Shift")
    for frame in page.locator("figure.course-map iframe").all():
        frame.content_frame.locator(DRAWN).wait_for()
        assert frame.content_frame.locator("path.route").count() > 10
    assert page.evaluate("scrollY") == 0 and page.evaluate("document.documentElement.scrollHeight") == room
    assert page.faults == []


def test_a_printer_gets_what_is_not_drawn_yet(page, base):
    page.goto(f"{base}/book/china.html")
    assert page.evaluate(UNDRAWN) == 1
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    content = page.locator("figure.course-map iframe").content_frame
    content.locator(".leaflet-container").wait_for()
    content.locator("body").evaluate("() => dispatchEvent(new Event('beforeprint'))")
    assert content.locator(DRAWN).count() == 1 and content.locator("path.route").count() >= 10, "drawn at once"


def test_hostile_text_is_shown_and_not_run(page, tmp_path):
    """The worst text that a table could hold, through the toolkit, in the browser."""
    from test_toolkit import HOSTILE, chart

    text = " ".join(HOSTILE)
    (tmp_path / "map.html").write_text(
        f"<!DOCTYPE html><meta charset='utf-8'><title>t</title>{chart(name=text, note=text)._repr_html_()}", "utf-8"
    )
    ran = []
    page.on("dialog", lambda dialog: (ran.append(dialog.message), dialog.dismiss()))
    page.goto((tmp_path / "map.html").as_uri())
    content = page.frame_locator("iframe")
    content.locator(DRAWN).wait_for()
    content.locator("path.route").first.focus()
    page.keyboard.press("Enter")
    assert content.locator(".leaflet-popup-content dt:text-is('Note') + dd").inner_text() == " ".join(text.split())
    assert content.locator(".leaflet-popup-content img").count() == 0
    assert ran == [] and page.faults == []


def test_axe_measures_what_differs_and_looks_into_frames(page, address):
    entries = "".join(f"<li>Entry {number} of the list</li>" for number in range(50))
    frame = "<!DOCTYPE html><html lang=en><title>In</title><div role=region aria-label=In><p{}>Text in the frame</p></div></html>"
    whole = "<!DOCTYPE html><html lang=en><title>T</title><main><h1>T</h1><ol>{}</ol><iframe title=f srcdoc='{}'></iframe></main>"
    pale = " style=color:#bbb"
    documents = {
        "": whole.format(entries, frame.format("")),
        "Entry 40 of the list": whole.format(entries.replace("<li>Entry 40", f"<li{pale}>Entry 40"), frame.format("")),
        "Text in the frame": whole.format(entries, frame.format(pale)),
    }
    for text, document in documents.items():
        page.route("**/try.html", lambda route, request, text=document: route.fulfill(body=text, content_type="text/html"))
        page.goto(f"{address}/try.html")
        page.frames[1].wait_for_selector("p")
        found = barriers(page)
        assert text in found and found.count("Snippet:") == bool(text), found


# The theme looks a moment after a change of width what must be scrolled, and lets the keyboard reach it.
SCROLLED = """[...document.querySelectorAll("pre, .cell_output > .output, .pst-scrollable-table-container")]
  .every(element => element.scrollWidth <= element.clientWidth || element.tabIndex === 0)"""


@pytest.mark.parametrize("half", [0, 1])
def test_axe_finds_nothing(browser, address, site, half):
    """Every page as it is on a light wide screen, and then on a dark narrow one."""
    context = browser.new_context(bypass_csp=True)
    page = context.new_page()
    for name in chapter_pages(site)[half::2]:
        for scheme, width in (("light", 1280), ("dark", 390)):
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size({"width": width, "height": 900})
            if scheme == "light":
                page.goto(f"{address}/{name}")
                draw_maps(page)
            page.evaluate("scheme => { document.documentElement.dataset.theme = scheme; }", scheme)
            for frame in page.frames[1:]:
                frame.wait_for_selector(f"html[data-theme={scheme}]", state="attached")
            open_details(page)  # and wait until colours have changed
            wait_until(page, SCROLLED)
            found = barriers(page)
            assert found == "", f"{name}, {scheme}, {width}: {found}"
    context.close()


def test_markup_that_gets_into_a_page_does_not_run(page, site, tmp_path):
    """The policy is the second lock, if ever a text is not escaped."""
    text = (site / "book/how-to-use.html").read_text("utf-8").replace("../_static", (site / "_static").as_uri())
    bad = (
        "<script>alert(1)</script><img src=x onerror=alert(2)><svg onload=alert(3)></svg>"
        "<iframe srcdoc='<script>alert(4)</script>'></iframe><a href='javascript:alert(5)' id=bad>x</a>"
        "<script src='data:text/javascript,alert(6)'></script><object data='data:text/html,x'></object>"
    )
    (tmp_path / "page.html").write_text(text.replace("</h1>", f"</h1>{bad}", 1), "utf-8")
    ran = []
    page.on("dialog", lambda dialog: (ran.append(dialog.message), dialog.dismiss()))
    page.goto((tmp_path / "page.html").as_uri())
    page.locator("#bad").evaluate("link => link.click()")
    page.wait_for_timeout(200)
    assert ran == [] and sum("Content Security Policy" in fault for fault in page.faults) >= 6


@pytest.mark.parametrize("width", [1280, 320])
def test_the_menu_of_downloads_opens_inside_the_page_and_closes(browser, address, width):
    context = browser.new_context(viewport={"width": width, "height": 700}, bypass_csp=True)
    page = context.new_page()
    page.goto(f"{address}/book/russia.html")
    page.evaluate("window.print = () => { document.title = 'printed'; }")  # the real one waits for a person
    menu, items = page.locator("details.dropdown"), page.locator("details.dropdown .dropdown-menu")
    menu.locator("summary").press("Enter")
    box = items.bounding_box()
    assert items.get_by_role("link", name="Notebook (.ipynb)").is_visible()
    assert box["x"] >= 0 and box["x"] + box["width"] <= width
    assert barriers(page) == ""
    items.get_by_role("button", name="Print").press("Enter")
    assert page.title() == "printed"
    page.keyboard.press("Escape")
    assert not items.is_visible() and menu.locator("summary").evaluate("e => e === document.activeElement")
    menu.locator("summary").click()
    page.locator("article h2").first.click(position={"x": 2, "y": 2})  # on nothing that leads away
    assert not items.is_visible()
    context.close()


def test_nothing_moves_while_a_page_is_loaded(browser, address):
    script = """new PerformanceObserver(list => { for (const entry of list.getEntries()) window.shift += entry.value; })
        .observe({type: 'layout-shift', buffered: true}); window.shift = 0;"""
    for width in (1280, 390):
        context = browser.new_context(viewport={"width": width, "height": 800})
        context.add_init_script(script)
        page = context.new_page()
        for name in ("book/event-counts.html", "book/events.html", "book/claims.html", MAP_PAGE):
            page.goto(f"{address}/{name}")
            page.wait_for_load_state("networkidle")
            assert page.evaluate("window.shift") < 0.02, f"{name} at {width}"
        context.close()


CLAIM_PAGE = "book/united-states.html"


def open_note(page, base):
    """Focus the first badge of a chapter; returns badge and card."""
    page.goto(f"{base}/{CLAIM_PAGE}")
    badge = page.locator("a:has(> .claim)").first
    badge.focus()
    card = page.locator(".note-card")
    card.wait_for()
    return badge, card


def test_the_keyboard_opens_enters_and_closes_a_note(page, base):
    badge, card = open_note(page, base)
    claim = badge.inner_text().split()[0]
    assert claim in card.inner_text() and "Claim:" in card.inner_text()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('.note-card') !== null"), "Tab leads into the note"
    page.keyboard.press("Escape")
    card.wait_for(state="detached")
    assert page.evaluate("document.activeElement.hash") == f"#{claim}", "the focus is back on the badge"
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/claims.html#{claim}")
    assert page.locator(f"[id='{claim}']").is_visible() and page.faults == []


def test_a_term_shows_its_definition(page, base):
    page.goto(f"{base}/book/russia.html")
    page.locator("a:has(> .std-term)", has_text="CSTO").first.focus()
    card = page.locator(".note-card")
    card.wait_for()
    assert "Collective Security Treaty Organization" in card.inner_text() and card.locator("[lang=ru]").count() == 1


def test_a_note_stays_while_the_pointer_is_on_it(page, base):
    page.goto(f"{base}/{CLAIM_PAGE}")
    page.locator("a:has(> .claim)").first.hover()
    card = page.locator(".note-card")
    card.hover()
    page.wait_for_timeout(600)
    assert card.is_visible()
    page.mouse.move(5, 5)
    card.wait_for(state="detached")


def test_the_first_touch_shows_the_note_and_the_second_follows_the_link(browser, address):
    context = browser.new_context(has_touch=True, viewport={"width": 390, "height": 800})
    page = context.new_page()
    page.goto(f"{address}/{CLAIM_PAGE}")
    badge = page.locator("a:has(> .claim)").first
    badge.tap()
    page.locator(".note-card").wait_for()
    badge.tap()
    page.wait_for_url("**/claims.html#*")
    context.close()


@pytest.mark.parametrize("scheme, width", [("light", 1280), ("dark", 320)])
def test_axe_finds_nothing_in_an_open_note(browser, address, scheme, width):
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 700}, bypass_csp=True)
    page = context.new_page()
    open_note(page, address)
    assert barriers(page) == ""
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()


def test_the_ledger_can_be_filtered_and_linked(page, base):
    page.goto(f"{base}/book/claims.html?verdict=wrong")
    shown = page.locator(".claims-ledger > li:visible")
    assert shown.count() == page.locator(".claims-ledger > li.verdict--wrong").count() > 0
    page.get_by_label("Words").fill("no claim has these words")
    assert shown.count() == 0 and "0 of " in page.locator(".course-filter output").inner_text()
    page.get_by_role("button", name="Show all").click()
    wait_until(page, "document.querySelectorAll('.claims-ledger > li[hidden]').length === 0")
    page.goto(f"{base}/book/claims.html?verdict=wrong#S0-02")
    assert page.locator("[id='S0-02']").is_visible(), "a link to a claim is stronger than a filter"
    assert page.faults == []


EVENT_PAGE = "book/events.html"


@pytest.fixture(scope="module")
def events():
    """The table of events with QuadClass and root code, and a column of folded text to look for words in."""
    from toolkit import charts, data

    table = data.load("events").merge(data.load("cameo"), left_on="cameo", right_on="code", suffixes=("", "_of_code"))
    table["class"] = table["quadclass"].map(charts.QUADCLASSES)
    text = table["summary"] + " " + table["place"].fillna("") + " " + table["event_id"] + " " + table["source"]
    return table.assign(text=text.map(fold)).sort_values("event_id")


def fold(text):
    """Text without case and accents."""
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)).lower()


def has_partner(events, codes):
    return events["partners"].str.split(";").map(lambda partners: not codes.isdisjoint(partners))


def group(name):
    from toolkit import data

    return set(data.load("partners").query("group == @name")["code"])


# The query of the address, and what pandas says to the same question.
QUESTIONS = {
    "partner=CHN": lambda e: has_partner(e, {"CHN"}),
    "partner=Central+Asia": lambda e: has_partner(e, group("Central Asia")),
    "kind=17": lambda e: e["root"] == "17",
    "kind=Material+conflict": lambda e: e["class"] == "Material conflict",
    "from=2014": lambda e: e["date"].dt.year >= 2014,
    "to=1999": lambda e: e["date"].dt.year <= 1999,
    "from=2022&to=2022": lambda e: e["date"].dt.year == 2022,
    "status=announced": lambda e: e["status"] == "announced",
    "words=OZAL": lambda e: e["text"].str.contains("ozal", regex=False),
    "words=%C3%96zal": lambda e: e["text"].str.contains("ozal", regex=False),
    "words=agreement+tashkent": lambda e: e["text"].str.contains("agreement") & e["text"].str.contains("tashkent"),
    "words=rferl-2018": lambda e: e["text"].str.contains("rferl-2018"),
    "words=e0404": lambda e: e["event_id"] == "E0404",
    "partner=rus&kind=Verbal+conflict&from=2014&words=moscow": lambda e: (
        has_partner(e, {"RUS"})
        & (e["class"] == "Verbal conflict")
        & (e["date"].dt.year >= 2014)
        & e["text"].str.contains("moscow")
    ),
    "words=no+event+has+these+words": lambda e: e["date"].isna(),
}


def rows_left(page):
    """Ids of the events that the filter leaves, in the order of the table."""
    return page.locator("table.events tbody tr:not([hidden])").evaluate_all("rows => rows.map(row => row.id)")


def marks(page):
    """Ids of the events on the timeline."""
    return page.locator("[data-event]").evaluate_all("marks => marks.map(mark => mark.dataset.event)")


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_filter_of_the_events_leaves_what_pandas_leaves(page, address, events, question):
    chosen = events[QUESTIONS[question](events)]
    assert chosen.empty == ("no+event" in question), "a question that tests something"
    page.goto(f"{address}/{EVENT_PAGE}?{question}")
    assert sorted(rows_left(page)) == sorted(marks(page)) == list(chosen["event_id"])
    years = chosen["date"].dt.year
    span = "" if chosen.empty else f", {years.min()} to {years.max()}"
    assert page.locator("output").inner_text() == f"{len(chosen):,} of {len(events):,} events{span}"
    assert page.locator("table.events tbody tr:visible").count() == min(len(chosen), 50)
    assert page.faults == []


def test_a_link_brings_back_filter_order_and_lanes(page, base, events):
    page.goto(f"{base}/{EVENT_PAGE}")
    page.get_by_label("Words").fill("présIdent")
    page.get_by_role("combobox", name="Partner").select_option("TUR")
    page.get_by_role("combobox", name="Lanes").select_option("kinds")
    page.get_by_role("button", name="Goldstein").click()
    page.get_by_role("button", name="Goldstein").click()
    before, address = rows_left(page), page.url
    assert 1 < len(before) < len(events)
    page.goto("about:blank")
    page.goto(address)
    assert rows_left(page) == before and page.url == address
    assert page.get_by_label("Words").input_value() == "présIdent"
    assert page.get_by_role("combobox", name="Lanes").input_value() == "kinds"
    assert page.locator("th[aria-sort]").get_attribute("aria-sort") == "descending"
    page.get_by_role("button", name="Clear").click()
    assert len(rows_left(page)) == len(marks(page)) == len(events)
    assert page.url.endswith("?sort=-goldstein&lanes=kinds") and page.faults == []


def test_nonsense_in_the_address_is_passed_over(page, base, events):
    page.goto(f"{base}/{EVENT_PAGE}?partner=XXX&sort=%3Cimg%3E&from=x&lanes=%22&else=1#E9999999")
    assert len(rows_left(page)) == len(events)
    assert page.faults == []


def test_the_events_can_be_sorted_by_every_column(page, address, events):
    page.goto(f"{address}/{EVENT_PAGE}")
    heads = page.locator("table.events th")
    expected = {
        "id": events["event_id"],
        "date": events["date"],
        "partners": None,  # names, in the order of their letters
        "place": None,
        "summary": None,
        "cameo": events["cameo"] + " " + events["label"],
        "quadclass": events["quadclass"],
        "goldstein": events["goldstein"],
    }
    assert heads.evaluate_all("heads => heads.map(head => head.dataset.key)") == list(expected)
    for number, (key, values) in enumerate(expected.items()):
        for order in ("ascending", "descending"):
            heads.nth(number).get_by_role("button").click()
            head = page.locator("th[aria-sort]")  # exactly one, else Playwright objects
            assert head.get_attribute("data-key") == key and head.get_attribute("aria-sort") == order
            ids = rows_left(page)
            assert sorted(ids) == list(events["event_id"])
            if values is None:
                part = " > span" if key == "summary" else ""  # the word "announced" may stand before it
                cells = page.locator(f"tbody td:nth-child({number + 1}){part}").all_text_contents()
                filled = [fold(cell)[0] for cell in cells if cell]
                assert "" not in cells[: len(filled)], "empty cells stand last"
                assert filled == sorted(filled, reverse=order == "descending")
            else:
                by_id = dict(zip(events["event_id"], values))
                sought = [by_id[id] for id in ids]
                assert sought == sorted(sought, reverse=order == "descending")


def downloaded(page):
    with page.expect_download() as download:
        page.get_by_role("button", name="Download as CSV").click()
    return download.value.path().read_bytes()


def test_the_download_has_the_rows_that_are_left(page, base, events):
    header, *lines = (ROOT / "data" / "events.csv").read_bytes().splitlines(keepends=True)
    page.goto(f"{base}/{EVENT_PAGE}")
    assert downloaded(page) == b"".join([header, *lines])
    page.goto(f"{base}/{EVENT_PAGE}?kind=Verbal+conflict&sort=-id")
    chosen = set(events.loc[events["class"] == "Verbal conflict", "event_id"].str.encode("ascii"))
    kept = [line for line in lines if line.partition(b",")[0] in chosen]
    assert downloaded(page) == b"".join([header, *sorted(kept, reverse=True)])


def test_a_link_to_an_event_is_stronger_than_filter_and_length(page, base, events):
    event = events[~has_partner(events, {"CHN"})].sort_values("date")["event_id"].iloc[-1]
    page.goto(f"{base}/{EVENT_PAGE}?partner=CHN#{event}")
    row = page.locator(f"tr#{event}")
    row.wait_for()
    assert page.evaluate("document.activeElement.id") == event
    box = row.bounding_box()
    assert 0 <= box["y"] < 900 and len(rows_left(page)) == len(events)
    page.get_by_role("combobox", name="Partner").select_option("CHN")
    assert "#" not in page.url, "else the link would undo the filter"
    assert page.faults == []


def test_the_pointer_reads_the_timeline(page, base, events):
    page.goto(f"{base}/{EVENT_PAGE}?status=announced")
    mark = page.locator("[data-event]").last
    event = events.set_index("event_id").loc[mark.get_attribute("data-event")]
    mark.hover(force=True)
    card = page.locator(".events-shown")
    for text in (event["summary"], event["label"], event["cameo"], str(event["date"].year)):
        assert text in card.inner_text()
    mark.click(force=True)
    page.wait_for_url(f"**#{event.name}")
    assert page.locator(f"tr#{event.name}").is_visible() and page.faults == []


def test_the_keyboard_reads_the_timeline_and_the_table(page, base, events):
    page.goto(f"{base}/{EVENT_PAGE}?partner=CHN")
    assert page.locator(".events-chart :is(a, button, select, [tabindex])").count() == 2, "no stop at every mark"
    chosen = events[has_partner(events, {"CHN"})].sort_values(["date", "event_id"])
    timeline = page.get_by_role("slider")
    timeline.focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    assert chosen["summary"].iloc[0] in timeline.get_attribute("aria-valuetext")
    page.keyboard.press("End")
    assert timeline.get_attribute("aria-valuenow") == timeline.get_attribute("aria-valuemax") == str(len(chosen))
    last = marks(page)[-1]
    first = chosen["event_id"].iloc[0]
    assert page.get_by_role("rowheader", name=first).count() == 1, "in a card too, each cell belongs to an event"
    assert page.get_by_role("columnheader", name="Date", exact=True).get_attribute("aria-sort") == "ascending"
    page.keyboard.press("Enter")
    page.wait_for_url(f"**#{last}")
    assert page.evaluate("document.activeElement.id") == last
    page.get_by_role("button", name="Date").focus()
    page.keyboard.press("Enter")
    assert page.locator("th[aria-sort=descending]").count() == 1
    page.get_by_role("button", name="Show 50 more").focus()
    page.keyboard.press("Enter")
    assert page.locator("table.events tbody tr:visible").count() == min(100, len(chosen))
    page.get_by_role("button", name="Show all").press("Enter")
    assert page.locator("table.events tbody tr:visible").count() == len(chosen) and page.faults == []


def test_no_word_of_the_table_is_broken(page, address):
    page.goto(f"{address}/{EVENT_PAGE}")
    page.get_by_role("button", name="Show all").click()
    page.add_style_tag(content=".events :is(th, td:not(:nth-child(5))) { overflow-wrap: normal !important; }")
    cells = "[...document.querySelectorAll('.events :is(th, td:not(:nth-child(5)))')]"
    assert page.evaluate("document.querySelector('.events td').offsetParent.clientWidth") > 900, "a table, no cards"
    broken = f"{cells}.filter(cell => cell.scrollWidth > cell.clientWidth).map(cell => cell.innerText)"
    assert page.evaluate(broken) == []


def test_without_script_the_table_of_events_is_whole(browser, site, events):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site.as_uri()}/{EVENT_PAGE}")
    assert page.locator("table.events tbody tr:visible").count() == len(events)
    assert not page.locator(".events-filter").is_visible() and not page.locator(".events-timeline").is_visible()
    assert page.locator("noscript p").is_visible()
    context.close()


def test_hostile_events_are_shown_and_not_run(page, site, tmp_path):
    """The worst rows that a table could hold, and letters of other scripts, through the page's own code."""
    from course_events import markup
    from test_toolkit import HOSTILE
    from toolkit import data

    texts = [*HOSTILE, 'a "quoted", text | with `backticks` and\na line', "카자흐스탄 대통령", "Ёлка и Йошкар-Ола, Қазақстан"]
    table = data.load("events").head(len(texts)).copy()
    table["summary"] = texts
    table["place"], table["status"] = HOSTILE[0], "announced"
    table["source"] = [f"a-key, {text.replace(';', ',')}" for text in texts]
    partners = data.load("partners").assign(name=lambda p: p["name"] + HOSTILE[0])
    static = f"{site.as_uri()}/_static"
    links = f'<link rel="stylesheet" href="{static}/course.css"><link rel="stylesheet" href="{static}/events.css">'
    links += f'<script defer src="{static}/filter.js"></script><script defer src="{static}/events.js"></script>'
    body = markup(table, data.load("cameo"), partners, {"a-key": "https://example.invalid/?a&b=\"'<"})
    whole = f"<!DOCTYPE html><meta charset='utf-8'><title>t</title>{links}{body}"
    (tmp_path / "events.html").write_text(whole, "utf-8")
    ran = []
    page.on("dialog", lambda dialog: (ran.append(dialog.message), dialog.dismiss()))
    page.goto((tmp_path / "events.html").as_uri())
    assert page.locator("tbody td:nth-child(5) > span").all_text_contents() == texts
    page.get_by_role("slider").focus()
    for text in texts:
        page.keyboard.press("ArrowRight")
        assert text in page.locator(".events-shown").text_content()
    assert page.locator("img, tbody script, form script, figure script").count() == 0
    saved = pd.read_csv(io.BytesIO(downloaded(page)), dtype=str, keep_default_na=False)
    assert list(saved["summary"]) == texts and list(saved["source"]) == list(table["source"])
    for words, count in {"카자흐스탄": 1, "카자": 1, "елка йошкар": 1, "ҚАЗАҚСТАН": 1, "`BACKTICKS`": 1, "<b": 0}.items():
        page.get_by_label("Words").fill(words)
        if count:
            assert len(rows_left(page)) == count, words
    assert ran == [] and page.faults == []


@pytest.mark.parametrize("scheme, width", [("light", 1280), ("dark", 1280), ("light", 390), ("dark", 320)])
def test_axe_finds_nothing_in_filtered_pages(browser, address, scheme, width):
    """Few rows, for all are written by the same code; an event is chosen on the timeline, and one is linked."""
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 700}, bypass_csp=True)
    page = context.new_page()
    page.goto(f"{address}/{EVENT_PAGE}?status=announced&sort=-place")
    page.get_by_role("slider").press("End")
    page.get_by_role("slider").press("Enter")
    page.evaluate("document.querySelectorAll('tr[hidden]').forEach(row => row.remove())")
    assert barriers(page) == ""
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.goto(f"{address}/book/claims.html?document=S0&verdict=wrong")
    claim = page.locator(".claims-ledger > li:visible").first.get_attribute("id")
    page.goto(f"{page.url}#{claim}")
    page.evaluate("document.querySelectorAll('li[hidden]').forEach(entry => entry.remove())")
    assert barriers(page) == ""
    context.close()
