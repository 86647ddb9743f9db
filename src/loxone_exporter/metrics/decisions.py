"""Which typed family a state feeds, in which unit it is sent, and what decided that.

The control's type decides where the catalog knows the state. Where the type leaves it open, the
structure file's format strings tell the unit, and names what it is a unit of. An override in the
configuration has the last word.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from attrs import define, evolve, field, frozen

from loxone_exporter.loxone.structure import Control, State
from loxone_exporter.metrics.catalog import Entry, Kind, Members, find_entry
from loxone_exporter.metrics.catalog.entry import MEASURED, SET
from loxone_exporter.metrics.conversions import (
    DIGITAL,
    INVERTED,
    UNCHANGED,
    Conversion,
    CounterConversion,
    time_conversion,
    unit_conversion,
)
from loxone_exporter.metrics.keywords import find_quantity, is_set_point
from loxone_exporter.metrics.members import with_names
from loxone_exporter.metrics.overrides import NO_OVERRIDE, StateOverride
from loxone_exporter.metrics.quantities import FAMILIES, Family, find_family, units_of
from loxone_exporter.units import CURRENCY, Format, HouseUnits, Unit, find_unit, is_degree_sign


_BITS = range(32)

NO_MODES: Final[Mapping[int, str]] = {}

_AN_ENERGY = "joules"
_DIFFERENCES = ("temperature_difference", "temperature_tolerance", "temperature_offset")
_MASTER = "/masterValue"
"""How the key of the dimmer ends that stands for all lights of a controller."""


@frozen
class Reason:
    """One step of a decision.

    Attributes:
        rule: What decided: `catalog`, `format`, `name`, `override`; of what is left out also
            `filter` or `metrics`, which are tables of the configuration.
        text: What it decided, for people.
    """

    rule: str
    text: str


@frozen
class _Sent:
    """What a Miniserver sends.

    Attributes:
        base: The base unit in which it can be shown.
        conversion: How.
        unit: The unit in which it comes; None for a mere number or a time.
        spelling: That unit, for people.
    """

    base: str
    conversion: Conversion
    unit: Unit | None = None
    spelling: str = ""


@frozen
class Decision:
    """What becomes of a state, beside `loxone_control_value`.

    Attributes:
        entry: The catalog's row; None where nobody knows the state.
        family: The typed family; None where there is none.
        unit: What the Miniserver sends, for people: `kW`; empty for a mere number or a time, or if
            nobody knows.
        conversion: Makes its numbers ones of the family.
        is_default: Whether the family is served unless asked for.
        members: The names of its codes or bits, where it feeds a family of named states instead.
        reasons: What decided, in order.
    """

    entry: Entry | None
    family: Family | None = None
    unit: str = ""
    conversion: Conversion = UNCHANGED
    is_default: bool = True
    members: Members | None = None
    reasons: tuple[Reason, ...] = ()

    @property
    def is_private(self) -> bool:
        """Whether the state is never exported."""
        return self.entry is not None and self.entry.is_private

    @property
    def has_numbers(self) -> bool:
        """Whether numbers are to be expected of the state."""
        return self.entry is None or self.entry.kind.is_number


def decide(
    control: Control,
    state: State,
    units: HouseUnits,
    override: StateOverride = NO_OVERRIDE,
    modes: Mapping[int, str] = NO_MODES,
) -> Decision:
    """Decide what a state is.

    Args:
        control: The control, as the structure file has it.
        state: One of its states.
        units: What the house uses where nothing else is said.
        override: What the configuration says of the state.
        modes: Keys of the house's operating modes, by code.
    """
    return _Case(control, state, units, override, modes).decide()


_NOBODY_KNOWS = Entry(Kind.UNKNOWN)


@define
class _Case:
    """One state, and the reasons that were found so far."""

    control: Control
    state: State
    units: HouseUnits
    override: StateOverride
    modes: Mapping[int, str]
    reasons: list[Reason] = field(factory=list)

    def note(self, rule: str, text: str) -> None:
        self.reasons.append(Reason(rule, text))

    def decide(self) -> Decision:
        found = find_entry(self.control.type, self.state.base_name)
        if found is None:
            entry = _NOBODY_KNOWS
            self.note("catalog", f"nobody knows {self._row}: please report it")
        else:
            entry = found = self._choose_variant(found)
        if (members := self._members(entry)) is not None:
            return Decision(
                found,
                is_default=entry.is_default,
                members=members,
                reasons=tuple(self.reasons),
            )
        if self._settle_whether_typed(entry):
            entry = self._with_unit_of_override(entry)
            sent = self._sent(entry)
            family = self._family(entry, sent) if sent else None
        else:
            sent = family = None
        if sent is None or family is None:
            return Decision(found, reasons=tuple(self.reasons))
        is_default = entry.is_default or self.override.changes_family
        if not is_default:
            self.note("catalog", f"not served unless asked for: {entry.why}")
        is_counter = family.type == "counter"
        return Decision(
            found,
            family,
            sent.spelling,
            CounterConversion(sent.conversion) if is_counter else sent.conversion,
            is_default,
            reasons=tuple(self.reasons),
        )

    @property
    def _row(self) -> str:
        return f"{self.control.type}.{self.state.base_name}"

    def _choose_variant(self, entry: Entry) -> Entry:
        """The row that holds for this very control."""
        names = self._variants() if entry.variants else ()
        chosen = next((name for name in names if name in entry.variants), None)
        if chosen is None:
            self.note("catalog", f"{self._row} is {entry.kind.value}")
            return entry
        entry = entry.variants[chosen]
        self.note("catalog", f"{self._row} is {entry.kind.value}, here of the kind {chosen}")
        return entry

    def _variants(self) -> Iterator[str]:
        """What may choose a variant, the more telling first."""
        details, names = self.control.details, {state.name for state in self.control.states}
        if self.control.part_of == "EFM":
            yield "flow"
        if self.control.type == "Meter":
            # Firmware before 13 does not tell the type.
            yield details.type
            yield "storage" if "storage" in names else ""
            yield "bidirectional" if "totalNeg" in names else ""
        if details.is_analog:
            yield "analog"
        if self.control.key.endswith(_MASTER):
            yield "master"
        index = self.state.index
        if index is not None:
            yield "offset" if index in details.offsets else f"index{index}"
        node = details.node_of(self.state.name, self.state.uuid)
        if node is not None:
            yield node.role.lower()

    def _members(self, entry: Entry) -> Members | None:
        """The names of its codes or bits; None where there are none, or an override says more."""
        members, said = entry.members, self.override
        if members is None or entry.is_private:
            return None
        # Who types all that a control has does not mean its modes, and a lock is no number at all.
        if said.changes_family:
            if said.is_of_states and not members.is_lock:
                return None
            passed = f"{said.origin} does not change this: it is about the whole control"
            self.note("override", f"{passed}; a code is changed by a table that names it in states")
        where = members.names
        if where is not None and where.is_house:
            members = evolve(members, keys=self.modes)
        elif where is not None and where.detail:
            names = self.control.details.names.get(where.detail, {})
            if members.is_bits:
                names = {1 << bit: name for bit, name in names.items() if bit in _BITS}
            if names:
                # Where the structure file has them, a text does not tell more.
                where = evolve(where, text="")
                keys = with_names(members.keys, names)
                members = evolve(members, keys=keys, names=where)
        if not members.keys and not (where and where.text):
            self.note("catalog", "the structure file has no names for its codes")
            return None
        self.note("catalog", f"what holds is told by {members.family.name}")
        if not entry.is_default:
            self.note("catalog", f"not served unless asked for: {entry.why}")
        return members

    def _settle_whether_typed(self, entry: Entry) -> bool:
        """Whether there may be a typed family; why not, if there is none."""
        if entry.is_private:
            self.note("catalog", f"never exported: {entry.why}")
            return False
        if self.override.tables:
            self.note("override", f"{self.override.origin} of the configuration")
        if self.override.quantity == "":
            self.note("override", "it has no quantity: the plain value only")
            return False
        if not entry.families and self.override.quantity is None and self.override.unit is None:
            if entry.kind.is_number:
                self.note("catalog", f"the plain value only{entry.why and ': '}{entry.why}")
            return False
        return True

    def _with_unit_of_override(self, entry: Entry) -> Entry:
        """The same, as a number in a unit that the configuration tells, if it tells one."""
        if self.override.unit is None:
            return entry
        self.note("override", f"the unit is {self.override.unit or 'none'}")
        return evolve(
            entry,
            kind=Kind.NUMBER,
            epoch=None,
            unit=self.override.unit,
            families={**MEASURED, **entry.families},
            is_free=entry.is_free or not entry.families,
        )

    def _sent(self, entry: Entry) -> _Sent | None:
        """What the Miniserver sends; None where nobody knows its unit."""
        if entry.epoch is not None:
            self.note("catalog", f"it is counted in {entry.epoch.value}")
            return _Sent("timestamp_seconds", time_conversion(entry.epoch))
        if entry.kind is Kind.DIGITAL:
            return _Sent("", INVERTED if entry.is_inverted else DIGITAL)
        unit, spelling = self._unit(entry)
        # Whoever names a quantity for a number without unit means the mere number.
        if unit is None and entry.unit != "" and self.override.quantity is None:
            return None
        conversion = unit_conversion(unit, entry.absent)
        return _Sent(unit.base if unit else "", conversion, unit, spelling)

    def _unit(self, entry: Entry) -> tuple[Unit | None, str]:
        """The unit that the Miniserver sends, and how people write it."""
        if entry.unit is None:
            return self._unit_by_format(entry)
        unit = self._find_unit(entry.unit, entry)
        spelling = self._spelling(entry.unit, unit)
        if entry.unit and self.override.unit is None:
            self.note("catalog", f"the unit is {spelling}")
        return unit, spelling

    def _unit_by_format(self, entry: Entry) -> tuple[Unit | None, str]:
        formats = list(self._formats(entry))
        if not formats:
            self.note("format", "the structure file has no format for it")
        for place, format_ in formats:
            unit = self._find_unit(format_.unit, entry)
            if unit is None:
                verdict = f"{format_.unit!r} is no unit" if format_.unit else "it has no unit"
            elif self._is_doubtful(entry, format_):
                verdict = (
                    "it proves nothing, for a meter has that format unasked, and what "
                    f"{entry.confirmed_by} tells is no energy"
                )
            else:
                spelling = self._spelling(format_.unit, unit)
                self.note("format", f"{place} is {format_.text!r}: the unit is {spelling}")
                return unit, spelling
            self.note("format", f"{place} is {format_.text!r}: {verdict}")
        return None, ""

    def _formats(self, entry: Entry) -> Iterator[tuple[str, Format]]:
        details = self.control.details
        for key in entry.formats:
            if key in details.formats:
                yield f"details.{key}", details.formats[key]
        if self.state.name in details.state_formats:
            yield "the format in the statistics", details.state_formats[self.state.name]

    def _find_unit(self, spelling: str, entry: Entry) -> Unit | None:
        """The unit of this spelling, where a degree may be one of an angle or of a difference."""
        degrees = is_degree_sign(spelling)
        unit = find_unit("temp" if degrees else spelling, self.units)
        if unit is None or unit.base != "celsius" or unit.quantity:
            return unit
        quantity = self._quantity_in_degrees(degrees=degrees, entry=entry)
        units = units_of(quantity)
        if degrees and "degrees" in units and "celsius" not in units:
            return Unit("degrees", quantity=quantity)
        if quantity.startswith(_DIFFERENCES):
            return evolve(unit, add=0, quantity=quantity)
        return evolve(unit, quantity=quantity)

    def _quantity_in_degrees(self, *, degrees: bool, entry: Entry) -> str:
        if self.override.quantity is not None:
            return self.override.quantity
        if not entry.is_free:
            return ""
        is_of_rooms = self.control.category_type == "indoortemperature"
        return self._told_by_names("degree sign" if degrees and not is_of_rooms else "celsius")

    def _spelling(self, spelling: str, unit: Unit | None) -> str:
        """A unit as people write it, where the catalog or a format leaves it to the house."""
        is_temperature = unit is not None and unit.base == "celsius"
        if (is_degree_sign(spelling) and is_temperature) or spelling in {"temp", "temp delta"}:
            return "°F" if self.units.fahrenheit else "°C"
        return spelling.replace("currency", self.units.currency)

    def _is_doubtful(self, entry: Entry, format_: Format) -> bool:
        if format_.text != entry.doubtful_format:
            return False
        other = self.control.details.formats.get(entry.confirmed_by)
        unit = find_unit(other.unit, self.units) if other else None
        return unit is None or unit.base != _AN_ENERGY

    def _family(self, entry: Entry, sent: _Sent) -> Family | None:
        """The family of what is sent, by the override or else by the row."""
        known = self._family_of_entry(entry, sent)
        quantity, type_ = self.override.quantity, self.override.metric_type
        if quantity is not None:
            self.note("override", f"the quantity is {_worded(quantity)}")
            type_of_known = known.type if known else "gauge"
            family = find_family(
                quantity, sent.base, type_ or type_of_known, is_counted=self.override.is_counted
            )
        elif known is not None and type_ is not None:
            family = find_family(known.quantity, known.unit, type_)
        else:
            family = known
        currency = sent.unit.currency if sent.unit else ""
        if family is None:
            what = sent.base.replace(CURRENCY, currency) or "a mere number"
            rule = "override" if self.override.changes_family else "catalog"
            self.note(rule, f"the plain value only: {what} is not expected here")
            return None
        if type_ is not None:
            verdict = "it is" if family.type == type_ else "there is none that is"
            self.note("override", f"{verdict} a {type_}")
        return family.of_currency(currency)

    def _family_of_entry(self, entry: Entry, sent: _Sent) -> Family | None:
        if not entry.is_free:
            return entry.families.get(sent.base)
        is_set = entry.is_set
        if not is_set and is_set_point(self.control.name):
            self.note("name", "the name of the control tells that somebody sets it")
            is_set = True
        quantity = sent.unit.quantity if sent.unit else ""
        quantity = quantity or self._told_by_names(sent.base)
        told = f"{quantity}_target" if is_set else quantity
        families = SET if is_set and not entry.is_set else entry.families
        return FAMILIES.get(f"{told}_{sent.base}") or families.get(sent.base)

    def _told_by_names(self, base: str) -> str:
        names = {"control": self.control.name, "category": self.control.category}
        found = find_quantity(base, names, self.control.category_type)
        if found is None:
            return ""
        self.note("name", f"{found.evidence} tells that it is {_worded(found.quantity)}")
        return found.quantity


def _worded(quantity: str) -> str:
    return quantity.replace("_", " ")
