"""Scrapes of Miniservers whose states are made by hand, without a process or a network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from loxone_exporter.config.model import (
    Config,
    FilterConfig,
    MetricsConfig,
    MiniserverConfig,
    OverrideConfig,
)
from loxone_exporter.config.secret import Secret
from loxone_exporter.loxone.structure import Structure
from loxone_exporter.loxone.uuids import StateUuid
from loxone_exporter.metrics.collector import LoxoneCollector
from loxone_exporter.metrics.exposition import Exposition, Format
from loxone_exporter.state import ConnectionState, MiniserverState
from support.scrapes import Scrape
from support.structures import uuid


def configure(
    metrics: Mapping[str, Any] | None = None,
    filter_: FilterConfig | None = None,
    overrides: Iterable[OverrideConfig] = (),
) -> Config:
    """A configuration with one Miniserver.

    Args:
        metrics: What differs from the default in `[metrics]`.
        filter_: The filter.
        overrides: The overrides.
    """
    miniserver = MiniserverConfig(
        name="home", host="192.0.2.1", username="exporter", password=Secret("invented")
    )
    return Config(
        miniservers=(miniserver,),
        metrics=MetricsConfig(**(metrics or {})),
        filter=filter_ or FilterConfig(),
        override=tuple(overrides),
    )


async def scrape(
    states: Iterable[MiniserverState],
    config: Config | None = None,
    format_: Format = Format.OPENMETRICS,
) -> Scrape:
    """Render what is known of some Miniservers, and read it."""
    return await collected(LoxoneCollector(config or configure(), states), format_)


async def collected(collector: LoxoneCollector, format_: Format = Format.OPENMETRICS) -> Scrape:
    """Render what a collector has, and read it."""
    return Scrape.read(await Exposition.of(collector).render(format_), format_)


def connected(
    house: Structure,
    *,
    name: str = "home",
    values: Mapping[int, float] | None = None,
    texts: Mapping[int, str] | None = None,
    counted_states: Callable[[Structure], Iterable[StateUuid]] = lambda _: (),
) -> MiniserverState:
    """A Miniserver that is connected and has told these values, by the numbers of states."""
    state = MiniserverState(
        name=name, connection=ConnectionState.CONNECTED, counted_states=counted_states
    )
    state.replace_structure(house)
    state.apply_values((uuid(number), value) for number, value in (values or {}).items())
    state.apply_texts((uuid(number), text) for number, text in (texts or {}).items())
    return state


def change_structure(
    state: MiniserverState, house: Structure, values: Mapping[int, float] | None = None
) -> None:
    """Let a structure file arrive, and these values with it, by the numbers of states."""
    state.replace_structure(house)
    state.begin_dump()
    state.apply_values((uuid(number), value) for number, value in (values or {}).items())
    state.end_dump()
