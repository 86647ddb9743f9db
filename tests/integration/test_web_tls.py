"""A web server with TLS, over real sockets, and clients of all sorts."""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import trio
import trustme
from attrs import define, evolve
from trio.testing import wait_all_tasks_blocked

from loxone_exporter import reading
from loxone_exporter.clients import Clients, CutOff
from loxone_exporter.config.files import Print
from loxone_exporter.config.model import TlsServerConfig
from loxone_exporter.metrics.vitals import vitals_families
from loxone_exporter.vitals import Vitals
from loxone_exporter.web import tls
from loxone_exporter.web.connection import PATIENCE, Phase
from loxone_exporter.web.tls import Identity, ServerTls, find_doubts
from support.certificates import write_server_files
from support.raw_client import Response, request
from support.web_serving import Serving, open_files, serving


NAME = "exporter.example"
AUTHORITY = trustme.CA()
CLIENTS = trustme.CA()
STRANGERS = trustme.CA()
EXPIRED = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
YEAR = dt.timedelta(days=365)


def client_context(
    show: trustme.LeafCert | None = None, *, newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    AUTHORITY.configure_trust(context)
    context.maximum_version = newest
    if show is not None:
        show.configure_cert(context)
    return context


async def app(_scope: Any, _receive: Any, send: Any) -> None:  # noqa: ANN401  # ASGI
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})


@define(eq=False)
class Place:
    """A folder with certificate and key, and a server that shows them.

    Attributes:
        config: As the server has it.
        vitals: What it tells.
        server: That server.
    """

    config: TlsServerConfig
    server: Serving
    vitals: Vitals
    tls: ServerTls

    @property
    def clients(self) -> Clients:
        """What the server counts."""
        return self.server.clients

    async def connect(self, context: ssl.SSLContext | None = None) -> trio.SSLStream[Any]:
        stream = trio.SSLStream(
            await self.server.connect(),
            context or client_context(),
            server_hostname=NAME,
            https_compatible=True,
        )
        try:
            await stream.do_handshake()
        except trio.BrokenResourceError:
            await trio.aclose_forcefully(stream)
            raise
        return stream

    async def get(self, context: ssl.SSLContext | None = None) -> Response:
        async with await self.connect(context) as stream:
            return await request(stream, "")

    async def serial(self) -> int:
        """Tells the certificate from others."""
        async with await self.connect() as stream:
            return int(stream.getpeercert()["serialNumber"], 16)

    async def changed(self, before: int) -> int:
        """Wait for another certificate; its number."""
        with trio.fail_after(5):
            while (now := await self.serial()) == before:
                await trio.sleep(0.01)
        return now


