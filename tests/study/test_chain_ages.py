"""Chains of training against the chains that are shown."""

from __future__ import annotations

import pytest

from gibbsweep import Budget, Choice, Contender, Goal, Study
from gibbsweep.evaluate import EnergyDrift, Refinement, SampleGrid
from gibbsweep.study.chain_ages import young_chains
from gibbsweep_models.energy.conv_ebm import ConvEBMConfig
from gibbsweep_models.energy.rbm import RBMConfig
from gibbsweep_models.objectives.cd import LangevinCD


def sentences(cd: LangevinCD, *, updates: int = 200, sample_steps: int = 256, shown: int = 300) -> list[str]:
    study = Study(
        name="s",
        question="?",
        data="digits",
        contenders={
            "energy": Contender(
                ConvEBMConfig(cd=cd, sample_steps=sample_steps),
                space={"cd.n_steps": Choice(1, 10)},
                compare="cd.n_steps",
            ),
            "rbm": Contender(RBMConfig()),
        },
        goal=Goal("validation/energy_drift", "minimize"),
        budgets={"laptop": Budget(updates, 32, updates)},
        evaluators=(EnergyDrift(5),),
        final_evaluators=(EnergyDrift(100), Refinement((0, shown)), *((SampleGrid(),) if sample_steps > 300 else ())),
        columns={"test/energy_drift": "drift"},
    )
    contenders = study.at("laptop")
    assert young_chains(contenders["rbm"]) == []
    return young_chains(contenders["energy"])


def test_each_option_whose_chains_stay_younger_than_what_is_shown_has_a_sentence() -> None:
    """200 updates of 32 chains are 3.2 visits of 2,000 places, each of 1 or 10 steps."""
    one, ten = sentences(LangevinCD(replay_size=2_000))
    assert "chains of 300 steps are shown, and those of training reach 3 " in one and "train longer" in one
    assert "reach 32 with replay_size=2000 and n_steps=10: 213 chains would grow as old" in ten
    (only,) = sentences(LangevinCD(replay_size=200))
    assert "n_steps=1" in only
    assert sentences(LangevinCD(replay_size=200), updates=2_000) == []
    assert len(sentences(LangevinCD(replay_size=200), updates=2_000, sample_steps=5_000)) == 2


@pytest.mark.parametrize("cd", [LangevinCD(persistent=False), LangevinCD(restart_fraction=1.0)])
def test_chains_that_start_anew_at_every_update_have_no_age(cd: LangevinCD) -> None:
    assert cd.chain_age(10, 10) is None and sentences(cd) == []
