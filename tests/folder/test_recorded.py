"""The files of a run's folder keep their names and their bytes: recorded folders are read and written as ever."""

from __future__ import annotations

import json
import math
import re
import shutil
from pathlib import Path

import pytest
from tests.folder.recording import METRICS, RECORDED, record

from gibbsweep.folder import (
    CheckpointCopy,
    MemoryRetry,
    Outcome,
    Restart,
    read_copies,
    read_memory_retries,
    read_restarts,
    read_spool,
    write_memory_retries,
    write_restarts,
)
from gibbsweep.folder.process import count_start, starts_in_vain
from gibbsweep.track.mirror.describe import read_final
from gibbsweep.train.checkpoint import read_checkpoint, read_progress, refuse_removed

RUNS = ("restarted", "donor", "copy", "non_finite")
DIVERGED = "diverged at update 7 in phase descent: |gap| exceeds its bound of 100 (loss=16385.1, gap=128.004)"


def files(folder: Path) -> dict[str, bytes]:
    """Every file below ``folder``, by its path."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


ADDED = ("spec",)
"""Entries of ``config.json`` that the recorded runs do not have yet."""


def masked(name: str, content: bytes) -> bytes:
    """``content`` without what differs by machine and hour (fractions, the weight, and its checksum), and without what
    came later."""
    if name.endswith("config.json"):
        record = json.loads(content)
        content = json.dumps({key: value for key, value in record.items() if key not in ADDED}, indent=1).encode()
    if name.endswith(".safetensors"):
        return content[:-4]
    content = re.sub(rb"-?\d+(\.\d+(e[+-]?\d+)?|e[+-]?\d+)", b"FRACTION", content)
    return re.sub(rb'"[0-9a-f]{64}"', b"SHA-256", content)


def test_the_runs_of_today_leave_the_same_files_with_the_same_bytes(tmp_path: Path) -> None:
    record(tmp_path)
    expected, found = files(RECORDED), files(tmp_path)
    assert sorted(found) == sorted(expected)
    for name, content in expected.items():
        assert masked(name, found[name]) == masked(name, content), name


@pytest.mark.parametrize("run", RUNS)
def test_what_is_read_is_written_again_byte_for_byte(tmp_path: Path, run: str) -> None:
    recorded = RECORDED / "trials" / run
    for paused in (False, True):
        if (outcome := Outcome.read(recorded, paused=paused)) is not None:
            outcome.write(tmp_path)
    if restarts := read_restarts(recorded):
        write_restarts(tmp_path, restarts)
    if retries := read_memory_retries(recorded):
        write_memory_retries(tmp_path, retries)
    written = files(tmp_path)
    names = {"outcome.json", "paused.json", "restarts.json", "packing.json"}
    assert sorted(written) == sorted(names & files(recorded).keys())
    for name, content in written.items():
        # A metric that was counted, as 130, is read as the number 130.0.
        one, other = (re.sub(rb"(\d)\.0\b", rb"\1", c) for c in (content, (recorded / name).read_bytes()))
        assert one == other, name


def test_outcomes_are_read_as_they_ended() -> None:
    trials = RECORDED / "trials"
    restarted = Outcome.read(trials / "restarted")
    assert restarted is not None
    assert (restarted.kind, restarted.step, restarted.samples, restarted.nfe) == ("completed", 12, 130, 52)
    assert restarted.restarts == tuple(read_restarts(trials / "restarted"))
    assert restarted.restarts == (Restart(7, "descent", DIVERGED, 6, {"learning_rate": 0.75}, 0.001885182000023633, 4),)
    assert restarted.memory_retries == tuple(read_memory_retries(trials / "restarted"))
    assert restarted.memory_retries == (
        MemoryRetry("parabola", "host", 0, 4, 2, 2, 0.0, "MemoryError: no more", 1.25, True),
    )
    assert str(restarted) == "completed after 1 restart and 1 retry with more memory"
    donor = Outcome.read(trials / "donor", paused=True)
    assert donor is not None and (donor.kind, donor.step) == ("paused", 8)
    assert Outcome.read(trials / "donor") is None
    lost = Outcome.read(trials / "non_finite")
    assert lost is not None and lost.metrics.keys() == METRICS.keys()
    for name, value in METRICS.items():
        assert lost.metrics[name] == value or (math.isnan(value) and math.isnan(lost.metrics[name]))


def test_a_checkpoint_that_was_copied_is_read_with_its_record() -> None:
    (copy,) = read_copies(RECORDED / "trials" / "copy")
    assert copy == CheckpointCopy(
        8,
        "donor",
        {"learning_rate": 0.6},
        {"learning_rate": (0.5, 0.6)},
        "diverged: diverged at update 3 in phase descent: |gap| exceeds its bound of 100 (loss=46658.1, gap=216.005)",
        0.0026681599999847094,
        12,
        30,
        True,
    )
    assert str(copy) == "<- donor after 8 updates (learning_rate 0.5 -> 0.6)"
    assert read_progress(RECORDED / "trials" / "copy" / "checkpoint").elsewhere == 5
    for run in ("copy", "donor"):
        state, tensors = read_checkpoint(RECORDED / "trials" / run / "checkpoint")
        assert state["tensors"] == f"step-{state['step']:08d}.safetensors"
        assert tensors["model/w"].shape == (1,)


def test_a_checkpoint_that_was_removed_says_why() -> None:
    with pytest.raises(
        Exception, match="is gone .removed to keep the sweep's checkpoints within --disk 1MB.: the run's"
    ):
        refuse_removed(RECORDED / "trials" / "restarted" / "checkpoint")


def test_starts_are_counted_on_from_the_record(tmp_path: Path) -> None:
    shutil.copy(RECORDED / "trials" / "restarted" / "begun.json", tmp_path)
    assert starts_in_vain(tmp_path) == 2
    assert count_start(tmp_path, "1700000000-1", 0) == 3
    assert (tmp_path / "begun.json").read_bytes() == b'{"session": "1700000000-1", "step": 0, "count": 3}'


def test_spools_are_read_line_by_line() -> None:
    spools = {run: RECORDED / "trials" / run / "metrics.jsonl" for run in RUNS}
    assert {run: [record.step for record in read_spool(path)] for run, path in spools.items()} == {
        "restarted": [3, 6, 9, 12],
        "donor": [3, 4, 6, 8],
        "copy": [3, 4, 9, 12],
        "non_finite": [4],
    }
    for run, path in spools.items():
        for line, report in zip(path.read_text().splitlines(), read_spool(path), strict=True):
            written = json.loads(line)
            assert (written["step"], written["time"]) == (report.step, report.time), run
            assert {name: float(value) for name, value in written["metrics"].items()} == pytest.approx(
                report.metrics, nan_ok=True, rel=0, abs=0
            )


def test_tracking_says_of_recorded_outcomes_what_it_said() -> None:
    tags = {run: read_final(RECORDED / "trials" / run).tags for run in ("restarted", "copy", "non_finite")}
    assert tags == {
        "restarted": {
            "gibbsweep.outcome": "completed",
            "gibbsweep.restarts": "1",
            "gibbsweep.restarted_after": DIVERGED,
            "gibbsweep.ran_out_of_memory": "1",
        },
        "copy": {
            "gibbsweep.outcome": "completed",
            "gibbsweep.copied_from": "donor after 8 updates: learning_rate 0.5 -> 0.6",
        },
        "non_finite": {"gibbsweep.outcome": "diverged", "gibbsweep.message": "loss is nan"},
    }
