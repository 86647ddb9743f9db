"""How far the Miniserver's clock is from ours; schedules and statistics go by it."""

from __future__ import annotations

import time
from typing import Final

import trio
from attrs import define

from loxone_exporter.loxone import commands
from loxone_exporter.loxone.replies import OK
from loxone_exporter.loxone.times import find_zone, parse_local_time
from loxone_exporter.miniserver.conversation import Conversation
from loxone_exporter.miniserver.failures import end_of_login
from loxone_exporter.miniserver.memory import SessionMemory
from loxone_exporter.state import MiniserverState


INTERVAL: Final = 3600.0
"""Seconds between two comparisons."""

_CUT_OFF = 0.5
"""Seconds, on the average, by which a time in whole seconds is behind."""

_TURN_OF_THE_DAY = "00:0"
"""Within these minutes, the date may be the one before."""


@define(eq=False)
class ClockWatch:
    """Compares the clocks while a session lasts.

    The Miniserver tells its local time, to users with full access only; its time zone is in the
    global state `miniserverTime`, which is sent when the clock is changed (section 5.5). It cuts
    its seconds off: the difference is known to +-1 s.
    """

    _conversation: Conversation
    _state: MiniserverState
    _memory: SessionMemory

    async def follow(self) -> None:
        """Compare the clocks from time to time; ends where this user is not told the time.

        Raises:
            TokenExpiredError: The login is not valid any more.
            SessionError: There is no answer.
        """
        while self._memory.is_told_time:
            if not await self.compare():
                return
            await trio.sleep(INTERVAL)

    async def compare(self) -> bool:
        """Compare the clocks once.

        Returns:
            Whether this user was told the time.

        Raises:
            TokenExpiredError: The login is not valid any more.
            SessionError: There is no answer.
        """
        date = await self._ask(commands.DATE)
        time_of_day = None if date is None else await self._ask(commands.TIME)
        if date is None or time_of_day is None:
            self._state.link.clock_offset = None
            return False
        self._compare(date, time_of_day)
        return True

    def _compare(self, date: str, time_of_day: str) -> None:
        zone = find_zone(self._state.structure, self._state.texts)
        if zone is None or time_of_day.startswith(_TURN_OF_THE_DAY):
            return
        told = parse_local_time(f"{date} {time_of_day}", zone)
        if told is not None:
            self._state.link.clock_offset = told + _CUT_OFF - time.time()

    async def _ask(self, command: str) -> str | None:
        purpose = "the Miniserver's time"
        reply = await self._conversation.request(command, purpose=purpose)
        # Not even after a code that ends the login is it asked again: should the code be about the
        # user's rights, every session would end here.
        if reply.code != OK and self._state.link.clock_offset is None:
            self._memory.is_told_time = False
        failure = end_of_login(reply, purpose)
        if failure is not None:
            raise failure
        return reply.text
