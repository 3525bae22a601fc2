"""How the book is built: one build at a time; the data is checked first; a chapter runs again only when something it
uses has changed; a fault stops the build with one message; the site in ``_build/html`` is replaced only by a whole new
one; and where nothing has changed at all, nothing is done.
"""

import gc
import hashlib
import os
import re
import shutil
import sqlite3
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import click
from course_inputs import DATA, ROOT, TOOLKIT, digest, environment, files_below, inputs_of
from course_kernels import kernels
from filelock import FileLock, Timeout
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.executors.utils import single_nb_execution
from myst_nb.core.read import is_myst_markdown_notebook, read_myst_markdown_notebook
from sphinx.errors import ExtensionError, SphinxError
from sphinx.search import js_index
from sphinx.util import logging
from sqlalchemy.exc import SQLAlchemyError

sys.path.insert(0, str(ROOT / "book"))  # for `toolkit`, as the chapters have it

STATIC = ROOT / "book" / "_static"
REFERENCES = ROOT / "book" / "references.bib"
READING = [TOOLKIT / "data.py", TOOLKIT / "rules.py", DATA / "datapackage.json"]  # these decide what a table is read as
EXTENSIONS = sorted(Path(__file__).parent.glob("*.*"))
HEADER = re.compile(r"---\n.*?\n---\n", re.DOTALL)

logger = logging.getLogger(__name__)


class CourseDataError(SphinxError):
    category = "Fault in the data"


class ChapterError(SphinxError):
    category = "Fault in a chapter"


def setup(app):
    # Pages are trees of a million small objects that stay: looking through them again and again takes half of a build.
    gc.set_threshold(100_000, 20, 100)
    app.warningiserror = True  # with any command, not only with -W
    app.parallel = max(app.parallel, os.cpu_count() or 1)
    # Sphinx reads every page again when the extensions or the packages change, and chapters run again with the latter.
    # It writes every page again when a script or style sheet changes: pages name the digests of these.
    app.add_config_value("course_extensions", digest(EXTENSIONS), "env")
    app.add_config_value("course_environment", environment(), "env")
    app.add_config_value("course_static", digest(static_files()), "html")
    app.connect("config-inited", stage)
    app.connect("builder-inited", allow_parallel_reading)
    app.connect("env-get-outdated", changed_files)
    app.connect("env-before-read-docs", check_data)
    app.connect("env-before-read-docs", run_chapters, priority=999)
    app.connect("source-read", name_inputs)
    app.connect("env-updated", remember_files)
    app.connect("env-updated", keep_index_entries)
    app.connect("env-updated", show_new_names)
    app.connect("build-finished", drop_leftovers, priority=100)  # before others look at all pages of the site
    app.connect("build-finished", finish, priority=999)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


# The site


def stage(app, config):
    """Write to a folder beside ``_build/html``; start afresh if the last build did not come to its end, or if something
    else has written there since. What another builder makes, as ``linkcheck``, lies apart, with what it knows of pages."""
    app.outdir.parent.mkdir(parents=True, exist_ok=True)
    app.course_lock = wait_for_other_builds(app.outdir.parent)
    builder = options().get("custom_builder") or options().get("builder") or "html"
    if builder != "html":
        app.doctreedir = app.doctreedir.with_name(f".doctrees-{builder}")
        app.doctreedir.mkdir(exist_ok=True)
        if app.outdir.name == "html":
            app.outdir = app.outdir.with_name(builder)
        return
    bring_back(app.outdir, app.outdir.with_name(".html-old"))
    app.outdir = type(app.outdir)(app.outdir.parent / ".html")
    last = app.outdir.with_name(".made-of")
    app.course_last = last.read_text("utf-8", "replace").split() if last.exists() else []
    if unfinished(app).exists() or digest_of_site(app.outdir) not in app.course_last:
        shutil.rmtree(app.outdir, ignore_errors=True)
        shutil.rmtree(app.doctreedir, ignore_errors=True)
        app.doctreedir.mkdir(parents=True)
    stop_if_unchanged(app)
    app.outdir.mkdir(parents=True, exist_ok=True)
    drop_copies(app)


def wait_for_other_builds(folder):
    """A lock that this process holds to its end, however it ends."""
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        logger.info("Another build of this book is under way; waiting for it to end.")
        lock.acquire()
    return lock