@contextlib.asynccontextmanager
async def place(
    folder: Path,
    *,
    patience: Mapping[Phase, float] = PATIENCE,
    **settings: Any,  # noqa: ANN401  # those of the model
) -> AsyncIterator[Place]:
    """Serve with TLS; the authority of the clients is in the folder, too."""
    write_server_files(folder, AUTHORITY.issue_cert(NAME))
    (folder / "clients.pem").write_bytes(CLIENTS.cert_pem.bytes())
    config = TlsServerConfig(
        cert_file=folder / "exporter.pem", key_file=folder / "exporter.key", **settings
    )
    vitals = Vitals()
    server_tls = ServerTls.start(config, vitals)
    async with (
        serving(app, tls=server_tls, patience=patience) as server,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(server_tls.watch)
        yield Place(config, server, vitals, server_tls)
        nursery.cancel_scope.cancel()


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are looked at all the time."""
    monkeypatch.setattr(tls, "CHECK_INTERVAL", 0.02)


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_requests_are_answered(tmp_path: Path, newest: ssl.TLSVersion) -> None:
    async with place(tmp_path) as here:
        context = client_context(newest=newest)
        context.set_alpn_protocols(["h2", "http/1.1"])
        async with await here.connect(context) as stream:
            assert "http/1.1" == stream.selected_alpn_protocol()
            for _ in range(3):
                assert b"hello" == (await request(stream, "")).body
        context.set_alpn_protocols(["h2"])  # of a client that speaks nothing else
        async with await here.connect(context) as stream:
            assert stream.selected_alpn_protocol() is None
        assert (await here.get()).headers["x-content-type-options"] == "nosniff"


async def test_old_protocols_are_not_spoken(tmp_path: Path) -> None:
    async with place(tmp_path, min_version="TLS13") as here:
        assert 200 == (await here.get()).status
        with pytest.raises(trio.BrokenResourceError) as caught:
            await here.get(client_context(newest=ssl.TLSVersion.TLSv1_2))
        assert "ALERT_PROTOCOL_VERSION" in str(caught.value.__cause__)


@pytest.mark.parametrize(
    ("cipher", "is_spoken"),
    [("ECDHE-ECDSA-AES128-GCM-SHA256", True), ("ECDHE-ECDSA-AES128-SHA256", False)],
)
async def test_old_ciphers_are_not_spoken(tmp_path: Path, *, cipher: str, is_spoken: bool) -> None:
    context = client_context(newest=ssl.TLSVersion.TLSv1_2)
    context.set_ciphers(cipher)
    refusal = pytest.raises(trio.BrokenResourceError)
    async with place(tmp_path) as here:
        with contextlib.nullcontext() if is_spoken else refusal:
            assert 200 == (await here.get(context)).status


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_no_client_gets_a_ticket(tmp_path: Path, newest: ssl.TLSVersion) -> None:
    """With one, it could come back later without its certificate being looked at again."""

    def connect(server: Serving) -> bool:
        context = client_context(newest=newest)
        with (
            socket.create_connection((server.host, server.port), timeout=5) as plain,
            context.wrap_socket(plain, server_hostname=NAME) as encrypted,
        ):
            encrypted.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert encrypted.recv(100)  # by now, what comes behind the handshake is there
            return encrypted.session is not None and encrypted.session.has_ticket

    async with place(tmp_path) as here:
        assert not await trio.to_thread.run_sync(connect, here.server)


async def test_a_client_cannot_have_keys_made_again_and_again(tmp_path: Path) -> None:
    """No client of Python's can ask for it, and newer OpenSSL may refuse it by itself."""
    async with place(tmp_path) as here:
        assert here.tls.identity.context.options & ssl.OP_NO_RENEGOTIATION


GOOD = CLIENTS.issue_cert("prometheus")
TOO_OLD = CLIENTS.issue_cert("prometheus", not_before=EXPIRED, not_after=EXPIRED + YEAR)
STRANGE = STRANGERS.issue_cert("prometheus")

SHOWN = {"nothing": None, "good": GOOD, "expired": TOO_OLD, "strange": STRANGE}
ACCEPTED = {
    "NoClientCert": {"nothing", "good", "expired", "strange"},
    "VerifyClientCertIfGiven": {"nothing", "good"},
    "RequireAndVerifyClientCert": {"good"},
}


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("wanted", ACCEPTED)
async def test_clients_show_what_they_have_to(
    tmp_path: Path, wanted: str, newest: ssl.TLSVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Whom the machine trusts does not matter.
    (tmp_path / "machine.pem").write_bytes(STRANGERS.cert_pem.bytes())
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "machine.pem"))
    authorities: dict[str, Any] = (
        {} if wanted == "NoClientCert" else {"client_ca_file": tmp_path / "clients.pem"}
    )
    async with place(tmp_path, client_auth_type=wanted, **authorities) as here:
        for name, shown in SHOWN.items():
            context = client_context(shown, newest=newest)
            if name in ACCEPTED[wanted]:
                assert b"hello" == (await here.get(context)).body
                continue
            with pytest.raises(trio.BrokenResourceError) as caught:
                await here.get(context)
            # They are told why, and not just cut off.
            assert isinstance(caught.value.__cause__, ssl.SSLError)
            assert "ALERT" in str(caught.value.__cause__)


