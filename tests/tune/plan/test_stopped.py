"""A kill at any moment between a report and the end of a trial that its scheduler stops: the verdict stands, and the
sweep goes on as if nothing had happened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from optuna.storages import BaseStorage, InMemoryStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend
from tests.tiny import study
from tests.tune.plans import new_plan, resumed_plan
from tests.tune.searches import search_for
from tests.tune.two_goals import BITS, FREE, GAP, TWO

from gibbsweep.folder import Outcome, read_spool
from gibbsweep.study import Study
from gibbsweep.train import SpoolReporter
from gibbsweep.tune.journal.attributes import PRUNED
from gibbsweep.tune.plan.outline import outline, write_outline
from gibbsweep.tune.plan.plan import Plan
from gibbsweep.tune.plan.run import PlannedRun
from gibbsweep.tune.plan.stopped import unfinished_prunes
from gibbsweep.tune.schedulers.choice import SchedulerConfig, SchedulerName
from gibbsweep.tune.search import of_study as searches
from gibbsweep.tune.search.search import Search
from gibbsweep.tune.status.from_folder import overview_from_folder
from gibbsweep.tune.table.rows import rows_of

ONE = study(contenders={"rbm": FREE})
REPORTS = (2, 7, 12, 20)
"""7 is the rung of a third of 20 updates."""


class Killed(BaseException):
    """At once: nothing else is done."""


@dataclass
class Moments:
    """Every step of the driver that the disk sees, in order: ``at`` is when it is killed, before that step."""

    at: int = -1
    seen: list[str] = field(default_factory=list)

    def pass_by(self, what: str) -> None:
        self.seen.append(what)
        if len(self.seen) - 1 == self.at:
            raise Killed

    def watch(self, owner: Any, name: str, patch: pytest.MonkeyPatch, say: Callable[..., str]) -> None:
        done = getattr(owner, name)

        def watched(*words: Any, **more: Any) -> Any:
            self.pass_by(say(*words, **more))
            return done(*words, **more)

        patch.setattr(owner, name, watched)


def killed_at_its_outcome(plan: Plan, planned: PlannedRun, step: int, value: float) -> None:
    """Its report stops it, and the driver is killed where the outcome was about to be written."""
    with pytest.MonkeyPatch.context() as patch:
        Moments(0).watch(Outcome, "write", patch, lambda outcome, run_dir: outcome.kind)
        with pytest.raises(Killed):
            plan.report(planned.name, step, {BITS.metric: value, GAP.metric: -value})


def values_of(planned: PlannedRun, step: int) -> dict[str, float]:
    """Curves that cross: who is good early is not good late."""
    rate = planned.values["learning_rate"]
    return {BITS.metric: -abs(rate - 0.1) - 1 / (1 + step), GAP.metric: abs(rate - 0.03) * (1 + 20 / step)}


def train(plan: Plan, planned: PlannedRun) -> None:
    """As the loop and the bridge do: on record, saved, announced; what goes on announces its checkpoint again."""
    run_dir = plan.sweep.trial(planned.name)
    if Outcome.read(run_dir) is None:
        spool = SpoolReporter(run_dir)
        told = [record.step for record in read_spool(run_dir / "metrics.jsonl")]
        for step in (*told[-1:], *(step for step in REPORTS if step not in told)):
            metrics = values_of(planned, step)
            spool(step, {**metrics, "train/device_seconds": float(step), "train/samples": step * 32.0})
            if plan.report(planned.name, step, metrics):
                break
        else:
            last = {**values_of(planned, 20), "test/log_likelihood": planned.values["learning_rate"]}
            Outcome("completed", 20, last, device_seconds=20.0).write(run_dir)
        spool.close()
    outcome = Outcome.read(run_dir)
    assert outcome is not None
    plan.close(planned.name, outcome)


def drive(plan: Plan, started: list[str] | None = None) -> Plan:
    while (planned := plan.next()) is not None:
        if started is not None:
            started.append(planned.name)
        train(plan, planned)
    return plan


def told(plan: Plan) -> Any:
    records = [
        (r.values, r.runs_to, r.state, r.reports, r.objectives, r.prune_verdicts) for r in plan.search_of("rbm").records
    ]
    return records, plan.outcomes, rows_of(plan)


def plain(sweep: Any) -> BaseStorage:
    """A journal in which every entry is on disk by itself."""
    sweep.path.mkdir(parents=True, exist_ok=True)
    return JournalStorage(JournalFileBackend(str(sweep.journal)))


def sweep_killed_at(moment: int, runs: Path, the_study: Study, scheduler: SchedulerName) -> tuple[Plan, list[str]]:
    """A sweep whose driver is killed once, if at all, and then resumed; what its driver did."""
    moments = Moments(moment)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("set_trial_user_attr", "set_trial_intermediate_value", "set_trial_state_values"):
            moments.watch(
                JournalStorage, name, patch, lambda storage, trial, what, *more, name=name: f"{name} {trial} {what}"
            )
        moments.watch(Outcome, "write", patch, lambda outcome, run_dir: f"write {outcome.kind} {run_dir.name}")
        moments.watch(
            Plan, "close", patch, lambda plan, name, outcome: f"close {outcome.kind} {name}"
        )  # before the journal hears of it
        options: dict[str, Any] = {"scheduler": scheduler, "trials": 20, "seeds": 1, "sampler": "random"}
        try:
            return drive(new_plan(runs, the_study, **options)), moments.seen
        except Killed:
            pass
    return drive(resumed_plan(runs, the_study)), moments.seen


@pytest.mark.parametrize("whole_lines", [True, False], ids=["whole lines", "plain"])
@pytest.mark.parametrize("the_study", [ONE, TWO], ids=["one goal", "two"])
@pytest.mark.parametrize("scheduler", ["stopping", "median"])
def test_a_kill_between_a_verdict_and_its_end_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheduler: SchedulerName, the_study: Study, whole_lines: bool
) -> None:
    if not whole_lines:
        monkeypatch.setattr(searches, "open_storage", plain)
    whole, seen = sweep_killed_at(-1, tmp_path / "whole", the_study, scheduler)
    expected = told(whole)
    begin = [i for i, what in enumerate(seen) if PRUNED in what]
    assert len(begin) >= 2, "the study prunes"
    for first in (begin[0], begin[-1]) if whole_lines else begin[:1]:
        end = next(i for i in range(first, len(seen)) if "set_trial_state_values" in seen[i])
        assert any("write pruned" in what for what in seen[first:end])
        for moment in range(first - 1, end + 2) if whole_lines else (first, first + 1, first + 2):
            runs = tmp_path / str(moment)
            assert told(sweep_killed_at(moment, runs, the_study, scheduler)[0]) == expected, seen[moment]
            assert told(resumed_plan(runs, the_study)) == expected, seen[moment]


@pytest.mark.parametrize("scheduler", ["stopping", "median"])
def test_a_trial_that_was_to_be_pruned_ends_before_anything_starts(tmp_path: Path, scheduler: SchedulerName) -> None:
    """Killed where the trial's outcome was about to be written; another one trains on beside it."""
    plan = new_plan(tmp_path, ONE, scheduler=scheduler, trials=12, seeds=1, sampler="random")
    for _ in range(4):
        planned = plan.next()
        assert planned is not None
        for step in REPORTS[:2]:
            assert not plan.report(planned.name, step, {BITS.metric: -1.0 + planned.number})
        done = Outcome("completed", 20, {BITS.metric: float(planned.number)})
        done.write(plan.sweep.trial(planned.name))
        plan.close(planned.name, done)
    beside, bad = plan.next(), plan.next()
    assert beside is not None and bad is not None
    killed_at_its_outcome(plan, bad, 7, -9.0)
    assert Outcome.read(plan.sweep.trial(bad.name)) is None
    again = resumed_plan(tmp_path, ONE)
    outcome = Outcome.read(again.sweep.trial(bad.name))
    assert outcome == Outcome("pruned", 7, {BITS.metric: -9.0}, message="worse than its peers after 7 updates")
    assert again.outcomes[bad.name] == outcome and again.search_of("rbm").records[bad.number].state == "pruned"
    assert again.interrupted() == [again.sweep.trial(beside.name)]
    following = again.next()
    assert following is not None and following.name == beside.name


