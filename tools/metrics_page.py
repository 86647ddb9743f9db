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
from typing import Final

import trio
from attrs import define, field
from prometheus_client import Metric

from loxone_exporter.config.model import Config, MetricsConfig, MiniserverConfig
from loxone_exporter.config.secret import Secret
from loxone_exporter.loxone.replies import Device
from loxone_exporter.loxone.structure import parse_structure
from loxone_exporter.metrics.catalog import CATALOG, Entry
from loxone_exporter.metrics.catalog.entry import MEASURED, SET
from loxone_exporter.metrics.collector import LoxoneCollector
from loxone_exporter.metrics.counted import counted_states
from loxone_exporter.metrics.keywords import HINTS
from loxone_exporter.metrics.quantities import FAMILIES, Family
from loxone_exporter.metrics.quantities.digital import DIGITAL
from loxone_exporter.metrics.quantities.energy import ENERGY
from loxone_exporter.metrics.quantities.environment import ENVIRONMENT
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
_HOUSE: Final = {
    "controls": {
        "x": {
            "type": "EFM",
            "states": {"actual0": "00000000-0000-0000-0000000000000001"},
            "details": {"actualFormat": "%.3fkW", "nodes": [{"nodeType": "Grid"}]},
        },
        "y": {
            "type": "Pushbutton",
            "states": {"active": "00000000-0000-0000-0000000000000002"},
        },
    }
}

_READINGS = "a counter that an override makes a gauge"
_BY_UNIT = "*by unit*"
_BY_NAME = "*by unit and name*"
_CONTROL_FAMILIES = ("loxone_control", "loxone_energy_flow_node")


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
    families = {family.name: family for family in LoxoneCollector(_config(), [_state()]).collect()}
    others = [name for name in families if name.startswith(_CONTROL_FAMILIES)]
    typed = {family.name for family in FAMILIES.values()}
    exporter = [name for name in families if name not in {*others, *typed}]
    text = TEMPLATE.read_text(encoding="utf-8")
    for mark, lines in (
        ("families", _quantities()),
        ("others", _table(families[name] for name in sorted(others))),
        ("exporter", _table(families[name] for name in sorted(exporter))),
    ):
        text = text.replace(f"<!-- {mark} -->", "\n".join(lines))
    return _NOTE + text


def _config() -> Config:
    miniserver = MiniserverConfig(name="x", host="x", username="x", password=Secret("x"))
    return Config(miniservers=(miniserver,), metrics=MetricsConfig(text_values=True))


def _state() -> MiniserverState:
    """A Miniserver of which everything is known, so that no family is without samples."""
    state = MiniserverState(
        name="x", connection=ConnectionState.CONNECTED, counted_states=counted_states
    )
    structure = parse_structure(json.dumps(_HOUSE))
    state.replace_structure(structure)
    state.apply_values((uuid, 1.0) for uuid in structure.state_uuids())
    state.apply_texts((uuid, "x") for uuid in structure.state_uuids())
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
    for key in quantities_of_units():
        _add_free(sources, key, _BY_UNIT)
    for key in FAMILIES:
        if key not in sources:
            sources[key].states[_READINGS] = None
    return sources


def _add(sources: defaultdict[str, _Sources], state: str, entry: Entry) -> None:
    for family in entry.families.values():
        source = sources[family.key]
        is_one_of_many = family in (*MEASURED.values(), *SET.values()) and len(entry.families) > 1
        if entry.is_free:
            source.states[_BY_UNIT] = None
        elif not is_one_of_many or family.unit in {"watts", "joules", "cubic_meters"}:
            type_, _, name = state.partition(".")
            shown = name if entry.is_default else f"({name})"
            source.states[f"{type_}.{shown}"] = None
        source.is_default = source.is_default or entry.is_default


def _add_free(sources: defaultdict[str, _Sources], key: str, how: str) -> None:
    if key in FAMILIES:
        sources[key].states[how] = None
        sources[key].is_default = True


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
