"""The descriptor network of voxels: a small network and a Gaussian around the mean of the data."""

from __future__ import annotations

import torch

from gibbsweep_models.draws import rand, seeded
from gibbsweep_models.energy.conv_ebm import ConvEBMConfig
from gibbsweep_models.types import DataSpec


def test_a_descriptor_is_a_network_on_a_reference_around_the_data_s_mean() -> None:
    config = ConvEBMConfig.descriptor((4, 8))
    assert (config.channels, config.confinement, config.cd.n_steps) == ((4, 8), 1.0, 8)
    system = config.build(DataSpec((1, 8, 8, 8)))
    x = 2 * rand((6, 1, 8, 8, 8), generator=seeded(0)) - 1
    system.initialise(x)
    mean = x.mean().expand_as(x)
    # What is added to the energy of the network is |x - m|² / (2 s²), with s = 1 and nothing at the mean.
    without = ConvEBMConfig(channels=(4, 8), confinement=None).build(DataSpec((1, 8, 8, 8)))
    weights = {name: w for name, w in system.network.state_dict().items() if name in without.network.state_dict()}
    without.network.load_state_dict(weights)
    added = system.energy(x) - without.energy(x - mean)
    assert torch.allclose(added, 0.5 * (x - mean).square().flatten(1).sum(dim=1), rtol=1e-4)
