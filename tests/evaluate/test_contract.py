"""Evaluators that are run together: names, random streams, what they need, and what they leave alone."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from typing import Any, ClassVar

import pytest
import torch
from tests.evaluate.machines import coins, machine
from tests.tiny import RBM

import gibbsweep.evaluate
from gibbsweep.data import load
from gibbsweep.errors import UserError
from gibbsweep.evaluate import ChainGrid, ChainMixing, EnergyGap, LogLikelihood, SampleGrid, evaluate_all
from gibbsweep.train import Evaluation
from gibbsweep_models.baselines.autoencoder import AutoencoderConfig
from gibbsweep_models.capabilities import HasEnergy
from gibbsweep_models.types import DataSpec, System


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


def evaluate(*evaluators: Any, system: System, seed: int = 0, step: int = 10) -> dict[str, float]:
    return dict(evaluate_all(evaluators, system, coins(20), prefix="test", seed=seed, step=step).metrics)


def test_an_evaluator_s_numbers_do_not_depend_on_its_company() -> None:
    system = machine()
    likelihood, gap = LogLikelihood(n_temperatures=10), EnergyGap(n_steps=4)
    alone = evaluate(gap, system=system)
    together = evaluate(likelihood, SampleGrid(4, 2), gap, system=system)
    assert set(alone) == {"test/energy_gap"}
    assert alone["test/energy_gap"] == together["test/energy_gap"]
    assert evaluate(likelihood, system=system).items() <= together.items()
    assert evaluate(gap, system=system) == alone
    for other in ({"seed": 1}, {"step": 11}):
        assert evaluate(gap, system=system, **other) != alone


def test_names_get_the_prefix_and_pictures_come_along() -> None:
    evaluation = evaluate_all(
        (EnergyGap(n_steps=2), ChainGrid((1,), 2)), machine(), coins(5), prefix="validation", seed=0, step=0
    )
    assert set(evaluation.metrics) == {"validation/energy_gap"}
    assert set(evaluation.images) == {"validation/chains"}


def test_nothing_is_left_on_the_system() -> None:
    system = machine()
    state = {key: value.clone() for key, value in system.state_dict().items()}
    evaluate(LogLikelihood(5), EnergyGap(2), ChainMixing(8, 2, 4, 1), ChainGrid((1,)), SampleGrid(4), system=system)
    assert all(torch.equal(value, state[key]) for key, value in system.state_dict().items())
    assert all(p.grad is None for p in system.parameters())


@pytest.mark.parametrize("evaluator", [LogLikelihood(5), EnergyGap(2), ChainMixing(8), ChainGrid((1,)), SampleGrid(4)])
def test_a_system_that_cannot_is_refused_with_a_sentence(evaluator: Any) -> None:
    system = AutoencoderConfig(channels=(8,)).build(DataSpec((1, 8, 8)))
    assert not isinstance(system, HasEnergy)
    message = f"{type(evaluator).__name__} needs a system with {evaluator.needs.__name__}, and AutoencoderSystem"
    with pytest.raises(UserError, match=message):
        evaluate_all([evaluator], system, coins(4, (1, 8, 8)), prefix="test", seed=0, step=0)