def test_the_verdict_of_another_order_of_reports_stands(tmp_path: Path) -> None:
    """Trial 1 came to the rung first, so that trial 0 was stopped there: told again by number, the rung would let both
    pass."""
    plan = new_plan(tmp_path, ONE, scheduler="stopping", trials=12, rungs=1)
    early, late = plan.next(), plan.next()
    assert early is not None and late is not None
    assert not plan.report(late.name, 7, {BITS.metric: -1.0})
    killed_at_its_outcome(plan, early, 7, -2.0)
    assert [record.state for record in resumed_plan(tmp_path, ONE).search_of("rbm").records] == ["pruned", "running"]


def test_what_a_trial_did_after_its_driver_died_counts_no_more_than_the_verdict(tmp_path: Path) -> None:
    plan = new_plan(tmp_path, ONE, scheduler="stopping", trials=12, rungs=1)
    first, second = plan.next(), plan.next()
    assert first is not None and second is not None
    assert not plan.report(first.name, 7, {BITS.metric: -1.0})
    killed_at_its_outcome(plan, second, 7, -2.0)
    Outcome("completed", 20, {BITS.metric: 5.0}).write(plan.sweep.trial(second.name))
    assert resumed_plan(tmp_path, ONE).outcomes[second.name].kind == "pruned"


