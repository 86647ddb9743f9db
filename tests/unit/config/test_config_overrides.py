from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import pytest
import tomli_w
from attrs import asdict, fields, fields_dict
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loxone_exporter.config.findings import ConfigurationError
from loxone_exporter.config.model import (
    OVERRIDE_EFFECTS,
    OVERRIDE_MATCHES,
    Config,
    FilterConfig,
    OverrideConfig,
)
from loxone_exporter.config.quantities import quantity, unit
from loxone_exporter.units import HouseUnits, find_unit, is_degree_sign, spellings
from support.configs import MINISERVER, find_all, load_text


OVERRIDE = """
[[override]]
names = ["Pool"]
"""
# The file is written anew for each example.
one_file = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def load_overrides(folder: Path, text: str) -> tuple[OverrideConfig, ...]:
    loaded = load_text(folder, f"{text}\n{MINISERVER}")
    assert () == loaded.warnings
    return loaded.config.override


EVERYTHING = """
[[override]]
rooms = ["Garden", ""]
categories = ["Pool*"]
types = ["InfoOnlyAnalog"]
names = ["pH", "Redox"]
uuids = ["0f86a2fe-0378-3e08-ffffb2d4efc8b5b6"]
states = ["value"]
quantity = "ph_target"
unit = "m³"
metric_type = "counter"

[[override]]
uuids = ["0f86a2fe-*"]
name = "Heat pump"
room = ""

[[override]]
rooms = ["Cellar"]
drop = true
"""


def test_every_key_arrives_in_the_model(tmp_path: Path) -> None:
    expected = (
        OverrideConfig(
            rooms=("Garden", ""),
            categories=("Pool*",),
            types=("InfoOnlyAnalog",),
            names=("pH", "Redox"),
            uuids=("0f86a2fe-0378-3e08-ffffb2d4efc8b5b6",),
            states=("value",),
            quantity="ph_target",
            unit="m³",
            metric_type="counter",
            name=None,
            room=None,
        ),
        OverrideConfig(uuids=("0f86a2fe-*",), name="Heat pump", room=""),
        OverrideConfig(rooms=("Cellar",), drop=True),
    )
    assert expected == load_overrides(tmp_path, EVERYTHING)


@pytest.mark.parametrize("text", ["", "override = []"])
def test_without_a_table_nothing_is_overridden(tmp_path: Path, text: str) -> None:
    assert () == load_overrides(tmp_path, text)


def test_every_key_is_to_match_by_or_to_do_and_matches_are_those_of_filters() -> None:
    assert list(fields_dict(OverrideConfig)) == [*OVERRIDE_MATCHES, *OVERRIDE_EFFECTS]
    includes = [option.name.removeprefix("include_") for option in fields(FilterConfig)]
    assert list(OVERRIDE_MATCHES) == [name for name in includes if "exclude" not in name]


