"""Everything that the documentation shows, tried: a block that nobody can try fails."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Final

import pytest
import trio
from attrs import field, frozen

from loxone_exporter import cli
from loxone_exporter.config.load import load_config
from loxone_exporter.metrics.exposition import Format
from loxone_exporter.simulator.demo import DemoHouse
from loxone_exporter.simulator.miniserver import SimulatedMiniserver
from loxone_exporter.simulator.profile import Profile
from support.configs import CERTIFICATE, MINISERVER
from support.documents import METRICS_PAGE, OPERATIONS_PAGE, PAGES, ROOT, Block, blocks, spans
from support.memory_network import small_house
from support.processes import run_command, running_exporter, serve_on_loopback, write_toml
from support.prometheus import configured_prometheus, remember
from support.promtool import promtool


pytestmark = pytest.mark.slow


KINDS: Final = {"ini", "promql", "python", "sh", "toml", "yaml"}
"""What is tried: here, but for the row of the catalog (python), which test_pages.py has."""

SHOWN: Final = {"text"}
"""Outputs and drawings."""

NOT_TRIED: Final[Mapping[str, str]] = {
    ".": "the environment is there already",
    "apt": "it changes the machine",
    "cd": "the folder is there already",
    "cp": "test_compose.py fills in .env, test_kubernetes_page.py copies an overlay",
    "docker": "`nox -s container` builds and runs the image under podman",
    "git": "it changes the repository",
    "htpasswd": "it is not everywhere; test_security_page.py makes a hash in the other way",
    "install": "the file is written by the test",
    "kubectl": "test_kubernetes_page.py tries it without a cluster",
    "journalctl": "it needs systemd as the machine's first process",
    "ln": "it changes the machine",
    "mkdir": "the folder is there already",
    "openssl": "test_security_page.py runs it",
    "pip": "the wheel is installed by `nox -s build`",
    "podman": "`nox -s container` builds the image by it",
    "python3": "it makes an environment, as `nox -s build` does; or see test_security_page.py",
    "systemctl": "it needs systemd as the machine's first process",
}
"""Programs that are not run, each with the reason."""

LASTING: Final = {"demo", "run", "simulate"}
"""Commands that go on until they are stopped."""

FOLDERS: Final = ("/etc/loxone-exporter", "/run/credentials/loxone-exporter.service")
SECRETS: Final = ("loxone-exporter.password", "barn.password")

SAMPLES: Final = 7
"""How many scrapes Prometheus remembers, ten minutes apart."""


@frozen
class Command:
    """One command of a block.

    Attributes:
        words: The program, without its folder, and its arguments.
        environ: The variables that are set for it.
    """

    words: tuple[str, ...]
    environ: Mapping[str, str] = field(factory=dict, hash=False)


def commands(text: str) -> Iterator[Command]:
    """The single commands of a shell script without anything clever in it."""
    for line in text.replace("\\\n", " ").splitlines():
        words: list[str] = []
        for word in [*shlex.split(line, comments=True), "&&"]:
            if word in {"&&", "|"}:
                if words:
                    yield command(words)
                words = []
            else:
                words.append(word)


def command(words: list[str]) -> Command:
    environ: dict[str, str] = {}
    while words[0] == "sudo" or re.match(r"[A-Z_]+=", words[0]):
        name, equals, value = words.pop(0).partition("=")
        if equals:
            environ[name] = value
    return Command((Path(words[0]).name or words[0], *words[1:]), environ)


def all_commands(program: str) -> Iterator[Command]:
    """All of a program in blocks, each once."""
    found = [each for block in blocks("sh") for each in commands(block.text)]
    return iter(dict.fromkeys(each for each in found if each.words[0] == program))


def in_sentences(program: str) -> Iterator[list[str]]:
    """Those that are within sentences and tables."""
    for page in PAGES:
        for span in spans(page):
            words = span.split()
            if words[0] == program and len(words) > 1 and "…" not in span:
                yield shlex.split(span)


def sessions() -> set[str]:
    text = (ROOT / "noxfile.py").read_text(encoding="utf-8")
    return set(re.findall(r"^@nox\.session\ndef (\w+)", text, re.MULTILINE))


def in_folder(text: str, folder: Path) -> str:
    """What is said of the machine's folders, said of one folder."""
    for place in FOLDERS:
        text = text.replace(place, str(folder))
    return text


