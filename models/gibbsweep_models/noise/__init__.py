"""Noise levels: their schedules, the rules that choose them, and masks of unknown pixels."""

from gibbsweep_models.noise.edm import EDMSchedule
from gibbsweep_models.noise.geometric import GeometricSchedule
from gibbsweep_models.noise.ladder import DDPMLadder, NCSNLadder
from gibbsweep_models.noise.linear import LinearSchedule
from gibbsweep_models.noise.masks import CentreMask, Mask, MixedMask, RandomMask
from gibbsweep_models.noise.vp import CosineSchedule, SubVPSchedule, VPSchedule

__all__ = [
    "CentreMask",
    "CosineSchedule",
    "DDPMLadder",
    "EDMSchedule",
    "GeometricSchedule",
    "LinearSchedule",
    "Mask",
    "MixedMask",
    "NCSNLadder",
    "RandomMask",
    "SubVPSchedule",
    "VPSchedule",
]
