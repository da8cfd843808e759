"""Evaluators: measures of a trained system on a split of a data set.

    evaluation = SampleDistances(n=1_000)(system, load("mnist").test, generator=seeded(0))
    evaluation.metrics["frechet_distance"]

A new evaluator is one file in the folder of its subject, and one line here:

- ``samples``: samples from noise, whether their distances to data, their cost, or their pictures and sounds;
- ``conditional``: samples of a class that is asked for, and guidance;
- ``chains``: the Markov chain of a model, from mixing to long runs;
- ``likelihood``: log-likelihoods and bits per dimension;
- ``scores``: a score or a denoiser at each noise level;
- ``restoring``: images without their noise and with their holes filled;
- ``anomalies``: anomaly scores and outliers;
- ``recognition``: classes, clusters and captions.

They are made of ``contract`` (what an evaluator is, and how several are run), ``examples`` (which examples of a split
are measured), ``features`` (networks and the distances in their features) and ``drawing`` (pictures of anything).
Imports point from the subjects to these, and from ``conditional`` to ``samples``. Distances need torchmetrics; the
rest needs torch, numpy and pillow alone, and imports scikit-learn, scikit-image or matplotlib where it uses them.
"""

from gibbsweep.evaluate.anomalies.detection import AnomalyDetection
from gibbsweep.evaluate.anomalies.energies import EnergyHistogram, OutlierDetection
from gibbsweep.evaluate.anomalies.outlier_sets import OutlierSets
from gibbsweep.evaluate.anomalies.outliers import Outliers
from gibbsweep.evaluate.anomalies.score_norms import ScoreNormCurves
from gibbsweep.evaluate.anomalies.synthetic import SyntheticAnomalies
from gibbsweep.evaluate.chains.energy import EnergyDrift, EnergyGap
from gibbsweep.evaluate.chains.grid import ChainGrid
from gibbsweep.evaluate.chains.long_run import LongRun
from gibbsweep.evaluate.chains.mixing import ChainMixing
from gibbsweep.evaluate.chains.refinement import Refinement
from gibbsweep.evaluate.conditional.class_accuracy import ClassAccuracy
from gibbsweep.evaluate.conditional.class_distances import ClassDistances
from gibbsweep.evaluate.conditional.guidance import GuidanceScales
from gibbsweep.evaluate.conditional.synthetic_accuracy import SyntheticAccuracy
from gibbsweep.evaluate.contract import (
    Evaluator,
    Prepares,
    check_evaluators,
    check_needs,
    check_other_data,
    described,
    evaluate_all,
)
from gibbsweep.evaluate.drawing.figures import figure_pixels
from gibbsweep.evaluate.drawing.grids import image_grid, render
from gibbsweep.evaluate.drawing.spectrograms import spectrogram_grid
from gibbsweep.evaluate.features.network import FeatureNetwork, Features, feature_network
from gibbsweep.evaluate.likelihood.bits import BitsPerDim, VariationalBits
from gibbsweep.evaluate.likelihood.log_likelihood import LogLikelihood
from gibbsweep.evaluate.recognition.classification import Classification
from gibbsweep.evaluate.recognition.clusters import Clustering, FeatureMap
from gibbsweep.evaluate.recognition.probes import LinearProbe, NearestNeighbours
from gibbsweep.evaluate.recognition.retrieval import PicturesFromText, Retrieval
from gibbsweep.evaluate.restoring.denoising import Denoising
from gibbsweep.evaluate.restoring.inpainting import Inpainting
from gibbsweep.evaluate.samples.grid import SampleGrid
from gibbsweep.evaluate.samples.last_step import LastStep
from gibbsweep.evaluate.samples.modes import ModeBalance
from gibbsweep.evaluate.samples.sample_distances import ReplayDistances, SampleDistances
from gibbsweep.evaluate.samples.sampling import SamplingCost, SamplingPath, StepCounts
from gibbsweep.evaluate.samples.sounds import SoundSamples
from gibbsweep.evaluate.samples.voxels import VoxelGeneration, VoxelReplay
from gibbsweep.evaluate.scores.denoising_error import DenoisingError
from gibbsweep.evaluate.scores.score_error import ScoreError
from gibbsweep.evaluate.scores.score_fields import ScoreFields

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
    "SyntheticAccuracy",
    "SyntheticAnomalies",
    "VariationalBits",
    "VoxelGeneration",
    "VoxelReplay",
    "check_evaluators",
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
