"""The small parts of the loop: data order, averages, outcomes, the spool."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from gibbsweep.errors import UserError
from gibbsweep.folder import Outcome, read_spool
from gibbsweep.train import Budget, SpoolReporter
from gibbsweep.train.ema import EMA
from gibbsweep.train.order import BatchOrder
from gibbsweep_models.types import OptimizerConfig


@given(n=st.integers(8, 200), batch=st.integers(1, 8), seed=st.integers(0, 99), start=st.integers(0, 60))
def test_an_epoch_sees_no_example_twice_and_any_step_is_reachable(n: int, batch: int, seed: int, start: int) -> None:
    per_epoch = n // batch
    order = BatchOrder(n, batch, seed)
    epoch = torch.cat([order.indices(step) for step in range(per_epoch)])
    assert len(epoch.unique()) == per_epoch * batch
    assert torch.equal(BatchOrder(n, batch, seed).indices(start), [order.indices(s) for s in range(start + 1)][-1])


@given(n=st.integers(16, 100), step=st.integers(0, 40), world_size=st.sampled_from([1, 2, 4]))
def test_workers_share_the_global_batch(n: int, step: int, world_size: int) -> None:
    whole = BatchOrder(n, 16, 0).indices(step)
    shares = [BatchOrder(n, 16, 0, rank=r, world_size=world_size).indices(step) for r in range(world_size)]
    assert torch.equal(torch.cat(shares), whole)


def test_a_batch_that_cannot_be_split_is_refused() -> None:
    with pytest.raises(UserError, match="multiple of 3"):
        BatchOrder(100, 16, 0, rank=0, world_size=3)


def test_the_average_is_the_recursion() -> None:
    model = nn.Linear(1, 1)
    ema = EMA(model, 0.5)
    expected = model.weight.detach().clone()
    for step in range(5):
        with torch.no_grad():
            model.weight += 1
        ema.update(step)
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * model.weight.detach()
    live = model.weight.detach().clone()
    with ema.applied():
        torch.testing.assert_close(model.weight.detach(), expected)
    assert torch.equal(model.weight.detach(), live)


@pytest.mark.parametrize("decay", [-0.1, 1.0, 2.0])
def test_a_decay_outside_its_range_is_refused(decay: float) -> None:
    with pytest.raises(ValueError, match="EMA decay"):
        EMA(nn.Linear(1, 1), decay)


def test_learning_rate_schedules() -> None:
    linear = OptimizerConfig(learning_rate=1.0, schedule="linear", warmup=2)
    assert [linear.learning_rate_at(s, 6) for s in range(6)] == pytest.approx([0.5, 1.0, 1.0, 0.75, 0.5, 0.25])
    cosine = OptimizerConfig(learning_rate=2.0, schedule="cosine")
    assert cosine.learning_rate_at(0, 10) == pytest.approx(2.0)
    assert cosine.learning_rate_at(5, 10) == pytest.approx(1.0)
    assert OptimizerConfig(learning_rate=0.3).learning_rate_at(9, 10) == 0.3


@given(st.dictionaries(st.text(min_size=1, max_size=9), st.floats(allow_nan=True, allow_infinity=True), max_size=4))
def test_outcomes_and_spools_keep_every_number(
    tmp_path_factory: pytest.TempPathFactory, metrics: dict[str, float]
) -> None:
    folder = tmp_path_factory.mktemp("run")
    Outcome("completed", 3, metrics).write(folder)
    spool = SpoolReporter(folder)
    spool(3, metrics)
    spool.close()
    outcome = Outcome.read(folder)
    assert outcome is not None
    for read in (outcome.metrics, read_spool(folder / "metrics.jsonl")[0].metrics):
        assert read.keys() == metrics.keys()
        for name, value in metrics.items():
            assert read[name] == value or (math.isnan(read[name]) and math.isnan(value))


def test_an_unwritable_run_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        SpoolReporter(tmp_path / "file" / "run")


@pytest.mark.parametrize("field", ["updates", "batch_size", "report_every"])
def test_a_budget_of_nothing_is_refused(field: str) -> None:
    with pytest.raises(ValueError, match=field):
        Budget(**{"updates": 5, field: 0})
