"""Event tables on their way into the state, a piece at a time.

A table of a hundred thousand texts is eighty milliseconds' work, and a scrape, or another
Miniserver, should not wait for longer than twenty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain, islice
from typing import Final, TypeVar

import trio

from loxone_exporter.errors import ProtocolError
from loxone_exporter.loxone.header import Identifier
from loxone_exporter.loxone.messages import Message
from loxone_exporter.loxone.tables import (
    decode_daytimers,
    decode_texts,
    decode_values,
    decode_weather,
)
from loxone_exporter.state import MiniserverState


EVENT_TABLES: Final = frozenset(
    {Identifier.VALUES, Identifier.TEXTS, Identifier.DAYTIMERS, Identifier.WEATHER}
)
"""The kinds of messages that are applied here."""

_STEP = 1000
"""Values or texts in a piece: a millisecond's work."""

Entry = TypeVar("Entry")


async def apply_table(state: MiniserverState, message: Message) -> None:
    """Take over an event table; in one go, unless it is a large one.

    Args:
        state: What the table changes.
        message: Of a kind among `EVENT_TABLES`.

    Raises:
        ProtocolError: It is no table, or has no proper end; what comes before that counts.
    """
    if isinstance(message.payload, str):
        raise ProtocolError("an event table came as text")
    match message.identifier:
        case Identifier.VALUES:
            await _in_steps(decode_values(message.payload), state.apply_values)
        case Identifier.TEXTS:
            await _in_steps(decode_texts(message.payload), state.apply_texts)
        case Identifier.DAYTIMERS:
            await _in_steps(decode_daytimers(message.payload), state.apply_daytimers, size=1)
        case Identifier.WEATHER:
            await _in_steps(decode_weather(message.payload), state.apply_weather, size=1)


async def _in_steps(
    entries: Iterable[Entry], apply: Callable[[Iterable[Entry]], None], *, size: int = _STEP
) -> None:
    rest = iter(entries)
    for step, first in enumerate(rest):
        if step > 0:
            await trio.lowlevel.checkpoint()
        apply(chain((first,), islice(rest, size - 1)))
