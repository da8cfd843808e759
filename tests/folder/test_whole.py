"""Files that are whole or absent, also where the disk takes only a part, and one process a folder."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from gibbsweep.errors import DiskFull, UserError
from gibbsweep.folder import as_file_name, disk_full_as_error, only_process, whole, write_atomically, write_json
from gibbsweep.folder.process import count_start, forget_starts, starts_in_vain
from gibbsweep.folder.whole import append_whole, cut_torn_line, read_json_object, replace_atomically


def full_after(left: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk takes ``left`` more bytes, in pieces of at most 3, and then none."""
    write, room = os.write, left

    def writing(file: int, content: bytes) -> int:
        nonlocal room
        if room == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = write(file, content[: min(3, room)])
        room -= written
        return written

    monkeypatch.setattr(os, "write", writing)


@pytest.mark.parametrize("room", range(12))
def test_a_full_disk_leaves_the_old_file_or_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    path = tmp_path / "outcome.json"
    path.write_bytes(b"old")
    with monkeypatch.context() as patch:
        full_after(room, patch)
        if room < 10:
            with pytest.raises(OSError, match="No space"):
                write_atomically(path, b"0123456789")
        else:
            write_atomically(path, b"0123456789")
    assert path.read_bytes() == (b"old" if room < 10 else b"0123456789")
    assert os.listdir(tmp_path) == ["outcome.json"]


@pytest.mark.parametrize("room", range(6))
def test_a_full_disk_appends_all_of_a_line_or_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b"one\n")
    with open(path, "ab", buffering=0) as file, monkeypatch.context() as patch:
        full_after(room, patch)
        if room < 4:
            with pytest.raises(OSError, match="No space"):
                append_whole(file.fileno(), b"two\n")
        else:
            append_whole(file.fileno(), b"two\n", durable=True)
    assert path.read_bytes() == (b"one\n" if room < 4 else b"one\ntwo\n")


def test_a_torn_line_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    for content, kept in ((b"one\ntwo\nthr", b"one\ntwo\n"), (b"on", b""), (b"one\n", b"one\n"), (b"", b"")):
        path.write_bytes(content)
        assert cut_torn_line(path) == kept == path.read_bytes()


def test_a_folder_is_made_for_a_run_and_not_for_a_note_about_one(tmp_path: Path) -> None:
    write_json(tmp_path / "new" / "config.json", {"seed": 0})
    assert read_json_object(tmp_path / "new" / "config.json") == {"seed": 0}
    with pytest.raises(FileNotFoundError):
        replace_atomically(tmp_path / "removed" / "tracked.json", b"{}", durable=False)
    assert not (tmp_path / "removed").exists()


def test_the_disk_is_waited_for_where_that_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(whole.os, "fsync", synced.append)
    replace_atomically(tmp_path / "a", b"1", durable=False)
    assert synced == []
    replace_atomically(tmp_path / "a", b"2")
    assert len(synced) == 1


def test_a_full_disk_is_one_error_about_the_folder(tmp_path: Path) -> None:
    with (
        pytest.raises(DiskFull, match=f"no space left on the disk of {tmp_path} .x.: free some"),
        disk_full_as_error(tmp_path),
    ):
        raise OSError(errno.ENOSPC, "No space left on device", "x")
    with pytest.raises(UserError, match="another"), disk_full_as_error(tmp_path):
        raise UserError("another")
    with pytest.raises(ValueError, match="else"), disk_full_as_error(tmp_path):
        raise ValueError("else")


def test_names_that_are_no_file_names() -> None:
    assert as_file_name("mnist[-3]") == "mnist_-3"
    assert as_file_name("rbm k=1/2") == "rbm_k_1_2"


def test_one_process_trains_in_a_folder(tmp_path: Path) -> None:
    refused = pytest.raises(UserError, match="another process trains in")
    with only_process(tmp_path / "run"), refused, only_process(tmp_path / "run", wait_s=0.01):
        pass
    with only_process(tmp_path / "run", wait_s=0.01):
        pass


def test_starts_are_counted_until_the_run_advances(tmp_path: Path) -> None:
    assert starts_in_vain(tmp_path) == 0
    assert [count_start(tmp_path, "one", 5) for _ in range(3)] == [1, 2, 3]
    assert starts_in_vain(tmp_path) == 3
    assert count_start(tmp_path, "one", 10) == 1, "it has advanced"
    assert count_start(tmp_path, "two", 10) == 1, "another driver"
    forget_starts(tmp_path)
    assert starts_in_vain(tmp_path) == 0
