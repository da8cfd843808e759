"""Detectors of unusual features, fitted to those of the training data and stored with a model's weights."""

from gibbsweep_models.nn.detectors.mixture import Mixture
from gibbsweep_models.nn.detectors.neighbours import Neighbours

__all__ = [
    "Mixture",
    "Neighbours",
]
