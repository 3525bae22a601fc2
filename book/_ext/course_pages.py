"""Finished pages, made lighter, accessible and self-contained.

Sphinx's template bridge sees each page as text after the theme has written it. Every rule below mends one fault of the
theme or of a library, and says which. A rule that finds nothing to mend where it always should stops the build, so that
a new version of the theme cannot bring a fault back unseen.
"""

import base64
import hashlib
import os
import re
from pathlib import Path

from course_languages import mark_languages
from course_styles import link_to_joined
from docutils import nodes
from jinja2 import FileSystemBytecodeCache
from lxml.etree import Comment
from lxml.html import document_fromstring, tostring
from PIL import Image
from sphinx.errors import ExtensionError
from sphinx.jinja2glue import BuiltinTemplateLoader

# Nothing but the site itself, and of scripts in the page those that the build knows. Leaflet and the theme style elements
# one by one. The frames of maps inherit the policy.
POLICY = (
    "default-src 'self' data: blob:; script-src 'self' {scripts}; style-src 'self' 'unsafe-inline'; "
    "object-src 'none'; base-uri 'self'; form-action 'self'"
)

# Scripts that only some pages need, with the classes, or the id, of an element that needs them.
CODE, TOGGLES, SEARCH = [{"highlight"}], [{"toggle"}, {"admonition", "dropdown"}], [{"#search-results"}]
NEEDED_BY = {
    "clipboard.min.js": CODE,
    "copybutton.js": CODE,
    "togglebutton.js": TOGGLES,
    "design-tabs.js": [{"sd-tab-set"}],
    "notes.js": [{"page-notes"}],
    "maps.js": [{"course-map"}],
    "quiz.js": [{"quiz-question"}],
    "search.js": SEARCH,
    "searchtools.js": SEARCH,
    "language_data.js": SEARCH,
    "searchindex.js": SEARCH,
}
# Settings inside the page, with the script that reads them. Those of DOCUMENTATION_OPTIONS come before the object is there:
# they name the page, for a menu of versions, and switch search-as-you-type off, which the theme takes for off anyway.
SETTINGS = {
    r">(let toggle|var togglebutton)": "togglebutton.js",
    r"x-thebe-config|kernelName|thebe": "sphinx-thebe.js",
    r">DOCUMENTATION_OPTIONS\.": "version-switcher",
}
# Scripts that no page needs: fontawesome.js (540 kB compressed) draws icons that the style sheet draws already; Bootstrap
# opens menus, which are <details> here; thebe is loaded twice and never used.
NOT_NEEDED = ("fontawesome.js", "bootstrap.js", "sphinx-thebe.js")

# The theme sets the colour mode after the page is drawn, which flashes in dark mode. Said before the first paint:
MODE_SCRIPT = (
    '(() => { let mode, theme; try { mode = localStorage.getItem("mode"); theme = localStorage.getItem("theme"); } '
    "catch { /* a browser that keeps nothing */ } const set = document.documentElement.dataset; "
    'set.mode = mode || "auto"; '
    'set.theme = theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"); })();'
)


class PageFinisher(BuiltinTemplateLoader):
    """The standard template loader, with a last hand on whole pages."""

    def init(self, builder, *args, **options):
        self.builder = builder
        super().init(builder, *args, **options)
        compiled = Path(builder.app.doctreedir, ".templates")  # else each process of each build compiles all templates
        compiled.mkdir(parents=True, exist_ok=True)
        self.environment.bytecode_cache = FileSystemBytecodeCache(compiled)

    def render(self, template, context):
        text = super().render(template, context)
        if not text.lstrip()[:20].lower().startswith("<!doctype html") or "pagename" not in context:
            return text  # a part of a page
        env = self.builder.env
        pictures = {name: Path(env.srcdir, path) for path, (_, name) in env.images.items()}
        return finish_page(text, context["pagename"], pictures)


def setup(app):
    app.config.template_bridge = "course_pages.PageFinisher"
    app.setup_extension("course_styles")
    app.add_js_file("page.js", loading_method="defer")
    app.connect("doctree-read", lighten_pictures)
    app.connect("doctree-resolved", require_text_alternatives)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def finish_page(text, name, pictures):
    """Apply every rule to one page.

    Parameters
    ----------
    text, name : str
        The page as the theme wrote it, and its name.
    pictures : dict
        The file of each picture of the book, by its name in the site.

    Returns
    -------
    str
    """
    page = document_fromstring(text)
    for rule in (
        drop_unused_scripts,
        defer_scripts,
        link_to_joined,
        set_mode_early,
        mend_menus,
        mend_labels,
        mend_landmarks,
        mend_tables,
        mend_bibliography,
        mend_citations,
        mend_links_out,
        mend_exercises,
        move_styles,
        mark_languages,
        drop_indentation,
    ):
        if rule(page) is False:
            raise ExtensionError(f"{name}: the rule {rule.__name__} found nothing to mend; has the theme changed?")
    size_pictures(page, pictures)
    set_policy(page)  # when the scripts are what they will be
    return written_page(page)


