"""Criteria of which caption belongs to which picture: as a classifier of pairs, and as the energy of the joint
space."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gibbsweep_models import parallel
from gibbsweep_models.nn.transforms.augment import Augmentation
from gibbsweep_models.objectives.cd.contrastive_divergence import ContrastiveDivergence
from gibbsweep_models.types import Batch, Loss


class PairModel(Protocol):
    """A system with two towers and a joint energy."""

    def embed_pairs(self, batch: Batch) -> tuple[Tensor, Tensor]: ...

    def pair_energy(self, picture: Tensor, caption: Tensor) -> Tensor: ...

    def energy(self, x: Tensor, cond: Tensor | None = None) -> Tensor: ...


def energy_tables(model: PairModel, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
    """E of this worker's pictures with the captions of the global batch (B, N), of its captions with the pictures (B,
    N), and the columns (B,) of the pairs that belong together. ValueError for a global batch of one."""
    pictures, captions = model.embed_pairs(batch)
    both = parallel.gather_with_gradient(torch.stack([pictures, captions], dim=1))
    if len(both) < 2:
        raise ValueError(
            "got a batch of one pair, which has no others to be told from, so that nothing is learnt; choose a batch "
            "of two or more"
        )
    by_picture = model.pair_energy(pictures[:, None], both[None, :, 1])
    by_caption = model.pair_energy(both[None, :, 0], captions[:, None])
    columns = torch.arange(len(pictures), device=pictures.device) + parallel.rank() * len(pictures)
    return by_picture, by_caption, columns


def viewed(batch: Batch, augment: Augmentation | None, generator: torch.Generator) -> Mapping[str, Tensor]:
    """The batch with a random view in place of each picture."""
    return batch if augment is None else {**batch, "x": augment(batch["x"], generator=generator)}


class CLIPLoss(nn.Module):
    """The mean cross-entropy of finding each picture's caption and each caption's picture in the global batch, with
    logits -E (Radford et al. 2021, figure 3). Parts: ``accuracy`` of the first.

    >>> from gibbsweep_models.baselines.clip import CLIPConfig
    >>> system = CLIPConfig(channels=(4, 8)).build(DataSpec((1, 8, 8), vocabulary_size=10, text_length=4))
    >>> batch = {"x": torch.rand(3, 1, 8, 8), "text": torch.ones(3, 4, dtype=torch.long)}
    >>> loss = CLIPLoss()(system, batch, generator=seeded(0))
    """

    def __init__(self, augment: Augmentation | None = None) -> None:
        super().__init__()
        self.augment = augment

    def forward(self, model: PairModel, batch: Batch, *, generator: torch.Generator) -> Loss:
        """``batch``: pictures ``"x"`` (B, C, H, W) and captions ``"text"`` (B, L)."""
        by_picture, by_caption, own = energy_tables(model, viewed(batch, self.augment, generator))
        total = (F.cross_entropy(-by_picture, own) + F.cross_entropy(-by_caption, own)) / 2
        return Loss(total, {"accuracy": (by_picture.argmin(dim=1) == own).float().mean()})


class JointCD(nn.Module):
    """Contrastive divergence on E(picture, caption), p ∝ exp(-E) over both.

    The chain starts at a pair of the data and may move either half:

    - Gibbs: the caption is drawn from p(caption | picture) over the captions of the global batch, or the picture from
      p(picture | caption) over its pictures. Both conditionals are tables, so the negative term is their expectation
      instead of one draw (Rao-Blackwell): mean_i [E(x_i, t_i) - sum_j p(t_j | x_i) E(x_i, t_j)], and alike for
      pictures, halved. Captions of equal ids are one state, whose probability its copies share, and a caption's
      positive term is the mean over all its pictures: no picture is pushed away from its caption because another one
      has the same. With all captions different the gradient is that of :class:`CLIPLoss`.
    - Langevin: the picture moves in pixel space given its caption (``cd``, whose batch has the condition ``"text"``),
      on every ``every``-th pair, weighted by ``weight``.

    Parts: ``gibbs_gap``, ``accuracy``, and those of ``cd``.

    >>> from gibbsweep_models.energy.pair_ebm import PairEBMConfig
    >>> from gibbsweep_models.objectives.cd import LangevinCD
    >>> system = PairEBMConfig(channels=(4, 8)).build(DataSpec((1, 8, 8), vocabulary_size=10, text_length=4))
    >>> cd = LangevinCD(n_steps=2, persistent=False).objective((1, 8, 8), condition="text")
    >>> batch = {"x": torch.rand(4, 1, 8, 8), "text": torch.ones(4, 4, dtype=torch.long)}
    >>> loss = JointCD(cd, weight=0.02)(system, batch, generator=seeded(0))
    """

    def __init__(
        self, cd: ContrastiveDivergence, weight: float, augment: Augmentation | None = None, every: int = 4
    ) -> None:
        super().__init__()
        if weight < 0 or every < 1:
            raise ValueError(f"got weight={weight}, every={every}; expected weight >= 0 and every >= 1; raise it")
        self.cd = cd
        self.weight = weight
        self.augment = augment
        self.every = every

    def forward(self, model: PairModel, batch: Batch, *, generator: torch.Generator) -> Loss:
        """``batch``: pictures ``"x"`` (B, C, H, W) and captions ``"text"`` (B, L)."""
        batch = viewed(batch, self.augment, generator)
        by_picture, by_caption, _ = energy_tables(model, batch)
        texts = parallel.all_gather_batch(batch["text"])
        same = (batch["text"][:, None] == texts[None]).all(dim=2)
        copies = (texts[:, None] == texts[None]).all(dim=2).sum(dim=1)
        caption = (-by_picture - copies.log()).softmax(dim=1)
        picture = (-by_caption).softmax(dim=1)
        gap = (_gap(by_picture, same, caption) + _gap(by_caption, same, picture)) / 2
        accuracy = same.gather(1, by_picture.argmin(dim=1, keepdim=True)).float().mean()
        parts = {"gibbs_gap": gap.detach(), "accuracy": accuracy}
        total = gap
        nfe = None
        if self.weight > 0:
            share = {name: value[:: self.every] for name, value in batch.items()}
            moved = self.cd(model, share, generator=generator)
            total = total + self.weight * moved.total
            parts |= moved.parts
            nfe = moved.nfe
        return Loss(total, parts, nfe=nfe)


def _gap(energy: Tensor, data: Tensor, model: Tensor) -> Tensor:
    """The mean over rows of the energy's mean where ``data`` (B, N), bool, minus its expectation under ``model`` (B,
    N)."""
    positive = (energy * data).sum(dim=1) / data.sum(dim=1)
    return (positive - (model.detach() * energy).sum(dim=1)).mean()
