"""What of deploy/kubernetes is made from other files: `python -m tools.manifests` writes it.

PrometheusRules are made of the rules in deploy/prometheus, the list of dashboards of what lies in
deploy/grafana, and deploy/kubernetes/rendered is what Kustomize makes of all of it. Needs kubectl,
and kubernetes-validate to check.
"""

from __future__ import annotations

import argparse
import difflib
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import yaml

from tools.programs import ROOT, ProgramError, run_program
from tools.schemas import complaints


KUBERNETES: Final = ROOT / "deploy" / "kubernetes"
RULES: Final = ROOT / "deploy" / "prometheus" / "rules"
DASHBOARDS: Final = ROOT / "deploy" / "grafana"
RULE_COMPONENT: Final = KUBERNETES / "components" / "prometheus-rule"
RENDERED: Final = KUBERNETES / "rendered"

RELEASES: Final = ("1.25", "1.37")
"""The releases of Kubernetes whose API everything is held against: the oldest and the newest."""

TARGETS: Final[Mapping[str, Path]] = {
    "base": KUBERNETES / "base",
    "house": KUBERNETES / "overlays" / "house",
    "fleet": KUBERNETES / "overlays" / "fleet",
}
"""What is rendered, by the name of its file."""

DASHBOARD_LABEL: Final = "grafana_dashboard"

_NOTE: Final = "# Written by `nox -s manifests` from {source}.\n"
_COMPONENT: Final = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
_RULE: Final = """\
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: {name}
  labels:
    app.kubernetes.io/name: loxone-exporter
    # What your Prometheus selects its rules by, as in the ServiceMonitor.
    release: kube-prometheus-stack
spec:
"""
_GENERATOR: Final = """
generatorOptions:
  disableNameSuffixHash: true
  labels:
    # What Grafana's sidecar looks for.
    grafana_dashboard: "1"
"""
_NOT_IN_STEP: Final = "not in step: run `nox -s manifests`"


def prometheus_rules(folder: Path) -> dict[str, str]:
    """A PrometheusRule for each file with rules, and the component of them all.

    Args:
        folder: Where the rules are.

    Returns:
        Texts by name of file.
    """
    files = {}
    for path in sorted(folder.glob("*.yml")):
        name = path.stem.replace(".", "-")
        note = _NOTE.format(source=f"deploy/prometheus/rules/{path.name}")
        # As text, for the comments in it say why a rule is as it is.
        rules = textwrap.indent(path.read_text(encoding="utf-8"), "  ")
        files[f"{name}.yaml"] = note + _RULE.format(name=f"loxone-{name}") + rules
    note = _NOTE.format(source="deploy/prometheus/rules")
    files["kustomization.yaml"] = f"{note}{_COMPONENT}\n{_listed('resources', sorted(files))}"
    return files


def dashboards(folder: Path) -> str:
    """The component that makes a ConfigMap of each dashboard in a folder, to be put there."""
    names = sorted(path.name for path in folder.glob("*.json"))
    note = _NOTE.format(source="the dashboards in this folder")
    maps = [f"name: loxone-dashboard-{Path(name).stem}\n    files: [{name}]" for name in names]
    generator = _GENERATOR + _listed("configMapGenerator", maps) if maps else _GENERATOR
    return note + _COMPONENT + generator


def _listed(key: str, entries: Iterable[str]) -> str:
    return "".join([f"{key}:\n", *(f"  - {entry}\n" for entry in entries)])


def render(folder: Path) -> str:
    """What Kustomize makes of a folder.

    Raises:
        ProgramError: It cannot, or is not there.
    """
    return run_program("kubectl", "kustomize", str(folder))


def without_dashboards(text: str) -> str:
    """Manifests but for the dashboards, which are their files word by word, and long."""
    return "---\n".join(
        document
        for document in text.split("---\n")
        if DASHBOARD_LABEL not in yaml.safe_load(document)["metadata"].get("labels", {})
    )


def _sources() -> dict[Path, str]:
    """What is made without Kustomize, and which Kustomize reads."""
    rules = {RULE_COMPONENT / name: text for name, text in prometheus_rules(RULES).items()}
    return {**rules, DASHBOARDS / "kustomization.yaml": dashboards(DASHBOARDS)}


def _rendered() -> dict[Path, str]:
    return {
        RENDERED / f"{name}.yaml": without_dashboards(render(folder))
        for name, folder in TARGETS.items()
    }


def _left_over(files: Iterable[Path]) -> list[Path]:
    """What lies among the files that are made, and is not made any more."""
    return sorted({*RULE_COMPONENT.glob("*.yaml"), *RENDERED.glob("*.yaml")} - {*files})


def write() -> None:
    """Write all of it.

    Raises:
        ProgramError: Kustomize does not understand it, or is not there.
    """
    made = _sources()
    _write(made)
    rendered = _rendered()
    _write(rendered)
    for path in _left_over([*made, *rendered]):
        path.unlink()


def _write(files: Mapping[Path, str]) -> None:
    for path, text in files.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")


def check() -> Iterator[str]:
    """What is not as it should be, line by line.

    Raises:
        ProgramError: A program that is needed is not there, or does not understand it.
    """
    made = _sources()
    if differences := _differences(made):
        # There may be nothing to render.
        yield from [*differences, _NOT_IN_STEP]
        return
    rendered = _rendered()
    differences = _differences(rendered)
    differences += [
        f"{path.relative_to(ROOT)}: is made of nothing" for path in _left_over([*made, *rendered])
    ]
    if differences:
        yield from [*differences, _NOT_IN_STEP]
        return
    for release in RELEASES:
        for complaint in complaints("---\n".join(rendered.values()), release):
            yield f"Kubernetes {release}: {complaint}"


def _differences(files: Mapping[Path, str]) -> list[str]:
    return [line for path, text in files.items() for line in _difference(path, text)]


def _difference(path: Path, text: str) -> Iterator[str]:
    old = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    name = str(path.relative_to(ROOT))
    return difflib.unified_diff(old, text.splitlines(), name, "needed", lineterm="", n=0)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check them; 1 where something is not as it should be."""
    parser = argparse.ArgumentParser(prog="python -m tools.manifests", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only say whether all is well")
    options = parser.parse_args(arguments)
    try:
        if not options.check:
            write()
            return 0
        problems = list(check())
    except ProgramError as error:
        problems = [str(error)]
    sys.stderr.writelines(f"{problem}\n" for problem in problems)
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
