from __future__ import annotations

import json
from typing import Literal
from urllib.parse import quote

import pytest
import trio
from attrs import evolve

from loxone_exporter.loxone.crypto import PublicKey, SessionKey, encode_base64, hash_token
from loxone_exporter.simulator.accounts import Account, Accounts, OneTimeKeys
from loxone_exporter.simulator.miniserver import Profile, ReceivedCommand, SimulatedMiniserver
from loxone_exporter.simulator.profiles import PROFILES
from support.raw_client import CLIENT_ID, Closed, RawClient, connect, get, open_session
from support.small_house import SmallHouse


# Protocol reference, section 8.5.
VECTOR_KEY = SessionKey(bytes(range(0x20)), bytes(range(0xA0, 0xB0)))
ONE_TIME_KEY = "30313233343536373839414243444546303132333435363738394142434445463031323334353637"
USER_SALT = "31346632393637342D303239312D323837622D66666666613532346235633538306662"
KEY_ANSWER = (
    "922GwCF/EaXQ1if4wzo0+xIS//GvtBpXRSNlWMyZ5iAeTlCSa436vnJMrOW4Pbaa"
    "zePP6IxefNrgX9Gptt8zSDpnPysfZ5QgouWqKPHBCVc="
)
GETKEY2 = "xBjyfGUZ/54HYCkVa3Bq/q2hl3nW6ET3/qEmO5g8u2gCm6zGjXSYl2tcSj7qs0kT"
GETJWT = (
    "xBjyfGUZ/54HYCkVa3Bq/uqkGHe8lhS9qcQl4N9l/dCR4iozQo3XOQa+H+S/1e9Pbc+0H6/YCQfe8sqVLRXrbR6aWD+9"
    "+UcfR1b1gsQkowWcljA2rLDiNWtDBgU7vkvoMYy2ttyLUzJGYtakPVckOq8Qap3iDgIdQjcaczLMqWooBYk17vpWDoNr"
    "6qBBg47pwepyaDmOrn1OTo4FFixMbQ=="
)
VERSION_ANSWER = (
    "QIpVNzmTdNMqSUR67tVfCx4jLu72ppb2nNRRxbTZ0EMXJSriBCpBADcD1gxxzhC3"
    "bldgTg7gaGS7ukVLiLbA0z0QyHgDI2RtKR7Le6WHLFc="
)
TOKEN = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJleHBvcnRlciJ9.c2ln"
TOKEN_HASHES = (
    "caf85c574ea073aae02997cd35a149f3b18e29c9ce57fe1cc1c16fd5889158f0",
    "cf32dc96211c47094d0c1ea893747ee76f4ab673",
)

Opened = tuple[SimulatedMiniserver, RawClient]


@pytest.fixture
def miniserver() -> SimulatedMiniserver:
    return SimulatedMiniserver(SmallHouse(), profile=Profile(key_bits=1024))


@pytest.fixture
async def client(miniserver: SimulatedMiniserver, nursery: trio.Nursery) -> RawClient:
    return await open_session(miniserver, nursery, logged_in=False)


async def exchange_keys(miniserver: SimulatedMiniserver, client: RawClient) -> str:
    """Exchange keys; returned is the encrypted one-time key."""
    response = await get(miniserver, "jdev/sys/getPublicKey")
    answer = await client.exchange_keys(json.loads(response.body)["LL"]["value"])
    assert answer.code == 200
    return str(answer.value)


def foresee_the_vectors(monkeypatch: pytest.MonkeyPatch) -> SimulatedMiniserver:
    """A Miniserver whose randomness is that of the reference's vectors."""

    def issue(keys: OneTimeKeys) -> str:
        keys._keys.append((ONE_TIME_KEY, trio.current_time() + 10))
        return ONE_TIME_KEY

    monkeypatch.setattr(OneTimeKeys, "issue", issue)
    monkeypatch.setattr(Accounts, "salt", lambda *_: USER_SALT)
    return SimulatedMiniserver(
        SmallHouse(),
        username="exporter",
        password="S3cret!ä",
        profile=Profile(key_bits=1024, firmware="16.1.11.6"),
    )