def write_secrets(folder: Path, password: str) -> None:
    for name in SECRETS:
        (folder / name).write_text(f"{password}\n", encoding="utf-8")
        (folder / name).chmod(0o600)


def here(language: str) -> list[Block]:
    """The blocks of a language, but for those that test_security_page.py tries with their files."""
    return [block for block in blocks(language) if block.page.name != "security.md"]


def test_every_block_is_of_a_kind_that_is_tried() -> None:
    assert len(blocks()) > 80
    assert [] == [str(block) for block in blocks() if block.language not in KINDS | SHOWN]
    fences = sum(page.read_text(encoding="utf-8").count("```") for page in PAGES)
    assert 2 * len(blocks()) == fences


@pytest.mark.parametrize("block", here("toml"), ids=str)
def test_configurations_load(block: Block, tmp_path: Path) -> None:
    write_secrets(tmp_path, "hunter2")
    (tmp_path / "authority.pem").write_text(CERTIFICATE, encoding="utf-8")
    path = tmp_path / "loxone-exporter.toml"
    rest = "" if "[[miniservers]]" in block.text else MINISERVER
    path.touch(mode=0o600)
    path.write_text(in_folder(block.text, tmp_path) + rest, encoding="utf-8")
    # One that is shared does not say which exporter this is.
    assert () == load_config(path, {"LOXONE_SHARD": "0"}).warnings


@pytest.mark.parametrize("block", here("yaml"), ids=str)
def test_prometheus_accepts_its_files(block: Block, tmp_path: Path) -> None:
    path = tmp_path / "prometheus.yml"
    path.write_text(block.text, encoding="utf-8")
    promtool("check", "rules" if block.text.startswith("groups:") else "config", path)


def test_every_program_is_known() -> None:
    programs = {each.words[0] for block in blocks("sh") for each in commands(block.text)}
    assert {"loxone-exporter", "nox", "promtool"} == programs - NOT_TRIED.keys()
    assert set() == NOT_TRIED.keys() - programs


def test_sessions_of_nox_exist() -> None:
    shown = [*(each.words for each in all_commands("nox")), *in_sentences("nox")]
    assert len(shown) > 10
    for _, option, *names in shown:
        wanted = names[: names.index("--")] if "--" in names else names
        assert option == "-s", names
        assert {*wanted} <= sessions() | {"NAME"}


def test_commands_have_the_options_that_are_shown() -> None:
    parser = cli._build_parser()
    shown = [*(each.words for each in all_commands("loxone-exporter"))]
    shown += map(tuple, in_sentences("loxone-exporter"))
    assert len(shown) > 20
    for _, *arguments in shown:
        if arguments != ["--version"]:
            # What is wrong with it is on standard error, which pytest shows.
            assert callable(parser.parse_args(arguments).command)


def test_rules_are_checked_as_shown(tmp_path: Path) -> None:
    (shown,) = all_commands("promtool")
    (rules, *_) = [block for block in blocks("yaml") if "loxone-energy" in block.text]
    (tmp_path / shown.words[-1]).write_text(rules.text, encoding="utf-8")
    promtool(*shown.words[1:-1], tmp_path / shown.words[-1])


def is_on_the_spot(arguments: Sequence[str]) -> bool:
    """Whether a command is done at once, and asks nobody for anything."""
    return arguments == ["check"] or arguments[-1].startswith("--list-")


def test_commands_on_the_spot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_toml(tmp_path / "loxone-exporter.toml", {"home": 80}).chmod(0o600)
    monkeypatch.chdir(tmp_path)
    shown = [(list(each.words[1:]), each.environ) for each in all_commands("loxone-exporter")]
    tried = [each for each in shown if is_on_the_spot(each[0])]
    assert len(tried) == 4
    for arguments, environ in tried:
        with monkeypatch.context() as patch:
            for name, value in environ.items():
                patch.setenv(name, value)
            assert 0 == cli.main(arguments)
        assert capsys.readouterr().out, arguments


