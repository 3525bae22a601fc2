"""What the site says of itself to search engines, previews and readers who are lost.

Every page has a description, a card for previews and, where the vocabulary of schema.org has a word for it, a mark of what
it is: ``Course`` the first page, ``LearningResource`` a chapter, ``Dataset`` the page of the data. They say what the page
says: goals and time are taken from its box *In this chapter*, tables from the descriptor.

Previews, canonical links and the site map need the address of the site, which is one line of ``_config.yml`` (``html:
baseurl:``). Without it a build prints none. There is no robots.txt, as one in the folder of a site is not read.
"""

import json
import re
from pathlib import Path
from urllib.parse import urljoin, urlsplit
from xml.sax.saxutils import escape

from course_build import DATA, STATIC
from course_data import anchor
from course_pages import set_policy, written, written_page
from docutils import nodes
from lxml.html import Element, document_fromstring, fragment_fromstring
from PIL import Image
from sphinx.errors import ConfigError, ExtensionError

LICENCE = "https://creativecommons.org/licenses/by/4.0/"
LEVEL = "First year of university studies"
DATA_PAGE = "book/data"
CARD = "card.png"
CARD_TEXT = "Kazakhstan and the powers around it: the course's picture"
MISSING_PAGE = Path(__file__).with_suffix(".html")

# A missing page may have stood in any folder, so that its links cannot say where the course begins: look for it.
FIND_ROOT = """
(async () => {
  let folder = location.pathname.replace(/[^/]*$/, "");
  while (folder && location.protocol !== "file:") {
    if ((await fetch(folder + "book/index.html", { method: "HEAD" })).ok) {
      document.querySelectorAll("a").forEach((link) => { link.href = folder + link.getAttribute("href"); });
      return;
    }
    folder = folder.replace(/[^/]*\\/$/, "");
  }
})();
"""


def setup(app):
    app.connect("config-inited", check_address)
    app.connect("doctree-read", read_chapter)
    app.connect("env-updated", renew_course)
    app.connect("html-page-context", describe_page)
    app.connect("build-finished", write_site_pages, priority=400)  # before the theme's own first page, and publishing
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def check_address(app, config):
    address = config.html_baseurl
    parts = urlsplit(address)
    if address and (parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment):
        raise ConfigError(f"_config.yml, html: baseurl: {address!r} is not the address of a site, https://HOST/FOLDER/")
    config.html_baseurl = address and f"{address.rstrip('/')}/"


# Chapters


def read_chapter(app, doctree):
    """Keep goals and minutes of a chapter with what Sphinx knows of its page."""
    for box in doctree.findall(nodes.admonition):
        if box.next_node(nodes.title).astext() != "In this chapter":
            continue
        goals = [item.astext().rstrip(",.").removesuffix(", and") for item in box.findall(nodes.list_item)]
        minutes = minutes_in(box.astext())
        if not goals or not minutes:
            name = app.env.docname
            raise ExtensionError(f"{name}: the box 'In this chapter' needs a list of goals and 'Time: about N minutes'")
        app.env.metadata[app.env.docname].update(goals=goals, minutes=minutes)


def minutes_in(text):
    """Minutes of a chapter: the sum of what the sentence after ``Time:`` names, as of text and exercises."""
    sentence = re.search(r"Time:([^.]*)\.", text)
    return sum(map(int, re.findall(r"\d+", sentence[1]))) if sentence else 0


def chapters(env):
    """Names of the pages that have goals and a time, in the order of the contents."""
    contents = env.toctree_includes.get(env.config.root_doc, [])
    return [name for name in contents if "minutes" in env.metadata[name]]


def renew_course(app, env):
    """The first page has the time of all chapters."""
    times = {name: env.metadata[name]["minutes"] for name in chapters(env)}
    same = getattr(env, "course_times", times) == times
    env.course_times = times
    return [] if same else [env.config.root_doc]


# Pages


def describe_page(app, pagename, templatename, context, doctree):
    """Description, card and mark of a page, at its head."""
    title = fragment_fromstring(context.get("title") or app.config.html_title, "p").text_content()
    paragraphs = doctree.findall(nodes.paragraph) if doctree else []
    paragraph = next((text for p in paragraphs if len(text := " ".join(p.astext().split())) > 60), "")
    description = shorten(paragraph, 160)
    tags = [{"name": "description", "content": description}] if description else []
    tags += card(app, pagename, title, description)
    elements = [Element("meta", attributes) for attributes in tags]
    if mark := mark_of(app, pagename, title, paragraph):
        script = Element("script", type="application/ld+json")
        text = json.dumps({"@context": "https://schema.org", **mark}, ensure_ascii=False)
        script.text = text.replace("<", "\\u003c")
        elements.append(script)
    context["metatags"] = context.get("metatags", "") + "".join(map(written, elements))


def shorten(text, length):
    return text if len(text) <= length else text[: length - 3].rsplit(" ", 1)[0] + " …"


