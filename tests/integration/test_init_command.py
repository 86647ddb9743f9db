"""`loxone-exporter init` as people and scripts run it, against Miniservers on loopback."""

from __future__ import annotations

import io
import os
import stat
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from textwrap import indent

import pytest
import trio
from attrs import evolve

from loxone_exporter.cli import main
from loxone_exporter.simulator.miniserver import SimulatedMiniserver
from loxone_exporter.simulator.profile import Profile
from loxone_exporter.simulator.profiles import PROFILES
from loxone_exporter.simulator.tls import make_certificate
from support.documents import blocks
from support.exporters import sent
from support.memory_network import small_house
from support.processes import (
    run_command,
    running_exporter,
    serve_on_loopback,
    serve_with_tls_on_loopback,
)
from support.terminals import Terminal, plain, terminal


pytestmark = pytest.mark.slow


LOGIN = "jdev/sys/getjwt"
USER, PASSWORD = 'Jörg "der\\Bär"', ' pä$$ "wort"\\ '
GIVEN = {"LOXONE_PASSWORD": PASSWORD}
NAMES = ["loxone-exporter.password", "loxone-exporter.toml"]


def miniserver(profile: Profile | None = None) -> SimulatedMiniserver:
    profile = evolve(profile or Profile(), key_bits=1024)
    return SimulatedMiniserver(small_house(), username=USER, password=PASSWORD, profile=profile)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def table(path: Path) -> dict[str, object]:
    """The one Miniserver's."""
    [found] = tomllib.loads(path.read_text(encoding="utf-8"))["miniservers"]
    assert isinstance(found, dict)
    return found


async def test_what_it_writes_is_run_and_scraped(nursery: trio.Nursery, tmp_path: Path) -> None:
    house = miniserver()
    port = await serve_on_loopback(house, nursery)
    options = ["--host", f"http://127.0.0.1:{port}/", "--username", USER, "--name", 'Süd "1"\\']
    ended = await run_command("init", *options, environ=GIVEN, folder=tmp_path)
    assert (0, "") == (ended.returncode, ended.stderr)
    assert PASSWORD.strip() not in ended.stdout
    assert "2 controls" in ended.stdout
    assert "\n  loxone-exporter check --connect\n  loxone-exporter run\n" in ended.stdout
    (job,) = (block.text for block in blocks("yaml") if block.page.name == "getting-started.md")
    assert indent(job, "  ") in ended.stdout
    assert 1 == len(sent(house, LOGIN))
    assert {} == dict(house.tokens)

    config, password = tmp_path / "loxone-exporter.toml", tmp_path / "loxone-exporter.password"
    assert NAMES == names(tmp_path)
    assert 0o600 == mode(password)
    assert f"{PASSWORD}\n" == password.read_text(encoding="utf-8")
    assert {
        "name": 'Süd "1"\\',
        "host": "127.0.0.1",
        "port": port,
        "serial": house.profile.serial,
        "username": USER,
        "password_file": "loxone-exporter.password",
    } == table(config)

    async with running_exporter(["run", "--listen", "127.0.0.1:0"], folder=tmp_path) as exporter:
        await exporter.wait_until_listening()
        scraped = await exporter.wait_for("/metrics", "\nloxone_control_value{")
        assert 'loxone_exporter_connected{miniserver="Süd \\"1\\"\\\\"} 1.0' in scraped
        await exporter.stop()
        assert 0 == exporter.process.returncode


