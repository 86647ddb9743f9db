"""What of the messages that arrive is the answer to a command.

A reader returns the answer, or None for what is something else.
"""

from __future__ import annotations

import logging
from typing import Final

from loxone_exporter.errors import NoAnswerError, ProtocolError
from loxone_exporter.loxone import commands
from loxone_exporter.loxone.echoes import is_of_another_command
from loxone_exporter.loxone.header import Identifier
from loxone_exporter.loxone.messages import Message
from loxone_exporter.loxone.replies import Reply, begins_as_reply, parse_reply
from loxone_exporter.miniserver.failures import TOO_LATE, Phase, answer


_OPENING: Final = 24

_logger = logging.getLogger(__name__)


def read_reply(message: Message, command: str, *, is_secret: bool) -> Reply | None:
    """Read the answer to a command.

    Args:
        message: Whatever came.
        command: What was sent.
        is_secret: Whether errors show nothing of the answer.

    Raises:
        NoAnswerError: A text that is no answer to anything.
        ProtocolError: An answer that makes no sense.
    """
    if message.identifier != Identifier.TEXT:
        return None
    try:
        reply = parse_reply(message.payload)
    except ProtocolError as error:
        kind = ProtocolError if begins_as_reply(message.payload) else NoAnswerError
        raise kind("the answer makes no sense" if is_secret else str(error)) from None
    return None if _is_of_another_command(reply, command) else reply


def read_structure(message: Message) -> bytes | str | None:
    """Read the structure file.

    Raises:
        SessionError: There is a failure in its place.
        ProtocolError: There is something else in its place.
    """
    payload = message.payload
    opening = payload[:_OPENING]
    text = opening.decode("utf-8", errors="replace") if isinstance(opening, bytes) else opening
    if not text.lstrip("\ufeff \r\n\t").startswith("{"):
        return None  # some other file, unasked for
    if begins_as_reply(payload):
        reply = parse_reply(payload)
        if _is_of_another_command(reply, commands.STRUCTURE_FILE):
            return None
        failure = answer(reply, "the structure file", Phase.SESSION)
        raise failure or ProtocolError("an answer in place of the file")
    return payload


def _is_of_another_command(reply: Reply, command: str) -> bool:
    # Encrypted commands are repeated in too many ways (section 3.2); and that the login took too
    # long is said to whatever was asked.
    if reply.code == TOO_LATE or commands.is_encrypted(command):
        return False
    is_other = is_of_another_command(reply.control, command)
    if is_other:
        _logger.debug("passed over an answer to another command")
    return is_other
