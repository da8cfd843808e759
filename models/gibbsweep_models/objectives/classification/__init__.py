"""Criteria of what belongs together: an example and its class, its other view, or its caption."""

from gibbsweep_models.objectives.classification.cross_entropy import CrossEntropy
from gibbsweep_models.objectives.classification.info_nce import InfoNCE
from gibbsweep_models.objectives.classification.noisy_cross_entropy import NoisyCrossEntropy
from gibbsweep_models.objectives.classification.pairs import CLIPLoss, JointCD
from gibbsweep_models.objectives.classification.two_view_energy import TwoViewEnergy

__all__ = [
    "CLIPLoss",
    "CrossEntropy",
    "InfoNCE",
    "JointCD",
    "NoisyCrossEntropy",
    "TwoViewEnergy",
]
