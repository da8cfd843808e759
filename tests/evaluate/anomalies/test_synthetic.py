"""Anomalies made of normal images."""

from __future__ import annotations

import pytest
import torch
from tests.evaluate.anomalies.scorers import INK, Scorer
from torch import Tensor

from gibbsweep.data import load
from gibbsweep.evaluate import SyntheticAnomalies
from gibbsweep.evaluate.anomalies.synthetic import corrupted_images, synthetic_anomalies
from gibbsweep_models.draws import rand, seeded


def test_synthetic_anomalies_are_what_they_say() -> None:
    x = rand((6, 1, 8, 8), generator=seeded(0))
    made = synthetic_anomalies(x, generator=seeded(1))
    assert {kind: images.shape for kind, images in made.items()} == dict.fromkeys(made, x.shape)
    assert torch.equal(made["mirror"].flip(3), x)
    assert torch.equal(made["transpose"].transpose(2, 3), x)
    assert bool((made["half"][:, :, :4] == x.min()).all()) and torch.equal(made["half"][:, :, 4:], x[:, :, 4:])
    assert torch.equal(made["splice"][:, :, :4], x[:, :, :4])
    # Every lower half comes from another image, each once.
    partner = [int((x[:, :, 4:] == half).flatten(1).all(1).nonzero()) for half in made["splice"][:, :, 4:]]
    assert sorted(partner) == list(range(6)) and all(a != b for a, b in enumerate(partner))
    torch.testing.assert_close(made["overlay"], torch.maximum(x, x[partner]))
    again = synthetic_anomalies(x, generator=seeded(1))
    assert all(torch.equal(made[kind], again[kind]) for kind in made)
    with pytest.raises(ValueError, match="square"):
        synthetic_anomalies(x[:, :, :6], generator=seeded(0))


def test_tuning_sees_no_held_out_example() -> None:
    """The mean of the kinds, of normal validation images alone."""
    seen: list[Tensor] = []

    def score(x: Tensor) -> Tensor:
        seen.append(x)
        return x.flatten(1).sum(1)

    split = load("digits[-3]").validation
    assert 3 not in split.y  # type: ignore[operator]
    metrics = SyntheticAnomalies(limit=40)(Scorer(score), split, generator=seeded(0)).metrics
    kinds = [value for name, value in metrics.items() if name.startswith("synthetic_auroc_")]
    assert metrics["synthetic_auroc"] == pytest.approx(sum(kinds) / 5)
    assert metrics["synthetic_auroc_mirror"] == 0.5, "a mirror keeps the ink"
    assert metrics["synthetic_auroc_overlay"] > 0.8
    assert metrics["synthetic_auroc_half"] < 0.2
    assert len(seen) == 6


def test_corrupted_images_are_what_they_say() -> None:
    x = 2 * rand((6, 3, 8, 8), generator=seeded(0)) - 1
    made = corrupted_images(x, generator=seeded(1))
    assert {kind: images.shape for kind, images in made.items()} == dict.fromkeys(made, x.shape)
    assert torch.equal(made["upside_down"].flip(2), x)
    assert len(made["flat"].unique()) == 4
    assert torch.equal(made["shuffle"].flatten(1).sort().values, x.flatten(1).sort().values)
    assert not torch.equal(made["shuffle"], x)
    constant = corrupted_images(torch.cat([torch.zeros(1, 1, 8, 8), torch.ones(1, 1, 8, 8)]), generator=seeded(0))
    torch.testing.assert_close(constant["smooth"][0], torch.zeros(1, 8, 8))
    torch.testing.assert_close(constant["blend"], torch.full((2, 1, 8, 8), 0.5))
    again = corrupted_images(x, generator=seeded(1))
    assert all(torch.equal(made[kind], again[kind]) for kind in made)
    with pytest.raises(ValueError, match="divisible by 4"):
        corrupted_images(x[:, :, :6], generator=seeded(0))


def test_tuning_on_corrupted_images() -> None:
    metrics = SyntheticAnomalies(40, made_as="corrupted")(INK, load("digits").validation, generator=seeded(0)).metrics
    kinds = [value for name, value in metrics.items() if name.startswith("synthetic_auroc_")]
    assert len(kinds) == 6 and metrics["synthetic_auroc"] == pytest.approx(sum(kinds) / 6)
    assert metrics["synthetic_auroc_shuffle"] == pytest.approx(0.5, abs=1e-3)
