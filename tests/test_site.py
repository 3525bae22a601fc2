"""The built book as files: it is whole, asks no other host for anything, and every picture says what it shows."""

import base64
import gzip
import hashlib
import io
import re
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup
from conftest import CHAPTERS, NOTEBOOKS, ROOT, is_external, pages
from course_scripts import BASIC, shorten
from course_styles import JOINED, icons_in, join
from fontTools.ttLib import TTFont
from PIL import Image
from sphinx.errors import ExtensionError

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
    return [BeautifulSoup(frame["data-srcdoc"], "html.parser") for frame in soup.find_all("iframe")]


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


def test_every_whole_page_forbids_other_hosts_and_scripts_that_were_not_there(soups):
    """The policy names the scripts inside the page and its maps, and no other."""
    for page, soup in soups.items():
        policy = soup.head.find(True)
        assert policy["http-equiv"] == "Content-Security-Policy", f"{page}: the policy must come before all else"
        rules = {rule.split()[0]: rule.split()[1:] for rule in policy["content"].split(";")}
        assert rules["default-src"] == ["'self'", "data:", "blob:"] and rules["object-src"] == ["'none'"], page
        assert rules["style-src"] == ["'self'", "'unsafe-inline'"] and rules["base-uri"] == ["'self'"], page
        scripts = [
            script.string
            for document in [soup, *inside(soup)]
            for script in document.find_all("script", src=False)
            if script.get("type") != "application/ld+json"
        ]
        digests = {base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in scripts}
        assert set(rules["script-src"]) == {"'self'", *(f"'sha256-{digest}'" for digest in digests)}, page


def test_no_script_stands_in_an_attribute(soups):
    for page, soup in soups.items():
        for document in [soup, *inside(soup)]:
            for element in document.find_all(True):
                assert not [name for name in element.attrs if name.startswith("on")], f"{page}: {element}"
                assert not str(element.get("href", "")).startswith("javascript:"), f"{page}: {element}"


# Their text is the whole of a long table.
LONG = {"book/events.html": 168, "book/claims.html": 150}


def test_pages_are_light(site, soups):
    """In kB, as a server that compresses sends them: 100 a page with its styles and scripts, 250 with its pictures, 300 with
    maps too."""
    for page, soup in soups.items():
        documents = [soup, *inside(soup)]
        files = {link["href"] for d in documents for link in d.select('link[rel="stylesheet"]')}
        files |= {script["src"] for d in documents for script in d.select("script[src]")}
        pictures = {picture["src"] for picture in soup.select("img[src]")}
        maps = {file for file in files if "/maps/" in file}

        def weigh(addresses):
            paths = [(site / page).parent / address.partition("?")[0] for address in addresses]
            return sum(len(gzip.compress(path.read_bytes())) for path in paths) / 1000

        text = (site / page).read_bytes()
        own = len(gzip.compress(re.sub(rb""" data-srcdoc=("[^"]*"|'[^']*')""", b"", text))) / 1000 + weigh(files - maps)
        if page != "search.html":  # has the index
            assert own < LONG.get(page, 100), f"{page}: {own:.0f} kB"
        whole = len(gzip.compress(text)) / 1000 + weigh(files | pictures)
        assert whole < (300 if maps else 250), f"{page}: {whole:.0f} kB"


def test_a_picture_has_its_room_before_it_is_there(site, soups):
    for page, soup in soups.items():
        for picture in soup.select('img[src*="_images/"]'):
            with Image.open((site / page).parent / picture["src"]) as image:
                assert (int(picture["width"]), int(picture["height"])) == image.size, page
                assert image.mode == "P" and picture["loading"] == "lazy", page


def test_one_style_sheet_has_the_rules_of_all_and_names_its_own_content(site, soups):
    sheet = (site / "_static" / JOINED).read_bytes()
    for page, soup in soups.items():
        names = [link["href"].rpartition("/")[2] for link in soup.select('link[rel="stylesheet"]')]
        if page not in ("index.html", "404.html"):  # these only lead on
            assert names[0] == f"{JOINED}?v={hashlib.sha256(sheet).hexdigest()[:8]}"
            assert len(names) == (2 if page == "book/events.html" else 1), f"{page}: {names}"


