"""The commands by which clients log in, and those about tokens (protocol reference, section 3)."""

from __future__ import annotations

import logging
import re

from loxone_exporter.errors import MissingExtraError
from loxone_exporter.loxone.crypto import HashAlgorithm
from loxone_exporter.simulator import tls
from loxone_exporter.simulator.accounts import PERMISSION_APP, PERMISSION_WEB, Account, Token
from loxone_exporter.simulator.answers import (
    BAD_REQUEST,
    FORBIDDEN,
    NOT_FOUND,
    OK,
    UNAUTHORIZED,
    USER_DISABLED,
    Answer,
    Reply,
)
from loxone_exporter.simulator.device import Client, Device
from loxone_exporter.simulator.parsing import Command


_logger = logging.getLogger(__name__)

_TRUE = frozenset({"true", "1"})
_PERMISSION = re.compile("[0-9]{1,10}")
_TOKEN_FOR_PASSWORD_SINCE = (12, 2, 10, 6)


def verdict(device: Device, account: Account | None) -> int:
    """The code that answers a login.

    Args:
        device: The device; its faults may refuse whoever it is.
        account: Who has shown to be this user, if anybody.
    """
    if device.faults.login_code is not None:
        return device.faults.login_code
    if account is None or device.faults.reject_logins:
        return UNAUTHORIZED
    return USER_DISABLED if device.faults.user_disabled else OK


def token_verdict(device: Device, token: Token | None) -> int:
    """The code that answers a login by a token.

    Args:
        device: The device; its faults may refuse any token.
        token: The token that was shown, if there is one.
    """
    return device.faults.token_code or verdict(device, None if token is None else token.account)


def key_certificates(device: Device) -> bytes | None:
    """The certificates of `getcertificate`; the last one holds the RSA key (section 1.4).

    Returns:
        Nothing where there is no encryption, or where the libraries that make certificates are not
        installed: the device then knows no such command.
    """
    if not device.profile.encryption:
        return None
    try:
        return tls.key_certificates(device.private_key.public_text, device.presented.serial)
    except MissingExtraError as error:
        _logger.warning("getcertificate is not answered: %s", error)
        return None


def public_key(device: Device, _command: Command, _client: Client) -> Reply:
    """`getPublicKey`: the RSA key, wrongly labelled unless a fault says otherwise (section 1.4)."""
    if not device.profile.encryption:
        return Answer(code=NOT_FOUND)
    text = device.private_key.public_text
    if device.faults.public_key_form == "labelled":
        return Answer(text.replace("CERTIFICATE", "PUBLIC KEY"))
    if device.faults.public_key_form is None:
        return Answer(text)
    certificates = key_certificates(device)
    if certificates is None:
        return Answer(code=NOT_FOUND)
    last = certificates.decode().rpartition(tls.BEGIN)[2]
    return Answer("".join([tls.BEGIN, *last.splitlines()]))


def get_key(_device: Device, _command: Command, client: Client) -> Reply:
    """`getkey`: a one-time key."""
    return Answer(client.keys.issue())


def get_key2(device: Device, command: Command, client: Client) -> Reply:
    """`getkey2`: a one-time key, and how a user's password is hashed (section 3.3)."""
    value = {"key": client.keys.issue(), "salt": device.accounts.salt(command.arguments[0])}
    if device.profile.knows((10, 3)) and not device.faults.no_hash_algorithm:
        value["hashAlg"] = device.accounts.algorithm
    return Answer(value, compact=True)


def get_token(device: Device, command: Command, client: Client) -> Reply:
    """`getjwt` and `gettoken`: a token for the hash of a password (section 3.4)."""
    if not command.encrypted and not _plain_login_allowed(device, client):
        return Answer(code=BAD_REQUEST, compact=True)
    _digest, _username, permission_text, client_id, info = command.arguments
    account = _account_of(device, command, client)
    code = verdict(device, account)
    if code != OK or account is None:
        return Answer(_last_edit(device), code, compact=True)
    permission = int(permission_text) if _PERMISSION.fullmatch(permission_text) else 0
    if not permission & (PERMISSION_WEB | PERMISSION_APP):
        return Answer(code=FORBIDDEN, compact=True)
    token = device.accounts.issue(
        account, permission, client_id, info, jwt=command.name == "sys/getjwt"
    )
    _log_in(client, account, token)
    device.end_dead_sessions()  # of the tokens that the new one has replaced
    return Answer(
        {
            "token": token.text,
            "key": client.keys.issue(),
            "validUntil": token.valid_until,
            "tokenRights": token.rights,
            "unsecurePass": False,
        },
        compact=True,
        text_code=command.name == "sys/gettoken",
    )


