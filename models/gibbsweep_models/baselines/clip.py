"""CLIP: two towers trained to find each picture's caption and each caption's picture in the batch."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from gibbsweep_models.bases.pair_towers import PairTowers
from gibbsweep_models.draws import rand
from gibbsweep_models.nn.encoders.towers import PairNet
from gibbsweep_models.nn.transforms.augment import Augmentation
from gibbsweep_models.objectives.cd.langevin_cd import LangevinCD
from gibbsweep_models.objectives.classification.pairs import CLIPLoss
from gibbsweep_models.types import DataSpec, OptimizerConfig, Phase, Samples, SignedUnits


@dataclass(frozen=True)
class CLIPConfig(SignedUnits):
    """CLIP on small towers: Radford et al., "Learning Transferable Visual Models From Natural Language Supervision"
    (2021).

    >>> spec = DataSpec((1, 8, 8), vocabulary_size=10, text_length=4)
    >>> system = CLIPConfig(channels=(4, 8), width=8, embedding=8).build(spec)
    >>> system.energy(torch.zeros(2, 1, 8, 8), torch.ones(2, 4, dtype=torch.long)).shape
    torch.Size([2])
    """

    channels: tuple[int, ...] = (32, 64, 128)
    """Channels of each stage of the picture tower."""
    width: int = 64
    """Units of a word's embedding and of the text tower's hidden layer."""
    embedding: int = 64
    """Dimensions of the space that pictures and captions share."""
    temperature: float = 0.1
    """First temperature of the logits, which is learned."""
    augment: Augmentation = field(
        default_factory=lambda: Augmentation((0.6, 1.0), 1.2, flip=0.0, strength=0.2, grey=0.0)
    )
    """Random views of the pictures during training."""
    learning_rate: float = 2e-3
    weight_decay: float = 0.1
    warmup: int = 20
    """Updates over which the learning rate rises."""
    ema_decay: float = 0.99
    """Decay per update of the averaged weights."""
    sample_steps: int = 200
    """Langevin steps of a picture from text, with the step size and the noise of the energies."""

    def build(self, spec: DataSpec) -> CLIPSystem:
        """The system for images of ``spec.shape`` (C, H, W) in [-1, 1] with captions of ``spec.text_length`` words."""
        self.check_units(spec)
        return CLIPSystem(self, spec)


class CLIPSystem(PairTowers):
    """Pictures and captions in one space, with -cos / temperature read as an energy of pairs."""

    def __init__(self, config: CLIPConfig, spec: DataSpec) -> None:
        network = PairNet(spec, config.channels, config.width, config.embedding, "cosine", config.temperature)
        super().__init__(network, spec.shape, config.ema_decay)
        self.config = config

    def phases(self) -> list[Phase]:
        config = self.config
        return [
            Phase(
                "contrastive",
                list(self.network.parameters()),
                CLIPLoss(config.augment),
                OptimizerConfig(
                    "adamw",
                    config.learning_rate,
                    weight_decay=config.weight_decay,
                    schedule="cosine",
                    warmup=config.warmup,
                ),
            )
        ]

    def depict(self, text: Tensor, *, generator: torch.Generator) -> Samples:
        """A picture of each caption (B, L): Langevin steps from uniform noise on E(., caption)."""
        start = rand((len(text), *self.shape), generator=generator).mul_(2.0).sub_(1.0)
        chain = LangevinCD(n_steps=self.config.sample_steps, noise=0.01).sampler()
        return chain(self.energy, start, cond=text, generator=generator)
