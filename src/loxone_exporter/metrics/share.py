"""What one Miniserver has in a scrape."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen
from prometheus_client import Metric

from loxone_exporter.state import MiniserverState


@frozen
class Share:
    """What one Miniserver has in a scrape.

    Attributes:
        state: What is known of it.
        fresh: Whether its values are shown.
        discovered: How many controls its structure file has.
        exported: How many of them have a value now.
        families: Its controls, and what it tells of itself; without the exporter's own about it.
    """

    state: MiniserverState
    fresh: bool
    discovered: int
    exported: int
    families: Sequence[Metric]
