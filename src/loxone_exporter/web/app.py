"""The ASGI application: paths and what they answer."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from http import HTTPStatus
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import trio
from attrs import define, field, frozen

from loxone_exporter.config.model import Config, WebConfig
from loxone_exporter.histogram import Histogram
from loxone_exporter.metrics.collector import LoxoneCollector
from loxone_exporter.metrics.exposition import Exposition, accepts_gzip, choose_format
from loxone_exporter.metrics.overrides import find_conflicts
from loxone_exporter.metrics.places import Plan
from loxone_exporter.metrics.selection import Selection
from loxone_exporter.state import MiniserverState
from loxone_exporter.stop import StopRequest
from loxone_exporter.turns import take_turns
from loxone_exporter.vitals import Vitals
from loxone_exporter.web.health import HEARTBEAT_LIMIT, Status, is_ready, report
from loxone_exporter.web.sharing import SharedWork
from loxone_exporter.web.static_files import StaticFiles


if TYPE_CHECKING:
    from loxone_exporter.web.authentication import Authentication
    from loxone_exporter.web.pages import Pages


Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
Reload = Callable[[str], Awaitable[str]]

_logger = logging.getLogger(__name__)

_PLAIN = "text/plain; charset=utf-8"
_JSON = "application/json"
_HTML = "text/html; charset=utf-8"
_METRICS = "/metrics"
_RELOAD = "/-/reload"
_PAGE = "/"
_HEALTH = "/healthz"
_PROBES = frozenset({_HEALTH, "/livez", "/-/healthy", "/readyz", "/-/ready"})

_METRICS_HEADERS = ((b"vary", b"accept, accept-encoding"),)
_COMPRESSED = ((b"content-encoding", b"gzip"),)
_PAGE_HEADERS = ((b"cache-control", b"no-store"), (b"vary", b"accept-encoding"))
_STATIC_HEADERS = ((b"cache-control", b"max-age=31536000, immutable"),)


@frozen
class Answer:
    """What a path has to say."""

    body: bytes
    content_type: str = _PLAIN
    status: HTTPStatus = HTTPStatus.OK
    headers: tuple[tuple[bytes, bytes], ...] = ()


_LOGIN_NEEDED = Answer(
    b"name and password of a user of [web.basic_auth_users] are needed\n",
    status=HTTPStatus.UNAUTHORIZED,
    headers=((b"www-authenticate", b'Basic realm="loxone-exporter", charset="UTF-8"'),),
)


@define(eq=False)
class Heartbeat:
    """Beats while the event loop runs.

    Attributes:
        lag: How late each beat came.
        last: When it did, on trio's clock.
    """

    lag: Histogram = field(factory=Histogram)
    last: float = field(factory=trio.current_time)

    async def beat(self) -> None:
        """Beat once a second, for ever."""
        while True:
            self.last = trio.current_time()
            await trio.sleep(1)
            self.lag.observe(self.age() - 1)

    def age(self) -> float:
        """Seconds since the last beat."""
        return trio.current_time() - self.last


@define(eq=False)
class WebApp:
    """Answers HTTP requests from what is known of the Miniservers; an ASGI application.

    Attributes:
        heartbeat: What `/livez` goes by.
        reload: Takes over the configuration as it is now, and returns what is wrong with it; None
            where there is none to be read anew.
    """

    _config: WebConfig
    _states: Sequence[MiniserverState]
    _collector: LoxoneCollector
    _exposition: Exposition
    _stop: StopRequest
    _vitals: Vitals
    _whole_scrapes: SharedWork = field(factory=SharedWork)
    _other_work: SharedWork = field(factory=SharedWork)
    _static: StaticFiles = field(factory=StaticFiles.read)
    _pages: Pages | None = None
    _authentication: Authentication | None = None
    heartbeat: Heartbeat = field(factory=Heartbeat)
    reload: Reload | None = None
    _started: float = field(factory=trio.current_time)

    @classmethod
    def build(
        cls,
        config: Config,
        states: Sequence[MiniserverState],
        stop: StopRequest,
        vitals: Vitals | None = None,
    ) -> WebApp:
        """Set up the application.

        Args:
            config: What to export.
            states: The Miniservers.
            stop: Once it is made, the application is not ready any more.
            vitals: What is known of the exporter itself.
        """
        _tell_of_conflicts(config)
        vitals = vitals or Vitals()
        collector = LoxoneCollector(config, states, vitals=vitals)
        exposition = Exposition.of(collector)
        heartbeat = Heartbeat(vitals.event_loop_lag)
        vitals.clients.limit = config.web.max_connections
        return cls(
            config.web,
            states,
            collector,
            exposition,
            stop,
            vitals,
            authentication=_authentication(config.web),
            heartbeat=heartbeat,
        )

    def replace(self, config: Config, states: Sequence[MiniserverState]) -> None:
        """Answer for other Miniservers from now on, or for the same ones in another way."""
        self.prepare(config)(states)

    def prepare(self, config: Config) -> Callable[[Sequence[MiniserverState]], None]:
        """Likewise, but do only what may fail; what is returned does the rest, for these states."""
        _tell_of_conflicts(config)
        plan = Plan.compile(config.metrics, config.filter, config.override)
        authentication = self._authentication
        if config.web.basic_auth_users != self._config.basic_auth_users:
            authentication = _authentication(config.web)

        def take_over(states: Sequence[MiniserverState]) -> None:
            self._authentication = authentication
            self._config, self._states, self._pages = config.web, states, None
            # Who asks from now on gets nothing that was begun before.
            self._whole_scrapes, self._other_work = SharedWork(), SharedWork()
            self._collector.show(plan, states)
            self._vitals.clients.limit = config.web.max_connections

        return take_over

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; there are no others than those of HTTP."""
        if scope["type"] != "http":
            return
        answer = await self._answer(scope)
        headers = [
            *answer.headers,
            (b"content-type", answer.content_type.encode()),
            (b"content-length", str(len(answer.body)).encode()),
        ]
        body = b"" if scope["method"] == "HEAD" else answer.body
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_take_in, receive)
            await send({"type": "http.response.start", "status": answer.status, "headers": headers})
            await send({"type": "http.response.body", "body": body})
            nursery.cancel_scope.cancel(reason="the request is answered")

    async def _answer(self, scope: Scope) -> Answer:
        if not await self._may_read(scope):
            return _LOGIN_NEEDED
        path, at_once = scope["path"], self._paths
        in_steps = {_METRICS: self._metrics, _PAGE: self._page, _HEALTH: self._healthz}
        if path == _RELOAD:
            return await self._reload(scope)
        if path not in at_once and path not in in_steps:
            return Answer(b"there is nothing here; see /\n", status=HTTPStatus.NOT_FOUND)
        if scope["method"] not in {"GET", "HEAD"}:
            return _refusal("GET, HEAD")
        return await in_steps[path](scope) if path in in_steps else at_once[path](scope)

    async def _may_read(self, scope: Scope) -> bool:
        is_open = self._config.health_without_login and scope["path"] in _PROBES
        if self._authentication is None or is_open:
            return True
        address, _ = scope["client"]
        return await self._authentication.admits(_header(scope, b"authorization"), address)

    @property
    def _paths(self) -> Mapping[str, Callable[[Scope], Answer]]:
        return {
            "/livez": self._livez,
            "/-/healthy": self._livez,
            "/readyz": self._readyz,
            "/-/ready": self._readyz,
            "/openapi.json": self._openapi,
            **dict.fromkeys(self._static.by_path, self._static_file),
        }

    async def _metrics(self, scope: Scope) -> Answer:
        try:
            selection = Selection.parse(scope["query_string"].decode("latin-1"))
        except ValueError:
            return Answer(b"too many parameters\n", status=HTTPStatus.BAD_REQUEST)
        names = [state.name for state in self._states]
        if unknown := sorted(set(selection.miniservers) - set(names)):
            text = f"no Miniserver is called {', '.join(unknown)}; there are: {', '.join(names)}\n"
            if not self._vitals.shard.is_whole:
                text += f"this exporter is {self._vitals.shard}\n"
            return Answer(text.encode(errors="replace"), status=HTTPStatus.NOT_FOUND)
        format_ = choose_format(_header(scope, b"accept"))
        gzip = accepts_gzip(_header(scope, b"accept-encoding"))
        render = partial(self._exposition.render, format_, gzip=gzip, selection=selection)
        # There are few forms of a whole scrape, and as many of a part as clients can think of.
        is_part = selection.names or selection.miniservers
        work = self._other_work if is_part else self._whole_scrapes
        body = await work.do((format_, gzip, selection), render)
        headers = _METRICS_HEADERS + (_COMPRESSED if gzip else ())
        return Answer(body, format_.value, headers=headers)

    async def _page(self, scope: Scope) -> Answer:
        if self._pages is None:
            begin = await trio.to_thread.run_sync(_load_pages)
            self._pages = begin(self._states, self._collector, self._static, self._vitals.shard)
        gzip = accepts_gzip(_header(scope, b"accept-encoding"))
        query = scope.get("query_string", b"")
        write = partial(self._pages.answer, query, gzip=gzip)
        status, body = await self._other_work.do((_PAGE, query, gzip), write)
        headers = _PAGE_HEADERS + (_COMPRESSED if gzip else ())
        return Answer(body, _HTML, status, headers)

    def _static_file(self, scope: Scope) -> Answer:
        file = self._static.by_path[scope["path"]]
        return Answer(file.body, file.content_type, headers=_STATIC_HEADERS)

    async def _reload(self, scope: Scope) -> Answer:
        if scope["method"] != "POST":
            return _refusal("POST")
        if self.reload is None or not self._config.lifecycle:
            return Answer(
                b"not allowed: set lifecycle = true under [web], or send SIGHUP\n",
                status=HTTPStatus.FORBIDDEN,
            )
        # A browser says where the page is from that sends its reader's request on; no page of ours
        # does so.
        if _header(scope, b"origin"):
            return Answer(b"not for web pages\n", status=HTTPStatus.FORBIDDEN)
        complaint = await self.reload("POST /-/reload")
        if complaint:
            body = f"configuration not reloaded:\n{complaint}\n".encode()
            return Answer(body, status=HTTPStatus.INTERNAL_SERVER_ERROR)
        return Answer(b"configuration reloaded\n")

    async def _healthz(self, _scope: Scope) -> Answer:
        return await self._other_work.do(_HEALTH, self._report)

    async def _report(self) -> Answer:
        await trio.lowlevel.checkpoint()
        states = self._states  # a reload meanwhile counts from the next question on
        exported = await take_turns(self._collector.exported_controls())
        health = report(states, exported)
        healthy = health["status"] != Status.UNHEALTHY
        return Answer(
            json.dumps(health, ensure_ascii=False).encode() + b"\n",
            _JSON,
            HTTPStatus.OK if healthy else HTTPStatus.SERVICE_UNAVAILABLE,
        )

    def _openapi(self, _scope: Scope) -> Answer:
        # Read when it is asked for, which is rare: it need not be in memory.
        return Answer(files(__package__).joinpath("openapi.json").read_bytes(), _JSON)

    def _livez(self, _scope: Scope) -> Answer:
        if self.heartbeat.age() > HEARTBEAT_LIMIT:
            return Answer(b"the event loop is stuck\n", status=HTTPStatus.SERVICE_UNAVAILABLE)
        return Answer(b"alive\n")

    def _readyz(self, _scope: Scope) -> Answer:
        uptime = trio.current_time() - self._started
        if is_ready(self._states, uptime=uptime, stopping=self._stop.is_made()):
            return Answer(b"ready\n")
        return Answer(b"not ready\n", status=HTTPStatus.SERVICE_UNAVAILABLE)


def _authentication(config: WebConfig) -> Authentication | None:
    if not config.basic_auth_users:
        return None
    from loxone_exporter.web.authentication import Authentication  # noqa: PLC0415  # as with pages

    return Authentication(config.basic_auth_users)


def _load_pages() -> type[Pages]:
    # A megabyte, and a wait for everybody else, which nobody may ever need.
    from loxone_exporter.web.pages import Pages  # noqa: PLC0415  # see above

    return Pages


def _tell_of_conflicts(config: Config) -> None:
    for conflict in find_conflicts(config.override):
        _logger.warning("%s", conflict)


async def _take_in(receive: Receive) -> None:
    """Take in the body of a request, which nobody asked for.

    The server's queue of its parts is short; when it is full, the server waits, and could not even
    say that the client is gone.
    """
    while (await receive())["type"] == "http.request":
        pass


def _refusal(allowed: str) -> Answer:
    return Answer(
        f"only {allowed}\n".encode(),
        status=HTTPStatus.METHOD_NOT_ALLOWED,
        headers=((b"allow", allowed.encode()),),
    )


def _header(scope: Scope, name: bytes) -> str:
    values = [value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name]
    return ",".join(values)
