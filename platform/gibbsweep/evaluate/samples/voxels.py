"""Solids that a model draws, against real ones, by the voxels that they fill."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import torch
from torch import Tensor

from gibbsweep.data import Dataset, Split
from gibbsweep.errors import UserError
from gibbsweep.evaluate.drawing.grids import image_grid
from gibbsweep.evaluate.drawing.solids import TURNED_EDGE, TURNS, turned_solids
from gibbsweep.evaluate.examples import batches_of, examples_of
from gibbsweep.evaluate.features.distances import class_inception_score
from gibbsweep.evaluate.features.network import OwnClassifier, feature_network
from gibbsweep.train import Evaluation
from gibbsweep_models.capabilities import CanSample, HasReplay
from gibbsweep_models.types import Samples, Units


def occupancy(x: Tensor, units: Units) -> Tensor:
    """Mark the filled voxels of ``x`` (N, *D), those above the middle of the range: (N, prod(D)), 0 or 1."""
    middle = 0.5 if units == "binary" else 0.0
    return (x.flatten(1) > middle).float()


def intersection_over_union(a: Tensor, b: Tensor) -> Tensor:
    """|a ∩ b| / |a ∪ b| of every pair of ``a`` (n, V) and ``b`` (m, V), both 0 or 1: (n, m). Two empty solids are
    alike: 1."""
    # Exact: counts of voxels are whole numbers far below 2^24.
    both = a @ b.T
    either = a.sum(dim=1)[:, None] + b.sum(dim=1) - both
    return torch.where(either == 0, 1.0, both / either.clamp(min=1.0))


@dataclass(frozen=True)
class Matches:
    """How well samples cover real solids, by the distance 1 - IoU: Achlioptas et al., "Learning Representations and
    Generative Models for 3D Point Clouds" (2018)."""

    coverage: float
    """Share of the real solids that are the nearest one to some sample."""
    mmd: float
    """Mean distance of a real solid to the sample nearest to it (minimum matching distance)."""


def matches(real: Tensor, fake: Tensor) -> Matches:
    """Match ``real`` (n, V) with ``fake`` (m, V), both 0 or 1."""
    overlap = intersection_over_union(real, fake)
    covered = torch.unique(overlap.argmax(dim=0))
    return Matches(len(covered) / len(real), float((1.0 - overlap.max(dim=1).values).mean()))


def nearest_iou(x: Tensor, among: Iterable[Tensor]) -> tuple[Tensor, Tensor]:
    """The largest IoU (n,) of each of ``x`` (n, V) with the solids ``among``, which come in parts (m, V), and the index
    of the solid that reaches it (n,), int64."""
    largest = torch.full((len(x),), -1.0, device=x.device)
    nearest = torch.zeros(len(x), dtype=torch.int64, device=x.device)
    done = 0
    for part in among:
        overlap, index = intersection_over_union(x, part).max(dim=1)
        nearest = torch.where(overlap > largest, done + index, nearest)
        largest = torch.maximum(largest, overlap)
        done += len(part)
    return largest, nearest


@dataclass(frozen=True)
class VoxelGeneration:
    """Solids sampled from noise against as many examples of the split.

    A voxel is filled above the middle of the range; where a model knows the mean of each unit, that mean is what
    counts.

    Metrics: ``class_inception_score``, by the data set's own classifier; ``nearest_train_iou``, the mean over samples
    of the largest IoU with a training example, near 1 if they are copies; ``iou_coverage`` and ``iou_mmd``, see
    :class:`Matches`; ``filled``, the share of filled voxels; ``voxel_n``, the number of samples. Pictures: ``voxels``,
    and ``nearest_train``, rows of samples with the training example nearest to each beneath it.

    Example::

        VoxelGeneration(n=200)(system, load("solids").test, generator=seeded(0)).metrics["nearest_train_iou"]
    """

    n: int = 500
    """Number of samples, at most as many as the split has examples."""
    real: bool = False
    """Whether to add what the split's own examples get: ``nearest_train_iou_real`` and ``filled_real``."""
    batch_size: int = 250
    """Samples drawn at a time."""
    turned: int = 0
    """Number of samples that are drawn from all around, as the picture ``voxels_24_sides``, for the report."""
    features: OwnClassifier = "classifier"
    """The classifier of the inception score, whole or brief."""
    needs: ClassVar[type] = CanSample

    def briefly(self) -> Self:
        return replace(self, features="brief")

    def check_split(self, split: Split) -> None:
        _check_shape(split)

    def prepare(self, dataset: Dataset) -> str:
        return feature_network(dataset, self.features).description

    def __call__(self, system: CanSample, split: Split, *, generator: torch.Generator) -> Evaluation:
        n = min(self.n, len(split))
        # In parts: a chain of hundreds of solids does not fit a processor's cache.
        sizes = [min(self.batch_size, n - done) for done in range(0, n, self.batch_size)]
        parts = [occupancy(_unit_means(system.sample(size, generator=generator)), split.units) for size in sizes]
        solids = torch.cat(parts)
        evaluation = measure_voxels(solids, split, self.features)
        metrics, images = dict(evaluation.metrics), dict(evaluation.images)
        if self.real:
            metrics |= _of_data(n, split, generator.device)
        if self.turned:
            shown = solids[: self.turned].view(-1, *split.dataset.spec.shape)[:, 0].bool().cpu().numpy()
            images[f"voxels_{TURNS}_sides"] = turned_solids(shown, TURNED_EDGE, TURNS)
        return Evaluation(metrics, images)


