"""What trio-websocket and its peers can do to us, against our own channel.

Upstream is frozen, and several of these situations hang or leak when its own ways to connect are
used. Whatever the peer does: the channel ends within a bound, with an error of ours, its stream is
closed, and tasks beside it live on.

Twelve situations were measured with version 0.12.2, and its `open_websocket`; the tests of each:

1. The peer accepts TCP and closes during the handshake; a minute passes.
   test_a_peer_that_closes_during_the_handshake
2. Garbage in place of HTTP, a wrong `Sec-WebSocket-Accept`, a subprotocol that was not offered: an
   error of h11, and not the library's.
   test_garbage_in_place_of_http, test_an_endless_head_is_not_read_for_ever,
   test_a_wrong_accept_header, test_a_subprotocol_that_was_not_offered
3. A refusal whose body ends with the connection: a minute passes, and the status is lost.
   test_a_booting_miniserver, test_a_booting_miniserver_whose_body_never_ends,
   test_a_refusal_tells_its_status, test_a_locked_out_address_learns_for_how_long,
   test_a_locked_out_address_that_is_not_told_for_how_long
4. A close frame, and TCP stays open: leaving hangs for ever.
   test_a_close_frame_with_and_without_the_end_of_tcp, test_our_close_frame_is_answered_in_kind
5. A message beyond the limit: likewise.
   test_a_message_beyond_the_limit, test_a_frame_that_announces_gigabytes,
   test_fragments_without_an_end
6. A mute peer when we leave: a minute passes.
   test_a_mute_peer_at_the_end, test_a_mute_peer_that_does_not_even_read,
   test_an_error_in_the_block_is_not_lost_to_a_mute_peer,
   test_a_cancelled_block_ends_within_the_bound
7. A ping of ours while the connection dies: nobody wakes who waits for its answer.
   test_life_signs_are_no_pings, test_a_life_sign_while_the_connection_dies
8. Messages that nobody takes: pings are not answered.
   test_pings_are_answered_although_nobody_reads, test_pings_are_answered_amid_large_tables,
   test_a_peer_that_pings_without_reading_is_left
9. A ping while we close: a stray cancellation ends what runs beside.
   test_a_ping_while_we_close_ends_nothing_else,
   test_a_ping_while_we_close_does_not_replace_the_reason
10. An IPv6 address: no brackets in the `Host` header.
    test_the_host_header
11. A command that is cut off: the next one is sent behind the half.
    test_nothing_is_sent_behind_a_frame_that_was_cut_off
12. No subprotocol in the answer, a frame in one packet with it: both are fine.
    test_a_subprotocol_that_is_not_echoed, test_frames_glued_to_the_handshake_are_received
"""

from __future__ import annotations

import contextlib
import random
import re
from collections.abc import Awaitable, Callable, Iterator

import pytest
import trio
import trio_websocket
import wsproto.utilities
from attrs import field, frozen
from trio.testing import (
    MockClock,
    lockstep_stream_pair,
    memory_stream_pair,
    wait_all_tasks_blocked,
)

from loxone_exporter.errors import (
    BadTextError,
    BootingError,
    ClosedNormallyError,
    ConnectionLostError,
    LockedOutError,
    MisbehaviourError,
    SessionError,
    SilentError,
    TlsError,
    UserChangedError,
    leaves,
)
from loxone_exporter.loxone.header import Header, Identifier, encode_header
from loxone_exporter.loxone.tables import encode_values
from loxone_exporter.loxone.uuids import StateUuid
from loxone_exporter.miniserver import transport
from loxone_exporter.miniserver.conversation import (
    KEEPALIVE_INTERVAL,
    LIMIT,
    PATIENCE,
    Conversation,
)
from loxone_exporter.miniserver.network import Address
from loxone_exporter.miniserver.transport import (
    _READ_SIZE,
    CLOSE_GRACE,
    MAX_MESSAGE,
    MessageChannel,
    message_channel,
)
from loxone_exporter.state import MiniserverState
from support.scripted_peer import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    ScriptedPeer,
    StickyStream,
    close_frame,
    fragment,
    frame,
    response,
)


RESOURCE = "/ws/rfc6455"
ADDRESS = Address("192.0.2.7", 80)

AT_ONCE = 0.5
CLOSING = 2 * CLOSE_GRACE + 0.5

