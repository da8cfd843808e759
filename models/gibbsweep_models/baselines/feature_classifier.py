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
    """A small :class:`~gibbsweep_models.nn.encoders.classifier.ConvClassifier`, trained with AdamW at a learning rate
    that falls to 0. Sounds, which have a sampling rate, enter as log-mel spectrograms.

    >>> system = FeatureClassifierConfig(channels=(4, 8), n_features=6).build(DataSpec((1, 8, 8), n_classes=3))
    >>> system.features(torch.zeros(2, 1, 8, 8)).shape
    torch.Size([2, 6])
    """

    channels: tuple[int, ...] = (16, 32, 64)
    """Channels of the stages; the last stage is repeated until the maps are small."""
    n_features: int = 128
    """Units of the last hidden layer, the feature space."""
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    """Decoupled weight decay (AdamW)."""
    warmup: int = 50
    """Updates over which the learning rate rises."""
    ema_decay: float = 0.99
    """Decay per update of the averaged weights."""

    def build(self, spec: DataSpec) -> FeatureClassifierSystem:
        """The system for labelled waveforms, images or solids of ``spec.shape`` in [-1, 1]."""
        self.check_units(spec)
        if spec.n_classes is None:
            raise ValueError("a classifier needs labels: got n_classes None; choose a data set that has them")
        return FeatureClassifierSystem(self, spec, spec.n_classes)


class FeatureClassifierSystem(System):
    """A model of p(y | x) = softmax(logits(x)). It has no density of x and cannot sample."""

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
