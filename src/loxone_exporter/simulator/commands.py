"""The commands of a simulated Miniserver, the same over HTTP and over the WebSocket.

What belongs to a connection is with the connection: key exchange, encryption, keepalive and
subscription in `session.py`, authentication of HTTP requests in `http_requests.py`.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Callable
from urllib.parse import parse_qsl, unquote

from attrs import frozen

from loxone_exporter.simulator import diagnostics
from loxone_exporter.simulator.accounts import PERMISSION_APP, PERMISSION_WEB, Account, Token
from loxone_exporter.simulator.answers import (
    BAD_REQUEST,
    FORBIDDEN,
    NOT_FOUND,
    OK,
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
from loxone_exporter.simulator.profile import Codes, Profile


SUBSCRIBE = "sps/enablebinstatusupdate"
STRUCTURE_FILE = "data/loxapp3.json"
LOGINS = frozenset({"sys/getjwt", "sys/gettoken", "authwithtoken", "authenticate"})
"""Commands that log in: where they fail, a login failed."""

_NEVER_CHANGED = {"lastEdit": "2009-01-01 00:00:00", "unix": 1230768000}


@frozen
class Command:
    """A command, taken apart.

    Attributes:
        text: As it was sent, without the query.
        name: Lower-case, without `jdev/` and without arguments: `sys/getjwt`.
        arguments: What follows the name, percent-decoded.
        query: What follows a question mark.
        wants_xml: It began with `dev/`.
        encrypted: It came encrypted.
    """

    text: str
    name: str
    arguments: tuple[str, ...]
    query: dict[str, str]
    wants_xml: bool
    encrypted: bool


def parse_command(text: str, *, encrypted: bool = False) -> Command:
    """Take a command apart; there is nothing that cannot be taken apart."""
    path, _, query = text.partition("?")
    first, *rest = path.split("/")
    kind = first.lower()
    if kind in {"jdev", "dev"}:
        name, rest = "/".join(rest[:2]), rest[2:]
    elif kind == "data":
        name, rest = path, []
    else:
        name = first
    return Command(
        path,
        name.lower(),
        tuple(unquote(part) for part in rest),
        dict(parse_qsl(query)),
        kind == "dev",
        encrypted,
    )


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
        arguments: How many it takes.
        http: Who may use it over HTTP.
        websocket: Who may use it over the WebSocket.
        since: The first firmware that has it.
        until: The first firmware that has it no more.
    """

    run: Run
    arguments: int = 0
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
    access = Access.USER
    if entry is not None:
        access = entry.http if client.channel == "http" else entry.websocket
    if access is Access.NOBODY and client.channel == "websocket":
        return Answer(code=BAD_REQUEST)
    if access is not Access.ANYONE and client.account is None:
        return Answer(code=UNAUTHORIZED if client.channel == "http" else BAD_REQUEST)
    if entry is None or access is Access.NOBODY or not entry.exists_in(device.profile):
        return Answer(code=NOT_FOUND)
    if access is Access.ADMIN and not (client.account and client.account.admin):
        return Answer(code=FORBIDDEN)
    if len(command.arguments) != entry.arguments:
        return Answer(code=BAD_REQUEST)
    reply = entry.run(device, command, client)
    if command.name in LOGINS and is_rejected(reply):
        device.guard.failed(client.address)
    return reply


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
    value = diagnostics.values(device.profile.generation).get(name)
    if value is None:
        return None
    access = Access.ADMIN if name in diagnostics.ADMIN_ONLY else Access.USER
    return _Entry(lambda *_: Answer(value), http=access, websocket=access)


def _api(device: Device, _command: Command, _client: Client) -> Reply:
    return Answer(api_value(device.profile, slots_left=device.slots_left))


def _api_key(device: Device, _command: Command, client: Client) -> Reply:
    return Answer(api_key_value(device.profile, key=client.keys.issue()))


def _public_key(device: Device, _command: Command, _client: Client) -> Reply:
    return Answer(device.private_key.public_text)


def _get_key(_device: Device, _command: Command, client: Client) -> Reply:
    return Answer(client.keys.issue())


def _get_key2(device: Device, command: Command, client: Client) -> Reply:
    value = {"key": client.keys.issue(), "salt": device.accounts.salt(command.arguments[0])}
    if device.profile.knows((10, 3)):
        value["hashAlg"] = device.accounts.algorithm
    return Answer(value, compact=True)


def _login(device: Device, command: Command, client: Client) -> Reply:
    """`getjwt` and `gettoken`: a token for the hash of a password (section 3.4)."""
    if not command.encrypted and not _plain_login_allowed(device, client):
        return Answer(code=BAD_REQUEST, compact=True)
    digest, username, permission_text, client_id, info = command.arguments
    account = device.accounts.check_password_hash(username, digest, client.keys)
    if account is None or device.faults.reject_logins:
        return Answer(_NEVER_CHANGED, UNAUTHORIZED, compact=True)
    permission = int(permission_text) if permission_text.isdecimal() else 0
    if not permission & (PERMISSION_WEB | PERMISSION_APP):
        return Answer(code=FORBIDDEN, compact=True)
    token = device.accounts.issue(
        account, permission, client_id, info, jwt=command.name == "sys/getjwt"
    )
    _log_in(client, account, token)
    return Answer(
        {
            "token": token.text,
            "key": client.keys.issue(),
            "validUntil": token.valid_until,
            "tokenRights": token.rights,
            "unsecurePass": False,
        },
        compact=True,
    )


