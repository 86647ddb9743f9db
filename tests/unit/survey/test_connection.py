from __future__ import annotations

import ssl
import time
from typing import Any

import pytest
from attrs import evolve

from loxone_exporter.advice import ADVICE
from loxone_exporter.config.model import Config
from loxone_exporter.errors import (
    FailureReason,
    LockedOutError,
    RejectedError,
    SessionError,
    SilentError,
)
from loxone_exporter.loxone.replies import Device
from loxone_exporter.miniserver.memory import HeldToken
from loxone_exporter.miniserver.network import Address
from loxone_exporter.state import MiniserverState, Security
from loxone_exporter.survey.connection import describe_visit
from loxone_exporter.survey.facts import Fact, Rating
from loxone_exporter.survey.visit import Sight, Visit
from support.certificates import issue
from support.memory_network import miniserver_config
from support.structures import control, structure


SERIAL = "504F94AABBCC"
PLAIN, TLS = Address("home.test", 80), Address("home.test", 443)
NOW = time.time()
DAY = 86_400.0
CERTIFICATE = ssl.PEM_cert_to_DER_cert(issue("a.test", "b.test").certificate_pem.decode())
MINISERVER = miniserver_config()


def visit(error: SessionError | None = None, **changes: Any) -> Visit:  # noqa: ANN401  # of both
    """A visit to a Miniserver that answered; what differs from one without TLS that went well."""
    state = MiniserverState(name="home")
    state.link.device = Device(SERIAL, (16, 1, 11, 6))
    state.link.security = Security.PLAIN
    sight = Sight(reached={PLAIN: "192.0.2.7"}, is_complete=error is None)
    house = changes.pop("structure", structure(control(1)) if error is None else None)
    if house is not None:
        state.replace_structure(house)
    for name, value in changes.items():
        owner = next(each for each in (state.link, sight, state) if hasattr(each, name))
        setattr(owner, name, value)
    return Visit(state, error, sight)


def over_tls(**changes: Any) -> Visit:  # noqa: ANN401  # as above
    return visit(
        **{
            "reached": {PLAIN: "192.0.2.7", TLS: "192.0.2.7"},
            "security": Security.VERIFIED,
            "certificate": CERTIFICATE,
            "certificate_not_after": NOW + 60 * DAY,
            **changes,
        }
    )


def facts(seen: Visit, subject: str, **settings: Any) -> list[Fact]:  # noqa: ANN401  # MiniserverConfig's
    miniserver = evolve(MINISERVER, **settings)
    told = describe_visit(seen, miniserver, Config(miniservers=(miniserver,)), now=NOW)
    return [fact for fact in told if fact.subject == subject]


def fact(seen: Visit, subject: str, **settings: Any) -> Fact:  # noqa: ANN401  # as above
    (found,) = facts(seen, subject, **settings)
    return found


@pytest.mark.parametrize(
    ("seen", "settings", "text"),
    [
        (visit(), {}, "home.test:80 (192.0.2.7), without TLS (this Miniserver offers none)"),
        (visit(), {"tls": "off"}, 'home.test:80 (192.0.2.7), without TLS (tls = "off")'),
        (
            visit(reached={PLAIN: None}),
            {},
            "home.test:80, without TLS (this Miniserver offers none)",
        ),
        (over_tls(), {}, "home.test:443 (192.0.2.7), by TLS (the Miniserver offers it)"),
        (
            over_tls(reached={TLS: None}),
            {"tls": "required"},
            'home.test:443, by TLS (tls = "required")',
        ),
        (
            over_tls(reached={TLS: None}, unreachable=[PLAIN]),
            {},
            "home.test:443, by TLS (nobody answers on port 80)",
        ),
    ],
)
async def test_how_a_miniserver_was_reached(
    seen: Visit, settings: dict[str, Any], text: str
) -> None:
    assert Fact("reached", text, Rating.GOOD) == fact(seen, "reached", **settings)


async def test_which_device_it_is() -> None:
    seen = visit(
        structure=evolve(structure(control(1)), model="Miniserver Gen 2", project="Haus\n")
    )
    text = f"Miniserver Gen 2, serial number {SERIAL}, firmware 16.1.11.6, project 'Haus\\n'"
    assert text == fact(seen, "device", serial=SERIAL).text
    _, hint = facts(seen, "device")
    assert f'`serial = "{SERIAL}"` makes sure that it is never another one' == hint.text
    unknown = visit(RejectedError("no"), device=Device(SERIAL, ()))
    text = f"serial number {SERIAL}, firmware that it does not tell"
    assert text == fact(unknown, "device", serial=SERIAL).text


