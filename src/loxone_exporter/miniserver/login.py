"""Logging in, staying logged in, and logging out (protocol reference, sections 3.1-3.6).

The password never leaves this process: what crosses the wire is a hash under a key that is good for
seconds, inside an encrypted command.
"""

from __future__ import annotations

import contextlib
import logging
import math
from collections.abc import Callable
from functools import partial
from typing import Final

import trio
from attrs import define, field

from loxone_exporter.errors import (
    BootingError,
    BusyError,
    ClosedNormallyError,
    InsecureLoginError,
    LockedOutError,
    MisbehaviourError,
    NoTokensError,
    ProtocolError,
    RejectedError,
    SessionError,
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
    Reply,
    parse_hash_parameters,
    parse_token,
    parse_validity,
)
from loxone_exporter.miniserver.attempts import Party, password_attempt, token_asked_for
from loxone_exporter.miniserver.conversation import Conversation
from loxone_exporter.miniserver.failures import Phase, answer
from loxone_exporter.miniserver.memory import HeldToken
from loxone_exporter.stop import StopRequest


REFRESH_INTERVAL: Final = 86_400.0
"""Seconds between two refreshes of a token at the latest."""

UNCERTAIN_REFRESH_INTERVAL: Final = 4 * 3600.0
"""Likewise where it is not known how long the token is valid; the shortest are for twelve hours."""

_SHORTEST_REFRESH_INTERVAL = 60.0

_REFUSED_TOKEN = (RejectedError, TokenExpiredError)

_NOT_ABOUT_TOKEN = (
    BootingError,
    BusyError,
    LockedOutError,
    UpdatingError,
    UserDisabledError,
)
"""Failures of a login with a token that say nothing of the token.

Going out of service and coming too late are not among them: who does so at each login may have
counted each as a failed one.
"""

_UNKNOWN = frozenset({400, 404})
"""Codes that answer commands which the firmware does not know."""

_MAX_UNANSWERED = 2
"""Logins with a token in a row that may go without an answer, before it is held for worthless; a
Miniserver may have counted them as failed ones."""

_logger = logging.getLogger(__name__)


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
        if login.has_tokens and await login.use_token():
            return login
        if not with_password:
            raise RejectedError("the token is not accepted any more")
        if login.has_tokens and await login.use_password():
            return login
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
        commands.key_exchange(public_key.encrypt(key.exchange_text)),
        purpose="the key exchange",
        phase=Phase.OPENING,
    )
    try:
        text = strip_padding(key.decrypt(decode_base64(str(reply.value)))).decode("ascii")
        bytes.fromhex(text)
    except (ProtocolError, ValueError):
        return key, None
    return key, text or None


