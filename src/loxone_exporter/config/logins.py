"""Checks of who may read: names and bcrypt hashes, as `htpasswd -B` makes them.

They are checks of single values, as those in checks.py. No message ever shows a hash: somebody may
have put the password itself there.
"""

from __future__ import annotations

import re
from typing import Final

from loxone_exporter.config.checks import describe_kind, one_line
from loxone_exporter.config.secret import Secret


COSTS: Final = range(4, 15)
"""How many times the work is doubled: fewer bcrypt does not know, and with more, one login takes
seconds of a small machine."""

# 22 characters of salt, the last of which has four bits that must be zero, and 31 of the hash.
_HASH: Final = re.compile(r"\$2[aby]\$(?P<cost>[0-9]{2})\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{31}")

_HOW = '`htpasswd -nBC 10 ""` makes one, behind its colon'


def user_name(value: object) -> str:
    """A name that a client can log in with (RFC 7617)."""
    text = one_line(value)
    if ":" in text:
        raise ValueError("expected a name without a colon, which ends it on its way here")
    return text


def password_hash(value: object) -> Secret:
    """The bcrypt hash of a password."""
    if not isinstance(value, str):
        raise ValueError(f"expected a bcrypt hash in quotes, found {describe_kind(value)}")  # noqa: TRY004  # as all checks
    match = _HASH.fullmatch(value)
    if match is None:
        raise ValueError(
            f'expected a bcrypt hash, such as "$2b$10$…" with 53 more characters: {_HOW}'
        )
    if int(match["cost"]) not in COSTS:
        raise ValueError(
            f"expected a bcrypt hash of a cost from {COSTS[0]} to {COSTS[-1]}, found one of "
            f"{int(match['cost'])}: {_HOW}"
        )
    return Secret(value)


def cost(hash_: Secret) -> int:
    """How many times the work is doubled to compare a password with this hash."""
    return int(hash_.reveal()[4:6])
