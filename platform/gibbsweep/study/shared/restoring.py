"""Studies that restore images: the networks, spaces and batches that their contenders have in common."""

from __future__ import annotations

from gibbsweep.study.budget_values import by_budget
from gibbsweep.study.contender import Sizes
from gibbsweep.study.space import Float, Space
from gibbsweep_models.nn.energies import PotentialConfig
from gibbsweep_models.nn.noise_networks import UNetConfig

BATCHES: int = by_budget(smoke=8, laptop=16, long=32, other=128)
"""A batch, small where hardware is scarce."""

RATE: Space = {"learning_rate": Float(2e-3, 8e-3, log=True)}
"""The learning rate of a U-Net, or of :data:`POTENTIAL`."""

UNET_SIZES: Sizes = {
    "gpu": {"channels": (64, 128, 256), "patch": 1, "ema_decay": 0.999},
    "paper": {"channels": (128, 256, 256), "patch": 1, "blocks": 2, "ema_decay": 0.9999},
}
"""A system that is a U-Net, at the budgets of a GPU."""

POTENTIAL = PotentialConfig(UNetConfig((32, 64), patch=2))
"""The energy, or the field, of the regressions without a noise level, on the same U-Net."""
POTENTIAL_SIZES: Sizes = {
    "gpu": {"potential.network": UNetConfig((64, 128, 256)), "ema_decay": 0.999},
    "paper": {"potential.network": UNetConfig((128, 256, 256), blocks=2), "ema_decay": 0.9999},
}
""":data:`POTENTIAL` at the budgets of a GPU."""

CD_SPACE: Space = {"cd.learning_rate": Float(1e-4, 1e-3, log=True), "cd.data_noise": Float(0.005, 0.1, log=True)}
"""The training of a convolutional energy by contrastive divergence."""
CONV_SIZES: Sizes = {
    "gpu": {"channels": (64, 128, 256, 256)},
    "paper": {"channels": (128, 256, 512, 512), "cd.n_steps": 60},
}
"""That energy at the budgets of a GPU."""
