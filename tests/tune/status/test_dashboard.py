"""The copy of a journal that Optuna's dashboard shows."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest
from optuna.distributions import CategoricalDistribution
from tests.tiny import study

from gibbsweep.errors import UserError
from gibbsweep.folder import Outcome
from gibbsweep.study import Choice, Float, Study
from gibbsweep.tune.folder.layout import SweepDir
from gibbsweep.tune.options.options import SweepOptions
from gibbsweep.tune.plan.outline import outline, write_outline
from gibbsweep.tune.plan.plan import Plan
from gibbsweep.tune.setup.create import create
from gibbsweep.tune.status.dashboard import copied


def small_sweep(runs: Path) -> SweepDir:
    """A sweep of two trials, whose choice of widths is not in order."""
    from dataclasses import replace

    base: Study = study()
    rbm = base.contenders["rbm"]
    space = {"n_hidden": Choice(16, 4, 8), "centred": Choice(True, False), "learning_rate": Float(0.01, 0.3, log=True)}
    asked = study(contenders={"rbm": replace(rbm, compare=None, space=space)})
    sweep, settings = create(asked, SweepOptions(name="s", runs=runs, budget="smoke", trials=2, seeds=0), has_gpu=False)
    plan = Plan(asked, settings, sweep)
    write_outline(sweep, outline(plan))
    for value in (-20.0, -19.0):
        run = plan.next()
        assert run is not None
        plan.report(run.name, 10, {"validation/log_likelihood": value})
        plan.close(run.name, Outcome("completed", 10, {"validation/log_likelihood": value}))
    return sweep


def test_goals_have_names_and_numbers_their_order(tmp_path: Path) -> None:
    sweep = small_sweep(tmp_path)
    before = sweep.journal.read_bytes()
    storage = copied(sweep)
    shown = optuna.load_study(study_name="rbm", storage=storage)
    assert shown.metric_names == ["log_likelihood"]
    assert [trial.value for trial in shown.trials] == [-20.0, -19.0]
    domains = shown.trials[0].distributions
    assert domains["n_hidden"] == CategoricalDistribution((4, 8, 16))
    assert domains["centred"] == CategoricalDistribution((True, False))
    shown.set_user_attr("note", "mine")
    assert sweep.journal.read_bytes() == before  # what is done there stays there


def test_a_journal_that_cannot_be_read_is_a_sentence(tmp_path: Path) -> None:
    sweep = small_sweep(tmp_path)
    sweep.journal.write_text("half a line\nand another\n")
    with pytest.raises(UserError, match="the journal of sweep 's' cannot be read"):
        copied(sweep)
    sweep.journal.unlink()
    with pytest.raises(UserError, match="has no trial yet"):
        copied(sweep)
