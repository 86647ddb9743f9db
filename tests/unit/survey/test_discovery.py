from __future__ import annotations

import json
from datetime import UTC, datetime

from attrs import evolve

from loxone_exporter.config.model import FilterConfig, MetricsConfig, OverrideConfig
from loxone_exporter.loxone.structure import Structure, parse_structure
from loxone_exporter.metrics.counted import counted_states
from loxone_exporter.metrics.places import Plan
from loxone_exporter.simulator.demo import DemoHouse
from loxone_exporter.state import ConnectionState, MiniserverState
from loxone_exporter.survey.discovery import (
    FoundControl,
    FoundState,
    discover,
    matched_overrides,
)
from loxone_exporter.survey.report import (
    COLUMNS,
    House,
    as_json,
    explain,
    lines,
    summary,
    table,
    unmatched_overrides,
)
from loxone_exporter.survey.shown import size_of, told_series
from support.collected import configure, connected
from support.houses import house_of
from support.structures import control, key, structure, uuid


METER = house_of(
    "Meter",
    ("actual", "total", "totalDay", "jLocked"),
    name="Netz",
    details={"actualFormat": "%.3fkW", "totalFormat": "%.1fkWh", "type": "unidirectional"},
)
VALUES = {1: 0.42, 2: 8421.7, 3: 3.4}

WIDE = 200
"""Characters of a line that a table has room in."""


def found(
    house: Structure,
    values: dict[int, float] | None = None,
    *,
    metrics: MetricsConfig | None = None,
    filter_config: FilterConfig | None = None,
    overrides: tuple[OverrideConfig, ...] = (),
) -> list[FoundControl]:
    config = evolve(
        configure(filter_=filter_config, overrides=overrides), metrics=metrics or MetricsConfig()
    )
    return list(discover(connected(house, values=values), config))


def states(controls: list[FoundControl]) -> dict[str, FoundState]:
    return {state.subcontrol: state for control in controls for state in control.states}


def house(controls: list[FoundControl], failure: str = "") -> House:
    return House("home", failure, tuple(controls))


async def test_each_state_tells_what_becomes_of_it() -> None:
    by_name = states(found(METER, VALUES))
    actual = by_name["actual"]
    expected = {"loxone_control_value": 0.42, "loxone_power_watts": 420.0}
    assert expected == dict(actual.series)
    assert (0.42, "kW", "loxone_power_watts") == (actual.value, actual.unit, actual.metric)
    assert (key(1), "", "", True) == (
        actual.uuid,
        actual.kept_out,
        actual.optional,
        actual.is_known,
    )
    assert ["catalog", "format"] == [reason.rule for reason in actual.reasons]
    day = by_name["totalDay"]
    assert {"loxone_control_value": 3.4} == dict(day.series)
    assert "loxone_energy_day_joules" == day.optional
    assert ({"loxone_lock_state": None}, "") == (
        dict(by_name["jLocked"].series),
        by_name["jLocked"].kept_out,
    )


async def test_texts_are_series_once_they_are_asked_for() -> None:
    label = house_of("TextState", ("textAndIcon",))
    (without,) = states(found(label)).values()
    assert ({}, False, "") == (dict(without.series), without.has_numbers, without.metric)
    assert "text_values = true" in without.kept_out
    (asked,) = states(found(label, metrics=MetricsConfig(text_values=True))).values()
    assert ({"loxone_control_text_info": None}, "") == (dict(asked.series), asked.kept_out)
    assert "text_values" not in str(asked.reasons)


async def test_what_holds_is_shown_by_its_name() -> None:
    alarm = house_of("SmokeAlarm", ("level", "alarmCause", "nextLevel"))
    by_name = states(found(alarm, {1: 1.0, 2: 5.0, 3: 99.0}))
    assert {
        "loxone_control_value": 1.0,
        'loxone_smoke_alarm_level{state="pre_alarm"}': 1.0,
    } == dict(by_name["level"].series)
    assert {
        "loxone_control_value": 5.0,
        'loxone_smoke_alarm_cause{state="smoke"}': 1.0,
        'loxone_smoke_alarm_cause{state="temperature"}': 1.0,
    } == dict(by_name["alarmCause"].series)
    assert {"loxone_control_value": 99.0, "loxone_smoke_alarm_next_level": 0.0} == dict(
        by_name["nextLevel"].series
    )
    assert "loxone_smoke_alarm_level" in by_name["level"].reasons[-1].text
    assert "the code 99: please report it" in by_name["nextLevel"].reasons[-1].text


