"""How well an anomaly score tells its data from other sets, and what it finds unusual in its data."""

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
from gibbsweep.evaluate.anomalies.pictures import draw_histograms
from gibbsweep.evaluate.drawing.figures import figure_pixels
from gibbsweep.evaluate.drawing.grids import image_grid
from gibbsweep.evaluate.examples import first_examples
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
    """``auroc``, ``auprc`` and ``fpr95`` of each outlier set against the split, ``auroc_SET``, and their means over the sets, at most
    ``limit`` examples of each. The outlier is the positive class; for ``auprc`` both classes weigh alike, so that a random score has .5
    whatever the sizes. ``resize_SET``: the edge that a set's images have over the one that they were stored with; ``resize_normal``.

    Picture ``anomaly_scores``: histograms of the score of each set with how its images came to their size, and ``n_shown`` images of the
    normal examples with the lowest and with the highest score.
    """

    outliers: Outliers = field(default_factory=Outliers)
    limit: int = 1000
    batch_size: int = 250
    n_shown: int = 12
    needs: ClassVar[type] = HasAnomalyScore

    def check(self, dataset: Dataset) -> None:
        self.outliers.check(dataset)

    def describe(self, dataset: Dataset) -> tuple[str, ...]:
        """How each set came to its size."""
        return tuple(str(path) for path in self.outliers.paths(dataset).values())

    def __call__(self, system: HasAnomalyScore, split: Split, *, generator: torch.Generator) -> Evaluation:
        x = first_examples(split, self.limit, generator.device)
        sets = self.outliers.examples(split, x, self.limit, generator=generator)
        normal = scores(system, x, batch_size=self.batch_size, generator=generator)
        others = {
            name: scores(system, images, batch_size=self.batch_size, generator=generator)
            for name, images in sets.items()
        }
        metrics: dict[str, float] = {}
        for measure, of in _MEASURES.items():
            found = {name: of(normal, values) for name, values in others.items()}
            metrics |= {f"{measure}_{name}": value for name, value in found.items()}
            metrics[measure] = sum(found.values()) / len(found)
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
        grid = image_grid(shown, columns=n, binary=binary)
        pictures.imshow(grid, cmap="gray", vmin=0, vmax=255, interpolation="antialiased", aspect="equal")
        pictures.set_xticks([])
        pictures.set_yticks((np.arange(2) + 0.5) * grid.shape[0] / 2, ["normal, lowest", "normal, highest"])
        pictures.tick_params(length=0)
        for side in pictures.spines.values():
            side.set_visible(False)
        return figure_pixels(figure)
