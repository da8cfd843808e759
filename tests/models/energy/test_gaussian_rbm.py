"""Gaussian-Bernoulli machines against enumeration of their hidden units and integration over their visible ones."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from gibbsweep_models.draws import rand, seeded
from gibbsweep_models.energy.gaussian_rbm import Convolutional, Dense, GaussianRBMConfig
from gibbsweep_models.likelihood.ais import linear_temperatures
from gibbsweep_models.likelihood.exact import binary_states
from gibbsweep_models.likelihood.gaussian_ais import (
    annealed_importance_sampling,
    exact_log_partition,
    reverse_annealed_importance_sampling,
)
from gibbsweep_models.nn.energies.gaussian_rbm import ConvGaussianRBM, GaussianBernoulli, GaussianRBM
from gibbsweep_models.samplers.mcmc.diagnostics import effective_sample_size
from gibbsweep_models.samplers.mcmc.gaussian_gibbs import GaussianGibbs, GibbsLangevin
from gibbsweep_models.types import DataSpec


def with_random_parameters(machine: GaussianBernoulli, scale: float = 1.0) -> GaussianBernoulli:
    for i, parameter in enumerate(machine.parameters()):
        nn.init.normal_(parameter, std=scale, generator=seeded(3, i))
    return machine


def dense(n_visible: int, n_hidden: int, scale: float = 1.0) -> GaussianBernoulli:
    return with_random_parameters(GaussianRBM((n_visible,), n_hidden), scale)


def tiny_convolution(scale: float = 1.0) -> GaussianBernoulli:
    """Two maps of 2 × 2 units: 256 hidden states of a (1, 3, 3) image."""
    return with_random_parameters(ConvGaussianRBM((1, 3, 3), 2, 2, 1), scale)


def hidden_states(machine: GaussianBernoulli) -> Tensor:
    return binary_states(math.prod(machine.hidden_shape)).view(-1, *machine.hidden_shape)


MACHINES: dict[str, Callable[[], GaussianBernoulli]] = {
    "dense": lambda: dense(4, 5),
    "convolutional": tiny_convolution,
    "strided": lambda: with_random_parameters(ConvGaussianRBM((2, 4, 4), 2, 2, 2)),
    "with_means": lambda: with_random_parameters(ConvGaussianRBM((2, 4, 4), 2, 2, 2, zero_mean=False)),
}
machines = pytest.mark.parametrize("build", MACHINES.values(), ids=MACHINES)


@machines
def test_free_energy_sums_over_the_hidden_states(build: Callable[[], GaussianBernoulli]) -> None:
    machine = build().double()
    v, h = torch.randn(3, *machine.shape, dtype=torch.float64, generator=seeded(0)), hidden_states(machine)
    for one in v:
        expected = -torch.logsumexp(-machine.joint_energy(one.expand(len(h), *machine.shape), h), dim=0)
        torch.testing.assert_close(machine(one[None])[0], expected)


@machines
def test_the_two_maps_are_each_other_s_transpose(build: Callable[[], GaussianBernoulli]) -> None:
    machine = build().double()
    v = torch.randn(5, *machine.shape, dtype=torch.float64, generator=seeded(0))
    h = torch.randn(5, *machine.hidden_shape, dtype=torch.float64, generator=seeded(1))
    one, two = (v * machine.to_visible(h)).flatten(1).sum(1), (machine.to_hidden(v) * h).flatten(1).sum(1)
    torch.testing.assert_close(one, two)


def test_a_convolution_is_a_dense_machine_with_shared_weights() -> None:
    convolution = with_random_parameters(ConvGaussianRBM((2, 4, 4), 3, 2, 2))
    n_hidden = math.prod(convolution.hidden_shape)
    twin = GaussianRBM((2, 4, 4), n_hidden)
    with torch.no_grad():
        units = torch.eye(n_hidden).view(-1, *convolution.hidden_shape)
        twin.weight.copy_(convolution.to_visible(units).flatten(1).t())
        twin.hidden_bias.copy_(convolution.hidden_bias.expand(convolution.hidden_shape).flatten())
        twin.visible_bias.copy_(convolution.visible_bias.expand(2, 4, 4))
        twin.log_variance.copy_(convolution.log_variance.expand(2, 4, 4))
    x = torch.randn(6, 2, 4, 4, generator=seeded(0))
    torch.testing.assert_close(convolution(x), twin(x))


@pytest.mark.parametrize("n_visible", [1, 2])
def test_log_partition_is_the_integral_of_the_density(n_visible: int) -> None:
    machine = dense(n_visible, 4).double()
    grid = torch.linspace(-40.0, 40.0, 1601, dtype=torch.float64)
    v = torch.cartesian_prod(*(grid,) * n_visible).view(-1, n_visible)
    volume = n_visible * math.log(float(grid[1] - grid[0]))
    with torch.no_grad():
        integral = float(torch.logsumexp(-machine(v), dim=0)) + volume
    assert exact_log_partition(machine) == pytest.approx(integral, abs=1e-6)
    assert exact_log_partition(machine, chunk=3) == pytest.approx(integral, abs=1e-6)


def test_enumeration_refuses_what_it_cannot_finish() -> None:
    with pytest.raises(ValueError, match="at most 24 hidden units: got 25"):
        exact_log_partition(GaussianRBM((2,), 25))


@pytest.mark.parametrize("build", [lambda: dense(20, 10, 0.3), lambda: tiny_convolution(0.5)])
def test_both_annealings_agree_with_enumeration(build: Callable[[], GaussianBernoulli]) -> None:
    machine = build()
    exact = exact_log_partition(machine)
    ais, ends = annealed_importance_sampling(machine, linear_temperatures(300), n_chains=300, generator=seeded(0))
    start = GaussianGibbs(100)(machine, ends, generator=seeded(1)).x
    reverse = reverse_annealed_importance_sampling(machine, linear_temperatures(300), start, generator=seeded(2))
    for estimate in (ais, reverse):
        assert estimate.effective_sample_size > 30
        assert 0 < estimate.standard_error < 0.2
        assert abs(estimate.value - exact) < 3 * estimate.standard_error


def moments(machine: GaussianBernoulli) -> tuple[Tensor, Tensor]:
    """E[v] and E[v vᵀ], exactly: p(h) by enumeration, then E[v | h] and σ²."""
    h = hidden_states(machine)
    mean, variance = machine.visible_mean(h).flatten(1), machine.variance().expand(machine.shape).flatten()
    mu = machine.visible_bias.expand(machine.shape).flatten()
    log_p = ((mean.square() - mu.square()) / variance).sum(1) / 2 + (h * machine.hidden_bias).flatten(1).sum(1)
    p = torch.softmax(log_p, dim=0)
    return p @ mean, mean.t() @ (p[:, None] * mean) + torch.diag(variance)


SAMPLERS = {
    "gibbs": GaussianGibbs(350),
    "adjusted": GibbsLangevin(350, 5, 0.5),
    "nearly_gibbs": GibbsLangevin(350, 10_000, 0.001, adjust=False),
}


@pytest.mark.parametrize("sampler", SAMPLERS.values(), ids=SAMPLERS)
@pytest.mark.parametrize("build", [lambda: dense(3, 4, 0.7), lambda: tiny_convolution(0.5)])
def test_moments_are_those_of_the_enumerated_machine(
    sampler: GaussianGibbs | GibbsLangevin, build: Callable[[], GaussianBernoulli]
) -> None:
    machine = build().double()
    with torch.no_grad():
        first, second = moments(machine)
    kept: list[Tensor] = []
    start = torch.randn(200, *machine.shape, dtype=torch.float64, generator=seeded(1))
    sampler(machine, start, generator=seeded(2), trace=lambda step, v: kept.append(v.flatten(1)) if step > 50 else None)
    chain = torch.stack(kept)  # (T, B, V)
    for i in range(3):
        for quantity, truth in [
            (chain[..., i], first[i]),
            *((chain[..., i] * chain[..., j], second[i, j]) for j in range(3)),
        ]:
            error = float(quantity.std()) / effective_sample_size(quantity) ** 0.5
            assert float(quantity.mean()) == pytest.approx(float(truth), abs=4 * error)


def test_inner_langevin_steps_are_the_draw_that_replaces_them() -> None:
    """Mean and variance of J steps of v <- v - s (v - m) + sqrt(2 s) σ n, one by one."""
    s, n_steps = 0.3, 7
    mean, variance = 1.0, 0.0  # of (v - m) / σ, started at 1
    for _ in range(n_steps):
        mean, variance = (1 - s) * mean, (1 - s) ** 2 * variance + 2 * s
    machine = GaussianRBM((1,), 1, initial_weight_scale=0.0)
    with torch.no_grad():
        v = GibbsLangevin(1, n_steps, s, adjust=False)(machine, torch.ones(200_000, 1), generator=seeded(0)).x
    error = math.sqrt(variance / len(v))
    assert float(v.mean()) == pytest.approx(mean, abs=4 * error)
    assert float(v.var()) == pytest.approx(variance, rel=4 * math.sqrt(2 / len(v)))


def test_small_steps_are_accepted_and_none_is_adjusted_without_asking() -> None:
    machine = dense(6, 3, 0.3)
    x = torch.randn(50, 6, generator=seeded(0))
    careful = GibbsLangevin(20, 3, 0.01)(machine, x, generator=seeded(1)).info["acceptance"]
    bold = GibbsLangevin(20, 3, 1.0)(machine, x, generator=seeded(1)).info["acceptance"]
    assert float(careful) > 0.99 > float(bold)
    assert float(GibbsLangevin(2, 3, 1.0, adjust=False)(machine, x, generator=seeded(1)).info["acceptance"]) == 1.0


@pytest.mark.parametrize("coordinates", ["standard", "white"])
def test_a_system_s_density_is_in_data_units(coordinates: str) -> None:
    """A change of scale by s moves the log density of n values by -n log s; and the bracket holds the exact number."""
    hidden = Dense(6) if coordinates == "standard" else Convolutional(1, 4, 4)
    x = 0.3 * torch.randn(200, 1, 8, 8, generator=seeded(0)) + 0.1
    values = []
    for scale in (1.0, 2.0):
        config = GaussianRBMConfig(hidden, coordinates=coordinates, floor=0.1 * scale, initial_weight_scale=0.1)
        torch.manual_seed(0)
        system = config.build(DataSpec((1, 8, 8)))
        system.initialise(scale * x)
        bracket = system.log_likelihood(scale * x, generator=seeded(0), n_temperatures=100)
        assert bracket.exact is not None
        assert abs(bracket.ais - bracket.exact) < 3 * bracket.ais_se + 1e-3
        assert abs(bracket.reverse_ais - bracket.exact) < 3 * bracket.reverse_ais_se + 1e-3
        values.append(bracket.exact)
    assert values[0] - values[1] == pytest.approx(64 * math.log(2.0), abs=1e-3)


def test_an_untrained_machine_has_the_likelihood_of_independent_normal_numbers() -> None:
    config = GaussianRBMConfig(Dense(4), floor=0.0, initial_weight_scale=0.0, smallest_variance=0.0)
    x = torch.randn(500, 1, 3, 3, generator=seeded(0)) * torch.linspace(0.2, 2.0, 9).view(1, 3, 3) - 0.3
    system = config.build(DataSpec((1, 3, 3)))
    system.initialise(x)
    variance = x.double().var(dim=0, correction=0)
    expected = -0.5 * float((2 * math.pi * variance).log().sum() + 9)
    assert system.log_likelihood(x, generator=seeded(0), n_temperatures=2).exact == pytest.approx(expected, abs=1e-4)


def test_digits_of_28_pixels_with_a_constant_border() -> None:
    """MNIST's border never changes: coordinates, energies and samples stay finite there, and training moves the
    machine."""
    x = rand((64, 1, 28, 28), generator=seeded(0)).mul(2).sub(1)
    x[..., :4, :] = -1.0
    for hidden in (Dense(32), Convolutional(8, 8, 4)):
        for start, chain in (("data", "gibbs"), ("noise", "gibbs_langevin")):
            system = GaussianRBMConfig(hidden, start=start, chain=chain, k=2, sample_steps=5).build(
                DataSpec((1, 28, 28))
            )
            system.initialise(x)
            (phase,) = system.phases()
            loss = phase.objective(phase.model, {"x": x}, generator=seeded(1))
            torch.autograd.backward(loss.total)
            assert all(torch.isfinite(p.grad).all() and p.grad.any() for p in phase.parameters if p.grad is not None)
            samples = system.sample(3, generator=seeded(2))
            for picture in (samples.x, samples.info["visible_mean"]):
                assert picture.shape == (3, 1, 28, 28)
                assert torch.isfinite(picture).all()
            assert torch.isfinite(system.energy(samples.x)).all()


def test_bad_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="n_steps >= 1: got 0"):
        GaussianGibbs(0)
    with pytest.raises(ValueError, match=r"step_size=2.5.*\(0, 2\)"):
        GibbsLangevin(1, 1, 2.5)
    with pytest.raises(ValueError, match="filters of 8"):
        ConvGaussianRBM((1, 6, 6), 2, 8)
    with pytest.raises(ValueError, match="got stride 3"):
        ConvGaussianRBM((1, 8, 8), 2, 4, 3)
    with pytest.raises(ValueError, match="signed units: got 'binary'"):
        GaussianRBMConfig().build(DataSpec((1, 8, 8), "binary"))


def test_filters_of_mean_zero_leave_the_mean_colour_to_the_visible_units() -> None:
    """Σ_pixels W h = 0 whatever h is, and hidden units do not see a constant that is added to an image: the mean colour
    of chains is N(μ, σ² / pixels), however large the filters are. Other filters carry it off."""
    machine = with_random_parameters(ConvGaussianRBM((3, 8, 8), 5, 4, 2))
    h = (rand((6, *machine.hidden_shape), generator=seeded(0)) < 0.5).float()
    torch.testing.assert_close(machine.to_visible(h).sum(dim=(2, 3)), torch.zeros(6, 3), rtol=0, atol=1e-4)
    v = torch.randn(500, 3, 8, 8, generator=seeded(1))
    colour = torch.randn(500, 3, 1, 1, generator=seeded(2))
    torch.testing.assert_close(machine.hidden_logits(v + colour), machine.hidden_logits(v), rtol=1e-4, atol=1e-4)
    means = GaussianGibbs(50)(machine, v + 5.0, generator=seeded(3)).x.mean(dim=(2, 3)).detach()
    mu, deviation = machine.visible_bias.view(3).detach(), (machine.variance().view(3) / 64).sqrt().detach()
    assert float(((means.mean(dim=0) - mu) / (deviation / 500**0.5)).abs().max()) < 4
    torch.testing.assert_close(means.std(dim=0), deviation, rtol=0.15, atol=0)
    other = with_random_parameters(ConvGaussianRBM((3, 8, 8), 5, 4, 2, zero_mean=False))
    carried = GaussianGibbs(50)(other, v + 5.0, generator=seeded(3)).x.mean(dim=(2, 3)).detach()
    assert float(((carried.mean(dim=0) - mu) / deviation).abs().max()) > 4


def test_training_keeps_the_mean_of_a_filter_where_it_is() -> None:
    """The gradient has none, so that a learned machine is of mean zero as a new one is."""
    system = GaussianRBMConfig(Convolutional(4, 4, 2), coordinates="white").build(DataSpec((2, 8, 8)))
    images = 0.3 * torch.randn(60, 2, 8, 8, generator=seeded(0)) + 0.4
    system.initialise(images)
    (phase,) = system.phases()
    phase.objective(phase.model, {"x": images}, generator=seeded(1)).backward()
    gradient = system.machine.get_parameter("weight").grad
    assert gradient is not None and float(gradient.abs().max()) > 0
    torch.testing.assert_close(gradient.mean(dim=(2, 3)), torch.zeros(4, 2), rtol=0, atol=1e-5)
