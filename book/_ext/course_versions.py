"""The directive ``versions``: Python and the packages with which the book was built, in the versions that were used."""

import platform
import re
from importlib.metadata import PackageNotFoundError, version

from course_build import ROOT
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

NAME = re.compile(r"^[A-Za-z0-9][\w.-]*", re.MULTILINE)


class Versions(SphinxDirective):
    """A list of what the course asks for, and a paragraph with all that this needs in turn."""

    def run(self):
        asked, locked = (ROOT / f"requirements.{ending}" for ending in ("in", "txt"))
        for path in (__file__, asked, locked):
            self.env.note_dependency(str(path))
        first = NAME.findall(asked.read_text("utf-8"))
        rest = [name for name in dict.fromkeys(NAME.findall(locked.read_text("utf-8"))) if name not in first]
        items = [f"Python {platform.python_version()}", *installed(first)]
        return [
            nodes.bullet_list("", *(nodes.list_item("", nodes.paragraph(text=item)) for item in items)),
            nodes.paragraph(text=f"What these need in turn: {', '.join(installed(rest))}."),
        ]


def installed(names):
    """Name and version of each package that is installed; some are for other systems only."""
    for name in names:
        try:
            yield f"{name} {version(name)}"
        except PackageNotFoundError:
            pass


def setup(app):
    app.add_directive("versions", Versions)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
