"""What teachers and students take away beside notebooks: the assignments, each as one archive, and the quizzes for a
learning platform.

The directive ``assignment`` says what an assignment's own text says of goals, time and points; ``quiz-files`` lists the
files for platforms. The site holds the archives in ``assignments/`` and the quizzes in ``quizzes/``, and the role
``made`` links to what is there.
"""

import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import zipfile
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

from course_build import DATA, REFERENCES, ROOT, TOOLKIT, kept
from course_inputs import digest, environment, files_below
from course_quiz import one_line, read_questions
from course_references import plain
from docutils import nodes
from docutils.statemachine import StringList
from markdown_it import MarkdownIt
from sphinx.errors import ExtensionError
from sphinx.util.docutils import ReferenceRole, SphinxDirective

ASSIGNMENTS = ROOT / "book" / "assignments"
BANKS = ROOT / "book" / "quizzes"
SEED = "published"  # a class takes another one, and gets other partners, years, claims and reports

NOTE = "Time and difficulty are the authors' estimates: no class has worked on this assignment yet."
LICENCE = "CC BY 4.0 - https://creativecommons.org/licenses/by/4.0/"


def setup(app):
    app.add_directive("assignment", Assignment)
    app.add_directive("quiz-files", QuizFiles)
    app.add_role("made", Made())
    app.connect("env-get-outdated", renew_list)
    app.connect("env-updated", begin)
    app.connect("doctree-resolved", keep_links_in_the_site)
    app.connect("build-finished", write, priority=900)  # before the site is published
    return {"parallel_read_safe": True, "parallel_write_safe": True}


# On the pages


class Made(ReferenceRole):
    """A link to a file that the build makes, by its path in the site."""

    def run(self):
        up = "../" * self.env.docname.count("/")
        return [nodes.reference("", self.title, refuri=up + self.target, classes=["made"])], []


def keep_links_in_the_site(app, doctree, docname):
    """An EPUB or a PDF has the pages only, so there the links of ``made`` become text."""
    if app.builder.name != "html":
        for link in list(doctree.findall(lambda node: "made" in getattr(node, "attributes", {}).get("classes", []))):
            link.replace_self(link.children)


class FromText(SphinxDirective):
    """A directive that writes Markdown."""

    def parsed(self, lines, source):
        container = nodes.container()
        self.state.nested_parse(StringList(lines, source=str(source)), self.content_offset, container)
        return container.children


class Assignment(FromText):
    """Goals, time, difficulty and points as the notebook states them, its tasks, and the archive."""

    required_arguments = 1

    def run(self):
        name = self.arguments[0]
        path = ASSIGNMENTS / f"{name}.md"
        self.env.note_dependency(str(path))
        text = path.read_text("utf-8")
        goals, time = (re.search(rf"^\*\*{word}\.\*\*.*$", text, re.MULTILINE)[0] for word in ("Goals", "Time"))
        rows = [f"| {title} | {tests or '–'} | {hand or '–'} |" for title, tests, hand in tasks(path)]
        archive = f"**Download.** {{made}}`The archive of this assignment <assignments/{name}.zip>` holds the notebook,"
        archive += " the tables, the toolkit, the list of packages and a note on how to start."
        table = ["| Task | Points by tests | By your teacher |", "|---|---|---|", *rows]
        return self.parsed([goals, "", time, "", NOTE, "", archive, "", *table], path)


def renew_list(app, env, added, changed, removed):
    """The pages that list the quizzes are read again when there are others."""
    names = sorted(path.name for path in BANKS.glob("*.json"))
    same = getattr(env, "course_banks", names) == names
    env.course_banks = names
    return [] if same else [name for name in env.all_docs if "quiz-files" in env.metadata[name]]


def tasks(path):
    """Title, points by tests and points by hand of each task of an assignment, a list of lists."""
    import jupytext  # here: a build that changes nothing needs none of it

    found = []
    for cell in jupytext.read(path).cells:
        if title := re.search(r"^## Task (\d+): (.*?)(?: \(.*points.*\))?$", cell.source, re.MULTILINE):
            found.append([f"{title[1]}. {title[2]}", 0, 0])
        for place, kind in enumerate(("test", "answer"), start=1):
            if kind in cell.metadata:
                found[-1][place] += cell.metadata["points"]
    return found


