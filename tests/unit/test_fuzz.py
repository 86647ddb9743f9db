"""The fuzzer's own logic: what it changes, what it judges, and how it pins things down."""

from __future__ import annotations

import itertools
import json
import logging
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
import trio
from attrs import define
from trio.testing import memory_stream_pair

from fuzz.cases import Finding, Kind, exception_finding
from fuzz.determinism import run_simulated
from fuzz.documents import mutate_document, write_document
from fuzz.hunt import Hunt, observe, pin_down
from fuzz.modes import MODES
from fuzz.modes.frames import FramesMode
from fuzz.mutations import cut_up, mutate
from fuzz.pages import judge_page
from fuzz.report import format_table
from fuzz.reproducers import ReproducerError, load, store
from fuzz.scrapes import judge
from fuzz.trial import FramesCase, Trial
from fuzz.watch import TimeIsUp, alarm, watching
from fuzz.wire.frames import BINARY, FRAME_KINDS, TEXT, Frame, read_frames
from fuzz.wire.scrambler import LAYERS, Change, ScrambledStream, Scrambler
from loxone_exporter.errors import ProtocolError
from loxone_exporter.loxone.header import Header, Identifier, decode_header, encode_header
from loxone_exporter.metrics.exposition import Format
from loxone_exporter.simulator.miniserver import ReceivedCommand


SAMPLE = b'# HELP loxone_x X.\n# TYPE loxone_x gauge\nloxone_x{a="1"} 2.0\n'
FIN = 0x80


@pytest.mark.parametrize("name", MODES)
def test_a_seed_gives_the_same_cases_each_time(name: str) -> None:
    mode = MODES[name]
    for number in range(20):
        first, second = (mode.draw(Random(f"seed {number}")) for _ in range(2))
        assert first == second
    assert len({str(mode.draw(Random(f"seed {number}"))) for number in range(20)}) > 15


def test_a_session_is_the_same_each_time() -> None:
    # Over TLS it is not, where OpenSSL has its own chance.
    cases = (FramesMode().draw(Random(f"seed {number}")) for number in itertools.count())
    for case in itertools.islice((case for case in cases if not case.has_tls), 3):
        first, second = (commands_of(case) for _ in range(2))
        assert first == second
        assert len(first) > 5


def commands_of(case: FramesCase) -> list[ReceivedCommand]:
    trial = Trial(case)
    with watching():
        run_simulated(case.seed, trial.run)
    return trial._miniserver.received


@pytest.mark.parametrize("name", MODES)
def test_cases_survive_being_written(name: str, tmp_path: Path) -> None:
    mode = MODES[name]
    cases = [mode.draw(Random(f"seed {number}")) for number in range(5)]
    path = store(tmp_path / "new", mode, cases, Finding(Kind.LIE, "it's 5 o'clock"), "a test")
    reproducer = load(path, MODES)
    assert (name, cases) == (reproducer.mode, list(reproducer.cases))


@pytest.mark.parametrize("name", MODES)
def test_smaller_cases_are_other_cases(name: str) -> None:
    mode = MODES[name]
    for number in range(10):
        case = mode.draw(Random(f"seed {number}"))
        assert case not in list(mode.smaller(case))


@pytest.mark.parametrize(
    "text", ["", "null", "{}", '{"mode": "frames"}', '{"mode": "x", "cases": [], "finding": ""}']
)
def test_a_file_that_is_no_reproducer_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_text(text)
    with pytest.raises(ReproducerError, match="no reproducer"):
        load(path, MODES)
    with pytest.raises(ReproducerError, match="No such file"):
        load(tmp_path / "absent.json", MODES)


def test_mutations_change_nearly_everything_and_stay_small() -> None:
    data = bytes(range(200))
    mutated = [mutate(data, Random(number), [b"other" * 10]) for number in range(300)]
    assert sum(changed != data for changed in mutated) > 280
    assert all(len(changed) < 10 * 4096 for changed in mutated)
    assert all(isinstance(mutate(b"", Random(number)), bytes) for number in range(300))


