from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from loxone_exporter.config.findings import ConfigurationError, Finding
from loxone_exporter.config.load import load_config
from support.configs import find_all, load_text


FILE = """
[web]
listen = [":9504", "[::1]:9505"]
[[miniservers]]
name = "home"
host = "192.168.1.77"
port = 8080
username = "prometheus"
password = "from the file"
[[miniservers]]
name = "barn"
host = "barn"
username = "prometheus"
password = "from the file"
"""
ALONE = {"LOXONE_HOST": "loxone", "LOXONE_USERNAME": "demo", "LOXONE_PASSWORD": "hunter2"}


def find_without_file(environ: Mapping[str, str]) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load_config(None, environ)
    return str(caught.value).splitlines()


def test_host_user_and_password_are_enough_without_a_file() -> None:
    loaded = load_config(None, ALONE)
    [miniserver] = loaded.config.miniservers
    assert loaded.source is None
    assert loaded.warnings == ()
    assert (miniserver.name, miniserver.host, miniserver.port) == ("loxone", "loxone", 80)
    assert (miniserver.username, miniserver.password.reveal()) == ("demo", "hunter2")


def test_the_name_is_the_host_without_brackets_unless_it_is_given() -> None:
    in_brackets = {**ALONE, "LOXONE_HOST": "[fe80::1]"}
    named = {**ALONE, "LOXONE_NAME": "home"}
    assert load_config(None, in_brackets).config.miniservers[0].name == "fe80::1"
    assert load_config(None, named).config.miniservers[0].name == "home"


def test_a_file_without_miniservers_is_completed_by_the_environment(tmp_path: Path) -> None:
    config = load_text(tmp_path, '[log]\nlevel = "error"', ALONE).config
    assert config.log.level == "error"
    assert config.miniservers[0].name == "loxone"


def test_the_first_miniserver_of_the_file_is_overridden_key_by_key(tmp_path: Path) -> None:
    environ = {
        "LOXONE_NAME": "villa",
        "LOXONE_HOST": "villa.example",
        "LOXONE_PORT": "81",
        "LOXONE_USERNAME": "demo",
        "LOXONE_PASSWORD": "hunter2",
    }
    first, second = load_text(tmp_path, FILE, environ).config.miniservers
    assert (first.name, first.host, first.port) == ("villa", "villa.example", 81)
    assert (first.username, first.password.reveal()) == ("demo", "hunter2")
    assert (second.name, second.password.reveal()) == ("barn", "from the file")


def test_the_name_in_the_file_stays_when_only_the_host_is_overridden(tmp_path: Path) -> None:
    first = load_text(tmp_path, FILE, {"LOXONE_HOST": "villa.example"}).config.miniservers[0]
    assert (first.name, first.host, first.port) == ("home", "villa.example", 8080)


@pytest.mark.parametrize(
    "key", ['password_env = "UNSET"', 'password_file = "absent"', "password = 5"]
)
def test_a_password_from_the_environment_replaces_every_password_key(
    tmp_path: Path, key: str
) -> None:
    text = FILE.replace('password = "from the file"', key, 1)
    loaded = load_text(tmp_path, text, {"LOXONE_PASSWORD": "hunter2"})
    first = loaded.config.miniservers[0]
    assert (first.password.reveal(), first.password_file) == ("hunter2", None)


def test_a_password_file_of_the_environment_is_relative_to_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "password").write_text("hunter2\n")
    (elsewhere / "password").chmod(0o600)
    monkeypatch.chdir(elsewhere)
    first = load_text(tmp_path, FILE, {"LOXONE_PASSWORD_FILE": "password"}).config.miniservers[0]
    assert first.password.reveal() == "hunter2"
    assert first.password_file is not None
    assert first.password_file.samefile(elsewhere / "password")


def test_empty_variables_count_as_unset(tmp_path: Path) -> None:
    names = ["NAME", "HOST", "PORT", "USERNAME", "PASSWORD", "PASSWORD_FILE"]
    names += ["LISTEN", "LISTEN_PORT", "LOG_LEVEL", "SHARD"]
    empty = {f"LOXONE_{name}": "" for name in names}
    assert load_text(tmp_path, FILE) == load_text(tmp_path, FILE, empty)


def test_listen_is_a_list_with_commas(tmp_path: Path) -> None:
    listen = load_text(tmp_path, FILE, {"LOXONE_LISTEN": ":1, [::1]:2,"}).config.web.listen
    assert [str(address) for address in listen] == [":1", "[::1]:2"]


def test_listen_port_replaces_the_port_of_every_address(tmp_path: Path) -> None:
    listen = load_text(tmp_path, FILE, {"LOXONE_LISTEN_PORT": "8000"}).config.web.listen
    assert [str(address) for address in listen] == [":8000", "[::1]:8000"]


def test_addresses_that_differed_only_by_their_port_become_one(tmp_path: Path) -> None:
    environ = {"LOXONE_LISTEN": ":1,:2", "LOXONE_LISTEN_PORT": "0"}
    assert [str(address) for address in load_text(tmp_path, FILE, environ).config.web.listen] == [
        ":0"
    ]


def test_the_log_level_is_overridden_with_and_without_its_table(tmp_path: Path) -> None:
    environ = {"LOXONE_LOG_LEVEL": "debug"}
    assert load_text(tmp_path, FILE, environ).config.log.level == "debug"
    assert (
        load_text(tmp_path, f'log = {{level = "error"}}\n{FILE}', environ).config.log.level
        == "debug"
    )


