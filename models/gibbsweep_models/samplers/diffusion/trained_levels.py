"""The schedules that a score model trains on, the samplers that draw from it, and the check that a sampler stays within
the trained levels."""

from __future__ import annotations

from gibbsweep_models.noise.edm import EDMSchedule
from gibbsweep_models.noise.geometric import GeometricSchedule
from gibbsweep_models.noise.ladder import DDPMLadder, NCSNLadder
from gibbsweep_models.noise.linear import LinearSchedule
from gibbsweep_models.noise.vp import CosineSchedule, SubVPSchedule, VPSchedule
from gibbsweep_models.samplers.diffusion.ancestral import Ancestral, Euler
from gibbsweep_models.samplers.diffusion.annealed_langevin import AnnealedLangevin
from gibbsweep_models.samplers.diffusion.heun import Heun
from gibbsweep_models.samplers.diffusion.predictor_corrector import PredictorCorrector
from gibbsweep_models.samplers.diffusion.probability_flow import ProbabilityFlow, ends
from gibbsweep_models.samplers.diffusion.score_langevin import ScoreLangevin

Schedule = (
    GeometricSchedule
    | VPSchedule
    | SubVPSchedule
    | CosineSchedule
    | LinearSchedule
    | EDMSchedule
    | NCSNLadder
    | DDPMLadder
)
"""Schedules of training."""
DenoiserSampler = (
    AnnealedLangevin | PredictorCorrector | Ancestral | Euler | Heun | ProbabilityFlow | ScoreLangevin
)  # fmt: skip
"""Samplers of a trained denoiser."""


def check_levels(sampler: DenoiserSampler, schedule: Schedule) -> None:
    """Raise ValueError for a ``sampler`` with levels outside those that ``schedule`` trained. EDM's lognormal has no
    end."""
    if isinstance(schedule, EDMSchedule):
        return
    low, high = schedule.sigma_range
    if isinstance(sampler, ScoreLangevin):
        highest = lowest = sampler.sigma
    else:
        highest, lowest = ends(sampler.schedule)
    if highest > 1.001 * high or lowest < 0.999 * low:
        raise ValueError(
            f"got a sampler from sigma={highest:.4g} down to {lowest:.4g}, expected levels that are trained, "
            f"{low:.4g} to {high:.4g}; "
            "narrow the sampler's schedule or widen the model's"
        )
