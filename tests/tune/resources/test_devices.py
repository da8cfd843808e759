"""Who has room beside whom, what is learned from a memory that ran out, and what becomes of a run whose process
died."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from gibbsweep.folder import Memory, MemoryRetry, Outcome, read_memory_retries, spent
from gibbsweep.folder.process import CRASHES_ALLOWED, count_start, starts_in_vain
from gibbsweep.results.accounting import Accounting
from gibbsweep.train.out_of_memory import ADVICE
from gibbsweep.tune.folder.layout import SweepDir
from gibbsweep.tune.on_ray.retries import MOST_CRASHES, Retries
from gibbsweep.tune.plan.run import PlannedRun
from gibbsweep.tune.resources.devices import WAITING, Devices
from gibbsweep.tune.resources.shares import Node, Request, gpu_share
from gibbsweep.tune.resources.shortage import Shortage, Shortages


@dataclass
class Died:
    message: str = "it died"
    memory: Memory | None = None
    silent: bool = False
    raised: bool = False
    shortage: Shortage | None = None


def planned(name: str, contender: str = "small") -> PlannedRun:
    return PlannedRun(name, contender, "search", {}, 0, "digits", 10)


def devices(
    folder: Path,
    nodes: Sequence[Node] = (Node(8.0),),
    request: Request = Request(),  # noqa: B008  frozen
    workers: int = 1,
    **options: bool,
) -> Devices:
    requests = {"small": request, "large": request}
    return Devices(requests, workers, lambda: nodes, trials_folder=folder / "trials", **options)


def retries(folder: Path, own: Devices) -> tuple[Retries, list[str]]:
    said: list[str] = []

    def halt(why: str, advice: str) -> None:
        said.append(f"{why}: {advice}")

    shortages = Shortages(own.nodes, "", say=said.append, halt=halt)
    return Retries(SweepDir(folder), own, shortages, said.append, halt), said


def test_as_many_run_as_fit(tmp_path: Path) -> None:
    one = devices(tmp_path)
    running = [planned(f"small-{i}") for i in range(7)]
    assert not one.is_full(running)
    assert one.has_room(planned("large-0", "large"), running)
    assert one.is_full([*running, planned("large-0", "large")])
    assert one.most_workers == 8


def test_runs_with_more_room_leave_less_to_others(tmp_path: Path) -> None:
    one = devices(tmp_path)
    assert one.give_more(planned("large-0", "large"), "host", "no") is not None
    assert one.requests == {"small": Request(1), "large": Request(2)}
    running = [planned(f"large-{i}", "large") for i in range(3)]
    assert one.has_room(planned("large-3", "large"), running)
    assert one.has_room(planned("small-0"), [*running, planned("small-1")])
    assert not one.has_room(planned("large-3", "large"), [*running, planned("small-0")])


def test_halving_is_on_record_and_read_again(tmp_path: Path) -> None:
    one = devices(tmp_path, [Node(8.0, 1.0)], Request(1, gpu_share(8)))
    run = planned("large-0", "large")
    steps = []
    while (found := one.give_more(run, "gpu", "CUDA out of memory", lost_seconds=2.0)) is not None:
        steps.append((found.before, found.after, found.gpus))
    assert steps == [(8, 4, 0.25), (4, 2, 0.5), (2, 1, 1.0)]
    assert read_memory_retries(tmp_path / "trials" / "large-0")[1] == MemoryRetry(
        "large", "gpu", 0, 4, 2, 1, 0.5, "CUDA out of memory", 2.0
    )
    again = devices(tmp_path, [Node(8.0, 1.0)], Request(1, gpu_share(8)))
    assert again.requests == {"small": Request(1, gpu_share(8)), "large": Request(1, 1.0)}
    smaller = devices(tmp_path, [Node(8.0, 1.0)], Request(1, gpu_share(2)), workers=2)
    assert smaller.requests["large"] == Request(1, 0.5), "no more than leaves room for a trial of two workers"


def test_two_that_meet_the_same_fate_at_once_are_both_retried(tmp_path: Path) -> None:
    """The second had as little as the first, whatever has been learned from the first meanwhile."""
    one = devices(tmp_path, [Node(2.0)])
    runs = [planned(f"large-{i}", "large") for i in range(2)]
    assert [one.start(run) for run in runs] == [Request(1)] * 2
    found = [one.give_more(run, "host", "no") for run in runs]
    assert [(f.before, f.after, f.cpus) for f in found if f is not None] == [(2, 1, 2)] * 2
    assert one.start(runs[0]) == Request(2)
    assert not one.has_room(runs[1], [runs[0]])
    assert one.give_more(runs[0], "host", "no") is None, "alone"


def test_what_is_not_certain_concerns_its_run_alone(tmp_path: Path) -> None:
    one = devices(tmp_path)
    run = planned("large-0", "large")
    assert one.give_more(run, "host", "gone", certain=False) is not None
    for own in (one, devices(tmp_path)):
        assert own.request_of(run) == Request(8)
        assert own.request_of(planned("large-1", "large")) == Request(1)
    assert one.give_more(run, "host", "gone", certain=False) is None


def test_the_seconds_of_all_workers_are_lost(tmp_path: Path) -> None:
    found = devices(tmp_path, workers=2).give_more(planned("large-0", "large"), "host", "no", lost_seconds=3.0)
    assert found is not None and found.lost_seconds == 6.0


def test_a_cluster_that_grows_has_few_worker_groups_waiting(tmp_path: Path) -> None:
    nodes = [Node(4.0)]
    one = devices(tmp_path, nodes, workers=2, grows=True)
    assert not one.is_full([planned(f"small-{i}") for i in range(2 + WAITING - 1)])
    assert one.is_full([planned(f"small-{i}") for i in range(2 + WAITING)])
    assert not devices(tmp_path, nodes, grows=True).is_full([planned(f"small-{i}") for i in range(100)])
    assert one.most_workers is None


def test_out_of_memory_is_retried_until_alone_and_only_then_fails(tmp_path: Path) -> None:
    own, said = retries(tmp_path, one := devices(tmp_path, [Node(4.0)]))
    run = planned("large-0", "large")
    for at_once in (2, 1):
        assert own.outcome_after(run, Died("MemoryError", "host")) is None
        assert one.nodes[0].cpus / one.request_of(run).cpus == at_once
    outcome = own.outcome_after(run, Died("MemoryError", "host"))
    assert outcome is not None and outcome.kind == "failed"
    assert outcome.message == f"it ran out of memory alone on its machine (MemoryError): {ADVICE}"
    assert len(outcome.memory_retries) == 2
    assert said[0] == (
        "large-0 ran out of memory with up to 4 on a machine; it goes on from the start with at most 2 on a machine; "
        "so do later runs of large"
    )
    assert "alone on a machine" in said[1]


def test_a_crash_is_retried_as_before_and_a_silent_one_the_last_time_alone(tmp_path: Path) -> None:
    for silent, last in ((False, 1), (True, 8)):
        own, _ = retries(tmp_path / str(silent), one := devices(tmp_path / str(silent)))
        run = planned("small-0")
        run_dir = tmp_path / str(silent) / "trials" / run.name
        for count in range(1, CRASHES_ALLOWED + 1):
            assert one.request_of(run) == Request(1)
            assert count_start(run_dir, "session", 0) == count
            assert own.outcome_after(run, Died(silent=silent)) is None
        assert one.request_of(run) == Request(last)
        assert one.requests["small"] == Request(1)
        assert count_start(run_dir, "session", 0) == CRASHES_ALLOWED + 1, "the last one that its process allows"
        for _ in range(MOST_CRASHES - CRASHES_ALLOWED):
            assert own.outcome_after(run, Died(silent=silent)) is None
        outcome = own.outcome_after(run, Died(silent=silent))
        assert outcome is not None and outcome.message.startswith("its process ended without an outcome, 21 times")


def test_processes_that_raise_before_any_begins_halt_the_sweep(tmp_path: Path) -> None:
    """Whatever their runs: three in a row. One that has begun, reported or died in another way says that it is not true
    of all."""
    own, said = retries(tmp_path, devices(tmp_path))
    cannot = Died("No module named 'idle'", raised=True)
    for run in ("small-0", "small-1"):
        assert own.outcome_after(planned(run), cannot) is None
    own.on_report("small-2")
    for run in ("small-0", "small-1"):
        assert own.outcome_after(planned(run), cannot) is None
    assert own.outcome_after(planned("small-2"), Died(silent=True)) is None
    count_start(tmp_path / "trials" / "small-3", "session", 0)
    for run in ("small-0", "small-1", "small-3", "small-0", "small-1"):
        assert own.outcome_after(planned(run), cannot) is None
    assert not said
    assert own.outcome_after(planned("small-2"), cannot) is None
    assert len(said) == 1 and "cannot start (No module named 'idle')" in said[0] and "PYTHONPATH" in said[0]


def test_crashes_and_memory_are_counted_apart(tmp_path: Path) -> None:
    own, _ = retries(tmp_path, devices(tmp_path))
    run = planned("small-0")
    run_dir = tmp_path / "trials" / run.name
    for death, counted in ((Died(), 1), (Died("no", "host"), 0), (Died(), 1), (Died(), 2)):
        count_start(run_dir, "session", 0)
        assert own.outcome_after(run, death) is None
        assert starts_in_vain(run_dir) == counted


def test_the_outcome_has_what_was_lost_and_so_has_the_account(tmp_path: Path) -> None:
    one = devices(tmp_path)
    one.give_more(planned("small-0"), "host", "no", lost_seconds=1.5)
    run_dir = tmp_path / "trials" / "small-0"
    outcome = Outcome("completed", 10, {}, 4.0, **spent(run_dir))
    outcome.write(run_dir)
    assert Outcome.read(run_dir) == outcome
    assert str(outcome) == "completed after 1 retry with more memory"
    account = Accounting.of([outcome], devices=2, available=10.0)
    assert (account.useful, account.out_of_memory) == (4.0, 1.5)
    assert "out of memory 1.5 s" in str(account)


@pytest.mark.parametrize("record", ['{"outcome": "completed", "step": 1, "metrics": {}}'])
def test_an_outcome_of_an_earlier_version_is_read(tmp_path: Path, record: str) -> None:
    (tmp_path / "outcome.json").write_text(record)
    found = Outcome.read(tmp_path)
    assert found is not None and found.memory_retries == ()
