"""One command starts a sweep or continues it, and a resume with other options says what to do instead."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.tiny import STUDY

from gibbsweep.errors import UserError
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
    with pytest.raises(UserError, match=r"--trials 8 was given: .*, or start a new sweep \(--from x takes over"):
        reopen(STUDY, SweepOptions(runs=tmp_path, resume="x", trials=8))
    with pytest.raises(UserError, match="--contenders mean was given"):
        reopen(STUDY, SweepOptions(runs=tmp_path, resume="x", contenders=("mean",)))
