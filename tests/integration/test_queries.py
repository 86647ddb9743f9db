"""What the documentation asks, answered by a real Prometheus that scrapes the demo house."""

from __future__ import annotations

import math
from pathlib import Path

import trio

from support.documents import queries
from support.processes import running_exporter
from support.prometheus import RunningPrometheus, running_prometheus


async def answer(prometheus: RunningPrometheus, query: str) -> dict[str, float]:
    """The value of each series by its name, or by its room if it has no name."""
    series = await prometheus.query(query)
    return {
        one["metric"].get("name", one["metric"].get("room", "")): float(one["value"][1])
        for one in series
    }


async def test_documented_queries_have_answers(tmp_path: Path) -> None:
    async with running_exporter(["demo", "--listen", "127.0.0.1:0"]) as exporter:
        await exporter.wait_until_listening()
        async with running_prometheus(exporter.url, tmp_path) as prometheus:
            with trio.fail_after(60):
                while (
                    await answer(prometheus, "count_over_time(loxone_exporter_up[1m]) >= 4") == {}
                ):
                    await trio.sleep(0.3)
            for query in queries():
                found = await answer(prometheus, query)
                assert found, query
                assert not any(map(math.isnan, found.values())), query
            await assert_that_the_answers_are_right(prometheus)


async def assert_that_the_answers_are_right(prometheus: RunningPrometheus) -> None:
    rooms = await answer(
        prometheus, 'avg by (room) (loxone_temperature_celsius{type=~"IRoomController.*"})'
    )
    assert {"Living Room", "Küche", "Koupelna"} <= rooms.keys()
    assert all(5 < temperature < 35 for temperature in rooms.values())
    (imported,) = (await answer(prometheus, "loxone_energy_import_joules_total / 3.6e6")).values()
    assert 8421 < imported < 9000
    # The meters of the demo house agree with each other at every instant.
    balance = await answer(
        prometheus,
        "sum(loxone_power_flow_node_production_watts) + sum(loxone_power_flow_node_grid_watts)"
        " + sum(loxone_power_flow_node_storage_watts)"
        " - sum(loxone_power_flow_node_consumption_watts)",
    )
    consumption = await answer(prometheus, "sum(loxone_power_flow_node_consumption_watts)")
    assert abs(next(iter(balance.values()))) <= 0.5 * next(iter(consumption.values()))
    nodes = await answer(
        prometheus,
        "loxone_power_flow_node_consumption_watts"
        " * on (miniserver, subcontrol) group_left (node) loxone_energy_flow_node_info",
    )
    assert nodes
