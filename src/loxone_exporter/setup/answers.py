"""What has to be known for a configuration file, and where it comes from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, TypeVar

from attrs import evolve, field, frozen

from loxone_exporter.config.checks import one_line
from loxone_exporter.config.environment import read_variable
from loxone_exporter.config.model import TlsMode
from loxone_exporter.config.passwords import check_secret, read_password_file
from loxone_exporter.config.secret import Secret
from loxone_exporter.errors import UsageError
from loxone_exporter.setup.address import WrittenAddress, parse_address
from loxone_exporter.setup.questions import Questions
from loxone_exporter.setup.texts import clean


_PASSWORD_VARIABLE: Final = "LOXONE_PASSWORD"  # noqa: S105  # a name
"""The environment variable that a password is taken from, as everywhere in this program."""

_ADDRESS: Final = "Address of the Miniserver, as in a browser"
_USERNAME: Final = "Loxone user"
_PASSWORD: Final = "Password, which is not shown"  # noqa: S105  # a question
_SAME: Final = "as before"
_NAME: Final = "home"

Answer = TypeVar("Answer")


@frozen(kw_only=True)
class Options:
    """What the command line says; None where it says nothing.

    Attributes:
        host: The Miniserver's address, as people write it.
        port: The port of the web interface, unless the address has one.
        tls_port: Likewise, the one for TLS.
        tls: How TLS is used, whatever the address says.
        tls_ca_file: Who issued the Miniserver's certificate.
        username: The Loxone user.
        name: What the Miniserver is to be called.
        password_file: Where the password is, or is to be.
        password_env: The environment variable that has it.
        password_inline: Whether it is to stand in the configuration file itself.
        output: The configuration file.
        force: Whether files that are there may be replaced.
        connect: Whether to try everything before it is written.
    """

    host: str | None = None
    port: int | None = None
    tls_port: int | None = None
    tls: TlsMode | None = None
    tls_ca_file: Path | None = None
    username: str | None = None
    name: str | None = None
    password_file: Path | None = None
    password_env: str | None = None
    password_inline: bool = False
    output: Path = Path("loxone-exporter.toml")
    force: bool = False
    connect: bool = True


@frozen(kw_only=True)
class PasswordPlace:
    """Where the exporter is to find the password.

    Attributes:
        key: The key of the configuration that says it.
        value: What it says there; empty where that is the password itself.
        file: The file that is to be written; None if none is.
        is_taken: Whether there is a password already, which is used as it is.
    """

    key: str
    value: str = ""
    file: Path | None = None
    is_taken: bool = False

    @classmethod
    def chosen(cls, options: Options, output: Path) -> PasswordPlace:
        """The place that the options ask for.

        Args:
            options: What the command line says.
            output: The configuration file.
        """
        if options.password_inline:
            return cls(key="password")
        if options.password_env is not None:
            return cls(key="password_env", value=options.password_env, is_taken=True)
        if options.password_file is None:
            file = output.with_suffix(".password")
            return cls(key="password_file", value=file.name, file=file)
        file = options.password_file.absolute()
        if file.exists():
            return cls(key="password_file", value=str(file), is_taken=True)
        return cls(key="password_file", value=str(file), file=file)


@frozen(kw_only=True)
class Answers:
    """All that has to be known.

    Attributes:
        address: The Miniserver's.
        username: The Loxone user.
        password: That user's.
        name: What the Miniserver is called.
    """

    address: WrittenAddress
    username: str
    password: Secret = field(repr=False)
    name: str


@frozen
class Interview:
    """Finds the answers: from the options, the environment, or by asking.

    Attributes:
        options: What the command line says.
        place: Where the password is to be found later on.
        environ: The environment.
        questions: Where to ask, if somebody is there.
    """

    options: Options
    place: PasswordPlace
    environ: Mapping[str, str] = field(repr=False)
    questions: Questions

    def hold(self) -> Answers:
        """Find all answers.

        Raises:
            UsageError: Options cannot be used, or something is missing and nobody can be asked.
            ConfigurationError: The file with the password cannot be used.
            StoppedError: There are no more answers.
        """
        options, questions = self.options, self.questions
        address = _from_option("--host", options.host, parse_address)
        username = _from_option("--username", options.username, one_line)
        name = _from_option("--name", options.name, one_line)
        password = self._known_password()
        if not questions.is_answered:
            self._refuse_gaps(address, username, password)
            name = name or _NAME
        return Answers(
            address=address or questions.ask(_ADDRESS, parse_address),
            username=username or questions.ask(_USERNAME, one_line),
            password=password or questions.ask_secret(_PASSWORD, check_secret),
            name=name or questions.ask("Name of the Miniserver in the metrics", one_line, _NAME),
        )

    def hold_again(self, before: Answers) -> Answers:
        """Ask once more, after answers that did not work."""
        questions = self.questions
        address = questions.ask(
            _ADDRESS, lambda text: before.address if text == _SAME else parse_address(text), _SAME
        )
        username = questions.ask(_USERNAME, one_line, before.username)
        if self.place.is_taken:
            password = self._known_password() or before.password
        else:
            password = questions.ask_secret(
                f"{_PASSWORD} [{_SAME}]",
                lambda text: check_secret(text) if text else before.password,
            )
        return evolve(before, address=address, username=username, password=password)

    def _known_password(self) -> Secret | None:
        """The password, if it need not be asked for."""
        place = self.place
        if place.is_taken and place.key == "password_file":
            return read_password_file(Path(place.value))
        variable = place.value if place.is_taken else _PASSWORD_VARIABLE
        try:
            text = read_variable(self.environ, variable)
            password = None if text is None else check_secret(text)
        except ValueError as error:
            raise UsageError(f"the environment variable {variable}: {error}") from None
        if password is None and place.is_taken:
            raise UsageError(
                f"the environment variable {variable} has no password: set it, and name it again"
            )
        return password

    @staticmethod
    def _refuse_gaps(
        address: WrittenAddress | None, username: str | None, password: Secret | None
    ) -> None:
        gaps = [
            option
            for option, answer in (
                ("--host", address),
                ("--username", username),
                ("the password (--password-file, --password-env, LOXONE_PASSWORD)", password),
            )
            if answer is None
        ]
        if gaps:
            raise UsageError(f"nobody can be asked without a terminal: {', '.join(gaps)} missing")


def _from_option(option: str, text: str | None, read: Callable[[str], Answer]) -> Answer | None:
    if text is None:
        return None
    try:
        return read(clean(text))
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from None
