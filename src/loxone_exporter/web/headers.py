"""Header fields that every answer has, whatever it is about and whoever makes it."""

from __future__ import annotations

from typing import Final


COMMON_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'self'"),
)
"""A browser takes nothing for what it is not, tells nobody where a link was, and loads nothing from
elsewhere."""
