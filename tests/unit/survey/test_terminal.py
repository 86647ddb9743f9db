from __future__ import annotations

import io

import pytest

from loxone_exporter.survey.facts import Fact, Rating, date, duration, some
from loxone_exporter.survey.terminal import Progress, Style, lines


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environ", "is_watched", "has_colours"),
    [
        ({"TERM": "xterm"}, True, True),
        ({"TERM": "xterm", "NO_COLOR": ""}, True, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, True, False),
        ({"TERM": "dumb"}, False, False),
        ({}, False, False),
    ],
)
def test_what_a_terminal_can_show(
    environ: dict[str, str], is_watched: object, has_colours: object
) -> None:
    style = Style.of(Screen(), environ)
    assert (is_watched, has_colours) == (style.is_watched, style.has_colours)
    assert is_watched == (style.width is not None)
    assert is_watched == (Progress.on(Screen(), environ) is not None)


@pytest.mark.parametrize("stream", [None, io.StringIO()])
def test_what_is_no_terminal_gets_plain_lines(stream: io.StringIO | None) -> None:
    assert Style() == Style.of(stream, {"TERM": "xterm"})
    assert Progress.on(stream, {"TERM": "xterm"}) is None


def test_facts_are_lines_under_their_heading() -> None:
    facts = [Fact("sees", "nothing " * 20, Rating.BAD), Fact("is not told", "x\x1b[2J\ny")]
    assert ["home", "  sees         " + "nothing " * 20, r"  is not told  x\x1b[2J\ny"] == list(
        lines("home", facts, Style())
    )
    heading, sees, _ = lines("home", facts, Style(is_watched=True, has_colours=True, width=40))
    assert "\x1b[1mhome\x1b[0m" == heading
    first, *others = sees.splitlines()
    assert "  \x1b[1;31msees        \x1b[0m nothing nothing nothing" == first
    assert {" " * 15} == {line[:15] for line in others}
    assert max(map(len, others)) <= 40


def test_a_narrow_terminal_has_room_all_the_same() -> None:
    assert "a" * 30 in Style(is_watched=True, width=3).fact(Fact("x", "a" * 30)).replace(
        "\n" + " " * 15, ""
    )


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (119, "119 s"),
        (120, "2 minutes"),
        (7199, "120 minutes"),
        (7200, "2 hours"),
        (172_799, "48 hours"),
        (172_800, "2 days"),
        (28 * 86_400, "28 days"),
    ],
)
def test_durations_in_words(seconds: float, words: str) -> None:
    assert words == duration(seconds)


def test_dates_that_no_calendar_has_are_numbers() -> None:
    assert "2026-01-01" == date(1_767_225_600)
    assert f"{10**20} s after 1970" == date(1e20)


def test_many_names_are_cut_short() -> None:
    assert "'a', 'b'" == some(["a", "b"])
    assert "'0', '1' and 8 more" == some([str(number) for number in range(10)], limit=2)
