"""One energy of examples and their classes, trained to classify and to model the examples: JEM and its relatives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from gibbsweep_models.bases.langevin_system import LangevinSystem
from gibbsweep_models.nn.energies.class_energies import ClassEnergiesConfig, ConvConfig
from gibbsweep_models.objectives.cd.langevin_cd import SIGNED_RANGE, LangevinCD
from gibbsweep_models.objectives.classification.cross_entropy import CrossEntropy
from gibbsweep_models.objectives.composed.every_nth import EveryNth
from gibbsweep_models.objectives.composed.weighted_sum import WeightedSum
from gibbsweep_models.types import DataSpec, OptimizerConfig, Phase, SignedUnits


@dataclass(frozen=True)
class ClassEnergyConfig(SignedUnits):
    """Grathwohl et al., "Your Classifier is Secretly an Energy Based Model and You Should Treat it Like One" (2020):
    -log p(x, y) = -log p(y | x) - log p(x), the first term by cross-entropy, the second by contrastive divergence of
    E(x) = -log Σ_y exp(-E(x, y)) with weight ``cd_weight``.

    >>> system = ClassEnergyConfig(ConvConfig((4, 8))).build(DataSpec((1, 8, 8), n_classes=3))
    >>> system.logits(torch.zeros(2, 1, 8, 8)).shape
    torch.Size([2, 3])
    """

    form: ClassEnergiesConfig = field(default_factory=ConvConfig)
    """The network of E(x, y); with the label at the read-out it is JEM."""
    cd_weight: float = 1.0
    """Weight of the second term; 0 leaves a classifier."""
    cd_every: int = 4
    """Chains run for one in so many examples of a batch."""
    cd: LangevinCD = field(default_factory=lambda: LangevinCD(n_steps=20, data_noise=0.03, learning_rate=1e-3))
    """The chains. Its learning rate, ``grad_clip`` and noise serve both terms."""
    weight_decay: float = 0.0
    """Decoupled weight decay (AdamW)."""
    ema_decay: float = 0.99
    """Decay per update of the averaged weights."""
    sample_steps: int = 256
    """Langevin steps from uniform noise to a sample."""

    def build(self, spec: DataSpec) -> ClassEnergySystem:
        """The system for labelled examples of ``spec.shape`` in [-1, 1]."""
        self.check_units(spec)
        if spec.n_classes is None:
            raise ValueError("ClassEnergy needs classes: got data without labels; choose a labelled data set")
        return ClassEnergySystem(self, spec, spec.n_classes)


class ClassEnergySystem(LangevinSystem):
    """The density p(x, y) ∝ exp(-E(x, y)) on [-1, 1]^D and K classes."""

    def __init__(self, config: ClassEnergyConfig, spec: DataSpec, n_classes: int) -> None:
        super().__init__(config.cd, spec, ema_decay=config.ema_decay, sample_steps=config.sample_steps)
        self.config = config
        self.network = config.form.build(spec.shape, n_classes)

    def phases(self) -> list[Phase]:
        config = self.config
        # Chains last: what the first term draws does not depend on how long they are.
        terms: Mapping[str, tuple[float, nn.Module | CrossEntropy]] = {
            "ce": (1.0, CrossEntropy(config.cd.data_noise, SIGNED_RANGE)),
            "cd": (config.cd_weight, EveryNth(config.cd.objective(self.shape), config.cd_every)),
        }
        parameters = list(self.parameters())
        return [
            Phase(
                "joint",
                parameters,
                WeightedSum(terms).to(parameters[0].device),
                OptimizerConfig(
                    "adam",
                    config.cd.learning_rate,
                    config.cd.betas,
                    weight_decay=config.weight_decay,
                    schedule="cosine",
                ),
                grad_clip=config.cd.grad_clip,
                bounds={"cd_energy_gap": config.cd.energy_gap_bound} if config.cd_weight else {},
            )
        ]

    def initialise(self, x: Tensor) -> None:
        """Set what the form of the energy takes from examples ``x`` (N, *D)."""
        initialise = getattr(self.network, "initialise", None)
        if initialise is not None:
            initialise(x)

    def logits(self, x: Tensor) -> Tensor:
        """-E(x, y) for each y: (B, *D) -> (B, K)."""
        energies: Tensor = self.network(x)
        return -energies

    def energy(self, x: Tensor, cond: Tensor | None = None) -> Tensor:
        """E(x), or E(x, y) of the classes ``cond`` (B,) int64: (B, *D) -> (B,)."""
        logits = self.logits(x)
        if cond is None:
            return -torch.logsumexp(logits, dim=1)
        return -logits.gather(1, cond.unsqueeze(1)).squeeze(1)

    @torch.no_grad()
    def features(self, x: Tensor) -> Tensor:
        """The network's last layer before the classes part: (B, *D) -> (B, F)."""
        features: Tensor = self.network.features(x)  # type: ignore[operator]  # a ClassEnergies
        return features
