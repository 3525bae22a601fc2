"""Maps of the built book share what each map of a notebook carries with it.

A map from ``toolkit.maps`` holds Leaflet and the base map inside its frame, so that a notebook needs no network. In the
site the frames name files in ``_static/maps`` instead, which a browser loads once, a script fills a frame when it comes
near, and captions lead to the routes in words. Where there are no frames, in PDF and EPUB, the picture of a map takes its
caption for a text alternative.
"""

import html
from pathlib import Path

from course_scripts import shorten
from docutils import nodes
from lxml.html import fragment_fromstring
from sphinx.errors import ExtensionError

FOLDER = "_static/maps"
WORDS = "book/routes"  # the page that says in words what the maps draw


def setup(app):
    app.add_js_file("maps.js", loading_method="defer")
    app.connect("doctree-read", describe_pictures)
    app.connect("doctree-resolved", share_assets)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def describe_pictures(app, doctree):
    """MyST-NB keeps all forms of an output until it knows the builder; the picture knows nothing of the caption."""
    for bundle in doctree.findall(nodes.container):
        if bundle.get("nb_element") != "mime_bundle":
            continue
        captions = [
            fragment_fromstring(node.astext()).find("figcaption").text_content()
            for node in bundle.findall(nodes.raw)
            if 'class="course-map"' in node.astext()
        ]
        for image in bundle.findall(nodes.image) if captions else []:
            image["alt"] = captions[0]


def share_assets(app, doctree, docname):
    """Name files in place of their text, in every map of a page, and let the page say when a map is drawn.

    ``loading="lazy"`` does not do it: Chromium takes it for frames with an address only.
    """
    maps = [node for node in doctree.findall(nodes.raw) if 'class="course-map"' in node.astext()]
    if app.builder.format != "html" or not maps:
        return
    from toolkit.assets import asset_tag, assets

    folder = Path(app.outdir, FOLDER)
    folder.mkdir(parents=True, exist_ok=True)
    if WORDS in app.env.found_docs:
        for node in maps:
            link = f' <a href="{app.builder.get_relative_uri(docname, WORDS)}">The routes in words</a></figcaption>'
            node.children = [nodes.Text(node.astext().replace("</figcaption>", link, 1))]
    up = "../" * docname.count("/")
    for name, text in assets().items():
        text = shorten(text) if name.endswith(".js") else text
        if not (folder / name).exists() or (folder / name).read_text("utf-8") != text:
            (folder / name).write_text(text, "utf-8")
        address = f"{up}{FOLDER}/{name}"
        tag = (
            f'<link rel="stylesheet" href="{address}">'
            if name.endswith(".css")
            else f'<script src="{address}"></script>'
        )
        for node in maps:
            carried = html.escape(asset_tag(name))
            if carried not in node.astext():
                raise ExtensionError(f"{docname}: a map does not carry {name} as toolkit.assets has it")
            node.children = [nodes.Text(node.astext().replace(carried, html.escape(tag)))]
            node.rawsource = ""
    for node in maps:
        node.children = [nodes.Text(node.astext().replace(' loading="lazy"', "").replace(" srcdoc=", " data-srcdoc="))]
