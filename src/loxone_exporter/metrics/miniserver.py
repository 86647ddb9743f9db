"""What a Miniserver tells of itself, beside its controls: global states, and its messages' time.

Of what the global states hold, only this is exported: others tell about persons, or are texts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from loxone_exporter.loxone.structure import Structure
from loxone_exporter.loxone.uuids import StateUuid
from loxone_exporter.metrics.catalog import Epoch
from loxone_exporter.metrics.conversions import TimeConversion
from loxone_exporter.metrics.families import Heading, Told
from loxone_exporter.metrics.members import operating_mode_keys
from loxone_exporter.metrics.places import Plan
from loxone_exporter.metrics.weather import tell_weather
from loxone_exporter.state import States


_MINUTES_OF_A_DAY = 24 * 60

_OPERATING_MODE = Heading(
    "loxone_miniserver_operating_mode",
    "Operating mode of the house: 1 for the present one, 0 for the others. Own modes go by their "
    "numbers; loxone_miniserver_operating_mode_title_info has the names.",
    ("state",),
)
# A gauge and information may not have the same name before the _info (OpenMetrics 1.0).
_OPERATING_MODE_TITLE = Heading(
    "loxone_miniserver_operating_mode_title",
    "How the owner calls the operating modes, to be joined with loxone_miniserver_operating_mode.",
    ("state", "title"),
    is_info=True,
)
_SUN: Final[Mapping[str, Heading]] = {
    "sunrise": Heading(
        "loxone_miniserver_sunrise_seconds",
        "Sunrise today, in seconds since local midnight; to a minute, for that is what is sent.",
    ),
    "sunset": Heading(
        "loxone_miniserver_sunset_seconds",
        "Sunset today, in seconds since local midnight; to a minute, for that is what is sent.",
    ),
}
_INTERNET = Heading(
    "loxone_miniserver_internet_reachable",
    "The Miniserver reaches the internet (1) or not (0); absent where it does not tell.",
)
_MESSAGES = Heading(
    "loxone_miniserver_messages_changed_timestamp_seconds",
    "When the messages of the Miniserver's system status last changed; absent if never.",
)

_to_unix_time = TimeConversion(Epoch.UNIX)


def tell(structure: Structure, shown: States, plan: Plan) -> Iterator[Told]:
    """All that a Miniserver tells of itself and of the weather.

    Args:
        structure: Its structure file.
        shown: Its states, as they may be shown.
        plan: What the owner wants to see.
    """
    if not _hides_modes(plan):
        yield from _tell_operating_mode(structure, shown.values)
    yield from _tell_sun(structure, shown.values)
    reachable = _value(structure.global_states, "hasInternet", shown.values)
    if reachable is not None:
        yield Told(_INTERNET, value=float(reachable != 0))
    changed = _value(structure.message_center_states, "changed", shown.values)
    moment = None if changed is None else _to_unix_time(changed)
    if moment is not None:
        yield Told(_MESSAGES, value=moment)
    if plan.metrics.quantities:
        with_forecast = plan.metrics.weather_forecast
        yield from tell_weather(structure, shown.weather, with_forecast=with_forecast)


def has_unknown_mode(structure: Structure, shown: States, plan: Plan) -> bool:
    """Whether the operating mode is to be seen, but one that nobody has named.

    Args:
        structure: The structure file.
        shown: The Miniserver's states, as they may be shown.
        plan: What the owner wants to see.
    """
    present = _value(structure.global_states, "operatingMode", shown.values)
    keys = operating_mode_keys(structure.operating_modes)
    return present is not None and present not in keys and not _hides_modes(plan)


def _hides_modes(plan: Plan) -> bool:
    # The modes of many houses are at home, away, asleep.
    return bool(plan.filter.excludes_class(frozenset({"presence"})))


def _tell_operating_mode(structure: Structure, values: Mapping[StateUuid, float]) -> Iterator[Told]:
    present = _value(structure.global_states, "operatingMode", values)
    if present is None:
        return
    keys, titles = operating_mode_keys(structure.operating_modes), structure.operating_modes
    for code, key in keys.items():
        yield Told(_OPERATING_MODE, (key,), float(code == present))
    for code, title in titles.items():
        yield Told(_OPERATING_MODE_TITLE, (keys[code], title))


def _tell_sun(structure: Structure, values: Mapping[StateUuid, float]) -> Iterator[Told]:
    for name, heading in _SUN.items():
        # The document says seconds; recorded values are minutes (control catalog, globalStates).
        minutes = _value(structure.global_states, name, values)
        if minutes is not None and 0 <= minutes < _MINUTES_OF_A_DAY:
            yield Told(heading, value=minutes * 60)


def _value(
    states: Mapping[str, StateUuid], name: str, values: Mapping[StateUuid, float]
) -> float | None:
    uuid = states.get(name)
    return values.get(uuid) if uuid else None
