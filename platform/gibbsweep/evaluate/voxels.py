"""Solids that a model draws, against real ones, by what they occupy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from gibbsweep.data import Dataset, Split
from gibbsweep.errors import UserError
from gibbsweep.evaluate.contract import batches_of, first_examples
from gibbsweep.evaluate.distances import class_inception_score
from gibbsweep.evaluate.features import feature_network
from gibbsweep.evaluate.pictures import image_grid
from gibbsweep.train import Evaluation
from gibbsweep_models.capabilities import CanSample
from gibbsweep_models.types import Samples, Units


def occupancy(x: Tensor, units: Units) -> Tensor:
    """Which voxels of ``x`` (N, *D) are filled: above the middle of the range. (N, prod(D)), 0 or 1."""
    middle = 0.5 if units == "binary" else 0.0
    return (x.flatten(1) > middle).float()


def intersection_over_union(a: Tensor, b: Tensor) -> Tensor:
    """|a ∩ b| / |a ∪ b| of every pair of ``a`` (n, V) and ``b`` (m, V), both 0 or 1: (n, m). Two empty solids are alike: 1."""
    # Exact: counts of voxels are whole numbers far below 2^24.
    both = a @ b.T
    either = a.sum(dim=1)[:, None] + b.sum(dim=1) - both
    return torch.where(either == 0, 1.0, both / either.clamp(min=1.0))


@dataclass(frozen=True)
class Matches:
    """``coverage``: the share of real solids that are the nearest one to some sample; ``mmd``: the mean distance of a real solid
    to the sample nearest to it. Achlioptas et al., "Learning Representations and Generative Models for 3D Point Clouds" (2018),
    with the distance 1 - IoU."""

    coverage: float
    mmd: float


def matches(real: Tensor, fake: Tensor) -> Matches:
    """Of ``real`` (n, V) by ``fake`` (m, V), both 0 or 1."""
    overlap = intersection_over_union(real, fake)
    covered = overlap.argmax(dim=0).unique()
    return Matches(len(covered) / len(real), float((1.0 - overlap.max(dim=1).values).mean()))


def nearest_iou(x: Tensor, among: Iterator[Tensor]) -> tuple[Tensor, Tensor]:
    """The largest IoU of each of ``x`` (n, V) with the solids ``among``, which come in parts (m, V), and the number of the solid
    that it is reached with: (n,) and (n,) int64."""
    best = torch.full((len(x),), -1.0, device=x.device)
    which = torch.zeros(len(x), dtype=torch.int64, device=x.device)
    seen = 0
    for part in among:
        overlap, place = intersection_over_union(x, part).max(dim=1)
        which = torch.where(overlap > best, seen + place, which)
        best = torch.maximum(best, overlap)
        seen += len(part)
    return best, which


@dataclass(frozen=True)
class VoxelGeneration:
    """``n`` samples from noise against as many examples of the split, or against all of them where it has fewer (then there are
    as few samples): ``voxel_n`` says how many. A voxel is filled above the middle of the range; where a model knows the mean of
    each unit, that mean is what counts.

    ``class_inception_score``: by the data set's own classifier; ``nearest_train_iou``: the mean over samples of the largest IoU
    with a training example, near 1 if they are copies; ``iou_coverage`` and ``iou_mmd``: see :class:`Matches`;
    ``filled``: the share of filled voxels. ``references`` adds what real solids would get: ``class_inception_score_train``,
    ``iou_coverage_train`` and ``iou_mmd_train`` of as many training examples in place of samples,
    ``nearest_train_iou_real`` and ``filled_real`` of the split's own examples. Pictures: ``voxels``, and ``nearest_train``, the
    nearest training example under each of some samples.
    """

    n: int = 500
    batch_size: int = 250
    references: bool = False
    shown: int = 24
    columns: int = 4
    needs: type = CanSample

    def prepare(self, dataset: Dataset) -> str:
        return feature_network(dataset, "classifier").description

    def __call__(self, system: CanSample, split: Split, *, generator: torch.Generator) -> Evaluation:
        if len(split.dataset.spec.shape) != 4:
            raise UserError(
                f"VoxelGeneration measures voxels (1, X, Y, Z): '{split.dataset.name}' has examples of "
                f"{split.dataset.spec.shape}; use SampleDistances for other data"
            )
        n, units = min(self.n, len(split)), split.units
        # In parts: a chain of hundreds of solids does not fit a processor's cache.
        sizes = [min(self.batch_size, n - done) for done in range(0, n, self.batch_size)]
        fake = torch.cat([occupancy(_mean(system.sample(size, generator=generator)), units) for size in sizes])
        examples = first_examples(split, n, fake.device)
        real = occupancy(examples, units)
        best, which = nearest_iou(fake, _training(split, fake.device))
        matched = matches(real, fake)
        metrics = {
            "class_inception_score": self._inception_score(fake, split),
            "nearest_train_iou": float(best.mean()),
            "iou_coverage": matched.coverage,
            "iou_mmd": matched.mmd,
            "filled": float(fake.mean()),
            "voxel_n": float(n),
        }
        if self.references:
            train = occupancy(first_examples(split.dataset.train, n, fake.device), units)
            matched = matches(real, train)
            metrics |= {
                "class_inception_score_train": self._inception_score(train, split),
                "nearest_train_iou_real": float(nearest_iou(real, _training(split, fake.device))[0].mean()),
                "iou_coverage_train": matched.coverage,
                "iou_mmd_train": matched.mmd,
                "filled_real": float(real.mean()),
            }
        shape = split.dataset.spec.shape
        nearest = occupancy(split.dataset.train.batch(which[: 2 * self.columns].cpu())["x"], units)
        pairs = torch.cat([torch.cat([fake[rows].cpu(), nearest[rows]]) for rows in self._rows(n)])
        images = {
            "voxels": image_grid(fake[: self.shown].unflatten(1, shape), columns=self.columns, binary=True),
            "nearest_train": image_grid(pairs.unflatten(1, shape), columns=min(n, self.columns), binary=True),
        }
        return Evaluation(metrics, images)

    def _rows(self, n: int) -> list[slice]:
        """Of the samples that are shown over their nearest training example: two, if there are as many."""
        return [slice(start, start + self.columns) for start in (0, self.columns) if start + self.columns <= n] or [
            slice(0, n)
        ]

    def _inception_score(self, occupied: Tensor, split: Split) -> float:
        network = feature_network(split.dataset, "classifier", occupied.device)
        _, log_probabilities = network(occupied.unflatten(1, split.dataset.spec.shape), binary=True)
        return class_inception_score(log_probabilities)


def _mean(samples: Samples) -> Tensor:
    return samples.info.get("mean", samples.info.get("visible_mean", samples.x))


def _training(split: Split, device: torch.device) -> Iterator[Tensor]:
    for batch in batches_of(split.dataset.train, None, device):
        yield occupancy(batch["x"], split.units)
