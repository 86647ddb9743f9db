"""Logging in with a token, and out again (protocol reference, sections 3.1-3.5).

The password never leaves this process: what crosses the wire is a hash under a key that is good for
seconds, inside an encrypted command.
"""

from __future__ import annotations

import contextlib

from attrs import field, frozen

from loxone_exporter.config.model import MiniserverConfig
from loxone_exporter.errors import (
    ClosedNormallyError,
    MisbehaviourError,
    ProtocolError,
    RejectedError,
)
from loxone_exporter.loxone import commands
from loxone_exporter.loxone.commands import CommandCipher
from loxone_exporter.loxone.crypto import (
    HashAlgorithm,
    PublicKey,
    SessionKey,
    hash_credentials,
    hash_token,
)
from loxone_exporter.loxone.replies import Device, Token, parse_hash_parameters, parse_token
from loxone_exporter.miniserver.conversation import Conversation


@frozen
class Login:
    """A connection that is logged in."""

    _conversation: Conversation = field(repr=False)
    _cipher: CommandCipher = field(repr=False)
    _user: str
    _algorithm: HashAlgorithm
    token: Token

    async def log_out(self) -> None:
        """Kill the token, so that none is left behind in the Miniserver.

        Raises:
            SessionError: The Miniserver did not confirm it.
        """
        one_time_key = await self._conversation.ask(
            self._cipher.encrypt(commands.ONE_TIME_KEY), purpose="a key for logging out"
        )
        token_hash = hash_token(self.token.token, str(one_time_key.value), self._algorithm)
        command = commands.kill_token(token_hash, self._user)
        # Firmware answers 200 or 401 to this, or closes the line at once (section 3.5): all three
        # mean that the token is gone.
        with contextlib.suppress(RejectedError, ClosedNormallyError):
            await self._conversation.ask(self._cipher.encrypt(command), purpose="logging out")


async def log_in(
    conversation: Conversation, miniserver: MiniserverConfig, device: Device, public_key: PublicKey
) -> Login:
    """Exchange keys, and be given a token for user and password.

    Raises:
        RejectedError: User or password is wrong.
        SessionError: Something else went wrong.
    """
    try:
        return await _log_in(conversation, miniserver, device, public_key)
    except ProtocolError as error:
        raise MisbehaviourError(f"logging in: {error}") from error


async def _log_in(
    conversation: Conversation, miniserver: MiniserverConfig, device: Device, public_key: PublicKey
) -> Login:
    session_key = SessionKey.generate()
    await conversation.ask(
        commands.key_exchange(public_key.encrypt(session_key.exchange_text)),
        purpose="the key exchange",
    )
    cipher = CommandCipher(session_key)
    user = miniserver.username
    parameters = parse_hash_parameters(
        (
            await conversation.ask(
                cipher.encrypt(commands.hash_parameters(user)), purpose="the user's salt"
            )
        ).value
    )
    command = commands.request_token(
        device.firmware,
        credentials_hash=hash_credentials(user, miniserver.password.reveal(), parameters),
        user=user,
        client_uuid=commands.derive_client_uuid(device.serial, user, miniserver.client_id),
    )
    try:
        reply = await conversation.ask(cipher.encrypt(command), purpose=f"the login of {user!r}")
    except ClosedNormallyError as error:
        # Some firmware rejects a login without a word (section 2.7). To try again soon, as after
        # other lost connections, would lock the owner out.
        raise RejectedError(
            f"the connection was closed in answer to the login of {user!r}: "
            "user or password is wrong, perhaps"
        ) from error
    return Login(conversation, cipher, user, parameters.algorithm, parse_token(reply.value))
