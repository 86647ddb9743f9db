"""Logins to the exporter, for tests: with the lowest cost that there is."""

from __future__ import annotations

import base64

import bcrypt

from loxone_exporter.config.secret import Secret


NAME, PASSWORD = "prometheus", "grüße:aus Wien"

LOWEST_COST = 4


def hashed(password: str, cost: int = LOWEST_COST) -> Secret:
    """The bcrypt hash of a password."""
    return Secret(bcrypt.hashpw(password.encode(), bcrypt.gensalt(cost)).decode())


def basic(name: str = NAME, password: str = PASSWORD) -> str:
    """The header `Authorization` of somebody who logs in."""
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()
