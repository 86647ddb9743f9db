"""What the owner can do about each failure; what it was, the failure itself says."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from loxone_exporter.errors import FailureReason


REMEDIES: Final[Mapping[FailureReason, str]] = MappingProxyType(
    {
        FailureReason.UNREACHABLE: (
            "is this the Miniserver's address in your network, and is it switched on? "
            "See `host` and `port`"
        ),
        FailureReason.TLS: (
            "see `tls`, `tls_port`, and for a certificate of your own `tls_ca_file`, "
            "`tls_server_name` and `tls_fingerprint`"
        ),
        FailureReason.IDENTITY: "was the Miniserver replaced? Then change `serial`; if not, `host`",
        FailureReason.BOOTING: "it takes a minute or two: wait until the app can connect again",
        FailureReason.CONNECTION_LOST: "is the network good? Did the Miniserver restart?",
        FailureReason.SILENT: "is it a Miniserver that answers there, and is it very busy?",
        FailureReason.OUT_OF_SERVICE: "it restarts, or takes a new program over: wait a minute",
        FailureReason.UPDATING: "it installs new firmware: wait some minutes",
        FailureReason.BUSY: (
            "31 clients can receive events: close apps, browsers and other programs that are "
            "connected and that nobody needs"
        ),
        FailureReason.REJECTED: (
            "correct user and password; a Miniserver locks an address out after a few failed logins"
        ),
        FailureReason.USER_DISABLED: "enable the user in Loxone Config",
        FailureReason.USER_CHANGED: "somebody changed a user in Loxone Config just now: try again",
        FailureReason.LOCKED_OUT: (
            "wait as long as it says, for each attempt may prolong it; look for the program at "
            "this address that uses a wrong password"
        ),
        FailureReason.LOGIN_TIMEOUT: "the Miniserver or the network is slow: try again",
        FailureReason.TOKEN_EXPIRED: "the login is not valid any more: try again",
        FailureReason.INSECURE_LOGIN: "update the firmware, or set `allow_legacy_login = true`",
        FailureReason.BAD_TEXT: (
            "correct the name in Loxone Config, if you find it; `loxone-exporter run` asks for the "
            "structure file in another way, and can go on"
        ),
        FailureReason.PROTOCOL: "is this the right host, and the right port?",
        FailureReason.BUG: "please report it",
    }
)
"""By reason; a few words, for a sentence after the failure's own."""
