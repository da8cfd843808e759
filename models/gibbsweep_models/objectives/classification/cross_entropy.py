"""Cross-entropy of a classifier, or of an energy of examples and classes read as one."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from gibbsweep_models.capabilities import HasLogits
from gibbsweep_models.draws import randn_like
from gibbsweep_models.types import Batch, Loss


@dataclass(frozen=True)
class CrossEntropy:
    """-log p(y | x), the mean over the batch, with p(y | x) the softmax of ``logits``. Part: ``accuracy`` on the batch,
    noise included.

    >>> from gibbsweep_models.baselines.classifier import ClassifierConfig
    >>> system = ClassifierConfig().build(DataSpec((1, 8, 8), n_classes=3))
    >>> batch = {"x": torch.zeros(2, 1, 8, 8), "y": torch.tensor([0, 2])}
    >>> loss = CrossEntropy(data_noise=0.03)(system, batch, generator=seeded(0))
    """

    data_noise: float = 0.0
    """Standard deviation of Gaussian noise on x: a smoother classifier has a smoother energy (Grathwohl et al. 2020 use
    .03)."""
    clamp: tuple[float, float] | None = None
    """Interval that noisy x are clamped to; None for none."""

    def __post_init__(self) -> None:
        if self.data_noise < 0:
            raise ValueError(f"got data_noise={self.data_noise}, expected >= 0; pass 0 for none")

    def __call__(self, model: HasLogits, batch: Batch, *, generator: torch.Generator) -> Loss:
        """``batch["x"]`` (B, *D) and ``batch["y"]`` (B,) int64."""
        if "y" not in batch:
            raise ValueError(
                f"cross-entropy needs labels: got a batch of {sorted(batch)}, expected 'y'; choose a labelled data set"
            )
        x, y = batch["x"], batch["y"]
        if self.data_noise > 0:
            x = x + self.data_noise * randn_like(x, generator=generator)
            x = x if self.clamp is None else x.clamp_(*self.clamp)
        logits = model.logits(x).float()
        accuracy = (logits.detach().argmax(dim=1) == y).float().mean()
        return Loss(F.cross_entropy(logits, y), {"accuracy": accuracy})
