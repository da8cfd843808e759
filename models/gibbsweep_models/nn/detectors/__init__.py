"""Detectors of unusual features."""

from gibbsweep_models.nn.detectors.mixture import Mixture
from gibbsweep_models.nn.detectors.neighbours import Neighbours

__all__ = [
    "Mixture",
    "Neighbours",
]
