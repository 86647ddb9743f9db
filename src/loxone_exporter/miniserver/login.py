"""Logging in, staying logged in, and logging out (protocol reference, sections 3.1-3.6).

The password never leaves this process: what crosses the wire is a hash under a key that is good for
seconds, inside an encrypted command.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

import trio
from attrs import define, field, frozen

from loxone_exporter.config.model import MiniserverConfig
from loxone_exporter.config.secret import Secret
from loxone_exporter.errors import (
    BootingError,
    BusyError,
    ClosedNormallyError,
    InsecureLoginError,
    LockedOutError,
    LoginTimeoutError,
    MisbehaviourError,
    OutOfServiceError,
    ProtocolError,
    RejectedError,
    SessionError,
    StructureError,
    TokenExpiredError,
    UpdatingError,
    UserDisabledError,
)
from loxone_exporter.loxone import commands
from loxone_exporter.loxone.commands import CommandCipher
from loxone_exporter.loxone.crypto import (
    PublicKey,
    SessionKey,
    decode_base64,
    hash_credentials,
    hash_legacy_credentials,
    hash_token,
    strip_padding,
)
from loxone_exporter.loxone.replies import (
    OK,
    Device,
    Reply,
    parse_hash_parameters,
    parse_reply,
    parse_token,
    parse_validity,
)
from loxone_exporter.miniserver.conversation import LIMIT, Conversation, within
from loxone_exporter.miniserver.http import HttpClient
from loxone_exporter.miniserver.link import Link
from loxone_exporter.miniserver.memory import HeldToken, SessionMemory
from loxone_exporter.miniserver.transport import MAX_MESSAGE
from loxone_exporter.state import LinkState
from loxone_exporter.stop import StopRequest


REFRESH_INTERVAL: Final = 86_400.0
"""Seconds between two refreshes of a token at the latest."""

_SHORTEST_REFRESH_INTERVAL = 60.0

_EXCUSES = (BootingError, OutOfServiceError, UpdatingError, BusyError, LoginTimeoutError)
"""Failures of a login by which the Miniserver says that it is not about the credentials."""

_REFUSED_TOKEN = (RejectedError, TokenExpiredError)

_MAX_UNANSWERED = 5
"""Logins with a token in a row that may go without an answer, before it is held for worthless."""

_logger = logging.getLogger(__name__)


@frozen
class Party:
    """Who logs in, and where.

    Attributes:
        config: The user, and what is allowed.
        password: The password as it is now.
        device: The Miniserver.
        public_key: Its key; None where firmware knows no encryption.
        memory: The token from before, and how often the password may be tried.
        link: Where it is shown until when the token is valid.
    """

    config: MiniserverConfig
    password: Secret
    device: Device
    public_key: PublicKey | None
    memory: SessionMemory
    link: LinkState


async def log_in(conversation: Conversation, party: Party, *, with_password: bool = True) -> Login:
    """Exchange keys and log in, with the token from before or else with the password.

    Args:
        conversation: The connection.
        party: Who logs in.
        with_password: Whether the password may be used.

    Raises:
        RejectedError: User or password is wrong, or would be needed and may not be used.
        InsecureLoginError: The firmware has only a login that is not allowed.
        SessionError: Something else went wrong.
    """
    try:
        key, one_time_key = None, None
        if party.public_key is not None:
            key, one_time_key = await _exchange_keys(conversation, party.public_key)
        cipher = None if key is None else CommandCipher(key)
        login = Login(conversation, party, cipher, one_time_key)
        has_tokens = commands.has_tokens(party.device.firmware)
        if has_tokens and await login.use_token():
            return login
        if not with_password:
            raise RejectedError("the token is not accepted any more")
        if has_tokens:
            await login.use_password()
        else:
            await login.use_legacy_hash(key)
    except ProtocolError as error:
        raise MisbehaviourError(f"logging in: {error}") from error
    return login


async def _exchange_keys(
    conversation: Conversation, public_key: PublicKey
) -> tuple[SessionKey, str | None]:
    """Agree on an AES key; the answer is a one-time key, where it can be read."""
    key = SessionKey.generate()
    reply = await conversation.ask(
        commands.key_exchange(public_key.encrypt(key.exchange_text)), purpose="the key exchange"
    )
    try:
        text = strip_padding(key.decrypt(decode_base64(str(reply.value)))).decode("ascii")
        bytes.fromhex(text)
    except (ProtocolError, ValueError):
        return key, None
    return key, text or None


@contextlib.contextmanager
def _password_attempt(party: Party) -> Iterator[None]:
    """Account for the password that is sent within the block.

    Raises:
        RejectedError: It was wrong, or must not be tried yet.
    """
    budget, user = party.memory.budget, party.config.username
    wait = budget.wait(party.password, trio.current_time())
    if wait > 0:
        raise RejectedError(f"the password of {user!r} is not tried again for {wait:.0f} s")
    budget.spend(party.password, trio.current_time())
    try:
        yield
    except _EXCUSES:
        budget.excuse()
        raise
    except ClosedNormallyError as error:
        # Some firmware rejects a login without a word (section 2.7).
        raise RejectedError(
            f"the connection was closed in answer to the login of {user!r}: "
            "user or password is wrong, perhaps"
        ) from error
    budget.accept()


@define(eq=False)
class Login:
    """One connection's login."""

    _conversation: Conversation
    _party: Party
    _cipher: CommandCipher | None = None
    _one_time_key: str | None = field(default=None, repr=False)

    async def use_token(self) -> bool:
        """Log in with the token from before.

        Returns:
            Whether there was one, and the Miniserver accepted it.
        """
        memory = self._party.memory
        token = memory.token
        if token is None or token.life <= 0:
            memory.token = None
            return False
        try:
            reply = await self._ask_with_hash(token, commands.use_token, "the login with the token")
        except (UserDisabledError, LockedOutError, *_EXCUSES):
            raise
        except _REFUSED_TOKEN as error:
            _logger.info("the token is refused: %s", error)
            memory.token = None
            return False
        except MisbehaviourError as error:
            _logger.info("the token is of no use: %s", error)
            return False
        except SessionError as error:
            # Some firmware refuses without a word (section 2.7).
            token.unanswered += 1
            if isinstance(error, ClosedNormallyError) or token.unanswered >= _MAX_UNANSWERED:
                memory.token = None
            raise
        token.unanswered = 0
        self._prolong(token, parse_validity(reply.value))
        return True

    async def use_password(self) -> None:
        """Log in with the password, and be given a token."""
        self._one_time_key = None  # good for seconds only, and not needed for a password
        party = self._party
        config, device = party.config, party.device
        user = config.username
        parameters = parse_hash_parameters(
            (await self._ask(commands.hash_parameters(user), "the user's salt")).value
        )
        command = commands.request_token(
            device.firmware,
            credentials_hash=hash_credentials(user, party.password.reveal(), parameters),
            user=user,
            client_id=config.client_id,
            serial=device.serial,
        )
        with _password_attempt(party):
            reply = await self._ask(command, f"the login of {user!r}")
            token = parse_token(reply.value)
        party.memory.token = HeldToken(token.token, parameters.algorithm)
        self._prolong(party.memory.token, token.valid_until)

    async def use_legacy_hash(self, key: SessionKey | None) -> None:
        """Log in as firmware before tokens does (section 3.6); there is no token.

        Args:
            key: The connection's AES key; None where the firmware has no encryption.

        Raises:
            InsecureLoginError: There is no encryption, and it was not allowed to do without.
        """
        config = self._party.config
        user, password = config.username, self._party.password.reveal()
        if key is None and not config.allow_legacy_login:
            raise InsecureLoginError(
                "this firmware logs in without encryption only, and who listens can guess the "
                "password offline: update it, or set allow_legacy_login = true"
            )
        one_time_key = self._one_time_key
        if key is None or one_time_key is None:
            reply = await self._conversation.ask(commands.ONE_TIME_KEY, purpose="a one-time key")
            one_time_key = str(reply.value)
        credentials_hash = hash_legacy_credentials(user, password, one_time_key)
        if key is None:
            _logger.warning(
                "logging in without encryption (allow_legacy_login): who listens can guess the "
                "password offline"
            )
            command = commands.legacy_login(credentials_hash)
        else:
            command = commands.encrypted_legacy_login(key, credentials_hash, user)
        with _password_attempt(self._party):
            purpose = f"the login of {user!r}"
            await self._conversation.ask(command, purpose=purpose, is_secret=True)

    async def keep_token(self, stop: StopRequest, grace: float) -> None:
        """Give the token a longer life from time to time, until the stop is requested.

        Args:
            stop: Ends this.
            grace: Seconds after it for a refresh under way: the token's new text has to be known,
                for the token to be killed.
        """
        while (token := self._party.memory.token) is not None:
            with stop.interrupts():
                pause = max(min(token.life / 2, REFRESH_INTERVAL), _SHORTEST_REFRESH_INTERVAL)
                await trio.sleep(pause)
            if stop.is_made() or not await self._refresh(token, stop, grace):
                return

    async def _refresh(self, token: HeldToken, stop: StopRequest, grace: float) -> bool:
        device = self._party.device
        if not commands.can_refresh(device.firmware):
            return False
        try:
            with stop.interrupts(grace=grace):
                refresh = partial(commands.refresh_token, device.firmware)
                reply = await self._ask_with_hash(token, refresh, "a longer life of the token")
                with contextlib.suppress(ProtocolError):  # older firmware keeps the text
                    token.text = parse_token(reply.value).token
                self._prolong(token, parse_validity(reply.value))
        except _REFUSED_TOKEN as error:
            # The Miniserver ends the session by itself when the token's time is over. Until then
            # the token is kept: should it be good after all, it is not left behind.
            _logger.warning("the token is not refreshed any more: %s", error)
            return False
        except MisbehaviourError as error:
            _logger.warning("the token was not refreshed: %s", error)
        return True

    async def fetch_structure(self, link: Link) -> bytes:
        """Ask for the structure file over HTTP, where a text that is no UTF-8 does no harm.

        Raises:
            StructureError: It is not to be had that way either.
            SessionError: The connection failed.
        """
        token, user = self._party.memory.token, self._party.config.username
        if token is None:
            raise StructureError("the structure file is no UTF-8, and HTTP needs a token")
        try:
            async with HttpClient(link) as http:
                with within(LIMIT, "structure file over HTTP"):
                    key = parse_reply((await http.get(commands.ONE_TIME_KEY)).body)
                    token_hash = hash_token(token.text, str(key.value), token.algorithm)
                    response = await http.get(
                        commands.structure_file_by_token(token_hash, user), max_body=MAX_MESSAGE
                    )
        except ProtocolError as error:
            raise StructureError(f"the structure file is no UTF-8; over HTTP: {error}") from error
        if response.status != OK:
            raise StructureError(
                f"the structure file is no UTF-8; over HTTP: status {response.status}"
            )
        return response.body

    async def log_out(self) -> None:
        """Kill the token, so that none is left behind in the Miniserver.

        Raises:
            SessionError: The Miniserver did not confirm it.
        """
        token = self._party.memory.token
        if token is None:
            return
        # Firmware answers 200 or 401 to this, or closes the line at once (section 3.5): all three
        # mean that the token is gone.
        with contextlib.suppress(*_REFUSED_TOKEN, ClosedNormallyError):
            await self._ask_with_hash(token, commands.kill_token, "logging out")
        self._party.memory.token = None
        self._party.link.token_valid_until = None

    def _prolong(self, token: HeldToken, valid_until: float | None) -> None:
        token.prolong(valid_until)
        self._party.link.token_valid_until = token.valid_until

    async def _ask(self, command: str, purpose: str) -> Reply:
        if self._cipher is None:
            raise MisbehaviourError("the Miniserver has no public key for the key exchange")
        encrypted = self._cipher.encrypt(command)
        return await self._conversation.ask(encrypted, purpose=purpose, is_secret=True)

    async def _ask_with_hash(
        self, token: HeldToken, command: Callable[[str, str], str], purpose: str
    ) -> Reply:
        """Send a command that carries the token's hash, under a key that is good for once."""
        key, self._one_time_key = self._one_time_key, None
        if key is None:
            key = str((await self._ask(commands.ONE_TIME_KEY, "a one-time key")).value)
        try:
            token_hash = hash_token(token.text, key, token.algorithm)
        except ProtocolError as error:
            raise MisbehaviourError(f"{purpose}: {error}") from error
        return await self._ask(command(token_hash, self._party.config.username), purpose)
