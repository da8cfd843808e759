"""Evaluators: what is measured on a split of a data set. Distances need torchmetrics; the rest torch, numpy
and pillow alone."""

from gibbsweep.evaluate.classification import Classification
from gibbsweep.evaluate.contract import Evaluator, Prepares, check_needs, check_other_data, evaluate_all
from gibbsweep.evaluate.energy import ChainMixing, EnergyGap
from gibbsweep.evaluate.features import FeatureNetwork, Features, feature_network
from gibbsweep.evaluate.figures import figure_pixels
from gibbsweep.evaluate.generation import ReplayDistances, SampleDistances
from gibbsweep.evaluate.likelihood import LogLikelihood
from gibbsweep.evaluate.outliers import EnergyHistogram, OutlierDetection
from gibbsweep.evaluate.pictures import ChainGrid, SampleGrid, image_grid

__all__ = [
    "ChainGrid",
    "ChainMixing",
    "Classification",
    "EnergyGap",
    "EnergyHistogram",
    "Evaluator",
    "FeatureNetwork",
    "Features",
    "LogLikelihood",
    "OutlierDetection",
    "Prepares",
    "ReplayDistances",
    "SampleDistances",
    "SampleGrid",
    "check_needs",
    "check_other_data",
    "evaluate_all",
    "feature_network",
    "figure_pixels",
    "image_grid",
]
