"""What of deploy/kubernetes is made by a tool, and what holds it against Kubernetes' schemas."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
import yaml

from tools import manifests
from tools.manifests import DASHBOARDS, RELEASES, RENDERED, TARGETS
from tools.programs import ROOT, ProgramError, find_program, run_program
from tools.schemas import complaints


FLEET = (RENDERED / "fleet.yaml").read_text(encoding="utf-8")
NEWEST = RELEASES[-1]
COMPONENT = "components/prometheus-rule/recording.yaml"

# `kubectl apply` writes each object into an annotation, as JSON; all annotations may have 256 KiB.
LARGEST = 250_000

needs_kubectl = pytest.mark.skipif(
    find_program("kubectl") is None, reason="there is no kubectl for this machine"
)


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the repository's files for deployment, which the tool takes for the real ones."""
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    for name in ("KUBERNETES", "RULES", "DASHBOARDS", "RULE_COMPONENT", "RENDERED"):
        path: Path = getattr(manifests, name)
        monkeypatch.setattr(manifests, name, tmp_path / path.relative_to(ROOT))
    targets = {name: tmp_path / path.relative_to(ROOT) for name, path in TARGETS.items()}
    monkeypatch.setattr(manifests, "TARGETS", targets)
    monkeypatch.setattr(manifests, "ROOT", tmp_path)
    return tmp_path


@needs_kubectl
def test_everything_is_in_step_and_understood() -> None:
    assert [] == list(manifests.check())


@pytest.mark.slow
@needs_kubectl
@pytest.mark.parametrize(
    ("path", "right", "wrong", "made"),
    [
        ("prometheus/rules/recording.yml", "interval: 2m", "interval: 4711m", COMPONENT),
        ("kubernetes/overlays/fleet/shards.yaml", "value: 3", "value: 4711", "rendered/fleet.yaml"),
    ],
)
def test_what_was_changed_is_noticed_and_written(
    copy: Path,
    capsys: pytest.CaptureFixture[str],
    path: str,
    right: str,
    wrong: str,
    made: str,
) -> None:
    source = copy / "deploy" / path
    text = source.read_text(encoding="utf-8")
    assert right in text
    source.write_text(text.replace(right, wrong), encoding="utf-8")
    assert 1 == manifests.main(["--check"])
    said = capsys.readouterr().err
    assert made in said
    assert "run `nox -s manifests`" in said
    file, value = manifests.KUBERNETES / made, wrong.rpartition(":")[2]
    assert f":{value}\n" not in file.read_text(encoding="utf-8")
    assert 0 == manifests.main([])
    assert f":{value}\n" in file.read_text(encoding="utf-8")


