"""Energies that learn by regression, on Gaussian data, where what they must find is in closed form."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import Literal

import pytest
import torch
from tests.contracts.energies import QuadraticEnergy
from torch import Tensor, nn

from gibbsweep_models.capabilities import CanDenoise, CanInpaint, CanSample, HasAnomalyScore, HasChain, HasEnergy
from gibbsweep_models.draws import randn, seeded
from gibbsweep_models.energy.energy_matching import EnergyMatchingConfig, EnergyMatchingSystem
from gibbsweep_models.energy.equilibrium_matching import EquilibriumEnergySystem, EquilibriumMatchingConfig
from gibbsweep_models.nn.energies.potential import PotentialConfig
from gibbsweep_models.nn.gradients import energy_and_gradient
from gibbsweep_models.nn.noise_networks.configs import UNetConfig, VectorNetConfig
from gibbsweep_models.objectives.flow_matching.contrast import WarmContrast
from gibbsweep_models.objectives.flow_matching.gradient_matching import GradientMatching
from gibbsweep_models.objectives.flow_matching.pairs import optimal_pairs
from gibbsweep_models.samplers.mcmc.langevin import Langevin
from gibbsweep_models.samplers.mcmc.nesterov import NesterovDescent
from gibbsweep_models.samplers.mcmc.warming import WarmingLangevin
from gibbsweep_models.types import DataSpec

S = 0.5
"""Deviation of the data, N(0, S²)."""
Pairs = Literal["optimal", "independent"]


def data(n: int, dim: int = 1) -> Tensor:
    return S * randn((n, dim), generator=seeded(9), dtype=torch.float64)


class Bowl(nn.Module):
    """V(x) = slope |x|² / 2 + bend |x|⁴ / 4."""

    def __init__(self, slope: float, bend: float = 0.0) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.tensor(slope, dtype=torch.float64))
        self.bend = nn.Parameter(torch.tensor(bend, dtype=torch.float64))

    def forward(self, x: Tensor, cond: Tensor | None = None) -> Tensor:
        square = x.flatten(1).square().sum(dim=1)
        return self.slope * square / 2 + self.bend * square**2 / 4


def test_pairs_in_one_dimension_are_sorted() -> None:
    x, noise = randn((50, 1), generator=seeded(0)), randn((50, 1), generator=seeded(1))
    paired = optimal_pairs(x, noise, generator=seeded(1))
    order = x[:, 0].argsort()
    torch.testing.assert_close(paired[order, 0], noise[:, 0].sort().values)


def test_no_order_of_five_is_shorter() -> None:
    x, noise = randn((5, 1, 2, 2), generator=seeded(2)), randn((5, 1, 2, 2), generator=seeded(3))
    paired = optimal_pairs(x, noise, generator=seeded(3))
    lengths = [float((noise[list(order)] - x).square().sum()) for order in itertools.permutations(range(5))]
    assert float((paired - x).square().sum()) == pytest.approx(min(lengths))


# With a(t) = t + (1 - t) S the pair of x_0 = S n is x_t = a n; v(t) = t² + (1 - t)² S² is the variance of x_t without.
BEST_SLOPE = {
    "optimal": 1.5 * (1 - S**2) / (1 + S + S**2),
    "independent": 1.5 * (1 - S**2) / (1 + S**2),
}
"""E[(n - x_0) x_t] / E[x_t²], of the best parabola."""


@pytest.mark.parametrize("pairs", BEST_SLOPE)
def test_the_gradient_of_the_loss_by_hand_and_its_zero(pairs: Pairs) -> None:
    """d/dk mean (k x_t - n + x_0)² = 2 (k E[x_t²] - E[(n - x_0) x_t]), by autograd through the second derivative, to
    four standard errors of forty batches; it is 0 at the best slope."""
    moment = (1 + S + S**2) / 3 if pairs == "optimal" else (1 + S**2) / 3
    for slope in (0.0, BEST_SLOPE[pairs], 1.5):
        model = Bowl(slope)
        found = []
        for i, x in enumerate(data(40 * 250).split(250)):
            loss = GradientMatching(pairs=pairs)(model, {"x": x}, generator=seeded(4, i))
            found.append(torch.autograd.grad(loss.total, model.slope)[0])
        gradients = torch.stack(found)
        expected = 2 * (slope - BEST_SLOPE[pairs]) * moment
        error = 4 * float(gradients.std()) / math.sqrt(len(found))
        assert float(gradients.mean()) == pytest.approx(expected, abs=error + 0.01)  # pairs of 250 are not yet optimal


def best_field(x: Tensor, objective: GradientMatching, dim: int) -> Tensor:
    """E[c(t) (n - x_0) | x_t = x] over t and x_0, by quadrature over t: x times a number of |x|."""
    t = torch.linspace(0.0005, 0.9995, 1000, dtype=torch.float64)
    if objective.pairs == "optimal":
        root = t + (1 - t) * S
        variance, slope = root**2, (1 - S) / root
    else:
        variance = t**2 + (1 - t) ** 2 * S**2
        slope = (t - (1 - t) * S**2) / variance
    square = x.square().sum(dim=1, keepdim=True)
    weight = torch.softmax(-0.5 * square / variance - 0.5 * dim * variance.log(), dim=1)
    return x * (weight * slope * objective.length(t)).sum(dim=1, keepdim=True)


class Corrected(nn.Module):
    """The best field plus a small share of three others."""

    def __init__(self, objective: GradientMatching, dim: int) -> None:
        super().__init__()
        self.objective, self.dim = objective, dim
        self.shares = nn.Parameter(torch.zeros(3, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        others = torch.stack([x, x * x.square().sum(dim=1, keepdim=True), torch.tanh(3 * x)])
        return best_field(x, self.objective, self.dim) + torch.tensordot(self.shares, others, dims=1)


CRITERIA = {
    "energy_matching": (GradientMatching("field"), 1),
    "independent": (GradientMatching("field", "independent"), 3),
    "equilibrium": (GradientMatching("field", "independent", 4.0, 0.2), 3),
}


@pytest.mark.parametrize(("objective", "dim"), CRITERIA.values(), ids=CRITERIA)
def test_the_minimum_is_the_conditional_mean_over_time(objective: GradientMatching, dim: int) -> None:
    """No direction leads down from the field in closed form, to four standard errors; from half of it one does."""
    model = Corrected(objective, dim)
    found = []
    for i, x in enumerate(data(60 * 300, dim).split(300)):
        loss = objective(model, {"x": x}, generator=seeded(5, i))
        found.append(torch.autograd.grad(loss.total, model.shares)[0])
    gradients = torch.stack(found)
    error = 4 * gradients.std(dim=0) / math.sqrt(len(found)) + (0.01 if objective.pairs == "optimal" else 0.0)
    assert bool((gradients.mean(dim=0).abs() < error).all())
    with torch.no_grad():
        model.shares[0] = 0.2
    loss = objective(model, {"x": data(5_000 if objective.pairs == "independent" else 300, dim)}, generator=seeded(6))
    assert float(torch.autograd.grad(loss.total, model.shares)[0][0]) > 0


def test_a_target_at_rest_ends_at_the_data() -> None:
    length = GradientMatching(scale=4.0, rest=0.2).length(torch.tensor([0.0, 0.1, 0.2, 1.0]))
    torch.testing.assert_close(length, torch.tensor([0.0, 2.0, 4.0, 4.0]))


def test_the_contrast_is_zero_where_the_chain_s_density_is_the_data_s() -> None:
    """V = k |x|² / 2: a chain of step h at temperature T has the variance T / (k (1 - h k / 2)), and is wider than the
    data for a smaller k, narrower for a larger one."""
    temperature, step = 0.3, 0.05
    # k (1 - h k / 2) = T / S²
    right = (1 - math.sqrt(1 - 2 * step * temperature / S**2)) / step
    contrast = WarmContrast(WarmingLangevin(60, step, temperature, warm_from=0.5))
    for factor, sign in ((1.0, 0), (0.5, -1), (2.0, 1)):
        model = Bowl(factor * right)
        found = []
        for i, x in enumerate(data(30 * 400).split(400)):
            loss = contrast(model, {"x": x}, generator=seeded(7, i))
            found.append(torch.autograd.grad(loss.total, model.slope)[0])
        gradients = torch.stack(found)
        error = 4 * float(gradients.std()) / math.sqrt(len(found))
        if sign:
            assert sign * float(gradients.mean()) > error
        else:
            assert float(gradients.mean()) == pytest.approx(0.0, abs=error)


def test_a_margin_is_a_hinge_of_each_negative() -> None:
    """Chains that stay where the noise was: mean max(m - V_i, -margin) over V_i = n_i² / 2, with m = V(0) = 0."""
    model, x = Bowl(1.0), torch.zeros(2_000, 1, dtype=torch.float64)
    still = WarmingLangevin(1, 1e-9, 0.0)
    loss = WarmContrast(still, from_data=0.0, margin=0.5)(model, {"x": x}, generator=seeded(8))
    inside = math.erf(1 / math.sqrt(2))  # V_i < .5
    square = inside - 2 * math.exp(-0.5) / math.sqrt(2 * math.pi)  # E[n²; |n| < 1]
    assert float(loss.parts["active"]) == pytest.approx(inside, abs=4 * 0.47 / math.sqrt(2_000))
    assert float(loss.total.detach()) == pytest.approx(-0.5 * square - 0.5 * (1 - inside), abs=0.03)
    slope = float(torch.autograd.grad(loss.total, model.slope)[0])
    assert slope == pytest.approx(-0.5 * square, abs=0.02)


def with_potential(system: EnergyMatchingSystem | EquilibriumEnergySystem, energy: nn.Module) -> None:
    system.potential = energy  # type: ignore[assignment]  # a potential in closed form


def test_samples_have_the_moments_of_the_density() -> None:
    """V = T |x - m|² / (2 s²): chains from noise end in N(m, s²), by a step of h with s² / (1 - h T / (2 s²))."""
    temperature, mean, std, n = 0.5, 0.4, 0.6, 4_000
    config = EnergyMatchingConfig(
        PotentialConfig(VectorNetConfig(8, 1)),
        contrast=WarmContrast(WarmingLangevin(10, 0.1, temperature)),
        sample_steps=300,
        sample_time=30.0,
    )
    system = config.build(DataSpec((2,)))
    scaled = QuadraticEnergy(mean, std / math.sqrt(temperature))
    with_potential(system, scaled)
    x = system.sample(n, generator=seeded(1)).x.double()
    curvature = temperature / std**2
    variance = std**2 / (1 - 0.1 * curvature / 2)
    torch.testing.assert_close(x.mean(dim=0), torch.full((2,), mean).double(), atol=4 * std / math.sqrt(n), rtol=0)
    found = torch.cov(x.T)
    expected = variance * torch.eye(2, dtype=torch.float64)
    torch.testing.assert_close(found, expected, atol=4 * variance * math.sqrt(2 / n), rtol=0)


def test_a_trained_potential_draws_its_data() -> None:
    """The contrast alone, from a parabola that knows nothing, to the data's moments within errors and a few percent."""
    temperature, n = 0.2, 3_000
    config = EnergyMatchingConfig(
        PotentialConfig(VectorNetConfig(8, 1)),
        contrast=WarmContrast(WarmingLangevin(30, 0.1, temperature)),
        sample_steps=200,
        sample_time=20.0,
    )
    system = config.build(DataSpec((2,)))
    energy = QuadraticEnergy(0.0, 1.0)
    with_potential(system, energy)
    contrast = config.contrast
    optimizer = torch.optim.Adam(energy.parameters(), 0.02)
    for step in range(300):
        x = 0.4 + S * randn((200, 2), generator=seeded(10, step))
        optimizer.zero_grad()
        contrast(system, {"x": x}, generator=seeded(11, step)).backward()
        optimizer.step()
    x = system.sample(n, generator=seeded(2)).x
    assert float(x.mean()) == pytest.approx(0.4, abs=4 * S / math.sqrt(2 * n) + 0.03)
    assert float(x.var()) == pytest.approx(S**2, rel=4 / math.sqrt(n) + 0.08)


