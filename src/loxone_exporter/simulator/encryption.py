"""The Miniserver's side of command encryption (protocol reference, sections 3.1 and 3.2)."""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import quote, unquote

from attrs import frozen

from loxone_exporter.errors import ProtocolError
from loxone_exporter.loxone.crypto import (
    PrivateKey,
    SessionKey,
    decode_base64,
    encode_base64,
    strip_padding,
)


_BLOCK = 16
_LEGACY_LOGIN = re.compile(r"([0-9A-Fa-f]{40})/(.+)", re.DOTALL)


@frozen
class EncryptedCommand:
    """The envelope of an encrypted command.

    Attributes:
        kind: With `fenc` the answer is encrypted as well; `authenticateEnc` is the login of
            firmware before 9.3, whose plain text is `{hash}/{user}` and nothing else (section 3.6).
        cipher: Base64, percent-encoding undone.
        query: What followed a question mark; over HTTP it carries the key.
    """

    kind: Literal["enc", "fenc", "authenticateEnc"]
    cipher: str
    query: str

    @property
    def control(self) -> str:
        """How answers of ordinary commands repeat it."""
        if self.kind == "authenticateEnc":
            return f"{self.kind}/{self.cipher}"
        return f"jdev/sys/{self.kind}/{self.cipher}"


def parse_encrypted(text: str) -> EncryptedCommand:
    """Take `jdev/sys/enc/{cipher}` apart; base64's own slashes may have stayed as they are.

    `authenticateEnc/{cipher}` likewise.
    """
    path, _, query = text.partition("?")
    first, _, rest = path.partition("/")
    if first.lower() == "authenticateenc":
        return EncryptedCommand("authenticateEnc", unquote(rest), query)
    kind, _, cipher = path.split("/", 2)[-1].partition("/")
    return EncryptedCommand("fenc" if kind.lower() == "fenc" else "enc", unquote(cipher), query)


def parse_key_exchange(text: str) -> str:
    """The base64 of a key exchange: all that follows, slashes included."""
    encoded = text.split("/", 3)[-1]
    return unquote(encoded) if "%" in encoded else encoded


class Encryption:
    """The key and the chain of salts of one connection."""

    def __init__(self, private_key: PrivateKey, *, strict: bool) -> None:
        """Begin without a key.

        Args:
            private_key: The Miniserver's RSA key.
            strict: Refuse commands without the salt that is due.
        """
        self._private_key = private_key
        self._strict = strict
        self._key: SessionKey | None = None
        self._salt: str | None = None

    def exchange(self, encoded: str) -> None:
        """Take over the key that a client has chosen; the chain of salts begins anew.

        Args:
            encoded: Base64 of what the client encrypted for the Miniserver's RSA key.

        Raises:
            ProtocolError: There is no key in it.
        """
        self._key = SessionKey.from_exchange_text(self._private_key.decrypt(decode_base64(encoded)))
        self._salt = None

    def open(self, cipher: str) -> str:
        """Decrypt a command and take the salt off it.

        The one that needs no salt is the login of firmware before 9.3: its `{hash}/{user}` comes
        back as the command `authenticateEnc/{hash}/{user}`, the user percent-encoded (section 3.6).

        Raises:
            ProtocolError: It is not decryptable, or its salt is not the one that is due.
        """
        if self._key is None:
            raise ProtocolError("an encrypted command before the key exchange")
        try:
            text = _strip(self._key.decrypt(decode_base64(cipher))).decode()
        except UnicodeDecodeError as error:
            raise ProtocolError("an encrypted command is no text") from error
        legacy_login = _LEGACY_LOGIN.fullmatch(text)
        if legacy_login:
            digest, user = legacy_login.groups()
            return f"authenticateEnc/{digest}/{quote(user, safe='')}"
        return self._take_salt_off(text)

    def seal(self, answer: str) -> str:
        """Encrypt an answer as base64.

        Raises:
            ProtocolError: There is no key yet.
        """
        if self._key is None:
            raise ProtocolError("an encrypted answer before the key exchange")
        return encode_base64(self._key.encrypt(answer.encode()))

    def _take_salt_off(self, text: str) -> str:
        prefix, _, rest = text.partition("/")
        if prefix == "salt":
            salt, _, command = rest.partition("/")
            due = next_salt = salt
        elif prefix == "nextSalt":
            due, _, rest = rest.partition("/")
            next_salt, _, command = rest.partition("/")
        elif self._strict:
            raise ProtocolError("an encrypted command without a salt")
        else:
            return text
        if self._strict and self._salt not in {None, due}:
            raise ProtocolError("an encrypted command with a salt that is not due")
        self._salt = next_salt
        return command


def _strip(decrypted: bytes) -> bytes:
    """Take off any padding in use: from the first NUL on, or the padding of PKCS #7."""
    text = strip_padding(decrypted)
    if text == decrypted and text:
        count = text[-1]
        if 1 <= count <= _BLOCK and text.endswith(bytes([count]) * count):
            return text[:-count]
    return text
