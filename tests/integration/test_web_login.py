"""A web server whose readers have to log in, over real sockets."""

from __future__ import annotations

import json
import threading

import trio
from attrs import evolve

from loxone_exporter.config.model import Config, WebConfig
from loxone_exporter.loxone.structure import parse_structure
from loxone_exporter.state import ConnectionState, MiniserverState
from loxone_exporter.stop import StopRequest
from loxone_exporter.web.app import WebApp
from support.logins import NAME, PASSWORD, basic, hashed
from support.memory_network import STRUCTURE, miniserver_config
from support.web_serving import Serving, serving


HEALTH = ("/healthz", "/livez", "/-/healthy", "/readyz", "/-/ready")
WEB = WebConfig(lifecycle=True, basic_auth_users={NAME: hashed(PASSWORD)})
CHALLENGE = 'Basic realm="loxone-exporter", charset="UTF-8"'


def config_of(web: WebConfig) -> Config:
    return Config(miniservers=(miniserver_config(),), web=web)


def app_of(web: WebConfig) -> WebApp:
    state = MiniserverState(name="home", connection=ConnectionState.CONNECTED, tried=True)
    state.replace_structure(parse_structure(json.dumps(STRUCTURE)))
    app = WebApp.build(config_of(web), [state], StopRequest())

    async def reload(_: str) -> str:
        await trio.lowlevel.checkpoint()
        return ""

    app.reload = reload
    return app


async def status(
    server: Serving, path: str, login: str | None = None, *, method: str = "GET"
) -> int:
    headers = {} if login is None else {"Authorization": login}
    answer = await server.get(path.removeprefix("/"), method=method, headers=headers)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'self'"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "server" not in answer.headers
    if answer.status == 401:
        assert CHALLENGE == answer.headers["www-authenticate"]
        assert (method == "HEAD") == (answer.body == b"")
    return answer.status


async def test_nothing_is_answered_without_a_login() -> None:
    app = app_of(WEB)
    every = {*app._paths, "/", "/metrics", "/nothing"}
    assert "/static/page.js" in every
    async with serving(app) as server:
        for path in every:
            for method in ("GET", "HEAD", "POST", "DELETE"):
                assert 401 == await status(server, path, method=method)
            assert await status(server, path, basic()) in {200, 404}
            assert 401 == await status(server, path, basic(password="wrong"))
        for method, code in (("GET", 405), ("POST", 200)):
            assert 401 == await status(server, "/-/reload", method=method)
            assert code == await status(server, "/-/reload", basic(), method=method)


async def test_health_stays_open_on_request_and_nothing_else() -> None:
    app = app_of(evolve(WEB, health_without_login=True))
    async with serving(app) as server:
        for path in {*app._paths, "/", "/metrics", "/-/reload", "/healthz/", "/nothing"}:
            expected = 200 if path in HEALTH else 401
            assert expected == await status(server, path), path


async def test_who_may_read_is_changed_without_a_restart() -> None:
    app = app_of(WebConfig())
    states = app._states
    async with serving(app) as server:

        async def statuses() -> list[int]:
            logins = (None, basic(), basic("new", "secret"))
            return [await status(server, "/livez", login) for login in logins]

        assert [200, 200, 200] == await statuses()
        app.replace(config_of(WEB), states)
        assert [401, 200, 401] == await statuses()
        before = app._authentication
        app.replace(config_of(evolve(WEB, lifecycle=False)), states)
        assert before is app._authentication  # what it remembers is still true
        app.replace(config_of(evolve(WEB, basic_auth_users={"new": hashed("secret")})), states)
        assert [401, 401, 200] == await statuses()
        app.replace(config_of(evolve(WEB, health_without_login=True)), states)
        assert [200, 200, 200] == await statuses()
        app.replace(config_of(WebConfig()), states)
        assert [200, 200, 200] == await statuses()


async def test_who_guesses_passwords_does_not_keep_scrapers_out() -> None:
    """Thirty connections guess as fast as they can, at a twentieth of a second each."""
    app = app_of(evolve(WEB, basic_auth_users={NAME: hashed(PASSWORD, 10)}))
    guesses = 0

    async def guess(server: Serving, number: int) -> None:
        nonlocal guesses
        for attempt in range(1000):
            assert 401 == await status(server, "/metrics", basic(password=f"{number} {attempt}"))
            guesses += 1

    async with serving(app) as server:
        assert 200 == await status(server, "/metrics", basic())
        threads = threading.active_count()
        async with trio.open_nursery() as guessing:
            for number in range(30):
                guessing.start_soon(guess, server, number)
            while not guesses:
                await trio.sleep(0.01)
            before = guesses
            for _ in range(5):
                assert 200 == await status(server, "/metrics", basic())
            # Who waits its turn waits for all thirty.
            assert guesses - before < 30
            assert threading.active_count() <= threads + 1
            guessing.cancel_scope.cancel()
