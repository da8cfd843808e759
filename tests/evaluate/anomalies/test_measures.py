"""AUROC, AUPRC and FPR95 against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from tests.evaluate.anomalies.scorers import Scorer

from gibbsweep.data import load
from gibbsweep.evaluate import AnomalyDetection
from gibbsweep.evaluate.anomalies.measures import auprc, auroc, fpr95
from gibbsweep_models.draws import seeded


def test_the_metrics_are_their_definitions() -> None:
    normal, anomalous = np.array([1.0, 2.0, 4.0]), np.array([3.0, 4.0])
    pairs = (anomalous[:, None] > normal).astype(float) + 0.5 * (anomalous[:, None] == normal)
    assert auroc(normal, anomalous) == pytest.approx(float(pairs.mean()))
    # Ranked: {4, 4}: one of two right; then 3: two of three right.
    assert auprc(normal, anomalous) == pytest.approx(0.5 * (1 / 2) + 0.5 * (2 / 3))


def test_scores_that_are_not_finite_are_an_error() -> None:
    with pytest.raises(ValueError, match="not finite"):
        AnomalyDetection()(Scorer(lambda x: x.flatten(1).sum(1) / 0), load("digits[-3]").test, generator=seeded(0))


def test_the_share_of_outliers_that_pass() -> None:
    normal = np.arange(100.0)
    assert fpr95(normal, np.array([0.0, 94.0, 94.1, 200.0])) == 0.5
    assert fpr95(normal, normal - 1000) == 1.0


def test_a_balanced_precision_does_not_depend_on_how_many_there_are() -> None:
    normal, anomalous = np.array([0.0, 1.0, 2.0]), np.array([1.5, 3.0])
    often = np.repeat(normal, 50)
    assert auprc(often, anomalous, balanced=True) == pytest.approx(auprc(normal, anomalous, balanced=True))
    assert auprc(np.zeros(30), np.zeros(3), balanced=True) == pytest.approx(0.5)