LOCKED_OUT_PAGE = (
    b"<html><body><errorcode>403</errorcode> <errordetail>temporarily blocked, too many failed "
    b"login attempts; <remaining>38</remaining></errordetail></body></html>"
)

Script = Callable[[ScriptedPeer], Awaitable[object]]
Use = Callable[[MessageChannel], Awaitable[object]]


@frozen
class Outcome:
    """How a visit to a peer ended."""

    errors: list[SessionError]
    seconds: float
    chunks: int = field(default=0)
    size: int = field(default=0)

    @property
    def error(self) -> SessionError:
        """The only error."""
        (error,) = self.errors
        return error


async def visit(
    script: Script,
    use: Use,
    *,
    address: Address = ADDRESS,
    streams: Callable[[], tuple[trio.abc.Stream, trio.abc.Stream]] = memory_stream_pair,
    patience: float = 30,
) -> Outcome:
    """Use a channel to a scripted peer, beside a task that must not notice anything."""
    client, server = streams()
    errors: list[SessionError] = []
    heartbeats = chunks = received = 0

    async def sibling() -> None:
        nonlocal heartbeats
        while True:
            heartbeats += 1
            await trio.sleep(0.1)

    async def play() -> None:
        # What a script does when we are gone already does not matter.
        with contextlib.suppress(trio.BrokenResourceError, trio.EndOfChannel):
            await script(ScriptedPeer(server))

    def count(size: int) -> None:
        nonlocal chunks, received
        chunks += 1
        received += size

    async with trio.open_nursery() as nursery:
        nursery.start_soon(sibling)
        nursery.start_soon(play)
        started = trio.current_time()
        with trio.fail_after(patience):
            try:
                async with message_channel(client, address, RESOURCE, on_bytes=count) as channel:
                    await use(channel)
            except* SessionError as group:
                errors += leaves(group, SessionError)
        seconds = trio.current_time() - started
        before = heartbeats
        await trio.sleep(10)
        assert 95 <= heartbeats - before <= 105
        nursery.cancel_scope.cancel()
    with pytest.raises(trio.ClosedResourceError):
        await client.receive_some(1)
    return Outcome(errors, seconds, chunks, received)


async def only_open(channel: MessageChannel) -> None:
    await channel.open()


async def open_and_receive(channel: MessageChannel) -> None:
    await channel.open()
    while True:
        await channel.receive()


def answering(data: bytes, *, hang_up: bool = False) -> Script:
    """A peer that answers the request with these bytes."""

    async def script(peer: ScriptedPeer) -> None:
        await peer.read_request()
        await peer.say(data)
        if hang_up:
            await peer.hang_up()

    return script


def accepting(glued: bytes = b"", *, hang_up: bool = False) -> Script:
    """A peer that opens the WebSocket, and says something in the same packet."""

    async def script(peer: ScriptedPeer) -> None:
        await peer.accept(glued)
        if hang_up:
            await peer.hang_up()

    return script


async def hang_up_at_once(peer: ScriptedPeer) -> None:
    await peer.hang_up()


async def hang_up_first(peer: ScriptedPeer) -> None:
    """Be gone before the request is sent, so that sending itself fails."""
    peer.stream.receive_stream.close()  # type: ignore[attr-defined]  # of a memory stream


