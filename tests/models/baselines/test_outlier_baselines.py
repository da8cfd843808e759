"""Isolation forest and one-class SVM: far is anomalous, the subset is drawn, an unfitted detector says so."""

from __future__ import annotations

import time

import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.svm import OneClassSVM

from gibbsweep_models.baselines.isolation_forest import IsolationForestConfig
from gibbsweep_models.baselines.one_class_svm import OneClassSVMConfig
from gibbsweep_models.capabilities import CanFit, HasAnomalyScore
from gibbsweep_models.draws import randn, seeded
from gibbsweep_models.nn.detectors.subset import subset
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
    config = OneClassSVMConfig(n_components=4, n_examples=300, gamma=1.0, whiten=True)
    system = config.build(SPEC)
    system.fit({"x": normal(500, 0)}, generator=seeded(1))
    rows, x = subset(normal(500, 0), 300, seeded(1)), normal(50, 2)
    projection = PCA(4, whiten=True, svd_solver="covariance_eigh")
    features = projection.fit_transform(rows)
    machine = OneClassSVM(nu=config.nu, gamma=1.0 / (4 * float(features.var()))).fit(features)
    kernel_sum = torch.as_tensor(machine.score_samples(projection.transform(x.flatten(1).numpy())))
    torch.testing.assert_close(
        (-system.anomaly_score(x, generator=seeded(0))).double().exp(), kernel_sum, rtol=1e-5, atol=0
    )
    far = system.anomaly_score(torch.stack([100 * x[0], 200 * x[0]]), generator=seeded(0))
    assert float(far[1] / far[0]) == pytest.approx(4.0, rel=0.05)


@pytest.mark.parametrize("share", [1.0, 0.5])
@pytest.mark.parametrize("per_tree", [256, 2, 1])
def test_an_isolation_forest_scores_as_scikit_learn_does(share: float, per_tree: int) -> None:
    config = IsolationForestConfig(n_trees=20, n_examples=300, feature_share=share, samples_per_tree=per_tree)
    system = config.build(SPEC)
    system.fit({"x": normal(500, 0)}, generator=seeded(1))
    generator = seeded(1)
    rows = subset(normal(500, 0), 300, generator)
    forest = IsolationForest(
        n_estimators=20, max_samples=per_tree, max_features=share,
        random_state=int(torch.randint(2**31 - 1, (), generator=generator)),
    ).fit(rows)  # fmt: skip
    x = torch.cat([normal(200, 2), 3 * normal(200, 3)])
    expected = torch.as_tensor(-forest.score_samples(x.flatten(1).numpy()), dtype=torch.float32)
    torch.testing.assert_close(system.anomaly_score(x, generator=seeded(0)), expected, rtol=1e-6, atol=0)


@detectors
def test_what_was_learned_is_in_its_buffers(name: str) -> None:
    """A new system with the old one's state gives the same scores, bit for bit, also if it was fitted to other data."""
    system, new, other = (CONFIGS[name].build(SPEC) for _ in range(3))
    system.fit({"x": normal(500, 0)}, generator=seeded(1))
    other.fit({"x": normal(60, 5)}, generator=seeded(4))
    x = normal(50, 2)
    for loaded in (new, other):
        loaded.load_state_dict(system.state_dict())
        assert torch.equal(loaded.anomaly_score(x, generator=seeded(0)), system.anomaly_score(x, generator=seeded(0)))


def test_few_examples_of_many_pixels_are_fitted_by_their_own_number() -> None:
    """A covariance of 12,288 pixels would be 1.2 GB, and minutes of work."""
    x, start = randn((60, 3, 64, 64), generator=seeded(0)), time.perf_counter()
    system = OneClassSVMConfig().build(DataSpec((3, 64, 64)))
    system.fit({"x": x}, generator=seeded(1))
    assert system.anomaly_score(x, generator=seeded(0)).isfinite().all()
    assert system.components.shape == (32, 12_288)
    assert time.perf_counter() - start < 30
