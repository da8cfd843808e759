"""The study of a run is the one that its sweep had: with the options that the script was given."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gibbsweep.errors import UserError
from gibbsweep.folder import RunFolder
from gibbsweep.use.script import study_of_run

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = '''
from dataclasses import dataclass, replace

from gibbsweep.study import Study
from tests import tiny


@dataclass(frozen=True)
class Options:
    """What may be chosen."""

    words: tuple[str, ...] = ("a",)


def study(options: Options) -> Study:
    """The tiny study, with a question of its own."""
    return replace(tiny.STUDY, question=" ".join(options.words) + "?")


STUDY = study(Options())
'''


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "options_of_its_own.py"
    path.write_text(SCRIPT)
    return path


def run_of_sweep(tmp_path: Path, record: dict[str, object] | None) -> RunFolder:
    folder = tmp_path / "runs" / "s" / "trials" / "rbm-0000"
    folder.mkdir(parents=True)
    if record is not None:
        (folder.parents[1] / "sweep.json").write_text(json.dumps(record))
    return RunFolder(folder)


@pytest.mark.parametrize(
    ("record", "question"),
    [
        (None, "a?"),
        ({}, "a?"),
        ({"script_options": {}}, "a?"),
        ({"script_options": {"words": ["a"]}}, "a?"),
        ({"script_options": {"words": ["b", "c"]}}, "b c?"),
    ],
)
def test_the_study_has_the_options_of_its_sweep(
    script: Path, tmp_path: Path, record: dict[str, object] | None, question: str
) -> None:
    assert study_of_run(script, run_of_sweep(tmp_path, record)).question == question


def test_options_that_the_script_has_lost_are_named(script: Path, tmp_path: Path) -> None:
    run = run_of_sweep(tmp_path, {"script_options": {"model": "x"}})
    with pytest.raises(UserError, match=r"takes no options model='x', with which the sweep of rbm-0000 was started"):
        study_of_run(script, run)


def test_a_study_of_the_repository_by_its_option(tmp_path: Path) -> None:
    run = run_of_sweep(tmp_path, {"script_options": {"features": "inception"}})
    study = study_of_run(ROOT / "sweeps" / "score_generation.py", run)
    assert any(getattr(evaluator, "features", "") == "inception" for evaluator in study.final_evaluators)
