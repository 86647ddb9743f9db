from __future__ import annotations

import itertools
import json
import math
import time
from collections.abc import Callable, Iterable
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loxone_exporter.errors import ProtocolError
from loxone_exporter.loxone.crypto import HashParameters
from loxone_exporter.loxone.decoding import Json, decode_json
from loxone_exporter.loxone.replies import (
    LOXONE_EPOCH,
    Device,
    ErrorPage,
    Reply,
    Token,
    parse_device,
    parse_error_page,
    parse_firmware,
    parse_hash_parameters,
    parse_reply,
    parse_token,
    parse_validity,
)
from support.strategies import damaged, is_value_or_protocol_error, json_bytes, json_values


DEEP = 100_000
HUGE = "9" * 5000


# Quirk 2; the answers are those of the protocol reference, section 1.1.
@pytest.mark.parametrize(
    ("payload", "reply"),
    [
        (
            '{"LL": { "control": "dev/sys/time", "value": "13:15:14", "Code": "200"}}\r\n',
            Reply("dev/sys/time", 200, "13:15:14"),
        ),
        (
            '{"LL":{"control":"jdev/sys/getkey2/xcid","code":200,"value":{"key":"41"}}}',
            Reply("jdev/sys/getkey2/xcid", 200, {"key": "41"}),
        ),
        (
            '{"LL":{"control":"jdev/sys/gettoken/","code":"401","value":{"unix":1230768000}}}',
            Reply("jdev/sys/gettoken/", 401, {"unix": 1230768000}),
        ),
        ('{"LL":{"Code":503}}', Reply("", 503, None)),
        ('{"LL":{"Code":200.0,"output0":{"value":1}}}', Reply("", 200, None)),
        ('{"LL":{"control":"c","value":[true,""],"Code":" 200 "}}', Reply("c", 200, [True, ""])),
        ('{"LL":{"code":"500","Code":"200"}}', Reply("", 200, None)),
    ],
)
def test_answers_in_all_shapes(payload: str, reply: Reply) -> None:
    assert reply == parse_reply(payload)
    assert reply == parse_reply(payload.encode())


@pytest.mark.parametrize(
    "payload",
    [
        "",
        "null",
        "[]",
        "{}",
        '{"LL": "200"}',
        '{"LL": {}}',
        '{"LL": {"Code": ""}}',
        '{"LL": {"Code": null}}',
        '{"LL": {"Code": true}}',
        '{"LL": {"Code": [200]}}',
        '{"LL": {"Code": NaN}}',
        '{"LL": {"Code": Infinity}}',
        '{"LL": {"Code": "-inf"}}',
        '{"LL": {"Code": "two hundred"}}',
        '{"LL": {"Code": 1' + "0" * 400 + "}}",
        '{"LL": {"Code": ' + HUGE + "}}",
        '{"LL": {"Code": "200"',
        '{"controls": {}}',
        "<html></html>",
    ],
)
def test_what_is_no_answer_is_refused(payload: str) -> None:
    with pytest.raises(ProtocolError):
        parse_reply(payload)


# Quirk 3.
def test_bare_control_characters_in_texts() -> None:
    payload = '{"LL": {"Code": "200", "value": "first\nsecond\tthird\x01"}}'
    assert "first\nsecond\tthird\x01" == parse_reply(payload).value


# Quirk 4.
@pytest.mark.parametrize(
    ("payload", "reply"),
    [
        (
            '{"LL": { "control": "dev/sps/io/Q1", "value": "the "blue" lamp", "Code": "200"}}\r\n',
            Reply("dev/sps/io/Q1", 200, 'the "blue" lamp'),
        ),
        (
            '{"LL": {"control": "dev/cfg/api", "value": "{"snr":"504F94"}", "code": 200}}',
            Reply("dev/cfg/api", 200, '{"snr":"504F94"}'),
        ),
        (
            '{"LL":{"control":"c","value":""","Code":"404"}}',
            Reply("c", 404, '"'),
        ),
        (
            '{"LL": {"control": "c", "value": "a", "Code": "500"", "Code": "200"}}',
            Reply("c", 200, 'a", "Code": "500"'),
        ),
        (
            '{"LL": {"control": "c", "value": "line\n"end"\n", "Code": "200"}}',
            Reply("c", 200, 'line\n"end"\n'),
        ),
    ],
)
def test_unescaped_quotes_in_a_value(payload: str, reply: Reply) -> None:
    assert reply == parse_reply(payload)
    assert reply == parse_reply(payload.encode())


