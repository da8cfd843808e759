"""Memory that runs out for real, under a real Tune: such a run goes on with more room, and fails only alone."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console
from tests.hungry import HungryConfig
from tests.tiny import study

from gibbsweep.folder import Outcome, read_spool
from gibbsweep.results.results import Results
from gibbsweep.study.contender import Contender
from gibbsweep.tune.on_ray import deaths
from gibbsweep.tune.on_ray.threads import VARIABLES
from gibbsweep.tune.options.options import SweepOptions
from gibbsweep.tune.sweep import run_sweep

ROOT = Path(__file__).resolve().parents[3]
HOW = ("greedy", "glutton", "killed")


@pytest.mark.usefixtures("ray_session")
def test_what_runs_out_of_memory_goes_on_with_more_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel of this test counts the one that is killed."""
    monkeypatch.setattr(deaths, "kills_so_far", lambda: int((tmp_path / "killed").exists()))
    results, found, said = sweep(tmp_path, HOW)
    greedy, glutton, killed = (found[how] for how in HOW)
    assert [o.kind for o in (greedy, killed)] == ["completed"] * 2
    for outcome in (greedy, killed, glutton):
        (retry,) = outcome.memory_retries
        assert (retry.step, retry.before, retry.after, retry.cpus) == (5, 2, 1, 2)
        assert retry.memory == "host" and retry.certain and retry.lost_seconds > 0
    assert "allocate memory" in greedy.memory_retries[0].message
    assert "the kernel killed its process" in killed.memory_retries[0].message
    assert glutton.kind == "failed" and "alone on its machine" in glutton.message and glutton.step == 10
    assert "greedy-seed1 ran out of memory with up to 2 on a machine" in said
    assert "completed after 1 retry with more memory" in said
    assert results.accounting is not None and results.accounting.out_of_memory > 0


@pytest.mark.usefixtures("ray_session")
def test_a_crash_that_the_kernel_did_not_count_is_no_lack_of_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stands in a sweep of its own: which of two processes that end at once the kernel counted, nobody can say."""
    monkeypatch.setattr(deaths, "kills_so_far", lambda: 0)
    results, found, said = sweep(tmp_path, ("crashed",))
    assert (tmp_path / "crashed").exists() and found["crashed"].kind == "completed"
    assert found["crashed"].memory_retries == () and "out of memory" not in said
    assert results.accounting is not None and results.accounting.out_of_memory == 0


def sweep(tmp_path: Path, names: tuple[str, ...]) -> tuple[Results, dict[str, Outcome], str]:
    """One run of each kind in ``names``: the table, the outcomes by kind, and what was printed."""
    contenders = {
        how: Contender(
            HungryConfig(n_hidden=6, sample_steps=5, annealing_chains=5, how=how, marks=str(tmp_path)), "energy"
        )
        for how in names
    }  # fmt: skip
    text = io.StringIO()
    options = SweepOptions(name="s", runs=tmp_path, budget="laptop", trials=0, seeds=1, precision="fp32")
    results = run_sweep(
        study(contenders=contenders, default=names),
        options,
        console=Console(file=text, width=200),
        command="python x.py",
    )
    found: dict[str, Outcome] = {}
    for how in names:
        run_dir = tmp_path / "s" / "trials" / f"{how}-seed1"
        outcome = Outcome.read(run_dir)
        assert outcome is not None
        found[how] = outcome
        steps = [record.step for record in read_spool(run_dir / "metrics.jsonl")]
        assert steps == ([5, 10] if how == "glutton" else [5, 10, 15, 20]), "reports are neither lost nor repeated"
        threads = json.loads((tmp_path / f"{how}.json").read_text())
        assert threads == {"torch": 1, "pools": [1], **dict.fromkeys(VARIABLES, "1")}
    return results, found, text.getvalue()


def test_a_persons_own_number_of_threads_is_not_a_trials(tmp_path: Path) -> None:
    script = (
        "import numpy, scipy.linalg, sklearn.svm, sys, pathlib\n"
        "from gibbsweep.tune.on_ray.threads import pin_threads\n"
        "from tests.hungry import note_threads\n"
        "pin_threads()\n"
        "note_threads(pathlib.Path(sys.argv[1]))\n"
    )
    paths = os.pathsep.join(str(ROOT / name) for name in ("platform", "models", "."))
    environment = {**os.environ, "PYTHONPATH": paths} | dict.fromkeys(VARIABLES, "8")
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "t.json")], env=environment, check=True, cwd=ROOT)
    assert json.loads((tmp_path / "t.json").read_text()) == {"torch": 1, "pools": [1], **dict.fromkeys(VARIABLES, "1")}
