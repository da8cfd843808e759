"""A classifier trained by cross-entropy alone: what a class energy must be held against."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from gibbsweep_models.nn.energies.class_energies import ConvConfig, MLPConfig
from gibbsweep_models.objectives.classification.cross_entropy import CrossEntropy
from gibbsweep_models.types import DataSpec, OptimizerConfig, Phase, SignedUnits, System


@dataclass(frozen=True)
class ClassifierConfig(SignedUnits):
    """``form``: the network, that of an energy with the label at the read-out, so that both have the same parameters."""

    form: ConvConfig | MLPConfig = field(default_factory=ConvConfig)
    data_noise: float = 0.0
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    grad_clip: float | None = None
    ema_decay: float = 0.99

    def build(self, spec: DataSpec) -> ClassifierSystem:
        """The system for labelled examples of ``spec.shape`` in [-1, 1]."""
        self.check_units(spec)
        if spec.n_classes is None:
            raise ValueError("Classifier needs classes: got data without labels; choose a labelled data set")
        return ClassifierSystem(self, spec, spec.n_classes)


class ClassifierSystem(System):
    """p(y | x), and no opinion on x."""

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
