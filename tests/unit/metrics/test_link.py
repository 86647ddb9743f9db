from __future__ import annotations

import itertools
import shutil
import subprocess

import pytest
from attrs import evolve
from hypothesis import given

from loxone_exporter.config.model import Config, MiniserverConfig
from loxone_exporter.config.secret import Secret
from loxone_exporter.errors import FailureReason
from loxone_exporter.loxone.replies import Device
from loxone_exporter.loxone.structure import Structure
from loxone_exporter.metrics.collector import LoxoneCollector
from loxone_exporter.metrics.exposition import Exposition, Format
from loxone_exporter.state import ConnectionState, LinkState, MiniserverState, Security
from support.scrapes import Sample, Scrape
from support.strategies import wild_text
from support.structures import control, uuid


CONFIG = Config(
    miniservers=(
        MiniserverConfig(
            name="home", host="192.0.2.1", username="exporter", password=Secret("invented")
        ),
    )
)
DEVICE = Device("504F94D0E0DE", (16, 1, 11, 6))
HOUSE = Structure(
    "2026-05-25 18:00:00",
    (control(1),),
    project="Villa",
    model="Miniserver Gen 2",
    global_states={"miniserverTime": uuid(90)},
)

INFO = "loxone_miniserver_info"
MODIFIED = "loxone_miniserver_structure_timestamp_seconds"
OFFSET = "loxone_miniserver_clock_offset_seconds"
FAILURES = "loxone_exporter_connection_failures_total"
SESSIONS = "loxone_exporter_sessions_total"
OUT_OF_SERVICE = "loxone_exporter_out_of_service_total"
RETRY = "loxone_exporter_login_retry_timestamp_seconds"
TOKEN = "loxone_exporter_token_valid_until_timestamp_seconds"
CERTIFICATE = "loxone_exporter_tls_certificate_not_after_timestamp_seconds"
SECURITY = "loxone_exporter_connection_security"
CHANGES = "loxone_exporter_structure_changes_total"
BROKEN = "loxone_exporter_broken_structures_total"


async def render(*states: MiniserverState, format_: Format = Format.OPENMETRICS) -> bytes:
    return await Exposition.of(LoxoneCollector(CONFIG, states)).render(format_)


async def scrape(*states: MiniserverState, format_: Format = Format.OPENMETRICS) -> Scrape:
    return Scrape.read(await render(*states, format_=format_), format_)


def in_use(name: str = "home", structure: Structure = HOUSE) -> MiniserverState:
    """Everything is known of this one."""
    state = MiniserverState(name=name, connection=ConnectionState.CONNECTED)
    state.link = LinkState(
        device=DEVICE,
        security=Security.VERIFIED,
        certificate_not_after=1767225601.0,
        token_valid_until=1767225602.0,
        login_retry=1767225603.0,
        clock_offset=-2.5,
        sessions=3,
        broken_structures=5,
    )
    state.link.failures.update({FailureReason.OUT_OF_SERVICE: 6, FailureReason.TLS: 7})
    state.link.structure_changes.update(added=8, removed=9, renamed=10)
    state.replace_structure(structure)
    state.begin_dump()
    state.end_dump()
    return state


async def test_before_the_first_connection() -> None:
    state = MiniserverState(name="home")
    found = await scrape(state)
    for absent in (INFO, MODIFIED, OFFSET, RETRY, TOKEN, CERTIFICATE):
        assert [] == found.samples(absent)
    headings = found.headings()
    assert {"loxone_miniserver", MODIFIED, OFFSET, RETRY, TOKEN, CERTIFICATE} <= set(headings)
    for zero in (SESSIONS, OUT_OF_SERVICE, BROKEN):
        assert [Sample({"miniserver": "home"}, 0)] == found.samples(zero)
    assert dict.fromkeys(FailureReason, 0) == found.values(FAILURES, "reason")
    assert dict.fromkeys(Security, 0) == found.values(SECURITY, "security")
    assert dict.fromkeys(("added", "removed", "renamed"), 0) == found.values(CHANGES, "change")
    # Looking changes nothing.
    assert not state.link.failures
    assert not state.link.structure_changes


@pytest.mark.parametrize("format_", Format)
async def test_all_that_is_known(format_: Format) -> None:
    found = await scrape(in_use(), format_=format_)
    labels = {
        "miniserver": "home",
        "serial": "504F94D0E0DE",
        "firmware": "16.1.11.6",
        "model": "Miniserver Gen 2",
        "project": "Villa",
    }
    assert [Sample(labels, 1)] == found.samples(INFO)
    expected = {
        MODIFIED: 1779732000.0,
        OFFSET: -2.5,
        CERTIFICATE: 1767225601.0,
        TOKEN: 1767225602.0,
        RETRY: 1767225603.0,
        SESSIONS: 4,
        BROKEN: 5,
        OUT_OF_SERVICE: 6,
    }
    assert expected == {name: found.value(name) for name in expected}
    failures = dict.fromkeys(FailureReason, 0) | {"out_of_service": 6, "tls": 7}
    assert failures == found.values(FAILURES, "reason")
    assert {"added": 8, "removed": 9, "renamed": 10} == found.values(CHANGES, "change")


async def test_zero_is_a_value_too() -> None:
    state = in_use()
    state.link.clock_offset = 0.0
    state.link.login_retry = 0.0
    found = await scrape(state)
    assert (0.0, 0.0) == (found.value(OFFSET), found.value(RETRY))


async def test_labels_in_their_order() -> None:
    body = (await render(in_use(), format_=Format.TEXT)).decode()
    expected = (
        'loxone_miniserver_info{firmware="16.1.11.6",miniserver="home",model="Miniserver Gen 2",'
        'project="Villa",serial="504F94D0E0DE"} 1.0\n'
    )
    assert expected in body


