"""What becomes of each state of a house, and what decided it: the data of `discover`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import frozen

from loxone_exporter.loxone.uuids import format_uuid
from loxone_exporter.metrics.decisions import Reason
from loxone_exporter.metrics.filters import compile_globs
from loxone_exporter.metrics.members import named_source
from loxone_exporter.metrics.names import NameRegistry
from loxone_exporter.metrics.places import ControlPlace, House, Plan, StatePlace, find_places
from loxone_exporter.metrics.series import PLAIN_VALUE, TEXT_VALUE
from loxone_exporter.state import MiniserverState, States


@frozen
class FoundState:
    """A state, and what becomes of it.

    Attributes:
        subcontrol: The label.
        uuid: What event tables call it.
        value: The number that the Miniserver sent; None if it sent none.
        unit: In which unit, for people; empty where nobody knows.
        series: The metrics that show it, each with its value, which may be absent.
        optional: The metric that would show it if optional quantities were asked for.
        kept_out: Why there is no series at all; empty where there is one.
        is_known: Whether the catalog knows the state.
        has_numbers: Whether it is one that numbers are to be expected of.
        reasons: What decided, in order.
    """

    subcontrol: str
    uuid: str
    value: float | None
    unit: str
    series: Mapping[str, float | None]
    optional: str
    kept_out: str
    is_known: bool
    has_numbers: bool
    reasons: tuple[Reason, ...]

    @property
    def metric(self) -> str:
        """The most telling of its metrics; empty if there is none."""
        return list(self.series)[-1] if self.series else ""

    @property
    def has_quantity(self) -> bool:
        """Whether a typed family shows it."""
        return self.metric not in {"", PLAIN_VALUE}


@frozen
class FoundControl:
    """A control or sub-control.

    Attributes:
        uuid: Its key in the structure file.
        name: The label, and likewise the others.
        original_name: Its name in the structure file; of a sub-control, that of the control.
        states: All its states.
    """

    uuid: str
    name: str
    original_name: str
    room: str
    category: str
    type: str
    states: tuple[FoundState, ...]

    def is_called(self, pattern: str) -> bool:
        """Whether a pattern, as in a filter, matches one of its names or its UUID."""
        expression = compile_globs([pattern])
        return any(map(expression.fullmatch, (self.name, self.original_name, self.uuid)))


def discover(state: MiniserverState, plan: Plan) -> Iterator[FoundControl]:
    """What becomes of a Miniserver's controls, in the order of the structure file.

    Args:
        state: What is known of it.
        plan: What the owner wants to see.
    """
    structure = state.structure
    if structure is None:
        return
    house = House.of(structure)
    _, places = find_places(structure, plan, NameRegistry())
    for place in places:
        labels = place.labels
        states = tuple(
            _found(place, state_place, state.shown, plan)
            for state_place in place.states(house, plan)
        )
        yield FoundControl(
            uuid=place.control.key,
            name=labels.name,
            original_name=place.original.name,
            room=labels.room,
            category=labels.category,
            type=labels.type,
            states=states,
        )


def matched_overrides(state: MiniserverState, plan: Plan) -> frozenset[int]:
    """Which overrides match a control or a state of a Miniserver, by their index."""
    if state.structure is None:
        return frozenset()
    _, places = find_places(state.structure, plan, NameRegistry())
    return frozenset(index for place in places for index in place.matched_overrides(plan.overrides))


def _found(place: ControlPlace, state_place: StatePlace, states: States, plan: Plan) -> FoundState:
    state, decision, values = state_place.state, state_place.decision, states.values
    value, family = values.get(state.uuid), decision.family
    named = decision.members.family.sample_name if decision.members else ""
    has_numbers = value is not None or decision.has_numbers
    series: dict[str, float | None] = {}
    optional, kept_out, reasons = "", state_place.kept_out, decision.reasons
    if state_place.rejected:
        rule = "override" if state_place.rejected.endswith(".drop") else "filter"
        reasons = (*reasons, Reason(rule, kept_out))
    elif not kept_out and plan.metrics.text_values and not has_numbers:
        series[TEXT_VALUE] = 1.0 if state.uuid in states.texts else None
    elif not kept_out and not has_numbers and not named:
        kept_out = "a text: there is a series with [metrics] text_values = true only"
        reasons = (*reasons, Reason("metrics", kept_out))
    elif not kept_out:
        if plan.metrics.control_value and has_numbers:
            series[PLAIN_VALUE] = value
        if family is not None and plan.serves(decision):
            condition = place.condition(decision)
            holds = condition is None or condition.holds(values)
            has_value = value is not None and holds
            series[family.sample_name] = decision.conversion(value or 0.0) if has_value else None
        elif family is not None and plan.metrics.quantities:
            optional = family.sample_name
    if named and not kept_out and plan.serves(decision):
        series |= _named_series(place, state_place, states)
    elif named and not kept_out and plan.metrics.quantities:
        optional = named
    return FoundState(
        subcontrol=state_place.subcontrol,
        uuid=format_uuid(state.uuid),
        value=value,
        unit=decision.unit,
        series=series,
        optional=optional,
        kept_out=kept_out,
        is_known=decision.entry is not None,
        has_numbers=has_numbers,
        reasons=reasons,
    )


def _named_series(
    place: ControlPlace, state_place: StatePlace, states: States
) -> Mapping[str, float | None]:
    """What holds, as it can be asked for; the bare name where nothing does."""
    members = state_place.decision.members
    if members is None:
        return {}
    source = named_source(members, place.names(members))
    reading = source.read(state_place.state.uuid, states)
    name = members.family.sample_name
    if reading is None or not reading.is_known:
        return {name: None}
    return {f'{name}{{state="{key}"}}': 1.0 for key in reading.names} or {name: 0.0}