UNESCAPED = {"control": '"c"', "value": '"say "hi", "you", {"a": "b"}"', "Code": '"404"'}
FURTHER = {"unix": "5", "output0": '{"name": "x", "value": "y", "Code": "1"}', "": "[]"}


def written(members: Iterable[tuple[str, str]], layout: str) -> str:
    inner = ",".join(f'{layout}"{name}"{layout}:{layout}{value}' for name, value in members)
    return f'{layout}{{{layout}"LL"{layout}:{layout}{{{inner}{layout}}}{layout}}}{layout}\r\n'


@pytest.mark.parametrize("layout", ["", " ", "\n\t"])
@pytest.mark.parametrize("further", [{}, FURTHER, dict(list(FURTHER.items())[:1])], ids=len)
@pytest.mark.parametrize("order", list(itertools.permutations(UNESCAPED)))
def test_unescaped_quotes_with_members_in_any_order(
    order: tuple[str, ...], further: dict[str, str], layout: str
) -> None:
    members = [(name, UNESCAPED[name]) for name in order]
    payload = written([*members, *further.items()], layout)
    with pytest.raises(ProtocolError):
        decode_json(payload)
    assert Reply("c", 404, UNESCAPED["value"][1:-1]) == parse_reply(payload)


def test_unescaped_quotes_that_look_like_members() -> None:
    for value in ('a", "Code": "5", b', '", "', '{"x": "y", "Code": 5}', '"', ",", '",'):
        payload = f'{{"LL": {{"control": "c", "value": "{value}", "Code": "200"}}}}'
        assert Reply("c", 200, value) == parse_reply(payload)


