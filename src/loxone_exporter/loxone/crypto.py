"""Hashes and ciphers of the Miniserver's login (protocol reference, sections 1.4 and 3).

The one home of pycryptodome. Everything here is deterministic but for RSA's padding, so that the
reference's test vectors apply to it as they stand.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import hmac
import re
import secrets
from typing import Literal

from attrs import field, frozen
from Crypto.Cipher import AES, PKCS1_v1_5
from Crypto.PublicKey import RSA

from loxone_exporter.errors import ProtocolError
from loxone_exporter.loxone import der


HashAlgorithm = Literal["SHA1", "SHA256"]

_BLOCK = AES.block_size
_ONE_TIME_KEY_LIMIT = 256
_RSA_BITS = range(1024, 8193)
"""A smaller key cannot carry an AES key, a much larger one would take seconds to work with."""

_RSA_EXPONENT_BITS = 256
_RSA_ENCRYPTION = bytes.fromhex("06092a864886f70d010101")
"""The algorithm of a public key, as its identifier stands there (RFC 3279, 2.3.1)."""

_VERSION = 0xA0
_VALIDITY, _PUBLIC_KEY = 3, 5
"""Places in a certificate, of which the version is not counted (RFC 5280, 4.1)."""

_TURN_OF_CENTURY = "50"
_PEM = re.compile(r"-----BEGIN [A-Z ]+-----([^-]*)-----END [A-Z ]+-----")


@frozen
class SessionKey:
    """The AES-256 key and initialisation vector of one WebSocket connection.

    Attributes:
        key: 32 bytes.
        iv: 16 bytes; each message starts with it again, there is no chaining between messages.
    """

    key: bytes = field(repr=False)
    iv: bytes = field(repr=False)

    @classmethod
    def generate(cls) -> SessionKey:
        """Draw a new key."""
        return cls(secrets.token_bytes(32), secrets.token_bytes(_BLOCK))

    @property
    def exchange_text(self) -> bytes:
        """What the key exchange carries, before RSA: `{key hex}:{iv hex}`, 97 bytes."""
        return f"{self.key.hex()}:{self.iv.hex()}".encode()

    @classmethod
    def from_exchange_text(cls, text: bytes) -> SessionKey:
        """Read what a client sent in its key exchange, hexadecimal in either case.

        Raises:
            ProtocolError: It is no key of 32 bytes and vector of 16.
        """
        try:
            key, iv = (bytes.fromhex(part) for part in text.decode("ascii").split(":"))
        except ValueError as error:
            raise ProtocolError("the key exchange carries no key and vector") from error
        if (len(key), len(iv)) != (32, _BLOCK):
            raise ProtocolError(f"a key of {len(key)} and a vector of {len(iv)} bytes")
        return cls(key, iv)

    def encrypt(self, plaintext: bytes) -> bytes:
        """Encrypt, zero bytes added up to a whole block, and none where it is one already."""
        padded = plaintext + bytes(-len(plaintext) % _BLOCK)
        return AES.new(self.key, AES.MODE_CBC, self.iv).encrypt(padded)

    def decrypt(self, ciphertext: bytes) -> bytes:
        """Decrypt; the padding stays, for clients and firmware pad in different ways.

        Raises:
            ProtocolError: Not a whole number of blocks.
        """
        if not ciphertext or len(ciphertext) % _BLOCK:
            raise ProtocolError(f"a cipher text of {len(ciphertext)} bytes is no number of blocks")
        return AES.new(self.key, AES.MODE_CBC, self.iv).decrypt(ciphertext)


def strip_padding(decrypted: bytes) -> bytes:
    """Cut decrypted text at its first NUL, which every padding in use begins with."""
    return decrypted.split(b"\0", 1)[0]


@frozen
class PublicKey:
    """A Miniserver's RSA key."""

    _key: RSA.RsaKey = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> PublicKey:
        """Read the value of `jdev/sys/getPublicKey`, or what `jdev/sys/getcertificate` answers.

        The former is a bare SubjectPublicKeyInfo on one line between markers that call it a
        certificate; some firmware may label it rightly, or send a true certificate (section 1.4).

        Raises:
            ProtocolError: There is no RSA key in it, or one of a size that no Miniserver has.
        """
        # In a chain of certificates the Miniserver's own is the last.
        blocks = _PEM.findall(text) or [text]
        try:
            modulus, exponent = _rsa_numbers(decode_base64(blocks[-1]))
            if modulus.bit_length() not in _RSA_BITS or exponent.bit_length() > _RSA_EXPONENT_BITS:
                raise ProtocolError(
                    f"an RSA key of {modulus.bit_length()} bits, "
                    f"exponent of {exponent.bit_length()} bits"
                )
            key = RSA.construct((modulus, exponent))
        except (ValueError, IndexError) as error:
            raise ProtocolError("the Miniserver's public key is not readable") from error
        return cls(key)

    def encrypt(self, plaintext: bytes) -> bytes:
        """Encrypt by RSA with PKCS #1 v1.5 padding."""
        return PKCS1_v1_5.new(self._key).encrypt(plaintext)


