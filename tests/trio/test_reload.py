"""Configurations that change while the exporter runs, in simulated time."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import trio
from attrs import define, field
from trio.testing import MockClock

from loxone_exporter import reading
from loxone_exporter.config.load import Loaded, load_config
from loxone_exporter.config.source import ConfigSource
from loxone_exporter.reload import CHECK_INTERVAL, RETRY_INTERVAL, SETTLED_AFTER, Reloader, TakeOver
from loxone_exporter.stop import StopRequest
from loxone_exporter.vitals import Vitals
from support.configs import MINISERVER, write_config


NOTICED = CHECK_INTERVAL + 2 * SETTLED_AFTER + 0.5
"""Seconds within which another file is in use."""

BAD = '[web]\nlisten = 5\n[[miniservers]]\nhots = "x"\n'


@define(eq=False)
class Watched:
    """A reloader, and what it had applied."""

    path: Path
    reloader: Reloader
    vitals: Vitals
    applied: list[Loaded] = field(factory=list)

    @classmethod
    def of(cls, path: Path) -> Watched:
        source = ConfigSource(path, lambda: load_config(path, {}))
        source.load()
        applied: list[Loaded] = []
        vitals = Vitals(configured_at=1.0)

        async def prepare(loaded: Loaded) -> TakeOver:
            await trio.lowlevel.checkpoint()

            def take_over() -> str:
                applied.append(loaded)
                return "changes"

            return take_over

        return cls(path, Reloader(source, prepare, vitals, StopRequest()), vitals, applied)

    @property
    def names(self) -> list[list[str]]:
        """The Miniservers of each configuration that was applied."""
        return [[m.name for m in loaded.config.miniservers] for loaded in self.applied]


@pytest.fixture
def watched(without_threads: None, tmp_path: Path) -> Watched:
    return Watched.of(write_config(tmp_path, MINISERVER))


def renamed(name: str) -> str:
    return MINISERVER.replace('"home"', f'"{name}"')


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.levelno >= logging.ERROR]


async def test_a_good_configuration_is_taken_over(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    watched.path.write_text(renamed("other"))
    assert "" == await watched.reloader.reload("SIGHUP")
    assert [["other"]] == watched.names
    assert watched.vitals.is_configuration_current
    assert abs(time.time() - watched.vitals.configured_at) < 5
    assert "configuration reloaded (SIGHUP): changes" in caplog.messages


async def test_a_bad_one_changes_nothing_and_tells_all_findings(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    watched.path.write_text(BAD)
    complaint = await watched.reloader.reload("SIGHUP")
    assert [] == watched.applied
    assert not watched.vitals.is_configuration_current
    assert 1.0 == watched.vitals.configured_at
    for part in ("web.listen", "hots", "name", "username", "password"):
        assert part in complaint
        assert any(part in message for message in errors(caplog))
    assert len(complaint.splitlines()) == len(errors(caplog))

    watched.path.write_text(MINISERVER)
    assert "" == await watched.reloader.reload("SIGHUP")
    assert watched.vitals.is_configuration_current


async def test_a_bug_costs_the_reload_only(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    async def stumble(_: Loaded) -> TakeOver:
        await trio.lowlevel.checkpoint()
        raise ZeroDivisionError("planted")

    watched.reloader._prepare = stumble
    assert "a bug" in await watched.reloader.reload("SIGHUP")
    assert "planted" in caplog.text
    assert not watched.vitals.is_configuration_current


async def test_a_file_that_cannot_be_read_in_time_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a real thread, that hangs as one does on a network that is gone."""
    monkeypatch.setattr(reading, "DEADLINE", 0.05)
    path = write_config(tmp_path, MINISERVER)
    watched, hang = Watched.of(path), threading.Event()
    watched.reloader._source = ConfigSource(path, lambda: hang.wait(20) and load_config(path, {}))  # type: ignore[arg-type,return-value]
    try:
        with trio.fail_after(5):
            assert "not read within" in await watched.reloader.reload("SIGHUP")
            # The thread still hangs, which holds nobody up.
            assert "not read within" in await watched.reloader.reload("SIGHUP")
    finally:
        hang.set()
    assert not watched.vitals.is_configuration_current


def in_place(path: Path, text: str) -> None:
    path.write_text(text)


