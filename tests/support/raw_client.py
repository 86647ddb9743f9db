"""A minimal client for the simulated Miniserver, independent of the exporter's own client.

It does just what a test tells it to, right or wrong: the encryption is the exporter's, which the
reference's vectors prove, all else is here.
"""

from __future__ import annotations

import json
from collections import deque
from typing import Any
from urllib.parse import quote

import h11
import trio
from attrs import define, frozen
from trio.testing import memory_stream_pair
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Message,
    Ping,
    Pong,
    RejectConnection,
    Request,
    TextMessage,
)

from loxone_exporter.loxone.crypto import (
    HashParameters,
    PublicKey,
    SessionKey,
    decode_base64,
    encode_base64,
    hash_credentials,
    strip_padding,
)
from loxone_exporter.loxone.header import Header, decode_header
from loxone_exporter.simulator.miniserver import SimulatedMiniserver


USERNAME = PASSWORD = "demo"
CLIENT_ID = "098802e1-02b4-603c-ffffeee000d80cfd"
SALT = "9f3c"


@frozen
class Response:
    """An HTTP response."""

    status: int
    headers: dict[str, str]
    body: bytes


@frozen
class Closed:
    """The server has closed the WebSocket; without a close frame the code is None."""

    code: int | None
    reason: str


@frozen
class Received:
    """A message: all headers that preceded it, and the payload with its kind of frame."""

    headers: list[Header]
    payload: bytes | str | None

    @property
    def header(self) -> Header:
        return self.headers[-1]

    @property
    def ll(self) -> dict[str, Any]:
        """The answer inside a text message."""
        assert isinstance(self.payload, str)
        answer: dict[str, Any] = json.loads(self.payload)["LL"]
        return answer

    @property
    def code(self) -> int:
        return int(self.ll["code" if "code" in self.ll else "Code"])

    @property
    def value(self) -> Any:  # noqa: ANN401  # any JSON
        return self.ll["value"]


def connect(miniserver: SimulatedMiniserver, nursery: trio.Nursery) -> trio.abc.Stream:
    """Connect to a Miniserver through memory."""
    ours, theirs = memory_stream_pair()
    nursery.start_soon(miniserver.handle, theirs)
    return ours


async def get(
    miniserver: SimulatedMiniserver,
    target: str,
    *,
    headers: dict[str, str] | None = None,
    method: str = "GET",
) -> Response:
    """Make one HTTP request over a connection of its own."""
    async with trio.open_nursery() as nursery:
        stream = connect(miniserver, nursery)
        response = await request(stream, target, headers=headers, method=method)
        await stream.aclose()
    return response


async def request(
    stream: trio.abc.Stream,
    target: str,
    *,
    headers: dict[str, str] | None = None,
    method: str = "GET",
) -> Response:
    """Make one HTTP request over a connection that stays open."""
    http = h11.Connection(h11.CLIENT)
    fields = [("Host", "miniserver"), *(headers or {}).items()]
    data = http.send(h11.Request(method=method, target=f"/{target}", headers=fields))
    assert data is not None
    await stream.send_all(data + (http.send(h11.EndOfMessage()) or b""))
    status, answer_headers, body = 0, {}, b""
    while True:
        event = http.next_event()
        if event is h11.NEED_DATA:
            http.receive_data(bytes(await stream.receive_some()))
        elif isinstance(event, h11.Response):
            status = event.status_code
            answer_headers = {name.decode(): value.decode() for name, value in event.headers}
        elif isinstance(event, h11.Data):
            body += event.data
        else:
            assert isinstance(event, h11.EndOfMessage)
            return Response(status, answer_headers, body)


