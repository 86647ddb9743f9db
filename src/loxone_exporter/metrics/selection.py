"""Which part of everything a scrape asks for."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final
from urllib.parse import parse_qs

from attrs import frozen
from prometheus_client import Metric


_SUFFIXES: Final = {
    "counter": ("_total", "_created"),
    "info": ("_info",),
    "histogram": ("_bucket", "_count", "_sum", "_created"),
    "summary": ("_count", "_sum", "_created"),
}
"""What stands behind a family's name in those of its samples, by its type."""


@frozen
class Selection:
    """The part of everything that is wanted.

    Attributes:
        names: Names of families or of their samples; empty for all.
        miniservers: Names of Miniservers, of which only what is about them is wanted; empty for
            everything, what is about no Miniserver included.
    """

    names: Collection[str] = frozenset()
    miniservers: Collection[str] = frozenset()

    @classmethod
    def parse(cls, query: str) -> Selection:
        """Read a query as in `?name[]=loxone_power_watts&miniserver=home`; both may be repeated.

        What else is in the query means nothing.

        Raises:
            ValueError: There is far too much in it.
        """
        fields = parse_qs(query, keep_blank_values=True, max_num_fields=1000)
        return cls(frozenset(fields.get("name[]", ())), frozenset(fields.get("miniserver", ())))

    def takes(self, family: Metric) -> bool:
        """Whether a family is wanted."""
        if not self.names or family.name in self.names:
            return True
        suffixes = _SUFFIXES.get(family.type, ())
        return any(family.name + suffix in self.names for suffix in suffixes)


EVERYTHING: Final = Selection()
