"""State UUIDs, in the two forms that a Miniserver uses (protocol reference, section 5.2)."""

from __future__ import annotations

import re
import struct
from typing import NewType

from loxone_exporter.errors import ProtocolError


StateUuid = NewType("StateUuid", bytes)
"""The 16 bytes of a state's UUID as event tables carry them: the key of all live values."""

_TEXT = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{16}")
_BYTES = struct.Struct("<IHH8s")


def parse_uuid(text: str) -> StateUuid:
    """Translate the text form `0f86a2fe-0378-3e08-ffffb2d4efc8b5b6`, in any case, into bytes.

    Raises:
        ProtocolError: The text is no UUID of the Miniserver's form.
    """
    text = text.lower()
    if not _TEXT.fullmatch(text):
        raise ProtocolError(f"not a state UUID: {text[:60]!r}")
    first, second, third, last = text.split("-")
    return StateUuid(
        _BYTES.pack(int(first, 16), int(second, 16), int(third, 16), bytes.fromhex(last))
    )


def format_uuid(uuid: bytes) -> str:
    """Translate the 16 bytes of an event table into the lower-case text form."""
    first, second, third, last = _BYTES.unpack(uuid)
    return f"{first:08x}-{second:04x}-{third:04x}-{last.hex()}"
