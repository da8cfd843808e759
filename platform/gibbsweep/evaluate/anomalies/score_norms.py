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
from gibbsweep.evaluate.examples import first_examples
from gibbsweep.train import Evaluation
from gibbsweep_models.bases.denoiser_anomaly import score_norms
from gibbsweep_models.capabilities import CanDenoise


@dataclass(frozen=True)
class ScoreNormCurves:
    """Picture ``score_norms``: |sigma score(x; sigma)| of ``n`` examples of the split and of each outlier set at ``n_levels`` levels,
    their median with the middle half."""

    outliers: Outliers = field(default_factory=Outliers)
    sigma_min: float = 0.02
    sigma_max: float = 2.0
    n_levels: int = 10
    n: int = 100
    needs: ClassVar[type] = CanDenoise

    def check(self, dataset: Dataset) -> None:
        self.outliers.check(dataset)

    def __call__(self, system: CanDenoise, split: Split, *, generator: torch.Generator) -> Evaluation:
        from matplotlib.figure import Figure

        def denoiser(x: Tensor, sigma: Tensor, cond: Tensor | None = None) -> Tensor:
            return system.denoise(x, sigma, generator=generator)

        x = first_examples(split, self.n, generator.device)
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
