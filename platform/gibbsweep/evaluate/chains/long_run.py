"""Long runs: where a chain goes when it is not stopped at the number of steps that it was trained for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Protocol, Self, runtime_checkable

import torch

from gibbsweep.data import Dataset, Split
from gibbsweep.evaluate.drawing.grids import are_images, image_grid
from gibbsweep.evaluate.examples import examples_of
from gibbsweep.evaluate.features.distances import frechet_distance, kernel_distance
from gibbsweep.evaluate.features.network import FeatureKind, brief, feature_network
from gibbsweep.train import Evaluation
from gibbsweep_models.capabilities import CanSample, HasChain, HasEnergy


@runtime_checkable
class EnergyThatSamples(HasEnergy, HasChain, CanSample, Protocol):
    """A system with an energy, samples from noise, and the chain that made them."""


@dataclass(frozen=True)
class LongRun:
    """Samples from noise, moved on by many steps of the model's own chain: Nijkamp et al., "On the Anatomy of
    MCMC-Based Maximum Likelihood Learning of Energy-Based Models" (2020), whose short runs make pictures that long runs
    burn out.

    Metrics: ``long_run_energy_drift``, the mean energy at the end minus at the start, in standard deviations of the
    data's energy; ``long_run_kernel_distance`` and ``long_run_frechet_distance`` of the ends to as many examples, and
    the same with the suffix ``_drift``, minus the distance of the starts; ``long_run_n``, the number of chains. The
    kernel distance has no bias at any number of chains, the Fréchet distance has one. Picture ``long_run`` of images: a
    row for each chain, at the start and at ``shown`` shares of the way.

    Example::

        LongRun(n_steps=1_000)(system, load("mnist").test, generator=seeded(0)).metrics["long_run_energy_drift"]
    """

    n_steps: int = 10_000
    """Steps of each chain after its sample."""
    n_chains: int = 128
    """Number of chains, at most as many as the split has examples."""
    features: FeatureKind = "classifier"
    """The network in whose features distances are taken."""
    shown: tuple[float, ...] = (0.01, 0.03, 0.1, 0.3, 1.0)
    """Shares of the way, a column each."""
    rows: int = 8
    """Chains in the picture."""
    needs: ClassVar[type] = EnergyThatSamples

    def briefly(self) -> Self:
        return replace(self, features=brief(self.features))

    @property
    def chain_steps(self) -> int:
        return self.n_steps

    def prepare(self, dataset: Dataset) -> str:
        return feature_network(dataset, self.features).description

    def __call__(self, system: EnergyThatSamples, split: Split, *, generator: torch.Generator) -> Evaluation:
        n = min(self.n_chains, len(split))
        data = examples_of(split, n, generator.device)
        start = x = system.sample(n, generator=generator).x
        columns, done = [start[: self.rows]], 0
        for step in sorted({max(1, round(share * self.n_steps)) for share in self.shown} | {self.n_steps}):
            x = system.run_chain(x, step - done, generator=generator).x
            done = step
            columns.append(x[: self.rows])
        network = feature_network(split.dataset, self.features, x.device)
        binary = split.units == "binary"
        real, before, after = (network(part, binary=binary)[0] for part in (data, start, x))
        kernel, frechet = kernel_distance(real, after), frechet_distance(real, after)
        drift = (system.energy(x).mean() - system.energy(start).mean()) / system.energy(data).std()
        metrics = {
            "long_run_energy_drift": float(drift),
            "long_run_kernel_distance": kernel,
            "long_run_kernel_distance_drift": kernel - kernel_distance(real, before),
            "long_run_frechet_distance": frechet,
            "long_run_frechet_distance_drift": frechet - frechet_distance(real, before),
            "long_run_n": float(n),
        }
        images = {}
        if are_images(x):
            grid = torch.stack(columns, dim=1).flatten(0, 1)
            images["long_run"] = image_grid(grid, columns=len(columns), binary=binary)
        return Evaluation(metrics, images)