async def test_names_that_few_need_are_optional() -> None:
    zone = house_of("AudioZone", ("repeat",))
    (repeat,) = states(found(zone, {1: 3.0})).values()
    assert ("loxone_audio_repeat", ["loxone_control_value"]) == (repeat.optional, [*repeat.series])
    (asked,) = states(
        found(zone, {1: 3.0}, metrics=MetricsConfig(optional_quantities=True))
    ).values()
    assert ("", 'loxone_audio_repeat{state="current_item"}') == (asked.optional, asked.metric)


async def test_optional_quantities_are_series_once_they_are_asked_for() -> None:
    by_name = states(found(METER, VALUES, metrics=MetricsConfig(optional_quantities=True)))
    assert "loxone_energy_day_joules" == by_name["totalDay"].metric
    assert "" == by_name["totalDay"].optional


async def test_what_is_switched_off_is_no_series() -> None:
    plain = states(found(METER, VALUES, metrics=MetricsConfig(quantities=False)))
    assert {"loxone_control_value": 0.42} == dict(plain["actual"].series)
    assert "" == plain["totalDay"].optional
    typed = states(found(METER, VALUES, metrics=MetricsConfig(control_value=False)))
    assert {"loxone_power_watts": 420.0} == dict(typed["actual"].series)


async def test_a_value_that_is_not_there_is_absent() -> None:
    assert {None} == set(states(found(METER))["actual"].series.values())
    room = structure(control(1, type_="IRoomControllerV2", states={"co2": 1}))
    co2 = states(found(room, {1: 0.0}))["co2"]
    assert {"loxone_control_value": 0.0, "loxone_co2_ppm": None} == dict(co2.series)


async def test_a_value_that_another_state_withholds_is_absent() -> None:
    forecast = structure(
        control(1, type_="PvProductionForecast", states={"today": 1, "ready": 2}),
    )
    today = states(found(forecast, {1: 10.0, 2: 0.0}))["today"]
    assert today.series["loxone_energy_forecast_today_joules"] is None


async def test_what_is_kept_out_says_by_what() -> None:
    by_filter = states(found(METER, VALUES, filter_config=FilterConfig(exclude_types=("Meter",))))
    assert "left out by exclude_types" == by_filter["actual"].kept_out
    assert ("filter", "left out by exclude_types") == (
        by_filter["actual"].reasons[-1].rule,
        by_filter["actual"].reasons[-1].text,
    )
    by_state = states(found(METER, VALUES, filter_config=FilterConfig(include_states=("actual",))))
    assert "left out by include_states" == by_state["total"].kept_out
    drop = OverrideConfig(states=("actual",), drop=True)
    dropped = states(found(METER, VALUES, overrides=(drop,)))["actual"]
    assert ("left out by override[0].drop", "override") == (
        dropped.kept_out,
        dropped.reasons[-1].rule,
    )
    secret = structure(control(1, type_="NfcCodeTouch", states={"lastcode": 1}))
    assert states(found(secret, {1: 1234.0}))["lastcode"].kept_out.startswith("never exported")


async def test_labels_are_those_of_the_series() -> None:
    part = control("part", "Spots", type_="Dimmer", states={"position": 2})
    pair = structure(control(1, parts=(part,)), control(3))
    rename = OverrideConfig(uuids=(key(3),), name="Gate", room="Garage")
    lamp, spots, gate = found(pair, overrides=(rename,))
    assert ("Lamp", "Kitchen", "Switch", key(1)) == (lamp.name, lamp.room, lamp.type, lamp.uuid)
    assert ("Lamp", "part", "Dimmer") == (spots.name, spots.uuid, spots.type)
    assert "Spots/position" == spots.states[0].subcontrol
    assert ("Gate", "Garage", "Lighting") == (gate.name, gate.room, gate.category)


async def test_without_a_structure_nothing_is_found() -> None:
    assert [] == list(discover(MiniserverState(name="home"), configure()))


async def test_controls_are_called_by_name_uuid_or_pattern() -> None:
    (netz,) = found(METER)
    for pattern in ("Netz", "netz", "NET*", "n?tz", key(1), key(1).upper(), "*"):
        assert netz.is_called(pattern)
    for pattern in ("Net", "", "Netz2", key(2), "[N]etz"):
        assert not netz.is_called(pattern)


