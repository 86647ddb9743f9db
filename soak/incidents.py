"""What goes wrong beside what the simulator can do by itself."""

from __future__ import annotations

from random import Random
from typing import Final

import trio

from soak.ordeals import Ordeal
from soak.sites import Site


async def _change_file_and_password(site: Site, seconds: float, _lasts: float) -> None:
    """Somebody changes the password, and thought of the exporter's file first."""
    site.invent_password()
    site.write_password()
    await trio.sleep(seconds)
    await site.apply_password()


async def _change_password_and_file(site: Site, seconds: float, _lasts: float) -> None:
    """Somebody changes the password, and thinks of the exporter's file later."""
    site.invent_password()
    await site.apply_password()
    await trio.sleep(seconds)
    site.write_password()


async def _upload_extension(site: Site, seed: int, _lasts: float) -> None:
    site.house.extend(Random(seed))  # noqa: S311  # a game, no cryptography
    site.miniserver.replace_house(site.house, upload=True)
    await trio.lowlevel.checkpoint()


async def _edit_extension(site: Site, seed: int, _lasts: float) -> None:
    site.house.extend(Random(seed))  # noqa: S311  # a game, no cryptography
    await site.miniserver.modify_structure(site.house)


def _draw_seed(chance: Random) -> int:
    return chance.getrandbits(32)


INCIDENTS: Final = (
    Ordeal(
        name="password",
        variant="file-first",
        happen=_change_file_and_password,
        draw=lambda chance: chance.uniform(0, 10),
    ),
    Ordeal(
        name="password",
        variant="file-last",
        happen=_change_password_and_file,
        draw=lambda chance: chance.uniform(0, 10),
        corrects_password=True,
    ),
    Ordeal(
        name="extension",
        variant="upload",
        happen=_upload_extension,
        draw=_draw_seed,
        changes_series=True,
    ),
    Ordeal(
        name="extension",
        variant="edit",
        happen=_edit_extension,
        draw=_draw_seed,
        changes_series=True,
    ),
)
