"""What studies that restore images have in common."""

from __future__ import annotations

import pytest

from gibbsweep import Contender
from gibbsweep.study.budget_values import at_budget
from gibbsweep.study.shared.restoring import (
    BATCHES,
    CD_SPACE,
    CONV_SIZES,
    POTENTIAL,
    POTENTIAL_SIZES,
    RATE,
    UNET_SIZES,
)
from gibbsweep.study.space import check_paths, with_values
from gibbsweep_models.baselines.denoising_autoencoder import DenoisingAutoencoderConfig
from gibbsweep_models.baselines.masked_autoencoder import MaskedAutoencoderConfig
from gibbsweep_models.energy.conv_ebm import ConvEBMConfig
from gibbsweep_models.energy.dsm_energy import DSMEnergyConfig
from gibbsweep_models.energy.energy_matching import EnergyMatchingConfig
from gibbsweep_models.energy.equilibrium_matching import EquilibriumMatchingConfig
from gibbsweep_models.types import DataSpec, SystemConfig

UNETS = (DSMEnergyConfig(), DenoisingAutoencoderConfig(), MaskedAutoencoderConfig())
REGRESSIONS = (EnergyMatchingConfig(POTENTIAL), EquilibriumMatchingConfig(POTENTIAL))


@pytest.mark.parametrize("budget", ["gpu", "paper"])
def test_a_regression_has_the_u_net_of_the_others(budget: str) -> None:
    """Channels, blocks, patch and average, whatever the form; else a table would compare networks."""
    for unet in UNETS:
        large = with_values(unet, UNET_SIZES[budget])
        for regression in REGRESSIONS:
            config = with_values(regression, POTENTIAL_SIZES[budget])
            network = config.potential.network
            assert (network.channels, network.blocks, network.patch) == (large.channels, large.blocks, large.patch)
            assert config.ema_decay == large.ema_decay


@pytest.mark.parametrize("config", [*UNETS, *REGRESSIONS], ids=lambda config: type(config).__name__)
def test_every_one_of_them_learns_at_the_rate_that_is_searched(config: SystemConfig) -> None:
    check_paths(config, RATE)


def test_a_convolutional_energy_is_searched_and_enlarged_by_its_own_fields() -> None:
    contender = Contender(ConvEBMConfig(), space=CD_SPACE, by_budget=CONV_SIZES)
    check_paths(contender.config, contender.space)
    for budget, sizes in CONV_SIZES.items():
        config = with_values(contender.config, sizes)
        assert config.channels == sizes["channels"], budget
        assert with_values(config, {"channels": (4, 4)}).build(DataSpec((1, 8, 8), "signed")).phases()


def test_batches_grow_with_the_hardware() -> None:
    sizes = [at_budget(BATCHES, budget) for budget in ("smoke", "laptop", "long", "gpu", "paper")]
    assert sizes == sorted(sizes) and sizes[-1] == sizes[-2]
