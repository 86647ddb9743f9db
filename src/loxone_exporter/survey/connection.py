"""What one login to a Miniserver shows: the data of `check --connect`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from loxone_exporter.advice import ADVICE
from loxone_exporter.config.model import Config, MiniserverConfig
from loxone_exporter.errors import ProtocolError
from loxone_exporter.loxone.certificates import read_certificate
from loxone_exporter.miniserver.network import Address
from loxone_exporter.state import LinkState, Security
from loxone_exporter.survey.discovery import discover
from loxone_exporter.survey.facts import Fact, Rating, date, duration
from loxone_exporter.survey.report import House, totals, unknown_states
from loxone_exporter.survey.rights import describe_rights
from loxone_exporter.survey.shown import count_series
from loxone_exporter.survey.visit import Visit


_CERTIFICATE_ENDS: Final = 14 * 86_400.0
"""Seconds before its end at which a certificate should have been renewed."""

_CLOCK_IS_OFF: Final = 60.0
"""Seconds from which on schedules are noticeably late or early."""

_TRUST: Final = {
    Security.VERIFIED: "verified",
    Security.PINNED: "the one of tls_fingerprint",
    Security.UNVERIFIED: "not verified (tls_verify = false): it might be anybody's",
}

_METRICS_SHOWN = 5


def describe_visit(
    visit: Visit,
    miniserver: MiniserverConfig,
    config: Config,
    *,
    now: float,
    warnings: Sequence[str] = (),
) -> Iterator[Fact]:
    """Everything that was learned about a Miniserver, and why it was not more.

    Args:
        visit: How the visit went.
        miniserver: Who was visited, and as whom.
        config: What the owner wants to see.
        now: Unix time.
        warnings: What was logged.
    """
    link = visit.state.link
    if link.security is Security.PLAIN or link.certificate is not None:
        yield _describe_way(visit, miniserver)
    if link.device is not None:
        yield from _describe_device(visit, miniserver)
    if link.certificate is not None:
        yield _describe_certificate(link, now)
    if visit.sight.is_complete:
        yield _describe_login(visit, miniserver, now)
        yield from _describe_session(visit, now)
        yield from describe_rights(visit)
        yield from _describe_exports(visit, config)
    elif visit.sight.is_token_left:
        text = "a token may be left behind in the Miniserver until it expires"
        yield Fact("login", text, Rating.DOUBTFUL)
    for warning in warnings:
        yield Fact("warning", warning, Rating.DOUBTFUL)
    if visit.error is not None:
        yield Fact("failed", visit.failure, Rating.BAD)
        yield Fact("what to do", ADVICE[visit.error.reason].remedy, Rating.HINT)


def _describe_way(visit: Visit, miniserver: MiniserverConfig) -> Fact:
    address, peer = list(visit.sight.reached.items())[-1]
    place = address.authority if peer in {None, address.host} else f"{address.authority} ({peer})"
    if visit.state.link.security is Security.PLAIN:
        why = 'tls = "off"' if miniserver.tls == "off" else "this Miniserver offers none"
        return Fact("reached", f"{place}, without TLS ({why})", Rating.GOOD)
    if miniserver.tls == "required":
        why = 'tls = "required"'
    elif Address(miniserver.host, miniserver.port) in visit.sight.unreachable:
        why = f"nobody answers on port {miniserver.port}"
    else:
        why = "the Miniserver offers it"
    return Fact("reached", f"{place}, by TLS ({why})", Rating.GOOD)


def _describe_device(visit: Visit, miniserver: MiniserverConfig) -> Iterator[Fact]:
    device, structure = visit.state.link.device, visit.state.structure
    if device is None:
        return
    firmware = ".".join(map(str, device.firmware)) or "that it does not tell"
    parts = [f"serial number {device.serial}", f"firmware {firmware}"]
    if structure is not None:
        parts = [structure.model or "a Miniserver", *parts]
        if structure.project:
            parts.append(f"project {structure.project!r}")
    yield Fact("device", ", ".join(parts))
    if miniserver.serial is None:
        yield advise_serial(device.serial)


def advise_serial(serial: str) -> Fact:
    """That the configuration should have the serial number that a Miniserver turned out to have."""
    text = f'`serial = "{serial}"` makes sure that it is never another one'
    return Fact("device", text, Rating.HINT)


def _describe_certificate(link: LinkState, now: float) -> Fact:
    trust = _TRUST[link.security or Security.UNVERIFIED]
    try:
        text = read_certificate(link.certificate or b"")
    except ProtocolError as error:
        return Fact("certificate", f"{error}; {trust}", Rating.DOUBTFUL)
    parts = [f"for {' and '.join(text.names) or 'nobody'}"]
    if text.issuer:
        parts.append(f"by {text.issuer}")
    left = None if link.certificate_not_after is None else link.certificate_not_after - now
    if link.certificate_not_after is not None and left is not None:
        when = f"{duration(left)} from now" if left > 0 else f"{duration(-left)} ago"
        parts.append(f"until {date(link.certificate_not_after)} ({when})")
    is_ending = left is not None and left < _CERTIFICATE_ENDS
    doubtful = is_ending or link.security is Security.UNVERIFIED
    if is_ending:
        parts.append(
            "which should have been renewed: the Miniserver does so by itself while it can "
            "reach the internet"
        )
    rating = Rating.DOUBTFUL if doubtful else Rating.GOOD
    return Fact("certificate", f"{', '.join(parts)}; {trust}", rating)


def _describe_login(visit: Visit, miniserver: MiniserverConfig, now: float) -> Fact:
    sight = visit.sight
    text = f"as {miniserver.username!r}"
    if sight.token is None:
        return Fact("login", f"{text}, without a token, as old firmware does", Rating.GOOD)
    text += ", encrypted by itself, with a token"
    if sight.token.valid_until is not None:
        text += f" that is good for {duration(max(sight.token.valid_until - now, 0.0))}"
    if sight.is_token_left:
        left = f"{text}; it could not be killed, and is left in the Miniserver until then"
        return Fact("login", left, Rating.DOUBTFUL)
    return Fact("login", f"{text}, and killed again", Rating.GOOD)


def _describe_session(visit: Visit, now: float) -> Iterator[Fact]:
    state, link = visit.state, visit.state.link
    yield Fact(
        "free slots",
        "of the 31 clients that can receive events, there was room for this one; how many there "
        "are, no Miniserver tells",
    )
    if link.clock_offset is not None:
        direction = "ahead" if link.clock_offset >= 0 else "behind"
        is_off = abs(link.clock_offset) >= _CLOCK_IS_OFF
        text = f"{duration(abs(link.clock_offset))} {direction}, to a second"
        if is_off:
            text += ": schedules go by it; Loxone Config has its settings for date and time"
        yield Fact("clock", text, Rating.DOUBTFUL if is_off else Rating.GOOD)
    elif visit.sight.is_told_time:
        text = "not compared: it is about midnight there, or the time zone is not told"
        yield Fact("clock", text)
    structure = state.structure
    if structure is not None:
        text = f"changed last on {structure.last_modified!r} by the Miniserver's clock"
        if link.structure_time is not None:
            text += f", {duration(max(now - link.structure_time, 0.0))} ago"
        yield Fact("structure", text)


def _describe_exports(visit: Visit, config: Config) -> Iterator[Fact]:
    state = visit.state
    house = House(state.name, visit.failure, tuple(discover(state, config)))
    series = count_series(state, config)
    most = ", ".join(f"{name} {count}" for name, count in series.most_common(_METRICS_SHOWN))
    yield Fact("exports", f"{series.total()} series in {len(series)} metrics, most of them: {most}")
    is_shown = any(found.series for control in house.controls for found in control.states)
    yield Fact("exports", totals(house), Rating.GOOD if is_shown else Rating.BAD)
    for line in unknown_states(house):
        yield Fact("exports", line, Rating.HINT)
