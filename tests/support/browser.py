"""A real browser, in a thread of its own: Debian's Chromium, driven by Playwright."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, TypeVar

import trio
from attrs import define, field


if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

Result = TypeVar("Result")

CHROMIUM = shutil.which("chromium")
"""Where it is, if it is there."""

PHONE: Final = {"viewport": {"width": 360, "height": 740}, "is_mobile": True}
DESK: Final = {"viewport": {"width": 1280, "height": 900}}


@define(eq=False)
class Visit:
    """A page in a window of its own.

    Attributes:
        page: The page.
        complaints: What the browser's console had to complain about, and scripts that failed.
        hosts: Whom the browser asked for anything.
        dialogs: What popped up.
    """

    page: Page
    complaints: list[str] = field(factory=list)
    hosts: set[str] = field(factory=set)
    dialogs: list[str] = field(factory=list)

    @classmethod
    def begin(cls, context: BrowserContext) -> Visit:
        """Open the window, and watch it."""
        visit = cls(context.new_page())
        page = visit.page
        page.set_default_timeout(5000)
        page.on("console", lambda message: visit.note(message.type, message.text))
        page.on("pageerror", lambda error: visit.complaints.append(str(error)))
        page.on("request", lambda request: visit.hosts.add(request.url.split("/")[2]))
        page.on("dialog", lambda dialog: visit.dialogs.append(dialog.message))
        return visit

    def wait_until(self, expression: str, value: object) -> None:
        """Wait until an expression has a value; Playwright's own way needs `unsafe-eval`."""
        for _ in range(100):
            if value == (found := self.page.evaluate(expression)):
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(f"{expression} is still {found!r}, and not {value!r}")

    def note(self, kind: str, text: str) -> None:
        """Take down what the console says."""
        if kind in {"error", "warning"}:
            self.complaints.append(text)


@define(eq=False)
class BrowserThread:
    """The thread that the browser belongs to; Playwright allows no other to touch it."""

    _thread: ThreadPoolExecutor = field(factory=lambda: ThreadPoolExecutor(max_workers=1))
    _browser: Browser | None = None
    _end: Callable[[], None] = lambda: None

    def start(self) -> None:
        """Start the browser."""
        self._thread.submit(self._start).result()

    def _start(self) -> None:
        from playwright.sync_api import sync_playwright  # noqa: PLC0415  # it need not be there

        manager = sync_playwright()
        playwright = manager.__enter__()
        # Root, who runs the tests in a container, has no sandbox.
        self._browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        self._end = lambda: manager.__exit__(None, None, None)

    def stop(self) -> None:
        """Stop it."""
        assert self._browser is not None
        self._thread.submit(self._browser.close).result()
        self._thread.submit(self._end).result()
        self._thread.shutdown()

    async def visit(self, scenario: Callable[[Visit], Result], **options: Any) -> Result:  # noqa: ANN401  # as Playwright has them
        """Play a scenario in a new window, while the server's loop goes on.

        Args:
            scenario: What to do with the window.
            options: How it is: `viewport`, `color_scheme`, `java_script_enabled`.
        """

        def play() -> Result:
            assert self._browser is not None
            context = self._browser.new_context(**{**DESK, **options})
            try:
                return scenario(Visit.begin(context))
            finally:
                context.close()

        return await trio.to_thread.run_sync(lambda: self._thread.submit(play).result())
