"""Who may connect: only so many, and not all of them from one host.

Each connection takes memory and a file. Whoever opens thousands of them must not take either away
from the Miniservers' sessions, and one machine whose program forgets to close its connections must
not keep out the scrapers of others, or the probes that would have the exporter started anew.
"""

from __future__ import annotations

import math
import operator
import resource
from collections import Counter

from attrs import define, field

from loxone_exporter.clients import Clients
from loxone_exporter.web.connection import Connection


_OTHER_FILES = 64
"""Open files that are kept for all but clients, if there may be that many at all."""


def _files_for_clients() -> float:
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return math.inf
    return files - min(_OTHER_FILES, files // 4)


@define(eq=False)
class Admission:
    """Lets clients in, and keeps the book on them.

    Attributes:
        clients: How many there may be, are, and were refused.
        connections: Those that are open.
    """

    clients: Clients
    connections: set[Connection] = field(factory=set)
    _files: float = field(factory=_files_for_clients)

    def admit(self, host: str) -> bool:
        """Whether one more client is let in; if so, it is taken down as connected.

        Args:
            host: Its address.
        """
        limit = min(self.clients.limit, self._files)
        if self.clients.connected >= limit and not self._makes_way_for(host):
            self.clients.refused += 1
            return False
        self.clients.connected += 1
        return True

    def dismiss(self) -> None:
        """Take down that a client that was let in is gone."""
        self.clients.connected -= 1

    def _makes_way_for(self, host: str) -> bool:
        """Whether another host, that has the most connections, could lose one of them."""
        counts = Counter(connection.client[0] for connection in self.connections)
        crowded, most = max(counts.items(), key=operator.itemgetter(1), default=("", 0))
        if most <= counts[host] + 1:
            return False
        of_crowd = (one for one in self.connections if one.client[0] == crowded)
        next_to_end = min(of_crowd, key=lambda connection: connection.deadline)
        self.connections.discard(next_to_end)
        next_to_end.make_way()
        return True