@pytest.mark.parametrize(
    "filling",
    [
        '"',
        '",',
        '", ',
        '","a":1',
        '"a":"b",',
        ", ",
        " ",
        '"value": "',
        '", "Code": "200"',
        "}",
        "{",
    ],
)
@pytest.mark.parametrize("end", ["", '", "Code": "200"}}', '", "x": "Code"}}', "}}", "x"])
def test_unescaped_quotes_take_bounded_time(filling: str, end: str) -> None:
    for head in ('{"LL": {"value": "', '{"LL": {"Code": 200, "value": "', '{"LL": {'):
        payload = (head + filling * (2**16 // len(filling)))[: 2**16 - len(end)] + end
        began = time.perf_counter()
        assert is_value_or_protocol_error(partial(parse_reply, payload))
        assert time.perf_counter() - began < 2.0  # it takes a tenth of that


@pytest.mark.parametrize(
    "payload",
    [
        '{"LL": {"value": 5, "control": "a"b", "Code": "200"}}',
        '{"LL": {"control": "c", "value": "a"b", "Code": "200"}]',
        '{"LL": {"control": "c", "Code": "200", "value": "a"b}}',
        '{"LL": {"control": "c", "value": "a"b"}}',
        '{"LL": {"control": "c", "value": "a"b", "Code": "two"}}',
        '{"LL": {"control": "c", "value": "a"b", "Code": "200"}',
        '{"LL": {"control": "c", "value": "a"b", "Code": "1000000000"}}',
        '{"LL": {"control": "c", "value": "a"b", "Code": "200"}}, "controls": {}',
        '{"LL": {"control": "c"d", "value": "a", "Code": "200"}}',
        '{"LL": {"control": "c", "value": "' + '"' * 2**16 + '", "Code": "200"}}',
        '{"LL": {"control": "c", "value": "a"b", "Code": "200"}}' + " " * 2**16 + "x",
    ],
    ids=range(11),
)
def test_unescaped_quotes_in_something_else(payload: str) -> None:
    with pytest.raises(ProtocolError):
        parse_reply(payload)


# Quirk 6.
def test_invalid_utf8_is_replaced() -> None:
    assert "K\ufffdche" == parse_reply(b'{"LL": {"Code": "200", "value": "K\xfcche"}}').value


# Quirk 7.
@pytest.mark.parametrize("payload", ['\ufeff{"a": 1}', b'\xef\xbb\xbf{"a": 1}'], ids=type)
def test_byte_order_mark_is_no_part_of_json(payload: str | bytes) -> None:
    assert {"a": 1} == decode_json(payload)


# No encoding has them, so that a scrape or a hash with one of them in it would fail.
@pytest.mark.parametrize(
    ("payload", "value"),
    [
        (r'"\ud83d"', "?"),
        (r'{"a\uDC00b": ["\uDBFF", "\u00fc"]}', {"a?b": ["?", "ü"]}),
        (r'"\ud83d\ude00"', "😀"),
        (r'"\\ud83d"', r"\ud83d"),
        ('["\\ud83d", "\n"]', ["?", "\n"]),
    ],
)
def test_half_a_surrogate_pair_is_replaced(payload: str, value: Json) -> None:
    assert value == decode_json(payload)


@pytest.mark.parametrize(
    "payload", ["[" * DEEP, '{"a":' * DEEP, "[" * DEEP + "]" * DEEP, HUGE], ids=len
)
def test_what_json_cannot_hold_is_refused(payload: str) -> None:
    with pytest.raises(ProtocolError, match="expected JSON"):
        decode_json(payload)


@pytest.mark.parametrize("part", ["[],", "{},"])
def test_what_would_take_all_memory_is_refused(part: str) -> None:
    with pytest.raises(ProtocolError, match="more than 500000 objects and arrays"):
        decode_json(f"[{part * 500_000}0]")


def test_refusals_are_short() -> None:
    for payload in ("x" * 100_000, b"\xff" * 100_000):
        with pytest.raises(ProtocolError) as caught:
            decode_json(payload)
        assert len(str(caught.value)) < 120


# Quirk 1; the samples are those of section 1.3.
@pytest.mark.parametrize(
    ("value", "device"),
    [
        (
            "{'snr':'50:4F:94:10:B8:4A', 'version':'9.1.10.30'}",
            Device("504F9410B84A", (9, 1, 10, 30)),
        ),
        (
            "{'snr': 'EE:E0:00:D8:0B:0E', 'version':'10.3.11.25', 'hasEventSlots':true}",
            Device("EEE000D80B0E", (10, 3, 11, 25), has_event_slots=True),
        ),
        (
            (
                "{'snr':'50:4F:94:10:54:1B','version':'12.2.11.5','key':'31373038','isInTrust':false,"
                "'local':true,'address':'192.0.2.10','httpsStatus':1}"
            ),
            Device("504F9410541B", (12, 2, 11, 5), https_status=1),
        ),
        (
            (
                "{'snr': 'AB:CD:EF:01:02:03', 'version':'17.1.7.3', 'hasEventSlots':false, "
                "'isInTrust':false, 'local':true,'certTLD':'com'}"
            ),
            Device("ABCDEF010203", (17, 1, 7, 3), has_event_slots=False),
        ),
        (
            (
                "{'snr':'50:4F:94:10:54:1B','version':'12.2.11.5','key':'31373038',"
                "'isInTrust':false,'local':true,'address':'192.0.2.10'}"
            ),
            Device("504F9410541B", (12, 2, 11, 5)),
        ),
        (
            (
                "{'snr': '50:4F:94:11:12:5F', 'version':'14.5.12.7', 'hasEventSlots':true, "
                "'isInTrust':false, 'local':true}"
            ),
            Device("504F9411125F", (14, 5, 12, 7), has_event_slots=True),
        ),
        ('{"snr": "50-4f-94-11-12-5f"}', Device("504F9411125F", ())),
        ({"snr": "504f9410541b", "hasEventSlots": None}, Device("504F9410541B", ())),
    ],
)
def test_devices(value: Json, device: Device) -> None:
    assert device == parse_device(value)


# Section 1.3: all but the serial number is optional, and may be anything.
@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (0, 0),
        (1, 1),
        ("1", 1),
        (2.0, 2),
        (" 2 ", 2),
        (-1, -1),
        (None, None),
        (True, None),
        ("", None),
        ("ready", None),
        ([1], None),
        ({"status": 1}, None),
        (math.nan, None),
        (math.inf, None),
        (10**400, None),
    ],
    ids=range(15),
)
def test_state_of_tls(status: Json, expected: int | None) -> None:
    device = parse_device({"snr": "504F9410541B", "httpsStatus": status})
    assert expected == device.https_status


@pytest.mark.parametrize(
    ("slots", "expected"),
    [(True, True), (False, False), (None, None), ("false", None), (0, None), ([], None)],
)
def test_event_slots(slots: Json, *, expected: bool | None) -> None:
    device = parse_device({"snr": "504F9410541B", "hasEventSlots": slots})
    assert expected is device.has_event_slots


# Certificates are verified for a name in that domain, and anybody could have said it.
@pytest.mark.parametrize(
    ("said", "domain"),
    [
        ("com", "com"),
        ("cn", "cn"),
        ("CN", "cn"),
        ("evil", "com"),
        ("com.evil", "com"),
        ("ßßß", "com"),
        ("c" * 1000, "com"),
        ("", "com"),
        (None, "com"),
        (["cn"], "com"),
        (5, "com"),
    ],
)
def test_cloud_domain_is_one_of_the_vendors(said: Json, domain: str) -> None:
    assert domain == parse_device({"snr": "504F9410541B", "certTLD": said}).cloud_domain


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "{}",
        "'snr'",
        "{'snr': 5}",
        "{'snr'",
        ["snr"],
        {"version": "9"},
        5,
        "[" * DEEP,
        {"snr": ""},
        {"snr": "504F9410541"},
        {"snr": "504F9410541B0"},
        {"snr": "504F9410541G"},
        {"snr": "a serial number"},
        {"snr": ["504F9410541B"]},
    ],
    ids=range(16),
)
def test_device_without_serial_number_is_refused(value: Json) -> None:
    with pytest.raises(ProtocolError):
        parse_device(value)


