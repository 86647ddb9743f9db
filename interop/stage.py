"""The processes: a simulated Miniserver, and a client that connects to it."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
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
SIMULATOR_LIMIT: Final = 30.0

_FOLDER: Final = Path(__file__).parent.parent
_CREDENTIALS: Final = ("--username", "demo", "--password", "demo")
_POLL: Final = 0.05


@frozen
class Outcome:
    """How a client's process ended.

    Attributes:
        report: What it wrote to standard output.
        messages: What it wrote to standard error.
        problem: Why there is no report; empty where there is one.
    """

    report: str = ""
    messages: str = ""
    problem: str = ""


@frozen
class Place:
    """Where a simulated Miniserver is reached.

    Attributes:
        port: Of TLS, where that is asked for.
        authority: A file with the authority that issued its certificate.
    """

    port: int
    authority: Path


async def perform(run: Run) -> Outcome:
    """Let the client connect to a simulated Miniserver of its own."""
    problem = f"the simulator was not there after {SIMULATOR_LIMIT:.0f} s"
    try:
        async with _simulator(run) as place:
            return await _drive(run, place)
    except* subprocess.CalledProcessError as group:
        problem = f"the simulator: {group.exceptions[0]}"
    except* trio.TooSlowError:
        pass
    return Outcome(problem=problem)


@contextlib.asynccontextmanager
async def _simulator(run: Run) -> AsyncIterator[Place]:
    """Run a simulator while it is needed.

    Raises:
        CalledProcessError: It ended by itself; in a group.
        TooSlowError: It does not get there; in a group.
    """
    with tempfile.TemporaryDirectory(prefix="loxone-exporter-interop-") as folder:
        plain, secure = _free_ports(2)
        place = Place(secure if run.tls else plain, Path(folder) / "authority.pem")
        options = ["--profile", run.profile, "--listen", f"{HOST}:{plain}"]
        if run.tls:
            options += ["--tls-listen", f"{HOST}:{secure}"]
            options += ["--tls-ca-file", str(place.authority)]
        command = [sys.executable, "-m", "loxone_exporter", "simulate", *_CREDENTIALS, *options]
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_run_simulator, [*command, "--log-level", "warning"])
            with trio.fail_after(SIMULATOR_LIMIT):
                await _wait_for(place.port)
            yield place
            nursery.cancel_scope.cancel(reason="the client has ended")


async def _run_simulator(command: Sequence[str]) -> None:
    await trio.run_process(command)


async def _wait_for(port: int) -> None:
    while True:
        try:
            stream = await trio.open_tcp_stream(HOST, port)
        except OSError:
            await trio.sleep(_POLL)
        else:
            await stream.aclose()
            return


async def _drive(run: Run, place: Place) -> Outcome:
    """Run the client to its end."""
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
        process = await trio.run_process(
            command,
            capture_stdout=True,
            capture_stderr=True,
            check=False,
            cwd=_FOLDER,
            env=environment,
        )
        messages = process.stderr.decode(errors="replace")
        if process.returncode:
            return Outcome(messages=messages, problem=f"exit code {process.returncode}")
        return Outcome(process.stdout.decode(errors="replace"), messages)
    return Outcome(problem=f"not ready after {CLIENT_LIMIT:.0f} s")


def _certificate_name(run: Run) -> str:
    """The name of the address in the device's certificate (protocol reference, section 4)."""
    serial = PROFILES[run.profile].serial.lower()
    return f"{HOST.replace('.', '-')}.{serial}.dyndns.loxonecloud.com"


def _free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, for now."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for opened in sockets:
            opened.bind((HOST, 0))
        return [opened.getsockname()[1] for opened in sockets]
