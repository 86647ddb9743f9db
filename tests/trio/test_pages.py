"""The page for people, without a browser."""

from __future__ import annotations

import gc
import time
from datetime import UTC, datetime

import pytest
import trio
from trio.testing import MockClock

from benchmarks.house import InventedHouse
from loxone_exporter.advice import ADVICE
from loxone_exporter.config.shard import Shard
from loxone_exporter.errors import FailureReason
from loxone_exporter.loxone.replies import Device
from loxone_exporter.loxone.structure import parse_structure
from loxone_exporter.simulator.demo import DemoHouse
from loxone_exporter.state import ConnectionState, Failure, MiniserverState, Security
from loxone_exporter.web.app import WebApp
from loxone_exporter.web.pages import Pages, documentation_url
from loxone_exporter.web.pages.controls import ON_A_PAGE
from support.collected import configure, connected
from support.pages import HOSTILE, Page, ask, build_app, hostile_miniserver
from support.structures import control, key, structure


def demo(name: str = "home") -> MiniserverState:
    house = DemoHouse(now=datetime(2026, 3, 14, 12, tzinfo=UTC))
    state = MiniserverState(name=name, connection=ConnectionState.CONNECTED)
    state.replace_structure(parse_structure(house.structure))
    state.apply_values(house.values.items())
    state.mark_received()
    return state


def small(name: str = "home", controls: int = 3) -> MiniserverState:
    house = structure(*(control(number, f"Lamp {number}") for number in range(1, controls + 1)))
    return connected(house, name=name, values=dict.fromkeys(range(1, controls + 1), 1.0))


def failing(name: str, reason: FailureReason = FailureReason.REJECTED) -> MiniserverState:
    state = MiniserverState(name=name, connection=ConnectionState.REJECTED)
    now = time.time()
    state.link.last_failure = Failure(reason, "what the log says", now - 10, now + 600)
    return state


async def page_of(app: WebApp, query: str = "") -> Page:
    answer = await ask(app, query)
    assert 200 == answer.status
    return answer.page


async def test_its_headers() -> None:
    app = build_app(small())
    answer = await ask(app)
    assert "text/html; charset=utf-8" == answer.headers["content-type"]
    assert "no-store" == answer.headers["cache-control"]
    head = await ask(app, method="HEAD")
    assert (200, b"") == (head.status, head.body)
    assert answer.headers.keys() == head.headers.keys()


async def test_it_is_compressed_for_who_accepts_it() -> None:
    app = build_app(small())
    plain, packed = await ask(app), await ask(app, headers={"accept-encoding": "gzip"})
    assert "gzip" == packed.headers["content-encoding"]
    assert "accept-encoding" == packed.headers["vary"] == plain.headers["vary"]
    assert len(packed.body) < len(plain.body) / 3
    assert plain.page.texts("summary") == packed.page.texts("summary")


async def test_everything_else_comes_from_here() -> None:
    app = build_app(small())
    page = await page_of(app)
    addresses = [
        address
        for each in page.elements
        for address in (each.attributes.get("src"), each.attributes.get("href"))
        if address is not None
    ]
    assert [] == [address for address in addresses if ":" in address or "//" in address]
    wanted = {"icon.svg": "image/svg+xml", "page.css": "text/css", "page.js": "text/javascript"}
    for name, content_type in wanted.items():
        (address,) = {each for each in addresses if each.startswith(f"static/{name}?")}
        answer = await ask(app, path=f"/{address.partition('?')[0]}")
        assert 200 == answer.status
        assert answer.headers["content-type"].startswith(content_type)
        assert "immutable" in answer.headers["cache-control"]
        assert len(answer.body) > 100
        assert b"http://" not in answer.body.replace(b"http://www.w3.org/2000/svg", b"")
        assert b"https://" not in answer.body
    assert {"metrics", "healthz", "readyz", "livez", "openapi.json"} <= set(addresses)


async def test_nothing_is_inline() -> None:
    """The content security policy would forbid it."""
    page = await page_of(build_app(small()))
    assert "style" not in page.names
    for each in page.elements:
        assert [] == [name for name in each.attributes if name.startswith(("on", "style"))]
        assert "script" != each.name or each.text == ""


