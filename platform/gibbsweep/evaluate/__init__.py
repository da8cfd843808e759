"""Evaluators: what is measured on a split of a data set. Needs torch, numpy and pillow alone."""

from gibbsweep.evaluate.anomaly import AnomalyDetection, SyntheticAnomalies
from gibbsweep.evaluate.contract import Evaluator, check_needs, evaluate_all
from gibbsweep.evaluate.energy import ChainMixing, EnergyGap
from gibbsweep.evaluate.figures import figure_pixels
from gibbsweep.evaluate.likelihood import LogLikelihood
from gibbsweep.evaluate.pictures import ChainGrid, SampleGrid, image_grid

__all__ = [
    "AnomalyDetection",
    "ChainGrid",
    "ChainMixing",
    "EnergyGap",
    "Evaluator",
    "LogLikelihood",
    "SampleGrid",
    "SyntheticAnomalies",
    "check_needs",
    "evaluate_all",
    "figure_pixels",
    "image_grid",
]
