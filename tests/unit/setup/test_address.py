from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loxone_exporter.setup.address import WrittenAddress, parse_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.168.1.77", WrittenAddress("192.168.1.77")),
        (" 192.168.1.77 ", WrittenAddress("192.168.1.77")),
        ("miniserver.lan:8080", WrittenAddress("miniserver.lan", port=8080)),
        ("http://192.168.1.77/", WrittenAddress("192.168.1.77")),
        ("http://192.168.1.77:8080/webinterface/", WrittenAddress("192.168.1.77", port=8080)),
        ("HTTP://Miniserver", WrittenAddress("miniserver")),
        ("ws://192.168.1.77/ws/rfc6455", WrittenAddress("192.168.1.77")),
        ("192.168.1.77/LoxAPP", WrittenAddress("192.168.1.77")),
        ("https://192.168.1.77", WrittenAddress("192.168.1.77", tls="required")),
        ("wss://m.lan:8443/#x", WrittenAddress("m.lan", tls_port=8443, tls="required")),
        ("fe80::1", WrittenAddress("fe80::1")),
        ("[fe80::1]", WrittenAddress("fe80::1")),
        ("[fe80::1]:81", WrittenAddress("fe80::1", port=81)),
        ("http://[fe80::1]:81/", WrittenAddress("fe80::1", port=81)),
        (
            "192-168-1-77.504f94aabbcc.dyndns.loxonecloud.com",
            WrittenAddress("192-168-1-77.504f94aabbcc.dyndns.loxonecloud.com"),
        ),
    ],
)
def test_what_people_call_an_address(text: str, address: WrittenAddress) -> None:
    assert address == parse_address(text)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("ftp://192.168.1.77", "begins with http://"),
        ("http://", "empty"),
        ("http://geheim:geheim@192.168.1.77/", "leave out the user and the password"),
        ("geheim@192.168.1.77", "leave out the user and the password"),
        ("192.168.1.77:geheim", "and if need be :PORT"),
        ("192.168.1.77:0", "expected a port from 1 to 65535"),
        ("192.168.1.77:65536", "and if need be :PORT"),
        ("192.168.1", "expected four numbers"),
        ("my miniserver", "without spaces"),
        ("[geheim", "and if need be :PORT"),
        ("a::b::geheim", "no IPv6 address"),
        ("http://dns.loxonecloud.com/504F94A0BBCC", "a service of the vendor's"),
        ("https://connect.loxonecloud.com/504F94A0BBCC", "a service of the vendor's"),
        ("www.loxone.com", "a service of the vendor's"),
    ],
)
def test_what_is_no_address_is_said_so_without_repeating_it(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint) as caught:
        parse_address(text)
    assert "geheim" not in str(caught.value)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_any_text_is_an_address_or_refused(text: str) -> None:
    try:
        address = parse_address(text)
    except ValueError:
        return
    assert address.host
