from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from loxone_exporter.simulator.answers import (
    Answer,
    api_key_value,
    api_value,
    ban_page,
    ban_reason,
    echo,
    error_page,
    render,
    render_xml,
)
from loxone_exporter.simulator.profile import Codes, Profile


def test_a_scalar_answer_is_byte_for_byte_the_recorded_one() -> None:
    assert render(Answer("13:15:14"), "dev/sys/time", http=True) == (
        '{"LL": { "control": "dev/sys/time", "value": "13:15:14", "Code": "200"}}\r\n'
    )


def test_a_scalar_answer_over_the_websocket_has_no_line_end() -> None:
    assert render(Answer("1"), "dev/sps/enablebinstatusupdate") == (
        '{"LL": { "control": "dev/sps/enablebinstatusupdate", "value": "1", "Code": "200"}}'
    )


def test_an_object_is_answered_in_the_recorded_compact_form() -> None:
    answer = Answer({"key": "36", "salt": "31"}, compact=True)
    assert render(answer, "jdev/sys/getkey2/xcid", http=True) == (
        '{"LL":{"control":"jdev/sys/getkey2/xcid","code":200,"value":{"key":"36","salt":"31"}}}'
    )


@pytest.mark.parametrize(
    ("codes", "scalar", "compact", "failed"),
    [
        ("recorded", "200", 200, "401"),
        ("strings", "200", "200", "401"),
        ("numbers", 200, 200, 401),
    ],
)
def test_the_type_of_codes_can_be_chosen(
    codes: Codes, scalar: str | int, compact: str | int, failed: str | int
) -> None:
    def code_of(answer: Answer, name: str) -> str | int:
        code: str | int = json.loads(render(answer, "x", codes=codes))["LL"][name]
        return code

    assert scalar == code_of(Answer("1"), "Code")
    assert compact == code_of(Answer({}, compact=True), "code")
    assert failed == code_of(Answer({}, code=401, compact=True), "code")


@given(st.text(), st.text())
def test_whatever_a_client_asks_for_the_answer_is_json(control: str, value: str) -> None:
    ll = json.loads(render(Answer(value), control))["LL"]
    assert (control, value) == (ll["control"], ll["value"])


def test_further_members_stand_beside_the_value() -> None:
    answer = Answer("1", members={"output0": {"value": "2"}})
    ll = json.loads(render(answer, "dev/sps/io/a/all"))["LL"]
    assert ll == {
        "control": "dev/sps/io/a/all",
        "value": "1",
        "Code": "200",
        "output0": {"value": "2"},
    }


def test_the_xml_form() -> None:
    answer = Answer("352880/1016404kB")
    assert render_xml(answer, "dev/sys/heap") == (
        '<LL control="dev/sys/heap" value="352880/1016404kB" Code="200"/>'
    )


def test_xml_special_characters_are_escaped() -> None:
    element = ET.fromstring(render_xml(Answer('<&">'), "dev/x"))  # noqa: S314  # our own text
    assert element.get("value") == '<&">'


@pytest.mark.parametrize(
    ("sent", "echoed"),
    [
        ("jdev/sys/time", "dev/sys/time"),
        ("JDEV/sys/time", "DEV/sys/time"),
        ("dev/sys/time", "dev/sys/time"),
        ("authwithtoken/a/b", "authwithtoken/a/b"),
    ],
)
def test_a_control_is_echoed_without_its_j(sent: str, echoed: str) -> None:
    assert echoed == echo(sent)


def test_the_unauthorized_page_is_the_recorded_one() -> None:
    assert error_page(401) == (
        b"<html><head><title>error</title></head><body><errorcode>401</errorcode> "
        b"<errordetail>Unauthorized</errordetail></body></html>"
    )


def test_a_code_that_is_no_http_status_has_a_page_as_well() -> None:
    assert b"<errorcode>901</errorcode>" in error_page(901)
    assert b"<errorcode>477</errorcode> <errordetail>Error</errordetail>" in error_page(477)


def test_the_ban_page_is_the_recorded_one() -> None:
    assert ban_page("192.168.2.240", 38) == (
        b"<html><head><title>error</title></head><body><errorcode>403</errorcode> "
        b"<errordetail><errortext>Forbidden</errortext> <description>IP 192.168.2.240 temporarily "
        b"blocked, too many failed login attempts;</description> <remaining>38</remaining>"
        b"</errordetail></body></html>"
    )


def test_the_ban_reason_is_the_recorded_one() -> None:
    assert ban_reason("192.168.51.151", 108) == (
        "Forbidden - IP 192.168.51.151 temporarily blocked, too many failed login attempts (108)"
    )


@pytest.mark.parametrize(
    ("profile", "value"),
    [
        (
            Profile(serial="504F9410B84A", firmware="9.1.10.30"),
            "{'snr':'50:4F:94:10:B8:4A', 'version':'9.1.10.30'}",
        ),
        (
            Profile(serial="EEE000D80B0E", firmware="10.3.11.25"),
            "{'snr': 'EE:E0:00:D8:0B:0E', 'version':'10.3.11.25', 'hasEventSlots':true}",
        ),
        (
            Profile(serial="504F9411125F", firmware="14.5.12.7"),
            (
                "{'snr': '50:4F:94:11:12:5F', 'version':'14.5.12.7', 'hasEventSlots':true, "
                "'isInTrust':false, 'local':true}"
            ),
        ),
        (
            Profile(serial="ABCDEF010203", firmware="17.1.7.3"),
            (
                "{'snr': 'AB:CD:EF:01:02:03', 'version':'17.1.7.3', 'hasEventSlots':true, "
                "'isInTrust':false, 'local':true, 'certTLD':'com'}"
            ),
        ),
    ],
)
def test_the_api_value_follows_the_recorded_samples(profile: Profile, value: str) -> None:
    assert value == api_value(profile, slots_left=True)


def test_the_api_value_tells_when_no_slot_is_left() -> None:
    assert "'hasEventSlots':false" in api_value(Profile(), slots_left=False)


def test_the_api_key_value_follows_the_recorded_samples() -> None:
    first_generation = Profile(serial="504F9410541B", firmware="12.2.11.5", address="192.0.2.10")
    assert api_key_value(first_generation, key="3137") == (
        "{'snr':'50:4F:94:10:54:1B','version':'12.2.11.5','key':'3137','isInTrust':false,"
        "'local':true,'address':'192.0.2.10'}"
    )
    with_tls = evolve(first_generation, https_status=1)
    assert api_key_value(with_tls, key="3137").endswith("'address':'192.0.2.10','httpsStatus':1}")


def test_an_old_api_key_value_has_no_newer_members() -> None:
    value = api_key_value(Profile(firmware="9.1.10.30"), key="3137")
    assert set(json.loads(value.replace("'", '"'))) == {"snr", "version", "key", "address"}
