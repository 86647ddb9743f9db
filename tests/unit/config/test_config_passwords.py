from __future__ import annotations

from pathlib import Path

import pytest

from loxone_exporter.config.files import is_world_readable
from loxone_exporter.config.findings import ConfigurationError
from loxone_exporter.config.load import load_config
from loxone_exporter.config.passwords import PasswordResolver, read_password_file
from support.configs import find_all, load_text, write_config


WITHOUT_PASSWORD = """
[[miniservers]]
name = "home"
host = "192.168.1.77"
username = "prometheus"
"""
FROM_FILE = WITHOUT_PASSWORD + 'password_file = "password"\n'


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    path = tmp_path / "password"
    path.write_text("hunter2\n")
    path.chmod(0o600)
    return path


def test_a_password_file_is_relative_to_the_configuration_and_is_remembered(
    tmp_path: Path, password_file: Path
) -> None:
    loaded = load_text(tmp_path, FROM_FILE)
    [miniserver] = loaded.config.miniservers
    assert miniserver.password.reveal() == "hunter2"
    assert password_file == miniserver.password_file
    assert loaded.warnings == ()


def test_a_password_comes_from_the_variable_that_password_env_names(tmp_path: Path) -> None:
    text = WITHOUT_PASSWORD + 'password_env = "HOUSE"\n'
    [miniserver] = load_text(tmp_path, text, {"HOUSE": "hunter2"}).config.miniservers
    assert (miniserver.password.reveal(), miniserver.password_file) == ("hunter2", None)


@pytest.mark.parametrize(
    ("content", "password"),
    [
        (b"hunter2", "hunter2"),
        (b"hunter2\n", "hunter2"),
        (b"hunter2\r\n", "hunter2"),
        (b" hunter 2 \n", " hunter 2 "),
        ("pä€ss\n".encode(), "pä€ss"),
        (b"\xef\xbb\xbfhunter2\r\n", "hunter2"),
    ],
)
def test_one_newline_at_the_end_of_a_password_file_is_not_part_of_it(
    password_file: Path, content: bytes, password: str
) -> None:
    password_file.write_bytes(content)
    assert password == read_password_file(password_file).reveal()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "expected a password, found an empty text"),
        (b"\n", "expected a password, found an empty text"),
        (
            b"hunter2\n\n",
            "expected a password without line breaks and other control characters",
        ),
        (b"hunter2\xff\n", "not UTF-8 text, in line 1: save it as UTF-8"),
    ],
)
def test_a_password_file_without_a_password_is_found_and_not_shown(
    tmp_path: Path, password_file: Path, content: bytes, message: str
) -> None:
    password_file.write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        read_password_file(password_file)
    assert str(caught.value) == f"{password_file}: {message}"
    assert find_all(tmp_path, FROM_FILE) == [
        f"miniservers[0].password_file: {password_file}: {message}"
    ]


@pytest.mark.parametrize(
    ("keys", "finding"),
    [
        ("", "[0].password: missing: expected one of password, password_file, password_env"),
        (
            'password = "hunter2"\npassword_env = "HOUSE"\npassword_file = "password"',
            (
                "[0]: expected one of password, password_file, password_env;"
                " found password and password_file and password_env"
            ),
        ),
        ('password = ""', "[0].password: expected a password, found an empty text"),
        (
            'password = "hunter2\\n"',
            "[0].password: expected a password without line breaks and other control characters",
        ),
        ("password = 4711", "[0].password: expected text in quotes, found a whole number"),
        (
            'password = ["hunter2"]',
            "[0].password: expected text in quotes, found an array",
        ),
        (
            "password_file = 4711",
            "[0].password_file: expected text in quotes, found a whole number",
        ),
        ('password_file = ""', "[0].password_file: expected text, found an empty one"),
        (
            'password_file = "a\\u0000b"',
            "[0].password_file: expected text without line breaks and other control characters",
        ),
        ("password_env = 4711", "[0].password_env: expected text in quotes, found a whole number"),
        (
            'password_env = "hunter2"',
            "[0].password_env: the environment variable that it names is not set, or empty",
        ),
        (
            'password_env = "EMPTY"',
            "[0].password_env: the environment variable that it names is not set, or empty",
        ),
        ('password_env = "BROKEN"', "[0].password_env: not UTF-8 text"),
        (
            'password_env = "LINES"',
            (
                "[0].password_env: expected a password without line breaks and other control"
                " characters"
            ),
        ),
    ],
)
def test_a_password_that_cannot_be_resolved_is_found_and_not_shown(
    tmp_path: Path, keys: str, finding: str
) -> None:
    environ = {"EMPTY": "", "BROKEN": "hunter2\udcff", "LINES": "hunter2\nhunter3"}
    assert [f"miniservers{finding}"] == find_all(tmp_path, WITHOUT_PASSWORD + keys, environ)


@pytest.mark.parametrize(
    ("name", "reason"), [("absent", "No such file or directory"), (".", "Is a directory")]
)
def test_a_password_file_that_cannot_be_read_is_found_by_name(
    tmp_path: Path, name: str, reason: str
) -> None:
    text = FROM_FILE.replace('"password"', f'"{name}"')
    path = tmp_path / name
    assert find_all(tmp_path, text) == [
        f"miniservers[0].password_file: {path}: cannot be read: {reason}"
    ]


def test_a_path_that_no_file_can_have_is_found(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read: embedded null byte"):
        read_password_file(tmp_path / "a\0b")


def test_a_password_file_that_everyone_can_read_is_warned_of(
    tmp_path: Path, password_file: Path
) -> None:
    password_file.chmod(0o604)
    [warning] = load_text(tmp_path, FROM_FILE).warnings
    assert warning.path == "miniservers[0].password_file"
    assert warning.message == f"every user of this machine can read {password_file}: chmod o-r"


def test_the_warning_names_the_variable_that_named_the_file(
    tmp_path: Path, password_file: Path
) -> None:
    password_file.chmod(0o604)
    environ = {"LOXONE_PASSWORD_FILE": str(password_file)}
    [warning] = load_text(tmp_path, WITHOUT_PASSWORD, environ).warnings
    assert (warning.source, warning.path) == ("environment", "LOXONE_PASSWORD_FILE")


def test_a_password_file_that_is_a_link_into_a_kubernetes_volume_is_not_warned_of(
    tmp_path: Path, password_file: Path
) -> None:
    target = password_file.rename(password_file.with_name("..data"))
    target.chmod(0o644)
    password_file.symlink_to(target)
    assert load_text(tmp_path, FROM_FILE).warnings == ()


def test_a_password_in_a_configuration_that_everyone_can_read_is_warned_of(tmp_path: Path) -> None:
    path = write_config(tmp_path, WITHOUT_PASSWORD + 'password = "hunter2"\n')
    path.chmod(0o644)
    [warning] = load_config(path, {}).warnings
    assert (warning.source, warning.path) == (str(path), "miniservers[0].password")
    assert "every user of this machine can read it" in warning.message
    assert "hunter2" not in str(warning)
    assert load_config(path, {"LOXONE_PASSWORD": "hunter3"}).warnings == ()


def test_the_resolver_shows_nothing_of_the_environment() -> None:
    resolver = PasswordResolver(source=None, environ={"HOUSE": "hunter2"}, origins={})
    assert "hunter2" not in repr(resolver)


def test_what_is_not_there_is_not_readable_by_everyone(tmp_path: Path) -> None:
    assert not is_world_readable(tmp_path / "absent")
