"""Evaluators: what is measured on a split of a data set. Distances need torchmetrics; the rest torch, numpy
and pillow alone."""

from gibbsweep.evaluate.anomaly import AnomalyDetection, SyntheticAnomalies
from gibbsweep.evaluate.contract import Evaluator, Prepares, check_needs, evaluate_all
from gibbsweep.evaluate.energy import ChainMixing, EnergyGap
from gibbsweep.evaluate.features import FeatureNetwork, Features, feature_network
from gibbsweep.evaluate.figures import figure_pixels
from gibbsweep.evaluate.generation import ReplayDistances, SampleDistances
from gibbsweep.evaluate.likelihood import LogLikelihood
from gibbsweep.evaluate.pictures import ChainGrid, SampleGrid, image_grid
from gibbsweep.evaluate.refinement import EnergyDrift, Refinement

__all__ = [
    "AnomalyDetection",
    "ChainGrid",
    "ChainMixing",
    "EnergyDrift",
    "EnergyGap",
    "Evaluator",
    "FeatureNetwork",
    "Features",
    "LogLikelihood",
    "Prepares",
    "Refinement",
    "ReplayDistances",
    "SampleDistances",
    "SampleGrid",
    "SyntheticAnomalies",
    "check_needs",
    "evaluate_all",
    "feature_network",
    "figure_pixels",
    "image_grid",
]
