"""The page of one Miniserver: how it is, and its controls."""

from __future__ import annotations

from loxone_exporter.advice import ADVICE
from loxone_exporter.metrics.inventory import Inventory
from loxone_exporter.metrics.share import Share
from loxone_exporter.state import MiniserverState
from loxone_exporter.web.pages.controls import control_list, own_states, state_list
from loxone_exporter.web.pages.markup import Markup, Pieces, element, end, joined, start
from loxone_exporter.web.pages.query import Query
from loxone_exporter.web.pages.wording import (
    SECURITY,
    STATES,
    Tone,
    ago,
    duration,
    utc,
)


def miniserver_page(
    query: Query, share: Share, inventory: Inventory, now: float, *, is_alone: bool
) -> Pieces:
    """How one Miniserver is, and its controls; in pieces.

    Args:
        query: What is asked for.
        share: What it has in a scrape.
        inventory: The same, control by control.
        now: The time, in Unix time.
        is_alone: Whether there is no other one.
    """
    state = share.state
    if not is_alone:
        yield element("p", element("a", "All Miniservers", href="./"), class_="up")
    yield start("section", class_="card", **_how_live(share))
    yield element("h1", element("bdi", state.name))
    yield element("p", badge(state), " ", since(state, now), class_="state")
    yield _facts(share, inventory.samples, now)
    yield failure(state, now)
    if inventory.own:
        yield start("details", id="own")
        yield element("summary", "What the Miniserver tells of itself")
        yield from state_list(own_states(inventory.own, now))
        yield end("details")
    yield end("section")
    if inventory.controls:
        if not state.connected:
            yield _notice("These are its last values", *_until(state, now), ".")
        yield from control_list(query, inventory, now)
    elif not share.fresh and state.structure is not None:
        yield _notice(
            "Its values are withdrawn, here and from what Prometheus scrapes: ",
            *_since_last_byte(state, now),
            " They are back as soon as it is connected again.",
        )
    elif state.structure is None:
        yield _notice("Its controls appear here as soon as it is connected for the first time.")
    else:
        yield _notice(
            "There are no controls: this user may see none, or the filter lets none pass. If "
            "neither is so, the log tells more."
        )


def _how_live(share: Share) -> dict[str, str]:
    """What the script says, beside the page's name, of what is shown."""
    state = share.state
    if state.connected:
        return {"data_live": "Live", "data_tone": Tone.GOOD}
    if not share.fresh:
        return {"data_live": "No values", "data_tone": STATES[state.connection][1]}
    until = state.live_until()
    since = {} if until is None else {"data_from": f"{until:.0f}"}
    return {"data_live": "Last values", "data_tone": Tone.BUSY, **since}


def badge(state: MiniserverState) -> Markup:
    """Where its session is."""
    words, tone = STATES[state.connection]
    return element("span", words, class_=f"badge {tone}")


def moment(text: str, time: float) -> Markup:
    """A point in time, in words."""
    written = utc(time)
    return element("time", text, datetime=written, title=written) if written else joined(text)


def since(state: MiniserverState, now: float) -> Markup:
    """Since when it is connected, or not connected; to be read after the badge."""
    words = "for" if state.connected else "not connected for"
    how_long = moment(duration(max(0.0, now - state.since)), state.since)
    return element("span", words, " ", how_long, class_="since")


def firmware(state: MiniserverState) -> str:
    """Its firmware; empty where that is not known."""
    device = state.link.device
    return ".".join(map(str, device.firmware)) if device else ""


def last_event(state: MiniserverState, now: float) -> Markup:
    """When the last event with a value came."""
    time = state.last_update
    return joined("none yet") if time is None else moment(ago(time, now), time)


def failure(state: MiniserverState, now: float, *, in_short: bool = False) -> Markup:
    """The last failure in plain words, and what to do about it; a short word of it once it is over.

    Args:
        state: The Miniserver.
        now: The time, in Unix time.
        in_short: Whether to leave out what the log says.
    """
    last = state.link.last_failure
    if last is None:
        return Markup()
    advice = ADVICE[last.reason]
    when = moment(ago(last.time, now), last.time)
    if state.connected:
        words = ("The last failure is over: ", advice.what, ", ", when, ".")
        return element("p", *words, class_="past")
    tone = STATES[state.connection][1]
    outlook = f"It is tried again {ago(last.retry, now)}." if last.retry >= now + 1 else ""
    return element(
        "div",
        element("p", element("strong", advice.what), " · ", when),
        element("p", advice.remedy, " ", outlook),
        Markup() if in_short else element("p", element("bdi", last.text), class_="message"),
        class_=f"failure {tone if tone is not Tone.GOOD else Tone.BUSY}",
    )


def _facts(share: Share, samples: int, now: float) -> Markup:
    state = share.state
    device = state.link.device
    heard = state.last_received
    facts = {
        "Last event": last_event(state, now),
        "Last sign of life": "none yet" if heard is None else moment(ago(heard, now), heard),
        "Controls": f"{share.exported:,} of {share.discovered:,} with values"
        if state.structure
        else "none yet",
        "Series": f"{samples:,}",
        "Firmware": firmware(state),
        "Model": state.structure.model if state.structure else "",
        "Serial number": device.serial if device else "",
        **_protection(state),
    }
    return element(
        "dl",
        *(
            element("div", element("dt", name), element("dd", element("bdi", text)))
            for name, text in facts.items()
            if text
        ),
        class_="facts",
    )


def _protection(state: MiniserverState) -> dict[str, str]:
    """What protects the connection, or protected the last one; an attempt is none yet."""
    security = state.link.security
    if security is None or not (state.connected or state.link.sessions):
        return {}
    return {"Connection" if state.connected else "Last connection": SECURITY[security]}


def _until(state: MiniserverState, now: float) -> tuple[str, ...]:
    """Since when values are the last ones; to be read after that they are."""
    until = state.live_until()
    if until is None:
        return ()
    return (", from before the connection ended ", moment(ago(until, now), until))


def _notice(*words: str) -> Markup:
    return element("p", *words, class_="notice")


def _since_last_byte(state: MiniserverState, now: float) -> tuple[str, ...]:
    heard = state.last_received
    if heard is None:
        return ("nothing has been received from it.",)
    return ("the last sign of life came ", moment(ago(heard, now), heard), ".")
