"""Every command that this program can send to a Miniserver: the list is closed, and it only reads.

No other module builds the text of a command. What is not in `CLOSED_LIST` cannot be sent; nothing
in it operates anything in the house.
"""

from __future__ import annotations

import re
import secrets
import uuid
from typing import Final
from urllib.parse import quote

from attrs import define, field

from loxone_exporter.loxone.crypto import SessionKey, encode_base64


DEVICE: Final = "jdev/cfg/api"
"""Serial number, firmware, and whether events can be had; over HTTP, without credentials."""

API_KEY: Final = "jdev/cfg/apiKey"
"""Serial number, firmware, and whether there is TLS; over HTTP, without credentials."""

PUBLIC_KEY: Final = "jdev/sys/getPublicKey"
"""The RSA key for the key exchange; over HTTP, without credentials."""

CERTIFICATE_CHAIN: Final = "jdev/sys/getcertificate"
"""The same key in a certificate, as text without an `LL` envelope; likewise."""

ONE_TIME_KEY: Final = "jdev/sys/getkey"
"""A key for the hash of a token or, on old firmware, of a password."""

STRUCTURE_FILE: Final = "data/LoxAPP3.json"
"""The structure file, all that this user may see; not an `LL` answer."""

STRUCTURE_VERSION: Final = "jdev/sps/LoxAPPversion3"
"""When the structure was last changed."""

ENABLE_UPDATES: Final = "jdev/sps/enablebinstatusupdate"
"""Subscribe: all states now, and every change from now on."""

KEEPALIVE: Final = "keepalive"
"""Answered by a bare header; a client silent for five minutes is dropped."""

DATE: Final = "jdev/sys/date"
"""The Miniserver's local date; only for users with full access."""

TIME: Final = "jdev/sys/time"
"""The Miniserver's local time; likewise."""

_KEY_EXCHANGE = "jdev/sys/keyexchange/{base64}"
_ENCRYPTED = "jdev/sys/enc/{cipher}"
_HASH_PARAMETERS = "jdev/sys/getkey2/{user}"
_GET_JWT = "jdev/sys/getjwt/{hash}/{user}/{permission}/{client}/{name}"
_GET_TOKEN = "jdev/sys/gettoken/{hash}/{user}/{permission}/{client}/{name}"  # noqa: S105  # a verb
_USE_TOKEN = "authwithtoken/{hash}/{user}"  # noqa: S105  # likewise
_REFRESH_JWT = "jdev/sys/refreshjwt/{hash}/{user}"
_REFRESH_TOKEN = "jdev/sys/refreshtoken/{hash}/{user}"  # noqa: S105  # likewise
_KILL_TOKEN = "jdev/sys/killtoken/{hash}/{user}"  # noqa: S105  # likewise
_LEGACY_LOGIN = "authenticate/{hash}"
_ENCRYPTED_LEGACY_LOGIN = "authenticateEnc/{base64}"
_STRUCTURE_FILE_BY_TOKEN = "data/LoxAPP3.json?autht={hash}&user={user}"  # noqa: S105  # likewise

CLOSED_LIST: Final = (
    DEVICE,
    API_KEY,
    PUBLIC_KEY,
    CERTIFICATE_CHAIN,
    ONE_TIME_KEY,
    STRUCTURE_FILE,
    STRUCTURE_VERSION,
    ENABLE_UPDATES,
    KEEPALIVE,
    DATE,
    TIME,
    _KEY_EXCHANGE,
    _ENCRYPTED,
    _HASH_PARAMETERS,
    _GET_JWT,
    _GET_TOKEN,
    _USE_TOKEN,
    _REFRESH_JWT,
    _REFRESH_TOKEN,
    _KILL_TOKEN,
    _LEGACY_LOGIN,
    _ENCRYPTED_LEGACY_LOGIN,
    _STRUCTURE_FILE_BY_TOKEN,
)
"""All commands; words in braces stand for what differs from one time to the next."""

WEBSOCKET_RESOURCE: Final = "/ws/rfc6455"

PERMISSION_APP: Final = 4
"""A token that lives for weeks, with no right beyond seeing what the user sees (section 3.4)."""

CLIENT_NAME: Final = "loxone-exporter"
"""How the owner recognises this client in Loxone Config's list of tokens."""

TOKENS_SINCE: Final = (9,)
"""Firmware from which there may be tokens (section 3.1)."""

TOKENS_ONLY_SINCE: Final = (9, 3)
"""Firmware from which there is no other login (section 3.6)."""

JWT_SINCE: Final = (10, 2)
"""Firmware from which `getjwt` replaces `gettoken` (section 3.4)."""

REFRESH_SINCE: Final = (10, 0, 9, 13)
"""Firmware from which a token can be given a longer life (section 3.5)."""

_ROTATE_SALT_AFTER = 30
_CLIENT_NAMESPACE = uuid.UUID("6f0cf9f4-79c1-5c5a-9d4f-2d9d7f0b8a51")

_SEGMENT = r"(?:[A-Za-z0-9_.~-]|%[0-9A-F]{2})+"
_FILLINGS = {
    "base64": "[A-Za-z0-9+/]+={0,2}",
    "cipher": "(?:[A-Za-z0-9]|%2B|%2F|%3D)+",
    "client": "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{16}",
    "hash": "[0-9a-f]+",
    "name": _SEGMENT,
    "permission": str(PERMISSION_APP),
    "user": _SEGMENT,
}
"""What may stand for each of the words in braces: none of it has the slash of another command."""


def _pattern(entry: str) -> str:
    return re.sub(r"\\{(\w+)\\}", lambda blank: _FILLINGS[blank[1]], re.escape(entry))


