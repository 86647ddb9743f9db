from __future__ import annotations

from pathlib import Path

import pytest

from loxone_exporter.survey.configuration import describe
from support.configs import MINISERVER, load_text


def test_a_survey_tells_the_source_and_what_it_amounts_to(tmp_path: Path) -> None:
    assert list(describe(load_text(tmp_path, MINISERVER))) == [
        f"{tmp_path / 'house.toml'}: no mistakes found",
        "listens on :9504",
        (
            "Miniserver 'home': 192.168.1.77 port 80 (TLS on port 443 where it is offered), user"
            " 'prometheus'"
        ),
    ]


def test_a_survey_of_a_fleet_tells_which_miniservers_are_ours(tmp_path: Path) -> None:
    other = MINISERVER.replace("home", "villa").replace("192.168.1.77", "villa.test")
    text = f"[shard]\ncount = 3\n{MINISERVER}{other}"
    *_, shard, last = describe(load_text(tmp_path, text, {"LOXONE_SHARD": "pod-2"}))
    assert "shard 2 of 3 (0 to 2): 1 of 2 Miniserver(s)" == shard
    assert last.startswith("Miniserver 'home': ")
    first, *_, last = describe(load_text(tmp_path, text, {"LOXONE_SHARD": "pod-3"}))
    assert first.startswith("warning: environment: LOXONE_SHARD: this is exporter 3 of count = 3")
    assert "shard 3 of 3 (0 to 2): 0 of 2 Miniserver(s)" == last


@pytest.mark.parametrize(
    ("lines", "ports"),
    [
        ("port = 8080\ntls_port = 8443", "port 8080 (TLS on port 8443 where it is offered)"),
        ('tls = "required"\ntls_port = 8443', "port 8443 (TLS only)"),
        ('tls = "off"\nport = 8080', "port 8080 (never TLS)"),
    ],
)
def test_a_survey_tells_how_each_miniserver_is_reached(
    tmp_path: Path, lines: str, ports: str
) -> None:
    *_, last = describe(load_text(tmp_path, MINISERVER + lines))
    assert f"Miniserver 'home': 192.168.1.77 {ports}, user 'prometheus'" == last


def test_a_survey_begins_with_the_warnings(tmp_path: Path) -> None:
    first, *_ = describe(load_text(tmp_path, MINISERVER + "tls_verify = false"))
    assert first.startswith(f"warning: {tmp_path / 'house.toml'}: miniservers[0].tls_verify: ")


def test_a_survey_warns_of_an_override_that_contradicts_itself(tmp_path: Path) -> None:
    override = '[[override]]\nnames = ["x"]\nquantity = "humidity"\nunit = "W"\n'
    first, *_ = describe(load_text(tmp_path, MINISERVER + override))
    assert first.startswith("warning: override[0]: there can be no 'humidity' in the unit 'W'")
