"""A sweep measures once which precision pays for a contender on a kind of device, and once more on another one, saying
so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.tiny import RBM, study
from tests.tune.whole.sweeping import sweep

from gibbsweep.run.provenance import device_name
from gibbsweep.study import Contender, Float
from gibbsweep.train import Outcome
from gibbsweep.train.precision import measurements
from gibbsweep.tune.on_ray.precisions import Precisions

HERE, BEFORE = device_name("cpu"), "Abacus"


def entry(chosen: str) -> dict[str, Any]:
    return {"precision": chosen, "fp32_seconds": 0.2, "bf16_seconds": 0.1, "run": "r"}


def test_another_kind_of_device_is_said_once_and_the_first_one_never(tmp_path: Path) -> None:
    path, heard = tmp_path / "rbm.json", []
    fresh = Precisions(tmp_path, heard.append)
    fresh.look("rbm")
    path.write_text(json.dumps({"A": entry("bf16")}))
    fresh.look("rbm")
    assert heard == []
    resumed = Precisions(tmp_path, heard.append)
    resumed.look("rbm")
    assert heard == []
    path.write_text(json.dumps({"A": entry("bf16"), "B": entry("fp32")}))
    for _ in range(2):
        resumed.look("rbm")
    (sentence,) = heard
    assert sentence.startswith("precision  ·  rbm was measured again, on B: fp32 (") and sentence.endswith(
        "; before, bf16 on A"
    )


@pytest.mark.usefixtures("ray_of_one_cpu")
def test_every_run_trains_in_what_is_on_record(tmp_path: Path) -> None:
    """Searched and retrained; ``elsewhere`` was measured on another machine before, and ``here`` on this one, with
    another result than today's measurement might have. What is planted stands for an earlier part of the sweep."""
    contender = Contender(RBM, kind="energy", space={"learning_rate": Float(0.01, 0.3, log=True)})
    folder = tmp_path / "s" / "precision"
    folder.mkdir(parents=True)
    (folder / "here.json").write_text(json.dumps({HERE: entry("bf16")}))
    (folder / "elsewhere.json").write_text(json.dumps({BEFORE: entry("bf16")}))
    names = ("here", "elsewhere", "new")
    _, text = sweep(
        tmp_path, study(contenders=dict.fromkeys(names, contender), default=names), trials=2, seeds=1, precision="auto"
    )
    assert (folder / "here.json").read_text() == json.dumps({HERE: entry("bf16")})
    assert list(measurements(folder / "elsewhere.json")) == [BEFORE, HERE]
    for name in names:
        expected = measurements(folder / f"{name}.json")[HERE]["precision"]
        outcomes = [Outcome.read(run_dir) for run_dir in (tmp_path / "s" / "trials").glob(f"{name}-*")]
        assert len(outcomes) == 3
        assert {outcome.precision for outcome in outcomes if outcome is not None} == {expected}
    said = [line for line in text.splitlines() if line.startswith("precision")]
    assert len(said) == 1 and said[0].startswith(f"precision  ·  elsewhere was measured again, on {HERE}: ")
    assert said[0].endswith(f"before, bf16 on {BEFORE}")
