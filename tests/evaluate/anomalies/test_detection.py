"""Anomaly detection: scores of known order, what is held out, and anomalies made of normal images."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from gibbsweep.data import load
from gibbsweep.errors import UserError
from gibbsweep.evaluate import AnomalyDetection, SyntheticAnomalies
from gibbsweep.evaluate.anomalies.measures import auprc, auroc
from gibbsweep.evaluate.anomalies.synthetic import synthetic_anomalies
from gibbsweep_models.draws import rand, seeded


class Scorer:
    """An anomaly score that is a given function of the images."""

    def __init__(self, score: Callable[[Tensor], Tensor]) -> None:
        self.score = score

    def anomaly_score(self, x: Tensor, *, generator: torch.Generator) -> Tensor:
        return self.score(x)


def test_the_metrics_are_their_definitions() -> None:
    normal, anomalous = np.array([1.0, 2.0, 4.0]), np.array([3.0, 4.0])
    pairs = (anomalous[:, None] > normal).astype(float) + 0.5 * (anomalous[:, None] == normal)
    assert auroc(normal, anomalous) == pytest.approx(float(pairs.mean()))
    # Ranked: {4, 4}: one of two right; then 3: two of three right.
    assert auprc(normal, anomalous) == pytest.approx(0.5 * (1 / 2) + 0.5 * (2 / 3))


def test_the_excluded_class_is_the_positive_one() -> None:
    data = load("digits[-3]")
    x, y = data.test.batch(slice(None))["x"], data.test.y
    assert y is not None
    assert 3 not in data.train.y  # type: ignore[operator]
    is_three = {image.numpy().tobytes() for image in x[y == 3]}
    oracle = Scorer(lambda x: torch.tensor([float(image.numpy().tobytes() in is_three) for image in x]))
    evaluation = AnomalyDetection(batch_size=50)(oracle, data.test, generator=seeded(0))
    share = float((y == 3).double().mean())
    assert evaluation.metrics == {"auroc": 1.0, "auprc": 1.0, "anomaly_share": pytest.approx(share)}
    assert evaluation.images["anomalies"].ndim == 3
    inverted = Scorer(lambda x: -oracle.score(x))
    assert AnomalyDetection()(inverted, data.test, generator=seeded(0)).metrics["auroc"] == 0.0
    constant = AnomalyDetection()(Scorer(lambda x: torch.zeros(len(x))), data.test, generator=seeded(0))
    assert constant.metrics["auroc"] == 0.5
    assert constant.metrics["auprc"] == pytest.approx(share)


def test_a_split_without_anomalies_is_refused() -> None:
    scorer = Scorer(lambda x: x.flatten(1).sum(1))
    for split in (load("digits").test, load("digits[-3]").validation):
        with pytest.raises(UserError, match="excludes a class"):
            AnomalyDetection()(scorer, split, generator=seeded(0))


def test_scores_that_are_not_finite_are_an_error() -> None:
    with pytest.raises(ValueError, match="not finite"):
        AnomalyDetection()(Scorer(lambda x: x.flatten(1).sum(1) / 0), load("digits[-3]").test, generator=seeded(0))


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
