"""The login machine: whatever a Miniserver answers to logins, in whatever order.

It never tries a password more often than the budget allows, tells no secret, always comes back, and
always lets itself be stopped.
"""

from __future__ import annotations

import enum
import itertools
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final
from unittest import mock

import pytest
import trio
from attrs import define, evolve, field, frozen
from hypothesis import example, given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from loxone_exporter.simulator import commands
from loxone_exporter.simulator.accounts import Accounts, Guard
from loxone_exporter.simulator.commands import LOGINS
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
NEW, OLD = "16.1.11.6", "8.1.11.11"
"""Firmware with tokens, and without."""


class Outcome(enum.Enum):
    """What a Miniserver let a client know of a login with a password."""

    ACCEPTED = enum.auto()
    REJECTED = enum.auto()
    EXCUSED = enum.auto()
    """It was not about the credentials."""
    UNKNOWN = enum.auto()
    """There is no such login, and therefore another one."""
    OPEN = enum.auto()
    """Nothing: they may have been judged or not."""


OUTCOMES_OF_CODES: Final = {
    200: Outcome.ACCEPTED,
    420: Outcome.EXCUSED,
    503: Outcome.EXCUSED,
    901: Outcome.EXCUSED,
}
"""Any other code is a rejection, or as good as one."""

UNKNOWN: Final = {400, 404}
"""Codes by which the first firmware with tokens says that it has none after all."""

OUTCOMES_OF_CLOSURES: Final = {
    **dict.fromkeys((1000, 4003, 4004, 4005, 4006), Outcome.REJECTED),
    **dict.fromkeys((4007, 4008), Outcome.EXCUSED),
}
"""Any other code says nothing."""


@frozen
class Behaviour:
    """How a Miniserver answers logins.

    Attributes:
        is_good: It accepts them, in time.
        faults: Of the simulated Miniserver, while this lasts.
        spoil: What it does in place of an answer to a login.
        told: What a client learns from that, if it was to be given a token.
        told_without_token: Likewise, if it was not.
    """

    is_good: bool = False
    faults: dict[str, Any] = field(factory=dict)
    spoil: Callable[[Session, str], None] | None = None
    told: Outcome = Outcome.OPEN
    told_without_token: Outcome = Outcome.OPEN


def instead(template: str) -> Behaviour:
    """Answer with another text; what is secret may stand in it."""

    def spoil(session: Session, secrets: str) -> None:
        session._send_text(template.replace("SECRETS", secrets))

    return Behaviour(spoil=spoil, told=Outcome.REJECTED, told_without_token=Outcome.REJECTED)


def instead_of_a_token(template: str) -> Behaviour:
    """Likewise, with an answer that says that all is well, and has no token."""
    return evolve(instead(template), told_without_token=Outcome.ACCEPTED)


def keep_silent(_session: Session, _secrets: str) -> None:
    pass


