"""How samples come about and what they cost: evaluations and seconds, noise levels on the way, numbers of steps."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from gibbsweep.evaluate.demands import ask_pictures
from gibbsweep.evaluate.drawing.grids import at_contrast, image_grid
from gibbsweep.evaluate.examples import Examples, evenly_spread
from gibbsweep.train import Evaluation
from gibbsweep_models.capabilities import CanSample, CanSampleInSteps
from gibbsweep_models.types import Samples

if TYPE_CHECKING:
    from gibbsweep.data import Split


@dataclass(frozen=True)
class SamplingCost:
    """The cost of a sample from noise.

    Metrics: ``sampling_nfe``, network evaluations of one sample, and ``sampling_seconds``, seconds of this device for
    one. The seconds are a measurement: the same seed gives other ones.

    Example::

        SamplingCost(n=64)(system, load("mnist").test, generator=seeded(0)).metrics["sampling_seconds"]
    """

    n: int = 32
    """Samples drawn at once."""
    needs: ClassVar[type] = CanSample

    def __call__(self, system: CanSample, split: Examples, *, generator: torch.Generator) -> Evaluation:
        samples, seconds = timed_samples(system, self.n, generator=generator)
        return Evaluation({"sampling_nfe": float(samples.nfe), "sampling_seconds": seconds / self.n})


@dataclass(frozen=True)
class SamplingPath:
    """Chains on their way from noise to data, as the picture ``sampling_path``: a row for each chain, the last column
    its sample.

    What is noisier than a picture is shown at a picture's contrast.

    Example::

        SamplingPath(n_chains=4)(system, load("mnist").test, generator=seeded(0)).images["sampling_path"]
    """

    n_chains: int = 6
    """Number of chains."""
    columns: int = 10
    """Moments of each chain that are shown, evenly spread over the steps of the sampler."""
    needs: ClassVar[type] = CanSample

    def check_split(self, split: Split) -> None:
        ask_pictures(self, split)

    def __call__(self, system: CanSample, split: Examples, *, generator: torch.Generator) -> Evaluation:
        trace = _ThinnedTrace(8 * self.columns)
        end = system.sample(self.n_chains, generator=generator, trace=trace).x
        moments = [*trace.moments, end]
        columns = evenly_spread(len(moments), self.columns).tolist()
        grid = torch.stack([at_contrast(moments[i]) for i in columns], dim=1).flatten(0, 1)
        return Evaluation(images={"sampling_path": image_grid(grid, columns=len(columns), binary=False)})


@dataclass(frozen=True)
class StepCounts:
    """Samples from the same noise by more and more steps of the model's own sampler, as the picture ``step_counts``.

    Example::

        StepCounts(steps=(5, 10, 50))(system, load("mnist").test, generator=seeded(0)).images["step_counts"]
    """

    steps: tuple[int, ...] = (3, 5, 10, 20, 50)
    """Numbers of steps, a row each."""
    columns: int = 10
    """Samples in a row."""
    needs: ClassVar[type] = CanSampleInSteps

    def check_split(self, split: Split) -> None:
        ask_pictures(self, split)

    def __call__(self, system: CanSampleInSteps, split: Examples, *, generator: torch.Generator) -> Evaluation:
        state = generator.get_state()
        rows = []
        for n_steps in self.steps:
            generator.set_state(state)
            rows.append(system.sample_in(self.columns, n_steps, generator=generator).x)
        return Evaluation(images={"step_counts": image_grid(torch.cat(rows), columns=self.columns, binary=False)})


def timed_samples(system: CanSample, n: int, *, generator: torch.Generator) -> tuple[Samples, float]:
    """``n`` samples from noise, and the seconds that they took on the device of ``generator``."""
    _wait_for(generator.device)
    start = time.perf_counter()
    samples = system.sample(n, generator=generator)
    _wait_for(generator.device)
    return samples, time.perf_counter() - start


class _ThinnedTrace:
    """A trace that keeps at most ``limit`` moments of a chain of any length, evenly spread."""

    def __init__(self, limit: int) -> None:
        self.limit, self.every, self.moments = limit, 1, list[Tensor]()

    def __call__(self, step: int, x: Tensor) -> None:
        if (step - 1) % self.every:
            return
        if len(self.moments) == self.limit:
            self.moments, self.every = self.moments[::2], 2 * self.every
            if (step - 1) % self.every:
                return
        self.moments.append(x.detach().clone())


def _wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
