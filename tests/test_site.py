"""The built book as files: it is whole, asks no other host for anything, and every picture says what it shows."""

import gzip
import re
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup
from conftest import CHAPTERS, NOTEBOOKS, is_external, pages

# Elements that make a browser ask for something, with the attribute that says what.
RESOURCES = [
    ("script", "src"),
    ("link", "href"),
    ("img", "src"),
    ("iframe", "src"),
    ("source", "src"),
    ("video", "src"),
    ("object", "data"),
]


@pytest.fixture(scope="module")
def soups(site):
    return {page: BeautifulSoup((site / page).read_text("utf-8"), "html.parser") for page in pages(site)}


def inside(soup):
    """The documents of the maps of a page."""
    return [BeautifulSoup(frame["srcdoc"], "html.parser") for frame in soup.find_all("iframe", srcdoc=True)]


def test_every_chapter_has_a_page(site):
    assert {f"book/{path.stem}.html" for path in CHAPTERS} <= set(pages(site))


def test_every_chapter_explains_terms_of_the_glossary(soups):
    chapters = [path.stem for path in NOTEBOOKS if "} In this chapter" in path.read_text("utf-8")]
    for stem in chapters:
        page = f"book/{stem}.html"
        links = soups[page].select("a:has(> .std-term)")
        assert len(links) >= 5 or stem == "coding-handbook", page
        for link in links:
            note = soups[page].find(id=f"note-{link['href'].partition('#')[2]}")
            assert len(note.find_all("p")) >= 2, f"{page}: {link}"
            assert all(form["lang"] in ("ko", "ru", "kk") for form in note.find_all("span"))


def test_the_address_of_the_book_leads_to_its_first_page(site, soups):
    assert (
        "book/index.html"
        in soups["index.html"].find("meta", attrs={"http-equiv": re.compile("refresh", re.I)})["content"]
    )


def test_no_page_asks_another_host_for_anything(soups):
    for page, soup in soups.items():
        for document in [soup, *inside(soup)]:
            for tag, attribute in RESOURCES:
                for element in document.find_all(tag):
                    if tag == "link" and "canonical" in element.get("rel", []):
                        continue
                    assert not is_external_link(element.get(attribute, "")), f"{page}: {element}"


def is_external_link(address):
    return address.startswith("//") or (bool(urlsplit(address).scheme) and is_external(address))


def test_no_style_sheet_asks_another_host_for_anything(site):
    for path in site.rglob("*.css"):
        for address in re.findall(r"""url\(\s*["']?([^"')]+)""", path.read_text("utf-8")):
            assert not is_external_link(address), f"{path.name}: {address}"


def test_every_whole_page_forbids_other_hosts(soups):
    for page, soup in soups.items():
        if page == "index.html":
            continue  # only leads on
        policy = soup.find("meta", attrs={"http-equiv": "Content-Security-Policy"})["content"]
        assert "default-src 'self'" in policy and "http" not in policy, page


def test_every_link_and_resource_inside_the_book_resolves(site, soups):
    ids = {page: {element["id"] for element in soup.find_all(id=True)} for page, soup in soups.items()}
    for page, soup in soups.items():
        folder = (site / page).parent
        found = [
            (tag, element.get(attribute))
            for tag, attribute in [("a", "href"), *RESOURCES]
            for element in soup.find_all(tag)
        ]
        found += [
            ("in a map", element.get(a))
            for inner in inside(soup)
            for t, a in RESOURCES
            for element in inner.find_all(t)
        ]
        for tag, address in found:
            if not address or re.match(r"[a-z]+:|//", address):
                continue
            parts = urlsplit(address)
            target = (folder / unquote(parts.path)).resolve() if parts.path else site / page
            assert target.is_file(), f"{page}: {tag} {address}"
            if parts.fragment and tag == "a" and target.suffix == ".html":
                there = target.relative_to(site.resolve()).as_posix() if parts.path else page
                assert unquote(parts.fragment) in ids[there], f"{page}: no place {address}"


