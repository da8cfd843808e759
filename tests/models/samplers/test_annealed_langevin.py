"""Annealed Langevin dynamics weights modes that plain Langevin dynamics cannot, and its steps are those of its
papers."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from gibbsweep_models.draws import rand, randn_like, seeded
from gibbsweep_models.nn.denoisers.mixture import GaussianMixture
from gibbsweep_models.noise.geometric import GeometricSchedule
from gibbsweep_models.noise.ladder import NCSNLadder
from gibbsweep_models.samplers.diffusion.annealed_langevin import AnnealedLangevin
from gibbsweep_models.samplers.mcmc.langevin import Langevin

TWO_MODES = GaussianMixture(torch.tensor([[5.0, 5.0], [-5.0, -5.0]]), torch.tensor([0.8, 0.2]), 1.0)
"""The toy of NCSN's repository."""
N = 2000


def start() -> Tensor:
    return 16 * rand((N, 2), generator=seeded(0)) - 8


def share(x: Tensor) -> float:
    """Of the chains in the mode of weight .8."""
    return float((x.sum(dim=1) > 0).float().mean())


def energy(x: Tensor, cond: Tensor | None = None) -> Tensor:
    return -TWO_MODES.log_prob(x, x.new_zeros(len(x)))


def test_plain_langevin_leaves_half_of_its_chains_in_the_small_mode() -> None:
    """Step .1 in their convention, 1000 steps, exact score: 51.1 % published."""
    x = Langevin(1000, 0.1 / 2)(energy, start(), generator=seeded(1)).x
    assert share(x) == pytest.approx(0.511, abs=4 * (0.25 / N) ** 0.5)


def test_annealing_from_twenty_to_one_weights_the_modes() -> None:
    """78.4 % published."""
    sampler = AnnealedLangevin.ncsn(0.1, NCSNLadder(1.0, 20.0, 10))
    assert sampler.step_size == pytest.approx(0.05)
    x = sampler(TWO_MODES, start(), generator=seeded(2)).x
    assert share(x) == pytest.approx(0.784, abs=4 * (0.16 / N) ** 0.5)


def test_annealing_from_ten_to_a_tenth() -> None:
    """77 % published."""
    x = AnnealedLangevin(10, 100, 0.05, NCSNLadder(0.1, 10.0, 10))(TWO_MODES, start(), generator=seeded(2)).x
    assert share(x) == pytest.approx(0.77, abs=4 * (0.16 / N) ** 0.5)


@pytest.mark.parametrize("version", ["ncsn", "ncsnv2"])
def test_published_steps_are_converted(version: str) -> None:
    """Their update, written with the score as they write it, and the same number eps."""
    eps, ladder, x = 2e-5, NCSNLadder(), start() / 8
    sampler = (
        AnnealedLangevin.ncsn(eps, ladder, 10, 3)
        if version == "ncsn"
        else AnnealedLangevin.ncsnv2(eps, ladder, 10, 3, denoise=False)
    )
    ours = sampler(TWO_MODES, x, generator=seeded(3)).x
    generator = seeded(3)
    for sigma in ladder.sigmas(10)[:-1].tolist():
        alpha = eps * (sigma / 0.01) ** 2
        for _ in range(3):
            score = TWO_MODES.score(x, torch.full((N,), sigma))
            noise = randn_like(x, generator=generator)
            x = (
                x + alpha / 2 * score + alpha**0.5 * noise
                if version == "ncsn"
                else x + alpha * score + (2 * alpha) ** 0.5 * noise
            )
    torch.testing.assert_close(ours, x, rtol=1e-3, atol=1e-3)


def test_denoising_removes_the_noise_of_the_last_level() -> None:
    points = GaussianMixture(torch.tensor([[1.0, 0.0], [-1.0, 0.0]]))
    x = torch.zeros(500, 2)
    noisy, clean = (
        AnnealedLangevin(10, 5, 0.3, GeometricSchedule(0.05, 5.0), denoise)(points, x, generator=seeded(0)).x
        for denoise in (False, True)
    )
    distance = torch.cdist(noisy, points.means).min(dim=1).values
    assert float(distance.square().mean()) == pytest.approx(2 * 0.05**2 / (1 - 0.15), rel=0.25)
    torch.testing.assert_close(torch.cdist(clean, points.means).min(dim=1).values, torch.zeros(500), rtol=0, atol=1e-4)


def test_the_score_has_unit_norm_where_chains_are_at_their_level() -> None:
    one = GaussianMixture(torch.zeros(1, 400))
    sampler = AnnealedLangevin(1, 40, 0.05, GeometricSchedule(0.9, 1.0))
    out = sampler(one, sampler.start((50, 400), generator=seeded(0)), generator=seeded(1))
    assert float(out.info["score_norm"]) == pytest.approx(1.0, rel=0.02)


@pytest.mark.parametrize("numbers", [{"step_size": 2.0}, {"step_size": 0.0}, {"steps_per_level": 0}, {"n_steps": 0}])
def test_refusals(numbers: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="expected at least"):
        AnnealedLangevin(**numbers)  # type: ignore[arg-type]
