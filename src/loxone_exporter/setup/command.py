"""`init` from the first question to the last word."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from attrs import define, evolve, field, frozen

from loxone_exporter.config.load import DEFAULT_PLACES, Loaded
from loxone_exporter.config.model import Config
from loxone_exporter.errors import (
    LockedOutError,
    RejectedError,
    SessionError,
    StoppedError,
    UsageError,
)
from loxone_exporter.setup.answers import Answers, Interview, Options, PasswordPlace
from loxone_exporter.setup.draft import Draft
from loxone_exporter.setup.files import check_folder, put_in_place, refuse_to_overwrite, staged
from loxone_exporter.setup.questions import Questions
from loxone_exporter.survey.check import Checked, try_all
from loxone_exporter.survey.connection import advise_serial
from loxone_exporter.survey.terminal import Progress, Style, lines


_NOTHING_WRITTEN = "nothing was written"


@frozen
class Streams:
    """Where `init` reads and writes.

    Attributes:
        questions: Asks.
        say: Writes a line of the result.
        style: How lines of the result look.
        progress: Shows how the login gets on; None where nobody watches.
    """

    questions: Questions
    say: Callable[[str], None]
    style: Style
    progress: Progress | None = None


@define
class Setup:
    """One run of `init`."""

    _options: Options
    _environ: Mapping[str, str] = field(repr=False)
    _streams: Streams

    def run(self) -> bool:
        """Find the answers, try them, and write them down.

        Returns:
            Whether a configuration was written.

        Raises:
            UsageError: Something is missing, cannot be used, or is there already.
            ConfigurationError: Options do not fit together.
            OutputError: The files cannot be written.
            StoppedError: Somebody interrupted it, or there are no more answers.
        """
        output = Path(os.path.realpath(self._options.output))
        place = PasswordPlace.chosen(self._options, output)
        self._check_places(output, place)
        interview = Interview(self._options, place, self._environ, self._streams.questions)
        try:
            draft = self._find_draft(interview, output)
        except KeyboardInterrupt:
            raise StoppedError(f"interrupted: {_NOTHING_WRITTEN}") from None
        if draft is None:
            self._say(_NOTHING_WRITTEN)
            return False
        self._save(draft)
        return True

    def _check_places(self, output: Path, place: PasswordPlace) -> None:
        """See that files can be written, before anybody has typed anything."""
        if place.file == output:
            raise UsageError(f"{output}: the configuration and the password need a file each")
        for file in filter(None, (output, place.file)):
            if not self._options.force:
                refuse_to_overwrite(file)
            check_folder(file)

    def _find_draft(self, interview: Interview, output: Path) -> Draft | None:
        """A draft that works, or that is wanted all the same; None if there is none."""
        answers = interview.hold()
        rejected: list[Answers] = []
        while True:
            draft = Draft.of(answers, self._options, interview.place, output)
            config = draft.load().config
            if not self._options.connect:
                return draft
            checked = self._try(config)
            error = checked.visit.error
            if error is None:
                return draft.after(checked.visit)
            if not interview.questions.is_answered:
                self._say("--no-connect writes it without trying")
                return None
            if isinstance(error, RejectedError):
                rejected.append(answers)
            match _ask_what_now(interview.questions, error):
                case "again":
                    answers = interview.hold_again(answers)
                    while answers in rejected:
                        self._say("this is what was refused, and is not tried a second time")
                        answers = interview.hold_again(answers)
                case "write":
                    return draft
                case _:
                    return None

    def _try(self, config: Config) -> Checked:
        """Log in once, and say what came of it."""
        (checked,) = try_all(config, purpose="init", progress=self._streams.progress)
        facts, device = checked.facts, checked.visit.state.link.device
        if checked.visit.error is None and device is not None:
            # The file gets the serial number without anybody's doing.
            facts = tuple(fact for fact in facts if fact != advise_serial(device.serial))
        for line in lines(checked.heading, facts, self._streams.style):
            self._say(line)
        return checked

    def _save(self, draft: Draft) -> None:
        """Write the files, read them back, put them in their places, and say what to do next."""
        with staged(draft.files()) as files:
            loaded = draft.read_back(files)
            kept = put_in_place(files, force=self._options.force)
        for finding in loaded.warnings:
            self._say(f"warning: {evolve(finding, source=str(draft.output))}")
        for file in files:
            self._say(f"written: {file.path}")
        for path in kept:
            self._say(f"kept: {path}")
        for line in _next_steps(self._options.output, loaded):
            self._say(line)

    def _say(self, line: str) -> None:
        self._streams.say(line)


def _ask_what_now(questions: Questions, error: SessionError) -> str:
    if isinstance(error, LockedOutError):  # another attempt now would make it worse
        return questions.choose("Write it all the same, or quit?", ["write", "quit"])
    return questions.choose(
        "Try again, write it all the same, or quit?", ["again", "write", "quit"]
    )


def _next_steps(output: Path, loaded: Loaded) -> Iterator[str]:
    """What to type next, and what to tell Prometheus."""
    option = "" if output == DEFAULT_PLACES[0] else f" --config {shlex.quote(str(output))}"
    port = loaded.config.web.listen[0].port
    yield ""
    yield "What your user can see, and then the exporter itself:"
    yield f"  loxone-exporter check --connect{option}"
    yield f"  loxone-exporter run{option}"
    yield ""
    yield "For Prometheus, with this machine's name or address if that is another machine:"
    yield "  scrape_configs:"
    yield "    - job_name: loxone"
    yield "      scrape_interval: 15s"
    yield "      static_configs:"
    yield f'        - targets: ["localhost:{port}"]'
