"""Removal of Gaussian noise from images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from gibbsweep.evaluate.demands import ask_pictures, try_on
from gibbsweep.evaluate.drawing.grids import image_grid
from gibbsweep.evaluate.examples import Examples, examples_of
from gibbsweep.evaluate.restoring.quality import psnr, ssim, unit_pixels
from gibbsweep.train import Evaluation
from gibbsweep_models.capabilities import CanDenoise
from gibbsweep_models.draws import randn

if TYPE_CHECKING:
    from gibbsweep.data import Split

SIGMAS = (15 / 255, 25 / 255, 50 / 255, 0.3, 0.5)
"""Noise levels of the study, in [0, 1] pixel units."""

_BATCH = 250


@dataclass(frozen=True)
class Denoising:
    """PSNR and SSIM of denoised images, beside those of the noisy ones, at each noise level.

    PSNR is the mean over images of each image's 10 log10(1 / MSE) on [0, 1]. Restored pixels beyond the range are set
    to its ends; noisy ones are not, nor was the noise cut off.

    Metrics, named by 255 sigma, or by sigma where that is no whole number: ``psnr_25`` and ``ssim_25``, ...;
    ``psnr_noisy_25``, ..., of the noisy images; ``psnr_mean``, ``ssim_mean`` and ``psnr_noisy_mean``, the means over
    several levels; ``n_images_denoised``, the number of images. Picture ``denoised``: clean images, and for the lowest,
    the middle and the highest level a row of noisy and a row of denoised ones. Where ``blind``, the names are
    ``psnr_blind_25``, ..., ``psnr_blind_noisy_25``, ..., ``n_images_denoised_blind`` and ``denoised_blind``.

    Example::

        Denoising(sigmas=(25 / 255,))(system, load("cifar10").test, generator=seeded(0)).metrics["psnr_25"]
    """

    sigmas: tuple[float, ...] = SIGMAS
    """Standard deviations of the noise in [0, 1] pixel units, as denoising results are published. Systems work on [-1,
    1], where they are twice that."""
    blind: bool = False
    """Whether the noise level is kept from the system."""
    limit: int | None = 1000
    """Number of images, at most, evenly spread; None for all."""
    shown: int = 10
    """Images in a row of the picture."""
    needs: ClassVar[type] = CanDenoise

    def check_split(self, split: Split) -> None:
        try_on(self, split, lambda x: ssim(unit_pixels(x), unit_pixels(x)))
        ask_pictures(self, split)

    def __call__(self, system: CanDenoise, split: Examples, *, generator: torch.Generator) -> Evaluation:
        clean = examples_of(split, self.limit, generator.device)
        truth = unit_pixels(clean)
        blind = "blind_" if self.blind else ""
        metrics: dict[str, float] = {}
        rows = [clean[: self.shown]]
        for sigma in self.sigmas:
            noisy = clean + 2 * sigma * randn(clean.shape, generator=generator)
            parts: tuple[Tensor, ...] = torch.split(noisy, _BATCH)
            denoised = torch.cat([self._denoise(system, part, sigma, generator) for part in parts])
            restored, name = unit_pixels(denoised), sigma_name(sigma)
            metrics[f"psnr_{blind}{name}"] = float(psnr(restored, truth).mean())
            metrics[f"ssim_{blind}{name}"] = float(ssim(restored, truth).mean())
            metrics[f"psnr_{blind}noisy_{name}"] = float(psnr((noisy + 1) / 2, truth).mean())
            if sigma in (min(self.sigmas), sorted(self.sigmas)[len(self.sigmas) // 2], max(self.sigmas)):
                rows += [noisy[: self.shown], denoised[: self.shown]]
        if len(self.sigmas) > 1:  # the mean of one level beside means of several would be read as one of them
            for measure in (f"psnr_{blind}", f"ssim_{blind}", f"psnr_{blind}noisy_"):
                values = [metrics[measure + sigma_name(sigma)] for sigma in self.sigmas]
                metrics[f"{measure}mean"] = sum(values) / len(values)
        metrics[f"n_images_denoised{'_blind' if self.blind else ''}"] = float(len(clean))
        grid = image_grid(torch.cat(rows), columns=len(rows[0]), binary=False)
        return Evaluation(metrics, {f"denoised{'_blind' if self.blind else ''}": grid})

    def _denoise(self, system: CanDenoise, noisy: Tensor, sigma: float, generator: torch.Generator) -> Tensor:
        known_sigma = None if self.blind else noisy.new_full((len(noisy),), 2 * sigma)
        return system.denoise(noisy, known_sigma, generator=generator)


def sigma_name(sigma: float) -> str:
    """The name of a noise level in metrics: 15/255 -> "15", 0.3 -> "0.3"."""
    in_bytes = 255 * sigma
    return str(round(in_bytes)) if abs(in_bytes - round(in_bytes)) < 1e-6 else f"{sigma:g}"
