"""Contrastive and generative learning as one likelihood: the joint energy of two views of an image."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from gibbsweep_models import parallel
from gibbsweep_models.nn.transforms.augment import Augmentation
from gibbsweep_models.objectives.cd.contrastive_divergence import ContrastiveDivergence
from gibbsweep_models.objectives.classification.info_nce import Embedder, nt_xent, partner_accuracy
from gibbsweep_models.types import Batch, Loss


def marginal_energy(z: Tensor, keys: Tensor, temperature: float) -> Tensor:
    """-ln of the mean over ``keys`` (K, F) of exp(-|z - key|² / (2 temperature)): (B, F), (K, F) -> (B,)."""
    joint = torch.cdist(z, keys).square() / (2 * temperature)
    return math.log(len(keys)) - torch.logsumexp(-joint, dim=1)


class TwoViewEnergy(nn.Module):
    """-ln p(x' | x) - weight * ln p(x) under E(x, x') = |z - z'|² / (2 temperature), z of length 1: EBCLR (Kim & Ye,
    "Energy-Based Contrastive Learning of Visual Representations", 2022, section 3).

    The first term is :func:`~gibbsweep_models.objectives.classification.info_nce.nt_xent`, the integral over x'
    replaced by the batch's views. The second is contrastive divergence (``cd``) on the marginal energy E(x) = -ln mean
    exp(-E(x, x'_n)), whose keys are the embedded second views of the global batch; they are held fixed in it, or the
    term would pull data towards keys and keys towards data at once. It sees every ``every``-th example of the batch
    alone: its chains cost many times the views. Parts: ``accuracy`` and those of ``cd``.

    >>> from gibbsweep_models.energy.two_view_ebm import TwoViewEBMConfig
    >>> from gibbsweep_models.objectives.cd import LangevinCD
    >>> system = TwoViewEBMConfig(channels=(4, 8)).build(DataSpec((1, 8, 8)))
    >>> cd = LangevinCD(n_steps=2, persistent=False).objective((1, 8, 8))
    >>> objective = TwoViewEnergy(cd, temperature=0.2, weight=0.02, augment=Augmentation())
    >>> loss = objective(system, {"x": torch.rand(4, 1, 8, 8)}, generator=seeded(0))
    """

    def __init__(
        self, cd: ContrastiveDivergence, temperature: float, weight: float, augment: Augmentation, every: int = 4
    ) -> None:
        super().__init__()
        if temperature <= 0 or weight < 0 or every < 1:
            raise ValueError(
                f"got temperature={temperature}, weight={weight}, every={every}; expected temperature > 0, weight >= "
                "0, every >= 1; correct the one that is out of range"
            )
        self.cd = cd
        self.temperature = temperature
        self.weight = weight
        self.augment = augment
        self.every = every

    def forward(self, model: Embedder, batch: Batch, *, generator: torch.Generator) -> Loss:
        """``batch["x"]``: images (B, C, H, W) in [-1, 1]."""
        views = [self.augment(batch["x"], generator=generator) for _ in range(2)]
        first, second = model.embed(torch.cat(views)).chunk(2)
        contrast = nt_xent(first, second, self.temperature)
        keys = parallel.all_gather_batch(second).detach()

        def energy(x: Tensor, cond: Tensor | None = None) -> Tensor:
            return marginal_energy(model.embed(x), keys, self.temperature)

        generative = self.cd(energy, {"x": views[0][:: self.every]}, generator=generator)
        parts = {"accuracy": partner_accuracy(first, second), "contrastive": contrast.detach(), **generative.parts}
        return Loss(contrast + self.weight * generative.total, parts, nfe=generative.nfe)
