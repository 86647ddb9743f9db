"""Pages as bytes, while other tasks have their turn."""

from __future__ import annotations

import zlib

import trio

from loxone_exporter.web.pages.markup import Pieces


_GZIP = 31
"""What zlib calls the format of gzip, with the largest window."""

_LEVEL = 1
"""The quickest: a page says nearly the same over and over, and gets small all the same."""


async def write(pieces: Pieces, *, gzip: bool) -> bytes:
    """Write a page down; other tasks have their turn after each piece.

    Args:
        pieces: The page.
        gzip: Whether to compress it.
    """
    compressor = zlib.compressobj(_LEVEL, wbits=_GZIP) if gzip else None
    body: list[bytes] = []
    for piece in pieces:
        if piece is not None:
            chunk = piece.encode()
            body.append(compressor.compress(chunk) if compressor else chunk)
        await trio.lowlevel.checkpoint()
    if compressor:
        body.append(compressor.flush())
    return b"".join(body)
