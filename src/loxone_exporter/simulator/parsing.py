"""The commands that clients send, as text and taken apart."""

from __future__ import annotations

from urllib.parse import parse_qsl, unquote

from attrs import frozen


ENVELOPE = "sys/enc"
LEGACY_ENVELOPE = "authenticateenc"

_PREFIXES = frozenset({"jdev", "dev"})


@frozen
class Command:
    """A command, taken apart.

    Attributes:
        text: As it was sent, without the query.
        name: Lower-case, without `jdev/` and without arguments: `sys/getjwt`. All that has to be
            decrypted first is called `sys/enc` or `sys/fenc`.
        arguments: What follows the name, percent-decoded.
        query: What follows a question mark; the names are lower-case.
        wants_xml: It began with `dev/`.
        encrypted: It came encrypted.
    """

    text: str
    name: str
    arguments: tuple[str, ...]
    query: dict[str, str]
    wants_xml: bool
    encrypted: bool


def parse_command(text: str, *, encrypted: bool = False) -> Command:
    """Take a command apart; there is nothing that cannot be taken apart."""
    path, _, query = text.partition("?")
    first, *rest = path.split("/")
    kind = first.lower()
    if kind in _PREFIXES:
        name, rest = "/".join(rest[:2]), rest[2:]
    elif kind == "data":
        name, rest = path, []
    elif kind == LEGACY_ENVELOPE and not encrypted:
        name = ENVELOPE
    else:
        name = first
    return Command(
        path,
        name.lower(),
        tuple(unquote(part) for part in rest),
        {member.lower(): value for member, value in parse_qsl(query)},
        kind == "dev",
        encrypted,
    )
