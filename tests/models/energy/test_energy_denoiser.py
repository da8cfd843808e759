"""The denoiser that is the gradient of an energy, and the noise levels it is trained and guessed at."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from gibbsweep_models.baselines.classical_denoising import ClassicalDenoiserConfig
from gibbsweep_models.baselines.denoising_autoencoder import DenoisingAutoencoderConfig
from gibbsweep_models.capabilities import CanDenoise, CanInpaint
from gibbsweep_models.draws import randn, seeded
from gibbsweep_models.energy.dsm_energy import DSMEnergyConfig
from gibbsweep_models.nn.denoisers.energy_denoiser import EnergyDenoiser
from gibbsweep_models.nn.denoisers.precondition import EDMPrecondition
from gibbsweep_models.nn.noise_networks.patches import PatchUNet
from gibbsweep_models.noise.estimate import estimate_sigma
from gibbsweep_models.noise.geometric import GeometricSchedule
from gibbsweep_models.samplers.mcmc.posterior import MAPDenoising
from gibbsweep_models.types import DataSpec

SHAPE = (1, 8, 8)


class Zero(nn.Module):
    def forward(self, x: Tensor, noise: Tensor, cond: Tensor | None = None) -> Tensor:
        return torch.zeros_like(x)


class Linear(nn.Module):
    """F(u) = W u + b with W not symmetric: no gradient of anything."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(64, 64)

    def forward(self, x: Tensor, noise: Tensor, cond: Tensor | None = None) -> Tensor:
        out: Tensor = self.layer(x.flatten(1)).view_as(x)
        return out


def noisy(n: int = 3) -> tuple[Tensor, Tensor]:
    return randn((n, *SHAPE), generator=seeded(0), dtype=torch.float64), torch.linspace(0.1, 1.0, n).double()


def test_a_network_that_is_silent_leaves_the_exact_denoiser_and_energy_of_a_gaussian() -> None:
    x, sigma = noisy()
    denoiser = EnergyDenoiser(Zero(), 0.5).double()
    total = 0.25 + sigma.view(-1, 1, 1, 1) ** 2
    torch.testing.assert_close(denoiser(x, sigma), 0.25 / total * x)
    torch.testing.assert_close(denoiser.energy(x, sigma), (x**2 / (2 * total)).flatten(1).sum(dim=1))


def test_the_energy_is_the_squared_distance_to_an_autoencoder() -> None:
    """|x - N(x)|² / (2 sigma²) with N = (1 - sigma c_in) x + sigma_data F(c_in x)."""
    torch.manual_seed(0)
    x, sigma = noisy()
    denoiser = EnergyDenoiser(Linear(), 0.5).double()
    s = sigma.view(-1, 1, 1, 1)
    c_in = 1 / torch.sqrt(s**2 + 0.25)
    clean = (1 - s * c_in) * x + 0.5 * denoiser.network(c_in * x, sigma)
    expected = ((x - clean) ** 2 / (2 * s**2)).flatten(1).sum(dim=1)
    torch.testing.assert_close(denoiser.energy(x, sigma), expected)


def test_the_residual_is_sigma_squared_times_a_gradient_whose_jacobian_is_symmetric() -> None:
    torch.manual_seed(0)
    x, sigma = noisy(1)
    denoiser = EnergyDenoiser(Linear(), 0.5).double()
    jacobian = torch.autograd.functional.jacobian(lambda y: denoiser(y.view(1, *SHAPE), sigma).flatten(), x.flatten())
    torch.testing.assert_close(jacobian, jacobian.T)
    plain = EDMPrecondition(denoiser.network, 0.5).double()
    free = torch.autograd.functional.jacobian(lambda y: plain(y.view(1, *SHAPE), sigma).flatten(), x.flatten())
    assert not torch.allclose(free, free.T, atol=1e-3)


def test_a_denoiser_keeps_a_graph_only_where_gradients_are_on() -> None:
    torch.manual_seed(0)
    x, sigma = noisy()
    denoiser = EnergyDenoiser(Linear(), 0.5).double()
    assert denoiser(x, sigma).requires_grad
    with torch.no_grad():
        assert not denoiser(x, sigma).requires_grad
    assert not x.requires_grad


@pytest.mark.parametrize("cls", [EnergyDenoiser, EDMPrecondition])
def test_a_blind_denoiser_does_not_hear_the_level(cls: type[EDMPrecondition]) -> None:
    torch.manual_seed(0)
    x, sigma = noisy()
    network = PatchUNet(SHAPE, (8, 8))
    nn.init.normal_(network.network.head.weight, std=0.1)
    told, blind = cls(network, 0.5).double(), cls(network, 0.5, blind_at=0.3).double()
    assert torch.equal(blind(x, sigma), blind(x, 2 * sigma))
    assert not torch.equal(told(x, sigma), told(x, 2 * sigma))
    torch.testing.assert_close(blind(x, sigma), told(x, torch.full_like(sigma, 0.3)))
    assert torch.equal(blind.coefficients(sigma).c_out, told.coefficients(sigma).c_out), "the loss knows the level"
    with pytest.raises(ValueError, match="blind_at=0"):
        cls(network, 0.5, blind_at=0)


