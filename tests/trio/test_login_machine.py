"""The login machine: whatever a Miniserver answers to logins, in whatever order.

It never tries a password more often than the budget allows, tells no secret, always comes back, and
always lets itself be stopped.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final
from unittest import mock

import pytest
import trio
from attrs import define, evolve, field, frozen
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from loxone_exporter.simulator import commands
from loxone_exporter.simulator.accounts import Accounts, Guard
from loxone_exporter.simulator.commands import LOGINS
from loxone_exporter.simulator.device import Channel, Device
from loxone_exporter.simulator.miniserver import SimulatedMiniserver
from loxone_exporter.simulator.session import Session
from support.exporters import (
    DEVICE,
    STOP_BUDGET,
    Exporter,
    add_miniserver,
    not_on_the_list,
    secrets_of,
)
from support.memory_network import PASSWORD, MemoryNetwork


PASSWORD_LOGINS: Final = ("jdev/sys/getjwt/", "jdev/sys/gettoken/", "authenticate")
LARGEST_PACE: Final = 3600 * 1.2
ROUNDING: Final = 0.001
LOCK_OUT_WINDOW: Final = 60.0
REFUSALS_BORNE: Final = 2
UNANSWERED_BORNE: Final = 2
"""Each of the tokens that may be refused may go without an answer once before."""
TELLING: Final = 12


@frozen
class Behaviour:
    """How a Miniserver answers logins.

    Attributes:
        is_good: It accepts them.
        is_excuse: It says that it is not about the credentials.
        faults: Of the simulated Miniserver, while this lasts.
        spoil: What it does in place of an answer to a login.
    """

    is_good: bool = False
    is_excuse: bool = False
    faults: dict[str, Any] = field(factory=dict)
    spoil: Callable[[Session, str], None] | None = None


def instead(template: str) -> Behaviour:
    """Answer with another text; what is secret may stand in it."""

    def spoil(session: Session, secrets: str) -> None:
        session._send_text(template.replace("SECRETS", secrets))

    return Behaviour(spoil=spoil)


def keep_silent(_session: Session, _secrets: str) -> None:
    pass


BEHAVIOURS: Final = {
    "good": Behaviour(is_good=True),
    "late": Behaviour(is_good=True, faults={"answer_delay": 2.0}),
    "too late": Behaviour(is_excuse=True, faults={"answer_delay": 9.0}),
    **{f"code {code}": Behaviour(faults={"login_code": code}) for code in (400, 401, 403, 404)},
    **{f"code {code}": Behaviour(faults={"login_code": code}) for code in (423, 429, 477, 500)},
    **{
        f"code {code}": Behaviour(is_excuse=True, faults={"login_code": code})
        for code in (420, 503, 901)
    },
    **{
        f"close {code}": Behaviour(faults={"close_login": code})
        for code in (1000, 1001, 1007, 1011, 4003, 4004, 4005, 4006)
    },
    **{
        f"close {code}": Behaviour(is_excuse=True, faults={"close_login": code})
        for code in (4007, 4008)
    },
    "silence": Behaviour(spoil=keep_silent),
    "drop": Behaviour(spoil=lambda session, _: session.abort()),
    "out of service": Behaviour(
        is_excuse=True, spoil=lambda session, _: session.go_out_of_service()
    ),
    "no JSON": instead("SECRETS"),
    "no envelope": instead('{"token": "SECRETS"}'),
    "no code": instead('{"LL": {"control": "SECRETS", "value": "SECRETS"}}'),
    "odd code": instead('{"LL": {"control": "", "value": "", "Code": "SECRETS"}}'),
    "text": instead('{"LL": {"control": "", "value": "SECRETS", "Code": "200"}}'),
    "list": instead('{"LL": {"control": "", "value": ["SECRETS"], "Code": "200"}}'),
    "nothing": instead('{"LL": {"code": 200}}'),
}

LIES: Final = {"text", "list", "nothing"}
"""What tells a client that its login was accepted, whatever it was."""


@frozen
class Step:
    """Something that happens, and how long it lasts."""

    behaviour: str
    seconds: float
    then: str


STEPS = st.builds(
    Step,
    st.sampled_from(list(BEHAVIOURS)),
    st.sampled_from([0.5, 2.0, 20.0, 70.0, 310.0, 700.0, 1500.0]),
    st.sampled_from(["nothing", "drop", "forget tokens", "forget tokens", "restart"]),
)


@define
class Attempt:
    when: float
    behaviour: str


@define
class Machine:
    """A Miniserver that behaves as told, and keeps account.

    Attributes:
        behaviour: How it behaves now.
        attempts: When the password was tried.
        failed_logins: When the Miniserver counted a failed login, with a password or a token.
        secrets: What must not be told.
    """

    behaviour: str = "good"
    attempts: list[Attempt] = field(factory=list)
    failed_logins: list[float] = field(factory=list)
    secrets: set[str] = field(factory=lambda: {PASSWORD})

    def behave(self, miniserver: SimulatedMiniserver, name: str) -> None:
        for fault in ("login_code", "close_login"):
            setattr(miniserver.faults, fault, None)
        miniserver.faults.answer_delay = 0.0
        for fault, value in BEHAVIOURS[name].faults.items():
            setattr(miniserver.faults, fault, value)
        self.behaviour = name

    @contextmanager
    def in_charge(self) -> Iterator[None]:
        """Spoil answers, and note what happens."""
        note, new_text, send_reply = Device.note, Accounts._new_text, Session._send_reply
        failed = Guard.failed

        def failing(guard: Guard, address: str) -> None:
            if self.behaviour not in LIES:
                self.failed_logins.append(trio.current_time())
            failed(guard, address)

        def noting(
            device: Device, channel: Channel, address: str, text: str, *, encrypted: bool
        ) -> None:
            if text.startswith(PASSWORD_LOGINS):
                self.attempts.append(Attempt(trio.current_time(), self.behaviour))
            note(device, channel, address, text, encrypted=encrypted)

        def making_text(accounts: Accounts, account: Any, *, jwt: bool) -> str:  # noqa: ANN401  # passed on
            text = new_text(accounts, account, jwt=jwt)
            self.secrets.add(text)
            return text

        def sending(session: Session, command: Any, envelope: Any, reply: Any) -> None:  # noqa: ANN401  # passed on
            spoil = BEHAVIOURS[self.behaviour].spoil
            if command.name not in LOGINS or spoil is None:
                send_reply(session, command, envelope, reply)
                return
            # Whatever the client could be told of its own secrets; the first ones are shown most.
            answer = commands.write_answer(reply, command, "numbers")
            token = max(self.secrets - {PASSWORD}, key=len, default="")
            told = (command.arguments[0], token, PASSWORD, answer)
            spoil(session, " ".join(told).replace('"', "'"))

        with (
            mock.patch.object(Device, "note", noting),
            mock.patch.object(Accounts, "_new_text", making_text),
            mock.patch.object(Session, "_send_reply", sending),
            mock.patch.object(Guard, "failed", failing),
        ):
            yield

    def check_budget(self) -> None:
        failures = 0
        for number, attempt in enumerate(self.attempts[:-1]):
            behaviour = BEHAVIOURS[attempt.behaviour]
            pause = self.attempts[number + 1].when - attempt.when
            if behaviour.is_good:
                failures, least = 0, 0.0
            elif behaviour.is_excuse:
                least = 60.0
            else:
                least = min(300.0 * 2**failures, 3600.0)
                failures += 1
            assert least - ROUNDING <= pause, (number, self.attempts)

    def check_failed_logins(self) -> None:
        """See that no address is locked out, whatever the logins were made with."""
        for first, fifth in zip(self.failed_logins, self.failed_logins[4:], strict=False):
            assert fifth - first > LOCK_OUT_WINDOW
        # How often these come is the budget's affair, see above.
        with_password = [a for a in self.attempts if not BEHAVIOURS[a.behaviour].is_good]
        assert len(self.failed_logins) <= len(with_password) + REFUSALS_BORNE + UNANSWERED_BORNE


class Listener(logging.Handler):
    """Keeps all that is logged, as it would be written."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []
        self.setFormatter(logging.Formatter("%(levelname)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))

    def check(self, secrets: set[str]) -> None:
        """See that not even the beginning of a secret was told."""
        told = "\n".join(self.lines)
        assert [] == [secret for secret in secrets if secret[:TELLING] in told]


@contextmanager
def listening() -> Iterator[Listener]:
    logger, listener = logging.getLogger("loxone_exporter"), Listener()
    before = logger.level, logger.propagate
    logger.addHandler(listener)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    try:
        yield listener
    finally:
        logger.removeHandler(listener)
        logger.setLevel(before[0])
        logger.propagate = before[1]


async def play(machine: Machine, steps: list[Step], firmware: str, *, comes_back: bool) -> float:
    """Play a script against a supervisor; how long the stop took."""
    async with trio.open_nursery() as nursery:
        network = MemoryNetwork(nursery)
        house = add_miniserver(network, profile=evolve(DEVICE, firmware=firmware))
        exporter = Exporter(nursery, network)
        state = None
        for step in steps:
            machine.behave(house, step.behaviour)
            state = state or exporter.start()
            match step.then:
                case "drop":
                    await house.drop_sessions()
                case "forget tokens":
                    house.forget_tokens()
                case "restart":
                    await house.restart()
            await trio.sleep(step.seconds)
        if comes_back and state is not None:
            machine.behave(house, "good")
            with trio.fail_after(LARGEST_PACE + 60):
                while not state.connected:
                    await trio.sleep(10)
        took = await exporter.end()
        assert [] == not_on_the_list(house)
        machine.secrets |= secrets_of(house)
        nursery.cancel_scope.cancel()
    return took


def run(
    machine: Machine, steps: list[Step], firmware: str = "16.1.11.6", *, comes_back: bool = True
) -> float:
    playing = partial(play, machine, steps, firmware, comes_back=comes_back)
    return trio.run(playing, clock=MockClock(autojump_threshold=0))


@given(
    steps=st.lists(STEPS, min_size=1, max_size=5),
    firmware=st.sampled_from(["16.1.11.6", "16.1.11.6", "10.1.12.5", "8.1.11.11"]),
    comes_back=st.booleans(),
)
@settings(max_examples=40, derandomize=True)
def test_no_answers_to_logins_break_the_budget_or_the_secrecy_or_the_supervisor(
    steps: list[Step], firmware: str, *, comes_back: bool
) -> None:
    machine = Machine()
    with listening() as listener, machine.in_charge():
        took = run(machine, steps, firmware, comes_back=comes_back)
    assert took < STOP_BUDGET
    machine.check_budget()
    machine.check_failed_logins()
    listener.check(machine.secrets)
    assert [] == [line for line in listener.lines if line.startswith("ERROR")]


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_every_answer_to_a_login_is_survived(name: str) -> None:
    machine = Machine()
    with listening() as listener, machine.in_charge():
        run(machine, [Step("good", 70.0, "nothing"), Step(name, 400.0, "forget tokens")])
    machine.check_budget()
    machine.check_failed_logins()
    listener.check(machine.secrets)
    # Even the wrong answers were given to somebody who tried again.
    assert BEHAVIOURS[name].is_good or 2 <= len(machine.attempts)


@pytest.mark.parametrize("rounds", [2, 12])
def test_refused_tokens_do_not_lock_the_address_out(rounds: int) -> None:
    machine = Machine()
    with listening() as listener, machine.in_charge():
        run(machine, [Step("good", 0.5, "forget tokens")] * rounds)
    machine.check_failed_logins()
    assert "locked out" not in "\n".join(listener.lines)
