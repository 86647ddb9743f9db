"""The end of the process, if need be from outside the event loop."""

from __future__ import annotations

import _thread
import contextlib
import faulthandler
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Final


HUNG: Final = 70
"""The exit code of a process that did not end by itself."""

HANG_AFTER: Final = 7.0
"""Seconds that a shutdown may take before the process is ended from outside the event loop."""

STOPPING: Final = (signal.SIGTERM, signal.SIGINT)
"""The signals that end the exporter."""


@contextlib.contextmanager
def watchdog() -> Iterator[None]:
    """End the process some seconds after the first signal that should, if it has not ended by then.

    trio cannot interrupt what shields itself, nor what does not return to it; in that case its own
    receiver of signals does not even learn of them. Therefore this goes around the receiver's
    handlers, in a block within its own.
    """
    ended = threading.Event()
    before = {number: signal.getsignal(number) for number in STOPPING}
    is_running = False

    def handle(number: int, frame: FrameType | None) -> None:
        nonlocal is_running
        # Where there is no thread to be had, the signal itself must not be lost.
        with contextlib.suppress(RuntimeError):
            if not is_running:
                # threading's own way takes locks that the code under the signal may hold.
                _thread.start_new_thread(_end_unless, (ended,))
                is_running = True
        handler = before[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)

    for number in STOPPING:
        signal.signal(number, handle)
    try:
        yield
    finally:
        ended.set()
        for number, handler in before.items():
            signal.signal(number, handler)


def _end_unless(ended: threading.Event) -> None:
    if not ended.wait(HANG_AFTER):
        try:
            _say_where_it_hangs()
        finally:
            os._exit(HUNG)


def _say_where_it_hangs() -> None:
    """Write down what each thread does, as far as that is possible without waiting.

    It may hang because nobody takes in what it logs, and this should not wait for that as well.
    """
    if sys.stderr is None:
        return
    # Not the file itself, whose buffer may be locked by who waits.
    number = sys.stderr.fileno()
    was_blocking = os.get_blocking(number)
    os.set_blocking(number, False)
    faulthandler.dump_traceback(number)
    os.set_blocking(number, was_blocking)  # others may have it from the same parent