@define(eq=False)
class Login:
    """One connection's login."""

    _conversation: Conversation
    _party: Party
    _cipher: CommandCipher | None = None
    _one_time_key: str | None = field(default=None, repr=False)

    @property
    def has_tokens(self) -> bool:
        """Whether there is a login with a token, as far as is known."""
        firmware = self._party.device.firmware
        if not commands.has_legacy_login(firmware):
            return True
        can_have = commands.has_tokens(firmware) and not self._party.memory.lacks_tokens
        return can_have and self._cipher is not None

    async def use_token(self) -> bool:
        """Log in with the token from before.

        Returns:
            Whether there was one, and the Miniserver accepted it.
        """
        memory = self._party.memory
        token = memory.reusable_token
        if token is None:
            memory.give_up_token()
            return False
        try:
            reply = await self._ask_with_hash(
                token, commands.use_token, "the login with the token", Phase.LOGIN
            )
        except _NOT_ABOUT_TOKEN:
            raise
        except _REFUSED_TOKEN as error:
            _logger.info("the token is refused: %s", error)
            memory.note_refused_token()
            return False
        except MisbehaviourError as error:
            _logger.info("the token is of no use: %s", error)
            memory.give_up_token()
            memory.note_refused_token()
            return False
        except SessionError as error:
            # Some firmware refuses without a word (section 2.7).
            token.unanswered += 1
            if isinstance(error, ClosedNormallyError) or token.unanswered >= _MAX_UNANSWERED:
                memory.give_up_token()
                memory.note_refused_token()
            raise
        token.unanswered = memory.refused_tokens = 0
        self._prolong(token, parse_validity(reply.value))
        return True

    async def use_password(self) -> bool:
        """Log in with the password, and be given a token.

        Returns:
            Whether this firmware knows what that is; otherwise there is another login.
        """
        try:
            await self._ask_for_token()
        except NoTokensError as error:
            _logger.info("%s: there is a login without tokens", error)
            self._party.memory.lacks_tokens = True
            return False
        return True

    async def _ask_for_token(self) -> None:
        self._one_time_key = None  # good for seconds only, and not needed for a password
        party = self._party
        config, device = party.config, party.device
        user = config.username
        question = commands.hash_parameters(user)
        salt = await self._ask_if_known(question, "the user's salt", Phase.OPENING)
        parameters = parse_hash_parameters(salt.value)
        command = commands.request_token(
            device.firmware,
            credentials_hash=hash_credentials(user, party.password.reveal(), parameters),
            user=user,
            client_id=config.client_id,
            serial=device.serial,
        )
        with password_attempt(party), token_asked_for(party.memory):
            reply = await self._ask_if_known(command, f"the login of {user!r}", Phase.LOGIN)
            token = parse_token(reply.value)
        party.memory.token = HeldToken(token.token, parameters.algorithm)
        self._prolong(party.memory.token, token.valid_until)

    async def use_legacy_hash(self, key: SessionKey | None) -> None:
        """Log in as firmware without tokens does (section 3.6).

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
            reply = await self._conversation.ask(
                commands.ONE_TIME_KEY, purpose="a one-time key", phase=Phase.OPENING
            )
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
        with password_attempt(self._party):
            await self._conversation.ask(
                command, purpose=f"the login of {user!r}", is_secret=True, phase=Phase.LOGIN
            )

    async def keep_token(self, stop: StopRequest, grace: float) -> None:
        """Give the token a longer life from time to time, until the stop is requested.

        Args:
            stop: Ends this.
            grace: Seconds after it for a refresh under way: the token's new text has to be known,
                for the token to be killed.
        """
        while (token := self._party.memory.token) is not None:
            with stop.interrupts():
                await trio.sleep(_until_refresh(token))
            if stop.is_made() or not await self._refresh(token, stop, grace):
                return

    async def _refresh(self, token: HeldToken, stop: StopRequest, grace: float) -> bool:
        device = self._party.device
        if not commands.can_refresh(device.firmware):
            return False
        try:
            with stop.interrupts(grace=grace):
                refresh = partial(commands.refresh_token, device.firmware)
                purpose = "a longer life of the token"
                reply = await self._ask_with_hash(token, refresh, purpose, Phase.SESSION)
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
        command = await self._with_hash(token, commands.kill_token, "logging out", Phase.SESSION)
        with contextlib.suppress(*_REFUSED_TOKEN, ClosedNormallyError):
            await self._ask(command, "logging out", Phase.SESSION)
        self._party.memory.token = None
        self._party.link.token_valid_until = None

    def _prolong(self, token: HeldToken, valid_until: float | None) -> None:
        token.prolong(valid_until)
        self._party.link.token_valid_until = token.valid_until

    async def _ask(self, command: str, purpose: str, phase: Phase) -> Reply:
        encrypted = self._encrypt(command)
        return await self._conversation.ask(encrypted, purpose=purpose, is_secret=True, phase=phase)

    async def _ask_if_known(self, command: str, purpose: str, phase: Phase) -> Reply:
        """Likewise, where firmware may not know the command, and then has another login."""
        encrypted = self._encrypt(command)
        reply = await self._conversation.request(encrypted, purpose=purpose, is_secret=True)
        if reply.code in _UNKNOWN and commands.has_legacy_login(self._party.device.firmware):
            raise NoTokensError(f"code {reply.code} in answer to {purpose}")
        failure = answer(reply, purpose, phase)
        if failure is not None:
            raise failure
        return reply

    def _encrypt(self, command: str) -> str:
        if self._cipher is None:
            raise MisbehaviourError("the Miniserver has no public key for the key exchange")
        return self._cipher.encrypt(command)

    async def _ask_with_hash(
        self, token: HeldToken, command: Callable[[str, str], str], purpose: str, phase: Phase
    ) -> Reply:
        return await self._ask(
            await self._with_hash(token, command, purpose, phase), purpose, phase
        )

    async def _with_hash(
        self, token: HeldToken, command: Callable[[str, str], str], purpose: str, phase: Phase
    ) -> str:
        """A command that carries the token's hash, under a key that is good for once."""
        key, self._one_time_key = self._one_time_key, None
        if key is None:
            before = Phase.OPENING if phase is Phase.LOGIN else phase
            key = str((await self._ask(commands.ONE_TIME_KEY, "a one-time key", before)).value)
        try:
            token_hash = hash_token(token.text, key, token.algorithm)
        except ProtocolError as error:
            raise MisbehaviourError(f"{purpose}: {error}") from error
        return command(token_hash, self._party.config.username)


def _until_refresh(token: HeldToken) -> float:
    """Seconds until a token is given a longer life."""
    if math.isinf(token.life):
        return UNCERTAIN_REFRESH_INTERVAL
    return max(min(token.life / 2, REFRESH_INTERVAL), _SHORTEST_REFRESH_INTERVAL)
