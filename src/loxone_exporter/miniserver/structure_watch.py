"""The structure file: fetched when it is needed, and watched for changes."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Final, NoReturn

import trio
from attrs import define

from loxone_exporter.errors import (
    BadTextError,
    MisbehaviourError,
    SessionError,
    StructureError,
)
from loxone_exporter.loxone import commands
from loxone_exporter.loxone.difference import StructureDifference
from loxone_exporter.loxone.structure import Control, Structure, parse_structure_in_steps
from loxone_exporter.miniserver.conversation import Conversation
from loxone_exporter.miniserver.failures import end_of_login
from loxone_exporter.miniserver.memory import SessionMemory
from loxone_exporter.state import MiniserverState
from loxone_exporter.turns import take_turns


POLL_INTERVAL: Final = 300.0
"""Seconds between two questions for the version of the structure file."""

SETTLING: Final = 2.0
"""Seconds after a change through the Miniserver's API, for it comes in several steps."""

REST: Final = 30.0
"""Seconds between two structure files at least: a large one is work for a Miniserver."""

_turn: Final = trio.Lock()
"""Of who reads a structure file: while it is read, it takes ten times its size in memory."""

_CHANGES_LOGGED = 10
_TITLE_SHOWN = 160

_logger = logging.getLogger(__name__)


@define(eq=False)
class StructureWatch:
    """Keeps one session's structure file up to date.

    `fetch_over_http` asks for the file over HTTP; see `structure_over_http`. Of the last file, the
    hash is kept.
    """

    _conversation: Conversation
    _state: MiniserverState
    _memory: SessionMemory
    _fetch_over_http: Callable[[], Awaitable[bytes]]
    _is_told_version: bool = True
    _is_behind: bool = False
    _file: int | None = None

    async def discover(self) -> None:
        """Fetch the structure file, unless it is the one that is known already.

        Raises:
            MisbehaviourError: It is broken, and there is none from before.
            BadTextError: It is no UTF-8; the next session asks for it over HTTP, once.
            SessionError: It does not come.
        """
        version = await self._ask_version()
        is_needed = self._state.structure is None or version is None or self._is_news(version)
        if not (is_needed and await self._fetch(version)):
            self._conversation.keep_structure()
            self._is_behind = is_needed

    async def follow(self) -> NoReturn:
        """Fetch the structure file anew, and the states with it, whenever it changes.

        Raises:
            SessionError: It does not come.
        """
        # It may have been changed while the states came, without a word afterwards. But one that is
        # of no use is not asked for again at once.
        wait = POLL_INTERVAL if self._is_behind else 0.0
        while True:
            modified = False
            with trio.move_on_after(wait):
                await self._conversation.wait_for_modification()
                # It holds for the next session as well, should this one end first.
                self._memory.structure_version = None
                modified = True
            if modified:
                await trio.sleep(SETTLING)
            wait = POLL_INTERVAL
            version = await self._ask_version()
            if modified or self._is_news(version):
                if await self._fetch(version):
                    await self._conversation.subscribe()
                    wait = 0.0  # as after the first time
                await trio.sleep(REST)

    def _is_news(self, version: str | None) -> bool:
        return version is not None and version != self._memory.structure_version

    async def _ask_version(self) -> str | None:
        """The version in the Miniserver's words, for comparing only; None if it does not say."""
        if not self._is_told_version:
            return None
        purpose = "the version of the structure file"
        reply = await self._conversation.request(commands.STRUCTURE_VERSION, purpose=purpose)
        failure = end_of_login(reply, purpose)
        if failure is not None and self._state.connected:
            raise failure
        # Right after a login it does not mean the end of that: this user is not told the version.
        self._is_told_version = failure is None
        return reply.text

    async def _fetch(self, version: str | None) -> bool:
        """Take over the structure file; whether there was another one, that can be read."""
        over_http = self._memory.structure_needs_http
        try:
            structure = await self._read()
        except StructureError as error:
            self._state.link.broken_structures += 1
            self._memory.structure_needs_http = False  # it is of no use
            if self._state.structure is None:
                kind = BadTextError if over_http else MisbehaviourError
                raise kind(str(error)) from error
            if over_http:
                # It was asked for once; to ask over the WebSocket would end the session again.
                self._memory.structure_version = version
            _logger.warning("%s; the last good one stays in use", error)
            return False
        except SessionError as error:
            if not over_http or self._state.structure is None:
                raise
            # This session goes on without HTTP, and asks again when the version is due.
            _logger.warning(
                "no structure file over HTTP at present: %s; the last good one stays in use", error
            )
            return False
        if structure is None:
            # Whatever a Miniserver takes for a modification: the states of the same file are known,
            # and to have them sent anew might be told as one more.
            self._memory.structure_version = version
            return False
        changes = await take_turns(self._state.replace_structure_in_steps(structure))
        self._memory.structure_version = version
        _log(structure, changes)
        return True

    async def _read(self) -> Structure | None:
        """The structure file; None if it is the one that this session has read already."""
        payload = await self._receive()
        file = hash(payload)
        if file == self._file:
            return None
        async with _turn:
            structure = await take_turns(parse_structure_in_steps(payload))
        self._file = file
        return structure

    async def _receive(self) -> bytes | str:
        memory = self._memory
        try:
            if memory.structure_needs_http:
                return await self._fetch_over_http()
            return await self._conversation.fetch_structure()
        except BadTextError:
            memory.structure_needs_http = True
            raise


def _log(structure: Structure, changes: StructureDifference | None) -> None:
    _logger.info(
        "structure file of %s: %d controls",
        structure.last_modified or "unknown date",
        len(structure.controls),
    )
    for problem in structure.problems:
        _logger.warning("structure file: %s", problem)
    if not changes:
        return
    _logger.info(
        "structure changed: %d controls added, %d removed, %d renamed",
        len(changes.added),
        len(changes.removed),
        len(changes.renamed),
    )
    for word, controls in (("added", changes.added), ("removed", changes.removed)):
        for control in controls[:_CHANGES_LOGGED]:
            _logger.info("%s: %s", word, _title(control))
    for before, after in changes.renamed[:_CHANGES_LOGGED]:
        _logger.info("renamed: %s is now %s", _title(before), _title(after))


def _title(control: Control) -> str:
    place = " / ".join(filter(None, (control.room, control.category)))
    title = f"{control.type} {control.name!r}" + (f" ({place})" if place else "")
    return title if len(title) <= _TITLE_SHOWN else f"{title[:_TITLE_SHOWN]}…"
