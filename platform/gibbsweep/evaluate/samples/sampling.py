"""How samples come about and what they cost: seconds and evaluations, noise levels on the way, numbers of steps."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from gibbsweep.evaluate.drawing.grids import at_contrast, image_grid
from gibbsweep.evaluate.examples import Examples
from gibbsweep.train import Evaluation
from gibbsweep_models.capabilities import CanSample, CanSampleInSteps


@dataclass(frozen=True)
class SamplingCost:
    """Of ``n`` samples from noise, drawn at once: ``sampling_nfe``, network evaluations of one, and ``sampling_seconds``, this device's
    seconds for one. The seconds are a measurement: the same seed gives other ones."""

    n: int = 32
    needs: ClassVar[type] = CanSample

    def __call__(self, system: CanSample, split: Examples, *, generator: torch.Generator) -> Evaluation:
        _finish(generator.device)
        start = time.perf_counter()
        samples = system.sample(self.n, generator=generator)
        _finish(generator.device)
        seconds = (time.perf_counter() - start) / self.n
        return Evaluation({"sampling_nfe": float(samples.nfe), "sampling_seconds": seconds})


@dataclass(frozen=True)
class SamplingPath:
    """Chains on their way from noise to data, as ``sampling_path``: a row each, in ``columns`` moments evenly spread over the sampler's
    steps, the last one the sample. What is noisier than a picture is shown at a picture's contrast."""

    n_chains: int = 6
    columns: int = 10
    needs: ClassVar[type] = CanSample

    def __call__(self, system: CanSample, split: Examples, *, generator: torch.Generator) -> Evaluation:
        seen = _Thinned(8 * self.columns)
        end = system.sample(self.n_chains, generator=generator, trace=seen).x
        moments = [*seen.kept, end]
        chosen = torch.linspace(0, len(moments) - 1, min(self.columns, len(moments))).round().long().tolist()
        grid = torch.stack([at_contrast(moments[i]) for i in chosen], dim=1).flatten(0, 1)
        return Evaluation(images={"sampling_path": image_grid(grid, columns=len(chosen), binary=False)})


@dataclass(frozen=True)
class StepCounts:
    """The same noise in more and more steps of the model's own sampler, as ``step_counts``: a row for each of ``steps``."""

    steps: tuple[int, ...] = (3, 5, 10, 20, 50)
    columns: int = 10
    needs: ClassVar[type] = CanSampleInSteps

    def __call__(self, system: CanSampleInSteps, split: Examples, *, generator: torch.Generator) -> Evaluation:
        state = generator.get_state()
        rows = []
        for n_steps in self.steps:
            generator.set_state(state)
            rows.append(system.sample_in(self.columns, n_steps, generator=generator).x)
        return Evaluation(images={"step_counts": image_grid(torch.cat(rows), columns=self.columns, binary=False)})


class _Thinned:
    """A trace that keeps at most ``limit`` moments of however many, evenly spread."""

    def __init__(self, limit: int) -> None:
        self.limit, self.every, self.kept = limit, 1, list[Tensor]()

    def __call__(self, step: int, x: Tensor) -> None:
        if (step - 1) % self.every:
            return
        if len(self.kept) == self.limit:
            self.kept, self.every = self.kept[::2], 2 * self.every
            if (step - 1) % self.every:
                return
        self.kept.append(x.detach().clone())


def _finish(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
