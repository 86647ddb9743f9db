from __future__ import annotations

import re
import secrets
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loxone_exporter.loxone import commands
from loxone_exporter.loxone.commands import CommandCipher
from loxone_exporter.loxone.crypto import SessionKey, decode_base64, strip_padding
from loxone_exporter.loxone.uuids import parse_uuid


# Protocol reference, section 8.3.
KEY = SessionKey(
    bytes.fromhex("c8afa9a257c1577892d940afa82435550bbcc52bc2ff9d49d1c6aea5a71bf4a8"),
    bytes.fromhex("a74b457d12e5c00520292ca83b03aac3"),
)
# Section 8.5.
LOGIN_KEY = SessionKey(bytes(range(32)), bytes(range(0xA0, 0xB0)))
LOGIN_HASH = "1d03bdda74c178d98d41b1e81cc63cee73a943cec67d8f311ed7f3971ccac038"
CLIENT_UUID = "098802e1-02b4-603c-ffffeee000d80cfd"

SALTED = [
    pytest.param(
        KEY,
        "d93b",
        commands.hash_parameters("xcid"),
        "FqlXx4NrS7XYxddF8kTP1dadaH9FY%2FMBt9Z1zC%2FANqI%3D",
        id="8.3a",
    ),
    pytest.param(
        KEY,
        "d93b",
        commands.hash_parameters("admin"),
        "FqlXx4NrS7XYxddF8kTP1TtoWMH0pUsJdsZMuvVQ1Q8%3D",
        id="8.3b-aligned",
    ),
    pytest.param(
        KEY,
        "d93b",
        commands.ENABLE_UPDATES,
        "FqlXx4NrS7XYxddF8kTP1SackKP4PycnyPK7Fp34QQRFpe%2F6spvn86hfB12G5NEK",
        id="8.3b-subscription",
    ),
    pytest.param(
        LOGIN_KEY,
        "9f3c",
        commands.hash_parameters("exporter"),
        "xBjyfGUZ%2F54HYCkVa3Bq%2Fq2hl3nW6ET3%2FqEmO5g8u2gCm6zGjXSYl2tcSj7qs0kT",
        id="8.5-getkey2",
    ),
    pytest.param(
        LOGIN_KEY,
        "9f3c",
        commands.request_token(
            (16, 1, 11, 6),
            credentials_hash=LOGIN_HASH,
            user="exporter",
            client_uuid=CLIENT_UUID,
        ),
        "xBjyfGUZ%2F54HYCkVa3Bq%2FuqkGHe8lhS9qcQl4N9l%2FdCR4iozQo3XOQa%2BH%2BS%2F1e9Pbc%2B0H6%2FY"
        "CQfe8sqVLRXrbR6aWD%2B9%2BUcfR1b1gsQkowWcljA2rLDiNWtDBgU7vkvoMYy2ttyLUzJGYtakPVckOq8Qap3i"
        "DgIdQjcaczLMqWooBYk17vpWDoNr6qBBg47pwepyaDmOrn1OTo4FFixMbQ%3D%3D",
        id="8.5-getjwt",
    ),
]


def opened(command: str, key: SessionKey = KEY) -> str:
    """What the Miniserver finds in an encrypted command."""
    wrapped = re.fullmatch(r"jdev/sys/enc/([A-Za-z0-9%]+)", command)
    assert wrapped is not None
    return strip_padding(key.decrypt(decode_base64(unquote(wrapped[1])))).decode()


@pytest.mark.parametrize(("key", "salt", "command", "cipher"), SALTED)
def test_encrypted_command_vectors(key: SessionKey, salt: str, command: str, cipher: str) -> None:
    encrypted = CommandCipher(key, salt).encrypt(command)
    assert f"jdev/sys/enc/{cipher}" == encrypted
    assert f"salt/{salt}/{command}" == opened(encrypted, key)


# Section 8.3b.
def test_encrypted_command_vector_with_the_next_salt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "token_hex", lambda _: "51ac")
    encrypted = CommandCipher(KEY, "d93b", uses=30).encrypt(commands.STRUCTURE_VERSION)
    cipher = "IAA0AjRiXfsXXwJ%2Ff2J6tzzDXiQ%2Ftt%2FPyrYw3epzNDp39OZ4srFqGc78mB2rm%2F0p"
    assert f"jdev/sys/enc/{cipher}" == encrypted