def test_the_icons_that_are_used_are_in_the_style_sheet(site):
    sheet = (site / "_static" / JOINED).read_text("utf-8")
    fonts = [TTFont(io.BytesIO(base64.b64decode(text))) for text in re.findall(r"font/woff;base64,([^\"]+)", sheet)]
    drawn = {chr(code) for font in fonts for code in font.getBestCmap()}
    assert "\uf019" in drawn, "the sign for a download"
    assert len(drawn) < 100 and icons_in(sheet) <= drawn


def test_icons_in_outline_come_only_where_they_are_asked_for(site):
    def faces(sheet):
        return re.findall(r"@font-face\{[^}]*Awesome\\ 6 Free;[^}]*font-weight:(\d+)", sheet)

    theme = [site / "_static" / "styles" / "pydata-sphinx-theme.css"]
    assert faces(join(theme, {"fa-file", "fa-solid", "fa-regular"})) == ["900", "400"]
    assert faces(join(theme, {"fa-file", "fa-solid"})) == ["900"]
    assert faces((site / "_static" / JOINED).read_text("utf-8")) == ["900"]


def test_scripts_are_short_and_say_whose_they_are(site):
    scripts = [*(ROOT / "book" / "_static").glob("*.js"), BASIC / "doctools.js"]
    for path in scripts:
        made, written = (site / "_static" / path.name).read_text("utf-8"), path.read_text("utf-8")
        assert made == shorten(written) and len(made) < 0.9 * len(written), path.name
    assert "Copyright" in (site / "_static" / "doctools.js").read_text("utf-8").partition("*/")[0]
    script = "/* Copyright: us */\n// why\nconst a = 'http://x  y'; /* b */\n\nlet c = a + ++d; return /[/]  \\/\\//.test(`  ${ c }`)\n"
    short = "/* Copyright: us */\nconst a='http://x  y';let c=a+ ++d;return/[/]  \\/\\//.test(`  ${ c }`)"
    assert shorten(script) == short
    with pytest.raises(ExtensionError, match="a template inside a template"):
        shorten("const a = `one ${b ? `two  ${c}` : ''}`;")


def test_a_rule_stays_if_it_may_apply(tmp_path):
    folder = tmp_path / "_static"
    folder.mkdir()
    (folder / "a.css").write_text(
        '@charset "UTF-8"; @import "b.css"; /* a */ .kept, .gone, p > .kept.gone { color: red } #gone { color: blue }\n'
        "p:not(.gone) { top: 0 } a[href='.gone'] { top: 1px } :is(.gone, b) { top: 2px }\n"
        "@media print { .gone { top: 3px } .kept\n a { top: 4px } } @media screen { .gone { top: 5px } }\n"
        "@supports (top: 0) { #kept { top: 6px } } @keyframes turn { to { top: 7px } } .a\\:b { top: 8px }",
        "utf-8",
    )
    assert join([folder / "a.css"], {"kept", "a:b"}) == (
        ".kept{color: red}p:not(.gone){top: 0}a[href=\".gone\"]{top: 1px}:is(.gone, b){top: 2px}"
        "@media print{.kept a{top: 4px}}@supports (top: 0){#kept{top: 6px}}@keyframes turn{to { top: 7px }}.a\\:b{top: 8px}\n"
    )
    (tmp_path / "c.css").write_text("p { background: url(x.png) }", "utf-8")
    with pytest.raises(ExtensionError, match="c.css: a rule asks for a file in another folder"):
        join([tmp_path / "c.css"], set())


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
        for picture in soup.select("img:not(.logo__image)"):  # the mark stands beside the course's name, in one link
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
        for frame in soup.find_all("iframe"):
            assert "../_static/maps/leaflet.js" in frame["data-srcdoc"], page
            assert "Leaflet 1.9" not in frame["data-srcdoc"] and "courseBasemap =" not in frame["data-srcdoc"], page
            assert "srcdoc" not in frame.attrs and int(frame["height"]) > 300, f"{page}: a map has its room before it is drawn"


def test_a_page_does_not_load_the_same_thing_twice(soups):
    for page, soup in soups.items():
        addresses = [script["src"].partition("?")[0] for script in soup.find_all("script", src=True)]
        assert len(addresses) == len(set(addresses)), page
        assert not [address for address in addresses if re.search("fontawesome|thebe|bootstrap|searchindex", address)] or page == "search.html", page


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