def card(app, pagename, title, description):
    """Open Graph and Twitter: what a preview of a link shows."""
    address = app.config.html_baseurl
    facts = {
        "og:type": "website" if pagename == app.config.root_doc else "article",
        "og:site_name": app.config.html_title,
        "og:title": title,
        "og:description": description,
        "og:locale": "en_GB",
    }
    picture = STATIC / CARD
    if address:
        facts["og:url"] = f"{address}{pagename}.html"
    if address and picture.exists():
        with Image.open(picture) as image:
            facts["og:image:width"], facts["og:image:height"] = map(str, image.size)
        facts |= {"og:image": f"{address}_static/{CARD}", "og:image:alt": CARD_TEXT}
    kind = "summary_large_image" if "og:image" in facts else "summary"
    return [
        *({"property": name, "content": value} for name, value in facts.items() if value),
        {"name": "twitter:card", "content": kind},  # it reads the rest from the above
    ]


def mark_of(app, pagename, title, description):
    """What a page is in the words of schema.org, or nothing."""
    env = app.env
    facts = {"name": title, "description": description, "inLanguage": app.config.language, "license": LICENCE}
    facts |= {"isAccessibleForFree": True, "author": {"@type": "Organization", "name": app.config.author}}
    if app.config.html_baseurl:
        facts["url"] = f"{app.config.html_baseurl}{pagename}.html"

    def link(target):
        relative = app.builder.get_relative_uri(pagename, target)
        return urljoin(facts.get("url", ""), relative)

    if pagename == app.config.root_doc and chapters(env):
        time = duration(sum(env.metadata[name]["minutes"] for name in chapters(env)))
        return {
            "@type": "Course",
            **facts,
            "educationalLevel": LEVEL,
            "timeRequired": time,
            "offers": {"@type": "Offer", "category": "Free"},
            "hasCourseInstance": {"@type": "CourseInstance", "courseMode": "Online", "courseWorkload": time},
            "hasPart": [
                {"@type": "LearningResource", "name": env.titles[name].astext(), "url": link(name)}
                for name in chapters(env)
            ],
        }
    if "minutes" in env.metadata.get(pagename, {}):
        return {
            "@type": "LearningResource",
            **facts,
            "educationalLevel": LEVEL,
            "learningResourceType": "chapter",
            "timeRequired": duration(env.metadata[pagename]["minutes"]),
            "teaches": env.metadata[pagename]["goals"],
            "isPartOf": {"@type": "Course", "name": app.config.html_title, "url": link(app.config.root_doc)},
        }
    if pagename == DATA_PAGE:
        return datasets(app, pagename, facts)


def duration(minutes):
    """ISO 8601, as ``PT1H15M``."""
    hours, rest = divmod(minutes, 60)
    return "PT" + (f"{hours}H" if hours else "") + (f"{rest}M" if rest else "")


def datasets(app, pagename, facts):
    """The data package and each of its tables, as the descriptor has them."""
    package = json.loads((DATA / "datapackage.json").read_text("utf-8"))
    address = facts.get("url", "")
    files = {resource["name"]: app.env.dlfiles["data/" + resource["path"]][1] for resource in package["resources"]}
    return {
        "@type": "Dataset",
        **facts,
        "name": package["title"],
        "description": package["description"],
        "version": package["version"],
        "hasPart": [
            {
                "@type": "Dataset",
                "name": resource["title"],
                "description": resource["description"],
                "url": f"{address}#{anchor(resource)}",
                "license": [
                    licence.get("path") or {"@type": "CreativeWork", "name": licence["title"]}
                    for licence in resource["licenses"]
                ],
                "distribution": {
                    "@type": "DataDownload",
                    "encodingFormat": resource["mediatype"],
                    "contentUrl": urljoin(address, f"../_downloads/{files[resource['name']]}"),
                },
            }
            for resource in package["resources"]
        ],
    }


# The site


def write_site_pages(app, exception):
    """The pages that no chapter makes: where the site begins, where an address leads nowhere, and the list of all."""
    if exception or app.builder.name != "html":
        return
    root, title = app.config.root_doc, escape(app.config.html_title)
    address = app.config.html_baseurl
    script = "" if address else f"<script>{FIND_ROOT}</script>"
    pages = {
        "404.html": MISSING_PAGE.read_text("utf-8").format(title=title, root=address, script=script),
        "index.html": f'<html lang="{app.config.language}"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta http-equiv="refresh" content="0; url={root}.html"></head>'
        f'<body><a href="{root}.html">{title}</a></body></html>\n',
    }
    for name, text in pages.items():
        page = document_fromstring(text)
        set_policy(page)
        (app.outdir / name).write_text(written_page(page), "utf-8")
    (app.outdir / ".nojekyll").touch()  # GitHub Pages would leave out folders that begin with an underscore
    sitemap = app.outdir / "sitemap.xml"
    sitemap.unlink(missing_ok=True)  # of a build with an address
    if address:
        names = [*sorted(app.env.all_docs), "genindex"]
        places = "".join(f"<url><loc>{escape(address + name)}.html</loc></url>\n" for name in names)
        sitemap.write_text(
            '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
            f"{places}</urlset>\n",
            "utf-8",
        )
