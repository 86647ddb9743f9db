"""What the queries of all dashboards have in common: they are about the chosen house, or room.

Variables are put in as `${name:regex}` between backticks. There, nothing but the backtick itself
has a meaning of its own, and Grafana escapes what has one in a regular expression: rooms may be
called `Kinder's "Reich" (1. Stock)`. Between double quotes, a quote in a name would end the query.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final


JOB: Final = "job=~`${job:regex}`"
HOUSE: Final = f"{JOB}, miniserver=~`${{miniserver:regex}}`"
ROOM: Final = f"{HOUSE}, room=~`${{room:regex}}`"

BY_HOUSE: Final = "job, miniserver"
BY_ROOM: Final = "job, miniserver, room"
# `uuid` is there with `[metrics] uuid_label` only, where names do not tell controls apart.
BY_CONTROL: Final = "job, miniserver, room, name, uuid"
BY_STATE: Final = f"{BY_CONTROL}, subcontrol"


def job(name: str, *matchers: str, **labels: str) -> str:
    """The series of a name in the chosen jobs.

    Args:
        name: Of the series; empty if a matcher tells it.
        matchers: Further ones, in PromQL.
        labels: Labels that have just this value.
    """
    return _select(name, JOB, *matchers, **labels)


def house(name: str, *matchers: str, **labels: str) -> str:
    """The series of a name in the chosen houses, likewise."""
    return _select(name, HOUSE, *matchers, **labels)


def room(name: str, *matchers: str, **labels: str) -> str:
    """The series of a name in the chosen room, likewise."""
    return _select(name, ROOM, *matchers, **labels)


def once(select: str, *labels: str) -> str:
    """Each state once, for sums: two exporters may see the same Miniserver.

    Args:
        select: What may be there twice.
        labels: Those that are kept besides.
    """
    kept = ", ".join((BY_STATE, "category", "type", *labels))
    return f"max by ({kept}) ({select})"


def firing(where: Callable[..., str] = house, *matchers: str, **labels: str) -> str:
    """Alerts that call now.

    Args:
        where: Those of the chosen houses; with `job`, all of the chosen jobs.
        matchers: Further ones, in PromQL.
        labels: Labels that have just this value.
    """
    return where("ALERTS", *matchers, alertstate="firing", **labels)


def firing_anywhere(*matchers: str, **labels: str) -> str:
    """Likewise, of the chosen houses and of no house in particular, such as an exporter's."""
    of_no_house = firing(job, 'miniserver=""', *matchers, **labels)
    return f"({firing(house, *matchers, **labels)} or {of_no_house})"


def names(*those: str) -> str:
    """A matcher for several names of series."""
    return f'__name__=~"{"|".join(those)}"'


def codes(
    family: str,
    states: Iterable[str],
    *,
    first: int = 1,
    by: str = BY_CONTROL,
    where: Callable[..., str] = house,
) -> str:
    """A family of named states, of which one holds, as its number in an order.

    Names cannot be drawn over time, numbers can; `looks.state_names` names them again. 0 is a
    code that has no name.

    Args:
        family: The family.
        states: Its states in their order.
        first: The number of the first.
        by: The labels that are kept.
        where: Which series of the family.
    """
    terms = (
        f"{where(family, state=state)} * {number}" for number, state in enumerate(states, first)
    )
    return f"max by ({by}) ({' or '.join(terms)})"


# Power of the whole house. What several controls repeat is averaged, and not added up.


def grid_power(where: Callable[..., str] = house) -> str:
    """Power from the grid in watts; negative into it."""
    meters = f"max by ({BY_HOUSE}) ({where('loxone_power_grid_watts')})"
    return f"avg by ({BY_HOUSE}) ({where('loxone_power_flow_grid_watts')}) or {meters}"


def storage_power(where: Callable[..., str] = house) -> str:
    """Power from the storage in watts; negative while it is charged."""
    meters = f"sum by ({BY_HOUSE}) ({once(where('loxone_power_storage_watts'))})"
    return f"avg by ({BY_HOUSE}) ({where('loxone_power_flow_storage_watts')}) or {meters}"


def production_power(where: Callable[..., str] = house) -> str:
    """Power from the sun in watts.

    As `loxone:production_watts` has it. That is recorded once in a minute: beside the present power
    from the grid and the storage, it would not add up when a cloud comes.
    """
    sources = names("loxone_power_production_watts", "loxone_power_flow_production_watts")
    return f"max by ({BY_HOUSE}) ({where('', sources)})"


def consumption_power(where: Callable[..., str] = house) -> str:
    """Power that the house takes in watts: what an energy monitor says, or what comes in."""
    monitor = f"avg by ({BY_HOUSE}) ({where('loxone_power_consumption_watts')})"
    sources = names(
        "loxone_power_flow_grid_watts",
        "loxone_power_flow_storage_watts",
        "loxone_power_flow_production_watts",
    )
    each = f"avg by ({BY_HOUSE}, __name__) ({where('', sources)})"
    return f"{monitor} or sum by ({BY_HOUSE}) ({each})"


def consumers() -> str:
    """Power of each consumer in watts, by the label `node`.

    By their names in the energy flow monitor; in houses without one, of each meter.
    """
    nodes = house("loxone_power_flow_node_consumption_watts")
    named = (
        f"{nodes} * ignoring (node, role) group_left (node) {house('loxone_energy_flow_node_info')}"
    )
    meters = f"{once(house('loxone_power_watts', type='Meter'))} unless on ({BY_HOUSE}) {nodes}"
    return f'{once(named, "node")} or label_replace({meters}, "node", "$1", "name", "(.+)")'


def not_measured() -> str:
    """Power that comes in and that no consumer of the energy flow monitor takes, in watts."""
    sources = names(
        "loxone_power_flow_node_production_watts",
        "loxone_power_flow_node_grid_watts",
        "loxone_power_flow_node_storage_watts",
    )
    taken = once(house("loxone_power_flow_node_consumption_watts"))
    return f"sum by ({BY_HOUSE}) ({once(house('', sources))}) - sum by ({BY_HOUSE}) ({taken})"


def storage_charge() -> str:
    """How full storages are, from 0 to 1: by their meters, or as energy monitors repeat it."""
    reported = house("loxone_storage_charge_reported_ratio")
    return f"{house('loxone_storage_charge_ratio')} or on ({BY_HOUSE}) {reported}"


def counted(flow: str, window: str = "$__range", where: Callable[..., str] = house) -> str:
    """Energy of a house in kWh, by the largest meter of its kind: that contains the others.

    Args:
        flow: What it counts: `import`, `export`, `production`, `consumption`.
        window: In which time; that of the panel by default.
        where: Of which houses.
    """
    reading = where("loxone:energy_kwh:reading", flow=flow)
    return f"max by ({BY_HOUSE}) (increase({reading}[{window}]))"


def _select(name: str, *matchers: str, **labels: str) -> str:
    equalities = (f'{label}="{value}"' for label, value in labels.items())
    return f"{name}{{{', '.join((*matchers, *equalities))}}}"
