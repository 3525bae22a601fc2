"""The question banks, what a broken one says, and the files for learning platforms."""

import html
import json
import re
import zipfile
from xml.etree import ElementTree

import pytest
from conftest import ROOT
from course_quiz import read_questions
from course_teaching import as_html, moodle, qti
from moodle_xml_parser.parser import parse_string
from sphinx.errors import ExtensionError

BANKS = sorted((ROOT / "book" / "quizzes").glob("*.json"))
GOOD = {
    "question": "Which?",
    "type": "multiple_choice",
    "answers": [
        {"answer": "This.", "correct": True, "feedback": "Because it is."},
        {"answer": "That.", "correct": False, "feedback": "It is not."},
    ],
}


@pytest.mark.parametrize("path", BANKS, ids=lambda path: path.stem)
def test_every_bank_is_sound_and_stands_in_a_chapter(path):
    read_questions(path)
    assert f"```{{quiz}} {path.stem}\n" in (ROOT / "book" / f"{path.stem}.md").read_text("utf-8")


def changed(**fields):
    return json.dumps([GOOD, GOOD | fields])


def answers(**fields):
    return changed(answers=[GOOD["answers"][0], GOOD["answers"][1] | fields])


@pytest.mark.parametrize(
    "text, rule",
    [
        ("[{", "not JSON in UTF-8"),
        (b"\xff\xfe", "not JSON in UTF-8"),
        ("{}", "the file holds no list of questions"),
        ("[]", "the file holds no list of questions"),
        ("[3]", "question 1: it must have the fields question, type, answers and no other"),
        (changed(hint="no"), "question 2: it must have the fields"),
        (changed(question=" "), "question 2: question is empty"),
        (changed(question=3), "question 2: question must be of the type str"),
        (changed(type="numeric"), "question 2: the type must be multiple_choice, not 'numeric'"),
        (changed(answers=GOOD["answers"][:1]), "question 2: 1 answers, where 2 to 8 are allowed"),
        (changed(answers=GOOD["answers"] + GOOD["answers"][1:] * 7), "question 2: 9 answers"),
        (answers(correct=True), "question 2: exactly one answer must be correct"),
        (answers(correct="no"), "question 2, answer B: correct must be of the type bool"),
        (answers(feedback=""), "question 2, answer B: feedback is empty"),
        (answers(points=1), "question 2, answer B: it must have the fields"),
        (changed(), "question 2: a question before asks the same"),
        (changed(question="<script>a()</script>"), "question 2: question holds '<script>a()</script>', which a page"),
        (answers(answer="<img onerror=a()>"), "question 2, answer B: answer holds '<img onerror=a()>'"),
        (answers(feedback="So.\n\n<!-- no -->"), "question 2, answer B: feedback holds '<!-- no -->'"),
        (answers(feedback='`x`{a="`"}<i>`'), "question 2, answer B: feedback holds '<i>`'"),  # no code for MyST
        (answers(answer="{{ a }}"), "question 2, answer B: answer holds '{{ a }}', which a page reads as a substitution"),
        (answers(answer="US$5, US$6"), "question 2, answer B: answer holds '$5, US$', which a page reads as mathematics"),
    ],
)
def test_a_broken_bank_gives_one_error_with_file_question_and_rule(tmp_path, text, rule):
    path = tmp_path / "trial.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ExtensionError) as error:
        read_questions(path)
    assert str(error.value).startswith("trial.json") and rule in str(error.value) and "\n" not in str(error.value)


def test_a_bank_may_use_markdown_one_dollar_sign_and_a_plain_less_than(tmp_path):
    plain = {"question": "*Which*: 1 < 2, `a`, &lt;b>, US$5 or <https://example.org>?"}
    (tmp_path / "trial.json").write_text(json.dumps([GOOD | plain]), "utf-8")
    assert read_questions(tmp_path / "trial.json") == [GOOD | plain]


def test_a_missing_bank_is_named(tmp_path):
    with pytest.raises(ExtensionError, match="none.json: there is no such file"):
        read_questions(tmp_path / "none.json")


# For learning platforms


def of_moodle(text):
    """Questions of a file in Moodle XML, as an independent reader finds them: text, and option, right, feedback."""
    return [
        (
            found.text_pre_parse,
            [(option.answer, option.score_fraction == 100, option.feedback) for option in found.options],
        )
        for found in parse_string(text)["multichoice"]
    ]


