"""Finished pages, made lighter, accessible and self-contained.

Sphinx's template bridge sees each page as text after the theme has written it. Every rule below mends one fault of the
theme or of a library, and says which. A rule that finds nothing to mend where it always should stops the build, so that
a new version of the theme cannot bring a fault back unseen.
"""

import re

from bs4 import BeautifulSoup
from docutils import nodes
from sphinx.errors import ExtensionError
from sphinx.jinja2glue import BuiltinTemplateLoader

# Nothing but the site itself; Leaflet and the theme style elements inline.
POLICY = "default-src 'self' 'unsafe-inline' data: blob:; object-src 'none'; base-uri 'self'; form-action 'self'"

# The theme sets the colour mode after the page is drawn, which flashes in dark mode. Said before the first paint:
MODE_SCRIPT = (
    'document.documentElement.dataset.mode = localStorage.getItem("mode") || "auto";'
    'document.documentElement.dataset.theme = localStorage.getItem("theme") || '
    '(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");'
)


class PageFinisher(BuiltinTemplateLoader):
    """The standard template loader, with a last hand on whole pages."""

    def render(self, template, context):
        text = super().render(template, context)
        if not text.lstrip()[:20].lower().startswith("<!doctype html") or "pagename" not in context:
            return text  # a part of a page
        return finish_page(text, context["pagename"])


def setup(app):
    app.config.template_bridge = "course_pages.PageFinisher"
    app.connect("html-page-context", describe_page)
    app.connect("doctree-resolved", require_text_alternatives)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def finish_page(text, name):
    """Apply every rule to one page."""
    page = BeautifulSoup(text, "html.parser")
    for rule in (
        drop_unused_scripts,
        drop_late_digest,
        set_policy,
        set_mode_early,
        mend_labels,
        mend_landmarks,
        mend_tables,
        mend_bibliography,
        mend_links_out,
    ):
        if rule(page) is False:
            raise ExtensionError(f"{name}: the rule {rule.__name__} found nothing to mend; has the theme changed?")
    return str(page)


def drop_unused_scripts(page):
    """fontawesome.js (540 kB gzip) only redraws icons that the style sheet already draws; thebe is loaded twice and
    never used; the search index is loaded on every page for search-as-you-type, and search works without."""
    dropped = 0
    for tag in page.find_all(["script", "link"]):
        address = tag.get("src") or tag.get("href") or ""
        inline = tag.string or ""
        if "fontawesome" in address and address.split("?")[0].endswith(".js"):
            dropped += 1
        elif "thebe" not in address and "thebe" not in inline.lower():
            continue
        tag.decompose()
    return dropped > 0


def drop_late_digest(page):
    """MyST-NB and sphinx-exercise copy their style sheets late: Sphinx adds a digest only from the second build on."""
    for sheet in page.select('link[href*="mystnb."], link[href*="exercise.css"]'):
        sheet["href"] = sheet["href"].partition("?")[0]


def set_policy(page):
    """No page may ask another host for anything."""
    meta = page.new_tag("meta")
    meta.attrs = {"http-equiv": "Content-Security-Policy", "content": POLICY}
    page.head.insert(0, meta)


def set_mode_early(page):
    """Resolve the colour mode "auto" before the first paint."""
    script = page.find("script", string=re.compile(r"documentElement\.dataset\.mode"))
    if not script:
        return False
    script.string = MODE_SCRIPT


def mend_labels(page):
    """axe label-content-name-mismatch: an accessible name must hold the words that are shown."""
    buttons = page.select("button.search-button-field, button.theme-switch-button")
    for button in buttons:
        if "search-button-field" in button["class"]:
            del button["title"], button["aria-label"]
        for icon in button.find_all(["svg", "i"]):
            del icon["title"]
            icon["aria-hidden"] = "true"
    for summary in page.select("summary[aria-label]"):
        del summary["aria-label"]
    return bool(buttons)


def mend_landmarks(page):
    """axe region: the sidebar with logo and search belongs to no landmark."""
    sidebar = page.select_one("#pst-primary-sidebar")
    if sidebar is None:
        return False
    sidebar["role"], sidebar["aria-label"] = "navigation", "Book"


def mend_tables(page):
    """axe empty-table-header: pandas writes an empty header cell in the corner of a table."""
    for cell in page.select("table.dataframe th"):
        if not cell.get_text(strip=True):
            cell.name = "td"
            del cell["scope"]


def mend_bibliography(page):
    """axe aria-deprecated-role, aria-required-children: docutils gives the items of a list a role that is given up."""
    for entry in page.select('[role="doc-biblioentry"]'):
        entry["role"] = "listitem"


def mend_links_out(page):
    """A link to another host must not hand it the address of the page."""
    for link in page.select('a[href^="http"]'):
        link["rel"] = "noopener noreferrer"


def describe_page(app, pagename, templatename, context, doctree):
    """Search engines and previews show the first paragraph of a page."""
    if doctree is None:
        return
    paragraph = next((p for p in doctree.findall(nodes.paragraph) if len(p.astext()) > 60), None)
    if paragraph is None:
        return
    text = " ".join(paragraph.astext().split())
    if len(text) > 160:
        text = text[:157].rsplit(" ", 1)[0] + " …"
    tag = BeautifulSoup("", "html.parser").new_tag("meta")
    tag.attrs = {"name": "description", "content": text}
    context["metatags"] = context.get("metatags", "") + str(tag)


def require_text_alternatives(app, doctree, docname):
    """A picture without a text alternative gets its file path for one, which no tool complains of: stop instead."""
    for image in doctree.findall(nodes.image):
        alt = image.get("alt", "")
        if len(alt) < 15 or alt == image["uri"] or "_build/" in alt or "jupyter_execute" in alt:
            raise ExtensionError(
                f"{docname}: a picture has no text alternative; write `mystnb: image: alt:` at the head of its cell"
            )