@pytest.mark.parametrize("match", OVERRIDE_MATCHES)
def test_one_thing_to_match_by_is_enough(tmp_path: Path, match: str) -> None:
    for pattern in ("Pool", "*", ""):
        text = f'[[override]]\n{match} = ["{pattern}"]\nunit = "kWh"'
        expected = asdict(OverrideConfig(unit="kWh")) | {match: (pattern,)}
        assert [expected] == [asdict(override) for override in load_overrides(tmp_path, text)]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('quantity = "humidity"', OverrideConfig(names=("Pool",), quantity="humidity")),
        ('quantity = "pm2_5"', OverrideConfig(names=("Pool",), quantity="pm2_5")),
        # Nearly, but not quite, what is reserved.
        ('quantity = "controls"', OverrideConfig(names=("Pool",), quantity="controls")),
        ('quantity = "totals"', OverrideConfig(names=("Pool",), quantity="totals")),
        ('quantity = "subtotal"', OverrideConfig(names=("Pool",), quantity="subtotal")),
        ('quantity = "energy_flow"', OverrideConfig(names=("Pool",), quantity="energy_flow")),
        ('quantity = "total_control"', OverrideConfig(names=("Pool",), quantity="total_control")),
        # None at all, which leaves the plain value.
        ('quantity = ""', OverrideConfig(names=("Pool",), quantity="")),
        # A mere number.
        ('unit = ""', OverrideConfig(names=("Pool",), unit="")),
        ('unit = "l / min"', OverrideConfig(names=("Pool",), unit="l / min")),
        ('unit = " kWh. "', OverrideConfig(names=("Pool",), unit=" kWh. ")),
        ('unit = "KWH"', OverrideConfig(names=("Pool",), unit="KWH")),
        ('unit = "€/kWh"', OverrideConfig(names=("Pool",), unit="€/kWh")),
        ('unit = "ct/kWh"', OverrideConfig(names=("Pool",), unit="ct/kWh")),
        ('unit = "currency"', OverrideConfig(names=("Pool",), unit="currency")),
        ('unit = "%"', OverrideConfig(names=("Pool",), unit="%")),
        # The house's own.
        ('unit = "°"', OverrideConfig(names=("Pool",), unit="°")),
        ('metric_type = "gauge"', OverrideConfig(names=("Pool",), metric_type="gauge")),
        ('metric_type = "counter"', OverrideConfig(names=("Pool",), metric_type="counter")),
        ('name = "Žluťoučký 🐴"', OverrideConfig(names=("Pool",), name="Žluťoučký 🐴")),
        ('room = "Garden"', OverrideConfig(names=("Pool",), room="Garden")),
        ('room = ""', OverrideConfig(names=("Pool",), room="")),
        ("drop = true", OverrideConfig(names=("Pool",), drop=True)),
        (
            'quantity = ""\nunit = ""\ndrop = false',
            OverrideConfig(names=("Pool",), quantity="", unit="", drop=False),
        ),
        (
            'name = "Pump"\nroom = "Cellar"\nquantity = "flow"\nstates = []',
            OverrideConfig(names=("Pool",), name="Pump", room="Cellar", quantity="flow"),
        ),
        (
            'states = ["value"]\ndrop = true',
            OverrideConfig(names=("Pool",), states=("value",), drop=True),
        ),
    ],
)
def test_what_can_be_meant_is_taken_without_a_word(
    tmp_path: Path, line: str, expected: OverrideConfig
) -> None:
    assert (expected,) == load_overrides(tmp_path, OVERRIDE + line)


NEEDS_MATCH = "needs something to match by: rooms, categories, types, names, uuids, states"
NEEDS_EFFECT = "needs something to do: quantity, unit, metric_type, name, room, drop"
OF_CONTROLS = "is that of whole controls: remove states, or make it a table of its own"


@pytest.mark.parametrize(
    ("lines", "findings"),
    [
        ("", [f": {NEEDS_EFFECT}", f": {NEEDS_MATCH}"]),
        ('unit = "kWh"', [f": {NEEDS_MATCH}"]),
        ('names = []\nstates = []\nunit = "kWh"', [f": {NEEDS_MATCH}"]),
        ("drop = true", [f": {NEEDS_MATCH}"]),
        ('names = ["Pool"]', [f": {NEEDS_EFFECT}"]),
        ("drop = false", [f": {NEEDS_MATCH}"]),
        (
            'names = ["Pool"]\ndrop = true\nunit = "kWh"',
            [".drop: leaves out what unit is about: remove one of the two"],
        ),
        # In the order of the keys above, whatever that of the file.
        (
            'names = ["Pool"]\nroom = ""\nunit = ""\nquantity = ""\ndrop = true',
            [".drop: leaves out what quantity, unit, room is about: remove one of the two"],
        ),
        ('states = ["value"]\nname = "Pump"', [f".name: {OF_CONTROLS}"]),
        ('names = ["Pool"]\nstates = ["value"]\nroom = ""', [f".room: {OF_CONTROLS}"]),
        (
            'states = ["value"]\nname = "Pump"\nroom = "Cellar"\nunit = "kWh"',
            [f".name: {OF_CONTROLS}", f".room: {OF_CONTROLS}"],
        ),
        (
            'states = ["value"]\nname = "Pump"\ndrop = true',
            [
                ".drop: leaves out what name is about: remove one of the two",
                f".name: {OF_CONTROLS}",
            ],
        ),
        ('name = "Pump"\ndrop = false', [f": {NEEDS_MATCH}"]),
    ],
)
def test_what_cannot_be_meant_together_is_found(
    tmp_path: Path, lines: str, findings: list[str]
) -> None:
    found = find_all(tmp_path, f"[[override]]\n{lines}\n{MINISERVER}")
    assert [f"override[0]{finding}" for finding in findings] == found


