"""What a configuration amounts to, told without running the exporter."""

from __future__ import annotations

from collections.abc import Iterator

from loxone_exporter.config.load import Loaded
from loxone_exporter.config.model import MiniserverConfig
from loxone_exporter.metrics.overrides import find_conflicts


def describe(loaded: Loaded) -> Iterator[str]:
    """Sum up a configuration that was found good, a line for each thing."""
    config = loaded.config
    for warning in (*loaded.warnings, *find_conflicts(config.override)):
        yield f"warning: {warning}"
    yield f"{loaded.source or 'environment'}: no mistakes found"
    yield "listens on " + ", ".join(map(str, config.web.listen))
    for miniserver in config.miniservers:
        place = f"{miniserver.host} {_describe_ports(miniserver)}"
        yield f"Miniserver {miniserver.name!r}: {place}, user {miniserver.username!r}"


def _describe_ports(miniserver: MiniserverConfig) -> str:
    match miniserver.tls:
        case "required":
            return f"port {miniserver.tls_port} (TLS only)"
        case "off":
            return f"port {miniserver.port} (never TLS)"
        case _:
            offered = f"TLS on port {miniserver.tls_port} where it is offered"
            return f"port {miniserver.port} ({offered})"
