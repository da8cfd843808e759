"""The score at every noise level, drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gibbsweep.errors import UserError
from gibbsweep.evaluate.drawing.figures import figure_pixels
from gibbsweep.evaluate.drawing.grids import at_contrast, image_grid
from gibbsweep.evaluate.examples import Examples, first_examples
from gibbsweep.train import Evaluation
from gibbsweep_models.capabilities import DenoisesLevels
from gibbsweep_models.draws import randn

_GRID = 17
"""Arrows along an edge."""


@dataclass(frozen=True)
class ScoreFields:
    """``levels`` of the model's noise levels, the highest first and evenly spread to the lowest, as ``score_fields``.

    Of images, a column a level and three rows each of ``examples``: the noisy picture, at a picture's contrast; sigma times the score
    there, at half of its deviation, zero grey; and the denoised picture, x + sigma² score, at contrast too. Of points in the plane, a panel a level:
    data, and sigma times the score as arrows, over the range of the data widened by two deviations of the noise. ``n_noise_levels``,
    ``sigma_highest`` and ``sigma_lowest`` say what the levels are.
    """

    levels: int = 10
    examples: int = 2
    needs: ClassVar[type] = DenoisesLevels

    def __call__(self, system: DenoisesLevels, split: Examples, *, generator: torch.Generator) -> Evaluation:
        known = system.noise_levels()
        chosen = torch.linspace(0, len(known) - 1, min(self.levels, len(known))).round().long()
        sigmas = [float(sigma) for sigma in known[chosen.to(known.device)]]
        x = first_examples(split, 500, generator.device)
        if x.shape[1:] == (2,):
            drawn = self._arrows(system, x, sigmas, generator)
        elif x.ndim == 4 and x.shape[1] in (1, 3):
            drawn = self._pictures(system, x[: self.examples], sigmas, generator)
        else:
            raise UserError(
                f"ScoreFields draws images and points in the plane: got examples of {tuple(x.shape[1:])}; leave it out here"
            )
        metrics = {"n_noise_levels": float(len(known)), "sigma_highest": sigmas[0], "sigma_lowest": sigmas[-1]}
        return Evaluation(metrics, {"score_fields": drawn})

    def _pictures(
        self, system: DenoisesLevels, x: Tensor, sigmas: list[float], generator: torch.Generator
    ) -> NDArray[np.uint8]:
        noise = randn(x.shape, generator=generator)  # the same at every level
        columns = []
        for sigma in sigmas:
            noisy = x + sigma * noise
            denoised = system.denoise(noisy, noisy.new_full((len(x),), sigma), generator=generator)
            score = (denoised - noisy) / sigma
            columns.append(torch.stack([at_contrast(noisy), 0.5 * score, at_contrast(denoised)], dim=1).flatten(0, 1))
        grid = torch.stack(columns, dim=1).flatten(0, 1)
        return image_grid(grid, columns=len(sigmas), binary=False)

    def _arrows(
        self, system: DenoisesLevels, x: Tensor, sigmas: list[float], generator: torch.Generator
    ) -> NDArray[np.uint8]:
        from matplotlib.figure import Figure

        columns = min(5, len(sigmas))
        rows = -(-len(sigmas) // columns)
        figure = Figure(figsize=(2.3 * columns, 2.45 * rows), layout="constrained")
        panels = list(figure.subplots(rows, columns, squeeze=False).flat)
        for axes in panels:
            axes.set_axis_off()
        for axes, sigma in zip(panels, sigmas, strict=False):
            reach = float(x.abs().max()) + 2 * sigma
            line = torch.linspace(-reach, reach, _GRID, device=x.device)
            points = torch.cartesian_prod(line, line)
            level = points.new_full((len(points),), sigma)
            score = (system.denoise(points, level, generator=generator) - points) / sigma
            axes.set_axis_on()
            axes.scatter(*x.T.cpu(), s=1, color="0.7", linewidths=0)
            axes.quiver(*points.T.cpu(), *score.T.cpu(), angles="xy", width=0.005, color="C0")
            axes.set_title(f"σ = {sigma:.3g}", fontsize=9)
            axes.set_aspect("equal")
            axes.tick_params(labelsize=6)
        return figure_pixels(figure)