async def test_tls_is_found_out_and_insisted_on(nursery: trio.Nursery, tmp_path: Path) -> None:
    house = miniserver(PROFILES["gen2-16"])
    certificate = make_certificate(house.profile.serial)
    port, tls_port = await serve_with_tls_on_loopback(house, certificate, nursery)
    (tmp_path / "ca.pem").write_bytes(certificate.authority_pem)
    ended = await run_command(
        "init",
        *("--host", "127.0.0.1", "--port", str(port), "--tls-port", str(tls_port)),
        *("--tls-ca-file", "ca.pem", "--username", USER, "--password-inline"),
        *("--output", "my house.toml"),
        environ=GIVEN,
        folder=tmp_path,
    )
    assert (0, "") == (ended.returncode, ended.stderr)
    assert "by TLS (the Miniserver offers it)" in ended.stdout
    assert "loxone-exporter run --config 'my house.toml'" in ended.stdout
    assert PASSWORD.strip() not in ended.stdout
    config = tmp_path / "my house.toml"
    assert ["ca.pem", "my house.toml"] == names(tmp_path)
    assert 0o600 == mode(config)
    assert {
        "name": "home",
        "host": "127.0.0.1",
        "port": port,
        "tls_port": tls_port,
        "tls": "required",
        "serial": "504F94A20002",
        "tls_ca_file": str(tmp_path / "ca.pem"),
        "username": USER,
        "password": PASSWORD,
    } == table(config)
    assert 1 == len(sent(house, LOGIN))


async def test_a_wrong_password_is_tried_once_and_not_written_down(
    nursery: trio.Nursery, tmp_path: Path
) -> None:
    house = miniserver()
    port = await serve_on_loopback(house, nursery)
    options = ["--host", f"127.0.0.1:{port}", "--username", USER]
    wrong = await run_command("init", *options, environ={"LOXONE_PASSWORD": "no"}, folder=tmp_path)
    assert (1, "") == (wrong.returncode, wrong.stderr)
    assert "user or password is wrong" in wrong.stdout
    assert "locks an address out" in wrong.stdout
    assert "--no-connect writes it without trying\nnothing was written\n" in wrong.stdout
    assert 1 == len(sent(house, LOGIN))
    assert [] == names(tmp_path)


def test_what_does_not_answer_is_not_written_down(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 1 == init("--host", "127.0.0.1:1", "--username", "x")
    assert "Connection refused" in capsys.readouterr().out
    assert [] == names(folder)


def test_what_is_missing_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == init()
    assert "--host, --username missing\n" in capsys.readouterr().err


def init(*arguments: str) -> int:
    """Run it in this process: what there is to try fails or succeeds without a network."""
    return main(["init", *arguments])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where it runs, with a password and without a terminal."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOXONE_PASSWORD", PASSWORD)
    monkeypatch.setattr(sys, "stdin", io.StringIO("nobody reads this"))
    return tmp_path


OFFLINE = ["--host", "192.168.1.77", "--username", "x", "--no-connect"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--password", "geheim"], "so none of them is a password"),
        (["--password=geheim"], "so none of them is a password"),
        (["--host", "http://x:geheim@192.168.1.77/"], "leave out the user and the password"),
        (["--port", "0"], "argument --port: expected a number from 1 to 65535"),
        (["--port", "9" * 5000], "argument --port: expected a number from 1 to 65535"),
        ([*OFFLINE, "--tls", "off", "--tls-port", "8443"], 'has no effect with tls = "off"'),
        ([*OFFLINE, "--output", "x", "--password-file", "x"], "need a file each"),
        ([*OFFLINE, "--password-env", "P", "--password-inline"], "not allowed with"),
    ],
)
def test_what_makes_no_sense_is_refused_and_no_secret_is_taken_or_shown(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], complaint: str
) -> None:
    try:
        code: object = init(*arguments)
    except SystemExit as ended:
        code = ended.code
    shown = capsys.readouterr()
    assert (2, "") == (code, shown.out)
    assert complaint in shown.err
    assert "geheim" not in shown.err
    assert [] == names(folder)


