"""The far end of the reference's vectors: what a Miniserver makes of them (section 8).

The client's end, and the vectors of sections 8.1 and 8.2, are with the module that they are for:
test_uuids, test_header, test_tables, test_crypto, test_commands, test_replies.
"""

from __future__ import annotations

import math
from urllib.parse import quote

import pytest

from loxone_exporter.loxone import commands
from loxone_exporter.loxone.crypto import (
    HashAlgorithm,
    PrivateKey,
    PublicKey,
    SessionKey,
    encode_base64,
    hash_token,
)
from loxone_exporter.simulator.accounts import (
    PERMISSION_APP,
    Account,
    Accounts,
    OneTimeKeys,
    Token,
)
from loxone_exporter.simulator.encryption import Encryption, parse_encrypted, parse_key_exchange
from loxone_exporter.simulator.parsing import parse_command
from loxone_exporter.simulator.profile import Profile
from support.vectors import (
    ANSWER_KEY,
    GO_KEY,
    KEY_EXCHANGE_KEY,
    KEYED_HASHES,
    KT_KEY,
    KT_SALT,
    LB_KEY,
    LOGIN_HASH,
    LOGIN_KEY,
    ONE_TIME_KEY,
)


PRIVATE_KEY = PrivateKey.generate(1024)
PUBLIC_KEY = PublicKey.parse(PRIVATE_KEY.public_text)


def encryption_with(key: SessionKey) -> Encryption:
    """A Miniserver's end of a connection, after the key exchange."""
    encryption = Encryption(PRIVATE_KEY, strict=True)
    command = commands.key_exchange(PUBLIC_KEY.encrypt(key.exchange_text))
    encryption.exchange(parse_key_exchange(command))
    return encryption


OPENED = [
    pytest.param(
        GO_KEY,
        "fenc",
        "FqlXx4NrS7XYxddF8kTP1dadaH9FY/MBt9Z1zC/ANqI=",
        "jdev/sys/getkey2/xcid",
        id="8.3a",
    ),
    pytest.param(
        GO_KEY,
        "enc",
        "FqlXx4NrS7XYxddF8kTP1dadaH9FY/MBt9Z1zC/ANqLSvzgSKikCN0UWirqJiI4O",
        "jdev/sys/getkey2/xcid",
        id="8.3a-NUL-and-PKCS7",
    ),
    pytest.param(
        GO_KEY,
        "enc",
        "FqlXx4NrS7XYxddF8kTP1TtoWMH0pUsJdsZMuvVQ1Q8=",
        "jdev/sys/getkey2/admin",
        id="8.3b-aligned",
    ),
    pytest.param(
        GO_KEY,
        "enc",
        "FqlXx4NrS7XYxddF8kTP1TtoWMH0pUsJdsZMuvVQ1Q9cEpcNDWY1BCEMO6BHYb3n",
        "jdev/sys/getkey2/admin",
        id="8.3b-zero-block",
    ),
    pytest.param(
        GO_KEY,
        "enc",
        "FqlXx4NrS7XYxddF8kTP1TtoWMH0pUsJdsZMuvVQ1Q9akhsQnQ/liHVNjZL8ev3o",
        "jdev/sys/getkey2/admin",
        id="8.3b-NUL-and-PKCS7",
    ),
    pytest.param(
        GO_KEY,
        "enc",
        "FqlXx4NrS7XYxddF8kTP1SackKP4PycnyPK7Fp34QQRFpe/6spvn86hfB12G5NEK",
        "jdev/sps/enablebinstatusupdate",
        id="8.3b-subscription",
    ),
    pytest.param(
        GO_KEY,
        "enc",
        "IAA0AjRiXfsXXwJ/f2J6tzzDXiQ/tt/PyrYw3epzNDp39OZ4srFqGc78mB2rm/0p",
        "jdev/sps/LoxAPPversion3",
        id="8.3b-nextSalt",
    ),
    pytest.param(
        LOGIN_KEY,
        "enc",
        "xBjyfGUZ/54HYCkVa3Bq/q2hl3nW6ET3/qEmO5g8u2gCm6zGjXSYl2tcSj7qs0kT",
        "jdev/sys/getkey2/exporter",
        id="8.5-getkey2",
    ),
    pytest.param(
        LOGIN_KEY,
        "enc",
        "xBjyfGUZ/54HYCkVa3Bq/uqkGHe8lhS9qcQl4N9l/dCR4iozQo3XOQa+H+S/1e9Pbc+0H6/YCQfe8sqVLRXrbR6a"
        "WD+9+UcfR1b1gsQkowWcljA2rLDiNWtDBgU7vkvoMYy2ttyLUzJGYtakPVckOq8Qap3iDgIdQjcaczLMqWooBYk1"
        "7vpWDoNr6qBBg47pwepyaDmOrn1OTo4FFixMbQ==",
        f"jdev/sys/getjwt/{LOGIN_HASH}/exporter/4/098802e1-02b4-603c-ffffeee000d80cfd/"
        "loxone-exporter",
        id="8.5-getjwt",
    ),
]


