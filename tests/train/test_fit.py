"""Systems that are fitted: one report, a checkpoint of what they learned, the closed form itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from tests.tiny import STUDY, MeanConfig

from gibbsweep.data import load
from gibbsweep.evaluate import LogLikelihood
from gibbsweep.folder import Outcome, read_spool
from gibbsweep.run.assignment import Assignment
from gibbsweep.run.run import run
from gibbsweep.train import Budget, Composed, fit
from gibbsweep.train.checkpoint import goes_on, read_checkpoint
from gibbsweep_models.energy.rbm import RBMConfig


def assignment(run_dir: Path) -> Assignment:
    return Assignment(
        name="mean",
        contender="mean",
        kind="retrain",
        config=MeanConfig(),
        seed=0,
        data="digits",
        budget=STUDY.budgets["smoke"],
        run_dir=run_dir,
        evaluators=(LogLikelihood(),),
        final_evaluators=(LogLikelihood(),),
    )


def test_a_fitted_run_is_recorded_like_a_trained_one(tmp_path: Path) -> None:
    announced: list[tuple[int, Mapping[str, float]]] = []
    outcome = run(assignment(tmp_path), announce=lambda step, metrics, *artifacts: announced.append((step, metrics)))
    data = load("digits", units="binary")
    x, test = (split.batch(torch.arange(len(split)))["x"] for split in (data.train, data.test))
    p = x.mean(dim=0).clamp(0.01, 0.99)
    expected = (test * p.log() + (1 - test) * (1 - p).log()).flatten(1).sum(dim=1).mean()
    assert outcome.kind == "completed"
    assert outcome.metrics["test/log_likelihood"] == pytest.approx(float(expected), rel=1e-6)
    assert [record.step for record in read_spool(tmp_path / "metrics.jsonl")] == [1]
    assert [step for step, _ in announced] == [1]
    state, tensors = read_checkpoint(tmp_path / "checkpoint")
    assert state["step"] == 1 and torch.equal(tensors["model/mean"], p)
    assert not goes_on(tmp_path / "checkpoint")
    assert Outcome.read(tmp_path) == outcome


def test_an_interrupted_fit_is_fitted_again_to_the_same_numbers(tmp_path: Path) -> None:
    first = run(assignment(tmp_path))
    (tmp_path / "outcome.json").unlink()  # killed after its report, before its outcome
    again = run(assignment(tmp_path))
    assert {k: v for k, v in again.metrics.items() if "seconds" not in k} == {
        k: v for k, v in first.metrics.items() if "seconds" not in k
    }
    assert len(read_spool(tmp_path / "metrics.jsonl")) == 1


def test_a_system_without_fit_is_refused(tmp_path: Path) -> None:
    data = load("digits", units="binary")
    with pytest.raises(TypeError, match=r"has no fit\(\)"):
        fit(RBMConfig().build(data.spec), data.train, report=Composed(), run_dir=tmp_path, seed=0)


def test_what_was_trained_survives_a_failing_evaluation(tmp_path: Path) -> None:
    class Burning(LogLikelihood):
        def __call__(self, system: object, split: object, *, generator: torch.Generator) -> None:  # type: ignore[override]
            raise RuntimeError("the projector is on fire")

    run_dir = tmp_path / "rbm"
    outcome = run(
        Assignment(
            name="rbm",
            contender="rbm",
            kind="retrain",
            config=RBMConfig(n_hidden=4),
            seed=0,
            data="digits",
            budget=Budget(updates=4, batch_size=32, report_every=2),
            run_dir=run_dir,
            final_evaluators=(Burning(),),
        )
    )
    assert (outcome.kind, outcome.step) == ("failed", 4)
    assert "the projector is on fire" in outcome.message
    assert "train/cd/loss" in outcome.metrics
    assert Outcome.read(run_dir) == outcome
