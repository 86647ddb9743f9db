"""Times as a Miniserver writes them: local ones, and apart from them the zone that it is in."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Final

from loxone_exporter.loxone.structure import Structure
from loxone_exporter.loxone.uuids import StateUuid


_CLOCK_STATE: Final = "miniserverTime"
"""The global state whose text ends with the offset from UTC (section 5.5)."""

_ZONE = re.compile(
    r"(?P<sign>[+-])(?P<hours>[01]\d|2[0-3]):(?P<minutes>[0-5]\d)(?::(?P<seconds>[0-5]\d))?\s*\Z",
    re.ASCII,
)


def parse_zone(text: str) -> dt.timezone | None:
    """Read the offset from UTC at the end of `2017-07-03 13:01:36 +02:00:00`; None without one."""
    match = _ZONE.search(text)
    if match is None:
        return None
    offset = dt.timedelta(
        hours=int(match["hours"]),
        minutes=int(match["minutes"]),
        seconds=int(match["seconds"] or 0),
    )
    return dt.timezone(-offset if match["sign"] == "-" else offset)


def find_zone(structure: Structure | None, texts: Mapping[StateUuid, str]) -> dt.timezone | None:
    """The zone that a Miniserver is in right now; None where it did not tell.

    Args:
        structure: Names the state that tells it.
        texts: The text of each state.
    """
    uuid = structure.global_states.get(_CLOCK_STATE) if structure else None
    return parse_zone(texts.get(uuid, "")) if uuid else None


def parse_local_time(text: str, zone: dt.timezone) -> float | None:
    """Read a time such as `2026-05-25 18:00:00`, in Unix time; None for anything else.

    Args:
        text: The time; should it name a zone itself, that one holds.
        zone: The zone that it is meant in.
    """
    try:
        moment = dt.datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp()
