"""What /openapi.json says, against what the exporter answers."""

from __future__ import annotations

import json
from functools import partial
from importlib.resources import files
from typing import Any, TypeAlias

import pytest
import schemathesis
import trio
from hypothesis import HealthCheck, given, settings
from schemathesis import APIOperation, Case
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok

import loxone_exporter.web
from loxone_exporter.config.model import Config, WebConfig
from loxone_exporter.loxone.structure import parse_structure
from loxone_exporter.state import ConnectionState, MiniserverState
from loxone_exporter.stop import StopRequest
from loxone_exporter.web.app import WebApp
from support.logins import NAME, PASSWORD, basic, hashed
from support.memory_network import STRUCTURE, TEMPERATURE, miniserver_config
from support.web_serving import serving


EXAMPLES = 8

Operation: TypeAlias = APIOperation[Any, Any, Any, Any]

DOCUMENT = json.loads(files(loxone_exporter.web).joinpath("openapi.json").read_bytes())

SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)

OPERATIONS = {
    f"{operation.method.upper()} {operation.path}": operation
    for operation in (found.ok() for found in SCHEMA.get_all_operations() if isinstance(found, Ok))
}


def app_of(
    connection: ConnectionState, *, complaint: str, lifecycle: bool, has_users: bool = False
) -> WebApp:
    state = MiniserverState(name="home", connection=connection, tried=True)
    state.replace_structure(parse_structure(json.dumps(STRUCTURE)))
    state.apply_values([(TEMPERATURE, 21.5)])
    stop = StopRequest()
    users = {NAME: hashed(PASSWORD)} if has_users else {}
    web = WebConfig(lifecycle=lifecycle, basic_auth_users=users)
    config = Config(miniservers=(miniserver_config(),), web=web)
    app = WebApp.build(config, [state], stop)
    if complaint:
        stop.make()  # not ready any more

    async def reload(_: str) -> str:
        await trio.lowlevel.checkpoint()
        return complaint

    app.reload = reload
    return app


def try_out(operation: Operation, url: str, login: str | None = None) -> set[int]:
    """Make requests of all sorts that the document allows, and compare the answers with it.

    Returns:
        The statuses of the answers.
    """
    statuses = set()
    headers = {} if login is None else {"Authorization": login}

    # Each starts from what chance has, but the same chance every time.
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def run(case: Case[Any]) -> None:
        # 500 and 503 are what the document says; that they are, is checked.
        answer = case.call_and_validate(
            base_url=url, excluded_checks=[not_a_server_error], timeout=10, headers=headers
        )
        statuses.add(answer.status_code)

    run()
    return statuses


@pytest.mark.parametrize("label", OPERATIONS)
@pytest.mark.parametrize("is_well", [True, False])
async def test_answers_are_as_documented(label: str, *, is_well: bool) -> None:
    connection = ConnectionState.CONNECTED if is_well else ConnectionState.BACKOFF
    for lifecycle in (True, False) if "reload" in label else (True,):
        app = app_of(connection, complaint="" if is_well else "web: wrong", lifecycle=lifecycle)
        async with serving(app) as server:
            url = f"http://{server.host}:{server.port}"
            await trio.to_thread.run_sync(try_out, OPERATIONS[label], url)


@pytest.mark.parametrize("label", OPERATIONS)
async def test_so_are_those_where_a_login_is_needed(label: str) -> None:
    app = app_of(ConnectionState.CONNECTED, complaint="", lifecycle=True, has_users=True)
    async with serving(app) as server:
        url = f"http://{server.host}:{server.port}"
        try_out_ = partial(trio.to_thread.run_sync, try_out, OPERATIONS[label], url)
        assert {401} == await try_out_(basic(password="wrong"))
        assert 401 not in await try_out_(basic())


async def test_every_path_is_documented() -> None:
    app = app_of(ConnectionState.CONNECTED, complaint="", lifecycle=True)
    paths = {path for path in app._paths if not path.startswith("/static/")}
    assert {*paths, "/", "/metrics", "/-/reload", "/healthz"} == set(DOCUMENT["paths"])


async def test_the_document_is_served() -> None:
    app = app_of(ConnectionState.CONNECTED, complaint="", lifecycle=True)
    async with serving(app) as server:
        answer = await server.get("openapi.json")
    assert DOCUMENT == json.loads(answer.body)
