"""The list of references: one plain form for every entry, each under the key by which the tables name it.

All entries have the same few fields, so that a line of code does what a template for each type of publication would do;
with hundreds of entries those templates take seconds of every build, changed or not. So does the search of the domain of
sphinxcontrib-bibtex through every citation for every entry of every list: here it is done once for a list.
"""

import re
from collections import defaultdict

from pybtex.plugin import find_plugin, register_plugin
from pybtex.richtext import HRef, Tag, Text
from pybtex.style import FormattedEntry
from pybtex.style.formatting.unsrt import Style
from sphinxcontrib.bibtex.domain import BibtexDomain, _FilterVisitor


PLUGINS = [
    ("pybtex.backends", "plaintext"),
    ("pybtex.backends", "docutils"),
    ("pybtex.style.names", "plain"),
    ("pybtex.style.labels", "number"),
    ("pybtex.style.sorting", "none"),
]


class CourseStyle(Style):
    """Author. *Title*. Year. Note. Kind of source. Address."""

    def __init__(self):
        super().__init__(name_style="plain", label_style="number", sorting_style="none")  # sets the next two as attributes
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


class CourseBibtexDomain(BibtexDomain):
    """The domain ``cite``, for lists with thousands of entries."""

    def get_filtered_entries(self, bibliography_key):
        """``(key, entry)`` of every entry for which the filter of a list holds."""
        cited_in = defaultdict(set)
        for citation in self.citation_refs:
            for target in citation.targets:
                cited_in[target.key].add(citation.docname)
        bibliography = self.bibliographies[bibliography_key]
        for entry in self.get_entries(bibliography.bibfiles):
            visitor = _FilterVisitor(entry, bibliography_key.docname, cited_in[entry.key])
            if visitor.visit(bibliography.filter_):
                yield entry.key, entry


def full_name(person):
    """A person's name as one would say it; the name of a body as it is."""
    return plain(" ".join([*person.first_names, *person.middle_names, *person.prelast_names, *person.last_names]))


def plain(text):
    """Text without BibTeX's braces and escapes."""
    return re.sub(r"[{}]", "", re.sub(r"\\([&%#_$])", r"\1", text)).replace("--", "–")


def setup(app):
    register_plugin("pybtex.style.formatting", "course", CourseStyle)
    for group, name in PLUGINS:  # else each citation and each list looks for them through all installed packages
        register_plugin(group, name, find_plugin(group, name), force=True)
    app.setup_extension("sphinxcontrib.bibtex")
    app.add_domain(CourseBibtexDomain, override=True)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