@pytest.mark.parametrize(
    ("value", "firmware"),
    [
        ("16.1.11.6", (16, 1, 11, 6)),
        (" 8.1\n", (8, 1)),
        ("17", (17,)),
        ("", ()),
        ("16.1.", ()),
        ("16.1-beta", ()),
        ("1" * 10, ()),
        (".".join("1" * 9), ()),
        (16.1, ()),
        (None, ()),
    ],
)
def test_firmware_versions(value: Json, firmware: tuple[int, ...]) -> None:
    assert firmware == parse_firmware(value)


@pytest.mark.parametrize(
    ("value", "parameters"),
    [
        ({"key": "41", "salt": "4A"}, HashParameters("41", "4A", "SHA1")),
        ({"key": "41", "salt": "4A", "hashAlg": "SHA1"}, HashParameters("41", "4A", "SHA1")),
        ({"key": "41", "salt": "4A", "hashAlg": "SHA256"}, HashParameters("41", "4A", "SHA256")),
        ({"key": "41", "salt": "4A", "hashAlg": "sha-256"}, HashParameters("41", "4A", "SHA256")),
        # Quirk 1: an object within a text, and with single quotes.
        ('{"key": "41", "salt": "4A"}', HashParameters("41", "4A", "SHA1")),
        ("{'key':'41','salt':'4A','hashAlg':'SHA256'}", HashParameters("41", "4A", "SHA256")),
    ],
)
def test_hash_parameters(value: Json, parameters: HashParameters) -> None:
    assert parameters == parse_hash_parameters(value)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("", "no object"),
        (None, "no object"),
        ({}, "lacks key or salt"),
        ({"key": "41"}, "lacks key or salt"),
        ({"key": 41, "salt": "4A"}, "lacks key or salt"),
        ({"key": "41", "salt": "4A", "hashAlg": "MD5"}, "unknown hash algorithm 'MD5'"),
        ({"key": "41", "salt": "4A", "hashAlg": ["SHA1"]}, "unknown hash algorithm"),
    ],
)
def test_wrong_hash_parameters_are_refused(value: Json, message: str) -> None:
    with pytest.raises(ProtocolError, match=message):
        parse_hash_parameters(value)


# Section 8.5.
@pytest.mark.parametrize(
    ("loxone", "unix"),
    [(0, 1230768000), (536457600, 1767225600), (342151839, 1572919839), (" 0 ", 1230768000)],
)
def test_times_count_from_2009(loxone: Json, unix: int) -> None:
    assert Token("8E2A", unix) == parse_token({"token": "8E2A", "validUntil": loxone})


# Quirk 1.
@pytest.mark.parametrize(
    "value",
    [
        '{"token": "8E2A", "validUntil": 342151839}',
        "{'token':'8E2A', 'validUntil':'342151839'}",
        '{"token": "8E2A",\n "validUntil": "342151839"}',
    ],
)
def test_token_within_a_text(value: str) -> None:
    assert Token("8E2A", 1572919839) == parse_token(value)
    assert 1572919839 == parse_validity(value)


@pytest.mark.parametrize(
    ("value", "end"),
    [
        ({"validUntil": 342151839, "tokenRights": 1666}, 1572919839),
        ({"validUntil": "342151839"}, 1572919839),
        ({"validUntil": 342151839.9}, 1572919839),
        ({"validUntil": 0}, LOXONE_EPOCH),
        ({"validUntil": -LOXONE_EPOCH}, 0),
        ({"validUntil": True}, None),
        ({"validUntil": None}, None),
        ({}, None),
        ("", None),
        ("'soon'", None),
        ([1], None),
        (342151839, None),
        (None, None),
    ],
)
def test_validity(value: Json, end: float | None) -> None:
    assert end == parse_validity(value)