def test_salt_is_replaced_after_thirty_uses() -> None:
    cipher = CommandCipher(KEY)
    texts = [opened(cipher.encrypt("dev")) for _ in range(91)]
    salts = [re.fullmatch(r"salt/([0-9a-f]{4})/dev", text) for text in texts]
    assert [30, 60, 90] == [use for use, salt in enumerate(salts) if salt is None]
    first = salts[0]
    assert first is not None
    assert {f"salt/{first[1]}/dev"} == set(texts[:30])
    announced = re.fullmatch(r"nextSalt/([0-9a-f]{4})/([0-9a-f]{4})/dev", texts[30])
    assert announced is not None
    assert first[1] == announced[1]
    assert {f"salt/{announced[2]}/dev"} == set(texts[31:60])


def test_each_connection_starts_with_a_salt_of_its_own() -> None:
    assert 1 < len({CommandCipher(KEY).encrypt("dev") for _ in range(10)})


@given(command=st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=60))
def test_every_command_can_be_opened_again(command: str) -> None:
    assert f"salt/9f3c/{command}" == opened(CommandCipher(KEY, "9f3c").encrypt(command))


# Section 3.1: here base64 is not percent-encoded.
def test_key_exchange_carries_plain_base64() -> None:
    assert "jdev/sys/keyexchange/+/+/" == commands.key_exchange(bytes.fromhex("fbff bf"))


# Quirk 14, and section 8.4's path segment.
@pytest.mark.parametrize(
    ("user", "segment"),
    [
        ("müller", "m%C3%BCller"),
        ("a/b?c%d e", "a%2Fb%3Fc%25d%20e"),
        ("exporter", "exporter"),
    ],
)
def test_user_names_are_percent_encoded(user: str, segment: str) -> None:
    assert f"jdev/sys/getkey2/{segment}" == commands.hash_parameters(user)
    assert f"jdev/sys/killtoken/ab12/{segment}" == commands.kill_token("ab12", user)
    token = commands.request_token(
        (10, 2), credentials_hash="ab12", user=user, client_uuid=CLIENT_UUID
    )
    assert f"jdev/sys/getjwt/ab12/{segment}/4/{CLIENT_UUID}/loxone-exporter" == token


# Section 3.4.
@pytest.mark.parametrize(
    ("firmware", "verb"),
    [
        ((), "gettoken"),
        ((9, 1, 10, 30), "gettoken"),
        ((10, 1, 12, 5), "gettoken"),
        ((10, 2), "getjwt"),
        ((10, 2, 0, 1), "getjwt"),
        ((17, 1, 7, 3), "getjwt"),
    ],
)
def test_old_firmware_is_asked_for_an_old_token(firmware: tuple[int, ...], verb: str) -> None:
    command = commands.request_token(
        firmware, credentials_hash="ab12", user="exporter", client_uuid=CLIENT_UUID
    )
    assert command.startswith(f"jdev/sys/{verb}/ab12/exporter/4/")


def test_client_uuid_has_the_form_of_the_miniserver() -> None:
    client_uuid = commands.derive_client_uuid("504F94A0BBCC", "exporter", "loxone-exporter")
    parse_uuid(client_uuid)
    assert client_uuid == commands.derive_client_uuid("504F94A0BBCC", "exporter", "loxone-exporter")


# Tokens are filed under it: a change would leave one behind in every Miniserver.
def test_client_uuid_is_the_same_in_all_releases() -> None:
    assert "c645d80f-c39a-547e-ae23e111bfe96e53" == commands.derive_client_uuid(
        "504F94A0BBCC", "exporter", "loxone-exporter"
    )


def test_client_uuids_differ_in_every_part() -> None:
    parts = [
        ("504F94A0BBCC", "exporter", "loxone-exporter"),
        ("504F94A0BBCD", "exporter", "loxone-exporter"),
        ("504F94A0BBCC", "exporter2", "loxone-exporter"),
        ("504F94A0BBCC", "exporter", "2loxone-exporter"),
        ("504F94A0BBCC", "exporterloxone", "-exporter"),
    ]
    assert len(parts) == len({commands.derive_client_uuid(*part) for part in parts})
