"""Families whose labels are written down once for each structure, and not at each scrape.

prometheus_client takes some microseconds for each sample, nearly all of them for labels that are
the same as at the last scrape. Here only the numbers are written anew; a test sees that the outcome
is what prometheus_client writes, byte for byte.
"""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Final, Literal, TypeAlias

from attrs import frozen
from prometheus_client import Metric
from prometheus_client.samples import Sample
from prometheus_client.utils import floatToGoString


CHUNK: Final = 1000
"""Samples that are written without a pause."""

_SPLIT = "subcontrol"
_MIDDLE = f'{_SPLIT}="'
_PAIR = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)

_SUFFIXES: Final = {"gauge": "", "counter": "_total", "info": "_info"}
_WRITTEN_ALIKE_BELOW = 1e6
"""Smaller numbers are written by Python as they are by Go."""


@frozen(weakref_slot=False)
class Row:
    """The labels of one sample, as they are written.

    They are in two pieces, for what states of one control have in common, and what states of one
    name have in common, is there only once.

    Attributes:
        head: Up to the value of `subcontrol`; everything where there is no such label.
        tail: From there on.
    """

    head: str
    tail: str

    @property
    def labels(self) -> dict[str, str]:
        """The labels, read from what is written."""
        pairs = _PAIR.findall(self.head + self.tail)
        return {name: _ESCAPED.sub(_unescape, value) for name, value in pairs}

    def extended(self, name: str, value: str) -> Row:
        """The same with one more label, whose name comes last in alphabetical order."""
        text = self.tail or self.head
        text = f'{text[:-1]},{name}="{_escape(value)}"}}'
        return Row(self.head, text) if self.tail else Row(text, "")


def state_rows(row: Row, states: Iterable[str]) -> Iterator[Row]:
    """The same with the label `state` besides, whose place is right before `subcontrol`.

    Args:
        row: Has the label `subcontrol`.
        states: The values, a row for each.
    """
    before, tail = row.head.removesuffix(_MIDDLE), row.tail
    for state in states:
        yield Row(before + _write_state(state), tail)


@functools.lru_cache(maxsize=4096)  # a few hundred names between all the houses
def _write_state(state: str) -> str:
    return f'state="{_escape(state)}",{_MIDDLE}'


def write_labels(names: Sequence[str], labels: Sequence[str]) -> tuple[str, str]:
    """Head and tail of a row, in the order in which prometheus_client writes labels."""
    pairs = sorted(zip(names, labels, strict=True))
    written = [f'{name}="{_escape(value)}"' for name, value in pairs]
    place = next((place for place, (name, _) in enumerate(pairs) if name == _SPLIT), None)
    if place is None:
        return sys.intern(f"{{{','.join(written)}}}"), sys.intern("")
    head = ",".join([*written[:place], _MIDDLE])
    tail = ",".join([written[place].removeprefix(_MIDDLE), *written[place + 1 :]])
    return sys.intern(f"{{{head}"), sys.intern(f"{tail}}}")


def write_row(names: Sequence[str], labels: Sequence[str]) -> Row:
    """A row with these labels."""
    return Row(*write_labels(names, labels))


Rows: TypeAlias = Callable[[], Iterable[tuple[Row, float]]]
"""Labels and value of each sample, anew each time it is called."""


class WrittenFamily(Metric):
    """A family that can be written without making its samples.

    To whoever asks for the samples, it is a family like any other.

    Attributes:
        sample_name: What its samples are called.
        rows: Makes labels and value of each sample.
    """

    def __init__(
        self,
        name: str,
        documentation: str,
        kind: Literal["gauge", "counter", "info"],
        *,
        rows: Rows,
        unit: str = "",
    ) -> None:
        super().__init__(name, documentation, kind, unit)
        self.sample_name = name + _SUFFIXES[kind]
        self.rows = rows

    def chunks(self) -> Iterator[bytes]:
        """The lines of the samples, so many together as can be written without a pause."""
        lines = self._lines()
        while chunk := "".join(islice(lines, CHUNK)):
            yield chunk.encode()

    def _lines(self) -> Iterator[str]:
        name = self.sample_name
        for row, value in self.rows():
            if value < _WRITTEN_ALIKE_BELOW:
                yield f"{name}{row.head}{row.tail} {value!r}\n"
            else:
                number = floatToGoString(value)  # type: ignore[no-untyped-call]  # upstream has no types here
                yield f"{name}{row.head}{row.tail} {number}\n"

    @property
    def samples(self) -> list[Sample]:
        """The samples, made when they are asked for."""
        return [Sample(self.sample_name, row.labels, value) for row, value in self.rows()]

    @samples.setter
    def samples(self, _: list[Sample]) -> None:
        """Ignore the empty list that the base class begins with."""


def _escape(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def _unescape(escaped: re.Match[str]) -> str:
    return "\n" if escaped[1] == "n" else escaped[1]