async def test_a_miniserver_and_how_it_is() -> None:
    state = demo()
    state.since = time.time() - 7300
    state.link.device = Device("504F94D0E0DE", (16, 1, 11, 6))
    state.link.security = Security.VERIFIED
    page = await page_of(build_app(state))
    assert ["home"] == page.texts("h1")
    assert ["Connected"] == page.texts("span", "badge good")
    assert ["for 2 h 1 min"] == page.texts("span", "since")
    facts = dict(zip(page.texts("dt"), page.texts("dd"), strict=False))
    assert "16.1.11.6" == facts["Firmware"]
    assert "504F94D0E0DE" == facts["Serial number"]
    assert "TLS, verified" == facts["Connection"]
    assert facts["Last event"] in {"just now", *(f"{number} s ago" for number in range(1, 30))}
    assert facts["Controls"].endswith(" of 128 with values")
    assert int(facts["Series"].replace(",", "")) > 1000


async def test_controls_by_room_with_values_and_promql() -> None:
    house = structure(
        control(1, "Heating", type_="IRoomControllerV2", room="Bath", states={"tempActual": 1}),
        control(2, "Lamp", room="", category=""),
    )
    page = await page_of(build_app(connected(house, values={1: 21.375, 2: 0.0})))
    assert ["Bath", "Without a room"] == page.texts("h3")
    assert ["All rooms2", "Bath1", "Without a room1"] == page.texts("li")[:3]
    assert ["HeatingIRoomControllerV2 · Lighting21.4 °CtempActual", "LampSwitchnoactive"] == (
        page.texts("summary")
    )
    labels = (
        '{miniserver="home",name="Heating",room="Bath",category="Lighting",'
        'type="IRoomControllerV2",subcontrol="tempActual"}'
    )
    assert f"loxone_temperature_celsius{labels}" in page.texts("code")
    assert f"loxone_control_value{labels}" in page.texts("code")


async def test_named_states_and_texts() -> None:
    house = structure(
        control(1, "Alarm", type_="Alarm", states={"level": 1}),
        control(2, "Note", type_="InfoOnlyText", states={"text": 2}),
    )
    state = connected(house, values={1: 1.0}, texts={2: "dry"})
    silent = await page_of(build_app(state))
    telling = await page_of(build_app(state, metrics={"text_values": True}))
    assert "silentlevel" in silent.texts("summary")[0]
    (code,) = (each for each in silent.texts("code") if each.startswith("loxone_alarm_level"))
    assert "state=" not in code
    assert "dry" not in silent.text
    assert "drytext" in telling.texts("summary")[1]
    (code,) = (each for each in telling.texts("code") if each.startswith("loxone_control_text"))
    assert "value=" not in code


async def test_search_and_rooms() -> None:
    app = build_app(demo())
    page = await page_of(app, "q=RAUMREGLER+koupelna")
    assert ["Koupelna"] == page.texts("h3")
    assert ["1 of 128 controls with “RAUMREGLER koupelna” · show all"] == page.texts("p", "count")
    (field,) = (each for each in page.all("input") if each.attributes["type"] == "search")
    assert "RAUMREGLER koupelna" == field.attributes["value"]
    page = await page_of(app, "room=Koupelna")
    assert ["Koupelna"] == page.texts("h3")
    (current,) = (each for each in page.all("a") if "aria-current" in each.attributes)
    assert "Koupelna4" == current.text
    page = await page_of(app, "q=no+such+thing")
    assert ["Nothing is found."] == page.texts("p", "nothing")


async def test_controls_come_in_pages() -> None:
    app = build_app(small(controls=128))
    seen = []
    for number in (1, 2, 3):
        page = await page_of(app, f"page={number}")
        assert [f"page {number} of 3"] == [
            text for text in page.texts("span") if text.startswith("page ")
        ]
        seen += page.texts("bdi", "name")
    assert 128 == len(set(seen)) == len(seen)
    assert 128 - 2 * ON_A_PAGE == len((await page_of(app, "page=99")).texts("bdi", "name"))


async def test_an_overview_of_several() -> None:
    states = [small("home"), failing("cabin"), *(small(f"flat {number}") for number in range(8))]
    app = build_app(*states)
    page = await page_of(app)
    assert ["9 of 10 Miniservers are connected."] == page.texts("p", "count")
    assert ["Not connected", "Connected"] == page.texts("h2")
    links = {each.text: each.attributes["href"] for each in page.all("a")}
    assert "./?miniserver=flat+3" == links["flat 3"]
    assert ["cabin", "home"] == page.texts("p", "title")[:2]
    assert ADVICE[FailureReason.REJECTED].remedy in page.text
    assert ["flat 3"] == (await page_of(app, "q=3+FLAT")).texts("p", "title")
    page = await page_of(app, "miniserver=flat+3")
    assert ["flat 3"] == page.texts("h1")
    assert "All Miniservers" in page.texts("a")
    hidden = {
        each.attributes["name"]: each.attributes["value"]
        for each in page.all("input")
        if each.attributes["type"] == "hidden"
    }
    assert {"miniserver": "flat 3"} == hidden


