"""The page for people in a real browser."""

from __future__ import annotations

import importlib.util
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trio

from loxone_exporter.metrics.exposition import Format
from loxone_exporter.state import ConnectionState, MiniserverState
from support.browser import CHROMIUM, PHONE, BrowserThread, Visit
from support.collected import change_structure, connected
from support.documents import ROOT
from support.pages import HOSTILE, ask, build_app, hostile_miniserver
from support.prometheus import remember, running_prometheus
from support.structures import control, structure, uuid
from support.web_serving import Serving, serving
from tools.page_pictures import PICTURES, take


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        CHROMIUM is None or importlib.util.find_spec("playwright") is None,
        reason="needs Debian's package chromium, and playwright",
    ),
]

# What a browser must not do or have, whatever names are.
PROBE = """() => ({
  taken: window.taken ?? null,
  images: document.querySelectorAll("main img, main script, main style, main i").length,
  headings: document.querySelectorAll("h1").length,
  width: document.documentElement.scrollWidth,
})"""

# Texts whose colour is too near to that of their background (WCAG 2, 1.4.3), with the ratio.
FAINT = """() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (channel) => {
    const c = channel / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  };
  const luminance = ([r, g, b]) => 0.2126 * light(r) + 0.7152 * light(g) + 0.0722 * light(b);
  const ground = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const color = parse(getComputedStyle(each).backgroundColor);
      if (color.length === 3 || color[3] > 0) return color;
    }
    throw new Error("there is no background");
  };
  const found = [];
  let seen = 0;
  for (const element of document.body.querySelectorAll("*")) {
    const own = [...element.childNodes].some(
      (node) => node.nodeType === Node.TEXT_NODE && node.nodeValue.trim()
    );
    if (!own || !element.checkVisibility()) continue;
    seen += 1;
    const pair = [getComputedStyle(element).color, null].map((text) =>
      luminance(text === null ? ground(element) : parse(text))
    );
    const ratio = (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
    if (ratio < 4.5) found.push(`${element.className}: ${element.textContent} ${ratio}`);
  }
  return { seen, found };
}"""

UNNAMED = """() => [...document.querySelectorAll("a, button, input, summary, nav, img")].filter(
  (each) => !(
    each.textContent.trim() || each.getAttribute("aria-label") || each.labels?.length ||
    each.type === "hidden" || each.getAttribute("alt") !== null
  )
).map((each) => each.outerHTML)"""


@pytest.fixture(scope="module")
def browser() -> Iterator[BrowserThread]:
    thread = BrowserThread()
    thread.start()
    yield thread
    thread.stop()


def url(server: Serving, query: str = "") -> str:
    return f"http://{server.host}:{server.port}/{query}"


def lamps(count: int = 3) -> MiniserverState:
    numbers = range(1, count + 1)
    rooms = ("Kitchen", "Bath")
    house = structure(
        *(control(number, f"Lamp {number}", room=rooms[number % 2]) for number in numbers)
    )
    state = connected(house, values=dict.fromkeys(numbers, 0.0))
    state.mark_received()
    return state


def watched(visit: Visit, server: Serving) -> None:
    """See that nothing happened that should not."""
    assert [] == visit.complaints
    assert [] == visit.dialogs
    assert {f"{server.host}:{server.port}"} == visit.hosts


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_hostile_names_do_nothing_and_fit_on_a_phone(
    browser: BrowserThread, scheme: str
) -> None:
    # The configuration lets no line break pass.
    name = " ".join(" ".join(HOSTILE.values()).split())
    states = [hostile_miniserver(name), hostile_miniserver(HOSTILE["image"], is_connected=False)]
    app = build_app(*states, metrics={"text_values": True})

    def scenario(visit: Visit) -> None:
        page = visit.page
        page.goto(url(server))
        check(visit, faint=True)
        page.click(".title a >> nth=1")
        page.wait_for_selector("h3")
        page.evaluate("document.querySelectorAll('details').forEach((each) => each.open = true)")
        check(visit, faint=True)
        for name in ("script", "image"):
            page.fill("#q", HOSTILE[name])
            visit.wait_until("document.querySelector('.count bdi')?.textContent", HOSTILE[name])
        check(visit)
        page.set_viewport_size({"width": 1280, "height": 900})
        check(visit, width=1280)
        watched(visit, server)

    def check(visit: Visit, *, faint: bool = False, width: int = 360) -> None:
        expected = {"taken": None, "images": 0, "headings": 1, "width": width}
        assert expected == visit.page.evaluate(PROBE)
        assert [] == visit.page.evaluate(UNNAMED)
        if faint:
            contrast = visit.page.evaluate(FAINT)
            assert contrast["seen"] > 20
            assert [] == contrast["found"]

    async with serving(app) as server:
        await browser.visit(scenario, **PHONE, color_scheme=scheme)


