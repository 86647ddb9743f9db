"""`loxone-exporter simulate` as a process, over real sockets and by TLS."""

from __future__ import annotations

import contextlib
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import h11
import pytest
import trio
from attrs import define

from loxone_exporter.cli import main
from loxone_exporter.simulator.profiles import PROFILES
from support.processes import running_process
from support.raw_client import request


pytestmark = pytest.mark.slow


COMMAND = [sys.executable, "-m", "loxone_exporter", "simulate"]
ANYWHERE = ["--listen", "127.0.0.1:0"]


def end_of(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # our own program
        [*COMMAND, *arguments], capture_output=True, text=True, timeout=20, check=False
    )


@define
class Simulator:
    """A running simulator: its ports by scheme, and its log as it comes."""

    ports: dict[str, int]
    stderr: trio.abc.ReceiveStream
    log: str

    async def wait_for_log(self, text: str) -> None:
        while text not in self.log:
            self.log += bytes(await self.stderr.receive_some()).decode()


@contextlib.asynccontextmanager
async def running_simulator(*arguments: str) -> AsyncIterator[Simulator]:
    command = [*COMMAND, *ANYWHERE, *arguments]
    with trio.fail_after(20):
        async with running_process(command, stderr=subprocess.PIPE) as process:
            assert process.stderr is not None
            log = ""
            while "listens on" not in log or not log.endswith("\n"):
                data = await process.stderr.receive_some()
                assert data, log
                log += data.decode()
            places = log.split("listens on ")[1].split("\n")[0].split(", ")
            ports = {place.partition(":")[0]: int(place.rpartition(":")[2]) for place in places}
            yield Simulator(ports, process.stderr, log)


async def status(port: int) -> int:
    async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
        return (await request(stream, "jdev/cfg/api")).status


async def test_faults_from_the_command_line() -> None:
    async with running_simulator("--fault", "booting") as simulator:
        assert await status(simulator.ports["http"]) == 503


async def test_a_fault_ends_from_the_command_line() -> None:
    async with running_simulator("--fault", "booting@0-0.5") as simulator:
        assert await status(simulator.ports["http"]) == 503
        await simulator.wait_for_log("fault is over: booting@0-0.5")
        assert await status(simulator.ports["http"]) == 200


@pytest.mark.parametrize(
    ("arguments", "announced"), [([], False), (["--fault", "https-status=1"], True)]
)
async def test_tls_is_announced_only_where_it_is(arguments: list[str], announced: bool) -> None:  # noqa: FBT001  # as given
    async with running_simulator("--profile", "gen2-16", *arguments) as simulator:
        async with await trio.open_tcp_stream("127.0.0.1", simulator.ports["http"]) as stream:
            response = await request(stream, "jdev/cfg/apiKey")
        assert announced == (b"'httpsStatus':1" in response.body)


async def test_traits_are_set_from_the_command_line() -> None:
    options = ["--profile", "gen1-16", "--set", "http-idle-limit=0.2", "--set", "event-slots=1"]
    async with running_simulator(*options) as simulator:
        stream = await trio.open_tcp_stream("127.0.0.1", simulator.ports["http"])
        assert await stream.receive_some() == b""
        await stream.aclose()


async def test_the_log_says_who_it_is_and_what_clients_ask_for() -> None:
    async with running_simulator("--log-level", "debug", "--username", "Eva") as simulator:
        assert "device default: firmware 16.0.6.10, serial 504F94D0E0DE, user Eva" in simulator.log
        async with await trio.open_tcp_stream("127.0.0.1", simulator.ports["http"]) as stream:
            await request(stream, "jdev/sps/io/x/on")
        await simulator.wait_for_log("http from 127.0.0.1: 'sps/io'")
        await simulator.wait_for_log("refused with 401: 'sps/io': not logged in")


async def test_text_faults_where_there_are_no_texts_are_warned_of(tmp_path: Path) -> None:
    house = tmp_path / "house.json"
    house.write_text('{"controls": {}}')
    faults = ["--fault", "trailing-nuls", "--fault", "booting"]
    async with running_simulator(str(house), *faults) as simulator:
        assert "--fault trailing-nuls has no effect: it spoils text states" in simulator.log
        assert "--fault booting has no effect" not in simulator.log


async def test_a_reboot_from_the_command_line() -> None:
    async with running_simulator("--fault", "reboot=0.2@0.3") as simulator:
        port = simulator.ports["http"]
        seen: set[int | None] = set()
        while not seen >= {200, 503, None}:
            try:
                seen.add(await status(port))
            except (OSError, trio.BrokenResourceError, h11.RemoteProtocolError):
                seen.add(None)  # refused, or cut off in the moment of the reboot
            await trio.sleep(0.01)


