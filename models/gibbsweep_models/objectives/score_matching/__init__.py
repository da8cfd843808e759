"""Score matching: explicit, implicit and denoising, at one noise level or many."""

from gibbsweep_models.objectives.score_matching.denoising import DenoisingScoreMatching
from gibbsweep_models.objectives.score_matching.denoising_loss import DenoisingLoss
from gibbsweep_models.objectives.score_matching.explicit_implicit import ExplicitScoreMatching, ImplicitScoreMatching
from gibbsweep_models.objectives.score_matching.holes import HoleScoreMatching
from gibbsweep_models.objectives.score_matching.vlb import VariationalBound

__all__ = [
    "DenoisingLoss",
    "DenoisingScoreMatching",
    "ExplicitScoreMatching",
    "HoleScoreMatching",
    "ImplicitScoreMatching",
    "VariationalBound",
]
