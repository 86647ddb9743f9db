"""Whose answer it is, as far as its `control` tells (protocol reference, section 1.1).

A Miniserver repeats in each answer what it was asked: with `dev/` where `jdev/` was sent, without
either on some firmware, in whatever case, with escapes decoded, and with arguments or without.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

from loxone_exporter.loxone import commands


_GROUPS: Final = frozenset({"bus", "cfg", "lan", "sps", "sys"})
_LOGIN: Final = commands.legacy_login("").partition("/")[0]
_LOGINS: Final = (_LOGIN, commands.use_token("", "").partition("/")[0])
"""What needs no prefix."""


def is_of_another_command(control: str, command: str) -> bool:
    """Whether an answer is certainly to another command than this one.

    In doubt it is not: firmware may have more ways to repeat a command than are known here.

    Args:
        control: What the answer repeats.
        command: What was sent, not encrypted.
    """
    has_prefix, echoed = _split(control)
    is_command = all(echoed[:2]) and len(echoed) > 1 and (has_prefix or echoed[0] in _GROUPS)
    if not (is_command or echoed[0].startswith(_LOGINS)):
        return False
    _, asked = _split(command)
    verb = asked[1] if asked[0] in _GROUPS else asked[0]
    return _verb(verb) not in map(_verb, echoed[:2])


def _split(text: str) -> tuple[bool, list[str]]:
    """Whether there is a prefix, and the segments behind it."""
    path = unquote(text).strip().lower().removeprefix("/")
    rest = re.sub("^j?dev/", "", path)
    return rest != path, rest.split("/")


def _verb(segment: str) -> str:
    # The encrypted login without tokens may be answered as the one that is not encrypted.
    return _LOGIN if segment.startswith(_LOGIN) else segment
