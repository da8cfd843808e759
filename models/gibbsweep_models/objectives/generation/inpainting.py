"""Criteria of networks that fill holes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from gibbsweep_models.noise.masks import MixedMask
from gibbsweep_models.types import Batch, Loss


class Inpainter(Protocol):
    """A network that fills holes."""

    def fill(self, x: Tensor, known: Tensor) -> Tensor:
        """The network's values everywhere: (B, C, H, W), bool like it -> (B, C, H, W)."""
        ...


class AdversarialInpainter(Inpainter, Protocol):
    """A network that fills holes and has a discriminator."""

    def discriminate(self, x: Tensor) -> Tensor:
        """The logit of "real": (B, C, H, W) -> (B,)."""
        ...


@dataclass(frozen=True)
class MaskedReconstruction:
    """Squared error on the unknown pixels of random holes, mean over them (Pathak et al. 2016, equation 1).

    >>> from gibbsweep_models.baselines.masked_autoencoder import MaskedAutoencoderConfig
    >>> system = MaskedAutoencoderConfig(channels=(4, 8)).build(DataSpec((1, 28, 28)))
    >>> loss = MaskedReconstruction()(system, {"x": torch.zeros(4, 1, 28, 28)}, generator=seeded(0))
    """

    mask: MixedMask = field(default_factory=MixedMask)
    """The holes."""
    adversarial: float = 0.0
    """Weight of E softplus(-D(completion)) (their equation 3, the generator's half); 0 for none."""

    def __call__(self, model: Inpainter, batch: Batch, *, generator: torch.Generator) -> Loss:
        """``batch["x"]``: (B, C, H, W)."""
        x = batch["x"]
        known = self.mask.known(x, generator=generator)
        filled = model.fill(x, known)
        hole = (~known).to(x.dtype)
        # Per image, so that a batch split over workers has the mean of their means.
        error = ((filled - x).square() * hole).flatten(1).sum(dim=1) / hole.flatten(1).sum(dim=1).clamp_min(1.0)
        total = error.mean()
        parts = {"hole_mse": total.detach()}
        if self.adversarial > 0:
            logit = model.discriminate(torch.where(known, x, filled))  # type: ignore[attr-defined]
            fooling = F.softplus(-logit).mean()
            total = total + self.adversarial * fooling
            parts["fooling"] = fooling.detach()
        return Loss(total, parts)


@dataclass(frozen=True)
class CompletionDiscrimination:
    """E softplus(-D(x)) + E softplus(D(completion)): tells images from completions of random holes (Goodfellow et al.
    2014).

    >>> from gibbsweep_models.baselines.masked_autoencoder import MaskedAutoencoderConfig
    >>> config = MaskedAutoencoderConfig(channels=(4, 8), critic_channels=(4, 8), adversarial=0.001)
    >>> batch = {"x": torch.zeros(4, 1, 28, 28)}
    >>> loss = CompletionDiscrimination()(config.build(DataSpec((1, 28, 28))), batch, generator=seeded(0))
    """

    mask: MixedMask = field(default_factory=MixedMask)
    """The holes."""

    def __call__(self, model: AdversarialInpainter, batch: Batch, *, generator: torch.Generator) -> Loss:
        """``batch["x"]``: (B, C, H, W)."""
        x = batch["x"]
        known = self.mask.known(x, generator=generator)
        with torch.no_grad():
            completed = torch.where(known, x, model.fill(x, known))
        real, fake = model.discriminate(x), model.discriminate(completed)
        total = F.softplus(-real).mean() + F.softplus(fake).mean()
        return Loss(total, {"logit_gap": (real.mean() - fake.mean()).detach()})
