"""Notebooks to take away: each chapter without and with outputs, all of them with data and toolkit as one archive, and,
once the repository has an address, buttons that open a chapter on Binder or Colab.

The site holds them in ``notebooks/``. They say in plain Markdown what the chapter says in MyST, which Jupyter does not
draw: a citation becomes its key, which ``references.bib`` explains, a link to a page one to its notebook.
"""

import hashlib
import io
import re
import shutil
import zipfile
from pathlib import Path

import nbformat
from course_build import kept
from course_inputs import ROOT, digest, files_below
from jupyter_cache import get_cache
from myst_nb.core.utils import coalesce_streams
from sphinx.errors import ExtensionError

FOLDER = "notebooks"
ARCHIVE = "kazakhstan-between-the-powers"
KERNEL = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}

# What runs need beside the notebooks: paths in the repository and in the archive.
TAKEN = ["LICENSE", "CITATION.cff", "requirements.txt", "book/references.bib"]
TAKEN_FOLDERS = ["book/toolkit", "data", ".jupyter"]
# What `packages` reads.
PINS = [ROOT / name for name in ("requirements.in", "requirements.txt")]

READ_ME = """\
# {title}: the notebooks

Every chapter as a notebook, with the tables and the functions that its cells use. With Python 3.11 or newer, in this
folder:

    python -m pip install -r requirements.txt
    python -m jupyter lab --config .jupyter/jupyter_lab_config.py

Only the first command needs the network. The keys in square brackets are sources; `book/references.bib` explains them.
Licences: `LICENSE` for the code, `data/README.md` for the tables; text and figures are under CC BY 4.0.
"""

# Requirements that run, build or mark notebooks and that no cell imports.
BUILDERS = "jupy|ipykernel|sphinx|beautifulsoup4|lxml|rjsmin|tinycss2|fonttools|filelock|jsonschema|nbgrader|text2qti"

# Without an address of the repository a notebook says where it belongs; with one it can fetch what it needs.
ALONE = """\
*This notebook is the chapter “{title}” of {book}. It needs the folders `book/toolkit` and `data`: put it into the
folder `book` of the course's archive of notebooks.*"""

FETCH = '''\
# Where this notebook stands alone, as on Colab, this cell fetches the tables and functions of the course.
import importlib.util, io, sys, urllib.request, zipfile
from pathlib import Path

ADDRESS = "{address}"
if importlib.util.find_spec("toolkit") is None:
    with urllib.request.urlopen(ADDRESS) as reply:
        zipfile.ZipFile(io.BytesIO(reply.read())).extractall("course")
    (folder,) = Path("course").glob("*/book")
    sys.path.insert(0, str(folder))
    %pip install --quiet {packages}'''


def setup(app):
    app.connect("env-before-read-docs", check_repository)
    app.connect("html-page-context", add_buttons, priority=950)  # after the theme's
    app.connect("build-finished", write, priority=900)  # before the site is published
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def check_repository(app, env, docnames):
    """The one setting is the repository's address on GitHub, or nothing."""
    address = app.config.html_theme_options.get("repository_url", "")
    if address and not re.fullmatch(r"https://github\.com/[\w.-]+/[\w.-]+", address):
        raise ExtensionError(
            f"_config.yml: repository: url: {address!r} is not of the form https://github.com/OWNER/NAME; "
            "leave it empty for a book without buttons for Binder and Colab"
        )


def is_notebook(app, docname):
    return "kernelspec" in app.env.metadata[docname]


def add_buttons(app, pagename, templatename, context, doctree):
    """Downloads in the theme's menu, and a menu of its own to run the chapter elsewhere."""
    if doctree is None or not is_notebook(app, pagename):
        return
    name = Path(pagename).name
    (menu,) = (group for group in context["header_buttons"] if group.get("label") == "download-buttons")
    up = context["pathto"](FOLDER, 1)
    for button in menu["buttons"]:  # the theme names them by their endings alone
        button["text"] = {".md": "Source (.md)", ".pdf": "Print (.pdf)"}[button["text"]]
    menu["buttons"] = [
        menu_link("Notebook (.ipynb)", f"{up}/{name}.ipynb", "fas fa-code"),
        menu_link("Notebook with outputs (.ipynb)", f"{up}/with-outputs/{name}.ipynb", "fas fa-code"),
        menu_link("All notebooks, data and functions (.zip)", f"{up}/{ARCHIVE}.zip", "fas fa-box-archive"),
        *menu["buttons"],
    ]
    options = app.config.html_theme_options
    if options.get("repository_url"):
        place, branch = options["repository_url"].removeprefix("https://github.com/"), options["repository_branch"]
        context["header_buttons"].append(
            {
                "type": "group",
                "tooltip": "Run this chapter",
                "icon": "fas fa-rocket",
                "label": "launch-buttons",
                "buttons": [
                    menu_link(
                        "Binder",
                        f"https://mybinder.org/v2/gh/{place}/{branch}?urlpath=lab/tree/book/{name}.md",
                        "_static/images/logo_binder.svg",
                    ),
                    # Colab opens notebooks of a repository: those of the site, which lies on the branch gh-pages.
                    menu_link(
                        "Colab",
                        f"https://colab.research.google.com/github/{place}/blob/gh-pages/{FOLDER}/{name}.ipynb",
                        "_static/images/logo_colab.png",
                    ),
                ],
            }
        )


