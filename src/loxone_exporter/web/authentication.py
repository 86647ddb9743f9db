"""Who may read: the users of `[web.basic_auth_users]`, by HTTP's Basic authentication (RFC 7617).

The one home of bcrypt, which is imported only where there are users.

To compare a password with a bcrypt hash is meant to take long, a tenth of a second of one
processor, and each scrape brings its password along. Therefore what was found out is remembered;
what was not is found out in a thread, one at a time, with the clients' addresses taking turns: who
tries passwords makes nobody wait whose login is known, and others for one comparison.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import secrets
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping
from hashlib import blake2b
from typing import Final

import trio
from attrs import define, field, frozen

from loxone_exporter.config.logins import cost
from loxone_exporter.config.secret import Secret


MAX_PASSWORD: Final = 72
"""Bytes of a password that bcrypt looks at: of a longer one, the rest might be anything."""

REMEMBERED_FAILURES: Final = 512
"""Logins that failed; of more, the oldest are forgotten. Each takes some 200 bytes."""

_SALT_LENGTH: Final = 29
"""Characters of a hash that say how it was made: version, cost and salt."""


@frozen
class Credentials:
    """What a client says who it is.

    Attributes:
        name: Of the user.
        password: In UTF-8.
    """

    name: str
    password: bytes = field(repr=False)

    @classmethod
    def parse(cls, authorization: str) -> Credentials | None:
        """Read a header; None if there is no login in it that could ever be right."""
        scheme, _, encoded = authorization.partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            decoded = base64.b64decode(encoded.strip(), validate=True)
            decoded.decode()
        except (binascii.Error, ValueError):
            return None
        name, colon, password = decoded.partition(b":")
        if not colon or len(password) > MAX_PASSWORD or b"\0" in password:
            return None
        return cls(name.decode(), password)


@define(eq=False)
class Authentication:
    """Tells who may read from who may not, and remembers both.

    Args:
        hashes: The bcrypt hashes of the users' passwords, by name; at least one.
    """

    _hashes: Mapping[str, Secret]
    _nobody: bytes = field(init=False, repr=False)
    # Digests of logins are of no use to who does not know the key.
    _key: bytes = field(factory=lambda: secrets.token_bytes(32), repr=False)
    # One for each user at most, for no two passwords that are let through have the same hash.
    _good: set[bytes] = field(factory=set, repr=False)
    _bad: OrderedDict[bytes, None] = field(factory=OrderedDict, repr=False)
    _threads: trio.CapacityLimiter = field(factory=lambda: trio.CapacityLimiter(1))
    _turns: dict[str, trio.Lock] = field(factory=dict)

    @_nobody.default
    def _make_nobody(self) -> bytes:
        """The hash of no password, as costly as the others: nobody learns which users there are."""
        costliest = max(self._hashes.values(), key=cost).reveal()
        return f"{costliest[:_SALT_LENGTH]}{'.' * 31}".encode()

    async def admits(self, authorization: str, address: str) -> bool:
        """Whether a request may be answered.

        Args:
            authorization: The header of that name; empty if there is none.
            address: The client's.
        """
        credentials = Credentials.parse(authorization)
        if credentials is None:
            await trio.lowlevel.checkpoint()
            return False
        digest = self._digest(credentials)
        known = self._recall(digest)
        if known is not None:
            await trio.lowlevel.checkpoint()
            return known
        async with self._turn(address):
            known = self._recall(digest)  # somebody else may have asked for the same
            if known is None:
                known = await self._compare(credentials)
                self._remember(digest, is_good=known)
        return known

    def _digest(self, credentials: Credentials) -> bytes:
        name = credentials.name.encode()
        length = len(name).to_bytes(4, "big")
        return blake2b(length + name + credentials.password, key=self._key).digest()

    def _recall(self, digest: bytes) -> bool | None:
        if digest in self._good:
            return True
        if digest in self._bad:
            self._bad.move_to_end(digest)
            return False
        return None

    def _remember(self, digest: bytes, *, is_good: bool) -> None:
        if is_good:
            self._good.add(digest)
            return
        self._bad[digest] = None
        if len(self._bad) > REMEMBERED_FAILURES:
            self._bad.popitem(last=False)

    @contextlib.asynccontextmanager
    async def _turn(self, address: str) -> AsyncIterator[None]:
        """Wait for the comparisons that the same address had asked for before."""
        lock = self._turns.setdefault(address, trio.Lock())
        try:
            async with lock:
                yield
        finally:
            if not lock.locked() and self._turns.get(address) is lock:
                del self._turns[address]

    async def _compare(self, credentials: Credentials) -> bool:
        found = self._hashes.get(credentials.name)
        hash_ = self._nobody if found is None else found.reveal().encode()
        is_equal = await trio.to_thread.run_sync(
            _compare,
            credentials.password,
            hash_,
            # Its place is taken until it has ended, even where nobody waits for it any more.
            abandon_on_cancel=True,
            limiter=self._threads,
        )
        return is_equal and found is not None


def _compare(password: bytes, hash_: bytes) -> bool:
    import bcrypt  # noqa: PLC0415  # only those need it who have users

    return bcrypt.checkpw(password, hash_)
