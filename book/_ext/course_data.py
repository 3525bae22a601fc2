"""Pages made from the data: ``data-package`` shows every table with its dictionary, ``glossary-terms`` the glossary.

The standard role ``term`` links to a term by its English form or its id; the page then has a note with its definition.
"""

import csv
import re

from course_build import DATA, REFERENCES
from course_languages import INDEX_PARTS, RUN
from course_notes import add_notes
from docutils import nodes
from sphinx import addnodes
from sphinx.domains.std import make_glossary_term
from sphinx.transforms import SphinxTransform
from sphinx.util.docutils import SphinxDirective

RULES = {
    "required": lambda value: "required" if value else "",
    "unique": lambda value: "unique" if value else "",
    "enum": lambda value: "one of " + ", ".join(value),
    "pattern": lambda value: "",  # stands in the descriptor; most readers do not read regular expressions
    "minimum": lambda value: f"from {value}",
    "maximum": lambda value: f"to {value}",
}

# Forms of a term, in columns of the glossary.
FORMS = {"korean": "ko", "russian": "ru", "kazakh": "kk"}


class DataPackage(SphinxDirective):
    """A section for each file of the data package, in the order of the descriptor."""

    def run(self):
        for path in (__file__, DATA / "datapackage.json", REFERENCES):
            self.env.note_dependency(str(path))
        from toolkit import data  # here: pandas takes a second, and most builds read no page anew

        resources = data.package()["resources"]
        tables = {resource["name"]: data.load(resource["name"]) for resource in resources if "schema" in resource}
        entries = self.env.get_domain("cite").bibdata.data.entries
        self.titles = {key: entry.fields["title"] for key, entry in entries.items()}
        self.cited = data.cited
        sections = [self.section(resource, tables.get(resource["name"])) for resource in resources]
        return [self.overview(resources, tables), *sections]

    def section(self, resource, table):
        path = DATA / resource["path"]
        self.env.note_dependency(str(path))
        section = nodes.section(ids=[anchor(resource)])
        section += nodes.title(text=resource["title"])
        section += nodes.paragraph("", "", *words(resource["description"]))
        size = path.stat().st_size
        size = f" ({size / 1000:.0f} kB)" if size >= 1000 else f" ({size} bytes)"
        facts = {"File": [self.download(resource), nodes.Text(size)]}
        if table is not None:
            facts["Rows"] = [nodes.Text(f"{len(table):,}")]
            if time := coverage(table, resource):
                facts["Time"] = [nodes.Text(time)]
        facts["Licence"] = [nodes.Text(licence(resource))]
        if "source" in resource:
            named = (f"{self.titles[key]} ({locator})" for key, locator in self.cited(resource["source"]))
            facts["Source"] = [nodes.Text(". ".join(named))]
        section += field_list(facts)
        if resource.get("gaps"):
            section += nodes.paragraph("", "", nodes.strong(text="Known gaps and doubts"))
            items = [nodes.list_item("", nodes.paragraph("", "", *words(gap))) for gap in resource["gaps"]]
            section += nodes.bullet_list("", *items)
        if table is not None:
            section += dictionary(resource, table)
        return section

    def download(self, resource):
        link = addnodes.download_reference(reftarget=f"/data/{resource['path']}", refdoc=self.env.docname, refdomain="")
        link += nodes.literal(classes=["xref", "download"], text=resource["path"])
        return link

    def overview(self, resources, tables):
        """One row for each file, with a link to its section."""
        rows = []
        for resource in resources:
            link = nodes.reference("", resource["title"], refid=anchor(resource), internal=True)
            count = f"{len(tables[resource['name']]):,}" if resource["name"] in tables else ""
            rows.append([[link], [nodes.Text(count)], [self.download(resource)]])
        return grid("The files", ["Table", "Rows", "File"], (50, 10, 40), rows)


class GlossaryTerms(SphinxDirective):
    """The terms in the order of the alphabet, each with its definition and its forms in three languages."""

    def run(self):
        for path in (__file__, DATA / "glossary.csv"):
            self.env.note_dependency(str(path))
        terms = sorted(read_glossary(), key=lambda term: term["english"].lower())
        return [nodes.definition_list("", *map(self.item, terms), classes=["glossary"])]

    def item(self, term):
        name = f"term-{term['term_id']}"
        text = [nodes.Text(term["english"])]
        head = make_glossary_term(self.env, text, None, *self.get_source_info(), name, self.state.document)
        entries = head.next_node(addnodes.index)["entries"]
        for language, code in FORMS.items():
            for form in filter(RUN.search, term[language].split(" / ")):  # others stand there in English
                entries.append(("single", form, name, "main", INDEX_PARTS[code]))
        if term["term_id"] != term["english"].lower():
            self.env.get_domain("std")._note_term(term["term_id"], name)  # a short name for {term}
        chapter = addnodes.pending_xref(
            refdomain="std", reftype="doc", reftarget=term["see"], refdoc=self.env.docname, refexplicit=False
        )
        chapter += nodes.inline(text=term["see"])
        body = nodes.paragraph("", term["definition"] + " See ", chapter, nodes.Text("."))
        return nodes.definition_list_item("", head, nodes.definition("", body, *forms(term)))