@pytest.mark.parametrize("config", [DSMEnergyConfig((8, 8)), DenoisingAutoencoderConfig((8, 8))])
def test_a_system_that_must_be_told_says_so(config: DSMEnergyConfig | DenoisingAutoencoderConfig) -> None:
    system = config.build(DataSpec(SHAPE))
    assert isinstance(system, CanDenoise)
    with pytest.raises(ValueError, match=r"sigma=None.*blind"):
        system.denoise(torch.zeros(2, *SHAPE), None, generator=seeded(0))


def test_a_blind_energy_does_not_anneal() -> None:
    system = DSMEnergyConfig((8, 8), blind_at=0.3).build(DataSpec(SHAPE))
    assert isinstance(system, CanInpaint)
    x = torch.zeros(2, *SHAPE)
    with pytest.raises(ValueError, match="told the noise level"):
        system.inpaint(x, x.bool(), generator=seeded(0))


def test_patches_need_sides_that_they_divide() -> None:
    with pytest.raises(ValueError, match="multiples"):
        PatchUNet((1, 9, 8), (8, 8))
    network = PatchUNet((3, 8, 12), (8,), patch=4)
    x = torch.zeros(2, 3, 8, 12)
    assert network(x, torch.zeros(2)).shape == x.shape
    with pytest.raises(ValueError, match=r"got x \(2, 3, 8, 8\)"):
        network(x[..., :8], torch.zeros(2))


def test_levels_are_even_in_their_logarithm() -> None:
    schedule = GeometricSchedule(0.1, 1.0)
    torch.testing.assert_close(schedule.sigmas(3), torch.tensor([1.0, 0.1**0.5, 0.1, 0.0]))
    logs = schedule.sample(20_000, generator=seeded(0)).log10()
    assert float(logs.min()) >= -1 and float(logs.max()) <= 0
    assert float(logs.mean()) == pytest.approx(-0.5, abs=4 / math.sqrt(12 * 20_000))
    with pytest.raises(ValueError, match="out of order"):
        GeometricSchedule(1.0, 0.1)


@pytest.mark.parametrize("sigma", [0.1, 0.6])
def test_the_noise_of_a_smooth_image_is_estimated(sigma: float) -> None:
    ramp = torch.linspace(-1, 1, 65).expand(4, 3, 65, 65)
    found = estimate_sigma(ramp + sigma * randn(ramp.shape, generator=seeded(0)))
    n = 3 * 32 * 32
    # The median of |n| has a standard error of sigma / (4 phi(q) q sqrt(n)) after division by q.
    error = sigma / (4 * math.exp(-0.5 * 0.6745**2) / math.sqrt(2 * math.pi) * 0.6745 * math.sqrt(n))
    assert found.shape == (4,)
    assert found.tolist() == pytest.approx([sigma] * 4, abs=4 * error)


def test_the_mode_of_a_gaussian_posterior() -> None:
    """Prior weight w and E = |x|² / 2: the mode is y / (1 + w sigma²)."""
    y = 0.5 * randn((5, 3), generator=seeded(0)).clamp(-1, 1)
    sigma = torch.linspace(0.1, 1.0, 5)
    found = MAPDenoising(prior_weight=2.0, n_steps=200, step_size=0.2)(
        lambda x, cond=None: x.square().sum(dim=1) / 2, y, sigma, generator=seeded(0)
    )
    torch.testing.assert_close(found, y / (1 + 2 * sigma[:, None] ** 2))


@pytest.mark.parametrize("method", ["nl_means", "tv"])
@pytest.mark.parametrize("channels", [1, 3])
def test_classical_denoisers_bring_an_image_of_two_halves_back(method: str, channels: int) -> None:
    clean = torch.full((2, channels, 16, 16), 0.3)
    clean[..., 8:] = -0.3
    system = ClassicalDenoiserConfig(method).build(DataSpec((channels, 16, 16)))  # type: ignore[arg-type]
    x = clean + 0.4 * randn(clean.shape, generator=seeded(0))
    for sigma in (torch.full((2,), 0.4), None):
        restored = system.denoise(x, sigma, generator=seeded(0))
        assert restored.shape == x.shape and restored.dtype == x.dtype
        assert float((restored - clean).square().mean()) < 0.3 * float((x - clean).square().mean())
