from __future__ import annotations

import json

import pytest

from loxone_exporter.simulator.answer_faults import spoil_answer
from loxone_exporter.simulator.answers import Answer, File, Reply, render
from loxone_exporter.simulator.faults import Faults


ALL = Faults(
    scalar_value_zero=True, missing_value=True, control_characters=True, unescaped_quotes=True
)


def written(value: object, name: str, faults: Faults) -> str:
    reply = spoil_answer(Answer(value), name, faults)
    assert isinstance(reply, Answer)
    return render(reply, f"dev/{name}")


def test_without_faults_answers_stay_as_they_are() -> None:
    for reply in (Answer('a"b\n'), Answer({}, compact=True), File(b"x", "text/plain")):
        assert reply == spoil_answer(reply, "sys/x", Faults())


@pytest.mark.parametrize(
    "reply", [Answer({"key": "36"}, compact=True), Answer("x", 401), File(b"x", "text/plain")]
)
def test_objects_and_failures_and_files_have_nothing_wrong(reply: Reply) -> None:
    assert reply == spoil_answer(reply, "sys/x", ALL)


def test_quirk_3_control_characters_stand_raw_in_values() -> None:
    text = written("a\tb", "sps/io", Faults(control_characters=True))
    assert '"value": "a\tb\n\t",' in text
    with pytest.raises(ValueError, match="control character"):
        json.loads(text)
    assert json.loads(text, strict=False)["LL"]["value"] == "a\tb\n\t"


@pytest.mark.parametrize("name", ["sys/getkey", "sps/loxappversion3"])
def test_keys_and_time_stamps_have_no_control_characters(name: str) -> None:
    assert '"value": "36",' in written("36", name, Faults(control_characters=True))


def test_quirk_4_quotes_in_values_are_not_escaped() -> None:
    text = written('{"entries": []}', "sps/io", Faults(unescaped_quotes=True))
    assert '"value": "{"entries": []}",' in text


def test_quirk_4_the_pseudo_json_of_api_has_quotes_then() -> None:
    text = written("{'snr':'50:4F'}", "cfg/api", Faults(unescaped_quotes=True))
    assert '"value": "{"snr":"50:4F"}",' in text


def test_quirk_21_a_value_can_be_zero() -> None:
    assert '"value": "0",' in written("1", "sps/io", Faults(scalar_value_zero=True))


def test_an_answer_can_have_no_value() -> None:
    text = written("1", "sps/io", Faults(missing_value=True))
    assert json.loads(text)["LL"] == {"control": "dev/sps/io", "Code": "200"}


@pytest.mark.parametrize("name", ["cfg/api", "cfg/apikey", "sys/getpublickey", "sys/getkey"])
def test_what_a_login_needs_keeps_its_value(name: str) -> None:
    faults = Faults(scalar_value_zero=True, missing_value=True)
    assert '"value": "x",' in written("x", name, faults)