async def test_a_complete_login_with_the_reference_vectors(
    monkeypatch: pytest.MonkeyPatch, nursery: trio.Nursery
) -> None:
    miniserver = foresee_the_vectors(monkeypatch)
    client = await open_session(miniserver, nursery, logged_in=False)
    client.key = VECTOR_KEY
    assert await exchange_keys(miniserver, client) == KEY_ANSWER

    answer = await client.ask(f"jdev/sys/enc/{GETKEY2}")
    assert answer.payload == (
        '{"LL":{"control":"jdev/sys/getkey2/exporter","code":200,"value":{"key":"'
        f'{ONE_TIME_KEY}","salt":"{USER_SALT}","hashAlg":"SHA256"}}}}}}'
    )
    answer = await client.ask(f"jdev/sys/enc/{GETJWT}")
    assert answer.code == 200
    assert answer.value["tokenRights"] == 1668
    (token,) = miniserver.tokens.values()
    assert token.text == answer.value["token"]
    assert (token.client_id, token.info) == (CLIENT_ID, "loxone-exporter")

    sealed = await client.ask(client.encrypt("salt/9f3c/jdev/cfg/version", kind="fenc"))
    assert sealed.payload == VERSION_ANSWER


@pytest.mark.parametrize("token_hash", TOKEN_HASHES)
async def test_a_login_by_token_with_the_reference_vectors(
    monkeypatch: pytest.MonkeyPatch, nursery: trio.Nursery, token_hash: str
) -> None:
    miniserver = foresee_the_vectors(monkeypatch)
    issued = miniserver._device.accounts.issue(
        Account("exporter", "S3cret!ä"), 4, "client", "info", jwt=True
    )
    issued.text = TOKEN
    client = await open_session(miniserver, nursery, logged_in=False)
    await exchange_keys(miniserver, client)
    answer = await client.ask_encrypted(f"authwithtoken/{token_hash}/exporter")
    assert answer.ll == {
        "control": f"authwithtoken/{token_hash}/exporter",
        "code": "200",
        "value": {
            "validUntil": issued.valid_until,
            "tokenRights": 1668,
            "unsecurePass": False,
        },
    }


async def test_the_sealed_answer_to_getkey2_is_the_recorded_one(
    monkeypatch: pytest.MonkeyPatch, nursery: trio.Nursery
) -> None:
    # Protocol reference, section 8.3 d.
    key = "36443338424239373941333733454244443144383246384638323545424545313734333237314231"
    salt = "31303532383435312D303137632D303762662D66666666633338393333373436383134"
    recorded = (
        "rJ3XZcwKdfi6A1bK4rvS+KnoeBqBgwEKLUJgNq2UOtG46SCyG1w3Iq/2zs/Bp56oYJ7EYi7YSqLRpLlcBCjvEdnrz6Cf"
        "C9OCH29nsY44Zb9gxEO7eepgdPxUGtq5Awkb2L6/GyWmll6xmGOAdOStkiG1c65T/jnPeMQ6eB3T/0Z+yFwb1TvkgRXJ"
        "lJThXgkqsDMK6X1mxQfVrxTGEQmJY0NBVLGpFNNT6IF2liXIRR7PGdCfEuEhkobcZBjNJmIIE6SRk2I3kZk0VEj87nSK"
        "PBA0eZmziIR6PgBZp6FHoXaXtbmhFdIppk03GzL+bfyb"
    )
    monkeypatch.setattr(OneTimeKeys, "issue", lambda _: key)
    monkeypatch.setattr(Accounts, "salt", lambda *_: salt)
    miniserver = SimulatedMiniserver(
        SmallHouse(), profile=Profile(firmware="10.2.1.1", key_bits=1024)
    )
    client = await open_session(miniserver, nursery, logged_in=False)
    client.key = SessionKey(
        bytes.fromhex("307828077baa0961a0333a607efc2225de69b30d07e0d6b7ff872aab4265d7f3"),
        bytes.fromhex("b1d6400c44a40a09aa11b98bbce5bff7"),
    )
    await exchange_keys(miniserver, client)
    answer = await client.ask(client.encrypt("salt/d93b/jdev/sys/getkey2/xcid", kind="fenc"))
    assert recorded == answer.payload


async def test_the_key_exchange_gives_a_one_time_key(
    miniserver: SimulatedMiniserver, client: RawClient, nursery: trio.Nursery
) -> None:
    first = await open_session(miniserver, nursery)
    (token,) = miniserver.tokens
    key = client.decrypt(await exchange_keys(miniserver, client))
    assert len(key) == 80
    answer = await client.ask_encrypted(f"authwithtoken/{hash_token(token, key, 'SHA1')}/demo")
    assert answer.code == 200
    assert miniserver.sessions == [first_session := miniserver.sessions[0], miniserver.sessions[1]]
    assert first_session.client.token is miniserver.sessions[1].client.token
    assert first.stream is not client.stream


