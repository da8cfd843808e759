"""What the last step of a chain is worth: the same samples with and without it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from gibbsweep.data import Dataset, Split
from gibbsweep.evaluate.drawing.grids import image_grid
from gibbsweep.evaluate.features.network import Features, feature_network
from gibbsweep.evaluate.samples.sample_distances import distances
from gibbsweep.train import Evaluation
from gibbsweep_models.capabilities import CanLeaveOutLastStep


@dataclass(frozen=True)
class LastStep:
    """``n`` samples, or as many as the split has, as Langevin dynamics leaves them and after the step that denoises them.

    The measures of :class:`SampleDistances` with the suffixes ``_noisy`` and ``_denoised``, and ``last_step_gain``, by how much the
    last step lowers the Fréchet distance. Picture ``last_step`` of images: a row before it and a row after.
    """

    n: int = 2000
    features: Features = "classifier"
    batch_size: int = 250
    shown: int = 10
    needs: ClassVar[type] = CanLeaveOutLastStep

    def prepare(self, dataset: Dataset) -> str:
        return feature_network(dataset, self.features).description

    def __call__(self, system: CanLeaveOutLastStep, split: Split, *, generator: torch.Generator) -> Evaluation:
        n = min(self.n, len(split))
        ends: dict[str, list[Tensor]] = {"noisy": [], "denoised": []}
        for done in range(0, n, self.batch_size):
            pair = system.sample_with_last_step(min(self.batch_size, n - done), generator=generator)
            for kept, samples in zip(ends.values(), pair, strict=True):
                kept.append(samples.x)
        metrics: dict[str, float] = {}
        for ending, kept in ends.items():
            found = distances(torch.cat(kept), split, self.features)
            metrics |= {f"{name}_{ending}": value for name, value in found.items()}
        metrics["last_step_gain"] = metrics["frechet_distance_noisy"] - metrics["frechet_distance_denoised"]
        images = {}
        first = [torch.cat(kept)[: self.shown] for kept in ends.values()]
        if first[0].ndim == 4 and first[0].shape[1] in (1, 3):
            images["last_step"] = image_grid(torch.cat(first), columns=len(first[0]), binary=False)
        return Evaluation(metrics, images)
