from __future__ import annotations

from urllib.parse import quote

import pytest

from loxone_exporter.errors import ProtocolError
from loxone_exporter.loxone.crypto import (
    PrivateKey,
    PublicKey,
    SessionKey,
    decode_base64,
    encode_base64,
    strip_padding,
)
from loxone_exporter.simulator.encryption import (
    EncryptedCommand,
    Encryption,
    parse_encrypted,
    parse_key_exchange,
)


# Protocol reference, sections 8.3 a and b.
SESSION_KEY = SessionKey(
    bytes.fromhex("c8afa9a257c1577892d940afa82435550bbcc52bc2ff9d49d1c6aea5a71bf4a8"),
    bytes.fromhex("a74b457d12e5c00520292ca83b03aac3"),
)
PRIVATE_KEY = PrivateKey.generate(1024)


def encrypted_with(text: bytes) -> str:
    return encode_base64(SESSION_KEY.encrypt(text))


def encryption_of(*, strict: bool = True) -> Encryption:
    encryption = Encryption(PRIVATE_KEY, strict=strict)
    secret = PublicKey.parse(PRIVATE_KEY.public_text).encrypt(SESSION_KEY.exchange_text)
    encryption.exchange(encode_base64(secret))
    return encryption


@pytest.mark.parametrize(
    ("cipher", "command"),
    [
        ("FqlXx4NrS7XYxddF8kTP1dadaH9FY/MBt9Z1zC/ANqI=", "jdev/sys/getkey2/xcid"),
        (
            "FqlXx4NrS7XYxddF8kTP1dadaH9FY/MBt9Z1zC/ANqLSvzgSKikCN0UWirqJiI4O",
            "jdev/sys/getkey2/xcid",
        ),
        ("FqlXx4NrS7XYxddF8kTP1TtoWMH0pUsJdsZMuvVQ1Q8=", "jdev/sys/getkey2/admin"),
        (
            "FqlXx4NrS7XYxddF8kTP1TtoWMH0pUsJdsZMuvVQ1Q9cEpcNDWY1BCEMO6BHYb3n",
            "jdev/sys/getkey2/admin",
        ),
        (
            "FqlXx4NrS7XYxddF8kTP1TtoWMH0pUsJdsZMuvVQ1Q9akhsQnQ/liHVNjZL8ev3o",
            "jdev/sys/getkey2/admin",
        ),
        (
            "FqlXx4NrS7XYxddF8kTP1SackKP4PycnyPK7Fp34QQRFpe/6spvn86hfB12G5NEK",
            "jdev/sps/enablebinstatusupdate",
        ),
    ],
)
def test_every_padding_in_use_is_understood(cipher: str, command: str) -> None:
    assert command == encryption_of().open(cipher)


def test_pure_pkcs7_padding_is_understood() -> None:
    assert encryption_of().open(encrypted_with(b"salt/a/command" + b"\x02\x02")) == "command"
    assert encryption_of().open(encrypted_with(b"salt/a/command12" + b"\x10" * 16)) == "command12"


def test_what_only_resembles_padding_stays() -> None:
    assert encryption_of().open(encrypted_with(b"salt/a/commands" + b"\x02")) == "commands\x02"


def test_salts_are_a_chain() -> None:
    encryption = encryption_of()
    next_salt = "IAA0AjRiXfsXXwJ/f2J6tzzDXiQ/tt/PyrYw3epzNDp39OZ4srFqGc78mB2rm/0p"
    assert encryption.open(encrypted_with(b"salt/d93b/first")) == "first"
    assert encryption.open(encrypted_with(b"salt/d93b/second")) == "second"
    assert encryption.open(next_salt) == "jdev/sps/LoxAPPversion3"  # nextSalt/d93b/51ac/...
    assert encryption.open(encrypted_with(b"salt/51ac/fourth")) == "fourth"
    assert encryption.open(encrypted_with(b"nextSalt/51ac/0000/fifth")) == "fifth"
    for command in (b"salt/51ac/sixth", b"nextSalt/51ac/1111/sixth"):
        with pytest.raises(ProtocolError, match="not due"):
            encryption.open(encrypted_with(command))
    assert encryption.open(encrypted_with(b"salt/0000/sixth")) == "sixth"


def test_a_chain_may_begin_with_a_rotation() -> None:
    encryption = encryption_of()
    assert encryption.open(encrypted_with(b"nextSalt/a/b/first")) == "first"
    assert encryption.open(encrypted_with(b"salt/b/second")) == "second"


