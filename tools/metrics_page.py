"""Writes docs/metrics.md: `python -m tools.metrics_page [--check]`.

The prose is in docs/metrics.template.md; tables come from the catalog and from a scrape.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import trio
from attrs import define, field
from prometheus_client import Metric

from loxone_exporter.config.model import Config, MetricsConfig, MiniserverConfig
from loxone_exporter.config.secret import Secret
from loxone_exporter.loxone.replies import Device
from loxone_exporter.loxone.structure import parse_structure
from loxone_exporter.loxone.tables import Daytimer, DaytimerEntry, Weather, WeatherEntry
from loxone_exporter.metrics.catalog import CATALOG, COMMON, Entry, Privacy
from loxone_exporter.metrics.catalog.entry import MEASURED, SET
from loxone_exporter.metrics.collector import LoxoneCollector
from loxone_exporter.metrics.counted import counted_states
from loxone_exporter.metrics.keywords import HINTS
from loxone_exporter.metrics.privacy import REVEALED, TYPES, reveals_presence
from loxone_exporter.metrics.quantities import FAMILIES, Family
from loxone_exporter.metrics.quantities.digital import DIGITAL
from loxone_exporter.metrics.quantities.energy import ENERGY
from loxone_exporter.metrics.quantities.environment import ENVIRONMENT
from loxone_exporter.metrics.quantities.family import READING
from loxone_exporter.state import ConnectionState, LinkState, MiniserverState
from loxone_exporter.units import quantities_of_units


DOCS: Final = Path(__file__).resolve().parents[1] / "docs"
TEMPLATE: Final = DOCS / "metrics.template.md"
PAGE: Final = DOCS / "metrics.md"

_NOTE = (
    "<!-- Written by tools/metrics_page.py: change docs/metrics.template.md or the catalog. -->\n\n"
)
_GROUPS: Final[Mapping[str, Iterable[Family]]] = {
    "Climate, light, water, weather, time": ENVIRONMENT,
    "Energy and money": ENERGY,
    "Yes or no": DIGITAL,
}
_HOUSE: Final[Mapping[str, Any]] = {
    "controls": {
        "x": {
            "type": "EFM",
            "states": {"actual0": "00000000-0000-0000-0000000000000001"},
            "details": {"actualFormat": "%.3fkW", "nodes": [{"nodeType": "Grid"}]},
        },
        "y": {
            "type": "Daytimer",
            "states": {
                "mode": "00000000-0000-0000-0000000000000009",
                "entriesAndDefaultValue": "00000000-0000-0000-000000000000000a",
            },
        },
        "z": {
            "type": "Pushbutton",
            "states": {"active": "00000000-0000-0000-000000000000000c"},
        },
    },
    "operatingModes": {"0": "x"},
    "globalStates": {
        "operatingMode": "00000000-0000-0000-0000000000000002",
        "sunrise": "00000000-0000-0000-0000000000000003",
        "sunset": "00000000-0000-0000-0000000000000004",
        "hasInternet": "00000000-0000-0000-0000000000000005",
        "miniserverTime": "00000000-0000-0000-000000000000000b",
    },
    "messageCenter": {"x": {"states": {"changed": "00000000-0000-0000-0000000000000006"}}},
    "weatherServer": {
        "states": {
            "actual": "00000000-0000-0000-0000000000000007",
            "forecast": "00000000-0000-0000-0000000000000008",
        },
        "weatherTypeTexts": {"1": "x"},
    },
}
_SOME_TIME: Final = 1_260_000_000
"""Eight in the morning, UTC; in seconds since 2009, too, it is not in the far past or future."""

_WEATHER: Final = (WeatherEntry(_SOME_TIME, 1, 1, 1, 1, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0),)
_ENTRIES: Final = (DaytimerEntry(1, 12 * 60, 13 * 60, 0, 1.0),)
_RAIN: Final = ("%.1fl/m²/h", "%.1fmm")
"""The formats that there are for it; each makes it another family."""

_READINGS = "a counter that an override makes a gauge"
_BY_UNIT = "*by unit*"
_BY_NAME = "*by unit and name*"
_CONTROL_FAMILIES = ("loxone_control", "loxone_energy_flow_node", "loxone_schedule_next_change")
_HOUSE_FAMILIES = ("loxone_miniserver", "loxone_weather")


@define
class _Sources:
    """What feeds a family."""

    states: dict[str, None] = field(factory=dict)
    is_default: bool = False


def page() -> str:
    """The whole page."""
    return trio.run(_write_page)


async def _write_page() -> str:
    await trio.lowlevel.checkpoint()  # only the clock is needed
    states = [_state(rain) for rain in _RAIN]
    collector = LoxoneCollector(_config(), states, now=lambda: _SOME_TIME)
    families = {family.name: family for family in collector.collect()}
    others = [name for name in families if name.startswith(_CONTROL_FAMILIES)]
    house = [name for name in families if name.startswith(_HOUSE_FAMILIES)]
    typed = {family.name for family in FAMILIES.values()}
    exporter = [name for name in families if name not in {*others, *house, *typed}]
    text = TEMPLATE.read_text(encoding="utf-8")
    for mark, lines in (
        ("free", [", ".join(_free_states())]),
        ("families", _quantities()),
        ("named", _named_states()),
        ("private", _private_states()),
        ("classes", _privacy_classes()),
        ("others", _table(families[name] for name in sorted(others))),
        ("house", _table(families[name] for name in sorted(house))),
        ("exporter", _table(families[name] for name in sorted(exporter))),
    ):
        text = text.replace(f"<!-- {mark} -->", "\n".join(lines))
    return _NOTE + text


def _config() -> Config:
    miniserver = MiniserverConfig(name="x", host="x", username="x", password=Secret("x"))
    metrics = MetricsConfig(text_values=True, weather_forecast=True)
    return Config(miniservers=(miniserver,), metrics=metrics)


def _state(rain: str) -> MiniserverState:
    """A Miniserver of which everything is known, so that no family is without samples.

    Args:
        rain: The format of precipitation.
    """
    state = MiniserverState(
        name=rain, connection=ConnectionState.CONNECTED, counted_states=counted_states
    )
    formats = {"windSpeed": "%.0fkm/h", "precipitation": rain}
    weather = _HOUSE["weatherServer"] | {"format": formats}
    structure = parse_structure(json.dumps({**_HOUSE, "weatherServer": weather}))
    state.replace_structure(structure)
    state.apply_values((uuid, 1.0) for uuid in structure.state_uuids())
    changed = structure.message_center_states.values()
    state.apply_values((uuid, float(_SOME_TIME)) for uuid in changed)
    tables = structure.weather_states.values()
    state.apply_weather(Weather(uuid, _SOME_TIME, _WEATHER) for uuid in tables)
    state.apply_texts((uuid, "+00:00") for uuid in structure.state_uuids())
    state.apply_daytimers(Daytimer(uuid, 0.0, _ENTRIES) for uuid in structure.state_uuids())
    state.last_received = 1.0
    state.link = LinkState(
        device=Device(serial="x", firmware=(1,)),
        certificate_not_after=1.0,
        token_valid_until=1.0,
        login_retry=1.0,
        clock_offset=1.0,
        structure_time=1.0,
    )
    return state


def _quantities() -> Iterator[str]:
    sources = _sources()
    for group, families in _GROUPS.items():
        yield f"### {group}\n"
        yield "| family | type | unit | served | what | from |"
        yield "|---|---|---|---|---|---|"
        for family in sorted(families, key=lambda family: family.sample_name):
            source = sources[family.key]
            states = _listed(source.states)
            served = "yes" if source.is_default else "on request"
            if _READINGS in source.states:
                served = "by override"
            unit = family.metadata_unit or "none"
            yield (
                f"| `{family.sample_name}` | {family.type} | {unit} | {served} | {family.help} "
                f"| {states} |"
            )
        yield ""


def _listed(states: Iterable[str]) -> str:
    """States of one type together, types in the order of the alphabet."""
    by_type: defaultdict[str, list[str]] = defaultdict(list)
    words = []
    for state in states:
        type_, dot, name = state.partition(".")
        if dot:
            by_type[type_].append(name)
        else:
            words.append(state)
    named = [f"{type_}: {', '.join(names)}" for type_, names in sorted(by_type.items())]
    return "; ".join([*named, *words])


def _sources() -> Mapping[str, _Sources]:
    sources: defaultdict[str, _Sources] = defaultdict(_Sources)
    for type_, states in CATALOG.items():
        for state, entry in states.items():
            for row in (entry, *entry.variants.values()):
                _add(sources, f"{type_}.{state}", row)
    told = ((base, hint.quantity) for base, hints in HINTS.items() for hint in hints)
    for base, quantity in told:
        for unit in ("degrees", "celsius") if base == "degree sign" else (base,):
            _add_free(sources, f"{quantity}_{unit}", _BY_NAME)
            _add_free(sources, f"{quantity}_target_{unit}", _BY_NAME)
    for quantity, unit in quantities_of_units():
        _add_free(sources, f"{quantity}_{unit}", _BY_UNIT)
        _add_free(sources, f"{quantity}_target_{unit}", _BY_UNIT)
    for key, family in FAMILIES.items():
        if key not in sources and family.quantity.endswith(READING):
            sources[key].states[_READINGS] = None
    return sources


def _add(sources: defaultdict[str, _Sources], state: str, entry: Entry) -> None:
    for family in entry.families.values():
        source = sources[family.key]
        is_one_of_many = family in (*MEASURED.values(), *SET.values()) and len(entry.families) > 1
        type_, _, name = state.partition(".")
        if entry.is_free and is_one_of_many:
            source.states[_BY_UNIT] = None
            is_shown = type_ == "Meter" and family.unit == "watts"
        else:
            is_shown = not is_one_of_many or family.unit in {"watts", "joules", "cubic_meters"}
        if is_shown:
            shown = name if entry.is_default else f"({name})"
            source.states[f"{type_}.{shown}"] = None
        source.is_default = source.is_default or entry.is_default


def _free_states() -> Iterator[str]:
    """The types whose states can be anything, with those states if their name tells something."""
    for type_, states in sorted(CATALOG.items()):
        rows = (
            (name, row) for name, one in states.items() for row in (one, *one.variants.values())
        )
        free = dict.fromkeys(f"`{name}`" for name, row in rows if row.is_free and row.families)
        if free:
            yield f"`{type_}`" + ("" if "`value`" in free else f" ({', '.join(free)})")


def _add_free(sources: defaultdict[str, _Sources], key: str, how: str) -> None:
    if key in FAMILIES:
        sources[key].states[how] = None
        sources[key].is_default = True


def _named_states() -> Iterator[str]:
    sources: defaultdict[Family, dict[str, Entry]] = defaultdict(dict)
    for state, entry in _rows():
        if entry.members is not None:
            sources[entry.members.family][state] = entry
    yield "| family | names | served | what | from |"
    yield "|---|---|---|---|---|"
    for family in sorted(sources, key=lambda family: family.name):
        entries = sources[family]
        names: dict[str, None] = {}
        for members in (entry.members for entry in entries.values() if entry.members):
            names |= dict.fromkeys(f"`{key}`" for key in members.keys.values())
            if members.names is not None:
                owner = "the house's operating modes" if members.names.is_house else "the owner's"
                names[f"*{owner}*"] = None
        is_default = any(entry.is_default for entry in entries.values())
        served = "yes" if is_default else "on request"
        yield (
            f"| `{family.name}` | {', '.join(names)} | {served} | {family.help} "
            f"| {_listed(entries)} |"
        )


def _private_states() -> Iterator[str]:
    yield "| class | what | states |"
    yield "|---|---|---|"
    texts = {
        Privacy.SECRET: "what may open a door, and what people type",
        Privacy.PERSON: "who did what, and when; what people listen to",
    }
    for privacy, text in texts.items():
        states = [state for state, entry in _rows() if entry.privacy is privacy]
        yield f"| {privacy.value} | {text} | {_listed(states)} |"


def _privacy_classes() -> Iterator[str]:
    yield "| class | reveals | controls and states |"
    yield "|---|---|---|"
    for name, reveals in REVEALED.items():
        types = TYPES.get(name, frozenset())
        sources = [f"all of {', '.join(sorted(types))}"] if types else []
        if name == "presence":
            sources.append("all in categories of lights")
            sources.append("`loxone_miniserver_operating_mode`")
            revealing = [state for state, entry in _rows() if reveals_presence(entry)]
            sources.append(_listed(state for state in revealing if _type_of(state) not in types))
        if name == "secured":
            sources.append("all for which the app asks for the visualisation password")
        yield f"| `{name}` | {reveals} | {'; '.join(sources)} |"


def _type_of(state: str) -> str:
    return state.partition(".")[0]


def _rows() -> Iterator[tuple[str, Entry]]:
    """All rows of the catalog by type and state; `any` is what many types have."""
    for type_, states in {**CATALOG, "any": COMMON}.items():
        for state, entry in states.items():
            yield f"{type_}.{state}", entry


def _table(families: Iterable[Metric]) -> Iterator[str]:
    yield "| family | type | labels | what |"
    yield "|---|---|---|---|"
    for family in families:
        name, suffix = family.name, {"counter": "_total", "info": "_info"}.get(family.type, "")
        labels = dict.fromkeys(label for sample in family.samples for label in sample.labels)
        shown = ", ".join(f"`{label}`" for label in labels) or "none"
        yield f"| `{name}{suffix}` | {family.type} | {shown} | {family.documentation} |"


def main(arguments: list[str] | None = None) -> int:
    """Write the page, or say whether it is up to date."""
    parser = argparse.ArgumentParser(description="Write docs/metrics.md.")
    parser.add_argument("--check", action="store_true", help="only compare")
    options = parser.parse_args(arguments)
    text = page()
    if not options.check:
        PAGE.write_text(text, encoding="utf-8")
        return 0
    if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == text:
        return 0
    sys.stderr.write("docs/metrics.md is not up to date: run `nox -s docs`\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
