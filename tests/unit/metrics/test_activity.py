from __future__ import annotations

import pytest
from trio.testing import MockClock

from loxone_exporter.config.model import FilterConfig, OverrideConfig
from loxone_exporter.loxone.structure import Structure
from loxone_exporter.metrics.catalog import CATALOG, Kind
from loxone_exporter.metrics.counted import counted_states
from loxone_exporter.metrics.exposition import Format
from loxone_exporter.metrics.names import NameRegistry
from loxone_exporter.metrics.places import Plan
from loxone_exporter.state import ConnectionState, MiniserverState
from support.collected import configure, connected, scrape
from support.houses import house_of
from support.scrapes import Scrape
from support.series import build_series
from support.structures import control, key, structure, uuid


FAMILIES = ("loxone_control_activations_total", "loxone_control_on_seconds_total")

HOUSE = structure(
    control(1, "Lamp"),
    control(2, "Button", type_="Pushbutton"),
    control(3, "Solar", type_="Fronius", states={"online": 3}),
    control(4, "Stairs", type_="TimedSwitch", states={"deactivationDelay": 4}),
)


def counted(*values: tuple[int, float], house: Structure = HOUSE) -> MiniserverState:
    """A Miniserver that is connected and has told these values, in order."""
    state = connected(house, counted_states=counted_states)
    tell(state, *values)
    return state


def tell(state: MiniserverState, *values: tuple[int, float]) -> None:
    state.mark_received()
    state.apply_values((uuid(number), value) for number, value in values)


def shown(found: Scrape, family: str) -> dict[str, float]:
    return found.values(family, "name")


@pytest.mark.parametrize("format_", Format)
async def test_edges_and_durations_are_shown(format_: Format, mock_clock: MockClock) -> None:
    state = counted((1, 1.0), (2, 0.0))
    mock_clock.jump(60.0)
    tell(state, (1, 0.0), (2, 1.0), (2, 0.0), (2, 1.0), (2, 0.0), (2, 1.0))
    mock_clock.jump(0.5)
    found = await scrape([state], format_=format_)
    assert {"Lamp": 0.0, "Button": 3.0} == shown(found, FAMILIES[0])
    assert {"Lamp": 60.0, "Button": 0.5} == shown(found, FAMILIES[1])


async def test_labels_are_those_of_plain_values() -> None:
    for uuid_label in (False, True):
        found = await scrape([counted((1, 1.0))], configure({"uuid_label": uuid_label}))
        plain, *others = (found.samples(name) for name in ("loxone_control_value", *FAMILIES))
        for family in others:
            assert [sample.labels for sample in plain] == [sample.labels for sample in family]
        assert uuid_label == ("uuid" in plain[0].labels)


def test_no_labels_are_written_twice() -> None:
    table = build_series(HOUSE, miniserver="home", registry=NameRegistry(), plan=Plan())
    own = set(map(id, table.values))
    assert {uuid(1), uuid(2), uuid(4)} == {series.uuid for series in table.counted}
    assert {uuid(3)} == {series.uuid for series in table.counted_inverted}
    assert own >= {id(series) for series in (*table.counted, *table.counted_inverted)}


async def test_openmetrics_tells_the_unit() -> None:
    found = await scrape([counted()])
    units = {family.name: family.unit for family in found.families}
    assert ("", "seconds") == (
        units["loxone_control_activations"],
        units["loxone_control_on_seconds"],
    )


async def test_what_is_inverted_counts_when_it_becomes_yes(mock_clock: MockClock) -> None:
    state = counted((3, 1.0))
    mock_clock.jump(5.0)
    tell(state, (3, 0.0))
    mock_clock.jump(7.0)
    found = await scrape([state])
    assert {"Solar": 1.0} == shown(found, FAMILIES[0])
    assert {"Solar": 7.0} == shown(found, FAMILIES[1])


async def test_a_state_may_be_yes_for_one_control_and_no_for_another(
    mock_clock: MockClock,
) -> None:
    house = structure(
        control(1, "Lamp"), control(2, "Solar", type_="Fronius", states={"online": 1})
    )
    state = counted((1, 1.0), house=house)
    mock_clock.jump(5.0)
    tell(state, (1, 0.0))
    mock_clock.jump(7.0)
    tell(state, (1, 1.0), (1, 0.0))
    found = await scrape([state])
    assert {"Lamp": 1.0, "Solar": 2.0} == shown(found, FAMILIES[0])
    assert {"Lamp": 5.0, "Solar": 7.0} == shown(found, FAMILIES[1])


