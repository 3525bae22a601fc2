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

from bs4 import BeautifulSoup
from course_languages import mark_languages
from course_styles import link_to_joined
from docutils import nodes
from jinja2 import FileSystemBytecodeCache
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
    page = BeautifulSoup(text, "html.parser")
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
    ):
        if rule(page) is False:
            raise ExtensionError(f"{name}: the rule {rule.__name__} found nothing to mend; has the theme changed?")
    size_pictures(page, pictures)
    set_policy(page)  # when the scripts are what they will be
    return str(page)


def drop_unused_scripts(page):
    """The theme loads every script on every page, and says at the head of the page what it loads at its end."""
    kinds = {frozenset([*tag.get("class", ()), f"#{tag.get('id')}"]) for tag in page.find_all(True)}
    unused = {name for name, needs in NEEDED_BY.items() if not any(need <= kind for need in needs for kind in kinds)}
    dropped = [
        *(tag for tag in page.find_all("script") if name_of(tag.get("src", "")) in {*unused, *NOT_NEEDED}),
        *(tag for tag in page.find_all("link") if "preload" in tag["rel"] or name_of(tag["href"]) == "sphinx-thebe.css"),
    ]
    for tag in dropped:
        tag.decompose()
    return bool(dropped)


def name_of(address):
    return address.partition("?")[0].rpartition("/")[2]


def defer_scripts(page):
    """A page is shown before its scripts are there. What is left in the page itself are settings of scripts that stay,
    each once."""
    scripts, seen = page.find_all("script"), set()
    sources = " ".join(script.get("src", "") for script in scripts)
    for script in scripts:
        text = script.string or ""
        if script.get("src"):
            script["defer"] = "defer"
        elif text in seen or any(re.search(sign, str(script)) and name not in sources for sign, name in SETTINGS.items()):
            script.decompose()
        else:
            seen.add(text)
    return bool(seen)


def set_policy(page):
    """No page may ask another host for anything, and no script may run in it that was not there when it was built."""
    meta = page.new_tag("meta")
    meta.attrs = {"http-equiv": "Content-Security-Policy", "content": policy(page)}
    page.head.insert(0, meta)


def policy(page, *others):
    """The policy that lets the scripts inside a page and its maps run, and the texts of ``others``."""
    sources = [frame.get("srcdoc") or frame.get("data-srcdoc") for frame in page.find_all("iframe")]  # slides have these
    frames = [BeautifulSoup(source, "html.parser") for source in sources if source]
    inline = [script for document in (page, *frames) for script in document.find_all("script", src=False)]
    texts = [*(script.string for script in inline if is_code(script)), *others]
    digests = {hashlib.sha256(text.encode()).digest() for text in texts}
    return POLICY.format(scripts=" ".join(sorted(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)))


def is_code(script):
    return script.get("type", "text/javascript") == "text/javascript" and script.string


def set_mode_early(page):
    """Resolve the colour mode "auto" before the first paint."""
    script = page.find("script", string=re.compile(r"documentElement\.dataset\.mode"))
    if not script:
        return False
    script.string = MODE_SCRIPT


def mend_menus(page):
    """Menus that open without a script: Bootstrap's 24 kB serve nothing else. And no script inside an attribute."""
    for button in page.find_all("button"):
        if button.get("data-bs-toggle") == "dropdown":
            button.parent.name, button.name = "details", "summary"
            button.attrs = {name: button[name] for name in ("class", "aria-label") if name in button.attrs}
        elif "onclick" in button.attrs:
            if button["onclick"] != "window.print()" or "btn-download-pdf-button" not in button["class"]:
                return False
            del button["onclick"]  # page.js does it


def mend_labels(page):
    """axe label-content-name-mismatch: an accessible name must hold the words that are shown."""
    wanted = {"search-button-field", "theme-switch-button"}
    buttons = [button for button in page.find_all("button") if wanted & set(button.get("class", ()))]
    for button in buttons:
        if "search-button-field" in button["class"]:
            del button["title"], button["aria-label"]
        for icon in button.find_all(["svg", "i"]):
            del icon["title"]
            icon["aria-hidden"] = "true"
    for icon in page.find_all(["i", "span"]):  # else a button is named after the sign of its icon
        if any(name.startswith("fa-") for name in icon.get("class", ())) and not icon.get_text():
            icon["aria-hidden"] = "true"
    for summary in page.find_all("summary"):
        if "dropdown-toggle" not in summary.get("class", ()):
            del summary["aria-label"]
    return bool(buttons)


def mend_landmarks(page):
    """axe region: the sidebar with logo and search belongs to no landmark."""
    sidebar = page.select_one("#pst-primary-sidebar")
    if sidebar is None:
        return False
    sidebar["role"], sidebar["aria-label"] = "navigation", "Book"


def mend_tables(page):
    """axe empty-table-header: pandas writes an empty header cell in the corner of a table. And dates break at a hyphen."""
    for cell in [cell for table in page.find_all("table", "dataframe") for cell in table.find_all(["td", "th"])]:
        text = cell.get_text(strip=True)
        if not text:
            cell.name = "td"
            del cell["scope"]
        elif re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            cell["class"] = "unbroken"


def mend_bibliography(page):
    """axe aria-deprecated-role, aria-required-children: docutils gives the items of a list a role that is given up."""
    for entry in page.find_all("div"):
        if entry.get("role") == "doc-biblioentry":
            entry["role"] = "listitem"


def mend_citations(page):
    """Every citation has a numbered id, to which nothing links."""
    for citation in page.find_all("span"):
        if "bibtex-citation" in citation.get("class", ()):
            del citation["id"]


def mend_links_out(page):
    """A link to another host must not hand it the address of the page."""
    for link in page.find_all("a"):
        if link.get("href", "").startswith("http"):
            link["rel"] = "noopener noreferrer"


def mend_exercises(page):
    """Every exercise and every solution of a page has a part with the same id, and no heading of its own."""
    for part in page.find_all("section"):
        if part.get("id") in ("exercise-content", "solution-content"):
            part.name = "div"
            del part["id"]
    for link in page.find_all("a"):  # else the space is underlined
        if link.string and link.string.startswith(" ") and "admonition-title" in link.parent.get("class", ()):
            link.insert_before(" ")
            link.string = link.string.lstrip()


def move_styles(page):
    """HTML has style elements at the head only; pandas writes one with each table, and rules that are given up."""
    seen = set()
    for style in page.body.find_all("style"):
        if style.string not in seen:
            seen.add(style.string)
            del style["scoped"]
            page.head.append(style.extract())
        else:
            style.decompose()
    for cell in page.find_all("th"):
        del cell["valign"]  # the rules of pandas say it too


def size_pictures(page, pictures):
    """A picture has its room before it is there, so that nothing moves; it is fetched when it comes near."""
    for picture in page.find_all("img"):
        path = pictures.get(picture["src"].rpartition("/")[2])
        if path and path.suffix == ".png":
            with Image.open(path) as image:
                picture["width"], picture["height"] = image.size
            picture["loading"] = "lazy"


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