def test_contradictions_name_their_table_and_come_with_all_other_findings(tmp_path: Path) -> None:
    text = f"""
        {OVERRIDE} unit = "kWh"
        [[override]]
        {OVERRIDE} metric_type = "summary"
        {OVERRIDE} drop = true
        quantity = "Power"
        [log]
        level = 1
    """
    assert find_all(tmp_path, text + MINISERVER) == [
        'log.level: expected "debug", "info", "warning" or "error", found the number 1',
        f"override[1]: {NEEDS_EFFECT}",
        f"override[1]: {NEEDS_MATCH}",
        'override[2].metric_type: expected "gauge" or "counter", found the text \'summary\'',
        "override[3].drop: leaves out what quantity is about: remove one of the two",
        (
            "override[3].quantity: expected lower-case words and digits, joined by underscores,"
            " such as \"humidity\", found the text 'Power'"
        ),
    ]


def test_places_of_contradictions_count_what_is_no_table_too(tmp_path: Path) -> None:
    assert find_all(tmp_path, f"override = [5, {{drop = true}}, []]\n{MINISERVER}") == [
        "override[0]: expected a table, written [[override]], found the number 5",
        f"override[1]: {NEEDS_MATCH}",
        (
            "override[2]: expected a table, written [[override]] with single brackets,"
            " found an array"
        ),
    ]


UNIT_EXPECTATION = 'expected a unit such as "kWh", "°C", "%" or "l/min", found the text '
QUANTITY_EXPECTATION = (
    "expected lower-case words and digits, joined by underscores, such as "
    '"humidity", found the text '
)
TAKEN = "names that begin with {} are taken by other metrics"
MEANS = "a name must not end with {}, which means something else"


