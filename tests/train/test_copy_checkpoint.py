"""A checkpoint copied from another run: bit-equal, accounted for, and the same after a kill at any moment."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from tests.run.parabola import ParabolaConfig, assignment

from gibbsweep.errors import UserError
from gibbsweep.folder import CheckpointCopy, MemoryRetry, Outcome, RunFolder, read_copies, write_memory_retries
from gibbsweep.folder import whole as whole_files
from gibbsweep.run.run import run
from gibbsweep.train import Budget, Segment
from gibbsweep.train import copy_checkpoint as copy_module
from gibbsweep.train.checkpoint import read_checkpoint
from gibbsweep.train.copy_checkpoint import copy_checkpoint

BUDGET = Budget(updates=12, batch_size=10, report_every=3, also_at=(4, 8))


def member(run_dir: Path, rate: float, until: int | None = None) -> Outcome:
    from dataclasses import replace

    own = assignment(run_dir, BUDGET, learning_rate=rate)
    return run(replace(own, schedule=(Segment(0, {"learning_rate": rate}),), until=until))


def same(a: Path, b: Path) -> bool:
    (one, left), (other, right) = read_checkpoint(a / "checkpoint"), read_checkpoint(b / "checkpoint")
    equal = left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)
    return equal and all(
        one[key] == other[key] for key in ("optimizers", "step", "seed", "config", "aliases", "metrics")
    )


def test_the_copy_is_the_donor_bit_for_bit_and_keeps_its_own_account(tmp_path: Path) -> None:
    good, bad = tmp_path / "good", tmp_path / "bad"
    member(good, 0.5, until=4)
    paused = member(bad, 1.9, until=4)
    done = copy_checkpoint(
        bad, good, CheckpointCopy(4, "good", {"learning_rate": 0.6}, {"learning_rate": (0.5, 0.6)}), 10
    )
    assert done.done and str(done) == "<- good after 4 updates (learning_rate 0.5 -> 0.6)"
    assert same(bad, good)
    state, _ = read_checkpoint(bad / "checkpoint")
    assert state["device_seconds"] == paused.device_seconds and state["nfe"] == paused.nfe == 16
    assert [path.name for path in (bad / "checkpoint").glob("*.safetensors")] == ["step-00000004-from-good.safetensors"]
    assert Outcome.read(bad, paused=True) is None and Outcome.read(good, paused=True) is not None
    assert read_copies(bad) == [done]


def test_what_was_lost_goes_on_and_counts_what_it_trained_itself(tmp_path: Path) -> None:
    """A step of 3 doubles the error and more: lost after few updates, with the samples of those."""
    good, lost = tmp_path / "good", tmp_path / "lost"
    member(good, 0.5, until=8)
    ended = member(lost, 3.5, until=8)
    assert (ended.kind, ended.step < 8) == ("diverged", True)
    done = copy_checkpoint(lost, good, CheckpointCopy(8, "good", {"learning_rate": 0.6}), 10)
    assert done.lost.startswith("diverged: diverged at update")
    assert Outcome.read(lost) is None
    from dataclasses import replace

    schedule = (Segment(0, {"learning_rate": 0.5}), Segment(8, {"learning_rate": 0.6}, (1, 8)))
    whole = run(replace(assignment(lost, BUDGET), config=ParabolaConfig(), schedule=schedule))
    assert (whole.kind, whole.step) == ("completed", 12)
    assert whole.samples == 10 * (ended.step + 4)
    assert whole.nfe == (ended.nfe or 0) + 4 * 4
    assert whole.device_seconds > ended.device_seconds


class Killed(BaseException):
    """SIGKILL."""


@pytest.mark.parametrize("at", range(6))
@pytest.mark.parametrize("lost", [False, True])
def test_a_kill_before_any_write_ends_in_the_same_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int, lost: bool
) -> None:
    good, bad, whole = tmp_path / "good", tmp_path / "bad", tmp_path / "whole"
    member(good, 0.5, until=8)
    member(bad, 3.5 if lost else 1.4, until=8)
    shutil.copytree(bad, whole)
    planned = CheckpointCopy(8, "good", {"learning_rate": 0.6})
    expected = copy_checkpoint(whole, good, planned, 10)
    left, write, unlink = at, whole_files.write_atomically, Path.unlink

    def mortal() -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise Killed

    with monkeypatch.context() as patch:
        for module in (copy_module, whole_files):
            patch.setattr(module, "write_atomically", lambda path, content: (mortal(), write(path, content)))
        patch.setattr(Path, "unlink", lambda self, missing_ok=False: (mortal(), unlink(self, missing_ok=missing_ok)))
        with pytest.raises(Killed):
            copy_checkpoint(bad, good, planned, 10)
    assert not any(t.done for t in read_copies(bad))
    assert copy_checkpoint(bad, good, planned, 10) == expected
    assert copy_checkpoint(bad, good, planned, 10) == expected, "again"
    assert same(bad, whole) and same(bad, good)
    assert json.loads((bad / "checkpoint/state.json").read_text()) == json.loads(
        (whole / "checkpoint/state.json").read_text()
    )


def test_a_member_that_was_killed_before_its_pause_keeps_what_its_last_report_had(tmp_path: Path) -> None:
    """Also one that has run out of memory before, which its spool does not say."""
    good, bad = tmp_path / "good", tmp_path / "bad"
    member(good, 0.5, until=8)
    paused = member(bad, 1.4, until=8)
    RunFolder(bad).paused.unlink()
    write_memory_retries(bad, [MemoryRetry("parabola", "host", 0, 2, 1, 2, 0.0, "MemoryError")])
    done = copy_checkpoint(bad, good, CheckpointCopy(8, "good", {"learning_rate": 0.6}), 10)
    assert (done.device_seconds, done.samples, done.nfe) == (paused.device_seconds, paused.samples, paused.nfe)
    assert done.lost == "" and done.done


def test_a_donor_that_stands_elsewhere_is_refused(tmp_path: Path) -> None:
    member(tmp_path / "good", 0.5, until=4)
    member(tmp_path / "bad", 1.4, until=8)
    with pytest.raises(UserError, match="bad is to go on from the checkpoint of good after 8 updates, and it has 4"):
        copy_checkpoint(tmp_path / "bad", tmp_path / "good", CheckpointCopy(8, "good", {}), 10)