def stop_if_unchanged(app):
    """Do nothing where a build would only make the same site once more, and do so before Sphinx has read what it knows
    of the pages."""
    app.course_made_of = made_of()
    same = app.course_last == [app.course_made_of, digest_of_site(app.outdir.with_name("html"))]
    if same and not unfinished(app).exists() and options().get("freshenv") is False:
        logger.info("Nothing has changed since the last build: the book in _build/html is up to date.")
        raise SystemExit(0)
    unfinished(app).touch()


def made_of():
    """A digest of everything that a site is made of: the files, the packages and the options of the command."""
    files = [path for path in ROOT.glob("[!.]*") if path.is_file()]
    files += [path for folder in ("book", "data", ".jupyter") for path in files_below(ROOT / folder)]
    asked = "".join(f"-{value}" for name, value in sorted(options().items()) if name in ("config", "nitpick", "toc"))
    return f"{digest(sorted(files))}-{environment()}{asked}".replace(" ", "")


def options():
    """The options of the command ``jupyter-book build``; none under another command."""
    command = click.get_current_context(silent=True)
    return command.params if command else {}


def digest_of_site(folder):
    return digest(sorted(folder.rglob("*")), folder)


def unfinished(app):
    """The file that is there from the first change of a build until its last."""
    return app.outdir.parent / ".unfinished"


def finish(app, exception):
    """Publish the finished site, or say in one message why there is none."""
    try:
        if exception:
            raise exception
        if app.outdir.name == ".html":
            publish(app)
        gc.freeze()  # when Python ends it looks through the trees of all pages once more: seconds for nothing
    except Exception as error:
        message = f"\nThe book was not built; the site in _build/html is as it was.\n\n{explain(error)}\n"
        print(message, file=sys.stderr)
        raise SystemExit(1) from None  # the message says it all: no traceback of Jupyter Book after it


def drop_copies(app):
    """Start without what extensions, packages or the book's own ``_static`` gave to the last site, if they have changed:
    Sphinx writes every page again then, and copies all but what maps share. MyST-NB writes no plot over another."""
    known, makers, copies = app.outdir.with_name(".made-by"), f"{digest(EXTENSIONS)}-{environment()}", digest(static_files())
    last = known.read_text("utf-8", "replace").split() if known.exists() else [None]
    if last == [makers, copies]:
        return
    if last[0] != makers:
        for folder in (app.outdir.with_name("jupyter_execute"), Path(app.doctreedir)):
            shutil.rmtree(folder, ignore_errors=True)
        Path(app.doctreedir).mkdir(parents=True)
    for path in (app.outdir / "_static").glob("*"):
        if path.is_file():
            path.unlink()
        elif path.name != "maps":
            shutil.rmtree(path)
    known.write_text(f"{makers} {copies}", "utf-8")


def static_files():
    return sorted(STATIC.glob("*.*"))


def publish(app):
    if made_of() != app.course_made_of:
        raise ChapterError("A file of the book was changed while it was built. Build again.")
    site, new, old = (app.outdir.with_name(name) for name in ("html", ".html-new", ".html-old"))
    for leftover in (new, old):
        shutil.rmtree(leftover, ignore_errors=True)
    shutil.copytree(app.outdir, new)
    if site.exists():
        site.rename(old)
    try:
        new.rename(site)
    except OSError:
        bring_back(site, old)
        raise
    shutil.rmtree(old, ignore_errors=True)
    app.outdir.with_name(".made-of").write_text(f"{app.course_made_of} {digest_of_site(app.outdir)}", "utf-8")
    unfinished(app).unlink()


def kept(app, name, made_of, make):
    """What ``make`` gives: bytes that an earlier build made of the same, if they are whole.

    Parameters
    ----------
    app : sphinx.application.Sphinx
    name : str
        A name for what is made; only the last of a name is kept.
    made_of : str
        A digest of everything that ``make`` uses but the extensions and the installed packages.
    make : callable
        Takes nothing and returns bytes.

    Returns
    -------
    bytes
    """
    path = Path(app.doctreedir).parent / ".kept" / name
    label = f"{made_of}-{app.config.course_extensions}-{app.config.course_environment}".encode()
    if path.exists():
        known, _, rest = path.read_bytes().partition(b"\n")
        seal, _, content = rest.partition(b"\n")
        if known == label and seal == hashlib.sha256(content).hexdigest().encode():
            return content
    content = make()
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"\n".join([label, hashlib.sha256(content).hexdigest().encode(), content]))
    return content


def bring_back(site, old):
    """Undo the first half of an exchange of sites that came to no end."""
    if old.exists() and not site.exists():
        old.rename(site)