def auth_with_token(device: Device, command: Command, client: Client) -> Reply:
    """`authwithtoken`: a login by a token that was given before (section 3.5)."""
    token = _token_of(device, command, client)
    code = token_verdict(device, token)
    if code != OK or token is None:
        return Answer(code=code, compact=True)
    _log_in(client, token.account, token)
    return Answer(
        {
            "validUntil": token.valid_until,
            "tokenRights": token.rights,
            "unsecurePass": False,
        },
        compact=True,
        text_code=True,
    )


def authenticate(device: Device, command: Command, client: Client) -> Reply:
    """`authenticate` and `authenticateEnc`, of firmware before 9.3 (section 3.6).

    The encrypted one names the user beside the hash.
    """
    digest, *users = command.arguments
    account = device.accounts.check_legacy_hash(digest, client.keys)
    if account is not None and any(user != account.username for user in users):
        account = None
    code = verdict(device, account)
    if code != OK or account is None:
        return Answer(code=code)
    _log_in(client, account, None)
    return Answer()


def refresh(device: Device, command: Command, client: Client) -> Reply:
    """`refreshjwt` and `refreshtoken`: a longer life for a token (section 3.5)."""
    if not command.encrypted and not _plain_tokens_allowed(device):
        return Answer(code=BAD_REQUEST, compact=True)
    token = _token_of(device, command, client)
    code = _token_code(device, token)
    if code != OK or token is None:
        return Answer(code=code, compact=True, http_status=OK)
    as_jwt = command.name == "sys/refreshjwt"
    device.accounts.refresh(token, jwt=as_jwt)
    value: dict[str, object] = {"validUntil": token.valid_until, "unsecurePass": False}
    if as_jwt:
        value["token"] = token.text
    return Answer(value, compact=True, text_code=True)


def check_token(device: Device, command: Command, client: Client) -> Reply:
    """`checktoken`: how long a token lives yet (section 3.5)."""
    token = _token_of(device, command, client)
    code = _token_code(device, token)
    if code != OK or token is None:
        return Answer(code=code, compact=True, http_status=OK)
    value = {"validUntil": token.valid_until, "unsecurePass": False}
    return Answer(value, compact=True, text_code=True)


def kill_token(device: Device, command: Command, client: Client) -> Reply:
    """`killtoken`: the end of a token; the connections that it logged in follow (section 3.5).

    Whether real devices answer 200 or 401 to that is disputed. A fault can make it the latter, and
    the token ends all the same.
    """
    token = _token_of(device, command, client)
    code = _token_code(device, token)
    if token is not None:
        device.accounts.kill(token)
    return Answer("1" if code == OK else "", code, http_status=OK)


def _last_edit(device: Device) -> dict[str, object]:
    """When the user's password was changed; users whom nobody knows get the same (section 3.4)."""
    changed = device.account.password_changed
    return {"lastEdit": f"{device.local_time(changed):%Y-%m-%d %H:%M:%S}", "unix": changed}


def _token_code(device: Device, token: Token | None) -> int:
    """The code that answers a command about a token."""
    return device.faults.token_code or (UNAUTHORIZED if token is None else OK)


def _account_of(device: Device, command: Command, client: Client) -> Account | None:
    """Who asks for a token: by the password's hash, or by a token's where the query says so."""
    digest, username = command.arguments[:2]
    by_token = {command.query.get("authhash", ""), command.query.get("tokenhash", "")}
    if device.profile.knows(_TOKEN_FOR_PASSWORD_SINCE) and any(
        value.lower() in _TRUE for value in by_token
    ):
        token = device.accounts.check_token(username, digest, client.keys)
        return None if token is None else token.account
    algorithm: HashAlgorithm = (
        "SHA1" if device.faults.no_hash_algorithm else device.accounts.algorithm
    )
    return device.accounts.check_password_hash(username, digest, client.keys, algorithm)


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
