"""Messages from frames: each frame with a payload follows one with a header (section 2.3)."""

from __future__ import annotations

from attrs import define, field, frozen

from loxone_exporter.errors import ProtocolError
from loxone_exporter.loxone.header import WITHOUT_PAYLOAD, Header, decode_header


@frozen
class Message:
    """One message of a Miniserver.

    Attributes:
        identifier: A member of `Identifier`, or a number that nobody knows.
        payload: What followed the header; empty where nothing does.
    """

    identifier: int
    payload: bytes | str = field(default=b"", repr=False)


@define
class MessageAssembler:
    """Pairs headers with payloads."""

    _header: Header | None = None
    _estimate: Header | None = None

    def feed(self, frame: bytes | str) -> Message | None:
        """Take the next frame of the WebSocket; the message that it completes, or None.

        A wrong length in a header is no reason to lose a payload: it is not compared.

        Raises:
            ProtocolError: The frame is neither a header nor announced by one. The next header is
                understood again.
        """
        header, self._header = self._header, None
        if header is None:
            return self._feed_header(frame)
        return Message(header.identifier, frame)

    def _feed_header(self, frame: bytes | str) -> Message | None:
        estimate, self._estimate = self._estimate, None
        try:
            header = decode_header(frame if isinstance(frame, bytes) else frame.encode())
        except ProtocolError:
            if not frame:
                return None  # the payload of a header with length 0, which needs none
            if estimate is None:
                raise
            return Message(estimate.identifier, frame)  # the exact header was left out
        if header.identifier in WITHOUT_PAYLOAD:
            return Message(header.identifier)
        if header.estimated:
            self._estimate = header
        elif header.length == 0:
            return Message(header.identifier)
        else:
            self._header = header
        return None