def by_rename(path: Path, text: str) -> None:
    other = path.with_suffix(".new")
    other.write_text(text)
    other.rename(path)


@pytest.mark.parametrize("write", [in_place, by_rename])
async def test_another_file_is_noticed(
    autojump_clock: MockClock, watched: Watched, write: Callable[[Path, str], None]
) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(watched.reloader.watch)
        await trio.sleep(60)
        assert [] == watched.applied
        write(watched.path, renamed("first"))
        await trio.sleep(NOTICED)
        write(watched.path, renamed("second one"))
        await trio.sleep(NOTICED)
        await trio.sleep(60)
        nursery.cancel_scope.cancel()
    assert [["first"], ["second one"]] == watched.names


async def test_a_file_that_is_being_written_is_left_alone(
    autojump_clock: MockClock, watched: Watched
) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(watched.reloader.watch)
        await trio.sleep(CHECK_INTERVAL - 0.5)
        text = renamed("slowly") + "\n# and a comment of some length"
        for length in range(0, len(text) + 10, 10):
            watched.path.write_text(text[:length])
            await trio.sleep(SETTLED_AFTER / 2)
        await trio.sleep(NOTICED)
        nursery.cancel_scope.cancel()
    assert [["slowly"]] == watched.names


async def test_a_bad_file_is_complained_about_once(
    autojump_clock: MockClock, watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(watched.reloader.watch)
        watched.path.unlink()
        await trio.sleep(600)
        assert 1 == len(errors(caplog))
        is_current = watched.vitals.is_configuration_current
        assert not is_current
        watched.path.write_text(MINISERVER)
        await trio.sleep(NOTICED)
        nursery.cancel_scope.cancel()
    assert watched.vitals.is_configuration_current
    assert [["home"]] == watched.names


async def test_a_change_while_the_file_is_read_is_not_missed(
    autojump_clock: MockClock, watched: Watched
) -> None:
    read = watched.reloader._source._read

    def read_and_change() -> Loaded:
        loaded = read()
        watched.reloader._source._read = read
        watched.path.write_text(renamed("meanwhile"))
        return loaded

    watched.reloader._source._read = read_and_change
    async with trio.open_nursery() as nursery:
        nursery.start_soon(watched.reloader.watch)
        await watched.reloader.reload("SIGHUP")
        await trio.sleep(NOTICED)
        nursery.cancel_scope.cancel()
    assert [["home"], ["meanwhile"]] == watched.names


class ConfigMap:
    """A volume as the kubelet makes it: the file is a link by way of `..data` to a dated folder."""

    def __init__(self, folder: Path, text: str) -> None:
        self.folder = folder
        self._version = 0
        self.path = folder / "loxone-exporter.toml"
        self.update(text)
        self.path.symlink_to(Path("..data") / self.path.name)

    def update(self, text: str) -> None:
        """Put another text there, as the kubelet does."""
        data = self.folder / "..data"
        before = data.readlink() if data.is_symlink() else None
        self._version += 1
        dated = self.folder / f"..2026_11_26_12_00_0{self._version}.1"
        dated.mkdir()
        (dated / self.path.name).write_text(text)
        new = self.folder / "..data_tmp"
        new.symlink_to(dated.name)
        new.rename(data)
        if before is not None:
            (self.folder / before / self.path.name).unlink()
            (self.folder / before).rmdir()


async def test_another_version_of_a_config_map_is_noticed(
    autojump_clock: MockClock, without_threads: None, tmp_path: Path
) -> None:
    volume = ConfigMap(tmp_path, MINISERVER)
    watched = Watched.of(volume.path)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(watched.reloader.watch)
        volume.update(renamed("first"))
        await trio.sleep(NOTICED)
        # The clock of the file system may be coarser than the two updates are apart.
        os.utime(volume.path, ns=(1, 1))
        await trio.sleep(NOTICED)
        volume.update(renamed("again"))
        os.utime(volume.path, ns=(1, 1))
        await trio.sleep(NOTICED)
        volume.update(BAD)
        await trio.sleep(NOTICED)
        nursery.cancel_scope.cancel()
    assert [["first"], ["first"], ["again"]] == watched.names
    assert not watched.vitals.is_configuration_current


async def test_a_reload_that_is_given_up_has_seen_nothing(tmp_path: Path) -> None:
    """With a real thread: a client that asked for it goes away, or the file is slow for once."""
    path = write_config(tmp_path, MINISERVER)
    watched, hang = Watched.of(path), threading.Event()
    path.write_text(renamed("other"))
    read = watched.reloader._source._read

    def read_late() -> Loaded:
        hang.wait(20)
        return read()

    watched.reloader._source._read = read_late
    try:
        with trio.move_on_after(0.05) as given_up:
            await watched.reloader.reload("POST /-/reload")
        assert given_up.cancelled_caught
    finally:
        hang.set()
    with trio.fail_after(5):
        while watched.reloader._files.is_busy():
            await trio.sleep(0.01)
    assert watched.reloader._source.has_changed()
    assert "" == await watched.reloader.reload("SIGHUP")
    assert [["other"]] == watched.names
    assert not watched.reloader._source.has_changed()


async def test_what_another_file_was_missing_for_is_tried_again(
    autojump_clock: MockClock, watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(watched.reloader.watch)
        text = MINISERVER.replace('password = "hunter2"', 'password_file = "late"')
        watched.path.write_text(text)
        await trio.sleep(300)
        assert 1 == len(errors(caplog))
        (watched.path.parent / "late").write_text("hunter2")
        await trio.sleep(RETRY_INTERVAL + NOTICED)
        nursery.cancel_scope.cancel()
    assert [["home"]] == watched.names
    assert watched.vitals.is_configuration_current


async def test_nothing_is_taken_over_once_the_exporter_stops(watched: Watched) -> None:
    watched.path.write_text(renamed("other"))
    watched.reloader._stop.make()
    assert "stopping" in await watched.reloader.reload("SIGHUP")
    assert [] == watched.applied
    assert watched.vitals.is_configuration_current


async def test_nothing_is_taken_note_of_before_everything_is_prepared(watched: Watched) -> None:
    async def hang(_: Loaded) -> TakeOver:
        await trio.lowlevel.checkpoint()
        raise trio.TooSlowError("certificate and key: not read")

    prepare, watched.reloader._prepare = watched.reloader._prepare, hang
    watched.path.write_text(renamed("other"))
    assert "certificate and key: not read" == await watched.reloader.reload("SIGHUP")
    assert not watched.vitals.is_configuration_current
    assert watched.reloader._source.has_changed()
    watched.reloader._prepare = prepare
    assert "" == await watched.reloader.reload("SIGHUP")
    assert [["other"]] == watched.names


@pytest.mark.parametrize("is_asked_by_hand", [False, True])
async def test_any_number_of_requests_is_one_more_reload(
    autojump_clock: MockClock, watched: Watched, *, is_asked_by_hand: bool
) -> None:
    prepare = watched.reloader._prepare

    async def prepare_slowly(loaded: Loaded) -> TakeOver:
        await trio.sleep(3)
        return await prepare(loaded)

    watched.reloader._prepare = prepare_slowly
    async with trio.open_nursery() as nursery:
        nursery.start_soon(watched.reloader.obey, "SIGHUP")
        if is_asked_by_hand:
            nursery.start_soon(watched.reloader.reload, "POST /-/reload")
        else:
            watched.reloader.request()
        await trio.sleep(1)
        for number in range(1000):
            watched.path.write_text(renamed(str(number)))
            watched.reloader.request()
            await trio.sleep(0.001)
        await trio.sleep(60)
        assert [["home"], ["999"]] == watched.names
        watched.reloader.request()
        await trio.sleep(60)
        assert 3 == len(watched.applied)
        nursery.cancel_scope.cancel()


async def test_a_watch_that_fails_goes_on(
    autojump_clock: MockClock,
    watched: Watched,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def no_thread() -> bool:
        raise RuntimeError("can't start new thread")

    async with trio.open_nursery() as nursery:
        with monkeypatch.context() as patch:
            patch.setattr(ConfigSource, "has_changed", lambda _: no_thread())
            nursery.start_soon(watched.reloader.watch)
            await trio.sleep(600)
        watched.path.write_text(renamed("other"))
        await trio.sleep(NOTICED)
        nursery.cancel_scope.cancel()
    assert 1 == len(errors(caplog))
    assert [["other"]] == watched.names