@pytest.mark.parametrize(
    ("changes", "rating", "end"),
    [
        ({}, Rating.GOOD, "(60 days from now); verified"),
        ({"security": Security.PINNED}, Rating.GOOD, "; the one of tls_fingerprint"),
        ({"security": Security.UNVERIFIED}, Rating.DOUBTFUL, "false): it might be anybody's"),
        (
            {"certificate_not_after": NOW + 13 * DAY},
            Rating.DOUBTFUL,
            "(13 days from now), which should have been renewed: the Miniserver does so by itself",
        ),
        (
            {"certificate_not_after": NOW - 3 * DAY, "security": Security.PINNED},
            Rating.DOUBTFUL,
            "while it can reach the internet; the one of tls_fingerprint",
        ),
    ],
)
async def test_whose_certificate_it_is(changes: dict[str, Any], rating: Rating, end: str) -> None:
    found = fact(over_tls(**changes), "certificate")
    assert rating is found.rating
    assert end in found.text
    assert found.text.startswith(("for a.test and b.test, by trustme v", "for b.test and a.test"))


async def test_a_certificate_that_cannot_be_read_is_said_so() -> None:
    found = fact(over_tls(certificate=b"?", security=Security.PINNED), "certificate")
    assert Rating.DOUBTFUL is found.rating
    assert "the one of tls_fingerprint" in found.text


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "as 'exporter', without a token, as old firmware does"),
        (
            {"token": HeldToken("x", "SHA1", valid_until=NOW + 28 * DAY)},
            "encrypted by itself, with a token that is good for 28 days, and killed again",
        ),
        ({"token": HeldToken("x", "SHA1")}, "encrypted by itself, with a token, and killed again"),
        (
            {"token": HeldToken("x", "SHA1"), "is_token_left": True},
            "with a token; it could not be killed, and is left in the Miniserver until then",
        ),
    ],
)
async def test_how_the_login_went(changes: dict[str, Any], text: str) -> None:
    assert text in fact(visit(**changes), "login").text


@pytest.mark.parametrize(
    ("changes", "text", "rating"),
    [
        ({"clock_offset": 3.4}, "3 s ahead, to a second", Rating.GOOD),
        ({"clock_offset": -3.4}, "3 s behind, to a second", Rating.GOOD),
        ({"clock_offset": -7200.0}, "2 hours behind, to a second: schedules", Rating.DOUBTFUL),
        ({"is_told_time": True}, "not compared: it is about midnight", Rating.PLAIN),
    ],
)
async def test_what_the_clock_shows(changes: dict[str, Any], text: str, rating: Rating) -> None:
    found = fact(visit(**changes), "clock")
    assert rating is found.rating
    assert found.text.startswith(text)


async def test_how_old_the_structure_is() -> None:
    dated = fact(visit(structure_time=NOW - 3 * DAY), "structure")
    assert dated.text.endswith("by the Miniserver's clock, 3 days ago")
    assert fact(visit(), "structure").text.endswith("by the Miniserver's clock")


async def test_what_is_exported() -> None:
    house = structure(control(1))
    counted, found = facts(visit(structure=house), "exports")
    assert "1 series in 1 metrics, most of them: loxone_miniserver_info 1" == counted.text
    assert found.text.startswith("1 controls and sub-controls, 1 states with numbers: ")
    assert Rating.GOOD is found.rating
    _, nothing = facts(visit(structure=structure()), "exports")
    assert Rating.BAD is nothing.rating


@pytest.mark.parametrize("error", [RejectedError("no"), LockedOutError("wait"), SilentError("?")])
async def test_a_failure_comes_with_its_remedy_and_what_was_learned_before(
    error: SessionError,
) -> None:
    told = list(
        describe_visit(visit(error), MINISERVER, Config(miniservers=(MINISERVER,)), now=NOW)
    )
    assert ["reached", "device", "device", "failed", "what to do"] == [
        each.subject for each in told
    ]
    assert Fact("failed", str(error), Rating.BAD) == told[-2]
    assert ADVICE[error.reason].remedy == told[-1].text


async def test_a_token_that_may_be_left_after_a_failure_is_told() -> None:
    assert Rating.DOUBTFUL is fact(visit(SilentError("?"), is_token_left=True), "login").rating


async def test_who_never_answered_has_nothing_but_a_failure() -> None:
    seen = Visit(MiniserverState(name="home"), SilentError("no answer"))
    told = list(describe_visit(seen, MINISERVER, Config(miniservers=(MINISERVER,)), now=NOW))
    assert ["failed", "what to do"] == [each.subject for each in told]
    assert ADVICE[FailureReason.SILENT].remedy == told[-1].text


async def test_warnings_are_passed_on() -> None:
    config = Config(miniservers=(MINISERVER,))
    told = describe_visit(visit(), MINISERVER, config, now=NOW, warnings=["odd", "odder"])
    assert ["odd", "odder"] == [each.text for each in told if each.subject == "warning"]
