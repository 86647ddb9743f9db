"""The exporter's configuration, laid out as Kubernetes lays out a ConfigMap.

The file is a link to `..data/FILE`, and `..data` a link to a folder; what is new is put into
another folder, and `..data` is replaced by a link to that.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from attrs import define, field


NAME: Final = "loxone-exporter.toml"

_DATA: Final = "..data"


@define(eq=False)
class ConfigFile:
    """A file that changes.

    Attributes:
        folder: Where it lies.
    """

    folder: Path
    _versions: Iterator[int] = field(factory=itertools.count)

    @property
    def path(self) -> Path:
        """What the exporter is told."""
        return self.folder / NAME

    def swap(self, text: bytes) -> None:
        """Replace it as the kubelet does."""
        data = self.folder / _DATA
        before = data.resolve() if data.is_symlink() else None
        version = self.folder / f"..{next(self._versions):06d}"
        version.mkdir()
        (version / NAME).write_bytes(text)
        new = self.folder / "..data_tmp"
        new.symlink_to(version.name)
        new.replace(data)
        if not self.path.is_symlink():
            self.path.symlink_to(Path(_DATA, NAME))
        if before is not None:
            shutil.rmtree(before)

    def overwrite(self, text: bytes) -> None:
        """Write it anew where it is, as some editors do."""
        self.path.resolve().write_bytes(text)

    def remove(self) -> None:
        """Take it away."""
        self.path.resolve().unlink()
