"""One small style sheet in the place of a dozen large ones.

The theme's style sheets hold all of Bootstrap and two thousand icons, of which the book uses a few. When all pages are
written, the rules of all sheets are joined, without those that name a class or an id that no page and no script has, and
the icons that are left become fonts of a few kilobytes inside the sheet. What is kept depends on the finished site alone,
not on which of its pages this build wrote.
"""

import base64
import hashlib
import io
import logging
import re
from pathlib import Path

import tinycss2
from course_build import kept
from course_inputs import digest
from fontTools import subset
from fontTools.ttLib import TTFont
from sphinx.errors import ExtensionError

# The sheets of every page, in the order in which the theme loads them. A sheet of some pages only stays a file of its own.
SHEETS = (
    "basic.css",
    "styles/theme.css",  # only asks for basic.css
    "styles/pydata-sphinx-theme.css",
    "pygments.css",
    "styles/sphinx-book-theme.css",
    "togglebutton.css",
    "copybutton.css",
    "mystnb.*.css",
    "exercise.css",
    "notes.css",
    "claims.css",
    "quiz.css",
    "progress.css",
    "sphinx-design.min.css",
    "course.css",
)
JOINED = "site.css"

NAMES = re.compile(r'\s(?:class|id)="([^"]+)"')
SCRIPTS = re.compile(r'<script[^>]*\ssrc="[^"]*_static/([^"?]+)')
LINK = re.compile(rf'(_static/{re.escape(JOINED)})(?:\?v=\w+)?"')
logging.getLogger("fontTools").setLevel(logging.WARNING)  # it tells of every table of a font
ICON = re.compile("\\\\[ef][0-9a-f]{3}|[\ue000-\uf8ff]")
# Icons in outline are a font of their own, which has the same signs as the filled ones and which only these classes ask for.
OUTLINED = {"fa-regular", "far"}
IS_OUTLINED = re.compile(r"Awesome\\? 6 Free\b.*font-weight: ?400|font-weight: ?400.*Awesome\\? 6 Free\b")
ASKED_FOR = re.compile(r"var\(\s*(--[\w-]+)")
PROPERTY = re.compile(r"--[\w-]+")
DECLARED = re.compile(r"""(?<=[{;])\s*(--[\w-]+)\s*:(?:"[^"]*"|'[^']*'|[^;{}"'])*(?:;|(?=}))""")
WORD = re.compile(r"[A-Za-z_][\w-]*")


def setup(app):
    app.connect("build-finished", write_sheet, priority=900)  # before the site is published
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def link_to_joined(page):
    """Let a page name the joined sheet in the place of the first of those that are joined."""
    links = [link for link in page.iter("link") if link.get("rel") == "stylesheet" and is_joined(link.get("href"))]
    if not links:
        return False
    links[0].set("href", f"{links[0].get('href').partition('_static/')[0]}_static/{JOINED}")
    for link in links[1:]:
        link.drop_tree()


def is_joined(address):
    return any(Path(address.partition("?")[0]).match(f"_static/{sheet}") for sheet in SHEETS)


def write_sheet(app, exception):
    """Write the joined sheet, and its digest into every page."""
    if exception or app.builder.format != "html":
        return
    static = app.outdir / "_static"
    pages = {path: path.read_text("utf-8") for path in sorted(app.outdir.rglob("*.html")) if static not in path.parents}
    used = set()
    for text in pages.values():
        used.update(*(names.split() for names in NAMES.findall(text)), ASKED_FOR.findall(text))
    for script in sorted({name for text in pages.values() for name in SCRIPTS.findall(text)}):
        text = (static / script).read_text("utf-8")
        used.update(WORD.findall(text), PROPERTY.findall(text))
    for path in sorted(static.glob("*.css")):
        if path.name != JOINED and not is_joined(f"_static/{path.name}"):
            used.update(PROPERTY.findall(path.read_text("utf-8")))
    sheets = [path for name in SHEETS for path in sorted(static.glob(name))]
    joined_of = f"{digest(sheets, static)}-{hashlib.sha256(' '.join(sorted(used)).encode()).hexdigest()}"
    sheet = kept(app, JOINED, joined_of, lambda: join(sheets, used).encode())
    (static / JOINED).write_bytes(sheet)
    version = hashlib.sha256(sheet).hexdigest()[:8]
    for path, text in pages.items():
        linked = LINK.sub(rf'\1?v={version}"', text)
        if linked != text:
            path.write_text(linked, "utf-8")