def drop_leftovers(app, exception):
    """Pictures, pages, downloads and search terms of earlier builds that no chapter has any more."""
    if exception or app.outdir.name != ".html":
        return
    wanted = {
        "_images": {name for _, name in app.env.images.values()},
        "_downloads": {name for _, name in app.env.dlfiles.values()},
        "book": {f"{Path(name).name}.html" for name in app.env.all_docs},
        "_sources/book": {Path(app.env.doc2path(name)).name for name in app.env.all_docs},
    }
    for folder, names in wanted.items():
        for path in files_below(app.outdir / folder):
            if path.relative_to(app.outdir / folder).as_posix() not in names:
                path.unlink()
    index = app.outdir / "searchindex.js"
    terms = js_index.loads(index.read_text("utf-8"))
    for field in ("terms", "titleterms"):
        terms[field] = {word: pages for word, pages in terms[field].items() if pages != []}
    index.write_text(js_index.dumps(terms), "utf-8")


def keep_index_entries(app, env):
    """Sphinx leaves out of the search index the index entries of pages that it does not write again."""
    index = app.outdir / "searchindex.js"
    kept = env._search_index_index_entries = {}
    if index.exists():
        before = js_index.loads(index.read_text("utf-8"))
        for entry, places in before["indexentries"].items():
            for number, target, is_main in places:
                name = before["docnames"][number]
                if name in env.all_docs:
                    kept.setdefault(name, []).append((entry, target, "main" if is_main else ""))


def show_new_names(app, env):
    """A page names others in its sidebar, in next and previous and in its links, to a page or to a heading: a new title,
    order or heading may concern them all, which Sphinx does not see."""
    names = {name: (title.astext(), sorted(env.metadata[name].get("myst_slugs", {}))) for name, title in env.titles.items()}
    names = names, digest([Path(app.srcdir, app.config.external_toc_path)])
    same = getattr(env, "course_names", names) == names
    env.course_names = names
    return [] if same else sorted(env.all_docs)


def explain(error):
    """What a reader of the message can act on; Sphinx and the chapters say file, line and rule themselves."""
    while error.__cause__ and (isinstance(error, ExtensionError) or not isinstance(error, SphinxError)):
        error = error.__cause__
    text = str(error).replace(f"{ROOT}{os.sep}", "")
    if isinstance(error, SphinxError):
        return text
    full = (
        "Is the disk full, or may the folder _build not be written? "
        if isinstance(error, (OSError, sqlite3.Error))
        else ""
    )
    return f"{type(error).__name__}: {text}\n{full}The next build starts afresh."


# What pages are made of


def allow_parallel_reading(app):
    """One of Jupyter Book's extensions does not say that it may be used in parallel; it keeps no state of its own."""
    numbering = app.extensions.get("sphinx_multitoc_numbering")
    if numbering and numbering.parallel_read_safe is None:
        numbering.parallel_read_safe = True


def changed_files(app, env, added, changed, removed):
    """Pages whose file, or a file they use, has another content. Sphinx compares times, and copies can keep those."""
    known = getattr(env, "course_files", {})
    return [name for name in env.found_docs & known.keys() if known[name] != digest_of_page(env, name)]


def remember_files(app, env):
    env.course_files = {name: digest_of_page(env, name) for name in env.all_docs}


def digest_of_page(env, name):
    return digest([Path(env.doc2path(name)), *sorted(Path(env.srcdir, path) for path in env.dependencies[name])])


def check_data(app, env, docnames):
    """Check every table before a chapter runs, unless nothing has changed since the last check."""
    seen = digest([*sorted(DATA.glob("*.*")), REFERENCES, *READING])
    if getattr(env, "course_data_checked", None) == seen:
        return
    from toolkit import data

    try:
        data.check()
    except data.DataError as error:
        raise CourseDataError(str(error)) from None
    env.course_data_checked = seen


# Chapters that run


def name_inputs(app, docname, source):
    """Make the cache of executed chapters see the tables, the toolkit and the installed packages.

    The cache knows a chapter by its code and its kernel's name. Here the name gets a digest of everything else that
    the chapter uses, so that a change in a table runs the chapters that load it, and only those. Sphinx is told of
    the same files, so that it reads the chapter again.
    """
    header = HEADER.match(source[0])
    if not header or "display_name:" not in header[0]:
        return
    for path in inputs_of(source[0]):
        app.env.note_dependency(str(path))
    renamed = re.sub(r"(display_name: .*)", rf"\1 {kernel_of(app, source[0])}", header[0], count=1)
    source[0] = renamed + source[0][header.end() :]


