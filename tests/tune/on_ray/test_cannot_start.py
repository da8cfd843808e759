"""A study whose trials cannot be loaded where they are to run, as on a cluster whose machines lack a module."""

from __future__ import annotations

import importlib
import io
from pathlib import Path

import pytest
from rich.console import Console
from tests.tiny import study

from gibbsweep.study.contender import Contender
from gibbsweep.tune.options.options import SweepOptions
from gibbsweep.tune.sweep import Interrupted, run_sweep

MODULE = """
from dataclasses import dataclass
from gibbsweep_models.energy.rbm import RBMConfig

@dataclass(frozen=True)
class MyConfig(RBMConfig):
    n_hidden: int = 6
"""


@pytest.mark.usefixtures("ray_of_one_cpu")
def test_a_module_that_trials_lack_pauses_the_sweep_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "only_here.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    config = importlib.import_module("only_here").MyConfig(sample_steps=5, annealing_chains=5)
    options = SweepOptions(name="s", runs=tmp_path / "runs", budget="smoke", trials=0, seeds=1, precision="fp32")
    with pytest.raises(Interrupted, match=r"after 0 of 1 runs.*cannot start .*No module named 'only_here'.*PYTHONPATH"):
        run_sweep(
            study(contenders={"mine": Contender(config, "energy")}, default=("mine",)),
            options,
            console=Console(file=io.StringIO()),
            command="python x.py",
        )
    assert not list((tmp_path / "runs").glob("s/trials/*/outcome.json")), "every run is as it was"
