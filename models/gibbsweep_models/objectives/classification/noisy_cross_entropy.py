"""Cross-entropy of a classifier of noisy data."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
import torch.nn.functional as F

from gibbsweep_models.capabilities import HasNoisyLogits
from gibbsweep_models.draws import randn_like
from gibbsweep_models.noise.edm import EDMSchedule
from gibbsweep_models.noise.shape import expand_like
from gibbsweep_models.types import Batch, Loss, NoiseSchedule


@dataclass(frozen=True)
class NoisyCrossEntropy:
    """-log p(y | x + sigma n; sigma), the mean over the batch, over sigma ~ ``schedule`` and over noise: the knowledge
    of a score's classifier (Song et al. 2021, appendix I; Dhariwal & Nichol 2021). Part: ``accuracy`` on the batch,
    noise included.

    >>> from gibbsweep_models.noise import GeometricSchedule
    >>> objective = NoisyCrossEntropy(GeometricSchedule(0.1, 1.0))
    """

    schedule: NoiseSchedule = field(default_factory=EDMSchedule)
    """Noise levels, in data units."""

    def __call__(self, model: HasNoisyLogits, batch: Batch, *, generator: torch.Generator) -> Loss:
        """``batch["x"]`` (B, *D) and ``batch["y"]`` (B,) int64."""
        if "y" not in batch:
            raise ValueError(
                f"cross-entropy needs labels: got a batch of {sorted(batch)}, expected 'y'; choose a labelled data set"
            )
        x, y = batch["x"], batch["y"]
        sigma = self.schedule.sample(len(x), generator=generator)
        noise = randn_like(x, generator=generator)
        logits = model.noisy_logits(x + expand_like(sigma, x) * noise, sigma).float()
        accuracy = (logits.detach().argmax(dim=1) == y).float().mean()
        return Loss(F.cross_entropy(logits, y), {"accuracy": accuracy})