class QuizFiles(FromText):
    """The quizzes of all chapters, each as a package of QTI."""

    def run(self):
        self.env.metadata[self.env.docname]["quiz-files"] = True
        lines = ["| Quiz of the chapter | Questions | Package |", "|---|---|---|"]
        for path in sorted(BANKS.glob("*.json")):
            self.env.note_dependency(str(path))
            package = f"{{made}}`{path.stem}.zip <quizzes/{path.stem}.zip>`"
            lines.append(f"| {{doc}}`{path.stem}` | {len(read_questions(path))} | {package} |")
        return self.parsed(lines, BANKS)


# In the site


def write(app, exception):
    """Write the archives and the quizzes into the site."""
    if exception and hasattr(app, "course_handouts"):
        app.course_handouts.stop()
    if exception or app.builder.format != "html":
        return
    shutil.rmtree(Path(app.outdir, "assignments"), ignore_errors=True)
    shutil.copytree(app.course_handouts.folder(), Path(app.outdir, "assignments"))
    folder = Path(app.outdir, "quizzes")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    sources = app.env.get_domain("cite").bibdata.data.entries
    paths = sorted(BANKS.glob("*.json"))
    if lost := [path.name for path in paths if f"book/{path.stem}" not in app.env.titles]:
        raise ExtensionError(f"book/quizzes/{lost[0]}: the book has no chapter of this name")
    banks = {path: app.env.titles[f"book/{path.stem}"].astext() for path in paths}

    @cache
    def quiz(path):
        return [as_html(question, sources) for question in read_questions(path)]

    def made_of(*paths):
        titles = ". ".join([app.config.html_title, *(banks[path] for path in paths)])
        return f"{digest([*paths, REFERENCES])}-{hashlib.sha256(titles.encode()).hexdigest()[:16]}"

    for path, title in banks.items():
        name = f"{path.stem}.zip"
        (folder / name).write_bytes(kept(app, name, made_of(path), lambda: qti(title, quiz(path))))
    every = lambda: moodle(app.config.html_title, {title: quiz(path) for path, title in banks.items()})
    (folder / "moodle.xml").write_bytes(kept(app, "moodle.xml", made_of(*banks), every))


def begin(app, env):
    """Let ``make.py`` work while pages are written."""
    if app.builder.format == "html":
        app.course_handouts = Handouts(Path(app.outdir).parent)


class Handouts:
    """The archives of ``make.py``; those of the last build, if nothing that they are made of has changed."""

    def __init__(self, folder):
        self.parent, self.process = folder / ".assignments", None
        self.made = self.parent / name_of_archives()
        if not self.made.exists():
            shutil.rmtree(self.parent, ignore_errors=True)
            # A build that is killed leaves no half of it under the name of the whole, and its process, which goes on,
            # writes nothing into what a later build makes.
            self.begun = self.parent / f"begun-{os.getpid()}"
            # In a process of its own: nbgrader and its database set up logging and paths for all.
            command = [sys.executable, ASSIGNMENTS / "make.py", self.begun, "--seed", SEED]
            pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
            self.process = subprocess.Popen(command, **pipes, text=True, encoding="utf-8", errors="replace")

    def folder(self):
        """Where the archives are, when they are made."""
        if self.process:
            said, _ = self.process.communicate()
            if self.process.returncode:
                raise ExtensionError(f"book/assignments/make.py could not make the archives.\n{said[-2000:]}")
            if self.made.name != name_of_archives():
                raise ExtensionError("A file of the assignments was changed while they were made. Build again.")
            self.begun.rename(self.made)
        return self.made / "handouts"

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.communicate()


def name_of_archives():
    """A digest of everything that the archives are made of."""
    parts = [path for part in (ASSIGNMENTS, TOOLKIT, DATA) for path in files_below(part)]
    return f"{digest([*parts, REFERENCES, ROOT / 'requirements.txt', ROOT / 'LICENSE', Path(__file__)])}-{environment()}"


