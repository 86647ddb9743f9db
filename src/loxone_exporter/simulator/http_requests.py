"""HTTP requests to a simulated Miniserver (protocol reference, section 1)."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import parse_qs

from loxone_exporter.errors import ProtocolError
from loxone_exporter.simulator import commands
from loxone_exporter.simulator.answers import (
    BAD_REQUEST,
    BOOTING,
    FORBIDDEN,
    INTERNAL_ERROR,
    METHOD_NOT_ALLOWED,
    NOT_FOUND,
    OK,
    TOO_MANY_CONNECTIONS,
    UNAUTHORIZED,
    Answer,
    File,
    Reply,
    ban_page,
    error_page,
)
from loxone_exporter.simulator.commands import Command
from loxone_exporter.simulator.connection import HttpRequest, HttpResponse
from loxone_exporter.simulator.device import Client, Device
from loxone_exporter.simulator.encryption import EncryptedCommand, Encryption, parse_encrypted
from loxone_exporter.simulator.logins import token_verdict, verdict
from loxone_exporter.simulator.refusals import log_refusal


_HTML = "text/html"
_STATUSES = range(200, 1000)
_CHALLENGE = ((b"WWW-Authenticate", b'Basic realm="Loxone Miniserver"'),)


def error(code: int) -> HttpResponse:
    """The response that refuses a request."""
    headers = _CHALLENGE if code == UNAUTHORIZED else ()
    return HttpResponse(_status(code), error_page(code), _HTML, headers)


def _status(code: int) -> int:
    """An HTTP status for a code, some of which are none."""
    return code if code in _STATUSES else INTERNAL_ERROR


def respond(device: Device, request: HttpRequest, address: str) -> HttpResponse:
    """Do what one request asks for; it is recorded as a command."""
    text = request.target.removeprefix("/")
    envelope, command = None, commands.parse_command(text)
    encryption = Encryption(device.private_key, strict=False)
    undecryptable = False
    if command.name in {"sys/enc", "sys/fenc"} and device.profile.encryption:
        envelope = parse_encrypted(text)
        try:
            text = _decrypt(encryption, envelope)
        except ProtocolError:
            undecryptable = True
        command = commands.parse_command(text, encrypted=True)
    client = Client("http", address, device.http_keys)
    device.note("http", address, text, encrypted=envelope is not None)

    if device.faults.booting:
        return error(BOOTING)
    remaining = device.guard.remaining(address)
    if remaining:
        log_refusal(client, FORBIDDEN, f"banned, for another {remaining} s")
        return HttpResponse(FORBIDDEN, ban_page(address, remaining), _HTML)
    if request.method != "GET":
        return error(METHOD_NOT_ALLOWED)
    if device.faults.no_connections:
        return error(TOO_MANY_CONNECTIONS)
    code = UNAUTHORIZED if undecryptable else _authenticate(device, request, command, client)
    if code != OK:
        log_refusal(client, code, "not decryptable, or wrong credentials")
        return error(code)
    reply = commands.run(device, command, client)
    if command.name == "sys/killtoken":
        device.end_dead_sessions()
    return _write(device, command, reply, envelope, encryption)


def _decrypt(encryption: Encryption, envelope: EncryptedCommand) -> str:
    """Decrypt a command whose key comes along in its query (section 1.5)."""
    (session_key,) = parse_qs(envelope.query).get("sk", [""])[:1]
    encryption.exchange(session_key.replace(" ", "+"))
    return encryption.open(envelope.cipher)


def _authenticate(device: Device, request: HttpRequest, command: Command, client: Client) -> int:
    """Log the client in by what the request carries, if it carries anything.

    Returns:
        200, or the code of the refusal.
    """
    authorization = request.header("authorization")
    if "autht" in command.query:
        user = command.query.get("user", "")
        token = device.accounts.check_token(user, command.query["autht"], client.keys)
        client.token = token
        client.account = None if token is None else token.account
        code = token_verdict(device, token)
    elif authorization:
        client.account = device.accounts.check_password(*_basic_credentials(authorization))
        code = verdict(device, client.account)
    else:
        return OK
    if code == UNAUTHORIZED:
        device.guard.failed(client.address)
    return code


def _basic_credentials(authorization: str) -> tuple[str, str]:
    """Name and password, which must be UTF-8 (section 1.5); empty where they are not."""
    try:
        text = base64.b64decode(authorization.partition(" ")[2], validate=True).decode()
    except (binascii.Error, ValueError):
        return "", ""
    name, _, password = text.partition(":")
    return name, password


def _write(
    device: Device,
    command: Command,
    reply: Reply,
    envelope: EncryptedCommand | None,
    encryption: Encryption,
) -> HttpResponse:
    is_sealed = envelope is not None and envelope.kind == "fenc"
    if isinstance(reply, File) and is_sealed:
        reply = Answer(code=BAD_REQUEST)  # section 2.4 says so of the structure file
    if isinstance(reply, File):
        return HttpResponse(OK, reply.content, reply.media_type)
    if reply.status in {FORBIDDEN, NOT_FOUND} or (
        reply.status == UNAUTHORIZED and not reply.compact
    ):
        return error(reply.status)
    outer = envelope.control if envelope is not None and not is_sealed else None
    text = commands.write_answer(reply, command, device.codes, outer_control=outer, http=True)
    if is_sealed:
        return HttpResponse(_status(reply.status), encryption.seal(text).encode(), "text/plain")
    media_type = "text/xml" if command.wants_xml else "application/json"
    return HttpResponse(_status(reply.status), text.encode(), media_type)
