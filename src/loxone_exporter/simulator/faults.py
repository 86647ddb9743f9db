"""What a simulated Miniserver can be told to do wrong.

The fields of `Faults` are the one table of all lasting faults: each says what it does and how its
value is written on the command line. What happens at one moment (a reboot, a structure change) is a
drill, in `drills.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from attrs import define, field, fields, frozen

from loxone_exporter.simulator.fault_values import (
    DAY,
    HEXADECIMAL,
    RAW,
    SERIAL,
    SWITCH,
    URL,
    ValueForm,
    choice,
    number,
    seconds,
    whole_number,
)


_CLOSE_CODE: Final = whole_number("CODE", lowest=1000, highest=4999)
_ANSWER_CODE: Final = whole_number("CODE", lowest=100, highest=999)
_TEN_YEARS: Final = 3650 * DAY
_KEY: Final = "fault"


@frozen
class FaultInfo:
    """One lasting fault, as a list shows it.

    Attributes:
        name: As it is written on the command line.
        attribute: The attribute of `Faults`.
        about: What it does.
        form: What its value looks like.
        only_from_start: Whether it cannot begin or end while the device runs.
        only_texts: Whether it shows in text states only, which not every house has.
    """

    name: str
    attribute: str
    about: str
    form: ValueForm
    only_from_start: bool = False
    only_texts: bool = False


def _fault(about: str, form: ValueForm = SWITCH, *, default: Any = None, **traits: bool) -> Any:  # noqa: ANN401  # as attrs.field
    if form is SWITCH:
        default = False
    return field(default=default, metadata={_KEY: {"about": about, "form": form, **traits}})


@define(kw_only=True)
class Faults:
    """Misbehaviour that can be switched on and off while a simulated Miniserver runs.

    The section numbers are those of the protocol reference; the quirks are those of section 9.
    """

    # All traffic.
    half_open: bool = _fault("No byte goes in or out any more; connections stay open.")
    dribble: float | None = _fault(
        "All is sent so slowly, in bytes per second.", number("RATE", lowest=0.1, highest=1e9)
    )
    answer_delay: float = _fault(
        "Each answer comes so many seconds late.", seconds(lowest=0.001), default=0.0
    )
    mute_after: int | None = _fault(
        "So many commands are answered, counted over all connections since the start; "
        "then nothing at all is sent: no answers, no events, no pongs.",
        whole_number("COUNT", highest=10**6, bare=0),
    )

    # HTTP.
    booting: bool = _fault("Every HTTP request, a WebSocket's too, gets status 503.")
    answer_with: bytes | None = _fault(
        "This text answers every HTTP request, then the connection is closed.", RAW
    )
    redirect: str | None = _fault(
        "Every HTTP request without TLS, a WebSocket's too, is redirected there (section 4).", URL
    )
    locked_out: int | None = _fault(
        "Every address is banned for so many seconds, which are counted down: the 403 page, and "
        "close code 4003 (section 3.8).",
        whole_number("SECONDS", lowest=1, highest=int(DAY), bare=300),
    )
    no_connections: bool = _fault(
        "The limit of connections is reached: HTTP requests and logins get code 901 (section 3.7)."
    )
    serial: str | None = _fault(
        "Another device answers: it says this serial, and its certificate is for that one. Only "
        "from the start on.",
        SERIAL,
        only_from_start=True,
    )
    certificate_expired: bool = _fault(
        "The certificate has expired, and apiKey says so: httpsStatus 2 (section 1.3). Only from "
        "the start on.",
        only_from_start=True,
    )
    https_status: int | None = _fault(
        "apiKey has this httpsStatus.", whole_number("STATUS", highest=99)
    )
    no_event_slots: bool = _fault(
        "No slot for live events is free: hasEventSlots is false, and a subscription is closed "
        "with 4008 (section 7)."
    )
    clock_offset: float = _fault(
        "The device's clock is so many seconds ahead, or behind if negative; the global state "
        "miniserverTime stays.",
        number("SECONDS", lowest=-_TEN_YEARS, highest=_TEN_YEARS),
        default=0.0,
    )

    # Logins and tokens.
    reject_logins: bool = _fault("Every login is answered as one with a wrong password.")
    login_code: int | None = _fault("Every login is answered with this code.", _ANSWER_CODE)
    token_code: int | None = _fault(
        "Every use, renewal, check and end of a token is answered with this code, for instance 401 "
        "or 477; the end is one all the same.",
        _ANSWER_CODE,
    )
    user_disabled: bool = _fault(
        "Logins get code 423; sessions are closed with 4006 (section 2.7)."
    )
    close_login: int | None = _fault(
        "The WebSocket is closed with this code in answer to a login.", _CLOSE_CODE
    )
    no_hash_algorithm: bool = _fault("getkey2 has no hashAlg, and SHA-1 counts (section 3.3).")
    public_key_form: Literal["labelled", "certificate"] | None = _fault(
        "getPublicKey has the right label, or is a genuine certificate (section 1.4).",
        choice("labelled", "certificate"),
    )
    sealed_cut: bool = _fault("Answers to fenc lack their last block (quirk 13).")

    # Answers.
    codes: Literal["recorded", "strings", "numbers"] | None = _fault(
        "The type of all codes in answers (section 1.1).", choice("recorded", "strings", "numbers")
    )
    control_characters: bool = _fault(
        "Line feeds and tabs stand raw in the values of answers, the structure file's texts and "
        "text states (quirk 3)."
    )
    unescaped_quotes: bool = _fault("Quotes in the values of answers are not escaped (quirk 4).")
    invalid_utf8_answer: bool = _fault(
        "Answers over the WebSocket have bytes that are no UTF-8, in a text frame all the same "
        "(quirk 6)."
    )
    scalar_value_zero: bool = _fault('Every scalar value is "0" (quirk 21).')
    missing_value: bool = _fault("Scalar answers have no value at all (section 1.1).")

    unasked_texts: bool = _fault(
        "A text that is no answer comes before each answer over the WebSocket; and before those to "
        "plain commands, the answer to another command."
    )

    # The structure file.
    truncated_structure: bool = _fault("The structure file is cut in the middle (quirk 5).")
    invalid_utf8_structure: bool = _fault(
        "The structure file has a byte that is no UTF-8, in the name of a control; over the "
        "WebSocket in a text frame all the same (quirk 6)."
    )
    structure_bom: bool = _fault("A byte order mark begins the structure file (quirk 7).")
    missing_software_version: bool = _fault(
        "The structure file has no softwareVersion, and no serialNr of its device (quirk 20)."
    )
    shared_states: bool = _fault(
        "Every control has the states of the first one of its type (quirk 23)."
    )
    state_lists: bool = _fault("States of the structure file are lists of UUIDs (quirk 23).")
    estimate_without_exact: bool = _fault(
        "Only an estimated header, with the right length, precedes the structure file "
        "(section 2.2)."
    )

    # Messages over the WebSocket.
    length_mismatch: bool = _fault(
        "The headers of messages announce one byte more than follows (section 2.3)."
    )
    header_flags: int | None = _fault(
        "These bits are set in the flags of each header besides the one for an estimate "
        "(section 2.2).",
        whole_number("BITS", highest=127, bare=0x01),
    )
    unknown_identifier: bool = _fault(
        "Messages with an identifier that nobody knows come before each event table and answer."
    )
    gzip_after_keepalive: bool = _fault(
        "A file of 7000 bytes that nobody asked for follows each keepalive (section 2.5)."
    )
    garbage_frames: bool = _fault(
        "Random frames, binary ones and text, come between messages, each second."
    )
    oversize_frame: bool = _fault(
        "A message of 1 GiB is announced, and its frame begun, after the subscription."
    )

    # Events.
    tables_before_answer: bool = _fault(
        "The full event tables come before the answer to the subscription (section 5.1)."
    )
    close_subscription: int | None = _fault(
        "The WebSocket is closed with this code in answer to the subscription.", _CLOSE_CODE
    )
    empty_tables: bool = _fault(
        "Tables without an entry come before those with entries, also a report of the weather "
        "without hours (quirk 9)."
    )
    flood: float = _fault(
        "So many more value events per second are sent to each subscribed session.",
        number("RATE", lowest=1, highest=100_000, bare=10_000.0),
        default=0.0,
    )
    table_remainder: int = _fault(
        "So many bytes follow the last entry of each event table, and are none (section 5.3).",
        whole_number("COUNT", lowest=1, highest=23, bare=5),
        default=0,
    )
    nan_values: bool = _fault("All value events are not-a-number or infinite.")
    invalid_utf8_text: bool = _fault(
        "Text states have bytes that are no UTF-8 (quirk 6).", only_texts=True
    )
    trailing_nuls: bool = _fault(
        "Texts end with NULs, which count as part of them (quirk 8).", only_texts=True
    )
    text_padding: bytes | None = _fault(
        "These bytes, over and over, fill up text entries (quirk 8).", HEXADECIMAL, only_texts=True
    )
    double_encoded_texts: bool = _fault(
        "Text states are JSON inside JSON (quirk 1).", only_texts=True
    )


def all_faults() -> Mapping[str, FaultInfo]:
    """All lasting faults by their names on the command line, in the order of their list."""
    return {
        info.name: info
        for info in (
            FaultInfo(attribute.name.replace("_", "-"), attribute.name, **attribute.metadata[_KEY])
            for attribute in fields(Faults)
        )
    }
