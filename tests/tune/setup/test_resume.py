"""One command starts a sweep or continues it, and a resume with other options says what to do instead."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tests.tiny import STUDY, study

from gibbsweep.errors import UserError
from gibbsweep.study import by_budget
from gibbsweep.tune.options.options import SweepOptions, check_options
from gibbsweep.tune.setup.create import create, reopen, resume_if_started


def test_one_command_starts_a_sweep_and_continues_it(tmp_path: Path) -> None:
    asked = SweepOptions(runs=tmp_path, name="x", resume_or_start=True, budget="smoke", seed=3)
    check_options(asked)
    first = resume_if_started(asked)
    assert (first.name, first.resume) == ("x", None)
    sweep, settings = create(STUDY, first, has_gpu=False)
    again = resume_if_started(asked)
    assert (again.name, again.resume) == (None, "x")
    check_options(again)
    assert reopen(STUDY, again) == (sweep, settings)


def test_a_folder_that_a_kill_left_without_a_record_is_started(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    options = resume_if_started(SweepOptions(runs=tmp_path, name="x", resume_or_start=True, budget="smoke"))
    assert create(STUDY, options, has_gpu=False)[0].record()["name"] == "x"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, "--resume-or-start goes with --name: name the sweep"),
        ({"resume": "x"}, "and not with --resume x: .* --name x --resume-or-start"),
    ],
)
def test_start_or_resume_needs_a_name(options: dict[str, str], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        check_options(SweepOptions(resume_or_start=True, **options))  # type: ignore[arg-type]


def test_a_resume_with_other_options_points_to_what_takes_over_the_trials(tmp_path: Path) -> None:
    create(STUDY, SweepOptions(runs=tmp_path, name="x", budget="smoke", trials=2), has_gpu=False)
    with pytest.raises(UserError, match=r"--trials 1 was given: .*, or start a new sweep \(--from x takes over"):
        reopen(STUDY, SweepOptions(runs=tmp_path, resume="x", trials=1))
    with pytest.raises(UserError, match="--contenders mean was given"):
        reopen(STUDY, SweepOptions(runs=tmp_path, resume="x", contenders=("mean",)))


def test_a_sweep_whose_options_shared_their_trials_is_not_continued_as_another(tmp_path: Path) -> None:
    """Trials were once counted a contender. Where nothing is compared that is the same, and nothing was borrowed."""
    options = SweepOptions(runs=tmp_path, name="x", budget="smoke", contenders=("breaking",))
    for name, asked in (("one", options), ("two", replace(options, contenders=("rbm", "breaking")))):
        sweep, _ = create(STUDY, replace(asked, name=name), has_gpu=False)
        record = json.loads(sweep.record_path.read_text())
        del record["options"]["no_borrow"]
        sweep.record_path.write_text(json.dumps(record))
    assert reopen(STUDY, SweepOptions(runs=tmp_path, resume="one"))[1].no_borrow
    with pytest.raises(UserError, match=r"the 2 options of 'rbm' shared 2 trials.*--from two takes over"):
        reopen(STUDY, SweepOptions(runs=tmp_path, resume="two"))


def test_trials_and_scheduler_are_the_study_s_at_its_budget(tmp_path: Path) -> None:
    asked = study(trials=by_budget(smoke=1, other=9), scheduler=by_budget(smoke="none", other="halving"))
    options = SweepOptions(runs=tmp_path, name="smoke", budget="smoke")
    _, small = create(asked, options, has_gpu=False)
    assert (small.trials, small.scheduler, small.sampler) == (1, "none", "tpe")
    _, large = create(asked, replace(options, name="large", budget=None), has_gpu=False)
    assert (large.trials, large.scheduler) == (9, "halving")
    _, other = create(asked, replace(options, name="other", trials=3, scheduler="median"), has_gpu=False)
    assert (other.trials, other.scheduler) == (3, "median")
    with pytest.raises(UserError, match="names the budget 'small'"):
        study(trials=by_budget(small=1, other=9))
