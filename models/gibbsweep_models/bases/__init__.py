"""Bases and parts that several systems share: their training, their sampling, and their anomaly scores."""

from gibbsweep_models.bases.denoiser_anomaly import (
    BoundOfLikelihood,
    DenoisingErrors,
    FlowOfLikelihood,
    ScoreNorms,
    score_norms,
)
from gibbsweep_models.bases.denoiser_system import DenoiserSystem
from gibbsweep_models.bases.langevin_system import LangevinSystem
from gibbsweep_models.bases.sampled_denoiser import SampledDenoiser

__all__ = [
    "BoundOfLikelihood",
    "DenoiserSystem",
    "DenoisingErrors",
    "FlowOfLikelihood",
    "LangevinSystem",
    "SampledDenoiser",
    "ScoreNorms",
    "score_norms",
]
