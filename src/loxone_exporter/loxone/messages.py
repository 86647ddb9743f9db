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
        announced: The length that the header told, in bytes.
    """

    identifier: int
    payload: bytes | str = field(default=b"", repr=False)
    announced: int = 0

    @property
    def is_as_announced(self) -> bool:
        """Whether the payload is as long as its header said."""
        if isinstance(self.payload, bytes) or self.payload.isascii():
            return len(self.payload) == self.announced
        return len(self.payload.encode()) == self.announced


@define
class MessageAssembler:
    """Pairs headers with payloads."""

    _header: Header | None = None
    _estimate: Header | None = None

    def feed(self, frame: bytes | str) -> Message | None:
        """Take the next frame of the WebSocket; the message that it completes, or None.

        A wrong length in a header is no reason to lose a payload.

        Raises:
            ProtocolError: The frame is neither a header nor announced by one. The next header is
                understood again.
        """
        header, self._header = self._header, None
        if header is None:
            return self._feed_header(frame)
        return Message(header.identifier, frame, header.length)

    def _feed_header(self, frame: bytes | str) -> Message | None:
        estimate, self._estimate = self._estimate, None
        try:
            header = decode_header(frame if isinstance(frame, bytes) else frame.encode())
        except ProtocolError:
            if not frame:
                return None  # the payload of a header with length 0, which needs none
            if estimate is None:
                raise
            # The exact header was left out.
            return Message(estimate.identifier, frame, estimate.length)
        if header.identifier in WITHOUT_PAYLOAD:
            return Message(header.identifier)
        if header.estimated:
            self._estimate = header
        elif header.length == 0:
            return Message(header.identifier)
        else:
            self._header = header
        return None
