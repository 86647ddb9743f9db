"""One session with a Miniserver: from the first question to the last farewell."""

from __future__ import annotations

import logging
from typing import Final

import trio

from loxone_exporter.config.model import MiniserverConfig
from loxone_exporter.errors import MisbehaviourError, ProtocolError, SessionError
from loxone_exporter.loxone import commands
from loxone_exporter.loxone.crypto import PublicKey
from loxone_exporter.loxone.replies import OK, Device, Reply, parse_device, parse_reply
from loxone_exporter.miniserver.conversation import Conversation, within
from loxone_exporter.miniserver.failures import answer, refusal
from loxone_exporter.miniserver.login import Login, log_in
from loxone_exporter.miniserver.transport import Address, Connect, http_get, message_channel
from loxone_exporter.state import ConnectionState, MiniserverState
from loxone_exporter.stop import StopRequest


OPENING_DEADLINE: Final = 10.0
"""Seconds for each of: TCP connection, HTTP answer, WebSocket handshake."""

GRACE: Final = 1.0
"""Seconds after a stop for what was begun to be brought to its end."""

FAREWELL: Final = 1.5
"""Seconds for logging out. A stop is to be over within five: `GRACE`, this, the closing handshake,
and the HTTP server's end."""

_logger = logging.getLogger(__name__)


async def run_session(
    miniserver: MiniserverConfig, state: MiniserverState, stop: StopRequest, connect: Connect
) -> None:
    """Connect, log in, and follow all states until something ends it.

    Returns:
        When the stop was requested, and the token killed, where there was time.

    Raises:
        SessionError: Alone or in groups: why the session ended.
    """
    address = Address(miniserver.host, miniserver.port)
    stream: trio.abc.Stream | None = None
    with stop.interrupts():
        state.connection = ConnectionState.CONNECTING
        device, public_key = await _ask_who_is_there(address, connect)
        with within(OPENING_DEADLINE, "TCP connection"):
            stream = await connect(address)
    if stream is None:  # the stop came first
        return
    async with message_channel(
        stream, address, commands.WEBSOCKET_RESOURCE, on_bytes=state.mark_received
    ) as channel:
        conversation = Conversation(channel, state)
        async with trio.open_nursery() as nursery:
            with stop.interrupts():
                with within(OPENING_DEADLINE, "WebSocket handshake"):
                    await channel.open()
                nursery.start_soon(conversation.listen)
            if not stop.is_made():
                await _log_in_and_follow(
                    conversation, miniserver, device, public_key, state=state, stop=stop
                )
            nursery.cancel_scope.cancel(reason="the session is over")


async def _log_in_and_follow(
    conversation: Conversation,
    miniserver: MiniserverConfig,
    device: Device,
    public_key: PublicKey,
    *,
    state: MiniserverState,
    stop: StopRequest,
) -> None:
    login: Login | None = None
    try:
        state.connection = ConnectionState.AUTHENTICATING
        # What was begun is brought to its end where that takes no time: a token that was asked for
        # has to be known to be killed, and a command in flight would be in the farewell's way.
        with stop.interrupts(grace=GRACE) as opening:
            login = await log_in(conversation, miniserver, device, public_key)
        if opening.cancelled_caught:
            _logger.warning("stopped during the login: a token may be left behind")
        if not stop.is_made():
            with stop.interrupts(grace=GRACE):
                await _discover_and_subscribe(conversation, state)
        with stop.interrupts():
            await conversation.keep_alive()
    finally:
        state.connection = ConnectionState.DISCONNECTED
        # Also when the session failed: where the line still works, no token is left behind.
        with trio.move_on_after(FAREWELL, shield=True) as farewell:
            if login is not None:
                await _say_farewell(login)
        if farewell.cancelled_caught:
            _logger.warning("no answer to the farewell: the token may be left behind")


async def _say_farewell(login: Login) -> None:
    try:
        await login.log_out()
    except (SessionError, ProtocolError) as error:
        _logger.info("the token may be left behind: %s", error)


async def _ask_who_is_there(address: Address, connect: Connect) -> tuple[Device, PublicKey]:
    """Ask over HTTP, without credentials, before a WebSocket is opened.

    A Miniserver that boots answers 503 here, and is spared the rest; and a WebSocket that is not
    authenticated within seconds would be closed (section 2.6).
    """
    try:
        device = parse_device((await _ask_http(address, commands.API_KEY, connect)).value)
        key = await _ask_http(address, commands.PUBLIC_KEY, connect)
        return device, PublicKey.parse(str(key.value))
    except ProtocolError as error:
        raise MisbehaviourError(f"{address.authority} is no Miniserver: {error}") from error


async def _ask_http(address: Address, path: str, connect: Connect) -> Reply:
    with within(OPENING_DEADLINE, f"answer to /{path} from {address.authority}"):
        stream = await connect(address)
        async with stream:
            response = await http_get(stream, address, path)
    if response.status != OK:
        raise refusal(response.status, response.body, f"/{path}")
    reply = parse_reply(response.body)
    failure = answer(reply, f"/{path}")
    if failure is not None:
        raise failure
    return reply


async def _discover_and_subscribe(conversation: Conversation, state: MiniserverState) -> None:
    state.connection = ConnectionState.DISCOVERING
    structure = await conversation.fetch_structure()
    state.replace_structure(structure)
    _logger.info(
        "structure file of %s: %d controls",
        structure.last_modified or "unknown date",
        len(structure.controls),
    )
    for problem in structure.problems:
        _logger.warning("structure file: %s", problem)
    state.connection = ConnectionState.SUBSCRIBING
    await conversation.subscribe()
    state.connection = ConnectionState.CONNECTED
    _logger.info("connected")