async def test_a_control_is_found_by_the_name_that_it_has_in_loxone_config() -> None:
    rename = OverrideConfig(names=("Netz",), name="Grid")
    (grid,) = found(METER, overrides=(rename,))
    assert grid.is_called("Netz")
    assert grid.is_called("Grid")
    text = list(explain(house([grid]), "netz"))
    assert text[0].startswith("Grid (Meter")
    assert "  in the structure file: Netz" == text[1]
    twins = found(structure(control(1), control(2)))
    assert 2 == len([line for line in explain(house(twins), "Lamp") if line.startswith("Lamp")])


async def test_overrides_that_match_nothing_are_told() -> None:
    plan = Plan.compile(
        MetricsConfig(), FilterConfig(), (OverrideConfig(names=("Netz",), room="x"),)
    )
    matched = matched_overrides(connected(METER), plan)
    assert frozenset({0}) == matched
    here, elsewhere = House("a", "", (), matched), House("b", "", ())
    assert [1] == unmatched_overrides([here, elsewhere], 2)
    assert [] == unmatched_overrides([here, House("c", "gone", ())], 2)
    assert frozenset() == matched_overrides(MiniserverState(name="x"), plan)


async def test_lines_for_programs_have_all_columns() -> None:
    first, *_ = lines([house(found(METER, VALUES))])
    cells = dict(zip(COLUMNS, first.split("\t"), strict=True))
    assert {
        "miniserver": "home",
        "name": "Netz",
        "room": "Kitchen",
        "type": "Meter",
        "state": "actual",
        "value": "0.42",
        "unit": "kW",
        "metric": "loxone_power_watts",
    } == cells


async def test_names_cannot_break_lines() -> None:
    odd = structure(control(1, 'Tab\tand\n"line"'))
    (line,) = lines([house(found(odd))])
    assert len(COLUMNS) == len(line.split("\t"))
    assert "Tab and" in line


async def test_the_table_is_aligned_and_summed_up() -> None:
    text = list(table([house(found(METER, VALUES))], WIDE))
    assert "Miniserver 'home'" == text[0]
    assert text[1].split() == list(COLUMNS[1:])
    assert {text[1].index("state")} == {
        line.index(state)
        for line, state in zip(text[3:6], ("actual", "total", "totalDay"), strict=True)
    }
    assert "(loxone_energy_day_joules)" in text[5]
    assert "1 controls and sub-controls, 3 states with numbers: 2 with a quantity" in "\n".join(
        text
    )
    assert "optional_quantities = true" in "\n".join(text)


async def test_in_a_narrow_window_states_stand_under_their_control() -> None:
    meter = house(found(METER, VALUES))
    text = list(table([meter], 60))
    assert text[:6] == [
        "Miniserver 'home'",
        "",
        "Netz (Meter, Kitchen)",
        "  actual 0.42 kW                loxone_power_watts",
        "  total 8421.7 kWh              loxone_energy_joules_total",
        "  totalDay 3.4 kWh              (loxone_energy_day_joules)",
    ]
    assert max(map(len, text)) <= 60
    # Where a metric has no room beside its state, it is on a line of its own, and whole.
    narrower = list(table([meter], 40))
    assert ["  totalDay 3.4 kWh", "    (loxone_energy_day_joules)"] == narrower[7:9]
    assert max(map(len, narrower)) <= 40


async def test_a_control_without_a_room_stands_without_one() -> None:
    lamp = structure(control(1, "Lamp", room=""))
    assert "Lamp (Switch)" in list(table([house(found(lamp))], 40))


async def test_a_table_of_nothing_is_a_table() -> None:
    assert any("0 controls" in line for line in table([house([])], WIDE))


async def test_long_names_are_cut_but_metrics_are_not() -> None:
    long = structure(control(1, "x" * 90, type_="Fronius", states={"priceConsumption": 1}))
    text = "\n".join(table([house(found(long))], WIDE))
    assert "x" * 36 not in text
    assert "…" in text


async def test_what_nobody_knows_is_listed_to_be_reported() -> None:
    toaster = structure(
        control(1, type_="Toaster", states={"x": 1, "y": 2}),
        control(2, type_="Toaster", states={"x": 3}),
    )
    text = "\n".join(summary(house(found(toaster))))
    assert "nobody knows these 3 states, please report them: Toaster.x (2), Toaster.y (1)" in text
    assert "nobody knows" not in "\n".join(summary(house(found(METER))))


