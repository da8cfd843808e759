"""Every phase of every system calls its objective as the loop does: finite, reproducible, with the parts that it bounds."""

from __future__ import annotations

import pytest
import torch
from tests.contracts.systems import SYSTEMS, TRAINED
from torch import nn

from gibbsweep_models import draws
from gibbsweep_models.types import Loss, Phase, System

systems = pytest.mark.parametrize("name", TRAINED)


def build(name: str) -> tuple[System, dict[str, torch.Tensor]]:
    case = SYSTEMS[name]
    return case.build(), case.dataset().train.batch(torch.arange(16))


def evaluate(system: System, phase: Phase, batch: dict[str, torch.Tensor], seed: int) -> Loss:
    model = system if phase.model is None else phase.model
    return phase.objective(model, batch, generator=draws.seeded(seed))


@systems
def test_a_loss_is_a_scalar_with_finite_detached_parts(name: str) -> None:
    system, batch = build(name)
    for phase in system.phases():
        loss = evaluate(system, phase, batch, 0)
        assert loss.total.shape == ()
        assert loss.total.requires_grad
        assert torch.isfinite(loss.total)
        for part in loss.parts.values():
            assert part.shape == ()
            assert not part.requires_grad
            assert torch.isfinite(part)
        assert set(phase.bounds) <= set(loss.parts)


@systems
def test_a_loss_follows_its_generator_and_leaves_the_batch_alone(name: str) -> None:
    values = []
    for seed in (0, 0, 1):
        system, batch = build(name)
        values.append([float(evaluate(system, phase, batch, seed).total.detach()) for phase in system.phases()])
        assert torch.equal(batch["x"], build(name)[1]["x"])
    assert values[0] == values[1]
    assert not SYSTEMS[name].draws or values[0] != values[2]


@systems
def test_gradients_reach_the_phase_s_parameters(name: str) -> None:
    system, batch = build(name)
    for phase in system.phases():
        system.zero_grad(set_to_none=True)
        torch.autograd.backward(evaluate(system, phase, batch, 0).total)
        with_gradient = [p for p in phase.parameters if p.grad is not None and bool((p.grad != 0).any())]
        assert with_gradient
        assert all(p.grad is None or torch.isfinite(p.grad).all() for p in phase.parameters)


@systems
def test_an_objective_s_state_survives_a_round_trip(name: str) -> None:
    system, batch = build(name)
    other, _ = build(name)
    for phase, fresh in zip(system.phases(), other.phases(), strict=True):
        if not isinstance(phase.objective, nn.Module):
            continue
        assert isinstance(fresh.objective, nn.Module)
        evaluate(system, phase, batch, 0)
        fresh.objective.load_state_dict(phase.objective.state_dict())
        for (key, a), (_, b) in zip(
            phase.objective.state_dict().items(), fresh.objective.state_dict().items(), strict=True
        ):
            assert torch.equal(a, b), key
        one, two = evaluate(system, phase, batch, 1), evaluate(other, fresh, batch, 1)
        torch.testing.assert_close(one.total, two.total)
