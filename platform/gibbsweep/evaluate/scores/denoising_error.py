"""The squared error of a denoiser at each noise level, on the scale on which score models are trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from gibbsweep.evaluate.drawing.grids import image_grid
from gibbsweep.evaluate.examples import Examples, first_examples
from gibbsweep.train import Evaluation
from gibbsweep_models.capabilities import CanDenoise
from gibbsweep_models.draws import randn

_BATCH = 250


@dataclass(frozen=True)
class DenoisingError:
    """|D - x|² of ``limit`` examples at each of ``sigmas``, in data units ([-1, 1]): twice a level on [0, 1].

    ``denoising_mse_0.1``: the mean squared error a dimension. ``denoising_error_0.1``: that over sigma² s² / (sigma² + s²), with s the
    standard deviation of the examples: what the best linear denoiser would leave if their components were unrelated, so that 1 is no
    achievement at any level. ``denoising_error_mean``: the mean over ``sigmas``; ``average`` renames its last word where the levels
    are not those of other rows. ``n_examples_denoised``. Picture ``denoised_levels`` of images: clean ones, then a row of noisy and one
    of denoised ones a level.
    """

    sigmas: tuple[float, ...] = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0)
    limit: int | None = 1000
    average: str = "mean"
    shown: int = 10
    needs: ClassVar[type] = CanDenoise

    def __call__(self, system: CanDenoise, split: Examples, *, generator: torch.Generator) -> Evaluation:
        x = first_examples(split, self.limit, generator.device)
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
        if x.ndim == 4 and x.shape[1] in (1, 3):
            images["denoised_levels"] = image_grid(torch.cat(rows), columns=len(rows[0]), binary=False)
        return Evaluation(metrics, images)