def drop_unused_scripts(page):
    """The theme loads every script on every page, and says at the head of the page what it loads at its end."""
    kinds = {frozenset([*kinds_of(element), f"#{element.get('id')}"]) for element in page.iter("*")}
    unused = {name for name, needs in NEEDED_BY.items() if not any(need <= kind for need in needs for kind in kinds)}
    dropped = [
        *(tag for tag in page.iter("script") if name_of(tag.get("src", "")) in {*unused, *NOT_NEEDED}),
        *(tag for tag in page.iter("link") if tag.get("rel") == "preload" or name_of(tag.get("href")) == "sphinx-thebe.css"),
    ]
    for tag in dropped:
        tag.drop_tree()
    return bool(dropped)


def kinds_of(element):
    return element.get("class", "").split()


def name_of(address):
    return address.partition("?")[0].rpartition("/")[2]


def defer_scripts(page):
    """A page is shown before its scripts are there. What is left in the page itself are settings of scripts that stay,
    each once."""
    scripts, seen = list(page.iter("script")), set()
    sources = " ".join(script.get("src", "") for script in scripts)
    for script in scripts:
        text = script.text or ""
        if script.get("src"):
            script.set("defer", "")
        elif text in seen or any(re.search(sign, written(script)) and name not in sources for sign, name in SETTINGS.items()):
            script.drop_tree()
        else:
            seen.add(text)
    return bool(seen)


def written(element):
    """An element as HTML, without the text that follows it."""
    return tostring(element, encoding="unicode", with_tail=False)


def written_page(page):
    return tostring(page, encoding="unicode", doctype="<!DOCTYPE html>") + "\n"


def set_policy(page):
    """No page may ask another host for anything, and no script may run in it that was not there when it was built."""
    meta = page.makeelement("meta", {"http-equiv": "Content-Security-Policy", "content": policy(scripts_in(page))})
    page.head.insert(0, meta)


def policy(scripts):
    """The policy that lets scripts of these texts run, and those that are files of the site."""
    digests = {hashlib.sha256(text.encode()).digest() for text in scripts}
    return POLICY.format(scripts=" ".join(sorted(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)))


def scripts_in(page):
    """The texts of the scripts inside a page, and inside its maps."""
    documents = [page, *map(document_fromstring, page.xpath(".//iframe/@data-srcdoc"))]
    return [script.text for document in documents for script in document.iter("script") if is_code(script)]


def is_code(script):
    return "src" not in script.attrib and script.get("type", "text/javascript") == "text/javascript" and script.text


def set_mode_early(page):
    """Resolve the colour mode "auto" before the first paint."""
    for script in page.iter("script"):
        if "documentElement.dataset.mode" in (script.text or ""):
            script.text = MODE_SCRIPT
            return True
    return False


def mend_menus(page):
    """Menus that open without a script: Bootstrap's 24 kB serve nothing else. And no script inside an attribute."""
    for button in list(page.iter("button")):
        if button.get("data-bs-toggle") == "dropdown":
            button.getparent().tag, button.tag = "details", "summary"
            for name in set(button.attrib) - {"class", "aria-label"}:
                del button.attrib[name]
        elif "onclick" in button.attrib:
            if button.get("onclick") != "window.print()" or "btn-download-pdf-button" not in kinds_of(button):
                return False
            del button.attrib["onclick"]  # page.js does it


def mend_labels(page):
    """axe label-content-name-mismatch: an accessible name must hold the words that are shown."""
    wanted = {"search-button-field", "theme-switch-button"}
    buttons = [button for button in page.iter("button") if wanted & set(kinds_of(button))]
    for button in buttons:
        if "search-button-field" in kinds_of(button):
            forget(button, "title", "aria-label")
        for icon in button.iter("svg", "i"):
            forget(icon, "title")
            icon.set("aria-hidden", "true")
    for icon in page.iter("i", "span"):  # else a button is named after the sign of its icon
        if " fa-" in f" {icon.get('class', '')}" and not icon.text_content():
            icon.set("aria-hidden", "true")
    for summary in page.iter("summary"):
        if "dropdown-toggle" not in kinds_of(summary):
            forget(summary, "aria-label")
    return bool(buttons)


