"""The commands of a simulated Miniserver, the same over HTTP and over the WebSocket.

What belongs to a connection is with the connection: key exchange, encryption, keepalive and
subscription in `session.py`, authentication of HTTP requests in `http_requests.py`.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from urllib.parse import unquote

from attrs import frozen

from loxone_exporter.simulator import device_files, diagnostics, logins, objects
from loxone_exporter.simulator.answer_faults import spoil_answer
from loxone_exporter.simulator.answers import (
    BAD_REQUEST,
    FORBIDDEN,
    NOT_FOUND,
    TOO_MANY_CONNECTIONS,
    UNAUTHORIZED,
    Answer,
    File,
    Reply,
    api_key_value,
    api_value,
    echo,
    render,
    render_xml,
)
from loxone_exporter.simulator.device import Client, Device
from loxone_exporter.simulator.parsing import Command, parse_command
from loxone_exporter.simulator.profile import Codes, Profile
from loxone_exporter.simulator.refusals import log_reply
from loxone_exporter.simulator.structure_faults import spoil_structure
from loxone_exporter.simulator.structure_file import fit_structure


__all__ = [
    "LOGINS",
    "STRUCTURE_FILE",
    "SUBSCRIBE",
    "Command",
    "is_rejected",
    "parse_command",
    "run",
    "write_answer",
]

SUBSCRIBE = "sps/enablebinstatusupdate"
STRUCTURE_FILE = "data/loxapp3.json"
LOGINS = frozenset(
    {"sys/getjwt", "sys/gettoken", "authwithtoken", "authenticate", "authenticateenc"}
)
"""Commands that log in: where they fail, a login failed."""


class Access(enum.Enum):
    """Who may use a command."""

    ANYONE = enum.auto()
    USER = enum.auto()
    ADMIN = enum.auto()
    NOBODY = enum.auto()


Run = Callable[[Device, Command, Client], Reply]


@frozen
class _Entry:
    """One command.

    Attributes:
        run: What it does.
        arguments: How many it takes; None for any number.
        http: Who may use it over HTTP.
        websocket: Who may use it over the WebSocket.
        since: The first firmware that has it.
        until: The first firmware that has it no more.
    """

    run: Run
    arguments: int | None = 0
    http: Access = Access.USER
    websocket: Access = Access.USER
    since: tuple[int, ...] = ()
    until: tuple[int, ...] | None = None

    def exists_in(self, profile: Profile) -> bool:
        """Whether a device's firmware has the command."""
        gone = self.until is not None and profile.knows(self.until)
        return profile.knows(self.since) and not gone


def run(device: Device, command: Command, client: Client) -> Reply:
    """Do what a client asks for, or say why not.

    A login sets the client's account and token. Failed logins are counted.
    """
    entry = _COMMANDS.get(command.name) or _diagnostic(device, command.name)
    code = _refusal(device, entry, command, client)
    if entry is None or code is not None:
        return _refused(device, command, client, code or NOT_FOUND)
    if command.name in LOGINS and device.faults.no_connections:
        return _refused(device, command, client, TOO_MANY_CONNECTIONS)
    reply = entry.run(device, command, client)
    log_reply(device, command, client, reply)
    if command.name in LOGINS and is_rejected(reply):
        device.guard.failed(client.address)
    return spoil_answer(reply, command.name, device.faults)


def _refused(device: Device, command: Command, client: Client, code: int) -> Reply:
    reply = Answer(code=code)
    log_reply(device, command, client, reply)
    return reply


def _refusal(device: Device, entry: _Entry | None, command: Command, client: Client) -> int | None:
    """The code that answers who may not use a command, or uses it wrongly."""
    access = Access.USER
    if entry is not None:
        access = entry.http if client.channel == "http" else entry.websocket
    if access is Access.NOBODY and client.channel == "websocket":
        return BAD_REQUEST
    if access is not Access.ANYONE and client.account is None:
        return UNAUTHORIZED if client.channel == "http" else BAD_REQUEST
    if entry is None or access is Access.NOBODY or not entry.exists_in(device.profile):
        return NOT_FOUND
    if access is Access.ADMIN and not (client.account and client.account.admin):
        return FORBIDDEN
    if entry.arguments not in {None, len(command.arguments)}:
        return BAD_REQUEST
    return None


def is_rejected(reply: Reply) -> bool:
    """Whether a login failed for its credentials."""
    return isinstance(reply, Answer) and reply.code == UNAUTHORIZED


def write_answer(
    answer: Answer,
    command: Command,
    codes: Codes,
    *,
    outer_control: str | None = None,
    http: bool = False,
) -> str:
    """Write the answer to a command.

    Args:
        answer: The answer.
        command: The command.
        codes: The type of the codes.
        outer_control: The control of the `enc` that carried the command: answers in the older form
            repeat that instead of the command (section 3.2).
        http: Whether the answer goes over HTTP.
    """
    control = unquote(command.text)
    if command.wants_xml:
        return render_xml(answer, control)
    if not answer.compact:
        control = echo(control) if outer_control is None else outer_control
    return render(answer, control, codes=codes, http=http)


