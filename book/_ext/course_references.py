"""The list of references: one plain form for every entry, each under the key by which the tables name it.

All entries have the same few fields, so that a line of code does what a template for each type of publication would do;
with hundreds of entries those templates take seconds of every build, changed or not.
"""

import re

from pybtex.plugin import register_plugin
from pybtex.richtext import HRef, Tag, Text
from pybtex.style import FormattedEntry
from pybtex.style.formatting.unsrt import Style


class CourseStyle(Style):
    """Author. *Title*. Year. Note. Kind of source. Address."""

    def __init__(self):
        super().__init__()  # which sets these two as attributes
        self.sort = lambda entries: sorted(entries, key=lambda entry: entry.key)
        self.format_labels = lambda entries: [entry.key for entry in entries]

    def format_entry(self, label, entry, bib_data=None):
        authors = " and ".join(map(full_name, entry.persons.get("author", [])))
        title, year, note, kind = (plain(entry.fields.get(name, "")) for name in ("title", "year", "note", "keywords"))
        url = entry.fields["url"]
        text = Text(
            f"{authors}. " if authors else "",
            Tag("em", title),
            f". {year or 'Undated'}. {note}. Kind: {kind}. ",
            HRef(url, url),
        )
        return FormattedEntry(entry.key, text, label)


def full_name(person):
    """A person's name as one would say it; the name of a body as it is."""
    return plain(" ".join([*person.first_names, *person.middle_names, *person.prelast_names, *person.last_names]))


def plain(text):
    """Text without BibTeX's braces and escapes."""
    return re.sub(r"[{}]", "", re.sub(r"\\([&%#_$])", r"\1", text)).replace("--", "–")


def setup(app):
    register_plugin("pybtex.style.formatting", "course", CourseStyle)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