@pytest.mark.slow
@needs_kubectl
def test_what_is_made_of_nothing_is_noticed_and_removed(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    left_over = manifests.RENDERED / "barn.yaml"
    left_over.touch()
    assert 1 == manifests.main(["--check"])
    assert "rendered/barn.yaml: is made of nothing" in capsys.readouterr().err
    assert 0 == manifests.main([])
    assert not left_over.exists()


@pytest.mark.slow
@needs_kubectl
@pytest.mark.parametrize(
    ("right", "wrong", "complaint"),
    [
        ("port: 9504", "prt: 9504", "Kubernetes 1.25: "),
        ("resources:", "resourcs:", "resourcs"),
    ],
)
def test_what_is_not_understood_is_told_of(
    copy: Path, capsys: pytest.CaptureFixture[str], right: str, wrong: str, complaint: str
) -> None:
    name = "kustomization.yaml" if wrong == "resourcs:" else "service.yaml"
    source = copy / "deploy" / "kubernetes" / "base" / name
    text = source.read_text(encoding="utf-8")
    source.write_text(text.replace(right, wrong), encoding="utf-8")
    manifests.main([])
    capsys.readouterr()
    assert 1 == manifests.main(["--check"])
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize("release", RELEASES)
def test_what_is_checked_in_is_understood(release: str) -> None:
    texts = [(RENDERED / f"{target}.yaml").read_text(encoding="utf-8") for target in TARGETS]
    assert [] == list(complaints("---\n".join(texts), release))


@pytest.mark.parametrize(
    ("right", "wrong", "complaint"),
    [
        ("replicas: 3", "replicsa: 3", "'replicsa' was unexpected"),
        ("enableServiceLinks:", "enableServiceLink:", "'enableServiceLink' was unexpected"),
        ("containerPort: 9504", "containerPort: '9504'", "is not of type"),
        ("kind: StatefulSet", "kind: StatfulSet", "find schema for kind StatfulSet"),
        ("  selector:", "  selectr:", "spec.selectr: unknown key"),
        ("sourceLabels:", "source_labels:", "spec.endpoints[0].relabelings[0].source_labels"),
        (
            "kind: ServiceMonitor",
            "kind: ServiceMonitr",
            "ServiceMonitr loxone-exporter: apiVersion",
        ),
        ("  groups:", "  group:", "spec.group: unknown key"),
    ],
)
def test_what_is_misspelt_is_noticed(right: str, wrong: str, complaint: str) -> None:
    document = next(each for each in reversed(FLEET.split("---\n")) if right in each)
    found = list(complaints(document.replace(right, wrong), NEWEST))
    assert any(complaint in each for each in found), found


def test_the_rule_for_names_is_good_when_it_counts() -> None:
    path = TARGETS["base"] / "networkpolicy.yaml"
    text, count = re.subn(r"^    # (?=[- ] )", "    ", path.read_text("utf-8"), flags=re.MULTILINE)
    assert count > 5
    assert [] == list(complaints(text, NEWEST))
    assert 53 in [port["port"] for port in yaml.safe_load(text)["spec"]["egress"][1]["ports"]]


def test_every_dashboard_is_listed() -> None:
    component = yaml.safe_load((DASHBOARDS / "kustomization.yaml").read_text(encoding="utf-8"))
    listed = [name for each in component.get("configMapGenerator", []) for name in each["files"]]
    assert sorted(path.name for path in DASHBOARDS.glob("*.json")) == sorted(listed)
    for name in listed:
        assert re.fullmatch(r"[a-z0-9][a-z0-9-]*\.json", name)
        # A text of JSON in JSON: with a backslash before each of its quotes, and more.
        assert len(json.dumps((DASHBOARDS / name).read_text(encoding="utf-8"))) < LARGEST


@needs_kubectl
@pytest.mark.parametrize("names", [(), ("climate", "energy")])
def test_dashboards_become_config_maps(tmp_path: Path, names: tuple[str, ...]) -> None:
    grafana, folder = tmp_path / "grafana", tmp_path / "house"
    grafana.mkdir()
    folder.mkdir()
    for name in names:
        text = json.dumps({"uid": name, "title": "Küche: 21 °C\n"}, indent=2)
        (grafana / f"{name}.json").write_text(text, encoding="utf-8")
    (grafana / "kustomization.yaml").write_text(manifests.dashboards(grafana), encoding="utf-8")
    # As the base does, with something beside.
    shutil.copy(TARGETS["base"] / "service.yaml", folder)
    (folder / "kustomization.yaml").write_text(
        "resources: [service.yaml]\ncomponents: [../grafana]\n"
    )
    rendered = manifests.render(folder)
    found = [each for each in yaml.safe_load_all(rendered) if each["kind"] == "ConfigMap"]
    assert found == [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": f"loxone-dashboard-{name}",
                "labels": {"grafana_dashboard": "1"},
            },
            "data": {f"{name}.json": (grafana / f"{name}.json").read_text(encoding="utf-8")},
        }
        for name in names
    ]
    rest = list(yaml.safe_load_all(manifests.without_dashboards(rendered)))
    assert ["Service"] == [each["kind"] for each in rest]


@needs_kubectl
@pytest.mark.parametrize("target", ["house", "fleet"])
def test_overlays_have_all_dashboards(target: str) -> None:
    rendered = list(yaml.safe_load_all(manifests.render(TARGETS[target])))
    data = [
        each["data"]
        for each in rendered
        if manifests.DASHBOARD_LABEL in each["metadata"].get("labels", {})
    ]
    assert {path.name: path.read_text("utf-8") for path in DASHBOARDS.glob("*.json")} == {
        name: text for each in data for name, text in each.items()
    }


def test_programs_that_are_missing_or_fail_are_told_of() -> None:
    with pytest.raises(ProgramError, match="there is no no-such-program here"):
        run_program("no-such-program")
    with pytest.raises(ProgramError, match=r"python3 failed: .*unknown option"):
        run_program("python3", "--no-such-option")


def test_nothing_lies_outside_of_what_is_rendered() -> None:
    folders = {path.parent for path in (ROOT / "deploy" / "kubernetes").rglob("kustomization.yaml")}
    components = {folder for folder in folders if folder.parent.name == "components"}
    assert folders - components == {*TARGETS.values()}
    for target in ("house", "fleet"):
        text = (TARGETS[target] / "kustomization.yaml").read_text(encoding="utf-8")
        assert components == {
            (TARGETS[target] / each).resolve() for each in yaml.safe_load(text)["components"]
        }
