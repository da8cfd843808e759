"""Networks that are an energy of an example, or of an example and its class: low = likely."""

from gibbsweep_models.nn.energies.class_energies import (
    ClassEnergies,
    ConvConfig,
    MLPConfig,
    PrototypeConfig,
    ResidualConfig,
)
from gibbsweep_models.nn.energies.class_rbm import ClassRBM
from gibbsweep_models.nn.energies.conv import ConvEnergy
from gibbsweep_models.nn.energies.gaussian_rbm import ConvGaussianRBM, GaussianRBM
from gibbsweep_models.nn.energies.mlp import MLPEnergy
from gibbsweep_models.nn.energies.named import NamedClassEnergiesConfig, NamedEnergyConfig
from gibbsweep_models.nn.energies.potential import Potential, PotentialConfig
from gibbsweep_models.nn.energies.prototypes import PrototypeEnergies
from gibbsweep_models.nn.energies.quadratic import LowRankQuadraticEnergy
from gibbsweep_models.nn.energies.rbm import RBM
from gibbsweep_models.nn.energies.reconstruction import ReconstructionEnergy
from gibbsweep_models.nn.energies.residual import ResidualEnergy

__all__ = [
    "RBM",
    "ClassEnergies",
    "ClassRBM",
    "ConvConfig",
    "ConvEnergy",
    "ConvGaussianRBM",
    "GaussianRBM",
    "LowRankQuadraticEnergy",
    "MLPConfig",
    "MLPEnergy",
    "NamedClassEnergiesConfig",
    "NamedEnergyConfig",
    "Potential",
    "PotentialConfig",
    "PrototypeConfig",
    "PrototypeEnergies",
    "ReconstructionEnergy",
    "ResidualConfig",
    "ResidualEnergy",
]
