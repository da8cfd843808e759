"""An energy whose form is one of its numbers: every form is trained, sampled and scored in the same way."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from gibbsweep_models.bases.langevin_system import LangevinSystem
from gibbsweep_models.nn.energies.named import NamedEnergyConfig
from gibbsweep_models.objectives.cd.langevin_cd import LangevinCD
from gibbsweep_models.types import DataSpec, Phase, SignedUnits


@dataclass(frozen=True)
class EnergyFormConfig(SignedUnits):
    """``form``: E(x); ``cd``: how it is trained. ``sample_steps``: Langevin steps from uniform noise to a sample."""

    form: NamedEnergyConfig = field(default_factory=NamedEnergyConfig)
    cd: LangevinCD = field(default_factory=lambda: LangevinCD(n_steps=10, learning_rate=1e-3))
    ema_decay: float = 0.99
    sample_steps: int = 256

    def build(self, spec: DataSpec) -> EnergyFormSystem:
        """The system for examples of ``spec.shape`` in [-1, 1]."""
        self.check_units(spec)
        return EnergyFormSystem(self, spec)


class EnergyFormSystem(LangevinSystem):
    """p(x) ∝ exp(-E(x) / T) on [-1, 1]^D."""

    def __init__(self, config: EnergyFormConfig, spec: DataSpec) -> None:
        super().__init__(config.cd, spec, ema_decay=config.ema_decay, sample_steps=config.sample_steps)
        self.config = config
        self.network = config.form.build(spec.shape)
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
