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
    """An energy of a named form, trained by contrastive divergence.

    >>> system = EnergyFormConfig(NamedEnergyConfig(name="mlp", width=2)).build(DataSpec((1, 8, 8)))
    >>> system.energy(torch.zeros(2, 1, 8, 8)).shape
    torch.Size([2])
    """

    form: NamedEnergyConfig = field(default_factory=NamedEnergyConfig)
    """The form of E(x)."""
    cd: LangevinCD = field(default_factory=lambda: LangevinCD(n_steps=10, learning_rate=1e-3))
    """The chains and the numbers of training."""
    ema_decay: float = 0.99
    """Decay per update of the averaged weights."""
    sample_steps: int = 256
    """Langevin steps from uniform noise to a sample."""

    def build(self, spec: DataSpec) -> EnergyFormSystem:
        """The system for examples of ``spec.shape`` in [-1, 1]."""
        self.check_units(spec)
        return EnergyFormSystem(self, spec)


class EnergyFormSystem(LangevinSystem):
    """The density p(x) ∝ exp(-E(x) / T) on [-1, 1]^D."""

    def __init__(self, config: EnergyFormConfig, spec: DataSpec) -> None:
        super().__init__(config.cd, spec, ema_decay=config.ema_decay, sample_steps=config.sample_steps)
        self.config = config
        self.network = config.form.build(spec.shape)
        self.replay = config.cd.replay(spec.shape)

    def phases(self) -> list[Phase]:
        return [self.config.cd.phase(self.network.parameters(), self.shape, self.replay)]

    def initialise(self, x: Tensor) -> None:
        """Set what the form of the energy takes from examples ``x`` (N, *D)."""
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