def test_what_is_cut_up_is_still_all_there() -> None:
    for number in range(50):
        assert b"abcdef" == b"".join(cut_up(b"abcdef", Random(number), 4))


def test_documents_are_changed_in_a_copy() -> None:
    document = {"a": [1, {"b": "text"}], "c": None}
    before = json.dumps(document)
    changed = [mutate_document(document, Random(number)) for number in range(200)]
    assert before == json.dumps(document)
    assert sum(json.dumps(other) != before for other in changed) > 150
    for number, other in enumerate(changed):
        assert isinstance(write_document(other, Random(number)), bytes)


def test_frames_are_read_as_they_are_written() -> None:
    frames = [
        Frame(FIN | TEXT, b"x" * length) for length in (0, 1, 125, 126, 65_535, 65_536, 70_000)
    ]
    buffer = bytearray(b"".join(frame.write() for frame in frames) + b"\x82")
    assert frames == read_frames(buffer)
    assert b"\x82" == buffer
    buffer += b"\x02a"
    assert [] == read_frames(buffer)
    buffer += b"b"
    assert [Frame(FIN | BINARY, b"ab")] == read_frames(buffer)
    assert read_frames(bytearray(Frame(FIN, b"", announced=2**40).write())) is None


@pytest.mark.parametrize("kind", FRAME_KINDS)
def test_every_change_of_a_frame_gives_bytes(kind: str) -> None:
    for number in range(20):
        for payload in (b"", b"x" * 300):
            changed = FRAME_KINDS[kind](Frame(FIN | TEXT, payload), Random(number))
            assert isinstance(changed, bytes)


ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
UPGRADE = b"HTTP/1.1 101 Switching Protocols\r\n\r\n"
REPLY = b'{"LL": {"control": "dev/x", "value": "1", "Code": "200"}}'
STRUCTURE = b'{"lastModified": "", "controls": {}}'


def conversation() -> list[bytes]:
    """What a Miniserver sends, a unit of each layer at least."""
    messages = (
        (TEXT, Identifier.TEXT, REPLY),
        (TEXT, Identifier.FILE, STRUCTURE),
        (BINARY, Identifier.VALUES, bytes(48)),
    )
    frames = [
        frame.write()
        for opcode, identifier, payload in messages
        for frame in (
            Frame(FIN | BINARY, encode_header(Header(identifier, len(payload)))),
            Frame(FIN | opcode, payload),
        )
    ]
    keepalive = Frame(FIN | BINARY, encode_header(Header(Identifier.KEEPALIVE, 0))).write()
    return [ANSWER, UPGRADE, *frames, keepalive]


async def sent_through(scrambler: Scrambler) -> bytes:
    near, far = memory_stream_pair()
    stream = ScrambledStream(far, scrambler)
    for data in conversation():
        await stream.send_all(data)
    await trio.aclose_forcefully(far)
    received = b""
    async for piece in near:
        received += piece
    return received


async def test_without_changes_all_goes_through_as_it_is() -> None:
    scrambler = Scrambler.of([])
    assert b"".join(conversation()) == await sent_through(scrambler)
    units = {"answer": 2, "frame": 7, "header": 4, "reply": 1, "structure": 1, "table": 1}
    assert {**units, "stream": 9} == scrambler.units


@pytest.mark.parametrize("layer", [layer for layer in LAYERS if layer != "stream"])
async def test_a_change_hits_its_layer_until_there_is_calm(layer: str) -> None:
    whole = b"".join(conversation())
    for kind in LAYERS[layer][1]:
        changed = [
            await sent_through(Scrambler.of([Change(layer, 0, kind, seed)])) for seed in range(8)
        ]
        assert any(data != whole for data in changed), kind
        calm = Scrambler.of([Change(layer, 0, kind, 1)])
        calm.is_calm = True
        assert whole == await sent_through(calm)
        elsewhere = Scrambler.of([Change(layer, 99, kind, 1)])
        assert whole == await sent_through(elsewhere)


