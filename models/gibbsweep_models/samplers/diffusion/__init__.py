"""Samplers of a denoiser: from noise to data in reverse time, or by annealing."""

from gibbsweep_models.samplers.diffusion.ancestral import Ancestral, Euler
from gibbsweep_models.samplers.diffusion.annealed_inpainting import AnnealedInpainting
from gibbsweep_models.samplers.diffusion.annealed_langevin import AnnealedLangevin
from gibbsweep_models.samplers.diffusion.heun import Heun
from gibbsweep_models.samplers.diffusion.named import DenoiserSamplerConfig, DenoiserSamplerName
from gibbsweep_models.samplers.diffusion.predictor_corrector import PredictorCorrector
from gibbsweep_models.samplers.diffusion.probability_flow import ProbabilityFlow
from gibbsweep_models.samplers.diffusion.score_langevin import ScoreLangevin

__all__ = [
    "Ancestral",
    "AnnealedInpainting",
    "AnnealedLangevin",
    "DenoiserSamplerConfig",
    "DenoiserSamplerName",
    "Euler",
    "Heun",
    "PredictorCorrector",
    "ProbabilityFlow",
    "ScoreLangevin",
]
