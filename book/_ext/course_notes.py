"""Notes of a page: hidden at its end, shown by a script at the links they belong to, printed on paper.

An extension that has something to tell about a link to ``…#name`` calls :func:`add_notes` with the body of the note under
that name, and sets this extension up with ``app.setup_extension("course_notes")``. Without the script the links lead on.
"""

from docutils import nodes


def add_notes(document, bodies):
    """Append notes to a page.

    Parameters
    ----------
    document : docutils.nodes.document
    bodies : dict
        For each name, which is the last part of the links' address, the nodes of the note.
    """
    notes = nodes.container(classes=["page-notes"])
    for name, body in bodies.items():
        notes += nodes.container("", *body, ids=[f"note-{name}"])
    document += notes


def setup(app):
    app.add_js_file("notes.js", loading_method="defer")
    app.add_css_file("notes.css")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
