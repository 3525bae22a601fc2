"""Scripts without their comments and blanks, which are a third of their weight.

A page names the digest of each script that lies in ``_static`` when the page is written, so the short ones must lie there
by then: they are put into a folder that Sphinx copies after all others.
"""

import re
import shutil
from pathlib import Path

import rjsmin
import sphinx
from course_inputs import ROOT
from sphinx.errors import ExtensionError

# Sphinx's own, which a theme has from the theme `basic`; all others come from the folders of extensions and of the book.
BASIC = Path(sphinx.__file__).parent / "themes" / "basic" / "static"
RIGHTS = re.compile(r"\s*/\*(?:(?!\*/).)*(?:copyright|license|\(c\))(?:(?!\*/).)*\*/", re.DOTALL | re.IGNORECASE)
NESTED = re.compile(r"`(?:[^`\\]|\\.)*?\$\{[^}`]*`")


def setup(app):
    app.connect("env-before-read-docs", write_short_scripts)  # when extensions have named their folders
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def write_short_scripts(app, env, docnames):
    """Write a short copy of each script, and let Sphinx copy these last."""
    folder = Path(app.doctreedir).parent / ".scripts"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for place in [BASIC, *(ROOT / path for path in app.config.html_static_path)]:
        for path in sorted(place.glob("*.js")) + sorted(place.glob("*.js_t")):  # .js_t: Sphinx fills it in
            (folder / path.name).write_text(shorten(path.read_text("utf-8")), "utf-8")
    app.config.html_static_path.append(str(folder))


def shorten(script):
    """A script that does the same; a first comment that names its owner or its licence stays.

    Raises
    ------
    ExtensionError
        If a template stands inside a template: rjsmin would take its blanks away.
    """
    if found := NESTED.search(script):
        raise ExtensionError(f"a script has a template inside a template, which cannot be shortened: {found[0][:80]!r}")
    rights = RIGHTS.match(script)
    return (rights[0].strip() + "\n" if rights else "") + rjsmin.jsmin(script)
