from __future__ import annotations

from collections.abc import Mapping

import pytest
import trio
from trio.testing import MockClock

from loxone_exporter.loxone.structure import Structure
from loxone_exporter.metrics import miniserver, snapshots
from loxone_exporter.metrics.collector import LoxoneCollector
from loxone_exporter.metrics.exposition import Exposition, Format
from loxone_exporter.state import ConnectionState, MiniserverState
from support.collected import configure, connected, scrape
from support.scrapes import Sample, Scrape
from support.structures import uuid


MODE, SUNRISE, SUNSET, INTERNET, CHANGED = 1, 2, 3, 4, 5
TITLES = {2: "Volno", 3: "Montag", 10: "Heizperiode", 12: "New", -1: "Alarm", -1003: 'Wild "\n'}

OPERATING_MODE = "loxone_miniserver_operating_mode"
TITLE = "loxone_miniserver_operating_mode_title_info"
INTERNET_REACHABLE = "loxone_miniserver_internet_reachable"
MESSAGES = "loxone_miniserver_messages_changed_timestamp_seconds"


def house(modes: Mapping[int, str] | None = None) -> Structure:
    return Structure(
        "",
        (),
        global_states={
            "operatingMode": uuid(MODE),
            "sunrise": uuid(SUNRISE),
            "sunset": uuid(SUNSET),
            "hasInternet": uuid(INTERNET),
        },
        message_center_states={"changed": uuid(CHANGED)},
        operating_modes=modes or {},
    )


async def told(values: Mapping[int, float], modes: Mapping[int, str] | None = None) -> Scrape:
    return await scrape([connected(house(modes), values=values)])


async def test_the_present_operating_mode_is_one_of_the_houses_set() -> None:
    found = await told({MODE: -1}, TITLES)
    modes = found.values(OPERATING_MODE, "state")
    assert {"own_1"} == {name for name, value in modes.items() if value}
    assert {"monday", "heating_period", "cooling_period", "mode_12", "own_1003"} < set(modes)
    assert 12 + 3 == len(modes)


async def test_operating_modes_go_by_their_names() -> None:
    found = await told({MODE: 3}, TITLES)
    titles = {sample.labels["state"]: sample.labels["title"] for sample in found.samples(TITLE)}
    assert titles == {
        "day_off": "Volno",
        "monday": "Montag",
        "heating_period": "Heizperiode",
        "mode_12": "New",
        "own_1": "Alarm",
        "own_1003": 'Wild "\n',
    }
    assert {1.0} == {sample.value for sample in found.samples(TITLE)}
    assert {"day_off", "own_1"} < set(found.values(OPERATING_MODE, "state"))


@pytest.mark.parametrize(
    ("code", "state"),
    [
        (0, "holiday"),
        (1, "vacation"),
        (2, "day_off"),
        (3, "monday"),
        (4, "tuesday"),
        (5, "wednesday"),
        (6, "thursday"),
        (7, "friday"),
        (8, "saturday"),
        (9, "sunday"),
        (10, "heating_period"),
        (11, "cooling_period"),
        # Not in the set of a house that lists none.
        (12, None),
        (-1, None),
        (3.5, None),
        (1e300, None),
    ],
)
async def test_houses_that_list_none_have_the_usual_modes(code: float, state: str | None) -> None:
    found = await told({MODE: code})
    modes = found.values(OPERATING_MODE, "state")
    assert 12 == len(modes)
    assert (state is None) == found.value("loxone_exporter_unknown_codes")
    assert ([state] if state else []) == [name for name, value in modes.items() if value]
    assert [] == found.samples(TITLE)


async def test_unknown_mode_of_a_house_that_lists_its_modes_sets_none() -> None:
    found = await told({MODE: -99}, TITLES)
    modes = found.values(OPERATING_MODE, "state")
    assert {0.0} == set(modes.values())
    assert 1 == found.value("loxone_exporter_unknown_codes")


