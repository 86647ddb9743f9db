"""What kind of device a simulated Miniserver is."""

from __future__ import annotations

from typing import Literal

from attrs import field, frozen


Codes = Literal["recorded", "strings", "numbers"]
Generation = Literal[1, 2]
MiniserverType = Literal[0, 1, 2, 3, 4]
"""By the structure file: Gen 1, Go Gen 1, Gen 2, Go Gen 2, Compact (section 5.5)."""

_DAY = 86400.0


def _parse_version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


@frozen(kw_only=True)
class Profile:
    """The traits of a device; the defaults are a current one without TLS and without quirks.

    All durations are in seconds. The section numbers are those of the protocol reference.

    Attributes:
        serial: Twelve hexadecimal digits.
        firmware: Decides which commands exist and which hash algorithm is asked for (section 3).
        generation: 1 has the diagnostic values of the first hardware generation (section 6.1).
        miniserver_type: `miniserverType` of the structure file. A device that has one also puts its
            serial number, firmware and kind of user into that file; without one, the file is sent
            as the house has it.
        encryption: Commands can be encrypted: there is a public key. Without it, firmware before
            9.3 knows but the login by a one-time hash (section 3.6), and newer firmware none.
        key_bits: Size of the RSA key.
        address: The IP address that the device believes it has.
        https_status: `httpsStatus` of `apiKey`; absent where the device has no TLS (section 1.3).
        utc_offset: By how many seconds local time is ahead of UTC.
        admin: Whether the user has full access; others are refused some commands with 403.
        codes: The type of the answers' `Code` members; "recorded" does as real devices were seen to
            (section 1.1).
        bare_counters: The second generation's interrupt counters are numbers without quotes, not
            empty texts; both were seen (section 6.1).
        structure_identifier: Header identifier of the structure file, 0 or 1 (section 2.4).
        structure_binary: The structure file comes in a binary frame, not a text frame.
        structure_estimated: A header with an estimated length precedes the exact one.
        tables_before_answer: The full event tables come before the answer to their command.
        values_per_table: A full table is sent in batches of so many values, and so many texts.
        text_padding: Three bytes which fill up text entries; real ones are not zero (section 5.3).
        plain_logins: Logins are accepted unencrypted over the WebSocket (section 3.2).
        strict_salts: Encrypted commands must carry on their connection's salts (section 3.2).
        closes_rejected_logins: A rejected login ends the WebSocket with 1000 (section 2.7).
        event_slots: How many sessions can have live events (section 7).
        http_connections: How many connections can be open at a time (section 7).
        tokens_per_user: How many tokens a user can have; one more ends the oldest. The limit of
            real devices is not known (section 3.5).
        token_per_client: A new token ends those that the same user got by the same client UUID.
        login_limit: A WebSocket without a login for so long is closed (section 2.6).
        idle_limit: A WebSocket whose client is silent for so long is closed (section 2.5).
        http_idle_limit: An HTTP connection without a request for so long is closed.
        close_limit: How long a closed WebSocket waits for its client to close as well.
        send_limit: A client that takes longer to receive 64 KiB is dropped.
        outgoing_limit: A client for whom more bytes than this wait to be sent is dropped.
        command_limit: A longer message from a client, in characters, closes its WebSocket.
        one_time_key_life: How long a one-time key can be used (section 3.3).
        short_token_life: Life of a token with permission 2.
        long_token_life: Life of a token with permission 4.
        ban_failures: So many failed logins of one address ban it (section 3.8).
        ban_window: The failures count together when they happened within this time.
        ban_life: How long a ban lasts.
    """

    serial: str = "504F94D0E0DE"
    firmware: str = "16.0.6.10"
    generation: Generation = 1
    miniserver_type: MiniserverType | None = None
    encryption: bool = True
    key_bits: int = 2048
    address: str = "192.0.2.10"
    https_status: int | None = None
    utc_offset: int = 0
    admin: bool = True

    codes: Codes = "recorded"
    bare_counters: bool = False
    structure_identifier: Literal[0, 1] = 1
    structure_binary: bool = False
    structure_estimated: bool = True
    tables_before_answer: bool = False
    values_per_table: int = 100
    text_padding: bytes = b"\x29\x29\x00"
    plain_logins: bool = False
    strict_salts: bool = True
    closes_rejected_logins: bool = False

    event_slots: int = 31
    http_connections: int = 256
    tokens_per_user: int = 100
    token_per_client: bool = False
    login_limit: float = 10.0
    idle_limit: float = 300.0
    http_idle_limit: float = 60.0
    close_limit: float = 2.0
    send_limit: float = 10.0
    outgoing_limit: int = 32 * 1024 * 1024
    command_limit: int = 64 * 1024
    one_time_key_life: float = 10.0
    short_token_life: float = _DAY
    long_token_life: float = 28 * _DAY
    ban_failures: int = 5
    ban_window: float = 60.0
    ban_life: float = 300.0

    _version: tuple[int, ...] = field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "_version", _parse_version(self.firmware))

    def knows(self, since: tuple[int, ...]) -> bool:
        """Whether the firmware is of this version or newer."""
        return self._version >= since

    @property
    def colon_serial(self) -> str:
        """The serial number in the form of a MAC address."""
        return ":".join(self.serial[at : at + 2] for at in range(0, 12, 2))
