"""Manifests, held against what Kubernetes and the Prometheus Operator understand."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

import yaml

from tools.programs import ProgramError, run_program


Keys: TypeAlias = Mapping[str, "Keys | None"]
"""The keys that a mapping may have, and those of what is behind them; None for anything."""

_OPERATOR: Final = "monitoring.coreos.com/v1"

_RELABELING: Final[Keys] = dict.fromkeys(
    ("sourceLabels", "separator", "regex", "modulus", "targetLabel", "replacement", "action")
)
_METADATA: Final[Keys] = dict.fromkeys(("name", "namespace", "labels", "annotations"))
_SELECTOR: Final[Keys] = dict.fromkeys(("matchLabels", "matchExpressions"))
_ENDPOINT: Final[Keys] = {
    **dict.fromkeys(("port", "path", "scheme", "interval", "scrapeTimeout", "honorLabels")),
    **dict.fromkeys(("params", "tlsConfig", "basicAuth")),
    "relabelings": _RELABELING,
    "metricRelabelings": _RELABELING,
}

# https://prometheus-operator.dev/docs/api-reference/api/: what of it is used here, or might be.
_KEYS: Final[Mapping[str, Keys]] = {
    "ServiceMonitor": {
        "apiVersion": None,
        "kind": None,
        "metadata": _METADATA,
        "spec": {
            "selector": _SELECTOR,
            "jobLabel": None,
            "namespaceSelector": dict.fromkeys(("any", "matchNames")),
            "endpoints": _ENDPOINT,
        },
    },
    # What is in a group is Prometheus' own: promtool knows it.
    "PrometheusRule": {
        "apiVersion": None,
        "kind": None,
        "metadata": _METADATA,
        "spec": {
            "groups": dict.fromkeys(
                ("name", "interval", "limit", "query_offset", "labels", "rules")
            )
        },
    },
}


def complaints(text: str, release: str) -> Iterator[str]:
    """What is wrong with manifests.

    Args:
        text: Of any number of documents.
        release: Of Kubernetes, as `1.37`.

    Raises:
        ProgramError: There is no kubernetes-validate.
    """
    documents = list(yaml.safe_load_all(text))
    for document in documents:
        if document["apiVersion"] == _OPERATOR:
            name = f"{document['kind']} {document['metadata']['name']}"
            for problem in _unknown(document, _KEYS.get(document["kind"], {})):
                yield f"{name}: {problem}"
    native = [document for document in documents if document["apiVersion"] != _OPERATOR]
    if native:
        yield from _validate(yaml.safe_dump_all(native), release)


def _unknown(found: Any, known: Keys, path: str = "") -> Iterator[str]:  # noqa: ANN401  # as YAML has it
    """Keys that are not known; those of a list are those of each of its entries."""
    if isinstance(found, list):
        for number, entry in enumerate(found):
            yield from _unknown(entry, known, f"{path}[{number}]")
        return
    for key, value in found.items():
        place = f"{path}.{key}".lstrip(".")
        if key not in known:
            yield f"{place}: unknown key"
        elif (inner := known[key]) is not None:
            yield from _unknown(value, inner, place)


def _validate(text: str, release: str) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "manifests.yaml")
        path.write_text(text, encoding="utf-8")
        # Without --strict, unknown keys pass. Of unknown kinds it only warns, which --quiet shows.
        options = ("--strict", "--quiet", f"--kubernetes-version={release}")
        try:
            said = run_program("kubernetes-validate", *options, str(path))
        except ProgramError as error:
            said = str(error)
        yield from said.replace(f"{path} ", "").splitlines()
