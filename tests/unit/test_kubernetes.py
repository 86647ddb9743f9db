"""deploy/kubernetes: what its manifests say of each other, of the image and of the exporter."""

from __future__ import annotations

import ipaddress
import json
import re
import tomllib
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from container.manifests import mebibytes
from container.podman import MEMORY_LIMIT
from loxone_exporter.config.load import DEFAULT_PLACES, Loaded, load_config
from loxone_exporter.loxone.structure import parse_structure
from loxone_exporter.shutdown import HANG_AFTER
from loxone_exporter.state import ConnectionState, MiniserverState
from loxone_exporter.stop import StopRequest
from loxone_exporter.web.app import WebApp
from loxone_exporter.web.health import HEARTBEAT_LIMIT
from support.manifests import (
    CONFIG,
    container,
    every,
    labels_of_pods,
    manifests,
    mount,
    one,
    pod,
    port_of,
    selects,
    workload,
    write_configuration,
)
from support.memory_network import STRUCTURE
from support.promtool import promtool
from support.rules import RULE_FILES
from support.web_memory import memory_server
from tools.manifests import DASHBOARD_LABEL, TARGETS
from tools.programs import ROOT


SHARED = {"Namespace", "ServiceAccount", "ConfigMap", "Service", "NetworkPolicy"}
PRIVATE = [
    ipaddress.IPv4Network(each) for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
]
NAMES_OF_RULES = {path.stem.replace(".", "-"): path for path in RULE_FILES}
DOCKERFILE = (ROOT / "deploy" / "docker" / "Dockerfile").read_text(encoding="utf-8")

each_target = pytest.mark.parametrize("target", TARGETS)
each_monitored = pytest.mark.parametrize("target", ["house", "fleet"])


def loaded(target: str, folder: Path) -> Loaded:
    """The configuration, as a pod reads it."""
    path = write_configuration(target, folder)
    environ = {"LOXONE_SHARD": "loxone-exporter-0"} if target == "fleet" else {}
    return load_config(path, environ)


def hosts(target: str) -> dict[str, set[int]]:
    """The addresses of all Miniservers, with the ports that they are reached at."""
    document = tomllib.loads(one(target, "ConfigMap")["data"][CONFIG])
    return {
        each["host"]: {each.get("port", 80), each.get("tls_port", 443)}
        for each in document["miniservers"]
    }


@pytest.mark.parametrize(
    ("target", "kinds"),
    [
        ("base", {*SHARED, "Deployment"}),
        ("house", {*SHARED, "Deployment", "ServiceMonitor", "PrometheusRule"}),
        ("fleet", {*SHARED, "StatefulSet", "ServiceMonitor", "PrometheusRule"}),
    ],
)
def test_what_there_is(target: str, kinds: set[str]) -> None:
    # No Secret: applied again, it would take the place of the real one.
    assert kinds == {manifest["kind"] for manifest in manifests(target)}


@each_target
def test_everything_is_in_one_namespace_that_allows_little(target: str) -> None:
    namespace = one(target, "Namespace")
    assert "restricted" == namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
    others = [manifest for manifest in manifests(target) if manifest is not namespace]
    assert {namespace["metadata"]["name"]} == {
        manifest["metadata"]["namespace"] for manifest in others
    }


