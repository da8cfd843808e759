"""What the measures of samples give without a model: training examples in place of samples, and noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from gibbsweep_models.draws import bernoulli, rand, randn
from gibbsweep_models.types import Batch, DataSpec, Phase, Samples, System, Trace, Units


@dataclass(frozen=True)
class TrainingDataConfig:
    """Training examples as samples: the best that a measure of ``n`` samples can be asked for at this ``n``.

    >>> system = TrainingDataConfig().build(DataSpec((4,)))
    >>> system.fit({"x": torch.randn(50, 4)}, generator=seeded(0))
    >>> system.sample(3, generator=seeded(0)).x.shape
    torch.Size([3, 4])
    """

    units: Units = "signed"
    """The units of the data."""
    n_examples: int = 10_000
    """Most examples that are kept, drawn at random."""

    def build(self, spec: DataSpec) -> TrainingDataSystem:
        """The system for examples of ``spec.shape``."""
        _check_units(self.units, spec)
        return TrainingDataSystem(self)


@dataclass(frozen=True)
class NoiseConfig:
    """Noise as samples, each value by itself with the mean and the deviation that it has over the training examples:
    what a measure gives for nothing learned but those. Binary values are on as often as in the data.

    >>> system = NoiseConfig("uniform").build(DataSpec((4,)))
    >>> system.fit({"x": torch.randn(50, 4)}, generator=seeded(0))
    >>> system.sample(3, generator=seeded(0)).x.shape
    torch.Size([3, 4])
    """

    form: Literal["gaussian", "uniform"] = "gaussian"
    """The distribution of a value that is not binary."""
    units: Units = "signed"
    """The units of the data."""

    def build(self, spec: DataSpec) -> NoiseSystem:
        """The system for examples of ``spec.shape``."""
        _check_units(self.units, spec)
        if self.form not in ("gaussian", "uniform"):
            raise ValueError(f"got form={self.form!r}, expected 'gaussian' or 'uniform'")
        return NoiseSystem(self, spec)


class _Reference(System):
    """Samples in every way that measures ask for them, of no network evaluation."""

    def phases(self) -> list[Phase]:
        return []

    def sample(self, n: int, *, generator: torch.Generator, trace: Trace | None = None) -> Samples:
        """``n`` examples (n, *D); there is no chain to trace."""
        del trace
        return Samples(self._drawn(n, generator), nfe=0)

    def sample_classes(self, y: Tensor, *, generator: torch.Generator) -> Samples:
        """An example for each class of ``y`` (n,): (n, *D)."""
        return Samples(self._drawn_of(y, generator), nfe=0)

    def sample_with_last_step(self, n: int, *, generator: torch.Generator) -> tuple[Samples, Samples]:
        """The same ``n`` examples (n, *D) twice: there is no last step."""
        samples = self.sample(n, generator=generator)
        return samples, samples

    def _drawn(self, n: int, generator: torch.Generator) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} must define _drawn()")

    def _drawn_of(self, y: Tensor, generator: torch.Generator) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} must define _drawn_of()")


class TrainingDataSystem(_Reference):
    """The training examples ``x``, and their classes ``y`` if they have any. A checkpoint holds none of them: they are
    the data set's."""

    def __init__(self, config: TrainingDataConfig) -> None:
        super().__init__()
        self.config = config
        self.x: Tensor | None = None
        self.y: Tensor | None = None

    def fit(self, batch: Batch, *, generator: torch.Generator) -> None:
        """Keep ``n_examples`` of ``batch["x"]`` (N, *D), and of ``batch["y"]`` (N,) if there is one."""
        order = torch.randperm(len(batch["x"]), generator=generator, device=generator.device)
        kept = order[: self.config.n_examples].to(batch["x"].device)
        self.x = batch["x"][kept]
        self.y = batch["y"][kept] if "y" in batch else None

    def _drawn(self, n: int, generator: torch.Generator) -> Tensor:
        x = self._examples()
        return x[_shuffled(len(x), n, generator)]

    def _drawn_of(self, y: Tensor, generator: torch.Generator) -> Tensor:
        x = self._examples()
        if self.y is None:
            raise ValueError("these training examples have no classes: got labels, expected sample(n)")
        drawn = x.new_empty((len(y), *x.shape[1:]))
        for label in sorted(set(y.tolist())):
            places, members = (y == label).nonzero()[:, 0], (self.y == label).nonzero()[:, 0]
            if not len(members):
                raise ValueError(f"got class {label}, of which there is no training example: ask for others")
            drawn[places] = x[members[_shuffled(len(members), len(places), generator)]]
        return drawn

    def _examples(self) -> Tensor:
        if self.x is None:
            raise ValueError("there are no training examples yet: call fit() first")
        return self.x


class NoiseSystem(_Reference):
    """Independent values with the moments of the training data's."""

    mean: Tensor
    """The mean of each value, (*D)."""
    std: Tensor
    """The deviation of each value, (*D); not a number before :meth:`fit`."""

    def __init__(self, config: NoiseConfig, spec: DataSpec) -> None:
        super().__init__()
        self.config, self.shape = config, spec.shape
        self.register_buffer("mean", torch.full(spec.shape, torch.nan))
        self.register_buffer("std", torch.full(spec.shape, torch.nan))

    def fit(self, batch: Batch, *, generator: torch.Generator) -> None:
        """Take the moments of ``batch["x"]`` (N, *D)."""
        del generator
        std, mean = torch.std_mean(batch["x"], dim=0, correction=0)
        self.mean, self.std = mean.to(self.mean), std.to(self.std)

    def _drawn(self, n: int, generator: torch.Generator) -> Tensor:
        if bool(self.mean.isnan().any()):
            raise ValueError("the moments of the data are not known yet: call fit() first")
        mean, std = self.mean, self.std
        shape = (n, *self.shape)
        if self.config.units == "binary":
            return bernoulli(mean.expand(shape).contiguous(), generator=generator)
        if self.config.form == "gaussian":
            return mean + std * randn(shape, generator=generator)
        return mean + std * 3**0.5 * (2.0 * rand(shape, generator=generator) - 1.0)

    def _drawn_of(self, y: Tensor, generator: torch.Generator) -> Tensor:
        """Noise has no class."""
        return self._drawn(len(y), generator)


def _check_units(units: Units, spec: DataSpec) -> None:
    if spec.units != units:
        raise ValueError(f"got data in {spec.units} units, expected {units} ones: pass units={spec.units!r}")


def _shuffled(n: int, count: int, generator: torch.Generator) -> Tensor:
    """``count`` numbers below ``n`` in random order, none again before all have come."""
    rounds = [torch.randperm(n, generator=generator, device=generator.device) for _ in range(-(-count // n))]
    return torch.cat(rounds)[:count] if rounds else torch.empty(0, dtype=torch.int64, device=generator.device)
