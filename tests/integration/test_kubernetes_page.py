"""docs/kubernetes.md: what it shows, tried as far as it goes without a cluster."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from loxone_exporter import cli
from support.documents import ROOT, blocks, rows
from support.manifests import CONFIG, container, mount, one, workload
from tools.manifests import TARGETS
from tools.programs import find_program, run_program


PAGE = ROOT / "docs" / "kubernetes.md"
OVERLAYS = Path("deploy/kubernetes/overlays")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_program("kubectl") is None, reason="there is no kubectl here"),
]

# Nobody answers there: all that kubectl finds out before it asks is right, then.
NO_CLUSTER = {
    "apiVersion": "v1",
    "kind": "Config",
    "clusters": [{"name": "none", "cluster": {"server": "http://127.0.0.1:1"}}],
    "contexts": [{"name": "none", "context": {"cluster": "none"}}],
    "current-context": "none",
}


def commands(program: str) -> list[list[str]]:
    """What follows a program's name, wherever the page shows it."""
    found = []
    for block in blocks("sh"):
        if block.page == PAGE:
            for part in re.split(r"\n| \| ", block.text.replace("\\\n", " ")):
                words = shlex.split(part)
                if words and words[0] == program:
                    found.append(words[1:])
    assert found, program
    return found


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of what the commands name, in which they are run."""
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    (tmp_path / "passwords").mkdir()
    config = tmp_path / "kubeconfig"
    config.write_text(json.dumps(NO_CLUSTER), encoding="utf-8")
    monkeypatch.setenv("KUBECONFIG", str(config))
    monkeypatch.chdir(tmp_path)
    (copied,) = commands("cp")
    subprocess.run([shutil.which("cp") or "cp", *copied], check=True)
    return tmp_path


def test_kubectl_understands_its_commands(checkout: Path) -> None:
    write_passwords(checkout)
    kubectl = find_program("kubectl")
    assert kubectl
    tried = [words for words in commands("kubectl") if "--dry-run=client" not in words]
    assert len(tried) >= 10
    for words in tried:
        # Some are told something by another command.
        ended = subprocess.run(
            [kubectl, *words], capture_output=True, text=True, check=False, input="data: {}"
        )
        assert "refused" in ended.stderr, (words, ended.stderr)
        assert 1 == ended.returncode


def test_what_is_applied_is_there_and_what_is_named_is_applied(checkout: Path) -> None:
    applied = [words[2] for words in commands("kubectl") if words[:2] == ["apply", "-k"]]
    assert [str(OVERLAYS / "mine")] == applied
    rendered = run_program("kubectl", "kustomize", applied[0])
    assert run_program("kubectl", "kustomize", str(OVERLAYS / "house")) == rendered
    kinds = {"deployment": "Deployment", "service": "Service", "statefulset": "StatefulSet"}
    named = re.findall(rf"\b({'|'.join(kinds)})/([\w-]+)", PAGE.read_text(encoding="utf-8"))
    assert kinds.keys() == {kind for kind, _ in named}
    for kind, name in named:
        target = "fleet" if kind == "statefulset" else "house"
        assert name == one(target, kinds[kind])["metadata"]["name"]
    pods = {
        word.removeprefix("pod/")
        for words in commands("kubectl")
        for word in words
        if re.fullmatch(r"(pod/)?loxone-exporter-\d+", word)
    }
    spec = workload("fleet")["spec"]
    assert pods
    assert pods <= {
        f"{workload('fleet')['metadata']['name']}-{number}" for number in range(spec["replicas"])
    }
    namespaces = {
        words[words.index("--namespace") + 1]
        for words in commands("kubectl")
        if "-n" not in words and "--namespace" in words
    }
    assert {one("house", "Namespace")["metadata"]["name"]} == namespaces


def write_passwords(folder: Path) -> None:
    """The files that are to be written before."""
    for words in commands("install"):
        (folder / words[-1]).write_text("invented\n", encoding="utf-8")
    for name in keys_of("fleet"):
        (folder / "passwords" / name).write_text("invented\n", encoding="utf-8")


def keys_of(target: str) -> set[str]:
    """The keys that the Secret of an overlay needs."""
    document = tomllib.loads(one(target, "ConfigMap")["data"][CONFIG])
    return {Path(each["password_file"]).name for each in document["miniservers"]}


def secrets() -> Iterator[dict[str, Any]]:
    """Those that the page's commands make."""
    for words in commands("kubectl"):
        if words[:2] == ["create", "secret"]:
            rest = [word for word in words if word not in {"--dry-run=client", "--output", "yaml"}]
            yield yaml.safe_load(run_program("kubectl", *rest, "--dry-run=client", "--output=yaml"))


def test_secrets_have_what_the_pods_look_for(checkout: Path) -> None:
    write_passwords(checkout)
    house, _, fleet = secrets()
    for made, target in ((house, "house"), (fleet, "fleet")):
        assert keys_of(target) == made["data"].keys()
        assert mount(target, "secret")[1]["secretName"] == made["metadata"]["name"]
        assert one(target, "Namespace")["metadata"]["name"] == made["metadata"]["namespace"]