def test_every_picture_says_what_it_shows(soups):
    for page, soup in soups.items():
        for picture in soup.find_all("img"):
            alt = picture.get("alt", "")
            assert len(alt) >= 40 and "/" not in alt[:60] and not alt.endswith(".png"), f"{page}: {alt!r}"


def test_every_map_has_a_title_and_a_description(soups):
    titles = {}
    for page, soup in soups.items():
        for figure in soup.select("figure.course-map"):
            assert figure.iframe["title"] and len(figure.figcaption.get_text()) > 60, page
            titles.setdefault(page, []).append(figure.iframe["title"])
    assert "book/export-pipelines.html" in titles
    for page, found in titles.items():
        assert len(found) == len(set(found)), f"{page}: two maps of one name"


def test_maps_of_the_site_share_leaflet_and_the_base_map(soups):
    for page, soup in soups.items():
        for frame in soup.find_all("iframe", srcdoc=True):
            assert "../_static/maps/leaflet.js" in frame["srcdoc"], page
            assert "Leaflet 1.9" not in frame["srcdoc"] and "courseBasemap =" not in frame["srcdoc"], page


def test_a_page_does_not_load_the_same_thing_twice(soups):
    for page, soup in soups.items():
        addresses = [script["src"].partition("?")[0] for script in soup.find_all("script", src=True)]
        assert len(addresses) == len(set(addresses)), page
        assert not [address for address in addresses if "fontawesome" in address or "thebe" in address], page


def test_every_chapter_has_a_description_and_a_language(soups):
    for path in CHAPTERS:
        soup = soups[f"book/{path.stem}.html"]
        assert soup.html["lang"] == "en"
        if path.stem != "references":
            assert 60 <= len(soup.find("meta", attrs={"name": "description"})["content"]) <= 160, path.stem


def test_nothing_of_this_machine_is_published(site):
    here = str(site.parents[1])
    for path in [*site.rglob("*.html"), *site.rglob("*.js")]:
        assert here not in path.read_text("utf-8", errors="replace"), path


def test_no_error_is_shown(soups):
    for page, soup in soups.items():
        assert "Traceback" not in soup.get_text(), page
        assert not soup.select(".system-message, .problematic, .output.stderr, .output.traceback"), page


def test_every_event_stands_on_its_page(soups):
    """With its text, its code and a link to each source; the page is light."""
    from toolkit import data

    soup = soups["book/events.html"]
    rows = {row["id"]: row for row in soup.select("table.events tbody tr")}
    keys = set()
    for event in data.load("events").itertuples():
        row = rows.pop(event.event_id)
        assert row.span.string == event.summary and row.small.get_text() == event.source
        assert row.time["datetime"] == f"{event.date:%Y-%m-%d}"[: {"day": 10, "month": 7, "year": 4}[event.precision]]
        assert row.find_all("td")[5].string.startswith(f"{event.cameo} ")
        assert [link.string for link in row.small.find_all("a")] == [key for key, _ in data.cited(event.source)]
        keys |= {(link.string, link["href"]) for link in row.small.find_all("a")}
    assert not rows
    for key, address in keys:
        page, _, place = address.partition("#")
        assert soups[f"book/{page}"].find(id=place).find(class_="label").get_text(strip=True).strip("[]") == key


def test_the_page_of_events_weighs_less_than_250_kilobytes(site):
    """The page itself and its own files, compressed as a server does it."""
    own = [site / "book/events.html", *(site / "_static" / name for name in ("filter.js", "events.js", "events.css"))]
    assert sum(len(gzip.compress(path.read_bytes())) for path in own) < 250_000


def test_filters_are_loaded_only_where_something_is_filtered(soups):
    for page, soup in soups.items():
        scripts = {script["src"].partition("?")[0].rpartition("/")[2] for script in soup.find_all("script", src=True)}
        expected = {"book/claims.html": {"filter.js", "claims.js"}, "book/events.html": {"filter.js", "events.js"}}
        assert scripts & {"filter.js", "claims.js", "events.js"} == expected.get(page, set()), page
