"""SimCLR: an encoder trained to tell two views of one image from those of others. It has no density."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch.nn.functional as F
from torch import Tensor

from gibbsweep_models.nn.encoders.features import FeatureNet
from gibbsweep_models.nn.transforms.augment import Augmentation
from gibbsweep_models.objectives.classification.info_nce import InfoNCE
from gibbsweep_models.types import DataSpec, OptimizerConfig, Phase, SignedUnits, System


@dataclass(frozen=True)
class SimCLRConfig(SignedUnits):
    """Chen et al., "A Simple Framework for Contrastive Learning of Visual Representations" (2020), with group norm in
    place of batch norm.

    >>> system = SimCLRConfig(channels=(4, 8), hidden=8, embedding=4).build(DataSpec((1, 8, 8)))
    >>> system.embed(torch.rand(2, 1, 8, 8)).shape
    torch.Size([2, 4])
    """

    channels: tuple[int, ...] = (32, 64, 128)
    """Channels of the encoder's stages."""
    hidden: int = 128
    """Units of the layer between the features and the embedding."""
    embedding: int = 64
    """Dimensions of the embedding, in which views are compared."""
    temperature: float = 0.2
    """Temperature of the similarities."""
    augment: Augmentation = field(default_factory=Augmentation)
    """The random views."""
    learning_rate: float = 1e-3
    weight_decay: float = 1e-4
    warmup: int = 20
    """Updates over which the learning rate rises."""

    def build(self, spec: DataSpec) -> SimCLRSystem:
        """The system for images of ``spec.shape`` (C, H, W) in [-1, 1]."""
        self.check_units(spec)
        return SimCLRSystem(self, spec)


class SimCLRSystem(System):
    """An encoder to unit vectors z(x), close for two views of one image."""

    def __init__(self, config: SimCLRConfig, spec: DataSpec) -> None:
        super().__init__()
        self.config = config
        self.network = FeatureNet(spec.shape, config.channels, config.hidden, config.embedding)

    def phases(self) -> list[Phase]:
        config = self.config
        return [
            Phase(
                "contrastive",
                list(self.network.parameters()),
                InfoNCE(config.temperature, config.augment),
                OptimizerConfig(
                    "adamw",
                    config.learning_rate,
                    weight_decay=config.weight_decay,
                    schedule="cosine",
                    warmup=config.warmup,
                ),
            )
        ]

    def embed(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, embedding), of length 1."""
        return F.normalize(self.network(x), dim=1)

    def features(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, F): the encoder's last maps."""
        return self.network.represent(x)
