"""What a configuration amounts to, told without running the exporter."""

from __future__ import annotations

from collections.abc import Iterator

from loxone_exporter.config.load import Loaded


def describe(loaded: Loaded) -> Iterator[str]:
    """Sum up a configuration that was found good, a line for each thing."""
    config = loaded.config
    for warning in loaded.warnings:
        yield f"warning: {warning}"
    yield f"{loaded.source or 'environment'}: no mistakes found"
    yield "listens on " + ", ".join(map(str, config.web.listen))
    for miniserver in config.miniservers:
        place = f"{miniserver.host} port {miniserver.port}"
        yield f"Miniserver {miniserver.name!r}: {place}, user {miniserver.username!r}"