@pytest.mark.parametrize("secret", ["", "AAAA", "no base64!", "%ff"])
async def test_a_bad_key_exchange_is_answered_401(client: RawClient, secret: str) -> None:
    assert (await client.ask(f"jdev/sys/keyexchange/{secret}")).code == 401


async def test_a_cipher_text_keeps_its_leading_zeros(
    miniserver: SimulatedMiniserver, client: RawClient
) -> None:
    # RFC 8017, 7.2.2, step 1. One of some 180 cipher texts begins with a zero, and what takes them
    # for mere numbers leaves it away: JSEncrypt before 3.0.3 (its issues 158 and 203).
    answer = json.loads((await get(miniserver, "jdev/sys/getPublicKey")).body)
    public_key = PublicKey.parse(answer["LL"]["value"])
    whole = b"?"
    while whole[0]:
        whole = public_key.encrypt(client.key.exchange_text)
    short = whole.lstrip(b"\0")
    assert (await client.ask(f"jdev/sys/keyexchange/{encode_base64(short)}")).code == 401
    assert (await client.ask(f"jdev/sys/keyexchange/{encode_base64(whole)}")).code == 200
    assert (await client.ask_sealed("jdev/sys/getkey")).code == 200


async def test_a_second_key_exchange_breaks_a_login_under_way(
    miniserver: SimulatedMiniserver, client: RawClient, nursery: trio.Nursery
) -> None:
    await open_session(miniserver, nursery)
    (token,) = miniserver.tokens
    await exchange_keys(miniserver, client)
    key = (await client.ask_encrypted("jdev/sys/getkey")).value
    await exchange_keys(miniserver, client)
    answer = await client.ask_encrypted(f"authwithtoken/{hash_token(token, key, 'SHA256')}/demo")
    assert answer.code == 401