@dataclass(frozen=True)
class VoxelReplay:
    """Solids from the replay buffer, where training has kept chains running (the published samples of descriptor
    networks).

    Metrics and pictures are those of :class:`VoxelGeneration` with the suffix ``_buffer``.

    Example::

        VoxelReplay(n=200)(system, load("solids").test, generator=seeded(0)).metrics["iou_coverage_buffer"]
    """

    n: int = 500
    """Number of samples. A buffer that holds fewer gives fewer: ``voxel_n_buffer`` says how many."""
    features: OwnClassifier = "classifier"
    """The classifier of the inception score, whole or brief."""
    needs: ClassVar[type] = HasReplay

    def briefly(self) -> Self:
        return replace(self, features="brief")

    def check_split(self, split: Split) -> None:
        _check_shape(split)

    def prepare(self, dataset: Dataset) -> str:
        return feature_network(dataset, self.features).description

    def __call__(self, system: HasReplay, split: Split, *, generator: torch.Generator) -> Evaluation:
        x = system.replayed(min(self.n, len(split)), generator=generator)
        evaluation = measure_voxels(occupancy(x, split.units), split, self.features)
        return Evaluation(
            {f"{name}_buffer": value for name, value in evaluation.metrics.items()},
            {f"{name}_buffer": picture for name, picture in evaluation.images.items()},
        )


_COLUMNS = 4
"""Solids in a row of a picture."""
_SHOWN = 24
"""Samples in the picture of them."""


def measure_voxels(fake: Tensor, split: Split, features: OwnClassifier = "classifier") -> Evaluation:
    """Measure samples ``fake`` (n, V), 0 or 1, against the split and the training examples: see
    :class:`VoxelGeneration`."""
    _check_shape(split)
    shape = split.dataset.spec.shape
    real = occupancy(examples_of(split, len(fake), fake.device), split.units)
    largest_iou, nearest_rows = nearest_iou(fake, _occupied_train(split, fake.device))
    match = matches(real, fake)
    metrics = {
        "class_inception_score": _inception_score(fake, split, features),
        "nearest_train_iou": float(largest_iou.mean()),
        "iou_coverage": match.coverage,
        "iou_mmd": match.mmd,
        "filled": float(fake.mean()),
        "voxel_n": float(len(fake)),
    }
    nearest = occupancy(split.dataset.train.batch(nearest_rows[: 2 * _COLUMNS].cpu())["x"], split.units)
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


def _of_data(n: int, split: Split, device: torch.device) -> dict[str, float]:
    """What ``n`` examples of the split get that samples get, too."""
    real = occupancy(examples_of(split, n, device), split.units)
    return {
        "nearest_train_iou_real": float(nearest_iou(real, _occupied_train(split, device))[0].mean()),
        "filled_real": float(real.mean()),
    }


def _inception_score(occupied: Tensor, split: Split, features: OwnClassifier) -> float:
    network = feature_network(split.dataset, features, occupied.device)
    _, log_probabilities = network(occupied.view(-1, *split.dataset.spec.shape), binary=True)
    return class_inception_score(log_probabilities)


def _unit_means(samples: Samples) -> Tensor:
    return samples.info.get("mean", samples.info.get("visible_mean", samples.x))


def _occupied_train(split: Split, device: torch.device) -> Iterator[Tensor]:
    """All training examples of the split's data set, in parts (m, V), 0 or 1."""
    for batch in batches_of(split.dataset.train, None, device):
        yield occupancy(batch["x"], split.units)


def _check_shape(split: Split) -> None:
    shape = split.dataset.spec.shape
    if len(shape) != 4:
        raise UserError(
            f"voxels are (1, X, Y, Z): '{split.dataset.name}' has examples of {shape}; use SampleDistances for other "
            "data."
        )
