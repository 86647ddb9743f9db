from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loxone_exporter.config.addresses import ListenAddress, parse_host


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        (":9504", None, 9504),
        (":0", None, 0),
        ("0.0.0.0:9504", "0.0.0.0", 9504),  # noqa: S104  # a listen address is what this is about
        ("[::1]:9504", "::1", 9504),
        ("[fe80::1%eth0]:65535", "fe80::1%eth0", 65535),
        ("name:9504", "name", 9504),
        ("my-host.example:80", "my-host.example", 80),
    ],
)
def test_a_listen_address_reads_and_writes_the_same_text(
    text: str, host: str | None, port: int
) -> None:
    address = ListenAddress.parse(text)
    assert ListenAddress(host=host, port=port) == address
    assert text == str(address)


@pytest.mark.parametrize(
    ("text", "expectation"),
    [
        ("", "expected a port or an address and a port"),
        ("9504", '; did you mean ":9504"?'),
        ("http://localhost:9504", "leave out everything up to ://"),
        ("*:9504", '; for every address write ":9504"'),
        ("::1:9504", "an IPv6 address goes in brackets"),
        ("[::1]", "expected a port or an address and a port"),
        ("localhost", "expected a port or an address and a port"),
        ("localhost:", "expected a port or an address and a port"),
        ("localhost:http", "expected a port or an address and a port"),
        (":-1", "expected a port or an address and a port"),
        (":٣", "expected a port or an address and a port"),
        (":65536", "expected a port from 0 to 65535, found 65536"),
        ("[]:9504", "this is no IPv6 address"),
        ("[1.2.3.4]:9504", "this is no IPv6 address"),
        ("1.2.3.400:9504", "this is no IPv4 address"),
        (" :9504", "expected a name or an IP address, found an empty text"),
        ("my host:9504", "without spaces"),
    ],
)
def test_a_wrong_listen_address_is_told_what_is_expected(text: str, expectation: str) -> None:
    with pytest.raises(ValueError, match=re.escape(expectation)):
        ListenAddress.parse(text)


@given(
    st.one_of(
        st.none(),
        st.ip_addresses(v=4).map(str),
        st.ip_addresses(v=6).map(str),
        st.from_regex(r"[a-z]{1,10}(\.[a-z]{1,10}){0,3}", fullmatch=True),
    ),
    st.integers(0, 65535),
)
def test_every_listen_address_reads_back_from_its_text(host: str | None, port: int) -> None:
    address = ListenAddress(host=host, port=port)
    assert address == ListenAddress.parse(str(address))


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("192.168.1.77", "192.168.1.77"),
        ("miniserver", "miniserver"),
        ("mini_server.local.", "mini_server.local."),
        ("504F94A0BBCC", "504F94A0BBCC"),
        ("fe80::1", "fe80::1"),
        ("[fe80::1]", "fe80::1"),
        ("[fe80::1%eth0]", "fe80::1%eth0"),
    ],
)
def test_a_host_is_a_name_or_an_address_without_brackets(text: str, host: str) -> None:
    assert host == parse_host(text)


@pytest.mark.parametrize(
    ("text", "expectation"),
    [
        ("", "found an empty text"),
        (" \t", "found an empty text"),
        ("http://192.168.1.77", "leave out http://"),
        ("wss://192.168.1.77/ws/rfc6455", "leave out http://"),
        ("192.168.1.77/", "leave out the /"),
        ("demo@192.168.1.77", "the user goes into `username`"),
        ("192.168.1.77:80", "the port goes into `port`"),
        ("miniserver:80", "the port goes into `port`"),
        ("[fe80::1]:80", "the port goes into `port`"),
        ("[fe80::1", "an IPv6 address in brackets"),
        ("[fe80::1]x", "an IPv6 address in brackets"),
        ("[miniserver]", "no IPv6 address"),
        ("fe80::1::2", "no IPv6 address"),
        ("192.168.1.777", "four numbers from 0 to 255"),
        ("192.168.1", "four numbers from 0 to 255"),
        ("my miniserver", "without spaces"),
        ("miniserver\n", "without spaces"),
        ("-miniserver", "letters, digits, hyphens and dots"),
        ("mini..server", "letters, digits, hyphens and dots"),
        ("münchen", "letters, digits, hyphens and dots"),
        ("a" * 64, "letters, digits, hyphens and dots"),
        (".".join(["a"] * 128), "letters, digits, hyphens and dots"),
    ],
)
def test_what_is_more_than_a_host_is_told_where_the_rest_belongs(
    text: str, expectation: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(expectation)):
        parse_host(text)


def test_a_pasted_url_is_not_repeated_for_it_may_hold_a_password() -> None:
    with pytest.raises(ValueError, match=r"leave out http://") as caught:
        parse_host("http://demo:hunter2@192.168.1.77/")
    assert "hunter2" not in str(caught.value)
