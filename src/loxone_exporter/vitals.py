"""What the exporter knows of itself, and shows as metrics."""

from __future__ import annotations

import time

from attrs import define, field

from loxone_exporter.clients import Clients
from loxone_exporter.config.shard import Shard
from loxone_exporter.histogram import Histogram


@define(eq=False, kw_only=True)
class Vitals:
    """One running exporter.

    Attributes:
        is_configuration_current: Whether the configuration in use is the last one that was read.
        configured_at: When that configuration was read, in Unix time.
        shard: Which part of its Miniservers this exporter looks after.
        web_certificate_not_after: Until when the HTTP server's own certificate is valid, in Unix
            time; None without TLS.
        event_loop_lag: How late a task ran that is due each second.
        clients: Who asks.
    """

    is_configuration_current: bool = True
    configured_at: float = field(factory=time.time)
    shard: Shard = field(factory=lambda: Shard.whole(0))
    web_certificate_not_after: float | None = None
    event_loop_lag: Histogram = field(factory=Histogram)
    clients: Clients = field(factory=Clients)
