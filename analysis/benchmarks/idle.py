"""A study whose trials do nothing, or sleep, so that only the engine costs time.

It is also a script: ``python analysis/benchmarks/idle.py``.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from gibbsweep.evaluate.contract import Evaluator
from gibbsweep.study import Contender, Float, Goal, Study
from gibbsweep.train import Budget, Evaluation
from gibbsweep_models.types import Batch, DataSpec, Loss, OptimizerConfig, Phase, System, Units


@dataclass(frozen=True)
class IdleConfig:
    """A system that is fitted in no time."""

    value: float = 0.5
    """The searched value."""
    units: Units = "binary"
    """The form of the data, which nothing reads."""

    def build(self, spec: DataSpec) -> IdleSystem:
        return IdleSystem(self.value)


class IdleSystem(System):
    """A system without phases and without weights."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = value

    def phases(self) -> list[Phase]:
        return []

    def fit(self, batch: Batch, *, generator: torch.Generator) -> None:
        """Learn nothing."""


@dataclass(frozen=True)
class SleeperConfig:
    """A system whose update takes time, and no processor."""

    seconds: float = 0.1
    """Seconds of an update."""
    value: float = 0.5
    """The searched value."""
    units: Units = "binary"
    """The form of the data, which nothing reads."""

    def build(self, spec: DataSpec) -> SleeperSystem:
        return SleeperSystem(self)


class SleeperSystem(System):
    """A system with one weight and one phase, which sleeps."""

    def __init__(self, config: SleeperConfig) -> None:
        super().__init__()
        self.seconds, self.value = config.seconds, config.value
        self.w = nn.Parameter(torch.zeros(1))

    def phases(self) -> list[Phase]:
        return [Phase("sleep", [self.w], self.loss, OptimizerConfig("sgd", 0.1))]

    def loss(self, model: nn.Module, batch: Batch, *, generator: torch.Generator) -> Loss:
        time.sleep(self.seconds)
        total: Tensor = (self.w - self.value).square().sum()
        return Loss(total, {})


@dataclass(frozen=True)
class Distance:
    """An evaluator of (value - 0.3)², for a goal."""

    needs: ClassVar[type] = object

    def __call__(self, system: IdleSystem | SleeperSystem, split: object, *, generator: torch.Generator) -> Evaluation:
        return Evaluation({"distance": (system.value - 0.3) ** 2})


VALUE = {"value": Float(0.0, 1.0)}
GOAL: tuple[Evaluator, ...] = (Distance(),)

STUDY = Study(
    name="idle",
    question="What does the engine cost?",
    data="digits",
    contenders={
        "idle": Contender(IdleConfig(), kind="baseline", space=VALUE),
        "sleeper": Contender(SleeperConfig(), kind="baseline", space=VALUE),
    },
    default=("idle",),
    goal=Goal("validation/distance", "minimize"),
    evaluators=GOAL,
    final_evaluators=GOAL,
    columns={"test/distance": "distance"},
    # An update of the sleeper takes a tenth of a second.
    budgets={"smoke": Budget(1, 10, 1), "laptop": Budget(600, 10, 200)},
    trials=100,
    scheduler="none",
    seeds=0,
)

if __name__ == "__main__":
    from gibbsweep.cli import run_study

    run_study(STUDY)
