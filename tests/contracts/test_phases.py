"""Every phase of every system calls its objective as the loop does, and is told apart from the others by what it
wires together:
the model it hands over, the parts it bounds, the parameters that it steps."""

from __future__ import annotations

import pytest
import torch
from tests.contracts.systems import SYSTEMS, TRAINED

from gibbsweep_models import draws


@pytest.mark.parametrize("name", TRAINED)
def test_a_phase_s_loss_has_the_parts_that_it_bounds_and_a_gradient_for_the_parameters_that_it_steps(name: str) -> None:
    """What an objective promises by itself is tested in test_objectives.py."""
    case = SYSTEMS[name]
    system, batch = case.build(), case.dataset().train.batch(torch.arange(16))
    for phase in system.phases():
        system.zero_grad(set_to_none=True)
        model = system if phase.model is None else phase.model
        loss = phase.objective(model, batch, generator=draws.seeded(0))
        assert torch.isfinite(loss.total)
        assert all(torch.isfinite(part) for part in loss.parts.values())
        assert set(phase.bounds) <= set(loss.parts)
        torch.autograd.backward(loss.total)
        assert any(p.grad is not None and bool(p.grad.any()) for p in phase.parameters)
        assert all(p.grad is None or bool(torch.isfinite(p.grad).all()) for p in phase.parameters)
