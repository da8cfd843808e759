"""Every system, small, with what the loop's contract suite needs to train it. Adding a system is one line."""

from __future__ import annotations

from gibbsweep_models.baselines.autoencoder import AutoencoderConfig
from gibbsweep_models.baselines.gan import GANConfig
from gibbsweep_models.baselines.vae import VAEConfig
from gibbsweep_models.energy.conv_ebm import ConvEBMConfig
from gibbsweep_models.energy.mlp_ebm import MLPEBMConfig
from gibbsweep_models.energy.rbm import RBMConfig
from gibbsweep_models.objectives.langevin_cd import LangevinCD
from gibbsweep_models.score.edm import EDMConfig
from gibbsweep_models.types import SystemConfig

SYSTEMS: dict[str, SystemConfig] = {
    "rbm": RBMConfig(n_hidden=16, k=1, momentum=0.5),
    "rbm_pcd": RBMConfig(n_hidden=16, k=2, persistent=True, centred=False),
    "conv_ebm": ConvEBMConfig(channels=(8, 8), cd=LangevinCD(n_steps=3, replay_size=128)),
    "mlp_ebm": MLPEBMConfig(n_steps=3, replay_size=128),
    "edm": EDMConfig(),
    "gan": GANConfig(),
    "vae": VAEConfig(),
    "autoencoder": AutoencoderConfig(),
}