@pytest.mark.parametrize(
    ("line", "finding"),
    [
        # Units, with the nearest one.
        ('unit = "l/mn"', f"unit: {UNIT_EXPECTATION}'l/mn', did you mean 'l/min'?"),
        ('unit = "kvarh"', f"unit: {UNIT_EXPECTATION}'kvarh', did you mean 'kvar'?"),
        ('unit = "Celsiuss"', f"unit: {UNIT_EXPECTATION}'Celsiuss', did you mean 'Celsius'?"),
        ('unit = "degree"', f"unit: {UNIT_EXPECTATION}'degree', did you mean 'degrees'?"),
        ('unit = "%%"', f"unit: {UNIT_EXPECTATION}'%%', did you mean '%'?"),
        ('unit = "xyz"', f"unit: {UNIT_EXPECTATION}'xyz'"),
        ('unit = " "', f"unit: {UNIT_EXPECTATION}' '"),
        (f'unit = "{"x" * 61}"', f"unit: {UNIT_EXPECTATION}'{'x' * 60}…'"),
        ("unit = 5", "unit: expected text in quotes, found the number 5"),
        ('unit = ["kWh"]', "unit: expected text in quotes, found an array"),
        # Quantities.
        ('quantity = "Humidity"', f"quantity: {QUANTITY_EXPECTATION}'Humidity'"),
        ('quantity = "pool ph"', f"quantity: {QUANTITY_EXPECTATION}'pool ph'"),
        ('quantity = "pool-ph"', f"quantity: {QUANTITY_EXPECTATION}'pool-ph'"),
        ('quantity = "pool__ph"', f"quantity: {QUANTITY_EXPECTATION}'pool__ph'"),
        ('quantity = "_ph"', f"quantity: {QUANTITY_EXPECTATION}'_ph'"),
        ('quantity = "ph_"', f"quantity: {QUANTITY_EXPECTATION}'ph_'"),
        ('quantity = "2ph"', f"quantity: {QUANTITY_EXPECTATION}'2ph'"),
        ('quantity = "ph\\n"', f"quantity: {QUANTITY_EXPECTATION}'ph\\n'"),
        ('quantity = "höhe"', f"quantity: {QUANTITY_EXPECTATION}'höhe'"),
        ('quantity = " "', f"quantity: {QUANTITY_EXPECTATION}' '"),
        ("quantity = 7", "quantity: expected text in quotes, found the number 7"),
        ('quantity = "control"', f"quantity: {TAKEN.format('control')}"),
        ('quantity = "control_value"', f"quantity: {TAKEN.format('control')}"),
        ('quantity = "exporter"', f"quantity: {TAKEN.format('exporter')}"),
        ('quantity = "exporter_up"', f"quantity: {TAKEN.format('exporter')}"),
        ('quantity = "miniserver"', f"quantity: {TAKEN.format('miniserver')}"),
        ('quantity = "miniserver_up"', f"quantity: {TAKEN.format('miniserver')}"),
        ('quantity = "weather"', f"quantity: {TAKEN.format('weather')}"),
        ('quantity = "weather_x"', f"quantity: {TAKEN.format('weather')}"),
        (
            'quantity = "schedule_next_change_timestamp"',
            f"quantity: {TAKEN.format('schedule_next_change')}",
        ),
        ('quantity = "energy_flow_node"', f"quantity: {TAKEN.format('energy_flow_node')}"),
        ('quantity = "energy_flow_node_x"', f"quantity: {TAKEN.format('energy_flow_node')}"),
        ('quantity = "control_total"', f"quantity: {TAKEN.format('control')}"),
        ('quantity = "rain_total"', f"quantity: {MEANS.format('total')}"),
        ('quantity = "total"', f"quantity: {MEANS.format('total')}"),
        ('quantity = "info"', f"quantity: {MEANS.format('info')}"),
        ('quantity = "device_info"', f"quantity: {MEANS.format('info')}"),
        ('quantity = "created"', f"quantity: {MEANS.format('created')}"),
        ('quantity = "rain_created"', f"quantity: {MEANS.format('created')}"),
        ('quantity = "rain_sum"', f"quantity: {MEANS.format('sum')}"),
        ('quantity = "count"', f"quantity: {MEANS.format('count')}"),
        ('quantity = "person_count"', f"quantity: {MEANS.format('count')}"),
        ('quantity = "water_bucket"', f"quantity: {MEANS.format('bucket')}"),
        # The other keys.
        (
            'metric_type = "Counter"',
            'metric_type: expected "gauge" or "counter", found the text \'Counter\'',
        ),
        ("metric_type = true", 'metric_type: expected "gauge" or "counter", found true'),
        ('name = ""', "name: expected text, found an empty one"),
        ('name = " "', "name: expected text, found an empty one"),
        (
            'name = "two\\nlines"',
            "name: expected text without line breaks and other control characters",
        ),
        ("name = 5", "name: expected text in quotes, found the number 5"),
        ("room = 5", "room: expected text in quotes, found the number 5"),
        ('drop = "yes"', "drop: expected true or false, found the text 'yes'"),
        ("drop = 1", "drop: expected true or false, found the number 1"),
        # Patterns.
        (
            'unit = "kWh"\nrooms = "Cellar"',
            "rooms: expected an array in square brackets, found the text 'Cellar'",
        ),
        (
            'unit = "kWh"\nstates = ["value", 5]',
            "states[1]: expected text in quotes, found the number 5",
        ),
        # Unknown keys, each with the nearest known one.
        ('unit = "kWh"\nunits = "kWh"', "units: unknown key, did you mean 'unit'?"),
        ('unit = "kWh"\nquantitiy = "a"', "quantitiy: unknown key, did you mean 'quantity'?"),
        ('unit = "kWh"\nUnit = "kWh"', "Unit: unknown key, did you mean 'unit'?"),
        ('unit = "kWh"\ncategory = ["a"]', "category: unknown key, did you mean 'categories'?"),
        ('unit = "kWh"\ntype = "counter"', "type: unknown key, did you mean 'types'?"),
        (
            'unit = "kWh"\nmetrics_type = "counter"',
            "metrics_type: unknown key, did you mean 'metric_type'?",
        ),
        (
            'unit = "kWh"\ninclude_names = ["a"]',
            "include_names: unknown key, did you mean 'include_names' in [filter]?",
        ),
        ('unit = "kWh"\ncolour = "red"', "colour: unknown key"),
    ],
)
def test_a_mistake_in_an_override_is_found(tmp_path: Path, line: str, finding: str) -> None:
    assert [f"override[0].{finding}"] == find_all(tmp_path, f"{OVERRIDE}{line}\n{MINISERVER}")


