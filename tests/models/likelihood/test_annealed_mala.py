"""Annealed MALA against truncated Gaussians on the cube, whose log Z is a product of error functions."""

import math
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from gibbsweep_models.draws import seeded
from gibbsweep_models.likelihood.annealed_mala import (
    AnnealingPath,
    annealed_importance_sampling,
    log_likelihood_bracket,
    pilot,
    power_betas,
    reverse_annealed_importance_sampling,
)


@dataclass(frozen=True)
class TruncatedGaussian:
    """E(x) = sum_i (x_i - mean_i)² / (2 std_i²) on [-1, 1]^D."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __call__(self, x: Tensor, cond: Tensor | None = None) -> Tensor:
        z = (x - torch.tensor(self.mean, dtype=x.dtype)) / torch.tensor(self.std, dtype=x.dtype)
        return z.square().sum(dim=1) / 2

    @property
    def log_z(self) -> float:
        return sum(
            math.log(s * math.sqrt(math.pi / 2) * (math.erf((1 - m) / s / 2**0.5) - math.erf((-1 - m) / s / 2**0.5)))
            for m, s in zip(self.mean, self.std, strict=True)
        )

    def samples(self, n: int, seed: int) -> Tensor:
        """Exact, by inverting the distribution function of each coordinate."""
        u = torch.rand(n, len(self.mean), generator=seeded(seed), dtype=torch.float64)
        mean, std = (torch.tensor(v, dtype=torch.float64) for v in (self.mean, self.std))
        low, high = (torch.special.ndtr((edge - mean) / std) for edge in (-1.0, 1.0))
        x: Tensor = (mean + std * torch.special.ndtri(low + u * (high - low))).clamp(-1.0, 1.0)
        return x


TARGETS = [
    TruncatedGaussian((0.3,), (0.2,)),
    TruncatedGaussian((0.9, -0.5), (0.3, 0.15)),
    TruncatedGaussian((0.0, 0.5, -1.2, 0.2), (0.1, 0.5, 0.4, 0.25)),
]


def path_for(energy: TruncatedGaussian, n_temperatures: int) -> AnnealingPath:
    return pilot(energy, (len(energy.mean),), power_betas(n_temperatures), generator=seeded(0), dtype=torch.float64)


@pytest.mark.parametrize("energy", TARGETS)
def test_log_z_both_ways_within_three_standard_errors(energy: TruncatedGaussian) -> None:
    path = path_for(energy, 200)
    shape = (len(energy.mean),)
    below, ends = annealed_importance_sampling(
        energy, shape, path, n_chains=500, generator=seeded(1), dtype=torch.float64
    )
    above = reverse_annealed_importance_sampling(energy, energy.samples(500, 2), path, generator=seeded(3))
    for estimate in (below, above):
        assert 0 < estimate.standard_error < 0.1
        assert estimate.value == pytest.approx(energy.log_z, abs=3 * estimate.standard_error)
        assert 50 < estimate.effective_sample_size <= 500
    assert ends.shape == (500, *shape) and bool((ends.abs() <= 1).all())


def test_weights_are_unbiased_on_a_crude_path() -> None:
    """Three temperatures mix badly, yet the mean weight is Z: the error is in the variance alone."""
    energy = TARGETS[0]
    path = AnnealingPath((0.0, 0.1, 0.5, 1.0), (0.3, 0.1, 0.05))
    below, _ = annealed_importance_sampling(
        energy, (1,), path, n_chains=20_000, generator=seeded(4), dtype=torch.float64
    )
    above = reverse_annealed_importance_sampling(energy, energy.samples(20_000, 5), path, generator=seeded(6))
    assert below.value == pytest.approx(energy.log_z, abs=4 * below.standard_error)
    assert above.value == pytest.approx(energy.log_z, abs=4 * above.standard_error)


def test_few_chains_bracket_log_z_in_expectation() -> None:
    energy = TARGETS[2]
    path = AnnealingPath((0.0, 0.3, 1.0), (0.1, 0.05))
    x = torch.split(energy.samples(400, 7), 4)
    below = [
        annealed_importance_sampling(energy, (4,), path, n_chains=4, generator=seeded(8, i), dtype=torch.float64)[0]
        for i in range(100)
    ]
    above = [reverse_annealed_importance_sampling(energy, x[i], path, generator=seeded(9, i)) for i in range(100)]
    assert sum(e.value for e in below) / 100 < energy.log_z < sum(e.value for e in above) / 100


def test_pilot_reaches_a_useful_acceptance_at_every_scale() -> None:
    for std in (0.01, 0.1, 1.0):
        energy = TruncatedGaussian((0.0, 0.0), (std, std))
        path = path_for(energy, 60)
        estimate, _ = annealed_importance_sampling(
            energy, (2,), path, n_chains=200, generator=seeded(1), dtype=torch.float64
        )
        assert 0.3 < estimate.acceptance < 0.85
        assert path.betas == power_betas(60)


def test_a_flat_energy_is_exact_at_any_length() -> None:
    path = pilot(lambda x, cond=None: 0.0 * x.sum(dim=1), (3,), power_betas(300), n_chains=2, generator=seeded(0))
    assert max(path.step_sizes) <= 4.0 + 1e-9
    estimate, _ = annealed_importance_sampling(
        lambda x, cond=None: 0.0 * x.sum(dim=1), (3,), path, n_chains=4, generator=seeded(1)
    )
    assert estimate.value == pytest.approx(3 * math.log(2))
    assert estimate.acceptance > 0.99


def test_log_z_in_a_hundred_dimensions() -> None:
    """Where every coordinate has a wall to hit, the two estimates still meet."""
    energy = TruncatedGaussian((0.8,) * 100, (0.4,) * 100)
    path = pilot(energy, (100,), power_betas(400), generator=seeded(0), dtype=torch.float64)
    below, _ = annealed_importance_sampling(energy, (100,), path, n_chains=64, generator=seeded(1), dtype=torch.float64)
    above = reverse_annealed_importance_sampling(energy, energy.samples(64, 2), path, generator=seeded(3))
    assert above.value - below.value < 1.0
    assert below.value == pytest.approx(energy.log_z, abs=4 * below.standard_error)
    assert above.value == pytest.approx(energy.log_z, abs=4 * above.standard_error)


def test_bracket_of_a_log_likelihood() -> None:
    energy = TARGETS[1]
    x = energy.samples(2000, 10)
    bracket = log_likelihood_bracket(energy, x, n_temperatures=150, n_chains=400, generator=seeded(11))
    exact = float(-energy(x).mean()) - energy.log_z
    assert bracket.ais == pytest.approx(exact, abs=4 * bracket.ais_se)
    assert bracket.reverse_ais == pytest.approx(exact, abs=4 * bracket.reverse_ais_se)
    assert bracket.exact is None


def test_autocast_does_not_reach_the_estimate() -> None:
    energy = torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1), torch.nn.Flatten(0))
    path = AnnealingPath((0.0, 0.5, 1.0), (0.1, 0.1))

    def estimate() -> float:
        return annealed_importance_sampling(
            lambda x, cond=None: energy(x), (2,), path, n_chains=8, generator=seeded(0)
        )[0].value

    plain = estimate()
    with torch.autocast("cpu", torch.bfloat16):
        assert estimate() == plain


def test_errors_say_what_is_wrong() -> None:
    with pytest.raises(ValueError, match="increasing grid from 0 to 1"):
        AnnealingPath((0.0, 0.5), (0.1,))
    with pytest.raises(ValueError, match="one positive step size per transition"):
        AnnealingPath((0.0, 1.0), (0.1, 0.1))
    with pytest.raises(ValueError, match=r"expected \[-1, 1\]"):
        reverse_annealed_importance_sampling(
            TARGETS[0], torch.full((2, 1), 1.5), AnnealingPath((0.0, 1.0), (0.1,)), generator=seeded(0)
        )
