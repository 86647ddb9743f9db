from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote

import pytest
import trio

from loxone_exporter.loxone.crypto import (
    HashParameters,
    PublicKey,
    SessionKey,
    decode_base64,
    encode_base64,
    hash_credentials,
    hash_token,
    strip_padding,
)
from loxone_exporter.simulator.miniserver import Profile, ReceivedCommand, SimulatedMiniserver
from support.raw_client import Response, connect, get, open_session, request
from support.small_house import SmallHouse


USERNAME = "jürgen"
PASSWORD = "pä€ss:word"
UNIX = 1735689600.0  # 2025-01-01 00:00 UTC
UNAUTHORIZED_PAGE = (
    b"<html><head><title>error</title></head><body><errorcode>401</errorcode> "
    b"<errordetail>Unauthorized</errordetail></body></html>"
)
NOT_FOUND_PAGE = (
    b"<html><head><title>error</title></head><body><errorcode>404</errorcode> "
    b"<errordetail>Not Found</errordetail></body></html>"
)


def simulate(profile: Profile | None = None) -> SimulatedMiniserver:
    return SimulatedMiniserver(
        SmallHouse(),
        username=USERNAME,
        password=PASSWORD,
        profile=profile or Profile(key_bits=1024),
        now=lambda: UNIX,
    )


@pytest.fixture
def miniserver() -> SimulatedMiniserver:
    return simulate()


def basic(name: str = USERNAME, password: str = PASSWORD, encoding: str = "utf-8") -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode(encoding)).decode()


async def get_as_user(miniserver: SimulatedMiniserver, target: str) -> Response:
    return await get(miniserver, target, headers={"Authorization": basic()})


def value_of(response: Response) -> str:
    value: str = json.loads(response.body)["LL"]["value"]
    return value


async def token_of(miniserver: SimulatedMiniserver, *, command: str = "getjwt") -> Response:
    answer = json.loads((await get(miniserver, "jdev/sys/getkey2/j%C3%BCrgen")).body)["LL"]
    value = answer["value"]
    parameters = HashParameters(
        key=value["key"], salt=value["salt"], algorithm=value.get("hashAlg", "SHA1")
    )
    digest = hash_credentials(USERNAME, PASSWORD, parameters)
    return await get(miniserver, f"jdev/sys/{command}/{digest}/j%C3%BCrgen/4/client/info")


async def token_hash(miniserver: SimulatedMiniserver, token: str) -> str:
    key = value_of(await get(miniserver, "jdev/sys/getkey"))
    return hash_token(token, key, "SHA256")


async def test_the_api_answer_byte_for_byte(miniserver: SimulatedMiniserver) -> None:
    response = await get(miniserver, "jdev/cfg/api")
    assert response.status == 200
    assert response.headers["content-type"] == "application/json"
    assert response.body == (
        b'{"LL": { "control": "dev/cfg/api", "value": "{\'snr\': \'50:4F:94:D0:E0:DE\', '
        b"'version':'16.0.6.10', 'hasEventSlots':true, 'isInTrust':false, 'local':true}\", "
        b'"Code": "200"}}\r\n'
    )


@pytest.mark.parametrize("name", ["apiKey", "apikey"])
async def test_the_api_key_is_a_one_time_key(miniserver: SimulatedMiniserver, name: str) -> None:
    response = await get(miniserver, f"jdev/cfg/{name}")
    members = json.loads(value_of(response).replace("'", '"'))
    assert len(members["key"]) == 80
    assert "hasEventSlots" not in members


@pytest.mark.parametrize(("bits", "length"), [(1024, 268), (2048, 444)])
async def test_the_public_key_is_on_one_line_with_a_wrong_label(bits: int, length: int) -> None:
    value = value_of(await get(simulate(Profile(key_bits=bits)), "jdev/sys/getPublicKey"))
    assert value.startswith("-----BEGIN CERTIFICATE-----MI")
    assert value.endswith("-----END CERTIFICATE-----")
    assert len(value) == length
    assert len(PublicKey.parse(value).encrypt(b"x")) * 8 == bits