DOUBLE = "override: expected an array of tables, written [[override]] with double brackets"


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ('[override]\nnames = ["Pool"]\nunit = "kWh"', f"{DOUBLE}, found a table"),
        ("[override]", f"{DOUBLE}, found a table"),
        ('[override.pool]\nunit = "kWh"', f"{DOUBLE}, found a table"),
        ("override = {}", f"{DOUBLE}, found a table"),
        ('override = "drop"', f"{DOUBLE}, found the text 'drop'"),
        ("override = true", f"{DOUBLE}, found true"),
        (
            'override = ["drop"]',
            "override[0]: expected a table, written [[override]], found the text 'drop'",
        ),
        ("[[overrides]]", "overrides: unknown key, did you mean [[override]]?"),
        ("[overide]", "overide: unknown key, did you mean [[override]]?"),
        # Keys of an override where there is none.
        ('quantity = "ph"', "quantity: unknown key, did you mean 'quantity' in [[override]]?"),
        (
            '[metrics]\nmetric_type = "gauge"',
            "metrics.metric_type: unknown key, did you mean 'metric_type' in [[override]]?",
        ),
        (
            '[filter]\nnames = ["Pool"]',
            "filter.names: unknown key, did you mean 'names' in [[override]]?",
        ),
    ],
)
def test_overrides_that_are_no_array_of_tables_are_found(
    tmp_path: Path, text: str, finding: str
) -> None:
    assert [finding] == find_all(tmp_path, f"{text}\n{MINISERVER}")


def test_nobody_but_the_file_overrides(tmp_path: Path) -> None:
    environ = {"LOXONE_OVERRIDE": "drop", "LOXONE_QUANTITY": "ph"}
    text = f'{OVERRIDE}unit = "kWh"\n{MINISERVER}'
    expected = (OverrideConfig(names=("Pool",), unit="kWh"),)
    assert expected == load_text(tmp_path, text, environ).config.override


texts = st.text(st.characters(exclude_categories=["Cs"]))
lines = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).filter(str.strip)
patterns = st.lists(texts, max_size=3)
TAKEN_BEGINS = (
    "control_",
    "exporter_",
    "miniserver_",
    "weather_",
    "schedule_next_change_",
    "energy_flow_node_",
)
quantities = st.from_regex(r"[a-z][a-z0-9]{0,8}(_[a-z0-9]{1,8}){0,3}_x", fullmatch=True).filter(
    lambda text: not text.startswith(TAKEN_BEGINS)
)
amounts = ["€", "EUR/kWh", "ct/kWh", "currency", "temp", "°", ""]
of_states: dict[str, st.SearchStrategy[object]] = {
    "quantity": quantities | st.just(""),
    "unit": st.sampled_from([*spellings(), *amounts]),
    "metric_type": st.sampled_from(["gauge", "counter"]),
}
of_controls: dict[str, st.SearchStrategy[object]] = {"name": lines, "room": lines | st.just("")}


