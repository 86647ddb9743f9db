"""Log lines for machines (JSON) or for people (text): time in UTC, level, logger, Miniserver.

No secret is ever given to a logger; formatting adds nothing but what a record carries.
"""

from __future__ import annotations

import contextvars
import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, Literal, TextIO


Format = Literal["json", "text"]

MINISERVER: Final[contextvars.ContextVar[str | None]] = contextvars.ContextVar(
    "miniserver", default=None
)
"""The Miniserver that the current task works for; tasks pass it on to those that they start."""

_NOISY: Final[Mapping[str, int]] = {
    # Two or three lines for each frame, at debug level.
    "trio-websocket": logging.INFO,
    # Says on what it runs, which the exporter says itself.
    "hypercorn.error": logging.WARNING,
}


def configure(level: str, format_: Format | None, stream: TextIO | None) -> None:
    """Send all log records of the process to one stream.

    Args:
        level: `debug`, `info`, `warning` or `error`.
        format_: JSON lines, or text; None is text on a terminal, where a person reads it, and JSON
            elsewhere.
        stream: Standard error, but for tests; None where the process has none.
    """
    if format_ is None:
        format_ = "text" if stream is not None and stream.isatty() else "json"
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter() if format_ == "json" else TextFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name, minimum in _NOISY.items():
        logging.getLogger(name).setLevel(max(minimum, logging.getLogger().level))


class JsonFormatter(logging.Formatter):
    """One JSON object a line, whatever is in the message."""

    def format(self, record: logging.LogRecord) -> str:  # noqa: D102  # documented by its base
        entry = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            **_context(record),
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


class TextFormatter(logging.Formatter):
    """A line for a person; control characters in names from the house stay harmless."""

    def format(self, record: logging.LogRecord) -> str:  # noqa: D102  # documented by its base
        message = harmless(record.getMessage())
        context = "".join(f" {key}={value}" for key, value in _context(record).items())
        line = f"{_time(record)} {record.levelname.lower():7} {record.name}{context} {message}"
        if record.exc_info:
            traceback = self.formatException(record.exc_info).split("\n")
            line = "\n".join([line, *map(harmless, traceback)])
        return line


def harmless(text: str) -> str:
    """A text without control characters, which a terminal would obey."""
    return "".join(
        character if character.isprintable() else ascii(character)[1:-1] for character in text
    )


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


def _context(record: logging.LogRecord) -> dict[str, str]:
    context = {"miniserver": MINISERVER.get(), "reason": getattr(record, "reason", None)}
    return {key: value for key, value in context.items() if value is not None}