def test_files_that_are_there_are_kept_where_they_are_replaced(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in NAMES:
        (folder / name).write_text(f"old {name}")
        assert 2 == init(*OFFLINE)
        assert f"{folder / name} is there already: --force" in capsys.readouterr().err
    assert 0 == init(*OFFLINE, "--force")
    kept = [f"{name}.bak" for name in NAMES]
    assert sorted([*NAMES, *kept]) == names(folder)
    assert [f"old {name}" for name in NAMES] == [(folder / name).read_text() for name in kept]
    shown = capsys.readouterr().out
    assert all(f"kept: {folder / name}" in shown for name in kept)
    assert "192.168.1.77" == table(folder / "loxone-exporter.toml")["host"]


def test_a_link_stays_one(folder: Path) -> None:
    (folder / "etc").mkdir()
    (folder / "loxone-exporter.toml").symlink_to("etc/real.toml")
    assert 0 == init(*OFFLINE)
    assert (folder / "loxone-exporter.toml").is_symlink()
    assert ["real.password", "real.toml"] == names(folder / "etc")


def test_a_password_that_is_somewhere_already_stays_there(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    there = folder / "there"
    there.write_text("hunter2\n")
    there.chmod(0o644)
    assert 0 == init(*OFFLINE, "--password-file", "there")
    config = folder / "loxone-exporter.toml"
    assert str(there) == table(config)["password_file"]
    warning = f"warning: {config}: miniservers[0].password_file: every user"
    assert warning in capsys.readouterr().out
    assert ["loxone-exporter.toml", "there"] == names(folder)

    monkeypatch.setenv("MINE", "x")
    assert 0 == init(*OFFLINE, "--password-env", "MINE", "--output", "other.toml")
    assert "MINE" == table(folder / "other.toml")["password_env"]


def test_a_folder_that_is_not_there_is_said_so(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 1 == init(*OFFLINE, "--output", "nowhere/x.toml")
    assert "there is no folder" in capsys.readouterr().err


ANYBODY = """
import os, sys
import loxone_exporter.setup.command
from loxone_exporter.cli import main
if os.geteuid() == 0:  # for root, every folder can be written
    os.setuid(65534)
sys.exit(main(sys.argv[1:]))
"""


def test_a_folder_that_cannot_be_written_is_said_so_before_anything_is_asked() -> None:
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o555)
        ended = subprocess.run(
            [sys.executable, "-c", ANYBODY, "init", "--output", f"{place}/x.toml"],
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        assert (1, "") == (ended.returncode, ended.stdout)
        # What measures the coverage cannot write there, either, and says so behind it.
        assert ended.stderr.startswith(f"cannot write {place}/x.toml: Permission denied\n")
        assert [] == names(Path(place))


async def answer(asked: Terminal, question: str, text: str) -> None:
    await asked.expect(question)
    asked.type(text)


async def test_everything_is_asked_for_at_a_terminal(nursery: trio.Nursery, tmp_path: Path) -> None:
    house = miniserver()
    port = await serve_on_loopback(house, nursery)
    async with terminal("init", folder=tmp_path) as asked:
        await answer(asked, "Address of the Miniserver, as in a browser: ", "no address!")
        await answer(asked, "Address of the Miniserver", f"http://127.0.0.1:{port}/")
        await answer(asked, "Loxone user: ", USER)
        await answer(asked, "Password, which is not shown: ", "wrong")
        await answer(asked, "Name of the Miniserver in the metrics [home]: ", "")
        await answer(asked, "(again, write, quit) [quit]: ", "again")
        assert 1 == len(sent(house, LOGIN))
        # What was refused is not tried a second time.
        await answer(asked, "[as before]: ", "")
        await answer(asked, f"Loxone user [{USER}]: ", "")
        await answer(asked, "[as before]: ", "wrong")
        await asked.expect("is not tried a second time")
        await answer(asked, "[as before]: ", "")
        await answer(asked, f"Loxone user [{USER}]: ", "")
        await answer(asked, "[as before]: ", PASSWORD)
        await asked.expect("loxone-exporter run")
        assert 0 == await asked.end()
    assert 2 == len(sent(house, LOGIN))
    shown = " ".join(plain(asked.screen).split())
    assert "user or password is wrong" in shown
    assert "locks an address out" in shown
    assert 1 == shown.count("wrong")
    # What is written after all has the serial number: only before was that an advice.
    assert 1 == shown.count("makes sure that it is never another one")
    assert PASSWORD.strip() not in asked.screen
    assert "Miniserver 'home'\n" in plain(asked.screen)
    assert NAMES == names(tmp_path)
    assert port == table(tmp_path / "loxone-exporter.toml")["port"]


async def test_what_does_not_work_can_be_written_all_the_same(
    nursery: trio.Nursery, tmp_path: Path
) -> None:
    house = miniserver()
    house.faults.locked_out = 120
    port = await serve_on_loopback(house, nursery)
    arguments = ["init", "--host", f"127.0.0.1:{port}", "--username", USER, "--name", "x"]
    async with terminal(*arguments, folder=tmp_path, environ=GIVEN) as asked:
        await asked.expect("locked out this address")
        # To try again would make it worse.
        await answer(asked, "Write it all the same, or quit? (write, quit) [quit]: ", "w")
        assert 0 == await asked.end()
    assert "serial" not in table(tmp_path / "loxone-exporter.toml")
    assert [] == sent(house, LOGIN)


@pytest.mark.parametrize(("key", "question"), [("C", "Loxone user: "), ("D", "Password")])
async def test_whoever_gives_up_leaves_nothing_behind(
    tmp_path: Path, key: str, question: str
) -> None:
    arguments = ["init", "--host", "192.168.1.77"]
    arguments += ["--username", "x"] if question == "Password" else []
    async with terminal(*arguments, folder=tmp_path) as asked:
        await asked.expect(question)
        asked.press(key)
        assert 1 == await asked.end()
    assert "nothing was written" in asked.screen
    assert "Traceback" not in asked.screen
    assert [] == names(tmp_path)


INTERRUPTED = """
import os, shutil, sys
from pathlib import Path
from textwrap import indent
from loxone_exporter.cli import main

AT = {"open", "os.rename", "os.remove", "os.chmod", "os.chown"}
CHANGES = os.O_WRONLY | os.O_RDWR | os.O_TRUNC
folder = Path(sys.argv[1])
PLACES = {str(folder / name) for name in ("house.toml", "house.password")}
options = ["init", "--host", "192.168.1.77", "--username", "new", "--no-connect", "--force"]
options += ["--output", str(folder / "house.toml")]

def run(deadline):
    # Die before the step with this number, as a machine does that loses its power.
    seen = 0
    def hook(event, arguments):
        nonlocal seen
        if event == "open" and arguments[0] in PLACES and arguments[2] & CHANGES:
            os._exit(7)
        if event in AT and str(folder) in str(arguments[0]):
            seen += 1
            if seen == deadline:
                os._exit(9)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.addaudithook(hook)
    os._exit(main(options))

for number in range(1, 100):
    shutil.rmtree(folder)
    folder.mkdir()
    for name in ("house.toml", "house.password"):
        (folder / name).write_text("old")
    child = os.fork()
    if not child:
        run(number)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in {0, 9}, code  # 7: a file is changed where it is
    # Old or new, but whole; the password is never newer than what refers to it without a copy.
    config, password = [(folder / name).read_text() for name in ("house.toml", "house.password")]
    assert config == "old" or config.endswith('#client_id = "loxone-exporter"\\n'), config
    assert password in {"old", "hunter2\\n"}, password
    assert config == "old" or password != "old"
    kept = folder / "house.password.bak"
    assert password == "old" or kept.read_text() == "old"
    leftovers = {path.name for path in folder.iterdir() if path.name.startswith(".")}
    assert code == 9 or not leftovers, leftovers
    if code == 0:
        break
print(number)
"""


def test_a_loss_of_power_at_any_step_leaves_whole_files(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    ended = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, str(folder)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LOXONE_PASSWORD": "hunter2"},
    )
    assert "" == ended.stderr
    assert int(ended.stdout) > 10
