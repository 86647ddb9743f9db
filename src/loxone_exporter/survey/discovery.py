"""What becomes of each state of a house, and what decided it: the data of `discover`."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from typing import Final

from attrs import define, evolve, field, frozen

from loxone_exporter.config.model import Config
from loxone_exporter.loxone.uuids import StateUuid, format_uuid
from loxone_exporter.metrics.catalog import Kind
from loxone_exporter.metrics.decisions import Decision, Reason
from loxone_exporter.metrics.filters import compile_globs
from loxone_exporter.metrics.members import NamedSource
from loxone_exporter.metrics.names import NameRegistry
from loxone_exporter.metrics.places import ControlPlace, House, Plan, StatePlace, find_places
from loxone_exporter.metrics.series import PLAIN_VALUE, TEXT_VALUE
from loxone_exporter.state import MiniserverState, States
from loxone_exporter.survey.shown import NOT_A_QUANTITY, ShownSeries, shown_series, states_with_room


_TWIN: Final = "another series with the same labels"
_CUT: Final = "[metrics] max_series: there is no room for it"


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
    def is_cut(self) -> bool:
        """Whether there is no room for it below the limit of series."""
        return self.kept_out.endswith(_CUT)

    @property
    def has_quantity(self) -> bool:
        """Whether a typed family shows it."""
        return self.metric not in {"", *NOT_A_QUANTITY, TEXT_VALUE}


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


def discover(state: MiniserverState, config: Config) -> Iterator[FoundControl]:
    """What becomes of a Miniserver's controls, in the order of the structure file.

    Args:
        state: What is known of it.
        config: What the owner wants to see.
    """
    structure = state.structure
    if structure is None:
        return
    plan = Plan.compile(config.metrics, config.filter, config.override)
    house, shown = House.of(structure, plan), shown_series(state, config)
    _, places = find_places(structure, plan, NameRegistry())
    scrape = _Scrape(shown, states_with_room(structure, state.name, plan))
    for place in places:
        labels = place.labels
        states = tuple(
            _found(place, scrape.mark(place, state_place), state.shown, shown, plan)
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


def _found(
    place: ControlPlace, state_place: StatePlace, states: States, shown: ShownSeries, plan: Plan
) -> FoundState:
    state, decision = state_place.state, state_place.decision
    value = states.values.get(state.uuid)
    has_numbers = value is not None or decision.has_numbers
    kept_out, series, optional = state_place.kept_out, {}, ""
    notes: list[Reason] = []
    if state_place.rejected:
        notes.append(Reason(_rule_of(state_place.rejected), kept_out))
    elif kept_out and not decision.is_private:
        notes.append(Reason("catalog", kept_out))
    elif not kept_out:
        family = decision.members.family if decision.members else decision.family
        # A family that is served has a sample as soon as there is a value.
        expected = [PLAIN_VALUE] if has_numbers and plan.metrics.control_value else []
        if family is not None and plan.serves(decision):
            expected.append(family.sample_name)
        elif family is not None and plan.metrics.quantities:
            optional = family.sample_name
        if plan.metrics.text_values and not has_numbers:
            expected.append(TEXT_VALUE)
        series = shown.of_state(place, state_place, expected)
        if unknown := _unknown_code(state_place, states):
            notes.append(Reason("catalog", f"nobody knows the code {unknown}: please report it"))
        if not series and not optional:
            kept_out = _why_not_shown(decision, has_numbers=has_numbers)
            notes.append(Reason("metrics", kept_out))
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
        reasons=(*decision.reasons, *notes),
    )


def _rule_of(rejected: str) -> str:
    """What kind of thing keeps a state out."""
    if rejected in {_TWIN, _CUT}:
        return "metrics"
    return "override" if rejected.endswith(".drop") else "filter"


def _why_not_shown(decision: Decision, *, has_numbers: bool) -> str:
    """Why there is no series of a state that nothing keeps out."""
    if has_numbers or decision.members is not None:
        return "what would show it is switched off in [metrics]"
    if decision.entry is not None and decision.entry.kind is Kind.DAYTIMER:
        return "a schedule: there is a series while it changes once more today"
    return "a text: there is a series with [metrics] text_values = true only"


def _unknown_code(state_place: StatePlace, states: States) -> str:
    """What the Miniserver sent, if that is a code or bit that has no name."""
    members, uuid = state_place.decision.members, state_place.state.uuid
    if members is None:
        return ""
    reading = NamedSource.of(members, state_place.names_from).read(uuid, states)
    if reading is None or reading.is_known:
        return ""
    return states.texts.get(uuid, "") if members.is_lock else f"{states.values[uuid]:.10g}"


@define
class _Scrape:
    """Finds states that a scrape leaves out, although nothing speaks against them."""

    shown: ShownSeries
    _with_room: Container[tuple[int, StateUuid]]
    _seen: set[tuple[str, ...]] = field(factory=set)

    def mark(self, place: ControlPlace, state_place: StatePlace) -> StatePlace:
        """The same; marked as kept out if it is a duplicate, or there is no room for it."""
        if state_place.kept_out:
            return state_place
        key = self.shown.key(place, state_place)
        if key in self._seen:
            return evolve(state_place, rejected=_TWIN)
        if (place.index, state_place.state.uuid) not in self._with_room:
            return evolve(state_place, rejected=_CUT)
        self._seen.add(key)
        return state_place