@pytest.mark.parametrize(
    "script",
    [
        hang_up_at_once,
        hang_up_first,
        answering(b"", hang_up=True),
        answering(b"HTTP/1.1 101 Switch", hang_up=True),
        answering(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n", hang_up=True),
    ],
    ids=["at once", "while the request is sent", "after it", "in a line", "in the head"],
)
async def test_a_peer_that_closes_during_the_handshake(
    autojump_clock: MockClock, script: Script
) -> None:
    outcome = await visit(script, only_open)
    assert isinstance(outcome.error, ConnectionLostError)
    assert outcome.seconds < AT_ONCE


@pytest.mark.parametrize("hang_up", [True, False])
@pytest.mark.parametrize("garbage", [b"SSH-2.0-OpenSSH_9.2\r\n\r\n", b"\0" * 100 + b"\r\n\r\n"])
async def test_garbage_in_place_of_http(
    autojump_clock: MockClock, garbage: bytes, *, hang_up: bool
) -> None:
    outcome = await visit(answering(garbage, hang_up=hang_up), only_open)
    assert isinstance(outcome.error, MisbehaviourError)
    assert outcome.seconds < AT_ONCE


async def test_an_endless_head_is_not_read_for_ever(autojump_clock: MockClock) -> None:
    async def script(peer: ScriptedPeer) -> None:
        await peer.say(b"HTTP/1.1 101 Switching Protocols\r\n")
        while True:
            await peer.say(b"X: " + b"x" * 1000 + b"\r\n")
            await trio.sleep(0.01)

    outcome = await visit(script, only_open)
    assert isinstance(outcome.error, MisbehaviourError)
    assert outcome.chunks < 200


async def test_a_wrong_accept_header(autojump_clock: MockClock) -> None:
    async def script(peer: ScriptedPeer) -> None:
        peer.request = b"Sec-WebSocket-Key: c29tZXRoaW5nIGVsc2UhIQ==\r\n"
        wrong = peer.acceptance()
        await peer.read_request()
        await peer.say(wrong)

    outcome = await visit(script, only_open)
    assert isinstance(outcome.error, MisbehaviourError)
    assert outcome.seconds < AT_ONCE


async def test_a_subprotocol_that_was_not_offered(autojump_clock: MockClock) -> None:
    async def script(peer: ScriptedPeer) -> None:
        await peer.read_request()
        await peer.say(peer.acceptance("Sec-WebSocket-Protocol: mqtt"))

    outcome = await visit(script, only_open)
    assert isinstance(outcome.error, MisbehaviourError)
    assert "no WebSocket" in str(outcome.error)
    assert outcome.seconds < AT_ONCE


@pytest.mark.parametrize("header", ["Connection", "Sec-WebSocket-Protocol"])
async def test_headers_that_are_no_ascii(autojump_clock: MockClock, header: str) -> None:
    async def script(peer: ScriptedPeer) -> None:
        await peer.read_request()
        odd = peer.acceptance("Sec-WebSocket-Protocol: remotecontrol").split(b"\r\n")
        await peer.say(
            b"\r\n".join(
                line + b", \x86" if line.startswith(header.encode()) else line for line in odd
            )
        )

    outcome = await visit(script, only_open)
    assert isinstance(outcome.error, MisbehaviourError)
    assert outcome.seconds < AT_ONCE


async def test_a_bug_of_ours_with_texts_is_not_the_peers(autojump_clock: MockClock) -> None:
    async def stumble(channel: MessageChannel) -> None:
        await channel.open()
        b"\x86".decode()

    with pytest.RaisesGroup(UnicodeDecodeError, flatten_subgroups=True):
        await visit(accepting(b""), stumble)


@pytest.mark.parametrize(
    "script",
    [
        answering(response("503 Service Unavailable") + b"starting", hang_up=True),
        answering(response("503 Service Unavailable"), hang_up=True),
        answering(response("503 Service Unavailable", b"starting")),
        answering(response("503 Service Unavailable", b"")),
        answering(
            response("503 Service Unavailable", None, "Transfer-Encoding: chunked")
            + b"3\r\nnow\r\n0\r\n\r\n"
        ),
    ],
    ids=["body until the end", "empty until the end", "body", "empty", "chunked"],
)
async def test_a_booting_miniserver(autojump_clock: MockClock, script: Script) -> None:
    outcome = await visit(script, only_open)
    assert isinstance(outcome.error, BootingError)
    assert outcome.seconds < AT_ONCE


async def test_a_booting_miniserver_whose_body_never_ends(autojump_clock: MockClock) -> None:
    async def script(peer: ScriptedPeer) -> None:
        await peer.read_request()
        await peer.say(response("503 Service Unavailable"))
        while True:
            await peer.say(b"x" * 2**16)
            await trio.sleep(0.01)

    outcome = await visit(script, only_open)
    assert isinstance(outcome.error, BootingError)
    assert outcome.chunks < 50


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("401 Unauthorized", "HTTP status 401 in answer to /ws/rfc6455"),
        ("404 Not Found", "HTTP status 404 in answer to /ws/rfc6455"),
        ("200 OK", "HTTP status 200 in answer to /ws/rfc6455"),
    ],
)
@pytest.mark.parametrize("hang_up", [True, False])
async def test_a_refusal_tells_its_status(
    autojump_clock: MockClock, status: str, expected: str, *, hang_up: bool
) -> None:
    body = None if hang_up else b"no"
    outcome = await visit(answering(response(status, body), hang_up=hang_up), only_open)
    assert isinstance(outcome.error, MisbehaviourError)
    assert expected == str(outcome.error)
    assert outcome.seconds < AT_ONCE


