"""A study that runs in a second: the RBM on 8×8 digits, k compared, and a contender that diverges at will."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from gibbsweep.evaluate import ChainGrid, EnergyGap, LogLikelihood
from gibbsweep.study import Choice, Contender, Float, Goal, Study
from gibbsweep.train import Budget
from gibbsweep_models.capabilities import Bracket
from gibbsweep_models.energy.rbm import RBMConfig, RBMSystem
from gibbsweep_models.types import Batch, DataSpec, Loss, Phase, System, Units

RBM = RBMConfig(n_hidden=6, learning_rate=0.1, sample_steps=10, annealing_chains=10, equilibration=10)


@dataclass(frozen=True)
class BreakingConfig(RBMConfig):
    """An RBM whose loss becomes NaN at update ``at``, or which raises there."""

    at: int = 5
    how: str = "nan"

    def build(self, spec: DataSpec) -> RBMSystem:
        return BreakingSystem(self, spec)


class BreakingSystem(RBMSystem):
    def phases(self) -> list[Phase]:
        (phase,) = super().phases()
        config = self.config
        assert isinstance(config, BreakingConfig)
        return [replace(phase, objective=Breaking(phase.objective, config.at, config.how))]


@dataclass(frozen=True)
class MeanConfig:
    """The mean of the training images: a baseline that is fitted, not trained."""

    units: Units = "binary"

    def build(self, spec: DataSpec) -> MeanSystem:
        return MeanSystem(spec)


class MeanSystem(System):
    """-E is the log-likelihood of independent units; log Z is 0."""

    def __init__(self, spec: DataSpec) -> None:
        super().__init__()
        self.register_buffer("mean", torch.full(spec.shape, 0.5))

    def phases(self) -> list[Phase]:
        return []

    def fit(self, batch: Batch, *, generator: torch.Generator) -> None:
        self.mean = batch["x"].mean(dim=0).clamp(0.01, 0.99)

    def log_likelihood(self, x: Tensor, *, generator: torch.Generator, n_temperatures: int) -> Bracket:
        log_p = float((x * self.mean.log() + (1 - x) * (1 - self.mean).log()).flatten(1).sum(dim=1).mean())
        return Bracket(log_p, log_p, log_p)


class Breaking(torch.nn.Module):
    def __init__(self, objective: object, at: int, how: str) -> None:
        super().__init__()
        self.objective, self.at, self.how, self.calls = objective, at, how, 0

    def forward(self, model: object, batch: Batch, *, generator: torch.Generator) -> Loss:
        loss = self.objective(model, batch, generator=generator)  # type: ignore[operator]
        self.calls += 1
        if self.calls <= self.at:
            return loss
        if self.how == "raise":
            raise RuntimeError("the disk of this test is on fire")
        return Loss(loss.total * torch.nan, loss.parts)


def study(**changes: object) -> Study:
    base = Study(
        name="tiny",
        question="Does it work?",
        data="digits",
        contenders={
            "rbm": Contender(
                RBM,
                kind="energy",
                compare="k",
                space={"k": Choice(1, 2), "learning_rate": Float(0.01, 0.3, log=True), "centred": Choice(True, False)},
            ),
            "breaking": Contender(
                BreakingConfig(n_hidden=6, how="nan"), kind="baseline", space={"learning_rate": Float(0.01, 0.1)}
            ),
            "raising": Contender(
                BreakingConfig(n_hidden=6, how="raise"), kind="baseline", space={"learning_rate": Float(0.01, 0.1)}
            ),
            "mean": Contender(MeanConfig(), kind="baseline", final_evaluators=(LogLikelihood(n_temperatures=20),)),
        },
        default=("rbm",),
        goal=Goal("validation/log_likelihood", "maximize"),
        evaluators=(LogLikelihood(n_temperatures=20),),
        final_evaluators=(LogLikelihood(n_temperatures=20), EnergyGap(n_steps=5), ChainGrid(steps=(1, 2))),
        columns={"test/log_likelihood": "log p", "test/energy_gap": "energy gap"},
        budgets={
            "smoke": Budget(10, 32, 5),
            "laptop": Budget(20, 32, 5),
            "long": Budget(800, 32, 20),
            "slow": Budget(20_000, 32, 20),
            "silent": Budget(10**6, 32, 10**6),
        },
        trials=2,
        scheduler="none",
        seeds=2,
    )
    return replace(base, **changes)  # type: ignore[arg-type]


STUDY = study()

if __name__ == "__main__":
    from tests.patience import track_patiently

    from gibbsweep.cli import run_study

    track_patiently()
    run_study(STUDY)
