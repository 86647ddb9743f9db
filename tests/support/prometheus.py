"""A real Prometheus that scrapes one address."""

from __future__ import annotations

import contextlib
import json
import shutil
import urllib.parse
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import trio
from attrs import frozen

from support.processes import get, running_process


SCRAPE_CONFIG = """
global:
  scrape_interval: 1s
scrape_configs:
  - job_name: loxone
    static_configs:
      - targets: [{target}]
"""


@frozen
class RunningPrometheus:
    """A Prometheus process.

    Attributes:
        url: Where it is asked.
    """

    url: str

    async def query(self, expression: str) -> list[dict[str, Any]]:
        """Ask for an instant vector."""
        query = urllib.parse.urlencode({"query": expression})
        _, body = await get(f"{self.url}/api/v1/query?{query}")
        answer = json.loads(body)
        assert answer["status"] == "success", answer
        result: list[dict[str, Any]] = answer["data"]["result"]
        return result


@contextlib.asynccontextmanager
async def running_prometheus(target_url: str, folder: Path) -> AsyncIterator[RunningPrometheus]:
    """Start a Prometheus that scrapes a URL each second; killed at the end of the block."""
    binary = shutil.which("prometheus")
    assert binary is not None, "Debian's package prometheus is not installed"
    target = target_url.removeprefix("http://")
    config = folder / "prometheus.yml"
    config.write_text(SCRAPE_CONFIG.format(target=json.dumps(target)))
    port = await _free_port()
    command = [
        binary,
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
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


async def _free_port() -> int:
    # Prometheus does not tell which port it got, so it is told one that was free just now.
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port: int = listeners[0].socket.getsockname()[1]
    for listener in listeners:
        await listener.aclose()
    return port