async def test_a_refusal_tells_where_it_sends_its_clients(autojump_clock: MockClock) -> None:
    redirection = response("302 Found", b"", "Location: https://elsewhere.test/")
    outcome = await visit(answering(redirection), only_open)
    assert isinstance(outcome.error, TlsError)
    assert "https://elsewhere.test/" in str(outcome.error)


@pytest.mark.parametrize(
    "script",
    [
        answering(response("403 Forbidden", LOCKED_OUT_PAGE)),
        answering(response("403 Forbidden") + LOCKED_OUT_PAGE, hang_up=True),
    ],
    ids=["of a stated length", "until the end"],
)
async def test_a_locked_out_address_learns_for_how_long(
    autojump_clock: MockClock, script: Script
) -> None:
    outcome = await visit(script, only_open)
    assert isinstance(outcome.error, LockedOutError)
    assert outcome.error.remaining == 38
    assert outcome.seconds < AT_ONCE


@pytest.mark.parametrize("hang_up", [True, False])
async def test_a_locked_out_address_that_is_not_told_for_how_long(
    autojump_clock: MockClock, *, hang_up: bool
) -> None:
    page = b"<errorcode>403</errorcode>"
    head = response("403 Forbidden") + page if hang_up else response("403 Forbidden", page)
    outcome = await visit(answering(head, hang_up=hang_up), only_open)
    assert isinstance(outcome.error, LockedOutError)
    assert outcome.error.remaining is None
    assert outcome.seconds < AT_ONCE


@pytest.mark.parametrize(
    ("code", "reason", "kind", "remaining"),
    [
        (1000, "", ClosedNormallyError, None),
        (4005, "", UserChangedError, None),
        (4999, "restarting", ConnectionLostError, None),
        (4003, "temporarily blocked (70)", LockedOutError, 70),
    ],
)
@pytest.mark.parametrize("glued", [True, False])
@pytest.mark.parametrize("hang_up", [True, False])
async def test_a_close_frame_with_and_without_the_end_of_tcp(
    autojump_clock: MockClock,
    code: int,
    reason: str,
    kind: type[SessionError],
    remaining: int | None,
    *,
    glued: bool,
    hang_up: bool,
) -> None:
    async def script(peer: ScriptedPeer) -> None:
        if glued:
            await peer.accept(close_frame(code, reason))
        else:
            await peer.accept()
            await trio.sleep(1)
            await peer.say(close_frame(code, reason))
        if hang_up:
            await peer.hang_up()

    outcome = await visit(script, open_and_receive)
    assert kind is type(outcome.error)
    assert remaining == getattr(outcome.error, "remaining", None)
    assert str(code) in str(outcome.error)
    assert outcome.seconds < 1 + CLOSING


@pytest.mark.parametrize("hang_up", [True, False])
async def test_our_close_frame_is_answered_in_kind(
    autojump_clock: MockClock, *, hang_up: bool
) -> None:
    received = []

    async def script(peer: ScriptedPeer) -> None:
        await peer.accept()
        received.append(await peer.read_frame())
        await peer.say(close_frame(1000))
        if hang_up:
            await peer.hang_up()

    outcome = await visit(script, only_open)
    assert [] == outcome.errors
    assert [(CLOSE, b"\x03\xe8")] == received
    assert outcome.seconds < AT_ONCE


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize("hang_up", [True, False])
async def test_a_message_beyond_the_limit(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch, opcode: int, *, hang_up: bool
) -> None:
    monkeypatch.setattr(transport, "MAX_MESSAGE", 1000)
    received: list[bytes | str] = []

    async def use(channel: MessageChannel) -> None:
        await channel.open()
        while True:
            received.append(await channel.receive())

    glued = frame(opcode, b"x" * 1000) + frame(opcode, b"x" * 1001)
    outcome = await visit(accepting(glued, hang_up=hang_up), use)
    assert isinstance(outcome.error, MisbehaviourError)
    assert "1000 bytes" in str(outcome.error)
    assert len(received) <= 1
    assert outcome.seconds < CLOSING


