"""The rules for Prometheus in deploy/prometheus, and the tests that promtool makes of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml
from attrs import frozen


FOLDER: Final = Path(__file__).resolve().parents[2] / "deploy" / "prometheus"
RULE_FILES: Final = sorted((FOLDER / "rules").glob("*.yml"))
TEST_FILES: Final = sorted((FOLDER / "tests").glob("*.yml"))
ALERTMANAGER: Final = FOLDER / "alertmanager.yml"

_FAMILY: Final = re.compile(r"(?<![\w:])loxone_\w+")
_SELECTOR: Final = re.compile(r"(?<![\w:])(loxone_\w+)\{([^}]*)\}")
_MATCHER: Final = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')


@frozen
class Rule:
    """A rule, as its file has it.

    Attributes:
        name: Of the alert, or of the recorded series.
        is_alert: Whether it is one.
        expression: Its PromQL.
        labels: Those that it adds.
        annotations: Of an alert.
        lasting: Of an alert, how long its condition must hold, as in its file; empty for at once.
    """

    name: str
    is_alert: bool
    expression: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    lasting: str

    @property
    def families(self) -> set[str]:
        """The names of the exporter's samples that it asks for."""
        return set(_FAMILY.findall(self.expression))

    @property
    def selectors(self) -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
        """What it asks for by labels: samples' names, and label, operator and value of each."""
        for name, matchers in _SELECTOR.findall(self.expression):
            yield name, _MATCHER.findall(matchers)


@cache
def rules() -> tuple[Rule, ...]:
    """All rules, in the order of the files."""
    return tuple(_read(rule) for path in RULE_FILES for group in _groups(path) for rule in group)


@cache
def alerts() -> dict[str, Rule]:
    """The alerts by name."""
    return {rule.name: rule for rule in rules() if rule.is_alert}


@cache
def load(path: Path) -> Any:  # noqa: ANN401  # as YAML has it
    """What a YAML file holds."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def matches(labels: Mapping[str, str], matcher: tuple[str, str, str]) -> bool:
    """Whether labels fit, by the rules of PromQL."""
    label, operator, value = matcher
    found = labels.get(label, "")
    is_fit = re.fullmatch(value, found) is not None if operator.endswith("~") else value == found
    return is_fit is not operator.startswith("!")


def _groups(path: Path) -> Iterator[list[dict[str, Any]]]:
    for group in load(path)["groups"]:
        yield group["rules"]


def _read(rule: Mapping[str, Any]) -> Rule:
    return Rule(
        name=rule.get("alert") or rule["record"],
        is_alert="alert" in rule,
        expression=rule["expr"],
        labels=rule.get("labels", {}),
        annotations=rule.get("annotations", {}),
        lasting=rule.get("for", ""),
    )
