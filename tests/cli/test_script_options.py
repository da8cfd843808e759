"""A script may have options of its own; a resumed sweep remembers them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.tiny import study

from gibbsweep.cli import run_study_of
from gibbsweep.study import Study

pytestmark = pytest.mark.usefixtures("ray_of_one_cpu")


@dataclass(frozen=True)
class Options:
    task: str = "easy"
    """What to do."""


built: list[str] = []


def build(options: Options) -> Study:
    built.append(options.task)
    return study(
        contenders={"mean": study().contenders["mean"]}, default=("mean",), question=f"Is {options.task} work?"
    )


def test_own_options_reach_the_study_and_are_remembered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    common = ["--runs", str(tmp_path), "--budget", "smoke"]
    results = run_study_of(build, Options, ["--task", "hard", "--name", "s", "--seeds", "1", *common])
    assert results.question == "Is hard work?"
    assert results.rows[0].metrics["test/log_likelihood"].n == 1
    assert json.loads((tmp_path / "s" / "sweep.json").read_text())["script_options"] == {"task": "hard"}
    again = run_study_of(build, Options, ["--resume", "s", "--runs", str(tmp_path)])
    assert again.question == "Is hard work?"
    assert built[-1] == "hard"


def test_a_wrong_option_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        run_study_of(build, Options, ["--tsak", "hard", "--runs", str(tmp_path)])
    assert stopped.value.code == 2
    assert "did you mean --task" in capsys.readouterr().err
