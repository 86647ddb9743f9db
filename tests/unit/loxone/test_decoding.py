"""Large JSON, read in steps: the same as at once, but for the pauses."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from loxone_exporter.errors import ProtocolError
from loxone_exporter.loxone import decoding
from loxone_exporter.loxone.decoding import Json, decode_json, decode_json_in_steps
from loxone_exporter.steps import finish
from support.steps import do
from support.strategies import json_bytes, json_values


VALUES = json_values(st.text(max_size=3))
SPACES = st.sampled_from(["", " ", "\n", "\t\r\n  "])


@pytest.fixture(autouse=True)
def everything_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "_LARGE", -1)
    monkeypatch.setattr(decoding, "_STEP", 3)
    monkeypatch.setattr(decoding, "_SCANNED", 3)


def outcome_at_once(payload: str | bytes) -> Json | str:
    try:
        return decode_json(payload)
    except ProtocolError as error:
        return f"ProtocolError: {error}"


def outcome_in_steps(payload: str | bytes) -> Json | str:
    try:
        return finish(decode_json_in_steps(payload))
    except ProtocolError as error:
        return f"ProtocolError: {error}"


def assert_same(payload: str | bytes) -> None:
    # NaN, which Python reads, is not equal to itself.
    assert repr(outcome_at_once(payload)) == repr(outcome_in_steps(payload))


@given(VALUES, SPACES, SPACES, st.booleans())
def test_what_is_json_is_read_alike(
    value: Json,
    space: str,
    end: str,
    is_ascii: bool,  # noqa: FBT001  # Hypothesis passes by position
) -> None:
    separators = f"{space},{space}", f"{space}:{space}"
    text = json.dumps(value, ensure_ascii=is_ascii, separators=separators)
    text = text.replace("{", "{" + space).replace("}", space + "}")
    assert_same(f"{space}{text}{end}")


@given(json_bytes(VALUES))
def test_what_is_damaged_is_refused_alike(payload: bytes) -> None:
    assert_same(payload)


@given(st.text(alphabet='{}[]":,\\ud8A0 \n-1.etrufalsn', max_size=30))
@example('{"a": {"b": 1,}}')
@example('{"a" 1}')
@example('{"a": 1 "b": 2}')
@example("{1: 2}")
@example('{"a": {"b": {"c": NaN}}} x')
@example("{")
@example('{"a": {')
@example('{"a": 1, "a": {"b": 2, "b": 3}}')
@example('{"a": {"b\\ud83d": "\\ud83d"}, "\\uDC00": "\\ud83d\\ude00"}')
@example("\ufeff{}")
@example("")
@example('{"a":' * 100_000)
@example("[" * 100_000)
@example("9" * 5000)
def test_what_looks_like_json_is_read_or_refused_alike(text: str) -> None:
    assert_same(text)


@pytest.mark.parametrize("part", ["[],", "{},", "1,,,,,"])
def test_what_would_take_all_memory_is_refused(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "_SCANNED", 2**20)
    with pytest.raises(ProtocolError, match="more than 500000 objects and arrays"):
        finish(decode_json_in_steps(f"[{part * 500_000}0]"))


def test_a_large_object_is_read_in_many_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    entry = {"name": "x" * 100, "states": [1, 2, 3, 4, 5, 6, 7, 8, 9]}
    text = json.dumps({"controls": {str(number): entry for number in range(20_000)}})
    done = do(decode_json_in_steps(text))
    assert decode_json(text) == done.result
    assert done.pauses > len(text) / decoding._STEP