async def test_getkey2_answers_for_users_and_for_others_alike(
    miniserver: SimulatedMiniserver,
) -> None:
    for user in ("j%C3%BCrgen", "nobody"):
        answers = [
            json.loads((await get(miniserver, f"jdev/sys/getkey2/{user}")).body)["LL"]
            for _ in range(2)
        ]
        first, second = (answer["value"] for answer in answers)
        assert answers[0]["code"] == 200
        assert first["key"] != second["key"]
        assert first["salt"] == second["salt"]
        assert len(first["salt"]) == 70
        assert first["hashAlg"] == "SHA256"


@pytest.mark.parametrize(
    ("firmware", "algorithm"), [("10.2.1.1", None), ("10.3.11.25", "SHA1"), ("10.4.0.0", "SHA256")]
)
async def test_the_firmware_decides_on_the_hash_algorithm(
    firmware: str, algorithm: str | None
) -> None:
    response = await get(simulate(Profile(firmware=firmware)), "jdev/sys/getkey2/demo")
    assert algorithm == json.loads(response.body)["LL"]["value"].get("hashAlg")


async def test_controls_are_echoed_decoded(miniserver: SimulatedMiniserver) -> None:
    response = await get(miniserver, "jdev/sys/getkey2/Anna%20M%C3%BCller")
    assert json.loads(response.body)["LL"]["control"] == "jdev/sys/getkey2/Anna Müller"


@pytest.mark.parametrize(
    "target", ["data/LoxAPP3.json", "jdev/sps/LoxAPPversion3", "jdev/no/such", "", "/"]
)
async def test_without_credentials_there_is_only_a_page(
    miniserver: SimulatedMiniserver, target: str
) -> None:
    response = await get(miniserver, target)
    assert response.status == 401
    assert response.headers["content-type"] == "text/html"
    assert response.body == UNAUTHORIZED_PAGE


async def test_asking_without_credentials_is_no_failed_login(
    miniserver: SimulatedMiniserver,
) -> None:
    for _ in range(10):
        assert (await get(miniserver, "data/LoxAPP3.json")).status == 401


@pytest.mark.parametrize("target", ["data/LoxAPP3.json", "data/LoxApp3.json"])
async def test_the_structure_file_for_who_is_logged_in(
    miniserver: SimulatedMiniserver, target: str
) -> None:
    response = await get_as_user(miniserver, target)
    assert response.status == 200
    assert miniserver.house.structure == response.body


@pytest.mark.parametrize(
    "authorization",
    [
        basic(password="wrong"),
        basic(name="nobody"),
        basic(name="j", password="p", encoding="utf-16"),
        basic(password="pässword", encoding="latin-1"),
        "Basic no base64!",
        "Basic",
        "Bearer x",
    ],
)
async def test_wrong_credentials_are_refused(
    miniserver: SimulatedMiniserver, authorization: str
) -> None:
    headers = {"Authorization": authorization}
    response = await get(miniserver, "data/LoxAPP3.json", headers=headers)
    assert response.status == 401
    assert response.body == UNAUTHORIZED_PAGE


async def test_a_token_or_its_hash_opens_the_structure_file(
    miniserver: SimulatedMiniserver,
) -> None:
    token = json.loads((await token_of(miniserver)).body)["LL"]["value"]["token"]
    for proof in (token, await token_hash(miniserver, token)):
        response = await get(miniserver, f"data/LoxAPP3.json?autht={proof}&user=j%C3%BCrgen")
        assert miniserver.house.structure == response.body
    response = await get(miniserver, "data/LoxAPP3.json?autht=wrong&user=j%C3%BCrgen")
    assert response.status == 401
    assert (await get(miniserver, f"data/LoxAPP3.json?autht={token}")).status == 401


async def test_a_token_over_http(miniserver: SimulatedMiniserver) -> None:
    answer = json.loads((await token_of(miniserver)).body)["LL"]
    assert answer["code"] == 200
    value = answer["value"]
    assert value["validUntil"] == 504921600 + 28 * 86400  # Loxone time of 2025 and four weeks
    assert value["token"] in miniserver.tokens
    assert len(value["key"]) == 80
    assert value["unsecurePass"] is False


