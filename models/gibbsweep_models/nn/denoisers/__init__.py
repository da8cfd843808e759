"""Denoisers, (B, *D) and sigma (B,) -> (B, *D): preconditioned networks, guidance, and exact ones."""

from gibbsweep_models.nn.denoisers.densities import DENSITIES, density_of
from gibbsweep_models.nn.denoisers.energy_denoiser import EnergyDenoiser
from gibbsweep_models.nn.denoisers.foreign import ForeignEps
from gibbsweep_models.nn.denoisers.guidance import ClassifierFree, ClassifierGuidance, Guidance
from gibbsweep_models.nn.denoisers.hole_denoiser import HoleDenoiser
from gibbsweep_models.nn.denoisers.mixture import GaussianMixture
from gibbsweep_models.nn.denoisers.ncsn import NCSNDenoiser
from gibbsweep_models.nn.denoisers.parametrisation import NetworkDenoiser
from gibbsweep_models.nn.denoisers.precondition import EDMPrecondition

__all__ = [
    "DENSITIES",
    "ClassifierFree",
    "ClassifierGuidance",
    "EDMPrecondition",
    "EnergyDenoiser",
    "ForeignEps",
    "GaussianMixture",
    "Guidance",
    "HoleDenoiser",
    "NCSNDenoiser",
    "NetworkDenoiser",
    "density_of",
]
