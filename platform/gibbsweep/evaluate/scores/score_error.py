"""A learned score against the true one of a toy set, by quadrature on a line."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gibbsweep.data import Split
from gibbsweep.errors import UserError
from gibbsweep.evaluate.drawing.figures import figure_pixels
from gibbsweep.train import Evaluation
from gibbsweep_models.capabilities import HasMinimum, HasScore
from gibbsweep_models.nn.denoisers import DENSITIES, GaussianMixture, density_of


@dataclass(frozen=True)
class ScoreError:
    """The error of a learned score s against the true score s* of a toy set, by quadrature at each noise level S.

    Expectations are over the true density blurred by S. Metrics: ``score_error_S``, E|s - s*|² / E|s*|², and
    ``score_error``, its mean over the levels; ``slope_S``, the slope of the line that fits s best; ``slope_error_S``,
    how far that is from the slope of s*, over the slope of s*; ``minimum_error_S``, how far the loss is from the least
    possible one, over the least possible one (left out where that is 0, and for systems without
    :class:`~gibbsweep_models.capabilities.HasMinimum`); ``slope_error_worst`` and ``minimum_error_worst``, the largest
    over the levels. Picture ``scores``: s and s* against x.

    Example::

        ScoreError(sigmas=(0.1, 1.0))(system, load("gauss1d").test, generator=seeded(0)).metrics["score_error"]
    """

    sigmas: tuple[float, ...] = (0.01, 0.1, 0.5, 1.0, 2.0)
    """Noise levels, as standard deviations in data units."""
    picture: bool = False
    """Whether to draw the picture."""
    needs: ClassVar[type] = HasScore

    def check_split(self, split: Split) -> None:
        name = split.dataset.view.name
        if name not in DENSITIES or split.shape != (1,):
            raise UserError(f"the true score of '{name}' on a line is not known: take normal1d or gauss1d")

    def __call__(self, system: HasScore, split: Split, *, generator: torch.Generator) -> Evaluation:
        del generator
        self.check_split(split)
        density = density_of(split.dataset.view.name).double()
        metrics: dict[str, float] = {}
        curves = {}
        for sigma in self.sigmas:
            x, weight = quadrature(density, sigma)
            true = density.score(x, torch.full((len(x),), sigma, dtype=torch.float64))
            learned = system.score(x, sigma)
            metrics |= {f"{key}_{sigma:g}": value for key, value in compare(x, weight, learned, true).items()}
            fisher = float(weight @ true[:, 0].square())
            if isinstance(system, HasMinimum):
                reached, least = system.minimum(sigma, fisher)
                if least != 0 and not math.isnan(least):
                    metrics[f"minimum_error_{sigma:g}"] = abs(reached / least - 1)
            curves[sigma] = (x[:, 0], weight, learned[:, 0], true[:, 0])
        errors = [metrics[f"score_error_{sigma:g}"] for sigma in self.sigmas]
        metrics["score_error"] = sum(errors) / len(errors)
        for name in ("slope_error", "minimum_error"):
            by_level = [metrics[f"{name}_{sigma:g}"] for sigma in self.sigmas if f"{name}_{sigma:g}" in metrics]
            if by_level:
                metrics[f"{name}_worst"] = max(by_level)
        return Evaluation(metrics, {"scores": draw(curves)} if self.picture else {})


def quadrature(density: GaussianMixture, sigma: float, n: int = 4001) -> tuple[Tensor, Tensor]:
    """Points (n, 1) that cover the density blurred by ``sigma`` to six standard deviations, and their probabilities
    (n,)."""
    reach = 6 * torch.sqrt(density.stds.square() + sigma**2)
    low, high = float((density.means[:, 0] - reach).min()), float((density.means[:, 0] + reach).max())
    x = torch.linspace(low, high, n, dtype=torch.float64)[:, None]
    weight = torch.softmax(density.log_prob(x, torch.full((n,), sigma, dtype=torch.float64)), dim=0)
    return x, weight


def compare(x: Tensor, weight: Tensor, learned: Tensor, true: Tensor) -> dict[str, float]:
    """Compare two scores (n, 1) at points ``x`` (n, 1) of probabilities ``weight`` (n,): the error and the slopes."""
    error = float(weight @ (learned - true)[:, 0].square()) / float(weight @ true[:, 0].square())
    centred = x[:, 0] - weight @ x[:, 0]
    variance = weight @ centred.square()
    slope, true_slope = (float(weight @ (centred * s[:, 0]) / variance) for s in (learned, true))
    return {"score_error": error, "slope": slope, "slope_error": abs(slope / true_slope - 1)}


def draw(curves: dict[float, tuple[Tensor, Tensor, Tensor, Tensor]]) -> NDArray[np.uint8]:
    """Pixels of one panel for each level: the true score grey, the learned one blue, the density as a shade.

    ``curves``: points, their probabilities, the learned and the true score (n,) each, by noise level.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2.2 * len(curves), 2.1), layout="constrained")
    for axes, (sigma, (x, weight, learned, true)) in zip(
        figure.subplots(1, len(curves), squeeze=False)[0], curves.items(), strict=True
    ):
        inside = weight > 1e-3 * weight.max()
        x, weight, learned, true = (values[inside].cpu() for values in (x, weight, learned, true))
        low, high = float(true.min()), float(true.max())
        margin = 0.2 * (high - low)
        axes.fill_between(x, low - margin, low - margin + 0.5 * (high - low) * weight / weight.max(), color="0.9")
        axes.plot(x, true, color="0.5", lw=3, label="true")
        axes.plot(x, learned, color="C0", lw=1.2, label="learned")
        axes.set_ylim(low - margin, high + margin)
        axes.set_title(f"σ = {sigma:g}", fontsize=9)
        axes.tick_params(labelsize=7)
    figure.axes[0].set_ylabel("score", fontsize=8)
    figure.axes[0].legend(frameon=False, fontsize=7)
    return figure_pixels(figure)
