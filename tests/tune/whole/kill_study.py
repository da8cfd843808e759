"""A sweep whose every update is on record, to be killed: the tiny study with a count of what was really trained."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

import torch
from tests.tiny import STUDY

from gibbsweep.evaluate import EnergyGap
from gibbsweep.study import Choice, Contender, Float, Goal
from gibbsweep.train import Budget
from gibbsweep_models.energy.rbm import RBMConfig, RBMSystem
from gibbsweep_models.types import Batch, DataSpec, Loss, Phase


@dataclass(frozen=True)
class CountedConfig(RBMConfig):
    """An RBM that appends a byte to ``$GIBBSWEEP_COUNTED`` with each update."""

    def build(self, spec: DataSpec) -> RBMSystem:
        return CountedSystem(self, spec)


class CountedSystem(RBMSystem):
    def phases(self) -> list[Phase]:
        (phase,) = super().phases()
        return [replace(phase, objective=Counted(phase.objective))]


class Counted(torch.nn.Module):
    def __init__(self, objective: object) -> None:
        super().__init__()
        self.objective = objective

    def forward(self, model: object, batch: Batch, *, generator: torch.Generator) -> Loss:
        with open(os.environ["GIBBSWEEP_COUNTED"], "ab", buffering=0) as file:
            file.write(b".")
        return self.objective(model, batch, generator=generator)  # type: ignore[operator,no-any-return]


EVERY = 30
UPDATES = 540
KILLED = replace(
    STUDY,
    name="killed",
    contenders={
        "rbm": Contender(
            CountedConfig(n_hidden=48, k=10),
            kind="energy",
            space={"learning_rate": Float(0.01, 0.3, log=True), "n_hidden": Choice(32, 48)},
        )
    },
    goal=Goal("validation/energy_gap", "minimize"),
    evaluators=(EnergyGap(n_steps=2),),
    final_evaluators=(EnergyGap(n_steps=2),),
    columns={"test/energy_gap": "energy gap"},
    budgets={"smoke": Budget(UPDATES, 64, EVERY)},
    trials=10,
    seeds=1,
)

if __name__ == "__main__":
    from tests.patience import track_patiently

    from gibbsweep.cli import run_study

    track_patiently()
    run_study(KILLED)