def is_meant(table: Mapping[str, object]) -> bool:
    return any(table.get(key) for key in OVERRIDE_MATCHES) and any(
        key in table for key in OVERRIDE_EFFECTS
    )


matches: dict[str, st.SearchStrategy[object]] = dict.fromkeys(OVERRIDE_MATCHES, patterns)
without_states = {key: value for key, value in matches.items() if key != "states"}
# What can be meant together.
tables = st.one_of(
    st.fixed_dictionaries({}, optional=matches | of_states),
    st.fixed_dictionaries({}, optional=without_states | of_states | of_controls),
    st.fixed_dictionaries({"drop": st.just(value=True)}, optional=matches),
).filter(is_meant)


@one_file
@given(written=st.lists(tables, max_size=3))
def test_every_override_that_is_written_is_read_back(
    written: list[dict[str, object]], tmp_path: Path
) -> None:
    read = load_overrides(tmp_path, tomli_w.dumps({"override": written}))
    for table, override in zip(written, read, strict=True):
        defaults = asdict(OverrideConfig())
        arrived = {key: tuple(it) if isinstance(it, list) else it for key, it in table.items()}
        assert defaults | arrived == asdict(override)


words = st.sampled_from(["kWh", "humidity", "counter", "control_x", "a_total", "Pool", "", "°"])
scalars = texts | words | st.integers() | st.floats() | st.booleans() | st.dates()
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(words | texts, inner, max_size=2),
    max_leaves=4,
)
any_tables = st.fixed_dictionaries({}, optional=dict.fromkeys(fields_dict(OverrideConfig), values))


@one_file
@given(document=st.fixed_dictionaries({"override": st.lists(any_tables | values) | values}))
def test_any_override_is_read_or_refused(document: dict[str, object], tmp_path: Path) -> None:
    with suppress(ConfigurationError):
        config = load_text(tmp_path, f"{tomli_w.dumps(document)}\n{MINISERVER}").config
        assert isinstance(config, Config)
        assert document["override"] or () == config.override


@given(texts | quantities | words)
def test_any_text_is_a_quantity_as_it_is_or_none(text: str) -> None:
    with suppress(ValueError):
        assert text == quantity(text)


@given(texts | st.sampled_from(sorted(spellings())))
def test_any_text_is_a_unit_as_it_is_or_none(text: str) -> None:
    with suppress(ValueError):
        assert text == unit(text)
        is_known = not text or is_degree_sign(text)
        assert is_known or find_unit(text, HouseUnits(currency="EUR"))


@pytest.mark.parametrize(
    "lines",
    [
        'names = ["Pool"]\nquantitiy = "ph"',
        'names = ["Pool"]\nquantity = false',
        'names = ["Pool"]\nroom = false',
        'names = ""\nunit = "K"',
        'names = ["Pool"]\nroom = "a\\nb"',
    ],
)
def test_one_mistake_is_one_finding(tmp_path: Path, lines: str) -> None:
    assert 1 == len(find_all(tmp_path, f"[[override]]\n{lines}\n{MINISERVER}"))


def test_a_price_may_be_in_any_currency(tmp_path: Path) -> None:
    (override,) = load_overrides(tmp_path, '[[override]]\nnames = ["Pool"]\nunit = "kr/kWh"\n')
    assert "kr/kWh" == override.unit


def test_the_nearest_unit_is_found_in_any_case(tmp_path: Path) -> None:
    text = f'[[override]]\nnames = ["Pool"]\nunit = "KWHH"\n{MINISERVER}'
    assert "did you mean 'kWh'?" in find_all(tmp_path, text)[0]


@pytest.mark.parametrize(
    "name", ["power_watts", "x_celsius", "price_eur", "price_czk_per_kilowatt_hour", "x_ratio"]
)
def test_the_unit_is_no_part_of_a_quantity(tmp_path: Path, name: str) -> None:
    text = f'[[override]]\nnames = ["Pool"]\nquantity = "{name}"\n{MINISERVER}'
    (finding,) = find_all(tmp_path, text)
    assert "the unit comes behind the quantity by itself" in finding
