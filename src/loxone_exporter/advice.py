"""What each failure means, and what the owner can do about it.

The page shows it of the running exporter, which tries again by itself and says when; `check
--connect` of its one attempt. What is said here is true of both.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from attrs import frozen

from loxone_exporter.errors import FailureReason


@frozen
class Advice:
    """What a failure means.

    Attributes:
        what: What happened, in a few words.
        remedy: What to do about it, in whole sentences.
    """

    what: str
    remedy: str


ADVICE: Final[Mapping[FailureReason, Advice]] = MappingProxyType(
    {
        FailureReason.UNREACHABLE: Advice(
            "Nobody answers at its address",
            "Is the Miniserver switched on, and are host, port and tls_port right? A firewall "
            "between here and there may be in the way.",
        ),
        FailureReason.TLS: Advice(
            "There is no TLS connection that can be trusted",
            "The message says what is wrong. What decides is in the configuration: tls, tls_port, "
            "and for a certificate of your own tls_ca_file, tls_server_name and tls_fingerprint.",
        ),
        FailureReason.IDENTITY: Advice(
            "Another device answers than the one that is expected",
            "If the Miniserver was replaced, correct its serial in the configuration, or restart "
            "the exporter where there is none. If it was not, find out who answers at its address: "
            "see host.",
        ),
        FailureReason.BOOTING: Advice(
            "The Miniserver is starting",
            "Wait a minute or two: it is there when the app can connect again.",
        ),
        FailureReason.CONNECTION_LOST: Advice(
            "The connection broke",
            "If it was once, there is nothing to mend. If it happens again and again, look at the "
            "network, and whether the Miniserver restarts; a pattern in time tells more.",
        ),
        FailureReason.SILENT: Advice(
            "The Miniserver does not answer any more",
            "If it was once, there is nothing to mend. If it happens again and again, is it a "
            "Miniserver that is at this address? Look at the network, and at its load.",
        ),
        FailureReason.OUT_OF_SERVICE: Advice(
            "The Miniserver went out of service",
            "Wait a minute: it restarts, or takes a new program over.",
        ),
        FailureReason.UPDATING: Advice(
            "The Miniserver installs new firmware", "Wait some minutes: there is nothing to mend."
        ),
        FailureReason.BUSY: Advice(
            "The Miniserver has as many clients as it can serve",
            "Close apps, browsers and other clients that nobody needs: no more than 31 of them can "
            "receive events.",
        ),
        FailureReason.REJECTED: Advice(
            "User or password is wrong, or the user lacks a right",
            "Correct username or password in the configuration: the exporter tries it at once. If "
            "you corrected the user in Loxone Config instead, restart the exporter, or wait. A "
            "Miniserver locks an address out after a few failed logins.",
        ),
        FailureReason.USER_DISABLED: Advice(
            "The user is disabled",
            "Enable the user in Loxone Config, then restart the exporter, or wait.",
        ),
        FailureReason.USER_CHANGED: Advice(
            "A user was changed in Loxone Config",
            "There is nothing to mend: the next login sees what the user may see now.",
        ),
        FailureReason.LOCKED_OUT: Advice(
            "The Miniserver has locked this address out, after too many failed logins",
            "Wait as long as it says, for each attempt may prolong it; and look for the client "
            "that fails to log in: it may be another one at the same address.",
        ),
        FailureReason.LOGIN_TIMEOUT: Advice(
            "The login took too long",
            "If it was once, there is nothing to mend. If it happens again, look at the network "
            "and at the load of the Miniserver.",
        ),
        FailureReason.TOKEN_EXPIRED: Advice(
            "The token is not valid any more",
            "There is nothing to mend, unless it happens again and again: the next login gets "
            "another one.",
        ),
        FailureReason.INSECURE_LOGIN: Advice(
            "The firmware knows no login that is safe from eavesdroppers",
            "Update the Miniserver; or, if nobody can listen in your network, set "
            "allow_legacy_login.",
        ),
        FailureReason.BAD_TEXT: Advice(
            "The Miniserver sent a text that is no UTF-8",
            "Look for odd characters in the names of rooms, controls and users in Loxone Config. "
            "The running exporter asks for the structure file in another way, and can go on.",
        ),
        FailureReason.PROTOCOL: Advice(
            "What answers does not behave like a Miniserver",
            "Are host and port those of the Miniserver? If they are, please report the message.",
        ),
        FailureReason.BUG: Advice(
            "This program has a fault", "Please report what the log says of it."
        ),
    }
)
"""By reason."""
