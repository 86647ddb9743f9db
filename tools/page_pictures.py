"""Takes the pictures of the page: `python -m tools.page_pictures [FOLDER]`, docs/images by default.

They show the demo house, as it is now. Needs playwright and Debian's package chromium.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from tools.lock import ROOT


if TYPE_CHECKING:
    from playwright.sync_api import Browser


ROOM: Final = "Büro"

DESK: Final = {"viewport": {"width": 1200, "height": 1000}}
PHONE: Final = {"viewport": {"width": 390, "height": 844}, "is_mobile": True}

PICTURES: Final[Mapping[str, Mapping[str, Any]]] = {
    "page-light": {**DESK, "color_scheme": "light"},
    "page-dark": {**DESK, "color_scheme": "dark"},
    "page-phone": {**PHONE, "color_scheme": "light"},
}
"""By its name, the window of each picture."""


def take(folder: Path, *, after: float = 65.0) -> Iterator[Path]:
    """Take all pictures; yields the file of each.

    Args:
        folder: Where to.
        after: Seconds that the demo has gone on by then, so that it does not look as if it had just
            begun.
    """
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  # it need not be there

    with running_demo() as url, sync_playwright() as playwright:
        time.sleep(after)  # noqa: TID251  # there is no trio here
        # Root, who may be who does this in a container, has no sandbox.
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        for name, window in PICTURES.items():
            path = folder / f"{name}.png"
            picture(browser, url, window, path)
            yield path
        browser.close()


def picture(browser: Browser, url: str, window: Mapping[str, Any], path: Path) -> None:
    """Take one picture.

    Args:
        browser: The browser.
        url: Where the exporter is.
        window: How the window is.
        path: Where to write it.
    """
    context = browser.new_context(**window)
    page = context.new_page()
    page.goto(f"{url}?{urlencode({'room': ROOM})}")
    page.locator(".list summary").first.click()
    page.wait_for_selector("details[open] dl")
    page.mouse.move(0, 0)
    page.screenshot(path=path, animations="disabled")
    context.close()


@contextlib.contextmanager
def running_demo() -> Iterator[str]:
    """Run the demo as long as the block lasts; its address, once its values are there."""
    command = [sys.executable, "-m", "loxone_exporter", "demo", "--listen", "127.0.0.1:0"]
    demo = subprocess.Popen(  # noqa: S603  # our own command
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        yield _address(demo)
    finally:
        demo.terminate()
        demo.communicate(timeout=10)


def _address(demo: subprocess.Popen[str]) -> str:
    url = ""
    for line in demo.stderr or ():
        if found := re.search(r" serves .* on (http://\S+/)metrics", line):
            url = found[1]
        if url and " connected" in line:
            return url
    raise SystemExit("the demo has ended")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description="Take the pictures of the page.")
    parser.add_argument("folder", type=Path, nargs="?", default=ROOT / "docs" / "images")
    for path in take(parser.parse_args(arguments).folder):
        print(path)  # noqa: T201  # what the command says


if __name__ == "__main__":
    main()