def test_descent_comes_to_rest_at_the_energy_s_minimum() -> None:
    config = EquilibriumMatchingConfig(PotentialConfig(VectorNetConfig(8, 1)), sampler=NesterovDescent(200, 0.1, 0.5))
    system = config.build(DataSpec((2,)))
    assert isinstance(system, EquilibriumEnergySystem)
    with_potential(system, QuadraticEnergy(0.4, 1.0))
    samples = system.sample(50, generator=seeded(0))
    torch.testing.assert_close(samples.x, torch.full((50, 2), 0.4), atol=1e-5, rtol=0)
    assert float(samples.info["gradient_norm"]) < 1e-5


def test_a_field_learns_and_an_energy_restores() -> None:
    """What each form can do, by the protocols that evaluators ask for."""
    config, spec = EquilibriumMatchingConfig(PotentialConfig(UNetConfig((4, 4)))), DataSpec((1, 8, 8))
    uses = (HasEnergy, HasChain, HasAnomalyScore, CanDenoise, CanInpaint)
    energy, field = config.build(spec), replace(config, explicit=False).build(spec)
    assert isinstance(energy, CanSample) and isinstance(field, CanSample)
    assert all(isinstance(energy, use) for use in uses)
    assert [isinstance(field, use) for use in uses] == [False, False, False, True, False]


