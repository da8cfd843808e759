"""The weights of the denoising loss, and the variational bound that one of them is."""

from __future__ import annotations

import math
from typing import get_args

import pytest
import torch
from torch import Tensor, nn

from gibbsweep_models.draws import ExampleGenerator, randn, seeded, stratified
from gibbsweep_models.nn.denoisers.densities import density_of
from gibbsweep_models.nn.denoisers.mixture import GaussianMixture
from gibbsweep_models.nn.denoisers.parametrisation import NetworkDenoiser
from gibbsweep_models.noise.edm import EDMSchedule
from gibbsweep_models.noise.geometric import GeometricSchedule
from gibbsweep_models.noise.ladder import DDPMLadder, NCSNLadder
from gibbsweep_models.noise.named import ScheduleName, schedule_between
from gibbsweep_models.noise.timed import TimedSchedule
from gibbsweep_models.noise.vp import CosineSchedule, SubVPSchedule, VPSchedule
from gibbsweep_models.objectives.score_matching.denoising_loss import DenoisingLoss, Weight
from gibbsweep_models.objectives.score_matching.vlb import VariationalBound, prior_kl

S = 0.5
GAUSSIAN = GaussianMixture(torch.zeros(1, 2, dtype=torch.float64), stds=S)
SCHEDULES: dict[str, TimedSchedule] = {
    "geometric": GeometricSchedule(0.02, 20.0),
    "vp": VPSchedule(),
    "sub_vp": SubVPSchedule(),
    "cosine": CosineSchedule(),
    "edm": EDMSchedule(0.02, 20.0),
}


def data(n: int) -> Tensor:
    return S * randn((n, 2), generator=seeded(0), dtype=torch.float64)


def weight_at(weight: Weight, schedule: TimedSchedule, sigma: Tensor) -> Tensor:
    return (
        sigma / DenoisingLoss(schedule, weight=weight).scale(NetworkDenoiser(nn.Identity(), sigma_data=S), sigma)
    ) ** 2


def test_weights_of_the_error_of_the_noise() -> None:
    schedule, sigma = GeometricSchedule(0.1, 10.0), torch.tensor([0.2, 1.0, 5.0])
    expected: dict[Weight, Tensor] = {
        "sigma2": torch.ones(3),
        "unit": 1 / sigma**2,
        "edm": (sigma**2 + S**2) / S**2,
        "likelihood": torch.full((3,), math.log(100.0)),  # g² is sigma² here, up to a factor
        "velocity": (1 + sigma) ** 2,
        "hybrid": torch.full((3,), 1 + 0.001 * math.log(100.0)),
    }
    assert set(expected) == set(get_args(Weight))
    for weight, value in expected.items():
        torch.testing.assert_close(weight_at(weight, schedule, sigma), value)


@pytest.mark.parametrize(("schedule", "g_squared"), [(VPSchedule(), "vp"), (SubVPSchedule(), "sub")], ids=["vp", "sub"])
def test_the_likelihood_weight_is_g_squared_over_the_variance(schedule: TimedSchedule, g_squared: str) -> None:
    """|s + z / std|² g² of Song et al. (2021) is |z - z_hat|² g² / std²; per unit of their time and with the bound's
    1/2."""
    t = torch.tensor([0.01, 0.3, 0.9], dtype=torch.float64)
    integral, beta = 0.1 * t + 9.95 * t**2, 0.1 + 19.9 * t
    std = torch.sqrt(1 - torch.exp(-integral)) if g_squared == "vp" else 1 - torch.exp(-integral)
    g2 = beta if g_squared == "vp" else beta * (1 - torch.exp(-2 * integral))
    span = schedule.t_max - schedule.t_min
    torch.testing.assert_close(weight_at("likelihood", schedule, schedule.sigma(t)), 0.5 * span * g2 / std**2)


@pytest.mark.parametrize("name", [name for name in SCHEDULES if name != "edm"])  # its lognormal has no ends
def test_the_likelihood_weighted_loss_is_one_integral_whatever_the_schedule(name: str) -> None:
    """For N(0, s²) and its exact denoiser: the integral over ln(sigma) of s² / (s² + sigma²), to four standard
    errors."""
    n, schedule = 100_000, SCHEDULES[name]
    objective = DenoisingLoss(schedule, weight="likelihood")
    low, high = schedule.sigma_range
    expected = 0.5 * math.log((1 + (S / low) ** 2) / (1 + (S / high) ** 2))
    draws = torch.stack(
        [objective(GAUSSIAN, {"x": chunk}, generator=seeded(1, i)).total for i, chunk in enumerate(data(n).chunk(100))]
    )
    assert float(draws.mean()) == pytest.approx(expected, abs=4 * float(draws.std()) / 10)


@pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=SCHEDULES)
def test_the_bound_is_tight_for_the_exact_denoiser(schedule: TimedSchedule) -> None:
    """Of a Gaussian: its entropy in bits per dimension, and a little more for the two ends."""
    terms = VariationalBound(schedule).terms(GAUSSIAN, data(100_000), generator=seeded(1))
    total = sum(terms.values())
    assert isinstance(total, Tensor)
    entropy = 0.5 * math.log2(2 * math.pi * math.e * S**2)
    low, high = schedule.sigma_range
    # The decoder's variance is sigma², the posterior's s² sigma² / (s² + sigma²); the prior's was not that of the
    # blurred data.
    decoder = 0.5 * ((low / S) ** 2) / math.log(2)
    prior = 0.5 * (S / high) ** 2 / math.log(2)
    error = 4 * float(total.std()) / math.sqrt(len(total))
    assert entropy - error < float(total.mean()) < entropy + decoder + prior + error


def test_the_interior_of_a_schedule_moves_nothing() -> None:
    """Kingma et al. 2021: same ends, same bound; here of the same draws."""
    x = data(64)
    one, other = (
        VariationalBound(schedule).terms(GAUSSIAN, x, generator=seeded(2))["diffusion"]
        for schedule in (GeometricSchedule(0.02, 20.0), EDMSchedule(0.02, 20.0, rho=3.0))
    )
    torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)


def test_a_hundred_examples_on_a_variance_preserving_schedule_show_the_entropy() -> None:
    """Of Gaussian data in 784 dimensions and its exact denoiser, four draws an example: what is left is the noise of
    |n|², .02 bits; without bias over repetitions, whatever the schedule's own time (which starts at 1e-4)."""
    n, dim, schedule = 128, 784, VPSchedule(t_min=1e-4)
    model = GaussianMixture(torch.zeros(1, dim), stds=S)
    x = S * randn((n, dim), generator=seeded(3))
    nll = (0.5 * x.square().mean(dim=1) / S**2 + 0.5 * math.log(2 * math.pi * S**2)) / math.log(2)

    def excess(seed: int) -> float:
        draws = [VariationalBound(schedule).terms(model, x, generator=seeded(4, seed, i)) for i in range(4)]
        return float(torch.stack([torch.stack(list(one.values())).sum(dim=0) for one in draws]).mean() - nll.mean())

    found = torch.tensor([excess(seed) for seed in range(30)])
    mean, sd = float(found.mean()), float(found.std())
    assert sd < 0.035 and float(found.abs().max()) < 0.1
    low = schedule.sigma_range[0]
    decoder = 0.5 * (low / S) ** 2 / math.log(2)
    assert mean == pytest.approx(decoder, abs=4 * sd / math.sqrt(30) + 1e-3)
    middles = VariationalBound(schedule).terms(model, x, generator=seeded(5), n_times=50)
    total = torch.stack(list(middles.values())).sum(dim=0)
    assert float((total - nll).mean()) == pytest.approx(decoder, abs=0.03)


def test_stratified_numbers_are_even_together_and_uniform_alone() -> None:
    points = stratified(64, generator=seeded(0))
    ends = torch.cat([torch.zeros(1), points.sort().values, torch.ones(1)])
    assert float(ends.diff().max()) <= 2 / 64 + 1e-6
    steps = (points - points.roll(1)).abs()
    assert float(steps.max()) <= 2 / 64 + 1e-6  # neighbours, and the ends of the row
    alone = torch.stack([stratified(8, generator=seeded(1, i))[3] for i in range(2000)])
    assert float(alone.mean()) == pytest.approx(0.5, abs=4 / math.sqrt(12 * 2000))
    assert float(alone.var()) == pytest.approx(1 / 12, rel=0.1)
    halves = [stratified(32, generator=seeded(0, rank=rank, world_size=2)) for rank in range(2)]
    torch.testing.assert_close(torch.cat(halves), points)
    with pytest.raises(TypeError, match="one for the batch"):
        stratified(2, generator=ExampleGenerator(torch.tensor([1, 2])))


