from __future__ import annotations

import re
from pathlib import Path

import pytest

from loxone_exporter.config.tls import fingerprint, serial_number, server_name
from support.configs import MINISERVER, find_all


PAIRS = [f"{number:02x}" for number in range(0xC0, 0xE0)]
DIGITS = "".join(PAIRS)
EXPECTED_SERIAL = (
    'expected twelve hex digits, such as "504F94A0BBCC" or "50:4F:94:A0:BB:CC": the serial number'
    " that Loxone Config shows; found"
)
EXPECTED_NAME = (
    'expected a DNS name that is in the certificate, such as "miniserver.example": no address, and'
    " without https:// and a port"
)
EXPECTED_FINGERPRINT = (
    'expected "sha256:" and 64 hex digits, as `openssl x509 -noout -fingerprint -sha256` shows'
    " them; found"
)


@pytest.mark.parametrize(
    "text",
    ["504F94A0BBCC", "504f94a0bbcc", "50:4F:94:A0:BB:CC", "50-4f-94-a0-bb-cc", "50:4f:94:A0:bb:CC"],
)
def test_a_serial_number_is_read_however_it_is_written(text: str) -> None:
    assert serial_number(text) == "504F94A0BBCC"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "504F94A0BBC",
        "504F94A0BBCCD",
        "504F94A0BBCG",
        "50:4F:94:A0:BB-CC",
        "504F:94A0:BBCC",
        "50:4F94A0BBCC",
        " 504F94A0BBCC",
        "504F94A0BBCC\n",
        "504F94A0BB\N{LATIN SMALL LIGATURE FF}",
        "\N{ARABIC-INDIC DIGIT FIVE}04F94A0BBCC",
    ],
)
def test_what_is_no_serial_number_is_told_what_is_expected(text: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(EXPECTED_SERIAL)} the text"):
        serial_number(text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("miniserver.example", "miniserver.example"),
        ("Miniserver.Example.", "miniserver.example"),
        ("miniserver", "miniserver"),
        ("xn--mnchen-3ya.example", "xn--mnchen-3ya.example"),
        (
            "192-168-1-77.504f94a0bbcc.dyndns.loxonecloud.com",
            "192-168-1-77.504f94a0bbcc.dyndns.loxonecloud.com",
        ),
    ],
)
def test_a_server_name_is_read_in_lower_case(text: str, name: str) -> None:
    assert name == server_name(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        " ",
        "192.168.1.77",
        "fe80::1",
        "[fe80::1]",
        "miniserver.example:443",
        "miniserver.example..",
        "https://demo:hunter2@miniserver.example/",
        "miniserver.example/",
        "my miniserver",
        "münchen.example",
        "\N{KELVIN SIGN}elvin.example",
        "a" * 64,
    ],
)
def test_what_is_no_server_name_is_told_what_is_expected_and_not_repeated(text: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(EXPECTED_NAME)}$"):
        server_name(text)


def test_a_server_name_with_an_asterisk_is_told_that_it_is_one_name() -> None:
    with pytest.raises(ValueError, match=r'^expected one name: write a word for the "\*" of'):
        server_name("*.miniserver.example")


@pytest.mark.parametrize(
    "text",
    [
        f"sha256:{DIGITS}",
        f"sha256:{DIGITS.upper()}",
        f"SHA256:{':'.join(PAIRS)}",
        f"sha256:{':'.join(PAIRS).upper()}",
    ],
)
def test_a_fingerprint_is_read_as_bare_digits(text: str) -> None:
    assert fingerprint(text) == DIGITS


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sha256:",
        DIGITS,
        ":".join(PAIRS),
        f"sha1:{DIGITS[:40]}",
        f"sha256:{DIGITS[:-1]}",
        f"sha256:{DIGITS}00",
        f"sha256:{DIGITS}:",
        f"sha256: {DIGITS}",
        f"sha256:c:{DIGITS[1:]}",
        f"\N{LATIN SMALL LETTER LONG S}ha256:{DIGITS}",
    ],
)
def test_what_is_no_fingerprint_is_told_what_is_expected(text: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(EXPECTED_FINGERPRINT)} the text"):
        fingerprint(text)


@pytest.mark.parametrize(
    ("lines", "finding"),
    [
        (
            "tls = true",
            'tls: expected "auto", "off" or "required", found true',
        ),
        (
            'tls = "on"',
            'tls: expected "auto", "off" or "required", found the text \'on\'',
        ),
        (
            "tls_port = 0",
            "tls_port: expected a whole number from 1 to 65535, found the number 0",
        ),
        (
            'tls_verify = "no"',
            "tls_verify: expected true or false, found the text 'no'",
        ),
        (
            "allow_legacy_login = 1",
            "allow_legacy_login: expected true or false, found the number 1",
        ),
        ("serial = 504", "serial: expected text in quotes, found the number 504"),
        ('serial = "504F94"', f"serial: {EXPECTED_SERIAL} the text '504F94'"),
        ('tls_server_name = "192.168.1.77"', f"tls_server_name: {EXPECTED_NAME}"),
        ('tls_fingerprint = "c0"', f"tls_fingerprint: {EXPECTED_FINGERPRINT} the text 'c0'"),
        ("tls_fingerprint = []", "tls_fingerprint: expected text in quotes, found an array"),
    ],
)
def test_a_mistake_in_how_a_miniserver_is_reached_is_found(
    tmp_path: Path, lines: str, finding: str
) -> None:
    assert [f"miniservers[0].{finding}"] == find_all(tmp_path, MINISERVER + lines)


@pytest.mark.parametrize(
    ("key", "known"),
    [
        ("tls_cert", "tls_ca_file"),
        ("TLS_CERT", "tls_ca_file"),
        ("tls_certificate", "tls_ca_file"),
        ("ca_cert", "tls_ca_file"),
        ("ca_file", "tls_ca_file"),
        ("tls_mode", "tls"),
        ("https", "tls"),
        ("ssl", "tls"),
        ("https_port", "tls_port"),
        ("verify_ssl", "tls_verify"),
        ("insecure_skip_verify", "tls_verify"),
        ("server_name", "tls_server_name"),
        ("fingerprint", "tls_fingerprint"),
        ("tls_pin", "tls_fingerprint"),
        ("serial_number", "serial"),
        ("snr", "serial"),
        ("legacy_login", "allow_legacy_login"),
    ],
)
def test_other_words_for_the_options_are_understood(tmp_path: Path, key: str, known: str) -> None:
    assert find_all(tmp_path, f"{MINISERVER}{key} = 1") == [
        f"miniservers[0].{key}: unknown key, did you mean '{known}'?"
    ]


def test_a_word_of_other_programs_in_the_wrong_table_is_told_where_it_belongs(
    tmp_path: Path,
) -> None:
    assert find_all(tmp_path, f"[web]\nssl = true\n{MINISERVER}") == [
        "web.ssl: unknown key, did you mean 'tls' in [[miniservers]]?"
    ]
