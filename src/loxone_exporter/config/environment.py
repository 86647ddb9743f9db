"""Environment variables that override the configuration file, or stand in for it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from attrs import define, field

from loxone_exporter.config.checks import describe, whole_number
from loxone_exporter.config.findings import ENVIRONMENT, Finding, KeyPath
from loxone_exporter.config.model import PASSWORD_KEYS


_MINISERVER_VARIABLES = {
    "name": "LOXONE_NAME",
    "host": "LOXONE_HOST",
    "port": "LOXONE_PORT",
    "username": "LOXONE_USERNAME",
    "password": "LOXONE_PASSWORD",
    "password_file": "LOXONE_PASSWORD_FILE",
}
_LISTEN = "LOXONE_LISTEN"
_LISTEN_PORT = "LOXONE_LISTEN_PORT"
_LOG_LEVEL = "LOXONE_LOG_LEVEL"
_SHARD = "LOXONE_SHARD"
_VARIABLES = (*_MINISERVER_VARIABLES.values(), _LISTEN, _LISTEN_PORT, _LOG_LEVEL, _SHARD)
_SERVICE_LINK = "tcp://"
_NUMBER_LENGTH_MAXIMUM = 18
_SHARD_OR_POD = re.compile(r"(?:.+-)?(?P<index>[0-9]+)")

_check_listen_port = whole_number(0, 65535)


@define(kw_only=True)
class Overrides:
    """What the environment said.

    Attributes:
        origins: Key paths of the document whose values are from the environment, or could only come
            from there, each with its variable.
        listen_port: The port of every listen address.
        findings: What is wrong with the variables themselves.
        warnings: What was ignored.
    """

    origins: dict[KeyPath, str] = field(factory=dict)
    listen_port: int | None = None
    findings: list[Finding] = field(factory=list)
    warnings: list[Finding] = field(factory=list)

    def reject(self, variable: str, message: str) -> None:
        """Note what is wrong with a variable."""
        self.findings.append(Finding(source=ENVIRONMENT, path=variable, message=message))


def read_variable(environ: Mapping[str, str], name: str) -> str | None:
    """A variable's text; an empty variable counts as unset.

    Raises:
        ValueError: It holds bytes that are not UTF-8; the message does not show them.
    """
    text = environ.get(name)
    try:
        (text or "").encode()
    except UnicodeEncodeError:
        raise ValueError("not UTF-8 text") from None
    return text or None


def apply_environment(document: dict[str, object], environ: Mapping[str, str]) -> Overrides:
    """Write the variables' values into the document, as if they stood there."""
    overrides = Overrides()
    values = _read_variables(environ, overrides)
    _override_web(document, values, overrides)
    if _LOG_LEVEL in values:
        _set(document, "log", "level", values[_LOG_LEVEL])
        overrides.origins["log", "level"] = _LOG_LEVEL
    if _SHARD in values:
        _override_shard(document, values[_SHARD], overrides)
    settings = _miniserver_settings(values, overrides)
    if settings:
        _override_miniserver(document, settings, overrides)
    return overrides


def _read_variables(environ: Mapping[str, str], overrides: Overrides) -> dict[str, str]:
    values = {}
    for variable in _VARIABLES:
        try:
            text = read_variable(environ, variable)
        except ValueError as error:
            overrides.reject(variable, str(error))
            continue
        if text is not None:
            values[variable] = text
    return values


def _override_web(
    document: dict[str, object], values: Mapping[str, str], overrides: Overrides
) -> None:
    if _LISTEN in values:
        addresses = [text.strip() for text in values[_LISTEN].split(",")]
        _set(document, "web", "listen", [address for address in addresses if address])
        overrides.origins["web", "listen"] = _LISTEN
    if _LISTEN_PORT in values:
        try:
            overrides.listen_port = _check_listen_port(_number_or_text(values[_LISTEN_PORT]))
        except ValueError as error:
            overrides.reject(_LISTEN_PORT, str(error))


def _override_shard(document: dict[str, object], text: str, overrides: Overrides) -> None:
    match = _SHARD_OR_POD.fullmatch(text)
    if match is None:
        wanted = "a number from 0 on, or the name of a pod that ends in one, as loxone-exporter-2"
        overrides.reject(_SHARD, f"expected {wanted}; found {describe(text)}")
    # One that cannot be read is any, so that the rest of the table can still be checked.
    _set(document, "shard", "index", _number_or_text(match["index"]) if match else 0)
    overrides.origins["shard", "index"] = _SHARD


def _set(document: dict[str, object], table_name: str, key: str, value: object) -> None:
    table = document.setdefault(table_name, {})
    if isinstance(table, dict):  # else the file is wrong, which is found later
        table[key] = value


def _miniserver_settings(values: Mapping[str, str], overrides: Overrides) -> dict[str, object]:
    settings: dict[str, object] = {
        key: values[variable]
        for key, variable in _MINISERVER_VARIABLES.items()
        if variable in values
    }
    port = values.get("LOXONE_PORT", "")
    if port.startswith(_SERVICE_LINK):
        del settings["port"]
        message = "ignored: this is a service link of Kubernetes, not a port"
        overrides.warnings.append(Finding(source=ENVIRONMENT, path="LOXONE_PORT", message=message))
    elif port:
        settings["port"] = _number_or_text(port)
    if "password" in settings and "password_file" in settings:
        del settings["password_file"]
        overrides.reject("LOXONE_PASSWORD_FILE", "expected this or LOXONE_PASSWORD, found both")
    return settings


def _override_miniserver(
    document: dict[str, object], settings: dict[str, object], overrides: Overrides
) -> None:
    miniservers = document.setdefault("miniservers", [])
    if not isinstance(miniservers, list):  # the file is wrong, which is found later
        return
    if not miniservers:
        miniservers.append({})
        # What is missing now is missing in the environment; only the name can be done without.
        settings.setdefault("name", str(settings.get("host", "unnamed")).strip("[]"))
        keys = tuple(_MINISERVER_VARIABLES)
    else:
        keys = tuple(settings)
    first = miniservers[0]
    if isinstance(first, dict):
        if not settings.keys().isdisjoint(PASSWORD_KEYS):
            for key in PASSWORD_KEYS:
                first.pop(key, None)
        first |= settings
        overrides.origins |= {("miniservers", 0, key): _MINISERVER_VARIABLES[key] for key in keys}


def _number_or_text(text: str) -> int | str:
    """The number that a variable's digits mean; other text is left for the checks to refuse."""
    digits = text.isascii() and text.isdigit() and len(text) <= _NUMBER_LENGTH_MAXIMUM
    return int(text) if digits else text
