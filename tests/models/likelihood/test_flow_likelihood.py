"""The likelihood of the probability flow against the true density of a mixture with its exact score."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from gibbsweep_models.draws import randint, randn, seeded
from gibbsweep_models.likelihood.probability_flow import FlowLikelihood, bits_per_dim, dequantised
from gibbsweep_models.nn.denoisers.mixture import GaussianMixture
from gibbsweep_models.nn.denoisers.parametrisation import NetworkDenoiser
from gibbsweep_models.nn.noise_networks.unet import UNet
from gibbsweep_models.noise.geometric import GeometricSchedule
from gibbsweep_models.noise.timed import TimedSchedule
from gibbsweep_models.noise.vp import SubVPSchedule, VPSchedule
from gibbsweep_models.objectives.score_matching.vlb import VariationalBound

MIXTURE = GaussianMixture(
    torch.tensor([[1.0, 0.0], [-0.5, 0.87], [-0.5, -0.87]], dtype=torch.float64),
    torch.tensor([0.5, 0.3, 0.2]),
    torch.tensor([0.1, 0.2, 0.3]),
)


def true_log_prob(x: Tensor, schedule: TimedSchedule) -> Tensor:
    return MIXTURE.log_prob(x, torch.full((len(x),), schedule.sigma_range[0], dtype=torch.float64))


# Mean |d ln p| and the error of the mean likelihood published for another mixture: 6.3e-3, 6.2e-4, 6.4e-5; 3.4e-4,
# 3.6e-5, 8e-6.
ENDS: dict[str, tuple[TimedSchedule, float, float]] = {
    "ve_50": (GeometricSchedule(1e-3, 50.0), 6.3e-3, 3.4e-4),
    "ve_500": (GeometricSchedule(1e-3, 500.0), 6.2e-4, 3.6e-5),
    "ve_5000": (GeometricSchedule(1e-3, 5000.0), 6.4e-5, 8e-6),
    "vp": (VPSchedule(t_min=1e-5), 2.1e-3, 1.1e-4),
    "sub_vp": (SubVPSchedule(t_min=1e-5), 2.1e-3, 1.1e-4),
}


@pytest.mark.parametrize(("schedule", "each", "mean"), ENDS.values(), ids=ENDS)
def test_the_error_is_that_of_the_prior(schedule: TimedSchedule, each: float, mean: float) -> None:
    """A tenfold sigma_max gives a tenth of the error; a smaller tolerance would not."""
    x = MIXTURE.draw(400, generator=seeded(5))
    found = FlowLikelihood(schedule, 0, 1e-6, 1e-6)(MIXTURE, x, generator=seeded(0))
    difference = found.log_prob - true_log_prob(x, schedule)
    assert float(difference.abs().mean()) < each
    assert abs(float(difference.mean())) < 2.5 * mean
    assert found.latent.shape == x.shape and found.nfe < 450


def test_directions_of_signs_estimate_the_trace_without_bias() -> None:
    schedule, x = GeometricSchedule(1e-2, 500.0), MIXTURE.draw(40, generator=seeded(5))
    exact = FlowLikelihood(schedule, 0)(MIXTURE, x, generator=seeded(0)).log_prob
    many = FlowLikelihood(schedule, 1)(MIXTURE, x.repeat(100, 1), generator=seeded(0)).log_prob.view(100, -1)
    deviation = many.std(dim=0) / 10
    assert bool(((many.mean(dim=0) - exact).abs() < 4 * deviation + 1e-3).all())
    more = FlowLikelihood(schedule, 4)(MIXTURE, x.repeat(50, 1), generator=seeded(0)).log_prob.view(50, -1)
    assert float(more.var(dim=0).mean()) == pytest.approx(float(many.var(dim=0).mean()) / 4, rel=0.25)


def test_the_latent_is_the_noise_of_the_prior() -> None:
    x = MIXTURE.draw(2000, generator=seeded(5))
    latent = FlowLikelihood(VPSchedule())(MIXTURE, x, generator=seeded(0)).latent / VPSchedule().prior_std
    assert float(latent.mean()) == pytest.approx(0, abs=4 / math.sqrt(4000))
    assert float(latent.square().mean()) == pytest.approx(1, abs=4 * math.sqrt(2 / 4000) + 0.01)


def test_the_bound_is_above_the_exact_cost_of_one_model() -> None:
    """The same weights: the variational bound never beats the flow's likelihood by more than its error."""
    wrong = GaussianMixture(1.3 * MIXTURE.means, stds=torch.tensor([0.2, 0.2, 0.2], dtype=torch.float64))
    schedule, x = GeometricSchedule(1e-2, 500.0), MIXTURE.draw(4000, generator=seeded(5))
    bound = sum(VariationalBound(schedule).terms(wrong, x, generator=seeded(1)).values())
    assert isinstance(bound, Tensor)
    exact = bits_per_dim(FlowLikelihood(schedule, 0)(wrong, x[:500], generator=seeded(0)).log_prob, 2)
    assert float(bound.mean()) > float(exact.mean()) - 4 * float(bound.std()) / math.sqrt(4000)


def test_a_network_is_differentiated_and_its_weights_left_alone() -> None:
    torch.manual_seed(0)
    denoiser = NetworkDenoiser(UNet((1, 8, 8), (8, 8)), "eps")
    for parameter in denoiser.parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    x = 0.5 * randn((3, 1, 8, 8), generator=seeded(0))
    with torch.no_grad():
        found = FlowLikelihood(n_probes=1, rtol=1e-3, atol=1e-3)(denoiser, x, generator=seeded(0))
    assert found.log_prob.shape == (3,) and not found.log_prob.requires_grad
    assert all(parameter.grad is None for parameter in denoiser.parameters())
    again = FlowLikelihood(n_probes=1, rtol=1e-3, atol=1e-3)(denoiser, x, generator=seeded(0))
    torch.testing.assert_close(again.log_prob, found.log_prob)


def test_bytes_spread_over_their_bins_cost_their_bits() -> None:
    """Uniform bytes: the density 1/2 on [-1, 1], a little wider for the outer half bins, is 8 bits per dimension."""
    byte = randint(256, (5000, 3), generator=seeded(0))
    x = dequantised((2.0 * byte / 255 - 1).double(), generator=seeded(1))
    assert float((x - (2.0 * byte / 255 - 1)).abs().max()) <= 1 / 255 + 1e-12
    log_prob = torch.full((1,), -3 * math.log(2 * 256 / 255), dtype=torch.float64)
    assert float(bits_per_dim(log_prob, 3, 2 / 255)) == pytest.approx(8.0)
    assert float(bits_per_dim(torch.tensor([math.log(0.5)]), 1)) == pytest.approx(1.0)


def test_refusals() -> None:
    with pytest.raises(ValueError, match="n_probes=-1"):
        FlowLikelihood(n_probes=-1)
    with pytest.raises(ValueError, match="dim=0"):
        bits_per_dim(torch.zeros(1), 0)
    with pytest.raises(ValueError, match="bins=1"):
        dequantised(torch.zeros(1, 1), 1, generator=seeded(0))
