"""Divergence and the way on, on a parabola: a step of 1.5 doubles the error at every update, a step of .75 halves
it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

import pytest
import torch
from tests.contracts.systems import SYSTEMS, TRAINED
from tests.run.parabola import BUDGET, assignment

from gibbsweep.errors import UserError
from gibbsweep.folder import Outcome, read_restarts, read_spool
from gibbsweep.run import restart as restart_module
from gibbsweep.run.run import run
from gibbsweep.study.space import with_values
from gibbsweep.study.step_sizes import check_halving, step_sizes
from gibbsweep.train import Budget
from gibbsweep.train.checkpoint import has_checkpoint, read_checkpoint
from gibbsweep.train.part import seed_after
from gibbsweep_models.objectives.cd.langevin_cd import LangevinCD
from gibbsweep_models.types import OptimizerConfig, Units


class Killed(BaseException):
    """SIGKILL, as far as a process can do it to itself."""


def test_a_halved_step_completes_from_the_last_checkpoint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """2^7 > 100: update 7 diverges, the checkpoint of 6 updates has an error of 64, and six halvings make it 1."""
    outcome = run(assignment(tmp_path))
    assert (outcome.kind, outcome.step, len(outcome.restarts)) == ("completed", 12, 1)
    (restart,) = outcome.restarts
    assert (restart.step, restart.phase, restart.resumed_at) == (7, "descent", 6)
    assert "diverged at update 7 in phase descent: |gap| exceeds its bound of 100" in restart.message
    assert restart.values == {"learning_rate": 0.75}
    _, tensors = read_checkpoint(tmp_path / "checkpoint")
    assert abs(tensors["model/w"].item() - 1.0) == pytest.approx(1.0, abs=0.01)

    assert outcome.metrics["stability"] == pytest.approx(7 / 12)
    assert (outcome.samples, outcome.nfe) == (130, 4 * 13), "the seventh update from the checkpoint was done twice"
    assert 0 < outcome.lost_seconds < outcome.device_seconds
    reports = read_spool(tmp_path / "metrics.jsonl")
    assert [(record.step, record.metrics["train/restarts"]) for record in reports] == [(3, 0), (6, 0), (9, 1), (12, 1)]
    assert reports[-1].metrics["train/samples"] == 130
    assert "restart 1 of 2: diverged at update 7" in capsys.readouterr().out
    assert Outcome.read(tmp_path) == outcome
    assert str(outcome) == "completed after 1 restart"


def test_without_a_checkpoint_it_starts_again(tmp_path: Path) -> None:
    outcome = run(assignment(tmp_path, replace(BUDGET, report_every=12)))
    assert (outcome.kind, outcome.restarts[0].resumed_at) == ("completed", 0)
    _, tensors = read_checkpoint(tmp_path / "checkpoint")
    assert abs(tensors["model/w"].item() - 1.0) == pytest.approx(0.5**12, abs=0.01)


def test_without_retries_the_first_divergence_is_the_end(tmp_path: Path) -> None:
    outcome = run(assignment(tmp_path, replace(BUDGET, retries=0)))
    assert (outcome.kind, outcome.step, outcome.restarts, outcome.phase) == ("diverged", 7, (), "descent")
    assert read_spool(tmp_path / "metrics.jsonl")[-1].step == 8, "the last report is that of the divergence"
    assert read_restarts(tmp_path) == []


def test_retries_are_counted_with_and_without_progress(tmp_path: Path) -> None:
    """Steps of 24, 12 and 6 multiply the error by 47, 23 and 11: each attempt diverges before a first checkpoint."""
    outcome = run(assignment(tmp_path, learning_rate=24.0))
    assert (outcome.kind, len(outcome.restarts)) == ("diverged", 2)
    assert [r.values["learning_rate"] for r in outcome.restarts] == [12.0, 6.0]
    assert [r.step for r in outcome.restarts] == [2, 2]
    assert outcome.step == 2 and outcome.metrics["stability"] == pytest.approx(2 / 12)
    assert outcome.metrics["train/descent/gap"] == pytest.approx(121, rel=0.01)
    assert not has_checkpoint(tmp_path / "checkpoint")
    assert [record.step for record in read_spool(tmp_path / "metrics.jsonl")] == [3]


def test_a_divergence_in_the_update_that_would_have_been_reported_hides_no_report(tmp_path: Path) -> None:
    run(assignment(tmp_path, replace(BUDGET, report_every=4)))  # update 7 is the last before the report of 8
    assert [record.step for record in read_spool(tmp_path / "metrics.jsonl")] == [4, 8, 12]


MOMENTS = [
    "before the record",
    "after the record",
    *(f"{when} {n}" for when in ("report", "announce") for n in (3, 6, 9, 12)),
]


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_at_any_moment_it_resumes_to_the_same_run(
    tmp_path: Path, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run(assignment(tmp_path / "whole"))
    write = restart_module.write_restarts

    def dying(run_dir: Path, restarts: list[object]) -> None:
        if moment == "after the record":
            write(run_dir, restarts)  # type: ignore[arg-type]
        raise Killed

    def die(when: str) -> object:
        def reporter(step: int, metrics: Mapping[str, float], *artifacts: object) -> None:
            if moment == f"{when} {step}":
                raise Killed

        return reporter

    if moment.endswith("the record"):
        monkeypatch.setattr(restart_module, "write_restarts", dying)
    with pytest.raises(Killed):
        run(assignment(tmp_path / "killed"), watch=die("report"), announce=die("announce"))  # type: ignore[arg-type]
    monkeypatch.undo()
    resumed = run(assignment(tmp_path / "killed"))

    def of(run_dir: Path) -> tuple[dict[str, torch.Tensor], list[tuple[int, dict[str, float]]]]:
        reports = [
            (record.step, {k: v for k, v in record.metrics.items() if "second" not in k})
            for record in read_spool(run_dir / "metrics.jsonl")
        ]
        return read_checkpoint(run_dir / "checkpoint")[1], reports

    (weights, reports), (weights_whole, reports_whole) = of(tmp_path / "killed"), of(tmp_path / "whole")
    assert all(torch.equal(weights[name], weights_whole[name]) for name in weights_whole)
    assert reports == reports_whole
    assert [replace(r, lost_seconds=0.0) for r in resumed.restarts] == [
        replace(r, lost_seconds=0.0) for r in whole.restarts
    ]
    assert (resumed.kind, resumed.samples, resumed.nfe) == (whole.kind, whole.samples, whole.nfe)


def test_every_attempt_has_a_seed_of_its_own(tmp_path: Path) -> None:
    assert seed_after(3, 0) == 3
    assert len({seed_after(3, n) for n in range(10)}) == 10
    first, again = (run(assignment(tmp_path / name, noise=1.0)) for name in "ab")
    assert first.metrics["train/descent/loss"] == again.metrics["train/descent/loss"]


def test_no_checkpoint_holds_a_weight_that_is_not_finite(tmp_path: Path) -> None:
    """The loss of update 0 is finite, the weight that it leaves is not; half the step is enough for a float."""
    outcome = run(assignment(tmp_path, Budget(1, 10, 1, retries=1), learning_rate=2.5e38))
    (restart,) = outcome.restarts
    assert (restart.step, restart.phase) == (0, "descent")
    assert "not all weights are finite" in restart.message
    assert outcome.kind == "completed"
    _, tensors = read_checkpoint(tmp_path / "checkpoint")
    assert all(bool(t.isfinite().all()) for t in tensors.values())


def test_a_schedule_keeps_its_shape() -> None:
    whole, half = (OptimizerConfig("sgd", rate, schedule="cosine", warmup=3) for rate in (0.4, 0.2))
    assert [half.learning_rate_at(k, 20) for k in range(20)] == [whole.learning_rate_at(k, 20) / 2 for k in range(20)]


@dataclass(frozen=True)
class Inner:
    step_sizes: ClassVar[tuple[str, ...]] = ("pace",)

    pace: float = 3.0
    learning_rate: float = 5.0


@dataclass(frozen=True)
class Outer:
    inner: Inner = field(default_factory=Inner)
    critic_learning_rate: float = 1.0
    learning_rate: float | None = None
    n_steps: int = 4
    weight: float = 10  # type: ignore[assignment]  # a whole number where a float was meant
    units: Units = "signed"


def test_step_sizes_are_learning_rates_or_what_is_declared_or_named() -> None:
    assert step_sizes(Outer()) == {"inner.pace": 3.0, "critic_learning_rate": 1.0}
    assert step_sizes(Outer(), ("weight", "inner.learning_rate")) == {"weight": 10.0, "inner.learning_rate": 5.0}
    assert step_sizes(LangevinCD()) == {"learning_rate": 1e-4, "step_size": 10.0}
    for path in ("n_steps", "learning_rate", "units", "inner"):
        with pytest.raises(UserError, match=path):
            step_sizes(Outer(), (path,))
    with pytest.raises(UserError, match="has no field 'pase'"):
        step_sizes(Outer(), ("inner.pase",))
    with pytest.raises(UserError, match="names no step sizes"):
        check_halving(Outer(), ())


@pytest.mark.parametrize("name", TRAINED)
def test_every_phase_of_every_system_is_halved(name: str) -> None:
    case = SYSTEMS[name]
    halves = with_values(case.config, {path: value / 2 for path, value in step_sizes(case.config).items()})
    rates = [
        [p.optimizer.learning_rate for p in replace(case, config=c).build().phases()] for c in (case.config, halves)
    ]
    assert rates[1] == [rate / 2 for rate in rates[0]]


def test_the_record_is_json(tmp_path: Path) -> None:
    run(assignment(tmp_path))
    (record,) = json.loads((tmp_path / "outcome.json").read_text())["restarts"]
    assert {"step", "phase", "message", "resumed_at", "values", "lost_seconds", "lost_nfe"} == set(record)