def test_filters_are_loaded_only_where_something_is_filtered(soups):
    for page, soup in soups.items():
        scripts = {script["src"].partition("?")[0].rpartition("/")[2] for script in soup.find_all("script", src=True)}
        expected = {"book/claims.html": {"filter.js", "claims.js"}, "book/events.html": {"filter.js", "events.js"}}
        assert scripts & {"filter.js", "claims.js", "events.js"} == expected.get(page, set()), page


# The settings of a small book with a bibliography.
CITES = "bibtex_bibfiles = ['refs.bib']\nbibtex_reference_style = 'author_year'\nbibtex_default_style = 'course'\n"


def test_a_source_that_changes_reaches_the_pages_that_cite_it(tmp_path):
    from sphinx.testing.util import SphinxTestApp

    def build(author):
        entry = "title = {{T}}, year = {{2001}}, note = {{N}}, keywords = {{press}}, url = {{https://example.org/{0}}}"
        entries = [f"@misc{{{key}, author = {{{{{name}}}}}, {entry.format(key)}}}" for key, name in {"a-1": author, "b-1": "B"}.items()]
        (tmp_path / "refs.bib").write_text("\n".join(entries), "utf-8")
        app = SphinxTestApp("html", srcdir=tmp_path)
        app.build()
        app.cleanup()
        return {name: (app.outdir / f"{name}.html").read_text("utf-8") for name in ("index", "other")}

    (tmp_path / "index.rst").write_text("I\n=\n\n:cite:p:`a-1`\n\n.. toctree::\n\n   other\n   list\n", "utf-8")
    (tmp_path / "other.rst").write_text("O\n=\n\n:cite:p:`b-1`\n", "utf-8")
    (tmp_path / "list.rst").write_text("L\n=\n\n.. bibliography::\n", "utf-8")
    (tmp_path / "conf.py").write_text(f"extensions = ['course_references']\n{CITES}", "utf-8")
    before, after = build("First"), build("Second")
    assert "First" in before["index"] and "Second" in after["index"] and "First" not in after["index"]
    assert before["other"] == after["other"]


def test_text_of_tables_is_never_code(tmp_path, monkeypatch):
    """The worst text in every field of the glossary, the descriptor and the bibliography, through pages and notes.
    The same for maps: test_toolkit; for claims: test_claims; for the table of events: test_browser."""
    import course_data
    from sphinx.testing.util import SphinxTestApp
    from test_toolkit import HOSTILE
    from toolkit import data

    bad = " ".join(HOSTILE)
    forms = dict.fromkeys(("english", "korean", "russian", "kazakh", "definition"), bad)
    package = data.package()
    resource = next(resource for resource in package["resources"] if resource["name"] == "glossary")
    for part in (resource, *resource["schema"]["fields"]):
        part.update({name: bad.replace("`", "") for name in ("title", "description") if name in part})
    resource["gaps"], resource["licenses"][0]["title"] = [bad.replace("`", "")], bad
    monkeypatch.setattr(course_data, "read_glossary", lambda: [{**forms, "term_id": "t-1", "see": "index"}])
    monkeypatch.setattr(data, "load", lambda name, table=data.load("glossary"): table)
    monkeypatch.setattr(data, "package", lambda: {"resources": [resource]})
    entry = "".join(f"{name} = {{{bad}}}, " for name in ("author", "title", "year", "note", "keywords", "url"))
    (tmp_path / "refs.bib").write_text(f"@misc{{a-1, {entry}}}", "utf-8")
    (tmp_path / "index.rst").write_text("Home\n====\n\n:term:`t-1` :cite:p:`a-1`\n\n.. toctree::\n\n   terms\n", "utf-8")
    (tmp_path / "terms.rst").write_text("T\n=\n\n.. glossary-terms::\n\n.. bibliography::\n\n.. data-package::\n", "utf-8")
    (tmp_path / "conf.py").write_text(f"extensions = ['course_data', 'course_references']\n{CITES}", "utf-8")
    app = SphinxTestApp("html", srcdir=tmp_path)
    app.build()
    app.cleanup()
    for name in ("index", "terms"):
        page = BeautifulSoup((app.outdir / f"{name}.html").read_text("utf-8"), "html.parser")
        body = page.select_one("div.body")
        assert not body.find_all(["script", "img"]), name
        assert " ".join(body.get_text().split()).count("</script><script>alert(1)</script>") >= 2, name
        for element in page.find_all(True):
            assert not [attribute for attribute in element.attrs if attribute.startswith("on")], element