def kernel_of(app, text):
    """What the name of a chapter's kernel gets: a digest of all that the chapter uses."""
    return f"{digest(inputs_of(text))}-{app.config.course_environment}"


def text_of(app, name):
    path = Path(app.env.doc2path(name))
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise ChapterError(f"{path.relative_to(ROOT).as_posix()} is not in UTF-8: {error}") from None


def run_chapters(app, env, docnames):
    """Run the chapters that will be read, unless the cache has them, on all cores, the longest first.

    MyST-NB would run them where it reads them: one after the other in each of a few processes, each with its own share
    of pages, and in a single one where fewer than six pages have changed. jupyter-cache's own executors read a chapter
    from its file and would not see the digest of ``name_inputs``.
    """
    cache = open_cache(env.mystnb_config.execution_cache_path)
    waiting = {}
    for name in docnames:
        env.prepare_settings(name)  # for the names of files that it notes
        source = [text_of(app, name)]
        name_inputs(app, name, source)
        if is_myst_markdown_notebook(source[0]):
            notebook = read_myst_markdown_notebook(source[0], env.myst_config)
            if not is_cached(cache, notebook):
                waiting[name] = notebook
    if waiting:
        run_all(app, cache, waiting, env.mystnb_config.execution_timeout)
    cache.db.dispose()  # no connection may be shared with the processes that read pages


def run_all(app, cache, waiting, timeout):
    longest_first = sorted(waiting, key=lambda name: -code_size(waiting[name]))
    # One more than there are cores: a third of a second of each chapter is waiting for its kernel to speak and to end.
    with kernels() as manager, ThreadPoolExecutor(app.parallel + 1) as pool:
        running = {pool.submit(run, app, name, waiting[name], timeout, manager): name for name in longest_first}
        try:
            for done in as_completed(running):
                remember(cache, f"{running[done]}.md", waiting[running[done]], done.result())
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def run(app, name, notebook, timeout, manager):
    """Run a notebook in place, in a fresh kernel; the seconds that it took."""
    path = Path(app.env.doc2path(name))
    logger.info(f"{name}: running")
    try:
        result = single_nb_execution(notebook, str(path.parent), timeout, False, kernel_manager_class=manager)
    except Exception as error:  # the kernel died, or did not start
        raise ChapterError(f"{path.relative_to(ROOT).as_posix()}: {error}") from None
    if result.err:
        raise ChapterError(f"{path.relative_to(ROOT).as_posix()}, {fault(path, notebook, result.err)}")
    if not notebook.metadata.kernelspec.display_name.endswith(kernel_of(app, text_of(app, name))):
        raise ChapterError(f"{name}.md: it, or a file that it uses, was changed while it ran. Build again.")
    logger.info(f"{name}: ran in {result.time:.1f} s")
    return result.time


def fault(path, notebook, error):
    """Line, reason and text of the cell that failed, or what else there is to say."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output["output_type"] == "error":
                text = path.read_text("utf-8")
                line = text.count("\n", 0, text.find(cell["source"])) + 1
                reason = f"{output['ename']}: {output['evalue']}"
                return f"line {line}: a cell failed.\n{reason}\n\nThe cell:\n{cell['source']}"
    return f"a cell failed.\n{error}"


def open_cache(folder):
    """The cache of executed chapters; a new one in the place of a broken one."""
    cache = get_cache(folder)
    try:
        with cache.db.connect() as connection:
            sound = connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        cache.list_cache_records(), cache.list_project_records(), cache.get_cache_limit()
    except (SQLAlchemyError, RuntimeError):
        sound = False
    if not sound:
        cache.db.dispose()
        cache.clear_cache()
    return cache


def is_cached(cache, notebook):
    try:
        cache.merge_match_into_notebook(notebook)
    except Exception:  # no record, or one that cannot be read: whatever it is, the chapter runs
        return False
    return True


def remember(cache, name, notebook, seconds):
    """Put an executed notebook into the cache, over what a killed build may have left there."""
    _, key = cache.create_hashed_notebook(notebook)
    shutil.rmtree(Path(cache.path, "executed", key), ignore_errors=True)
    cache.cache_notebook_bundle(
        CacheBundleIn(notebook, name, data={"execution_seconds": seconds}), check_validity=False, overwrite=True
    )


def code_size(notebook):
    return sum(len(cell.source) for cell in notebook.cells if cell.cell_type == "code")
