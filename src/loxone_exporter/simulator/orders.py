"""Faults and drills as they are ordered on the command line: `NAME[=VALUE][@SECONDS]`."""

from __future__ import annotations

import difflib
import logging
import textwrap
from collections.abc import Iterator
from typing import Any, Final

import trio
from attrs import frozen

from loxone_exporter.simulator.drills import DRILLS, Drill
from loxone_exporter.simulator.fault_values import ValueForm
from loxone_exporter.simulator.faults import FaultInfo, all_faults
from loxone_exporter.simulator.miniserver import SimulatedMiniserver


DRILL_INTERVAL: Final = 60.0
"""Seconds between two drills of a kind, unless the order says something else."""

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
        seconds: A drill happens each time so many seconds have passed, a fault begins after them.
    """

    text: str
    subject: FaultInfo | Drill
    value: Any
    seconds: float

    @property
    def is_at_once(self) -> bool:
        """Whether it is a fault that is there from the start."""
        return isinstance(self.subject, FaultInfo) and not self.seconds


def parse_order(text: str) -> Order:
    """Understand an order.

    Raises:
        ValueError: There is no such fault, or its value or time is wrong; the message says so.
    """
    order, seconds = _split_time(text)
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
    if seconds is None:
        seconds = DRILL_INTERVAL if isinstance(subject, Drill) else 0.0
    return Order(text, subject, value, seconds)


def begin(miniserver: SimulatedMiniserver, order: Order) -> None:
    """Switch a lasting fault on."""
    if isinstance(order.subject, FaultInfo):
        setattr(miniserver.faults, order.subject.attribute, order.value)


async def carry_out(miniserver: SimulatedMiniserver, order: Order) -> None:
    """Do what was ordered when its time has come; drills go on until cancelled."""
    await trio.sleep(order.seconds)
    _logger.info("fault: %s", order.text)
    if not isinstance(order.subject, Drill):
        begin(miniserver, order)
        return
    while True:
        await order.subject.run(miniserver, order.value)
        await trio.sleep(order.seconds)
        _logger.info("fault: %s", order.text)


def describe_all() -> Iterator[str]:
    """The lines of a list of everything that can be ordered."""
    yield "Faults that last; with @SECONDS they begin so much later:"
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


def _split_time(text: str) -> tuple[str, float | None]:
    """Take the time off; a value may have the sign as well, as URLs do."""
    order, separator, time = text.rpartition("@")
    if not separator:
        return text, None
    try:
        seconds = float(time)
    except ValueError:
        if "=" in order:
            return text, None
        raise ValueError(f"what follows @ must be a number of seconds, not {time!r}") from None
    if not 0 < seconds < float("inf"):
        raise ValueError(f"what follows @ must be more than 0 seconds, not {time!r}")
    return order, seconds
