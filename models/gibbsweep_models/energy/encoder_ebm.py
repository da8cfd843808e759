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
    """An energy with the encoder of the two-view methods and a scalar read-out in place of their embedding.

    >>> system = EncoderEBMConfig(channels=(4, 8), hidden=8).build(DataSpec((1, 8, 8)))
    >>> system.energy(torch.zeros(2, 1, 8, 8)).shape
    torch.Size([2])
    """

    channels: tuple[int, ...] = (32, 64, 128)
    """Channels of the encoder's stages."""
    hidden: int = 128
    """Units of the layer between the features and the energy."""
    cd: LangevinCD = field(default_factory=lambda: LangevinCD(n_steps=10, learning_rate=3e-4))
    """The chains and the numbers of training."""
    ema_decay: float = 0.99
    """Decay per update of the averaged weights."""
    sample_steps: int = 256
    """Langevin steps from uniform noise to a sample."""

    def build(self, spec: DataSpec) -> EncoderEBMSystem:
        """The system for images of ``spec.shape`` (C, H, W) in [-1, 1]."""
        self.check_units(spec)
        return EncoderEBMSystem(self, spec)


class EncoderEBMSystem(LangevinSystem):
    """The density p(x) ∝ exp(-E(x) / T) on [-1, 1]^(C, H, W), and the features of its encoder."""

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
