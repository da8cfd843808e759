"""The schedules that a score model trains on, the samplers that draw from it, and the check that a sampler stays within
the trained levels."""

from __future__ import annotations

import math

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


_FAR = 4.5
"""Standard deviations of a lognormal below which not one training example in 100,000 lies."""


def check_levels(sampler: DenoiserSampler, schedule: Schedule, *, skips: bool = True) -> None:
    """Raise ValueError for a ``sampler`` with levels outside those that ``schedule`` trained. EDM's lognormal has no
    end; but where the denoiser does not begin at what it is given (``skips``: no skip connection, the picture itself is
    predicted), its output at a low level that it never saw has nothing to do with the picture: after 3,636 updates on
    MNIST about a median of 1.2, the last step from .02 to .005 alone took the Fréchet distance from 42 to 425."""
    if isinstance(sampler, ScoreLangevin):
        highest = lowest = sampler.sigma
    else:
        highest, lowest = ends(sampler.schedule)
    if isinstance(schedule, EDMSchedule):
        low = math.exp(schedule.p_mean - _FAR * schedule.p_std)
        if not skips and schedule.p_std > 0 and lowest < low:
            raise ValueError(
                f"got a sampler down to sigma={lowest:.4g} for a network that predicts the picture itself, expected "
                f"levels that training draws, {low:.2g} and more; narrow the sampler's schedule, widen the model's "
                "p_std, or choose predicts='edm'"
            )
        return
    low, high = schedule.sigma_range
    if highest > 1.001 * high or lowest < 0.999 * low:
        raise ValueError(
            f"got a sampler from sigma={highest:.4g} down to {lowest:.4g}, expected levels that are trained, "
            f"{low:.4g} to {high:.4g}; "
            "narrow the sampler's schedule or widen the model's"
        )