class Says(nn.Module):
    """A network that names one example."""

    def __init__(self, example: Tensor) -> None:
        super().__init__()
        self.example = nn.Parameter(example)

    def forward(self, x: Tensor, noise: Tensor, cond: Tensor | None = None) -> Tensor:
        return self.example.expand_as(x)


@pytest.mark.parametrize("sigma", [0.05, 1.0, 9.0])
@pytest.mark.parametrize("explicit", [True, False])
def test_one_step_denoises_what_is_one_example(explicit: bool, sigma: float) -> None:
    """Data m, noise at distance sqrt(d) of it: the gradient of sqrt(d) |x - m| is n - m, and x_t - t (n - m) is m."""
    mean, dim = torch.tensor([0.3, -0.2, 0.1]), 3
    config = EquilibriumMatchingConfig(
        PotentialConfig(VectorNetConfig(8, 1), softness=1e-6), explicit=explicit, rest=0.0
    )
    system = config.build(DataSpec((dim,)))
    system.potential.network = Says(mean)
    away = randn((20, dim), generator=seeded(0))
    noise = mean + away * (dim**0.5 / away.norm(dim=1, keepdim=True))
    x = mean + sigma * noise
    denoised = system.denoise(x, torch.full((20,), sigma), generator=seeded(0))
    torch.testing.assert_close(denoised, mean.expand(20, dim), atol=1e-4, rtol=0)


