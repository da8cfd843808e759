"""Contrastive divergence: of continuous energies, of restricted Boltzmann machines, and its replay buffer."""

from gibbsweep_models.objectives.cd.contrastive_divergence import ContrastiveDivergence
from gibbsweep_models.objectives.cd.langevin_cd import LangevinCD
from gibbsweep_models.objectives.cd.langevin_kl import LangevinKL
from gibbsweep_models.objectives.cd.on_manifold_cd import OnManifoldCD
from gibbsweep_models.objectives.cd.rbm_cd import RBMContrastiveDivergence
from gibbsweep_models.objectives.cd.replay_buffer import ReplayBuffer

__all__ = [
    "ContrastiveDivergence",
    "LangevinCD",
    "LangevinKL",
    "OnManifoldCD",
    "RBMContrastiveDivergence",
    "ReplayBuffer",
]
