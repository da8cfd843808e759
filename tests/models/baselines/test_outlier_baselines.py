"""Isolation forest and one-class SVM: far is anomalous, the subset is drawn, an unfitted detector says so."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.svm import OneClassSVM
from torch.nn import functional

from gibbsweep_models.baselines.isolation_forest import IsolationForestConfig
from gibbsweep_models.baselines.one_class_svm import OneClassSVMConfig
from gibbsweep_models.capabilities import CanFit, HasAnomalyScore
from gibbsweep_models.draws import rand, randn, seeded
from gibbsweep_models.nn.detectors.subset import subset
from gibbsweep_models.types import DataSpec

CONFIGS = {
    "isolation_forest": IsolationForestConfig(n_trees=30, n_examples=300),
    "one_class_svm": OneClassSVMConfig(n_components=4, n_examples=300, gamma=1.0),
    "one_class_svm_not_whitened": OneClassSVMConfig(n_components=4, n_examples=300, gamma=1.0, whiten=False),
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
    rows = np.asarray(subset(normal(500, 0), 300, seeded(1)), dtype=np.float64)
    outside = normal(50, 2).flatten(1).double().numpy()
    projection = PCA(4, whiten=True).fit(rows)

    def features(of: np.ndarray) -> np.ndarray:
        """The components, and the norm of the rest, which varies as much as all of them."""
        own = projection.transform(of)
        return np.hstack([own, np.linalg.norm(of - projection.inverse_transform(own), axis=1, keepdims=True)])

    seen = features(rows)
    centre, width = seen[:, 4].mean(), seen[:, 4].std() / (seen[:, :4].std() * 2)
    scaled = [np.hstack([part[:, :4], (part[:, 4:] - centre) / width]) for part in (seen, features(outside))]
    machine = OneClassSVM(nu=config.nu, gamma=1.0 / (5 * float(scaled[0].var()))).fit(scaled[0])
    kernel_sum = torch.as_tensor(machine.score_samples(scaled[1]))
    x = normal(50, 2)
    torch.testing.assert_close(
        (-system.anomaly_score(x, generator=seeded(0))).double().exp(), kernel_sum, rtol=1e-5, atol=0
    )
    far = system.anomaly_score(torch.stack([100 * x[0], 200 * x[0]]), generator=seeded(0))
    assert float(far[1] / far[0]) == pytest.approx(4.0, rel=0.05)


@pytest.mark.parametrize("whiten", [False, True])
def test_noise_is_an_anomaly_of_smooth_images(whiten: bool) -> None:
    """Uniform noise has less of every leading component than the images, and lies among them; what the components leave
    over tells it apart. Images of the same kind are none."""

    def smooth(n: int, seed: int) -> torch.Tensor:
        fine = randn((n, 1, 16, 16), generator=seeded(seed))
        return functional.interpolate(fine[..., :4, :4], size=(16, 16), mode="bicubic") + 0.03 * fine

    system = OneClassSVMConfig(n_components=16, whiten=whiten).build(DataSpec((1, 16, 16)))
    system.fit({"x": smooth(800, 0)}, generator=seeded(1))
    normal, same = (system.anomaly_score(smooth(200, seed), generator=seeded(0)) for seed in (2, 3))
    noise = system.anomaly_score(2 * rand((200, 1, 16, 16), generator=seeded(4)) - 1, generator=seeded(0))
    assert auroc(normal, noise) > 0.99
    assert auroc(normal, same) == pytest.approx(0.5, abs=4 * (1 / (12 * 100)) ** 0.5)
    components = system._features(smooth(200, 2).flatten(1).double().numpy())[:, :-1]
    noisy = system._features((2 * rand((200, 256), generator=seeded(4)) - 1).double().numpy())[:, :-1]
    assert (noisy**2).mean() < (components**2).mean()


def auroc(normal: torch.Tensor, anomalous: torch.Tensor) -> float:
    return float((anomalous[:, None] > normal).double().mean())


def test_nothing_is_left_over_by_all_components() -> None:
    system = OneClassSVMConfig(n_components=32, n_examples=300).build(SPEC)
    system.fit({"x": normal(500, 0)}, generator=seeded(1))
    assert not len(system.rest) and system.support.shape[1] == 6
    plane = OneClassSVMConfig(n_components=4, n_examples=300).build(DataSpec((6,)))
    flat = torch.cat([normal(300, 0).flatten(1)[:, :3], torch.zeros(300, 3)], dim=1)
    plane.fit({"x": flat}, generator=seeded(1))
    off = flat[:50].clone()
    off[:, 5] = 0.5
    scores = [plane.anomaly_score(x, generator=seeded(0)) for x in (flat, off)]
    assert float(scores[1].min()) > float(scores[0].max())


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