def test_a_key_exchange_begins_a_new_chain() -> None:
    encryption = encryption_of()
    encryption.open(encrypted_with(b"salt/a/first"))
    secret = PublicKey.parse(PRIVATE_KEY.public_text).encrypt(SESSION_KEY.exchange_text)
    encryption.exchange(encode_base64(secret))
    assert encryption.open(encrypted_with(b"salt/b/second")) == "second"


def test_lenience_takes_any_salt_or_none() -> None:
    encryption = encryption_of(strict=False)
    assert encryption.open(encrypted_with(b"salt/a/first")) == "first"
    assert encryption.open(encrypted_with(b"salt/b/second")) == "second"
    assert encryption.open(encrypted_with(b"jdev/sys/third")) == "jdev/sys/third"


def test_a_command_without_salt_is_refused() -> None:
    with pytest.raises(ProtocolError, match="without a salt"):
        encryption_of().open(encrypted_with(b"jdev/sys/getkey"))


@pytest.mark.parametrize("cipher", ["", "AAAA", "no base64!", encrypted_with(b"salt/a/\xff")])
def test_what_is_no_encrypted_text_is_refused(cipher: str) -> None:
    with pytest.raises(ProtocolError):
        encryption_of().open(cipher)


def test_nothing_works_before_the_key_exchange() -> None:
    encryption = Encryption(PRIVATE_KEY, strict=True)
    with pytest.raises(ProtocolError, match="before the key exchange"):
        encryption.open("AAAA")
    with pytest.raises(ProtocolError, match="before the key exchange"):
        encryption.seal("text")


@pytest.mark.parametrize("secret", ["", "AAAA", "no base64!"])
def test_a_bad_key_exchange_is_refused(secret: str) -> None:
    with pytest.raises(ProtocolError):
        Encryption(PRIVATE_KEY, strict=True).exchange(secret)


def test_answers_are_sealed_without_a_needless_block() -> None:
    sealed = encryption_of().seal("x" * 32)
    assert len(sealed) == 44  # 32 bytes in base64
    assert strip_padding(SESSION_KEY.decrypt(decode_base64(sealed))) == b"x" * 32


@pytest.mark.parametrize("kind", ["enc", "fenc"])
def test_envelopes_may_be_percent_encoded_or_raw(kind: str) -> None:
    expected = EncryptedCommand("fenc" if kind == "fenc" else "enc", "a/b+c==", "")
    assert expected == parse_encrypted(f"jdev/sys/{kind}/a/b+c==")
    assert expected == parse_encrypted(f"jdev/sys/{kind}/{quote('a/b+c==', safe='')}")
    assert expected.control == f"jdev/sys/{kind}/a/b+c=="


def test_an_envelope_may_have_a_query() -> None:
    assert parse_encrypted("jdev/sys/enc/ab?sk=c%2F").query == "sk=c%2F"


@pytest.mark.parametrize("text", ["jdev/sys/enc", "jdev/sys/enc/", "jdev/sys/enc?x"])
def test_an_envelope_may_be_empty(text: str) -> None:
    assert parse_encrypted(text).cipher == ""


@pytest.mark.parametrize("sent", ["a/b+c==", "a%2Fb%2Bc%3D%3D"])
def test_a_key_exchange_takes_all_that_follows(sent: str) -> None:
    assert parse_key_exchange(f"jdev/sys/keyexchange/{sent}") == "a/b+c=="


@pytest.mark.parametrize("sent", ["a/b+c==", "a%2Fb%2Bc%3D%3D"])
def test_the_envelope_of_the_legacy_login(sent: str) -> None:
    envelope = parse_encrypted(f"authenticateEnc/{sent}")
    assert envelope == EncryptedCommand("authenticateEnc", "a/b+c==", "")
    assert envelope.control == "authenticateEnc/a/b+c=="


@pytest.mark.parametrize(
    ("user", "segment"),
    [("demo", "demo"), ("J\u00fcrgen / 1?", "J%C3%BCrgen%20%2F%201%3F"), ("a%20b", "a%2520b")],
)
def test_the_legacy_login_has_no_salt_and_leaves_the_chain_alone(user: str, segment: str) -> None:
    encryption = encryption_of()
    digest = "32fee942994980fcc23f96d9410cb2e62a28d8d8"
    opened = encryption.open(encrypted_with(f"{digest}/{user}".encode()))
    assert opened == f"authenticateEnc/{digest}/{segment}"
    assert encryption.open(encrypted_with(b"salt/a/first")) == "first"
    with pytest.raises(ProtocolError, match="not due"):
        encryption.open(encrypted_with(b"salt/b/second"))