@define
class RawClient:
    """One WebSocket connection."""

    stream: trio.abc.Stream
    websocket: WSConnection
    events: deque[Event]
    key: SessionKey
    opening: AcceptConnection | RejectConnection | None = None

    @classmethod
    async def open(
        cls,
        stream: trio.abc.Stream,
        *,
        target: str = "/ws/rfc6455",
        subprotocols: tuple[str, ...] = ("remotecontrol",),
    ) -> RawClient:
        """Open a WebSocket; whether it was accepted is in `opening`."""
        websocket = WSConnection(ConnectionType.CLIENT)
        client = cls(stream, websocket, deque(), SessionKey.generate())
        await client.transmit(Request(host="x", target=target, subprotocols=list(subprotocols)))
        opening = await client.next_event()
        assert isinstance(opening, AcceptConnection | RejectConnection)
        client.opening = opening
        return client

    async def transmit(self, event: Event) -> None:
        await self.stream.send_all(self.websocket.send(event))

    async def next_event(self) -> Event:
        while not self.events:
            data = bytes(await self.stream.receive_some())
            self.websocket.receive_data(data or None)
            self.events.extend(self.websocket.events())
        return self.events.popleft()

    async def next_message(self) -> bytes | str | Closed:
        """The next whole message, or the end; pings and pongs are left out."""
        parts: list[bytes | str] = []
        while True:
            event = await self.next_event()
            if isinstance(event, CloseConnection):
                abnormal = event.code == 1006
                return Closed(None if abnormal else event.code, event.reason or "")
            if isinstance(event, Ping | Pong):
                continue
            assert isinstance(event, Message)
            parts.append(event.data)
            if event.message_finished:
                if isinstance(event, TextMessage):
                    return "".join(str(part) for part in parts)
                assert isinstance(event, BytesMessage)
                return b"".join(bytes(part) for part in parts if not isinstance(part, str))

    async def receive(self) -> Received | Closed:
        """The next message of the Miniserver: headers and payload."""
        headers: list[Header] = []
        while True:
            frame = await self.next_message()
            if isinstance(frame, Closed):
                return frame
            assert isinstance(frame, bytes), f"a header is missing before {frame!r}"
            headers.append(decode_header(frame))
            if headers[-1].identifier in {5, 6}:
                return Received(headers, None)
            if not headers[-1].estimated:
                payload = await self.next_message()
                assert not isinstance(payload, Closed)
                return Received(headers, payload)

    async def closing(self) -> Closed:
        """What the Miniserver closes with, which must be the next that it says."""
        closed = await self.receive()
        assert isinstance(closed, Closed), closed
        return closed

    async def send(self, text: str) -> None:
        await self.transmit(TextMessage(data=text))

    async def ask(self, text: str) -> Received:
        """Send a command as it is and wait for the next message."""
        await self.send(text)
        answer = await self.receive()
        assert isinstance(answer, Received), answer
        return answer

    def encrypt(self, text: str, *, kind: str = "enc") -> str:
        """Encrypt a text that has its salt already."""
        cipher = encode_base64(self.key.encrypt(text.encode()))
        return f"jdev/sys/{kind}/{quote(cipher, safe='')}"

    async def ask_encrypted(self, text: str, *, salt: str = SALT) -> Received:
        return await self.ask(self.encrypt(f"salt/{salt}/{text}"))

    async def ask_sealed(self, text: str, *, salt: str = SALT) -> Received:
        """Ask by `fenc`, and decrypt the answer."""
        answer = await self.ask(self.encrypt(f"salt/{salt}/{text}", kind="fenc"))
        assert isinstance(answer.payload, str)
        return Received(answer.headers, self.decrypt(answer.payload))

    def decrypt(self, text: str) -> str:
        return strip_padding(self.key.decrypt(decode_base64(text))).decode()

    async def exchange_keys(self, public_key: str) -> Received:
        secret = PublicKey.parse(public_key).encrypt(self.key.exchange_text)
        return await self.ask(f"jdev/sys/keyexchange/{encode_base64(secret)}")

    async def log_in(
        self,
        miniserver: SimulatedMiniserver,
        *,
        username: str = USERNAME,
        password: str = PASSWORD,
        permission: int | str = 4,
        command: str = "jdev/sys/getjwt",
    ) -> Received:
        """Exchange keys and ask for a token; the last answer is returned."""
        public_key = (await get(miniserver, "jdev/sys/getPublicKey")).body
        answer = await self.exchange_keys(json.loads(public_key)["LL"]["value"])
        assert answer.code == 200
        return await self.ask_for_token(
            username=username, password=password, permission=permission, command=command
        )

    async def ask_for_token(
        self,
        *,
        username: str = USERNAME,
        password: str = PASSWORD,
        permission: int | str = 4,
        command: str = "jdev/sys/getjwt",
    ) -> Received:
        user = quote(username, safe="")
        parameters = (await self.ask_encrypted(f"jdev/sys/getkey2/{user}")).value
        digest = hash_credentials(
            username,
            password,
            HashParameters(
                key=parameters["key"],
                salt=parameters["salt"],
                algorithm=parameters.get("hashAlg", "SHA1"),
            ),
        )
        return await self.ask_encrypted(
            f"{command}/{digest}/{user}/{permission}/{CLIENT_ID}/raw%20client"
        )


async def open_session(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery, *, logged_in: bool = True
) -> RawClient:
    """Open a WebSocket, and log in."""
    client = await RawClient.open(connect(miniserver, nursery))
    if logged_in:
        answer = await client.log_in(miniserver)
        assert answer.code == 200
    return client
