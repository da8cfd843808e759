"""Every objective returns a finite scalar with a gradient, follows its generator, and is the same for two workers."""

from __future__ import annotations

import multiprocessing
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.contracts.discover import returning
from tests.contracts.objectives import OBJECTIVES, ObjectiveCase, gradient, two_updates, work
from torch import nn

import gibbsweep_models.objectives
from gibbsweep_models.draws import seeded
from gibbsweep_models.types import Loss

WITH_STATE = [name for name, case in OBJECTIVES.items() if isinstance(case.objective(), nn.Module)]
objectives = pytest.mark.parametrize("case", OBJECTIVES.values(), ids=OBJECTIVES)


def test_the_list_is_complete() -> None:
    listed = {type(case.objective()).__name__ for case in OBJECTIVES.values()}
    assert returning("Loss", gibbsweep_models.objectives) == listed


@objectives
def test_a_loss_is_a_scalar_with_a_gradient_and_its_parts_are_numbers(case: ObjectiveCase) -> None:
    model, objective = case.build()
    batch = case.batch()
    before = {key: value.clone() for key, value in batch.items()}
    loss = objective(model, batch, generator=seeded(0))
    assert isinstance(loss, Loss)
    assert (loss.total.shape, loss.total.dtype) == ((), torch.float32)
    assert loss.total.requires_grad
    assert torch.isfinite(loss.total)
    for name, part in loss.parts.items():
        assert part.shape == (), name
        assert not part.requires_grad, name
        assert torch.isfinite(part), name
    assert all(torch.equal(batch[key], before[key]) for key in batch), "the batch was written to"
    assert all(p.grad is None for p in model.parameters()), "an objective leaves backward() to the loop"


@objectives
def test_the_gradient_reaches_every_parameter_that_is_trained(case: ObjectiveCase) -> None:
    model, objective = case.build()
    vector = gradient(case, model, objective(model, case.batch(), generator=seeded(0)))
    assert torch.isfinite(vector).all()
    for name, parameter in model.get_submodule(case.trains).named_parameters():
        assert parameter.grad is not None
        assert bool(parameter.grad.any()) is (name not in case.unseen), name


@objectives
def test_backward_adds_the_gradient_of_the_total(case: ObjectiveCase) -> None:
    def grads(closed: bool) -> list[torch.Tensor | None]:
        model, objective = case.build()
        parameters = [p for p in model.parameters() if p.requires_grad]
        for seed in (0, 1):
            loss = objective(model, case.batch(), generator=seeded(seed))
            loss.backward() if closed else torch.autograd.backward(loss.total)
        return [p.grad for p in parameters]

    for ours, theirs in zip(grads(True), grads(False), strict=True):
        assert (ours is None) is (theirs is None)
        if ours is not None:
            torch.testing.assert_close(ours, theirs)


@objectives
def test_the_generator_decides_everything(case: ObjectiveCase) -> None:
    def run(seed: int, global_seed: int) -> Loss:
        model, objective = case.build()
        torch.manual_seed(global_seed)
        return objective(model, case.batch(), generator=seeded(seed))

    first, again, other = run(0, 1), run(0, 2), run(1, 1)
    assert torch.equal(first.total, again.total)
    assert first.parts.keys() == again.parts.keys()
    assert all(torch.equal(first.parts[name], again.parts[name]) for name in first.parts)
    assert torch.equal(first.total, other.total) is not case.draws


@pytest.mark.parametrize("name", [name for name in OBJECTIVES if name not in WITH_STATE])
def test_an_objective_without_state_is_a_frozen_dataclass(name: str) -> None:
    case = OBJECTIVES[name]
    assert hash(case.objective()) == hash(case.objective())


@pytest.mark.parametrize("name", WITH_STATE)
def test_a_state_dict_carries_the_whole_state(name: str) -> None:
    case = OBJECTIVES[name]
    model, objective = case.build()
    assert isinstance(objective, nn.Module)
    objective(model, case.batch(), generator=seeded(0))
    state = {key: value.clone() for key, value in objective.state_dict().items()}
    twin_model, twin = case.build()
    assert isinstance(twin, nn.Module)
    twin_model.load_state_dict(model.state_dict())
    twin.load_state_dict(state)
    ours = gradient(case, model, objective(model, case.batch(), generator=seeded(1)))
    theirs = gradient(case, twin_model, twin(twin_model, case.batch(), generator=seeded(1)))
    assert torch.equal(ours, theirs)
    assert all(torch.equal(value, twin.state_dict()[key]) for key, value in objective.state_dict().items())


@pytest.fixture(scope="module")
def two_workers(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What each of two processes, with half of every batch, ended with."""
    folder: Path = tmp_path_factory.mktemp("workers")
    spawn = multiprocessing.get_context("spawn")
    children = [spawn.Process(target=work, args=(rank, folder)) for rank in range(2)]
    for child in children:
        child.start()
    for child in children:
        child.join(120)
    assert [child.exitcode for child in children] == [0, 0]
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(2)]


@pytest.mark.parametrize("name", OBJECTIVES)
def test_two_workers_are_one(name: str, two_workers: list[dict[str, Any]]) -> None:
    whole = two_updates(OBJECTIVES[name], OBJECTIVES[name].batch())
    for worker in two_workers:
        shared = worker[name]
        for ours, theirs in zip(whole["losses"], shared["losses"], strict=True):
            torch.testing.assert_close(theirs, ours, rtol=1e-4, atol=1e-5)
        for ours, theirs in zip(whole["gradients"], shared["gradients"], strict=True):
            torch.testing.assert_close(theirs, ours, rtol=1e-4, atol=1e-5 * float(ours.abs().max()))
        assert whole["state"].keys() == shared["state"].keys()
        for key, value in whole["state"].items():
            torch.testing.assert_close(shared["state"][key], value)
    first, second = (worker[name]["state"] for worker in two_workers)
    assert all(torch.equal(first[key], second[key]) for key in first), "the workers' states drifted apart"
