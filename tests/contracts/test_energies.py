"""What every energy promises: (B,), each example for itself, no condition it does not know, gradients that are its score."""

from __future__ import annotations

import pytest
import torch
from tests.contracts.energies import ENERGIES
from torch import nn

from gibbsweep_models.nn.gradients import score_of

energies = pytest.mark.parametrize("name", ENERGIES)


def build(name: str) -> nn.Module:
    torch.manual_seed(0)
    return ENERGIES[name].build().eval()


@energies
def test_an_energy_is_one_finite_number_an_example(name: str) -> None:
    energy = build(name)(ENERGIES[name].draw(7))
    assert energy.shape == (7,)
    assert energy.dtype == torch.float32
    assert torch.isfinite(energy).all()


@energies
def test_examples_do_not_see_one_another(name: str) -> None:
    energy, x = build(name), ENERGIES[name].draw(6)
    order = torch.tensor([3, 0, 5, 1, 4, 2])
    torch.testing.assert_close(energy(x)[order], energy(x[order]))
    torch.testing.assert_close(energy(x)[2:3], energy(x[2:3]))


@energies
def test_twice_the_same_input_is_the_same_energy(name: str) -> None:
    energy, x = build(name), ENERGIES[name].draw(4)
    assert torch.equal(energy(x), energy(x))


@energies
def test_a_condition_it_does_not_know_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="condition|cond"):
        build(name)(ENERGIES[name].draw(2), torch.zeros(2))


@energies
def test_state_dict_round_trip(name: str) -> None:
    one = build(name)
    torch.manual_seed(1)
    other = ENERGIES[name].build().eval()
    other.load_state_dict(one.state_dict())
    x = ENERGIES[name].draw(4)
    assert torch.equal(one(x), other(x))


@energies
def test_the_score_is_minus_the_gradient_and_leaves_no_trace(name: str) -> None:
    case = ENERGIES[name]
    energy, x = build(name).double(), case.draw(3).double()
    score = score_of(energy)(x)
    assert score.shape == x.shape
    assert not score.requires_grad
    assert all(p.grad is None for p in energy.parameters())
    direction = torch.randn(x.shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    h = 1e-5
    with torch.no_grad():
        slope = (energy(x + h * direction) - energy(x - h * direction)) / (2 * h)
    torch.testing.assert_close(-(score * direction).flatten(1).sum(1), slope, rtol=1e-4, atol=1e-6)
    if case.score is not None:
        torch.testing.assert_close(score, case.score(x))


def test_a_network_that_is_no_energy_is_named() -> None:
    with pytest.raises(ValueError, match=r"\(B,\)"):
        score_of(lambda x, cond=None: x)(torch.zeros(4, 1))
