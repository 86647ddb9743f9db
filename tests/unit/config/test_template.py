from __future__ import annotations

import re
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from loxone_exporter.config.load import load_document
from loxone_exporter.config.model import Config, MiniserverConfig
from loxone_exporter.config.secret import Secret
from loxone_exporter.config.template import write_document
from support.configs import load_text


TABLE = {"name": "home", "host": "192.168.1.77", "username": "prometheus", "password": "x"}
DEFAULT = re.compile(r"^#(?=[a-z_]+ = )", re.MULTILINE)

# Whatever a name may hold.
lines = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20).filter(
    lambda text: text.strip()
)


def test_a_file_says_what_it_was_given_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "loxone.password").write_text("hunter2\n")
    (tmp_path / "loxone.password").chmod(0o600)
    table = {
        **TABLE,
        "port": 8080,
        "tls_port": 8443,
        "tls": "required",
        "serial": "504F94A0BBCC",
        "password_file": "loxone.password",
        "client_id": "second",
    }
    del table["password"]
    expected = MiniserverConfig(
        name="home",
        host="192.168.1.77",
        port=8080,
        tls_port=8443,
        tls="required",
        serial="504F94A0BBCC",
        username="prometheus",
        password=Secret("hunter2"),
        password_file=tmp_path / "loxone.password",
        client_id="second",
    )
    assert Config(miniservers=(expected,)) == load_text(tmp_path, write_document(table)).config


def test_what_is_not_given_is_shown_with_its_default(tmp_path: Path) -> None:
    text = write_document(TABLE)
    everything, count = DEFAULT.subn("", text)
    assert 11 == count
    assert load_text(tmp_path, text).config == load_text(tmp_path, everything).config


@pytest.mark.parametrize("example", ['serial = "504F94A0BBCC"', 'tls_ca_file = "authority.pem"'])
def test_what_has_no_default_is_shown_with_an_example(example: str) -> None:
    text = write_document(TABLE)
    assert f"\n# {example}\n" in text


@given(name=lines, username=lines, password=lines)
def test_whatever_is_in_a_value_survives(name: str, username: str, password: str) -> None:
    import tomllib  # noqa: PLC0415  # the way back, for this test only

    table = {**TABLE, "name": name, "username": username, "password": password}
    document = tomllib.loads(write_document(table))
    assert [table] == document["miniservers"]
    (loaded,) = load_document(document, None, {}).config.miniservers
    assert (name, username, password) == (
        loaded.name,
        loaded.username,
        loaded.password.reveal(),
    )


def test_a_document_is_loaded_as_the_file_that_it_is_for(tmp_path: Path) -> None:
    source = tmp_path / "house.toml"
    loaded = load_document({"miniservers": [dict(TABLE)]}, source, {"LOXONE_HOST": "other.test"})
    assert (source, "other.test") == (loaded.source, loaded.config.miniservers[0].host)
    assert evolve(loaded.config.miniservers[0], host="192.168.1.77").name == "home"
