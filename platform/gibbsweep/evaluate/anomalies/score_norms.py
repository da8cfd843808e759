"""Norms of the score of normal examples and of outliers against the noise level."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from gibbsweep.data import Dataset, Split
from gibbsweep.evaluate.anomalies.outliers import Outliers
from gibbsweep.evaluate.drawing.figures import figure_pixels
from gibbsweep.evaluate.examples import examples_of
from gibbsweep.train import Evaluation
from gibbsweep_models.bases.denoiser_anomaly import score_norms
from gibbsweep_models.capabilities import CanDenoise


@dataclass(frozen=True)
class ScoreNormCurves:
    """Norms |sigma score(x; sigma)| of examples of the split and of each outlier set against the noise level, their
    median with the middle half, as the picture ``score_norms``.

    Example::

        ScoreNormCurves(n=50)(system, load("cifar10").test, generator=seeded(0)).images["score_norms"]
    """

    outliers: Outliers = field(default_factory=Outliers)
    """The outlier sets."""
    sigma_min: float = 0.02
    """Lowest noise level."""
    sigma_max: float = 2.0
    """Highest noise level."""
    n_levels: int = 10
    """Number of noise levels, in geometric progression."""
    n: int = 100
    """Number of examples of the split and of each set, at most, evenly spread."""
    needs: ClassVar[type] = CanDenoise

    def check(self, dataset: Dataset) -> None:
        self.outliers.check(dataset)

    def __call__(self, system: CanDenoise, split: Split, *, generator: torch.Generator) -> Evaluation:
        from matplotlib.figure import Figure

        def denoiser(x: Tensor, sigma: Tensor, cond: Tensor | None = None) -> Tensor:
            return system.denoise(x, sigma, generator=generator)

        x = examples_of(split, self.n, generator.device)
        sets = {f"{split.dataset.view} (normal)": x}
        sets |= self.outliers.examples(split, x, self.n, generator=generator)
        sigmas = np.geomspace(self.sigma_min, self.sigma_max, self.n_levels)
        figure = Figure(figsize=(5.2, 3.6), layout="constrained")
        axes = figure.subplots()
        for name, images in sets.items():
            norms = score_norms(denoiser, images, sigmas.tolist()).double().cpu().numpy()
            lower, middle, upper = np.quantile(norms, [0.25, 0.5, 0.75], axis=0)
            (line,) = axes.plot(sigmas, middle, marker="o", ms=3, label=name)
            axes.fill_between(sigmas, lower, upper, color=line.get_color(), alpha=0.2, linewidth=0)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel("sigma")
        axes.set_ylabel("|sigma score|, median and middle half")
        axes.legend(frameon=False, fontsize=8)
        axes.grid(alpha=0.3)
        return Evaluation(images={"score_norms": figure_pixels(figure)})
