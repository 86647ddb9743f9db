"""A client that always comes back, whatever happens to its connections."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import AsyncIterator
from typing import Final

import trio
from attrs import define, field

from benchmarks.budgets import BenchmarkError
from benchmarks.scraper import HEADERS, HOST, Answer, Headers, Scraper


PATIENCE: Final = 10.0
"""Seconds; Prometheus waits as long for a scrape, unless it is told otherwise."""

FAILURES: Final = (
    OSError,
    BenchmarkError,
    trio.BrokenResourceError,
    trio.ClosedResourceError,
    trio.TooSlowError,
)
"""How a question can come to nothing."""


@define(eq=False)
class Client:
    """Asks the exporter, over one connection as long as that lasts.

    Attributes:
        port: The exporter's.
    """

    port: int
    _scraper: Scraper | None = field(default=None, init=False)

    async def ask(self, target: str, *, method: str = "GET", headers: Headers = HEADERS) -> Answer:
        """Make one request.

        A connection that was used before may have been closed in the meantime, as HTTP allows: then
        the request is made once more, over another one.

        Raises:
            Exception: One of `FAILURES`.
        """
        with trio.fail_after(PATIENCE):
            if self._scraper is not None:
                try:
                    return await self._scraper.ask(target, method=method, headers=headers)
                except (BenchmarkError, trio.BrokenResourceError, trio.ClosedResourceError):
                    await self.aclose()
            self._scraper = Scraper(self.port, await trio.open_tcp_stream(HOST, self.port))
            return await self._scraper.ask(target, method=method, headers=headers)

    async def aclose(self) -> None:
        """Close the connection."""
        scraper, self._scraper = self._scraper, None
        if scraper is not None:
            with trio.move_on_after(1, shield=True):
                await scraper.aclose()


@contextlib.asynccontextmanager
async def client(port: int) -> AsyncIterator[Client]:
    """A client, whose connection is closed in the end."""
    made = Client(port)
    try:
        yield made
    finally:
        await made.aclose()


def explain(error: BaseException) -> str:
    """Say in a few words what went wrong."""
    if isinstance(error, trio.TooSlowError):
        return f"no answer within {PATIENCE:g} s"
    number = getattr(error, "errno", None)
    name = errno.errorcode.get(number, "") if isinstance(number, int) else ""
    return f"{type(error).__name__} {name or error}".strip()
