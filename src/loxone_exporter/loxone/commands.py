"""Every command that this program can send to a Miniserver: the list is closed, and it only reads.

No other module builds the text of a command. What is not here cannot be sent; nothing here operates
anything in the house.
"""

from __future__ import annotations

import secrets
import uuid
from typing import Final
from urllib.parse import quote

from attrs import define, field

from loxone_exporter.loxone.crypto import SessionKey, encode_base64


API_KEY: Final = "jdev/cfg/apiKey"
"""Serial number, firmware and what the device offers; over HTTP, without credentials."""

PUBLIC_KEY: Final = "jdev/sys/getPublicKey"
"""The RSA key for the key exchange; over HTTP, without credentials."""

ONE_TIME_KEY: Final = "jdev/sys/getkey"
"""A key for the hash of a token; on an authenticated connection."""

STRUCTURE_FILE: Final = "data/LoxAPP3.json"
"""The structure file, all that this user may see; not an `LL` answer."""

STRUCTURE_VERSION: Final = "jdev/sps/LoxAPPversion3"
"""When the structure was last changed."""

ENABLE_UPDATES: Final = "jdev/sps/enablebinstatusupdate"
"""Subscribe: all states now, and every change from now on."""

KEEPALIVE: Final = "keepalive"
"""Answered by a bare header; a client silent for five minutes is dropped."""

WEBSOCKET_RESOURCE: Final = "/ws/rfc6455"

PERMISSION_APP: Final = 4
"""A token that lives for weeks, with no right beyond seeing what the user sees (section 3.4)."""

CLIENT_NAME: Final = "loxone-exporter"
"""How the owner recognises this client in Loxone Config's list of tokens."""

JWT_SINCE: Final = (10, 2)
"""Firmware from which `getjwt` replaces `gettoken` (section 3.4)."""

_ROTATE_SALT_AFTER = 30
_CLIENT_NAMESPACE = uuid.UUID("6f0cf9f4-79c1-5c5a-9d4f-2d9d7f0b8a51")


def key_exchange(encrypted_key: bytes) -> str:
    """Hand over the AES key of this connection, encrypted with the Miniserver's public key."""
    return f"jdev/sys/keyexchange/{encode_base64(encrypted_key)}"


def hash_parameters(user: str) -> str:
    """Ask for the one-time key and the user's salt (`getkey2`)."""
    return f"jdev/sys/getkey2/{quote(user, safe='')}"


def request_token(
    firmware: tuple[int, ...], *, credentials_hash: str, user: str, client_uuid: str
) -> str:
    """Log in, and be given a token, by `getjwt` or on older firmware `gettoken`."""
    verb = "getjwt" if firmware >= JWT_SINCE else "gettoken"
    segments = (credentials_hash, quote(user, safe=""), PERMISSION_APP, client_uuid, CLIENT_NAME)
    return f"jdev/sys/{verb}/" + "/".join(map(str, segments))


def kill_token(token_hash: str, user: str) -> str:
    """Log out: the token is worthless from now on, and the Miniserver closes the connection."""
    return f"jdev/sys/killtoken/{token_hash}/{quote(user, safe='')}"


def derive_client_uuid(serial: str, user: str, client_id: str) -> str:
    """The identity under which the Miniserver files our token.

    It depends on nothing but its arguments, so that it is the same after a restart, a crash or a
    move to another machine, and tokens do not pile up in the Miniserver.

    Returns:
        A UUID in the Miniserver's form, three dashes and 16 digits at the end.
    """
    text = str(uuid.uuid5(_CLIENT_NAMESPACE, f"{serial}\0{user}\0{client_id}"))
    return text[:23] + text[24:]


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
        return f"jdev/sys/enc/{quote(encode_base64(self._key.encrypt(text.encode())), safe='')}"