@pytest.mark.parametrize("format_", Format)
def test_a_good_scrape_is_good(format_: Format) -> None:
    end = b"# EOF\n" if format_ is Format.OPENMETRICS else b""
    assert [] == judge(SAMPLE + end, format_)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (SAMPLE + b'loxone_x{a="1"} 3.0\n', "twice: loxone_x{"),
        (SAMPLE + b"# TYPE loxone_y gauge\n# TYPE loxone_x gauge\n", "twice: loxone_x"),
        (SAMPLE[:-1], "not the end of its format"),
        (SAMPLE + b"# EOF\n", "not the end of its format"),
        (SAMPLE + b'loxone_x{a="\n"} 3.0\n', "is none"),
        (SAMPLE + b'loxone_x{a="2"} none\n', "is none"),
        (SAMPLE + b'loxone_x{a="2"}\n', "is none"),
        (SAMPLE + b"\n", "is none"),
        (SAMPLE + b'loxone_x{a="\xff"} 3.0\n', "no UTF-8"),
        (SAMPLE + b'loxone_x{a="' + b"x" * 40_000 + b'"} 3.0\n', "40018 bytes"),
    ],
)
def test_a_bad_scrape_is_found(body: bytes, problem: str) -> None:
    findings = judge(body, Format.TEXT)
    assert any(problem in finding.title for finding in findings), findings
    assert {Kind.SCRAPE} == {finding.kind for finding in findings}


def test_what_only_the_library_minds_is_found() -> None:
    body = b"# HELP x_total X.\n# TYPE x_total counter\nx_total 1.0\n# EOF\n"
    assert [] == judge(body, Format.OPENMETRICS, thoroughly=False)
    assert 1 == len(judge(body, Format.OPENMETRICS))


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"<p>A <b>page</b><br></p>", ""),
        (b"<p>&lt;script&gt;alert(1)</p>", ""),
        (b"<p>A <b>page</p>", "p ends where it has not begun"),
        (b"<p>A <b>page</b>", "p is not closed"),
        (b"<p title=''onclick='x'></p>", "p has a script for an attribute"),
        (b"<p><script>alert(1)</script></p>", "a script of the house's is in a page"),
        (b"<p>\xff</p>", "a page is no UTF-8"),
    ],
)
def test_pages_are_judged(body: bytes, problem: str) -> None:
    findings = judge_page(body)
    assert ([problem] if problem else []) == [finding.title for finding in findings]


def test_logs_are_watched() -> None:
    logger = logging.getLogger("loxone_exporter.test")
    with watching() as watch:
        logger.info("a secret: %s", "s" * 30)
        logger.warning("half a character: \ud800")
        logger.error("worse")
    (unwritable, worse) = watch.findings(worst=logging.WARNING)
    assert (Kind.LOG, Kind.LOG) == (worse.kind, unwritable.kind)
    assert "UnicodeEncodeError" in unwritable.title
    assert "worse" in worse.title
    assert [Kind.SECRET] == [finding.kind for finding in watch.secrets(["s" * 30])]
    assert [] == list(watch.secrets(["t" * 30]))


def test_an_error_that_nobody_can_catch_is_noticed() -> None:
    class Stumbler:
        def __del__(self) -> None:
            raise ZeroDivisionError

    with watching() as watch:
        Stumbler()
    (finding,) = watch.findings(worst=logging.WARNING)
    assert (Kind.BUG, "ZeroDivisionError") == (finding.kind, finding.title.partition(" ")[0])


def test_the_alarm_ends_an_endless_loop() -> None:
    def loop() -> None:
        with alarm(0.05):
            while True:
                pass

    with pytest.raises(TimeIsUp):
        loop()
    assert (0.0, 0.0) == signal.getitimer(signal.ITIMER_REAL)


