"""Writing files whole or not at all.

A file is written beside its place under another name, and takes its place in one step: whatever
happens meanwhile, there is the old file, or the new one, or none, but never a part of one.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import secrets
import shutil
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final

from attrs import field, frozen

from loxone_exporter.errors import OutputError, UsageError


_NOT_FOR_OTHERS: Final = 0o770


@frozen
class NewFile:
    """A file to be written.

    Attributes:
        path: Its place.
        content: What is in it.
        is_secret: Whether only its owner may read it.
    """

    path: Path
    content: str = field(repr=False)
    is_secret: bool


@frozen
class StagedFile:
    """A file that is written, and not in its place yet.

    Attributes:
        staged: Where it is.
        path: Its place.
    """

    staged: Path
    path: Path

    def put_in_place(self) -> None:
        """Take the place; what is there is gone."""
        self.staged.replace(self.path)


def refuse_to_overwrite(path: Path) -> None:
    """See that a place is free.

    Raises:
        UsageError: There is something.
    """
    if os.path.lexists(path):
        raise UsageError(
            f"{path} is there already: --force replaces it and keeps the old one beside it"
        )


def check_folder(path: Path) -> None:
    """See early whether a file can be written, before anybody takes pains.

    Raises:
        OutputError: There is no such folder, or nothing can be written into it.
    """
    folder = path.parent
    if not folder.is_dir():
        raise OutputError(f"cannot write {path}: there is no folder {folder}; make it first")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"cannot write {path}: {os.strerror(errno.EACCES)}")


@contextlib.contextmanager
def staged(files: Sequence[NewFile]) -> Iterator[list[StagedFile]]:
    """Write files beside their places; what is not put in place within the block is removed.

    Raises:
        OutputError: One of them cannot be written.
    """
    written: list[StagedFile] = []
    try:
        for file in files:
            with _translated(file.path):
                name = f".{file.path.name}.{secrets.token_hex(4)}"
                written.append(StagedFile(file.path.with_name(name), file.path))
                _write(written[-1].staged, file)
        yield written
    finally:
        for each in written:
            each.staged.unlink(missing_ok=True)


def put_in_place(files: Sequence[StagedFile], *, force: bool) -> list[Path]:
    """Put staged files in their places, in this order; a signal has to wait meanwhile.

    Args:
        files: Those that belong together, first what the others refer to.
        force: Whether what is there already is replaced; it is kept under another name.

    Returns:
        Where that is.

    Raises:
        UsageError: Something is there already, since a moment ago.
        OutputError: It cannot be done.
    """
    kept = []
    with _undisturbed():
        for file in files:
            if not force:
                refuse_to_overwrite(file.path)
        for file in files:
            with _translated(file.path):
                if os.path.lexists(file.path):
                    kept.append(_keep(file.path))
        for file in files:
            with _translated(file.path):
                file.put_in_place()
                _sync_folder(file.path.parent)
    return kept


def _write(place: Path, file: NewFile) -> None:
    mode = 0o600 if file.is_secret else 0o644  # of which the process's umask takes its share
    descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(file.content.encode())
        _take_over_access(descriptor, file)
        stream.flush()
        os.fsync(descriptor)


def _take_over_access(descriptor: int, file: NewFile) -> None:
    """Let the same people read the new file who could read the old one, but for everybody."""
    with contextlib.suppress(FileNotFoundError, PermissionError):
        old = file.path.stat()
        os.fchown(descriptor, old.st_uid, old.st_gid)
        os.fchmod(descriptor, old.st_mode & (_NOT_FOR_OTHERS if file.is_secret else 0o777))


def _keep(path: Path) -> Path:
    """Copy a file to a name beside it that is free."""
    with path.open("rb") as source:
        copy, target = _open_free_name(path)
        try:
            with target:
                shutil.copyfileobj(source, target)
                shutil.copystat(path, copy)
                target.flush()
                os.fsync(target.fileno())
        except BaseException:
            copy.unlink()
            raise
    return copy


def _open_free_name(path: Path) -> tuple[Path, BinaryIO]:
    for number in itertools.count(1):
        copy = path.with_name(f"{path.name}.bak{number if number > 1 else ''}")
        with contextlib.suppress(FileExistsError):
            descriptor = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            return copy, os.fdopen(descriptor, "wb")  # the caller closes it
    raise AssertionError("there is always another number")


def _sync_folder(folder: Path) -> None:
    """Make the names in a folder last, too."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from error


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    signals = {signal.SIGINT, signal.SIGTERM}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
