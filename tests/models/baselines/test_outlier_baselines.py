"""Isolation forest and one-class SVM: far is anomalous, the subset is drawn, an unfitted detector says so."""

from __future__ import annotations

import pytest
import torch

from gibbsweep_models.baselines.isolation_forest import IsolationForestConfig
from gibbsweep_models.baselines.one_class_svm import OneClassSVMConfig
from gibbsweep_models.capabilities import CanFit, HasAnomalyScore
from gibbsweep_models.draws import randn, seeded
from gibbsweep_models.types import DataSpec

CONFIGS = {
    "isolation_forest": IsolationForestConfig(n_trees=30, n_examples=300),
    "one_class_svm": OneClassSVMConfig(n_components=4, n_examples=300, gamma=1.0),
    "one_class_svm_whitened": OneClassSVMConfig(n_components=4, n_examples=300, gamma=1.0, whiten=True),
}
detectors = pytest.mark.parametrize("name", CONFIGS)
SPEC = DataSpec((1, 3, 2))


def normal(n: int, seed: int) -> torch.Tensor:
    return 0.1 * randn((n, 1, 3, 2), generator=seeded(seed))


@detectors
def test_what_is_far_from_the_data_is_anomalous(name: str) -> None:
    system = CONFIGS[name].build(SPEC)
    assert isinstance(system, CanFit) and isinstance(system, HasAnomalyScore)
    system.fit({"x": normal(500, 0)}, generator=seeded(1))
    near = system.anomaly_score(normal(100, 2), generator=seeded(0))
    far = system.anomaly_score(normal(100, 2) + 0.8, generator=seeded(0))
    assert near.shape == (100,) and near.dtype == torch.float32
    assert float(far.min()) > float(near.mean())


@detectors
def test_a_fit_follows_its_generator(name: str) -> None:
    scores = []
    for seed in (0, 0, 1):
        system = CONFIGS[name].build(SPEC)
        system.fit({"x": normal(500, 0)}, generator=seeded(seed))
        scores.append(system.anomaly_score(normal(50, 2), generator=seeded(0)))
    assert torch.equal(scores[0], scores[1])
    assert not torch.equal(scores[0], scores[2])


@detectors
def test_an_unfitted_detector_says_so(name: str) -> None:
    with pytest.raises(ValueError, match="call fit"):
        CONFIGS[name].build(SPEC).anomaly_score(normal(5, 0), generator=seeded(0))


def test_a_one_class_svm_scores_by_the_logarithm_of_its_kernel_sum() -> None:
    """Which scikit-learn gives where it does not underflow; far away it falls with the squared distance."""
    system = OneClassSVMConfig(n_components=4, n_examples=300, gamma=1.0).build(SPEC)
    system.fit({"x": normal(500, 0)}, generator=seeded(1))
    x = normal(50, 2)
    kernel_sum = torch.as_tensor(system.machine.score_samples(system.projection.transform(x.flatten(1).numpy())))
    torch.testing.assert_close(
        (-system.anomaly_score(x, generator=seeded(0))).double().exp(), kernel_sum, rtol=1e-5, atol=0
    )
    far = system.anomaly_score(torch.stack([100 * x[0], 200 * x[0]]), generator=seeded(0))
    assert float(far[1] / far[0]) == pytest.approx(4.0, rel=0.05)
