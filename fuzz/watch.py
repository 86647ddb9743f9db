"""What a process does not say aloud: logs, errors that nobody catches, objects, memory, files."""

from __future__ import annotations

import contextlib
import gc
import json
import logging
import os
import re
import signal
import sys
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import trio
from attrs import define, field

from fuzz.cases import Finding, Kind, exception_finding
from loxone_exporter.logs import JsonFormatter, TextFormatter


MEBIBYTE: Final = 2**20

_LONGEST_MESSAGE: Final = 4000
"""Characters of a log line beside its traceback; nothing that a peer says should go beyond that."""

_WINDOW: Final = 24
"""Characters of a secret that are as bad as the whole of it."""

_RESIDENT = re.compile(r"^(VmHWM|VmRSS):\s+(\d+) kB", re.MULTILINE)


class TimeIsUp(BaseException):
    """A batch takes far longer than any should; raised in whatever runs at that moment."""


@contextlib.contextmanager
def alarm(seconds: float) -> Iterator[None]:
    """Interrupt the block, even within an endless loop, after so many seconds.

    Raises:
        TimeIsUp: The time is up.
    """

    def ring(*_: object) -> None:
        raise TimeIsUp(f"not done after {seconds:g} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@define(eq=False)
class Watch:
    """Collects what is logged, and what goes wrong where nobody looks.

    Attributes:
        records: What was logged, at any level but that of the simulator.
        stray: Exceptions that nobody could catch, and warnings.
    """

    records: list[logging.LogRecord] = field(factory=list)
    stray: list[BaseException] = field(factory=list)

    def findings(self, *, worst: int) -> Iterator[Finding]:
        """What should not be in the log, or cannot be written to it.

        Args:
            worst: Records above this level should not be there.
        """
        for error in self.stray:
            yield exception_finding(Kind.BUG, error)
        for record in self.records:
            cause = record.exc_info[1] if record.exc_info else None
            if record.levelno > worst and cause is not None:
                yield exception_finding(Kind.BUG, cause)
            elif record.levelno > worst:
                yield Finding(Kind.LOG, f"logged as {record.levelname}: {record.getMessage()}")
            yield from _unwritable(record)

    def secrets(self, secrets: Iterable[str]) -> Iterator[Finding]:
        """Secrets that were logged, in whole or in part."""
        lines = [JsonFormatter().format(record) for record in self.records]
        text = "\n".join(lines)
        for secret in secrets:
            for window in _windows(secret):
                if window in text:
                    line = next(line for line in lines if window in line)
                    yield Finding(Kind.SECRET, "a secret is logged", f"{secret}\n{line}")
                    break


@contextlib.contextmanager
def watching() -> Iterator[Watch]:
    """Watch while the block runs; nobody else is told what is logged meanwhile."""
    watch = Watch()
    root = logging.getLogger()
    level, handlers, hook = root.level, root.handlers, sys.unraisablehook

    def note(unraisable: sys.UnraisableHookArgs) -> None:
        watch.stray.append(unraisable.exc_value or RuntimeError(unraisable.err_msg))

    root.handlers = [_Collector(watch)]
    root.setLevel(logging.DEBUG)
    logging.getLogger("trio-websocket").setLevel(logging.INFO)
    logging.getLogger("hypercorn.error").setLevel(logging.WARNING)
    sys.unraisablehook = note
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            yield watch
            gc.collect(0)
    finally:
        sys.unraisablehook = hook
        root.setLevel(level)
        root.handlers = handlers


class _Collector(logging.Handler):
    """Keeps what the exporter's side logs."""

    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self._watch = watch

    def emit(self, record: logging.LogRecord) -> None:
        if "simulator" not in record.name:
            self._watch.records.append(record)


def _unwritable(record: logging.LogRecord) -> Iterator[Finding]:
    """What the exporter's own formatters cannot make a line of."""
    message = record.getMessage()
    if len(message) > _LONGEST_MESSAGE:
        yield Finding(Kind.LOG, f"a log line of {len(message)} characters", message[:1000])
    for formatter in (JsonFormatter(), TextFormatter()):
        try:
            line = formatter.format(record)
            line.encode()
        except Exception as error:  # noqa: BLE001  # whatever it is, it would be lost in production
            yield exception_finding(Kind.LOG, error)
            return
        if isinstance(formatter, JsonFormatter):
            json.loads(line)
        if "\n" in line and record.exc_info is None:
            yield Finding(Kind.LOG, "a log record of several lines", line[:1000])


def _windows(secret: str) -> Iterator[str]:
    if len(secret) <= _WINDOW:
        yield secret
    for start in range(0, len(secret) - _WINDOW, _WINDOW // 2):
        yield secret[start : start + _WINDOW]


def live_objects() -> int:
    """How many objects there are that hold others."""
    gc.collect()
    return len(gc.get_objects())


def stacks() -> str:
    """What all tasks of this process are waiting for."""
    left, lines = [trio.lowlevel.current_root_task()], []
    while left:
        task = left.pop()
        if task is not None:
            lines.append(f"{task.name}:")
            lines += [
                f"    {frame.f_code.co_qualname}:{line}" for frame, line in task.iter_await_frames()
            ]
            left += [child for nursery in task.child_nurseries for child in nursery.child_tasks]
    return "\n".join(lines)


def open_files() -> int:
    """How many file descriptors this process has open."""
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208  # counted, not used as paths


def resident_memory() -> int:
    """Bytes of this process that are in memory."""
    return _memory()["VmRSS"]


@define
class Peak:
    """How much more memory was in use at times than before, in bytes."""

    bytes: int = 0


@contextlib.contextmanager
def peak_memory() -> Iterator[Peak]:
    """Measure the peak of memory within the block (Linux)."""
    peak = Peak()
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    before = _memory()["VmHWM"]
    yield peak
    peak.bytes = _memory()["VmHWM"] - before


def _memory() -> dict[str, int]:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return {name: 1024 * int(kibibytes) for name, kibibytes in _RESIDENT.findall(status)}
