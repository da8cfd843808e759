"""Bits per dimension of models whose likelihood is known."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest
import torch

from gibbsweep.data import load
from gibbsweep.evaluate import BitsPerDim
from gibbsweep_models.draws import seeded
from gibbsweep_models.nn.densities import density_of
from gibbsweep_models.nn.mixture import GaussianMixture
from gibbsweep_models.noise.geometric import GeometricSchedule


@dataclass
class Known:
    denoiser: GaussianMixture


def test_a_normal_density_costs_its_entropy() -> None:
    evaluator = BitsPerDim(limit=1500, n_probes=0, batch_size=500)
    metrics = evaluator(Known(density_of("normal1d")), load("normal1d").test, generator=seeded(0)).metrics
    entropy = 0.5 * math.log2(2 * math.pi * math.e)
    assert metrics["bits_per_dim"] == pytest.approx(entropy, abs=4 * metrics["bits_per_dim_se"])
    assert metrics["bits_per_dim_bound"] == pytest.approx(entropy, abs=4 * metrics["bits_per_dim_bound_se"])
    assert metrics["bits_n"] == 1500


def test_bytes_cost_what_a_gaussian_over_them_says() -> None:
    """Independent N(m, s²) for every pixel of a set of bytes: -log2 of the density times the width of a byte."""
    split, s = load("digits").test, 0.8
    model = GaussianMixture(torch.zeros(1, 1, 8, 8), stds=s)
    evaluator = BitsPerDim(limit=100, schedule=GeometricSchedule(0.002, 200.0))
    metrics = evaluator(Known(model), split, generator=seeded(0)).metrics
    rows = torch.linspace(0, len(split) - 1, 100, dtype=torch.float64).round().long()
    x = split.batch(rows)["x"].double()
    nats = 0.5 * (x / s).square() + math.log(s) + 0.5 * math.log(2 * math.pi)
    expected = float(nats.mean()) / math.log(2) - math.log2(2 / 255)
    assert metrics["bits_per_dim"] == pytest.approx(expected, abs=0.01)
    assert metrics["bits_per_dim_bound"] == pytest.approx(expected, abs=0.15)
    assert metrics["bits_nfe"] > 10
