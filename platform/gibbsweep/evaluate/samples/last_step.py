"""The worth of the last step of a chain: the same samples with and without it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Self

import torch
from torch import Tensor

from gibbsweep.data import Dataset, Split
from gibbsweep.evaluate.demands import ask_number
from gibbsweep.evaluate.drawing.grids import are_images, image_grid
from gibbsweep.evaluate.features.distances import LEAST
from gibbsweep.evaluate.features.network import FeatureKind, brief, feature_network
from gibbsweep.evaluate.samples.sample_distances import feature_distances
from gibbsweep.train import Evaluation
from gibbsweep_models.capabilities import CanLeaveOutLastStep


@dataclass(frozen=True)
class LastStep:
    """Distances of samples as Langevin dynamics leaves them and after the step that denoises them.

    Metrics: those of :class:`~gibbsweep.evaluate.samples.sample_distances.SampleDistances` with the suffixes ``_noisy``
    and ``_denoised``, and ``last_step_gain``, by how much the last step lowers the Fréchet distance. Picture
    ``last_step`` of images: a row before the step and a row after it.

    Example::

        LastStep(n=1_000)(system, load("mnist").test, generator=seeded(0)).metrics["last_step_gain"]
    """

    n: int = 2000
    """Number of samples, at most as many as the split has examples."""
    features: FeatureKind = "classifier"
    """The network in whose features distances are taken."""
    batch_size: int = 250
    """Samples drawn at a time."""
    shown: int = 10
    """Images in a row of the picture."""
    needs: ClassVar[type] = CanLeaveOutLastStep

    def briefly(self) -> Self:
        return replace(self, features=brief(self.features))

    def check_split(self, split: Split) -> None:
        ask_number(self, split, self.n, LEAST)

    def prepare(self, dataset: Dataset) -> str:
        return feature_network(dataset, self.features).description

    def __call__(self, system: CanLeaveOutLastStep, split: Split, *, generator: torch.Generator) -> Evaluation:
        n = min(self.n, len(split))
        parts: dict[str, list[Tensor]] = {"noisy": [], "denoised": []}
        for done in range(0, n, self.batch_size):
            pair = system.sample_with_last_step(min(self.batch_size, n - done), generator=generator)
            for ending, samples in zip(parts, pair, strict=True):
                parts[ending].append(samples.x)
        x_by_ending = {ending: torch.cat(batches) for ending, batches in parts.items()}
        metrics = {
            f"{name}_{ending}": value
            for ending, x in x_by_ending.items()
            for name, value in feature_distances(x, split, self.features).items()
        }
        metrics["last_step_gain"] = metrics["frechet_distance_noisy"] - metrics["frechet_distance_denoised"]
        rows = torch.cat([x[: self.shown] for x in x_by_ending.values()])
        if not are_images(rows):
            return Evaluation(metrics)
        return Evaluation(metrics, {"last_step": image_grid(rows, columns=len(rows) // 2, binary=False)})
