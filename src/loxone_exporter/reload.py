"""Another configuration while the exporter runs: on request, or when the file has changed."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Awaitable, Callable
from typing import Final, NoReturn, TypeAlias

import trio
from attrs import define, field

from loxone_exporter.config.findings import ConfigurationError
from loxone_exporter.config.load import Loaded
from loxone_exporter.config.source import ConfigSource, Reading
from loxone_exporter.reading import FileReader
from loxone_exporter.stop import StopRequest
from loxone_exporter.vitals import Vitals


CHECK_INTERVAL: Final = 5.0
"""Seconds between two looks at the file."""

SETTLED_AFTER: Final = 1.0
"""Seconds that a file must have stayed as it is: an editor may not be done with it."""

RETRY_INTERVAL: Final = 60.0
"""Seconds after which one that was not good is tried again although it is the same file."""

TakeOver: TypeAlias = Callable[[], str]
"""Takes a configuration over, all at once; what it returns says what has changed."""

_logger = logging.getLogger(__name__)


@define(eq=False)
class Reloader:
    """Reads the configuration anew, and has it applied if it is good; a bad one changes nothing.

    Args:
        source: The configuration.
        prepare: Does all that takes time or may fail before another one is taken over, and changes
            nothing; raises trio.TooSlowError where that comes to no end.
        vitals: Where it is shown how that went.
        stop: Once it is made, nothing is taken over any more.
    """

    _source: ConfigSource
    _prepare: Callable[[Loaded], Awaitable[TakeOver]]
    _vitals: Vitals
    _stop: StopRequest
    _turn: trio.Lock = field(factory=trio.Lock)
    _files: FileReader = field(factory=FileReader)
    _requested: trio.Event = field(factory=trio.Event)
    _problems: list[str] = field(factory=list)

    def request(self) -> None:
        """Have `obey` reload; as often as that is requested, there is one reload after the last."""
        self._requested.set()

    async def obey(self, occasion: str) -> NoReturn:
        """Reload whenever that was requested, for ever.

        Args:
            occasion: Why, for the log.
        """
        while True:
            await self._requested.wait()
            await self.reload(occasion)

    async def reload(self, occasion: str, *, is_retry: bool = False) -> str:
        """Take over the configuration as it is now.

        Args:
            occasion: Why, for the log.
            is_retry: Whether nothing is known to have changed: the same problems as before are not
                told again.

        Returns:
            What is wrong with it, a line for each finding; an empty text if it is in use now.
        """
        async with self._turn:
            if self._requested.is_set():  # what was requested until now, begins now
                self._requested = trio.Event()
            problems: list[str] = []
            try:
                reading, take_over = await self._read()
                if self._stop.is_made():
                    return "the exporter is stopping"
                self._source.take(reading)
                changes = take_over()
            except ConfigurationError as error:
                problems = [str(finding) for finding in error.findings]
            except trio.TooSlowError as error:
                problems = [str(error)]
            except Exception:  # a bug here costs the reload, and not the sessions
                problems = ["a bug in loxone-exporter: see its log"]
                _logger.exception("a bug kept the configuration from being reloaded")
            else:
                self._vitals.configured_at = time.time()
                _logger.info("configuration reloaded (%s): %s", occasion, changes)
            if not is_retry or problems != self._problems:
                for problem in problems:
                    _logger.error("configuration not reloaded (%s): %s", occasion, problem)
            self._problems = problems
            self._vitals.is_configuration_current = not problems
            return "\n".join(problems)

    async def _read(self) -> tuple[Reading, TakeOver]:
        """The configuration as it is now, and what there is to do to go by it.

        Raises:
            ConfigurationError: With every finding.
            trio.TooSlowError: It cannot be read in time.
        """
        reading = await self._files.read(self._source.path, self._source.read)
        if isinstance(reading.outcome, ConfigurationError):
            self._source.take(reading)
            raise reading.outcome
        return reading, await self._prepare(reading.outcome)

    async def watch(self) -> NoReturn:
        """Reload whenever the file has changed, for ever.

        One that was not good is tried again every minute as well: another file that it names may
        have been what was missing.
        """
        is_blind, tried = False, -math.inf
        while True:
            await trio.sleep(CHECK_INTERVAL)
            try:
                if await self._files.read(self._source.path, self._source.has_changed):
                    await self._until_settled()
                    await self.reload("the file has changed")
                    tried = trio.current_time()
                elif self._problems and trio.current_time() - tried >= RETRY_INTERVAL:
                    await self.reload("another try", is_retry=True)
                    tried = trio.current_time()
                is_blind = False
            except trio.TooSlowError as error:
                _logger.debug("%s", error)
            except Exception:  # such as no thread to be had; it must not cost the sessions
                if not is_blind:
                    _logger.exception("cannot watch the configuration file")
                is_blind = True

    async def _until_settled(self) -> None:
        path, look = self._source.path, self._source.print
        last, present = None, await self._files.read(path, look)
        while last != present:
            await trio.sleep(SETTLED_AFTER)
            last, present = present, await self._files.read(path, look)
