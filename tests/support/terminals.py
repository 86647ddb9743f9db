"""A person at a terminal, who runs `loxone-exporter`."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import struct
import sys
import termios
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import trio
from attrs import define


PATIENCE = 20.0
"""Seconds; generous, for machines that are busy with other things."""

_COLUMNS = 80


@define(eq=False)
class Terminal:
    """A terminal with one command in it.

    Attributes:
        process: The command.
        screen: All that was written so far, in the order in which it came.
    """

    process: trio.Process
    _descriptor: int
    screen: str = ""
    _read_up_to: int = 0

    async def expect(self, text: str) -> str:
        """Wait until something is written; what came since the last time, up to that."""
        with trio.fail_after(PATIENCE):
            while (place := self.screen.find(text, self._read_up_to)) < 0:
                await self._read()
        start, self._read_up_to = self._read_up_to, place + len(text)
        return self.screen[start : self._read_up_to]

    def type(self, text: str) -> None:
        """Type a line."""
        os.write(self._descriptor, f"{text}\n".encode())

    def press(self, character: str) -> None:
        """Press Ctrl and a letter."""
        os.write(self._descriptor, bytes([ord(character.upper()) - ord("@")]))

    async def end(self) -> int:
        """Wait until the command ends; its exit code."""
        with trio.fail_after(PATIENCE):
            with contextlib.suppress(EOFError):
                while True:
                    await self._read()
            return await self.process.wait()

    async def _read(self) -> None:
        await trio.lowlevel.wait_readable(self._descriptor)
        try:
            data = os.read(self._descriptor, 65536)
        except OSError:  # how Linux says that the other end is closed
            data = b""
        if not data:
            raise EOFError
        self.screen += data.decode().replace("\r\n", "\n")


def plain(text: str) -> str:
    """A text without colours."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


@contextlib.asynccontextmanager
async def terminal(
    *arguments: str | Path, folder: Path, environ: Mapping[str, str] | None = None
) -> AsyncIterator[Terminal]:
    """Run `loxone-exporter` in a terminal of its own."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, _COLUMNS, 0, 0))
    # It is the command's controlling terminal, which is where passwords are asked for.
    script = "import fcntl, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY); "
    script += "from loxone_exporter.cli import main; sys.exit(main(sys.argv[1:]))"
    process = await trio.lowlevel.open_process(
        [sys.executable, "-c", script, *map(str, arguments)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=folder,
        env={**os.environ, "TERM": "xterm", "COLUMNS": str(_COLUMNS), **(environ or {})},
        start_new_session=True,
    )
    os.close(theirs)
    try:
        yield Terminal(process, ours)
    finally:
        if process.returncode is None:
            process.kill()
        with trio.move_on_after(10, shield=True):
            await process.wait()
        os.close(ours)