@pytest.mark.parametrize("payload", [b"", b"x", b"x" * 100], ids=["empty", "tiny", "small"])
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
async def test_fragments_without_an_end(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch, opcode: int, payload: bytes
) -> None:
    monkeypatch.setattr(transport, "_MOST_FRAGMENTS", 5000)
    sent = 0

    async def script(peer: ScriptedPeer) -> None:
        nonlocal sent
        await peer.accept(fragment(opcode, payload))
        more = fragment(CONTINUATION, payload) * 1000
        while True:
            await peer.say(more)
            sent += 1000
            await trio.sleep(0.01)

    outcome = await visit(script, open_and_receive)
    assert isinstance(outcome.error, MisbehaviourError)
    assert "more than 5000 fragments" in str(outcome.error)
    assert 4000 <= sent <= 9000
    assert outcome.seconds < 1 + CLOSING


async def test_a_large_message_in_small_fragments_is_received(autojump_clock: MockClock) -> None:
    count, piece = 20_000, b"0123456789" * 50
    received: list[bytes | str] = []

    async def use(channel: MessageChannel) -> None:
        await channel.open()
        received.append(await channel.receive())

    begin, end = fragment(BINARY, piece), frame(CONTINUATION)
    glued = begin + fragment(CONTINUATION, piece) * (count - 1) + end
    outcome = await visit(accepting(glued), use)
    assert [] == outcome.errors
    assert [piece * count] == received


@pytest.mark.parametrize("announced", [2**32, 2**62])
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
async def test_a_frame_that_announces_gigabytes(
    autojump_clock: MockClock, opcode: int, announced: int
) -> None:
    async def script(peer: ScriptedPeer) -> None:
        await peer.accept(bytes([0x80 | opcode, 127]) + announced.to_bytes(8, "big"))
        while True:
            await peer.say(bytes(2**20))
            await trio.sleep(0.01)

    outcome = await visit(script, open_and_receive)
    assert isinstance(outcome.error, MisbehaviourError)
    assert f"{MAX_MESSAGE} bytes" in str(outcome.error)
    assert outcome.chunks <= MAX_MESSAGE / _READ_SIZE + 5
    assert outcome.seconds < 1 + CLOSING


@pytest.mark.parametrize(
    ("begin", "data"),
    [(b"", frame(PONG)), (fragment(BINARY), fragment(CONTINUATION))],
    ids=["pongs", "fragments"],
)
async def test_other_tasks_have_their_turn_amid_the_smallest_frames(
    autojump_clock: MockClock, begin: bytes, data: bytes
) -> None:
    count, turns = 60_000, 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            await trio.lowlevel.checkpoint()
            turns += 1

    async def use(channel: MessageChannel) -> None:
        await channel.open()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(take_turns)
            with contextlib.suppress(SessionError):
                while True:
                    await channel.receive()
            nursery.cancel_scope.cancel()

    await visit(accepting(begin + data * count, hang_up=True), use)
    # Two thousand frames, a hundredth of a second's work, keep the others waiting, and no more.
    assert turns >= count / 2100


async def test_a_mute_peer_at_the_end(autojump_clock: MockClock) -> None:
    outcome = await visit(accepting(), only_open)
    assert [] == outcome.errors
    assert outcome.seconds < CLOSING


async def test_a_mute_peer_that_does_not_even_read(autojump_clock: MockClock) -> None:
    outcome = await visit(accepting(), only_open, streams=lockstep_stream_pair)
    assert [] == outcome.errors
    assert outcome.seconds < CLOSING


async def test_an_error_in_the_block_is_not_lost_to_a_mute_peer(autojump_clock: MockClock) -> None:
    async def use(channel: MessageChannel) -> None:
        await channel.open()
        raise BootingError("planted")

    outcome = await visit(accepting(), use)
    assert "planted" == str(outcome.error)
    assert outcome.seconds < CLOSING


async def test_a_cancelled_block_ends_within_the_bound(autojump_clock: MockClock) -> None:
    async def use(channel: MessageChannel) -> None:
        await channel.open()
        with trio.move_on_after(5):
            await channel.receive()

    outcome = await visit(accepting(), use)
    assert [] == outcome.errors
    assert 5 <= outcome.seconds < 5 + CLOSING


@pytest.mark.parametrize("reply", [b"", close_frame(1000)])
async def test_a_ping_while_we_close_ends_nothing_else(
    autojump_clock: MockClock, reply: bytes
) -> None:
    async def script(peer: ScriptedPeer) -> None:
        await peer.accept()
        opcode, _ = await peer.read_frame()
        assert opcode == CLOSE
        await peer.say(frame(PING, b"are you there?") + reply)

    outcome = await visit(script, only_open)
    assert [] == outcome.errors
    assert outcome.seconds < CLOSING


