"""Detection of a held-out class by scores of known order."""

from __future__ import annotations

import pytest
import torch
from tests.evaluate.anomalies.scorers import Scorer

from gibbsweep.data import load
from gibbsweep.errors import UserError
from gibbsweep.evaluate import AnomalyDetection
from gibbsweep_models.draws import seeded


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
