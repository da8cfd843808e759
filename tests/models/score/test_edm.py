"""Karras et al. (2022): schedule, preconditioning, criterion, system."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from gibbsweep_models.capabilities import CanDenoise, CanSample
from gibbsweep_models.draws import seeded
from gibbsweep_models.nn.denoisers.precondition import EDMPrecondition
from gibbsweep_models.nn.noise_networks.configs import UNetConfig
from gibbsweep_models.noise.edm import EDMSchedule
from gibbsweep_models.noise.shape import expand_like
from gibbsweep_models.objectives.score_matching.denoising_loss import DenoisingLoss, weighted_denoising_error
from gibbsweep_models.samplers.diffusion.heun import Heun
from gibbsweep_models.score.score_model import ScoreModelConfig
from gibbsweep_models.types import DataSpec

SIGMAS = [0.002, 0.05, 0.5, 2.0, 80.0]


class ZeroNetwork(nn.Module):
    def forward(self, x: Tensor, noise: Tensor, cond: Tensor | None = None) -> Tensor:
        return torch.zeros_like(x)


class ExactForGaussian(nn.Module):
    """The F that makes D the posterior mean of N(0, s²) data: D = s² / (s² + sigma²) x."""

    def __init__(self, s: float, sigma_data: float) -> None:
        super().__init__()
        self.s, self.sigma_data = s, sigma_data

    def forward(self, scaled: Tensor, noise: Tensor, cond: Tensor | None = None) -> Tensor:
        sigma = expand_like(torch.exp(4 * noise), scaled)
        total = sigma**2 + self.sigma_data**2
        x = scaled * total.sqrt()
        skip, out = self.sigma_data**2 / total, sigma * self.sigma_data / total.sqrt()
        return (self.s**2 / (self.s**2 + sigma**2) - skip) * x / out


class RecordCondition(ZeroNetwork):
    seen: Tensor

    def forward(self, x: Tensor, noise: Tensor, cond: Tensor | None = None) -> Tensor:
        assert cond is not None
        self.seen = cond
        return torch.zeros_like(x)


class FixedLevel:
    def __init__(self, sigma: float) -> None:
        self.sigma = sigma

    def sigmas(self, n_steps: int) -> Tensor:
        return torch.linspace(self.sigma, 0.0, n_steps + 1)

    def sample(self, n: int, *, generator: torch.Generator) -> Tensor:
        return torch.full((n,), self.sigma)


def gaussian(n: int, dim: int, s: float) -> tuple[Tensor, Tensor]:
    generator = seeded(7)
    draw = torch.randn(2, n, dim, generator=generator)
    return s * draw[0], draw[1]


def test_expand_like_broadcasts_over_every_data_shape_and_names_a_wrong_one() -> None:
    sigma = torch.rand(3)
    for shape in [(3, 2), (3, 1, 4), (3, 1, 4, 5), (3, 1, 4, 5, 6)]:
        assert expand_like(sigma, torch.zeros(shape)).shape == (3, *(1 for _ in shape[1:]))
    with pytest.raises(ValueError, match="one value per example"):
        expand_like(torch.tensor(1.0), torch.zeros(3, 2))


def test_sigmas_are_evenly_spaced_in_their_root_and_end_in_zero() -> None:
    sigmas = EDMSchedule().sigmas(18)
    assert sigmas.shape == (19,)
    assert sigmas[-1] == 0
    torch.testing.assert_close(sigmas[[0, -2]], torch.tensor([80.0, 0.002]), rtol=1e-6, atol=0)
    steps = (sigmas[:-1].double() ** (1 / 7)).diff()
    torch.testing.assert_close(steps, steps[:1].expand(17), rtol=1e-5, atol=0)
    assert EDMSchedule().sigmas(1).tolist() == [80.0, 0.0]


def test_training_levels_are_lognormal() -> None:
    n = 40_000
    log_sigma = EDMSchedule(p_mean=-0.7, p_std=0.9).sample(n, generator=seeded(0)).log().double()
    assert float(log_sigma.mean()) == pytest.approx(-0.7, abs=4 * 0.9 / math.sqrt(n))
    assert float(log_sigma.std()) == pytest.approx(0.9, abs=4 * 0.9 / math.sqrt(2 * n))


@pytest.mark.parametrize("numbers", [{"sigma_min": 0.0}, {"sigma_max": 0.001}, {"rho": 0.0}, {"p_std": -1.0}])
def test_a_schedule_refuses_numbers_out_of_range(numbers: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="expected"):
        EDMSchedule(**numbers)


def test_preconditioning_limits_and_identities() -> None:
    denoiser = EDMPrecondition(ZeroNetwork(), sigma_data=0.7).double()
    low = denoiser.coefficients(torch.tensor([1e-9], dtype=torch.float64))
    high = denoiser.coefficients(torch.tensor([1e9], dtype=torch.float64))
    assert float(low.c_skip) == pytest.approx(1)
    assert float(low.c_out) == pytest.approx(0, abs=1e-8)
    assert float(high.c_skip) == pytest.approx(0, abs=1e-8)
    assert float(high.c_out) == pytest.approx(0.7, rel=1e-6)
    sigma = torch.tensor(SIGMAS, dtype=torch.float64)
    c = denoiser.coefficients(sigma)
    variance = sigma**2 + denoiser.sigma_data**2
    torch.testing.assert_close(c.c_in**2 * variance, torch.ones_like(sigma))  # unit variance in
    # Unit variance out: Var[(x_0 - c_skip x) / c_out] = 1 for data of variance sigma_data².
    out = (1 - c.c_skip) ** 2 * denoiser.sigma_data**2 + c.c_skip**2 * sigma**2
    torch.testing.assert_close(out, c.c_out**2)
    torch.testing.assert_close(c.c_noise, sigma.log() / 4)


@pytest.mark.parametrize("sigma", SIGMAS)
def test_a_zero_network_has_expected_loss_one_at_every_sigma(sigma: float) -> None:
    x, noise = gaussian(20_000, 10, 0.5)
    denoiser, level = EDMPrecondition(ZeroNetwork(), 0.5), torch.full((len(x),), sigma)
    error = weighted_denoising_error(denoiser, x, noise, level, DenoisingLoss().scale(denoiser, level))
    assert float(error.mean()) == pytest.approx(1, abs=4 * float(error.std()) / math.sqrt(len(x)))


@pytest.mark.parametrize("sigma", [0.05, 0.5, 5.0])
def test_an_exact_network_gives_the_posterior_mean_of_a_gaussian_and_its_variance_as_loss(sigma: float) -> None:
    s, sigma_data = 1.3, 0.5
    x, noise = gaussian(20_000, 10, s)
    denoiser = EDMPrecondition(ExactForGaussian(s, sigma_data), sigma_data)
    level = torch.full((len(x),), sigma)
    noisy = x + sigma * noise
    torch.testing.assert_close(denoiser(noisy, level), s**2 / (s**2 + sigma**2) * noisy, rtol=1e-4, atol=1e-4)
    loss = DenoisingLoss(FixedLevel(sigma))(denoiser, {"x": x}, generator=seeded(0))
    posterior_variance = s**2 * sigma**2 / (s**2 + sigma**2)
    weight = (sigma**2 + sigma_data**2) / (sigma * sigma_data) ** 2
    standard_error = math.sqrt(2 / x.numel())
    assert float(loss.total) == pytest.approx(weight * posterior_variance, rel=4 * standard_error)
    assert float(loss.parts["denoising_mse"]) == pytest.approx(posterior_variance, rel=4 * standard_error)


def test_labels_are_dropped_one_example_at_a_time() -> None:
    n = 4000
    network = RecordCondition()
    batch = {"x": torch.zeros(n, 2), "y": torch.arange(n) % 10}

    def seen(dropout: float) -> Tensor:
        DenoisingLoss(n_classes=10, label_dropout=dropout)(EDMPrecondition(network), batch, generator=seeded(0))
        return network.seen

    torch.testing.assert_close(seen(0.0), batch["y"])
    assert (seen(1.0) == 10).all()
    dropped = seen(0.3) == 10
    assert int(dropped.sum()) == pytest.approx(0.3 * n, abs=4 * math.sqrt(0.21 * n))
    torch.testing.assert_close(network.seen[~dropped], batch["y"][~dropped])


def test_the_loss_refuses_what_it_cannot_weight_or_drop() -> None:
    with pytest.raises(TypeError, match="EDMPrecondition"):
        DenoisingLoss()(ZeroNetwork(), {"x": torch.zeros(2, 2)}, generator=seeded(0))
    with pytest.raises(ValueError, match="label_dropout"):
        DenoisingLoss(label_dropout=0.1)


def test_a_new_system_starts_at_loss_one_and_measures_its_data() -> None:
    x = gaussian(512, 64, 0.8)[0].reshape(-1, 1, 8, 8)
    system = ScoreModelConfig().build(DataSpec((1, 8, 8)))
    system.initialise(x)
    assert float(system.denoiser.sigma_data) == pytest.approx(float(x.std()), rel=1e-3)
    (phase,) = system.phases()
    loss = phase.objective(system, {"x": x}, generator=seeded(0))
    assert float(loss.total.detach()) == pytest.approx(1, abs=0.05)
    fixed = ScoreModelConfig(sigma_data=0.3).build(DataSpec((1, 8, 8)))
    fixed.initialise(x)
    assert float(fixed.denoiser.sigma_data) == pytest.approx(0.3)


def test_a_system_samples_denoises_and_survives_a_state_dict() -> None:
    torch.manual_seed(0)
    config = ScoreModelConfig(UNetConfig((8, 8)), sampler=Heun(3), conditional=True)
    spec = DataSpec((1, 8, 8), n_classes=10)
    system, copy = config.build(spec), config.build(spec)
    for parameter in system.parameters():
        nn.init.normal_(parameter, std=0.2)
    system.initialise(torch.rand(16, 1, 8, 8))
    copy.load_state_dict(system.state_dict())
    assert isinstance(system, CanSample)
    assert isinstance(system, CanDenoise)
    out = system.sample(4, generator=seeded(1))
    assert out.x.shape == (4, 1, 8, 8)
    assert not out.x.requires_grad
    assert out.nfe == 5
    torch.testing.assert_close(copy.sample(4, generator=seeded(1)).x, out.x, rtol=0, atol=0)
    sevens = system.sample(4, generator=seeded(1), cond=torch.full((4,), 7)).x
    assert not torch.equal(sevens, out.x)
    assert system.denoise(out.x, torch.ones(4), generator=seeded(0)).shape == out.x.shape
    with pytest.raises(ValueError, match="classes"):
        config.build(DataSpec((1, 8, 8)))
    with pytest.raises(ValueError, match="signed"):
        config.build(DataSpec((1, 8, 8), "binary"))
