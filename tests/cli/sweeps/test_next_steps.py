"""The last lines of a sweep: its answer, and commands that can be pasted."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.results.test_answer import ONE, TEN, table
from tests.tiny import STUDY
from tests.tune.plans import new_plan

from gibbsweep.cli.sweeps.next_steps import last_lines, next_steps
from gibbsweep.results.results import Results
from gibbsweep.tune.options.options import SweepOptions

ROOT = Path(__file__).resolve().parents[3]


def finished(runs: Path, budget: str = "laptop", **options: Any) -> tuple[Results, SweepOptions]:
    """The table of a sweep ``s`` that has come to its end."""
    plan = new_plan(runs, budget=budget, **options)
    results = Results(**{**vars(table(ONE, TEN, budget=budget)), "sweep": "s", "wall_seconds": 12.3})
    results.write(plan.sweep.results)
    return results, SweepOptions(runs=runs, address="local")


def test_the_answer_stands_above_three_commands(tmp_path: Path) -> None:
    results, options = finished(tmp_path, trials=2)
    lines = [line.plain for line in last_lines(STUDY, results, options, "python x.py")]
    assert lines[0].startswith("k=10 is best in x (5.00 ± 0.10)")
    assert lines[1:3] == ["", "12 s in all. Next:"]
    assert len(lines) == 6 and all(line.startswith("  ") for line in lines[3:])
    assert lines[4].endswith(f"gibbsweep compare s --runs {tmp_path}")
    assert lines[5].endswith(f"python x.py --resume s --runs {tmp_path} --trials 4 --address local")


@pytest.mark.parametrize(
    ("budget", "options", "command"),
    [
        ("smoke", {"trials": 2}, "python x.py --budget laptop"),
        ("laptop", {"trials": 4, "scheduler": "population"}, "gibbsweep export s --latex --runs {}"),
        ("laptop", {"trials": 2, "sampler": "grid"}, "gibbsweep export s --latex --runs {}"),
    ],
)
def test_what_cannot_be_extended_has_another_next_step(
    budget: str, options: dict[str, Any], command: str, tmp_path: Path
) -> None:
    results, asked = finished(tmp_path, budget, **options)
    assert next_steps(STUDY, results, asked, "python x.py")[2][1] == command.format(tmp_path)


def test_a_store_of_its_own_is_shown_without_its_password(tmp_path: Path) -> None:
    results, _ = finished(tmp_path, trials=2)
    options = SweepOptions(runs=tmp_path, tracking_uri="http://me:secret@host:5000")
    assert next_steps(STUDY, results, options, "python x.py")[0][1] == "http://me:***@host:5000"


@pytest.mark.cluster
def test_the_commands_of_a_sweep_work_when_pasted(tmp_path: Path) -> None:
    """A sweep in a shell; then, in the same one, what its last lines say: look, compare, and twice the trials."""
    bin_folder = str(Path(sys.executable).parent)
    path = os.pathsep.join([bin_folder, os.environ.get("PATH", "")])
    python_path = os.pathsep.join(str(ROOT / name) for name in ("platform", "models", "."))
    environment = {**os.environ, "PATH": path, "PYTHONPATH": python_path, "MLFLOW_TRACKING_URI": "", "COLUMNS": "200"}

    def shell(command: str) -> str:
        done = subprocess.run(
            ["sh", "-c", command],
            check=False,
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    script = shlex.quote(str(ROOT / "tests" / "tiny.py"))
    text = shell(f"python {script} --budget laptop --trials 1 --seeds 1 --address local --cpus 2")
    commands = re.findall(r"^  (?:see all in MLflow|compare its rows|twice the trials) +(.*)$", text, re.MULTILINE)
    ui, compare, further = commands
    assert ui == "gibbsweep ui"  # which serves until Ctrl-C: tests/cli/test_ui.py
    assert "--optuna" in shell(f"{ui} --help")
    assert "better?" in shell(compare)
    again = shell(further)
    assert "from 1 to 2 trials a row" in again and "rbm-0003" in again