def test_a_finding_is_told_by_the_exporters_own_place() -> None:
    try:
        Header(0, 0).no_such_attribute  # type: ignore[attr-defined]  # noqa: B018  # to fail
    except AttributeError as error:
        outside = exception_finding(Kind.BUG, error)
    inside = exception_finding(Kind.BUG, ExceptionGroup("", [_parse_error()]))
    assert "AttributeError in test_fuzz.test_a_finding" in outside.title
    assert "ProtocolError in header.decode_header" == inside.title


def _parse_error() -> ProtocolError:
    try:
        decode_header(b"")
    except ProtocolError as error:
        return error
    raise AssertionError


@define
class Numbers:
    """A mode whose cases are numbers, some of which are unlucky."""

    name: str = "numbers"
    what: str = ""
    share: float = 1.0
    batch: int = 8
    limit: float = 5.0

    def draw(self, chance: Random) -> int:
        return chance.randrange(100)

    def try_out(self, cases: Sequence[int]) -> list[Finding]:
        if 13 in cases:
            raise ZeroDivisionError
        return [Finding(Kind.LIE, f"{case} is unlucky") for case in cases if case > 40]

    def smaller(self, case: int) -> Iterator[int]:
        yield from (case // 2, case - 1)

    def write(self, case: int) -> Any:  # noqa: ANN401  # any JSON
        return case

    def read(self, document: Any) -> int:  # noqa: ANN401  # any JSON
        return int(document)


def test_a_finding_is_pinned_down_to_the_simplest_case() -> None:
    unlucky = Finding(Kind.LIE, "99 is unlucky")
    assert [41] == pin_down(Numbers(), [1, 2, 3, 99, 5, 6, 7, 8], unlucky, 5.0)
    # Where no part of it does it alone, all of it is kept.
    together = Finding(Kind.HANG, "it takes all of them")
    assert [1, 2, 3] == pin_down(Numbers(), [1, 2, 3], together, 5.0)


def test_what_leaves_a_mode_is_a_finding() -> None:
    (finding,) = observe(Numbers(), [13])
    assert Kind.BUG == finding.kind
    assert "ZeroDivisionError" in finding.title


MIB = 2**20


@pytest.mark.parametrize(
    ("used", "leaks"),
    [
        ([(70_000, 50 * MIB), (90_000, 50 * MIB), (90_100, 50 * MIB)], []),
        ([(70_000, 50 * MIB), (70_100, 99 * MIB), (70_000, 98 * MIB)], []),
        ([(70_000, 50 * MIB), (72_001, 50 * MIB), (74_002, 50 * MIB)], ["2001 objects"]),
        ([(70_000, 50 * MIB), (70_000, 75 * MIB), (70_000, 100 * MIB)], ["25 MiB"]),
    ],
)
def test_what_is_left_behind_again_and_again_is_a_leak(
    used: list[tuple[int, int]], leaks: list[str], tmp_path: Path
) -> None:
    said: list[str] = []
    hunt = Hunt(Numbers(), "seed", tmp_path, said.append)
    hunt._look_for_leaks(used)
    assert [f"numbers: leak: {leak} are left behind, again and again" for leak in leaks] == said
    assert len(leaks) == hunt.tally.kinds[Kind.LEAK]


def test_a_hunt_counts_and_stores_each_finding_once(tmp_path: Path) -> None:
    said: list[str] = []
    hunt = Hunt(Numbers(), "seed", tmp_path, said.append)
    hunt.run(0.3)
    tally = hunt.tally
    assert tally.cases > 100
    assert {"lie: # is unlucky", "bug: ZeroDivisionError in test_fuzz.Numbers.try_out"} == set(
        tally.findings
    )
    assert tally.findings["lie: # is unlucky"] > 10
    assert 2 == len(tally.files) == len(said)
    stored = [json.loads(path.read_text())["cases"] for path in tally.files]
    assert [[13], [41]] == sorted(stored)
    first, second = format_table([tally]).splitlines()
    assert ["mode", "cases", "seconds", "cases/s", "findings", "bug", "lie"] == first.split()
    assert "numbers" == second.split()[0]
    assert ["2", "1", "1"] == second.split()[-3:]