async def test_a_ping_while_we_close_does_not_replace_the_reason(autojump_clock: MockClock) -> None:
    async def script(peer: ScriptedPeer) -> None:
        await peer.accept()
        await peer.read_frame()
        await peer.say(frame(PING))

    async def use(channel: MessageChannel) -> None:
        await channel.open()
        raise BootingError("planted")

    outcome = await visit(script, use)
    assert "planted" == str(outcome.error)


async def test_pings_are_answered_although_nobody_reads(autojump_clock: MockClock) -> None:
    received = []

    async def script(peer: ScriptedPeer) -> None:
        await peer.accept(frame(TEXT, b"event") * 4 + frame(PING, b"!"))
        received.append(await peer.read_frame())

    async def use(channel: MessageChannel) -> None:
        await channel.open()
        await trio.sleep(1)

    outcome = await visit(script, use)
    assert [] == outcome.errors
    assert [(PONG, b"!")] == received


@pytest.mark.parametrize(
    ("host", "port", "expected"),
    [
        ("192.0.2.7", 80, b"192.0.2.7:80"),
        ("home.test", 8080, b"home.test:8080"),
        ("::1", 80, b"[::1]:80"),
        ("2001:db8::7", 8080, b"[2001:db8::7]:8080"),
    ],
)
async def test_the_host_header(
    autojump_clock: MockClock, host: str, port: int, expected: bytes
) -> None:
    requests = []

    async def script(peer: ScriptedPeer) -> None:
        await peer.accept()
        requests.append(peer.request)

    await visit(script, only_open, address=Address(host, port))
    (request,) = requests
    assert request.startswith(b"GET /ws/rfc6455 HTTP/1.1\r\n")
    hosts = [line for line in request.split(b"\r\n") if line.lower().startswith(b"host:")]
    assert [b"Host: " + expected] == hosts


async def test_nothing_is_sent_behind_a_frame_that_was_cut_off(autojump_clock: MockClock) -> None:
    wire: list[StickyStream] = []

    def streams() -> tuple[trio.abc.Stream, trio.abc.Stream]:
        client, server = memory_stream_pair()
        wire.append(StickyStream(client))
        return wire[0], server

    async def use(channel: MessageChannel) -> None:
        await channel.open()
        wire[0].stuck = True
        with trio.move_on_after(1) as scope:
            await channel.send("cut off")
        assert scope.cancelled_caught
        wire[0].stuck = False
        with trio.fail_after(1):
            await channel.send("the next")

    outcome = await visit(accepting(), use, streams=streams)
    assert isinstance(outcome.error, ConnectionLostError)
    assert "cut off midway" in str(outcome.error)
    assert outcome.seconds < 1 + CLOSING


async def test_a_subprotocol_that_is_not_echoed(autojump_clock: MockClock) -> None:
    async def script(peer: ScriptedPeer) -> None:
        await peer.read_request()
        assert b"Sec-WebSocket-Protocol: remotecontrol\r\n" in peer.request
        await peer.say(peer.acceptance())
        await peer.say(frame(TEXT, b"hello"))

    received: list[bytes | str] = []

    async def use(channel: MessageChannel) -> None:
        await channel.open()
        received.append(await channel.receive())

    outcome = await visit(script, use)
    assert [] == outcome.errors
    assert ["hello"] == received


@pytest.mark.parametrize("hang_up", [True, False])
async def test_frames_glued_to_the_handshake_are_received(
    autojump_clock: MockClock, *, hang_up: bool
) -> None:
    received: list[bytes | str] = []

    async def use(channel: MessageChannel) -> None:
        await channel.open()
        received.extend([await channel.receive(), await channel.receive()])
        if hang_up:
            await channel.receive()

    glued = frame(BINARY, b"\x03\x00\x00\x00\x05\x00\x00\x00") + frame(TEXT, "Küche".encode())
    outcome = await visit(accepting(glued, hang_up=hang_up), use)
    assert [b"\x03\x00\x00\x00\x05\x00\x00\x00", "Küche"] == received
    assert ([ConnectionLostError] if hang_up else []) == [type(e) for e in outcome.errors]


