"""Evaluators: what is measured on a split of a data set. Distances need torchmetrics; the rest torch, numpy
and pillow alone."""

from gibbsweep.evaluate.anomaly import AnomalyDetection, SyntheticAnomalies
from gibbsweep.evaluate.bits import BitsPerDim, VariationalBits
from gibbsweep.evaluate.class_accuracy import ClassAccuracy
from gibbsweep.evaluate.classification import Classification
from gibbsweep.evaluate.clusters import Clustering, FeatureMap
from gibbsweep.evaluate.conditional import ClassDistances
from gibbsweep.evaluate.contract import (
    Evaluator,
    Prepares,
    check_needs,
    check_other_data,
    described,
    evaluate_all,
)
from gibbsweep.evaluate.denoising import Denoising
from gibbsweep.evaluate.denoising_error import DenoisingError
from gibbsweep.evaluate.energy import ChainMixing, EnergyGap
from gibbsweep.evaluate.features import FeatureNetwork, Features, feature_network
from gibbsweep.evaluate.figures import figure_pixels
from gibbsweep.evaluate.generation import ReplayDistances, SampleDistances
from gibbsweep.evaluate.guidance import GuidanceScales
from gibbsweep.evaluate.inpainting import Inpainting
from gibbsweep.evaluate.last_step import LastStep
from gibbsweep.evaluate.likelihood import LogLikelihood
from gibbsweep.evaluate.long_run import LongRun
from gibbsweep.evaluate.modes import ModeBalance
from gibbsweep.evaluate.outlier_scores import OutlierSets, ScoreNormCurves
from gibbsweep.evaluate.outlier_sets import Outliers
from gibbsweep.evaluate.outliers import EnergyHistogram, OutlierDetection
from gibbsweep.evaluate.pictures import ChainGrid, SampleGrid, image_grid, render
from gibbsweep.evaluate.probes import LinearProbe, NearestNeighbours
from gibbsweep.evaluate.refinement import EnergyDrift, Refinement
from gibbsweep.evaluate.retrieval import PicturesFromText, Retrieval
from gibbsweep.evaluate.sampling import SamplingCost, SamplingPath, StepCounts
from gibbsweep.evaluate.score_error import ScoreError
from gibbsweep.evaluate.score_fields import ScoreFields
from gibbsweep.evaluate.sounds import SoundSamples
from gibbsweep.evaluate.spectrograms import spectrogram_grid
from gibbsweep.evaluate.voxels import VoxelGeneration, VoxelReplay

__all__ = [
    "AnomalyDetection",
    "BitsPerDim",
    "ChainGrid",
    "ChainMixing",
    "ClassAccuracy",
    "ClassDistances",
    "Classification",
    "Clustering",
    "Denoising",
    "DenoisingError",
    "EnergyDrift",
    "EnergyGap",
    "EnergyHistogram",
    "Evaluator",
    "FeatureMap",
    "FeatureNetwork",
    "Features",
    "GuidanceScales",
    "Inpainting",
    "LastStep",
    "LinearProbe",
    "LogLikelihood",
    "LongRun",
    "ModeBalance",
    "NearestNeighbours",
    "OutlierDetection",
    "OutlierSets",
    "Outliers",
    "PicturesFromText",
    "Prepares",
    "Refinement",
    "ReplayDistances",
    "Retrieval",
    "SampleDistances",
    "SampleGrid",
    "SamplingCost",
    "SamplingPath",
    "ScoreError",
    "ScoreFields",
    "ScoreNormCurves",
    "SoundSamples",
    "StepCounts",
    "SyntheticAnomalies",
    "VariationalBits",
    "VoxelGeneration",
    "VoxelReplay",
    "check_needs",
    "check_other_data",
    "described",
    "evaluate_all",
    "feature_network",
    "figure_pixels",
    "image_grid",
    "render",
    "spectrogram_grid",
]
