from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from http import HTTPStatus
from itertools import product
from typing import Any

import pytest
import trio
from attrs import evolve, frozen
from trio.testing import MockClock

from loxone_exporter.config.model import Config, MetricsConfig, OverrideConfig, WebConfig
from loxone_exporter.loxone.structure import parse_structure
from loxone_exporter.metrics.exposition import Exposition, Format
from loxone_exporter.metrics.selection import Selection
from loxone_exporter.state import ConnectionState, MiniserverState
from loxone_exporter.stop import StopRequest
from loxone_exporter.vitals import Vitals
from loxone_exporter.web import health
from loxone_exporter.web.app import WebApp
from loxone_exporter.web.health import HEARTBEAT_LIMIT, READY_AFTER
from loxone_exporter.web.pages import Pages
from support.memory_network import STRUCTURE, TEMPERATURE, miniserver_config
from support.scrapes import Scrape


PATHS = ("/", "/metrics", "/healthz", "/livez", "/-/healthy", "/readyz", "/-/ready")


@frozen
class Answer:
    """What the application sent."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401  # any JSON
        return json.loads(self.body)


async def ask(
    app: WebApp,
    path: str,
    *,
    method: str = "GET",
    headers: Sequence[tuple[str, str]] = (),
    body: Sequence[bytes] = (),
    query: bytes = b"",
) -> Answer:
    """Make a request as an ASGI server does, its body included."""
    sent: list[Any] = []
    to_app, received = trio.open_memory_channel[dict[str, object]](len(body) + 1)
    for part in body:
        to_app.send_nowait({"type": "http.request", "body": part, "more_body": True})
    to_app.send_nowait({"type": "http.request", "body": b"", "more_body": False})

    async def send(message: object) -> None:
        await trio.lowlevel.checkpoint()
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query,
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers],
    }
    with trio.fail_after(1):
        await app(scope, received.receive, send)
    start, end = sent
    assert "http.response.start" == start["type"]
    assert "http.response.body" == end["type"]
    names = [name for name, _ in start["headers"]]
    assert sorted(set(names)) == sorted(names)
    return Answer(
        start["status"],
        {name.decode(): value.decode() for name, value in start["headers"]},
        end["body"],
    )


def known(name: str, connection: ConnectionState) -> MiniserverState:
    state = MiniserverState(name=name, connection=connection, tried=True)
    state.replace_structure(parse_structure(json.dumps(STRUCTURE)))
    state.apply_values([(TEMPERATURE, 21.5)])
    return state


def build(*states: MiniserverState, stop: StopRequest | None = None) -> WebApp:
    config = Config(miniservers=tuple(miniserver_config(state.name) for state in states))
    return WebApp.build(config, states, stop or StopRequest())


@pytest.fixture
async def app() -> WebApp:
    return build(known("Küche", ConnectionState.CONNECTED))


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_every_path_answers(app: WebApp, path: str, method: str) -> None:
    answer = await ask(app, path, method=method)
    assert answer.status == 200
    assert (answer.body == b"") == (method == "HEAD")


@pytest.mark.parametrize("path", [path for path in PATHS if path != "/metrics"])
async def test_head_states_the_length_that_get_has(app: WebApp, path: str) -> None:
    whole, head = await ask(app, path), await ask(app, path, method="HEAD")
    assert str(len(whole.body)) == whole.headers["content-length"]
    assert whole.headers == head.headers


@pytest.mark.parametrize(
    "path", ["/nothing", "/metrics/", "//metrics", "/METRICS", "", "/-/reload/"]
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE"])
async def test_other_paths_are_not_found(app: WebApp, path: str, method: str) -> None:
    answer = await ask(app, path, method=method)
    assert answer.status == 404


async def test_a_scrape_may_ask_for_a_part(app: WebApp) -> None:
    asked = b"name[]=loxone_exporter_connected&miniserver=K%C3%BCche"
    answer = await ask(app, "/metrics", query=asked)
    assert answer.status == 200
    assert [b'loxone_exporter_connected{miniserver="K\xc3\xbcche"} 1.0'] == [
        line for line in answer.body.splitlines() if not line.startswith(b"#")
    ]


@pytest.mark.parametrize("query", ["miniserver=Bad", "miniserver=", "miniserver=K%FCche"])
async def test_a_miniserver_that_nobody_knows_is_not_found(app: WebApp, query: str) -> None:
    answer = await ask(app, "/metrics", query=query.encode())
    assert answer.status == 404
    assert "there are: Küche" in answer.body.decode()


@pytest.mark.parametrize(
    ("query", "status"), [(b"&" * 5000, 400), (b"a=1&" * 5000, 400), (bytes(range(256)), 200)]
)
async def test_odd_queries_are_no_failures(app: WebApp, query: bytes, status: int) -> None:
    assert status == (await ask(app, "/metrics", query=query)).status


class Reloads:
    """What was asked for, and what is answered."""

    def __init__(self, complaint: str = "") -> None:
        self.occasions: list[str] = []
        self._complaint = complaint

    async def __call__(self, occasion: str) -> str:
        await trio.lowlevel.checkpoint()
        self.occasions.append(occasion)
        return self._complaint


def with_lifecycle(app: WebApp, *, lifecycle: bool = True) -> None:
    config = Config(miniservers=(miniserver_config("x"),), web=WebConfig(lifecycle=lifecycle))
    app.replace(config, [known("x", ConnectionState.CONNECTED)])


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
async def test_a_reload_is_a_post(app: WebApp, method: str) -> None:
    app.reload = reloads = Reloads()
    with_lifecycle(app)
    answer = await ask(app, "/-/reload", method=method)
    assert answer.status == 405
    assert "POST" == answer.headers["allow"]
    assert [] == reloads.occasions


async def test_a_reload_is_made_where_it_is_allowed(app: WebApp) -> None:
    app.reload = reloads = Reloads()
    assert 403 == (await ask(app, "/-/reload", method="POST")).status
    with_lifecycle(app)
    answer = await ask(app, "/-/reload", method="POST", body=[b"x" * 100])
    assert (200, b"configuration reloaded\n") == (answer.status, answer.body)
    assert ["POST /-/reload"] == reloads.occasions
    other_site = [("Origin", "http://evil.test")]
    assert 403 == (await ask(app, "/-/reload", method="POST", headers=other_site)).status
    with_lifecycle(app, lifecycle=False)
    assert 403 == (await ask(app, "/-/reload", method="POST")).status
    assert 1 == len(reloads.occasions)


async def test_a_reload_that_fails_says_why(app: WebApp) -> None:
    app.reload = Reloads("web.listen: expected texts\nhots: unknown key")
    with_lifecycle(app)
    answer = await ask(app, "/-/reload", method="POST")
    assert answer.status == 500
    assert answer.body.endswith(b"web.listen: expected texts\nhots: unknown key\n")


async def test_where_nothing_can_be_reloaded_none_is_tried(app: WebApp) -> None:
    with_lifecycle(app)
    assert 403 == (await ask(app, "/-/reload", method="POST")).status


async def test_how_many_clients_are_allowed_changes_with_the_configuration() -> None:
    vitals, states = Vitals(), [known("x", ConnectionState.CONNECTED)]
    config = Config(miniservers=(miniserver_config("x"),), web=WebConfig(max_connections=7))
    app = WebApp.build(config, states, StopRequest(), vitals)
    assert vitals.clients.limit == 7
    app.replace(evolve(config, web=WebConfig(max_connections=3)), states)
    assert vitals.clients.limit == 3


async def test_what_is_served_changes_with_the_configuration(app: WebApp) -> None:
    app.replace(
        Config(miniservers=(miniserver_config("x"),), metrics=MetricsConfig(uuid_label=True)),
        [known("x", ConnectionState.CONNECTED)],
    )
    body = (await ask(app, "/metrics")).body.decode()
    assert 'miniserver="Küche"' not in body
    assert 'miniserver="x"' in body
    assert 'uuid="' in body.split("loxone_control_value{")[1].split("}")[0]
    assert ["x"] == [m["name"] for m in (await ask(app, "/healthz")).json["miniservers"]]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "get", "X"])
async def test_other_methods_are_not_allowed(app: WebApp, path: str, method: str) -> None:
    answer = await ask(app, path, method=method, body=[b"x" * 1000] * 50)
    assert answer.status == 405
    assert "GET, HEAD" == answer.headers["allow"]


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ([], Format.TEXT),
        ([("Accept", "*/*")], Format.TEXT),
        ([("Accept", "application/openmetrics-text;version=1.0.0")], Format.OPENMETRICS),
        ([("Accept", "text/plain;q=0.2"), ("Accept", "application/openmetrics-text")],
         Format.OPENMETRICS),
        ([("Accept", "\xff;q=x, ;;,")], Format.TEXT),
    ],
    ids=range(5),
)  # fmt: skip
async def test_a_scrape(app: WebApp, accept: list[tuple[str, str]], expected: Format) -> None:
    answer = await ask(app, "/metrics", headers=accept)
    assert expected.value == answer.headers["content-type"]
    (sample,) = Scrape.read(answer.body, expected).samples("loxone_control_value")
    assert sample.value == 21.5
    assert "Küche" == sample.labels["miniserver"]


@pytest.mark.parametrize(
    ("states", "status", "expected"),
    [
        ([("a", ConnectionState.CONNECTED)], 200, "healthy"),
        ([("a", ConnectionState.CONNECTED), ("b", ConnectionState.BACKOFF)], 200, "degraded"),
        ([("a", ConnectionState.REJECTED), ("b", ConnectionState.BACKOFF)], 503, "unhealthy"),
    ],
)
async def test_health(
    autojump_clock: MockClock,
    states: list[tuple[str, ConnectionState]],
    status: int,
    expected: str,
) -> None:
    answer = await ask(build(*(known(name, state) for name, state in states)), "/healthz")
    assert status == answer.status
    assert "application/json" == answer.headers["content-type"]
    assert expected == answer.json["status"]
    assert [name for name, _ in states] == [one["name"] for one in answer.json["miniservers"]]


async def test_health_before_anything_was_tried(autojump_clock: MockClock) -> None:
    answer = await ask(build(MiniserverState(name="a")), "/healthz")
    assert answer.status == 200
    assert {
        "status": "starting",
        "miniservers": [
            {
                "name": "a",
                "connected": False,
                "last_update": None,
                "controls_discovered": 0,
                "controls_exported": 0,
            }
        ],
    } == answer.json


async def test_health_counts_what_is_exported(app: WebApp) -> None:
    (miniserver,) = (await ask(app, "/healthz")).json["miniservers"]
    assert (2, 1) == (miniserver["controls_discovered"], miniserver["controls_exported"])
    assert isinstance(miniserver["last_update"], float)


@pytest.mark.parametrize("path", ["/livez", "/-/healthy"])
async def test_liveness_is_the_heartbeat(autojump_clock: MockClock, app: WebApp, path: str) -> None:
    with trio.move_on_after(1000):
        await app.heartbeat.beat()
    assert (await ask(app, path)).status == 200
    await trio.sleep(HEARTBEAT_LIMIT - 2)
    assert (await ask(app, path)).status == 200
    await trio.sleep(3)
    answer = await ask(app, path)
    assert answer.status == 503
    assert b"the event loop is stuck\n" == answer.body


@pytest.mark.parametrize("path", ["/readyz", "/-/ready"])
async def test_readiness_before_and_after_the_first_structure(
    autojump_clock: MockClock, path: str
) -> None:
    state, stop = MiniserverState(name="a"), StopRequest()
    app = build(state, stop=stop)
    assert (await ask(app, path)).status == 503
    state.replace_structure(parse_structure(json.dumps(STRUCTURE)))
    assert (await ask(app, path)).status == 200
    stop.make()
    answer = await ask(app, path)
    assert answer.status == 503
    assert b"not ready\n" == answer.body


async def test_readiness_does_not_wait_for_ever(autojump_clock: MockClock) -> None:
    app = build(MiniserverState(name="a"))
    await trio.sleep(READY_AFTER - 0.1)
    assert (await ask(app, "/readyz")).status == 503
    await trio.sleep(0.2)
    assert (await ask(app, "/readyz")).status == 200


async def test_the_front_page_names_every_path(app: WebApp) -> None:
    body = (await ask(app, "/")).body.decode()
    # "/-/healthy" and "/-/ready" are other spellings, for those who expect them.
    named = [path for path in PATHS if path != "/" and "-" not in path]
    assert [] == [path for path in named if f">{path}</a>" not in body]


@pytest.mark.parametrize("kind", ["lifespan", "websocket"])
async def test_other_kinds_of_connections_are_none_of_ours(app: WebApp, kind: str) -> None:
    async def never(*_: object) -> None:
        pytest.fail("there is nothing to say")

    await app({"type": kind}, never, never)


async def test_a_body_that_nobody_asked_for_is_taken_in(
    autojump_clock: MockClock, app: WebApp
) -> None:
    """Hypercorn waits for that, and would do so for ever."""
    taken = 0

    async def receive() -> dict[str, object]:
        nonlocal taken
        await trio.sleep(0.01)
        taken += 1
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def send(_message: object) -> None:
        before = taken
        await trio.sleep(1)
        assert taken > before

    scope = {"type": "http", "method": "POST", "path": "/metrics", "headers": []}
    with trio.fail_after(5):
        await app(scope, receive, send)


async def test_a_client_that_leaves_is_no_error(app: WebApp) -> None:
    async def gone() -> dict[str, object]:
        await trio.lowlevel.checkpoint()
        return {"type": "http.disconnect"}

    sent = []

    async def send(message: object) -> None:
        await trio.sleep(0.01)
        sent.append(message)

    await app({"type": "http", "method": "GET", "path": "/livez", "headers": []}, gone, send)
    assert len(sent) == 2


async def test_a_scrape_is_compressed_for_who_accepts_it(app: WebApp) -> None:
    plain = await ask(app, "/metrics", headers=[("Accept-Encoding", "identity")])
    assert "content-encoding" not in plain.headers
    packed = await ask(app, "/metrics", headers=[("Accept-Encoding", "gzip")])
    assert "gzip" == packed.headers["content-encoding"]
    assert str(len(packed.body)) == packed.headers["content-length"]
    for answer in (plain, packed):
        assert "accept, accept-encoding" == answer.headers["vary"]
    text = gzip.decompress(packed.body)
    for body in (plain.body, text):
        assert b"\nloxone_exporter_up 1.0\n" in body
    assert len(packed.body) < len(plain.body) / 3


async def test_a_failing_scrape_is_the_servers_to_answer(
    app: WebApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stumble(*_: object, **__: object) -> bytes:
        await trio.lowlevel.checkpoint()
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(Exposition, "render", stumble)
    with pytest.raises(ZeroDivisionError, match="planted"):
        await ask(app, "/metrics")


async def test_what_many_ask_for_at_once_is_made_once_and_one_after_the_other(
    autojump_clock: MockClock, app: WebApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    at_work = 0

    async def render(
        _self: Exposition, format_: Format, *, gzip: bool, selection: Selection
    ) -> bytes:
        nonlocal at_work
        at_work += 1
        assert at_work == 1
        await trio.sleep(0.1)
        at_work -= 1
        made.append(f"{format_.name} {gzip} {sorted(selection.names)}")
        return made[-1].encode()

    async def ask_for(format_: Format, gzip: str, name: str) -> None:
        headers = [("Accept", format_.value), ("Accept-Encoding", gzip)]
        answer = await ask(app, "/metrics", headers=headers, query=f"name[]={name}".encode())
        assert f"{format_.name} {gzip == 'gzip'} {[name]}".encode() == answer.body
        assert format_.value == answer.headers["content-type"]
        assert (gzip == "gzip") == ("content-encoding" in answer.headers)

    monkeypatch.setattr(Exposition, "render", render)
    choices = list(product(Format, ("gzip", "identity"), ("a", "b")))
    async with trio.open_nursery() as nursery:
        for choice in choices * 25:
            nursery.start_soon(ask_for, *choice)
    assert len(choices) == len(made) == len({*made})


async def test_whole_scrapes_do_not_wait_for_others(
    autojump_clock: MockClock, app: WebApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or a hundred clients, each with a wish of its own, would keep Prometheus waiting."""

    async def render(*_: object, **__: object) -> bytes:
        await trio.sleep(0.1)
        return b"rendered"

    async def ask_for_part(query: str) -> None:
        with trio.move_on_after(60):
            await ask(app, "/metrics", query=query.encode())

    monkeypatch.setattr(Exposition, "render", render)
    async with trio.open_nursery() as nursery:
        for place in range(50):
            nursery.start_soon(ask_for_part, f"name[]=x{place}")
            nursery.start_soon(ask_for_part, f"miniserver=K%C3%BCche&name[]=y{place}")
        await trio.sleep(0.05)
        started = trio.current_time()
        assert b"rendered" == (await ask(app, "/metrics")).body
        assert trio.current_time() - started < 0.11
        nursery.cancel_scope.cancel()


