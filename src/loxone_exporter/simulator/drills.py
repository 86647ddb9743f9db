"""What happens to a simulated Miniserver at one moment, unlike the lasting faults of `Faults`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import trio
from attrs import frozen

from loxone_exporter.simulator.fault_values import SWITCH, ValueForm, seconds, whole_number
from loxone_exporter.simulator.miniserver import SimulatedMiniserver
from loxone_exporter.simulator.structure_changes import rename_a_control


_CLOSE_CODE: Final = whole_number("CODE", lowest=1000, highest=4999, bare=1000)


@frozen
class Drill:
    """One drill.

    Attributes:
        name: As it is written on the command line.
        about: What happens.
        form: What its value looks like.
        run: Makes it happen; returns when it is over.
    """

    name: str
    about: str
    form: ValueForm
    run: Callable[[SimulatedMiniserver, Any], Awaitable[None]]


async def _close(miniserver: SimulatedMiniserver, code: int) -> None:
    miniserver.close_sessions(code)
    await trio.lowlevel.checkpoint()


async def _drop(miniserver: SimulatedMiniserver, _value: object) -> None:
    await miniserver.drop_sessions()


async def _reboot(miniserver: SimulatedMiniserver, duration: float) -> None:
    await miniserver.reboot(refused=duration, booting=duration)


async def _reboot_without_tokens(miniserver: SimulatedMiniserver, duration: float) -> None:
    await miniserver.reboot(refused=duration, booting=duration, keep_tokens=False)


async def _cut(miniserver: SimulatedMiniserver, duration: float) -> None:
    await miniserver.cut(refused=duration)


async def _vanish(miniserver: SimulatedMiniserver, duration: float) -> None:
    await miniserver.cut(refused=duration, silent=True)


async def _update(miniserver: SimulatedMiniserver, duration: float) -> None:
    await miniserver.update(booting=duration, keep_tokens=False)


async def _change_structure(miniserver: SimulatedMiniserver, _value: object) -> None:
    rename_a_control(miniserver.house)
    miniserver.replace_house(miniserver.house, upload=True)
    await trio.lowlevel.checkpoint()


async def _edit_structure(miniserver: SimulatedMiniserver, _value: object) -> None:
    rename_a_control(miniserver.house)
    await miniserver.modify_structure(miniserver.house)


async def _forget_tokens(miniserver: SimulatedMiniserver, _value: object) -> None:
    miniserver.forget_tokens()
    await trio.lowlevel.checkpoint()


async def _change_user(miniserver: SimulatedMiniserver, _value: object) -> None:
    await miniserver.change_user()


DRILLS: Final[Mapping[str, Drill]] = {
    drill.name: drill
    for drill in (
        Drill(
            "close", "All WebSockets are closed with this code (section 2.7).", _CLOSE_CODE, _close
        ),
        Drill("drop", "All WebSockets break off without a close frame.", SWITCH, _drop),
        Drill(
            "cut",
            "All connections are reset, and further ones refused for so many seconds; nobody is "
            "told.",
            seconds(bare=3.0),
            _cut,
        ),
        Drill(
            "vanish",
            "Further connections are refused for so many seconds, the others stay and are dead: "
            "no byte gets through, neither then nor later.",
            seconds(bare=3.0),
            _vanish,
        ),
        Drill(
            "reboot",
            "A reboot (section 7): WebSockets are told and closed, connections are refused for so "
            "many seconds, then get 503 for as long.",
            seconds(bare=3.0),
            _reboot,
        ),
        Drill(
            "reboot-without-tokens",
            "The same, and all tokens are forgotten.",
            seconds(bare=3.0),
            _reboot_without_tokens,
        ),
        Drill(
            "update",
            "An update: WebSockets are closed with 4007, then all gets 503 for so many seconds; "
            "tokens are forgotten.",
            seconds(bare=30.0),
            _update,
        ),
        Drill(
            "structure-change",
            "A program with a renamed control and a later lastModified is uploaded: WebSockets "
            "are told that the device goes out of service, and closed.",
            SWITCH,
            _change_structure,
        ),
        Drill(
            "structure-edit",
            "A control is renamed by the API: the global state modifications fires, WebSockets "
            "stay (section 7).",
            SWITCH,
            _edit_structure,
        ),
        Drill(
            "forget-tokens",
            "All tokens are forgotten, the WebSockets logged in by them closed (section 3.5).",
            SWITCH,
            _forget_tokens,
        ),
        Drill(
            "user-changed",
            "The user is changed: tokens are forgotten, WebSockets closed with 4005.",
            SWITCH,
            _change_user,
        ),
    )
}
"""All drills by name."""
