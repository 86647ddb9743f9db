"""The clients of the HTTP server: how many there may be, are, and were turned away.

Written by the web server, and read by metrics, which stand below it.
"""

from __future__ import annotations

import enum
from collections import Counter

from attrs import define, field


class CutOff(enum.StrEnum):
    """Why the server ended a connection; each is a value of the label `reason`."""

    SLOW_REQUEST = enum.auto()
    """No whole request came in time."""
    UNREAD_ANSWER = enum.auto()
    """The client did not read its answer in time."""
    MEMORY = enum.auto()
    """It was the slowest reader when unread answers took too much memory."""
    CROWD = enum.auto()
    """Its host had the most connections, when there were enough and another host wanted one."""


@define(eq=False)
class Clients:
    """What is known of the clients' connections.

    Attributes:
        limit: How many there may be at a time, which may change at any time; none, until the
            configuration is known.
        connected: How many there are.
        refused: How many were closed at once, because there were enough.
        cut_off: How many the server ended, by reason.
    """

    limit: int = 0
    connected: int = 0
    refused: int = 0
    cut_off: Counter[CutOff] = field(factory=Counter)
