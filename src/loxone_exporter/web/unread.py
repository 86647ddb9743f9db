"""Answers that clients have not read yet, and how much memory they may take.

An answer is in memory until its client has taken it in, and each scrape is a new one. A hundred
clients that ask and do not read would hold a hundred of them, which is more than a gigabyte for a
house of 50,000 series. Making them wait for each other does not help: who does not read would keep
out who does. Nor does giving them all the same answer, which would be old in the end. So there is
room for a few, and who reads slowest has to make room for who comes next: a scraper takes in an
answer within a fraction of a second, and is the slowest only among those that are as quick.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Final

import trio
from attrs import define, field


ROOM: Final = 4 * 2**20
"""Bytes of unread answers that are always kept."""

FEWEST: Final = 3
"""Answers that are kept as well, if the largest of them are larger than that."""


@define(eq=False)
class UnreadAnswer:
    """An answer on its way to a client.

    Attributes:
        body: What is held in memory; it may be on its way to others as well.
        cut_off: Ends the connection to its client.
        moved: When the client last took in a piece, on trio's clock.
    """

    body: bytes
    cut_off: Callable[[], None]
    moved: float = field(factory=trio.current_time)

    def note_progress(self) -> None:
        """The client has taken in a piece."""
        self.moved = trio.current_time()


@define(eq=False)
class UnreadAnswers:
    """All answers that are on their way."""

    _held: set[UnreadAnswer] = field(factory=set)

    @contextlib.contextmanager
    def hold(self, body: bytes, cut_off: Callable[[], None]) -> Iterator[UnreadAnswer]:
        """Hold an answer in memory while the block sends it; others may have to make room.

        Args:
            body: The answer.
            cut_off: What to do when this one has to make room itself: it must end the block soon.
        """
        self._make_room(body)
        answer = UnreadAnswer(body, cut_off)
        self._held.add(answer)
        try:
            yield answer
        finally:
            self._held.discard(answer)

    def _make_room(self, body: bytes) -> None:
        for slowest in sorted(self._held, key=lambda answer: answer.moved):
            if self._fits(body):
                break
            self._held.discard(slowest)
            slowest.cut_off()

    def _fits(self, body: bytes) -> bool:
        """Whether there is room for one more; what several clients read is there only once."""
        sizes = {id(answer.body): len(answer.body) for answer in self._held}
        sizes[id(body)] = len(body)
        return sum(sizes.values()) <= max(ROOM, FEWEST * max(sizes.values()))
