"""A parabola as a system: a step of 1.5 doubles the error at every update, a step of .75 halves it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import nn

from gibbsweep.run.assignment import Assignment
from gibbsweep.train import Budget
from gibbsweep_models import draws
from gibbsweep_models.types import Batch, DataSpec, Loss, OptimizerConfig, Phase, System, Units

BUDGET = Budget(updates=12, batch_size=10, report_every=3, retries=2)


@dataclass(frozen=True)
class ParabolaConfig:
    learning_rate: float = 1.5
    units: Units = "signed"
    schedule: Literal["constant", "linear", "cosine"] = "constant"
    noise: float = 1e-4

    def build(self, spec: DataSpec) -> Parabola:
        return Parabola(self)


class Parabola(System):
    """(w - 1)² from w = 0, with a little noise in the gradient; the gap is the error, 2^k before update k."""

    ema_decay = 0.5

    def __init__(self, config: ParabolaConfig) -> None:
        super().__init__()
        self.config = config
        self.w = nn.Parameter(torch.zeros(1))

    def phases(self) -> list[Phase]:
        sgd = OptimizerConfig("sgd", self.config.learning_rate, schedule=self.config.schedule)
        return [Phase("descent", [self.w], self.loss, sgd, bounds={"gap": 100.0})]

    def loss(self, model: Parabola, batch: Batch, *, generator: torch.Generator) -> Loss:
        noise = model.config.noise * draws.randn((len(batch["x"]),), generator=generator).mean()
        error = model.w[0] - 1.0
        return Loss(error**2 + model.w[0] * noise, {"gap": error.detach().abs()}, nfe=4)


def assignment(run_dir: Path, budget: Budget = BUDGET, **config: object) -> Assignment:
    return Assignment(
        name="run", contender="parabola", kind="single", config=ParabolaConfig(**config), seed=3, data="digits",
        budget=budget, run_dir=run_dir, precision="fp32",
    )  # fmt: skip
