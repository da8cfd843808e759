"""Which precision a run trains in: measured by whoever asks first on a kind of device, and on record from then on."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
import torch
from tests.tiny import STUDY

from gibbsweep.data import load
from gibbsweep.precisions import Precision, PrecisionOption
from gibbsweep.run.assignment import Assignment
from gibbsweep.run.provenance import device_name
from gibbsweep.run.run import run
from gibbsweep.train import Budget, Outcome, precision
from gibbsweep.train.precision import Measured, choose_precision, describe_measurement, measurements
from gibbsweep_models.energy.rbm import RBMConfig

HERE = device_name("cpu")
BF16_PAYS = {"fp32": 0.2, "bf16": 0.1}
FP32_PAYS = {"fp32": 0.1, "bf16": 0.095}
"""Faster in bf16, and not by enough."""


def test_the_probe_leaves_no_trace(tmp_path: Path) -> None:
    data = load("digits", units="binary")
    system = RBMConfig(n_hidden=8, persistent=True).build(data.spec)
    before = {name: t.clone() for name, t in system.state_dict().items()}
    measured = Measured(tmp_path / "precision.json", HERE, "r")
    chosen = choose_precision(measured, system, data.train.batch(torch.arange(16)), torch.device("cpu"))
    (found,) = measurements(measured.path).values()
    assert chosen == found["precision"] in ("fp32", "bf16") and found["fp32_seconds"] > 0 < found["bf16_seconds"]
    assert all(torch.equal(t, before[name]) for name, t in system.state_dict().items())
    assert all(p.grad is None for p in system.parameters())


def test_the_first_to_ask_on_a_kind_of_device_measures_for_all(tmp_path: Path) -> None:
    path = tmp_path / "precision" / "rbm.json"
    assert Measured(path, "A", "first").precision(BF16_PAYS.__getitem__) == "bf16"
    assert Measured(path, "A", "second").precision(FP32_PAYS.__getitem__) == "bf16"
    assert Measured(path, "B", "third").precision(FP32_PAYS.__getitem__) == "fp32"
    found = measurements(path)
    assert found == {
        "A": {"precision": "bf16", "fp32_seconds": 0.2, "bf16_seconds": 0.1, "run": "first"},
        "B": {"precision": "fp32", "fp32_seconds": 0.1, "bf16_seconds": 0.095, "run": "third"},
    }
    assert describe_measurement(found["A"]).startswith("bf16 (an update takes 200 ms in fp32 and 100 ms in bf16")


def test_who_asks_while_another_measures_waits_for_its_answer(tmp_path: Path) -> None:
    path, answers, asked = tmp_path / "precision.json", [], threading.Event()

    def slowly(which: Precision) -> float:
        asked.set()
        time.sleep(0.2)
        return BF16_PAYS[which]

    def ask(run: str) -> None:
        answers.append(Measured(path, "A", run).precision(slowly if run == "first" else FP32_PAYS.__getitem__))

    threads = [threading.Thread(target=ask, args=(run,)) for run in ("first", "second")]
    threads[0].start()
    assert asked.wait(10)
    threads[1].start()
    for thread in threads:
        thread.join()
    assert answers == ["bf16", "bf16"] and measurements(path)["A"]["run"] == "first"


def test_a_measurement_that_fails_leaves_nothing_in_the_way(tmp_path: Path) -> None:
    def fails(which: Precision) -> float:
        raise RuntimeError("out of memory")

    path = tmp_path / "precision.json"
    with pytest.raises(RuntimeError):
        Measured(path, "A", "first").precision(fails)
    assert Measured(path, "A", "second").precision(BF16_PAYS.__getitem__) == "bf16"


def trained(run_dir: Path, option: PrecisionOption, measurements: Path | None, config: RBMConfig) -> Outcome:
    budget = Budget(updates=2, batch_size=16, report_every=2)
    return run(
        Assignment(
            run_dir.name,
            "rbm",
            "search",
            config,
            0,
            "digits",
            budget,
            run_dir,
            precision=option,
            measurements=measurements,
        )
    )


def test_runs_that_share_a_file_train_in_one_precision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a second measurement would find, and whatever their configurations are; alone, a run keeps its own."""
    config = STUDY.contenders["rbm"].config
    assert isinstance(config, RBMConfig)
    shared, times = tmp_path / "precision" / "rbm.json", BF16_PAYS
    monkeypatch.setattr(precision, "_seconds_per_update", lambda which, *_: times[which])
    assert trained(tmp_path / "a", "auto", shared, config).precision == "bf16"
    times = FP32_PAYS
    assert trained(tmp_path / "b", "auto", shared, RBMConfig(n_hidden=20)).precision == "bf16"
    assert trained(tmp_path / "c", "fp32", shared, config).precision == "fp32"
    assert trained(tmp_path / "d", "auto", None, config).precision == "fp32"
    assert list(measurements(shared)) == [HERE] and measurements(shared)[HERE]["run"] == "a"
    assert measurements(tmp_path / "d" / "precision.json")[HERE]["fp32_seconds"] == 0.1
    assert not list(tmp_path.glob("[abc]/precision.json"))
