"""Probes and clusters of features whose numbers are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from gibbsweep.data import Dataset, load
from gibbsweep.errors import UserError
from gibbsweep.evaluate import Clustering, FeatureMap, LinearProbe, NearestNeighbours
from gibbsweep.evaluate.recognition.clusters import cluster_accuracy, matched_classes
from gibbsweep_models.baselines.pixels import KMeansConfig, PCAConfig
from gibbsweep_models.draws import seeded


class Table:
    """A system that looks its features up: ``of`` the label of each example (examples are found by their pixels)."""

    def __init__(self, data: Dataset, of: Tensor) -> None:
        self.known = {}
        for split in (data.train, data.validation, data.test):
            batch = split.batch(slice(None))
            self.known |= {x.numpy().tobytes(): int(y) for x, y in zip(batch["x"], batch["y"], strict=True)}
        self.of = of

    def features(self, x: Tensor) -> Tensor:
        return torch.stack([self.of[self.known[one.numpy().tobytes()]] for one in x])


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load("digits")


def test_features_that_are_the_class_are_perfect(digits: Dataset) -> None:
    system = Table(digits, torch.eye(10))
    for evaluator in (LinearProbe(n_train=300), NearestNeighbours(n_train=600), Clustering()):
        metrics = evaluator(system, digits.test, generator=seeded(0)).metrics
        assert all(value == pytest.approx(1.0) for value in metrics.values()), metrics


def test_features_that_never_vary_are_worth_the_largest_class(digits: Dataset) -> None:
    system = Table(digits, torch.ones(10, 3))
    largest = float(torch.bincount(digits.test.batch(slice(None))["y"]).max()) / len(digits.test)
    assert LinearProbe(n_train=300)(system, digits.test, generator=seeded(0)).metrics["linear_accuracy"] <= largest
    with pytest.warns(UserWarning, match="distinct clusters"):
        clusters = Clustering()(system, digits.test, generator=seeded(0)).metrics
    assert clusters["cluster_accuracy"] == pytest.approx(largest)
    assert clusters["cluster_nmi"] == pytest.approx(0, abs=1e-9)


def test_pixels_and_their_components_see_digits(digits: Dataset) -> None:
    batch = digits.train.batch(slice(None))
    pca, kmeans = PCAConfig(16).build(digits.spec), KMeansConfig().build(digits.spec)
    for system in (pca, kmeans):
        system.fit(batch, generator=seeded(0))
        assert NearestNeighbours()(system, digits.test, generator=seeded(0)).metrics["knn_accuracy"] > 0.9
    clusters = Clustering()(kmeans, digits.test, generator=seeded(0)).metrics
    assert 0.6 < clusters["cluster_accuracy"] < 0.95
    variance = pca.features(batch["x"]).var(dim=0)
    total = batch["x"].flatten(1).var(dim=0).sum()
    exact = torch.linalg.svdvals(batch["x"].flatten(1) - batch["x"].flatten(1).mean(dim=0)).square()[:16]
    torch.testing.assert_close(variance / total, exact / ((len(batch["x"]) - 1) * total), rtol=1e-2, atol=1e-4)


def test_clusters_are_named_one_to_one_by_the_best_assignment() -> None:
    clusters = np.array([0, 0, 0, 1, 1, 2])
    labels = np.array([2, 2, 0, 0, 0, 0])
    assert matched_classes(clusters, labels).tolist() == [2, 0, 1]
    assert cluster_accuracy(clusters, labels) == pytest.approx(4 / 6)


def test_a_map_of_features_has_a_picture_by_class_and_one_by_cluster(digits: Dataset) -> None:
    system = PCAConfig(8).build(digits.spec)
    system.fit(digits.train.batch(slice(None)), generator=seeded(0))
    images = FeatureMap(n=90, perplexity=10)(system, digits.test, generator=seeded(0)).images
    assert set(images) == {"features_by_class", "features_by_cluster"}
    for pixels in images.values():
        assert pixels.dtype == np.uint8 and pixels.ndim == 3 and pixels.std() > 0


def test_data_without_labels_is_refused() -> None:
    with pytest.raises(UserError, match="no labels"):
        data = load("gauss1d")
        LinearProbe()(PCAConfig(1).build(data.spec), data.test, generator=seeded(0))
