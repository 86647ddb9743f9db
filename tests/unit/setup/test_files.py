from __future__ import annotations

import os
import signal
import stat
from pathlib import Path

import pytest

from loxone_exporter.errors import OutputError, UsageError
from loxone_exporter.setup.files import NewFile, check_folder, put_in_place, staged


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def save(*files: NewFile, force: bool = False) -> list[Path]:
    with staged(files) as written:
        return put_in_place(written, force=force)


@pytest.fixture
def usual_mask() -> object:
    before = os.umask(0o022)
    yield before
    os.umask(before)


def test_secrets_are_for_their_owner_only(tmp_path: Path, usual_mask: object) -> None:
    secret, public = tmp_path / "secret", tmp_path / "public"
    save(NewFile(secret, "hunter2\n", is_secret=True), NewFile(public, "ä\n", is_secret=False))
    assert (0o600, 0o644) == (mode(secret), mode(public))
    assert ("hunter2\n", "ä\n") == (secret.read_text(), public.read_text(encoding="utf-8"))
    assert {secret, public} == set(tmp_path.iterdir())


def test_a_staged_file_is_not_readable_by_others_either(tmp_path: Path) -> None:
    with staged([NewFile(tmp_path / "secret", "hunter2", is_secret=True)]) as (file,):
        assert 0o600 == mode(file.staged)
        assert tmp_path == file.staged.parent
        assert not file.path.exists()
    assert [] == list(tmp_path.iterdir())


def test_nothing_is_overwritten_unasked(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    second.symlink_to(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="second is there already: --force"):
        save(NewFile(first, "new", is_secret=True), NewFile(second, "new", is_secret=False))
    assert [second] == list(tmp_path.iterdir())


def test_what_is_replaced_is_kept_as_often_as_it_happens(tmp_path: Path) -> None:
    path = tmp_path / "house.toml"
    path.write_text("1")
    path.chmod(0o640)
    kept = [save(NewFile(path, text, is_secret=False), force=True) for text in "234"]
    assert [[tmp_path / f"house.toml.bak{number}"] for number in ("", "2", "3")] == kept
    assert ["1", "2", "3"] == [path.read_text() for [path] in kept]
    assert "4" == path.read_text()
    assert {0o640} == {mode(each) for each in tmp_path.iterdir()}


def test_a_secret_that_everybody_could_read_is_not_left_so(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("old")
    path.chmod(0o644)
    save(NewFile(path, "new", is_secret=True), force=True)
    assert 0o640 == mode(path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_who_owned_the_old_file_owns_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("old")
    os.chown(path, 12345, 23456)
    save(NewFile(path, "new", is_secret=True), force=True)
    assert (12345, 23456) == (path.stat().st_uid, path.stat().st_gid)


def test_what_cannot_be_replaced_stays(tmp_path: Path) -> None:
    path = tmp_path / "folder"
    path.mkdir()
    with pytest.raises(OutputError, match=r"cannot write .*folder: Is a directory"):
        save(NewFile(path, "new", is_secret=False), force=True)
    assert [path] == list(tmp_path.iterdir())


def test_a_folder_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "house.toml"
    with pytest.raises(OutputError, match=r"there is no folder .*nowhere; make it first"):
        check_folder(path)
    with pytest.raises(OutputError, match="No such file or directory"):
        save(NewFile(path, "new", is_secret=False))
    check_folder(tmp_path / "house.toml")


def test_what_is_written_is_on_the_disk_before_it_is_in_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[tuple[str, bool]] = []
    path, fsync = tmp_path / "house.toml", os.fsync

    def noting_fsync(descriptor: int) -> None:
        place = Path(f"/proc/self/fd/{descriptor}").readlink()
        synced.append((place.name.partition(".house")[0] or "staged", path.exists()))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noting_fsync)
    save(NewFile(path, "new", is_secret=False))
    assert [("staged", False), (tmp_path.name, True)] == synced
    save(NewFile(path, "newer", is_secret=False), force=True)
    assert ["staged", "house.toml.bak", tmp_path.name] == [name for name, _ in synced[2:]]


def test_signals_wait_until_the_files_are_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [NewFile(tmp_path / name, "new", is_secret=True) for name in ("first", "second")]
    replace = Path.replace

    def interrupted_replace(self: Path, target: Path) -> Path:
        signal.raise_signal(signal.SIGINT)
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", interrupted_replace)
    with pytest.raises(KeyboardInterrupt):
        save(*files)
    assert {file.path for file in files} == set(tmp_path.iterdir())
