"""Faults and drills as they are ordered on the command line.

A fault is `NAME[=VALUE][@FROM[-TO]]`, a drill `NAME[=VALUE][@SECONDS]`.
"""

from __future__ import annotations

import difflib
import logging
import re
import textwrap
from collections.abc import Iterator
from typing import Any, Final

import trio
from attrs import frozen

from loxone_exporter.simulator.drills import DRILLS, Drill
from loxone_exporter.simulator.fault_values import ValueForm
from loxone_exporter.simulator.faults import FaultInfo, Faults, all_faults
from loxone_exporter.simulator.miniserver import SimulatedMiniserver


DRILL_INTERVAL: Final = 60.0
"""Seconds between two drills of a kind, unless the order says something else."""

_SHORTEST: Final = 0.1
_LONGEST: Final = 1e8

_WIDTH: Final = 96
_INDENT: Final = "      "

_logger = logging.getLogger(__name__)


@frozen
class Order:
    """One fault or drill that was asked for.

    Attributes:
        text: As it was written.
        subject: What is to happen.
        value: Its value.
        seconds: A drill happens each time so many seconds have passed, a fault begins so many
            seconds after the start.
        until: A fault ends so many seconds after the start; None where it does not.
    """

    text: str
    subject: FaultInfo | Drill
    value: Any
    seconds: float
    until: float | None = None

    @property
    def is_at_once(self) -> bool:
        """Whether it is a fault that is there from the start."""
        return isinstance(self.subject, FaultInfo) and not self.seconds

    @property
    def is_for_good(self) -> bool:
        """Whether it is a fault that is there from the start to the end."""
        return self.is_at_once and self.until is None


def parse_order(text: str) -> Order:
    """Understand an order.

    Raises:
        ValueError: There is no such fault, or its value or time is wrong; the message says so.
    """
    order, times = _split_times(text)
    name, separator, value_text = order.partition("=")
    subject = _subject(name)
    if separator:
        try:
            value = subject.form.read(value_text)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
    elif subject.form.bare is None:
        raise ValueError(f"{name} needs a value: {_usage(name, subject.form)}")
    else:
        value = subject.form.bare
    if isinstance(subject, Drill):
        return Order(text, subject, value, *_interval(name, times))
    return Order(text, subject, value, *_beginning_and_end(subject, times))


def begin(faults: Faults, order: Order) -> None:
    """Switch a lasting fault on."""
    if isinstance(order.subject, FaultInfo):
        setattr(faults, order.subject.attribute, order.value)


def end(faults: Faults, order: Order) -> None:
    """Switch a lasting fault off."""
    if isinstance(order.subject, FaultInfo):
        attribute = order.subject.attribute
        setattr(faults, attribute, getattr(Faults(), attribute))


async def carry_out(miniserver: SimulatedMiniserver, order: Order) -> None:
    """Do what was ordered when its time has come; drills go on until cancelled."""
    start = trio.current_time()
    await trio.sleep(order.seconds)
    _logger.info("fault: %s", order.text)
    if isinstance(order.subject, Drill):
        while True:
            await order.subject.run(miniserver, order.value)
            await trio.sleep(order.seconds)
            _logger.info("fault: %s", order.text)
    begin(miniserver.faults, order)
    if order.until is not None:
        await trio.sleep_until(start + order.until)
        end(miniserver.faults, order)
        _logger.info("fault is over: %s", order.text)


def describe_all() -> Iterator[str]:
    """The lines of a list of everything that can be ordered."""
    yield "Faults that last; @FROM or @FROM-TO: seconds after the start when they begin and end:"
    for fault in all_faults().values():
        yield from _describe(fault.name, fault.form, fault.about)
    yield ""
    yield f"What happens again and again, every {DRILL_INTERVAL:g} seconds or as @SECONDS says:"
    for drill in DRILLS.values():
        yield from _describe(drill.name, drill.form, drill.about)
    yield ""
    yield "Sections and quirks are those of the project's protocol reference."


def _describe(name: str, form: ValueForm, about: str) -> Iterator[str]:
    yield f"  {_usage(name, form)}"
    yield from textwrap.wrap(about, _WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT)


def _usage(name: str, form: ValueForm) -> str:
    if not form.placeholder:
        return name
    return f"{name}={form.placeholder}" if form.bare is None else f"{name}[={form.placeholder}]"


def _subject(name: str) -> FaultInfo | Drill:
    subjects: dict[str, FaultInfo | Drill] = {**all_faults(), **DRILLS}
    if name in subjects:
        return subjects[name]
    near = difflib.get_close_matches(name.replace("_", "-").lower(), subjects, n=1)
    hint = f"did you mean {near[0]}?" if near else "see --list-faults"
    raise ValueError(f"there is no fault {name!r}; {hint}")


def _split_times(text: str) -> tuple[str, tuple[float, ...]]:
    """Take the times off, none, one or two; a value may have the sign as well, as URLs do."""
    order, separator, written = text.rpartition("@")
    if not separator:
        return text, ()
    is_range = re.fullmatch("[0-9.]+-[0-9.]+", written)
    try:
        times = tuple(map(float, written.split("-") if is_range else [written]))
    except ValueError:
        if "=" in order:
            return text, ()
        raise ValueError(
            f"what follows @ must be seconds, as 30 or 30-60, not {written!r}"
        ) from None
    if not all((time == 0 and is_range) or _SHORTEST <= time <= _LONGEST for time in times):
        raise ValueError(
            f"what follows @ must be from {_SHORTEST:g} to {_LONGEST:.10g} seconds, not {written!r}"
        )
    return order, times


def _interval(name: str, times: tuple[float, ...]) -> tuple[float]:
    if len(times) > 1:
        raise ValueError(f"{name} happens again and again: @SECONDS says how often, it has no end")
    return (times[0] if times else DRILL_INTERVAL,)


def _beginning_and_end(
    fault: FaultInfo, times: tuple[float, ...]
) -> tuple[float] | tuple[float, float]:
    if not times:
        return (0.0,)
    if fault.only_from_start:
        raise ValueError(
            f"{fault.name} cannot begin or end later: the certificate says the same from the start "
            "on; leave @ and what follows away"
        )
    if len(times) == 1:
        return (times[0],)
    beginning, ending = times
    if ending <= beginning:
        raise ValueError(f"{fault.name} must end after it has begun: @{beginning:g}-{ending:g}")
    return beginning, ending
