"""What a Miniserver may say, rightly or wrongly, as Hypothesis strategies."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from loxone_exporter.errors import ProtocolError
from loxone_exporter.loxone.header import Header
from loxone_exporter.loxone.structure import Control, State, Structure
from loxone_exporter.loxone.tables import Daytimer, DaytimerEntry, Weather, WeatherEntry
from loxone_exporter.loxone.uuids import StateUuid, format_uuid


def is_value_or_protocol_error(read: Callable[[], object]) -> bool:
    """Whether reading gives something, or says with the right error that it cannot."""
    try:
        read()
    except ProtocolError as error:
        return bool(str(error))
    return True


uuids = st.binary(min_size=16, max_size=16).map(StateUuid)

int32 = st.integers(-(2**31), 2**31 - 1)
uint32 = st.integers(0, 2**32 - 1)
# Not a number is equal to nothing, itself included; it has tests of its own.
doubles = st.floats(allow_nan=False)

headers = st.builds(Header, identifier=st.integers(0, 255), length=uint32, estimated=st.booleans())

value_tables = st.lists(st.tuples(uuids, doubles), max_size=8)

# Trailing NULs are padding to the decoder.
text_tables = st.lists(
    st.tuples(uuids, st.text(max_size=12).filter(lambda text: not text.endswith("\0"))), max_size=6
)

daytimer_tables = st.lists(
    st.builds(
        Daytimer,
        uuid=uuids,
        default=doubles,
        entries=st.lists(
            st.builds(DaytimerEntry, int32, int32, int32, int32, doubles), max_size=4
        ).map(tuple),
    ),
    max_size=4,
)

weather_tables = st.lists(
    st.builds(
        Weather,
        uuid=uuids,
        last_update=uint32,
        entries=st.lists(st.builds(WeatherEntry, *[int32] * 5, *[doubles] * 6), max_size=3).map(
            tuple
        ),
    ),
    max_size=3,
)

# With halves of surrogate pairs, which JSON can escape.
wild_text = st.text(st.characters(), max_size=12)

json_scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(10**300, 10**320)
    | st.floats()
    | wild_text
    | uuids.map(format_uuid)
    | st.sampled_from(["", "0", "200", "nan", "1e999", "SHA1", "SHA256", "{'snr': '50'}"])
)


def json_values(keys: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    """JSON of any shape whose objects have such keys."""
    return st.recursive(
        json_scalars,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
        max_leaves=12,
    )


def json_bytes(documents: st.SearchStrategy[Any]) -> st.SearchStrategy[bytes]:
    """Documents as they cross the wire, some of them cut off or damaged."""
    written = documents.map(lambda document: json.dumps(document).encode())
    return written | st.builds(_damage, written, st.integers(0, 200), st.binary(max_size=3))


def damaged(payloads: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """Payloads with some bytes cut out and others put in."""
    return st.builds(_damage, payloads, st.integers(0, 200), st.binary(max_size=4))


def _damage(payload: bytes, position: int, splinter: bytes) -> bytes:
    return payload[:position] + splinter + payload[position + 1 :]


def write_der(tag: int, content: bytes) -> bytes:
    """An element in DER, in the shortest way."""
    length = len(content)
    if length < 128:
        return bytes([tag, length]) + content
    digits = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(digits)]) + digits + content


# Few different words, so that many controls look alike; some of them look like renamed ones.
_UUID_TEXTS = [f"{number:08x}-0000-0000-0000000000000000" for number in range(6)]
_KEYS = (*_UUID_TEXTS, f"{_UUID_TEXTS[0]}/AI1", f"{_UUID_TEXTS[0]}/AI2")
_NAMES = ("Lamp", "A", "B", "A/B", "", f"Lamp ({_UUID_TEXTS[1]})", 'q"\\\n', "Küche")
_PLACES = (("Kitchen", "", "Switch"), ("Kitchen", "", "Dimmer"), ("", "Light", "Switch"))
_STATES = ("active", "position", "temperatures[0]", "A/active")


def _house(choices: list[int], *, sane: bool) -> Structure:
    """Make a tree of one control for each number, whose digits choose among the words.

    Args:
        choices: A number for each control.
        sane: Keys are unique, states of a control differ, and no name is made to look like another.
    """
    parts: list[dict[str, Control]] = [{} for _ in [None, *choices]]
    for index, number in reversed(list(enumerate(choices, start=1))):
        digits = [number // 10**place % 10 for place in range(8)]
        room, category, type_ = _PLACES[digits[0] % len(_PLACES)]
        names = _NAMES[:2] if sane else _NAMES
        states = {
            digit if sane else place: State(
                _STATES[digit % len(_STATES)], StateUuid(bytes([digit] * 16))
            )
            for place, digit in enumerate(digits[3 : 3 + digits[6] % 4])
            if not sane or digit < len(_STATES) - 1
        }
        control = Control(
            key=f"{digits[1]}{index}" if sane else _KEYS[digits[1] % len(_KEYS)],
            name=names[digits[2] % len(names)],
            type=type_,
            room=room,
            category=category,
            states=tuple(states.values()),
            sub_controls=tuple(parts[index].values()),
        )
        # A part of a control before it, or of the house itself; keys of one JSON object differ.
        parent = digits[7] * index // 10 if digits[7] > 3 else 0
        parts[parent][control.key] = control
    return Structure(last_modified="", controls=tuple(parts[0].values()))


_choices = st.lists(st.integers(0, 10**8 - 1), max_size=16)

sane_look_alikes = _choices.map(lambda choices: _house(choices, sane=True))
"""Structures in which everything is called the same, as it may happen in a house."""

look_alikes = _choices.map(lambda choices: _house(choices, sane=False))
"""Likewise, made by somebody who wants two series to be the same."""