def join(paths, used):
    """The rules of style sheets that may apply.

    Parameters
    ----------
    paths : list of pathlib.Path
        Style sheets, in the order in which a page would load them.
    used : set of str
        Every class and id that an element may have, and every property of their own that other files use.

    Returns
    -------
    str
    """
    kept, fonts = [], []
    for path in paths:
        for rule in parse(path.read_text("utf-8")):
            if rule.type == "at-rule" and rule.at_keyword == "font-face":
                fonts.append((rule, path))
                continue
            kept.append(kept_part(rule, used))
            if path.parent.name != "_static" and re.search(r"url\((?!\s*[\"']?(?:data:|#))", kept[-1]):
                raise ExtensionError(f"{path.name}: a rule asks for a file in another folder: {kept[-1]}")
    rules = without_unused_properties("".join(kept), used)
    icons = sorted(icons_in(rules))
    if not OUTLINED & used:
        fonts = [(rule, path) for rule, path in fonts if not IS_OUTLINED.search(text_of(rule.content))]
    return "".join([*(font_rule(rule, path, icons) for rule, path in fonts), rules, "\n"])


def without_unused_properties(rules, used):
    """Rules without the custom properties that nothing reads: the frameworks declare a thousand, the book reads some."""
    while True:
        read = used | set(ASKED_FOR.findall(rules))
        fewer = DECLARED.sub(lambda found: found[0] if found[1] in read else "", rules)
        if fewer == rules:
            return rules
        rules = fewer


def icons_in(sheet):
    """The signs for private use that the rules of a sheet show."""
    return {sign for token in ICON.findall(sheet) for sign in [chr(int(token[1:], 16)) if token[0] == "\\" else token]}


def parse(text):
    return tinycss2.parse_stylesheet(text, skip_comments=True, skip_whitespace=True)


def kept_part(rule, used):
    """The text of a rule without the selectors that can match nothing; empty if there are no others."""
    if rule.type == "error":
        raise ExtensionError(f"{JOINED}: a style sheet cannot be read: {rule.message}")
    if rule.type == "qualified-rule":
        selectors = [selector for selector in split(rule.prelude) if names_in(selector) <= used]
        return f"{','.join(map(text_of, selectors))}{{{text_of(rule.content)}}}" if selectors else ""
    if rule.at_keyword in ("media", "supports"):
        inner = tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True)
        body = "".join(kept_part(part, used) for part in inner)
        return f"@{rule.at_keyword} {text_of(rule.prelude)}{{{body}}}" if body else ""
    if rule.at_keyword in ("charset", "import"):  # the file is in UTF-8, and what was asked for is joined
        return ""
    body = f"{{{text_of(rule.content)}}}" if rule.content is not None else ";"
    return f"@{rule.at_keyword} {text_of(rule.prelude)}{body}"


def split(prelude):
    """The selectors of a rule, each a list of tokens."""
    selectors = [[]]
    for token in prelude:
        if token == ",":
            selectors.append([])
        else:
            selectors[-1].append(token)
    return selectors


def names_in(selector):
    """Classes and ids that an element must have. What stands in :not() or :is() is none of them."""
    after_point = {token.value for point, token in zip(selector, selector[1:]) if point == "." and token.type == "ident"}
    return after_point | {token.value for token in selector if token.type == "hash"}


def text_of(tokens):
    """The text of tokens without comments and without blanks that say nothing."""
    text = tinycss2.serialize([token for token in tokens if token.type != "comment"])
    return re.sub(r"\s*\n\s*", " ", text).strip()


def font_rule(rule, path, icons):
    """The rule of an icon font, with the font in it, cut down to the icons that are used; empty if there are none."""
    addresses = re.findall(r"url\(\s*[\"']?([^\"')]+)", text_of(rule.content))
    plain = [address for address in addresses if address.endswith(".ttf")]
    if not plain:
        raise ExtensionError(f"{path.name}: a font has no file in TrueType form")
    font = TTFont(path.parent / plain[0], recalcTimestamp=False)
    if not font.getBestCmap().keys() & set(map(ord, icons)):
        return ""
    cutter = subset.Subsetter(subset.Options(layout_features=[], notdef_outline=False, hinting=False, name_IDs=[]))
    cutter.populate(text="".join(icons))
    cutter.subset(font)
    font.flavor = "woff"
    file = io.BytesIO()
    font.save(file)
    declarations = tinycss2.parse_blocks_contents(rule.content, skip_comments=True, skip_whitespace=True)
    kept = [part for part in declarations if part.type == "declaration" and part.name != "src"]
    others = "".join(f"{part.name}:{text_of(part.value)};" for part in kept)
    data = base64.b64encode(file.getvalue()).decode()
    return f'@font-face{{{others}src:url("data:font/woff;base64,{data}") format("woff")}}'