async def test_a_miniserver_that_is_not_there() -> None:
    answer = await ask(build_app(small()), "miniserver=elsewhere")
    assert 404 == answer.status
    assert "elsewhere" in answer.page.texts("bdi")


@pytest.mark.parametrize("reason", FailureReason)
async def test_a_failure_with_what_to_do_about_it(reason: FailureReason) -> None:
    page = await page_of(build_app(failing("home", reason)))
    (told,) = page.texts("div", "failure bad")
    assert ADVICE[reason].what in told
    assert ADVICE[reason].remedy in told
    assert "10 s ago" in told
    assert "It is tried again in 9 min." in told
    assert ["what the log says"] == page.texts("p", "message")
    assert "as soon as it is connected for the first time" in page.texts("p", "notice")[0]


async def test_a_failure_that_is_over() -> None:
    state = failing("home")
    state.connection = ConnectionState.CONNECTED
    page = await page_of(build_app(state))
    assert [] == page.texts("div", "failure bad")
    assert page.texts("p", "past")[0].startswith("The last failure is over: ")


async def test_a_miniserver_that_is_gone(autojump_clock: MockClock) -> None:
    state = demo()
    app = build_app(state, metrics={"stale_after": 60.0})
    state.connection = ConnectionState.BACKOFF
    state.last_received = time.time() - 90
    page = await page_of(app)
    assert "last values" in page.texts("p", "notice")[0]
    assert ON_A_PAGE == len(page.texts("summary")) - 1
    await trio.sleep(61)
    page = await page_of(app)
    assert "values are withdrawn" in page.texts("p", "notice")[0]
    assert "1 min ago" in page.texts("p", "notice")[0]
    assert [] == page.texts("summary")
    assert [] == page.texts("code")


def how_live(page: Page) -> tuple[str | None, str | None]:
    """What the script says beside the page's name, and how."""
    (known,) = (each.attributes for each in page.elements if "data-live" in each.attributes)
    return known["data-live"], known["data-tone"]


NEVER_CONNECTED = {
    ConnectionState.DISCONNECTED: "busy",
    ConnectionState.CONNECTING: "busy",
    ConnectionState.AUTHENTICATING: "busy",
    ConnectionState.DISCOVERING: "busy",
    ConnectionState.SUBSCRIBING: "busy",
    ConnectionState.BACKOFF: "bad",
    ConnectionState.REJECTED: "bad",
    ConnectionState.LOCKED_OUT: "bad",
}


@pytest.mark.parametrize("connection", ConnectionState)
async def test_only_what_is_connected_is_live(
    connection: ConnectionState, autojump_clock: MockClock
) -> None:
    state = demo()
    app = build_app(state, metrics={"stale_after": 60.0})
    heard = time.time()
    state.link.security, state.link.sessions = Security.VERIFIED, 1
    await trio.sleep(30)
    state.connection = connection
    page = await page_of(app)
    if connection is ConnectionState.CONNECTED:
        assert ("Live", "good") == how_live(page)
        assert ["Connection"] == [each for each in page.texts("dt") if each.endswith("onnection")]
        return
    assert ("Last values", "busy") == how_live(page)
    (known,) = (each.attributes for each in page.elements if "data-from" in each.attributes)
    # It is 30 s ago by trio's clock, and now by the wall's.
    assert abs(float(known["data-from"] or 0) - (heard - 30)) < 20
    assert ["Last connection"] == [each for each in page.texts("dt") if each.endswith("onnection")]
    assert page.texts("p", "notice")[0].startswith("These are its last values, from before ")
    await trio.sleep(61)
    assert ("No values", NEVER_CONNECTED[connection]) == how_live(await page_of(app))


@pytest.mark.parametrize("connection", NEVER_CONNECTED)
async def test_what_was_never_connected_has_neither_values_nor_protection(
    connection: ConnectionState,
) -> None:
    state = MiniserverState(name="home", connection=connection)
    state.link.security = Security.UNVERIFIED  # so it is configured
    page = await page_of(build_app(state))
    assert ("No values", NEVER_CONNECTED[connection]) == how_live(page)
    assert "TLS" not in "".join(page.texts("dd"))
    facts = dict(zip(page.texts("dt"), page.texts("dd"), strict=True))
    assert "none yet" == facts["Controls"]


