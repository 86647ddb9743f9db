"""The structure file over HTTP, where a text that is no UTF-8 does no harm (section 1.5)."""

from __future__ import annotations

from typing import Final

from loxone_exporter.errors import ProtocolError, StructureError
from loxone_exporter.loxone import commands
from loxone_exporter.loxone.crypto import hash_token
from loxone_exporter.loxone.replies import (
    OK,
    Reply,
    begins_as_reply,
    parse_error_page,
    parse_reply,
)
from loxone_exporter.miniserver.conversation import LIMIT, within
from loxone_exporter.miniserver.failures import answer, refusal
from loxone_exporter.miniserver.http import HttpAnswer, HttpClient
from loxone_exporter.miniserver.link import Link
from loxone_exporter.miniserver.memory import HeldToken
from loxone_exporter.miniserver.transport import MAX_MESSAGE


_NOT_TO_BE_HAD: Final = frozenset({400, 401, 403, 404})
"""What says that this user is not given the file that way. To an address that is locked out, 403
says something else, and for how long."""

_FILE = f"/{commands.STRUCTURE_FILE}"
_KEY = f"/{commands.ONE_TIME_KEY}"


async def fetch_structure(link: Link, token: HeldToken | None, user: str) -> bytes:
    """Ask for the structure file.

    Args:
        link: The way to the Miniserver.
        token: Its hash stands for the login; None where there is no token.
        user: Whose token it is.

    Raises:
        StructureError: It is not to be had that way either.
        SessionError: It is not to be had at present.
    """
    if token is None:
        raise StructureError("the structure file is no UTF-8, and HTTP needs a token")
    try:
        async with HttpClient(link) as http:
            with within(LIMIT, "structure file over HTTP"):
                key = _read_key(await http.get(commands.ONE_TIME_KEY))
                command = commands.structure_file_by_token(
                    hash_token(token.text, key, token.algorithm), user
                )
                return _read_file(await http.get(command, max_body=MAX_MESSAGE))
    except ProtocolError as error:
        raise StructureError(f"the structure file is no UTF-8; over HTTP: {error}") from error


def _read_key(response: HttpAnswer) -> str:
    _check(response, _KEY)
    reply = parse_reply(response.body)
    _check_code(reply, _KEY)
    return str(reply.value)


def _read_file(response: HttpAnswer) -> bytes:
    _check(response, _FILE)
    if begins_as_reply(response.body):
        _check_code(parse_reply(response.body), _FILE)
        raise ProtocolError("an answer in place of the file")
    return response.body


def _check(response: HttpAnswer, asked_for: str) -> None:
    is_json = response.body.lstrip().startswith(b"{")
    page = None if is_json else parse_error_page(response.body)
    status = page.code if page is not None and response.status == OK else response.status
    if status == OK:
        return
    if status in _NOT_TO_BE_HAD and (page is None or page.remaining is None):
        raise ProtocolError(f"status {status} in answer to {asked_for}")
    raise refusal(response.status, response.body, asked_for, response.location)


def _check_code(reply: Reply, asked_for: str) -> None:
    if reply.code in _NOT_TO_BE_HAD:
        raise ProtocolError(f"code {reply.code} in answer to {asked_for}")
    failure = answer(reply, asked_for)
    if failure is not None:
        raise failure
