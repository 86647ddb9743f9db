"""The rules in deploy/prometheus: tested by promtool, and told of in docs/alerts.md."""

from __future__ import annotations

import re
import shutil
import ssl
import subprocess
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
import trio
import trustme
from attrs import evolve

from loxone_exporter.metrics.exposition import Format
from loxone_exporter.simulator.miniserver import SimulatedMiniserver
from loxone_exporter.simulator.profiles import PROFILES
from loxone_exporter.simulator.tls import make_certificate
from support.certificates import write_server_files
from support.documents import ALERTS_PAGE, METRICS_PAGE
from support.memory_network import small_house
from support.processes import START_DEADLINE, running_exporter, serve_with_tls_on_loopback
from support.promtool import promtool
from support.rules import (
    ALERTMANAGER,
    FOLDER,
    RULE_FILES,
    TEST_FILES,
    Rule,
    alerts,
    load,
    matches,
    rules,
)
from support.scrapes import Scrape


pytestmark = pytest.mark.slow


SEVERITIES: Final = {"critical", "warning"}

# Of the exporter's families, those that the demo cannot show, and why.
NOT_IN_THE_DEMO: Final = {
    "loxone_exporter_tls_certificate_not_after_timestamp_seconds": "its Miniserver has no TLS",
    "loxone_exporter_web_certificate_not_after_timestamp_seconds": "nor has the exporter",
}


def test_promtool_understands_the_rules() -> None:
    promtool("check", "rules", *RULE_FILES)


def test_promtool_understands_the_example_and_finds_its_rules() -> None:
    promtool("check", "config", FOLDER / "prometheus.yml")


@pytest.mark.parametrize("path", TEST_FILES, ids=lambda path: path.stem)
def test_rules_do_what_their_tests_say(path: Path) -> None:
    promtool("test", "rules", path)


def cases_of_alerts() -> Iterator[tuple[str, bool]]:
    """Of each case of an alert: the alert, and whether it is to fire."""
    for path in TEST_FILES:
        for group in load(path)["tests"]:
            for case in group.get("alert_rule_test", []):
                yield case["alertname"], bool(case["exp_alerts"])
            for case in group["promql_expr_test"]:
                alert = re.match(r'ALERTS\{alertname="(\w+)", alertstate="firing"\}$', case["expr"])
                if alert:
                    yield alert[1], bool(case["exp_samples"])


def test_every_alert_is_tested_to_fire_and_not_to() -> None:
    outcomes = defaultdict(set)
    for alert, fires in cases_of_alerts():
        outcomes[alert].add(fires)
    assert {alert: {True, False} for alert in alerts()} == dict(outcomes)


def test_the_values_of_every_recorded_series_are_tested() -> None:
    cases = [
        case
        for path in TEST_FILES
        for group in load(path)["tests"]
        for case in group["promql_expr_test"]
        if case["exp_samples"]
    ]
    expected = {rule.name for rule in rules() if not rule.is_alert}
    found = {name for case in cases for name in re.findall(r"\bloxone:[\w:]+", case["expr"])}
    assert expected == found
    # Readings are recorded by several rules, apart by what they count.
    flows = [rule.labels["flow"] for rule in rules() if "flow" in rule.labels]
    labels = [sample["labels"] for case in cases for sample in case["exp_samples"]]
    assert all(any(f'flow="{flow}"' in each for each in labels) for flow in flows)


@pytest.mark.parametrize("rule", alerts().values(), ids=lambda rule: rule.name)
def test_an_alert_says_what_and_where(rule: Rule) -> None:
    assert rule.name.startswith("Loxone")
    assert rule.labels["severity"] in SEVERITIES
    assert {"summary", "description", "runbook"} == set(rule.annotations)
    texts = rule.annotations["summary"] + rule.annotations["description"]
    # What tells two alerts apart is in the text; a meter belongs to no room in particular.
    for label in labels_of(rule.name) & {"miniserver", "instance", "name"}:
        assert f"$labels.{label}" in texts
    if rule.name.startswith(("LoxoneRoom", "LoxoneWindowOpen", "LoxoneTemperature")):
        assert "$labels.room" in texts


def labels_of(name: str) -> set[str]:
    """Labels of an alert, by what its expression keeps first."""
    (first, *_) = re.findall(r"by \(([\w, ]+)\)", alerts()[name].expression)
    return set(first.split(", "))


def test_alert_names_are_unique() -> None:
    names = Counter(rule.name for rule in rules() if rule.is_alert)
    assert 1 == max(names.values())


SECTION: Final = re.compile(
    r"^### (\w+)\n\n(\w+), (at once|after (\d+) (minute|hour)s?)\n\n"
    r"\*\*What it means\.\*\* (.+?)\n\n"
    r"\*\*What to look at\.\*\* (.+?)\n\n"
    r"\*\*What to do\.\*\* (.+?)\n(?=\n#|\Z)",
    re.MULTILINE | re.DOTALL,
)


def test_the_page_has_a_section_for_each_alert_that_says_the_same() -> None:
    page = ALERTS_PAGE.read_text(encoding="utf-8")
    told = {}
    for name, severity, _, count, unit, *_, to_do in SECTION.findall(page):
        told[name] = (severity, count + unit[:1], plain(to_do))
    has = {
        name: (rule.labels["severity"], rule.lasting, plain(rule.annotations["runbook"]))
        for name, rule in alerts().items()
    }
    assert has == told
    assert len(re.findall(r"^### ", page, re.MULTILINE)) == len(told)


def plain(text: str) -> str:
    return " ".join(text.replace("`", "").split())


