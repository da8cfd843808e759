"""What may evolve in a population, and what is refused before there is a sweep."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.tiny import RBM, STUDY, study
from tests.tune.plans import new_plan
from tests.tune.pretended import POPULATION

from gibbsweep.errors import UserError
from gibbsweep.study import Choice, Contender, Float, Goal, Int, Study
from gibbsweep.tune.options.options import SweepOptions
from gibbsweep.tune.setup.create import create, reopen
from gibbsweep_models.energy.rbm import RBMConfig, RBMSystem
from gibbsweep_models.types import DataSpec


def refused(the_study: Study, match: str, runs: Path, **options: object) -> None:
    chosen = {**POPULATION, **options}
    with pytest.raises(UserError, match=match):
        create(the_study, SweepOptions(runs=runs, name="s", **chosen), has_gpu=False)  # type: ignore[arg-type]
    assert not (runs / "s").exists()


def with_contender(**changes: Any) -> Study:
    space = {"n_hidden": Int(2, 8), "learning_rate": Float(0.01, 0.3, log=True), "k": Choice(1, 2, 3)}
    return study(contenders={"rbm": Contender(RBM, "energy", **{"space": space, **changes})})


def test_what_cannot_evolve_is_refused_before_there_is_a_sweep(tmp_path: Path) -> None:
    refused(STUDY, r"at least 4 members, and 3 trials of 'rbm' are fewer: use --trials 4 or more", tmp_path, trials=3)
    refused(STUDY, "--generations 40 needs as many updates, and there are 20", tmp_path, generations=40)
    refused(
        with_contender(evolves=("n_hidden",)),
        r"lets 'n_hidden' evolve, and its checkpoint does not go on when it changes \(\S+ is \(",
        tmp_path,
    )
    refused(
        with_contender(evolves=("momentum",)),
        "lets 'momentum' evolve, which is not a path .*n_hidden, learning_rate",
        tmp_path,
    )
    refused(with_contender(evolves=()), "lets nothing evolve", tmp_path)
    refused(
        with_contender(space={"centred": Choice(True, False)}), "nothing that could evolve .*none of centred", tmp_path
    )
    stable = replace(STUDY, goal=Goal("stability", "maximize"))
    refused(stable, "stability, which is known at the end of training alone", tmp_path)


def test_what_evolves_is_named_or_found_and_stays_as_it_was(tmp_path: Path) -> None:
    named = with_contender(evolves=("k", "learning_rate"))
    plan = new_plan(tmp_path, named, **POPULATION)
    assert plan.search_of("rbm").population is not None
    assert plan.search_of("rbm").population.evolves == ("k", "learning_rate")
    with pytest.raises(UserError, match="has changed since it was started .*evolves.rbm"):
        reopen(with_contender(evolves=("learning_rate",)), SweepOptions(runs=tmp_path, resume="s"))


@dataclass(frozen=True)
class WarmConfig(RBMConfig):
    """An RBM that keeps a number of its configuration among its tensors, where a checkpoint overwrites it."""

    warmth: float = 1.0

    def build(self, spec: DataSpec) -> RBMSystem:
        system = super().build(spec)
        system.register_buffer("warmth", torch.tensor(self.warmth))
        return system


def test_what_a_checkpoint_would_overwrite_does_not_evolve(tmp_path: Path) -> None:
    space = {"learning_rate": Float(0.01, 0.3, log=True), "warmth": Float(0.5, 2.0)}
    config = WarmConfig(n_hidden=4, sample_steps=10, annealing_chains=10, equilibration=10)
    warm = Contender(config, "energy", space)
    plan = new_plan(tmp_path, study(contenders={"rbm": warm}), **POPULATION)
    assert plan.search_of("rbm").population is not None
    assert plan.search_of("rbm").population.evolves == ("learning_rate",)
    named = study(contenders={"rbm": replace(warm, evolves=("warmth",))})
    refused(
        named,
        r"does not go on when it changes \(model/warmth holds other numbers at 0.5 than at 2.0\)",
        tmp_path / "named",
    )