@each_target
def test_pods_are_restricted(target: str) -> None:
    # https://kubernetes.io/docs/concepts/security/pod-security-standards/, and a read-only root.
    user, group = map(int, re.findall(r"^USER (\d+):(\d+)$", DOCKERFILE, re.MULTILINE)[0])
    assert pod(target)["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": user,
        "runAsGroup": group,
        "fsGroup": group,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert container(target)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers"} & pod(target).keys()
    assert {"configMap", "secret"} == {
        kind for volume in pod(target)["volumes"] for kind in volume.keys() - {"name"}
    }
    assert all(mounted["readOnly"] for mounted in container(target)["volumeMounts"])


@each_target
def test_pods_know_nothing_of_the_cluster(target: str) -> None:
    account = one(target, "ServiceAccount")
    assert pod(target)["serviceAccountName"] == account["metadata"]["name"]
    assert account["automountServiceAccountToken"] is False
    assert pod(target)["automountServiceAccountToken"] is False
    assert pod(target)["enableServiceLinks"] is False


@pytest.mark.parametrize("target", ["base", "house"])
def test_there_is_never_a_second_one(target: str) -> None:
    spec = workload(target)["spec"]
    assert 1 == spec["replicas"]
    assert {"type": "Recreate"} == spec["strategy"]


@each_target
def test_the_watchdog_has_its_say_before_the_kubelet_kills(target: str) -> None:
    assert HANG_AFTER < pod(target)["terminationGracePeriodSeconds"] <= 2 * HANG_AFTER


@each_target
async def test_probes_ask_the_right_questions(target: str, tmp_path: Path) -> None:
    config = loaded(target, tmp_path).config
    state = MiniserverState(name="home", connection=ConnectionState.CONNECTING)
    stop = StopRequest()

    async def answers() -> dict[str, int]:
        return {
            probe: (await server.get(container(target)[probe]["httpGet"]["path"][1:])).status
            for probe in ("startupProbe", "livenessProbe", "readinessProbe")
        }

    async with memory_server(WebApp.build(config, [state], stop)) as server:
        # Alive at once, but nothing to scrape yet.
        starting = {"startupProbe": 200, "livenessProbe": 200, "readinessProbe": 503}
        assert starting == await answers()
        state.replace_structure(parse_structure(json.dumps(STRUCTURE)))
        assert {200} == set((await answers()).values())
        stop.make()
        assert starting == await answers()


@each_target
def test_probes_are_patient_but_not_for_ever(target: str) -> None:
    probes = {name: probe for name, probe in container(target).items() if name.endswith("Probe")}
    assert {"startupProbe", "livenessProbe", "readinessProbe"} == probes.keys()
    lasting = {
        name: probe["periodSeconds"] * probe["failureThreshold"] for name, probe in probes.items()
    }
    # A hung event loop does not answer at all; /livez itself gives it as long.
    assert lasting["livenessProbe"] == HEARTBEAT_LIMIT
    assert lasting["startupProbe"] >= HEARTBEAT_LIMIT
    assert lasting["readinessProbe"] <= lasting["livenessProbe"]
    # A scrape of a large house may be under way.
    assert {5} == {probe["timeoutSeconds"] for probe in probes.values()}


@each_target
def test_ports_lead_to_where_the_exporter_listens(target: str, tmp_path: Path) -> None:
    (exposed,) = re.findall(r"^EXPOSE (\d+)$", DOCKERFILE, re.MULTILINE)
    (listening,) = {address.port for address in loaded(target, tmp_path).config.web.listen}
    assert int(exposed) == listening == port_of(target, "metrics")
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert listening == port_of(target, container(target)[probe]["httpGet"]["port"])
    (port,) = one(target, "Service")["spec"]["ports"]
    assert listening == port_of(target, port["targetPort"])


@each_target
def test_the_service_finds_the_pods(target: str) -> None:
    labels = labels_of_pods(target)
    assert one(target, "Service")["spec"]["selector"].items() <= labels.items()
    assert selects(workload(target)["spec"]["selector"], labels)


@each_target
def test_the_configuration_is_mounted_where_it_is_looked_for(target: str) -> None:
    mounted, volume = mount(target, "configMap")
    assert Path(mounted["mountPath"]) / CONFIG in DEFAULT_PLACES
    # Without a hash in its name, and as a whole: another content must come to the same pod.
    assert volume == {"name": "loxone-exporter"}
    assert one(target, "ConfigMap")["metadata"]["name"] == "loxone-exporter"
    assert {CONFIG} == one(target, "ConfigMap")["data"].keys()
    assert all("subPath" not in each for each in container(target)["volumeMounts"])
    assert not {"args", "command"} & container(target).keys()


@each_target
def test_the_exporter_understands_its_configuration(target: str, tmp_path: Path) -> None:
    assert () == loaded(target, tmp_path).warnings
    secrets = Path(mount(target, "secret")[0]["mountPath"])
    document = tomllib.loads(one(target, "ConfigMap")["data"][CONFIG])
    files = [Path(each["password_file"]) for each in document["miniservers"]]
    assert {secrets} == {path.parent for path in files}
    assert len(files) == len(set(files))
    assert "password" not in {key for each in document["miniservers"] for key in each}


@each_target
def test_only_the_scraper_is_let_in(target: str) -> None:
    spec = one(target, "NetworkPolicy")["spec"]
    assert selects(spec["podSelector"], labels_of_pods(target))
    assert {"Ingress", "Egress"} == set(spec["policyTypes"])
    (rule,) = spec["ingress"]
    # Both in one entry: as two, each alone would do.
    (who,) = rule["from"]
    assert who.keys() == {"namespaceSelector", "podSelector"}
    assert {"kubernetes.io/metadata.name": "monitoring"} == who["namespaceSelector"]["matchLabels"]
    (port,) = rule["ports"]
    assert port["protocol"] == "TCP"
    assert port_of(target, port["port"])


@each_target
def test_only_miniservers_are_let_out_to(target: str) -> None:
    (rule,) = one(target, "NetworkPolicy")["spec"]["egress"]
    blocks = [ipaddress.IPv4Network(each["ipBlock"]["cidr"]) for each in rule["to"]]
    # Whoever applies it as it is reaches nobody outside.
    for block in blocks:
        assert any(block.subnet_of(private) for private in PRIVATE)
    addresses = [ipaddress.IPv4Address(host) for host in hosts(target)]
    for address in addresses:
        assert any(address in block for block in blocks), address
    for block in blocks:
        assert any(address in block for address in addresses), block
    ports = {(each["protocol"], each["port"]) for each in rule["ports"]}
    assert {("TCP", port) for ports in hosts(target).values() for port in ports} == ports


@each_target
def test_memory_is_what_was_measured_and_cpu_has_no_limit(target: str) -> None:
    resources = container(target)["resources"]
    assert {"cpu", "memory"} == resources["requests"].keys()
    assert {"memory"} == resources["limits"].keys()
    request, limit = (mebibytes(resources[kind]["memory"]) for kind in ("requests", "limits"))
    # One house fits into the request, and a command beside it into the limit: `nox -s container`.
    assert MEMORY_LIMIT <= request <= limit / 2


def test_the_image_is_called_as_by_compose() -> None:
    compose = yaml.safe_load(
        (ROOT / "deploy" / "compose" / "compose.yaml").read_text(encoding="utf-8")
    )
    name = compose["services"]["exporter"]["image"]
    assert name == container("base")["image"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for target in ("house", "fleet"):
        image, _, tag = container(target)["image"].rpartition(":")
        assert (name, project["version"]) == (image.rpartition("/")[2], tag)
    # Without a tag, it would be pulled each time, also where it was loaded into the nodes.
    assert {"IfNotPresent"} == {container(target)["imagePullPolicy"] for target in TARGETS}


@each_monitored
def test_the_service_monitor_finds_the_service_and_its_port(target: str) -> None:
    monitor, service = one(target, "ServiceMonitor"), one(target, "Service")
    assert selects(monitor["spec"]["selector"], service["metadata"]["labels"])
    assert monitor["metadata"]["namespace"] == service["metadata"]["namespace"]
    (endpoint,) = monitor["spec"]["endpoints"]
    (port,) = service["spec"]["ports"]
    assert port["name"] == endpoint["port"]
    assert "/metrics" == endpoint["path"]


@each_monitored
def test_targets_have_the_labels_that_rules_go_by(target: str, tmp_path: Path) -> None:
    """The labels that Prometheus makes of what the operator lets it find."""
    monitor, service = one(target, "ServiceMonitor"), one(target, "Service")
    is_fleet = target == "fleet"
    names = [f"{workload(target)['metadata']['name']}-{each}" for each in ("0", "1")]
    # A node that was lost: its pod seems to be ending ever since.
    found = [discovered(service, name, is_fleet, name.endswith("0")) for name in names]
    config = {
        "job_name": "serviceMonitor",
        "static_configs": [
            {"targets": [f"10.0.0.{number}:9504"], "labels": labels}
            for number, labels in enumerate(found)
        ],
        "relabel_configs": [*operator_rules(monitor), *relabelings(monitor)],
    }
    path = tmp_path / "prometheus.yml"
    path.write_text(json.dumps({"scrape_configs": [config]}), encoding="utf-8")
    shown = [
        {name: value for name, value in labels.items() if not name.startswith("__")}
        for labels in targets(path, "serviceMonitor", len(found))
    ]
    same = {
        "job": "loxone-exporter",
        "namespace": "loxone",
        "service": "loxone-exporter",
        "endpoint": "metrics",
    }
    # Those of a Deployment, of which one at a time counts, go on with each other's series.
    instances = names if is_fleet else ["loxone-exporter"]
    assert [{**same, "instance": instance} for instance in instances] == shown
    assert same["job"].startswith("loxone")


def targets(config: Path, job: str, number: int) -> list[dict[str, str]]:
    """The labels that Prometheus gives to a job's targets, of those that it keeps, by instance.

    Args:
        config: A configuration of Prometheus.
        job: The job's name in it.
        number: How many targets there are to be found.
    """
    for timeout in ("500ms", "20s"):
        # It always waits for as long as it may, although all is known at once, or very nearly.
        said = promtool("check", "service-discovery", f"--timeout={timeout}", config, job)
        found = json.loads(said) or []
        if len(found) == number:
            break
    else:
        pytest.fail(f"not {number} targets: {said}")
    kept = [each["labels"] for each in found if each["labels"]]
    # They come in any order.
    return sorted(kept, key=lambda labels: str(labels["instance"]))


def discovered(
    service: Any,  # noqa: ANN401
    name: str,
    is_fleet: bool,  # noqa: FBT001
    is_ending: bool,  # noqa: FBT001
) -> dict[str, str]:
    """What Prometheus finds out of a pod behind a Service, by its EndpointSlice."""
    labels = {
        "__meta_kubernetes_namespace": service["metadata"]["namespace"],
        "__meta_kubernetes_service_name": service["metadata"]["name"],
        "__meta_kubernetes_endpointslice_endpoint_conditions_terminating": str(is_ending).lower(),
        "__meta_kubernetes_pod_name": name,
    }
    if is_fleet:
        labels["__meta_kubernetes_pod_label_statefulset_kubernetes_io_pod_name"] = name
    return labels


def operator_rules(monitor: Any) -> list[dict[str, Any]]:  # noqa: ANN401
    """What the operator puts before the relabelings of a ServiceMonitor without a `jobLabel`."""
    assert "jobLabel" not in monitor["spec"]
    return [
        {"source_labels": ["__meta_kubernetes_namespace"], "target_label": "namespace"},
        {"source_labels": ["__meta_kubernetes_service_name"], "target_label": "service"},
        {"source_labels": ["__meta_kubernetes_pod_name"], "target_label": "pod"},
        {"source_labels": ["__meta_kubernetes_service_name"], "target_label": "job"},
        {"target_label": "endpoint", "replacement": monitor["spec"]["endpoints"][0]["port"]},
    ]


def relabelings(monitor: Any) -> list[dict[str, Any]]:  # noqa: ANN401
    """Those of a ServiceMonitor, as Prometheus spells them."""
    (endpoint,) = monitor["spec"]["endpoints"]
    return [
        {
            re.sub(r"[A-Z]", lambda found: "_" + found[0].lower(), key): value
            for key, value in each.items()
        }
        for each in endpoint["relabelings"]
    ]


@each_monitored
def test_all_rules_are_there(target: str, tmp_path: Path) -> None:
    found = {rule["metadata"]["name"]: rule["spec"] for rule in every(target, "PrometheusRule")}
    assert {name: unfolded(spec) for name, spec in found.items()} == {
        f"loxone-{name}": unfolded(yaml.safe_load(path.read_text(encoding="utf-8")))
        for name, path in NAMES_OF_RULES.items()
    }
    for name, spec in found.items():
        path = tmp_path / f"{name}.yml"
        path.write_text(yaml.safe_dump(spec), encoding="utf-8")
        promtool("check", "rules", path)


def unfolded(spec: Any) -> Any:  # noqa: ANN401
    """Rules without the empty lines in expressions that Kustomize adds; they say nothing there."""
    return [
        {
            **group,
            "rules": [
                {**rule, "expr": re.sub(r"\n+", "\n", rule["expr"])} for rule in group["rules"]
            ],
        }
        for group in spec["groups"]
    ]


@each_monitored
def test_what_the_operator_selects_by_is_said_once(target: str) -> None:
    kinds = ("ServiceMonitor", "PrometheusRule")
    found = [manifest for kind in kinds for manifest in every(target, kind)]
    assert {"kube-prometheus-stack"} == {each["metadata"]["labels"]["release"] for each in found}
    kustomization = yaml.safe_load((TARGETS[target] / "kustomization.yaml").read_text("utf-8"))
    assert {"group": "monitoring.coreos.com"} in [
        patch.get("target") for patch in kustomization["patches"]
    ]


@each_target
def test_dashboards_are_not_told_twice(target: str) -> None:
    for manifest in manifests(target):
        assert DASHBOARD_LABEL not in manifest["metadata"].get("labels", {})


def test_the_fleet_has_as_many_pods_as_shards() -> None:
    document = tomllib.loads(one("fleet", "ConfigMap")["data"][CONFIG])
    assert document["shard"]["count"] == workload("fleet")["spec"]["replicas"]
    assert len(document["miniservers"]) > document["shard"]["count"] > 1


def test_the_pods_of_a_fleet_have_names_and_start_together() -> None:
    spec, service = workload("fleet")["spec"], one("fleet", "Service")
    assert "Parallel" == spec["podManagementPolicy"]
    assert spec["serviceName"] == service["metadata"]["name"]
    assert "None" == service["spec"]["clusterIP"]
    assert "strategy" not in spec
    (variable,) = container("fleet")["env"]
    name = {"fieldRef": {"fieldPath": "metadata.name"}}
    assert {"name": "LOXONE_SHARD", "valueFrom": name} == variable


def test_each_miniserver_of_the_fleet_has_one_pod(tmp_path: Path) -> None:
    path, spec = write_configuration("fleet", tmp_path), workload("fleet")["spec"]
    names = [f"{workload('fleet')['metadata']['name']}-{n}" for n in range(spec["replicas"])]
    shares = []
    for name in names:
        config = load_config(path, {"LOXONE_SHARD": name}).config
        shares.append({miniserver.host for miniserver in config.miniservers})
    assert set().union(*shares) == hosts("fleet").keys()
    assert not any(first & second for first, second in combinations(shares, 2))
    # Nobody idles in what people try first.
    assert all(shares)


def test_a_fleet_differs_only_in_what_it_says() -> None:
    house, fleet = dict(pod("house")), dict(pod("fleet"))
    assert fleet.pop("topologySpreadConstraints")
    ours, theirs = dict(house.pop("containers")[0]), dict(fleet.pop("containers")[0])
    assert house == fleet
    assert ours.pop("resources") != theirs.pop("resources")
    assert theirs.pop("env")
    assert ours == theirs