async def test_a_token_from_a_stale_key_is_refused_after_ten_seconds(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    client = await open_session(miniserver, nursery)
    (token,) = miniserver.tokens
    key = (await client.ask("jdev/sys/getkey")).value
    await trio.sleep(10)
    answer = await client.ask(f"jdev/sys/checktoken/{hash_token(token, key, 'SHA256')}/demo")
    assert answer.code == 401


async def test_a_wrong_password_is_answered_401(
    miniserver: SimulatedMiniserver, client: RawClient
) -> None:
    answer = await client.log_in(miniserver, password="wrong")
    assert answer.ll["code"] == "401"
    assert answer.value == {"lastEdit": "2009-01-01 00:00:00", "unix": 1230768000}
    assert (await client.ask_for_token()).code == 200


async def test_an_unknown_user_is_answered_the_same(
    miniserver: SimulatedMiniserver, client: RawClient
) -> None:
    answer = await client.log_in(miniserver, username="nobody")
    assert answer.ll["code"] == "401"
    assert answer.value == {"lastEdit": "2009-01-01 00:00:00", "unix": 1230768000}


async def test_names_that_need_percent_encoding(nursery: trio.Nursery) -> None:
    name = "Jürgen / 100%? #1"
    miniserver = SimulatedMiniserver(
        SmallHouse(), username=name, password="pä€ss", profile=Profile(key_bits=1024)
    )
    client = await open_session(miniserver, nursery, logged_in=False)
    assert (await client.log_in(miniserver, username=name, password="pä€ss")).code == 200


async def test_five_wrong_passwords_ban(
    miniserver: SimulatedMiniserver,
    client: RawClient,
    nursery: trio.Nursery,
    autojump_clock: trio.abc.Clock,
) -> None:
    logged_in = await open_session(miniserver, nursery)
    assert (await client.log_in(miniserver, password="wrong")).code == 401
    for _ in range(4):
        assert (await client.ask_for_token(password="wrong")).code == 401
    reason = "Forbidden - IP memory temporarily blocked, too many failed login attempts"
    assert await client.closing() == Closed(4003, f"{reason} (300)")

    await trio.sleep(100)
    later = await RawClient.open(connect(miniserver, nursery))
    assert await later.closing() == Closed(4003, f"{reason} (200)")
    assert (await get(miniserver, "jdev/cfg/api")).status == 403
    assert (await logged_in.ask("keepalive")).header.identifier == 6  # who is in, stays in

    await trio.sleep(200)
    assert (await (await open_session(miniserver, nursery)).ask("jdev/cfg/version")).code == 200


async def test_a_ban_ends_other_connections_that_are_not_logged_in(
    miniserver: SimulatedMiniserver, client: RawClient
) -> None:
    await exchange_keys(miniserver, client)
    for _ in range(5):
        await get(miniserver, "jdev/sys/getjwt/wrong/demo/4/client/info")
    await client.send("jdev/sys/getkey")
    assert (await client.closing()).code == 4003


async def test_a_rejected_login_can_end_the_connection(nursery: trio.Nursery) -> None:
    profile = Profile(key_bits=1024, closes_rejected_logins=True)
    miniserver = SimulatedMiniserver(SmallHouse(), profile=profile)
    client = await open_session(miniserver, nursery, logged_in=False)
    assert (await client.log_in(miniserver, password="wrong")).code == 401
    assert await client.closing() == Closed(1000, "normally closed")


async def test_rejecting_logins(
    miniserver: SimulatedMiniserver, client: RawClient, nursery: trio.Nursery
) -> None:
    await open_session(miniserver, nursery)
    (token,) = miniserver.tokens
    miniserver.faults.reject_logins = True
    assert (await client.log_in(miniserver)).code == 401
    assert (await client.ask_encrypted(f"authwithtoken/{token}/demo")).code == 401


@pytest.mark.parametrize("command", ["getjwt", "gettoken"])
async def test_an_unencrypted_login_is_refused(client: RawClient, command: str) -> None:
    assert (await client.ask(f"jdev/sys/{command}/hash/demo/4/client/info")).code == 400


async def test_an_unencrypted_login_can_be_allowed(nursery: trio.Nursery) -> None:
    miniserver = SimulatedMiniserver(SmallHouse(), profile=Profile(plain_logins=True))
    client = await open_session(miniserver, nursery, logged_in=False)
    assert (await client.ask("jdev/sys/getjwt/hash/demo/4/client/info")).code == 401


@pytest.mark.parametrize(
    ("permission", "code"),
    [("4", 200), ("2", 200), ("1", 403), ("0", 403), ("-4", 403), ("x", 403)],
)
async def test_a_login_needs_permission_web_or_app(
    miniserver: SimulatedMiniserver, client: RawClient, permission: str, code: int
) -> None:
    await exchange_keys(miniserver, client)
    answer = await client.ask_for_token(permission=permission)
    assert code == answer.code


async def test_older_firmware_logs_in_by_gettoken(nursery: trio.Nursery) -> None:
    profile = Profile(firmware="10.0.9.13", key_bits=1024)
    miniserver = SimulatedMiniserver(SmallHouse(), profile=profile)
    client = await open_session(miniserver, nursery, logged_in=False)
    assert (await client.log_in(miniserver)).code == 404
    answer = await client.ask_for_token(command="jdev/sys/gettoken")
    assert answer.ll["code"] == "200"
    assert len(answer.value["token"]) == 40


async def test_the_oldest_firmware_logs_in_by_a_hash(nursery: trio.Nursery) -> None:
    miniserver = SimulatedMiniserver(SmallHouse(), profile=Profile(firmware="9.2.0.0"))
    client = await open_session(miniserver, nursery, logged_in=False)
    key = (await client.ask("jdev/sys/getkey")).value
    assert (await client.ask("authenticate/wrong")).code == 401
    digest = hash_token("demo:demo", key, "SHA1")
    assert (await client.ask(f"authenticate/{digest}")).code == 200
    assert (await client.ask("jdev/cfg/version")).value == "9.2.0.0"
    assert (await client.ask(f"authenticate/{digest}")).code == 401


async def test_newer_firmware_knows_no_such_login(client: RawClient) -> None:
    assert (await client.ask("authenticate/hash")).code == 404


@pytest.mark.parametrize("source", ["exchange", "getkey"])
@pytest.mark.parametrize("name", ["demo", "Jürgen / 100%? #1"])
async def test_the_oldest_firmware_logs_in_by_an_encrypted_hash(
    nursery: trio.Nursery, source: str, name: str
) -> None:
    miniserver = SimulatedMiniserver(
        SmallHouse(), username=name, password="pä€ss", profile=PROFILES["gen1-8"]
    )
    client = await open_session(miniserver, nursery, logged_in=False)
    key = client.decrypt(await exchange_keys(miniserver, client))
    if source == "getkey":
        key = (await client.ask("jdev/sys/getkey")).value
    digest = hash_token(f"{name}:pä€ss", key, "SHA1")
    cipher = encode_base64(client.key.encrypt(f"{digest}/{name}".encode()))
    answer = await client.ask(f"authenticateEnc/{cipher}")
    assert answer.ll == {"control": f"authenticateEnc/{cipher}", "value": "", "Code": "200"}
    assert (await client.ask("jdev/cfg/version")).value == "8.1.11.11"
    recorded = miniserver.received[-2]
    assert recorded.encrypted
    assert recorded.text == f"authenticateEnc/{digest}/{quote(name, safe='')}"


@pytest.mark.parametrize("plain", ["{digest}/nobody", "{wrong}/demo", "{digest}"])
async def test_a_wrong_encrypted_hash_is_refused(nursery: trio.Nursery, plain: str) -> None:
    miniserver = SimulatedMiniserver(SmallHouse(), profile=PROFILES["gen1-8"])
    client = await open_session(miniserver, nursery, logged_in=False)
    key = client.decrypt(await exchange_keys(miniserver, client))
    text = plain.format(digest=hash_token("demo:demo", key, "SHA1"), wrong="0" * 40)
    cipher = encode_base64(client.key.encrypt(text.encode()))
    assert (await client.ask(f"authenticateEnc/{cipher}")).code == 401
    assert (await client.ask("jdev/cfg/version")).code == 400


async def test_wrong_encrypted_hashes_ban(nursery: trio.Nursery) -> None:
    miniserver = SimulatedMiniserver(SmallHouse(), profile=PROFILES["gen1-8"])
    client = await open_session(miniserver, nursery, logged_in=False)
    await exchange_keys(miniserver, client)
    cipher = encode_base64(client.key.encrypt(f"{'0' * 40}/demo".encode()))
    for _ in range(5):
        assert (await client.ask(f"authenticateEnc/{cipher}")).code == 401
    assert (await client.closing()).code == 4003


async def test_newer_firmware_knows_no_encrypted_hash(
    miniserver: SimulatedMiniserver, client: RawClient
) -> None:
    key = client.decrypt(await exchange_keys(miniserver, client))
    text = f"{hash_token('demo:demo', key, 'SHA1')}/demo"
    cipher = encode_base64(client.key.encrypt(text.encode()))
    assert (await client.ask(f"authenticateEnc/{cipher}")).code == 404


async def test_firmware_without_encryption_knows_only_the_plain_hash(
    nursery: trio.Nursery,
) -> None:
    profile = evolve(PROFILES["gen1-8"], encryption=False)
    miniserver = SimulatedMiniserver(SmallHouse(), profile=profile)
    assert (await get(miniserver, "jdev/sys/getPublicKey")).status == 404
    client = await open_session(miniserver, nursery, logged_in=False)
    for command in ("authenticateEnc/AAAA", "jdev/sys/keyexchange/AAAA", "jdev/sys/enc/AAAA"):
        assert (await client.ask(command)).code == 400  # as all that is not known
    key = (await client.ask("jdev/sys/getkey")).value
    digest = hash_token("demo:demo", key, "SHA1")
    assert (await client.ask(f"authenticate/{digest}")).code == 200


async def test_the_key_of_a_token_answer_is_good_for_the_next_operation(
    miniserver: SimulatedMiniserver, client: RawClient
) -> None:
    value = (await client.log_in(miniserver)).value
    digest = hash_token(value["token"], value["key"], "SHA256")
    assert (await client.ask_encrypted(f"jdev/sys/checktoken/{digest}/demo")).code == 200
    assert (await client.ask_encrypted(f"jdev/sys/checktoken/{digest}/demo")).code == 401


@pytest.mark.parametrize(
    ("firmware", "query", "code"),
    [
        ("12.2.10.6", "?authHash=True", 200),
        ("12.2.10.6", "?tokenHash=true", 200),
        ("12.2.10.6", "", 401),
        ("12.2.10.6", "?authHash=False", 401),
        ("12.2.10.5", "?authHash=True", 401),
    ],
)
async def test_a_token_can_stand_in_for_the_password(
    nursery: trio.Nursery, firmware: str, query: str, code: int
) -> None:
    profile = Profile(key_bits=1024, firmware=firmware)
    miniserver = SimulatedMiniserver(SmallHouse(), profile=profile)
    client = await open_session(miniserver, nursery)
    (token,) = miniserver.tokens
    key = (await client.ask("jdev/sys/getkey")).value
    digest = hash_token(token, key, "SHA256")
    command = f"jdev/sys/getjwt/{digest}/demo/4/another-client/info{query}"
    assert code == (await client.ask_encrypted(command)).code
    assert len(miniserver.tokens) == (2 if code == 200 else 1)


async def test_one_token_too_many_ends_the_session_of_the_oldest(nursery: trio.Nursery) -> None:
    profile = Profile(key_bits=1024, tokens_per_user=2)
    miniserver = SimulatedMiniserver(SmallHouse(), profile=profile)
    first, second, third = [await open_session(miniserver, nursery) for _ in range(3)]
    assert await first.closing() == Closed(1000, "normally closed")
    assert len(miniserver.tokens) == 2
    for client in (second, third):
        assert (await client.ask("jdev/cfg/version")).code == 200


async def test_a_client_can_be_held_to_one_token(nursery: trio.Nursery) -> None:
    profile = Profile(key_bits=1024, token_per_client=True)
    miniserver = SimulatedMiniserver(SmallHouse(), profile=profile)
    first, second = [await open_session(miniserver, nursery) for _ in range(2)]
    assert (await first.closing()).code == 1000
    assert len(miniserver.tokens) == 1
    assert (await second.ask("jdev/cfg/version")).code == 200


async def test_wrong_tokens_are_failed_logins_only_where_they_log_in(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery
) -> None:
    client = await open_session(miniserver, nursery)
    for command in ["refreshjwt", "refreshtoken", "checktoken", "killtoken"] * 3:
        assert (await client.ask_encrypted(f"jdev/sys/{command}/wrong/demo")).code == 401
    assert (await get(miniserver, "jdev/cfg/api")).status == 200

    stranger = await open_session(miniserver, nursery, logged_in=False)
    for _ in range(5):
        assert (await stranger.ask("authwithtoken/wrong/demo")).code == 401
    assert (await stranger.closing()).code == 4003


@pytest.mark.parametrize(("password", "code"), [("demo", "423"), ("wrong", "401")])
async def test_a_disabled_user_is_answered_423_for_the_right_password_only(
    miniserver: SimulatedMiniserver, client: RawClient, password: str, code: str
) -> None:
    miniserver.faults.user_disabled = True
    assert code == (await client.log_in(miniserver, password=password)).ll["code"]
    assert (await client.closing()).code == 4006
    assert not miniserver.tokens


async def test_a_disabled_user_bans_nobody(miniserver: SimulatedMiniserver) -> None:
    miniserver.faults.user_disabled = True
    headers = {"Authorization": "Basic ZGVtbzpkZW1v"}
    for _ in range(6):
        assert (await get(miniserver, "jdev/cfg/version", headers=headers)).status == 423
    assert (await get(miniserver, "jdev/cfg/api")).status == 200


@pytest.mark.parametrize("code", [400, 426, 477, 500, 503, 900])
async def test_any_code_can_answer_logins(
    miniserver: SimulatedMiniserver, client: RawClient, nursery: trio.Nursery, code: int
) -> None:
    await open_session(miniserver, nursery)
    (token,) = miniserver.tokens
    miniserver.faults.login_code = code
    assert code == (await client.log_in(miniserver)).code
    assert code == (await client.ask_encrypted(f"authwithtoken/{token}/demo")).code
    assert (await client.ask("jdev/cfg/version")).code == 400


@pytest.mark.parametrize("code", [401, 477])
async def test_any_code_can_answer_the_use_of_tokens(
    miniserver: SimulatedMiniserver, client: RawClient, nursery: trio.Nursery, code: int
) -> None:
    logged_in = await open_session(miniserver, nursery)
    (token,) = miniserver.tokens
    miniserver.faults.token_code = code
    for command in ("refreshjwt", "refreshtoken", "checktoken"):
        answer = await logged_in.ask_encrypted(f"jdev/sys/{command}/{token}/demo")
        assert code == answer.code
    assert code == (await client.ask(f"authwithtoken/{token}/demo")).code
    file = await get(miniserver, f"data/LoxAPP3.json?autht={token}&user=demo")
    assert code == file.status
    assert (await client.log_in(miniserver)).code == 200  # by password as ever


async def test_without_a_connection_left_logins_are_answered_901(
    miniserver: SimulatedMiniserver, client: RawClient
) -> None:
    await exchange_keys(miniserver, client)
    miniserver.faults.no_connections = True
    assert (await client.ask_for_token()).code == 901
    assert (await get(miniserver, "jdev/cfg/api")).status == 901


async def test_a_device_that_names_no_hash_algorithm_wants_sha_1(
    miniserver: SimulatedMiniserver, client: RawClient
) -> None:
    miniserver.faults.no_hash_algorithm = True
    assert (await client.log_in(miniserver)).code == 200  # SHA1 where nothing is said
    assert "hashAlg" not in (await client.ask_encrypted("jdev/sys/getkey2/demo")).value


async def test_salts_are_rotated_and_wrong_ones_refused(
    miniserver: SimulatedMiniserver, client: RawClient
) -> None:
    await exchange_keys(miniserver, client)
    assert (await client.ask_encrypted("jdev/sys/getkey", salt="aaaa")).code == 200
    rotated = client.encrypt("nextSalt/aaaa/bbbb/jdev/sys/getkey")
    assert (await client.ask(rotated)).code == 200
    assert (await client.ask(rotated)).code == 401
    assert (await client.ask_encrypted("jdev/sys/getkey", salt="aaaa")).code == 401
    assert (await client.ask_encrypted("jdev/sys/getkey", salt="bbbb")).code == 200


async def test_salts_can_be_left_unchecked(nursery: trio.Nursery) -> None:
    profile = Profile(key_bits=1024, strict_salts=False)
    miniserver = SimulatedMiniserver(SmallHouse(), profile=profile)
    client = await open_session(miniserver, nursery)
    assert (await client.ask_encrypted("jdev/sys/getkey", salt="another")).code == 200


async def test_undecryptable_commands_are_answered_401(client: RawClient) -> None:
    answer = await client.ask("jdev/sys/enc/AAAA")
    assert answer.code == 401
    assert answer.ll["control"] == "jdev/sys/enc/AAAA"
    assert (await client.ask("jdev/sys/fenc/AAAA")).code == 401


async def test_the_control_of_an_encrypted_command_is_its_cipher(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery
) -> None:
    client = await open_session(miniserver, nursery)
    answer = await client.ask(client.encrypt("salt/9f3c/jdev/sps/LoxAPPversion3"))
    kind, _, cipher = answer.ll["control"].partition("/enc/")
    assert kind == "jdev/sys"
    assert client.decrypt(cipher) == "salt/9f3c/jdev/sps/LoxAPPversion3"


async def test_commands_are_recorded_plain(
    miniserver: SimulatedMiniserver, client: RawClient
) -> None:
    await exchange_keys(miniserver, client)
    await client.ask_encrypted("jdev/sys/getkey2/de%6do")
    await client.ask("jdev/sys/enc/AAAA")
    public_key, exchange, plain, broken = miniserver.received
    assert public_key == ReceivedCommand("http", "jdev/sys/getPublicKey", encrypted=False)
    assert exchange.text.startswith("jdev/sys/keyexchange/")
    assert plain == ReceivedCommand("websocket", "jdev/sys/getkey2/de%6do", encrypted=True)
    assert broken == ReceivedCommand("websocket", "jdev/sys/enc/AAAA", encrypted=True)


@pytest.mark.parametrize(
    "command",
    [
        "jdev/cfg/api",
        "jdev/cfg/version",
        "jdev/sys/getPublicKey",
        "jdev/sps/LoxAPPversion3",
        "jdev/sps/enablebinstatusupdate",
        "jdev/sys/checktoken/a/b",
        "data/LoxAPP3.json",
        "jdev/no/such",
        "keepalive",
        "",
        "/",
    ],
)
async def test_before_the_login_other_commands_are_answered_400(
    client: RawClient, command: str
) -> None:
    answer = await client.ask(command)
    assert answer.header.identifier == 0
    assert answer.code == 400


async def test_killing_the_token_ends_the_session(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery
) -> None:
    client, other = [await open_session(miniserver, nursery) for _ in range(2)]
    token, _ = miniserver.tokens
    key = (await client.ask("jdev/sys/getkey")).value
    kill = f"jdev/sys/killtoken/{hash_token(token, key, 'SHA256')}/demo"
    answer = await client.ask_encrypted(kill)
    assert (answer.code, answer.value) == (200, "1")
    assert await client.closing() == Closed(1000, "normally closed")
    assert token not in miniserver.tokens
    assert (await other.ask("jdev/cfg/version")).code == 200


async def test_the_end_of_a_token_can_be_answered_401_all_the_same(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery
) -> None:
    client = await open_session(miniserver, nursery)
    (token,) = miniserver.tokens
    miniserver.faults.token_code = 401
    assert (await client.ask_encrypted(f"jdev/sys/killtoken/{token}/demo")).code == 401
    assert await client.closing() == Closed(1000, "normally closed")
    assert not miniserver.tokens


async def test_killing_a_token_that_is_none(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery
) -> None:
    client = await open_session(miniserver, nursery)
    assert (await client.ask_encrypted("jdev/sys/killtoken/wrong/demo")).code == 401
    assert (await client.ask("jdev/cfg/version")).code == 200


async def test_the_end_of_a_token_ends_its_session(
    nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    profile = Profile(key_bits=1024, long_token_life=200.0)
    miniserver = SimulatedMiniserver(SmallHouse(), profile=profile)
    client = await open_session(miniserver, nursery)
    began = trio.current_time()
    await trio.sleep(150)
    (token,) = miniserver.tokens
    assert (await client.ask_encrypted(f"jdev/sys/refreshjwt/{token}/demo")).code == 200
    await trio.sleep(150)
    assert (await client.ask("keepalive")).header.identifier == 6
    assert await client.closing() == Closed(1000, "normally closed")
    assert trio.current_time() - began == pytest.approx(350)


async def test_another_token_does_not_prolong_a_session(
    nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    profile = Profile(key_bits=1024, long_token_life=200.0)
    miniserver = SimulatedMiniserver(SmallHouse(), profile=profile)
    client = await open_session(miniserver, nursery)
    began = trio.current_time()
    await trio.sleep(150)
    assert (await client.ask_for_token()).code == 200
    assert await client.closing() == Closed(1000, "normally closed")
    assert trio.current_time() - began == pytest.approx(200)


async def test_forgetting_tokens_ends_sessions_and_refuses_the_tokens(
    miniserver: SimulatedMiniserver, client: RawClient, nursery: trio.Nursery
) -> None:
    logged_in = await open_session(miniserver, nursery)
    (token,) = miniserver.tokens
    miniserver.forget_tokens()
    assert (await logged_in.closing()).code == 1000
    assert (await client.ask(f"authwithtoken/{token}/demo")).code == 401


@pytest.mark.parametrize("form", ["labelled", "certificate", None])
async def test_without_encryption_there_is_no_key_in_any_form(
    form: Literal["labelled", "certificate"] | None,
) -> None:
    miniserver = SimulatedMiniserver(SmallHouse(), profile=Profile(key_bits=1024, encryption=False))
    miniserver.faults.public_key_form = form
    for command in ("getPublicKey", "getcertificate"):
        assert (await get(miniserver, f"jdev/sys/{command}")).status == 404
    assert (await get(miniserver, "jdev/sys/enc/AAAA")).status == 401  # as all that is not known


async def test_a_failed_login_tells_when_the_password_was_changed(nursery: trio.Nursery) -> None:
    miniserver = SimulatedMiniserver(
        SmallHouse(), profile=Profile(key_bits=1024, utc_offset=3600), now=lambda: 1735689600.5
    )
    client = await open_session(miniserver, nursery, logged_in=False)
    answer = await client.log_in(miniserver, password="wrong")
    assert answer.value == {"lastEdit": "2009-01-01 01:00:00", "unix": 1230768000}
    await miniserver.change_user(password="another")
    client = await open_session(miniserver, nursery, logged_in=False)
    answer = await client.log_in(miniserver)
    assert answer.value == {"lastEdit": "2025-01-01 01:00:00", "unix": 1735689600}


async def test_a_permission_of_any_length_is_refused(
    miniserver: SimulatedMiniserver, client: RawClient
) -> None:
    assert (await client.log_in(miniserver, permission="4" * 5000)).code == 403
    assert (await client.ask_for_token()).code == 200