@pytest.mark.parametrize(
    ("minutes", "seconds"),
    # 06:16 and 18:13, as recorded (control catalog, globalStates); what is no time of a day.
    [(376, 22560), (1093, 65580), (0, 0), (1439, 86340), (1440, None), (-1, None), (22560, None)],
)
async def test_the_sun_comes_in_minutes(minutes: float, seconds: float | None) -> None:
    expected = [] if seconds is None else [Sample({"miniserver": "home"}, seconds)]
    found = await told({SUNRISE: minutes})
    assert expected == found.samples("loxone_miniserver_sunrise_seconds")
    assert [] == found.samples("loxone_miniserver_sunset_seconds")
    assert expected == (await told({SUNSET: minutes})).samples("loxone_miniserver_sunset_seconds")


@pytest.mark.parametrize(("sent", "shown"), [(0, 0), (1, 1), (2, 1), (-1, 1)])
async def test_internet_is_reachable_or_not(sent: float, shown: float) -> None:
    assert shown == (await told({INTERNET: sent})).value(INTERNET_REACHABLE)


@pytest.mark.parametrize(
    ("sent", "shown"), [(1773489600, 1773489600), (0, None), (-1, None), (542721600, None)]
)
async def test_time_of_the_last_message(sent: float, shown: float | None) -> None:
    found = await told({CHANGED: sent})
    assert ([shown] if shown else []) == [sample.value for sample in found.samples(MESSAGES)]


async def test_what_was_not_told_is_absent() -> None:
    assert {"loxone_miniserver_clock_offset_seconds"} < set((await told({})).headings())
    for found in (await told({}, TITLES), await scrape([connected(Structure("", ()))])):
        for name in (OPERATING_MODE, TITLE, INTERNET_REACHABLE, MESSAGES):
            assert [] == found.samples(name)
            assert name not in found.headings()


async def test_nothing_private_is_told() -> None:
    names = ("notifications", "modifications", "userSettings", "miniserverTime", "plannedTasks")
    states = {name: uuid(number) for number, name in enumerate(names, start=100)}
    state = connected(Structure("", (), global_states=states))
    state.apply_values((state_uuid, 4711.5) for state_uuid in states.values())
    state.apply_texts((state_uuid, "Burglar!") for state_uuid in states.values())
    found = await scrape([state], configure({"text_values": True}))
    assert "4711.5" not in found.body
    assert "Burglar" not in found.body


async def test_it_is_withdrawn_with_the_values(mock_clock: MockClock) -> None:
    state = connected(house(TITLES), values={MODE: 3, SUNRISE: 376, INTERNET: 1})
    state.mark_received()
    state.connection = ConnectionState.BACKOFF
    config = configure({"stale_after": 300.0})
    mock_clock.jump(299)
    await trio.lowlevel.checkpoint()
    assert 1 == (await scrape([state], config)).value(INTERNET_REACHABLE)
    mock_clock.jump(2)
    found = await scrape([state], config)
    for name in (OPERATING_MODE, TITLE, INTERNET_REACHABLE, "loxone_miniserver_sunrise_seconds"):
        assert [] == found.samples(name)


async def test_each_miniserver_tells_its_own() -> None:
    states = [
        connected(house(TITLES), name="home", values={MODE: 3, INTERNET: 1}),
        connected(house(), name="barn", values={MODE: 3, INTERNET: 0}),
        MiniserverState(name="gone"),
    ]
    for format_ in Format:
        found = await scrape(states, format_=format_)
        assert {"home": 1, "barn": 0} == found.values(INTERNET_REACHABLE, "miniserver")
        assert 12 + 12 + 3 == len(found.samples(OPERATING_MODE))
        assert len(found.series()) == len(set(found.series()))
        assert len(found.headings()) == len(set(found.headings()))


async def test_fault_costs_one_house_what_it_tells(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real, odd = miniserver.tell, house(TITLES)

    def tell(structure: Structure, *arguments: object) -> object:
        return 1 / 0 if structure is odd else real(structure, *arguments)  # type: ignore[arg-type]  # passed on

    monkeypatch.setattr(snapshots, "tell", tell)
    states = [
        connected(odd, name="odd", values={INTERNET: 1}),
        connected(house(), values={INTERNET: 1}),
    ]
    exposition = Exposition.of(LoxoneCollector(configure(), states))
    for errors in (1, 2):
        found = Scrape.read(await exposition.render(Format.TEXT), Format.TEXT)
        assert {"home": 1} == found.values(INTERNET_REACHABLE, "miniserver")
        assert errors == found.value("loxone_exporter_scrape_errors_total")
    assert 1 == caplog.text.count("cannot show what it tells of itself of odd")