@pytest.mark.parametrize(
    ("data", "code", "kind"),
    [
        (frame(TEXT, b"K\xfcche"), 1007, BadTextError),
        (frame(0x3, b"reserved opcode"), 1002, MisbehaviourError),
        (b"\xc1\x00", 1002, MisbehaviourError),
        (frame(PING, b"x" * 200), 1002, MisbehaviourError),
        (frame(CLOSE, b"\x03"), 1002, MisbehaviourError),
    ],
)
async def test_frames_that_the_rfc_forbids(
    autojump_clock: MockClock, data: bytes, code: int, kind: type[SessionError]
) -> None:
    outcome = await visit(accepting(data), open_and_receive)
    assert kind is type(outcome.error)
    assert str(code) in str(outcome.error)
    assert outcome.seconds < CLOSING


async def test_sending_while_the_end_is_being_noticed(autojump_clock: MockClock) -> None:
    async def use(channel: MessageChannel) -> None:
        await channel.open()
        await wait_all_tasks_blocked()
        with pytest.raises(ConnectionLostError):
            await channel.send("keepalive")
        with pytest.raises(ConnectionLostError):
            await channel.receive()

    outcome = await visit(accepting(hang_up=True), use)
    assert [] == outcome.errors


async def test_sending_before_the_library_has_taken_note_of_the_end(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        await trio.lowlevel.checkpoint()
        raise wsproto.utilities.LocalProtocolError("planted")

    async def use(channel: MessageChannel) -> None:
        await channel.open()
        monkeypatch.setattr(trio_websocket.WebSocketConnection, "send_message", fail)
        await channel.send("keepalive")

    outcome = await visit(accepting(), use)
    assert isinstance(outcome.error, ConnectionLostError)


@pytest.mark.parametrize("data", [frame(TEXT, b"K\xfcche"), close_frame(4007), frame(3)])
async def test_sending_after_the_end_fails_as_a_session_does(
    autojump_clock: MockClock, data: bytes
) -> None:
    async def use(channel: MessageChannel) -> None:
        await channel.open()
        with pytest.raises(SessionError):
            await channel.receive()
        with pytest.raises(SessionError):
            await channel.send("keepalive")

    outcome = await visit(accepting(data), use)
    assert [] == outcome.errors


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 6, 200])
async def test_messages_that_nobody_has_received_are_told(
    autojump_clock: MockClock, count: int
) -> None:
    """The library has no public way to ask for them."""
    told: list[int] = []

    async def use(channel: MessageChannel) -> None:
        told.append(channel.queued())
        await channel.open()
        await wait_all_tasks_blocked()
        told.append(channel.queued())
        for number in range(count):
            assert f"event {number}" == await channel.receive()
            await wait_all_tasks_blocked()
            told.append(channel.queued())

    glued = b"".join(frame(TEXT, f"event {number}".encode()) for number in range(count))
    outcome = await visit(accepting(glued), use)
    assert [] == outcome.errors
    # One waits in the reader's hands, and what comes after it in the socket.
    most = transport._MESSAGE_QUEUE + 1
    assert [0, *(min(left, most) for left in range(count, -1, -1))] == told


async def test_every_byte_is_counted(autojump_clock: MockClock) -> None:
    said = 0

    async def script(peer: ScriptedPeer) -> None:
        nonlocal said
        await peer.accept(frame(TEXT, b"event"))
        said = len(peer.acceptance("Sec-WebSocket-Protocol: remotecontrol")) + 7
        for data in (frame(PING), frame(BINARY, b"x" * 100_000), frame(CLOSE)):
            await peer.say(data)
            said += len(data)

    outcome = await visit(script, open_and_receive)
    assert said == outcome.size > 100_000


@pytest.mark.parametrize("method", ["send", "receive"])
async def test_a_channel_that_was_not_opened(autojump_clock: MockClock, method: str) -> None:
    async def use(channel: MessageChannel) -> None:
        await (channel.send("keepalive") if method == "send" else channel.receive())

    async def script(peer: ScriptedPeer) -> None:
        pass

    outcome = await visit(script, use)
    assert isinstance(outcome.error, ConnectionLostError)
    assert outcome.seconds < AT_ONCE


@frozen
class Talk:
    """A conversation over a channel to a scripted peer, in which nothing is known of the house."""

    state: MiniserverState = field(factory=lambda: MiniserverState(name="home"))

    async def listen_and_keep_alive(self, channel: MessageChannel) -> None:
        await channel.open()
        conversation = Conversation(channel, self.state)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(conversation.listen)
            nursery.start_soon(conversation.keep_alive)


