"""Stylesheet, script and icon of the page, as they are sent."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from attrs import frozen


_TYPES: Final = {
    "page.css": "text/css; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}


@frozen
class StaticFile:
    """One of the files.

    Attributes:
        body: What is in it.
        content_type: What that is.
    """

    body: bytes
    content_type: str

    @property
    def version(self) -> str:
        """Tells it from what it was or will be."""
        return f"{zlib.crc32(self.body):08x}"


@frozen
class StaticFiles:
    """The files, by the paths that they are served at."""

    by_path: Mapping[str, StaticFile]

    @classmethod
    def read(cls) -> StaticFiles:
        """Read them from the package."""
        folder = Path(__file__).parent / "static"
        return cls(
            {
                f"/static/{name}": StaticFile((folder / name).read_bytes(), content_type)
                for name, content_type in _TYPES.items()
            }
        )

    def url(self, name: str) -> str:
        """The address of a file, from the page's own; another one when the file is another."""
        return f"static/{name}?{self.by_path[f'/static/{name}'].version}"
