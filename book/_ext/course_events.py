"""The page of all events: the directive ``events-table`` writes the filter, the timeline and the table.

The table is plain HTML and whole without script. ``events.js`` reads its rows, so that the table, the timeline and the
file that can be downloaded show the same events.
"""

from pathlib import Path

from course_build import DATA, READING, REFERENCES, TOOLKIT
from docutils import nodes
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sphinx.util.docutils import SphinxDirective

TEMPLATE = Path(__file__).with_name("course_events.html")

# How much of a date is shown and how much of it stands in the attribute `datetime`.
SHOWN = {"day": "{0.day} {0:%b} {0.year}", "month": "{0:%b} {0.year}", "year": "{0.year}"}
STATED = {"day": "%Y-%m-%d", "month": "%Y-%m", "year": "%Y"}


class events_table(nodes.General, nodes.Element):
    """The place of the table; filled when the pages of the references are known."""


class EventsTable(SphinxDirective):
    """Filter, timeline and table of all rows of ``events``."""

    def run(self):
        tables = (DATA / f"{name}.csv" for name in ("events", "cameo", "partners"))
        for path in (REFERENCES, TOOLKIT / "charts.py", *READING, *tables):
            self.env.note_dependency(str(path))
        self.env.metadata[self.env.docname]["events"] = True
        return [events_table()]


def fill(app, doctree, docname):
    """Write the table, with links to the list of references."""
    for place in list(doctree.findall(events_table)):
        from toolkit import data  # here: pandas takes a second, and most builds do not write this page

        addresses = {}
        for citation in app.env.get_domain("cite").citations:
            page = app.builder.get_relative_uri(docname, citation.bibliography_key.docname)
            addresses[citation.key] = f"{page}#{citation.citation_id}"
        text = markup(data.load("events"), data.load("cameo"), data.load("partners"), addresses)
        place.replace_self(nodes.raw("", text, format="html"))


def markup(events, cameo, partners, addresses):
    """The HTML of filter, timeline and table, with all text escaped. Sphinx's search takes its tags away: between cells a
    blank must stand.

    Parameters
    ----------
    events, cameo, partners : pandas.DataFrame
        The tables of these names, with at least one event.
    addresses : dict
        Address of the entry of each source in the list of references, by its key.

    Returns
    -------
    str
    """
    from toolkit import charts
    from toolkit.data import cited

    names = dict(zip(partners["code"], partners["name"]))
    codes = {code.code: code for code in cameo.itertuples()}
    events = events.fillna({"place": ""})
    rows = [
        {
            "event": event,
            "date": SHOWN[event.precision].format(event.date),
            "datetime": event.date.strftime(STATED[event.precision]),
            "partners": "; ".join(names[code] for code in event.partners.split(";")),
            "cameo": codes[event.cameo],
            "class": charts.QUADCLASSES[codes[event.cameo].quadclass],
            "goldstein": f"{codes[event.cameo].goldstein:+.1f}".replace("+0.0", "0.0").replace("-", "−"),
            "sources": [(key, locator, addresses[key]) for key, locator in cited(event.source)],
        }
        for event in events.itertuples()
    ]
    used = {code for row in events["partners"] for code in row.split(";")}
    years = events["date"].dt.year
    environment = Environment(
        loader=FileSystemLoader(TEMPLATE.parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    return environment.get_template(TEMPLATE.name).render(
        rows=rows,
        groups=groups(partners[partners["code"].isin(used)].sort_values("name"), charts.COLOURS),
        kinds=kinds(cameo, {event.cameo for event in events.itertuples()}, charts.QUADCLASSES),
        statuses=sorted(events["status"].unique()),
        years=range(years.min(), years.max() + 1),
        colours={number: charts.COLOURS[name] for number, name in charts.QUADCLASSES.items()},
        quadclasses=charts.QUADCLASSES,
    )


def groups(partners, order):
    """``(group, [(code, name)])`` of the partners, in the order of the charts."""
    for group in sorted(partners["group"].unique(), key=list(order).index):
        chosen = partners[partners["group"] == group]
        yield group, list(zip(chosen["code"], chosen["name"]))


def kinds(cameo, used, quadclasses):
    """``(QuadClass, [(root code, label)])`` of the codes that are used."""
    roots = cameo[cameo["code"].isin(used)].drop_duplicates("root").sort_values("root")
    for number, name in quadclasses.items():
        chosen = roots[roots["quadclass"] == number]
        if len(chosen):
            yield name, list(zip(chosen["root"], chosen["root_label"]))


def add_files(app, pagename, templatename, context, doctree):
    """Scripts and style sheet, on the page that has the table only."""
    if "events" in app.env.metadata.get(pagename, {}):
        for name in ("filter.js", "events.js"):
            app.add_js_file(name, loading_method="defer")
        app.add_css_file("events.css", priority=900)  # after the rules for all pages


def setup(app):
    app.add_node(events_table)
    app.add_directive("events-table", EventsTable)
    app.connect("doctree-resolved", fill)
    app.connect("html-page-context", add_files)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
