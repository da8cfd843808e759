"""Losses that tell each pair's partner from all others (InfoNCE: van den Oord, Li & Vinyals 2018).

Both compare with the *global* batch: under data parallelism the embeddings of all workers are gathered with their
gradient.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from gibbsweep_models import parallel
from gibbsweep_models.nn.transforms.augment import Augmentation
from gibbsweep_models.types import Batch, Loss


class Embedder(Protocol):
    """A model with unit vectors."""

    def embed(self, x: Tensor) -> Tensor:
        """(B, *D) -> (B, F), of length 1."""
        ...


def nt_xent(first: Tensor, second: Tensor, temperature: float) -> Tensor:
    """The mean cross-entropy of finding each unit vector's partner among the 2N - 1 others, similarity cos /
    ``temperature`` (Chen et al. 2020, equation 1). ``first``, ``second``: this worker's pairs (B, F) each; N = W * B,
    two at least, else ValueError."""
    pairs = parallel.gather_with_gradient(torch.stack([first, second], dim=1))
    n, own = len(pairs), parallel.rank() * len(first)
    if n < 2:
        raise ValueError(
            "got a batch of one example, which has no others to be told from, so that nothing is learnt; choose a "
            "batch of two or more"
        )
    places = torch.arange(own, own + len(first), device=first.device)
    anchors = torch.cat([first, second])
    with torch.autocast(first.device.type, enabled=False):  # similarities of 8 bits would not tell partners apart
        logits = anchors @ pairs.transpose(0, 1).flatten(0, 1).T / temperature
    itself = F.one_hot(torch.cat([places, places + n]), 2 * n).bool()
    return F.cross_entropy(logits.masked_fill(itself, -torch.inf), torch.cat([places + n, places]))


@dataclass(frozen=True)
class InfoNCE:
    """SimCLR's loss (Chen et al., "A Simple Framework for Contrastive Learning of Visual Representations", 2020): two
    random views of each image, :func:`nt_xent` between their embeddings.

    As the density of a joint energy of two views, E(x, x') = |z - z'|² / (2 temperature), it is the log-likelihood of
    x' given x with the batch's views in place of the integral over all x' (Kim & Ye, "Energy-Based Contrastive Learning
    of Visual Representations", 2022). Parts: ``accuracy``, how often the partner is the nearest of the second views.

    >>> from gibbsweep_models.baselines.simclr import SimCLRConfig
    >>> system = SimCLRConfig(channels=(4, 8)).build(DataSpec((1, 8, 8)))
    >>> loss = InfoNCE(temperature=0.5)(system, {"x": torch.rand(4, 1, 8, 8)}, generator=seeded(0))
    """

    temperature: float = 0.2
    """Temperature of the similarities."""
    augment: Augmentation = field(default_factory=Augmentation)
    """The random views."""

    def __post_init__(self) -> None:
        if self.temperature <= 0:
            raise ValueError(f"got temperature={self.temperature}, expected a positive number; 0.1 to 0.5 are common")

    def __call__(self, model: Embedder, batch: Batch, *, generator: torch.Generator) -> Loss:
        """``batch["x"]``: images (B, C, H, W) in [-1, 1]."""
        views = [self.augment(batch["x"], generator=generator) for _ in range(2)]
        first, second = model.embed(torch.cat(views)).chunk(2)
        loss = nt_xent(first, second, self.temperature)
        return Loss(loss, {"accuracy": partner_accuracy(first, second)})


def partner_accuracy(first: Tensor, second: Tensor) -> Tensor:
    """The share of ``first`` (B, F) whose nearest of all workers' ``second`` is their partner."""
    with torch.no_grad():
        nearest = (first @ parallel.all_gather_batch(second).T).argmax(dim=1)
        places = torch.arange(len(first), device=first.device) + parallel.rank() * len(first)
        return (nearest == places).float().mean()
