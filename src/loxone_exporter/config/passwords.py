"""Where passwords come from: the document, a file, or an environment variable."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from attrs import define, field

from loxone_exporter.config.checks import describe_kind, has_control_character, one_line
from loxone_exporter.config.environment import read_variable
from loxone_exporter.config.files import is_world_readable, read_text
from loxone_exporter.config.findings import ConfigurationError, Finding, KeyPath, Problem
from loxone_exporter.config.model import PASSWORD_KEYS, MiniserverConfig
from loxone_exporter.config.secret import Secret
from loxone_exporter.config.spelling import is_misspelt


_CHOICE = "expected one of password, password_file, password_env"


def read_password_file(path: Path) -> Secret:
    """The password that a file holds: its text without one newline at the end.

    Raises:
        ConfigurationError: The file cannot be read or holds no password.
    """
    try:
        text = read_text(path)
        return check_secret(text.removesuffix("\n").removesuffix("\r"))
    except ValueError as error:
        finding = Finding(source=str(path), path="", message=str(error))
        raise ConfigurationError([finding]) from None


@define(kw_only=True)
class PasswordResolver:
    """Replaces the password keys of `[[miniservers]]` tables by the password itself.

    Attributes:
        source: The configuration file, if there is one; files it names are relative to its folder.
        environ: The environment that `password_env` names variables of.
        origins: Key paths whose values came from the environment.
        problems: What was wrong.
        warnings: What works, but exposes a password.
    """

    source: Path | None
    environ: Mapping[str, str] = field(repr=False)  # it may hold passwords
    origins: Mapping[KeyPath, str]
    problems: list[Problem] = field(factory=list)
    warnings: list[Problem] = field(factory=list)

    def resolve(self, document: dict[str, object]) -> None:
        """Put a Secret for `password` into each table, and a Path for `password_file` if given.

        A password that cannot be resolved becomes an empty one, so that the rest of its table can
        still be checked.
        """
        miniservers = document.get("miniservers")
        if not isinstance(miniservers, list):
            return
        for index, table in enumerate(miniservers):
            if isinstance(table, dict):
                self._resolve_table(table, ("miniservers", index))

    def _resolve_table(self, table: dict[str, object], path: KeyPath) -> None:
        given = {key: table.pop(key) for key in PASSWORD_KEYS if key in table}
        table["password"] = Secret("")
        if not given:
            # What is only misspelt is told as that, by who knows all keys.
            if not any(is_misspelt(key, table, MiniserverConfig) for key in PASSWORD_KEYS):
                self._report_missing((*path, "password"))
        elif len(given) > 1:
            self.problems.append((path, f"{_CHOICE}; found {' and '.join(given)}"))
        else:
            [(key, value)] = given.items()
            try:
                table |= self._resolve_value(key, value, (*path, key))
            except (ValueError, ConfigurationError) as error:
                self.problems.append(((*path, key), str(error)))

    def _resolve_value(self, key: str, value: object, path: KeyPath) -> dict[str, object]:
        # A password may stand after the wrong one of the three keys, so no kind of value is shown.
        if type(value) is not str:
            raise ValueError(f"expected text in quotes, found {describe_kind(value)}")
        match key:
            case "password_file":
                return self._from_file(one_line(value), path)
            case "password_env":
                return {"password": self._from_variable(value)}
            case _:
                return {"password": self._from_document(value, path)}

    def _from_document(self, text: str, path: KeyPath) -> Secret:
        secret = check_secret(text)
        exposed = self.source is not None and is_world_readable(self.source)
        if exposed and path not in self.origins:
            self.warnings.append(
                (path, "every user of this machine can read it here: chmod o-r, or password_file")
            )
        return secret

    def _from_file(self, name: str, path: KeyPath) -> dict[str, object]:
        folder = Path() if self.source is None or path in self.origins else self.source.parent
        file = folder / name
        secret = read_password_file(file)
        if is_world_readable(file):
            self.warnings.append((path, f"every user of this machine can read {file}: chmod o-r"))
        return {"password": secret, "password_file": file}

    def _from_variable(self, name: str) -> Secret:
        text = read_variable(self.environ, name)
        if text is None:
            raise ValueError("the environment variable that it names is not set, or empty")
        return check_secret(text)

    def _report_missing(self, path: KeyPath) -> None:
        in_environment = path in self.origins
        choice = "expected this or LOXONE_PASSWORD_FILE" if in_environment else _CHOICE
        self.problems.append((path, f"missing: {choice}"))


def check_secret(text: str) -> Secret:
    """The text as a secret; no message shows anything of it.

    Raises:
        ValueError: It can be no password.
    """
    if not text:
        raise ValueError("expected a password, found an empty text")
    if has_control_character(text):
        raise ValueError("expected a password without line breaks and other control characters")
    return Secret(text)
