"""How well a system removes Gaussian noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from gibbsweep.evaluate.drawing.grids import image_grid
from gibbsweep.evaluate.examples import Examples, first_examples
from gibbsweep.evaluate.restoring.quality import psnr, ssim, unit_pixels
from gibbsweep.train import Evaluation
from gibbsweep_models.capabilities import CanDenoise
from gibbsweep_models.draws import randn

SIGMAS = (15 / 255, 25 / 255, 50 / 255, 0.3, 0.5)
"""Of the study, in [0, 1] pixel units."""

_BATCH = 250


@dataclass(frozen=True)
class Denoising:
    """PSNR and SSIM of denoised images, beside those of the noisy ones, at each of ``sigmas``.

    ``sigmas`` are standard deviations in [0, 1] pixel units, as denoising results are published; systems work on [-1, 1], where
    they are twice that. ``blind``: the system is not told the level. PSNR is the mean over ``limit`` images of each image's
    10 log10(1 / MSE) on [0, 1]; restored pixels beyond are set to the ends, noisy ones are not (nor was the noise cut off).

    Metrics: ``psnr_25``, ``ssim_25`` (``psnr_blind_25``, ... where blind) are named by 255 sigma, or by sigma where that is no
    whole number; ``psnr_mean`` and ``ssim_mean`` (``psnr_blind_mean``, ...) are the means over
    ``sigmas`` where they are several; ``psnr_noisy_25`` and
    ``psnr_noisy_mean`` the noisy images' own; ``n_images_denoised``, how many. Picture ``denoised`` (``denoised_blind``): clean images,
    and for the lowest, the middle and the highest level a row of noisy and a row of denoised ones.
    """

    sigmas: tuple[float, ...] = SIGMAS
    blind: bool = False
    limit: int | None = 1000
    shown: int = 10
    needs: ClassVar[type] = CanDenoise

    def __call__(self, system: CanDenoise, split: Examples, *, generator: torch.Generator) -> Evaluation:
        clean = first_examples(split, self.limit, generator.device)
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
        for measure in (f"psnr_{blind}", f"ssim_{blind}", f"psnr_{blind}noisy_"):
            if len(self.sigmas) == 1:
                break  # the mean of one level beside means of several would be read as one of them
            values = [metrics[measure + sigma_name(sigma)] for sigma in self.sigmas]
            metrics[f"{measure}mean"] = sum(values) / len(values)
        metrics[f"n_images_denoised{'_blind' if self.blind else ''}"] = float(len(clean))
        grid = image_grid(torch.cat(rows), columns=len(rows[0]), binary=False)
        return Evaluation(metrics, {f"denoised{'_blind' if self.blind else ''}": grid})

    def _denoise(self, system: CanDenoise, noisy: Tensor, sigma: float, generator: torch.Generator) -> Tensor:
        told = None if self.blind else noisy.new_full((len(noisy),), 2 * sigma)
        return system.denoise(noisy, told, generator=generator)


def sigma_name(sigma: float) -> str:
    """15/255 -> "15"; .3 -> "0.3"."""
    in_bytes = 255 * sigma
    return str(round(in_bytes)) if abs(in_bytes - round(in_bytes)) < 1e-6 else f"{sigma:g}"
