"""The criterion of an autoencoder, and the densities of data around a reconstruction."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from gibbsweep_models.draws import randn_like
from gibbsweep_models.types import Batch, Loss, Units


def gaussian_log_prob(mean: Tensor, log_variance: Tensor, x: Tensor) -> Tensor:
    """ln N(x; mean, exp(log_variance) I), summed over dimensions: (B, *D), broadcastable, (B, *D) -> (B,), in nats."""
    terms = (x - mean).square() * torch.exp(-log_variance) + log_variance + math.log(2.0 * math.pi)
    return -0.5 * terms.flatten(1).sum(dim=1)


def bernoulli_log_prob(logits: Tensor, x: Tensor) -> Tensor:
    """ln p(x) of binary units with means sigmoid(``logits``), summed: (B, *D), (B, *D) -> (B,), in nats."""
    return -F.binary_cross_entropy_with_logits(logits, x, reduction="none").flatten(1).sum(dim=1)


class AutoencoderModel(Protocol):
    """An autoencoder as the criterion sees it."""

    def encode(self, x: Tensor) -> Tensor:
        """(B, *D) -> (B, latent)."""
        ...

    def decode(self, z: Tensor) -> Tensor:
        """(B, latent) -> (B, *D): values (signed units) or logits (binary units)."""
        ...


def reconstruction_error(output: Tensor, x: Tensor, units: Units) -> Tensor:
    """The error per example (B,), summed over dimensions: |x - output|² (signed) or the cross-entropy of the logits
    (binary)."""
    if units == "binary":
        return -bernoulli_log_prob(output, x)
    return (x - output).flatten(1).square().sum(dim=1)


@dataclass(frozen=True)
class Reconstruction:
    """E of :func:`reconstruction_error` after encoding x + ``sigma`` n: an autoencoder, or for sigma > 0 a denoising
    one (Vincent et al. 2008). With linear maps and signed units its minimum is the sum of the dropped eigenvalues of
    the data's covariance (PCA).

    >>> from gibbsweep_models.baselines.autoencoder import AutoencoderConfig
    >>> system = AutoencoderConfig(channels=(4, 8)).build(DataSpec((1, 8, 8)))
    >>> loss = Reconstruction(sigma=0.1)(system, {"x": torch.zeros(4, 1, 8, 8)}, generator=seeded(0))
    """

    units: Units = "signed"
    """What the data is."""
    sigma: float = 0.0
    """Noise level of the input."""

    def __post_init__(self) -> None:
        if self.sigma < 0:
            raise ValueError(f"got sigma={self.sigma}, expected a noise level >= 0; pass 0 for clean inputs")

    def __call__(self, model: AutoencoderModel, batch: Batch, *, generator: torch.Generator) -> Loss:
        """``batch["x"]``: (B, *D)."""
        x = batch["x"]
        corrupted = torch.add(x, randn_like(x, generator=generator), alpha=self.sigma) if self.sigma > 0 else x
        return Loss(reconstruction_error(model.decode(model.encode(corrupted)), x, self.units).mean())
