"""Who may log in to a simulated Miniserver, and how (protocol reference, sections 3.3 to 3.8).

No I/O: time comes from clocks handed in, so that everything is testable without waiting.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import json
import math
import secrets
from collections import deque
from collections.abc import Callable, Iterable, Mapping

from attrs import define, field, frozen

from loxone_exporter.loxone.crypto import (
    HashAlgorithm,
    HashParameters,
    hash_credentials,
    hash_token,
)
from loxone_exporter.simulator.answers import LOXONE_EPOCH
from loxone_exporter.simulator.profile import Profile


Clock = Callable[[], float]
"""Seconds since whenever; only differences count."""

PERMISSION_WEB = 2
PERMISSION_APP = 4

_FURTHER_RIGHTS = 0x680  # with permission 2 this gives the 1666 that real devices were seen to give
_KEYS_KEPT = 32


@frozen
class Account:
    """A user of the Miniserver.

    Attributes:
        admin: Whether the user has full access.
        password_changed: When the password was changed last, in Unix time.
    """

    username: str
    password: str = field(repr=False)
    admin: bool = True
    password_changed: int = LOXONE_EPOCH


@define(eq=False)
class Token:
    """What a login results in.

    Attributes:
        text: The token itself; refreshing replaces it.
        account: Whose it is.
        permission: The permission bits that were asked for.
        client_id: The UUID that the client gave itself.
        info: The client's free text.
        expires: When it ends, by the clock of durations.
        valid_until: When it ends, in seconds since 2009 UTC.
    """

    text: str = field(repr=False)
    account: Account
    permission: int
    client_id: str
    info: str
    expires: float
    valid_until: int

    @property
    def rights(self) -> int:
        """The `tokenRights` of answers."""
        return self.permission | _FURTHER_RIGHTS


class OneTimeKeys:
    """The keys that one client was given; each hashes one thing, within a few seconds."""

    def __init__(self, clock: Clock, life: float) -> None:
        self._clock = clock
        self._life = life
        self._keys: deque[tuple[str, float]] = deque(maxlen=_KEYS_KEPT)

    def issue(self) -> str:
        """Make a key: 40 hexadecimal digits, as text in hexadecimal, which makes 80."""
        key = secrets.token_hex(20).upper().encode().hex()
        self._keys.append((key, self._clock() + self._life))
        return key

    def spend(self, matches: Callable[[str], bool]) -> bool:
        """Find the key that something was hashed with; it cannot be used again."""
        now = self._clock()
        for entry in list(self._keys):
            key, expires = entry
            if now >= expires:
                self._keys.remove(entry)
            elif matches(key):
                self._keys.remove(entry)
                return True
        return False

    @property
    def is_empty(self) -> bool:
        """Whether no key can be used."""
        now = self._clock()
        return all(now >= expires for _, expires in self._keys)

    def forget(self) -> None:
        """Take all keys back."""
        self._keys.clear()


class Accounts:
    """The users of a Miniserver and their tokens."""

    def __init__(
        self, accounts: Iterable[Account], profile: Profile, *, clock: Clock, now: Clock
    ) -> None:
        """Begin without tokens.

        Args:
            accounts: The users.
            profile: The device: its firmware decides on algorithms, and it has tokens' lives.
            clock: For durations, in seconds.
            now: Unix time, for what goes over the wire.
        """
        self._accounts = {account.username: account for account in accounts}
        self._profile = profile
        self._clock = clock
        self._now = now
        self._tokens: list[Token] = []

    @property
    def tokens(self) -> Mapping[str, Token]:
        """The tokens that are valid now, by their text."""
        now = self._clock()
        self._tokens = [token for token in self._tokens if now < token.expires]
        return {token.text: token for token in self._tokens}

    @property
    def algorithm(self) -> HashAlgorithm:
        """What passwords are hashed with (section 3.3)."""
        return "SHA256" if self._profile.knows((10, 4)) else "SHA1"

    def salt(self, username: str) -> str:
        """A user's salt; unknown users have one as well, so that nobody learns who exists."""
        digits = hashlib.sha256(f"{self._profile.serial}/{username}".encode()).hexdigest()
        uuid = f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-ffff{digits[16:28]}"
        return uuid.encode().hex().upper()

    def check_password(self, username: str, password: str) -> Account | None:
        """The user, if this is the password."""
        account = self._accounts.get(username)
        expected = "" if account is None else account.password
        return account if _same(expected, password) else None

    def check_password_hash(
        self,
        username: str,
        digest: str,
        keys: OneTimeKeys,
        algorithm: HashAlgorithm | None = None,
    ) -> Account | None:
        """The user, if this is the hash of the password with one of the keys (section 3.3).

        Args:
            username: Who it should be.
            digest: The hash.
            keys: One of them was used.
            algorithm: The one that the client was told; the firmware's if there is none.
        """
        account = self._accounts.get(username)
        if account is None:
            return None
        salt = self.salt(username)

        def matches(key: str) -> bool:
            parameters = HashParameters(key=key, salt=salt, algorithm=algorithm or self.algorithm)
            return _same(hash_credentials(username, account.password, parameters), digest)

        return account if keys.spend(matches) else None

    def check_legacy_hash(self, digest: str, keys: OneTimeKeys) -> Account | None:
        """The user, if this is the hash that firmware before 9.3 asks for (section 3.6)."""
        for account in self._accounts.values():
            text = f"{account.username}:{account.password}"
            if keys.spend(functools.partial(_is_hash, digest, text, ("SHA1",))):
                return account
        return None

    def check_token(self, username: str, digest: str, keys: OneTimeKeys) -> Token | None:
        """The user's token of which this is the hash, with either algorithm (section 3.5).

        From firmware 11.2 on the token itself will do.
        """
        plain = self._profile.knows((11, 2))
        for text, token in self.tokens.items():
            if token.account.username != username:
                continue
            if plain and _same(text, digest):
                return token
            if keys.spend(functools.partial(_is_hash, digest, text, ("SHA256", "SHA1"))):
                return token
        return None

    def issue(
        self, account: Account, permission: int, client_id: str, info: str, *, jwt: bool
    ) -> Token:
        """Give a user a token; older ones may have to end for it.

        Args:
            account: The user.
            permission: The permission bits that the client asks for.
            client_id: The client's UUID.
            info: The client's free text.
            jwt: Whether it is a JSON web token or 40 hexadecimal digits.
        """
        self._make_room(account, client_id)
        expires, valid_until = self._life_of(permission)
        text = self._new_text(account, jwt=jwt)
        token = Token(text, account, permission, client_id, info, expires, valid_until)
        self._tokens.append(token)
        return token

    def refresh(self, token: Token, *, jwt: bool) -> None:
        """Prolong a token; as a JSON web token it gets a new text (section 3.5)."""
        token.expires, token.valid_until = self._life_of(token.permission)
        if jwt:
            token.text = self._new_text(token.account, jwt=True)

    def kill(self, token: Token) -> None:
        """End a token."""
        token.expires = -math.inf

    def is_live(self, token: Token) -> bool:
        """Whether a token has neither expired nor been killed."""
        return self._clock() < token.expires

    def forget_tokens(self) -> None:
        """End all tokens, as a firmware update may."""
        for token in self._tokens:
            self.kill(token)

    def _make_room(self, account: Account, client_id: str) -> None:
        """End tokens where there would be too many with one more."""
        theirs = [token for token in self.tokens.values() if token.account == account]
        if self._profile.token_per_client:
            for token in theirs:
                if token.client_id == client_id:
                    self.kill(token)
            theirs = [token for token in theirs if token.client_id != client_id]
        for token in theirs[: max(0, len(theirs) - self._profile.tokens_per_user + 1)]:
            self.kill(token)

    def _life_of(self, permission: int) -> tuple[float, int]:
        profile = self._profile
        life = profile.long_token_life if permission & PERMISSION_APP else profile.short_token_life
        return self._clock() + life, int(self._now() + life) - LOXONE_EPOCH

    def _new_text(self, account: Account, *, jwt: bool) -> str:
        if not jwt:
            return secrets.token_hex(20).upper()
        parts = (
            json.dumps({"alg": "HS256", "typ": "JWT"}).encode(),
            json.dumps({"sub": account.username, "iat": int(self._now())}).encode(),
            secrets.token_bytes(32),
        )
        return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


