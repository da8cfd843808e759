"""A data set with fewer examples than a batch is trained on whole, which is said, and the run is still the one that was
asked for."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from rich.console import Console
from tests.tiny import STUDY

from gibbsweep.errors import UserError
from gibbsweep.folder import Outcome, RunFolder
from gibbsweep.run.assignment import Assignment, trained_batch_size
from gibbsweep.run.run import run
from gibbsweep.train import Budget
from gibbsweep.train.checkpoint import read_checkpoint
from gibbsweep.train.order import BatchOrder
from gibbsweep.tune.options.options import SweepOptions
from gibbsweep.tune.setup.create import create
from gibbsweep.tune.setup.prepare import prepare
from gibbsweep_models.energy.rbm import RBMConfig

ASKED = Budget(4, batch_size=32, report_every=2)
SENTENCE = "an update sees all 20 training examples of 'digits[:20]', as they are fewer than the 32 that"


def assignment(run_dir: Path, budget: Budget = ASKED) -> Assignment:
    config = RBMConfig(n_hidden=3, sample_steps=2, annealing_chains=2, equilibration=2)
    return Assignment("a", "rbm", "single", config, 0, "digits[:20]", budget, run_dir, precision="fp32")


def weights(run_dir: Path) -> dict[str, torch.Tensor]:
    return read_checkpoint(RunFolder(run_dir).checkpoint)[1]


def test_an_update_sees_the_whole_set_and_the_run_says_so(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    cut = run(assignment(tmp_path / "cut"))
    assert SENTENCE in capfd.readouterr().out
    whole = run(assignment(tmp_path / "whole", replace(ASKED, batch_size=20)))
    assert "fewer than" not in capfd.readouterr().out
    assert (cut.kind, whole.kind, cut.samples, whole.samples) == ("completed", "completed", 80, 80)
    one, other = weights(tmp_path / "cut"), weights(tmp_path / "whole")
    assert one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)
    record = json.loads(RunFolder(tmp_path / "cut").config.read_text())
    assert (record["budget"]["batch_size"], record["batch_size"]) == (32, 20)
    assert "batch_size" not in json.loads(RunFolder(tmp_path / "whole").config.read_text())
    assert [trained_batch_size(tmp_path / name, 32) for name in ("cut", "none")] == [20, 32]


def test_it_is_resumed_by_what_was_asked_for(tmp_path: Path) -> None:
    run(assignment(tmp_path / "whole"))
    assert run(replace(assignment(tmp_path / "parts"), until=2)).kind == "paused"
    outcome = run(assignment(tmp_path / "parts"))
    assert (outcome.kind, outcome.samples) == ("completed", 80)
    one, other = weights(tmp_path / "parts"), weights(tmp_path / "whole")
    assert all(torch.equal(one[name], other[name]) for name in other)
    with pytest.raises(UserError, match=r"budget\.batch_size: 32 -> 20"):
        run(assignment(tmp_path / "parts", replace(ASKED, batch_size=20)))
    kept = Outcome.read(tmp_path / "parts")
    assert kept is not None and kept.samples == outcome.samples


def test_a_sweep_says_it_at_its_start(tmp_path: Path) -> None:
    text = io.StringIO()
    for data in ("digits[:20]", "digits"):
        options = SweepOptions(runs=tmp_path, name=data[-3:-1], budget="smoke", data=data)
        _, settings = create(STUDY, options, has_gpu=False)
        prepare(STUDY, settings, options, Console(file=text, width=300))
    assert text.getvalue().count("fewer than") == 1
    assert f"data  ·  {SENTENCE}" in text.getvalue()


def test_a_batch_without_a_budget_is_refused_as_before() -> None:
    with pytest.raises(UserError, match="a batch of 6 was asked of 5 training examples"):
        BatchOrder(5, 6, 0)
