"""The joint energy of two views of an image: contrastive learning with a density."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from gibbsweep_models.draws import rand
from gibbsweep_models.nn.encoders.features import FeatureNet
from gibbsweep_models.nn.gradients import refuse_condition
from gibbsweep_models.nn.transforms.augment import Augmentation
from gibbsweep_models.objectives.cd.langevin_cd import LangevinCD
from gibbsweep_models.objectives.classification.two_view_energy import TwoViewEnergy, marginal_energy
from gibbsweep_models.types import DataSpec, OptimizerConfig, Phase, Samples, SignedUnits, System, Trace

_REFERENCES = 256
"""Training examples that the marginal energy is taken over."""


@dataclass(frozen=True)
class TwoViewEBMConfig(SignedUnits):
    """EBCLR (Kim & Ye 2022): ln p(x' | x) by the views of the batch, and ln p(x) by contrastive divergence.

    >>> system = TwoViewEBMConfig(channels=(4, 8), hidden=8, embedding=4).build(DataSpec((1, 8, 8)))
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
    """Temperature of the energy."""
    augment: Augmentation = field(default_factory=Augmentation)
    """The random views."""
    weight: float = 0.02
    """Weight of ln p(x) beside ln p(x' | x)."""
    every: int = 4
    """Chains start at one in so many examples."""
    cd: LangevinCD = field(
        default_factory=lambda: LangevinCD(n_steps=5, noise=0.01, persistent=False, l2=0.0, data_noise=0.0)
    )
    """The chains; its learning rate and its bound of the gradient are not used."""
    learning_rate: float = 1e-3
    """Learning rate of both terms."""
    weight_decay: float = 1e-4
    """Decoupled weight decay (AdamW)."""
    warmup: int = 20
    """Updates over which the learning rate rises."""
    sample_steps: int = 256
    """Langevin steps from uniform noise to a sample."""

    def build(self, spec: DataSpec) -> TwoViewEBMSystem:
        """The system for images of ``spec.shape`` (C, H, W) in [-1, 1]."""
        self.check_units(spec)
        return TwoViewEBMSystem(self, spec)


class TwoViewEBMSystem(System):
    """The joint energy E(x, x') = |z(x) - z(x')|² / (2 temperature) with z of length 1. ``energy`` is the marginal one,
    of x against training examples that were drawn once."""

    references: Tensor

    def __init__(self, config: TwoViewEBMConfig, spec: DataSpec) -> None:
        super().__init__()
        self.config = config
        self.shape = spec.shape
        self.network = FeatureNet(spec.shape, config.channels, config.hidden, config.embedding)
        self.sampler = config.cd.sampler()
        self.register_buffer("references", torch.zeros(_REFERENCES, *spec.shape))

    def initialise(self, x: Tensor) -> None:
        """Keep ``x`` (N, *D) as references, repeated where there are fewer than are kept."""
        self.references.copy_(x[torch.arange(_REFERENCES, device=x.device) % len(x)])

    def phases(self) -> list[Phase]:
        config = self.config
        parameters = list(self.network.parameters())
        objective = TwoViewEnergy(
            config.cd.objective(self.shape), config.temperature, config.weight, config.augment, config.every
        )
        return [
            Phase(
                "energy",
                parameters,
                objective.to(parameters[0].device),
                OptimizerConfig(
                    "adamw",
                    config.learning_rate,
                    weight_decay=config.weight_decay,
                    schedule="cosine",
                    warmup=config.warmup,
                ),
                bounds={"energy_gap": config.cd.energy_gap_bound},
            )
        ]

    def embed(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, embedding), of length 1."""
        return F.normalize(self.network(x), dim=1)

    def features(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, F): the encoder's last maps."""
        return self.network.represent(x)

    def energy(self, x: Tensor, cond: Tensor | None = None) -> Tensor:
        """-ln mean_k exp(-E(x, reference_k)): (B, C, H, W) -> (B,)."""
        refuse_condition(cond, self)
        return marginal_energy(self.embed(x), self.embed(self.references), self.config.temperature)

    def sample(self, n: int, *, generator: torch.Generator, trace: Trace | None = None) -> Samples:
        """``n`` images (n, C, H, W): ``sample_steps`` Langevin steps from uniform noise on the marginal energy."""
        start = rand((n, *self.shape), generator=generator).mul_(2.0).sub_(1.0)
        return self.run_chain(start, self.config.sample_steps, generator=generator, trace=trace)

    def run_chain(self, x: Tensor, n_steps: int, *, generator: torch.Generator, trace: Trace | None = None) -> Samples:
        """``n_steps`` steps of the training sampler from ``x`` (B, C, H, W)."""
        with torch.no_grad():
            keys = self.embed(self.references)

        def energy(x: Tensor, cond: Tensor | None = None) -> Tensor:
            return marginal_energy(self.embed(x), keys, self.config.temperature)

        return replace(self.sampler, n_steps=n_steps)(energy, x, generator=generator, trace=trace)