def test_the_field_of_a_distance_is_its_gradient_at_a_fixed_network() -> None:
    """A new network says 0, whatever its input: then the field is the gradient, of length gain sqrt(d) far off, and V
    is a paraboloid near."""
    potential = PotentialConfig(VectorNetConfig(8, 1), softness=0.1).build((2,))
    x = randn((6, 2), generator=seeded(0))
    value, gradient = energy_and_gradient(potential, x)
    torch.testing.assert_close(gradient, potential.field(x))
    mean = x.square().mean(dim=1)
    torch.testing.assert_close(value, 2 * ((0.01 + mean).sqrt() - 0.1))
    torch.testing.assert_close(potential(1e-3 * x), 1e-6 * x.square().sum(dim=1) / 0.2, rtol=1e-2, atol=1e-9)


def test_warming_at_the_last_temperature_is_langevin_dynamics() -> None:
    energy, x = QuadraticEnergy(0.4, 0.8), randn((6, 2), generator=seeded(0))
    warm = WarmingLangevin(7, 0.05, 0.3)
    arrived = torch.ones(6, dtype=torch.bool)
    ours = warm(energy, x, generator=seeded(1), arrived=arrived).x
    torch.testing.assert_close(ours, Langevin(7, 0.05, 0.3)(energy, x, generator=seeded(1)).x)


def test_refusals() -> None:
    with pytest.raises(ValueError, match="rest=2"):
        GradientMatching(rest=2.0)
    with pytest.raises(ValueError, match="margin=0"):
        WarmContrast(margin=0.0)
    with pytest.raises(ValueError, match="contrast_from=0"):
        EnergyMatchingConfig(contrast_from=0)
    with pytest.raises(ValueError, match="form='square'"):
        PotentialConfig(form="square")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="softness=0"):
        PotentialConfig(softness=0.0)
    with pytest.raises(ValueError, match="warm_from=2"):
        WarmingLangevin(warm_from=2.0)
    with pytest.raises(ValueError, match="momentum=1"):
        NesterovDescent(momentum=1.0)
