"""A Miniserver that falls mute, or dribbles a byte each few seconds, at every step of a session.

Each ends within a bound, as a failure with a name, and is tried again.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any, Final

import pytest
import trio
from attrs import evolve, field, frozen
from trio.testing import MockClock

from loxone_exporter.errors import FailureReason
from loxone_exporter.miniserver.approach import OPENING_DEADLINE
from loxone_exporter.miniserver.conversation import KEEPALIVE_INTERVAL, LIMIT, PATIENCE
from loxone_exporter.miniserver.network import CONNECT_DEADLINE
from loxone_exporter.simulator.miniserver import SimulatedMiniserver
from loxone_exporter.simulator.profile import Profile
from loxone_exporter.simulator.profiles import PROFILES
from loxone_exporter.state import MiniserverState
from support.exporters import (
    DEVICE,
    STOP_BUDGET,
    Exporter,
    add_miniserver,
    sent,
    wait_until_connected,
)
from support.gates import Gate
from support.memory_network import TEMPERATURE, MemoryNetwork


PAUSE: Final = 5.0
"""Seconds between two bytes that dribble."""

CLOSING: Final = 3.0
"""Seconds for tearing a session down."""

Watch = Callable[[SimulatedMiniserver, MemoryNetwork], Callable[[], bool]]
"""Given a Miniserver, makes what says whether the moment has come."""


@frozen
class Step:
    """A moment of a session at which its Miniserver may fall mute.

    Attributes:
        name: What it is.
        watch: Says when it has come.
        mute: Seconds after which silence is noticed.
        dribbling: Seconds after which bytes that dribble are not waited for any longer.
        retry: Seconds after which the next connection is tried at the latest; a password that
            found no answer is not tried again soon.
        profile: What kind of device it is.
        config: What is configured.
    """

    name: str
    watch: Watch
    mute: float
    dribbling: float
    retry: float = 1.3
    profile: Profile = DEVICE
    config: Mapping[str, Any] = field(factory=dict)


def asked(command: str) -> Watch:
    """When a command was received that begins like this."""

    def watch(house: SimulatedMiniserver, _: MemoryNetwork) -> Callable[[], bool]:
        return lambda: any(text.startswith(command) for text in sent(house))

    return watch


def answered(command: str) -> Watch:
    """When such a command was received, and something was sent since."""

    def watch(house: SimulatedMiniserver, network: MemoryNetwork) -> Callable[[], bool]:
        is_received = asked(command)(house, network)
        sendings = itertools.count()
        return lambda: is_received() and next(sendings) > 0

    return watch


def connections(count: int) -> Watch:
    """When so many connections were made."""

    def watch(_: SimulatedMiniserver, network: MemoryNetwork) -> Callable[[], bool]:
        return lambda: len(network.streams) >= count

    return watch


def over_http(name: str, watch: Watch, **more: Any) -> Step:  # noqa: ANN401  # as Step
    return Step(name, watch, OPENING_DEADLINE, OPENING_DEADLINE, **more)


def over_websocket(name: str, watch: Watch, **more: Any) -> Step:  # noqa: ANN401  # as Step
    return Step(name, watch, PATIENCE, LIMIT, **more)


BARE: Final = {
    "profile": evolve(PROFILES["gen1-8"], encryption=False),
    "config": {"allow_legacy_login": True},
}
"""Firmware without any encryption, which takes other steps."""

SPARED: Final = 330.0

STEPS = [
    over_http("device", asked("jdev/cfg/api")),
    over_http("device by key", asked("jdev/cfg/apiKey")),
    over_http("public key", asked("jdev/sys/getPublicKey")),
    over_http("certificates", asked("jdev/sys/getcertificate"), **BARE),
    over_http("WebSocket", connections(2)),
    over_websocket("key exchange", asked("jdev/sys/keyexchange")),
    over_websocket("salt", asked("jdev/sys/getkey2")),
    over_websocket("token", asked("jdev/sys/getjwt"), retry=SPARED),
    over_websocket("one-time key", asked("jdev/sys/getkey"), **BARE),
    over_websocket("old login", asked("authenticate"), retry=SPARED, **BARE),
    over_websocket("version", asked("jdev/sps/LoxAPPversion3")),
    over_websocket("structure file", asked("data/LoxAPP3.json")),
    over_websocket("subscription", asked("jdev/sps/enablebinstatusupdate")),
    over_websocket("initial tables", answered("jdev/sps/enablebinstatusupdate")),
    over_websocket("time", asked("jdev/sys/date")),
]


def test_the_bounds_are_those_of_the_documentation() -> None:
    assert max(CONNECT_DEADLINE, OPENING_DEADLINE, PATIENCE, KEEPALIVE_INTERVAL + PATIENCE) <= 60
    assert KEEPALIVE_INTERVAL + LIMIT <= 180


def put_behind(gate: Gate, network: MemoryNetwork) -> None:
    serve = network.hosts["home.test"]
    network.hosts["home.test"] = lambda stream: serve(gate.guard(stream))


async def first_failure(state: MiniserverState) -> float:
    """Wait until the first session has ended; when that was."""
    with trio.fail_after(1000):
        while not state.link.failures:
            await trio.sleep(0.05)
    return trio.current_time()


@pytest.mark.parametrize("pause", [None, PAUSE], ids=["mute", "dribbling"])
@pytest.mark.parametrize("step", STEPS, ids=[step.name for step in STEPS])
async def test_a_peer_that_goes_no_further_is_left_and_tried_again(
    autojump_clock: MockClock,
    exporter: Exporter,
    network: MemoryNetwork,
    nursery: trio.Nursery,
    step: Step,
    pause: float | None,
) -> None:
    house = add_miniserver(network, profile=step.profile)
    gate = Gate(nursery, step.watch(house, network), pause)
    put_behind(gate, network)

    state = exporter.start(**step.config)
    ended = await first_failure(state)
    assert gate.shut_at is not None
    assert {FailureReason.SILENT: 1} == state.link.failures
    bound = step.mute if pause is None else step.dribbling
    assert ended - gate.shut_at <= bound + CLOSING

    tried = len(network.connections)
    await trio.sleep(step.retry)
    assert len(network.connections) > tried
    gate.open_for_good()
    await wait_until_connected(state, within=500)
    assert house.house.values == state.values
    await exporter.end()
    nursery.cancel_scope.cancel()


@pytest.mark.parametrize("pause", [None, PAUSE], ids=["mute", "dribbling"])
async def test_a_peer_that_goes_no_further_later_is_left_and_tried_again(
    autojump_clock: MockClock,
    exporter: Exporter,
    network: MemoryNetwork,
    house: SimulatedMiniserver,
    nursery: trio.Nursery,
    pause: float | None,
) -> None:
    gate = Gate(nursery, lambda: trio.current_time() >= 100, pause)
    put_behind(gate, network)
    state = await exporter.connect()
    await trio.sleep_until(100)
    for number in range(10):
        await house.publish({TEMPERATURE: float(number)})
    ended = await first_failure(state)
    assert {FailureReason.SILENT: 1} == state.link.failures
    bound = PATIENCE if pause is None else LIMIT
    assert ended - 100 <= KEEPALIVE_INTERVAL + bound + CLOSING
    assert not state.connected
    gate.open_for_good()
    await wait_until_connected(state)
    assert house.house.values == state.values
    nursery.cancel_scope.cancel()


@pytest.mark.parametrize("pause", [None, PAUSE], ids=["mute", "dribbling"])
async def test_a_login_with_a_token_that_is_not_answered_is_tried_again(
    autojump_clock: MockClock,
    exporter: Exporter,
    network: MemoryNetwork,
    house: SimulatedMiniserver,
    nursery: trio.Nursery,
    pause: float | None,
) -> None:
    gate = Gate(nursery, asked("authwithtoken")(house, network), pause)
    put_behind(gate, network)
    state = await exporter.connect()
    await house.drop_sessions()
    await first_failure(state)
    state.link.failures.clear()
    ended = await first_failure(state)
    assert {FailureReason.SILENT: 1} == state.link.failures
    assert gate.shut_at is not None
    assert ended - gate.shut_at <= (PATIENCE if pause is None else LIMIT) + CLOSING
    gate.open_for_good()
    await wait_until_connected(state)
    nursery.cancel_scope.cancel()


@pytest.mark.parametrize("pause", [None, PAUSE], ids=["mute", "dribbling"])
@pytest.mark.parametrize("command", ["jdev/sys/getkey", "data/LoxAPP3.json"])
async def test_a_structure_file_over_http_that_does_not_come_is_not_waited_for_for_ever(
    autojump_clock: MockClock,
    exporter: Exporter,
    network: MemoryNetwork,
    house: SimulatedMiniserver,
    nursery: trio.Nursery,
    command: str,
    pause: float | None,
) -> None:
    def is_asked_over_http() -> bool:
        return any(
            asked.channel == "http" and asked.text.startswith(command) for asked in house.received
        )

    house.faults.invalid_utf8_structure = True
    gate = Gate(nursery, is_asked_over_http, pause)
    put_behind(gate, network)
    state = exporter.start()
    await first_failure(state)
    assert {FailureReason.BAD_TEXT: 1} == state.link.failures
    state.link.failures.clear()
    ended = await first_failure(state)
    assert {FailureReason.SILENT: 1} == state.link.failures
    assert gate.shut_at is not None
    assert ended - gate.shut_at <= LIMIT + CLOSING
    gate.open_for_good()
    await wait_until_connected(state)
    nursery.cancel_scope.cancel()


TLS_RECORD = bytes.fromhex("16 03 03 3f ff 02")
"""The beginning of a large handshake message."""


@pytest.mark.parametrize("pause", [None, PAUSE], ids=["mute", "dribbling"])
async def test_a_peer_that_does_not_shake_hands_by_tls_is_left_and_tried_again(
    autojump_clock: MockClock,
    exporter: Exporter,
    network: MemoryNetwork,
    nursery: trio.Nursery,
    pause: float | None,
) -> None:
    async def serve(stream: trio.abc.Stream) -> None:
        gate = Gate(nursery, lambda: True, pause)
        await gate.guard(stream).send_all(TLS_RECORD + bytes(1000))
        await trio.sleep_forever()

    network.tls_hosts["home.test"] = serve
    state = exporter.start(tls="required")
    assert await first_failure(state) <= OPENING_DEADLINE + CLOSING
    assert {FailureReason.SILENT: 1} == state.link.failures
    await trio.sleep(1.3)
    assert 2 == len(network.connections)
    assert {443} == set(network.ports())
    assert await exporter.end() < STOP_BUDGET
    nursery.cancel_scope.cancel()


async def test_an_address_that_does_not_answer_is_left_and_tried_again(
    autojump_clock: MockClock, exporter: Exporter, network: MemoryNetwork
) -> None:
    async def hold(_stream: trio.abc.Stream) -> None:
        await trio.sleep_forever()

    network.hosts["home.test"] = hold
    state = exporter.start()
    assert await first_failure(state) <= OPENING_DEADLINE + CLOSING
    assert {FailureReason.SILENT: 1} == state.link.failures
    await trio.sleep(1.3)
    assert 2 == len(network.connections)
    del network.hosts["home.test"]
    house = add_miniserver(network)
    await wait_until_connected(state)
    assert house.house.values == state.values
