"""What a simulated Miniserver can be told to do wrong."""

from __future__ import annotations

from attrs import define


@define
class Faults:
    """Misbehaviour that can be switched on and off while a simulated Miniserver runs.

    Attributes:
        mute_after: The Miniserver answers this many commands, counted over all connections since it
            began, and from then on sends nothing at all: no answers, no events, no pongs.
        reject_logins: Every login is answered as one with a wrong password.
        answer_with: These bytes answer every HTTP request, then the connection is closed.
        booting: Every HTTP request, a WebSocket's too, is answered with status 503.
        length_mismatch: The headers of messages announce one byte more than follows.
    """

    mute_after: int | None = None
    reject_logins: bool = False
    answer_with: bytes | None = None
    booting: bool = False
    length_mismatch: bool = False
