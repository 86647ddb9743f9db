"""A configuration file that is about to be written."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from attrs import evolve, frozen

from loxone_exporter.config.load import Loaded, load_config, load_document
from loxone_exporter.config.template import write_document
from loxone_exporter.errors import OutputError
from loxone_exporter.setup.answers import Answers, Options, PasswordPlace
from loxone_exporter.setup.files import NewFile, StagedFile
from loxone_exporter.state import Security
from loxone_exporter.survey.visit import Visit


@frozen
class Draft:
    """The configuration for one Miniserver.

    Attributes:
        output: Where it is to be written.
        table: Its `[[miniservers]]` table, without what is about the password.
        answers: What it was made of.
        place: Where the password is found.
    """

    output: Path
    table: Mapping[str, object]
    answers: Answers
    place: PasswordPlace

    @classmethod
    def of(cls, answers: Answers, options: Options, place: PasswordPlace, output: Path) -> Draft:
        """What answers and options amount to.

        Args:
            answers: What was asked for.
            options: What the command line says, where the address says nothing.
            place: Where the password is found.
            output: Where it is to be written.
        """
        address = answers.address
        table = {
            "name": answers.name,
            "host": address.host,
            "port": address.port or options.port,
            "tls_port": address.tls_port or options.tls_port,
            "tls": options.tls or address.tls,
            "tls_ca_file": str(options.tls_ca_file.absolute()) if options.tls_ca_file else None,
            "username": answers.username,
        }
        told = {key: value for key, value in table.items() if value is not None}
        return cls(output, told, answers, place)

    def load(self) -> Loaded:
        """The configuration as it would be loaded.

        Raises:
            ConfigurationError: Its parts do not fit together.
        """
        table = {**self.table, "password": self.answers.password.reveal()}
        return load_document({"miniservers": [table]}, self.output, {})

    def after(self, visit: Visit) -> Draft:
        """The same with what a visit has found out: who it is, and whether there is TLS.

        Args:
            visit: One that went well.
        """
        found: dict[str, object] = {}
        link = visit.state.link
        if link.device is not None:
            found["serial"] = link.device.serial
        if link.security not in {None, Security.PLAIN}:
            found["tls"] = "required"
        return Draft(self.output, {**found, **self.table}, self.answers, self.place)

    def files(self) -> list[NewFile]:
        """What has to be written, first what the rest refers to."""
        place, password = self.place, self.answers.password.reveal()
        text = write_document(self._whole_table())
        files = [NewFile(self.output, text, is_secret=not place.value)]
        if place.file is not None:
            files.insert(0, NewFile(place.file, f"{password}\n", is_secret=True))
        return files

    def read_back(self, files: Sequence[StagedFile]) -> Loaded:
        """Load what was written, before it is in its place.

        Args:
            files: What `files` became.

        Raises:
            ConfigurationError: It cannot be used.
            OutputError: It is not what was meant.
        """
        *others, config_file = (file.staged for file in files)
        environ = {}
        if others:
            environ["LOXONE_PASSWORD_FILE"] = str(others[0])
        elif self.place.key == "password_env":
            environ[self.place.value] = self.answers.password.reveal()
        loaded = load_config(config_file, environ)
        (found,) = loaded.config.miniservers
        (meant,) = self.load().config.miniservers
        written = tomllib.loads(config_file.read_text(encoding="utf-8"))["miniservers"]
        if evolve(found, password_file=None) != meant or written != [self._whole_table()]:
            raise OutputError(f"{self.output} would not say what it should: it was not written")
        return loaded

    def _whole_table(self) -> dict[str, object]:
        place = self.place
        return {**self.table, place.key: place.value or self.answers.password.reveal()}