async def test_life_signs_are_no_pings(autojump_clock: MockClock) -> None:
    received: list[tuple[int, bytes]] = []

    async def script(peer: ScriptedPeer) -> None:
        await peer.accept()
        for _ in range(3):
            received.append(await peer.read_frame())
            await peer.say(frame(BINARY, encode_header(Header(Identifier.KEEPALIVE, 0))))
        await peer.hang_up()

    with trio.fail_after(4 * KEEPALIVE_INTERVAL):
        outcome = await visit(script, Talk().listen_and_keep_alive, patience=1000)
    assert [ConnectionLostError] == [type(error) for error in outcome.errors]
    assert [(TEXT, b"keepalive")] * 3 == received


@pytest.mark.parametrize(
    ("end", "kind", "bound"),
    [
        ("mute", SilentError, KEEPALIVE_INTERVAL + PATIENCE),
        ("closed", ConnectionLostError, KEEPALIVE_INTERVAL),
        ("pings only", SilentError, KEEPALIVE_INTERVAL + LIMIT),
    ],
)
async def test_a_life_sign_while_the_connection_dies(
    autojump_clock: MockClock, end: str, kind: type[SessionError], bound: float
) -> None:
    async def script(peer: ScriptedPeer) -> None:
        await peer.accept()
        await peer.read_frame()
        if end == "closed":
            await peer.hang_up()
        while end == "pings only":
            await peer.say(frame(PING))
            await trio.sleep(5)

    outcome = await visit(script, Talk().listen_and_keep_alive, patience=1000)
    assert kind is type(outcome.error)
    assert outcome.seconds <= bound + CLOSING


async def test_a_peer_that_pings_without_reading_is_left(autojump_clock: MockClock) -> None:
    async def script(peer: ScriptedPeer) -> None:
        await peer.accept()
        await peer.say(frame(PING, b"!") * 1000)

    # Over these streams, what is not read cannot be sent.
    outcome = await visit(
        script, Talk().listen_and_keep_alive, streams=lockstep_stream_pair, patience=100
    )
    assert [SilentError] == [type(error) for error in outcome.errors]
    assert outcome.seconds <= KEEPALIVE_INTERVAL + PATIENCE + CLOSING


async def test_pings_are_answered_amid_large_tables(autojump_clock: MockClock) -> None:
    table = encode_values((StateUuid(number.to_bytes(16)), 1.0) for number in range(20_000))
    header = encode_header(Header(Identifier.VALUES, len(table)))
    tables = (frame(BINARY, header) + frame(BINARY, table)) * 3
    received = []

    async def script(peer: ScriptedPeer) -> None:
        await peer.accept(tables + frame(PING, b"!"))
        received.append(await peer.read_frame())
        await peer.hang_up()

    outcome = await visit(script, Talk().listen_and_keep_alive)
    assert isinstance(outcome.error, ConnectionLostError)
    assert [(PONG, b"!")] == received
    assert outcome.seconds < AT_ONCE


def test_each_situation_has_its_tests() -> None:
    assert __doc__ is not None
    rows = re.split(r"^\d+\. ", __doc__, flags=re.MULTILINE)[1:]
    assert 12 == len(rows)
    for row in rows:
        names = re.findall(r"\btest_\w+", row)
        assert names
        assert [] == [name for name in names if name not in globals()]


def mutations(seed: int) -> Iterator[bytes]:
    """Beginnings of conversations with bytes changed, left out and put in."""
    # Reproducible rather than secret.
    chance = random.Random(seed)
    whole = frame(TEXT, b"event") + frame(PING) + frame(BINARY, b"\x03" * 40) + close_frame(4003)
    for _ in range(15):
        data = bytearray(whole * chance.randint(1, 3))
        for _ in range(chance.randint(1, 4)):
            place = chance.randrange(len(data))
            data[place : place + chance.randint(0, 3)] = chance.randbytes(chance.randint(0, 3))
        yield bytes(data)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("opened", [True, False])
async def test_mutated_bytes_end_in_nothing_but_errors_of_ours(
    autojump_clock: MockClock, seed: int, *, opened: bool
) -> None:
    for data in mutations(seed):
        if opened:
            script = accepting(data, hang_up=True)
        else:
            script = answering(response("101 Switching Protocols") + data, hang_up=True)
        outcome = await visit(script, open_and_receive)
        assert outcome.errors
        assert outcome.seconds < CLOSING