async def test_commands_with_a_miniserver(nursery: trio.Nursery, tmp_path: Path) -> None:
    house = DemoHouse(now=datetime(2026, 3, 14, 12, tzinfo=UTC))
    miniserver = SimulatedMiniserver(
        house, username="demo", password="demo", profile=Profile(key_bits=1024)
    )
    port = await serve_on_loopback(miniserver, nursery)
    # What is told of somebody's house and machine, told of what is here.
    here = {
        "192.168.1.77": f"http://127.0.0.1:{port}/",
        "prometheus": "demo",
        "secret": "demo",
        "127.0.0.1:7777": "127.0.0.1:0",
    }
    for number, shown in enumerate(all_commands("loxone-exporter")):
        folder = tmp_path / str(number)
        folder.mkdir()
        if shown.words[1] != "init":
            write_secrets(folder, "demo")
        (folder / "LoxAPP3.json").write_bytes(house.structure)
        arguments = [here.get(word, word) for word in shown.words[1:]]
        if is_on_the_spot(arguments):
            continue
        environ = {
            name: in_folder(here.get(value, value), folder) for name, value in shown.environ.items()
        }
        if arguments[0] != "init":
            write_toml(folder / "loxone-exporter.toml", {"home": port}).chmod(0o600)
        elif "--host" not in arguments:
            # Nobody is there who could be asked.
            arguments += ["--host", here["192.168.1.77"], "--username", "demo"]
            environ["LOXONE_PASSWORD"] = "demo"
        await perform(arguments, environ, folder)


async def perform(arguments: list[str], environ: Mapping[str, str], folder: Path) -> None:
    """Run a command to its end or, where it has none, until it does its work."""
    if arguments[0] not in LASTING:
        ended = await run_command(*arguments, environ=environ, folder=folder)
        assert 0 == ended.returncode, (arguments, ended.stderr)
        assert ended.stdout, arguments
        return
    if arguments[0] != "run" and "--listen" not in arguments:
        arguments = [*arguments, "--listen", "127.0.0.1:0"]
    async with running_exporter(arguments, environ=environ, folder=folder) as running:
        await running.wait_for_log(" listens on " if arguments[0] == "simulate" else "connected")
        await running.stop()
        assert 0 == running.process.returncode, running.log


async def test_queries_find_something(tmp_path: Path) -> None:
    now = int(time.time())
    rules = tmp_path / "rules"
    rules.mkdir()
    async with running_exporter(["demo", "--listen", "127.0.0.1:0"]) as exporter:
        await exporter.wait_until_listening()
        await exporter.wait_for("/metrics", "\nloxone_control_value{")
        _, scrape = await exporter.get("/metrics", {"accept": Format.OPENMETRICS.value})
    earlier = [now - 600 * number for number in range(SAMPLES - 1, 0, -1)]
    await remember(scrape.encode(), tmp_path, time=now, earlier=earlier)
    recorded: list[str] = []
    for number, block in enumerate(
        each for each in blocks("yaml") if each.text.startswith("groups:")
    ):
        text = re.sub(r"interval: .*", "interval: 1s", block.text)
        (rules / f"{number}.yml").write_text(text, encoding="utf-8")
        recorded += re.findall(r"record: (\S+)", text)
    assert len(recorded) >= 5
    pages = {METRICS_PAGE, OPERATIONS_PAGE}  # test_queries.py, and conditions that never hold here
    queries = [block for block in blocks("promql") if block.page not in pages]
    assert len(queries) >= 8
    config = f"global: {{evaluation_interval: 1s}}\nrule_files: [{json.dumps(f'{rules}/*.yml')}]\n"
    async with configured_prometheus(config, tmp_path) as prometheus:
        for block in queries:
            assert await prometheus.query(block.text, time=now), str(block)
        with trio.fail_after(30):
            for name in recorded:
                while not await prometheus.query(f'{{__name__="{name}"}}'):
                    await trio.sleep(0.1)
        (before,) = [
            query.text
            for query in queries
            if query.text.startswith("increase(loxone_energy_import")
        ]
        assert await prometheus.query(before, time=now)


