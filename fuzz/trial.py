"""One session with a Miniserver whose bytes are scrambled, from the storm to the end."""

from __future__ import annotations

import functools
from random import Random
from typing import Final

import trio
from attrs import evolve, frozen

from fuzz.cases import Finding, Kind
from fuzz.determinism import EPOCH
from fuzz.house import Wing, number_of_controls
from fuzz.network import TLS_PORT, ScrambledNetwork
from fuzz.scrapes import judge
from fuzz.wire.scrambler import Change, Scrambler
from loxone_exporter.config.model import Config, MetricsConfig, MiniserverConfig, TlsMode
from loxone_exporter.config.secret import Secret
from loxone_exporter.errors import FailureReason
from loxone_exporter.loxone.uuids import StateUuid
from loxone_exporter.metrics.collector import LoxoneCollector
from loxone_exporter.metrics.counted import counted_states
from loxone_exporter.metrics.exposition import Exposition, Format
from loxone_exporter.miniserver.backoff import Backoff
from loxone_exporter.miniserver.supervisor import supervise
from loxone_exporter.simulator.miniserver import SimulatedMiniserver
from loxone_exporter.simulator.profiles import PROFILES
from loxone_exporter.simulator.tls import ServerCertificate, make_certificate
from loxone_exporter.state import MiniserverState
from loxone_exporter.stop import StopRequest


PASSWORD: Final = "correct horse battery staple"  # noqa: S105  # invented
USERNAME: Final = "exporter"

STORM: Final = 120.0
"""Simulated seconds during which units are changed: time for a few sessions."""

TRUTH_DUE: Final = 240.0
"""Seconds after the storm within which a session that goes on must show what is true: two rounds of
keepalives, and what an answer may take while bytes dribble in."""

BACK_DUE: Final = 2.3 * 86_400
"""Seconds within which an honest Miniserver is found again: a lock-out may be said to last for a
day, and be said again by what was under way."""

CONNECTIONS_DUE: Final = 200
"""Connections that it may take at most until then."""

STOP_DUE: Final = 5.0
"""Seconds that a stop may take."""


_SCRAPE_EVERY: Final = 40.0
_LOGINS: Final = ("authwithtoken", "jdev/sys/getjwt", "jdev/sys/gettoken", "authenticate/")
_LONG_SECRET: Final = 40
_ONE_OF: Final = 12
"""One of so many scrapes is read by prometheus_client as well."""


@frozen(kw_only=True)
class FramesCase:
    """One session and what happens to it.

    Attributes:
        seed: Decides what is chance.
        profile: The device, one of `PROFILES`.
        controls: What the house has, as places in the demo house.
        options: What is switched on in `[metrics]`.
        faults: What the simulated Miniserver does wrong besides during the storm, one of `FAULTS`.
        tls: The exporter's option.
        has_tls: Whether the Miniserver has TLS, and offers it; what is changed then is its records.
        has_serial: Whether the exporter knows which device to expect.
        pace: Seconds between two changes of all states.
        token_life: Seconds that tokens live; short ones are given a longer life in time.
        stop_after: After so many seconds the exporter is stopped, before anything has settled.
        changes: What is done to the Miniserver's bytes.
    """

    seed: int
    profile: str
    controls: tuple[int, ...]
    options: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    tls: TlsMode = "off"
    has_tls: bool = False
    has_serial: bool = True
    pace: float = 30.0
    token_life: float = 2_000_000.0
    stop_after: float | None = None
    changes: tuple[Change, ...]


@functools.cache
def _certificate() -> ServerCertificate:
    return make_certificate("504F94A10001")