def test_the_page_names_every_recorded_series_and_no_other() -> None:
    page = ALERTS_PAGE.read_text(encoding="utf-8")
    cells = re.findall(r"^\| (`loxone:[^|]+) \|", page, re.MULTILINE)
    named = set()
    for cell in cells:
        first, *others = re.findall(r"`([^`]+)`", cell)
        named.add(first)
        for other in others:
            named.add(complete(first, other) if other.startswith("…") else other)
    assert {rule.name for rule in rules() if not rule.is_alert} == named
    mentioned = set(re.findall(r"`(loxone:[\w:]+)`", page))
    assert mentioned <= named


def complete(first: str, rest: str) -> str:
    """`…:increase1d` after `loxone:energy_kwh:increase1h`; what has no third part gets one."""
    return ":".join(first.split(":")[:2]) + rest.removeprefix("…")


def documented() -> set[str]:
    page = METRICS_PAGE.read_text(encoding="utf-8")
    names = set()
    for name, type_ in re.findall(r"^\| `(loxone_\w+)` \| ([^|]+) \|", page, re.MULTILINE):
        names |= {f"{name}_bucket", f"{name}_sum"} if type_ == "histogram" else {name}
    return names


def test_only_documented_families_are_asked_for() -> None:
    used = {family for rule in rules() for family in rule.families}
    assert used
    assert set() == used - documented()


async def test_what_is_asked_for_is_in_the_scrape_of_the_demo() -> None:
    async with running_exporter(["demo", "--listen", "127.0.0.1:0"]) as exporter:
        await exporter.wait_until_listening()
        await exporter.wait_for("/metrics", '\nloxone_exporter_connected{miniserver="demo"} 1')
        body = await exporter.wait_for("/metrics", "\nloxone_miniserver_clock_offset_seconds{")
        await exporter.stop()
    scrape = Scrape.read(body.encode(), Format.TEXT)
    used = {family for rule in rules() for family in rule.families}
    missing = {name for name in used if not scrape.samples(name)}
    assert set(NOT_IN_THE_DEMO) == missing
    for rule in rules():
        for name, matchers in rule.selectors:
            assert any(
                all(matches(sample.labels, matcher) for matcher in matchers)
                for sample in scrape.samples(name)
            ), (rule.name, name, matchers)


async def test_what_the_demo_lacks_is_in_a_scrape_with_tls_of_a_miniserver_with_tls(
    nursery: trio.Nursery, tmp_path: Path
) -> None:
    profile = evolve(PROFILES["gen2-16"], key_bits=1024)
    certificate = make_certificate(profile.serial)
    miniserver = SimulatedMiniserver(small_house(), profile=profile)
    port, tls_port = await serve_with_tls_on_loopback(miniserver, certificate, nursery)
    authority = trustme.CA()
    write_server_files(tmp_path, authority.issue_cert("127.0.0.1"))
    config = tmp_path / "exporter.toml"
    config.write_text(
        '[web]\nlisten = ["127.0.0.1:0"]\n'
        '[web.tls_server_config]\ncert_file = "exporter.pem"\nkey_file = "exporter.key"\n'
        '[[miniservers]]\nname = "home"\nhost = "127.0.0.1"\n'
        f'port = {port}\ntls_port = {tls_port}\ntls_fingerprint = "{certificate.fingerprint}"\n'
        'username = "demo"\npassword = "demo"\n'
    )
    config.chmod(0o600)
    async with running_exporter(["run", "--config", str(config)]) as exporter:
        await exporter.wait_until_listening()
        context = ssl.create_default_context()
        authority.configure_trust(context)

        def scrape() -> Scrape:
            url = f"{exporter.url}/metrics"
            with urllib.request.urlopen(url, context=context) as answer:  # noqa: S310  # https only
                return Scrape.read(answer.read(), Format.TEXT)

        with trio.fail_after(START_DEADLINE):
            while not all(map((await trio.to_thread.run_sync(scrape)).samples, NOT_IN_THE_DEMO)):
                await trio.sleep(0.05)
        await exporter.stop()


def names_matched(matchers: list[str]) -> list[str]:
    """The alerts that matchers of Alertmanager name."""
    (matcher,) = matchers
    names = re.fullmatch(r'alertname=~?"([\w|]+)"', matcher)
    assert names is not None, matcher
    return names[1].split("|")


def test_inhibition_is_between_alerts_that_exist_and_by_labels_that_they_have() -> None:
    inhibitions = load(ALERTMANAGER)["inhibit_rules"]
    assert inhibitions
    for rule in inhibitions:
        sources = names_matched(rule["source_matchers"])
        targets = names_matched(rule["target_matchers"])
        assert not set(sources) & set(targets)
        for name in (*sources, *targets):
            # Where a label is missing on both sides, Alertmanager takes that for equal.
            assert set(rule["equal"]) <= labels_of(name), (name, rule)


def test_no_two_alerts_inhibit_each_other() -> None:
    pairs = {
        (source, target)
        for rule in load(ALERTMANAGER)["inhibit_rules"]
        for source in names_matched(rule["source_matchers"])
        for target in names_matched(rule["target_matchers"])
    }
    assert not {(target, source) for source, target in pairs} & pairs


def test_amtool_understands_the_example() -> None:
    amtool = shutil.which("amtool")
    if amtool is None:
        pytest.skip("there is no amtool here: Debian's package prometheus-alertmanager has it")
    ended = subprocess.run(
        [amtool, "check-config", ALERTMANAGER], capture_output=True, text=True, check=False
    )
    assert 0 == ended.returncode, ended.stdout + ended.stderr