async def test_time_that_is_left_is_one_activation(mock_clock: MockClock) -> None:
    state = counted((4, 0.0))
    for left in (3.0, 2.0, 1.0, 0.0):
        tell(state, (4, left))
        mock_clock.jump(1.0)
    found = await scrape([state])
    assert ({"Stairs": 1.0}, {"Stairs": 3.0}) == tuple(shown(found, name) for name in FAMILIES)


async def test_what_was_never_seen_has_no_samples() -> None:
    found = await scrape([counted((2, 0.0))])
    for name in FAMILIES:
        assert {"Button": 0.0} == shown(found, name)


async def test_counts_are_shown_only_while_they_are_fresh(mock_clock: MockClock) -> None:
    state = counted((1, 1.0))
    mock_clock.jump(10.0)
    state.mark_received()
    state.connection = ConnectionState.BACKOFF
    mock_clock.jump(299.0)
    assert {"Lamp": 10.0} == shown(await scrape([state]), FAMILIES[1])
    mock_clock.jump(1.0)
    found = await scrape([state])
    assert [] == [sample for name in FAMILIES for sample in found.samples(name)]


async def test_filters_and_overrides_keep_counts_out() -> None:
    config = configure(
        filter_=FilterConfig(exclude_types=("Pushbutton",)),
        overrides=[OverrideConfig(names=("Stairs",), drop=True)],
    )
    found = await scrape([counted((1, 1.0), (2, 1.0), (4, 1.0))], config)
    for name in FAMILIES:
        assert ["Lamp"] == list(shown(found, name))


async def test_counting_can_be_switched_off() -> None:
    found = await scrape([counted((1, 1.0))], configure({"activations": False}))
    assert not [name for name in found.headings() if name.startswith(FAMILIES)]
    table = build_series(
        HOUSE,
        miniserver="home",
        registry=NameRegistry(),
        plan=Plan(metrics=configure({"activations": False}).metrics),
    )
    assert ((), ()) == (table.counted, table.counted_inverted)


async def test_a_control_of_which_only_counts_are_shown_is_exported() -> None:
    config = configure({"control_value": False, "quantities": True})
    found = await scrape([counted((2, 0.0))], config)
    assert 1 == found.value("loxone_exporter_controls_exported")


# Which states are counted.
def test_digital_states_are_counted() -> None:
    assert {uuid(1), uuid(2), uuid(3), uuid(4)} == set(counted_states(HOUSE))


@pytest.mark.parametrize(
    ("type_", "state"),
    [
        ("Pushbutton", "active"),
        ("Intercom", "bell"),
        ("IntercomV2", "bell"),
        ("PulseAt", "isActive"),
    ],
)
def test_pulses_are_counted(type_: str, state: str) -> None:
    assert {uuid(1)} == set(counted_states(house_of(type_, (state,))))


@pytest.mark.parametrize(
    ("type_", "state"),
    [
        ("InfoOnlyAnalog", "value"),  # a number
        ("AudioZone", "enableAirPlay"),  # a setting
        ("TimedSwitch", "deactivationDelayTotal"),
        ("Toaster", "active"),  # nobody knows it
        ("NfcCodeTouch", "historyDate"),  # about persons
        ("Switch", "jLocked"),  # a text
    ],
)
def test_other_states_are_not(type_: str, state: str) -> None:
    assert set() == set(counted_states(house_of(type_, (state,))))


def test_a_variant_decides() -> None:
    assert {uuid(1)} == set(counted_states(house_of("Daytimer")))
    assert set() == set(counted_states(house_of("Daytimer", details={"analog": True})))


def test_parts_are_counted() -> None:
    part = control(f"{key(1)}/1", "Part", type_="Pushbutton", states={"active": 5})
    house = structure(control(1, type_="Webpage", states={}, parts=(part,)))
    assert {uuid(5)} == set(counted_states(house))


def test_what_is_counted_of_the_catalog_is_digital_and_public() -> None:
    for type_, states in CATALOG.items():
        for name, row in states.items():
            rows = (row, *row.variants.values())
            if any(counted_states(house_of(type_, (name.replace("#", "1"),)))):
                assert any(each.kind is Kind.DIGITAL and not each.is_private for each in rows)