@pytest.mark.parametrize(("key", "kind", "cipher", "command"), OPENED)
@pytest.mark.parametrize("escaped", [True, False])
def test_a_miniserver_opens_a_command(
    key: SessionKey, kind: str, cipher: str, command: str, *, escaped: bool
) -> None:
    sent = f"jdev/sys/{kind}/{quote(cipher, safe='') if escaped else cipher}"
    envelope = parse_encrypted(sent)
    assert (kind, cipher) == (envelope.kind, envelope.cipher)
    assert command == encryption_with(key).open(envelope.cipher)


def test_a_miniserver_changes_the_salt_as_announced() -> None:
    encryption = encryption_with(GO_KEY)
    first = "FqlXx4NrS7XYxddF8kTP1SackKP4PycnyPK7Fp34QQRFpe/6spvn86hfB12G5NEK"
    rotation = "IAA0AjRiXfsXXwJ/f2J6tzzDXiQ/tt/PyrYw3epzNDp39OZ4srFqGc78mB2rm/0p"
    encryption.open(first)
    encryption.open(rotation)
    assert "next" == encryption.open(encode_base64(GO_KEY.encrypt(b"salt/51ac/next")))


SEALED = [
    pytest.param(
        KEY_EXCHANGE_KEY,
        "32433239333830423730464445364633383735373644454343343838314235393336454633343334",
        "HEA/0hfbBbPFodPQnAr6coXoEytbYpA+aAI10gjY5Op+90vPGGN2F5yKPuwtyfWaX3NVKiVkEhyeK1JiZHldXY6p"
        "pf+L2Ah3YpgPiaCxIfc=",
        id="8.3c",
    ),
    pytest.param(
        ANSWER_KEY,
        '{"LL":{"control":"jdev/sys/getkey2/xcid","code":200,"value":{"key":"'
        "36443338424239373941333733454244443144383246384638323545424545313734333237314231"
        '","salt":"31303532383435312D303137632D303762662D66666666633338393333373436383134"}}}',
        "rJ3XZcwKdfi6A1bK4rvS+KnoeBqBgwEKLUJgNq2UOtG46SCyG1w3Iq/2zs/Bp56oYJ7EYi7YSqLRpLlcBCjvEdnr"
        "z6CfC9OCH29nsY44Zb9gxEO7eepgdPxUGtq5Awkb2L6/"
        "GyWmll6xmGOAdOStkiG1c65T/jnPeMQ6eB3T/0Z+yFwb1TvkgRXJlJThXgkqsDMK6X1mxQfVrxTGEQmJY0NBVLGp"
        "FNNT6IF2liXIRR7PGdCfEuEhkobcZBjNJmIIE6SRk2I3"
        "kZk0VEj87nSKPBA0eZmziIR6PgBZp6FHoXaXtbmhFdIppk03GzL+bfyb",
        id="8.3d",
    ),
    pytest.param(
        LOGIN_KEY,
        ONE_TIME_KEY,
        "922GwCF/EaXQ1if4wzo0+xIS//GvtBpXRSNlWMyZ5iAeTlCSa436vnJMrOW4PbaazePP6IxefNrgX9Gptt8zSDpn"
        "PysfZ5QgouWqKPHBCVc=",
        id="8.5-key-exchange",
    ),
    pytest.param(
        LOGIN_KEY,
        '{"LL": { "control": "dev/cfg/version", "value": "16.1.11.6", "Code": "200"}}',
        "QIpVNzmTdNMqSUR67tVfCx4jLu72ppb2nNRRxbTZ0EMXJSriBCpBADcD1gxxzhC3bldgTg7gaGS7ukVLiLbA0z0Q"
        "yHgDI2RtKR7Le6WHLFc=",
        id="8.5-answer",
    ),
]


@pytest.mark.parametrize(("key", "answer", "sealed"), SEALED)
def test_a_miniserver_seals_an_answer(key: SessionKey, answer: str, sealed: str) -> None:
    assert sealed == encryption_with(key).seal(answer)


class _SaltedAccounts(Accounts):
    """Accounts whose users all have the salt of a vector."""

    vector_salt = ""

    def salt(self, username: str) -> str:  # noqa: ARG002  # as in the base class
        return self.vector_salt


def accounts_of(
    username: str, password: str, *, salt: str = "", firmware: str = "16.1.11.6", now: float = 0.0
) -> Accounts:
    accounts = _SaltedAccounts(
        [Account(username, password)],
        Profile(firmware=firmware),
        clock=lambda: 0.0,
        now=lambda: now,
    )
    accounts.vector_salt = salt
    return accounts


