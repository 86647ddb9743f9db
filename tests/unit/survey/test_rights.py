from __future__ import annotations

import json
from typing import Any

import pytest

from loxone_exporter.loxone.structure import parse_structure
from loxone_exporter.state import MiniserverState
from loxone_exporter.survey.facts import Fact, Rating
from loxone_exporter.survey.rights import HOW_TO_SHOW, describe_rights
from loxone_exporter.survey.visit import Sight, Visit
from support.structures import key


def document(**changes: Any) -> dict[str, Any]:  # noqa: ANN401  # JSON
    control = {"name": "Lamp", "type": "Switch", "room": "r1", "cat": "c1", "states": {}}
    return {
        "lastModified": "2026-01-01 00:00:00",
        "rooms": {"r1": {"name": "Kitchen"}},
        "cats": {"c1": {"name": "Light"}},
        "controls": {key(1): control},
        **changes,
    }


def describe(structure: dict[str, Any], **sight: Any) -> list[Fact]:  # noqa: ANN401  # Sight's
    state = MiniserverState(name="home")
    state.replace_structure(parse_structure(json.dumps(structure)))
    mode = state.structure.global_states.get("operatingMode") if state.structure else None
    if mode is not None:
        state.values[mode] = 0.0
    return list(describe_rights(Visit(state, sight=Sight(**sight))))


def user(**rights: object) -> dict[str, Any]:
    return document(msInfo={"currentUser": rights})


def texts(facts: list[Fact], subject: str) -> list[str]:
    return [fact.text for fact in facts if fact.subject == subject]


def test_a_user_who_sees_everything_there_is() -> None:
    facts = describe(document())
    assert ["1 controls with 0 sub-controls, in 1 of 1 rooms and 1 of 1 categories"] == texts(
        facts, "sees"
    )
    assert [] == texts(facts, "to see more")


def test_a_user_who_sees_nothing_is_told_how_to_see() -> None:
    sees, how, *_ = describe(document(controls={}))
    assert Fact("sees", "no control at all", Rating.BAD) == sees
    assert HOW_TO_SHOW == how.text


def test_rooms_and_categories_in_which_nothing_is_seen_are_named() -> None:
    more = document()
    more["rooms"] |= {"r2": {"name": "Cellar"}, "r3": {"name": "Attic"}}
    more["cats"] |= {"c2": {"name": "Alarm"}}
    facts = describe(more)
    counted, rooms, categories = texts(facts, "sees")
    assert counted.endswith("in 1 of 3 rooms and 1 of 2 categories")
    assert rooms.startswith("nothing in these rooms")
    assert rooms.endswith("'Cellar', 'Attic'")
    assert categories.endswith("'Alarm'")
    assert [HOW_TO_SHOW] == texts(facts, "to see more")


@pytest.mark.parametrize(
    ("rights", "text", "rating"),
    [
        ({"isAdmin": True, "userRights": 2047}, "full access, which is more", Rating.DOUBTFUL),
        ({"isAdmin": False, "userRights": 0x406}, "no full access", Rating.GOOD),
        ({"isAdmin": False, "userRights": 0x81E}, "Loxone Config, FTP, user man", Rating.DOUBTFUL),
        ({"isAdmin": False}, "no full access", Rating.GOOD),
        ({"userRights": 0x10}, "more than this program needs: FTP", Rating.DOUBTFUL),
        ({"isAdmin": 1, "userRights": True}, "", None),
        ({}, "", None),
    ],
)
def test_what_a_user_may_do(rights: dict[str, object], text: str, rating: Rating | None) -> None:
    found = [fact for fact in describe(user(**rights)) if fact.subject == "rights"]
    assert [rating] * bool(rating) == [fact.rating for fact in found]
    assert all(text in fact.text for fact in found)


def test_what_is_told_beside_the_controls() -> None:
    facts = describe(
        document(
            globalStates={"operatingMode": key(9)},
            messageCenter={key(8): {"states": {"changed": key(7)}}},
        ),
        is_told_time=True,
    )
    assert ["operating mode, system status, clock"] == texts(facts, "is told")
    (weather,) = texts(facts, "is not told")
    assert weather.startswith("weather (loxone_weather_…")


def test_what_is_not_told_is_said_with_what_is_missing_for_it() -> None:
    facts = describe(document(), is_told_time=False)
    assert [] == texts(facts, "is told")
    mode, status, weather, clock = texts(facts, "is not told")
    assert mode.startswith("operating mode (loxone_miniserver_operating_mode")
    assert status.startswith("system status (loxone_miniserver_messages_changed_timestamp_")
    assert weather.startswith("weather (")
    assert clock.startswith("clock (loxone_miniserver_clock_offset_seconds: ")
    assert "Full Access" in clock


def test_a_clock_that_nobody_asked_for_is_not_spoken_of() -> None:
    assert not any("clock" in fact.text for fact in describe(document()))


def test_without_a_structure_there_is_nothing_to_say() -> None:
    assert [] == list(describe_rights(Visit(MiniserverState(name="home"))))
