from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from loxone_exporter.config.findings import ConfigurationError
from loxone_exporter.config.secret import Secret
from loxone_exporter.errors import UsageError
from loxone_exporter.setup.address import WrittenAddress
from loxone_exporter.setup.answers import Answers, Interview, Options, PasswordPlace
from loxone_exporter.setup.questions import Questions


NOBODY = Questions(io.StringIO(), io.StringIO())
ADDRESS = WrittenAddress("192.168.1.77")


def interview(environ: dict[str, str], **options: Any) -> Interview:  # noqa: ANN401  # of Options
    chosen = Options(**options)
    place = PasswordPlace.chosen(chosen, Path("house.toml"))
    return Interview(chosen, place, environ, NOBODY)


def test_options_and_environment_can_answer_everything() -> None:
    asked = interview({"LOXONE_PASSWORD": "hunter2"}, host="192.168.1.77", username="me")
    expected = Answers(address=ADDRESS, username="me", password=Secret("hunter2"), name="home")
    assert expected == asked.hold()
    named = interview(
        {"LOXONE_PASSWORD": "hunter2"}, host="192.168.1.77", username="me", name="Süd"
    )
    assert "Süd" == named.hold().name


def test_everything_that_is_missing_is_named_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        interview({}).hold()
    assert str(caught.value) == (
        "nobody can be asked without a terminal: --host, --username, the password "
        "(--password-file, --password-env, LOXONE_PASSWORD) missing"
    )


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"host": "http://user:geheim@x/"}, "--host: leave out the user and the password"),
        ({"host": "\udcff"}, "--host: this is no UTF-8 text"),
        ({"username": " "}, "--username: expected text, found an empty one"),
        ({"name": "a\nb"}, "--name: expected text without line breaks"),
    ],
)
def test_what_cannot_be_used_is_named_with_its_option(
    options: dict[str, str], complaint: str
) -> None:
    with pytest.raises(UsageError, match=complaint) as caught:
        interview({}, **options).hold()
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize(
    ("environ", "options", "complaint"),
    [
        ({"LOXONE_PASSWORD": "a\nb"}, {}, "variable LOXONE_PASSWORD: expected a password without"),
        ({"LOXONE_PASSWORD": "\udcff"}, {}, "variable LOXONE_PASSWORD: not UTF-8"),
        ({"LOXONE_PASSWORD": "x"}, {"password_env": "MINE"}, "variable MINE has no password"),
        ({"MINE": ""}, {"password_env": "MINE"}, "variable MINE has no password"),
    ],
)
def test_a_variable_that_has_no_password_is_said_so(
    environ: dict[str, str], options: dict[str, str], complaint: str
) -> None:
    with pytest.raises(UsageError, match=complaint):
        interview(environ, host="192.168.1.77", username="me", **options).hold()


def test_where_the_password_is_kept(tmp_path: Path) -> None:
    output, there = tmp_path / "house.toml", tmp_path / "there"
    there.write_text("hunter2\n")

    def choose(**options: Any) -> PasswordPlace:  # noqa: ANN401  # of Options
        return PasswordPlace.chosen(Options(**options), output)

    own = tmp_path / "house.password"
    assert PasswordPlace(key="password_file", value="house.password", file=own) == choose()
    assert PasswordPlace(key="password") == choose(password_inline=True)
    assert PasswordPlace(key="password_env", value="P", is_taken=True) == choose(password_env="P")
    new = tmp_path / "new"
    assert PasswordPlace(key="password_file", value=str(new), file=new) == choose(password_file=new)
    taken = PasswordPlace(key="password_file", value=str(there), is_taken=True)
    assert taken == choose(password_file=there)


def test_a_file_that_has_the_password_is_read(tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.write_text("hunter2\n")
    known = {"host": "192.168.1.77", "username": "me"}
    asked = interview({"LOXONE_PASSWORD": "other"}, password_file=there, **known)
    assert Secret("hunter2") == asked.hold().password
    there.write_text("")
    with pytest.raises(ConfigurationError, match="expected a password, found an empty text"):
        interview({}, password_file=there, **known).hold()
