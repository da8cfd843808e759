"""Six meanings of a network's output give one denoiser, and foreign networks cross the border unharmed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from gibbsweep_models.draws import randn, seeded
from gibbsweep_models.nn.denoisers.foreign import ForeignEps
from gibbsweep_models.nn.denoisers.mixture import GaussianMixture
from gibbsweep_models.nn.denoisers.parametrisation import NetworkDenoiser, Prediction
from gibbsweep_models.noise.ladder import DDPMLadder
from gibbsweep_models.noise.shape import expand_like
from gibbsweep_models.noise.timed import TimedSchedule
from gibbsweep_models.noise.vp import CosineSchedule, SubVPSchedule, VPSchedule

SIGMA_DATA = 0.7
MIXTURE = GaussianMixture(
    torch.tensor([[[1.0, 0.0, 0.5]], [[-1.0, 0.4, 0.0]]], dtype=torch.float64),
    torch.tensor([0.3, 0.7]),
    torch.tensor([0.2, 0.5]),
)


def ideal_x0(x: Tensor, sigma: Tensor) -> Tensor:
    return MIXTURE(x, sigma)


def ideal_eps(x: Tensor, sigma: Tensor) -> Tensor:
    return -expand_like(sigma, x) * MIXTURE.score(x, sigma)


def ideal_score(x: Tensor, sigma: Tensor) -> Tensor:
    return expand_like(sigma, x) * MIXTURE.score(x, sigma)


def ideal_v(x: Tensor, sigma: Tensor) -> Tensor:
    alpha = expand_like(1 / torch.sqrt(1 + sigma**2), x)
    return alpha * ideal_eps(x, sigma) - torch.sqrt(1 - alpha**2) * ideal_x0(x, sigma)


def ideal_velocity(x: Tensor, sigma: Tensor) -> Tensor:
    return ideal_eps(x, sigma) - ideal_x0(x, sigma)


def ideal_edm(x: Tensor, sigma: Tensor) -> Tensor:
    level = expand_like(sigma, x)
    total = level**2 + SIGMA_DATA**2
    return (ideal_x0(x, sigma) - SIGMA_DATA**2 / total * x) * total.sqrt() / (level * SIGMA_DATA)


IDEAL: dict[Prediction, Callable[[Tensor, Tensor], Tensor]] = {
    "x0": ideal_x0,
    "eps": ideal_eps,
    "score": ideal_score,
    "v": ideal_v,
    "velocity": ideal_velocity,
    "edm": ideal_edm,
}


class Ideal(nn.Module):
    """The network whose output means ``what``, exactly."""

    def __init__(self, what: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.what = what

    def forward(self, scaled: Tensor, noise: Tensor, cond: Tensor | None = None) -> Tensor:
        sigma = torch.exp(4 * noise)
        return self.what(scaled * expand_like(torch.hypot(sigma, torch.full_like(sigma, SIGMA_DATA)), scaled), sigma)


@pytest.mark.parametrize("predicts", IDEAL)
@settings(deadline=None, max_examples=30)
@given(log_sigma=st.floats(-6, 5), seed=st.integers(0, 100))
def test_the_six_ideal_networks_are_one_denoiser(predicts: Prediction, log_sigma: float, seed: int) -> None:
    denoiser = NetworkDenoiser(Ideal(IDEAL[predicts]), predicts, SIGMA_DATA).double()
    denoiser.sigma_data.fill_(SIGMA_DATA)
    sigma = torch.full((4,), log_sigma, dtype=torch.float64).exp()
    start = MIXTURE.draw(4, generator=seeded(seed))
    x = start + expand_like(sigma, start) * randn(start.shape, generator=seeded(seed, 1), dtype=torch.float64)
    torch.testing.assert_close(denoiser(x, sigma), MIXTURE(x, sigma), rtol=1e-7, atol=1e-7)


def test_a_zero_network_says_what_its_meaning_says() -> None:
    x, sigma = torch.ones(2, 3), torch.tensor([0.5, 2.0])
    level = expand_like(sigma, x)
    expected = {
        "x0": 0 * x,
        "eps": x,
        "score": x,
        "v": x / (1 + level**2),
        "velocity": x / (1 + level),
        "edm": x * SIGMA_DATA**2 / (SIGMA_DATA**2 + level**2),
    }
    for predicts, said in expected.items():
        zero = Ideal(lambda x, sigma: torch.zeros_like(x))
        torch.testing.assert_close(NetworkDenoiser(zero, predicts, SIGMA_DATA)(x, sigma), said)  # type: ignore[arg-type]


def test_v_is_minus_edm_for_data_of_deviation_one() -> None:
    sigma = torch.tensor([0.01, 1.0, 30.0])
    v, edm = (NetworkDenoiser(nn.Identity(), what, 1.0).coefficients(sigma) for what in ("v", "edm"))
    torch.testing.assert_close(v.c_skip, edm.c_skip)
    torch.testing.assert_close(v.c_out, -edm.c_out)


class VPNoise(nn.Module):
    """The exact eps of a variance-preserving (or sub-) process, as its papers write it: of x_t and t."""

    def __init__(self, mean: Callable[[Tensor], Tensor], deviation: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.mean, self.deviation = mean, deviation

    def forward(self, x: Tensor, t: Tensor, cond: Tensor | None = None) -> Tensor:
        mean, deviation = expand_like(self.mean(t), x), expand_like(self.deviation(t), x)
        return deviation * x / (mean**2 * 0.25 + deviation**2)  # data N(0, .5²)


def integral(t: Tensor) -> Tensor:
    return 0.1 * t + 19.9 * t**2 / 2


def alpha_bar(t: Tensor) -> Tensor:
    angle = torch.pi / 2 / 1.008
    return torch.cos(angle * (t + 0.008)) ** 2 / torch.cos(torch.tensor(angle * 0.008, dtype=torch.float64)) ** 2


FOREIGN: dict[str, tuple[TimedSchedule, VPNoise]] = {
    "vp": (
        VPSchedule(),
        VPNoise(lambda t: torch.exp(-integral(t) / 2), lambda t: (1 - torch.exp(-integral(t))).sqrt()),
    ),
    "sub_vp": (SubVPSchedule(), VPNoise(lambda t: torch.exp(-integral(t) / 2), lambda t: 1 - torch.exp(-integral(t)))),
    "cosine": (CosineSchedule(), VPNoise(lambda t: alpha_bar(t).sqrt(), lambda t: (1 - alpha_bar(t)).sqrt())),
}


@pytest.mark.parametrize(("schedule", "network"), FOREIGN.values(), ids=FOREIGN)
def test_a_foreign_network_becomes_the_posterior_mean(schedule: TimedSchedule, network: VPNoise) -> None:
    sigma = schedule.sigma(torch.tensor([0.05, 0.3, 0.7, 0.99], dtype=torch.float64))
    x = randn((4, 2, 3), generator=seeded(0), dtype=torch.float64) * expand_like(sigma, torch.zeros(4, 2, 3))
    exact = x * expand_like(0.25 / (0.25 + sigma**2), x)
    torch.testing.assert_close(ForeignEps(network, schedule)(x, sigma), exact, rtol=1e-8, atol=1e-8)


def test_a_step_number_is_a_rung() -> None:
    ladder, told = DDPMLadder(50, 1e-4, 0.05), list[Tensor]()

    class Listen(nn.Module):
        def forward(self, x: Tensor, t: Tensor, cond: Tensor | None = None) -> Tensor:
            told.append(t)
            return x

    ForeignEps(Listen(), ladder, lambda t: (49 * t).round())(torch.ones(50, 1), ladder.rungs().float())
    torch.testing.assert_close(told[0], torch.arange(50.0))


def test_refusals() -> None:
    with pytest.raises(ValueError, match="predicts='noise'"):
        NetworkDenoiser(nn.Identity(), "noise")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="sigma_data=0"):
        NetworkDenoiser(nn.Identity(), "eps", 0.0)
