"""Clusters in the space of a system's features, against classes that the system has not seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from gibbsweep.errors import UserError
from gibbsweep.evaluate.demands import ask_labels, ask_number
from gibbsweep.evaluate.drawing.figures import figure_pixels
from gibbsweep.evaluate.examples import evenly_spread
from gibbsweep.evaluate.recognition.probes import features_of
from gibbsweep.train import Evaluation
from gibbsweep_models.capabilities import CanCluster, HasFeatures

if TYPE_CHECKING:
    from gibbsweep.data import Split


@dataclass(frozen=True)
class Clustering:
    """Agreement of classes with clusters of the features of the split itself, by k-means (scikit-learn) with as many
    clusters as classes. A system that has clusters of its own is measured by those.

    Metrics: ``cluster_accuracy``, the share of examples in the cluster of their class, with clusters given to classes
    one to one so that it is largest (Hungarian method); ``cluster_nmi``, normalised mutual information, arithmetic
    mean; ``cluster_ari``, adjusted Rand index.

    Example::

        Clustering()(system, load("mnist").test, generator=seeded(0)).metrics["cluster_nmi"]
    """

    n_starts: int = 3
    """Starts of k-means, of which the best one counts."""
    limit: int | None = None
    """Number of examples, at most, evenly spread; None for all."""
    needs: ClassVar[type] = HasFeatures

    def check_split(self, split: Split) -> None:
        ask_labels(self, split)
        ask_number(self, split, self.limit, split.dataset.spec.n_classes or 1)

    def __call__(self, system: HasFeatures, split: Split, *, generator: torch.Generator) -> Evaluation:
        from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

        clusters, labels = _clusters(system, split, self.limit, self.n_starts, generator)
        return Evaluation(
            {
                "cluster_accuracy": cluster_accuracy(clusters, labels),
                "cluster_nmi": float(normalized_mutual_info_score(labels, clusters)),
                "cluster_ari": float(adjusted_rand_score(labels, clusters)),
            }
        )


@dataclass(frozen=True)
class FeatureMap:
    """Features in two dimensions by t-SNE (van der Maaten & Hinton 2008), as the picture ``features_by_class`` and, the
    same points, as ``features_by_cluster``, with clusters named after the class that they were given.

    Example::

        FeatureMap(n=500)(system, load("mnist").test, generator=seeded(0)).images["features_by_class"]
    """

    n: int = 1_000
    """Number of examples, at most, evenly spread."""
    perplexity: float = 30.0
    """Perplexity of t-SNE: about how many neighbours a point has."""
    needs: ClassVar[type] = HasFeatures

    def check_split(self, split: Split) -> None:
        ask_labels(self, split)
        ask_number(self, split, self.n, max(split.dataset.spec.n_classes or 1, int(self.perplexity) + 1))

    def __call__(self, system: HasFeatures, split: Split, *, generator: torch.Generator) -> Evaluation:
        from sklearn.decomposition import PCA
        from sklearn.manifold import TSNE

        features, labels = features_of(system, split, self.n, generator.device)
        clusters, _ = _clusters(system, split, self.n, 3, generator)
        seed = _seed(generator)
        x = features.numpy()
        if x.shape[1] > 50:  # as the authors of t-SNE do: distances in 50 dimensions are cheap
            x = PCA(50, random_state=seed).fit_transform(x)
        plane = TSNE(perplexity=self.perplexity, init="pca", random_state=seed).fit_transform(x)
        names = list(split.dataset.classes) or [str(i) for i in range(int(labels.max()) + 1)]
        matched = matched_classes(clusters, labels.numpy())[clusters]
        return Evaluation(
            images={
                "features_by_class": _scatter(plane, labels.numpy(), names, "colour: class"),
                "features_by_cluster": _scatter(plane, matched, names, "colour: cluster, named after a class"),
            }
        )


def matched_classes(clusters: NDArray[np.int64], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """The class of each cluster (n,), by the one-to-one assignment under which the most examples agree."""
    from scipy.optimize import linear_sum_assignment

    n = max(int(clusters.max()), int(labels.max())) + 1
    counts = np.zeros((n, n), np.int64)
    np.add.at(counts, (clusters, labels), 1)
    return np.asarray(linear_sum_assignment(counts, maximize=True)[1], np.int64)


def cluster_accuracy(clusters: NDArray[np.int64], labels: NDArray[np.int64]) -> float:
    """The share of examples whose cluster was given their class, from cluster numbers (N,) and labels (N,)."""
    return float((matched_classes(clusters, labels)[clusters] == labels).mean())


def _clusters(
    system: HasFeatures, split: Split, limit: int | None, n_starts: int, generator: torch.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Cluster numbers (N,) and labels (N,) of at most ``limit`` evenly spread examples."""
    from sklearn.cluster import KMeans

    features, labels = features_of(system, split, limit, generator.device)
    if isinstance(system, CanCluster):
        clusters = [
            system.clusters(split.batch(indices)["x"].to(generator.device)).cpu()
            for indices in torch.split(evenly_spread(len(split), limit), 500)
        ]
        return torch.cat(clusters).numpy(), labels.numpy()
    n_classes = split.dataset.spec.n_classes
    if n_classes is None:
        raise UserError(
            f"clusters of '{split.dataset.name}' cannot be judged: it has no classes; choose a labelled set."
        )
    k_means = KMeans(n_classes, n_init=n_starts, random_state=_seed(generator))
    return k_means.fit_predict(features.numpy()).astype(np.int64), labels.numpy()


def _seed(generator: torch.Generator) -> int:
    """A seed for scikit-learn, drawn from ``generator``."""
    return int(torch.randint(2**31 - 1, (), generator=generator, device=generator.device))


def _scatter(plane: NDArray[np.float32], groups: NDArray[np.int64], names: list[str], title: str) -> NDArray[np.uint8]:
    """Pixels of the points ``plane`` (N, 2), coloured by group number (N,), with the name of each group beside them."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.6, 4.2), layout="constrained")
    axes = figure.subplots()
    for i, name in enumerate(names):
        members = groups == i
        axes.scatter(
            plane[members, 0],
            plane[members, 1],
            s=9,
            color=f"C{i % 10}",
            marker="os^"[i // 10 % 3],
            linewidths=0,
            label=name,
        )
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_title(title, fontsize=11)
    figure.legend(loc="outside right center", fontsize=10, frameon=False, markerscale=2.5)
    return figure_pixels(figure)