def menu_link(text, url, icon):
    return {"type": "link", "text": text, "tooltip": text, "url": url, "icon": icon}


def write(app, exception):
    """Write the notebooks and the archive into the site."""
    if exception or app.builder.format != "html":
        return
    folder = Path(app.outdir, FOLDER)
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "with-outputs").mkdir(parents=True)
    cache = get_cache(app.env.mystnb_config.execution_cache_path)
    titles = {Path(name).name: title.astext() for name, title in sorted(app.env.titles.items())}
    chapters = sorted(name for name in app.env.all_docs if is_notebook(app, name))
    names = [Path(docname).name for docname in chapters]
    # What notebooks say beside their own text. The name of a chapter's kernel, in its file, tells what it has shown.
    options = app.config.html_theme_options
    around = [titles, names, app.config.html_title, options.get("repository_url"), options.get("repository_branch")]
    for docname, name in zip(chapters, names):
        path = Path(app.outdir).parent / "jupyter_execute" / f"{docname}.ipynb"
        made_of = f"{digest([path, *PINS])}-{hashlib.sha256(repr(around).encode()).hexdigest()}"
        full = kept(
            app,
            f"{name}-with-outputs.ipynb",
            made_of,
            lambda: written(take_away(app, name, titles, set(names), run_before(cache, path))),
        )
        blank = kept(app, f"{name}.ipynb", made_of, lambda: written(without_outputs(nbformat.reads(full.decode(), 4))))
        (folder / "with-outputs" / f"{name}.ipynb").write_bytes(full)
        (folder / f"{name}.ipynb").write_bytes(blank)
    members = {f"book/{name}.ipynb": folder / f"{name}.ipynb" for name in names}
    members |= {name: ROOT / name for name in TAKEN}
    for place in TAKEN_FOLDERS:
        members |= {path.relative_to(ROOT).as_posix(): path for path in files_below(ROOT / place)}
    made_of = f"{digest([*members.values()])}-{app.config.html_title}"
    (folder / f"{ARCHIVE}.zip").write_bytes(kept(app, f"{ARCHIVE}.zip", made_of, lambda: archive(app, members)))


def written(notebook):
    return f"{nbformat.writes(notebook)}\n".encode()


def run_before(cache, path):
    """The notebook of a chapter with what its cells showed."""
    _, executed = cache.merge_match_into_notebook(nbformat.read(path, as_version=4))
    return executed


def take_away(app, name, titles, notebooks, executed):
    """An executed chapter as a notebook for readers: in plain Markdown, and the same for the same chapter.

    Parameters
    ----------
    name : str
    titles : dict of str to str
        Titles of all pages by name.
    notebooks : set of str
        Names of the pages that are notebooks too.
    executed : nbformat.NotebookNode
    """
    address = app.config.html_theme_options.get("repository_url")
    if address:
        branch = app.config.html_theme_options["repository_branch"]
        source = f"{address}/archive/refs/heads/{branch}.zip"
        first = nbformat.v4.new_code_cell(FETCH.format(address=source, packages=" ".join(packages())))
    else:
        first = nbformat.v4.new_markdown_cell(ALONE.format(title=titles[name], book=app.config.html_title))
    cells = [first]
    for cell in executed.cells:
        if cell.cell_type == "markdown":
            cells.append(nbformat.v4.new_markdown_cell(plain(cell.source, titles, notebooks)))
        else:
            # How many pieces a kernel sends its text in is chance.
            outputs = coalesce_streams([output for output in cell.outputs if output.get("name") != "stderr"])
            cells.append(nbformat.v4.new_code_cell(cell.source, outputs=outputs, metadata=cell.metadata))
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number}"
    count = 0
    for cell in cells[1:]:
        if cell.cell_type == "code":
            count += 1
            cell.execution_count = count
            for output in cell.outputs:
                if output.output_type == "execute_result":
                    output.execution_count = count
    return nbformat.v4.new_notebook(cells=cells, metadata=KERNEL)


