"""The denoising criterion over many noise levels, with the weights of its papers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from gibbsweep_models.draws import rand, randn_like
from gibbsweep_models.nn.denoisers.precondition import EDMPrecondition
from gibbsweep_models.noise.edm import EDMSchedule
from gibbsweep_models.noise.shape import expand_like
from gibbsweep_models.noise.timed import TimedSchedule
from gibbsweep_models.types import Batch, Denoiser, Loss, NoiseSchedule

Weight = Literal["edm", "sigma2", "likelihood", "hybrid", "velocity", "unit"]
"""Weights of the squared error of the noise, |D - x_0|² / sigma², at a level that the schedule draws with density q of
ln(sigma):

- ``sigma2``: 1, which is sigma² on the score's error (Song & Ermon 2019) and DDPM's simple loss.
- ``likelihood``: 1 / q, which is g² on the score's error (Song et al., "Maximum Likelihood Training of Score-Based
  Diffusion Models", 2021): the diffusion term of the variational bound in nats per dimension, whatever the schedule.
- ``hybrid``: 1 + .001 / q, iDDPM's L_simple + .001 L_vlb (Nichol & Dhariwal 2021) for a fixed variance.
- ``edm``: (sigma² + sigma_data²) / sigma_data² (Karras et al. 2022): an unlearned network has loss 1 at every level.
- ``velocity``: (1 + sigma)², the error of flow matching's velocity n - x_0 (Lipman et al. 2023), whatever the network
  predicts.
- ``unit``: 1 / sigma², the score's error itself, whose variance has no bound as sigma goes to 0.
"""

_VLB_SHARE = 1e-3


def weighted_denoising_error(
    denoiser: Denoiser, x: Tensor, noise: Tensor, sigma: Tensor, scale: Tensor, cond: Tensor | None = None
) -> Tensor:
    """|D(x + sigma n; sigma) - x|² / (dim scale²) per example (B,), ``scale`` (B,) being the unit of the error."""
    denoised = denoiser(x + expand_like(sigma, x) * noise, sigma, cond)
    error = (denoised - x) / expand_like(scale, x)
    return error.flatten(1).square().mean(dim=1)


def denoiser_of(model: Any) -> EDMPrecondition:
    """The preconditioned denoiser of a system (its ``denoiser``), or the denoiser itself."""
    denoiser = getattr(model, "denoiser", model)
    if not isinstance(denoiser, EDMPrecondition):
        raise TypeError(
            f"got {type(denoiser).__name__}, expected an EDMPrecondition, whose sigma_data weights the loss; wrap the "
            "network in one"
        )
    return denoiser


@dataclass(frozen=True)
class DenoisingLoss:
    """E over sigma ~ ``schedule`` and noise of the weighted |D(x_0 + sigma n; sigma) - x_0|², mean over batch and
    dimensions.

    One class for the objectives of NCSN, DDPM, score SDEs and EDM: on a denoiser only the ``weight`` tells them apart.
    It is denoising score matching: |D - x_0|² = sigma⁴ |score + n / sigma|². Parts: ``denoising_mse``, the unweighted
    error |D - x|² / dim.

    >>> from gibbsweep_models.nn.denoisers import NetworkDenoiser
    >>> from gibbsweep_models.nn.noise_networks import VectorNet
    >>> denoiser = NetworkDenoiser(VectorNet((2,), width=8))
    >>> loss = DenoisingLoss(weight="edm")(denoiser, {"x": torch.zeros(4, 2)}, generator=seeded(0))
    """

    schedule: NoiseSchedule = field(default_factory=EDMSchedule)
    """Noise levels, in data units."""
    n_classes: int | None = None
    """Number of classes, whose numbers ``batch["y"]`` (B,) the denoiser gets; None for none."""
    label_dropout: float = 0.0
    """Probability that an example's class is replaced by "no class" (``n_classes``), as classifier-free guidance needs
    it (Ho & Salimans 2022)."""
    weight: Weight = "edm"
    """The weight of each level, see :data:`Weight`."""

    def __post_init__(self) -> None:
        if not 0 <= self.label_dropout <= 1 or (self.label_dropout > 0 and self.n_classes is None):
            raise ValueError(
                f"got label_dropout={self.label_dropout} with n_classes={self.n_classes}, expected a probability, and "
                "0 without classes; pass n_classes or label_dropout=0"
            )
        if self.weight not in get_args(Weight):
            raise ValueError(f"got weight={self.weight!r}, expected one of {', '.join(get_args(Weight))}; choose one")
        if self.weight in ("likelihood", "hybrid") and not isinstance(self.schedule, TimedSchedule):
            raise ValueError(
                f"the weight {self.weight!r} needs the density of the levels: got {type(self.schedule).__name__}, "
                "expected a TimedSchedule; choose one, or another weight"
            )

    def __call__(self, model: Any, batch: Batch, *, generator: torch.Generator) -> Loss:
        """The loss on ``batch["x"]`` (B, *D), and ``batch["y"]`` (B,) where there are classes. ``model``: a system with
        a ``denoiser``, or the denoiser."""
        x = batch["x"]
        denoiser = getattr(model, "denoiser", model)
        sigma = self.schedule.sample(len(x), generator=generator)
        scale = self.scale(denoiser, sigma)
        noise = randn_like(x, generator=generator)
        cond = None if self.n_classes is None else self._drop_labels(batch["y"], self.n_classes, generator)
        error = weighted_denoising_error(denoiser, x, noise, sigma, scale, cond)
        return Loss(error.mean(), {"denoising_mse": (error.detach() * scale**2).mean()})

    def scale(self, denoiser: Denoiser | nn.Module, sigma: Tensor) -> Tensor:
        """sigma / sqrt(weight), the unit of an error at ``sigma``: (B,) -> (B,)."""
        match self.weight:
            case "sigma2":
                return sigma
            case "unit":
                return sigma.square()
            case "velocity":
                return sigma / (1.0 + sigma)
            case "likelihood":
                return sigma * self._density(sigma).sqrt()
            case "hybrid":
                return sigma / torch.sqrt(1.0 + _VLB_SHARE / self._density(sigma))
            case _:
                sigma_data = denoiser_of(denoiser).sigma_data.to(sigma.dtype)
                return sigma * sigma_data / torch.hypot(sigma, sigma_data)

    def _density(self, sigma: Tensor) -> Tensor:
        assert isinstance(self.schedule, TimedSchedule)
        return self.schedule.density(sigma)

    def _drop_labels(self, y: Tensor, n_classes: int, generator: torch.Generator) -> Tensor:
        return y.masked_fill(rand(y.shape, generator=generator) < self.label_dropout, n_classes)
