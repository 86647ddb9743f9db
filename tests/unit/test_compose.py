"""deploy/compose: what its files say of each other, of the repository and of the exporter."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import yaml
from attrs import frozen

from loxone_exporter.config.load import load_config


ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "deploy" / "compose"
TEXT = (COMPOSE / "compose.yaml").read_text(encoding="utf-8")
PROJECT: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = PROJECT["services"]

VARIABLE = re.compile(r"\$\{(\w+)")
EXAMPLE = dict(
    re.findall(
        r"^(\w+)=(.*)$", (COMPOSE / ".env.example").read_text(encoding="utf-8"), re.MULTILINE
    )
)


@frozen
class Mount:
    source: Path
    target: PurePosixPath
    read_only: bool


def files(service: str) -> list[Mount]:
    """What of the repository a service sees."""
    found = []
    for volume in SERVICES[service]["volumes"]:
        source, target, *mode = volume.split(":")
        if source.startswith("."):
            path = (COMPOSE / source).resolve()
            found.append(Mount(path, PurePosixPath(target), mode == ["ro"]))
    return found


def mounted(service: str, path: str) -> Path:
    """The file in the repository that a service finds at a path of its own."""
    (found,) = [
        mount.source / PurePosixPath(path).relative_to(mount.target)
        for mount in files(service)
        if PurePosixPath(path).is_relative_to(mount.target)
    ]
    return found


def option(service: str, name: str) -> str:
    words: list[str] = SERVICES[service]["command"]
    (value,) = [word.partition("=")[2] for word in words if word.startswith(name)]
    return value


def load(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return document


def test_there_are_four() -> None:
    assert {"exporter", "prometheus", "alertmanager", "grafana"} == SERVICES.keys()


@pytest.mark.parametrize("service", SERVICES)
def test_what_is_mounted_exists_and_cannot_be_written(service: str) -> None:
    assert files(service)
    for mount in files(service):
        assert mount.source.is_relative_to(ROOT / "deploy")
        assert mount.source.exists()
        assert mount.read_only


@pytest.mark.parametrize("service", SERVICES)
def test_volumes_are_declared(service: str) -> None:
    names = {volume.split(":")[0] for volume in SERVICES[service]["volumes"]}
    assert {name for name in names if not name.startswith(".")} <= PROJECT["volumes"].keys()


@pytest.mark.parametrize("service", SERVICES)
def test_services_are_locked_up(service: str) -> None:
    settings = SERVICES[service]
    assert settings["read_only"] is True
    assert ["ALL"] == settings["cap_drop"]
    assert ["no-new-privileges:true"] == settings["security_opt"]
    assert settings["restart"] == "unless-stopped"


@pytest.mark.parametrize("service", SERVICES)
def test_podman_starts_and_stops_services_as_docker_does(service: str) -> None:
    settings = SERVICES[service]
    # Of Docker's drivers, it has this one; and where no time is given to end, it kills at once.
    assert settings["logging"]["driver"] == "json-file"
    assert settings["stop_grace_period"] == "30s"


@pytest.mark.parametrize("service", SERVICES)
def test_images_are_of_one_version_and_report_their_health(service: str) -> None:
    settings = SERVICES[service]
    if service == "exporter":
        assert settings["pull_policy"] == "build"
        dockerfile = (COMPOSE / settings["build"]["context"]).resolve() / settings["build"][
            "dockerfile"
        ]
        assert "\nHEALTHCHECK " in dockerfile.read_text(encoding="utf-8")
    else:
        # A short name, which has no registry in it, and three numbers.
        assert re.fullmatch(r"[a-z]+/[a-z]+:v?\d+\.\d+\.\d+", settings["image"])
        assert settings["healthcheck"]["test"][0] == "CMD"


@pytest.mark.parametrize("service", SERVICES)
def test_only_grafana_can_be_seen_from_outside(service: str) -> None:
    (port,) = SERVICES[service]["ports"]
    address = "${GRAFANA_ADDRESS:-127.0.0.1}" if service == "grafana" else "127.0.0.1"
    assert port.startswith(f"{address}:")
    assert EXAMPLE["GRAFANA_ADDRESS"] == "127.0.0.1"


def test_the_example_has_every_variable() -> None:
    assert set(VARIABLE.findall(TEXT)) == EXAMPLE.keys()


def test_what_has_no_default_stops_compose() -> None:
    required = set(re.findall(r"\$\{(\w+):\?", TEXT))
    secrets = {"LOXONE_PASSWORD", "GRAFANA_PASSWORD"}
    assert {"LOXONE_HOST", "LOXONE_USERNAME", *secrets} == required


def test_the_exporter_understands_the_example() -> None:
    settings = SERVICES["exporter"]["environment"]
    environ = {name: EXAMPLE[variable] for name, (variable,) in variables(settings)}
    path = mounted("exporter", "/etc/loxone-exporter/loxone-exporter.toml")
    loaded = load_config(path, environ)
    (miniserver,) = loaded.config.miniservers
    assert ("home", "192.168.1.77", 80) == (miniserver.name, miniserver.host, miniserver.port)
    assert not loaded.warnings
    assert ["127.0.0.1:9504:9504"] == SERVICES["exporter"]["ports"]
    assert {9504} == {address.port for address in loaded.config.web.listen}


def variables(settings: dict[str, str]) -> Iterator[tuple[str, list[str]]]:
    for name, value in settings.items():
        yield name, VARIABLE.findall(value)


def test_the_exporters_own_file_is_good_when_its_examples_count(tmp_path: Path) -> None:
    path = mounted("exporter", "/etc/loxone-exporter/loxone-exporter.toml")
    commented = re.sub(
        r"^# (?=\[|\w+ = )", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    (tmp_path / "loxone-exporter.toml").write_text(commented, encoding="utf-8")
    (tmp_path / "barn.password").write_text("invented", encoding="utf-8")
    (tmp_path / "barn.password").chmod(0o400)
    environ = {name: value for name, value in EXAMPLE.items() if name.startswith("LOXONE_")}
    loaded = load_config(tmp_path / "loxone-exporter.toml", environ)
    first, second = loaded.config.miniservers
    assert ("192.168.1.77", "504F94A0BBCC", "barn") == (first.host, first.serial, second.name)


def test_prometheus_finds_rules_exporter_and_alertmanager() -> None:
    config = load(mounted("prometheus", option("prometheus", "--config.file")))
    (rules,) = config["rule_files"]
    pattern = mounted("prometheus", f"/etc/prometheus/{rules}")
    assert list(pattern.parent.glob(pattern.name))
    (job,) = config["scrape_configs"]
    assert job["job_name"].startswith("loxone")
    assert [{"targets": ["exporter:9504"]}] == job["static_configs"]
    (alertmanagers,) = config["alerting"]["alertmanagers"]
    assert [{"targets": ["alertmanager:9093"]}] == alertmanagers["static_configs"]


def test_prometheus_understands_its_configuration(tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("there is no promtool here")
    # As the container sees it: the configuration here, the rules from elsewhere.
    folder = PurePosixPath("/etc/prometheus")
    for mount in files("prometheus"):
        (tmp_path / mount.target.relative_to(folder)).symlink_to(mount.source)
    name = PurePosixPath(option("prometheus", "--config.file")).relative_to(folder)
    command = [promtool, "check", "config", str(tmp_path / name)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert 0 == checked.returncode, checked.stdout + checked.stderr
    assert re.search(r"[1-9]\d* rules found", checked.stdout)


def test_data_is_kept_in_volumes() -> None:
    for service, path in (
        ("prometheus", option("prometheus", "--storage.tsdb.path")),
        ("alertmanager", option("alertmanager", "--storage.path")),
        ("grafana", "/var/lib/grafana"),
    ):
        assert f"{service}:{path}" in SERVICES[service]["volumes"]


def test_grafana_is_provisioned() -> None:
    provisioning = "/etc/grafana/provisioning"
    sources = load(mounted("grafana", f"{provisioning}/datasources/prometheus.yaml"))
    urls = {source["uid"]: source["url"] for source in sources["datasources"]}
    assert urls == {
        "prometheus": "http://prometheus:9090",
        "alertmanager": "http://alertmanager:9093",
    }
    prometheus = load(mounted("prometheus", option("prometheus", "--config.file")))
    interval = sources["datasources"][0]["jsonData"]["timeInterval"]
    assert prometheus["global"]["scrape_interval"] == interval
    dashboards = load(mounted("grafana", f"{provisioning}/dashboards/loxone.yaml"))
    (provider,) = dashboards["providers"]
    assert mounted("grafana", provider["options"]["path"]) == ROOT / "deploy" / "grafana"
