from __future__ import annotations

import ast
import re
import secrets
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loxone_exporter.loxone import commands
from loxone_exporter.loxone.commands import CommandCipher
from loxone_exporter.loxone.crypto import (
    PrivateKey,
    PublicKey,
    SessionKey,
    decode_base64,
    encode_base64,
    strip_padding,
)
from loxone_exporter.loxone.uuids import parse_uuid
from loxone_exporter.simulator.encryption import (
    Encryption,
    parse_encrypted,
    parse_key_exchange,
)
from support.vectors import GO_KEY, LOGIN_HASH, LOGIN_KEY


CLIENT_UUID = "098802e1-02b4-603c-ffffeee000d80cfd"
SERIAL = "504F94A0BBCC"
PRIVATE_KEY = PrivateKey.generate(1024)
PUBLIC_KEY = PublicKey.parse(PRIVATE_KEY.public_text)

SALTED = [
    pytest.param(
        GO_KEY,
        "d93b",
        commands.hash_parameters("xcid"),
        "FqlXx4NrS7XYxddF8kTP1dadaH9FY%2FMBt9Z1zC%2FANqI%3D",
        id="8.3a",
    ),
    pytest.param(
        GO_KEY,
        "d93b",
        commands.hash_parameters("admin"),
        "FqlXx4NrS7XYxddF8kTP1TtoWMH0pUsJdsZMuvVQ1Q8%3D",
        id="8.3b-aligned",
    ),
    pytest.param(
        GO_KEY,
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
        f"jdev/sys/getjwt/{LOGIN_HASH}/exporter/4/{CLIENT_UUID}/loxone-exporter",
        "xBjyfGUZ%2F54HYCkVa3Bq%2FuqkGHe8lhS9qcQl4N9l%2FdCR4iozQo3XOQa%2BH%2BS%2F1e9Pbc%2B0H6%2FY"
        "CQfe8sqVLRXrbR6aWD%2B9%2BUcfR1b1gsQkowWcljA2rLDiNWtDBgU7vkvoMYy2ttyLUzJGYtakPVckOq8Qap3i"
        "DgIdQjcaczLMqWooBYk17vpWDoNr6qBBg47pwepyaDmOrn1OTo4FFixMbQ%3D%3D",
        id="8.5-getjwt",
    ),
]


def opened(command: str, key: SessionKey = GO_KEY) -> str:
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
    encrypted = CommandCipher(GO_KEY, "d93b", uses=30).encrypt(commands.STRUCTURE_VERSION)
    cipher = "IAA0AjRiXfsXXwJ%2Ff2J6tzzDXiQ%2Ftt%2FPyrYw3epzNDp39OZ4srFqGc78mB2rm%2F0p"
    assert f"jdev/sys/enc/{cipher}" == encrypted
    assert f"nextSalt/d93b/51ac/{commands.STRUCTURE_VERSION}" == opened(encrypted)


def test_salt_is_replaced_after_thirty_uses() -> None:
    cipher = CommandCipher(GO_KEY)
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
    assert 1 < len({CommandCipher(GO_KEY).encrypt("dev") for _ in range(10)})


@given(command=st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=60))
def test_every_command_can_be_opened_again(command: str) -> None:
    assert f"salt/9f3c/{command}" == opened(CommandCipher(GO_KEY, "9f3c").encrypt(command))


# What ends like the padding of PKCS #7 could be that; commands are printable.
@given(texts=st.lists(st.text(st.characters(exclude_categories=["C"]), max_size=30), max_size=40))
def test_a_miniserver_opens_whatever_a_connection_sends(texts: list[str]) -> None:
    encryption = Encryption(PRIVATE_KEY, strict=True)
    encryption.exchange(
        parse_key_exchange(commands.key_exchange(PUBLIC_KEY.encrypt(GO_KEY.exchange_text)))
    )
    cipher = CommandCipher(GO_KEY, uses=20)
    for text in texts:
        envelope = parse_encrypted(cipher.encrypt(text))
        assert text == encryption.open(envelope.cipher)


# Section 3.1: here base64 is not percent-encoded.
def test_key_exchange_carries_plain_base64() -> None:
    assert "jdev/sys/keyexchange/+/+/" == commands.key_exchange(bytes.fromhex("fbff bf"))


def ask_for_token(
    *,
    firmware: tuple[int, ...] = (16, 1, 11, 6),
    user: str = "exporter",
    client_id: str = "loxone-exporter",
) -> str:
    return commands.request_token(
        firmware, credentials_hash="ab12", user=user, client_id=client_id, serial=SERIAL
    )