def as_html(question, sources):
    """A question of a bank with its texts in HTML: question, and (option, whether it is right, feedback) of each."""
    options = [
        (to_html(answer["answer"], sources), answer["correct"], to_html(answer["feedback"], sources))
        for answer in question["answers"]
    ]
    return to_html(question["question"], sources), options


def to_html(text, sources):
    """Markdown as a paragraph of HTML; a platform has no list of references, so a citation names its source."""

    def cited(match):
        found = re.findall(r"([\w:.-]+)(?:\{([^}]*)\})?", match[1])
        return f"({'; '.join(named(sources[key].fields, locator) for key, locator in found)})"

    text = re.sub(r"\{cite:p\}`([^`]*)`", cited, one_line(text))
    if unknown := re.search(r"\{[\w:]+\}`[^`]*`", text):
        raise ExtensionError(f"course_teaching.py: say what a platform shows for {unknown[0]!r}")
    return f"<p>{MarkdownIt('commonmark', {'html': False}).renderInline(text)}</p>"


def named(fields, locator):
    title = re.sub(r"([\\\[\]*_`<])", r"\\\1", plain(fields["title"]))
    source = f"[{title}](<{fields['url']}>)" if "url" in fields else title
    return f"{source}, {locator}" if locator else source


def moodle(course, quizzes):
    """All quizzes in the format *Moodle XML*, a category for each, as bytes."""
    root = ElementTree.Element("quiz")

    def add(parent, tag, text, **attributes):
        """An element whose text stands in another, as Moodle has it."""
        element = ElementTree.SubElement(parent, tag, attributes)
        ElementTree.SubElement(element, "text").text = text
        return element

    for title, questions in quizzes.items():
        category = ElementTree.SubElement(root, "question", type="category")
        path = [part.replace("/", "//") for part in (course, title)]  # a slash of a name is written twice
        add(category, "category", "/".join(["$course$", "top", *path]))
        for number, (text, options) in enumerate(questions, start=1):
            question = ElementTree.SubElement(root, "question", type="multichoice")
            add(question, "name", f"{title} {number:02}")
            add(question, "questiontext", text, format="html")
            settings = {"defaultgrade": "1", "single": "true", "shuffleanswers": "true", "answernumbering": "ABCD"}
            for name, value in settings.items():
                ElementTree.SubElement(question, name).text = value
            for option, right, feedback in options:
                answer = add(question, "answer", option, fraction="100" if right else "0", format="html")
                add(answer, "feedback", feedback, format="html")
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)


def qti(title, questions):
    """A quiz as a package of QTI 1.2, which Canvas and others import; bytes.

    text2qti reads Markdown, and leaves a paragraph of HTML as it is but for what it takes for mathematics.
    """
    from text2qti.config import Config  # here, as above
    from text2qti.qti import QTI
    from text2qti.quiz import Quiz

    lines = [f"Quiz title: {title}", "Shuffle answers: true", ""]
    for number, (text, options) in enumerate(questions, start=1):
        lines += [f"Title: Question {number}", f"{number}. {literal(text)}"]
        for letter, (option, right, feedback) in zip("abcdefgh", options):
            lines += [f"{'*' * right}{letter}) {literal(option)}", f"... {literal(feedback)}"]
        lines.append("")
    made = QTI(Quiz("\n".join(lines), config=Config()))
    # text2qti would write the day of the build, and a licence that is not ours.
    manifest = re.sub(r" *<imsmd:lifeCycle>.*</imsmd:lifeCycle>\n", "", made.imsmanifest_xml, flags=re.DOTALL)
    manifest = re.sub(r"Private \(Copyrighted\)[^<]*", LICENCE, manifest)
    name = made.assessment_identifier
    members = {
        "imsmanifest.xml": manifest,
        f"{name}/assessment_meta.xml": made.assessment_meta,
        f"{name}/{name}.xml": made.assessment,
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as package:
        for member, content in members.items():
            package.writestr(zipfile.ZipInfo(member), content, zipfile.ZIP_DEFLATED)  # without the time of day
    return file.getvalue()


def literal(text):
    """HTML in which text2qti finds neither mathematics nor code."""
    return re.sub(r"[$\\`]", lambda match: f"&#{ord(match[0])};", text)
