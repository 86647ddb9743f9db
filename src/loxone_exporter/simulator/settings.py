"""The traits of a device that can be set on the command line, as `NAME=VALUE`."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from loxone_exporter.simulator.fault_values import (
    DAY,
    SWITCH,
    ValueForm,
    number,
    seconds,
    whole_number,
)
from loxone_exporter.simulator.profile import Profile


_ON_OR_OFF: Final = ValueForm("on|off", SWITCH.read)
_COUNT: Final = whole_number("COUNT", lowest=1, highest=10_000)
_LIFE: Final = number("SECONDS", lowest=1, highest=3650 * DAY)

_SETTINGS: Final[Mapping[str, ValueForm]] = MappingProxyType(
    {
        "admin": _ON_OR_OFF,
        "plain-logins": _ON_OR_OFF,
        "strict-salts": _ON_OR_OFF,
        "closes-rejected-logins": _ON_OR_OFF,
        "structure-identifier": whole_number("0|1", highest=1),
        "structure-binary": _ON_OR_OFF,
        "structure-estimated": _ON_OR_OFF,
        "tables-before-answer": _ON_OR_OFF,
        "event-slots": _COUNT,
        "http-connections": _COUNT,
        "tokens-per-user": _COUNT,
        "token-per-client": _ON_OR_OFF,
        "short-token-life": _LIFE,
        "long-token-life": _LIFE,
        "one-time-key-life": seconds(),
        "login-limit": seconds(),
        "idle-limit": seconds(),
        "http-idle-limit": seconds(),
        "ban-failures": _COUNT,
        "ban-window": seconds(),
        "ban-life": seconds(),
    }
)
"""How they are written; what they mean is said by `Profile`."""


def parse_setting(text: str) -> tuple[str, Any]:
    """Understand `NAME=VALUE`.

    Returns:
        The attribute of `Profile`, and its value.

    Raises:
        ValueError: There is no such setting, or its value is wrong; the message says so.
    """
    name, separator, value = text.partition("=")
    form = _SETTINGS.get(name)
    if form is None:
        near = difflib.get_close_matches(name.replace("_", "-").lower(), _SETTINGS, n=1)
        hint = f"did you mean {near[0]}?" if near else "see --list-profiles"
        raise ValueError(f"there is no setting {name!r}; {hint}")
    if not separator:
        raise ValueError(f"{name} needs a value: {name}={form.placeholder}")
    try:
        return _attribute(name), form.read(value)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def describe_settings() -> Iterator[str]:
    """All settings, a line each, with what they are by default."""
    usual = Profile()
    for name, form in _SETTINGS.items():
        default = getattr(usual, _attribute(name))
        if isinstance(default, bool):
            default = "on" if default else "off"
        elif isinstance(default, float):
            default = f"{default:.10g}"
        yield f"{name}={form.placeholder}; default: {default}"


def _attribute(name: str) -> str:
    return name.replace("-", "_")