async def test_a_rejected_login_over_http(miniserver: SimulatedMiniserver) -> None:
    response = await get(miniserver, "jdev/sys/getjwt/wrong/j%C3%BCrgen/4/client/info")
    assert response.status == 401
    assert response.body == (
        b'{"LL":{"control":"jdev/sys/getjwt/wrong/j\xc3\xbcrgen/4/client/info","code":"401",'
        b'"value":{"lastEdit":"2009-01-01 00:00:00","unix":1230768000}}}'
    )


async def test_old_firmware_gives_tokens_only_encrypted() -> None:
    old = simulate(Profile(firmware="11.1.0.0", key_bits=1024))
    response = await token_of(old)
    assert response.status == 400
    assert json.loads(response.body)["LL"]["code"] == "400"
    for target in ("getjwt/a/b/4/c/d", "refreshjwt/a/b"):
        assert (await get(old, f"jdev/sys/{target}")).status == 400


async def test_firmware_before_tokens_has_none_of_the_commands() -> None:
    for target in ("getkey2/a", "gettoken/a/b/4/c/d", "getjwt/a/b/4/c/d", "checktoken/a/b"):
        response = await get(simulate(Profile(firmware="8.1.11.7")), f"jdev/sys/{target}")
        assert response.status == 404
        assert response.body == NOT_FOUND_PAGE


async def test_getjwt_came_after_gettoken() -> None:
    older = simulate(Profile(firmware="10.1.12.4"))
    assert (await get(older, "jdev/sys/getjwt/a/b/4/c/d")).status == 404
    assert (await get(older, "jdev/sys/gettoken/a/b/4/c/d")).status == 400


async def test_the_life_of_a_token_over_http(miniserver: SimulatedMiniserver) -> None:
    legacy = json.loads((await token_of(miniserver, command="gettoken")).body)["LL"]["value"]
    assert len(legacy["token"]) == 40

    async def use(command: str, token: str) -> dict[str, object]:
        digest = await token_hash(miniserver, token)
        response = await get(miniserver, f"jdev/sys/{command}/{digest}/j%C3%BCrgen")
        assert response.status == 200
        answer: dict[str, object] = json.loads(response.body)["LL"]
        return answer

    checked = await use("checktoken", legacy["token"])
    refreshed = await use("refreshtoken", legacy["token"])
    assert checked["value"] == {"validUntil": legacy["validUntil"], "unsecurePass": False}
    assert checked["value"] == refreshed["value"]

    converted = (await use("refreshjwt", legacy["token"]))["value"]
    assert isinstance(converted, dict)
    assert set(converted) == {"token", "validUntil", "unsecurePass"}
    assert list(miniserver.tokens) == [converted["token"]]
    for command in ("checktoken", "refreshtoken", "refreshjwt"):
        assert (await use(command, legacy["token"]))["code"] == "401"
    assert (await use("killtoken", legacy["token"]))["Code"] == "401"

    assert (await use("killtoken", converted["token"]))["value"] == "1"
    assert not miniserver.tokens


async def test_an_unknown_command_is_not_found(miniserver: SimulatedMiniserver) -> None:
    for target in ("jdev/sys/uptime", "jdev/sps/enablebinstatusupdate", "authwithtoken/a/b", "x"):
        response = await get_as_user(miniserver, target)
        assert response.status == 404
        assert response.body == NOT_FOUND_PAGE


async def test_a_command_with_too_few_arguments_is_malformed(
    miniserver: SimulatedMiniserver,
) -> None:
    response = await get(miniserver, "jdev/sys/getkey2")
    assert response.status == 400
    assert json.loads(response.body)["LL"]["Code"] == "400"


async def test_dev_commands_answer_xml(miniserver: SimulatedMiniserver) -> None:
    response = await get_as_user(miniserver, "dev/cfg/version")
    assert response.headers["content-type"] == "text/xml"
    assert response.body == b'<LL control="dev/cfg/version" value="16.0.6.10" Code="200"/>'


