"""The quota of a sweep's checkpoints, with real small files and pretended outcomes."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.tune.plans import finish, new_plan, outcome_of, resumed_plan
from tests.tune.segments import run_segment

from gibbsweep.errors import UserError
from gibbsweep.train import Outcome
from gibbsweep.train.checkpoint import REMOVED, has_checkpoint, load_weights, read_checkpoint, remove_checkpoint
from gibbsweep.tune.folder.driver import StopRequest
from gibbsweep.tune.options.options import SweepOptions, check_options
from gibbsweep.tune.options.sizes import parse_size, round_up, size_text
from gibbsweep.tune.plan.plan import Plan
from gibbsweep.tune.plan.run import PlannedRun
from gibbsweep.tune.resources.disk import Quota, quota_of
from gibbsweep.tune.resources.gate import Gate
from gibbsweep.tune.schedulers.promotion import Promotion

ONE = 1000  # bytes of a pretended checkpoint


def save(plan: Plan, name: str) -> None:
    """A checkpoint of ONE bytes."""
    folder = plan.sweep.trial(name) / "checkpoint"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "state.json").write_text(json.dumps({"tensors": "step-00000020.safetensors"}))
    rest = ONE - (folder / "state.json").stat().st_size
    (folder / "step-00000020.safetensors").write_bytes(b"x" * rest)


def kept(plan: Plan) -> set[str]:
    return {folder.name for folder in (plan.sweep.path / "trials").iterdir() if has_checkpoint(folder / "checkpoint")}


def run_one(gate: Gate, planned: PlannedRun, *, updates: int | None = None) -> None:
    """Save a checkpoint and end, or pause at a rung (``updates``: of the whole budget)."""
    save(gate.plan, planned.name)
    gate.reported(planned.name)
    if updates is None:
        finish(gate.plan, planned)
    else:
        run_segment(gate.plan, planned, updates)
    gate.ended(planned)


def gate_of(plan: Plan, limit: int | None) -> Gate:
    return Gate(plan, StopRequest(plan.sweep), None if limit is None else Quota(plan, limit))


def test_sizes() -> None:
    assert [parse_size(text) for text in ("20GB", "1.5 TB", "500", "3kb", "7 bytes", "12B", "none")] == [
        20 * 10**9, 15 * 10**11, 500, 3000, 7, 12, None,
    ]  # fmt: skip
    for wrong in ("20GiB", "GB", "-3GB", "0", "many", "20 G B"):
        with pytest.raises(UserError, match=r"--disk takes a number of bytes, KB, MB, GB or TB: got .*--disk 20GB"):
            check_options(SweepOptions(disk=wrong))
    assert [size_text(n) for n in (12, 999, 1234, 2 * 10**7, 999_600_000)] == [
        "12B",
        "999B",
        "1.23KB",
        "20MB",
        "1000MB",
    ]
    assert [round_up(n) for n in (0, 7, 99, 101, 1234, 5000)] == [0, 7, 99, 110, 1300, 5000]
    assert all(parse_size(size_text(round_up(n))) == round_up(n) >= n for n in range(1, 99_999, 777))


def test_the_worst_completed_trials_go_first_and_the_retrained_stay(tmp_path: Path) -> None:
    """Room for four, and for a fifth that is being replaced: at the end the four retrained runs are there, and no
    search trial."""
    plan = new_plan(tmp_path, trials=3)
    gate = gate_of(plan, 5 * ONE)
    after_search: set[str] = set()
    while (planned := gate.next()) is not None:
        assert gate.quota is not None
        if planned.kind == "retrain" and not after_search:
            after_search = kept(plan)
        run_one(gate, planned)
        on_disk = sum(f.stat().st_size for f in plan.sweep.path.rglob("checkpoint/*") if f.name != REMOVED)
        assert on_disk == gate.quota.total <= 5 * ONE
    assert plan.finished()
    assert not gate.halted
    # Two places of the five were left for the first retraining. The best of each k keeps its checkpoint, and so does
    # one of the second best.
    best = {f"rbm-{record.number:04d}" for arm in plan.arms() if (record := arm.best()) is not None}
    assert len(after_search) == 3
    assert best < after_search
    assert kept(plan) == {name for name in plan.outcomes if "seed" in name} | (kept(plan) & best)
    assert len(kept(plan)) >= 4
    gone = next(name for name in plan.outcomes if name not in kept(plan))
    folder = plan.sweep.trial(gone)
    assert Outcome.read(folder) is not None, "its record stays"
    assert [file.name for file in (folder / "checkpoint").iterdir()] == [REMOVED]
    for use in (
        lambda: read_checkpoint(folder / "checkpoint"),
        lambda: load_weights(folder / "checkpoint", torch.nn.Module()),
    ):
        with pytest.raises(UserError, match=r"is gone \(removed to keep the sweep's checkpoints within --disk 5KB\)"):
            use()


def test_bad_ends_go_before_completed_ones(tmp_path: Path) -> None:
    plan = new_plan(tmp_path, trials=3)
    gate = gate_of(plan, 5 * ONE)
    for kind in ("completed", "diverged", "completed", "failed"):
        planned = gate.next()
        assert planned is not None
        save(plan, planned.name)
        finish(plan, planned, replace(outcome_of(planned), kind=kind))  # type: ignore[arg-type]
        gate.ended(planned)
    assert gate.next() is not None
    assert kept(plan) == {"rbm-0000", "rbm-0002", "rbm-0003"}
    assert not gate.halted


def test_nothing_is_removed_without_a_quota_or_while_it_suffices(tmp_path: Path) -> None:
    for name, limit in (("without", None), ("enough", 10 * ONE)):
        plan = new_plan(tmp_path / name)
        gate = gate_of(plan, limit)
        while (planned := gate.next()) is not None:
            run_one(gate, planned)
        assert kept(plan) == set(plan.outcomes)
        assert len(plan.outcomes) == 8


def test_what_must_stay_and_does_not_fit_pauses_and_a_larger_quota_goes_on(tmp_path: Path) -> None:
    """Waiting trials are all kept while none has completed: the sweep pauses, and with more disk it starts what an
    undisturbed one does."""
    words = {"trials": 4, "scheduler": "halving", "seeds": 1, "rungs": 1}
    whole, undisturbed = new_plan(tmp_path / "whole", **words), []
    while (planned := whole.next()) is not None:
        undisturbed.append((planned.name, planned.runs_to))
        run_segment(whole, planned, updates=20)
    plan, started = new_plan(tmp_path / "s", **words), []
    gate = gate_of(plan, 3 * ONE)
    for _ in range(20):
        while (planned := gate.next()) is not None:
            started.append((planned.name, planned.runs_to))
            run_one(gate, planned, updates=20)
        if plan.finished():
            break
        assert gate.option, gate.halted
        said = gate.unfinished_message("python sweeps/x.py --resume s")
        assert "nothing is lost: continue with python sweeps/x.py --resume s --disk" in said
        assert "waiting to be promoted" in said
        larger = parse_size(gate.option.split()[-1])
        assert larger is not None
        assert gate.quota is not None
        assert larger > gate.quota.limit
        plan = resumed_plan(tmp_path / "s")
        gate = gate_of(plan, gate.quota.limit + ONE)
        assert gate.ready() or gate.halted
    else:
        pytest.fail("the sweep does not end")
    assert started == undisturbed
    assert plan.outcomes == whole.outcomes
    assert resumed_plan(tmp_path / "s").finished()


def test_the_advised_quota_is_enough(tmp_path: Path) -> None:
    words = {"trials": 4, "scheduler": "halving", "seeds": 2}
    plan = new_plan(tmp_path, **words)
    gate = gate_of(plan, 3 * ONE)
    while (planned := gate.next()) is not None:
        run_one(gate, planned, updates=20)
    plan, limit = resumed_plan(tmp_path), parse_size(gate.option.split()[-1])
    gate = gate_of(plan, limit)
    while (planned := gate.next()) is not None:
        run_one(gate, planned, updates=20)
    assert plan.finished()


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    eta=st.integers(2, 3),
    brackets=st.integers(1, 2),
    workers=st.integers(1, 4),
    objectives=st.integers(1, 2),
)
def test_the_hopeless_are_never_promoted(seed: int, eta: int, brackets: int, workers: int, objectives: int) -> None:
    """Any order of reports, pauses and ends: whoever is once called hopeless is never promoted, and nothing else is
    asked of it."""
    dice, trials = random.Random(seed), 18
    scheduler = Promotion(27, (3, 9), eta, trials=trials, brackets=brackets, objectives=objectives)
    hopeless: set[int] = set()
    running: list[tuple[int, int]] = []
    unasked = list(range(trials))
    seen = False
    while True:
        while len(running) < workers:
            found = scheduler.promote()
            if found is not None:
                assert found[0] not in hopeless
                running.append(found)
            elif unasked:
                index = unasked.pop(0)
                running.append((index, scheduler.runs_to(index)))
            else:
                break
        if not running:
            break
        index, step = running.pop(dice.randrange(len(running)))
        if dice.random() < 0.15 or step == 27:
            scheduler.close(index, step == 27)
        else:
            losses = tuple(dice.choice([0.0, 1.0, dice.random()]) for _ in range(objectives))
            scheduler.report(index, step, losses)
            scheduler.pause(index, step, promoted=False)
        now = set(scheduler.hopeless())
        assert hopeless - now <= hopeless
        hopeless |= now
        seen = seen or bool(unasked and now)
    assert hopeless or objectives > 1, "in the end, some wait for nothing; of a front nobody has to"


def test_hopeless_trials_end_where_room_is_needed(tmp_path: Path) -> None:
    """One rung, nine trials: whoever is fourth of nine there cannot become third."""
    plan = new_plan(tmp_path, trials=9, scheduler="halving", rungs=1, seeds=1)
    gate = gate_of(plan, 14 * ONE)
    while (planned := gate.next()) is not None:
        run_one(gate, planned, updates=20)
    assert plan.finished(), gate.halted
    unlimited = new_plan(tmp_path / "unlimited", trials=9, scheduler="halving", rungs=1, seeds=1)
    while (planned := unlimited.next()) is not None:
        run_segment(unlimited, planned, updates=20)
    assert plan.outcomes == unlimited.outcomes
    assert any(f.name == REMOVED for f in plan.sweep.path.rglob("checkpoint/*"))


def test_a_removal_that_is_killed_leaves_a_checkpoint_or_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = new_plan(tmp_path)
    folder = plan.sweep.trial("rbm-0000") / "checkpoint"
    unlink = Path.unlink
    for after in range(4):
        save(plan, "rbm-0000")
        left = after

        def dies(path: Path, missing_ok: bool = False) -> None:
            nonlocal left
            if left == 0:
                raise KeyboardInterrupt
            left -= 1
            unlink(path, missing_ok)

        monkeypatch.setattr(Path, "unlink", dies)
        try:
            remove_checkpoint(folder, "why")
        except KeyboardInterrupt:
            pass
        monkeypatch.undo()
        assert has_checkpoint(folder) or (folder / REMOVED).exists()
    remove_checkpoint(folder, "why")
    assert [file.name for file in folder.iterdir()] == [REMOVED]


def test_a_quota_stays_until_another_is_given(tmp_path: Path) -> None:
    sweep = new_plan(tmp_path).sweep
    assert quota_of(sweep, None) is None
    assert quota_of(sweep, "2KB") == quota_of(sweep, None) == 2000
    assert quota_of(sweep, "3KB") == quota_of(sweep, None) == 3000
    assert quota_of(sweep, "none") is quota_of(sweep, None) is None
