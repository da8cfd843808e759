"""Criteria made of others: a weighted sum, a part of the batch, other coordinates, other places."""

from gibbsweep_models.objectives.composed.every_nth import EveryNth
from gibbsweep_models.objectives.composed.shifted import Shifted
from gibbsweep_models.objectives.composed.transformed import Transformed
from gibbsweep_models.objectives.composed.weighted_sum import WeightedSum

__all__ = [
    "EveryNth",
    "Shifted",
    "Transformed",
    "WeightedSum",
]
