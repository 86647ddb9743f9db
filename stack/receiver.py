"""Whom Alertmanager tells: a webhook that remembers."""

from __future__ import annotations

import contextlib
import http.server
import json
import threading
import time
from collections.abc import Iterator

from attrs import define, field, frozen

from stack.files import HOST


@frozen
class Notice:
    """One alert in one message.

    Attributes:
        alert: Its name.
        miniserver: Which one it is about; empty where it is about none in particular.
        is_resolved: Whether it is over.
        summary: What a person reads first.
        at: When it arrived, by the monotonic clock.
    """

    alert: str
    miniserver: str
    is_resolved: bool
    summary: str
    at: float


@define
class Receiver:
    """A running webhook.

    Attributes:
        url: Where it is called.
        notices: What has arrived so far, in order.
    """

    url: str
    notices: list[Notice] = field(factory=list)

    def hear(self, message: bytes) -> None:
        """Remember what a message of Alertmanager says."""
        now = time.monotonic()
        for alert in json.loads(message)["alerts"]:
            labels = alert["labels"]
            notice = Notice(
                alert=labels["alertname"],
                miniserver=labels.get("miniserver", ""),
                is_resolved=alert["status"] == "resolved",
                summary=alert["annotations"]["summary"],
                at=now,
            )
            self.notices.append(notice)


@contextlib.contextmanager
def receiving() -> Iterator[Receiver]:
    """Listen on a free port, in a thread of its own, for as long as the block lasts."""
    with http.server.ThreadingHTTPServer((HOST, 0), _Handler) as server:
        receiver = Receiver(f"http://{HOST}:{server.server_port}/")
        _Handler.receiver = receiver
        thread = threading.Thread(target=server.serve_forever, name="webhook")
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()


class _Handler(http.server.BaseHTTPRequestHandler):
    receiver: Receiver

    def do_POST(self) -> None:  # as http.server calls it
        """Take a message."""
        self.receiver.hear(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(http.HTTPStatus.OK)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing: the table does."""
