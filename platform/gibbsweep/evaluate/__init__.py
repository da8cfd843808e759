"""Evaluators: what is measured on a split of a data set. Needs torch, numpy and pillow alone."""

from gibbsweep.evaluate.contract import Evaluator, evaluate_all
from gibbsweep.evaluate.energy import ChainMixing, EnergyGap
from gibbsweep.evaluate.likelihood import LogLikelihood
from gibbsweep.evaluate.pictures import ChainGrid, SampleGrid, image_grid

__all__ = [
    "ChainGrid",
    "ChainMixing",
    "EnergyGap",
    "Evaluator",
    "LogLikelihood",
    "SampleGrid",
    "evaluate_all",
    "image_grid",
]
