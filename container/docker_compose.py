"""Docker Compose, and podman behind it, which answers as Docker does."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import trio
from attrs import frozen

from benchmarks.process import tail
from container.findings import say
from container.podman import ContainerError, attempt, podman


PATIENCE: Final = 60.0
"""Seconds until all services have to be healthy."""

_CLEANUP: Final = 60.0
_POLL: Final = 0.1
_BETWEEN_HEALTH_CHECKS: Final = 1.0
_TAIL: Final = 2000
_LINES: Final = 20

# What is set for the one who runs the trial would be stronger than .env.
_OTHERS: Final = ("LOXONE_", "GRAFANA_", "COMPOSE_", "DOCKER_")


@frozen
class Compose:
    """Docker Compose's command line, for one project.

    Attributes:
        folder: With compose.yaml, what overrides it, and .env.
        project: Its name, which no other has.
        files: The file, and the one that overrides it.
        socket: Where podman answers.
    """

    folder: Path
    project: str
    files: Sequence[str]
    socket: Path

    def container(self, service: str) -> str:
        """The name of a service's container."""
        return f"{self.project}-{service}-1"

    async def run(self, *arguments: str) -> str:
        """Run a command, and give its output.

        Raises:
            ContainerError: It failed.
        """
        done = await self._attempt(*arguments)
        if done.returncode != 0:
            error = done.stderr.decode(errors="replace")[-_TAIL:].strip()
            raise ContainerError(f"docker-compose {arguments[0]} failed: {error}")
        return done.stdout.decode()

    async def up(self, *services: str) -> None:
        """Start some services, and wait until all are healthy.

        Raises:
            ContainerError: They are not, in time; in a group.
        """
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._check_health)
            waits = ("--detach", "--wait", f"--wait-timeout={PATIENCE:.0f}")
            await self.run("up", *waits, *services)
            nursery.cancel_scope.cancel(reason="all services are healthy")

    async def images(self) -> Mapping[str, str]:
        """The image of each service."""
        config = json.loads(await self.run("config", "--format=json"))
        return {name: service["image"] for name, service in config["services"].items()}

    async def health(self) -> Mapping[str, str]:
        """What the health check of each service that runs says."""
        lines = (await self.run("ps", "--format=json")).splitlines()
        return {each["Service"]: each["Health"] for each in map(json.loads, lines)}

    async def port(self, service: str, inside: int) -> int:
        """The port of this machine that leads to one of a service's."""
        address = await self.run("port", service, str(inside))
        return int(address.rpartition(":")[2])

    async def logs(self) -> str:
        """The end of what each service has written."""
        done = await self._attempt("logs", f"--tail={_LINES}")
        return (done.stdout + done.stderr).decode(errors="replace")

    async def down(self) -> str:
        """End all of it, data included; what Compose says where that fails."""
        done = await self._attempt("down", "--volumes")
        return "" if done.returncode == 0 else done.stderr.decode(errors="replace")[-_TAIL:]

    async def remains(self) -> list[str]:
        """What of the project is in podman."""
        label = f"--filter=label=com.docker.compose.project={self.project}"
        lists = [
            await podman("ps", "--all", label, "--format={{.Names}}"),
            await podman("volume", "ls", label, "--format={{.Name}}"),
            await podman("network", "ls", label, "--format={{.Name}}"),
        ]
        return [name for names in lists for name in names.split()]

    async def _attempt(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(_OTHERS)
        }
        command = (
            "docker-compose",
            f"--project-name={self.project}",
            *(f"--file={name}" for name in self.files),
            "--progress=plain",
            *arguments,
        )
        return await trio.run_process(
            command,
            capture_stdout=True,
            capture_stderr=True,
            check=False,
            cwd=self.folder,
            env={**environment, "DOCKER_HOST": f"unix://{self.socket}"},
        )

    async def _check_health(self) -> None:
        """Check the health of all services again and again, as Docker does.

        Podman leaves that to systemd, which is not everywhere.
        """
        label = f"--filter=label=com.docker.compose.project={self.project}"
        while True:
            for name in (await podman("ps", label, "--format={{.Names}}")).split():
                await attempt("healthcheck", "run", name)
            await trio.sleep(_BETWEEN_HEALTH_CHECKS)


@contextlib.asynccontextmanager
async def answering_as_docker(socket: Path) -> AsyncIterator[None]:
    """Have podman answer Docker's commands, as long as the block lasts.

    There is a nursery inside: all errors, those of the block included, leave it in a group.

    Args:
        socket: Where; it must not exist. There is a log beside it.

    Raises:
        ContainerError: It does not start.
    """
    command = ("podman", "--log-level=error", "system", "service", "--time=0", f"unix://{socket}")
    log = socket.with_suffix(".log")
    async with trio.open_nursery() as nursery:
        with log.open("wb") as stderr:
            # Ctrl-C is not for it: what runs is ended through it.
            run = partial(
                trio.run_process,
                command,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                check=False,
                start_new_session=True,
            )
            process: trio.Process = await nursery.start(run)
        while True:
            if process.returncode is not None:
                code = process.returncode
                raise ContainerError(f"podman system service ended with {code}: {tail(log)}")
            if await trio.Path(socket).exists():
                break
            await trio.sleep(_POLL)
        yield
        nursery.cancel_scope.cancel(reason="nobody asks any more")


@contextlib.asynccontextmanager
async def taken_down_at_the_end(compose: Compose) -> AsyncIterator[None]:
    """Leave nothing of a project behind, whatever happens; tell its logs if it did not go well."""
    is_fine = False
    try:
        yield
        is_fine = True
    finally:
        with trio.move_on_after(_CLEANUP, shield=True):
            if not is_fine:
                say(await compose.logs())
            await compose.down()
