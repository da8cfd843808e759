"""A checkpoint taken over from another run: bit-equal, accounted for, and the same after a kill at any moment."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from tests.run.parabola import ParabolaConfig, assignment

from gibbsweep.errors import UserError
from gibbsweep.run.run import run
from gibbsweep.train import Budget, Outcome, Segment, takeover
from gibbsweep.train.checkpoint import read_checkpoint
from gibbsweep.train.takeover import Takeover, read_takeovers, take_over

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
    done = take_over(bad, good, Takeover(4, "good", {"learning_rate": 0.6}, {"learning_rate": (0.5, 0.6)}), 10)
    assert done.done and str(done) == "<- good after 4 updates (learning_rate 0.5 -> 0.6)"
    assert same(bad, good)
    state, _ = read_checkpoint(bad / "checkpoint")
    assert state["device_seconds"] == paused.device_seconds and state["nfe"] == paused.nfe == 16
    assert [path.name for path in (bad / "checkpoint").glob("*.safetensors")] == ["step-00000004-from-good.safetensors"]
    assert Outcome.read(bad, paused=True) is None and Outcome.read(good, paused=True) is not None
    assert read_takeovers(bad) == [done]


def test_what_was_lost_goes_on_and_counts_what_it_trained_itself(tmp_path: Path) -> None:
    """A step of 3 doubles the error and more: lost after few updates, with the samples of those."""
    good, lost = tmp_path / "good", tmp_path / "lost"
    member(good, 0.5, until=8)
    ended = member(lost, 3.5, until=8)
    assert (ended.outcome, ended.step < 8) == ("diverged", True)
    done = take_over(lost, good, Takeover(8, "good", {"learning_rate": 0.6}), 10)
    assert done.lost.startswith("diverged: diverged at update")
    assert Outcome.read(lost) is None
    from dataclasses import replace

    schedule = (Segment(0, {"learning_rate": 0.5}), Segment(8, {"learning_rate": 0.6}, (1, 8)))
    whole = run(replace(assignment(lost, BUDGET), config=ParabolaConfig(), schedule=schedule))
    assert (whole.outcome, whole.step) == ("completed", 12)
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
    planned = Takeover(8, "good", {"learning_rate": 0.6})
    expected = take_over(whole, good, planned, 10)
    left, write, unlink = at, takeover.write_atomically, Path.unlink

    def mortal() -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(takeover, "write_atomically", lambda path, content: (mortal(), write(path, content)))
        patch.setattr(Path, "unlink", lambda self, missing_ok=False: (mortal(), unlink(self, missing_ok=missing_ok)))
        with pytest.raises(Killed):
            take_over(bad, good, planned, 10)
    assert not any(t.done for t in read_takeovers(bad))
    assert take_over(bad, good, planned, 10) == expected
    assert take_over(bad, good, planned, 10) == expected, "again"
    assert same(bad, whole) and same(bad, good)
    assert json.loads((bad / "checkpoint/state.json").read_text()) == json.loads(
        (whole / "checkpoint/state.json").read_text()
    )


def test_a_donor_that_stands_elsewhere_is_refused(tmp_path: Path) -> None:
    member(tmp_path / "good", 0.5, until=4)
    member(tmp_path / "bad", 1.4, until=8)
    with pytest.raises(UserError, match="bad is to go on from the checkpoint of good after 8 updates, and it has 4"):
        take_over(tmp_path / "bad", tmp_path / "good", Takeover(8, "good", {}), 10)
