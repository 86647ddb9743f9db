"""Keys that are not known, and what they may be meant for."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import get_args

from attrs import fields

from loxone_exporter.config.model import PASSWORD_KEYS, Config, MiniserverConfig, TlsServerConfig


_OTHER_WORDS = {
    "ca_cert": "tls_ca_file",
    "https": "tls",
    "insecure_skip_verify": "tls_verify",
    "snr": "serial",
    "ssl": "tls",
    "tls_cert": "tls_ca_file",
    "tls_certificate": "tls_ca_file",
    "tls_mode": "tls",
    "tls_pin": "tls_fingerprint",
}
"""Keys that other programs have for what is called otherwise here, and spelt quite otherwise."""


def _headers() -> dict[type, str]:
    """How the tables of the model begin in TOML."""
    headers = {}
    for attribute in fields(Config):
        match get_args(attribute.type):
            case [item, _]:
                headers[item] = f"[[{attribute.name}]]"
            case _:
                headers[attribute.type] = f"[{attribute.name}]"
    return {**headers, TlsServerConfig: "[web.tls_server_config]"}


HEADERS = _headers()
"""How each table is written, by its class."""


def _keys(table: type) -> dict[str, str]:
    """The keys that a table may have, each as an error text names it."""
    if table is Config:
        return {header.strip("[]"): header for header in HEADERS.values() if "." not in header}
    keys = {attribute.name: f"'{attribute.name}'" for attribute in fields(table)}
    return keys | {key: f"'{key}'" for key in PASSWORD_KEYS} if table is MiniserverConfig else keys


def suggestion(key: str, table: type) -> str:
    """What an error text says of a key that a table cannot have; empty if it is like no other."""
    elsewhere = _elsewhere(table)
    wanted = _wanted(key)
    meant = (
        _keys(table).get(_meant(key, table))
        or elsewhere.get(wanted)
        or elsewhere.get(_nearest(wanted, elsewhere))
    )
    return f", did you mean {meant}?" if meant else ""


def is_misspelt(key: str, given: Iterable[str], table: type) -> bool:
    """Whether a key that is not there seems to be there, spelt in another way.

    Args:
        key: One that the table may have.
        given: What it has.
        table: Its class.
    """
    known = _keys(table)
    return any(key == _meant(each, table) for each in given if each not in known)


def _meant(key: str, table: type) -> str:
    """What a key is meant for in this very table; empty if it is like none, or of another table."""
    own, wanted = _keys(table), _wanted(key)
    if wanted in own:
        return wanted
    return "" if wanted in _elsewhere(table) else _nearest(wanted, own)


def _elsewhere(table: type) -> dict[str, str]:
    """The keys of all other tables, likewise."""
    elsewhere = {} if table is Config else _keys(Config)
    for other, header in HEADERS.items():
        if other is not table:
            elsewhere |= {name: f"{shown} in {header}" for name, shown in _keys(other).items()}
    return elsewhere


def _wanted(key: str) -> str:
    return _OTHER_WORDS.get(key.lower(), key.lower())


def _nearest(key: str, candidates: Iterable[str]) -> str:
    return next(iter(get_close_matches(key, candidates, n=1)), "")