def test_one_password_is_changed_and_taken_out_without_the_others(checkout: Path) -> None:
    write_passwords(checkout)
    house, _, _ = secrets()
    secret = checkout / "secret.yaml"
    secret.write_text(yaml.safe_dump(house), encoding="utf-8")
    changed = checkout / "barn.password"
    changed.write_text("another\n", encoding="utf-8")
    _, patch, _ = secrets()
    assert {changed.name} == patch["data"].keys()
    assert patch["data"] != {changed.name: house["data"][changed.name]}
    put_in, take_out = [words for words in commands("kubectl") if words[0] == "patch"]
    for words in (put_in, take_out):
        assert ["patch", "secret", house["metadata"]["name"]] == words[:3]
        assert house["metadata"]["namespace"] == words[words.index("--namespace") + 1]
    assert house["data"] | patch["data"] == patched(secret, put_in[5:], patch)["data"]
    others = {name: text for name, text in house["data"].items() if name != changed.name}
    assert others == patched(secret, take_out[5:], patch)["data"]


def patched(secret: Path, options: list[str], told: object) -> dict[str, Any]:
    """What a Secret becomes of a patch, by kubectl alone."""
    kubectl = find_program("kubectl")
    assert kubectl
    ended = subprocess.run(
        [kubectl, "patch", "--local", "--filename", secret, "--output=yaml", *options],
        capture_output=True,
        text=True,
        check=True,
        input=yaml.safe_dump(told),
    )
    made: dict[str, Any] = yaml.safe_load(ended.stdout)
    return made


def test_the_image_is_called_as_in_the_overlay() -> None:
    (built, *_), pushed = (
        [words for words in commands("docker") if words[0] == "build"],
        [words[-1] for words in commands("docker") if words[0] == "push"],
    )
    image = container("house")["image"]
    assert image == built[built.index("--tag") + 1]
    assert [image] == pushed


def test_what_runs_in_the_pod_is_a_command() -> None:
    parser = cli._build_parser()
    found = [words for words in commands("kubectl") if "--" in words]
    assert len(found) >= 2
    for words in found:
        program, *arguments = words[words.index("--") + 1 :]
        assert "loxone-exporter" == program
        assert callable(parser.parse_args(arguments).command)


@pytest.mark.parametrize("target", ["house", "fleet"])
def test_a_second_installation_has_names_of_its_own(checkout: Path, target: str) -> None:
    folder = checkout / OVERLAYS / target
    kustomization = folder / "kustomization.yaml"
    text = kustomization.read_text(encoding="utf-8")
    assert "namespace: loxone\n" in text
    kustomization.write_text(
        text.replace("namespace: loxone\n", "namespace: barn\nnameSuffix: -barn\n"), "utf-8"
    )
    rendered = yaml.safe_load_all(run_program("kubectl", "kustomize", str(folder)))
    by_kind = {each["kind"]: each for each in rendered}
    assert "barn" == by_kind.pop("Namespace")["metadata"]["name"]
    assert {"barn"} == {each["metadata"]["namespace"] for each in by_kind.values()}
    # The job is called after the Service.
    service = by_kind["Service"]["metadata"]["name"]
    assert "loxone-exporter-barn" == service
    assert "jobLabel" not in by_kind["ServiceMonitor"]["spec"]
    spec = by_kind[workload(target)["kind"]]["spec"]
    if target == "fleet":
        assert service == spec["serviceName"]
    pod = spec["template"]["spec"]
    assert pod["serviceAccountName"] == by_kind["ServiceAccount"]["metadata"]["name"]
    (volume,) = [each["configMap"] for each in pod["volumes"] if "configMap" in each]
    assert by_kind["ConfigMap"]["metadata"]["name"] == volume["name"]
    # Nobody but people make the Secret, who call it as the page says.
    assert mount(target, "secret")[1] in [each.get("secret") for each in pod["volumes"]]


def test_requests_and_limits_are_those_of_the_manifests() -> None:
    for what, *shown in (row[:3] for row in rows(PAGE, "### Requests and limits")):
        resource, kind = what.split(", ")
        for target, text in zip(("house", "fleet"), shown, strict=True):
            found = container(target)["resources"][f"{kind}s"].get(resource.lower(), "none")
            assert found == text.replace(" MiB", "Mi").replace(" ", "")


def test_probes_are_those_of_the_manifests() -> None:
    for name, path, every_, after in rows(PAGE, "## What it may do"):
        probe = container("house")[f"{name}Probe"]
        assert f"`{probe['httpGet']['path']}`" == path
        assert f"{probe['periodSeconds']} s" == every_
        assert after.startswith(f"{probe['periodSeconds'] * probe['failureThreshold']} s")


def test_all_folders_are_told_of() -> None:
    named = {
        name for row in rows(PAGE, "# Kubernetes") for name in re.findall(r"`([^`]+)`", row[0])
    }
    folder = ROOT / "deploy" / "kubernetes"
    found = {str(path.parent.relative_to(folder)) for path in folder.rglob("kustomization.yaml")}
    assert {*found, "rendered"} == named
    assert TARGETS.keys() == {path.stem for path in (folder / "rendered").iterdir()}


def test_a_scraper_without_an_operator_asks_who_is_there() -> None:
    (shown,) = [yaml.safe_load(each.text) for each in blocks("yaml") if each.page == PAGE]
    house, fleet = (
        [target for each in job["static_configs"] for target in each["targets"]]
        for job in shown["scrape_configs"]
    )
    (address,) = {address_of(target) for target in ("house", "fleet")}
    assert [address] == house
    pods, number = workload("fleet"), workload("fleet")["spec"]["replicas"]
    # By the headless Service, each pod has a name of its own.
    assert [f"{pods['metadata']['name']}-{each}.{address}" for each in range(number)] == fleet


def address_of(target: str) -> str:
    """Where a Service is found in its cluster."""
    service = one(target, "Service")
    (port,) = service["spec"]["ports"]
    name, namespace = service["metadata"]["name"], service["metadata"]["namespace"]
    return f"{name}.{namespace}.svc:{port['port']}"