async def test_a_page_that_many_ask_for_at_once_is_made_once(
    app: WebApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[tuple[bytes, bool]] = []

    async def answer(_self: Pages, query: bytes, *, gzip: bool) -> tuple[HTTPStatus, bytes]:
        await trio.lowlevel.checkpoint()
        made.append((query, gzip))
        return HTTPStatus.OK, query

    async def ask_for(query: bytes) -> None:
        assert query == (await ask(app, "/", query=query)).body

    monkeypatch.setattr(Pages, "answer", answer)
    await ask_for(b"")
    async with trio.open_nursery() as nursery:
        for query in (b"q=a", b"q=b") * 50:
            nursery.start_soon(ask_for, query)
    assert [(b"", False), (b"q=a", False), (b"q=b", False)] == sorted(made)


async def test_a_report_on_health_that_many_ask_for_at_once_is_made_once(
    autojump_clock: MockClock, app: WebApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    reports = 0

    def count(*arguments: Any) -> object:  # noqa: ANN401  # those of report
        nonlocal reports
        reports += 1
        return health.report(*arguments)

    monkeypatch.setattr("loxone_exporter.web.app.report", count)
    async with trio.open_nursery() as nursery:
        for _ in range(100):
            nursery.start_soon(ask, app, "/healthz")
    assert 1 == reports
    assert (await ask(app, "/healthz")).json["status"] == "healthy"
    assert 2 == reports


async def test_a_reload_amid_a_report_on_health_does_not_show_in_it(
    autojump_clock: MockClock,
) -> None:
    names = [str(number) for number in range(50)]
    app = build(*(known(name, ConnectionState.CONNECTED) for name in names))
    reports: list[dict[str, Any]] = []

    async def ask_for_it() -> None:
        reports.extend((await ask(app, "/healthz")).json["miniservers"])

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask_for_it)
        while not app._collector._miniservers[0].size:
            await trio.lowlevel.checkpoint()
        assert [] == reports
        app.replace(Config(miniservers=(miniserver_config("0"),)), [MiniserverState(name="0")])
    assert names == [report["name"] for report in reports]
    assert {(2, 1)} == {(r["controls_discovered"], r["controls_exported"]) for r in reports}


async def test_overrides_that_contradict_themselves_are_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    config = Config(
        miniservers=(miniserver_config(),),
        override=(OverrideConfig(names=("x",), quantity="humidity", unit="W"),),
    )
    WebApp.build(config, [MiniserverState(name="a"), MiniserverState(name="b")], StopRequest())
    assert 1 == caplog.text.count("override[0]")
