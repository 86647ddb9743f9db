from __future__ import annotations

import io

import pytest

from loxone_exporter.config.checks import one_line
from loxone_exporter.errors import StoppedError
from loxone_exporter.setup.questions import Questions


class Keyboard(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_question_is_asked_until_the_answer_can_be_used() -> None:
    screen = io.StringIO()
    questions = Questions(Keyboard("x\n 7 \n"), screen)
    assert 7 == questions.ask("How many", int)
    first, second = screen.getvalue().splitlines()
    assert first.startswith("How many:   invalid literal")
    assert "How many: " == second


def test_an_empty_answer_is_the_default() -> None:
    screen = io.StringIO()
    assert "home" == Questions(Keyboard("\n"), screen).ask("Name", one_line, "home")
    assert "Name [home]: " == screen.getvalue()


def test_a_choice_is_told_by_its_first_letters() -> None:
    screen = io.StringIO()
    questions = Questions(Keyboard("x\nAG\n\n"), screen)
    choices = ["again", "write", "quit"]
    assert "again" == questions.choose("What now?", choices)
    assert "expected one of: again, write, quit" in screen.getvalue()
    assert "quit" == questions.choose("What now?", choices)


def test_the_end_of_answers_ends_it() -> None:
    with pytest.raises(StoppedError, match="nothing was written"):
        Questions(Keyboard("no newline"), io.StringIO()).ask("How many", int)


def test_what_is_no_text_is_said_so() -> None:
    screen = io.StringIO()
    assert "y" == Questions(Keyboard("\udcff\ny\n"), screen).ask("Name", one_line)
    assert "this is no UTF-8 text" in screen.getvalue()


@pytest.mark.parametrize(
    ("answers", "prompts"),
    [(None, io.StringIO()), (Keyboard(), None), (io.StringIO(), io.StringIO())],
)
def test_without_a_terminal_nobody_answers(
    answers: io.StringIO | None, prompts: io.StringIO | None
) -> None:
    questions = Questions(answers, prompts)
    assert not questions.is_answered
    with pytest.raises(StoppedError):
        questions.ask("Name", one_line)


def test_with_a_terminal_somebody_does() -> None:
    assert Questions(Keyboard(), io.StringIO()).is_answered
