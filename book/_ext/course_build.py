"""How the book is built: the data is checked first, a chapter runs again only when something it uses has changed, a
fault stops the build with one message, and the site in ``_build/html`` is replaced only by a whole new one.
"""

import hashlib
import os
import re
import shutil
import sys
import traceback
from pathlib import Path

from jupyter_cache import get_cache
from jupyter_cache.cache.main import JupyterCacheBase
from sphinx.errors import SphinxError
from sphinx.search import js_index

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "book"))  # for `toolkit`, as the chapters have it

TOOLKIT = ROOT / "book" / "toolkit"
STATIC = ROOT / "book" / "_static"
DATA = ROOT / "data"
REFERENCES = ROOT / "book" / "references.bib"


class CourseDataError(SphinxError):
    category = "Fault in the data"


def setup(app):
    app.warningiserror = True  # with any command, not only with -W
    app.parallel = max(app.parallel, os.cpu_count() or 1)
    # A changed extension, script or style sheet writes every page again: a page names the digests of its files, and
    # Sphinx, which compares the values of settings of the kind "html", else copies no file when no page has changed.
    own = [*Path(__file__).parent.glob("*.*"), *STATIC.glob("*.*")]
    app.add_config_value("course_own_files", digest(sorted(own)), "html")
    app.connect("config-inited", stage)
    app.connect("builder-inited", allow_parallel_reading)
    app.connect("env-before-read-docs", check_data)
    app.connect("env-before-read-docs", make_cache)
    app.connect("source-read", name_inputs)
    app.connect("build-finished", finish, priority=999)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


# The site


def stage(app, config):
    """Write to a folder beside ``_build/html``; start afresh if the build before this one did not come to its end."""
    if Path(app.outdir).name != "html":
        return
    app.outdir = type(app.outdir)(app.outdir.parent / ".html")
    unfinished = app.outdir.parent / ".unfinished"
    if unfinished.exists():
        shutil.rmtree(app.outdir, ignore_errors=True)
        shutil.rmtree(app.doctreedir, ignore_errors=True)
        app.doctreedir.mkdir(parents=True)
    app.outdir.mkdir(parents=True, exist_ok=True)
    unfinished.touch()


def finish(app, exception):
    """Publish the finished site, or say in one message why there is none."""
    if exception:
        print(
            f"\nThe book was not built; the site in _build/html is as it was.\n\n{explain(exception)}\n",
            file=sys.stderr,
        )
        raise SystemExit(1)  # the message says it all: no traceback of Jupyter Book after it
    drop_old_records(get_cache(app.env.mystnb_config.execution_cache_path))
    staged = Path(app.outdir)
    if staged.name != ".html":
        return
    drop_leftovers(app, staged)
    site, new, old = (staged.with_name(name) for name in ("html", ".html-new", ".html-old"))
    for leftover in (new, old):
        shutil.rmtree(leftover, ignore_errors=True)
    shutil.copytree(staged, new)
    if site.exists():
        site.rename(old)
    new.rename(site)
    shutil.rmtree(old, ignore_errors=True)
    staged.with_name(".unfinished").unlink()


def drop_leftovers(app, staged):
    """Pictures, pages and search terms of earlier builds that no chapter has any more."""
    pictures = {name for _, name in app.env.images.values()}
    pages = {f"{Path(docname).name}.html" for docname in app.env.all_docs}
    for folder, wanted in (("_images", pictures), ("book", pages)):
        for path in staged.joinpath(folder).glob("*"):
            if path.name not in wanted:
                path.unlink()
    index = staged / "searchindex.js"
    terms = js_index.loads(index.read_text("utf-8"))
    for field in ("terms", "titleterms"):
        terms[field] = {word: pages for word, pages in terms[field].items() if pages != []}
    index.write_text(js_index.dumps(terms), "utf-8")


