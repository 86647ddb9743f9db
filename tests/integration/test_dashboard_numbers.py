"""What panels show of series that were made up for it, as promtool computes it.

That each query has an answer is tested with the demo house. Here are houses that are not like it:
what two exporters look after, controls of one name, what changes between two evaluations of rules.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest
from attrs import frozen

from support.grafana import FOLDER, load, targets
from support.promtool import promtool


pytestmark = pytest.mark.slow


SCRAPE_INTERVAL: Final = 15
CHOSEN: Final = {"job": "loxone.*", "miniserver": "home", "room": "Kitchen"}

Samples = Mapping[str, float]
"""Series by name and labels, with one value each."""


@frozen
class Case:
    """What one query of a panel is to show.

    Attributes:
        panel: The dashboard and the title of the panel.
        series: What Prometheus knows: values by series, as promtool writes them.
        shown: What is shown when.
        number: Which of the panel's queries it is.
        chosen: Variables that are not as in `CHOSEN`.
    """

    panel: tuple[str, str]
    series: Mapping[str, str]
    shown: Mapping[str, Samples]
    number: int = 0
    chosen: Mapping[str, str] = {}

    @property
    def query(self) -> str:
        dashboard, title = self.panel
        page = load(FOLDER / f"{dashboard}.json")
        those = [target for target in targets(page) if target.panel["title"] == title]
        query, _, _ = those[self.number].filled_in(
            {**CHOSEN, **self.chosen}, datetime(2026, 3, 14, 12, tzinfo=UTC), SCRAPE_INTERVAL
        )
        return query


def labelled(**labels: str) -> str:
    """Labels as Prometheus writes them."""
    return "{" + ", ".join(f'{label}="{value}"' for label, value in labels.items()) + "}"


def home(**labels: str) -> str:
    """What a panel shows of the house."""
    return labelled(**{"job": "loxone", "miniserver": "home", **labels})


def series(family: str, /, **labels: str) -> str:
    """A series of the house."""
    return family + home(**{"instance": "a:9504", **labels})


def alert(**labels: str) -> str:
    """A critical alert that calls."""
    return "ALERTS" + labelled(severity="critical", alertstate="firing", **labels)


def flow(uuid: str, instance: str, watts: Mapping[str, int]) -> dict[str, str]:
    """What an energy flow monitor called Flow tells: what is bought, and its consumers."""
    control = {
        "instance": instance,
        "room": "",
        "category": "Energy",
        "type": "EFM",
        "name": "Flow",
        "uuid": uuid,
    }
    found = {
        series("loxone_power_flow_node_grid_watts", **control, subcontrol="actual0"): "1000x10",
        series(
            "loxone_energy_flow_node_info",
            **control,
            subcontrol="actual0",
            role="grid",
            node="Grid",
        ): "1x10",
    }
    for number, (node, power) in enumerate(watts.items(), 1):
        state = {**control, "subcontrol": f"actual{number}"}
        found[series("loxone_power_flow_node_consumption_watts", **state)] = f"{power}x10"
        info = series("loxone_energy_flow_node_info", **state, role="load", node=node)
        found[info] = "1x10"
    return found


def consumer(uuid: str, subcontrol: str, node: str) -> str:
    control = {"category": "Energy", "type": "EFM", "name": "Flow", "uuid": uuid}
    return home(**control, subcontrol=subcontrol, node=node)


# As `[metrics] uuid_label` shows them, by two exporters.
TWO_OF_ONE_NAME: Final = {
    **flow("u1", "a:9504", {"Stove": 300, "Lights": 50}),
    **flow("u1", "b:9504", {"Stove": 300, "Lights": 50}),
    **flow("u2", "a:9504", {"Barn": 200}),
    **flow("u2", "b:9504", {"Barn": 200}),
}

# The sun is gone since the rules were evaluated; the grid stands in.
CLOUD: Final = {
    series("loxone:production_watts"): "3000x10",
    series("loxone_power_flow_production_watts", name="Flow", type="EFM"): "3000x3 500x6",
    series("loxone_power_flow_grid_watts", name="Flow", type="EFM"): "-1000x3 1500x6",
    series("loxone_power_flow_storage_watts", name="Flow", type="EFM"): "-200x10",
}

CASES: Final[Mapping[str, Case]] = {
    "consumers of two monitors of one name, seen by two exporters": Case(
        ("energy", "Consumers now"),
        TWO_OF_ONE_NAME,
        {
            "1m": {
                consumer("u1", "actual1", "Stove"): 300,
                consumer("u1", "actual2", "Lights"): 50,
                consumer("u2", "actual1", "Barn"): 200,
            }
        },
    ),
    "what they do not measure": Case(
        ("energy", "Where it goes"), TWO_OF_ONE_NAME, {"1m": {home(): 1450}}, number=1
    ),
    "meters, where there is no monitor": Case(
        ("house", "Where it goes now"),
        {
            series("loxone_power_watts", instance=instance, type="Meter", name="Stove"): "300x10"
            for instance in ("a:9504", "b:9504")
        },
        {"1m": {home(type="Meter", name="Stove", node="Stove"): 300}},
    ),
    "production after a cloud has come": Case(
        ("house", "Production now"), CLOUD, {"30s": {home(): 3000}, "90s": {home(): 500}}
    ),
    "consumption is the same then": Case(
        ("house", "Consumption now"), CLOUD, {"30s": {home(): 1800}, "90s": {home(): 1800}}
    ),
    "a storage that only an energy manager knows": Case(
        ("house", "Storage"),
        {series("loxone_storage_charge_reported_ratio", type="EnergyManager2"): "0.6x10"},
        {"1m": {series("loxone_storage_charge_reported_ratio", type="EnergyManager2"): 0.6}},
    ),
    "a storage that has a meter": Case(
        ("house", "Storage"),
        {
            series("loxone_storage_charge_ratio", type="Meter"): "0.61x10",
            series("loxone_storage_charge_reported_ratio", type="EnergyManager2"): "0.6x10",
        },
        {"1m": {series("loxone_storage_charge_ratio", type="Meter"): 0.61}},
    ),
    "each end of a connection is in one column": Case(
        ("exporter", "Why connections ended"),
        # At the last scrape in a column, at the first one, twice, and never.
        {
            series("loxone_exporter_connection_failures_total", reason=reason): values
            for reason, values in {
                "silent": "0x19 1x60",
                "booting": "0x20 1x60",
                "connection_lost": "0x30 1x1 2x60",
                "rejected": "5x80",
            }.items()
        },
        {
            "5m7s": {home(reason="silent"): 1},
            "10m7s": {
                home(reason="booting"): 1,
                home(reason="connection_lost"): 2,
            },
            "15m7s": {},
        },
    ),
    "alerts of a house, of an exporter, and of a fleet": Case(
        ("fleet", "Critical alerts"),
        {
            alert(alertname="LoxoneMiniserverUnreachable", job="loxone", miniserver="home"): "1x10",
            alert(alertname="LoxoneExporterDown", job="loxone", instance="a:9504"): "1x10",
            alert(alertname="LoxoneFleetUnreachable", job="loxone"): "1x10",
            alert(alertname="NodeDown", job="node", instance="a:9100"): "1x10",
        },
        {"1m": {"{}": 3}},
        chosen={"miniserver": ".+"},
    ),
    "what meters of one name have counted": Case(
        ("energy", "What each meter has counted"),
        {
            series(
                "loxone:energy_kwh:increase1h",
                room="",
                name="Meter",
                flow="measured",
                uuid=uuid,
            ): values
            for uuid, values in (("u1", "3x10"), ("u2", "1x10"))
        },
        {
            "1m": {
                home(name="Meter", flow="measured", uuid="u1"): 3,
                home(name="Meter", flow="measured", uuid="u2"): 1,
            }
        },
    ),
    "buttons of one name that two exporters see": Case(
        ("room", "How often, and for how long"),
        {
            series(
                "loxone_control_activations_total",
                instance=instance,
                room="Kitchen",
                name="Button",
                uuid=uuid,
            ): values
            for instance in ("a:9504", "b:9504")
            for uuid, values in (("u1", "0x4 3x300"), ("u2", "0x4 1x300"))
        },
        {
            "10m": {
                home(room="Kitchen", name="Button", uuid="u1"): 3,
                home(room="Kitchen", name="Button", uuid="u2"): 1,
            }
        },
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_panel_shows_what_is_so(case: Case, tmp_path: Path) -> None:
    group = {
        "interval": f"{SCRAPE_INTERVAL}s",
        "input_series": [
            {"series": name, "values": values} for name, values in case.series.items()
        ],
        "promql_expr_test": [
            {
                "expr": case.query,
                "eval_time": time,
                "exp_samples": [
                    {"labels": labels, "value": value} for labels, value in samples.items()
                ],
            }
            for time, samples in case.shown.items()
        ],
    }
    path = tmp_path / "panel.yml"
    # JSON is YAML, too.
    path.write_text(json.dumps({"rule_files": [], "tests": [group]}), encoding="utf-8")
    promtool("test", "rules", path)
