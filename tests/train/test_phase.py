"""A phase takes any optimiser, resumes with it, and says what is wrong with it when it is made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.train.test_loop import Line, Scripted, run
from torch import Tensor, nn

from gibbsweep_models.types import Batch, Loss, OptimizerConfig, Phase

FACTORIES: dict[str, Callable[[list[nn.Parameter]], torch.optim.Optimizer]] = {
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=0.05, momentum=0.5),
    "adagrad": lambda p: torch.optim.Adagrad(p, lr=0.5),
    "two rates": lambda p: torch.optim.Adam([{"params": p, "lr": 0.1}], lr=0.3, amsgrad=True),
}


class OwnOptimizer(Line):
    def __init__(self, factory: Callable[[list[nn.Parameter]], torch.optim.Optimizer]) -> None:
        super().__init__(Scripted())
        self.factory = factory

    def phases(self) -> list[Phase]:
        return [Phase("fit", [self.w], self.objective, self.factory)]


@pytest.mark.parametrize("name", FACTORIES)
def test_any_optimiser_trains_and_resumes_to_the_same_numbers(name: str, tmp_path: Path) -> None:
    whole = OwnOptimizer(FACTORIES[name])
    run(whole, tmp_path / "whole", updates=20)
    assert whole.w.item() > 0.5
    parts = OwnOptimizer(FACTORIES[name])
    run(parts, tmp_path / "parts", updates=10)
    parts = OwnOptimizer(FACTORIES[name])
    run(parts, tmp_path / "parts", updates=20)
    assert torch.equal(parts.w, whole.w)


def test_its_learning_rate_is_its_own(tmp_path: Path) -> None:
    made: list[torch.optim.Optimizer] = []

    def factory(parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
        made.append(torch.optim.SGD(parameters, lr=0.0625))
        return made[-1]

    run(OwnOptimizer(factory), tmp_path / "run", updates=3)
    assert made[0].param_groups[0]["lr"] == 0.0625


def loss(model: object, batch: Batch, *, generator: torch.Generator) -> Loss:
    return Loss(torch.zeros(()))


WEIGHT = nn.Parameter(torch.zeros(1))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"parameters": []}, "phase 'fit' changes parameters: got none, expected nn.Parameters"),
        ({"parameters": [Tensor()]}, "got Tensor among them"),
        ({"objective": 3}, "got int, expected a callable .model, batch, ., generator. -> Loss"),
        ({"optimizer": "adam"}, "got str, expected an OptimizerConfig or a function of the parameters"),
        ({"every": 0}, "got every=0, start=0, stop=None; expected every >= 1"),
        ({"start": 5, "stop": 4}, "expected every >= 1 and 0 <= start <= stop"),
    ],
)
def test_what_no_loop_could_run_is_refused_when_it_is_made(changes: dict[str, Any], message: str) -> None:
    right: dict[str, Any] = {
        "name": "fit",
        "parameters": [WEIGHT],
        "objective": loss,
        "optimizer": OptimizerConfig(),
    }
    with pytest.raises((ValueError, TypeError), match=message):
        Phase(**{**right, **changes})
    assert Phase(**{**right, "parameters": iter([WEIGHT])}).parameters == [WEIGHT]


def test_a_function_that_makes_no_optimiser_is_named() -> None:
    phase = Phase("fit", [WEIGHT], loss, lambda parameters: None)  # type: ignore[arg-type, return-value]
    with pytest.raises(TypeError, match="phase 'fit' is made by a function: got NoneType from it"):
        phase.build_optimizer()
