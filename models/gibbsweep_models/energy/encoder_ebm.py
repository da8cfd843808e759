"""The energy that is one number on top of an encoder, trained by contrastive divergence and used for its features."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor

from gibbsweep_models.bases.langevin_system import LangevinSystem
from gibbsweep_models.nn.encoders.features import FeatureNet
from gibbsweep_models.nn.gradients import refuse_condition
from gibbsweep_models.objectives.cd.langevin_cd import LangevinCD
from gibbsweep_models.types import DataSpec, Phase, SignedUnits


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


class EncoderEBMSystem(LangevinSystem):
    """p(x) ∝ exp(-E(x) / T) on [-1, 1]^(C, H, W)."""

    def __init__(self, config: EncoderEBMConfig, spec: DataSpec) -> None:
        super().__init__(config.cd, spec, ema_decay=config.ema_decay, sample_steps=config.sample_steps)
        self.config = config
        self.network = FeatureNet(spec.shape, config.channels, config.hidden, 1)

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