@frozen
class PrivateKey:
    """The other half of a `PublicKey`: what a Miniserver keeps, and so does a simulated one."""

    _key: RSA.RsaKey = field(repr=False)

    @classmethod
    def generate(cls, bits: int = 2048) -> PrivateKey:
        """Draw a new key pair; real Miniservers have 1024 or 2048 bits."""
        return cls(RSA.generate(bits))

    @property
    def public_text(self) -> str:
        """The public key as `jdev/sys/getPublicKey` answers it, labelled as a certificate."""
        info = self._key.public_key().export_key("DER")
        return f"-----BEGIN CERTIFICATE-----{encode_base64(info)}-----END CERTIFICATE-----"

    def decrypt(self, ciphertext: bytes) -> bytes:
        """Decrypt what `PublicKey.encrypt` made.

        Raises:
            ProtocolError: It was made for another key, is damaged, or has not as many bytes as the
                key: leading zeros belong to it (RFC 8017, 7.2.2).
        """
        try:
            plaintext = PKCS1_v1_5.new(self._key).decrypt(ciphertext, sentinel=b"")
        except ValueError as error:
            raise ProtocolError(
                f"a cipher text of {len(ciphertext)} bytes for a key of "
                f"{self._key.size_in_bytes()} bytes"
            ) from error
        if not plaintext:
            raise ProtocolError("a cipher text that this key does not open")
        return plaintext


@frozen
class HashParameters:
    """The answer to `getkey2`: what a user's password is to be hashed with.

    Attributes:
        key: The one-time key as hexadecimal text; valid for seconds.
        salt: The user's salt, used as literal text: its letters' case counts.
        algorithm: For both steps.
    """

    key: str = field(repr=False)
    salt: str = field(repr=False)
    algorithm: HashAlgorithm = "SHA1"


def hash_credentials(user: str, password: str, parameters: HashParameters) -> str:
    """The hash that `getjwt` and `gettoken` carry instead of the password (section 3.3).

    Raises:
        ProtocolError: The one-time key is not hexadecimal.
    """
    password_hash = (
        hashlib.new(parameters.algorithm, f"{password}:{parameters.salt}".encode())
        .hexdigest()
        .upper()
    )
    return _keyed_hash(f"{user}:{password_hash}", parameters.key, parameters.algorithm)


def hash_legacy_credentials(user: str, password: str, key: str) -> str:
    """The hash by which firmware before 9 logs in (section 3.6).

    Raises:
        ProtocolError: The one-time key is not hexadecimal.
    """
    return _keyed_hash(f"{user}:{password}", key, "SHA1")


def hash_token(token: str, key: str, algorithm: HashAlgorithm) -> str:
    """The hash by which a token is used, refreshed and killed (section 3.5).

    Args:
        token: The token itself.
        key: A one-time key as hexadecimal text, from `getkey` or `getkey2`.
        algorithm: As `getkey2` named it.

    Raises:
        ProtocolError: The one-time key is not hexadecimal.
    """
    return _keyed_hash(token, key, algorithm)


def _keyed_hash(message: str, key: str, algorithm: HashAlgorithm) -> str:
    if len(key) > _ONE_TIME_KEY_LIMIT:
        raise ProtocolError(f"a one-time key of {len(key)} digits")
    try:
        return hmac.new(bytes.fromhex(key), message.encode(), algorithm).hexdigest()
    except ValueError as error:
        raise ProtocolError("the one-time key is not hexadecimal") from error


def end_of_validity(certificate: bytes) -> float:
    """Until when an X.509 certificate in DER form is valid, in Unix time (RFC 5280, 4.1.2.5).

    Python's ssl reads certificates only where it has verified them.

    Raises:
        ProtocolError: It is no certificate.
    """
    try:
        signed = der.read_element(certificate).parts()[0]
        _, end = _fields(signed)[_VALIDITY].parts()
        text = end.content.decode("ascii")
        if end.tag == der.UTC_TIME:  # the one with two digits for the year
            text = ("19" if text[:2] >= _TURN_OF_CENTURY else "20") + text
        elif end.tag != der.GENERALIZED_TIME:
            raise ProtocolError(f"the certificate's time has the unknown tag {end.tag:#x}")
        moment = dt.datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=dt.UTC)
    except (ValueError, IndexError) as error:
        raise ProtocolError("the certificate is not readable") from error
    return moment.timestamp()


def _fields(certificate: der.Element) -> list[der.Element]:
    """What a certificate says, from the serial number on."""
    fields = certificate.parts()
    return fields[1:] if fields[0].tag == _VERSION else fields


def _rsa_numbers(data: bytes) -> tuple[int, int]:
    """Modulus and exponent of the RSA key in a SubjectPublicKeyInfo or a certificate."""
    parts = der.read_element(data).parts()
    if [part.tag for part in parts] == [der.SEQUENCE, der.SEQUENCE, der.BIT_STRING]:
        parts = _fields(parts[0])[_PUBLIC_KEY].parts()
    algorithm, key = parts
    if not algorithm.content.startswith(_RSA_ENCRYPTION):
        raise ProtocolError("the public key is not one of RSA")
    modulus, exponent = der.read_element(key.content[1:]).parts()  # behind the count of spare bits
    return modulus.number(), exponent.number()


def decode_base64(text: str) -> bytes:
    """Decode base64, line breaks tolerated (section 3.2).

    Raises:
        ProtocolError: The text is not base64.
    """
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ProtocolError("a cipher text is not base64") from error


def encode_base64(data: bytes) -> str:
    """Encode as base64 without line breaks."""
    return base64.b64encode(data).decode("ascii")
