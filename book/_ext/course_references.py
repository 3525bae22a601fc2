"""The list of references: one plain form for every entry, each under the key by which the tables name it.

All entries have the same few fields, so that a line of code does what a template for each type of publication would do;
with hundreds of entries those templates take seconds of every build, changed or not. So does the search of the domain of
sphinxcontrib-bibtex through every citation for every entry of every list: here it is done once for a list.
"""

import hashlib
import re
from ast import dump
from collections import defaultdict

import pybtex_docutils
from pybtex.backends import plaintext
from pybtex.plugin import register_plugin
from pybtex.richtext import HRef, Tag, Text
from pybtex.style import FormattedEntry
from pybtex.style.formatting.unsrt import Style
from pybtex.style.labels.number import LabelStyle
from pybtex.style.names.plain import NameStyle
from pybtex.style.sorting.none import SortingStyle
from sphinxcontrib.bibtex.domain import BibtexDomain, _FilterVisitor
from sphinxcontrib.bibtex.plugin import register_plugin as register_style_of_citations
from sphinxcontrib.bibtex.style.referencing.author_year import AuthorYearReferenceStyle
from sphinxcontrib.bibtex.style.template import SphinxReferenceText


# Under the names by which sphinxcontrib-bibtex asks for them. It would look for each of them, for each citation and each
# list, through all installed packages.
PLUGINS = {
    ("pybtex.backends", "plaintext"): plaintext.Backend,
    ("pybtex.backends", "docutils"): pybtex_docutils.Backend,
    ("pybtex.style.names", "plain"): NameStyle,
    ("pybtex.style.labels", "number"): LabelStyle,
    ("pybtex.style.sorting", "none"): SortingStyle,
}


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


class HintStyle(CourseStyle):
    """The title alone, for the hint over a citation, which names author and year itself."""

    def format_entry(self, label, entry, bib_data=None):
        return FormattedEntry(entry.key, Text(plain(entry.fields["title"])), label)


class CitationStyle(AuthorYearReferenceStyle):
    """Author, year, locator. The library fills in its templates for each of two thousand citations; here author and year
    of a source are formed once."""

    def __post_init__(self):
        super().__post_init__()
        self.formed = {}

    def inner(self, role_name):
        return CitationTemplate(self, super().inner(role_name)) if role_name == "p" else super().inner(role_name)


class CitationTemplate:
    """What the library asks of a template: the text of one source in a citation, as a link to its place in the list."""

    def __init__(self, style, template):
        self.formed, self.template = style.formed, template

    def format_data(self, data):
        info, entry = data["reference_info"], data["entry"]
        if entry.key not in self.formed:
            alone = info._replace(pre_text="", post_text="")
            (link,) = self.template.format_data(data | {"reference_info": alone}).parts
            self.formed[entry.key] = link.parts
        before = [info.pre_text, " "] if info.pre_text else []
        after = [", ", info.post_text] if info.post_text else []
        return Text(*before, SphinxReferenceText(info, *self.formed[entry.key]), *after)


class CourseBibtexDomain(BibtexDomain):
    """The domain ``cite``, for lists with thousands of entries."""

    def env_updated(self):
        """Form all entries again only if the sources, the lists or what cites them are others than at the last build."""
        sources = [(key, hash_of(entry)) for key, entry in self.bibdata.data.entries.items()]
        lists = [(key.docname, dump(value.filter_)) for key, value in self.bibliographies.items()]
        cited = sorted({(ref.docname, target.key) for ref in self.citation_refs for target in ref.targets})
        made_of = hashlib.sha256(repr([sources, lists, cited]).encode()).hexdigest()
        if (made_of, len(self.citations)) == self.data.get("course_formed"):
            return []
        updated = super().env_updated()
        self.data["course_formed"] = made_of, len(self.citations)
        return updated

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


def renew_citations(app, env):
    """Pages that cite a source which has changed, or is gone: a citation shows author and year, but Sphinx takes only the
    lists for made of the sources."""
    domain = env.get_domain("cite")
    now = {key: hash_of(entry) for key, entry in domain.bibdata.data.entries.items()}
    before = getattr(env, "course_sources", now)
    env.course_sources = now
    changed = {key for key in now.keys() | before.keys() if now.get(key) != before.get(key)}
    return sorted({ref.docname for ref in domain.citation_refs if any(target.key in changed for target in ref.targets)})


def hash_of(entry):
    said = [*entry.fields.items(), *((role, list(map(str, people))) for role, people in entry.persons.items())]
    return hashlib.sha256(repr(said).encode()).hexdigest()[:16]


def full_name(person):
    """A person's name as one would say it; the name of a body as it is."""
    return plain(" ".join([*person.first_names, *person.middle_names, *person.prelast_names, *person.last_names]))


def plain(text):
    """Text without BibTeX's braces and escapes."""
    return re.sub(r"[{}]", "", re.sub(r"\\([&%#_$])", r"\1", text)).replace("---", "—").replace("--", "–")


def setup(app):
    for (group, name), plugin in PLUGINS.items():
        register_plugin(group, name, plugin, force=True)
    register_plugin("pybtex.style.formatting", "course", CourseStyle)
    register_style_of_citations("sphinxcontrib.bibtex.style.referencing", "course", CitationStyle)
    register_plugin("pybtex.style.formatting", "course-hint", HintStyle)
    app.setup_extension("sphinxcontrib.bibtex")
    app.add_domain(CourseBibtexDomain, override=True)
    app.connect("env-updated", renew_citations)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