async def test_of_several_it_is_said_how_many_are_live() -> None:
    assert ("Live", "good") == how_live(await page_of(build_app(small("a"), small("b"))))
    assert ("1 of 2 live", "busy") == how_live(await page_of(build_app(small("a"), failing("b"))))


async def test_controls_without_a_name() -> None:
    house = structure(control(1, ""), control(2, f" ({key(2)})"), control(3, " "), control(4))
    page = await page_of(build_app(connected(house, values=dict.fromkeys(range(1, 5), 1.0))))
    names = ["Without a name", "Without a name", f"Without a name ({key(2)})", "Lamp"]
    assert sorted(names) == sorted(page.texts("bdi", "name"))
    own = [text for text in page.texts("dt") if text.startswith("The control itself")]
    assert len(names) == len(own)
    assert f"UUID {key(4)}" in page.texts("bdi", "hint")


async def test_nothing_to_see() -> None:
    page = await page_of(build_app(connected(structure())))
    assert "no controls" in page.texts("p", "notice")[0]


async def test_hostile_names() -> None:
    """A page of them is made of what a page of harmless ones is made of."""
    name = " ".join(HOSTILE.values())
    app = build_app(hostile_miniserver(name), metrics={"text_values": True})
    page, harmless = await page_of(app), await page_of(build_app(demo()))

    def parts(page: Page) -> set[tuple[str, str]]:
        return {(each.name, key) for each in page.elements for key in ("", *each.attributes)}

    assert parts(page) <= parts(harmless)
    assert [name] == page.texts("h1")
    shown = {text[:900] for text in page.texts("bdi")}
    assert {text[:900] for text in HOSTILE.values()} <= shown


async def test_a_hostile_search() -> None:
    page = await page_of(build_app(small()), "q=%22%3E%3Cscript%3E&room=%3Ci%3E&page=%3Ci%3E")
    assert "i" not in page.names
    assert 1 == len(page.all("script"))
    (field,) = (each for each in page.all("input") if each.attributes["type"] == "search")
    assert '"><script>' == field.attributes["value"]


def longest_step(pages: Pages, query: bytes) -> float:
    """Seconds that other tasks wait for, in the time that this thread really worked."""
    longest, (_, pieces) = 0.0, pages.compose(query)
    while True:
        started = time.thread_time()
        piece = next(pieces, "the end")
        longest = max(longest, time.thread_time() - started)
        if piece == "the end":
            return longest


ABOUT = "Shard 2 of 3 (0 to 2): this exporter looks after "


def as_shard(app: WebApp, taken: int) -> WebApp:
    app._vitals.shard = Shard(index=2, count=3, taken=taken, configured=1200)
    return app


async def test_a_shard_says_of_what_it_is_a_part() -> None:
    houses = [small(f"house {number}") for number in range(3)]
    for number in (3, 2, 1):
        page = await page_of(as_shard(build_app(*houses[:number]), number))
        assert f"{ABOUT}{number} of 1,200 Miniservers." in page.texts("p")
    app = build_app(*houses)
    assert not [text for text in (await page_of(app)).texts("p") if "hard" in text]


async def test_a_shard_that_looks_after_nothing_says_so() -> None:
    page = await page_of(as_shard(build_app(), 0))
    assert ["This exporter looks after no Miniserver."] == page.texts("p", "count")
    assert [] == page.texts("p", "nothing")
    assert f"{ABOUT}0 of 1,200 Miniservers." in page.texts("p")


async def test_after_a_reload_it_is_another_part() -> None:
    houses = [small("home"), small("barn")]
    app = as_shard(build_app(*houses), 2)
    await page_of(app)
    as_shard(app, 1)
    app.replace(configure(), houses[:1])
    assert f"{ABOUT}1 of 1,200 Miniservers." in (await page_of(app)).texts("p")


async def test_no_step_is_long() -> None:
    house = InventedHouse(500)
    state = MiniserverState(name="home", connection=ConnectionState.CONNECTED)
    state.replace_structure(parse_structure(house.structure))
    state.apply_values(house.values.items())
    app = build_app(state)
    pages = Pages(app._states, app._collector, app._static)
    gc.collect()
    gc.disable()  # it would collect what other tests have left
    try:
        for query in (b"", b"q=climate", b"page=10"):
            assert min(longest_step(pages, query) for _ in range(3)) < 0.020
    finally:
        gc.enable()


def test_the_documentation_is_where_the_distribution_says() -> None:
    urls = ["Source, https://a.test/", "Documentation, https://b.test/"]
    assert "https://b.test/" == documentation_url(urls)
    assert "" == documentation_url(urls[:1])