async def test_an_explanation_tells_each_step() -> None:
    text = list(explain(house(found(METER, VALUES)), "netz"))
    assert f"Netz (Meter, Kitchen, Stuff) {key(1)}" == text[0]
    assert "  actual: 0.42 kW" in text
    assert "    loxone_power_watts 420" in text
    assert "    format: details.actualFormat is '%.3fkW': the unit is kW" in text
    assert "  jLocked: no number" in text
    assert [] == list(explain(house(found(METER)), "nothing"))


async def test_json_has_everything() -> None:
    (miniserver,) = json.loads(as_json([house(found(METER, VALUES), "it broke off")]))[
        "miniservers"
    ]
    assert ("home", "it broke off") == (miniserver["name"], miniserver["error"])
    (meter,) = miniserver["controls"]
    assert (key(1), "Netz", "Stuff") == (meter["uuid"], meter["name"], meter["category"])
    actual, _, day, locked = meter["states"]
    assert {
        "name": "actual",
        "uuid": key(1),
        "value": 0.42,
        "unit": "kW",
        "series": {"loxone_control_value": 0.42, "loxone_power_watts": 420.0},
        "optional_series": None,
        "not_exported": None,
        "known": True,
    } == {name: value for name, value in actual.items() if name != "decisions"}
    assert {"by": "format", "what": actual["decisions"][1]["what"]} == actual["decisions"][1]
    assert "loxone_energy_day_joules" == day["optional_series"]
    assert {"loxone_lock_state": None} == locked["series"]


async def test_pulses_are_shown_by_how_often_they_came() -> None:
    state = MiniserverState(
        name="home", connection=ConnectionState.CONNECTED, counted_states=counted_states
    )
    state.replace_structure(house_of("Pushbutton", ("active",)))
    for value in (0.0, 1.0, 0.0, 1.0):
        state.apply_values([(uuid(1), value)])
    ((button,),) = (control.states for control in discover(state, configure()))
    assert ("loxone_control_activations_total", 2.0) == (
        button.metric,
        button.series[button.metric],
    )
    assert not button.has_quantity


async def test_series_carry_the_uuid_where_that_is_asked_for() -> None:
    (actual, *_) = states(found(METER, VALUES, metrics=MetricsConfig(uuid_label=True))).values()
    assert {"loxone_control_value": 0.42, "loxone_power_watts": 420.0} == dict(actual.series)


async def test_what_a_miniserver_tells_of_itself_is_listed() -> None:
    demo = DemoHouse(now=datetime(2026, 3, 14, 12, tzinfo=UTC))
    state = MiniserverState(name="demo", connection=ConnectionState.CONNECTED)
    state.replace_structure(parse_structure(demo.structure))
    state.apply_values(demo.values.items())
    state.apply_weather(demo.weather)
    told = told_series(state, configure())
    assert 1.0 == told['loxone_miniserver_operating_mode{state="saturday"}']
    assert 1 == sum("operating_mode" in metric for metric in told)
    assert "loxone_weather_temperature_celsius" in told
    shown = "\n".join(table([House("demo", "", (), told=told)], WIDE))
    assert 'loxone_miniserver_operating_mode{state="saturday"} 1' in shown
    assert (
        told == json.loads(as_json([House("demo", "", (), told=told)]))["miniservers"][0]["series"]
    )
    assert {} == told_series(MiniserverState(name="x"), configure())


async def test_what_another_control_keeps_private_is_explained() -> None:
    tracker = control("part", "Log", type_="Tracker", states={"entries": 1})
    alarm = control(2, "Alarm", type_="Alarm", states={"sensors": 1}, parts=(tracker,))
    by_name = states(found(structure(alarm)))
    assert "another control has it as a secret" in by_name["sensors"].reasons[-1].text
    assert {} == by_name["sensors"].series


async def test_codes_that_nobody_knows_are_told_as_they_came() -> None:
    bits = house_of("SmokeAlarm", ("alarmCause",))
    (cause,) = states(found(bits, {1: 16777217.0})).values()
    assert "the code 16777217: please" in cause.reasons[-1].text
    lock = connected(house_of("Switch", ("jLocked",)), texts={1: '{"locked": 7}'})
    ((locked,),) = (control.states for control in discover(lock, configure()))
    assert 'the code {"locked": 7}: please' in locked.reasons[-1].text