async def test_what_is_not_live_fits_beside_the_name_on_a_phone(browser: BrowserThread) -> None:
    state = lamps()
    state.connection = ConnectionState.BACKOFF

    def scenario(visit: Visit) -> None:
        page = visit.page
        page.goto(url(server))
        page.wait_for_selector("text=Last values, from ")
        assert 360 == page.evaluate("document.documentElement.scrollWidth")
        brand, live = (page.locator(each).bounding_box() for each in (".brand", "#live"))
        assert brand is not None
        assert live is not None
        assert brand["height"] < 32  # one line, beside the icon
        assert brand["x"] + brand["width"] < live["x"]
        watched(visit, server)

    async with serving(build_app(state)) as server:
        await browser.visit(scenario, **PHONE)


async def test_the_pictures_can_be_taken(tmp_path: Path) -> None:
    taken = await trio.to_thread.run_sync(list, take(tmp_path, after=0.0))
    assert {f"{name}.png" for name in PICTURES} == {path.name for path in taken}
    shown = {path.name for path in (ROOT / "docs" / "images").glob("page-*.png")}
    assert shown == {path.name for path in taken}
    assert len({path.read_bytes() for path in taken}) == len(taken)


async def test_light_and_dark_are_different(browser: BrowserThread) -> None:
    def ground(visit: Visit) -> str:
        visit.page.goto(url(server))
        color: str = visit.page.evaluate("getComputedStyle(document.body).backgroundColor")
        return color

    async with serving(build_app(lamps())) as server:
        colors = [await browser.visit(ground, color_scheme=scheme) for scheme in ("light", "dark")]
    assert 2 == len(set(colors))
    assert "rgb(244, 245, 243)" == colors[0]


async def test_it_works_without_javascript(browser: BrowserThread) -> None:
    def scenario(visit: Visit) -> None:
        page = visit.page
        page.goto(url(server))
        assert 60 > page.locator(".list details").count() > 40
        page.fill("#q", "lamp 58")
        page.click("form button")
        assert ["Lamp 58"] == page.locator(".name").all_inner_texts()
        page.click(".name")
        code = page.locator("code").first
        assert code.is_visible()
        code.click()
        assert code.text_content() == page.evaluate("getSelection().toString()")
        assert 0 == page.locator("dd button:visible").count()
        page.click("text=show all")
        page.click(".rooms >> text=Kitchen")
        assert ["Kitchen"] == page.locator("h3").all_inner_texts()
        page.click("text=All rooms")
        page.click("text=Next")
        assert page.locator("text=page 2 of 2").is_visible()
        watched(visit, server)

    async with serving(build_app(lamps(60))) as server:
        await browser.visit(scenario, java_script_enabled=False)


async def test_lists_follow_what_is_typed(browser: BrowserThread) -> None:
    def scenario(visit: Visit) -> None:
        page = visit.page
        page.goto(url(server))
        page.evaluate("window.untouched = true")
        page.type("#q", "lamp 2")
        page.wait_for_selector("text=1 of 3 controls")
        assert ["Lamp 2"] == page.locator(".name").all_inner_texts()
        assert page.url.endswith("/?q=lamp+2")
        assert page.evaluate("document.activeElement.id") == "q"
        assert "lamp 2" == page.input_value("#q")
        page.fill("#q", "")
        page.wait_for_selector("text=Lamp 3")
        page.click(".rooms >> text=Bath")
        page.wait_for_selector("text=2 of 3 controls")
        assert ["Bath"] == page.locator("h3").all_inner_texts()
        page.go_back()
        visit.wait_until("document.querySelectorAll('h3').length", 2)
        assert page.evaluate("window.untouched")
        watched(visit, server)

    async with serving(build_app(lamps())) as server:
        await browser.visit(scenario)