BEHAVIOURS: Final = {
    "good": Behaviour(is_good=True),
    "late": Behaviour(is_good=True, faults={"answer_delay": 2.0}),
    "too late": Behaviour(faults={"answer_delay": 9.0}),
    **{
        f"code {code}": Behaviour(faults={"login_code": code})
        for code in (400, 401, 403, 404, 420, 423, 429, 477, 500, 503, 901)
    },
    **{
        f"close {code}": Behaviour(faults={"close_login": code})
        for code in (1000, 1001, 1007, 1011, 4003, 4004, 4005, 4006, 4007, 4008)
    },
    "silence": Behaviour(spoil=keep_silent),
    "drop": Behaviour(spoil=lambda session, _: session.abort()),
    "out of service": Behaviour(spoil=lambda session, _: session.go_out_of_service()),
    "no JSON": instead("SECRETS"),
    "no envelope": instead('{"token": "SECRETS"}'),
    "no code": instead('{"LL": {"control": "SECRETS", "value": "SECRETS"}}'),
    "odd code": instead('{"LL": {"control": "", "value": "", "Code": "SECRETS"}}'),
    "text": instead_of_a_token('{"LL": {"control": "", "value": "SECRETS", "Code": "200"}}'),
    "list": instead_of_a_token('{"LL": {"control": "", "value": ["SECRETS"], "Code": "200"}}'),
    "nothing": instead_of_a_token('{"LL": {"code": 200}}'),
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
    outcome: Outcome = Outcome.OPEN


@define
class Machine:
    """A Miniserver that behaves as told, and keeps account.

    Attributes:
        behaviour: How it behaves now.
        attempts: When the password was tried, and what came of it.
        unanswered: The last attempt of each session, before it is answered.
        failed_logins: When the Miniserver counted a failed login, with a password or a token.
        secrets: What must not be told.
    """

    behaviour: str = "good"
    attempts: list[Attempt] = field(factory=list)
    unanswered: dict[Session, Attempt] = field(factory=dict)
    failed_logins: list[float] = field(factory=list)
    secrets: set[str] = field(factory=lambda: {PASSWORD})

    def behave(self, miniserver: SimulatedMiniserver, name: str) -> None:
        for fault in ("login_code", "close_login"):
            setattr(miniserver.faults, fault, None)
        miniserver.faults.answer_delay = 0.0
        for fault, value in BEHAVIOURS[name].faults.items():
            setattr(miniserver.faults, fault, value)
        self.behaviour = name

    def settle(self, session: Session, outcome: Outcome) -> None:
        """Note what a client is told of its attempt; what is said later does not matter."""
        attempt = self.unanswered.pop(session, None)
        if attempt is not None:
            attempt.outcome = outcome

    @contextmanager
    def in_charge(self) -> Iterator[None]:
        """Spoil answers, and note what happens."""
        with self._keeping_account(), self._answering():
            yield

    @contextmanager
    def _keeping_account(self) -> Iterator[None]:
        note, new_text, failed = Session._note, Accounts._new_text, Guard.failed
        close, leave = Session.close, Session.go_out_of_service

        def failing(guard: Guard, address: str) -> None:
            if self.behaviour not in LIES:
                self.failed_logins.append(trio.current_time())
            failed(guard, address)

        def noting(session: Session, text: str, *, encrypted: bool) -> None:
            if text.startswith(PASSWORD_LOGINS):
                attempt = Attempt(trio.current_time())
                self.attempts.append(attempt)
                self.unanswered[session] = attempt
            note(session, text, encrypted=encrypted)

        def making_text(accounts: Accounts, account: Any, *, jwt: bool) -> str:  # noqa: ANN401  # passed on
            text = new_text(accounts, account, jwt=jwt)
            self.secrets.add(text)
            return text

        def closing(session: Session, code: int, reason: str | None = None) -> None:
            self.settle(session, OUTCOMES_OF_CLOSURES.get(code, Outcome.OPEN))
            close(session, code, reason)

        def leaving(session: Session) -> None:
            self.settle(session, Outcome.OPEN)  # said before the connection is closed
            leave(session)

        with (
            mock.patch.object(Session, "_note", noting),
            mock.patch.object(Accounts, "_new_text", making_text),
            mock.patch.object(Session, "close", closing),
            mock.patch.object(Session, "go_out_of_service", leaving),
            mock.patch.object(Guard, "failed", failing),
        ):
            yield

    @contextmanager
    def _answering(self) -> Iterator[None]:
        send_reply = Session._send_reply

        def sending(session: Session, command: Any, envelope: Any, reply: Any) -> None:  # noqa: ANN401  # passed on
            behaviour = BEHAVIOURS[self.behaviour]
            if command.name not in LOGINS or behaviour.spoil is None:
                code = getattr(reply, "code", 0)
                outcome = OUTCOMES_OF_CODES.get(code, Outcome.REJECTED)
                is_first_firmware = not session._device.profile.knows((9, 3))
                if command.name == "sys/gettoken" and is_first_firmware and code in UNKNOWN:
                    outcome = Outcome.UNKNOWN
                self.settle(session, outcome)
                send_reply(session, command, envelope, reply)
                return
            if behaviour.spoil is not keep_silent:
                gives_token = command.name.startswith("sys/")
                self.settle(
                    session, behaviour.told if gives_token else behaviour.told_without_token
                )
            # Whatever the client could be told of its own secrets; the first ones are shown most.
            answer = commands.write_answer(reply, command, "numbers")
            token = max(self.secrets - {PASSWORD}, key=len, default="")
            secrets = (command.arguments[0], token, PASSWORD, answer)
            behaviour.spoil(session, " ".join(secrets).replace('"', "'"))

        with mock.patch.object(Session, "_send_reply", sending):
            yield

    def check_budget(self) -> None:
        failures, excuses, is_known_good = 0, 0, False
        for earlier, later in itertools.pairwise(self.attempts):
            outcome = earlier.outcome
            if outcome is Outcome.OPEN:
                outcome = Outcome.EXCUSED if is_known_good else Outcome.REJECTED
            match outcome:
                case Outcome.ACCEPTED:
                    failures, excuses, is_known_good, least = 0, 0, True, 0.0
                case Outcome.UNKNOWN:
                    least = 0.0
                case Outcome.EXCUSED:
                    least = min(60.0 * 2**excuses, 300.0)
                    excuses += 1
                case _:
                    least = min(300.0 * 2**failures, 3600.0)
                    failures += 1
                    is_known_good = False
            assert least - ROUNDING <= later.when - earlier.when, self.attempts

    def check_failed_logins(self) -> None:
        """See that no address is locked out, whatever the logins were made with."""
        for first, fifth in zip(self.failed_logins, self.failed_logins[4:], strict=False):
            assert fifth - first > LOCK_OUT_WINDOW
        # How often these come is the budget's affair, see above.
        with_password = [a for a in self.attempts if a.outcome is not Outcome.ACCEPTED]
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
    machine: Machine, steps: list[Step], firmware: str = NEW, *, comes_back: bool = True
) -> float:
    playing = partial(play, machine, steps, firmware, comes_back=comes_back)
    return trio.run(playing, clock=MockClock(autojump_threshold=0))


@given(
    steps=st.lists(STEPS, min_size=1, max_size=5),
    firmware=st.sampled_from([NEW, NEW, "10.1.12.5", "9.1.10.30", OLD]),
    comes_back=st.booleans(),
)
@example(
    steps=[Step("silence", 0.5, "nothing"), Step("good", 0.5, "restart")],
    firmware=NEW,
    comes_back=True,
)
@example(
    steps=[Step("text", 0.5, "nothing"), Step("good", 20.0, "drop"), Step("good", 0.5, "nothing")],
    firmware=OLD,
    comes_back=True,
)
@example(
    steps=[Step("too late", 20.0, "nothing"), Step("good", 0.5, "drop")],
    firmware=OLD,
    comes_back=True,
)
@settings(max_examples=40)
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
