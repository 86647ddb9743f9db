"""The files that the programs read: those of deploy/prometheus, with less patience.

Alerts wait for minutes before they call, and Alertmanager before it writes. Here all of these times
are divided by the same number; conditions stay as they are.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from attrs import frozen

from benchmarks.process import free_port


HOST: Final = "127.0.0.1"
DEPLOY: Final = Path(__file__).parent.parent / "deploy" / "prometheus"

SPEED: Final = 30.0
"""By what times are divided: ten minutes become twenty seconds.

Not by more, for Prometheus takes five seconds to its first scrape, and an exporter that it has not
seen for five minutes counts as gone.
"""

LEAST_SECONDS: Final = 1.0
"""Less would have Prometheus scrape and evaluate more often than anybody does."""

_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_WAIT: Final = re.compile(
    r"^(?P<key>\s*(?:for|interval|scrape_interval|evaluation_interval"
    r"|group_wait|group_interval|repeat_interval): )(?P<count>\d+)(?P<unit>[smhd])$",
    re.MULTILINE,
)

_EXPORTER: Final = """
[web]
listen = ["{host}:{port}"]

[[miniservers]]
name = "{name}"
host = "{host}"
port = {miniserver}
username = "demo"
password = "demo"
"""


@frozen
class Ports:
    """Where the programs listen, all on loopback.

    Attributes:
        miniserver: The simulated one.
        exporter: For scrapes.
        prometheus: For queries.
        alertmanager: For alerts.
    """

    miniserver: int
    exporter: int
    prometheus: int
    alertmanager: int

    @classmethod
    def choose(cls) -> Ports:
        """Take four that nobody listens on, for now."""
        return cls(*(free_port() for _ in range(4)))


def hurry(text: str) -> str:
    """Divide the times for which rules and Alertmanager wait; what a rule asks for stays.

    Args:
        text: A file of deploy/prometheus.
    """

    def shorter(match: re.Match[str]) -> str:
        seconds = int(match["count"]) * _SECONDS[match["unit"]] / SPEED
        return f"{match['key']}{max(seconds, LEAST_SECONDS) * 1000:.0f}ms"

    return _WAIT.sub(shorter, text)


def write_files(folder: Path, ports: Ports, *, miniserver: str, webhook: str) -> None:
    """Write what the programs are configured with.

    Args:
        folder: Where; it must exist.
        ports: Where the programs will listen.
        miniserver: The Miniserver's name.
        webhook: Whom Alertmanager tells.

    Raises:
        LookupError: The files of deploy/prometheus do not have the addresses that they had.
    """
    rules = folder / "rules"
    rules.mkdir()
    for path in (DEPLOY / "rules").glob("*.yml"):
        (rules / path.name).write_text(hurry(_read(path)), encoding="utf-8")
    prometheus = hurry(_read(DEPLOY / "prometheus.yml"))
    prometheus = _replace(prometheus, "localhost:9504", f"{HOST}:{ports.exporter}")
    prometheus = _replace(prometheus, "localhost:9093", f"{HOST}:{ports.alertmanager}")
    (folder / "prometheus.yml").write_text(prometheus, encoding="utf-8")
    alertmanager = hurry(_read(DEPLOY / "alertmanager.yml"))
    alertmanager = _replace(alertmanager, "http://localhost:8080/", webhook)
    (folder / "alertmanager.yml").write_text(alertmanager, encoding="utf-8")
    exporter = folder / "exporter.toml"
    exporter.touch(mode=0o600)
    exporter.write_text(
        _EXPORTER.format(
            host=HOST, port=ports.exporter, miniserver=ports.miniserver, name=miniserver
        ),
        encoding="utf-8",
    )


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _replace(text: str, old: str, new: str) -> str:
    if text.count(old) != 1:
        raise LookupError(f"{old!r} is expected once in the files of {DEPLOY}")
    return text.replace(old, new)
