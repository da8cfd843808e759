"""Equilibrium Matching: a field without time, or the gradient of an energy, at rest at the data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from gibbsweep_models.bases.potential_system import PotentialSystem, PotentialTraining, denoised_along
from gibbsweep_models.draws import randn
from gibbsweep_models.nn.energies.potential import Potential
from gibbsweep_models.nn.gradients import check_shape
from gibbsweep_models.objectives.flow_matching.gradient_matching import GradientMatching
from gibbsweep_models.samplers.mcmc.langevin import Langevin
from gibbsweep_models.samplers.mcmc.nesterov import NesterovDescent
from gibbsweep_models.types import DataSpec, Phase, Samples, System, Trace


@dataclass(frozen=True)
class EquilibriumMatchingConfig(PotentialTraining):
    """Wang & Du, "Equilibrium Matching: Generative Modeling with Implicit Energy-Based Models" (2025): a field learns
    c(t) (n - x_0) without t, c falling to 0 at the data, and samples are where descent along it comes to rest. Their
    factor of 4 on the field is one on the step here.

    >>> from gibbsweep_models.nn.energies import PotentialConfig
    >>> from gibbsweep_models.nn.noise_networks import UNetConfig
    >>> config = EquilibriumMatchingConfig(PotentialConfig(UNetConfig((8, 8))), sampler=NesterovDescent(5))
    >>> config.build(DataSpec((1, 8, 8))).sample(2, generator=seeded(0)).x.shape
    torch.Size([2, 1, 8, 8])
    """

    explicit: bool = True
    """Whether the field is the gradient of an energy; else it is the network's own, in a third of the time, and there
    is no energy."""
    pairs: Literal["optimal", "independent"] = "independent"
    """Which noise goes with which example of a batch."""
    rest: float = 0.2
    """Share of the way, next to the data, in which it falls to 0."""
    sampler: NesterovDescent = field(default_factory=NesterovDescent)
    """The descent from noise to a sample."""
    temperature: float = 0.01
    """Temperature of the density exp(-V / temperature) of an energy."""
    step_size: float = 0.01
    """Size of a step of its chains."""
    inpaint_steps: int = 100
    """Langevin steps from a smoothly filled hole to a textured one."""

    def build(self, spec: DataSpec) -> EquilibriumFieldSystem | EquilibriumEnergySystem:
        """The system for images or voxels by a U-Net, for vectors by a vector network."""
        self.check_units(spec)
        return (EquilibriumEnergySystem if self.explicit else EquilibriumFieldSystem)(self, spec)


def _matching(config: EquilibriumMatchingConfig) -> GradientMatching:
    return GradientMatching("energy" if config.explicit else "field", config.pairs, rest=config.rest)


def _phase(config: EquilibriumMatchingConfig, potential: Potential) -> Phase:
    model = potential if config.explicit else potential.field
    parameters = list(potential.parameters())
    optimizer = config.optimizer_config
    return Phase("field", parameters, _matching(config), optimizer, grad_clip=config.grad_clip, model=model)


class EquilibriumFieldSystem(System):
    """A field that is no gradient: its samples and its denoising."""

    def __init__(self, config: EquilibriumMatchingConfig, spec: DataSpec) -> None:
        super().__init__()
        self.config, self.shape, self.ema_decay = config, spec.shape, config.ema_decay
        self.potential = config.potential.build(spec.shape)

    def phases(self) -> list[Phase]:
        return [_phase(self.config, self.potential)]

    def sample(self, n: int, *, generator: torch.Generator, trace: Trace | None = None) -> Samples:
        """``n`` examples (n, *D) from standard normal noise."""
        start = randn((n, *self.shape), generator=generator)
        return self.config.sampler(self.potential.field, start, generator=generator, trace=trace)

    @torch.no_grad()
    def denoise(self, x: Tensor, sigma: Tensor | None, *, generator: torch.Generator) -> Tensor:
        """One step down the way to the data: (B, *D), (B,) or None where the level is estimated -> (B, *D). It draws
        nothing."""
        del generator
        check_shape(x, self.shape)
        return denoised_along(self.potential.field, _matching(self.config), x, sigma)


class EquilibriumEnergySystem(PotentialSystem):
    """An energy whose gradient is the field."""

    def __init__(self, config: EquilibriumMatchingConfig, spec: DataSpec) -> None:
        super().__init__(
            config.potential.build(spec.shape),
            _matching(config),
            Langevin(1, config.step_size, config.temperature),
            spec,
            inpaint_steps=config.inpaint_steps,
        )
        self.config, self.ema_decay = config, config.ema_decay

    def phases(self) -> list[Phase]:
        return [_phase(self.config, self.potential)]

    def sample(self, n: int, *, generator: torch.Generator, trace: Trace | None = None) -> Samples:
        """``n`` examples (n, *D) from standard normal noise."""
        start = randn((n, *self.shape), generator=generator)
        return self.config.sampler(self.gradient, start, generator=generator, trace=trace)