@pytest.mark.parametrize(
    ("command", "value"),
    [
        ("cfg/version", "16.0.6.10"),
        ("cfg/mac", "50:4F:94:D0:E0:DE"),
        ("sys/date", "2025-01-01"),
        ("sys/time", "00:00:00"),
        ("sys/heap", "15437/52688kB"),
        ("sys/ints", "24651853"),
        ("sps/state", "5"),
        ("sps/LoxAPPversion3", "2026-05-25 18:00:00"),
    ],
)
async def test_scalars(miniserver: SimulatedMiniserver, command: str, value: str) -> None:
    assert value == value_of(await get_as_user(miniserver, f"jdev/{command}"))


async def test_the_second_generation_has_other_scalars() -> None:
    newer = simulate(Profile(generation=2))
    assert value_of(await get_as_user(newer, "jdev/sys/ints")) == ""
    assert value_of(await get_as_user(newer, "jdev/sys/heap")) == "352880/1016404kB"
    assert (await get_as_user(newer, "jdev/lan/txp")).status == 404
    temperature = await get_as_user(newer, "jdev/sys/temperature")
    assert temperature.headers["content-type"] == "text/plain"
    assert temperature.body == b"Cpu Temperature: 53 C. STM32 Cpu Temperature: 34 C"


async def test_only_the_second_generation_tells_its_temperature(
    miniserver: SimulatedMiniserver,
) -> None:
    assert (await get_as_user(miniserver, "jdev/sys/temperature")).status == 404


async def test_a_user_without_full_access_is_refused_some_scalars() -> None:
    miniserver = simulate(Profile(admin=False))
    assert (await get_as_user(miniserver, "jdev/sps/state")).status == 200
    refused = await get_as_user(miniserver, "jdev/sys/cpu")
    assert refused.status == 403
    assert b"<errorcode>403</errorcode>" in refused.body


async def test_quirk_18_the_status_file_is_for_users_only(miniserver: SimulatedMiniserver) -> None:
    assert (await get(miniserver, "data/status")).status == 401
    for target in ("data/status", "DATA/Status"):
        response = await get_as_user(miniserver, target)
        assert response.headers["content-type"] == "text/xml"
        assert b'Modified="2025-01-01 00:00:00"' in response.body


@pytest.mark.parametrize(("admin", "status"), [(True, 200), (False, 403)])
async def test_the_log_is_for_full_access_only(status: int, *, admin: bool) -> None:
    miniserver = simulate(Profile(key_bits=1024, admin=admin))
    response = await get_as_user(miniserver, "dev/fsget/log/def.log")
    assert status == response.status
    assert response.body.startswith(b"\xef\xbb\xbf2024-12-31 23:00:00.000;PRG Reboot") == admin
    other = await get_as_user(miniserver, "dev/fsget/log/other.log")
    assert other.status == (404 if admin else 403)


async def test_local_time_is_ahead_of_utc() -> None:
    miniserver = simulate(Profile(key_bits=1024, utc_offset=-34200))
    for command, value in (
        ("sys/date", "2024-12-31"),
        ("sys/time", "14:30:00"),
        ("cfg/timezoneoffset", "-09:30:00"),
    ):
        assert value == value_of(await get_as_user(miniserver, f"jdev/{command}"))


@pytest.mark.parametrize(
    ("faults", "expected"),
    [
        ({"certificate_expired": True}, {"httpsStatus": 2}),
        ({"https_status": 7}, {"httpsStatus": 7}),
        ({"serial": "504F94BADBAD"}, {"snr": "50:4F:94:BA:DB:AD"}),
    ],
)
async def test_faults_change_how_the_device_presents_itself(
    faults: dict[str, Any], expected: dict[str, Any]
) -> None:
    miniserver = simulate(Profile(key_bits=1024, https_status=1))
    for name, value in faults.items():
        setattr(miniserver.faults, name, value)
    members = json.loads(value_of(await get(miniserver, "jdev/cfg/apiKey")).replace("'", '"'))
    assert expected.items() <= members.items()


