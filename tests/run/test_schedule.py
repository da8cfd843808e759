"""A run whose configuration changes while it trains: the same in one piece, in pauses, after kills, and when it is
replayed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
import torch.multiprocessing
from tests.run.parabola import Parabola, ParabolaConfig, assignment
from torch import distributed

from gibbsweep.errors import UserError
from gibbsweep.folder import CheckpointCopy, Outcome, read_spool
from gibbsweep.results.page import describe_schedule
from gibbsweep.run.assignment import Assignment
from gibbsweep.run.run import run
from gibbsweep.run.schedule import schedule_as_json
from gibbsweep.train import Budget, Segment
from gibbsweep.train.checkpoint import read_checkpoint
from gibbsweep.train.copy_checkpoint import copy_checkpoint
from gibbsweep_models.types import DataSpec, OptimizerConfig, Phase

BUDGET = Budget(updates=12, batch_size=10, report_every=3, also_at=(4, 8))
SCHEDULE = (
    Segment(0, {"learning_rate": 0.5}),
    Segment(4, {"learning_rate": 0.25}, (3, 4)),
    Segment(8, {"learning_rate": 0.1}, (5, 8)),
)


def scheduled(run_dir: Path, schedule: tuple[Segment, ...] = SCHEDULE, **changes: object) -> Assignment:
    base = replace(assignment(run_dir, BUDGET), schedule=schedule, evolves=("learning_rate",))
    return replace(base, **changes)  # type: ignore[arg-type]


def weights(run_dir: Path) -> dict[str, torch.Tensor]:
    return read_checkpoint(run_dir / "checkpoint")[1]


def same(a: Path, b: Path) -> bool:
    left, right = weights(a), weights(b)
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def test_pauses_and_kills_at_any_update_change_no_bit(tmp_path: Path) -> None:
    whole = run(scheduled(tmp_path / "whole"))
    assert (whole.kind, whole.step) == ("completed", 12)
    for until in (3, 4, 6, 8, 9):
        folder = tmp_path / str(until)
        run(scheduled(folder, until=until))
        run(scheduled(folder))
        assert same(folder, tmp_path / "whole"), until
    reports = read_spool(tmp_path / "whole" / "metrics.jsonl")
    assert {record.step: record.metrics["schedule/learning_rate"] for record in reports} == {
        3: 0.5, 4: 0.5, 6: 0.25, 8: 0.25, 9: 0.1, 12: 0.1,
    }  # fmt: skip
    assert not any(name.startswith("schedule/") for name in whole.metrics)


def test_the_values_are_those_of_the_closed_form(tmp_path: Path) -> None:
    """Gradient descent on (w - 1)² from 0: the error is multiplied by 1 - 2 rate at every update."""
    quiet = replace(assignment(tmp_path / "x", BUDGET).config, noise=0.0)
    run(scheduled(tmp_path / "whole", config=quiet))
    error = (1 - 2 * 0.49) ** 4 * (1 - 0.5) ** 4 * (1 - 0.2) ** 4
    run(scheduled(tmp_path / "other", config=quiet, schedule=(Segment(0, {"learning_rate": 0.49}), *SCHEDULE[1:])))
    assert float(weights(tmp_path / "other")["model/w"]) == pytest.approx(1 - error, abs=1e-6)


def test_a_replay_is_the_member_when_the_seed_is_the_same(tmp_path: Path) -> None:
    """A member that took over two others in turn, trained as a population does it: each in a folder of its own, with
    copies between."""
    a, b, c = (tmp_path / name for name in "abc")
    run(scheduled(a, SCHEDULE[:1], until=4))
    for run_dir in (b, c):
        run(scheduled(run_dir, (Segment(0, {"learning_rate": 0.9}),), until=4))
    copy_checkpoint(b, a, CheckpointCopy(4, "a", dict(SCHEDULE[1].values)), 10)
    run(scheduled(b, SCHEDULE[:2], until=8))
    run(scheduled(c, (Segment(0, {"learning_rate": 0.9}),), until=8))
    copy_checkpoint(c, b, CheckpointCopy(8, "b", dict(SCHEDULE[2].values)), 10)
    member = run(scheduled(c))
    replay = run(scheduled(tmp_path / "replay"))
    assert member.kind == replay.kind == "completed"
    assert same(c, tmp_path / "replay")
    other = run(scheduled(tmp_path / "other", seed=4))
    assert other.kind == "completed" and not same(tmp_path / "other", c)


def test_a_copy_draws_other_numbers_than_its_donor(tmp_path: Path) -> None:
    for name, stream in (("donor", ()), ("copy", (1, 4))):
        run(scheduled(tmp_path / name, (SCHEDULE[0], Segment(4, SCHEDULE[0].values, stream))))
    run(scheduled(tmp_path / "alone", SCHEDULE[:1]))
    assert same(tmp_path / "alone", tmp_path / "donor")
    assert not same(tmp_path / "copy", tmp_path / "donor")


def test_another_schedule_does_not_resume_a_checkpoint(tmp_path: Path) -> None:
    run(scheduled(tmp_path, until=6))
    changed = (SCHEDULE[0], Segment(4, {"learning_rate": 0.3}, (3, 4)))
    with pytest.raises(UserError, match="was trained with another learning_rate"):
        run(scheduled(tmp_path, changed))


@dataclass(frozen=True)
class DecayedConfig(ParabolaConfig):
    weight_decay: float = 0.0

    def build(self, spec: DataSpec) -> Parabola:
        return Decayed(self)


class Decayed(Parabola):
    def phases(self) -> list[Phase]:
        (phase,) = super().phases()
        assert isinstance(self.config, DecayedConfig)
        sgd = OptimizerConfig("sgd", self.config.learning_rate, weight_decay=self.config.weight_decay)
        return [replace(phase, optimizer=sgd)]


def test_the_optimisers_settings_change_with_the_values(tmp_path: Path) -> None:
    """Descent on (w - 1)² + decay w² / 2 ends at 2 / (2 + decay)."""
    schedule = (Segment(0, {"weight_decay": 0.0}), Segment(4, {"weight_decay": 2.0}, (0, 4)))
    config = DecayedConfig(learning_rate=0.25, noise=0.0)
    run(scheduled(tmp_path / "whole", schedule, config=config, budget=Budget(40, 10, 4)))
    assert float(weights(tmp_path / "whole")["model/w"]) == pytest.approx(0.5, abs=1e-4)
    assert read_checkpoint(tmp_path / "whole/checkpoint")[0]["optimizers"][0]["param_groups"][0]["weight_decay"] == 2.0
    run(scheduled(tmp_path / "paused", schedule, config=config, budget=Budget(40, 10, 4), until=20))
    run(scheduled(tmp_path / "paused", schedule, config=config, budget=Budget(40, 10, 4)))
    assert same(tmp_path / "paused", tmp_path / "whole")


def test_a_replay_that_diverges_restarts_with_halved_steps_of_its_segment(tmp_path: Path) -> None:
    schedule = (Segment(0, {"learning_rate": 0.5}), Segment(4, {"learning_rate": 9.0}, (3, 4)))
    noisy = replace(assignment(tmp_path, BUDGET).config, noise=1.0)
    outcome: Outcome = run(scheduled(tmp_path, schedule, config=noisy, budget=replace(BUDGET, retries=9)))
    assert outcome.kind == "completed"
    assert [restart.values["learning_rate"] for restart in outcome.restarts][:3] == [4.5, 2.25, 1.125]
    assert all(restart.resumed_at >= 4 for restart in outcome.restarts)


def _worker(rank: int, store: str, run_dir: Path) -> None:
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
    outcome = run(scheduled(run_dir))
    distributed.barrier()  # a group that one worker leaves while the other still waits in it aborts
    distributed.destroy_process_group()
    if outcome.kind != "completed":
        raise RuntimeError(outcome.message)


def test_two_workers_change_over_together(tmp_path: Path) -> None:
    """None begins a segment before the first one has saved what it begins with; the numbers are those of one worker."""
    run(scheduled(tmp_path / "one"))
    torch.multiprocessing.spawn(_worker, (str(tmp_path / "store"), tmp_path / "two"), nprocs=2)
    one, two = weights(tmp_path / "one"), weights(tmp_path / "two")
    for name, tensor in one.items():
        torch.testing.assert_close(two[name], tensor, rtol=1e-5, atol=1e-7)


def test_a_schedule_in_words_and_as_json() -> None:
    schedule = schedule_as_json(
        (
            Segment(0, {"rate": 0.1, "k": 3}),
            Segment(4, {"rate": 0.12, "k": 3}, (1, 4)),
            Segment(8, {"rate": 0.12, "k": 4}),
        )
    )
    assert schedule == [
        {"from": 0, "values": {"rate": 0.1, "k": 3}},
        {"from": 4, "values": {"rate": 0.12}},
        {"from": 8, "values": {"k": 4}},
    ]
    assert describe_schedule(schedule, 12) == "rate 0.1 to 4, 0.12 to 12; k 3 to 8, 4 to 12"
