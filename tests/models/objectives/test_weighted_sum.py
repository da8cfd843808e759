"""A weighted sum of objectives is the sum of their losses and of their gradients."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from gibbsweep_models.draws import seeded
from gibbsweep_models.nn.energies.mlp import MLPEnergy
from gibbsweep_models.objectives.cd.contrastive_divergence import ContrastiveDivergence
from gibbsweep_models.objectives.cd.replay_buffer import ReplayBuffer
from gibbsweep_models.objectives.composed.weighted_sum import WeightedSum
from gibbsweep_models.objectives.score_matching.denoising import DenoisingScoreMatching
from gibbsweep_models.samplers.mcmc.langevin import Langevin

X = torch.linspace(-1, 1, 16).view(8, 2)


def test_it_is_the_sum_of_its_terms() -> None:
    energy = MLPEnergy((2,), (8,))
    first, second = DenoisingScoreMatching(0.3), ContrastiveDivergence(Langevin(2, 0.1), l2=0.5)
    whole = WeightedSum({"dsm": (2.0, first), "cd": (-0.5, second)})
    loss = whole(energy, {"x": X}, generator=seeded(0))
    generator = seeded(0)  # the terms draw one after the other
    dsm, cd = first(energy, {"x": X}, generator=generator), second(energy, {"x": X}, generator=generator)
    torch.testing.assert_close(loss.total, 2.0 * dsm.total - 0.5 * cd.total)
    assert float(loss.parts["dsm_loss"]) == float(dsm.total.detach())
    assert float(loss.parts["cd_energy_gap"]) == float(cd.parts["energy_gap"])
    assert (dsm.nfe, cd.nfe, loss.nfe) == (None, 2, 2)


def test_a_weight_of_zero_switches_a_term_off() -> None:
    replay = ReplayBuffer(16, (2,))
    whole = WeightedSum(
        {"dsm": (1.0, DenoisingScoreMatching(0.3)), "cd": (0.0, ContrastiveDivergence(Langevin(1, 0.1), replay))}
    )
    loss = whole(MLPEnergy((2,), (8,)), {"x": X}, generator=seeded(0))
    assert not bool(replay.written.any())
    assert not any(name.startswith("cd") for name in loss.parts)
    assert any(name.startswith("cd.replay") for name in whole.state_dict()), "its state is still saved"


def test_it_needs_a_term() -> None:
    with pytest.raises(ValueError, match="at least one term"):
        WeightedSum({})
    assert isinstance(WeightedSum({"dsm": (1.0, DenoisingScoreMatching(0.3))}), nn.Module)
