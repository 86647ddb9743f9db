from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loxone_exporter.simulator.parsing import parse_command


@pytest.mark.parametrize(
    ("text", "name", "arguments"),
    [
        ("jdev/sys/getkey2/J%C3%BCrgen%20%2F%201", "sys/getkey2", ("J\u00fcrgen / 1",)),
        ("JDEV/CFG/apiKey", "cfg/apikey", ()),
        ("data/LoxAPP3.json", "data/loxapp3.json", ()),
        ("authwithtoken/ab/demo", "authwithtoken", ("ab", "demo")),
        (
            "jdev/sps/io/Temperatur%20Gang/getEntries/2",
            "sps/io",
            ("Temperatur Gang", "getEntries", "2"),
        ),
        ("", "", ()),
        ("jdev", "", ()),
    ],
)
def test_names_are_lower_case_and_arguments_decoded(
    text: str, name: str, arguments: tuple[str, ...]
) -> None:
    command = parse_command(text)
    assert (command.name, command.arguments) == (name, arguments)


def test_the_names_of_a_query_are_lower_case() -> None:
    command = parse_command("jdev/sys/getjwt/a/b?authHash=True&tokenHash=true&x=%C3%A4")
    assert command.query == {"authhash": "True", "tokenhash": "true", "x": "\u00e4"}
    assert command.text == "jdev/sys/getjwt/a/b"


def test_the_encrypted_legacy_login_is_an_envelope_first() -> None:
    assert parse_command("authenticateEnc/a/b+==").name == "sys/enc"
    opened = parse_command("authenticateEnc/hash/user", encrypted=True)
    assert (opened.name, opened.arguments) == ("authenticateenc", ("hash", "user"))


@given(st.text())
def test_everything_can_be_taken_apart(text: str) -> None:
    assert parse_command(text).text == text.partition("?")[0]
