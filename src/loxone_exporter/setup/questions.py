"""Questions to a person at a terminal."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Sequence
from typing import TextIO, TypeVar

from attrs import frozen

from loxone_exporter.errors import StoppedError
from loxone_exporter.setup.texts import clean


Answer = TypeVar("Answer")


@frozen
class Questions:
    """Asks, and asks again until the answer can be used.

    Attributes:
        answers: Where they come from, a line each.
        prompts: Where questions go; not where results go, which may be a file.
    """

    answers: TextIO | None
    prompts: TextIO | None

    @property
    def is_answered(self) -> bool:
        """Whether there is a person to ask."""
        return self.answers is not None and self.prompts is not None and self.answers.isatty()

    def ask(self, question: str, read: Callable[[str], Answer], default: str = "") -> Answer:
        """Ask for a line.

        Args:
            question: What is wanted.
            read: Understands the answer; its ValueError says what is wrong with it.
            default: Stands for an empty answer.

        Raises:
            StoppedError: There are no answers any more.
        """
        prompt = f"{question} [{default}]: " if default else f"{question}: "
        while True:
            try:
                return read(clean(self._line(prompt)).strip() or default)
            except ValueError as error:
                self._write(f"  {error}\n")

    def ask_secret(self, question: str, read: Callable[[str], Answer]) -> Answer:
        """Likewise for what must not be seen; it is used as it is, spaces included."""
        while True:
            try:
                return read(clean(getpass.getpass(f"{question}: ", self.prompts)))
            except EOFError:
                raise _no_answer() from None
            except ValueError as error:
                self._write(f"  {error}\n")

    def choose(self, question: str, choices: Sequence[str]) -> str:
        """Ask which of some words it is to be; the last one stands for an empty answer."""

        def read(text: str) -> str:
            matching = [choice for choice in choices if choice.startswith(text.lower())]
            if len(matching) != 1:
                raise ValueError(f"expected one of: {', '.join(choices)}")
            return matching[0]

        return self.ask(f"{question} ({', '.join(choices)})", read, choices[-1])

    def _line(self, prompt: str) -> str:
        self._write(prompt)
        line = "" if self.answers is None else self.answers.readline()
        if not line:
            self._write("\n")
            raise _no_answer()
        return line.removesuffix("\n")

    def _write(self, text: str) -> None:
        if self.prompts is not None:
            self.prompts.write(text)
            self.prompts.flush()


def _no_answer() -> StoppedError:
    return StoppedError("no more answers: nothing was written")