async def test_a_fault_decides_on_the_type_of_codes(miniserver: SimulatedMiniserver) -> None:
    miniserver.faults.codes = "numbers"
    response = await get(miniserver, "jdev/cfg/mac")
    assert json.loads(response.body)["LL"]["Code"] == 200


async def test_a_code_that_is_no_http_status_is_in_the_page(
    miniserver: SimulatedMiniserver,
) -> None:
    miniserver.faults.login_code = 100
    response = await get_as_user(miniserver, "jdev/cfg/version")
    assert response.status == 500
    assert b"<errorcode>100</errorcode>" in response.body


async def test_faults_of_the_structure_file_show_over_http(
    miniserver: SimulatedMiniserver,
) -> None:
    miniserver.faults.truncated_structure = True
    response = await get_as_user(miniserver, "data/LoxAPP3.json")
    structure = miniserver.house.structure
    assert response.body == structure[: len(structure) // 2]


async def test_faults_of_answers_show_over_http(miniserver: SimulatedMiniserver) -> None:
    miniserver.faults.control_characters = True
    response = await get_as_user(miniserver, "jdev/cfg/version")
    assert b'"value": "16.0.6.10\n\t", "Code"' in response.body


async def test_connections_are_kept_alive(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery
) -> None:
    stream = connect(miniserver, nursery)
    for _ in range(3):
        assert (await request(stream, "jdev/cfg/api")).status == 200
    await stream.aclose()
    assert [ReceivedCommand("http", "jdev/cfg/api", encrypted=False)] * 3 == miniserver.received


async def test_an_idle_connection_is_closed(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    stream = connect(miniserver, nursery)
    assert (await request(stream, "jdev/cfg/api")).status == 200
    began = trio.current_time()
    assert await stream.receive_some() == b""
    assert trio.current_time() - began == pytest.approx(60)


@pytest.mark.parametrize(("method", "length"), [("POST", 131), ("HEAD", 0)])
async def test_other_methods_are_refused(
    miniserver: SimulatedMiniserver, method: str, length: int
) -> None:
    response = await get(miniserver, "jdev/cfg/api", method=method)
    assert response.status == 405
    assert length == len(response.body)


async def test_five_failed_logins_ban_the_address(
    miniserver: SimulatedMiniserver, autojump_clock: trio.abc.Clock
) -> None:
    wrong = {"Authorization": basic(password="wrong")}
    for _ in range(5):
        assert (await get(miniserver, "jdev/cfg/api", headers=wrong)).status == 401
    await trio.sleep(100)
    banned = await get(miniserver, "jdev/cfg/api")
    assert banned.status == 403
    assert b"<description>IP memory temporarily blocked, too many failed" in banned.body
    assert b"<remaining>200</remaining>" in banned.body
    await trio.sleep(200)
    assert (await get(miniserver, "jdev/cfg/api")).status == 200


async def test_all_ways_to_fail_count_together(miniserver: SimulatedMiniserver) -> None:
    for _ in range(2):
        await get(miniserver, "x", headers={"Authorization": basic(password="wrong")})
        await get(miniserver, "x?autht=wrong&user=j")
    assert (await get(miniserver, "jdev/cfg/api")).status == 200
    await get(miniserver, "jdev/sys/getjwt/wrong/j%C3%BCrgen/4/client/info")
    assert (await get(miniserver, "jdev/cfg/api")).status == 403


@pytest.mark.parametrize("kind", ["enc", "fenc"])
async def test_encrypted_requests(miniserver: SimulatedMiniserver, kind: str) -> None:
    public_key = PublicKey.parse(value_of(await get(miniserver, "jdev/sys/getPublicKey")))
    key = SessionKey.generate()
    cipher = encode_base64(key.encrypt(b"salt/1234/jdev/cfg/mac"))
    session_key = encode_base64(public_key.encrypt(key.exchange_text))
    target = f"jdev/sys/{kind}/{quote(cipher, safe='')}?sk={quote(session_key, safe='')}"
    response = await get(miniserver, target)
    assert response.status == 200
    body = response.body
    if kind == "fenc":
        body = strip_padding(key.decrypt(base64.b64decode(body)))
    answer = json.loads(body)["LL"]
    assert answer["value"] == "50:4F:94:D0:E0:DE"
    assert answer["control"] == ("dev/cfg/mac" if kind == "fenc" else f"jdev/sys/enc/{cipher}")
    assert miniserver.received[-1] == ReceivedCommand("http", "jdev/cfg/mac", encrypted=True)


@pytest.mark.parametrize("target", ["data/LoxAPP3.json", "data/status"])
async def test_files_are_never_sent_in_clear_where_the_answer_was_to_be_encrypted(
    miniserver: SimulatedMiniserver, target: str
) -> None:
    key = SessionKey.generate()
    secret = miniserver._device.private_key
    exchange = PublicKey.parse(secret.public_text).encrypt(key.exchange_text)
    cipher = encode_base64(key.encrypt(target.encode()))
    query = f"sk={quote(encode_base64(exchange), safe='')}"
    response = await get_as_user(miniserver, f"jdev/sys/fenc/{quote(cipher, safe='')}?{query}")
    assert response.status == 400
    answer = strip_padding(key.decrypt(decode_base64(response.body.decode())))
    assert json.loads(answer)["LL"]["Code"] == "400"


async def test_statistics_have_raw_line_ends(miniserver: SimulatedMiniserver) -> None:
    response = await get_as_user(miniserver, "jdev/sys/ExtStatistics/06000008")
    assert b'"value": "\n1-Wire Serial 28.' in response.body
    assert value_of(await get_as_user(miniserver, "jdev/sys/ExtStatistics/other")) == ""


@pytest.mark.parametrize("target", ["jdev/sys/enc/AAAA", "jdev/sys/fenc/?sk=AAAA"])
async def test_undecryptable_requests(miniserver: SimulatedMiniserver, target: str) -> None:
    assert (await get(miniserver, target)).status == 401
    assert miniserver.received == [ReceivedCommand("http", target, encrypted=True)]


async def test_a_booting_device_answers_503_to_everything(
    miniserver: SimulatedMiniserver,
) -> None:
    miniserver.faults.booting = True
    response = await get(miniserver, "jdev/cfg/api")
    assert response.status == 503
    assert b"<errorcode>503</errorcode>" in response.body
    miniserver.faults.booting = False
    assert (await get(miniserver, "jdev/cfg/api")).status == 200


async def test_rejecting_logins(miniserver: SimulatedMiniserver) -> None:
    miniserver.faults.reject_logins = True
    assert (await get_as_user(miniserver, "jdev/cfg/api")).status == 401
    assert (await token_of(miniserver)).status == 401


async def test_something_else_than_http(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery
) -> None:
    miniserver.faults.answer_with = b"SSH-2.0-OpenSSH\r\n"
    stream = connect(miniserver, nursery)
    await stream.send_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert await stream.receive_some() == b"SSH-2.0-OpenSSH\r\n"
    assert await stream.receive_some() == b""


async def test_a_mute_device_answers_so_many_commands(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    miniserver.faults.mute_after = 2
    stream = connect(miniserver, nursery)
    for _ in range(2):
        assert (await request(stream, "jdev/cfg/api")).status == 200
    with trio.move_on_after(1000) as waiting:
        await request(stream, "jdev/cfg/api")
    assert waiting.cancelled_caught
    assert len(miniserver.received) == 3


async def test_killing_a_token_over_http_ends_its_session(nursery: trio.Nursery) -> None:
    miniserver = SimulatedMiniserver(SmallHouse(), profile=Profile(key_bits=1024))
    client = await open_session(miniserver, nursery)
    (token,) = miniserver.tokens
    await get(miniserver, f"jdev/sys/killtoken/{token}/demo")
    assert (await client.closing()).reason == "normally closed"


async def test_only_the_last_hundred_thousand_commands_are_kept(
    miniserver: SimulatedMiniserver,
) -> None:
    miniserver.received.extend([ReceivedCommand("http", "first", encrypted=False)] * 100_000)
    await get(miniserver, "jdev/cfg/api")
    assert len(miniserver.received) == 100_000
    assert miniserver.received[-1].text == "jdev/cfg/api"