# A log may show what was received, and a token is no matter for logs.
@pytest.mark.parametrize("read", [parse_token, parse_hash_parameters, parse_device, parse_reply])
@pytest.mark.parametrize(
    "text",
    [
        '{"LL":{"control":"jdev/sys/getjwt","value":{"token":"8E2A590E',
        "{'a':1,'b':2,'token':'8E2A590E",
    ],
)
def test_refusals_show_no_secret(read: Callable[[str], object], text: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        read(text)
    assert "8E2A590E" not in str(caught.value)


def test_loxone_epoch_is_the_beginning_of_2009() -> None:
    assert 1230768000 == LOXONE_EPOCH


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        {},
        {"token": 1, "validUntil": 1},
        {"token": "", "validUntil": 1},
        {"token": ["8E2A"]},
        "{'token':",
    ],
)
def test_wrong_tokens_are_refused(value: Json) -> None:
    with pytest.raises(ProtocolError):
        parse_token(value)


@pytest.mark.parametrize(
    "end", [None, "", "soon", True, [], math.nan, math.inf, 10**400, 10**5000], ids=range(9)
)
def test_a_token_is_taken_although_its_end_is_not_understood(end: Json) -> None:
    # It is filed in the Miniserver already; a refusal would leave it there.
    assert Token("8E2A", None) == parse_token({"token": "8E2A", "validUntil": end})


def test_secrets_are_not_in_the_repr() -> None:
    shown = repr([Token("8E2A", 0.0), parse_hash_parameters({"key": "4B4C", "salt": "5A5B"})])
    for secret in ("8E2A", "4B4C", "5A5B"):
        assert secret not in shown


# Section 1.6.
@pytest.mark.parametrize(
    ("body", "page"),
    [
        (
            (
                "<html><head><title>error</title></head><body><errorcode>401</errorcode> "
                "<errordetail>Unauthorized</errordetail></body></html>"
            ),
            ErrorPage(401),
        ),
        (
            (
                "<html><head><title>error</title></head><body><errorcode>403</errorcode> "
                "<errordetail><errortext>Forbidden</errortext><description>IP 192.168.2.240 "
                "temporarily blocked, too many failed login attempts;</description> "
                "<remaining>38</remaining></errordetail></body></html>"
            ),
            ErrorPage(403, 38),
        ),
        ("<ERRORCODE> 503 </ERRORCODE><remaining>soon</remaining>", ErrorPage(503)),
        ("<errorcode>403</errorcode><remaining>" + HUGE + "</remaining>", ErrorPage(403)),
        ("<errorcode>4</errorcode>", None),
        ('{"LL": {"Code": "200"}}', None),
        ("", None),
    ],
)
def test_error_pages(body: str, page: ErrorPage | None) -> None:
    assert page == parse_error_page(body.encode())


def is_encodable(value: Json) -> bool:
    return bool(json.dumps(value, ensure_ascii=False).encode())


words = st.sampled_from(
    [
        "LL",
        "Code",
        "code",
        "value",
        "control",
        "snr",
        "version",
        "hasEventSlots",
        "key",
        "salt",
        "hashAlg",
        "token",
        "validUntil",
        "httpsStatus",
        "certTLD",
    ]
)
envelopes = st.fixed_dictionaries({"LL": json_values(words)})


@given(payload=st.binary(max_size=60) | json_bytes(json_values(words) | envelopes))
def test_any_bytes_are_an_answer_or_refused(payload: bytes) -> None:
    assert is_value_or_protocol_error(lambda: is_encodable(decode_json(payload)))
    assert is_value_or_protocol_error(lambda: parse_reply(payload))
    assert is_value_or_protocol_error(lambda: parse_reply(payload.decode(errors="replace")))


@given(value=json_values(words))
def test_any_value_is_understood_or_refused(value: Json) -> None:
    assert is_value_or_protocol_error(lambda: parse_device(value))
    assert is_value_or_protocol_error(lambda: parse_device(repr(value)))
    assert is_value_or_protocol_error(lambda: parse_firmware(value))
    assert is_value_or_protocol_error(lambda: parse_hash_parameters(value))
    assert is_value_or_protocol_error(lambda: parse_token(value))
    assert parse_validity(value) is None or math.isfinite(parse_validity(value) or 0)


@given(
    payload=damaged(
        st.just(b'{"LL": { "control": "dev/x", "value": "a "b" c", "Code": "200"}}\r\n')
    )
)
def test_any_damaged_answer_with_quotes_is_an_answer_or_refused(payload: bytes) -> None:
    assert is_value_or_protocol_error(lambda: parse_reply(payload))


@given(
    body=st.binary(max_size=60)
    | damaged(st.just(b"<errorcode>403</errorcode><remaining>38</remaining>"))
)
def test_any_bytes_are_an_error_page_or_none(body: bytes) -> None:
    page = parse_error_page(body)
    assert page is None or 0 <= page.code <= 999
