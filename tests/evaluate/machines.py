"""Small restricted Boltzmann machines whose distributions are known, and splits for them."""

from __future__ import annotations

import torch
from tests.evaluate.examples import Examples

from gibbsweep_models.draws import bernoulli, seeded
from gibbsweep_models.energy.rbm import RBMConfig, RBMSystem
from gibbsweep_models.types import DataSpec

SHAPE = (1, 2, 3)


def machine(scale: float = 1.0, n_hidden: int = 3) -> RBMSystem:
    """An RBM of random biases; with ``scale`` 0 its visible units are independent."""
    torch.manual_seed(0)
    config = RBMConfig(n_hidden, initial_weight_scale=scale, sample_steps=5, annealing_chains=50, equilibration=50)
    system = config.build(DataSpec(SHAPE, "binary"))
    for bias in (system.rbm.visible_bias, system.rbm.hidden_bias):
        torch.nn.init.normal_(bias)
    return system


def samples_of(system: RBMSystem, n: int) -> Examples:
    """Exact draws of a machine without weights."""
    assert not bool(system.rbm.weight.any())
    return Examples(
        bernoulli(system.rbm.visible_bias.detach().sigmoid().expand(n, -1).contiguous(), generator=seeded(7)).view(
            n, *SHAPE
        )
    )


def coins(n: int, shape: tuple[int, ...] = SHAPE) -> Examples:
    return Examples((torch.rand(n, *shape, generator=seeded(8)) < 0.5).float())