def without_outputs(notebook):
    blank = nbformat.from_dict(notebook.copy())
    blank.cells = [nbformat.from_dict(cell) for cell in notebook.cells]
    for cell in blank.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return blank


def packages():
    """What the cells import, as pinned: the requirements of the book but for Jupyter and Sphinx."""
    asked = re.findall(r"^([a-z][\w.-]*(?:\[\w+\])?)", (ROOT / "requirements.in").read_text("utf-8"), re.MULTILINE)
    pins = dict(re.findall(r"^(\S+)==(\S+)", (ROOT / "requirements.txt").read_text("utf-8"), re.MULTILINE))
    return [f"{name}=={pins[name]}" for name in asked if not re.match(BUILDERS, name)]


def archive(app, members):
    """The archive of files, by their paths in it, as bytes; the same content gives the same bytes."""
    texts = {name: path.read_bytes() for name, path in members.items()}
    texts["README.md"] = READ_ME.format(title=app.config.html_title).encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as file:
        for name in sorted(texts):
            member = zipfile.ZipInfo(f"{ARCHIVE}/{name}")  # of 1980, for a date would make each build another file
            member.external_attr, member.create_system = 0o644 << 16, 3  # as on Unix, on every system
            file.writestr(member, texts[name], zipfile.ZIP_DEFLATED)
    return packed.getvalue()


# From MyST to Markdown


def plain(text, titles, notebooks):
    """What a cell of MyST says in Markdown: roles become text, boxes quotations, exercises headings.

    Parameters
    ----------
    text : str
    titles : dict of str to str
        Titles of all pages by name.
    notebooks : set of str
        Names of the pages that are notebooks too.
    """
    text = re.sub(r"\{cite:p\}`([^`]*)`", lambda match: f"[{_citations(match[1])}]", text)
    text = re.sub(r"\{doc\}`(?:([^`<]*?) *<([^`>]*)>|([^`]*))`", lambda m: _page(m, titles, notebooks), text)
    text = re.sub(r"\{(?:term|claim|download|ref|numref)\}`([^`<]*?)(?: *<[^`>]*>)?`", r"\1", text)
    text = re.sub(r"```\{exercise-start\} *(.*)\n(?::.*\n)*```", r"### Exercise: \1\n", text)
    text = re.sub(r"```\{solution-start\}.*\n(?::.*\n)*```", "**Solution**\n", text)
    text = re.sub(r"```\{(?:exercise|solution)-end\}\n```", "", text)
    text = re.sub(r"```\{quiz\}.*\n(?:.*\n)*?```", "*The questions are in the book.*", text)
    text = re.sub(r"```\{claims-ledger\}.*\n(?:.*\n)*?```", "*The list is in the book.*", text)
    text = re.sub(r"^\(([\w-]+)\)=\n", r'<a id="\1"></a>\n\n', text, flags=re.MULTILINE)
    if unknown := re.search(r"^ *(?:`{3,}|~{3,})\{.*|\{[a-z:]+\}`.*", text, flags=re.MULTILINE):
        raise ExtensionError(f"course_downloads.py: say what stands in a notebook for {unknown[0]!r}")
    return _boxes(text)


def _citations(keys):
    """``key{locator},key`` as ``key, locator; key``."""
    parts = re.findall(r"([\w:.-]+)(?:\{([^}]*)\})?", keys)
    return "; ".join(f"{key}, {locator}" if locator else key for key, locator in parts)


def _page(match, titles, notebooks):
    name = match[2] or match[3]
    text = match[1] or titles[name]
    return f"[{text}]({name}.ipynb)" if name in notebooks else f"*{text}*"


def _boxes(text):
    """Boxes become quotations with their title in bold; grids and cards only lose their fences."""
    lines, fences, quoted = [], [], 0
    options = False  # the lines right under a fence that begin with a colon
    for line in text.split("\n"):
        opened = re.match(r"(:{3,})\{([\w-]+)\} *(.*)", line)
        if opened:
            colons, kind, title = opened.groups()
            box = kind in ("admonition", "dropdown", "note", "warning", "tip")
            fences.append((colons, box))
            quoted += box
            options = True
            if title and kind != "grid":  # a grid has its numbers of columns there
                lines.append("> " * quoted + f"**{title}**")
                lines.append("> " * quoted)
        elif fences and line.strip() == fences[-1][0]:
            quoted -= fences.pop()[1]
            lines.append("")
        elif options and line.startswith(":"):
            continue
        else:
            options = False
            lines.append("> " * quoted + line)
    return "\n".join(line.rstrip() for line in lines).strip("\n")
