from __future__ import annotations

import math
from pathlib import Path

import pytest

from loxone_exporter.config.addresses import ListenAddress
from loxone_exporter.config.findings import ConfigurationError, Finding
from loxone_exporter.config.load import load_config
from loxone_exporter.config.model import (
    Config,
    FilterConfig,
    LogConfig,
    MetricsConfig,
    MiniserverConfig,
    WebConfig,
)
from loxone_exporter.config.secret import Secret
from support.configs import MINISERVER, find_all, load_text, write_config


EVERYTHING = """
[web]
listen = ["127.0.0.1:9504", "[::1]:0"]
[log]
level = "debug"
format = "text"
[metrics]
control_value = false
activations = false
text_values = true
text_max_length = 1024
stale_after = "never"
uuid_label = true
max_series = 5000
[filter]
include_rooms = ["Kitchen", ""]
exclude_states = ["temp*"]
[[miniservers]]
name = "home"
host = "[fe80::1]"
port = 8080
tls_port = 8443
tls = "auto"
serial = "50:4f:94:a0:bb:cc"
tls_server_name = "House.example"
tls_verify = false
username = "prometheus"
password = "hunter2"
client_id = "second"
allow_legacy_login = true
[[miniservers]]
name = "barn"
host = "barn.example"
username = "prometheus"
password = "hunter3"
"""


def test_a_minimal_file_leaves_everything_else_at_its_default(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, MINISERVER)
    assert tmp_path / "house.toml" == loaded.source
    assert loaded.warnings == ()
    expected = Config(
        web=WebConfig(listen=(ListenAddress(host=None, port=9504),)),
        log=LogConfig(level="info", format=None),
        metrics=MetricsConfig(
            control_value=True,
            activations=True,
            text_values=False,
            text_max_length=128,
            stale_after=300.0,
            uuid_label=False,
            max_series=200_000,
        ),
        filter=FilterConfig(),
        miniservers=(
            MiniserverConfig(
                name="home",
                host="192.168.1.77",
                port=80,
                tls_port=443,
                tls="auto",
                serial=None,
                tls_server_name=None,
                tls_ca_file=None,
                tls_fingerprint=None,
                tls_verify=True,
                username="prometheus",
                password=Secret("hunter2"),
                password_file=None,
                client_id="loxone-exporter",
                allow_legacy_login=False,
            ),
        ),
    )
    assert expected == loaded.config


def test_every_option_arrives_in_the_model(tmp_path: Path) -> None:
    config = load_text(tmp_path, EVERYTHING).config
    assert [str(address) for address in config.web.listen] == ["127.0.0.1:9504", "[::1]:0"]
    assert LogConfig(level="debug", format="text") == config.log
    assert config.metrics == MetricsConfig(
        control_value=False,
        activations=False,
        text_values=True,
        text_max_length=1024,
        stale_after=math.inf,
        uuid_label=True,
        max_series=5000,
    )
    assert config.filter == FilterConfig(include_rooms=("Kitchen", ""), exclude_states=("temp*",))
    home, barn = config.miniservers
    assert (home.host, home.port, home.client_id) == ("fe80::1", 8080, "second")
    assert (home.tls, home.tls_port, home.tls_verify) == ("auto", 8443, False)
    assert (home.serial, home.tls_server_name) == ("504F94A0BBCC", "house.example")
    assert home.allow_legacy_login
    assert (barn.name, barn.password.reveal()) == ("barn", "hunter3")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[web\n", "not valid TOML: "),
        ('[[miniservers]]\npassword = "hunter2', "not valid TOML: "),
        ("[[miniservers]]\npassword = hunter2", "(at line 2, column 12)"),
        ("a = " + "[" * 100_000, "not valid TOML: nested too deeply"),
        ("a = " + "1" * 5000, "not valid TOML: "),
    ],
)
def test_what_is_no_toml_is_found_and_not_repeated(tmp_path: Path, text: str, message: str) -> None:
    [finding] = find_all(tmp_path, text)
    assert message in finding
    assert "hunter2" not in finding


def test_a_file_that_is_not_utf_8_is_found_with_its_line(tmp_path: Path) -> None:
    path = write_config(tmp_path, b"[filter]\nexclude_rooms = ['K\xfcche']\n")
    with pytest.raises(ConfigurationError) as caught:
        load_config(path, {})
    message = "not UTF-8 text, in line 2: save it as UTF-8"
    assert caught.value.findings == (Finding(source=str(path), path="", message=message),)


def test_a_file_as_windows_editors_save_it_is_read(tmp_path: Path) -> None:
    text = "\ufeff" + MINISERVER.replace("\n", "\r\n")
    assert load_text(tmp_path, text).config.miniservers[0].name == "home"


@pytest.mark.parametrize(
    ("name", "reason"),
    [("", "Is a directory"), ("absent.toml", "No such file or directory")],
)
def test_a_file_that_cannot_be_read_is_found(tmp_path: Path, name: str, reason: str) -> None:
    path = tmp_path / name
    with pytest.raises(ConfigurationError) as caught:
        load_config(path, {})
    assert str(caught.value) == f"{path}: cannot be read: {reason}"


def test_nothing_that_is_loaded_or_found_shows_a_password(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, MINISERVER)
    assert "hunter2" not in repr(loaded)
    assert "hunter2" not in str(loaded.config)
    wrong = MINISERVER.replace("192.168.1.77", "a b")
    with pytest.raises(ConfigurationError) as caught:
        load_text(tmp_path, wrong)
    error = caught.value
    assert "hunter2" not in f"{error!r} {error.findings!r} {error.__context__!r}"
    assert "hunter2" not in str(find_all(tmp_path, wrong.replace('"hunter2"', '["hunter2"]')))