class Guard:
    """Counts failed logins and bans addresses (section 3.8)."""

    def __init__(self, profile: Profile, clock: Clock) -> None:
        self._profile = profile
        self._clock = clock
        self._failures: dict[str, deque[float]] = {}
        self._banned_until: dict[str, float] = {}

    def failed(self, address: str) -> None:
        """Note a failed login; the one too many begins a ban."""
        now = self._clock()
        failures = self._failures.setdefault(address, deque(maxlen=self._profile.ban_failures))
        failures.append(now)
        if (
            len(failures) == self._profile.ban_failures
            and now - failures[0] <= self._profile.ban_window
        ):
            self._banned_until[address] = now + self._profile.ban_life
            del self._failures[address]

    def remaining(self, address: str) -> int:
        """For how many seconds, rounded up, an address is banned; 0 when it is not."""
        left = self._banned_until.get(address, -math.inf) - self._clock()
        if left <= 0:
            self._banned_until.pop(address, None)
            return 0
        return math.ceil(left)


def _is_hash(digest: str, text: str, algorithms: tuple[HashAlgorithm, ...], key: str) -> bool:
    return any(_same(hash_token(text, key, algorithm), digest) for algorithm in algorithms)


def _same(expected: str, given: str) -> bool:
    """Compare in constant time; as bytes, for what a client sends need not be ASCII."""
    return hmac.compare_digest(expected.encode(), given.encode())