def explain(error):
    """What a reader of the message can act on: file, row or cell, and rule."""
    # A chapter that runs in another process hands its error over as text.
    text = "".join(traceback.format_exception(error)) + getattr(error, "traceback", "")
    text = re.sub(r"\x1b\[[0-9;]*m", "", text).replace(f"{ROOT}{os.sep}", "")
    cell = re.search(r"following cell:\n-+\n(.*?)\n-{10,}\n(.*)", text, flags=re.DOTALL)
    page = re.search(r"ExecutionError: (\S.*?\.md)", text)
    if not cell or not page:
        return str(error).replace(f"{ROOT}{os.sep}", "")
    line = _line_of(ROOT / page[1], cell[1])
    raised = [line for line in text.splitlines() if re.match(r"[A-Z]\w*(Error|Exception|Interrupt)\b: ", line)]
    reason = raised[0] if raised else cell[2].strip().splitlines()[-1]
    return f"{page[1]}, line {line}: a cell failed.\n{reason}\n\nThe cell:\n{cell[1]}"


def _line_of(path, cell):
    """Number of the line on which a cell begins in its chapter; None if it is not found."""
    text = path.read_text("utf-8") if path.exists() else ""
    start = text.find(cell.strip())
    return text.count("\n", 0, start) + 1 if start >= 0 else None


# What chapters depend on


def allow_parallel_reading(app):
    """One of Jupyter Book's extensions does not say that it may be used in parallel; it keeps no state of its own."""
    numbering = app.extensions.get("sphinx_multitoc_numbering")
    if numbering and numbering.parallel_read_safe is None:
        numbering.parallel_read_safe = True


def check_data(app, env, docnames):
    """Check every table before a chapter runs, unless nothing has changed since the last check."""
    seen = digest([*sorted(DATA.glob("*.*")), REFERENCES, TOOLKIT / "data.py", TOOLKIT / "rules.py"])
    if getattr(env, "course_data_checked", None) == seen:
        return
    from toolkit import data

    try:
        data.check()
    except data.DataError as error:
        raise CourseDataError(str(error)) from None
    env.course_data_checked = seen


def make_cache(app, env, docnames):
    """Make the tables of the cache before two chapters, read at the same time, both try to."""
    get_cache(env.mystnb_config.execution_cache_path).db.dispose()


# After each chapter the cache drops records above its limit. It takes for such a one what another process has begun to
# write meanwhile. So this waits until every chapter has been read.
drop_old_records = JupyterCacheBase.truncate_caches
JupyterCacheBase.truncate_caches = lambda cache: None


def name_inputs(app, docname, source):
    """Make the cache of executed chapters see the tables and the toolkit.

    The cache knows a chapter by its code and its kernel's name. Here the name gets a digest of everything else that
    the chapter uses, so that a change in a table runs the chapters that load it, and only those. Sphinx is told of
    the same files, so that it reads the chapter again.
    """
    header = re.match(r"---\n.*?\n---\n", source[0], flags=re.DOTALL)
    if not header or "display_name:" not in header[0]:
        return
    inputs = inputs_of(source[0])
    for path in inputs:
        app.env.note_dependency(str(path))
    renamed = re.sub(r"(display_name: .*)", rf"\1 {digest(inputs)}", header[0], count=1)
    source[0] = renamed + source[0][header.end() :]


def inputs_of(chapter):
    """Files that the cells of a chapter use: the toolkit, the descriptor and the tables it loads."""
    tables = set(re.findall(r"""\bload\(\s*["']([\w-]+)["']""", chapter)) | {"basemap"}
    files = [path for path in DATA.iterdir() if path.stem in tables and path.suffix in (".csv", ".geojson")]
    return sorted([*files, DATA / "datapackage.json", *(p for p in TOOLKIT.iterdir() if p.is_file())])


def digest(paths):
    """A short digest of the content of files."""
    total = hashlib.sha256()
    for path in paths:
        total.update(path.name.encode() + b"\0" + (path.read_bytes() if path.exists() else b"") + b"\0")
    return total.hexdigest()[:16]
