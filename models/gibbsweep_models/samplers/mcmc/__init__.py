"""Markov chains under an energy, or in a machine with hidden units, and how well they mix."""

from gibbsweep_models.samplers.mcmc.class_gibbs import ClassGibbs
from gibbsweep_models.samplers.mcmc.gaussian_gibbs import GaussianGibbs, GibbsLangevin
from gibbsweep_models.samplers.mcmc.gibbs import BlockGibbs
from gibbsweep_models.samplers.mcmc.langevin import Langevin
from gibbsweep_models.samplers.mcmc.mala import MALA
from gibbsweep_models.samplers.mcmc.nesterov import NesterovDescent
from gibbsweep_models.samplers.mcmc.posterior import MAPDenoising
from gibbsweep_models.samplers.mcmc.warming import WarmingLangevin

__all__ = [
    "MALA",
    "BlockGibbs",
    "ClassGibbs",
    "GaussianGibbs",
    "GibbsLangevin",
    "Langevin",
    "MAPDenoising",
    "NesterovDescent",
    "WarmingLangevin",
]
