from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from loxone_exporter.config.findings import ConfigurationError
from loxone_exporter.config.secret import Secret
from loxone_exporter.errors import OutputError
from loxone_exporter.loxone.replies import Device
from loxone_exporter.setup.address import parse_address
from loxone_exporter.setup.answers import Answers, Options, PasswordPlace
from loxone_exporter.setup.draft import Draft
from loxone_exporter.setup.files import staged
from loxone_exporter.state import MiniserverState, Security
from loxone_exporter.survey.visit import Visit


OUTPUT = Path("house.toml")


def draft(address: str, output: Path = OUTPUT, **options: Any) -> Draft:  # noqa: ANN401  # of Options
    answers = Answers(
        address=parse_address(address), username="me", password=Secret("hunter2"), name="home"
    )
    chosen = Options(**options)
    return Draft.of(answers, chosen, PasswordPlace.chosen(chosen, output), output)


def visit(security: Security) -> Visit:
    state = MiniserverState(name="home")
    state.link.device, state.link.security = Device("504F94AABBCC", (16,)), security
    return Visit(state)


LEAST = {"name": "home", "host": "192.168.1.77", "username": "me"}


@pytest.mark.parametrize(
    ("address", "options", "more"),
    [
        ("192.168.1.77", {}, {}),
        ("192.168.1.77", {"port": 81, "tls_port": 82}, {"port": 81, "tls_port": 82}),
        ("192.168.1.77:80", {"port": 81}, {"port": 80}),
        ("https://192.168.1.77:82", {"tls": "auto"}, {"tls_port": 82, "tls": "auto"}),
        ("https://192.168.1.77", {}, {"tls": "required"}),
    ],
)
def test_what_answers_and_options_amount_to(
    address: str, options: dict[str, Any], more: dict[str, object]
) -> None:
    drafted = draft(address, **options)
    assert {**LEAST, **more} == drafted.table
    (loaded,) = drafted.load().config.miniservers
    assert ("home", "hunter2") == (loaded.name, loaded.password.reveal())


def test_parts_that_do_not_fit_together_are_findings_about_the_file() -> None:
    with pytest.raises(ConfigurationError, match=r"^house.toml: miniservers\[0\].tls_port: has no"):
        draft("192.168.1.77", tls="off", tls_port=82).load()


@pytest.mark.parametrize(
    ("security", "options", "tls"),
    [
        (Security.PLAIN, {}, None),
        (Security.VERIFIED, {}, "required"),
        (Security.PINNED, {}, "required"),
        (Security.VERIFIED, {"tls": "auto"}, "auto"),
    ],
)
def test_what_a_visit_found_out_is_written_down(
    security: Security, options: dict[str, Any], tls: str | None
) -> None:
    found = draft("192.168.1.77", **options).after(visit(security)).table
    assert ("504F94AABBCC", tls) == (found["serial"], found.get("tls"))


def test_what_is_not_what_was_meant_is_not_saved(tmp_path: Path) -> None:
    drafted = draft("192.168.1.77", tmp_path / "house.toml")
    with staged(drafted.files()) as files:
        assert drafted.read_back(files).warnings == ()
        password, config = (file.staged for file in files)
        password.write_text("another\n")
        with pytest.raises(OutputError, match="would not say what it should"):
            drafted.read_back(files)
        password.write_text("hunter2\n")
        config.write_text(config.read_text().replace("house.password", "mouse.password"))
        with pytest.raises(OutputError, match="would not say what it should"):
            drafted.read_back(files)
        other = evolve(drafted, table={**drafted.table, "host": "192.168.1.78"})
        with pytest.raises(OutputError, match="would not say what it should"):
            other.read_back(files)
