"""The processes: a simulated Miniserver, and a client that connects to it."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import trio
from attrs import frozen

from interop.runs import CLIENTS, Run
from loxone_exporter.simulator.profiles import PROFILES


HOST: Final = "127.0.0.1"
LISTENING: Final = 5.0
"""For how many seconds a client listens: time for live events and for keepalives."""

CLIENT_LIMIT: Final = 40.0
SIMULATOR_LIMIT: Final = 120.0
"""It needs a second of computing to get there: beside eight busy processes 30 s were too few."""

SIMULATOR_LOG: Final = "simulator.log"
REPORT: Final = "client.out"
MESSAGES: Final = "client.err"
"""The files that a run leaves: what the simulator logged, and what the client wrote."""

_AUTHORITY: Final = "authority.pem"
_FOLDER: Final = Path(__file__).parent.parent
_CREDENTIALS: Final = ("--username", "demo", "--password", "demo")
_ANYWHERE: Final = f"{HOST}:0"
_POLL: Final = 0.05
_LISTENS: Final = re.compile(r" listens on (.+)\n")
_REFUSED: Final = re.compile(r" refused with ([0-9]+): (.*)")


@frozen
class Refusal:
    """What the simulator refused.

    Attributes:
        code: As the client got it.
        reason: As the simulator logged it.
    """

    code: int
    reason: str


@frozen
class Outcome:
    """How a run ended.

    Attributes:
        report: What the client wrote to standard output.
        messages: What it wrote to standard error; where that is nothing, the simulator's log.
        problem: Why the report is none; empty where there is one.
        refusals: Those of the simulator, in order; also those that the client got over.
        folder: Where all that both wrote is kept.
    """

    report: str = ""
    messages: str = ""
    problem: str = ""
    refusals: Sequence[Refusal] = ()
    folder: Path | None = None


@frozen
class Place:
    """Where a simulated Miniserver is reached.

    Attributes:
        port: Of TLS, where that is asked for.
        authority: A file with the authority that issued its certificate.
    """

    port: int
    authority: Path


async def perform(run: Run, folder: Path) -> Outcome:
    """Let the client connect to a simulated Miniserver of its own.

    Args:
        run: The client, its login and the device.
        folder: Where what the two write is kept from the first byte on; must exist.
    """
    problem = ""
    try:
        async with _simulator(run, folder) as place:
            problem = await _drive(run, place, folder)
    except* subprocess.CalledProcessError as group:
        problem = f"the simulator: {group.exceptions[0]}"
    except* trio.TooSlowError:
        problem = f"the simulator was not there after {SIMULATOR_LIMIT:.0f} s"
    log = _content(folder / SIMULATOR_LOG)
    return Outcome(
        report=_content(folder / REPORT),
        messages=_content(folder / MESSAGES) or log,
        problem=problem,
        refusals=tuple(_refusals(log)),
        folder=folder,
    )


@contextlib.asynccontextmanager
async def _simulator(run: Run, folder: Path) -> AsyncIterator[Place]:
    """Run a simulator while it is needed.

    Raises:
        CalledProcessError: It ended by itself; in a group.
        TooSlowError: It does not get there; in a group.
    """
    authority = folder / _AUTHORITY
    options = ["--profile", run.profile, "--listen", _ANYWHERE]
    if run.tls:
        options += ["--tls-listen", _ANYWHERE, "--tls-ca-file", str(authority)]
    command = [sys.executable, "-m", "loxone_exporter", "simulate", *_CREDENTIALS, *options]
    log = folder / SIMULATOR_LOG
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_run_simulator, [*command, "--log-level", "debug"], log)
        with trio.fail_after(SIMULATOR_LIMIT):
            ports = await _wait_for_ports(log)
        yield Place(ports["https" if run.tls else "http"], authority)
        nursery.cancel_scope.cancel(reason="the client has ended")


async def _run_simulator(command: Sequence[str], log: Path) -> None:
    async with await trio.open_file(log, "wb") as file:
        await trio.run_process(command, stdout=file, stderr=file)


async def _wait_for_ports(log: Path) -> Mapping[str, int]:
    """Wait until the simulator says where it listens.

    Returns:
        The ports, by scheme. It finds them itself: what is free now may be taken when it comes.
    """
    while True:
        listens = _LISTENS.search(_content(log))
        if listens:
            places = (place.split(":") for place in listens[1].split(", "))
            return {scheme: int(port) for scheme, _, port in places}
        await trio.sleep(_POLL)


async def _drive(run: Run, place: Place, folder: Path) -> str:
    """Run the client to its end.

    Returns:
        Why there is no report; empty where there should be one.
    """
    options = ["--host", HOST, "--port", str(place.port), *_CREDENTIALS]
    options += ["--login", run.login, "--seconds", str(LISTENING)]
    environment = dict(os.environ)
    if run.tls:
        options += ["--name", _certificate_name(run)]
        # By the first, Node.js trusts one authority more, by the second OpenSSL that one only.
        environment["NODE_EXTRA_CA_CERTS"] = environment["SSL_CERT_FILE"] = str(place.authority)
    program, *arguments = CLIENTS[run.client]
    command = [sys.executable if program == "python" else program, *arguments, *options]
    with trio.move_on_after(CLIENT_LIMIT):
        async with (
            await trio.open_file(folder / REPORT, "wb") as report,
            await trio.open_file(folder / MESSAGES, "wb") as messages,
        ):
            process = await trio.run_process(
                command,
                stdout=report,
                stderr=messages,
                check=False,
                cwd=_FOLDER,
                env=environment,
            )
        return f"exit code {process.returncode}" if process.returncode else ""
    return f"not ready after {CLIENT_LIMIT:.0f} s"


def _certificate_name(run: Run) -> str:
    """The name of the address in the device's certificate (protocol reference, section 4)."""
    serial = PROFILES[run.profile].serial.lower()
    return f"{HOST.replace('.', '-')}.{serial}.dyndns.loxonecloud.com"


def _content(file: Path) -> str:
    """What a file has by now; one that is not there yet is empty."""
    return file.read_text("utf-8", errors="replace") if file.exists() else ""


def _refusals(log: str) -> Iterator[Refusal]:
    """What a simulator refused, by its log at debug level."""
    for match in _REFUSED.finditer(log):
        yield Refusal(int(match[1]), match[2])