@pytest.mark.parametrize("outlived", [False, True], ids=["no outcome", "another outcome"])
@pytest.mark.parametrize("the_study", [ONE, TWO], ids=["one goal", "two"])
def test_status_counts_it_as_resume_will(tmp_path: Path, the_study: Study, outlived: bool) -> None:
    plan = new_plan(tmp_path, the_study, scheduler="stopping", trials=12, rungs=1)
    write_outline(plan.sweep, outline(plan))
    runs = [run for run in (plan.next() for _ in range(4)) if run is not None]
    for run, value in zip(runs[:2], (-2.0, -1.0), strict=True):  # with two goals the best two go on
        assert not plan.report(run.name, 7, {BITS.metric: value, GAP.metric: -value})
    stopped_dir = plan.sweep.trial(runs[2].name)
    spool = SpoolReporter(stopped_dir)
    spool(7, {"train/device_seconds": 3.0})
    spool.close()
    killed_at_its_outcome(plan, runs[2], 7, -9.0)
    if outlived:
        Outcome("completed", 20, {BITS.metric: 5.0}).write(stopped_dir)
    seen = overview_from_folder(plan.sweep)
    assert seen.overview.ended("pruned") == seen.overview.done == 1 and seen.overview.seconds == 3.0
    assert seen.interrupted == 3, "all but the third go on"
    assert [level.stayed for level in seen.overview.contenders[0].levels] == [1, 0]
    assert len(resumed_plan(tmp_path, the_study).interrupted()) == 3
    assert overview_from_folder(plan.sweep) == seen


def search_of(storage: BaseStorage, scheduler: SchedulerName, goals: int) -> Search:
    form = SchedulerConfig(scheduler, rungs=1 if scheduler == "stopping" else None)
    return search_for(storage, FREE, *(BITS, GAP)[:goals], updates=20, trials=12, seed=0, scheduler=form)


@pytest.mark.parametrize("goals", [1, 2])
def test_a_verdict_without_its_report_is_ignored_and_written_again(goals: int) -> None:
    """In memory. The trial reports again, and by then its verdict may be another one."""
    storage = InMemoryStorage()
    search = search_of(storage, "stopping", goals)
    for _ in range(2):
        search.ask()
    assert search.report(0, 7, {BITS.metric: -1.0, GAP.metric: 1.0}) == "go"
    storage.set_trial_user_attr(search.records[1].trial_id, f"{PRUNED}7", True)  # and then a kill
    again = search_of(storage, "stopping", goals)
    assert unfinished_prunes(again.records) == [] and [record.number for record in again.interrupted()] == [0, 1]
    assert again.report(1, 7, {BITS.metric: -0.5, GAP.metric: 0.5}) == "go"
    later = search_of(storage, "stopping", goals)
    assert later.records == again.records and unfinished_prunes(later.records) == []
    assert later.records[1].prune_verdicts == {7: False}
    assert later.report(1, 7, {BITS.metric: -0.5, GAP.metric: 0.5}) == "go"


@pytest.mark.parametrize("goals", [1, 2])
def test_what_was_let_go_on_is_not_judged_again_by_other_peers(goals: int) -> None:
    """A run that goes on announces its checkpoint again: peers that have completed since would stop it there."""
    storage = InMemoryStorage()
    search = search_of(storage, "median", goals)
    for _ in range(5):
        search.ask()
    assert search.report(0, 7, {BITS.metric: -9.0, GAP.metric: 9.0}) == "go"
    for number in range(1, 5):
        assert search.report(number, 7, {BITS.metric: -1.0, GAP.metric: 1.0}) == "go"
        search.tell(number, Outcome("completed", 20, {BITS.metric: -1.0, GAP.metric: 1.0}))
    for same in (search, search_of(storage, "median", goals)):
        assert same.report(0, 7, {BITS.metric: -9.0, GAP.metric: 9.0}) == "go"
    assert search.report(0, 8, {BITS.metric: -9.0, GAP.metric: 9.0}) == "go", "no peer has reported there"