def _diagnostic(device: Device, name: str) -> _Entry | None:
    if name == "sys/temperature" and device.profile.generation > 1:
        return _Entry(_temperature)
    value = diagnostics.values(device.presented).get(name)
    if value is None:
        return None
    access = Access.ADMIN if name in diagnostics.ADMIN_ONLY else Access.USER
    return _Entry(lambda *_: Answer(value), http=access, websocket=access)


def _api(device: Device, _command: Command, _client: Client) -> Reply:
    return Answer(api_value(device.presented, slots_left=device.slots_left))


def _api_key(device: Device, _command: Command, client: Client) -> Reply:
    return Answer(api_key_value(device.presented, key=client.keys.issue()))


def _certificate(device: Device, _command: Command, _client: Client) -> Reply:
    certificates = logins.key_certificates(device)
    if certificates is None:
        return Answer(code=NOT_FOUND)
    return File(certificates, "text/plain")


def _structure_version(device: Device, _command: Command, _client: Client) -> Reply:
    return Answer(device.house.last_modified)


def _structure_file(device: Device, _command: Command, _client: Client) -> Reply:
    structure = fit_structure(device.house.structure, device.presented, device.faults.serial)
    content = spoil_structure(structure, device.faults)
    return File(content, "application/json", is_structure=True)


def _status_file(device: Device, _command: Command, _client: Client) -> Reply:
    return File(device_files.status_xml(device.presented, device.local_time()), "text/xml")


def _log_file(device: Device, command: Command, _client: Client) -> Reply:
    if command.arguments[0].lower() != "def.log":
        return Answer(code=NOT_FOUND)
    return File(device_files.log_file(device.presented, device.local_time()), "text/plain")


def _subscribe(_device: Device, _command: Command, _client: Client) -> Reply:
    return Answer("1")


def _mac(device: Device, _command: Command, _client: Client) -> Reply:
    return Answer(device.presented.colon_serial)


def _version(device: Device, _command: Command, _client: Client) -> Reply:
    return Answer(device.profile.firmware)


def _date(device: Device, _command: Command, _client: Client) -> Reply:
    return Answer(device.local_time().strftime("%Y-%m-%d"))


def _time(device: Device, _command: Command, _client: Client) -> Reply:
    return Answer(device.local_time().strftime("%H:%M:%S"))


def _statistics(_device: Device, command: Command, _client: Client) -> Reply:
    """How often the devices of an extension failed; line ends are not escaped (section 6.2)."""
    text = diagnostics.STATISTICS.get(command.arguments[0].upper(), "")
    return Answer(text, defects=frozenset({"raw control characters"}))


def _temperature(_device: Device, _command: Command, _client: Client) -> Reply:
    return File(diagnostics.TEMPERATURE, "text/plain")


_ANYONE, _USER, _ADMIN, _NOBODY = Access

_COMMANDS = {
    "cfg/api": _Entry(_api, http=_ANYONE),
    "cfg/apikey": _Entry(_api_key, http=_ANYONE),
    "cfg/mac": _Entry(_mac, http=_ANYONE),
    "cfg/version": _Entry(_version),
    "sys/date": _Entry(_date, http=_ADMIN, websocket=_ADMIN),
    "sys/time": _Entry(_time, http=_ADMIN, websocket=_ADMIN),
    "sys/extstatistics": _Entry(_statistics, 1),
    "sys/getpublickey": _Entry(logins.public_key, http=_ANYONE, websocket=_NOBODY),
    "sys/getcertificate": _Entry(_certificate, 0, _ANYONE, _NOBODY, since=(15, 2)),
    "sys/getkey": _Entry(logins.get_key, http=_ANYONE, websocket=_ANYONE),
    "sys/getkey2": _Entry(logins.get_key2, 1, _ANYONE, _ANYONE, since=(9,)),
    "sys/gettoken": _Entry(logins.get_token, 5, _ANYONE, _ANYONE, since=(9,)),
    "sys/getjwt": _Entry(logins.get_token, 5, _ANYONE, _ANYONE, since=(10, 2)),
    "authwithtoken": _Entry(logins.auth_with_token, 2, _NOBODY, _ANYONE, since=(9,)),
    "authenticate": _Entry(logins.authenticate, 1, _NOBODY, _ANYONE, until=(9, 3)),
    "authenticateenc": _Entry(logins.authenticate, 2, _NOBODY, _ANYONE, until=(9, 3)),
    "sys/refreshjwt": _Entry(logins.refresh, 2, _ANYONE, since=(10, 2)),
    "sys/refreshtoken": _Entry(logins.refresh, 2, _ANYONE, since=(10, 0, 9, 13)),
    "sys/checktoken": _Entry(logins.check_token, 2, _ANYONE, since=(10,)),
    "sys/killtoken": _Entry(logins.kill_token, 2, _ANYONE, since=(9,)),
    "sps/loxappversion3": _Entry(_structure_version),
    STRUCTURE_FILE: _Entry(_structure_file),
    SUBSCRIBE: _Entry(_subscribe, http=_NOBODY),
    "sps/io": _Entry(objects.io, None),
    "sps/ios": _Entry(objects.refused, None),
    "sys/reboot": _Entry(objects.refused, None),
    "sys/ntp": _Entry(objects.refused, None),
    "data/status": _Entry(_status_file, websocket=_NOBODY),
    "fsget/log": _Entry(_log_file, 1, _ADMIN, _ADMIN),
}
