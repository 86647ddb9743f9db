"""The exporter as its users run it, and Miniservers with TLS, over real sockets."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest
import trio
from attrs import define, evolve, field

from loxone_exporter.simulator.miniserver import SimulatedMiniserver
from loxone_exporter.simulator.profiles import PROFILES
from loxone_exporter.simulator.tls import ServerCertificate, make_certificate
from support.exporters import not_on_the_list
from support.memory_network import small_house
from support.processes import RunningExporter, running_exporter


SERIAL = "504F94AABBCC"
OTHER_SERIAL = "504F94000001"
PROFILE = evolve(PROFILES["gen2-16"], serial=SERIAL, key_bits=1024)

Value = str | int | bool

# Whatever has to do with a login, and the way to it.
SECRETS = re.compile(
    rb"getkey|getjwt|gettoken|keyexchange|authenticate|authwithtoken|token|/f?enc/|autht|ws/rfc6455",
    re.IGNORECASE,
)


@pytest.fixture(scope="module")
def certificate() -> ServerCertificate:
    return make_certificate(SERIAL)


@define(eq=False)
class HeardStream(trio.abc.Stream):
    """The far end of a connection, of which everything that arrives is written down."""

    _stream: trio.abc.Stream
    _heard: bytearray

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        data = bytes(await self._stream.receive_some(max_bytes))
        self._heard += data
        return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        await self._stream.aclose()


@define(eq=False)
class House:
    """A simulated Miniserver on loopback, with a port for plain HTTP and one for TLS.

    Attributes:
        settings: For its table in the configuration.
        heard: What arrived at the port for plain HTTP.
        connections: How many connections that port, and the one for TLS, have seen.
    """

    name: str
    certificate: ServerCertificate
    settings: dict[str, Value]
    host: str = "127.0.0.1"
    miniserver: SimulatedMiniserver = field(init=False)
    heard: bytearray = field(factory=bytearray)
    connections: dict[str, int] = field(factory=lambda: {"plain": 0, "tls": 0})

    def __attrs_post_init__(self) -> None:
        self.miniserver = SimulatedMiniserver(small_house(), profile=PROFILE)

    async def open(self, nursery: trio.Nursery) -> None:
        """Begin to serve."""
        nursery.start_soon(self._live)
        for key, serve in (("port", self._serve), ("tls_port", self._serve_tls)):
            listeners = await trio.open_tcp_listeners(0, host=self.host)
            self.settings[key] = listeners[0].socket.getsockname()[1]
            nursery.start_soon(partial(trio.serve_listeners, serve, listeners))

    async def _live(self) -> None:
        try:
            await self.miniserver.live()
        finally:
            assert [] == not_on_the_list(self.miniserver)

    async def _serve(self, stream: trio.abc.Stream) -> None:
        self.connections["plain"] += 1
        await self.miniserver.handle(HeardStream(stream, self.heard))

    async def _serve_tls(self, stream: trio.abc.Stream) -> None:
        self.connections["tls"] += 1
        await self.miniserver.handle_tls(stream, self.certificate)

    def table(self) -> str:
        """Its table in the configuration."""
        settings = {
            "name": self.name,
            "host": self.host,
            "username": "demo",
            "password": "demo",
            **self.settings,
        }
        unused = {"off": "tls_port", "required": "port"}.get(str(self.settings.get("tls")))
        lines = [f"{key} = {json.dumps(value)}" for key, value in settings.items() if key != unused]
        return "\n".join(["[[miniservers]]", *lines, ""])


async def write_config(folder: Path, houses: Sequence[House], nursery: trio.Nursery) -> Path:
    """Open the houses, and write a configuration for them without what has no effect."""
    for house in houses:
        await house.open(nursery)
    path = folder / "exporter.toml"
    tables = "\n".join(house.table() for house in houses)
    path.write_text(f'[web]\nlisten = ["127.0.0.1:0"]\n\n{tables}')
    path.chmod(0o600)
    return path


def authority(folder: Path, certificate: ServerCertificate, name: str = "ca.pem") -> str:
    (folder / name).write_bytes(certificate.authority_pem)
    return name


async def wait_until_connected(exporter: RunningExporter, houses: Sequence[House]) -> None:
    await exporter.wait_until_listening()
    for house in houses:
        await exporter.wait_for("/metrics", f'_connected{{miniserver="{house.name}"}} 1.0')


def security(house: House, kind: str) -> str:
    return f'_connection_security{{miniserver="{house.name}",security="{kind}"}} 1.0\n'


async def test_auto_and_required(
    nursery: trio.Nursery, tmp_path: Path, certificate: ServerCertificate
) -> None:
    ca_file = authority(tmp_path, certificate)
    auto = House("auto", certificate, {"tls_ca_file": ca_file})
    required = House("required", certificate, {"tls_ca_file": ca_file, "tls": "required"})
    known = House(
        "known", certificate, {"tls_ca_file": ca_file, "tls": "required", "serial": SERIAL}
    )
    houses = [auto, required, known]
    config = await write_config(tmp_path, houses, nursery)
    async with running_exporter(["run", "--config", str(config)]) as exporter:
        await wait_until_connected(exporter, houses)
        _, metrics = await exporter.get("/metrics")
        for house in houses:
            assert security(house, "verified") in metrics
        assert 3 == metrics.count("\nloxone_exporter_tls_certificate_not_after_timestamp_seconds{")
        # Whom it met, so that the owner can configure it.
        assert 2 == sum(f"serial number {SERIAL}" in line for line in exporter.log)
        # The next session of each; the token is used, then.
        for house in houses:
            await house.miniserver.drop_sessions()
        for house in houses:
            await exporter.wait_for("/metrics", f'_sessions_total{{miniserver="{house.name}"}} 2.0')
        await exporter.stop()
        assert 0 == exporter.process.returncode
    for house in houses:
        assert {} == dict(house.miniserver.tokens)
        commands = [command.text for command in house.miniserver.received]
        assert any(command.startswith("authwithtoken/") for command in commands)
    # Nothing but two questions ever arrived in plain, and with `required` not even a connection.
    assert {"plain": 1, "tls": 4} == auto.connections
    assert [b"/jdev/cfg/api", b"/jdev/cfg/apiKey"] == re.findall(rb"GET (\S+) ", bytes(auto.heard))
    assert SECRETS.search(auto.heard) is None
    for house in (required, known):
        assert 0 == house.connections["plain"]


def test_the_audit_would_notice_a_login() -> None:
    for text in (b"/jdev/sys/getkey2/demo", b"/jdev/sys/enc/Zm9v", b"authwithtoken/ab/demo"):
        assert SECRETS.search(text)


async def test_ipv6(nursery: trio.Nursery, tmp_path: Path, certificate: ServerCertificate) -> None:
    plain = House("plain", certificate, {"tls": "off"}, host="::1")
    encrypted = House(
        "encrypted", certificate, {"tls_ca_file": authority(tmp_path, certificate)}, host="::1"
    )
    houses = [plain, encrypted]
    config = await write_config(tmp_path, houses, nursery)
    async with running_exporter(["run", "--config", str(config)]) as exporter:
        await wait_until_connected(exporter, houses)
        _, metrics = await exporter.get("/metrics")
        assert security(plain, "plain") in metrics
        assert security(encrypted, "verified") in metrics
        await exporter.stop()
    port = str(plain.settings["port"]).encode()
    hosts = set(re.findall(rb"\r\nHost: (\S+)\r\n", plain.heard))
    assert {b"[::1]:" + port} == hosts
    assert 0 == plain.connections["tls"]
    assert SECRETS.search(plain.heard)  # nothing else is possible there


async def test_pinned_and_unverified(
    nursery: trio.Nursery, tmp_path: Path, certificate: ServerCertificate
) -> None:
    pinned = House("pinned", certificate, {"tls_fingerprint": certificate.fingerprint})
    careless = House("careless", certificate, {"tls_verify": False})
    houses = [pinned, careless]
    config = await write_config(tmp_path, houses, nursery)
    async with running_exporter(["run", "--config", str(config)]) as exporter:
        await wait_until_connected(exporter, houses)
        _, metrics = await exporter.get("/metrics")
        assert security(pinned, "pinned") in metrics
        assert security(careless, "unverified") in metrics
        warnings = [line for line in exporter.log if "tls_verify" in line and "careless" in line]
        assert warnings
        await exporter.stop()


async def test_certificates_that_are_refused(
    nursery: trio.Nursery, tmp_path: Path, certificate: ServerCertificate
) -> None:
    stranger = make_certificate(SERIAL)
    ca_file = authority(tmp_path, certificate)
    houses = [
        House("wrong-authority", stranger, {"tls_ca_file": ca_file}),
        House("no-authority", certificate, {}),
        House("wrong-fingerprint", stranger, {"tls_fingerprint": certificate.fingerprint}),
        House(
            "wrong-serial",
            certificate,
            {"tls_ca_file": ca_file, "tls": "required", "serial": OTHER_SERIAL},
        ),
    ]
    config = await write_config(tmp_path, houses, nursery)
    async with running_exporter(["run", "--config", str(config)]) as exporter:
        await exporter.wait_until_listening()
        for house in houses:
            await exporter.wait_for(
                "/metrics",
                f'_connection_failures_total{{miniserver="{house.name}",reason="tls"}} 1.0',
            )
        _, metrics = await exporter.get("/metrics")
        for house in houses:
            assert f'_connected{{miniserver="{house.name}"}} 0.0' in metrics
            assert security(house, "verified") not in metrics
            assert SECRETS.search(house.heard) is None
            # The certificate was refused before anything was said.
            commands = {command.text for command in house.miniserver.received}
            assert commands <= {"jdev/cfg/api", "jdev/cfg/apiKey"}
        failures = [json.loads(line) for line in exporter.log if '"reason"' in line]
        assert {house.name for house in houses} == {it["miniserver"] for it in failures}
        assert {"tls"} == {it["reason"] for it in failures}
        # What the owner would have to write, were it the right one after all.
        assert any(stranger.fingerprint in it["message"] for it in failures)
        await exporter.stop()
        assert 0 == exporter.process.returncode


async def test_another_miniserver_than_the_configured_one(
    nursery: trio.Nursery, tmp_path: Path, certificate: ServerCertificate
) -> None:
    house = House("home", certificate, {"serial": OTHER_SERIAL, "tls": "off"})
    config = await write_config(tmp_path, [house], nursery)
    async with running_exporter(["run", "--config", str(config)]) as exporter:
        await exporter.wait_until_listening()
        await exporter.wait_for(
            "/metrics", '_connection_failures_total{miniserver="home",reason="identity"} 1.0'
        )
        await exporter.stop()
    assert SECRETS.search(house.heard) is None
