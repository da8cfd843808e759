"""Filling of holes in images."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from gibbsweep.errors import UserError
from gibbsweep.evaluate.demands import ask_pictures, try_on
from gibbsweep.evaluate.drawing.grids import image_grid
from gibbsweep.evaluate.examples import Examples, examples_of
from gibbsweep.evaluate.restoring.quality import psnr, ssim, unit_pixels
from gibbsweep.train import Evaluation
from gibbsweep_models.capabilities import CanInpaint
from gibbsweep_models.noise import CentreMask, Mask, RandomMask

if TYPE_CHECKING:
    from gibbsweep.data import Split

MASKS: tuple[Mask, ...] = (CentreMask(8), CentreMask(16), RandomMask(0.5))
"""Masks of the study."""

_BATCH = 250


@dataclass(frozen=True)
class Inpainting:
    """PSNR and SSIM of completions inside the hole, for each mask, and how different the completions of one image are.

    Metrics, by the mask's name M (``centre8``, ``centre16``, ``random50``): ``psnr_M``, the mean over images and their
    completions of 10 log10(1 / MSE) on [0, 1] over unknown pixels; ``ssim_M``, of the first completion, the mean of the
    map of structural similarity over them; ``psnr_of_mean_M``, of the mean of an image's completions; ``diversity_M``,
    the root mean squared difference between two completions of an image over its hole, 0 where there is but one way;
    ``psnr_holes``, ``psnr_of_mean_holes``, ``ssim_holes`` and ``diversity_holes``, the means over the masks;
    ``n_images_inpainted``, the number of images. Picture ``inpainted``: for each mask a row of masked images (the hole
    grey), a row of each completion, and the truth.

    Example::

        Inpainting(masks=(CentreMask(8),))(system, load("cifar10").test, generator=seeded(0)).metrics["psnr_centre8"]
    """

    masks: tuple[Mask, ...] = MASKS
    """Which pixels are known."""
    n_completions: int = 3
    """Completions of each image."""
    limit: int | None = 500
    """Number of images, at most, evenly spread; None for all."""
    shown: int = 10
    """Images in a row of the picture."""
    needs: ClassVar[type] = CanInpaint

    def check_split(self, split: Split) -> None:
        for mask in self.masks:
            try_on(self, split, partial(_known, mask, generator=torch.Generator()))
        try_on(self, split, lambda x: ssim(unit_pixels(x), unit_pixels(x)))
        ask_pictures(self, split)

    def __call__(self, system: CanInpaint, split: Examples, *, generator: torch.Generator) -> Evaluation:
        x = examples_of(split, self.limit, generator.device)
        metrics: dict[str, float] = {}
        rows: list[Tensor] = []
        for mask in self.masks:
            known = _known(mask, x, generator)
            completions = [_complete(system, x, known, generator) for _ in range(self.n_completions)]
            metrics |= _measure(mask.name, x, known, completions)
            rows += [part[: self.shown] for part in (x.where(known, 0.0), *completions, x)]
        for measure in ("psnr", "psnr_of_mean", "ssim", "diversity"):
            values = [metrics[f"{measure}_{mask.name}"] for mask in self.masks]
            metrics[f"{measure}_holes"] = sum(values) / len(values)
        metrics["n_images_inpainted"] = float(len(x))
        return Evaluation(metrics, {"inpainted": image_grid(torch.cat(rows), columns=len(rows[0]), binary=False)})


def _known(mask: Mask, x: Tensor, generator: torch.Generator) -> Tensor:
    try:
        return mask.known(x, generator=generator)
    except ValueError as error:
        raise UserError(f"{mask} on images of {tuple(x.shape[1:])}: {error}.") from error


def _complete(system: CanInpaint, x: Tensor, known: Tensor, generator: torch.Generator) -> Tensor:
    """A completion (B, *D) of ``x`` (B, *D), from the known pixels alone."""
    masked = x.where(known, 0.0)
    parts = zip(torch.split(masked, _BATCH), torch.split(known, _BATCH), strict=True)
    completion = torch.cat([system.inpaint(part, known_part, generator=generator) for part, known_part in parts])
    if not torch.equal(completion.where(known, 0.0), masked):
        raise ValueError(f"{type(system).__name__}.inpaint changed known pixels: it must return them bit by bit")
    return completion


def _measure(name: str, x: Tensor, known: Tensor, completions: list[Tensor]) -> dict[str, float]:
    truth, hole = unit_pixels(x), ~known
    filled = [unit_pixels(completion) for completion in completions]
    size = hole.flatten(1).sum(dim=1)
    differences = [
        ((one - other).square().where(hole, 0.0).flatten(1).sum(dim=1) / size).sqrt().mean()
        for one, other in combinations(filled, 2)
    ]
    return {
        f"psnr_{name}": float(torch.stack([psnr(image, truth, hole).mean() for image in filled]).mean()),
        f"psnr_of_mean_{name}": float(psnr(torch.stack(filled).mean(dim=0), truth, hole).mean()),
        f"ssim_{name}": float(ssim(filled[0], truth, hole).mean()),
        f"diversity_{name}": float(torch.stack(differences).mean()) if differences else 0.0,
    }