async def test_device_without_a_structure_file() -> None:
    state = MiniserverState(name="home")
    state.link.device = Device("504F94D0E0DE", ())
    (info,) = (await scrape(state)).samples(INFO)
    assert ("", "", "") == tuple(info.labels[name] for name in ("firmware", "model", "project"))


async def test_new_firmware_replaces_the_old_row() -> None:
    state = in_use()
    state.link.device = evolve(DEVICE, firmware=(16, 2))
    (info,) = (await scrape(state)).samples(INFO)
    assert "16.2" == info.labels["firmware"]


async def test_each_security_is_one_of_the_set() -> None:
    assert ["plain", "verified", "pinned", "unverified"] == [member.value for member in Security]
    state = MiniserverState(name="home")
    for present in Security:
        state.link.security = present
        expected = {member.value: float(member is present) for member in Security}
        assert expected == (await scrape(state)).values(SECURITY, "security")


async def test_every_reason_is_counted_by_itself() -> None:
    state = MiniserverState(name="home")
    for number, reason in enumerate(FailureReason, start=1):
        state.link.failures[reason] = number
    found = await scrape(state)
    expected = {reason.value: number for number, reason in enumerate(FailureReason, start=1)}
    assert expected == found.values(FAILURES, "reason")
    assert expected["out_of_service"] == found.value(OUT_OF_SERVICE)


# The Miniserver's local time is 18:00; 16:00 UTC where it is two hours ahead.
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, 1779732000.0),
        ("", 1779732000.0),
        ("2026-05-25 18:00:00", 1779732000.0),
        ("2026-06-01 08:00:00 +02:00:00", 1779724800.0),
        ("2026-06-01 08:00:00 -09:30:00", 1779766200.0),
    ],
)
async def test_structure_is_dated_in_the_miniservers_zone(
    text: str | None, expected: float
) -> None:
    state = MiniserverState(name="home")
    state.replace_structure(HOUSE)
    assert [] == (await scrape(state)).samples(MODIFIED)
    state.begin_dump()
    if text is not None:
        state.apply_texts([(uuid(90), text)])
    state.end_dump()
    assert expected == (await scrape(state)).value(MODIFIED)


async def test_structure_is_not_dated_anew_because_summer_ends() -> None:
    state = in_use()
    for zone, expected in (("", 1779732000.0), ("+02:00", 1779724800.0), ("+01:00", 1779724800.0)):
        state.apply_texts([(uuid(90), f"2026-11-01 08:00:00 {zone}")])
        state.end_dump()
        assert expected == (await scrape(state)).value(MODIFIED)


@pytest.mark.parametrize("text", ["", "2026", "0", "2026-05-25 25:00:00"])
async def test_structure_without_a_date(text: str) -> None:
    found = await scrape(in_use(structure=evolve(HOUSE, last_modified=text)))
    assert [] == found.samples(MODIFIED)
    assert MODIFIED in found.headings()


async def test_changes_of_the_structure_file_are_counted() -> None:
    state = MiniserverState(name="home")
    state.replace_structure(Structure("", (control(1), control(2), control(3, "Lamp"))))
    assert {"added": 0, "removed": 0, "renamed": 0} == (await scrape(state)).values(
        CHANGES, "change"
    )
    state.replace_structure(Structure("", (control(3, "Light"), control(4), control(5))))
    assert {"added": 2, "removed": 2, "renamed": 1} == (await scrape(state)).values(
        CHANGES, "change"
    )


async def test_each_miniserver_has_its_own_row() -> None:
    home, away = in_use(), MiniserverState(name="away")
    found = await scrape(home, away)
    assert {"home": 4, "away": 0} == found.values(SESSIONS, "miniserver")
    assert ["home"] == [sample.labels["miniserver"] for sample in found.samples(INFO)]
    rows = [
        (sample.labels["miniserver"], sample.labels["reason"]) for sample in found.samples(FAILURES)
    ]
    assert list(itertools.product(("home", "away"), FailureReason)) == rows


async def test_connection_does_not_hide_what_it_was() -> None:
    state = in_use()
    before = await scrape(state)
    state.connection = ConnectionState.BACKOFF
    after = await scrape(state)
    for name in (INFO, MODIFIED, FAILURES, SECURITY, CERTIFICATE):
        assert before.samples(name) == after.samples(name)
    assert 0 == after.value("loxone_exporter_connected")


@given(project=wild_text, model=wild_text, last_modified=wild_text, clock=wild_text)
async def test_any_structure_can_be_scraped(
    project: str, model: str, last_modified: str, clock: str
) -> None:
    # Halves of surrogate pairs are replaced where JSON is decoded.
    project, model = (text.encode(errors="replace").decode() for text in (project, model))
    house = evolve(HOUSE, project=project, model=model, last_modified=last_modified)
    state = in_use(structure=house)
    state.apply_texts([(uuid(90), clock)])
    for format_ in Format:
        (info,) = (await scrape(state, format_=format_)).samples(INFO)
        assert (project, model) == (info.labels["project"], info.labels["model"])


async def test_promtool_has_nothing_to_say() -> None:
    promtool = shutil.which("promtool")
    assert promtool is not None, "Debian's package prometheus is not installed"
    body = await render(in_use(), MiniserverState(name="away"), format_=Format.TEXT)
    checked = subprocess.run(  # noqa: ASYNC221  # short, and nothing else needs the loop
        [promtool, "check", "metrics"], input=body, capture_output=True, check=False
    )
    assert (0, b"") == (checked.returncode, checked.stdout + checked.stderr)
