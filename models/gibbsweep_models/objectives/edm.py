"""The denoising criterion of Karras et al. (2022)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from gibbsweep_models.draws import rand, randn_like
from gibbsweep_models.nn.precondition import EDMPrecondition
from gibbsweep_models.noise.edm import EDMSchedule
from gibbsweep_models.noise.shape import expand_like
from gibbsweep_models.types import Batch, Loss, NoiseSchedule


def weighted_denoising_error(
    denoiser: EDMPrecondition, x: Tensor, noise: Tensor, sigma: Tensor, cond: Tensor | None = None
) -> Tensor:
    """|D(x + sigma n; sigma) - x|² / (dim c_out²) per example (B,): equation 8 with lambda = 1 / c_out².

    In the network's terms it is a plain squared error, so a network that returns zero has expectation 1 at every sigma
    if the data has second moment sigma_data².
    """
    denoised: Tensor = denoiser(x + expand_like(sigma, x) * noise, sigma, cond)
    error = (denoised - x) / expand_like(denoiser.coefficients(sigma).c_out, x)
    return error.flatten(1).square().mean(dim=1)


def denoiser_of(model: Any) -> EDMPrecondition:
    """The preconditioned denoiser of a system (its ``denoiser``), or the denoiser itself."""
    denoiser = getattr(model, "denoiser", model)
    if not isinstance(denoiser, EDMPrecondition):
        raise TypeError(
            f"got {type(denoiser).__name__}, expected an EDMPrecondition, whose c_out weights the loss; wrap the "
            "network in one"
        )
    return denoiser


@dataclass(frozen=True)
class EDMLoss:
    """E over sigma ~ ``schedule`` and noise of :func:`weighted_denoising_error`, mean over batch and dimensions.

    ``n_classes``: give the denoiser the classes ``batch["y"]`` (B,); each example's class is replaced by "no class"
    (``n_classes``) with probability ``label_dropout``, as classifier-free guidance needs it (Ho & Salimans 2022).
    Parts: ``denoising_mse``, the unweighted error |D - x|² / dim.
    """

    schedule: NoiseSchedule = field(default_factory=EDMSchedule)
    n_classes: int | None = None
    label_dropout: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.label_dropout <= 1 or (self.label_dropout > 0 and self.n_classes is None):
            raise ValueError(
                f"got label_dropout={self.label_dropout} with n_classes={self.n_classes}, expected a probability, and "
                "0 without classes; pass n_classes or label_dropout=0"
            )

    def __call__(self, model: Any, batch: Batch, *, generator: torch.Generator) -> Loss:
        """``batch["x"]``: (B, *D), and ``batch["y"]``: (B,) where there are classes."""
        x = batch["x"]
        denoiser = denoiser_of(model)
        sigma = self.schedule.sample(len(x), generator=generator)
        noise = randn_like(x, generator=generator)
        cond = None if self.n_classes is None else self._drop_labels(batch["y"], self.n_classes, generator)
        error = weighted_denoising_error(denoiser, x, noise, sigma, cond)
        mse = (error.detach() * denoiser.coefficients(sigma).c_out ** 2).mean()
        return Loss(error.mean(), {"denoising_mse": mse})

    def _drop_labels(self, y: Tensor, n_classes: int, generator: torch.Generator) -> Tensor:
        return y.masked_fill(rand(y.shape, generator=generator) < self.label_dropout, n_classes)
