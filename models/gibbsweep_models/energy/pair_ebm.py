"""The joint energy of pictures and captions, trained by contrastive divergence in their joint space."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from gibbsweep_models.bases.pair_towers import PairTowers
from gibbsweep_models.draws import rand
from gibbsweep_models.nn.encoders.towers import PairForm, PairNet
from gibbsweep_models.nn.transforms.augment import Augmentation
from gibbsweep_models.objectives.cd.langevin_cd import LangevinCD
from gibbsweep_models.objectives.classification.pairs import JointCD
from gibbsweep_models.types import DataSpec, OptimizerConfig, Phase, Samples, SignedUnits


@dataclass(frozen=True)
class PairEBMConfig(SignedUnits):
    """The joint energy of pictures and captions: exact Gibbs half-steps over the batch, and chains in pixel space.

    >>> spec = DataSpec((1, 8, 8), vocabulary_size=10, text_length=4)
    >>> system = PairEBMConfig(channels=(4, 8), width=8, embedding=8).build(spec)
    >>> system.energy(torch.zeros(2, 1, 8, 8), torch.ones(2, 4, dtype=torch.long)).shape
    torch.Size([2])
    """

    form: PairForm = "cosine"
    """Energy of two embeddings, see :class:`~gibbsweep_models.nn.encoders.towers.PairNet`."""
    channels: tuple[int, ...] = (32, 64, 128)
    """Channels of each stage of the picture tower."""
    width: int = 64
    """Units of a word's embedding; the text tower's hidden layer has twice as many."""
    embedding: int = 64
    """Dimensions of the space that pictures and captions share."""
    temperature: float = 0.1
    """First temperature of the energy, which is learned."""
    augment: Augmentation = field(
        default_factory=lambda: Augmentation((0.6, 1.0), 1.2, flip=0.0, strength=0.2, grey=0.0)
    )
    """Random views of the pictures during training."""
    weight: float = 0.02
    """Weight of the chains in pixel space beside the exact Gibbs half-steps."""
    every: int = 8
    """Chains in pixel space start at one in so many pairs."""
    cd: LangevinCD = field(
        default_factory=lambda: LangevinCD(n_steps=5, noise=0.01, persistent=False, l2=0.0, data_noise=0.0)
    )
    """Those chains; its learning rate and its bound of the gradient are not used."""
    learning_rate: float = 2e-3
    weight_decay: float = 0.1
    """Decoupled weight decay (AdamW)."""
    warmup: int = 20
    """Updates over which the learning rate rises."""
    ema_decay: float = 0.99
    """Decay per update of the averaged weights."""
    sample_steps: int = 200
    """Langevin steps of a picture from uniform noise, given its caption."""

    def build(self, spec: DataSpec) -> PairEBMSystem:
        """The system for images of ``spec.shape`` (C, H, W) in [-1, 1] with captions of ``spec.text_length`` words."""
        self.check_units(spec)
        return PairEBMSystem(self, spec)


class PairEBMSystem(PairTowers):
    """The density p(x, t) ∝ exp(-E(x, t)) over pictures in [-1, 1]^(C, H, W) and captions."""

    def __init__(self, config: PairEBMConfig, spec: DataSpec) -> None:
        network = PairNet(spec, config.channels, config.width, config.embedding, config.form, config.temperature)
        super().__init__(network, spec.shape, config.ema_decay)
        self.config = config
        self.text_length = spec.text_length
        self.sampler = config.cd.sampler()

    def phases(self) -> list[Phase]:
        config = self.config
        parameters = list(self.network.parameters())
        replay = config.cd.replay(self.shape, (self.text_length or 0,))
        cd = config.cd.objective(self.shape, replay, "text")
        return [
            Phase(
                "joint",
                parameters,
                JointCD(cd, config.weight, config.augment, config.every).to(parameters[0].device),
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
        """A picture of each caption (B, L): ``sample_steps`` Langevin steps from uniform noise on E(., caption)."""
        start = rand((len(text), *self.shape), generator=generator).mul_(2.0).sub_(1.0)
        chain = replace(self.sampler, n_steps=self.config.sample_steps)
        return chain(self.energy, start, cond=text, generator=generator)
