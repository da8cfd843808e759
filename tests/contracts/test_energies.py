"""Every energy maps (B, *D) to (B,), treats its examples one by one, and gives a score without touching its
parameters."""

from __future__ import annotations

import pytest
import torch
from tests.contracts.discover import classes
from tests.contracts.energies import ENERGIES, EnergyCase
from torch import Tensor, nn

import gibbsweep_models.nn
from gibbsweep_models.draws import rand, randn, seeded
from gibbsweep_models.nn.gradients import energy_and_gradient, energy_of, score_of
from gibbsweep_models.types import EnergyFn

energies = pytest.mark.parametrize("case", ENERGIES.values(), ids=ENERGIES)


def build(case: EnergyCase) -> tuple[nn.Module, EnergyFn]:
    torch.manual_seed(0)
    model = case.build()
    return model, energy_of(model)


def examples(case: EnergyCase, n: int = 6, dtype: torch.dtype = torch.float32) -> Tensor:
    low, high = case.box
    return low + (high - low) * rand((n, *case.shape), generator=seeded(1), dtype=dtype)


def test_the_list_is_complete() -> None:
    listed = {type(build(case)[0]).__name__ for case in ENERGIES.values()}
    assert {cls.__name__ for cls in classes(gibbsweep_models.nn) if cls.__name__.endswith(("Energy", "RBM"))} <= listed


@energies
def test_one_float32_number_an_example(case: EnergyCase) -> None:
    energy = build(case)[1]
    for n in (1, 6):
        value = energy(examples(case, n))
        assert value.shape == (n,)
        assert value.dtype == torch.float32
        assert torch.isfinite(value).all()


@energies
def test_an_example_s_energy_depends_on_it_alone(case: EnergyCase) -> None:
    energy = build(case)[1]
    x = examples(case)
    together = energy(x)
    torch.testing.assert_close(together, torch.cat([energy(x[i : i + 1]) for i in range(len(x))]))
    order = torch.tensor([3, 0, 5, 1, 4, 2])
    torch.testing.assert_close(energy(x[order]), together[order])
    assert len(set(together.tolist())) == len(x), "energies of different examples differ"


@energies
def test_repeated_calls_agree_to_the_last_bit(case: EnergyCase) -> None:
    model, energy = build(case)
    x, state = examples(case), {key: value.clone() for key, value in model.state_dict().items()}
    before = x.clone()
    assert torch.equal(energy(x), energy(x))
    model.eval()
    evaluated = energy(x)
    model.train()
    assert torch.equal(energy(x), evaluated), "an energy is one function, in training and out of it"
    assert torch.equal(x, before)
    for key, value in model.state_dict().items():
        assert torch.equal(value, state[key]), f"calling the energy changed {key}"


@energies
def test_the_score_leaves_no_gradient_behind(case: EnergyCase) -> None:
    model, energy = build(case)
    x = examples(case)
    with torch.no_grad():
        score = score_of(energy)(x)
    value, gradient = energy_and_gradient(energy, x)
    assert score.shape == gradient.shape == x.shape
    assert score.dtype == torch.float32
    assert torch.equal(score, -gradient)
    assert torch.equal(value, energy(x))
    assert not (score.requires_grad or value.requires_grad or gradient.requires_grad or x.requires_grad)
    assert x.grad is None
    assert all(p.grad is None and p.requires_grad for p in model.parameters())


@energies
def test_the_score_is_the_slope_of_finite_differences(case: EnergyCase) -> None:
    model, _ = build(case)
    energy = energy_of(model.double())
    x = examples(case, dtype=torch.float64)
    score = score_of(energy)(x)
    for seed in range(3):
        direction = randn(x.shape, generator=seeded(2, seed), dtype=torch.float64)
        step = 1e-5 * direction
        slope = (energy(x - step) - energy(x + step)).detach() / 2e-5
        torch.testing.assert_close((score * direction).flatten(1).sum(dim=1), slope, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", [name for name, case in ENERGIES.items() if case.score is not None])
def test_the_score_is_the_closed_form_where_there_is_one(name: str) -> None:
    case = ENERGIES[name]
    assert case.score is not None
    model, energy = build(case)
    x = examples(case)
    torch.testing.assert_close(score_of(energy)(x), case.score(model, x).detach())


@energies
def test_every_parameter_shapes_the_energy(case: EnergyCase) -> None:
    """Of a difference of energies, that is: a constant is seen by no density."""
    model, energy = build(case)
    value = energy(examples(case))
    gradients = torch.autograd.grad(value[0] - value[1], list(model.parameters()))
    assert all(torch.isfinite(gradient).all() for gradient in gradients)
    assert any(bool(gradient.any()) for gradient in gradients)


@energies
def test_a_state_dict_carries_the_whole_function(case: EnergyCase) -> None:
    model, energy = build(case)
    torch.manual_seed(1)
    twin = case.build()
    x = examples(case)
    twin.load_state_dict(model.state_dict())
    assert torch.equal(energy_of(twin)(x), energy(x))


@energies
@pytest.mark.parametrize("value", [0.0, 1.0, -1.0, 1e4, -1e4])
def test_extreme_inputs_have_finite_energies_and_scores(case: EnergyCase, value: float) -> None:
    energy = build(case)[1]
    x = torch.full((2, *case.shape), value)
    assert torch.isfinite(energy(x)).all()
    assert torch.isfinite(score_of(energy)(x)).all()


@pytest.mark.parametrize("case", [case for case in ENERGIES.values() if case.n_classes])
def test_an_energy_of_classes_sums_them_out(case: EnergyCase) -> None:
    """exp(-E(x)) = Σ_y exp(-E(x, y)): the energy without a label is the one that training and outliers see."""
    energy = build(case)[1]
    x = examples(case)
    by_class = torch.stack([energy(x, torch.full((len(x),), y)) for y in range(case.n_classes)], dim=1)
    torch.testing.assert_close(energy(x), -torch.logsumexp(-by_class, dim=1))
    mixed = torch.arange(len(x)) % case.n_classes
    torch.testing.assert_close(energy(x, mixed), by_class[torch.arange(len(x)), mixed])


@pytest.mark.parametrize("case", [case for case in ENERGIES.values() if not case.n_classes])
def test_a_condition_is_refused_with_a_sentence(case: EnergyCase) -> None:
    energy = build(case)[1]
    with pytest.raises(ValueError, match=r"cond.*\(6,\).*; (use|leave)"):
        energy(examples(case), torch.zeros(6, dtype=torch.long))


@pytest.mark.parametrize("name", [name for name in ENERGIES if name != "quadratic"])  # which is defined on every shape
def test_another_shape_is_refused_with_a_sentence(name: str) -> None:
    energy = build(ENERGIES[name])[1]
    with pytest.raises(ValueError, match=r"got x .*\(2, 7\).*; build"):
        energy(torch.zeros(2, 7))


def test_a_network_that_is_no_energy_is_named() -> None:
    with pytest.raises(ValueError, match=r"\(B,\)"):
        score_of(lambda x, cond=None: x)(torch.zeros(4, 1))