def test_a_service_link_of_kubernetes_is_ignored_with_a_warning(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, FILE, {"LOXONE_PORT": "tcp://10.96.0.17:80"})
    assert loaded.config.miniservers[0].port == 8080
    message = "ignored: this is a service link of Kubernetes, not a port"
    assert loaded.warnings == (Finding(source="environment", path="LOXONE_PORT", message=message),)


def test_a_service_link_alone_makes_no_miniserver() -> None:
    [finding] = find_without_file({"LOXONE_PORT": "tcp://10.96.0.17:80"})
    assert finding.startswith("there is no configuration: ")


def test_who_has_no_configuration_is_told_where_it_would_be_and_how_to_get_one() -> None:
    assert find_without_file({}) == [
        (
            "there is no configuration: neither loxone-exporter.toml in this folder nor"
            " /etc/loxone-exporter/loxone-exporter.toml, and no LOXONE_HOST, LOXONE_USERNAME and"
            " LOXONE_PASSWORD in the environment; `loxone-exporter init` writes the file, and"
            " `loxone-exporter demo` needs none"
        )
    ]
    mistake, nowhere = find_without_file({"LOXONE_LOG_LEVEL": "loud"})
    assert mistake.startswith("environment: LOXONE_LOG_LEVEL: ")
    assert nowhere.startswith("there is no configuration: ")


def test_what_is_missing_without_a_file_is_named_by_its_variables() -> None:
    assert find_without_file({"LOXONE_PORT": "80"}) == [
        "environment: LOXONE_HOST: missing, but required",
        "environment: LOXONE_PASSWORD: missing: expected this or LOXONE_PASSWORD_FILE",
        "environment: LOXONE_USERNAME: missing, but required",
    ]


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        (
            "LOXONE_PORT",
            "eighty",
            "expected a whole number from 1 to 65535, found the text 'eighty'",
        ),
        ("LOXONE_PORT", "0", "expected a whole number from 1 to 65535, found the number 0"),
        ("LOXONE_PORT", "٣", "expected a whole number from 1 to 65535, found the text '٣'"),
        (
            "LOXONE_PORT",
            "9" * 5000,
            f"expected a whole number from 1 to 65535, found the text '{'9' * 60}…'",
        ),
        (
            "LOXONE_HOST",
            "loxone:80",
            "expected only a name or an IP address: the port goes into `port`",
        ),
        ("LOXONE_NAME", " ", "expected text, found an empty one"),
        (
            "LOXONE_USERNAME",
            "demo\n",
            "expected text without line breaks and other control characters",
        ),
        (
            "LOXONE_PASSWORD",
            "hunter2\n",
            "expected a password without line breaks and other control characters",
        ),
        ("LOXONE_PASSWORD", "hunter2\udcff", "not UTF-8 text"),
        (
            "LOXONE_PASSWORD_FILE",
            "/absent/password",
            "/absent/password: cannot be read: No such file or directory",
        ),
        ("LOXONE_LISTEN", ",", 'at least one address is needed, such as ":9504"'),
        (
            "LOXONE_LISTEN",
            ":1,:70000",
            "expected a port from 0 to 65535, found 70000; found the text ':70000'",
        ),
        ("LOXONE_LISTEN", ":1,:1", "the same address as web.listen[0]"),
        (
            "LOXONE_LISTEN_PORT",
            "65536",
            "expected a whole number from 0 to 65535, found the number 65536",
        ),
        (
            "LOXONE_LOG_LEVEL",
            "INFO",
            'expected "debug", "info", "warning" or "error", found the text \'INFO\'',
        ),
    ],
)
def test_a_wrong_value_is_found_in_its_variable(
    tmp_path: Path, variable: str, value: str, message: str
) -> None:
    assert [f"environment: {variable}: {message}"] == find_all(tmp_path, FILE, {variable: value})


def test_two_passwords_in_the_environment_are_one_too_many(tmp_path: Path) -> None:
    environ = {"LOXONE_PASSWORD": "hunter2", "LOXONE_PASSWORD_FILE": "/absent"}
    assert find_all(tmp_path, FILE, environ) == [
        "environment: LOXONE_PASSWORD_FILE: expected this or LOXONE_PASSWORD, found both"
    ]


def test_findings_of_the_file_and_of_the_environment_come_in_one_run(tmp_path: Path) -> None:
    text = FILE.replace("8080", "true").replace('"barn"', "5", 1)
    environ = {"LOXONE_LISTEN_PORT": "x", "LOXONE_LOG_LEVEL": "loud"}
    assert find_all(tmp_path, text, environ) == [
        (
            "environment: LOXONE_LISTEN_PORT: expected a whole number from 0 to 65535,"
            " found the text 'x'"
        ),
        (
            'environment: LOXONE_LOG_LEVEL: expected "debug", "info", "warning" or "error",'
            " found the text 'loud'"
        ),
        "miniservers[0].port: expected a whole number from 1 to 65535, found true",
        "miniservers[1].name: expected text in quotes, found the number 5",
    ]


@pytest.mark.parametrize("text", ["miniservers = 5", "miniservers = [5]", "log = 5\n" + FILE])
def test_a_file_of_the_wrong_shape_is_found_although_the_environment_overrides_it(
    tmp_path: Path, text: str
) -> None:
    [finding] = find_all(tmp_path, text, {**ALONE, "LOXONE_LOG_LEVEL": "info"})
    assert "expected a" in finding
    assert finding.endswith("found the number 5")


def test_a_name_in_the_environment_that_the_file_gives_to_another_is_found(tmp_path: Path) -> None:
    assert find_all(tmp_path, FILE, {"LOXONE_NAME": "barn"}) == [
        "miniservers[1].name: 'barn' is already the name of miniservers[0]"
    ]
