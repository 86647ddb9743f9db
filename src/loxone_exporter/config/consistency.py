"""Whether the parts of a configuration fit together, each of them being right for itself."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping

from attrs import fields

from loxone_exporter.config.findings import Problem
from loxone_exporter.config.logins import cost
from loxone_exporter.config.model import (
    OVERRIDE_EFFECTS,
    OVERRIDE_MATCHES,
    Config,
    MiniserverConfig,
    ShardConfig,
    TlsServerConfig,
    WebConfig,
)
from loxone_exporter.config.server_tls import PATH as TLS_PATH
from loxone_exporter.config.server_tls import find_doubts_of_key
from loxone_exporter.config.shard import indexes
from loxone_exporter.config.spelling import is_misspelt


_OPTIONS = fields(MiniserverConfig)
_DEFAULT_PORTS = {"port": _OPTIONS.port.default, "tls_port": _OPTIONS.tls_port.default}
_NEEDS_TLS = ("tls_port", "tls_server_name", "tls_ca_file", "tls_fingerprint")


def find_contradictions(document: Mapping[str, object]) -> Iterator[Problem]:
    """What cannot be meant together.

    This looks at the document, for there is no Config yet while anything else is wrong. What is of
    the wrong kind is passed over: it is found elsewhere.
    """
    match document:
        case {"miniservers": list(miniservers)}:
            # What is no table stays in its place, for the places are counted.
            tables = [table if isinstance(table, dict) else {} for table in miniservers]
            yield from _find_equal_names(tables)
            yield from _find_equal_clients(tables)
            for index, table in enumerate(tables):
                for key, message in _find_contradictions_of_tls(table):
                    yield ("miniservers", index, key), message
    match document:
        case {"override": list(overrides)}:
            for index, table in enumerate(overrides):
                if isinstance(table, dict):
                    for path, message in _find_contradictions_of_override(table):
                        yield ("override", index, *path), message
    match document:
        case {"web": dict(web)}:
            yield from _find_contradictions_of_web(web)
    match document:
        case {"shard": {"count": int(count), **others}} if count > 1 and "index" not in others:
            message = (
                f"missing: which of the {count} exporters is this one ({indexes(count)})? Set the "
                "environment variable LOXONE_SHARD to its number, or to the name of its pod if "
                "that ends in it; or set index, where each exporter has a file of its own"
            )
            yield ("shard", "index"), message


def find_doubts(config: Config) -> Iterator[Problem]:
    """What can be meant, but should be considered."""
    yield from _find_doubts_of_web(config.web)
    yield from _find_doubts_of_shard(config.shard)
    for index, miniserver in enumerate(config.miniservers):
        for key, message in _find_doubts_of_miniserver(miniserver):
            yield ("miniservers", index, key), message
    for index, first in _repeated(miniserver.serial for miniserver in config.miniservers):
        message = (
            f"the same Miniserver as miniservers[{first}]: its values come twice; with the same "
            "user it needs another client_id, for each would replace the other's token"
        )
        yield ("miniservers", index, "serial"), message
    for index, first in _repeated(map(_client_over_tls, config.miniservers)):
        message = (
            f"the same as in miniservers[{first}], on the same host: two Miniservers need two, or "
            'tls = "off" if they have no TLS; one Miniserver needs another client_id, for each '
            "would replace the other's token"
        )
        yield ("miniservers", index, "tls_port"), message


def _find_equal_names(tables: list[dict[str, object]]) -> Iterator[Problem]:
    names = [_text(table, "name") for table in tables]
    for index, first in _repeated(names):
        message = f"{names[index]!r} is already the name of miniservers[{first}]"
        yield ("miniservers", index, "name"), message


def _find_equal_clients(tables: list[dict[str, object]]) -> Iterator[Problem]:
    for index, first in _repeated(map(_client, tables)):
        message = (
            f"the same Miniserver, user and client_id as miniservers[{first}]: each would replace "
            "the other's token; give one of them another client_id"
        )
        yield ("miniservers", index, "client_id"), message


def _client(table: dict[str, object]) -> Hashable:
    """Who logs in where: what is equal for two tables that are the same client for sure."""
    port_key = "tls_port" if table.get("tls") == "required" else "port"
    port = _port(table, port_key)
    host, username = _text(table, "host"), _text(table, "username")
    client_id = _text(table, "client_id", _OPTIONS.client_id.default)
    if host is None or username is None or client_id is None or not isinstance(port, int):
        return None
    return host.strip("[]").lower(), port_key, port, username, client_id


def _client_over_tls(miniserver: MiniserverConfig) -> Hashable:
    """Likewise for two tables that may be the same client, if both come to use TLS."""
    if miniserver.tls == "off":
        return None
    host, port = miniserver.host.lower(), miniserver.tls_port
    return host, port, miniserver.username, miniserver.client_id


def _find_contradictions_of_tls(table: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Keys of a Miniserver's table, each with what speaks against it."""
    accepts_anything = table.get("tls_verify") is False
    if table.get("tls") == "off":
        useless = [key for key in _NEEDS_TLS if key in table]
        for key in [*useless, *(["tls_verify"] if accepts_anything else [])]:
            yield key, 'has no effect with tls = "off": remove it, or change tls'
        return
    if "tls_fingerprint" in table:
        for key in ("tls_ca_file", "tls_server_name"):
            if key in table:
                yield key, "has no effect: tls_fingerprint alone decides; remove one of the two"
    if accepts_anything:
        for key in ("tls_ca_file", "tls_fingerprint"):
            if key in table:
                yield key, "has no effect with tls_verify = false: remove one of the two"
    if table.get("tls", "auto") == "auto" and _port(table, "port") == _port(table, "tls_port"):
        key, other = ("tls_port", "port") if "tls_port" in table else ("port", "tls_port")
        remedy = 'change one, or set tls = "required", which leaves plain HTTP alone'
        yield key, f"the same as {other}, but plain HTTP and TLS have a port each: {remedy}"


