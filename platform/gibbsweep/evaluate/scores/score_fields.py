"""Pictures of the score at each noise level."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gibbsweep.errors import UserError
from gibbsweep.evaluate.drawing.figures import figure_pixels
from gibbsweep.evaluate.drawing.grids import are_images, at_contrast, image_grid
from gibbsweep.evaluate.examples import Examples, evenly_spread, examples_of
from gibbsweep.train import Evaluation
from gibbsweep_models.capabilities import DenoisesLevels
from gibbsweep_models.draws import randn

if TYPE_CHECKING:
    from gibbsweep.data import Split

_GRID = 17
"""Arrows along an edge of a panel."""


@dataclass(frozen=True)
class ScoreFields:
    """The score at noise levels from the highest to the lowest, as the picture ``score_fields``.

    Images have a column for each level and three rows for each example: the noisy picture, at a picture's contrast;
    sigma times the score there, at half of its deviation, zero grey; and the denoised picture x + sigma² score, at
    contrast too. Points in the plane have a panel for each level: data, and sigma times the score as arrows, over the
    range of the data widened by two standard deviations of the noise.

    Metrics: ``n_noise_levels``, the number of the model's levels; ``sigma_highest`` and ``sigma_lowest``.

    Example::

        ScoreFields(levels=5)(system, load("ring8").test, generator=seeded(0)).images["score_fields"]
    """

    levels: int = 10
    """Number of levels shown, at most, evenly spread over the model's."""
    examples: int = 2
    """Number of images shown."""
    needs: ClassVar[type] = DenoisesLevels

    def check_split(self, split: Split) -> None:
        _check_shape(torch.Size(split.shape))

    def __call__(self, system: DenoisesLevels, split: Examples, *, generator: torch.Generator) -> Evaluation:
        model_levels = system.noise_levels()
        shown = evenly_spread(len(model_levels), self.levels)
        sigmas = [float(sigma) for sigma in model_levels[shown.to(model_levels.device)]]
        x = examples_of(split, 500, generator.device)
        _check_shape(x.shape[1:])
        if x.shape[1:] == (2,):
            picture = self._arrows(system, x, sigmas, generator)
        else:
            picture = self._pictures(system, x[: self.examples], sigmas, generator)
        metrics = {"n_noise_levels": float(len(model_levels)), "sigma_highest": sigmas[0], "sigma_lowest": sigmas[-1]}
        return Evaluation(metrics, {"score_fields": picture})

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


def _check_shape(shape: torch.Size) -> None:
    if shape != (2,) and not are_images(torch.empty(1, *shape)):
        raise UserError(
            f"ScoreFields draws images and points in the plane: got examples of {tuple(shape)}; leave it out of this "
            "study"
        )
