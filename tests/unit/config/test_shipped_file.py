from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
import trustme
from attrs import fields, has

from loxone_exporter.config.model import Config, MiniserverConfig, TlsServerConfig
from loxone_exporter.config.secret import Secret
from support.certificates import write_server_files
from support.configs import CERTIFICATE, MINISERVER, load_text


SHIPPED = (Path(__file__).parents[3] / "loxone-exporter.toml").read_text(encoding="utf-8")
DEFAULT = re.compile(r"^#(?=[a-z_]+ = )", re.MULTILINE)
EXAMPLE = re.compile(r"^# (\[\[miniservers\]\]|[a-z_]+ = .*)$", re.MULTILINE)
NESTED = {
    "basic_auth_users": "[web.basic_auth_users]",
    "tls_server_config": "[web.tls_server_config]",
}
WITHOUT_DEFAULT = {("[log]", "format"), ("[shard]", "index")}
"""Options of tables that are there once, of which an example is shown."""

EXAMPLES = {
    "[web.basic_auth_users]": ("prometheus",),
    "[web.tls_server_config]": tuple(option.name for option in fields(TlsServerConfig)),
}
"""Tables of tables, which are shown by examples, with their keys."""


def options() -> Iterator[tuple[str, str]]:
    """Each option of the model: the header of its table, and its key."""
    for section in fields(Config):
        item = get_args(section.type)
        table = item[0] if item else section.type
        assert table is not None
        assert has(table)
        header = f"[[{section.name}]]" if item else f"[{section.name}]"
        for option in fields(table):
            if nested := NESTED.get(option.name):
                yield from ((nested, each) for each in EXAMPLES[nested])
            else:
                yield header, option.name


def test_the_shipped_file_is_ready_for_the_simulated_miniserver(tmp_path: Path) -> None:
    assert load_text(tmp_path, SHIPPED).config == Config(
        miniservers=(
            MiniserverConfig(
                name="demo",
                host="127.0.0.1",
                port=7777,
                username="demo",
                password=Secret("demo"),
            ),
        )
    )


def test_the_options_that_are_commented_out_show_their_defaults(tmp_path: Path) -> None:
    everything, count = DEFAULT.subn("", SHIPPED)
    of_miniserver = ["tls_port", "tls", "tls_verify", "client_id", "allow_legacy_login"]
    of_tables = sum(
        not header.startswith("[[") and "." not in header and (header, key) not in WITHOUT_DEFAULT
        for header, key in options()
    )
    assert count == of_tables + len(of_miniserver)
    assert load_text(tmp_path, SHIPPED).config == load_text(tmp_path, everything).config


@pytest.mark.parametrize(("header", "key"), list(options()))
def test_every_option_of_the_model_is_in_its_table(header: str, key: str) -> None:
    section = re.split(rf"^(?:# )?{re.escape(header)}", SHIPPED, maxsplit=1, flags=re.MULTILINE)[1]
    if header != "[[miniservers]]":
        section = section.partition("\n[")[0]
    assert re.search(rf"^(# ?)?{key} = ", section, re.MULTILINE), f"{key} is not in {header}"


def test_the_examples_of_who_may_read_load(tmp_path: Path) -> None:
    section = SHIPPED.partition("[web.basic_auth_users]")[2].partition("\n\n\n")[0]
    lines = re.findall(r"^# (\[web\..+\]|[a-z_]+ = .*)$", section, re.MULTILINE)
    text = "\n".join(["[web.basic_auth_users]", *lines, MINISERVER])
    assert "/etc/loxone-exporter/clients.pem" in text
    authority = trustme.CA()
    write_server_files(tmp_path, authority.issue_cert("localhost"))
    (tmp_path / "clients.pem").write_bytes(authority.cert_pem.bytes())
    loaded = load_text(tmp_path, text.replace("/etc/loxone-exporter", str(tmp_path)))
    assert loaded.warnings == ()
    web = loaded.config.web
    assert ["prometheus"] == list(web.basic_auth_users)
    assert TlsServerConfig(
        cert_file=tmp_path / "exporter.pem",
        key_file=tmp_path / "exporter.key",
        client_ca_file=tmp_path / "clients.pem",
        client_auth_type="RequireAndVerifyClientCert",
    ) == (web.tls_server_config)


def test_the_examples_of_overrides_load(tmp_path: Path) -> None:
    section = SHIPPED.partition("Examples:\n")[2].partition("\n\n\n")[0]
    lines = [line.removeprefix("#").strip() for line in section.splitlines()]
    config = load_text(tmp_path, SHIPPED + "\n" + "\n".join(lines)).config
    probe, meter, cars, gas, pump, test = config.override
    assert ("heat_pump", None) == (meter.quantity, meter.metric_type)
    assert ("cars", "counter") == (cars.quantity, cars.metric_type)
    assert ("ph", "m³", "counter") == (probe.quantity, gas.unit, gas.metric_type)
    assert ("Heat pump", "Basement", True) == (pump.name, pump.room, test.drop)


def test_the_examples_of_a_real_house_load(tmp_path: Path) -> None:
    lines = EXAMPLE.findall(SHIPPED.partition("# For a real house.")[2])
    text = "\n".join(lines)
    assert "/etc/loxone-exporter/authority.pem" in text
    for name in ("loxone-exporter", "barn", "shed"):
        password = tmp_path / f"{name}.password"
        password.write_text("hunter2\n")
        password.chmod(0o600)
    authority = tmp_path / "authority.pem"
    authority.write_text(CERTIFICATE)
    loaded = load_text(tmp_path, text.replace("/etc/loxone-exporter", str(tmp_path)))
    assert loaded.warnings == ()
    home, barn, shed = loaded.config.miniservers
    assert (home.host, home.port, home.serial) == ("192.168.1.77", 80, "504F94A0BBCC")
    assert home.password.reveal() == "hunter2"
    assert (barn.tls, barn.tls_server_name) == ("required", "barn.example")
    assert authority == barn.tls_ca_file
    assert shed.tls_fingerprint is not None
