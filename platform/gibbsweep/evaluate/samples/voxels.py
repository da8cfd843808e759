"""Solids that a model draws, against real ones, by what they occupy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from gibbsweep.data import Dataset, Split
from gibbsweep.errors import UserError
from gibbsweep.evaluate.drawing.grids import image_grid
from gibbsweep.evaluate.examples import batches_of, first_examples
from gibbsweep.evaluate.features.distances import class_inception_score
from gibbsweep.evaluate.features.network import feature_network
from gibbsweep.train import Evaluation
from gibbsweep_models.capabilities import CanSample, HasReplay
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
    covered = torch.unique(overlap.argmax(dim=0))
    return Matches(len(covered) / len(real), float((1.0 - overlap.max(dim=1).values).mean()))


def nearest_iou(x: Tensor, among: Iterable[Tensor]) -> tuple[Tensor, Tensor]:
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
    ``filled``: the share of filled voxels. ``references`` adds what real solids get: ``class_inception_score_train``,
    ``iou_coverage_train`` and ``iou_mmd_train`` of as many training examples in place of samples,
    ``nearest_train_iou_real`` and ``filled_real`` of the split's own examples. Pictures: ``voxels``, and ``nearest_train``, rows
    of samples with the training example nearest to each beneath it.
    """

    n: int = 500
    references: bool = False
    batch_size: int = 250
    needs: ClassVar[type] = CanSample

    def prepare(self, dataset: Dataset) -> str:
        return feature_network(dataset, "classifier").description

    def __call__(self, system: CanSample, split: Split, *, generator: torch.Generator) -> Evaluation:
        n = min(self.n, len(split))
        # In parts: a chain of hundreds of solids does not fit a processor's cache.
        sizes = [min(self.batch_size, n - done) for done in range(0, n, self.batch_size)]
        parts = [occupancy(_mean(system.sample(size, generator=generator)), split.units) for size in sizes]
        measured = measure_voxels(torch.cat(parts), split)
        if not self.references:
            return measured
        return Evaluation({**measured.metrics, **_references(n, split, generator.device)}, measured.images)


@dataclass(frozen=True)
class VoxelReplay:
    """The same numbers and pictures, with the suffix ``_buffer``, for samples from the replay buffer, where training has kept
    chains running (the published samples of descriptor networks). A buffer that holds fewer than ``n`` gives fewer:
    ``voxel_n_buffer`` says how many."""

    n: int = 500
    needs: ClassVar[type] = HasReplay

    def prepare(self, dataset: Dataset) -> str:
        return feature_network(dataset, "classifier").description

    def __call__(self, system: HasReplay, split: Split, *, generator: torch.Generator) -> Evaluation:
        x = system.replayed(min(self.n, len(split)), generator=generator)
        measured = measure_voxels(occupancy(x, split.units), split)
        return Evaluation(
            {f"{name}_buffer": value for name, value in measured.metrics.items()},
            {f"{name}_buffer": picture for name, picture in measured.images.items()},
        )


_COLUMNS, _SHOWN = 4, 24


def measure_voxels(fake: Tensor, split: Split) -> Evaluation:
    """Samples ``fake`` (n, V), 0 or 1, against the split and its data set's training examples: see :class:`VoxelGeneration`."""
    shape = split.dataset.spec.shape
    if len(shape) != 4:
        raise UserError(
            f"voxels are (1, X, Y, Z): '{split.dataset.name}' has examples of {shape}; use SampleDistances for other data"
        )
    real = occupancy(first_examples(split, len(fake), fake.device), split.units)
    best, which = nearest_iou(fake, _training(split, fake.device))
    matched = matches(real, fake)
    metrics = {
        "class_inception_score": _inception_score(fake, split),
        "nearest_train_iou": float(best.mean()),
        "iou_coverage": matched.coverage,
        "iou_mmd": matched.mmd,
        "filled": float(fake.mean()),
        "voxel_n": float(len(fake)),
    }
    nearest = occupancy(split.dataset.train.batch(which[: 2 * _COLUMNS].cpu())["x"], split.units)
    above_nearest = [
        solids[start : start + _COLUMNS]
        for start in range(0, len(nearest), _COLUMNS)
        for solids in (fake[: len(nearest)].cpu(), nearest)
    ]
    grids = {"voxels": fake[:_SHOWN], "nearest_train": torch.cat(above_nearest)}
    images = {
        name: image_grid(solids.view(-1, *shape), columns=min(_COLUMNS, len(fake)), binary=True)
        for name, solids in grids.items()
    }
    return Evaluation(metrics, images)


def _references(n: int, split: Split, device: torch.device) -> dict[str, float]:
    real = occupancy(first_examples(split, n, device), split.units)
    train = occupancy(first_examples(split.dataset.train, n, device), split.units)
    matched = matches(real, train)
    return {
        "class_inception_score_train": _inception_score(train, split),
        "nearest_train_iou_real": float(nearest_iou(real, _training(split, device))[0].mean()),
        "iou_coverage_train": matched.coverage,
        "iou_mmd_train": matched.mmd,
        "filled_real": float(real.mean()),
    }


def _inception_score(occupied: Tensor, split: Split) -> float:
    network = feature_network(split.dataset, "classifier", occupied.device)
    _, log_probabilities = network(occupied.view(-1, *split.dataset.spec.shape), binary=True)
    return class_inception_score(log_probabilities)


def _mean(samples: Samples) -> Tensor:
    return samples.info.get("mean", samples.info.get("visible_mean", samples.x))


def _training(split: Split, device: torch.device) -> Iterator[Tensor]:
    for batch in batches_of(split.dataset.train, None, device):
        yield occupancy(batch["x"], split.units)
