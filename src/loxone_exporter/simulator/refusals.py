"""What a simulated Miniserver logs at debug level: what it is asked, and why it refuses.

Clients themselves learn a code only. Hashes, tokens and passwords are kept out of the log.
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Final

from loxone_exporter.simulator.answers import BAD_REQUEST, FORBIDDEN, NOT_FOUND, OK, Answer, Reply
from loxone_exporter.simulator.parsing import Command, parse_command


if TYPE_CHECKING:
    # A device tells what it is asked.
    from loxone_exporter.simulator.device import Client, Device

_LOGINS: Final = frozenset({"sys/getjwt", "sys/gettoken", "authenticate", "authenticateenc"})
_TOKEN_COMMANDS: Final = frozenset(
    {"authwithtoken", "sys/refreshjwt", "sys/refreshtoken", "sys/checktoken", "sys/killtoken"}
)
_SECRET: Final = re.compile("[^/]{32,}")
"""In a command that is not as it should be, its name may hold a hash or a token."""
_NAME_LIMIT: Final = 80

_logger = logging.getLogger(__name__)


def log_command(channel: str, address: str, text: str, *, encrypted: bool) -> None:
    """Say that a command came, by its name."""
    if _logger.isEnabledFor(logging.DEBUG):
        how = "encrypted, " if encrypted else ""
        _logger.debug("%s from %s: %s%s", channel, address, how, _shown(parse_command(text).name))


def log_refusal(client: Client, code: int, reason: str) -> None:
    """Say that something was refused, and why."""
    _logger.debug("%s from %s: refused with %d: %s", client.channel, client.address, code, reason)


def log_reply(device: Device, command: Command, client: Client, reply: Reply) -> None:
    """Say why a command was refused, if it was."""
    if isinstance(reply, Answer) and reply.code != OK and _logger.isEnabledFor(logging.DEBUG):
        reason = _explain(device, command, client, reply.code)
        log_refusal(client, reply.code, f"{_shown(command.name)}: {reason}")


def _shown(name: str) -> str:
    return repr(_SECRET.sub("...", name)[:_NAME_LIMIT])


def _explain(device: Device, command: Command, client: Client, code: int) -> str:
    if code == NOT_FOUND:
        return f"firmware {device.profile.firmware} has no such command for {client.channel}"
    if command.name in _LOGINS | _TOKEN_COMMANDS:
        return _explain_login(device, command, client, code)
    if client.account is None:
        return "not logged in"
    if code == FORBIDDEN:
        return "not allowed to this user, or an operating command, which nobody may use here"
    if code == BAD_REQUEST:
        return f"a wrong number of parts, or nothing for {client.channel}"
    return "as the command itself says"


def _explain_login(device: Device, command: Command, client: Client, code: int) -> str:
    faults = device.faults
    if code in {faults.login_code, faults.token_code} or (
        faults.reject_logins or faults.user_disabled or faults.no_connections
    ):
        return "by a fault"
    if code == BAD_REQUEST:
        return "a wrong number of parts, or it has to come encrypted"
    if code == FORBIDDEN:
        return "neither permission 2 nor 4 was asked for"
    return _explain_hash(device, command, client)


def _explain_hash(device: Device, command: Command, client: Client) -> str:
    if command.arguments[1:2] not in {(), (device.account.username,)}:
        return "no such user"
    if client.keys.is_empty:
        life = device.profile.one_time_key_life
        return f"no such key: one is asked for first, and is good for one hash within {life:g} s"
    if command.name in _TOKEN_COMMANDS:
        return "wrong hash: no live token of the user has it"
    return f"wrong hash, of the password or with the key; {device.accounts.algorithm} is due"