def keys_with(key: str) -> OneTimeKeys:
    keys = OneTimeKeys(lambda: 0.0, 10.0)
    keys._keys.append((key, math.inf))
    return keys


LOGINS: list[tuple[str, str, str, str, HashAlgorithm, str]] = [
    (
        "user",
        "test",
        "31333338623266642D303135342D363463392D66666666353034663934313032343764",
        "46324345453737334642443534343439313744394535313539443642424436373144323532423246",
        "SHA1",
        "fe64ac92e98486eed980a8a03401ee175bbd51d3",
    ),
    ("user", "pass", KT_SALT, KT_KEY, "SHA1", "cf72cfeeb893053157bcaee60eaf8a141a34b765"),
    (
        "user",
        "pass",
        KT_SALT,
        KT_KEY,
        "SHA256",
        "49ea4ce1af1301f478b365fc88c13eba4883bff2d10f4eafcc4613e7b2eed1c0",
    ),
    (
        "müller",
        "pä€ss",
        KT_SALT,
        KT_KEY,
        "SHA256",
        "5af2b91a3ee8f89009f25beff79bf3aecd50fd0dc2e70b56d5c8ab9999cbcc15",
    ),
    (
        "loxberry",
        "TestPass!23",
        "41B0A8F1",
        LB_KEY,
        "SHA256",
        "6811aac909afa7d530fd1cf87a28e4a9db15ad4e99eea57b33944319b05a86c5",
    ),
    ("exporter", "S3cret!ä", KT_SALT, ONE_TIME_KEY, "SHA256", LOGIN_HASH),
]


@pytest.mark.parametrize(("user", "password", "salt", "key", "algorithm", "digest"), LOGINS)
def test_a_miniserver_accepts_the_hash_of_a_password(
    user: str, password: str, salt: str, key: str, algorithm: HashAlgorithm, digest: str
) -> None:
    accounts = accounts_of(user, password, salt=salt)
    account = accounts.check_password_hash(user, digest, keys_with(key), algorithm)
    assert Account(user, password) == account
    other = accounts_of(user, f"{password}.", salt=salt)
    assert other.check_password_hash(user, digest, keys_with(key), algorithm) is None


def accounts_with_token(text: str, *, firmware: str = "16.1.11.6") -> tuple[Accounts, Token]:
    accounts = accounts_of("exporter", "x", firmware=firmware)
    account = accounts.check_password("exporter", "x")
    assert account is not None
    token = accounts.issue(account, PERMISSION_APP, "client", "info", jwt=True)
    token.text = text
    return accounts, token


@pytest.mark.parametrize(("text", "key", "algorithm", "digest"), KEYED_HASHES)
def test_a_miniserver_accepts_the_hash_of_a_token(
    text: str, key: str, algorithm: HashAlgorithm, digest: str
) -> None:
    assert digest == hash_token(text, key, algorithm)
    accounts, token = accounts_with_token(text)
    assert token is accounts.check_token("exporter", digest, keys_with(key))
    other, _ = accounts_with_token(f"{text}.")
    assert other.check_token("exporter", digest, keys_with(key)) is None


# Section 8.5.
def test_command_that_uses_the_token() -> None:
    digest = "caf85c574ea073aae02997cd35a149f3b18e29c9ce57fe1cc1c16fd5889158f0"
    assert f"authwithtoken/{digest}/exporter" == commands.use_token(digest, "exporter")
    command = parse_command(f"authwithtoken/{digest}/exporter", encrypted=True)
    assert [digest, "exporter"] == list(command.arguments)


# Section 8.4.
def test_a_miniserver_accepts_the_legacy_hash() -> None:
    digest = "32fee942994980fcc23f96d9410cb2e62a28d8d8"
    accounts = accounts_of("user", "pass", firmware="8.1.11.11")
    assert Account("user", "pass") == accounts.check_legacy_hash(digest, keys_with(KT_KEY))
    other = accounts_of("user", "word", firmware="8.1.11.11")
    assert other.check_legacy_hash(digest, keys_with(KT_KEY)) is None


# Section 8.4.
def test_a_miniserver_reads_the_users_segment() -> None:
    assert "jdev/sys/getkey2/m%C3%BCller" == commands.hash_parameters("müller")
    assert ["müller"] == list(parse_command("jdev/sys/getkey2/m%C3%BCller").arguments)


# Section 8.5: what a token says of its end.
@pytest.mark.parametrize(
    ("unix", "loxone"), [(1230768000, 0), (1767225600, 536457600), (1572919839, 342151839)]
)
def test_a_miniserver_counts_from_2009(unix: float, loxone: int) -> None:
    life = Profile().long_token_life
    accounts = accounts_of("exporter", "x", now=unix - life)
    account = accounts.check_password("exporter", "x")
    assert account is not None
    token = accounts.issue(account, PERMISSION_APP, "client", "info", jwt=True)
    assert loxone == token.valid_until