def test_a_wrong_denoiser_costs_bits() -> None:
    x = data(100_000)
    wrong = GaussianMixture(torch.zeros(1, 2, dtype=torch.float64), stds=2 * S)
    bound = VariationalBound(GeometricSchedule(0.02, 20.0))
    right, worse = (bound(model, {"x": x}, generator=seeded(1)).total for model in (GAUSSIAN, wrong))
    # -E ln p of the wrong Gaussian, the bound of its exact denoiser.
    cost = 0.5 * math.log2(4) + 0.5 * (0.25 - 1) / math.log(2)
    assert float(worse - right) == pytest.approx(cost, abs=0.025)  # four standard errors


def test_bytes_cost_what_their_distribution_costs() -> None:
    """Two of four values, equally likely: one bit per dimension."""
    values = torch.tensor([[-1.0 / 3], [1.0 / 3]], dtype=torch.float64)
    model, x = GaussianMixture(values), values.repeat(20_000, 1)
    bound = VariationalBound(GeometricSchedule(0.05, 20.0), bins=4)
    terms = bound.terms(model, x, generator=seeded(0))
    total = sum(terms.values())
    assert isinstance(total, Tensor)
    assert float(terms["reconstruction"].mean()) < 1e-6
    assert float(total.mean()) == pytest.approx(1.0, abs=4 * float(total.std()) / 200 + 5e-3)
    with pytest.raises(ValueError, match="not on the 4 even values"):
        bound.terms(model, x + 0.1, generator=seeded(0))


def test_ddpm_prior_costs_a_hundred_thousandth_of_a_bit() -> None:
    """L_T between 7.3e-6 and 2.9e-5 bits per dimension for data of second moment .25 and 1."""
    ladder = DDPMLadder()
    for moment, bits in [(0.25, 7.3e-6), (1.0, 2.9e-5)]:
        x = torch.full((1, 10), math.sqrt(moment), dtype=torch.float64)
        kl = prior_kl(x, ladder.sigma_range[1], ladder.prior_std)
        assert float(kl) / 10 / math.log(2) == pytest.approx(bits, rel=0.01)


def test_refusals() -> None:
    with pytest.raises(ValueError, match="weight='simple'"):
        DenoisingLoss(weight="simple")  # type: ignore[arg-type]

    class Fixed:
        def sigmas(self, n_steps: int) -> Tensor:
            return torch.linspace(1, 0, n_steps + 1)

        def sample(self, n: int, *, generator: torch.Generator) -> Tensor:
            return torch.ones(n)

    with pytest.raises(ValueError, match="needs the density"):
        DenoisingLoss(Fixed(), weight="likelihood")
    with pytest.raises(TypeError, match="integrates between its ends"):
        VariationalBound(Fixed())  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="bins=1"):
        VariationalBound(bins=1)
    with pytest.raises(TypeError, match="sigma_data weights the loss"):
        DenoisingLoss(NCSNLadder())(GAUSSIAN, {"x": data(4)}, generator=seeded(0))


def test_schedules_rank_by_variance_as_published() -> None:
    """Kingma et al. (2021), figure 4b: the log-SNR on a line varies least, a linear beta and the cosine several times
    as much (their variances on CIFAR-10: 6.35, 31.6, 31.1); one value for all."""
    model = density_of("gauss1d").double()
    x = model.draw(5_000, generator=seeded(0))
    names: tuple[ScheduleName, ...] = ("geometric", "vp", "cosine")
    found = {}
    for name in names:
        loss = DenoisingLoss(schedule_between(name, 0.01, 40.0), weight="likelihood")
        found[name] = torch.stack(
            [loss(model, {"x": one}, generator=seeded(1, i)).total.detach() for i, one in enumerate(x.split(1))]
        )
    variances = {name: float(value.var()) for name, value in found.items()}
    assert 4 * variances["geometric"] < min(variances["vp"], variances["cosine"])
    for name in ("vp", "cosine"):
        error = math.sqrt((variances[name] + variances["geometric"]) / len(x))
        assert float(found[name].mean()) == pytest.approx(float(found["geometric"].mean()), abs=4 * error)