class TermNotes(SphinxTransform):
    """Put a note for each term of the glossary that a page links to, by the role ``term``, at its end."""

    default_priority = 500

    def apply(self):
        used = [link["reftarget"].lower() for link in self.document.findall(addnodes.pending_xref) if link["reftype"] == "term"]
        if used:
            self.env.note_dependency(str(DATA / "glossary.csv"))
            terms = read_glossary()
            named = {name: term for term in terms for name in (term["english"].lower(), term["term_id"])}
            notes = {f"term-{named[name]['term_id']}": note(named[name]) for name in used if name in named}
            add_notes(self.document, notes)


def read_glossary():
    """The rows of the glossary, which are checked before any page is read."""
    with open(DATA / "glossary.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def note(term):
    return [nodes.paragraph("", "", nodes.strong(text=term["english"])), nodes.paragraph(text=term["definition"]), *forms(term)]


def forms(term):
    """A paragraph with the forms of a term in other languages, if it has any."""
    paragraph = nodes.paragraph()
    for language, code in FORMS.items():
        if term[language]:
            paragraph += nodes.Text(f"{'; ' if len(paragraph) else ''}{language.capitalize()}: ")
            paragraph += nodes.inline(text=term[language], classes=[f"language-{code}"])  # becomes the attribute lang
    return [paragraph] if len(paragraph) else []


def anchor(resource):
    return nodes.make_id(f"table {resource['name']}")


def licence(resource):
    return ", ".join(licence["title"] for licence in resource["licenses"])


def words(text):
    """A text of the descriptor, with what stands between backquotes as code."""
    for number, part in enumerate(re.split("`", text)):
        if part:
            yield nodes.literal(text=part) if number % 2 else nodes.Text(part)


def coverage(table, resource):
    """First and last day or year of a table that has one in each row."""
    for field in resource["schema"]["fields"] if len(table) else ():
        if field["type"] in ("date", "year") and field.get("constraints", {}).get("required"):
            first, last = table[field["name"]].min(), table[field["name"]].max()
            if field["type"] == "date":
                first, last = (f"{day.day} {day:%B %Y}" for day in (first, last))
            return f"{first} to {last}"
    return ""


def field_list(facts):
    fields = nodes.field_list()
    for name, body in facts.items():
        fields += nodes.field("", nodes.field_name(text=name), nodes.field_body("", nodes.paragraph("", "", *body)))
    return fields


def dictionary(resource, table):
    """The fields of a table: name, meaning, type, unit and rules, and how many rows have a value."""
    rows = []
    for field in resource["schema"]["fields"]:
        rules = [RULES[name](value) for name, value in field.get("constraints", {}).items()]
        if "listOf" in field:
            rules.append(f"codes of {field['listOf']['table']}, joined by ;")
        kind = f"{field['type']} in {field['unit']}" if "unit" in field else field["type"]
        filled = f"{table[field['name']].notna().mean():.0%}" if len(table) else "no rows"
        kind = nodes.Text(", ".join([kind, *filter(None, rules)]))
        rows.append([[nodes.literal(text=field["name"])], words(field["description"]), [kind], [nodes.Text(filled)]])
    return grid(f"Fields of {resource['name']}", ["Field", "Meaning", "Type and rules", "Filled"], (16, 44, 32, 8), rows)


def grid(caption, heads, widths, rows):
    group = nodes.tgroup(cols=len(heads))
    group += [nodes.colspec(colwidth=width) for width in widths]
    group += nodes.thead("", row([[nodes.Text(head)] for head in heads]))
    group += nodes.tbody("", *(row(cells) for cells in rows))
    return nodes.table("", nodes.title(text=caption), group, ids=[nodes.make_id(caption)])


def row(cells):
    """A row of a table; each cell is an iterable of inline nodes."""
    return nodes.row("", *(nodes.entry("", nodes.paragraph("", "", *cell)) for cell in cells))


def setup(app):
    app.add_directive("data-package", DataPackage)
    app.add_directive("glossary-terms", GlossaryTerms)
    app.add_transform(TermNotes)
    app.setup_extension("course_notes")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
