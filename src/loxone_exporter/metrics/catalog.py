"""What states of control types mean (control catalog).

For now: which of them must not be exported, because they hold secrets or tell about persons.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final


class Privacy(enum.Enum):
    """Why a state is not for a time-series database (control catalog, design consequences, 3)."""

    SECRET = enum.auto()  # codes and tags that open a door, and what people type
    PERSON = enum.auto()  # who did what, and when


_MUSIC = dict.fromkeys(
    ("songName", "album", "artist", "station", "genre", "cover", "sourceList"), Privacy.PERSON
)

_PRIVACY: Final[Mapping[str, Mapping[str, Privacy]]] = {
    "NfcCodeTouch": {
        "nfcLearnResult": Privacy.SECRET,
        "lasttag": Privacy.SECRET,
        "lastcode": Privacy.SECRET,
        "lastuser": Privacy.PERSON,
        "lastid": Privacy.PERSON,
        "events": Privacy.PERSON,
    },
    "TextInput": {"text": Privacy.SECRET},
    "Tracker": {"entries": Privacy.PERSON},
    "Wallbox2": {"session": Privacy.PERSON},
    "Intercom": {"lastBellEvents": Privacy.PERSON},
    "AalSmartAlarm": {"alarmCause": Privacy.PERSON},
    "AlarmClock": {"entryList": Privacy.PERSON},
    "AudioZone": _MUSIC,
    "AudioZoneV2": _MUSIC,
    "MediaClient": _MUSIC,
}


def privacy(control_type: str, state_name: str) -> Privacy | None:
    """The class that forbids exporting a state; None where nothing does.

    Args:
        control_type: As in the structure file.
        state_name: Likewise, without the index of a list.
    """
    return _PRIVACY.get(control_type, {}).get(state_name)