# Quirk 14, and section 8.4's path segment.
@pytest.mark.parametrize(
    ("user", "segment"),
    [
        ("müller", "m%C3%BCller"),
        ("a/b?c%d e", "a%2Fb%3Fc%25d%20e"),
        ("#:€", "%23%3A%E2%82%AC"),
        ("exporter", "exporter"),
    ],
)
def test_user_names_are_percent_encoded(user: str, segment: str) -> None:
    client = commands.derive_client_uuid(SERIAL, user, "loxone-exporter")
    assert f"jdev/sys/getkey2/{segment}" == commands.hash_parameters(user)
    assert f"jdev/sys/getjwt/ab12/{segment}/4/{client}/loxone-exporter" == ask_for_token(user=user)
    assert f"authwithtoken/ab12/{segment}" == commands.use_token("ab12", user)
    assert f"jdev/sys/refreshjwt/ab12/{segment}" == commands.refresh_token((17,), "ab12", user)
    assert f"jdev/sys/killtoken/ab12/{segment}" == commands.kill_token("ab12", user)
    by_token = commands.structure_file_by_token("ab12", user)
    assert f"data/LoxAPP3.json?autht=ab12&user={segment}" == by_token


def test_the_owner_recognizes_the_client() -> None:
    assert ask_for_token().endswith("/loxone-exporter")
    assert ask_for_token(client_id="at home/2").endswith("/loxone-exporter%20at%20home%2F2")


# Sections 3.1, 3.4 and 3.5. What does not say what it is, is new.
@pytest.mark.parametrize(
    ("firmware", "has_tokens", "can_refresh", "is_asked_for_jwt"),
    [
        ((), True, True, True),
        ((8, 1, 11, 11), False, False, False),
        ((8, 999), False, False, False),
        ((9,), True, False, False),
        ((9, 1, 10, 30), True, False, False),
        ((10, 0, 9, 12), True, False, False),
        ((10, 0, 9, 13), True, True, False),
        ((10, 1, 12, 5), True, True, False),
        ((10, 2), True, True, True),
        ((10, 2, 0, 1), True, True, True),
        ((17, 1, 7, 3), True, True, True),
    ],
)
def test_firmware_is_asked_for_what_it_knows(
    firmware: tuple[int, ...], *, has_tokens: bool, can_refresh: bool, is_asked_for_jwt: bool
) -> None:
    assert has_tokens is commands.has_tokens(firmware)
    assert can_refresh is commands.can_refresh(firmware)
    get, refresh = ("getjwt", "refreshjwt") if is_asked_for_jwt else ("gettoken", "refreshtoken")
    assert ask_for_token(firmware=firmware).startswith(f"jdev/sys/{get}/ab12/exporter/4/")
    assert f"jdev/sys/{refresh}/ab12/exporter" == commands.refresh_token(
        firmware, "ab12", "exporter"
    )


# Section 3.6.
@pytest.mark.parametrize(
    ("firmware", "has_legacy_login"),
    [
        ((), False),
        ((8, 1, 11, 11), True),
        ((9,), True),
        ((9, 2, 99, 9), True),
        ((9, 3), False),
        ((16, 0, 6, 10), False),
    ],
)
def test_login_without_tokens_is_that_of_old_firmware(
    firmware: tuple[int, ...], *, has_legacy_login: bool
) -> None:
    assert has_legacy_login is commands.has_legacy_login(firmware)


# Section 3.6.
def test_legacy_login_carries_nothing_but_the_hash() -> None:
    assert "authenticate/ab12" == commands.legacy_login("ab12")


def test_encrypted_legacy_login_has_no_salt() -> None:
    command = commands.encrypted_legacy_login(GO_KEY, "ab" * 20, "müller")
    verb, _, cipher = command.partition("/")
    assert "authenticateEnc" == verb
    text = strip_padding(GO_KEY.decrypt(decode_base64(cipher)))
    assert f"{'ab' * 20}/müller" == text.decode()


def test_encrypted_legacy_login_is_opened_by_a_miniserver() -> None:
    encryption = Encryption(PRIVATE_KEY, strict=True)
    encryption.exchange(encode_base64(PUBLIC_KEY.encrypt(GO_KEY.exchange_text)))
    envelope = parse_encrypted(commands.encrypted_legacy_login(GO_KEY, "ab" * 20, "müller"))
    inside = encryption.open(envelope.cipher)
    assert f"authenticateEnc/{'ab' * 20}/m%C3%BCller" == inside
    assert commands.is_on_the_list(inside)


def test_list_of_all_commands() -> None:
    # Whoever adds one has to change this test as well, and to have looked at what it does.
    assert [
        "jdev/cfg/api",
        "jdev/cfg/apiKey",
        "jdev/sys/getPublicKey",
        "jdev/sys/getcertificate",
        "jdev/sys/getkey",
        "data/LoxAPP3.json",
        "jdev/sps/LoxAPPversion3",
        "jdev/sps/enablebinstatusupdate",
        "keepalive",
        "jdev/sys/date",
        "jdev/sys/time",
        "jdev/sys/keyexchange/{base64}",
        "jdev/sys/enc/{cipher}",
        "jdev/sys/getkey2/{user}",
        "jdev/sys/getjwt/{hash}/{user}/{permission}/{client}/{name}",
        "jdev/sys/gettoken/{hash}/{user}/{permission}/{client}/{name}",
        "authwithtoken/{hash}/{user}",
        "jdev/sys/refreshjwt/{hash}/{user}",
        "jdev/sys/refreshtoken/{hash}/{user}",
        "jdev/sys/killtoken/{hash}/{user}",
        "authenticate/{hash}",
        "authenticateEnc/{base64}",
        "data/LoxAPP3.json?autht={hash}&user={user}",
    ] == list(commands.CLOSED_LIST)


