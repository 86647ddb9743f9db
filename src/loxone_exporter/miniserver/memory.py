"""What is remembered of a Miniserver from one session to the next, as long as the process lives."""

from __future__ import annotations

import logging
import math
import time
from typing import Final

import trio
from attrs import define, field

from loxone_exporter.errors import IdentityError
from loxone_exporter.loxone.crypto import HashAlgorithm
from loxone_exporter.miniserver.budget import LoginBudget


_LONGEST_LIFE: Final = 366 * 86_400.0
"""Seconds; no Miniserver gives a token for longer."""

_REFUSALS_BORNE: Final = 2
"""Refused tokens after which none is used again: each is a failed login for the Miniserver."""

_logger = logging.getLogger(__name__)


@define
class HeldToken:
    """A token that the Miniserver gave us, and that it should not keep when we are gone.

    Attributes:
        text: The token; a secret.
        algorithm: What its hashes are made with.
        valid_until: Unix time; None where the Miniserver does not say.
        expires: The same on trio's clock, which nobody sets; infinite where it is not known, or
            cannot be true: the Miniserver's clock and ours need not agree.
        unanswered: How many logins with it in a row found no answer.
    """

    text: str = field(repr=False)
    algorithm: HashAlgorithm
    valid_until: float | None = None
    expires: float = math.inf
    unanswered: int = 0

    def prolong(self, valid_until: float | None) -> None:
        """Take over until when it is valid, which the Miniserver has just said."""
        if valid_until is None:
            return
        left = valid_until - time.time()
        self.valid_until = valid_until
        is_plausible = 0 < left <= _LONGEST_LIFE
        self.expires = trio.current_time() + left if is_plausible else math.inf

    @property
    def life(self) -> float:
        """Seconds that are left of it, as far as is known."""
        return self.expires - trio.current_time()


@define
class SessionMemory:
    """The memory of one Miniserver's sessions.

    Attributes:
        serial: The device that was configured or seen first; None before.
        offers_tls: Whether it once offered TLS: it is never asked in plain again.
        cloud_domain: The top-level domain of the names in its certificates.
        token: The token of the last login; None where there is none.
        refused_tokens: How many tokens were refused that should still have been valid.
        lost_tokens: How many tokens the Miniserver may still have that cannot be killed: asked for
            without an answer, or not used any more.
        lacks_tokens: Whether it is of firmware that may have tokens, and does not.
        budget: How often the password may be tried.
        structure_version: What the Miniserver called the structure file that is in use; None where
            it has to be read anew.
        structure_needs_http: Whether that file has to come over HTTP, for it is no UTF-8.
        is_told_time: Whether the Miniserver tells this user the time, as far as is known.
    """

    serial: str | None = None
    offers_tls: bool = False
    cloud_domain: str = "com"
    token: HeldToken | None = None
    refused_tokens: int = 0
    lost_tokens: int = 0
    lacks_tokens: bool = False
    budget: LoginBudget = field(factory=LoginBudget)
    structure_version: str | None = None
    structure_needs_http: bool = False
    is_told_time: bool = True

    @property
    def reuses_tokens(self) -> bool:
        """Whether a token serves for more than the session that it was given in."""
        return self.refused_tokens < _REFUSALS_BORNE

    @property
    def reusable_token(self) -> HeldToken | None:
        """The token for the next login; None where a password is needed."""
        if self.token is None or self.token.life <= 0 or not self.reuses_tokens:
            return None
        return self.token

    def note_refused_token(self) -> None:
        """Note that the Miniserver does not accept a token that should still be valid."""
        self.token = None
        self.refused_tokens += 1
        if self.refused_tokens == _REFUSALS_BORNE:
            _logger.warning(
                "the Miniserver refused %d tokens that should still have been valid: so that it "
                "does not lock this address out, each login takes the password from now on",
                self.refused_tokens,
            )

    def give_up_token(self) -> None:
        """Do without the token, which the Miniserver may still have."""
        if self.token is not None and self.token.life > 0:
            self.lost_tokens += 1
        self.token = None

    def recognize(self, serial: str) -> bool:
        """Compare who answers with who is expected; the first one seen is expected from then on.

        Returns:
            Whether it is the first one.

        Raises:
            IdentityError: It is somebody else.
        """
        if self.serial is None:
            self.serial = serial
            return True
        if serial != self.serial:
            raise IdentityError(
                f"the Miniserver with the serial number {serial} answers, "
                f"expected is {self.serial}: if it was replaced, change `serial`, or restart"
            )
        return False