async def test_houses_are_scraped_one_at_a_time(nursery: trio.Nursery, tmp_path: Path) -> None:
    (fleet,) = [block for block in blocks("yaml") if "__param_miniserver" in block.text]
    ports = {}
    for name in ("home", "barn"):
        miniserver = SimulatedMiniserver(
            small_house(), username="demo", password="demo", profile=Profile(key_bits=1024)
        )
        ports[name] = await serve_on_loopback(miniserver, nursery)
    config = write_toml(tmp_path / "houses.toml", ports)
    async with running_exporter(["run", "--config", str(config)]) as exporter:
        await exporter.wait_until_listening()
        address = exporter.url.removeprefix("http://")
        assert 2 == fleet.text.count("localhost:9504")
        text = fleet.text.replace("localhost:9504", address).replace(
            "[home, barn]", "[home, barn, shed]"
        )
        text = f"global: {{scrape_interval: 1s}}\n{text}"
        async with configured_prometheus(text, tmp_path) as prometheus:
            with trio.fail_after(60):
                while 2 != len(await prometheus.query("loxone_exporter_connected == 1")):
                    await trio.sleep(0.2)
                while 4 != len(await prometheus.query("up")):
                    await trio.sleep(0.2)

            async def pairs(query: str) -> set[tuple[str, str]]:
                found = [each["metric"] for each in await prometheus.query(query)]
                return {(each["instance"], each.get("miniserver", "")) for each in found}

            assert {("home", "home"), ("barn", "barn")} == await pairs("loxone_control_value")
            assert {("home", "home"), ("barn", "barn")} == await pairs(
                '{job="loxone",miniserver!=""}'
            )
            assert {("home", ""), ("barn", ""), (address, "")} == await pairs("up == 1")
            # A house that the exporter does not know.
            assert {("shed", "")} == await pairs("up == 0")
            for name in re.findall(r"^        - (\w+)$", text, re.MULTILINE):
                of_process = f'{{__name__=~"{name}(_count)?",job="loxone-exporter"}}'
                assert {(address, "")} == await pairs(of_process), name
            assert {(address, "")} == await pairs("process_resident_memory_bytes")


def test_the_unit_is_the_one_that_is_shipped(tmp_path: Path) -> None:
    (shown,) = blocks("ini")
    unit = (ROOT / "deploy/systemd/loxone-exporter.service").read_text(encoding="utf-8")
    assert unit == shown.text
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("there is no systemd-analyze here")
    path = tmp_path / "loxone-exporter.service"
    path.write_text(unit.replace("/opt/loxone-exporter/bin/loxone-exporter", sys.executable))
    for arguments in (["verify"], ["security", "--offline=true", "--threshold=20"]):
        command = [analyze, *arguments, str(path)]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        assert 0 == ended.returncode, ended.stdout + ended.stderr
        assert "loxone-exporter.service:" not in ended.stderr


class Resources(HTMLParser):
    """What a page of the site loads, and the places in it that can be linked to."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.anchors: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.anchors.add(given.get("id") or "")
        if tag in {"script", "img", "iframe"} or (
            tag == "link" and given.get("rel") != "canonical"
        ):
            self.loaded += [given[name] or "" for name in ("src", "href") if given.get(name)]


def test_the_site_is_whole_and_asks_no_other_host(tmp_path: Path) -> None:
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert 0 == built.returncode, built.stderr
    pages: dict[str, Resources] = {}
    for path in tmp_path.rglob("*.html"):
        page = pages[path.parent.name if path.name == "index.html" else path.stem] = Resources()
        page.feed(path.read_text(encoding="utf-8"))
    loaded = {source for page in pages.values() for source in page.loaded}
    assert len(loaded) > 5
    assert [] == [source for source in loaded if re.match(r"(\w+:)?//", source)]
    for sheet in tmp_path.rglob("*.css"):
        text = sheet.read_text(encoding="utf-8")
        assert not re.search(r"url\(['\"]?(https?:)?//|@import", text), sheet
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\(docs/([\w-]+)\.md#?([^)]*)\)", readme)
    assert {page.stem for page in PAGES[1:]} - {"index"} <= {page for page, _ in links}
    for page, anchor in links:
        assert anchor in {"", *pages[page].anchors}, (page, anchor)
