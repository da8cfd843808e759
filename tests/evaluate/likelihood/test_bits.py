"""Bits per dimension, denoising errors, and how samples come about, on systems whose numbers are known."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor

from gibbsweep.errors import UserError
from gibbsweep.evaluate import (
    BitsPerDim,
    ClassAccuracy,
    DenoisingError,
    SamplingCost,
    SamplingPath,
    StepCounts,
    VariationalBits,
)
from gibbsweep_models.capabilities import Density
from gibbsweep_models.draws import randint, randn, seeded
from gibbsweep_models.types import Samples, System, Trace

SHAPE = (1, 4, 4)


@dataclass
class Examples:
    x: Tensor

    def __len__(self) -> int:
        return len(self.x)

    def batch(self, indices: Tensor) -> dict[str, Tensor]:
        return {"x": self.x[indices]}


def bytes_of(n: int) -> Examples:
    return Examples(randint(256, (n, *SHAPE), generator=seeded(0)) / 127.5 - 1)


class Known(System):
    """Uniform on the range that dequantised bytes have; denoises by a factor; its samples are the numbers of their steps."""

    def __init__(self, kept: float = 0.0) -> None:
        super().__init__()
        self.kept = kept

    def density(self, x: Tensor, *, generator: torch.Generator) -> Density:
        width = 2 * 256 / 255
        assert float(x.abs().max()) <= width / 2 + 1e-6
        return Density(torch.full((len(x),), -x[0].numel() * math.log(width)), 12)

    def variational_bits(self, x: Tensor, *, generator: torch.Generator) -> dict[str, Tensor]:
        return {"prior": torch.full((len(x),), 0.25), "diffusion": 1 + randn((len(x),), generator=generator)}

    def denoise(self, x: Tensor, sigma: Tensor | None, *, generator: torch.Generator) -> Tensor:
        return self.kept * x

    def sample(self, n: int, *, generator: torch.Generator, trace: Trace | None = None) -> Samples:
        x = randn((n, *SHAPE), generator=generator)
        for step in range(1, 1001):
            if trace is not None:
                trace(step, x.new_full(x.shape, step / 1000))
        return Samples(x.new_full(x.shape, 1.0), nfe=1000)

    def sample_in(self, n: int, n_steps: int, *, generator: torch.Generator) -> Samples:
        return Samples(0.1 * randn((n, *SHAPE), generator=generator), nfe=n_steps)


def test_a_uniform_density_costs_eight_bits() -> None:
    found = BitsPerDim(n=20, batch_size=7)(Known(), bytes_of(30), generator=seeded(1)).metrics
    assert found["bits_per_dim"] == pytest.approx(8.0, abs=1e-5)
    assert (found["bits_per_dim_se"], found["bits_nfe"], found["bits_n"]) == (pytest.approx(0, abs=1e-6), 12, 20)
    with pytest.raises(UserError, match="bytes"):
        BitsPerDim()(Known(), Examples(0.3 * torch.ones(2, *SHAPE)), generator=seeded(1))


def test_the_error_of_the_bound_is_that_over_examples() -> None:
    found = VariationalBits(n=400, draws=4, batch_size=150)(Known(), bytes_of(400), generator=seeded(1)).metrics
    assert found["vlb_prior"] == 0.25 and found["vlb_n"] == 400
    assert found["vlb_bits"] == pytest.approx(found["vlb_prior"] + found["vlb_diffusion"])
    assert found["vlb_bits_se"] == pytest.approx(0.5 / 20, rel=0.15)
    assert found["vlb_bits"] == pytest.approx(1.25, abs=4 * 0.025)


def test_the_best_linear_denoiser_of_unrelated_pixels_has_error_one() -> None:
    """s² / (s² + sigma²) x; no denoising leaves the error 1 + (sigma / s)², nothing at all 1 + (s / sigma)²."""
    x = 0.5 * randn((2000, *SHAPE), generator=seeded(0))
    measure = DenoisingError((0.5,), limit=None)
    error = {k: measure(Known(k), Examples(x), generator=seeded(1)).metrics["denoising_error_0.5"] for k in (0, 0.5, 1)}
    assert error[0.5] == pytest.approx(1, abs=0.02)
    assert error[0] == pytest.approx(2, abs=0.04) and error[1] == pytest.approx(2, abs=0.04)
    two = DenoisingError((0.25, 0.5), average="own")(Known(1), Examples(x), generator=seeded(1))
    assert two.metrics["denoising_error_own"] == pytest.approx(
        (two.metrics["denoising_error_0.25"] + two.metrics["denoising_error_0.5"]) / 2
    )
    assert two.metrics["denoising_mse_0.25"] == pytest.approx(0.0625, rel=0.05)
    assert "denoising_error_mean" not in two.metrics and set(two.images) == {"denoised_levels"}


def test_what_a_sample_costs_and_how_it_comes_about() -> None:
    cost = SamplingCost(n=5)(Known(), bytes_of(1), generator=seeded(0)).metrics
    assert cost["sampling_nfe"] == 1000 and cost["sampling_seconds"] > 0
    path = SamplingPath(n_chains=2, columns=5)(Known(), bytes_of(1), generator=seeded(0)).images["sampling_path"]
    assert isinstance(path, np.ndarray)
    middles = path[6, 6::12][:5]  # a tile of 4 pixels and a gap of 2, twice as large
    assert middles.tolist() == sorted(middles.tolist()) and middles[-1] == 255
    gaps = np.diff(middles.astype(int))
    assert gaps.min() > 20 and gaps.max() < 45


def test_more_steps_start_at_the_same_noise() -> None:
    rows = StepCounts((2, 4), columns=3)(Known(), bytes_of(1), generator=seeded(0)).images["step_counts"]
    assert isinstance(rows, np.ndarray)
    assert np.array_equal(rows[4:12], rows[16:24])


def test_a_system_that_draws_the_digits_it_is_asked_for() -> None:
    from gibbsweep.data import load

    data = load("digits")
    shown = {
        int(y): data.train.batch(torch.tensor([i]))["x"][0]
        for i, y in enumerate(data.train.batch(torch.arange(99))["y"])
    }

    class Obedient(System):
        def sample_classes(self, y: Tensor, *, generator: torch.Generator) -> Samples:
            return Samples(torch.stack([shown[int(label)] for label in y]), nfe=1)

    class Deaf(System):
        def sample_classes(self, y: Tensor, *, generator: torch.Generator) -> Samples:
            return Samples(shown[3].expand(len(y), *shown[3].shape), nfe=1)

    measure = ClassAccuracy(n=20, batch_size=7)
    assert measure(Obedient(), data.test, generator=seeded(0)).metrics["class_accuracy"] == 1.0
    found = measure(Deaf(), data.test, generator=seeded(0)).metrics
    assert found["class_accuracy"] == pytest.approx(0.1)
    assert found["class_accuracy_real"] > 0.8 and found["class_accuracy_n"] == 20
