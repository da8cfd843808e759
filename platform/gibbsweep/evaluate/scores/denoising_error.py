"""The squared error of a denoiser at each noise level, on the scale on which score models are trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from gibbsweep.evaluate.drawing.grids import are_images, image_grid
from gibbsweep.evaluate.examples import Examples, examples_of
from gibbsweep.train import Evaluation
from gibbsweep_models.capabilities import CanDenoise
from gibbsweep_models.draws import randn

_BATCH = 250


@dataclass(frozen=True)
class DenoisingError:
    """The squared error |D - x|² of a denoiser at each noise level, in data units ([-1, 1]).

    Metrics: ``denoising_mse_0.1``, ..., the mean squared error of a dimension; ``denoising_error_0.1``, ..., that over
    sigma² s² / (sigma² + s²), with s the standard deviation of the examples: what the best linear denoiser would leave
    if their components were unrelated, so that 1 is no achievement at any level; ``denoising_error_mean``, the mean
    over the levels; ``n_examples_denoised``, the number of examples. Picture ``denoised_levels`` of images: clean ones,
    then a row of noisy and a row of denoised ones for each level.

    Example::

        evaluation = DenoisingError(sigmas=(0.1, 1.0))(system, load("mnist").test, generator=seeded(0))
        evaluation.metrics["denoising_error_mean"]
    """

    sigmas: tuple[float, ...] = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0)
    """Noise levels in data units: twice what they are on [0, 1]."""
    limit: int | None = 1000
    """Number of examples, at most, evenly spread; None for all."""
    average: str = "mean"
    """Last word of the name of the mean over the levels. Another word keeps it apart from means over other levels."""
    shown: int = 10
    """Images in a row of the picture."""
    needs: ClassVar[type] = CanDenoise

    def __call__(self, system: CanDenoise, split: Examples, *, generator: torch.Generator) -> Evaluation:
        x = examples_of(split, self.limit, generator.device)
        variance = float(x.var(correction=0))
        metrics: dict[str, float] = {}
        rows = [x[: self.shown]]
        for sigma in self.sigmas:
            noisy = x + sigma * randn(x.shape, generator=generator)
            denoised = torch.cat(
                [
                    system.denoise(part, part.new_full((len(part),), sigma), generator=generator)
                    for part in torch.split(noisy, _BATCH)
                ]
            )
            mse = float((denoised - x).double().square().mean())
            metrics[f"denoising_mse_{sigma:g}"] = mse
            metrics[f"denoising_error_{sigma:g}"] = mse * (sigma**2 + variance) / (sigma**2 * variance)
            rows += [noisy[: self.shown], denoised[: self.shown]]
        errors = [metrics[f"denoising_error_{sigma:g}"] for sigma in self.sigmas]
        metrics[f"denoising_error_{self.average}"] = sum(errors) / len(errors)
        metrics["n_examples_denoised"] = float(len(x))
        images = {}
        if are_images(x):
            images["denoised_levels"] = image_grid(torch.cat(rows), columns=len(rows[0]), binary=False)
        return Evaluation(metrics, images)
