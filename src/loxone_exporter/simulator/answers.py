"""The exact form of what a Miniserver answers (protocol reference, sections 1.1, 1.3, 1.6).

Pure functions from values to text: JSON answers in their two recorded forms, the XML form of `dev/`
commands, the pseudo JSON of `cfg/api`, and the pages of HTTP errors.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal
from xml.sax.saxutils import quoteattr

from attrs import Factory, frozen

from loxone_exporter.simulator.profile import Codes, Profile


OK = 200
BAD_REQUEST = 400
UNAUTHORIZED = 401
FORBIDDEN = 403
NOT_FOUND = 404
METHOD_NOT_ALLOWED = 405
TOO_LONG_UNAUTHENTICATED = 420
USER_DISABLED = 423
INTERNAL_ERROR = 500
BOOTING = 503
TOO_MANY_CONNECTIONS = 901

LOXONE_EPOCH = 1230768000
"""2009-01-01 00:00 UTC as Unix time: the zero of the Miniserver's time stamps (section 3.4)."""

_ERROR_TEXTS = {
    BAD_REQUEST: "Bad Request",
    UNAUTHORIZED: "Unauthorized",
    FORBIDDEN: "Forbidden",
    NOT_FOUND: "Not Found",
    METHOD_NOT_ALLOWED: "Method Not Allowed",
    USER_DISABLED: "Locked",
    INTERNAL_ERROR: "Internal Server Error",
    BOOTING: "Service Unavailable",
    TOO_MANY_CONNECTIONS: "Connection limit reached",
}
_LINE_END = "\r\n"


Defect = Literal["no value", "raw control characters", "raw quotes"]
"""What can be wrong with an answer in the older form."""

_RAW = {"raw control characters": {"\\n": "\n", "\\t": "\t"}, "raw quotes": {'\\"': '"'}}


@frozen
class Answer:
    """What one command results in.

    Attributes:
        value: Any JSON value; a mapping for the newer commands.
        code: The code in the answer.
        compact: Written in the form of the newer commands.
        http_status: The status over HTTP, where it is not the code.
        members: Further members beside the value, as some answers have them (section 1.1).
        text_code: The code is a text where others of this form have a number. The numbers that were
            recorded are those of `getkey2` and `getjwt`; clients that log in to real devices by the
            other commands about tokens accept nothing but a text (section 1.1).
        defects: What is wrong with it.
    """

    value: Any = ""
    code: int = OK
    compact: bool = False
    http_status: int | None = None
    members: Mapping[str, Any] = Factory(dict)
    text_code: bool = False
    defects: frozenset[Defect] = frozenset()

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.code if self.http_status is None else self.http_status


@frozen
class File:
    """A command's result that is not wrapped in an answer.

    Attributes:
        media_type: Of the content over HTTP.
        is_structure: Whether it is the structure file.
    """

    content: bytes
    media_type: str
    is_structure: bool = False


Reply = Answer | File


def render(answer: Answer, control: str, *, codes: Codes = "recorded", http: bool = False) -> str:
    """Write an answer as JSON.

    Values that are no objects come in the spaced form, in which the control loses its `j`; objects
    and the failures of their commands in the compact one.

    Args:
        answer: The answer.
        control: What was asked for, as the answer is to repeat it.
        codes: The type of the codes.
        http: Recorded HTTP answers end in a line end, WebSocket messages were not seen to.
    """
    control_text = json.dumps(control, ensure_ascii=False)
    value = _compact(answer.value)
    if answer.compact:
        as_number = codes == "numbers" or (
            codes == "recorded" and answer.code == OK and not answer.text_code
        )
        code = str(answer.code) if as_number else f'"{answer.code}"'
        return f'{{"LL":{{"control":{control_text},"code":{code},"value":{value}}}}}'
    code = str(answer.code) if codes == "numbers" else f'"{answer.code}"'
    for defect in answer.defects:
        for escaped, raw in _RAW.get(defect, {}).items():
            value = value.replace(escaped, raw)
    value_member = "" if "no value" in answer.defects else f' "value": {value},'
    members = "".join(
        f", {_compact(name)}: {_compact(member)}" for name, member in answer.members.items()
    )
    text = f'{{"LL": {{ "control": {control_text},{value_member} "Code": {code}{members}}}}}'
    return text + _LINE_END if http else text


def render_xml(answer: Answer, control: str) -> str:
    """Write the answer to a `dev/` command."""
    return (
        f"<LL control={quoteattr(control)} value={quoteattr(str(answer.value))} "
        f'Code="{answer.code}"/>'
    )


def echo(text: str) -> str:
    """The control of a spaced answer: `dev/` where the command said `jdev/`."""
    return text[1:] if text[:5].lower() == "jdev/" else text


def error_page(code: int) -> bytes:
    """The body of an HTTP error."""
    return _page(code, _ERROR_TEXTS.get(code, "Error"))


def ban_page(address: str, remaining: int) -> bytes:
    """The body of every HTTP answer to a banned address.

    Args:
        address: Who is banned.
        remaining: For how many seconds yet.
    """
    return _page(
        FORBIDDEN,
        f"<errortext>Forbidden</errortext> <description>{_blocked(address)};</description> "
        f"<remaining>{remaining}</remaining>",
    )


def ban_reason(address: str, remaining: int) -> str:
    """The reason with which a banned address's WebSocket is closed (section 2.6)."""
    return f"Forbidden - {_blocked(address)} ({remaining})"


def api_value(profile: Profile, *, slots_left: bool) -> str:
    """The value of `jdev/cfg/api`."""
    space = " " if profile.knows((10, 3)) else ""
    members = [f"'snr':{space}'{profile.colon_serial}'", f"'version':'{profile.firmware}'"]
    if profile.knows((10, 3)):
        members.append(f"'hasEventSlots':{_json(slots_left)}")
    if profile.knows((12, 1)):
        members += ["'isInTrust':false", "'local':true"]
    if profile.knows((17,)):
        members.append("'certTLD':'com'")
    return "{" + ", ".join(members) + "}"


def api_key_value(profile: Profile, *, key: str) -> str:
    """The value of `jdev/cfg/apiKey`.

    Args:
        profile: The device.
        key: A one-time key.
    """
    members = [
        f"'snr':'{profile.colon_serial}'",
        f"'version':'{profile.firmware}'",
        f"'key':'{key}'",
    ]
    if profile.knows((12, 1)):
        members += ["'isInTrust':false", "'local':true"]
    members.append(f"'address':'{profile.address}'")
    if profile.https_status is not None:
        members.append(f"'httpsStatus':{profile.https_status}")
    return "{" + ",".join(members) + "}"


def _page(code: int, detail: str) -> bytes:
    return (
        "<html><head><title>error</title></head><body>"
        f"<errorcode>{code}</errorcode> <errordetail>{detail}</errordetail></body></html>"
    ).encode()


def _blocked(address: str) -> str:
    return f"IP {address} temporarily blocked, too many failed login attempts"


def _compact(value: Any) -> str:  # noqa: ANN401  # any JSON
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _json(value: bool) -> str:  # noqa: FBT001  # a formatter's one argument
    return "true" if value else "false"
