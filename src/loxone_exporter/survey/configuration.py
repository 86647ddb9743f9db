"""What a configuration amounts to, told without running the exporter."""

from __future__ import annotations

from collections.abc import Iterator

from loxone_exporter.config.load import Loaded
from loxone_exporter.config.model import MiniserverConfig, WebConfig
from loxone_exporter.metrics.overrides import find_conflicts


def describe(loaded: Loaded) -> Iterator[str]:
    """Sum up a configuration that was found good, a line for each thing."""
    config = loaded.config
    for warning in (*loaded.warnings, *find_conflicts(config.override)):
        yield f"warning: {warning}"
    yield f"{loaded.source or 'environment'}: no mistakes found"
    yield "listens on " + ", ".join(map(str, config.web.listen)) + _describe_readers(config.web)
    if not loaded.shard.is_whole:
        yield str(loaded.shard)
    for miniserver in config.miniservers:
        place = f"{miniserver.host} {_describe_ports(miniserver)}"
        yield f"Miniserver {miniserver.name!r}: {place}, user {miniserver.username!r}"


def _describe_readers(web: WebConfig) -> str:
    tls, users = web.tls_server_config, len(web.basic_auth_users)
    return (
        (", with TLS" if tls is not None else "")
        + (f", for {users} user(s)" if users else "")
        + (
            ", for clients with a certificate"
            if tls is not None and tls.client_auth_type == "RequireAndVerifyClientCert"
            else ""
        )
    )


def _describe_ports(miniserver: MiniserverConfig) -> str:
    match miniserver.tls:
        case "required":
            return f"port {miniserver.tls_port} (TLS only)"
        case "off":
            return f"port {miniserver.port} (never TLS)"
        case _:
            offered = f"TLS on port {miniserver.tls_port} where it is offered"
            return f"port {miniserver.port} ({offered})"
