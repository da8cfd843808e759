"""The energy that is one number on top of an encoder, trained by contrastive divergence and used for its features."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from gibbsweep_models.draws import rand
from gibbsweep_models.nn.features import FeatureNet
from gibbsweep_models.nn.gradients import refuse_condition
from gibbsweep_models.objectives.langevin_cd import LangevinCD
from gibbsweep_models.types import DataSpec, Phase, Samples, SignedUnits, System, Trace


@dataclass(frozen=True)
class EncoderEBMConfig(SignedUnits):
    """The encoder of the two-view methods with a scalar read-out in place of their embedding."""

    channels: tuple[int, ...] = (32, 64, 128)
    hidden: int = 128
    cd: LangevinCD = field(default_factory=lambda: LangevinCD(n_steps=10, learning_rate=3e-4))
    ema_decay: float = 0.99
    sample_steps: int = 256

    def build(self, spec: DataSpec) -> EncoderEBMSystem:
        """The system for images of ``spec.shape`` (C, H, W) in [-1, 1]."""
        self.check_units(spec)
        return EncoderEBMSystem(self, spec)


class EncoderEBMSystem(System):
    """p(x) ∝ exp(-E(x) / T) on [-1, 1]^(C, H, W)."""

    def __init__(self, config: EncoderEBMConfig, spec: DataSpec) -> None:
        super().__init__()
        self.config = config
        self.shape = spec.shape
        self.ema_decay = config.ema_decay
        self.network = FeatureNet(spec.shape, config.channels, config.hidden, 1)
        self.sampler = config.cd.sampler()

    def phases(self) -> list[Phase]:
        return [self.config.cd.phase(self.network.parameters(), self.shape)]

    def energy(self, x: Tensor, cond: Tensor | None = None) -> Tensor:
        """(B, C, H, W) -> (B,)."""
        refuse_condition(cond, self)
        energy: Tensor = self.network(x).squeeze(1)
        return energy

    def features(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, F): the encoder's last maps."""
        return self.network.represent(x)

    def sample(self, n: int, *, generator: torch.Generator, trace: Trace | None = None) -> Samples:
        """``n`` images (n, C, H, W): ``sample_steps`` Langevin steps from uniform noise."""
        start = rand((n, *self.shape), generator=generator).mul_(2.0).sub_(1.0)
        return self.run_chain(start, self.config.sample_steps, generator=generator, trace=trace)

    def run_chain(self, x: Tensor, n_steps: int, *, generator: torch.Generator, trace: Trace | None = None) -> Samples:
        """``n_steps`` steps of the training sampler from ``x`` (B, C, H, W)."""
        return replace(self.sampler, n_steps=n_steps)(self.energy, x, generator=generator, trace=trace)
