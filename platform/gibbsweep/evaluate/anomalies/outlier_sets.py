"""Detection of examples of other data sets among a system's own data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gibbsweep.data import Dataset, Split
from gibbsweep.evaluate.anomalies.measures import auprc, auroc, fpr95, scores
from gibbsweep.evaluate.anomalies.outliers import Outliers
from gibbsweep.evaluate.anomalies.pictures import draw_histograms, draw_rows
from gibbsweep.evaluate.drawing.figures import figure_pixels
from gibbsweep.evaluate.examples import examples_of
from gibbsweep.train import Evaluation
from gibbsweep_models.capabilities import HasAnomalyScore

if TYPE_CHECKING:
    from gibbsweep.data.inspection.resize_path import ResizePath


_MEASURES: Mapping[str, Callable[[NDArray[np.float64], NDArray[np.float64]], float]] = {
    "auroc": auroc,
    "auprc": partial(auprc, balanced=True),
    "fpr95": fpr95,
}


@dataclass(frozen=True)
class OutlierSets:
    """Detection of each of several outlier sets against the split.

    The outlier is the positive class; for ``auprc`` both classes weigh alike, so that a random score has .5 whatever
    the sizes. Metrics: ``auroc_SET``, ``auprc_SET`` and ``fpr95_SET`` of each outlier set, and their means ``auroc``,
    ``auprc`` and ``fpr95`` over the sets; ``resize_SET`` and ``resize_normal``, the edge that the images of a set have
    over the one that they were stored with.

    Picture ``anomaly_scores``: histograms of the score of each set, with how its images came to their size, and the
    normal examples with the lowest and with the highest score.

    Example::

        evaluator = OutlierSets(Outliers(("svhn", "noise")))
        evaluator(system, load("cifar10").test, generator=seeded(0)).metrics["auroc_svhn"]
    """

    outliers: Outliers = field(default_factory=Outliers)
    """The outlier sets."""
    limit: int = 1000
    """Number of examples of the split and of each set, at most, evenly spread."""
    batch_size: int = 250
    """Examples at a time."""
    n_shown: int = 12
    """Images in a row of the picture."""
    needs: ClassVar[type] = HasAnomalyScore

    def check(self, dataset: Dataset) -> None:
        self.outliers.check(dataset)

    def describe(self, dataset: Dataset) -> tuple[str, ...]:
        """A sentence for each set: how its images came to their size."""
        return tuple(str(path) for path in self.outliers.paths(dataset).values())

    def __call__(self, system: HasAnomalyScore, split: Split, *, generator: torch.Generator) -> Evaluation:
        x = examples_of(split, self.limit, generator.device)
        sets = self.outliers.examples(split, x, self.limit, generator=generator)
        normal = scores(system, x, batch_size=self.batch_size, generator=generator)
        others = {
            name: scores(system, images, batch_size=self.batch_size, generator=generator)
            for name, images in sets.items()
        }
        metrics: dict[str, float] = {}
        for measure, compute in _MEASURES.items():
            by_set = {name: compute(normal, values) for name, values in others.items()}
            metrics |= {f"{measure}_{name}": value for name, value in by_set.items()}
            metrics[measure] = sum(by_set.values()) / len(by_set)
        paths = self.outliers.paths(split.dataset)
        metrics |= {f"resize_{name}": path.shown / path.stored for name, path in paths.items()}
        return Evaluation(
            metrics, {"anomaly_scores": self._picture(x, normal, others, paths, binary=split.units == "binary")}
        )

    def _picture(
        self,
        x: Tensor,
        normal: NDArray[np.float64],
        others: Mapping[str, NDArray[np.float64]],
        paths: Mapping[str, ResizePath],
        *,
        binary: bool,
    ) -> NDArray[np.uint8]:
        from matplotlib.figure import Figure

        figure = Figure(figsize=(6.6, 4.6), layout="constrained")
        histogram, pictures = figure.subplots(2, 1, height_ratios=(1.9, 1))
        by_label = {f"{paths['normal'].data} (normal; {paths['normal'].steps})": normal}
        for name, values in others.items():
            steps = paths[name].steps if name in paths else "drawn"
            by_label[f"{name} ({steps})"] = values
        draw_histograms(histogram, by_label, around=np.concatenate([normal, *others.values()]))
        histogram.legend(frameon=False, fontsize=7)
        n = min(self.n_shown, len(normal))
        order = np.argsort(normal)
        shown = x[torch.from_numpy(np.concatenate([order[:n], order[::-1][:n]]))]
        draw_rows(pictures, shown, ["normal, lowest", "normal, highest"], binary=binary)
        return figure_pixels(figure)