class Trial:
    """One case while it runs.

    Attributes:
        findings: What is wrong.
    """

    def __init__(self, case: FramesCase) -> None:
        self.findings: list[Finding] = []
        self._case = case
        self._number = 0
        self._scrapes = 0
        self._thorough_one = case.seed % _ONE_OF
        self._published: dict[StateUuid, float] = {}
        self._tokens: set[str] = set()
        profile = evolve(
            PROFILES[case.profile],
            http_connections=1000,
            https_status=1 if case.has_tls else None,
            long_token_life=case.token_life,
        )
        self._scrambler = Scrambler.of(case.changes)
        self._wing = Wing(case.controls)
        self._miniserver = SimulatedMiniserver(
            self._wing,
            username=USERNAME,
            password=PASSWORD,
            profile=profile,
            now=lambda: EPOCH + trio.current_time(),
        )
        self._config = Config(
            miniservers=(
                MiniserverConfig(
                    name="home",
                    host="192.0.2.1",
                    username=USERNAME,
                    password=Secret(PASSWORD),
                    serial=profile.serial if case.has_serial else None,
                    tls=case.tls,
                    tls_verify=False,
                ),
            ),
            metrics=MetricsConfig(**dict.fromkeys(case.options, True)),
        )
        self._state = MiniserverState(name="home", counted_states=counted_states)
        collector = LoxoneCollector(self._config, [self._state])
        self._exposition = Exposition.of(collector)
        self._stop = StopRequest()

    async def run(self) -> None:
        """Have the storm, calm weather, a new structure file, and the end."""
        case = self._case
        self._set_faults(on=True)
        async with trio.open_nursery() as nursery:
            certificate = _certificate() if case.has_tls else None
            network = ScrambledNetwork(nursery, self._miniserver, self._scrambler, certificate)
            async with trio.open_nursery() as supervisor:
                supervisor.start_soon(self._supervise, network)
                if case.stop_after is not None:
                    with trio.move_on_after(case.stop_after):
                        await self._have_storm()
                else:
                    await self._have_storm()
                    self._scrambler.is_calm = True
                    self._set_faults(on=False)
                    await self._expect_truth()
                    await self._expect_recovery(network)
                await self._expect_end(supervisor)
            self._judge_connections(network)
            nursery.cancel_scope.cancel()

    def _set_faults(self, *, on: bool) -> None:
        for fault in self._case.faults:
            setattr(self._miniserver.faults, fault, on)

    async def _supervise(self, network: ScrambledNetwork) -> None:
        backoff = Backoff(random=Random(self._case.seed))
        (miniserver,) = self._config.miniservers
        await supervise(
            miniserver, self._state, self._stop, connect=network.connect, backoff=backoff
        )
        if not self._stop.is_made():
            self._find(Kind.BUG, "a supervisor has ended without having been asked to")

    async def _have_storm(self) -> None:
        scrape_at = _SCRAPE_EVERY
        while (left := STORM - trio.current_time()) > 0:
            await trio.sleep(min(self._case.pace, left))
            await self._publish()
            if trio.current_time() >= scrape_at:
                scrape_at += _SCRAPE_EVERY
                await self._scrape()

    async def _publish(self) -> None:
        """Let all states be other ones."""
        self._number += 1
        self._tokens |= self._miniserver.tokens.keys()
        changes = self._wing.change(self._number)
        self._published.update(changes.values)
        await self._miniserver.publish(changes.values, changes.texts)

    async def _scrape(self) -> None:
        self._scrapes += 1
        format_ = (Format.TEXT, Format.OPENMETRICS)[self._scrapes % 2]
        body = await self._exposition.render(format_)
        self.findings += judge(body, format_, thoroughly=self._scrapes == self._thorough_one)

    async def _expect_truth(self) -> None:
        """See that a session that has outlived the storm does not show what was true once.

        What a change has made of the structure file, or of a value, is not the exporter's fault:
        therefore all states become other ones, and only those that it knows are compared.
        """
        sessions = self._state.link.sessions
        self._published.clear()
        deadline = trio.current_time() + TRUTH_DUE
        while trio.current_time() < deadline:
            await trio.sleep(self._case.pace)
            await self._publish()
        await trio.sleep(1)
        await self._scrape()
        state = self._state
        if not state.connected or state.link.sessions != sessions or state.structure is None:
            return
        known = state.structure.state_uuids()
        for uuid, value in self._published.items():
            if uuid in known and state.values.get(uuid) != value:
                shown = f"{state.values.get(uuid)} instead of {value}"
                self._find(Kind.LIE, "connected, and not true after the storm", shown)
                return

    async def _expect_recovery(self, network: ScrambledNetwork) -> None:
        """See that the exporter comes back to a Miniserver that is honest, and has a new file."""
        controls = [place for place in range(number_of_controls()) if place % 29 == 3]
        self._wing = Wing(controls, last_modified="2026-05-02 09:00:00")
        self._miniserver.replace_house(self._wing, upload=True)
        deadline, pause = trio.current_time() + BACK_DUE, 1.0
        connections = len(network.ports) + CONNECTIONS_DUE
        while not self._is_right():
            if self._state.link.failures[FailureReason.BUG]:
                return  # which is in the log, and bad enough
            if trio.current_time() > deadline or len(network.ports) > connections:
                self._explain_loss(network)
                return
            await trio.sleep(pause)
            pause = min(1.3 * pause, 600.0)
        await self._scrape()

    def _is_right(self) -> bool:
        """Whether all that is shown is what the Miniserver has."""
        state, wing = self._state, self._wing
        return (
            state.connected
            and state.structure is not None
            and state.structure.last_modified == wing.last_modified
            and state.values == wing.values
            and state.texts == wing.texts
            and list(state.shown.daytimers.values()) == wing.daytimers
            and list(state.shown.weather.values()) == wing.weather
        )

    def _explain_loss(self, network: ScrambledNetwork) -> None:
        failures, case = self._state.link.failures, self._case
        if not case.has_serial and failures[FailureReason.IDENTITY]:
            return  # the first serial number was believed, as promised, and was not the right one
        if not case.has_tls and network.ports[-1] == TLS_PORT:
            return  # TLS was offered, and is never given up again, as promised
        state = self._state
        text = f"{state.connection}, {dict(failures)}, ports {network.ports[-5:]}"
        self._find(Kind.LOST, "an honest Miniserver is not found again", text)

    async def _expect_end(self, supervisor: trio.Nursery) -> None:
        self._stop.make()
        started = trio.current_time()
        while supervisor.child_tasks:
            await trio.sleep(0.1)
            if trio.current_time() - started > STOP_DUE + 0.1:
                self._find(Kind.HANG, "a stop takes longer than it may")
                supervisor.cancel_scope.cancel()
                await trio.sleep(10)
                return
        await self._scrape()

    def _judge_connections(self, network: ScrambledNetwork) -> None:
        for connection in network.connections:
            if not connection.is_closed:
                self._find(Kind.LEAK, "a connection is left open")
            if PASSWORD.encode() in connection.sent:
                self._find(Kind.SECRET, "the password crosses the network")
        for command in self._miniserver.strangers:
            self._find(Kind.COMMAND, "a command outside the closed list", command)
        for received in self._miniserver.received:
            if not received.encrypted and received.text.startswith(_LOGINS):
                self._find(Kind.SECRET, "a hash crosses the network unencrypted", received.text)

    def secrets(self) -> set[str]:
        """What should never be seen in a log: password, tokens, hashes."""
        hashes = {
            part
            for command in self._miniserver.received
            if "getPublicKey" not in command.text and "keyexchange" not in command.text
            for part in command.text.replace("=", "/").replace("&", "/").split("/")
            if len(part) >= _LONG_SECRET
        }
        # What comes before the last dot of a token is the same in all of them.
        return {PASSWORD, *(token.rpartition(".")[2] for token in self._tokens), *hashes}

    def _find(self, kind: Kind, title: str, details: str = "") -> None:
        self.findings.append(Finding(kind, title, details))