def _find_contradictions_of_override(table: Mapping[str, object]) -> Iterator[Problem]:
    """Keys of an override, or the whole of it, with what speaks against it.

    A table with a key that nobody knows is not said to lack what that key may be meant for.
    """
    is_understood = set(table) <= {*OVERRIDE_MATCHES, *OVERRIDE_EFFECTS}
    if is_understood and all(table.get(key, []) == [] for key in OVERRIDE_MATCHES):
        yield (), f"needs something to match by: {', '.join(OVERRIDE_MATCHES)}"
    effects = [key for key in OVERRIDE_EFFECTS if key in table]
    if is_understood and not effects:
        yield (), f"needs something to do: {', '.join(OVERRIDE_EFFECTS)}"
    if table.get("drop") is True and len(effects) > 1:
        others = ", ".join(key for key in effects if key != "drop")
        yield ("drop",), f"leaves out what {others} is about: remove one of the two"
    for key in ("name", "room"):
        if key in effects and table.get("states"):
            yield (key,), "is that of whole controls: remove states, or make it a table of its own"


def _find_contradictions_of_web(web: Mapping[str, object]) -> Iterator[Problem]:
    match web:
        case {"listen": list(addresses)}:
            texts = [address if isinstance(address, str) else None for address in addresses]
            for index, first in _repeated(texts):
                yield ("web", "listen", index), f"the same address as web.listen[{first}]"
    match web:
        case {"tls_server_config": dict(table)}:
            for key, message in _find_contradictions_of_clients(table):
                yield (*TLS_PATH, key), message
    has_users = "basic_auth_users" in web or is_misspelt("basic_auth_users", web, WebConfig)
    if web.get("health_without_login") is True and not has_users:
        message = "has no effect: nobody has to log in without [web.basic_auth_users]"
        yield ("web", "health_without_login"), message


def _find_contradictions_of_clients(table: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Keys of the server's TLS, each with what speaks against it."""
    wanted = table.get("client_auth_type", "NoClientCert")
    has_authorities = "client_ca_file" in table
    if wanted == "NoClientCert" and has_authorities:
        remedy = 'remove it, or set client_auth_type = "RequireAndVerifyClientCert"'
        yield "client_ca_file", f"has no effect, for no certificate is asked for: {remedy}"
    needs_authorities = wanted in {"VerifyClientCertIfGiven", "RequireAndVerifyClientCert"}
    if (
        needs_authorities
        and not has_authorities
        and not is_misspelt("client_ca_file", table, TlsServerConfig)
    ):
        yield (
            "client_ca_file",
            f'missing: with client_auth_type = "{wanted}" it says whose are good',
        )


def _find_doubts_of_web(web: WebConfig) -> Iterator[Problem]:
    if web.tls_server_config is not None:
        yield from find_doubts_of_key(web.tls_server_config.key_file)
    costs = {name: cost(hash_) for name, hash_ in web.basic_auth_users.items()}
    if len(set(costs.values())) > 1:
        highest = max(costs.values())
        for name in (name for name, each in costs.items() if each != highest):
            message = (
                f"of a lower cost than others: how long an answer takes tells that there is such a "
                f"user; make all of them with cost {highest}"
            )
            yield ("web", "basic_auth_users", name), message


def _find_doubts_of_shard(shard: ShardConfig) -> Iterator[Problem]:
    if shard.index is not None and shard.index >= shard.count:
        message = (
            f"this is exporter {shard.index} of count = {shard.count}, whose indexes are "
            f"{indexes(shard.count)}: it looks after no Miniserver; raise count, or stop it"
        )
        yield ("shard", "index"), message


def _find_doubts_of_miniserver(miniserver: MiniserverConfig) -> Iterator[tuple[str, str]]:
    """Keys of a Miniserver's table, each with what to consider about it."""
    if not miniserver.tls_verify:
        remedy = "remove this; for a certificate of your own set tls_ca_file or tls_fingerprint"
        yield "tls_verify", f"the connection is encrypted, but might be to anybody: {remedy}"
    if miniserver.allow_legacy_login:
        remedy = "update the Miniserver, remove this, and change the password"
        message = f"where this is used, who listens can guess the password offline: {remedy}"
        yield "allow_legacy_login", message
    if miniserver.tls == "required" and miniserver.port != _OPTIONS.port.default:
        yield "port", 'is not used with tls = "required": remove it, or did you mean tls_port?'


def _port(table: Mapping[str, object], key: str) -> object:
    return table.get(key, _DEFAULT_PORTS[key])


def _text(table: Mapping[str, object], key: str, default: str | None = None) -> str | None:
    value = table.get(key, default)
    return value if isinstance(value, str) else None


def _repeated(values: Iterable[Hashable]) -> Iterator[tuple[int, int]]:
    """Indexes of what occurred before, each with the index of the first; None does not count."""
    seen: dict[Hashable, int] = {}
    for index, value in enumerate(values):
        if value is not None and seen.setdefault(value, index) != index:
            yield index, seen[value]
