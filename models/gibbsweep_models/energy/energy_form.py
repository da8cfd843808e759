"""An energy whose form is one of its numbers: every form is trained, sampled and scored in the same way."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from gibbsweep_models.draws import rand
from gibbsweep_models.nn.energy_forms import EnergyForm
from gibbsweep_models.objectives.langevin_cd import LangevinCD
from gibbsweep_models.types import DataSpec, Phase, Samples, SignedUnits, System, Trace


@dataclass(frozen=True)
class EnergyFormConfig(SignedUnits):
    """``form``: E(x); ``cd``: how it is trained. ``sample_steps``: Langevin steps from uniform noise to a sample."""

    form: EnergyForm = field(default_factory=EnergyForm)
    cd: LangevinCD = field(default_factory=lambda: LangevinCD(n_steps=10, learning_rate=1e-3))
    ema_decay: float = 0.99
    sample_steps: int = 256

    def build(self, spec: DataSpec) -> EnergyFormSystem:
        """The system for examples of ``spec.shape`` in [-1, 1]."""
        self.check_units(spec)
        return EnergyFormSystem(self, spec)


class EnergyFormSystem(System):
    """p(x) ∝ exp(-E(x) / T) on [-1, 1]^D."""

    def __init__(self, config: EnergyFormConfig, spec: DataSpec) -> None:
        super().__init__()
        self.config = config
        self.shape = spec.shape
        self.ema_decay = config.ema_decay
        self.network = config.form.build(spec.shape)
        self.sampler = config.cd.sampler()
        self.replay = config.cd.replay(spec.shape)

    def phases(self) -> list[Phase]:
        return [self.config.cd.phase(self.network.parameters(), self.shape, self.replay)]

    def initialise(self, x: Tensor) -> None:
        """What the form of the energy sets from examples ``x`` (N, *D)."""
        initialise = getattr(self.network, "initialise", None)
        if initialise is not None:
            initialise(x)

    def energy(self, x: Tensor, cond: Tensor | None = None) -> Tensor:
        """(B, *D) -> (B,)."""
        energy: Tensor = self.network(x, cond)
        return energy

    @torch.no_grad()
    def anomaly_score(self, x: Tensor, *, generator: torch.Generator) -> Tensor:
        """The energy: (B, *D) -> (B,)."""
        del generator
        return self.energy(x)

    def sample(self, n: int, *, generator: torch.Generator, trace: Trace | None = None) -> Samples:
        """``n`` examples (n, *D): ``sample_steps`` Langevin steps from uniform noise."""
        start = rand((n, *self.shape), generator=generator).mul_(2.0).sub_(1.0)
        return self.run_chain(start, self.config.sample_steps, generator=generator, trace=trace)

    def run_chain(self, x: Tensor, n_steps: int, *, generator: torch.Generator, trace: Trace | None = None) -> Samples:
        """``n_steps`` steps of the training sampler from ``x`` (B, *D)."""
        return replace(self.sampler, n_steps=n_steps)(self.energy, x, generator=generator, trace=trace)
