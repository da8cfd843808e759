"""Energy Matching: one potential without time, whose gradient is a flow far from the data and a score near it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

import torch

from gibbsweep_models.bases.potential_system import PotentialSystem, PotentialTraining
from gibbsweep_models.draws import randn
from gibbsweep_models.objectives.composed.weighted_sum import WeightedSum
from gibbsweep_models.objectives.flow_matching.contrast import WarmContrast
from gibbsweep_models.objectives.flow_matching.gradient_matching import GradientMatching
from gibbsweep_models.samplers.mcmc.langevin import Langevin
from gibbsweep_models.samplers.mcmc.warming import WarmingLangevin
from gibbsweep_models.types import DataSpec, OptimizerConfig, Phase, Samples, Trace


@dataclass(frozen=True)
class EnergyMatchingConfig(PotentialTraining):
    """Balcerak et al., "Energy Matching: Unifying Flow Matching and Energy-Based Models for Generative Modeling"
    (2025). First the gradient of V fits the flow from noise to data, in one regression an update and without a chain;
    then, from update ``contrast_from``, a contrast is added, by which exp(-V / temperature) becomes the density of the
    data.

    >>> from gibbsweep_models.nn.energies import PotentialConfig
    >>> from gibbsweep_models.nn.noise_networks import UNetConfig
    >>> config = EnergyMatchingConfig(PotentialConfig(UNetConfig((8, 8))), sample_steps=5)
    >>> config.build(DataSpec((1, 8, 8))).sample(2, generator=seeded(0)).x.shape
    torch.Size([2, 1, 8, 8])
    """

    step_sizes: ClassVar[tuple[str, ...]] = ("learning_rate", "contrast_learning_rate")

    pairs: Literal["optimal", "independent"] = "optimal"
    """Which noise goes with which example of a batch."""
    contrast_from: int | None = None
    """The update with which the contrast begins and the flow is no longer alone; None: never."""
    contrast_weight: float = 1e-3
    """Weight of the contrast, whose energies add up over dimensions, beside the flow, a mean over them."""
    contrast_learning_rate: float = 3e-4
    """Learning rate from then on."""
    contrast: WarmContrast = field(default_factory=lambda: WarmContrast(margin=20.0))
    """The contrast, and its chains."""
    sample_steps: int = 100
    """Steps from noise to a sample."""
    sample_time: float = 1.5
    """Time that they take, in units of the flow's: at 1 the flow has arrived, beyond it chains stay near the data."""
    step_size: float = 0.01
    """Size of a step of the chains that go on from there."""
    inpaint_steps: int = 100
    """Langevin steps from a smoothly filled hole to a textured one."""

    def __post_init__(self) -> None:
        if self.contrast_from is not None and self.contrast_from < 1:
            raise ValueError(f"got contrast_from={self.contrast_from}, expected an update from 1 on, or None for none")
        if self.sample_steps < 1 or self.sample_time <= 0:
            raise ValueError(
                f"got sample_steps={self.sample_steps} and sample_time={self.sample_time}, expected positive numbers; "
                "correct the one that is not"
            )

    def build(self, spec: DataSpec) -> EnergyMatchingSystem:
        """The system for images or voxels by a U-Net, for vectors by a vector network."""
        self.check_units(spec)
        return EnergyMatchingSystem(self, spec)


class EnergyMatchingSystem(PotentialSystem):
    """The potential, a flow of time 1 from standard normal noise to the data, and the density exp(-V / temperature)."""

    def __init__(self, config: EnergyMatchingConfig, spec: DataSpec) -> None:
        super().__init__(
            config.potential.build(spec.shape),
            GradientMatching(pairs=config.pairs),
            Langevin(1, config.step_size, config.contrast.sampler.temperature),
            spec,
            inpaint_steps=config.inpaint_steps,
        )
        self.config = config
        self.ema_decay = config.ema_decay

    def phases(self) -> list[Phase]:
        config, parameters = self.config, list(self.potential.parameters())
        optimizer = config.optimizer_config
        first = Phase(
            "flow", parameters, self.matching, optimizer, stop=config.contrast_from, grad_clip=config.grad_clip
        )
        if config.contrast_from is None:
            return [first]
        both = WeightedSum({"flow": (1.0, self.matching), "contrast": (config.contrast_weight, config.contrast)})
        slow = OptimizerConfig("adam", config.contrast_learning_rate, config.betas, warmup=config.warmup)
        return [
            first,
            Phase("energy", parameters, both, slow, start=config.contrast_from, grad_clip=config.grad_clip),
        ]

    def sample(self, n: int, *, generator: torch.Generator, trace: Trace | None = None) -> Samples:
        """``n`` examples (n, *D) from standard normal noise."""
        config, chain = self.config, self.config.contrast.sampler
        sampler = WarmingLangevin(
            config.sample_steps, config.sample_time / config.sample_steps, chain.temperature, chain.warm_from
        )
        start = randn((n, *self.shape), generator=generator)
        return sampler(self.energy, start, generator=generator, trace=trace)
