"""A real Prometheus that scrapes one address."""

from __future__ import annotations

import contextlib
import json
import shutil
import urllib.parse
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import trio
from attrs import frozen

from stack.files import hurry
from support.processes import get, running_process
from support.rules import RULE_FILES


@frozen
class RunningPrometheus:
    """A Prometheus process.

    Attributes:
        url: Where it is asked.
    """

    url: str

    async def query(self, expression: str, *, time: int | None = None) -> list[dict[str, Any]]:
        """Ask for an instant vector, of now or of another time."""
        data = await self._ask(
            "query", query=expression, **({} if time is None else {"time": time})
        )
        result: list[dict[str, Any]] = data["result"]
        return result

    async def query_range(
        self, expression: str, *, start: float, end: float, step: float
    ) -> list[dict[str, Any]]:
        """Ask for values over time."""
        data = await self._ask("query_range", query=expression, start=start, end=end, step=step)
        result: list[dict[str, Any]] = data["result"]
        return result

    async def label_values(self, label: str, selector: str) -> list[str]:
        """Ask for the values that a label has in the series of a selector."""
        values: list[str] = await self._ask(f"label/{label}/values", **{"match[]": selector})
        return values

    async def _ask(self, path: str, **parameters: str | float) -> Any:  # noqa: ANN401  # as JSON has it
        _, body = await get(f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}")
        answer = json.loads(body)
        assert answer["status"] == "success", answer
        return answer["data"]


async def remember(
    scrape: bytes, folder: Path, *, time: int, earlier: Collection[int] = ()
) -> None:
    """Have a Prometheus that is started in this folder know a scrape, without waiting for one.

    Args:
        scrape: In OpenMetrics.
        folder: Where it is started.
        time: When the scrape was, in Unix time.
        earlier: When it was before that, with the same values.
    """
    lines = scrape.removesuffix(b"\n").split(b"\n")
    dated = (
        each
        for line in lines
        for each in (
            [line]
            if line.startswith(b"#")
            else (b"%b %d" % (line, when) for when in (*earlier, time))
        )
    )
    path = folder / "scrape.txt"
    path.write_bytes(b"\n".join(dated) + b"\n")
    arguments = ("tsdb", "create-blocks-from", "openmetrics", path, folder / "data")
    await trio.run_process(["promtool", *arguments], capture_stdout=True)


@contextlib.asynccontextmanager
async def running_prometheus(
    target_url: str | None,
    folder: Path,
    *,
    settings: Mapping[str, object] | None = None,
    rule_files: Sequence[str] = (),
) -> AsyncIterator[RunningPrometheus]:
    """Start a Prometheus that scrapes a URL each second; killed at the end of the block.

    It takes five seconds until it scrapes for the first time.

    Args:
        target_url: What it scrapes.
        folder: For its files.
        settings: How it scrapes, beside that.
        rule_files: Its rules, such as `rules_in_a_hurry`.
    """
    scheme, _, target = (target_url or "http://").partition("://")
    job = {
        "job_name": "loxone",
        "scheme": scheme,
        "static_configs": [{"targets": [target] if target else []}],
        **(settings or {}),
    }
    scraping = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": list(rule_files),
        "scrape_configs": [job],
    }
    # JSON is YAML, too.
    async with configured_prometheus(json.dumps(scraping), folder) as prometheus:
        yield prometheus


def rules_in_a_hurry(folder: Path) -> str:
    """Write our rules into a folder, to be evaluated each second; the pattern of their files."""
    rules = folder / "rules"
    rules.mkdir(exist_ok=True)
    for path in RULE_FILES:
        (rules / path.name).write_text(hurry(path.read_text(encoding="utf-8")), encoding="utf-8")
    return f"{rules}/*.yml"


@contextlib.asynccontextmanager
async def configured_prometheus(
    text: str, folder: Path, *options: str
) -> AsyncIterator[RunningPrometheus]:
    """Start a Prometheus with a configuration of its own, and further options, likewise."""
    binary = shutil.which("prometheus")
    assert binary is not None, "Debian's package prometheus is not installed"
    config = folder / "prometheus.yml"
    config.write_text(text)
    port = await free_port()
    command = [
        binary,
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        *options,
    ]
    prometheus = RunningPrometheus(f"http://127.0.0.1:{port}")
    async with running_process(command):
        await _wait_until_ready(prometheus)
        yield prometheus


async def _wait_until_ready(prometheus: RunningPrometheus) -> None:
    with trio.fail_after(30):
        while True:
            with contextlib.suppress(OSError):
                if (await get(f"{prometheus.url}/-/ready"))[0] == 200:
                    return
            await trio.sleep(0.1)


async def free_port() -> int:
    """A port that was free just now, for programs that do not tell which one they got."""
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port: int = listeners[0].socket.getsockname()[1]
    for listener in listeners:
        await listener.aclose()
    return port