async def test_another_certificate_counts_for_new_connections(
    tmp_path: Path, often: None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with place(tmp_path) as here:
        before = await here.serial()
        async with await here.connect() as stream:
            await request(stream, "")
            later = dt.datetime.now(dt.UTC) + YEAR
            write_server_files(tmp_path, AUTHORITY.issue_cert(NAME, not_after=later))
            await here.changed(before)
            assert b"hello" == (await request(stream, "")).body
            assert before == int(stream.getpeercert()["serialNumber"], 16)
        assert abs(later.timestamp() - (here.vitals.web_certificate_not_after or 0)) < 2
    assert 1 == sum("new connections get the certificate" in text for text in caplog.messages)


async def test_other_authorities_of_clients_count_for_new_connections(
    tmp_path: Path, often: None
) -> None:
    file = tmp_path / "clients.pem"
    async with place(
        tmp_path, client_auth_type="RequireAndVerifyClientCert", client_ca_file=file
    ) as here:
        assert 200 == (await here.get(client_context(GOOD))).status
        file.write_bytes(STRANGERS.cert_pem.bytes())
        before = here.tls.identity
        with trio.fail_after(5):
            while here.tls.identity is before:
                await trio.sleep(0.01)
        assert 200 == (await here.get(client_context(STRANGE))).status
        with pytest.raises(trio.BrokenResourceError):
            await here.get(client_context(GOOD))


async def test_kubernetes_swaps_a_link_to_the_folder(tmp_path: Path, often: None) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write_server_files(tmp_path / name, AUTHORITY.issue_cert(NAME))
    (tmp_path / "..data").symlink_to("one")
    for name in ("exporter.pem", "exporter.key"):
        (tmp_path / name).symlink_to(f"..data/{name}")
    async with place(tmp_path) as here:
        # `place` has written through the links.
        before = await here.serial()
        (tmp_path / "..new").symlink_to("two")
        (tmp_path / "..new").rename(tmp_path / "..data")
        await here.changed(before)


async def test_a_broken_pair_leaves_the_old_one_and_is_told_once(
    tmp_path: Path, often: None, caplog: pytest.LogCaptureFixture
) -> None:
    def errors() -> list[str]:
        return [r.message for r in caplog.records if r.levelno >= logging.ERROR]

    async with place(tmp_path) as here:
        before = await here.serial()
        other = AUTHORITY.issue_cert(NAME)
        for name, content in (
            ("exporter.key", other.private_key_pem.bytes()),
            ("exporter.pem", b"not at all"),
            ("exporter.pem", None),
        ):
            caplog.clear()
            path = tmp_path / name
            if content is None:
                path.unlink()
            else:
                path.write_bytes(content)
            with trio.fail_after(5):
                while not errors():
                    await trio.sleep(0.01)
            for _ in range(5):
                assert before == await here.serial()
            await trio.sleep(0.1)
            [told] = errors()
            assert str(path) in told
            assert "the one before stays" in told
        write_server_files(tmp_path, other)
        await here.changed(before)


async def test_files_that_are_still_being_written_are_not_complained_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    looks, look = 0, tls._print_all

    def counted_look(config: TlsServerConfig) -> tuple[Print, ...]:
        nonlocal looks
        looks += 1
        return look(config)

    monkeypatch.setattr(tls, "CHECK_INTERVAL", 0.3)
    monkeypatch.setattr(tls, "_print_all", counted_look)
    async with place(tmp_path) as here:
        before = await here.serial()
        other = AUTHORITY.issue_cert(NAME)
        (tmp_path / "exporter.pem").write_bytes(other.cert_chain_pems[0].bytes())
        seen = looks
        with trio.fail_after(5):
            while looks == seen:
                await trio.sleep(0.01)
        await trio.sleep(0.1)  # shorter than from one look to the next
        write_server_files(tmp_path, other)
        await here.changed(before)
    assert [] == [r.message for r in caplog.records if r.levelno >= logging.WARNING]


async def test_a_reload_during_a_renewal_is_what_counts(
    tmp_path: Path, often: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_go_on, load = threading.Event(), Identity.load
    main_thread = threading.current_thread()

    def slow_load(config: TlsServerConfig) -> Identity:
        if threading.current_thread() is not main_thread:
            begun.set()
            assert may_go_on.wait(5)
        return load(config)

    begun = threading.Event()
    other = tmp_path / "other"
    other.mkdir()
    write_server_files(other, AUTHORITY.issue_cert(NAME))
    async with place(tmp_path) as here:
        take_over = await here.tls.prepare(
            evolve(here.config, cert_file=other / "exporter.pem", key_file=other / "exporter.key")
        )
        monkeypatch.setattr(Identity, "load", slow_load)
        write_server_files(tmp_path, AUTHORITY.issue_cert(NAME))
        assert await trio.to_thread.run_sync(begun.wait, 5)
        monkeypatch.setattr(tls, "CHECK_INTERVAL", 3600.0)  # this renewal only
        take_over()
        chosen = here.tls.identity
        may_go_on.set()
        with trio.fail_after(5):
            while here.tls._files.is_busy():
                await trio.sleep(0.01)
        await wait_all_tasks_blocked(0.05)
        assert chosen is here.tls.identity


async def test_a_reload_of_the_same_configuration_reads_nothing(tmp_path: Path) -> None:
    async with place(tmp_path) as here:
        before = here.tls.identity
        (await here.tls.prepare(evolve(here.config)))()
        assert before is here.tls.identity


async def test_a_reload_takes_over_everything_but_whether_there_is_tls(tmp_path: Path) -> None:
    async with place(tmp_path) as here:
        assert 200 == (await here.get()).status
        clients = tmp_path / "clients.pem"
        config = evolve(
            here.config, client_auth_type="RequireAndVerifyClientCert", client_ca_file=clients
        )
        take_over = await here.tls.prepare(config)
        assert 200 == (await here.get()).status
        take_over()
        with pytest.raises(trio.BrokenResourceError):
            await here.get()
        assert 200 == (await here.get(client_context(GOOD))).status
        (await here.tls.prepare(here.config))()
        assert 200 == (await here.get()).status


async def test_slow_files_hold_nobody_up_at_a_reload(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a real thread, that hangs as one does on a network that is gone."""
    monkeypatch.setattr(reading, "DEADLINE", 0.3)
    hang = threading.Event()

    def read_late(*_: object) -> None:
        hang.wait(20)
        raise ValueError("late")

    async with place(tmp_path) as here:
        other = evolve(here.config, min_version="TLS13")
        with monkeypatch.context() as patch:
            patch.setattr(tls, "load_pair", read_late)
            try:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(_fail_to_prepare, here, other)
                    with trio.fail_after(5):
                        while not here.tls._files.is_busy():
                            await trio.sleep(0.001)
                        assert 200 == (await here.get()).status
                        assert here.tls._files.is_busy()
            finally:
                hang.set()
        with trio.fail_after(5):
            while here.tls._files.is_busy():
                await trio.sleep(0.01)
        (await here.tls.prepare(other))()
        with pytest.raises(trio.BrokenResourceError):
            await here.get(client_context(newest=ssl.TLSVersion.TLSv1_2))


async def _fail_to_prepare(here: Place, config: TlsServerConfig) -> None:
    with pytest.raises(trio.TooSlowError, match="certificate and key: not read within"):
        await here.tls.prepare(config)


async def test_an_expired_certificate_is_served_and_warned_about(
    tmp_path: Path, often: None, caplog: pytest.LogCaptureFixture
) -> None:
    async with place(tmp_path) as here:
        assert [] == list(find_doubts(here.config))
        expired = AUTHORITY.issue_cert(NAME, not_before=EXPIRED, not_after=EXPIRED + YEAR)
        write_server_files(tmp_path, expired)
        with trio.fail_after(5):
            while not any("expired on 2020-12-31" in text for text in caplog.messages):
                await trio.sleep(0.01)
        with pytest.raises(trio.BrokenResourceError) as caught:
            await here.get()
        assert "certificate has expired" in str(caught.value.__cause__)
        [(path, message)] = find_doubts(here.config)
        assert ("web", "tls_server_config", "cert_file") == path
        assert "expired on 2020-12-31" in message
        [family] = [f for f in vitals_families(here.vitals) if "web_certificate" in f.name]
        assert [(EXPIRED + YEAR).timestamp()] == [sample.value for sample in family.samples]


@pytest.mark.parametrize("packet", [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\0" * 4096])
async def test_what_is_no_tls_is_closed_and_harms_nobody(
    tmp_path: Path, packet: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with place(tmp_path) as here:
        await here.get()
        files = open_files()
        for _ in range(5):
            assert b"HTTP" not in await here.server.talk(packet)
        assert b"hello" == (await here.get()).body
        with trio.fail_after(5):
            while open_files() > files:
                await trio.sleep(0.01)
    told = [r for r in caplog.records if "no TLS with a client" in r.message]
    assert 5 == len(told)
    assert {logging.DEBUG} == {r.levelno for r in told}
    assert [] == [r.message for r in caplog.records if r.levelno > logging.INFO]


async def test_tls_on_the_plain_port_is_closed_and_harms_nobody() -> None:
    async with serving(app) as server:
        stream = trio.SSLStream(await server.connect(), client_context(), server_hostname=NAME)
        with pytest.raises(trio.BrokenResourceError):
            await stream.do_handshake()
        await trio.aclose_forcefully(stream)
        assert b"hello" == (await server.get("")).body


@pytest.mark.parametrize("packet", [b"", b"\x16\x03"])
async def test_who_does_not_shake_hands_is_cut_off_and_counted(
    tmp_path: Path, packet: bytes
) -> None:
    async with place(tmp_path, patience={Phase.HANDSHAKE: 0.2}) as here:
        async with await here.server.connect() as stream:
            await stream.send_all(packet)
            await trio.sleep(0.05)
            assert 1 == here.clients.connected
            with trio.fail_after(5):
                assert b"" == await stream.receive_some()
        assert 1 == here.clients.cut_off[CutOff.SLOW_REQUEST]


async def test_as_many_as_may_be_are_let_in_whether_they_shake_hands_or_not(tmp_path: Path) -> None:
    async with place(tmp_path) as here:
        here.clients.limit = 2
        async with await here.server.connect(), await here.server.connect():
            await trio.sleep(0.05)
            with pytest.raises((trio.BrokenResourceError, OSError)):
                await here.get()
        assert 1 == here.clients.refused


async def test_the_end_of_a_connection_is_told_by_tls_too(tmp_path: Path) -> None:
    """Or else it might be somebody else who cuts an answer off."""
    async with place(tmp_path) as here:
        for method, body in (("GET", b""), ("POST", b"x" * 100_000)):
            stream = trio.SSLStream(
                await here.server.connect(), client_context(), server_hostname=NAME
            )
            head = f"{method} / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            head += f"Content-Length: {len(body)}\r\n\r\n"
            await stream.send_all(head.encode() + body)
            received = b""
            with trio.fail_after(5):
                async for data in stream:  # without https_compatible, a mere end of TCP is an error
                    received += data
            assert received.startswith(b"HTTP/1.1 200 ")
            assert b"hello" in received
            await trio.aclose_forcefully(stream)


async def test_who_does_not_shake_hands_does_not_keep_the_server(tmp_path: Path) -> None:
    async with place(tmp_path) as here, await here.server.connect(), await here.connect():
        await here.get()
        assert await here.server.end() < 3