_OPENED_LEGACY_LOGIN = "authenticateEnc/{hash}/{user}"
"""What a Miniserver finds in it, and might write down."""

_ON_THE_LIST = re.compile("|".join(map(_pattern, (*CLOSED_LIST, _OPENED_LEGACY_LOGIN))))


def is_on_the_list(command: str) -> bool:
    """Whether a text is a command that this program can send."""
    return _ON_THE_LIST.fullmatch(command) is not None


def is_encrypted(command: str) -> bool:
    """Whether a command is one that hides another one."""
    return command.startswith(_fill(_ENCRYPTED, cipher=""))


def has_tokens(firmware: tuple[int, ...]) -> bool:
    """Whether a firmware may log in by tokens; one that does not say what it is, is a new one."""
    return not firmware or firmware >= TOKENS_SINCE


def has_legacy_login(firmware: tuple[int, ...]) -> bool:
    """Whether a firmware logs in by a hash alone, where it has no tokens."""
    return bool(firmware) and firmware < TOKENS_ONLY_SINCE


def can_refresh(firmware: tuple[int, ...]) -> bool:
    """Whether a firmware can give tokens a longer life."""
    return not firmware or firmware >= REFRESH_SINCE


def key_exchange(encrypted_key: bytes) -> str:
    """Hand over the AES key of this connection, encrypted with the Miniserver's public key."""
    return _fill(_KEY_EXCHANGE, base64=encode_base64(encrypted_key))


def hash_parameters(user: str) -> str:
    """Ask for the one-time key and the user's salt (`getkey2`)."""
    return _fill(_HASH_PARAMETERS, user=_segment(user))


def request_token(
    firmware: tuple[int, ...], *, credentials_hash: str, user: str, client_id: str, serial: str
) -> str:
    """Log in, and be given a token, by `getjwt` or on older firmware `gettoken`."""
    return _fill(
        _GET_JWT if _has_jwt(firmware) else _GET_TOKEN,
        hash=credentials_hash,
        user=_segment(user),
        permission=str(PERMISSION_APP),
        client=derive_client_uuid(serial, user, client_id),
        name=_segment(describe_client(client_id)),
    )


def use_token(token_hash: str, user: str) -> str:
    """Log in with a token from before."""
    return _fill(_USE_TOKEN, hash=token_hash, user=_segment(user))


def refresh_token(firmware: tuple[int, ...], token_hash: str, user: str) -> str:
    """Ask for a longer life of the token, by `refreshjwt` or on older firmware `refreshtoken`."""
    verb = _REFRESH_JWT if _has_jwt(firmware) else _REFRESH_TOKEN
    return _fill(verb, hash=token_hash, user=_segment(user))


def kill_token(token_hash: str, user: str) -> str:
    """Log out: the token is worthless from now on, and the Miniserver closes the connection."""
    return _fill(_KILL_TOKEN, hash=token_hash, user=_segment(user))


def legacy_login(credentials_hash: str) -> str:
    """Log in without encryption, on firmware that knows nothing else (section 3.6)."""
    return _fill(_LEGACY_LOGIN, hash=credentials_hash)


def encrypted_legacy_login(key: SessionKey, credentials_hash: str, user: str) -> str:
    """Log in with the same hash under the connection's AES key, without a salt (section 3.6)."""
    cipher = key.encrypt(f"{credentials_hash}/{user}".encode())
    return _fill(_ENCRYPTED_LEGACY_LOGIN, base64=encode_base64(cipher))


def structure_file_by_token(token_hash: str, user: str) -> str:
    """Ask for the structure file over HTTP, with a token's hash for a login (section 1.5)."""
    return _fill(_STRUCTURE_FILE_BY_TOKEN, hash=token_hash, user=_segment(user))


def describe_client(client_id: str) -> str:
    """The name under which a token is listed in Loxone Config."""
    return CLIENT_NAME if client_id == CLIENT_NAME else f"{CLIENT_NAME} {client_id}"


def derive_client_uuid(serial: str, user: str, client_id: str) -> str:
    """The identity under which the Miniserver files our token.

    It depends on nothing but its arguments, so that it is the same after a restart, a crash or a
    move to another machine, and tokens do not pile up in the Miniserver.

    Returns:
        A UUID in the Miniserver's form, three dashes and 16 digits at the end.
    """
    text = str(uuid.uuid5(_CLIENT_NAMESPACE, f"{serial}\0{user}\0{client_id}"))
    return text[:23] + text[24:]


def _has_jwt(firmware: tuple[int, ...]) -> bool:
    return not firmware or firmware >= JWT_SINCE


def _segment(text: str) -> str:
    """A text as one segment of a path, whatever is in it."""
    return quote(text, safe="")


def _fill(template: str, **blanks: str) -> str:
    return template.format(**blanks)


def _new_salt() -> str:
    return secrets.token_hex(2)


@define
class CommandCipher:
    """Encrypts the commands of one connection (section 3.2).

    A salt goes with each command, and is replaced now and then, so that equal commands do not look
    equal for long.
    """

    _key: SessionKey
    _salt: str = field(factory=_new_salt)
    _uses: int = 0

    def encrypt(self, command: str) -> str:
        """Wrap a command into `jdev/sys/enc/…`; its answer comes unencrypted."""
        if self._uses < _ROTATE_SALT_AFTER:
            text = f"salt/{self._salt}/{command}"
        else:
            previous, self._salt = self._salt, _new_salt()
            self._uses = 0
            text = f"nextSalt/{previous}/{self._salt}/{command}"
        self._uses += 1
        return _fill(_ENCRYPTED, cipher=_segment(encode_base64(self._key.encrypt(text.encode()))))
