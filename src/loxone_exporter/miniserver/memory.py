"""What is remembered of a Miniserver from one session to the next, as long as the process lives."""

from __future__ import annotations

import math
import time

import trio
from attrs import define, field

from loxone_exporter.errors import IdentityError
from loxone_exporter.loxone.crypto import HashAlgorithm
from loxone_exporter.miniserver.budget import LoginBudget


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
        self.expires = trio.current_time() + left if left > 0 else math.inf

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
        token: The token for the next login; None where a password is needed.
        budget: How often the password may be tried.
        structure_version: What the Miniserver called the structure file that is in use; None where
            it has to be read anew.
        structure_needs_http: Whether that file has to come over HTTP, for it is no UTF-8.
    """

    serial: str | None = None
    offers_tls: bool = False
    cloud_domain: str = "com"
    token: HeldToken | None = None
    budget: LoginBudget = field(factory=LoginBudget)
    structure_version: str | None = None
    structure_needs_http: bool = False

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
                f"expected is {self.serial}: if it was replaced, change `serial`, and restart"
            )
        return False
