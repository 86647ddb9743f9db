from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loxone_exporter import logs


CREATED = 1767225600.5
RAW = "line\nbreak\ttab \x1b[31mred\x1b[0m \u2028 \x00 \x85 end"


def record(message: str = "connected", *arguments: object, **extra: object) -> logging.LogRecord:
    made = logging.makeLogRecord(
        {
            "name": "loxone_exporter.session",
            "levelno": logging.WARNING,
            "levelname": "WARNING",
            "msg": message,
            "args": arguments,
            **extra,
        }
    )
    made.created = CREATED
    return made


def fail(message: str) -> None:
    raise ValueError(message)


def failing_record(message: str) -> logging.LogRecord:
    try:
        fail(message)
    except ValueError:
        return record("it failed", exc_info=sys.exc_info())
    raise AssertionError


def as_json(made: logging.LogRecord) -> dict[str, Any]:
    line = logs.JsonFormatter().format(made)
    assert "\n" not in line
    entry: dict[str, Any] = json.loads(line)
    return entry


@pytest.fixture
def home() -> Iterator[None]:
    token = logs.MINISERVER.set("home")
    yield
    logs.MINISERVER.reset(token)


def test_json_line(home: None) -> None:
    expected = {
        "time": "2026-01-01T00:00:00.500+00:00",
        "level": "warning",
        "logger": "loxone_exporter.session",
        "miniserver": "home",
        "reason": "silent",
        "message": "no answer after 15 s",
    }
    assert expected == as_json(record("no answer after %d s", 15, reason="silent"))


def test_time_is_in_utc_and_says_so() -> None:
    time = datetime.fromisoformat(as_json(record())["time"])
    assert (datetime(2026, 1, 1, microsecond=500000, tzinfo=UTC), UTC) == (time, time.tzinfo)


def test_what_is_not_known_is_left_out() -> None:
    assert ["time", "level", "logger", "message"] == list(as_json(record()))


def test_message_of_many_lines_is_one_line_of_json() -> None:
    assert RAW == as_json(record(RAW))["message"]


def test_umlauts_stay_readable_in_json() -> None:
    assert "Küche 😀" in logs.JsonFormatter().format(record("Küche 😀"))


def test_traceback_in_json() -> None:
    entry = as_json(failing_record(RAW))
    assert entry["traceback"].startswith("Traceback (most recent call last):\n")
    assert entry["traceback"].endswith(f"ValueError: {RAW}")
    assert "it failed" == entry["message"]


@given(message=st.text(st.characters()))
def test_any_message_is_one_line_of_json(message: str) -> None:
    assert message == as_json(record("%s", message))["message"]


def test_text_line(home: None) -> None:
    line = logs.TextFormatter().format(record("no answer after %d s", 15, reason="silent"))
    expected = (
        "2026-01-01T00:00:00.500+00:00 warning loxone_exporter.session miniserver=home "
        "reason=silent no answer after 15 s"
    )
    assert expected == line


def test_text_line_without_a_miniserver() -> None:
    line = logs.TextFormatter().format(record())
    assert line.endswith(" warning loxone_exporter.session connected")


def test_control_characters_do_nothing_to_a_terminal() -> None:
    line = logs.TextFormatter().format(record(RAW))
    expected = r"line\nbreak\ttab \x1b[31mred\x1b[0m \u2028 \x00 \x85 end"
    assert line.endswith(expected)


def test_traceback_in_text_has_lines_and_no_control_characters() -> None:
    lines = logs.TextFormatter().format(failing_record("\x1b[31mred")).split("\n")
    assert lines[0].endswith(" it failed")
    assert "Traceback (most recent call last):" == lines[1]
    assert r"ValueError: \x1b[31mred" == lines[-1]
    assert "    raise ValueError(message)" in lines


@given(message=st.text(st.characters()))
def test_any_message_is_one_printable_line_of_text(message: str) -> None:
    line = logs.TextFormatter().format(record("%s", message))
    assert line.isprintable()
    assert line.isascii() or not message.isascii()


@pytest.fixture
def root(monkeypatch: pytest.MonkeyPatch) -> Iterator[logging.Logger]:
    """The root logger, without those who listen to it for the tests."""
    noisy = [logging.getLogger(name) for name in ("trio-websocket", "hypercorn.error")]
    found = logging.getLogger()
    levels = [(logger, logger.level) for logger in (found, *noisy)]
    monkeypatch.setattr(found, "handlers", [])
    yield found
    for logger, level in levels:
        logger.setLevel(level)


def test_all_loggers_write_to_the_stream(root: logging.Logger) -> None:
    stream = io.StringIO()
    logs.configure("info", "json", stream)
    logging.getLogger("anybody").info("heard")
    logging.getLogger("anybody").debug("not heard")
    (line,) = stream.getvalue().splitlines()
    assert ("info", "anybody", "heard") == tuple(
        json.loads(line)[key] for key in ("level", "logger", "message")
    )


def test_configuring_again_replaces_the_stream(root: logging.Logger) -> None:
    first, second = io.StringIO(), io.StringIO()
    logs.configure("info", "json", first)
    logs.configure("info", "text", second)
    logging.getLogger("anybody").info("heard")
    assert "" == first.getvalue()
    assert second.getvalue().endswith(" info    anybody heard\n")


class Screen(io.StringIO):
    """A stream that a person watches."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("format_", "stream", "is_json"),
    [
        (None, Screen(), False),
        (None, io.StringIO(), True),
        ("json", Screen(), True),
        ("text", io.StringIO(), False),
    ],
)
def test_a_person_gets_text_and_a_program_json_unless_it_is_set(
    root: logging.Logger, *, format_: logs.Format | None, stream: io.StringIO, is_json: bool
) -> None:
    logs.configure("info", format_, stream)
    logging.getLogger("anybody").info("heard")
    assert is_json == stream.getvalue().startswith("{")
    assert "heard" in stream.getvalue()


@pytest.mark.parametrize(
    ("level", "websocket", "hypercorn"),
    [
        ("debug", logging.INFO, logging.WARNING),
        ("info", logging.INFO, logging.WARNING),
        ("warning", logging.WARNING, logging.WARNING),
        ("error", logging.ERROR, logging.ERROR),
    ],
)
def test_noisy_libraries_are_kept_down(
    root: logging.Logger, level: str, websocket: int, hypercorn: int
) -> None:
    logs.configure(level, "text", io.StringIO())
    assert level.upper() == logging.getLevelName(root.level)
    assert websocket == logging.getLogger("trio-websocket").getEffectiveLevel()
    assert hypercorn == logging.getLogger("hypercorn.error").getEffectiveLevel()
