"""One session with a Miniserver: from the first question to the last farewell."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Final

import trio
from attrs import frozen

from loxone_exporter.config.model import MiniserverConfig
from loxone_exporter.config.secret import Secret
from loxone_exporter.errors import RejectedError, SessionError
from loxone_exporter.loxone import commands
from loxone_exporter.miniserver.approach import OPENING_DEADLINE, Approach, Encounter
from loxone_exporter.miniserver.attempts import Party
from loxone_exporter.miniserver.clock import ClockWatch
from loxone_exporter.miniserver.conversation import Conversation, within
from loxone_exporter.miniserver.login import Login, log_in
from loxone_exporter.miniserver.memory import SessionMemory
from loxone_exporter.miniserver.network import Connect
from loxone_exporter.miniserver.structure_over_http import fetch_structure
from loxone_exporter.miniserver.structure_watch import StructureWatch
from loxone_exporter.miniserver.transport import message_channel
from loxone_exporter.state import ConnectionState, MiniserverState
from loxone_exporter.stop import StopRequest


GRACE: Final = 1.0
"""Seconds after a stop for what was begun to be brought to its end."""

FAREWELL: Final = 1.5
"""Seconds for logging out."""

Talk = Callable[[Conversation], Awaitable[None]]

_logger = logging.getLogger(__name__)


@frozen
class Sessions:
    """The sessions with one Miniserver, one at a time.

    Attributes:
        config: Whom to connect to, and as whom.
        state: Where everything that is learned goes.
        memory: What one session leaves to the next.
        connect: Opens connections.
    """

    config: MiniserverConfig
    state: MiniserverState
    memory: SessionMemory
    connect: Connect

    async def run(self, password: Secret, stop: StopRequest) -> None:
        """Connect, log in, and follow all states until something ends it.

        Returns:
            When the stop was requested, and the token killed, where there was time.

        Raises:
            SessionError: Alone or in groups: why the session ended.
        """
        encounter: Encounter | None = None
        stream: trio.abc.Stream | None = None
        with stop.interrupts():
            self.state.connection = ConnectionState.CONNECTING
            encounter, stream = await self._meet()
        if encounter is None or stream is None:  # the stop came first
            return
        party = self._party(encounter, password)

        async def talk(conversation: Conversation) -> None:
            await self._log_in_and_follow(conversation, party, encounter, stop)

        await self._converse(encounter, stream, stop, talk)

    async def visit(self, password: Secret, stop: StopRequest, look: Talk) -> None:
        """Log in once, learn the structure and all states, look around, and log out.

        Args:
            password: The user's.
            stop: Ends it before all of that is done.
            look: What else is of interest while the session lasts.

        Raises:
            SessionError: Alone or in groups: why that was not to be had.
        """
        encounter: Encounter | None = None
        stream: trio.abc.Stream | None = None
        with stop.interrupts():
            self.state.connection = ConnectionState.CONNECTING
            encounter, stream = await self._meet()
        if encounter is None or stream is None:
            return
        party, met = self._party(encounter, password), encounter

        async def talk(conversation: Conversation) -> None:
            login: Login | None = None
            self.state.connection = ConnectionState.AUTHENTICATING
            with stop.interrupts(grace=GRACE):
                login = await log_in(conversation, party)
            if login is None:
                return
            try:
                with stop.interrupts():
                    self.state.connection = ConnectionState.DISCOVERING
                    await self._watch(conversation, met).discover()
                    self.state.connection = ConnectionState.SUBSCRIBING
                    await conversation.subscribe()
                    await look(conversation)
            finally:
                with trio.move_on_after(FAREWELL, shield=True):
                    await _say_farewell(login)

        await self._converse(encounter, stream, stop, talk)

    async def end_token(self) -> None:
        """Kill the token of a session that has ended without doing so.

        Returns:
            When the token is dead: killed, or refused as one that is not valid any more.

        Raises:
            SessionError: Alone or in groups: the Miniserver cannot be told.
        """
        encounter, stream = await self._meet()
        party = self._party(encounter, self.config.password)

        async def talk(conversation: Conversation) -> None:
            try:
                login = await log_in(conversation, party, with_password=False)
            except RejectedError:
                if self.memory.token is not None:
                    raise
            else:
                await login.log_out()

        await self._converse(encounter, stream, StopRequest(), talk)

    async def _meet(self) -> tuple[Encounter, trio.abc.Stream]:
        """Find out who is there, and open a connection for the WebSocket."""
        approach = Approach(self.config, self.memory, self.state.link, self.connect)
        encounter = await approach.meet()
        with within(OPENING_DEADLINE, "connection"):
            return encounter, await encounter.link.open()

    def _party(self, encounter: Encounter, password: Secret) -> Party:
        return Party(
            self.config,
            password,
            encounter.device,
            encounter.public_key,
            self.memory,
            self.state.link,
        )

    async def _converse(
        self, encounter: Encounter, stream: trio.abc.Stream, stop: StopRequest, talk: Talk
    ) -> None:
        """Open a WebSocket on a connection, and talk while somebody listens."""
        async with message_channel(
            stream,
            encounter.link.address,
            commands.WEBSOCKET_RESOURCE,
            on_bytes=self.state.mark_received,
        ) as channel:
            conversation = Conversation(channel, self.state)
            async with trio.open_nursery() as nursery:
                with stop.interrupts():
                    with within(OPENING_DEADLINE, "WebSocket handshake"):
                        await channel.open()
                    nursery.start_soon(conversation.listen)
                if not stop.is_made():
                    await talk(conversation)
                nursery.cancel_scope.cancel(reason="the session is over")

    async def _log_in_and_follow(
        self, conversation: Conversation, party: Party, encounter: Encounter, stop: StopRequest
    ) -> None:
        login: Login | None = None
        try:
            self.state.connection = ConnectionState.AUTHENTICATING
            # What was begun is brought to its end where that takes no time: a token that was asked
            # for has to be known to be killed, and a command in flight would be in the farewell's
            # way.
            with stop.interrupts(grace=GRACE):
                login = await log_in(conversation, party)
            if login is not None and not stop.is_made():
                await self._follow(conversation, login, encounter, stop)
        finally:
            self.state.connection = ConnectionState.DISCONNECTED
            if login is not None and (stop.is_made() or not self.memory.reuses_tokens):
                with trio.move_on_after(FAREWELL, shield=True):
                    await _say_farewell(login)

    async def _follow(
        self, conversation: Conversation, login: Login, encounter: Encounter, stop: StopRequest
    ) -> None:
        state = self.state
        watch = self._watch(conversation, encounter)
        with stop.interrupts(grace=GRACE):
            state.connection = ConnectionState.DISCOVERING
            await watch.discover()
            if stop.is_made():
                return
            state.connection = ConnectionState.SUBSCRIBING
            await conversation.subscribe()
            if stop.is_made():
                return
            state.connection = ConnectionState.CONNECTED
            state.link.login_retry = None
            _logger.info("connected")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(login.keep_token, stop, GRACE)
            with stop.interrupts():
                async with trio.open_nursery() as following:
                    following.start_soon(conversation.keep_alive)
                    following.start_soon(watch.follow)
                    following.start_soon(ClockWatch(conversation, state, self.memory).follow)
            if not stop.is_made():
                # None of them ends without an error, unless a stray cancellation has ended all.
                nursery.cancel_scope.cancel(reason="nobody looks after the session any more")

    def _watch(self, conversation: Conversation, encounter: Encounter) -> StructureWatch:
        async def fetch_over_http() -> bytes:
            return await fetch_structure(encounter.link, self.memory.token, self.config.username)

        return StructureWatch(conversation, self.state, self.memory, fetch_over_http)


async def _say_farewell(login: Login) -> None:
    try:
        await login.log_out()
    except SessionError as error:
        # Not the last word: what becomes of the token is told at the stop.
        _logger.debug("the token was not killed with its session: %s", error)
