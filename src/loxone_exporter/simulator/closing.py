"""How a simulated Miniserver closes WebSockets (protocol reference, section 2.7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from loxone_exporter.simulator.answers import ban_reason
from loxone_exporter.simulator.profile import Profile


NORMAL: Final = 1000
IDLE: Final = 1001
BLOCKED: Final = 4003
OTHER_USER_CHANGED: Final = 4004
USER_CHANGED: Final = 4005
USER_DISABLED: Final = 4006
UPDATING: Final = 4007
NO_SLOT_LEFT: Final = 4008

_REASONS: Final[Mapping[int, str]] = {
    NORMAL: "normally closed",
    OTHER_USER_CHANGED: "a user was changed",
    USER_CHANGED: "the user was changed",
    USER_DISABLED: "the user was disabled",
    UPDATING: "update running",
    NO_SLOT_LEFT: "no event slot left",
}
"""What is said with the codes; only the first, and that of a ban, are known from real devices."""


def close_reason(code: int, address: str, profile: Profile) -> str:
    """What is said with a close code; a ban is said to be a new one.

    Args:
        code: The code.
        address: Whose connection is closed.
        profile: It has the length of bans.
    """
    if code == BLOCKED:
        return ban_reason(address, round(profile.ban_life))
    return _REASONS.get(code, "")