def of_qti(path):
    """The same of a package of QTI 1.2, by way of its manifest; and its title."""
    with zipfile.ZipFile(path) as package:
        assert package.testzip() is None
        (resource,) = ElementTree.fromstring(package.read("imsmanifest.xml")).iterfind(
            ".//{*}resource[@type='imsqti_xmlv1p2']"
        )
        assessment = ElementTree.fromstring(package.read(resource.find("{*}file").get("href")))[0]
    found = []
    for item in assessment.iterfind(".//{*}item"):
        (right,) = [
            rule.find(".//{*}varequal").text
            for rule in item.iterfind(".//{*}respcondition")
            if rule.findtext("{*}setvar") == "100"
        ]
        shown_with = {
            rule.find(".//{*}varequal").text: rule.find("{*}displayfeedback").get("linkrefid")
            for rule in item.iterfind(".//{*}respcondition")
            if rule.find("{*}displayfeedback") is not None
        }
        feedback = {part.get("ident"): part.findtext(".//{*}mattext") for part in item.iterfind("{*}itemfeedback")}
        options = [
            (label.findtext(".//{*}mattext"), label.get("ident") == right, feedback[shown_with[label.get("ident")]])
            for label in item.iterfind(".//{*}response_label")
        ]
        found.append((item.findtext("{*}presentation/{*}material/{*}mattext"), options))
    return assessment.get("title"), found


def says(shown, text):
    """Whether HTML shows a text of a bank, with the source and the locator in the place of a citation."""
    parts = re.split(r"\{cite:p\}`[^`]*\{([^}]*)\}`", text)
    parts[::2] = [re.escape(" ".join(re.sub(r"[*`]", "", part).split())).rstrip("\\ ") for part in parts[::2]]
    parts[1::2] = [rf" ?\(.{{8,}}, {re.escape(locator)}\) ?" for locator in parts[1::2]]
    return re.fullmatch("".join(parts), html.unescape(re.sub(r"<[^>]*>", "", shown)).strip())


def test_a_platform_gets_every_question_option_and_feedback(site):
    folder = site / "quizzes"
    text = (folder / "moodle.xml").read_text("utf-8")
    waiting = iter(of_moodle(text))
    titles = []
    for path in BANKS:
        title, questions = of_qti(folder / f"{path.stem}.zip")
        titles.append(title)
        bank = read_questions(path)
        assert len(questions) == len(bank)
        for asked, packed, imported in zip(bank, questions, waiting):
            for shown, options in (packed, imported):
                assert says(shown, asked["question"]), (shown, asked["question"])
                for answer, (option, right, feedback) in zip(asked["answers"], options, strict=True):
                    assert says(option, answer["answer"]) and right is answer["correct"], option
                    assert says(feedback, answer["feedback"]), (feedback, answer["feedback"])
    assert next(waiting, None) is None
    categories = [part.text for part in ElementTree.fromstring(text).iterfind("question/category/text")]
    assert categories == [f"$course$/top/Kazakhstan between the Powers/{title}" for title in titles]
    assert {path.stem for path in folder.glob("*.zip")} == {path.stem for path in BANKS}
    guide = (site / "book" / "teaching.html").read_text("utf-8")
    for path in folder.iterdir():
        assert f'href="../quizzes/{path.name}"' in guide


def test_text_for_a_platform_is_escaped_and_may_be_in_any_script(tmp_path):
    odd = 'US$5 or US$6 & \\alpha, <b>1</b> < 2 <script>x</script>, "책" \'한국\' it\'s a_b_c 1. `a*b*c` -- ]]> Қазақ'
    answers = [{"answer": f"{n}. {odd}", "correct": n == 2, "feedback": f"+ {odd} {n}"} for n in (1, 2, 3)]
    questions = [as_html({"question": f"- {odd} *so*", "answers": answers}, {})]
    (tmp_path / "odd.zip").write_bytes(qti("책 & <b>", questions))
    title, packed = of_qti(tmp_path / "odd.zip")
    assert title == "책 & <b>"
    for text, options in packed:
        assert text_of(text) == f"- {odd} so".replace("`", "")
        assert "<em>so</em>" in text and "<code>a*b*c</code>" in text and "<script" not in text and "<b>" not in text
        assert [option[1] for option in options] == [False, True, False]
        for n, (option, _, feedback) in enumerate(options, start=1):
            assert text_of(option) == f"{n}. {odd}".replace("`", "")
            assert text_of(feedback) == f"+ {odd} {n}".replace("`", "")
    root = ElementTree.fromstring(moodle("A/B", {"C/D": questions}))
    assert root.findtext("question/category/text") == "$course$/top/A//B/C//D"
    assert root.findtext("question/questiontext/text") == questions[0][0]


def text_of(shown):
    return html.unescape(re.sub(r"</?(p|em|code)>", "", shown))


def test_two_packages_of_a_quiz_are_the_same_and_carry_the_licence_and_no_date(tmp_path):
    questions = [as_html(GOOD, {})]
    for name in ("one", "two"):
        (tmp_path / f"{name}.zip").write_bytes(qti("Same", questions))
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "one.zip") as package:
        assert {member.date_time for member in package.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        manifest = package.read("imsmanifest.xml").decode()
    assert "CC BY 4.0" in manifest and "dateTime" not in manifest and "Private" not in manifest
