"""Hosts and listen addresses as text: what is accepted, and what to say about the rest."""

from __future__ import annotations

import ipaddress
import re
from typing import Self

from attrs import frozen


_PORT_MAXIMUM = 65535
_HOST_LENGTH_MAXIMUM = 253
_HOST_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_LISTEN = re.compile(r"(?P<host>\[[^\[\]]*\]|[^\[\]:*]*):(?P<port>[0-9]{1,5})")
_LISTEN_EXPECTATION = (
    'expected a port or an address and a port: ":9504", "127.0.0.1:9504", "[::1]:9504", "name:9504"'
)


@frozen
class ListenAddress:
    """Where the HTTP server listens; its text is what the configuration file would say.

    Attributes:
        host: A name, an IPv4 address or an IPv6 address without brackets; None is every address of
            this machine, IPv4 and IPv6.
        port: 0 is any free port.
    """

    host: str | None
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """The address that a text such as `:9504` or `[::1]:9504` means.

        Raises:
            ValueError: The text is none; the message says what is expected.
        """
        match = _LISTEN.fullmatch(text)
        if match is None:
            raise ValueError(f"{_LISTEN_EXPECTATION}{_listen_remedy(text)}")
        port = int(match["port"])
        if port > _PORT_MAXIMUM:
            raise ValueError(f"expected a port from 0 to {_PORT_MAXIMUM}, found {port}")
        return cls(host=parse_host(match["host"]) if match["host"] else None, port=port)

    def __str__(self) -> str:
        if self.host is None:
            return f":{self.port}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_host(text: str) -> str:
    """A host without the brackets that an IPv6 address may come in.

    The messages never repeat the text: a pasted URL may hold a password.

    Raises:
        ValueError: The text is more than a host, or none; the message says what belongs where.
    """
    _refuse_more_than_a_host(text)
    if text.startswith("["):
        return _parse_bracketed(text)
    if ":" in text:
        return _parse_ipv6(text)
    if re.fullmatch(r"[0-9.]+", text):
        return _parse_ipv4(text)
    if not is_dns_name(text.removesuffix(".")):
        raise ValueError("expected a name of letters, digits, hyphens and dots, or an IP address")
    return text


def is_dns_name(text: str) -> bool:
    """Whether a text could be a name, or an IPv4 address, which is made of the same characters.

    Without the dot of the root, that is.
    """
    labels = text.split(".")
    return len(text) <= _HOST_LENGTH_MAXIMUM and all(map(_HOST_LABEL.fullmatch, labels))


def _listen_remedy(text: str) -> str:
    if text.isascii() and text.isdigit():
        return f'; did you mean ":{text}"?'
    if "://" in text:
        return "; leave out everything up to ://"
    if text.startswith("*:"):
        return f'; for every address write "{text[1:]}"'
    if text.count(":") > 1 and not text.startswith("["):
        return "; an IPv6 address goes in brackets"
    return ""


def _refuse_more_than_a_host(text: str) -> None:
    if not text.strip():
        raise ValueError("expected a name or an IP address, found an empty text")
    if "://" in text:
        raise ValueError("expected only a name or an IP address: leave out http:// and the like")
    if "@" in text:
        raise ValueError("expected only a name or an IP address: the user goes into `username`")
    if "/" in text:
        raise ValueError("expected only a name or an IP address: leave out the / and what follows")
    if any(character.isspace() for character in text):
        raise ValueError("expected a name or an IP address without spaces")


def _parse_bracketed(text: str) -> str:
    address, bracket, rest = text[1:].partition("]")
    if rest.startswith(":"):
        raise ValueError("expected only a name or an IP address: the port goes into `port`")
    if rest or not bracket:
        raise ValueError("expected an IPv6 address in brackets and nothing else, such as [fe80::1]")
    return _parse_ipv6(address)


def _parse_ipv6(text: str) -> str:
    if text.count(":") == 1:
        raise ValueError("expected only a name or an IP address: the port goes into `port`")
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        raise ValueError("this is no IPv6 address") from None
    return text


def _parse_ipv4(text: str) -> str:
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        raise ValueError("this is no IPv4 address: expected four numbers from 0 to 255") from None
    return text
