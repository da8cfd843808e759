"""A classifier trained by cross-entropy alone, to compare class energies with."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from gibbsweep_models.nn.energies.class_energies import ConvConfig, MLPConfig
from gibbsweep_models.objectives.classification.cross_entropy import CrossEntropy
from gibbsweep_models.types import DataSpec, OptimizerConfig, Phase, SignedUnits, System


@dataclass(frozen=True)
class ClassifierConfig(SignedUnits):
    """A classifier with the network of a class energy, so that both have the same parameters.

    >>> system = ClassifierConfig(ConvConfig((4, 8))).build(DataSpec((1, 8, 8), n_classes=3))
    >>> system.logits(torch.zeros(2, 1, 8, 8)).shape
    torch.Size([2, 3])
    """

    form: ConvConfig | MLPConfig = field(default_factory=ConvConfig)
    """The network: that of an energy with the label at the read-out."""
    data_noise: float = 0.0
    """Standard deviation of Gaussian noise on the examples."""
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    """Decoupled weight decay (AdamW)."""
    grad_clip: float | None = None
    """Largest norm of the gradient; None for no bound."""
    ema_decay: float = 0.99
    """Decay per update of the averaged weights."""

    def build(self, spec: DataSpec) -> ClassifierSystem:
        """The system for labelled examples of ``spec.shape`` in [-1, 1]."""
        self.check_units(spec)
        if spec.n_classes is None:
            raise ValueError("Classifier needs classes: got data without labels; choose a labelled data set")
        return ClassifierSystem(self, spec, spec.n_classes)


class ClassifierSystem(System):
    """A model of p(y | x), without a density of x."""

    def __init__(self, config: ClassifierConfig, spec: DataSpec, n_classes: int) -> None:
        super().__init__()
        self.config = config
        self.ema_decay = config.ema_decay
        self.network = config.form.build(spec.shape, n_classes)

    def phases(self) -> list[Phase]:
        config = self.config
        optimizer = OptimizerConfig("adam", config.learning_rate, weight_decay=config.weight_decay, schedule="cosine")
        objective = CrossEntropy(config.data_noise, (-1.0, 1.0))
        return [Phase("classifier", list(self.parameters()), objective, optimizer, grad_clip=config.grad_clip)]

    def logits(self, x: Tensor) -> Tensor:
        """(B, *D) -> (B, K)."""
        negative: Tensor = self.network(x)
        return -negative

    @torch.no_grad()
    def features(self, x: Tensor) -> Tensor:
        """The last hidden layer: (B, *D) -> (B, F)."""
        features: Tensor = self.network.features(x)  # type: ignore[operator]  # a ClassEnergies
        return features
