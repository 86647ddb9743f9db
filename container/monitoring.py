"""What Prometheus and Alertmanager say, over HTTP."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import trio
from attrs import frozen

from benchmarks.scraper import connect
from container.podman import ContainerError


_POLL: Final = 0.1
_OK: Final = 200


@frozen
class Target:
    """Whom Prometheus scrapes.

    Attributes:
        job: Its job.
        instance: Its address.
        health: `up`, `down`, or `unknown` before the first scrape.
    """

    job: str
    instance: str
    health: str


@frozen
class Rule:
    """A rule that Prometheus has loaded.

    Attributes:
        name: Of the alert, or of what it records.
        health: `ok`, `err`, or `unknown` before it was evaluated first.
        error: What was wrong when it was evaluated last.
    """

    name: str
    health: str
    error: str


@frozen
class Alert:
    """An alert that Alertmanager has.

    Attributes:
        name: Its name.
        miniserver: Which one it is about; empty where it is about none in particular.
        state: `active`, or `suppressed` by another.
    """

    name: str
    miniserver: str
    state: str


@frozen
class Monitoring:
    """Prometheus and Alertmanager, both on loopback.

    Attributes:
        prometheus: The port of the one.
        alertmanager: The port of the other.
    """

    prometheus: int
    alertmanager: int

    async def targets(self) -> Sequence[Target]:
        """Whom Prometheus scrapes."""
        answer = await _ask(self.prometheus, "/api/v1/targets?state=active")
        return [
            Target(each["labels"]["job"], each["labels"]["instance"], each["health"])
            for each in answer["data"]["activeTargets"]
        ]

    async def rules(self) -> Sequence[Rule]:
        """Which rules Prometheus has loaded."""
        answer = await _ask(self.prometheus, "/api/v1/rules")
        return [
            Rule(each["name"], each["health"], each.get("lastError", ""))
            for group in answer["data"]["groups"]
            for each in group["rules"]
        ]

    async def alertmanagers(self) -> Sequence[str]:
        """Whom Prometheus sends alerts to."""
        answer = await _ask(self.prometheus, "/api/v1/alertmanagers")
        return [each["url"] for each in answer["data"]["activeAlertmanagers"]]

    async def value(self, query: str) -> float | None:
        """The one value that a query finds; None if there is none."""
        encoded = urllib.parse.urlencode({"query": query})
        answer = await _ask(self.prometheus, f"/api/v1/query?{encoded}")
        result: Sequence[Mapping[str, Any]] = answer["data"]["result"]
        return float(result[0]["value"][1]) if result else None

    async def alerts(self) -> Sequence[Alert]:
        """Which alerts have come to Alertmanager."""
        return [
            Alert(
                each["labels"]["alertname"],
                each["labels"].get("miniserver", ""),
                each["status"]["state"],
            )
            for each in await _ask(self.alertmanager, "/api/v2/alerts")
        ]


async def seconds_until(
    holds: Callable[[], Awaitable[bool]], what: str, *, patience: float
) -> float:
    """Ask until something holds; how long that took.

    Raises:
        ContainerError: It did not in time.
    """
    began = trio.current_time()
    with trio.move_on_after(patience):
        while True:
            if await holds():
                return trio.current_time() - began
            await trio.sleep(_POLL)
    raise ContainerError(f"not within {patience:g} s: {what}")


async def _ask(port: int, target: str) -> Any:  # noqa: ANN401  # JSON
    """What a program answers.

    Raises:
        ContainerError: It is an error.
    """
    async with connect(port) as client:
        answer = await client.ask(target, headers=())
    if answer.status != _OK:
        raise ContainerError(f"{target} is answered with {answer.status}: {answer.body[:200]!r}")
    return json.loads(answer.body)