async def test_tls_from_the_command_line(tmp_path: Path) -> None:
    pytest.importorskip("trustme")
    authority = tmp_path / "ca.pem"
    tls = ["--profile", "compact-16", "--tls-listen", "127.0.0.1:0", "--tls-ca-file"]
    async with running_simulator(*tls, str(authority)) as simulator:
        serial = PROFILES["compact-16"].serial
        assert (
            f"certificate for *.{serial.lower()}.dyndns.loxonecloud.com, sha256:" in simulator.log
        )
        stream = await trio.open_tcp_stream("127.0.0.1", simulator.ports["https"])
        context = ssl.create_default_context(cafile=str(authority))
        name = f"127-0-0-1.{serial.lower()}.dyndns.loxonecloud.com"
        encrypted = trio.SSLStream(stream, context, server_hostname=name, https_compatible=True)
        response = await request(encrypted, "jdev/cfg/apiKey")
        assert b"'httpsStatus':1" in response.body
        await encrypted.aclose()
        assert await status(simulator.ports["http"]) == 200


async def test_an_expired_certificate_from_the_command_line(tmp_path: Path) -> None:
    pytest.importorskip("trustme")
    authority = tmp_path / "ca.pem"
    tls = ["--tls-listen", "127.0.0.1:0", "--tls-ca-file", str(authority)]
    fault = ["--fault", "certificate-expired", "--fault", "serial"]
    async with running_simulator(*tls, *fault) as simulator:
        stream = await trio.open_tcp_stream("127.0.0.1", simulator.ports["https"])
        context = ssl.create_default_context(cafile=str(authority))
        name = "127-0-0-1.504f94ffffff.dyndns.loxonecloud.com"
        encrypted = trio.SSLStream(stream, context, server_hostname=name, https_compatible=True)
        with pytest.raises(trio.BrokenResourceError) as caught:
            await encrypted.do_handshake()
        assert "certificate has expired" in str(caught.value.__cause__)
        await stream.aclose()


def test_the_list_of_faults() -> None:
    ended = end_of("--list-faults")
    assert (0, "") == (ended.returncode, ended.stderr)
    assert "\n  half-open\n" in ended.stdout
    assert "\n  reboot[=SECONDS]\n" in ended.stdout


def test_the_list_of_profiles(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "--list-profiles"]) == 0
    profiles, _, settings = capsys.readouterr().out.partition("\n\n")
    assert "  ban-failures=COUNT; default: 5\n" in settings
    lines = profiles.splitlines()
    assert list(PROFILES) == [line.split()[0] for line in lines]
    assert ["TLS" if profile.https_status else "no TLS" for profile in PROFILES.values()] == [
        line.rpartition(", ")[2] for line in lines
    ]


def test_help_says_what_tls_needs(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["simulate", "--help"])
    assert "loxone-exporter[simulator]" in "".join(capsys.readouterr().out.split())


def test_help_says_how_to_order_faults(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["simulate", "--help"])
    text = capsys.readouterr().out
    assert "--fault NAME[=VALUE][@TIME]" in text
    assert "--fault half-open@30-60" in text
    assert "--fault reboot=5@20" in text
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--fault", "dribble=abc"], "dribble: the value must be a number, not 'abc'"),
        (["--fault", "half-opn"], "there is no fault 'half-opn'; did you mean half-open?"),
        (["--profile", "gen1_16"], "there is no profile 'gen1_16'; did you mean gen1-16?"),
        (["--profile", "x"], "there is no profile 'x'; see --list-profiles"),
        (["--set", "event_slots=3"], "no setting 'event_slots'; did you mean event-slots?"),
        (["--set", "admin"], "--set admin: admin needs a value: admin=on|off"),
        (["--set", "login-limit=0"], "login-limit: the value must be from 0.1 to 86400, not '0'"),
        (["--tls-ca-file", "x"], "--tls-ca-file needs --tls-listen"),
        (["--tls-listen", ":0", "--profile", "gen1-8"], "first generation has no TLS"),
        (["--tls-listen", ":0", "--tls-ca-file", "/dev/null/x"], "/dev/null/x: "),
    ],
)
def test_wrong_options_are_explained(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 2 == main(["simulate", *ANYWHERE, *arguments])
    assert complaint in capsys.readouterr().err


def test_wrong_addresses_are_explained(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["simulate", "--tls-listen", "x"])
    assert 2 == caught.value.code
    assert "--tls-listen: expected a port or an address" in capsys.readouterr().err


def test_usage_errors_end_with_code_2() -> None:
    ended = end_of(*ANYWHERE, "--tls-ca-file", "x")
    assert (2, "--tls-ca-file needs --tls-listen\n") == (ended.returncode, ended.stderr)


def test_without_the_libraries_for_tls_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "trustme", None)
    assert 2 == main(["simulate", *ANYWHERE, "--tls-listen", "127.0.0.1:0"])
    assert "loxone-exporter[simulator]" in capsys.readouterr().err
