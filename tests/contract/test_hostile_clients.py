"""What hostile clients cost an exporter that runs in a process of its own, with a house behind it.

The figures are those of the benchmarks' rows `crowd` and `unread`, which measure them with 10,000
attempts (`nox -s bench -- --only crowd crowd-scrape crowd-newcomer unread unread-scrape`); here are
fewer, unless the environment says ATTEMPTS=10000.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
import trio

from benchmarks.budgets import percentile
from benchmarks.crowd import Endurance, endure_attempts, endure_unread_answers, unread_answers
from benchmarks.laboratory import laboratory
from benchmarks.scraper import connect
from loxone_exporter.config.model import WebConfig
from support.exporters import STOP_BUDGET


pytestmark = pytest.mark.slow


ATTEMPTS = int(os.environ.get("ATTEMPTS", "1000"))

RESIDENT, AT_REST = 64.0, 45.0
"""MB of 2^20 bytes that the exporter may take under attack, and without one (design, budgets)."""

UNREAD = 64
"""Scrapes that nobody reads; if each were kept, they would take more than that."""

ALLOWED = WebConfig().max_connections


def check(endurance: Endurance) -> None:
    # The difference, for this may be run with tools that take up memory themselves.
    assert endurance.peak - endurance.before < RESIDENT - AT_REST
    assert len(endurance.scrapes) >= 5
    # Nearly all of them: the machine may be busy with something else for a moment.
    assert percentile(endurance.scrapes, 95) < 1.0
    assert endurance.newcomer < 5.0


async def counted(port: int, name: str) -> float:
    async with connect(port) as scraper:
        body = (await scraper.scrape()).decode()
    return sum(float(line.split()[-1]) for line in body.splitlines() if line.startswith(name))


async def test_whoever_connects_again_and_again_costs_little() -> None:
    async with laboratory(controls=300) as lab:
        check(await endure_attempts(lab.exporter, ATTEMPTS))
        # On a busy machine it takes so long that some of those who were let in are given up.
        refused = await counted(lab.exporter.port, "loxone_exporter_connections_refused_total")
        assert ATTEMPTS / 2 < refused <= ATTEMPTS
        assert await counted(lab.exporter.port, "loxone_exporter_connections ") <= ALLOWED


async def test_whoever_does_not_read_costs_little_and_holds_up_nothing() -> None:
    async with laboratory(controls=300) as lab:
        exporter = lab.exporter
        check(await endure_unread_answers(exporter, UNREAD, 0.5))
        cut_off = 'loxone_exporter_connections_cut_off_total{reason="memory"}'
        assert await counted(exporter.port, cut_off) > UNREAD / 2
        async with unread_answers(exporter.port, 15):
            started = trio.current_time()
            os.kill(exporter.pid, signal.SIGTERM)
            with trio.fail_after(2 * STOP_BUDGET):
                while is_running(exporter.pid):
                    await trio.sleep(0.01)
            assert trio.current_time() - started < STOP_BUDGET


def is_running(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"
