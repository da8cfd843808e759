"""A convolutional classifier whose last hidden layer is the feature space of distances between samples and data."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from gibbsweep_models.nn.encoders.classifier import ConvClassifier
from gibbsweep_models.nn.encoders.spectrogram import SpectrogramClassifier
from gibbsweep_models.objectives.classification.cross_entropy import CrossEntropy
from gibbsweep_models.types import DataSpec, OptimizerConfig, Phase, SignedUnits, System


@dataclass(frozen=True)
class FeatureClassifierConfig(SignedUnits):
    """A small :class:`~gibbsweep_models.nn.encoders.classifier.ConvClassifier`, trained with AdamW, its learning rate falling to 0. Sounds,
    which have a sampling rate, it sees as log-mel spectrograms."""

    channels: tuple[int, ...] = (16, 32, 64)
    n_features: int = 128
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    warmup: int = 50
    ema_decay: float = 0.99

    def build(self, spec: DataSpec) -> FeatureClassifierSystem:
        """The system for labelled waveforms, images or solids of ``spec.shape`` in [-1, 1]."""
        self.check_units(spec)
        if spec.n_classes is None:
            raise ValueError("a classifier needs labels: got n_classes None; choose a data set that has them")
        return FeatureClassifierSystem(self, spec, spec.n_classes)


class FeatureClassifierSystem(System):
    """p(y | x) = softmax(logits(x)). No density of x: it cannot sample."""

    def __init__(self, config: FeatureClassifierConfig, spec: DataSpec, n_classes: int) -> None:
        super().__init__()
        self.config = config
        self.ema_decay = config.ema_decay
        self.network: ConvClassifier | SpectrogramClassifier = (
            ConvClassifier(spec.shape, n_classes, config.channels, config.n_features)
            if spec.sampling_rate is None
            else SpectrogramClassifier(spec.shape, spec.sampling_rate, n_classes, config.channels, config.n_features)
        )

    def phases(self) -> list[Phase]:
        config = self.config
        optimizer = OptimizerConfig(
            "adamw", config.learning_rate, weight_decay=config.weight_decay, schedule="cosine", warmup=config.warmup
        )
        return [Phase("cross_entropy", list(self.parameters()), CrossEntropy(), optimizer)]

    def logits(self, x: Tensor) -> Tensor:
        """(B, *D) -> (B, K)."""
        logits: Tensor = self.network(x)
        return logits

    def features(self, x: Tensor) -> Tensor:
        """The last hidden layer: (B, *D) -> (B, n_features)."""
        return self.network.features(x)
