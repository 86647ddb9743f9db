"""Everything that the simulator can do wrong, as ordeals."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import partial
from random import Random
from typing import Any, Final, TypeAlias

import trio

from loxone_exporter.simulator.drills import DRILLS
from loxone_exporter.simulator.fault_values import DAY
from loxone_exporter.simulator.faults import Faults, all_faults
from soak.ordeals import Bound, Draw, Move, Ordeal, always
from soak.sites import Site, StandIn


BUSY: Final = Bound(80.0, "a Miniserver that has no room is asked again after 60 to 72 s")
UPDATING: Final = Bound(80.0, "an update is given its time: 60 to 72 s")
LOCKED: Final = Bound(75.0, "after a lock-out at least 60 to 66 s are waited, whatever it says")
BANNED: Final = Bound(340.0, "the lock-out says 300 s, and is waited for in full: up to 330 s")
IDENTITY: Final = Bound(370.0, "another device is left alone for 300 to 360 s")
ENDLESS: Final = Bound(170.0, "a message that goes on and on is given two minutes")
SPARED: Final = Bound(
    90.0,
    "a password whose login found no answer, or an excuse, is not tried again for 60 s: it may "
    "have been counted as a failed one",
)
"""Bounds that are longer than the ordinary one, by design."""

Traits: TypeAlias = Mapping[str, Any]
"""Of an ordeal."""

_MEETING: Final = 45.0
"""Seconds that are waited for the exporter to meet a fault: the longest pause, and some more."""

_ON: Final = always(value=True)

_DOCUMENTATION: Final = "192.0.2.1"
"""An address of which nobody may ever be asked anything."""


async def stay(_site: Site) -> None:
    """Leave sessions as they are."""
    await trio.lowlevel.checkpoint()


async def _last(
    site: Site, value: object, seconds: float, *, attribute: str, arrival: Move, departure: Move
) -> None:
    """Have a fault for a while, from when the exporter has met it."""
    before = site.miniserver.connections_in_all
    setattr(site.faults, attribute, value)
    try:
        await arrival(site)
        if arrival is not stay:
            with trio.move_on_after(_MEETING):
                while site.miniserver.connections_in_all == before:
                    await trio.sleep(0.1)
        await trio.sleep(seconds)
    finally:
        setattr(site.faults, attribute, getattr(Faults(), attribute))
    await departure(site)


async def _fall_mute(site: Site, count: int, seconds: float) -> None:
    """Have it fall silent after so many more commands, and end what it did not answer."""
    await _last(
        site,
        site.miniserver.received_in_all + count,
        seconds,
        attribute="mute_after",
        arrival=Site.drop,
        departure=Site.drop,
    )


async def _lock_out(site: Site, seconds: int, _seconds: float) -> None:
    """Lock everybody out for so many seconds; that ends by itself."""
    site.faults.locked_out = seconds
    await site.drop()
    while site.faults.locked_out is not None:
        await trio.sleep(0.1)


async def _stand_in(site: Site, by: StandIn, seconds: float) -> None:
    await site.be_replaced(seconds, by)


def _fault(
    name: str,
    variant: str = "",
    *,
    draw: Draw = _ON,
    arrival: Move = Site.drop,
    departure: Move = stay,
    **traits: Any,  # noqa: ANN401  # as Ordeal
) -> Ordeal:
    """A lasting fault; by default it begins with a new session, and ends without a word."""
    happen = partial(
        _last,
        attribute=all_faults()[name].attribute,
        arrival=arrival,
        departure=departure,
    )
    return Ordeal(name=name, variant=variant, happen=happen, draw=draw, **traits)


def _codes(name: str, *codes: int, **traits: Any) -> Iterator[Ordeal]:  # noqa: ANN401  # as Ordeal
    """The same fault for each of some codes."""
    for code in codes:
        yield _fault(name, str(code), draw=always(code), **traits)


def _about_structure(name: str, **traits: Any) -> Ordeal:  # noqa: ANN401  # as Ordeal
    """A fault of structure files: it comes with a new one, and is corrected by another one."""
    traits = {"changes_series": True, **traits}
    return _fault(name, arrival=Site.upload, departure=Site.upload, **traits)


def _about_texts(name: str, **traits: Any) -> Ordeal:  # noqa: ANN401  # as Ordeal
    """A fault of texts: what was spoiled is sent anew only to a new session."""
    return _fault(name, departure=Site.drop, **traits)


def _rate(lowest: float, highest: float) -> Draw:
    """Draw a rate, small ones as often as large ones."""
    return lambda chance: math.exp(chance.uniform(math.log(lowest), math.log(highest)))


def _offset(chance: Random) -> float:
    """Draw by how much a clock is wrong.

    Not by just as much as tokens live: one that seems to have ended is not killed in the end.
    """
    days = chance.choice((chance.uniform(0.01, 2), chance.uniform(60, 400)))
    return chance.choice((-1, 1)) * days * DAY


def _has_tls(site: Site) -> bool:
    return site.place.has_tls


def _knows_tls_or_never_will(site: Site) -> bool:
    """Whether an offer of TLS changes nothing: who once has seen one never asks in plain again."""
    return site.place.has_tls or site.place.tls == "off"


def _has_tokens(site: Site) -> bool:
    return site.has_tokens


_LIE: Final[Traits] = {"may_lose_tokens": True, "refuses_tokens": True}
"""Of faults by which a Miniserver calls a token bad that is good."""

_REJECTION: Final[Traits] = {"corrects_password": True, "departure": Site.change_password, **_LIE}
"""Of faults by which it calls a password bad: it has to get another one."""

_UNANSWERED: Final[Traits] = {"may_lose_tokens": True, "by_password": SPARED}
"""Of faults by which a login may find no answer."""

_ALL_TRAFFIC: Final = (
    _fault("half-open", arrival=stay, lasts=(5, 40), by_password=SPARED),
    _fault("dribble", draw=_rate(200, 20_000), lasts=(5, 40), **_UNANSWERED),
    _fault(
        "answer-delay", draw=lambda chance: chance.uniform(0.5, 12), lasts=(10, 40), **_UNANSWERED
    ),
    Ordeal(
        name="mute-after",
        happen=_fall_mute,
        draw=lambda chance: chance.randint(0, 12),
        lasts=(5, 40),
        **_UNANSWERED,
    ),
)

_HTTP: Final = (
    _fault("booting", lasts=(5, 40)),
    _fault(
        "answer-with",
        draw=lambda chance: chance.choice(
            (
                b"",
                b"hello\r\n\r\n",
                b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
                b"HTTP/1.1 500 Oh\r\nContent-Length: 5\r\n\r\nsorry",
                b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nnot all of it",
                b"HTTP/1.1 401 No\r\nWWW-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n",
            )
        ),
    ),
    _fault("redirect", "http", draw=always(f"http://{_DOCUMENTATION}/")),
    _fault("redirect", "https", draw=always(f"https://{_DOCUMENTATION}/"), needs_calm=True),
    Ordeal(
        name="locked-out",
        happen=_lock_out,
        draw=lambda chance: chance.randint(5, 30),
        bound=LOCKED,
    ),
    _fault("no-connections", bound=BUSY, needs_calm=True),
    Ordeal(
        name="serial",
        happen=_stand_in,
        draw=always(StandIn.ANOTHER_DEVICE),
        bound=IDENTITY,
        needs_calm=True,
    ),
    Ordeal(
        name="certificate-expired",
        happen=_stand_in,
        draw=always(StandIn.EXPIRED),
        suits=_has_tls,
        needs_calm=True,
    ),
    _fault("https-status", "0", draw=always(0)),
    _fault(
        "https-status",
        "any",
        draw=lambda chance: chance.randint(1, 9),
        suits=_knows_tls_or_never_will,
    ),
    _fault("no-event-slots", bound=BUSY, needs_calm=True),
    _fault("clock-offset", draw=_offset, arrival=Site.change_user),
)

_LOGINS: Final = (
    _fault("reject-logins", **_REJECTION),
    *_codes("login-code", 401, 403, **_REJECTION),
    *_codes("login-code", 503, by_password=SPARED),
    *_codes("login-code", 901, bound=BUSY, needs_calm=True, by_password=SPARED),
    *_codes("login-code", 420, bound=SPARED, **_LIE),
    *_codes("token-code", 401, 477, suits=_has_tokens, **_LIE),
    _fault("user-disabled", departure=Site.change_password, may_lose_tokens=True),
    *_codes("close-login", 1000, **_REJECTION),
    *_codes("close-login", 1001, bound=SPARED, **_LIE),
    *_codes("close-login", 4007, bound=UPDATING, by_password=SPARED),
    *_codes("close-login", 4008, bound=BUSY, needs_calm=True, by_password=SPARED),
    _fault("no-hash-algorithm", arrival=Site.change_user),
    *(_fault("public-key-form", form, draw=always(form)) for form in ("labelled", "certificate")),
    _fault("sealed-cut"),
)

_ANSWERS: Final = (
    *(_fault("codes", form, draw=always(form)) for form in ("recorded", "strings", "numbers")),
    _about_structure("control-characters"),
    _fault("unescaped-quotes"),
    _fault("invalid-utf8-answer", lasts=(5, 15), needs_calm=True),
    _fault("scalar-value-zero"),
    _fault("missing-value"),
    _fault("unasked-texts"),
)

_STRUCTURE: Final = (
    _about_structure("truncated-structure"),
    _about_structure("invalid-utf8-structure", needs_calm=True),
    _about_structure("structure-bom"),
    _about_structure("missing-software-version"),
    _about_structure("shared-states"),
    _about_structure("state-lists"),
    _about_structure("estimate-without-exact"),
)

_MESSAGES: Final = (
    _fault("length-mismatch"),
    _fault("header-flags", draw=lambda chance: chance.randint(1, 127)),
    _fault("unknown-identifier"),
    _fault("gzip-after-keepalive", lasts=(5, 40)),
    # What looks like a header takes the message behind it along.
    _fault("garbage-frames", departure=Site.drop, changes_series=True),
    _fault("oversize-frame", bound=ENDLESS),
)

_EVENTS: Final = (
    _fault("tables-before-answer"),
    *_codes("close-subscription", 1000, 1001),
    *_codes("close-subscription", 4007, bound=UPDATING),
    *_codes("close-subscription", 4008, bound=BUSY, needs_calm=True),
    _fault("empty-tables"),
    _fault("flood", draw=_rate(500, 10_000), arrival=stay),
    _fault("table-remainder", draw=lambda chance: chance.randint(1, 23)),
    _fault("nan-values", departure=Site.send_everything, changes_series=True),
    _about_texts("invalid-utf8-text"),
    _about_texts("trailing-nuls"),
    _about_texts("text-padding", draw=lambda chance: chance.randbytes(chance.randint(1, 3))),
    _about_texts("double-encoded-texts"),
)


def _drill(
    name: str,
    variant: str = "",
    *,
    draw: Draw = _ON,
    **traits: Any,  # noqa: ANN401  # as Ordeal
) -> Ordeal:
    """Something that happens at one moment, and is over when it says so."""

    async def happen(site: Site, value: object, _seconds: float) -> None:
        await DRILLS[name].run(site.miniserver, value)

    return Ordeal(name=name, variant=variant, happen=happen, draw=draw, lasts=(0, 0), **traits)


def _closings(*codes: int, **traits: Any) -> Iterator[Ordeal]:  # noqa: ANN401  # as Ordeal
    for code in codes:
        yield _drill("close", str(code), draw=always(code), **traits)


def _while_it_lasts(highest: float) -> Draw:
    return lambda chance: chance.uniform(1, highest)


_DRILLS: Final = (
    *_closings(1000, 1001, 1011, 4004),
    *_closings(4003, bound=BANNED),
    *_closings(4007, bound=UPDATING),
    *_closings(4008, bound=BUSY, needs_calm=True),
    _drill("drop"),
    _drill("cut", draw=_while_it_lasts(40)),
    _drill("vanish", draw=_while_it_lasts(40), by_password=SPARED),
    _drill("reboot", draw=_while_it_lasts(15)),
    _drill("reboot-without-tokens", draw=_while_it_lasts(15), refuses_tokens=True),
    _drill("update", draw=_while_it_lasts(40), bound=UPDATING, refuses_tokens=True),
    _drill("structure-change", changes_series=True),
    _drill("structure-edit", changes_series=True),
    _drill("forget-tokens", refuses_tokens=True),
    _drill("user-changed"),
)

ORDEALS: Final = (
    *_ALL_TRAFFIC,
    *_HTTP,
    *_LOGINS,
    *_ANSWERS,
    *_STRUCTURE,
    *_MESSAGES,
    *_EVENTS,
    *_DRILLS,
)
"""In the order of the simulator's own list."""
