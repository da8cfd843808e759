"""The loop on a system small enough to know by hand."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from gibbsweep.errors import UserError
from gibbsweep.folder import Outcome, read_spool
from gibbsweep.train import Budget, Composed, Evaluation, Part, SpoolReporter, train
from gibbsweep_models.types import Batch, Loss, OptimizerConfig, Phase, System


class Examples:
    """x = 1, 2, ..., n as (n, 1)."""

    def __init__(self, n: int = 64) -> None:
        self.x = torch.arange(1.0, n + 1)[:, None]

    def __len__(self) -> int:
        return len(self.x)

    def batch(self, indices: Tensor) -> dict[str, Tensor]:
        return {"x": self.x[indices]}


@dataclass
class Scripted:
    """The mean of (w - x)², until the call at which ``value`` is added to the loss."""

    at: int = -1
    value: float = 0.0
    calls: int = 0

    def __call__(self, model: Line, batch: Batch, *, generator: torch.Generator) -> Loss:
        loss = ((model.w - batch["x"]) ** 2).mean()
        if self.calls == self.at:
            loss = loss + self.value
        self.calls += 1
        return Loss(loss, {"gap": loss.detach()})


class Line(System):
    def __init__(self, objective: Scripted, *, bound: float = math.inf, ema: float = 0.0, every: int = 1) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.zeros(1))
        self.objective, self.bound, self.every, self.ema_decay = objective, bound, every, ema

    def phases(self) -> list[Phase]:
        sgd = OptimizerConfig("sgd", 0.01)
        return [Phase("fit", [self.w], self.objective, sgd, every=self.every, bounds={"gap": self.bound})]


def run(system: System, run_dir: Path, updates: int = 20, **options: object) -> Outcome:
    return train(
        system,
        Examples(),
        Budget(updates=updates, batch_size=16, report_every=5),
        **{"report": Composed(), "run_dir": run_dir, "seed": 0, "precision": "fp32", **options},  # type: ignore[arg-type]
    )


def test_gradient_descent_is_what_it_does(tmp_path: Path) -> None:
    """Full batches: w follows the closed form of gradient descent on a parabola around the mean."""
    system = Line(Scripted())
    data = Examples()
    train(
        system,
        data,
        Budget(updates=10, batch_size=64, report_every=5),
        report=Composed(),
        run_dir=tmp_path,
        seed=0,
        precision="fp32",
    )
    mean = float(data.x.mean())
    assert system.w.item() == pytest.approx(mean * (1 - (1 - 0.02) ** 10), rel=1e-5)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_not_finite_diverges_before_the_step(tmp_path: Path, value: float) -> None:
    system = Line(Scripted(at=7, value=value))
    weights: list[float] = []
    outcome = run(system, tmp_path, report=lambda step, metrics, *artifacts: weights.append(system.w.item()))
    assert outcome.kind == "diverged"
    assert outcome.step == 7
    assert "update 7 in phase fit" in outcome.message
    assert math.isfinite(system.w.item())
    assert system.w.item() != weights[0], "updates 5 and 6 came after the first report"


def test_a_part_beyond_its_bound_diverges(tmp_path: Path) -> None:
    outcome = run(Line(Scripted(at=3, value=1e6), bound=1e5), tmp_path)
    assert (outcome.kind, outcome.step) == ("diverged", 3)
    assert "gap" in outcome.message
    assert "100000" in outcome.message or "1e+05" in outcome.message


def test_reports_come_every_so_often_and_at_the_end(tmp_path: Path) -> None:
    steps: list[int] = []
    run(Line(Scripted()), tmp_path, updates=12, report=lambda step, metrics, *artifacts: steps.append(step))
    assert steps == [5, 10, 12]


def test_a_phase_may_rest(tmp_path: Path) -> None:
    objective = Scripted()
    run(Line(objective, every=3), tmp_path, updates=10)
    assert objective.calls == 4  # updates 0, 3, 6, 9


def test_evaluation_sees_the_average_and_training_does_not(tmp_path: Path) -> None:
    seen: list[float] = []

    def evaluate(system: System, step: int) -> Evaluation:
        assert isinstance(system, Line)
        assert not system.training
        seen.append(system.w.item())
        return Evaluation({"validation/w": system.w.item()})

    averaged = Line(Scripted(), ema=0.9)
    run(averaged, tmp_path / "ema", evaluate=evaluate)
    plain = Line(Scripted())
    run(plain, tmp_path / "plain")
    assert averaged.w.item() == plain.w.item()
    assert seen[-1] < plain.w.item(), "w rises, so its average lags"


def test_announcements_follow_the_checkpoint_and_are_repeated_on_resume(tmp_path: Path) -> None:
    announced: list[tuple[int, bool]] = []

    def announce(step: int, metrics: Mapping[str, float], *artifacts: object) -> None:
        announced.append((step, (tmp_path / "checkpoint" / f"step-{step:08d}.safetensors").exists()))
        if step == 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(Line(Scripted()), tmp_path, announce=announce)
    assert announced == [(5, True), (10, True)]
    again: list[int] = []
    run(Line(Scripted()), tmp_path, announce=lambda step, metrics, *artifacts: again.append(step))
    assert again == [10, 15, 20]


def test_a_killed_run_leaves_each_report_once_in_the_spool(tmp_path: Path) -> None:
    class Killed(BaseException):
        pass

    def die(step: int, metrics: Mapping[str, float], *artifacts: object) -> None:
        if step == 10:
            raise Killed  # after the spool has the report, before the checkpoint

    spool = SpoolReporter(tmp_path)
    with pytest.raises(Killed):
        run(Line(Scripted()), tmp_path, report=Composed(spool, die))
    spool.close()
    with open(tmp_path / "metrics.jsonl", "ab") as file:
        file.write(b'{"step": 11, "ti')
    spool = SpoolReporter(tmp_path)
    run(Line(Scripted()), tmp_path, report=spool)
    spool.close()
    assert [record.step for record in read_spool(tmp_path / "metrics.jsonl")] == [5, 10, 15, 20]


@pytest.mark.parametrize(
    ("change", "word"),
    [({"seed": 1}, "seed"), ({"config": {"k": 2}}, "another k"), ({"updates": 3}, "updates")],
)
def test_a_resume_that_is_another_run_is_refused(tmp_path: Path, change: dict[str, object], word: str) -> None:
    run(Line(Scripted()), tmp_path, updates=10, config={"k": 1})
    content = (tmp_path / "checkpoint" / "state.json").read_bytes()
    with pytest.raises(UserError, match=word):
        run(Line(Scripted()), tmp_path, **{"updates": 10, "config": {"k": 1}, **change})
    assert (tmp_path / "checkpoint" / "state.json").read_bytes() == content


def test_a_run_in_two_parts_is_the_run_in_one(tmp_path: Path) -> None:
    whole = Line(Scripted())
    run(whole, tmp_path / "whole")
    paused = run(Line(Scripted()), tmp_path / "parts", part=Part(until=10))
    assert (paused.kind, paused.step, paused.samples) == ("paused", 10, 160)
    resumed = Line(Scripted())
    completed = run(resumed, tmp_path / "parts")
    assert (completed.kind, completed.step, completed.samples) == ("completed", 20, 320)
    assert resumed.w.item() == whole.w.item()


def test_a_part_ends_where_the_budget_reports(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="got until=7, expected updates after which .* reports"):
        run(Line(Scripted()), tmp_path, part=Part(until=7))


def test_too_large_a_batch_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="64 training examples"):
        train(Line(Scripted()), Examples(), Budget(5, 65), report=Composed(), run_dir=tmp_path, seed=0)