async def test_values_are_refreshed_while_nothing_else_moves(browser: BrowserThread) -> None:
    state = lamps()

    def scenario(visit: Visit) -> None:
        page = visit.page
        page.goto(url(server))
        page.click("text=Lamp 2")
        page.focus("#q")
        page.evaluate("document.activeElement.value = 'half a w'")
        assert ["no", "no", "no"] == page.locator(".readings .off").all_inner_texts()
        trio.from_thread.run_sync(lambda: state.apply_values([(uuid(2), 1.0)]), trio_token=token)
        refresh(page)
        page.wait_for_selector(".readings .on")
        assert ["yes"] == page.locator(".readings .on").all_inner_texts()
        assert page.locator("details[open] code").first.is_visible()
        assert page.evaluate("document.activeElement.id") == "q"
        assert "half a w" == page.input_value("#q")
        assert "Live" == page.inner_text("#live")
        house = structure(control(2, "Lamp 2"), control(5, "New"))
        trio.from_thread.run_sync(change_structure, state, house, {2: 1.0}, trio_token=token)
        refresh(page)
        page.wait_for_selector("text=New")
        assert ["Lamp 2", "New"] == page.locator(".name").all_inner_texts()
        assert page.locator("details[open] code").first.is_visible()
        trio.from_thread.run_sync(disconnect, state, trio_token=token)
        refresh(page)
        page.wait_for_selector("#live.busy >> text=Last values, from ")
        assert re.search(r"from \d{1,2}:\d\d", page.inner_text("#live"))
        watched(visit, server)
        trio.from_thread.run_sync(server.stop.make, trio_token=token)
        refresh(page)
        page.wait_for_selector("text=The exporter does not answer")

    def disconnect(state: MiniserverState) -> None:
        state.connection = ConnectionState.BACKOFF

    def refresh(page: Any) -> None:  # noqa: ANN401  # Playwright's, which may not be there
        """What happens when somebody comes back to the page."""
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    async with serving(build_app(state)) as server:
        token = trio.lowlevel.current_trio_token()
        await browser.visit(scenario)


@pytest.mark.parametrize("kind", ["clipboard", "no clipboard"])
async def test_promql_is_copied(browser: BrowserThread, kind: str) -> None:
    """Browsers have no clipboard for pages that come without TLS from another machine."""
    has_clipboard = kind == "clipboard"

    def scenario(visit: Visit) -> tuple[str | None, str]:
        page = visit.page
        if not has_clipboard:
            page.add_init_script("delete Navigator.prototype.clipboard")
        page.goto(url(server))
        assert has_clipboard is page.evaluate("'clipboard' in navigator")
        # Something else is in it before.
        page.evaluate("getSelection().selectAllChildren(document.querySelector('h1'))")
        page.keyboard.press("Control+C")
        page.click("text=Lamp 2")
        code = page.locator("details[open] code").first.text_content()
        page.click("details[open] >> text=Copy >> nth=0")
        page.wait_for_selector("text=Copied")
        page.focus("#q")
        page.keyboard.press("Control+V")
        watched(visit, server)
        return code, page.input_value("#q")

    async with serving(build_app(lamps())) as server:
        shown, pasted = await browser.visit(
            scenario, permissions=["clipboard-read", "clipboard-write"]
        )
    assert shown == pasted
    assert pasted.startswith('loxone_switch_active{miniserver="home",name="Lamp 2",')


async def test_what_is_copied_finds_its_series_in_prometheus(
    browser: BrowserThread, tmp_path: Path
) -> None:
    app = build_app(hostile_miniserver(HOSTILE["quotes"]), metrics={"text_values": True})
    now = int(time.time())
    openmetrics = {"accept": Format.OPENMETRICS.value}
    await remember((await ask(app, path="/metrics", headers=openmetrics)).body, tmp_path, time=now)

    def shown(visit: Visit) -> list[str]:
        visit.page.goto(url(server))
        codes: list[str] = visit.page.evaluate(
            "[...document.querySelectorAll('code')].map((each) => each.textContent)"
        )
        return codes

    async with serving(app) as server, running_prometheus(None, tmp_path) as prometheus:
        queries = await browser.visit(shown)
        assert len(queries) == len(set(queries)) > 50
        for query in queries:
            (found,) = await prometheus.query(query, time=now)
            assert query.partition("{")[0] == found["metric"]["__name__"]


async def test_a_fleet_is_shown_whole(browser: BrowserThread) -> None:
    states = [MiniserverState(name=f"house {number:03}") for number in range(200)]
    for state in states[1:]:
        state.connection = ConnectionState.CONNECTED

    def scenario(visit: Visit) -> None:
        page = visit.page
        page.goto(url(server))
        assert 200 == page.locator(".lines li").count()
        assert 360 == page.evaluate("document.documentElement.scrollWidth")
        page.fill("#q", "house 078")
        visit.wait_until("document.querySelectorAll('.lines li').length", 1)
        watched(visit, server)

    async with serving(build_app(*states)) as server:
        await browser.visit(scenario, **PHONE)
