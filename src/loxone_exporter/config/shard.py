"""A fleet of exporters that share one configuration: which Miniservers each of them looks after.

By rendezvous hashing, also called highest random weight (Thaler and Ravishankar, 1998): every
exporter draws a number for every name, always the same, and the highest has the Miniserver. Nobody
has to ask another for that, and one exporter more takes from each of the others what it draws
highest for, and moves nothing else.

What comes out must never change: it would move Miniservers with a mere update.
"""

from __future__ import annotations

from typing import Self

from attrs import frozen


@frozen
class Shard:
    """The part of a configuration's Miniservers that one exporter looks after.

    Attributes:
        index: Which of the exporters it is, from 0 on.
        count: How many there are. With an index that is not below, it looks after nothing.
        taken: How many Miniservers it looks after.
        configured: How many the configuration has.
    """

    index: int
    count: int
    taken: int
    configured: int

    @classmethod
    def whole(cls, configured: int) -> Self:
        """That of an exporter that looks after all Miniservers."""
        return cls(index=0, count=1, taken=configured, configured=configured)

    @property
    def is_whole(self) -> bool:
        """Whether there are no other exporters, so that there is nothing to tell."""
        return self.count == 1 and self.index == 0

    def __str__(self) -> str:
        return (
            f"shard {self.index} of {self.count} ({indexes(self.count)}): "
            f"{self.taken} of {self.configured} Miniserver(s)"
        )


def shard_of(name: str, count: int) -> int:
    """The index of the exporter that looks after a Miniserver.

    Args:
        name: The Miniserver's. Another name may be another exporter's.
        count: How many exporters there are.
    """
    if count == 1:
        return 0
    # It takes a megabyte of memory, which only a fleet has a use for.
    from hashlib import sha256  # noqa: PLC0415  # see above

    return max(range(count), key=lambda index: sha256(f"{index}/{name}".encode()).digest())


def client_of(client_id: str, index: int) -> str:
    """How an exporter introduces itself to its Miniservers, by what the configuration says.

    A Miniserver that moves has two exporters for as long as only one of them has read the new
    configuration. As the same client, they would end each other's token, and with it the session,
    again and again.
    """
    return client_id if index == 0 else f"{client_id} shard {index}"


def indexes(count: int) -> str:
    """The indexes that exporters may have, in words."""
    return "0" if count == 1 else f"0 to {count - 1}"
