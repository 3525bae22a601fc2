"""The question banks, and what a broken one says."""

import json

import pytest
from conftest import ROOT
from course_quiz import read_questions
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
    ],
)
def test_a_broken_bank_gives_one_error_with_file_question_and_rule(tmp_path, text, rule):
    path = tmp_path / "trial.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ExtensionError) as error:
        read_questions(path)
    assert str(error.value).startswith("trial.json") and rule in str(error.value) and "\n" not in str(error.value)


def test_a_missing_bank_is_named(tmp_path):
    with pytest.raises(ExtensionError, match="none.json: there is no such file"):
        read_questions(tmp_path / "none.json")