@pytest.mark.parametrize("command", [c for c in commands.CLOSED_LIST if "{" not in c])
def test_commands_without_blanks_are_on_the_list(command: str) -> None:
    assert commands.is_on_the_list(command)


hashes = st.binary(min_size=1, max_size=32).map(bytes.hex)
# The configuration has no empty ones.
names = st.text(min_size=1, max_size=30)
firmwares = st.lists(st.integers(0, 20), max_size=4).map(tuple)


@given(digest=hashes, user=names, client_id=names, serial=names, firmware=firmwares)
def test_every_command_that_can_be_built_is_on_the_list(
    digest: str, user: str, client_id: str, serial: str, firmware: tuple[int, ...]
) -> None:
    built = [
        commands.key_exchange(PUBLIC_KEY.encrypt(GO_KEY.exchange_text)),
        commands.hash_parameters(user),
        commands.request_token(
            firmware, credentials_hash=digest, user=user, client_id=client_id, serial=serial
        ),
        commands.use_token(digest, user),
        commands.refresh_token(firmware, digest, user),
        commands.kill_token(digest, user),
        commands.legacy_login(digest),
        commands.encrypted_legacy_login(GO_KEY, digest, user),
        commands.structure_file_by_token(digest, user),
        CommandCipher(GO_KEY).encrypt(user),
    ]
    assert [] == [command for command in built if not commands.is_on_the_list(command)]


OTHERS = [
    "jdev/sps/io/0f86a2fe-0378-3e08-ffffb2d4efc8b5b6/on",
    "dev/sps/io/Light/off",
    "jdev/sps/ios/ab12/0f86a2fe-0378-3e08-ffffb2d4efc8b5b6/pulse",
    "jdev/sys/reboot",
    "dev/sys/reboot",
    "jdev/sys/getkey/../reboot",
    "jdev/sys/getkey2/../reboot",
    "jdev/sys/getkey2/x/../../reboot",
    "jdev/sps/restart",
    "jdev/sps/LoxAPPversion3/stop",
    "jdev/cfg/timezone/1",
    "jdev/sys/updatetolatestrelease",
    "jdev/sys/fenc/ab12",
    "dev/fsput/prog/x",
    "jdev/sys/date?x",
    "jdev/sys/getkey2/user?autht=1",
    "jdev/sys/getkey2/user&x=1",
    "jdev/sys/getkey2/user%",
    "jdev/sys/getkey2/user%2x",
    "jdev/sys/getkey2/üser",
    "jdev/sys/getkey2/a b",
    "jdev/sys/getjwt/ab12/user/260/098802e1-02b4-603c-ffffeee000d80cfd/loxone-exporter",
    "jdev/sys/getjwt/ab12/user/4/x/loxone-exporter",
    "jdev/sys/getjwt/password/user/4/098802e1-02b4-603c-ffffeee000d80cfd/loxone-exporter",
    "authwithtoken/AB12/user",
    "data/LoxAPP3.json?autht=ab12&user=u&x=1",
    "data/LoxAPP3.json?user=u",
    "data/status",
    "keepalive\n",
    "keepalive\njdev/sys/reboot",
    "\njdev/sys/reboot",
    " jdev/cfg/api",
    "jdev%2Fsys%2Freboot",
    "JDEV/CFG/API",
    "",
]


@pytest.mark.parametrize("command", OTHERS)
def test_everything_else_is_not_on_the_list(command: str) -> None:
    assert not commands.is_on_the_list(command)


@given(command=st.sampled_from(commands.CLOSED_LIST), rest=st.text(min_size=1, max_size=20))
def test_nothing_can_be_smuggled_into_a_command(command: str, rest: str) -> None:
    for blank in ("user", "name", "cipher", "hash", "client", "permission"):
        filled = command.replace(f"{{{blank}}}", f"ab12/{rest}")
        assert filled == command or not commands.is_on_the_list(filled)
    assert not commands.is_on_the_list(f"jdev/sps/io/{rest}")
    assert not commands.is_on_the_list(f"{command}/{rest}")
    assert not commands.is_on_the_list(f"{command}\n{rest}")
    assert not commands.is_on_the_list(f" {rest}/{command}")


def test_no_other_module_builds_commands() -> None:
    # The simulator understands them, and the demonstration house names them.
    package = Path(commands.__file__).parents[1]
    others = [
        path
        for path in package.rglob("*.py")
        if path != Path(commands.__file__) and "simulator" not in path.parts
    ]
    assert len(others) > 20
    texts = [
        f"{path.name}: {node.value}"
        for path in others
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.match(r"/?(j?dev|data)/|auth", node.value)
    ]
    assert [] == texts


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
