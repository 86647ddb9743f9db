"""Reading the files that a configuration consists of."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import TypeAlias


Print: TypeAlias = tuple[int, ...] | None
"""What tells two versions of a file apart without reading them; None of one that is not there."""


def read_bytes(path: Path) -> bytes:
    """The whole file.

    Raises:
        ValueError: It cannot be read; the message says why.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None
    except ValueError as error:  # a NUL in the path
        raise ValueError(f"cannot be read: {error}") from None


def read_text(path: Path) -> str:
    """The whole file as text, line endings untouched, without the byte order mark of Windows.

    Raises:
        ValueError: It cannot be read or is not UTF-8; the message says why and shows nothing of it.
    """
    data = read_bytes(path)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ValueError(f"not UTF-8 text, in line {line}: save it as UTF-8") from None


def print_of(path: Path) -> Print:
    """The present file's; symbolic links are followed.

    Kubernetes swaps a link some folders up when a ConfigMap or a Secret changes; the file under the
    same path is another one then.
    """
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def is_world_readable(path: Path) -> bool:
    """Whether every user of this machine may read the file.

    A symbolic link is taken as what Kubernetes makes of secrets and configuration maps: the volume
    around it decides who reads it, not the file's mode.
    """
    try:
        return not path.is_symlink() and bool(path.stat().st_mode & stat.S_IROTH)
    except OSError:
        return False