def _auth_with_token(device: Device, command: Command, client: Client) -> Reply:
    token = _token_of(device, command, client)
    if token is None or device.faults.reject_logins:
        return Answer(code=UNAUTHORIZED, compact=True)
    _log_in(client, token.account, token)
    return Answer(
        {
            "validUntil": token.valid_until,
            "tokenRights": token.rights,
            "unsecurePass": False,
        },
        compact=True,
    )


def _authenticate(device: Device, command: Command, client: Client) -> Reply:
    """The login of firmware before 9.3 (section 3.6)."""
    account = device.accounts.check_legacy_hash(command.arguments[0], client.keys)
    if account is None or device.faults.reject_logins:
        return Answer(code=UNAUTHORIZED)
    _log_in(client, account, None)
    return Answer()


def _refresh(device: Device, command: Command, client: Client) -> Reply:
    if not command.encrypted and not _plain_tokens_allowed(device):
        return Answer(code=BAD_REQUEST, compact=True)
    token = _token_of(device, command, client)
    if token is None:
        return Answer(code=UNAUTHORIZED, compact=True, http_status=OK)
    as_jwt = command.name == "sys/refreshjwt"
    device.accounts.refresh(token, jwt=as_jwt)
    value = {"validUntil": token.valid_until, "unsecurePass": False}
    return Answer({"token": token.text, **value} if as_jwt else value, compact=True)


def _check_token(device: Device, command: Command, client: Client) -> Reply:
    token = _token_of(device, command, client)
    if token is None:
        return Answer(code=UNAUTHORIZED, compact=True, http_status=OK)
    return Answer({"validUntil": token.valid_until, "unsecurePass": False}, compact=True)


def _kill_token(device: Device, command: Command, client: Client) -> Reply:
    token = _token_of(device, command, client)
    if token is None:
        return Answer(code=UNAUTHORIZED, http_status=OK)
    device.accounts.kill(token)
    return Answer("1")


def _structure_version(device: Device, _command: Command, _client: Client) -> Reply:
    return Answer(device.house.last_modified)


def _structure_file(device: Device, _command: Command, _client: Client) -> Reply:
    return File(device.house.structure, "application/json", is_structure=True)


def _subscribe(_device: Device, _command: Command, _client: Client) -> Reply:
    return Answer("1")


def _mac(device: Device, _command: Command, _client: Client) -> Reply:
    return Answer(device.profile.colon_serial)


def _version(device: Device, _command: Command, _client: Client) -> Reply:
    return Answer(device.profile.firmware)


def _date(device: Device, _command: Command, _client: Client) -> Reply:
    return Answer(_clock_time(device).strftime("%Y-%m-%d"))


def _time(device: Device, _command: Command, _client: Client) -> Reply:
    return Answer(_clock_time(device).strftime("%H:%M:%S"))


def _temperature(_device: Device, _command: Command, _client: Client) -> Reply:
    return File(diagnostics.TEMPERATURE, "text/plain")


def _clock_time(device: Device) -> dt.datetime:
    """The simulated house stands where local time is UTC."""
    return dt.datetime.fromtimestamp(device.now(), tz=dt.UTC)


def _plain_login_allowed(device: Device, client: Client) -> bool:
    """Whether tokens are given to who asks unencrypted (section 3.2)."""
    if client.channel == "websocket":
        return device.profile.plain_logins
    return _plain_tokens_allowed(device)


def _plain_tokens_allowed(device: Device) -> bool:
    return device.profile.knows((11, 2, 10, 22))


def _token_of(device: Device, command: Command, client: Client) -> Token | None:
    digest, username = command.arguments
    return device.accounts.check_token(username, digest, client.keys)


def _log_in(client: Client, account: Account, token: Token | None) -> None:
    """Log in, once: a connection stays tied to its first token (section 3.5)."""
    if client.account is None:
        client.account = account
        client.token = token


_ANYONE, _USER, _ADMIN, _NOBODY = Access

_COMMANDS = {
    "cfg/api": _Entry(_api, http=_ANYONE),
    "cfg/apikey": _Entry(_api_key, http=_ANYONE),
    "cfg/mac": _Entry(_mac, http=_ANYONE),
    "cfg/version": _Entry(_version),
    "sys/date": _Entry(_date, http=_ADMIN, websocket=_ADMIN),
    "sys/time": _Entry(_time, http=_ADMIN, websocket=_ADMIN),
    "sys/getpublickey": _Entry(_public_key, http=_ANYONE, websocket=_NOBODY),
    "sys/getkey": _Entry(_get_key, http=_ANYONE, websocket=_ANYONE),
    "sys/getkey2": _Entry(_get_key2, 1, _ANYONE, _ANYONE, since=(9,)),
    "sys/gettoken": _Entry(_login, 5, _ANYONE, _ANYONE, since=(9,)),
    "sys/getjwt": _Entry(_login, 5, _ANYONE, _ANYONE, since=(10, 2)),
    "authwithtoken": _Entry(_auth_with_token, 2, _NOBODY, _ANYONE, since=(9,)),
    "authenticate": _Entry(_authenticate, 1, _NOBODY, _ANYONE, until=(9, 3)),
    "sys/refreshjwt": _Entry(_refresh, 2, _ANYONE, since=(10, 2)),
    "sys/refreshtoken": _Entry(_refresh, 2, _ANYONE, since=(10, 0, 9, 13)),
    "sys/checktoken": _Entry(_check_token, 2, _ANYONE, since=(10,)),
    "sys/killtoken": _Entry(_kill_token, 2, _ANYONE, since=(9,)),
    "sps/loxappversion3": _Entry(_structure_version),
    STRUCTURE_FILE: _Entry(_structure_file),
    SUBSCRIBE: _Entry(_subscribe, http=_NOBODY),
}
