"""Multiple-choice questions: the directive ``quiz`` shows a question bank.

``{quiz} russia`` reads ``quizzes/russia.json`` beside the page, a list of questions in the form of the package jupyterquiz::

    {"question": "…", "type": "multiple_choice", "answers": [{"answer": "…", "correct": true, "feedback": "…"}, …]}

Texts are Markdown without HTML and mathematics; feedback may cite. Without the script a page lists the options and folds
the feedback; with it an option is a button that answers at once, and the reader's own browser keeps which first answers
were right. ``quiz-ids`` tells the script that shows this for all chapters which questions each has.
"""

import hashlib
import html
import json
import re
from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

LETTERS = "ABCDEFGH"
# On a page HTML would be live, a substitution can make any, and mathematics asks another host for MathJax. The characters
# decide, code or not: what Markdown's own parser takes for code, MyST's may not, as in `a`{b="`"}<i>`.
NOT_ALLOWED = {
    r"<(?!https?:)[A-Za-z/!?].{,20}": "HTML; for a plain < write &lt;",
    r"\{\{.{,20}": "a substitution",
    r"\$.*?\$": "mathematics; for sums of money write US dollars",
}


def read_questions(path: Path) -> list[dict]:
    """Read a question bank.

    Raises
    ------
    ExtensionError
        If the file is missing or no JSON in UTF-8, or a question has a field too many or too few, a text that is empty or
        holds HTML, a substitution or mathematics, no single right answer, or fewer than two or more than eight, or two
        questions are the same. The message names file, question and rule.
    """
    try:
        questions = json.loads(path.read_text("utf-8"))
    except OSError:
        raise ExtensionError(f"{path.name}: there is no such file") from None
    except ValueError as error:
        raise ExtensionError(f"{path.name}: not JSON in UTF-8: {error}") from None
    if not isinstance(questions, list) or not questions:
        raise ExtensionError(f"{path.name}: the file holds no list of questions")
    seen = set()
    for number, question in enumerate(questions, start=1):
        place = f"{path.name}, question {number}"
        check_fields(place, question, {"question": str, "type": str, "answers": list})
        if question["type"] != "multiple_choice":
            raise ExtensionError(f"{place}: the type must be multiple_choice, not {question['type']!r}")
        for letter, answer in zip(LETTERS, question["answers"]):
            check_fields(f"{place}, answer {letter}", answer, {"answer": str, "correct": bool, "feedback": str})
        if not 2 <= len(question["answers"]) <= len(LETTERS):
            raise ExtensionError(f"{place}: {len(question['answers'])} answers, where 2 to {len(LETTERS)} are allowed")
        if [answer["correct"] for answer in question["answers"]].count(True) != 1:
            raise ExtensionError(f"{place}: exactly one answer must be correct")
        if identifier(path, question) in seen:
            raise ExtensionError(f"{place}: a question before asks the same")
        seen.add(identifier(path, question))
    return questions


def check_fields(place, record, types):
    if not isinstance(record, dict) or set(record) != set(types):
        raise ExtensionError(f"{place}: it must have the fields {', '.join(types)} and no other")
    for name, kind in types.items():
        if not isinstance(record[name], kind):
            raise ExtensionError(f"{place}: {name} must be of the type {kind.__name__}")
        if kind is str:
            check_text(f"{place}: {name}", record[name])


def check_text(place, text):
    if not text.strip():
        raise ExtensionError(f"{place} is empty")
    for pattern, meaning in NOT_ALLOWED.items():
        if found := re.search(pattern, one_line(text)):
            raise ExtensionError(f"{place} holds {found[0]!r}, which a page reads as {meaning}")


def identifier(path, question):
    """The id of a question, under which a browser keeps the first answer: it goes with the text, not with the place."""
    text = f"{path.stem}: {one_line(question['question'])}"
    return f"quiz-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def banks(env):
    """The folder of question banks beside a page."""
    return Path(env.doc2path(env.docname)).parent / "quizzes"


class Quiz(SphinxDirective):
    """The questions of a bank, numbered, each with its options and their feedback."""

    required_arguments = 1

    def run(self):
        path = banks(self.env) / f"{self.arguments[0]}.json"
        self.env.note_dependency(str(path))
        self.env.metadata[self.env.docname]["quiz"] = True  # such a page is a chapter, which has slides
        questions = enumerate(read_questions(path), start=1)
        return [self.question(number, question, path) for number, question in questions]

    def question(self, number, question, path):
        right = {True: "right", False: "not right"}
        options, feedback = [], []
        for letter, answer in zip(LETTERS, question["answers"]):
            options.append(f"- **{letter}.** {one_line(answer['answer'])}")
            feedback.append(f"- **{letter}** is {right[answer['correct']]}. {one_line(answer['feedback'])}")
        dropdown = [f":::{{dropdown}} Answer to question {number}", *feedback, ":::"]
        lines = [f"**Question {number}.** {one_line(question['question'])}", "", *options, "", *dropdown]
        container = nodes.container(ids=[identifier(path, question)], classes=["quiz-question"])
        self.state.nested_parse(StringList(lines, source=str(path)), self.content_offset, container)
        for item, answer in zip(container.findall(nodes.list_item), question["answers"]):
            item["classes"] += ["quiz-right"] if answer["correct"] else []  # progress.js counts first answers
        return container


class QuizIds(SphinxDirective):
    """For progress.js: the ids of the questions of each chapter, in an element that is not shown."""

    def run(self):
        self.env.metadata[self.env.docname]["quiz-files"] = True  # read again when there are others
        ids = {}
        for path in sorted(banks(self.env).glob("*.json")):
            self.env.note_dependency(str(path))
            ids[path.stem] = [identifier(path, question) for question in read_questions(path)]
        text = html.escape(json.dumps(ids, separators=(",", ":")))
        return [nodes.raw("", f'<div hidden="hidden" data-questions="{text}"></div>', format="html")]


def one_line(text):
    """A text that cannot end the list or the block it stands in."""
    return " ".join(text.split())


def setup(app):
    app.add_directive("quiz", Quiz)
    app.add_directive("quiz-ids", QuizIds)
    app.add_js_file("quiz.js", loading_method="defer")
    app.add_css_file("quiz.css")
    app.add_js_file("progress.js", loading_method="defer")  # on every page: the sidebar ticks chapters read
    app.add_css_file("progress.css")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
