"""Evaluators that are run together do not overwrite one another."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from typing import ClassVar

import pytest
import torch
from tests.tiny import RBM

import gibbsweep.evaluate
from gibbsweep.data import load
from gibbsweep.errors import UserError
from gibbsweep.evaluate import EnergyGap, evaluate_all
from gibbsweep.train import Evaluation


@dataclass(frozen=True)
class GradientMode:
    needs: ClassVar[type] = object

    def __call__(self, system: object, split: object, *, generator: torch.Generator) -> Evaluation:
        return Evaluation({"gradients": float(torch.is_grad_enabled())})


def measured(*evaluators: object) -> dict[str, float]:
    data = load("digits", units="binary")
    found = evaluate_all(evaluators, RBM.build(data.spec), data.validation, prefix="v", seed=0, step=1)  # type: ignore[arg-type]
    return dict(found.metrics)


def test_two_numbers_of_one_name_are_refused() -> None:
    with pytest.raises(UserError, match="both measure energy_gap"):
        measured(EnergyGap(n_steps=2), EnergyGap(n_steps=3))


def test_evaluators_run_without_gradients_and_leave_the_mode_as_it_was() -> None:
    with torch.enable_grad():
        assert measured(GradientMode()) == {"v/gradients": 0.0}
        assert torch.is_grad_enabled()


EXPORTED = [
    value for name in gibbsweep.evaluate.__all__ if isinstance(value := getattr(gibbsweep.evaluate, name), type)
]
EVALUATORS = [one for one in EXPORTED if is_dataclass(one) and hasattr(one, "needs")]


def test_there_are_evaluators() -> None:
    assert len(EVALUATORS) > 35


@pytest.mark.parametrize("evaluator", EVALUATORS, ids=lambda one: one.__name__)
def test_an_evaluator_holds_no_class(evaluator: type) -> None:
    """A sweep is compared with its record by its evaluators' fields: the name of a protocol is none of them."""
    one = evaluator()
    assert isinstance(one.needs, type)
    assert [f.name for f in fields(one) if isinstance(getattr(one, f.name), type)] == []
    assert "needs" not in {f.name for f in fields(one)}
    assert "<class" not in repr(one)