async def test_an_operating_mode_that_nobody_knows_is_told() -> None:
    document = {"controls": {}, "globalStates": {"operatingMode": key(1)}}
    state = connected(parse_structure(json.dumps(document)), values={1: 77.0})
    assert {"loxone_exporter_unknown_codes": 1.0} == told_series(state, configure())
    hidden = configure(filter_=FilterConfig(exclude_classes=("presence",)))
    assert {} == told_series(state, hidden)


async def test_what_is_not_shown_says_why() -> None:
    schedule = states(found(house_of("Daytimer", ("entriesAndDefaultValue",))))
    assert "once more today" in schedule["entriesAndDefaultValue"].kept_out
    nothing = MetricsConfig(control_value=False, quantities=False, activations=False)
    meter = states(found(METER, VALUES, metrics=nothing))
    assert {"what would show it is switched off in [metrics]"} == {
        state.kept_out for state in meter.values()
    }
    assert {"metrics"} == {state.reasons[-1].rule for state in meter.values()}


async def test_a_text_is_no_quantity() -> None:
    state = connected(house_of("Brandnew", ("note",)), texts={1: "Hello"})
    ((note,),) = (control.states for control in discover(state, configure({"text_values": True})))
    assert "loxone_control_text_info" == note.metric
    assert not note.has_quantity


async def test_what_a_scrape_leaves_out_as_a_duplicate_is_not_shown() -> None:
    document = {
        "controls": {
            key(1): {
                "name": "A",
                "type": "Brandnew",
                "states": {"x[0]": key(1), "x": [key(2)]},
            }
        }
    }
    state = connected(parse_structure(json.dumps(document)), values={1: 1.0, 2: 2.0})
    ((first, second),) = (control.states for control in discover(state, configure()))
    assert {"loxone_control_value": 1.0} == dict(first.series)
    assert ({}, "left out by another series with the same labels") == (
        dict(second.series),
        second.kept_out,
    )
    assert "metrics" == second.reasons[-1].rule


async def test_an_override_that_leaves_a_code_alone_says_so() -> None:
    alarm = house_of("SmokeAlarm", ("level",))
    override = OverrideConfig(names=("Thing",), quantity="power", unit="kW")
    (level,) = states(found(alarm, {1: 1.0}, overrides=(override,))).values()
    assert 'loxone_smoke_alarm_level{state="pre_alarm"}' == level.metric
    assert any("override[0] does not change this" in reason.text for reason in level.reasons)


async def test_where_the_limit_cuts_is_said() -> None:
    lamps = structure(*(control(number, f"Lamp {number}") for number in range(1, 5)))
    values = dict.fromkeys(range(1, 5), 1.0)
    each = size_of(connected(lamps), configure()) // 4
    for limit, cut in ((2 * each, ["Lamp 3", "Lamp 4"]), (4 * each, [])):
        controls = found(lamps, values, metrics=MetricsConfig(max_series=limit))
        assert cut == [
            control.name for control in controls for state in control.states if state.is_cut
        ]
        told = [line for line in summary(house(controls)) if "max_series" in line]
        assert len(told) == bool(cut)
        assert all("no room for 2 states" in line and "'Lamp 3'" in line for line in told)
        explained = "\n".join(explain(house(controls), "Lamp 4"))
        assert ("metrics: left out by [metrics] max_series" in explained) is bool(cut)


async def test_nothing_that_a_terminal_obeys_is_shown() -> None:
    evil = "red \x1b[31m bell \x07 \x9b31m right\u202e"
    lamps = structure(control(1, evil, room=evil, category=evil, type_=evil, states={evil: 1}))
    controls = found(lamps, {1: 1.0})
    told = {f'loxone_x{{name="{evil}"}}': 1.0}
    houses = [House("home", "", tuple(controls), told=told)]
    shown = [
        *table(houses, WIDE),
        *table(houses, 40),
        *explain(houses[0], "*"),
        as_json(houses),
        *lines(houses),
    ]
    text = "\n".join(shown)
    assert evil.encode() not in text.encode()
    assert [] == [each for each in text if not each.isprintable() and each not in "\n\t"]
    (control_,) = json.loads(as_json(houses))["miniservers"][0]["controls"]
    assert evil == control_["name"]