def forget(element, *names):
    for name in names:
        element.attrib.pop(name, None)


def mend_landmarks(page):
    """axe region: the sidebar with logo and search belongs to no landmark."""
    sidebar = page.get_element_by_id("pst-primary-sidebar", None)
    if sidebar is None:
        return False
    sidebar.set("role", "navigation")
    sidebar.set("aria-label", "Book")


def mend_tables(page):
    """axe empty-table-header: pandas writes an empty header cell in the corner of a table. And dates break at a hyphen."""
    for cell in [cell for table in page.iter("table") if "dataframe" in kinds_of(table) for cell in table.iter("td", "th")]:
        text = cell.text_content().strip()
        if not text:
            cell.tag = "td"
            forget(cell, "scope")
        elif re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            cell.set("class", "unbroken")


def mend_bibliography(page):
    """axe aria-deprecated-role, aria-required-children: docutils gives the items of a list a role that is given up."""
    for entry in page.iter("div"):
        if entry.get("role") == "doc-biblioentry":
            entry.set("role", "listitem")


def mend_citations(page):
    """Every citation has a numbered id, to which nothing links."""
    for citation in page.iter("span"):
        if "bibtex-citation" in kinds_of(citation):
            forget(citation, "id")


def mend_links_out(page):
    """A link to another host must not hand it the address of the page."""
    for link in page.iter("a"):
        if link.get("href", "").startswith("http"):
            link.set("rel", "noopener noreferrer")


def mend_exercises(page):
    """Every exercise and every solution of a page has a part with the same id, and no heading of its own."""
    for part in page.iter("section"):
        if part.get("id") in ("exercise-content", "solution-content"):
            part.tag = "div"
            forget(part, "id")
    for link in page.iter("a"):  # else the space is underlined
        title = link.getparent()
        if (link.text or "").startswith(" ") and "admonition-title" in kinds_of(title):
            link.text = link.text.lstrip()
            before = link.getprevious()
            if before is None:
                title.text = f"{title.text or ''} "
            else:
                before.tail = f"{before.tail or ''} "


def move_styles(page):
    """HTML has style elements at the head only; pandas writes one with each table, and rules that are given up."""
    seen = set()
    for style in list(page.body.iter("style")):
        style.drop_tree()  # what follows it stays
        if style.text not in seen:
            seen.add(style.text)
            forget(style, "scoped")
            style.tail = None
            page.head.append(style)
    for cell in page.iter("th"):
        forget(cell, "valign")  # the rules of pandas say it too


def drop_indentation(page):
    """Comments and blank lines of the theme's templates say nothing to a reader."""
    for comment in list(page.iter(Comment)):
        comment.drop_tree()
    kept = {element for block in page.iter("pre", "textarea") for element in block.iter()}
    for element in page.iter("*"):
        if element not in kept and (element.text or "").isspace():
            element.text = shortest(element.text)
        if element.getparent() not in kept and (element.tail or "").isspace():
            element.tail = shortest(element.tail)


def shortest(blanks):
    return "\n" if "\n" in blanks else " "


def size_pictures(page, pictures):
    """A picture has its room before it is there, so that nothing moves; it is fetched when it comes near."""
    for picture in page.iter("img"):
        path = pictures.get(picture.get("src").rpartition("/")[2])
        if path and path.suffix == ".png":
            with Image.open(path) as image:
                width, height = image.size
            picture.set("width", str(width))
            picture.set("height", str(height))
            picture.set("loading", "lazy")


def lighten_pictures(app, doctree):
    """Plots with a palette of 128 colours, which is a third of their weight. Their main colours stay the same."""
    for node in doctree.findall(nodes.image):
        path = Path(app.srcdir, node["uri"].lstrip("/"))
        if "jupyter_execute" not in path.parts or path.suffix != ".png":
            continue
        with Image.open(path) as image:
            if image.mode == "P" or image.convert("RGBA").getextrema()[3][0] < 255:
                continue  # done before, or partly transparent
            light = image.convert("RGB").quantize(128, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        new = path.with_suffix(f".{os.getpid()}")
        light.save(new, "png", optimize=True)
        new.replace(path)


def require_text_alternatives(app, doctree, docname):
    """A picture without a text alternative gets its file path for one, which no tool complains of: stop instead."""
    for image in doctree.findall(nodes.image):
        alt = image.get("alt", "")
        if len(alt) < 15 or alt == image["uri"] or "_build/" in alt or "jupyter_execute" in alt:
            raise ExtensionError(
                f"{docname}: a picture has no text alternative; write `mystnb: image: alt:` at the head of its cell"
            )
