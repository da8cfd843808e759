"""A disk that fills up at any write of a sweep: through the real training loop and the bridge to Tune, without Ray."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ray.tune.schedulers import TrialScheduler
from ray.tune.search import Searcher
from tests.tiny import study
from tests.tune.one_cpu import one_cpu

from gibbsweep.errors import DiskFull, is_disk_full
from gibbsweep.evaluate import ChainGrid, EnergyGap
from gibbsweep.folder import Outcome, read_spool, write_atomically
from gibbsweep.run.run import run
from gibbsweep.study import Goal
from gibbsweep.train import Budget, SpoolReporter
from gibbsweep.tune.folder.driver import StopRequest
from gibbsweep.tune.journal.storage import WholeLines, mend_journal, open_storage
from gibbsweep.tune.on_ray.bridge import PlanScheduler, PlanSearcher
from gibbsweep.tune.on_ray.trial import ANNOUNCED, DISK_FULL
from gibbsweep.tune.options.options import SweepOptions
from gibbsweep.tune.plan.assignments import Assignments
from gibbsweep.tune.plan.plan import Plan
from gibbsweep.tune.resources.gate import Gate
from gibbsweep.tune.setup.create import create, reopen

GOAL = Goal("validation/energy_gap", "minimize")
STUDY = study(
    goal=GOAL,
    evaluators=(EnergyGap(n_steps=2), ChainGrid(steps=(1,))),
    final_evaluators=(EnergyGap(n_steps=2),),
    budgets={"smoke": Budget(6, 16, 3)},
)
# Not "auto": what is measured differs between two sweeps on a busy machine, and with it their numbers.
WORDS: dict[str, Any] = {"budget": "smoke", "trials": 2, "seeds": 1, "precision": "fp32"}
WORDS |= {"scheduler": "halving", "eta": 2, "rungs": 1}


class Disk:
    """Stands for ``os.write``: the ``full_at``-th write takes half of what it is given, and there is no space from then
    on."""

    def __init__(self, full_at: int) -> None:
        self.full_at, self.writes = full_at, 0
        self._write: Callable[[int, Any], int] = os.write

    def __call__(self, file: int, content: Any) -> int:
        self.writes += 1
        if self.writes == self.full_at and len(content) > 1:
            return self._write(file, bytes(content)[: len(content) // 2])
        if self.writes >= self.full_at:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self._write(file, content)


class _Stopped(BaseException):
    """Tune ends a trial."""


class _Trial:
    def __init__(self, config: dict[str, Any]) -> None:
        self.config = config


def go_on(runs: Path) -> Gate:
    """One part of a sweep as Tune would run it: a worker, one trial after the other."""
    if (runs / "s" / "sweep.json").exists():
        sweep, settings = reopen(STUDY, SweepOptions(runs=runs, resume="s"))
    else:
        sweep, settings = create(STUDY, SweepOptions(runs=runs, name="s", **WORDS), has_gpu=False)
    mend_journal(sweep.journal)
    gate = Gate(Plan(STUDY, settings, sweep), StopRequest(sweep))
    devices, retries = one_cpu(gate.plan)
    assignments = Assignments(gate.plan, SweepOptions(runs=runs))
    searcher, scheduler = PlanSearcher(gate, assignments, devices, retries), PlanScheduler(gate, retries)
    for number in range(100):
        config = searcher.suggest(str(number))
        if config == Searcher.FINISHED:
            return gate
        assert config is not None, "one worker, and nothing to do"
        trial = _Trial(config)

        def announce(step: int, metrics: Any, images: Any = None, sounds: Any = None, trial: _Trial = trial) -> None:
            report = {"step": step, f"{ANNOUNCED}{GOAL.metric}": metrics[GOAL.metric]}
            if scheduler.on_trial_result(None, trial, report) == TrialScheduler.STOP:  # type: ignore[arg-type]
                raise _Stopped

        try:
            run(config["assignment"], announce=announce)
        except _Stopped:
            pass
        except DiskFull as full:
            assert "there is no space left on the disk of" in str(full)
            scheduler.on_trial_result(None, trial, {DISK_FULL: str(full)})  # type: ignore[arg-type]
        searcher.on_trial_complete(str(number), {})
    raise AssertionError("the sweep does not end")


def record_of(gate: Gate) -> dict[str, Any]:
    """What must not depend on a full disk: every outcome, report, picture and journal entry, without times."""
    found: dict[str, Any] = {}
    for folder in sorted((gate.plan.sweep.path / "trials").iterdir()):
        outcome = Outcome.read(folder)
        assert outcome is not None, folder.name
        spool = [(record.step, _timeless(record.metrics)) for record in read_spool(folder / "metrics.jsonl")]
        files = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
        if (
            outcome.step > 3
        ):  # it went on: how it paused is of no use any more, and was not written where there was no space
            files = [file for file in files if file != "paused.json"]
        tensors = [path.read_bytes() for path in folder.glob("checkpoint/*.safetensors")]
        metrics = _timeless(outcome.metrics)
        found[folder.name] = (replace(outcome, metrics=metrics, device_seconds=0.0), spool, files, tensors)
    (journal,) = open_storage(gate.plan.sweep).get_all_studies()
    trials = open_storage(gate.plan.sweep).get_all_trials(journal._study_id)
    found["journal"] = [
        (t.state, t.params, t.value, dict(t.intermediate_values), t.user_attrs["outcome"]) for t in trials
    ]
    return found


def _timeless(metrics: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in metrics.items() if "second" not in name}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[dict[str, Any], int]]:
    with pytest.MonkeyPatch.context() as patch:
        disk = Disk(full_at=10**9)
        patch.setattr(os, "write", disk)
        gate = go_on(tmp_path_factory.mktemp("whole"))
    assert gate.plan.finished()
    yield record_of(gate), disk.writes


STRIDE = int(os.environ.get("GIBBSWEEP_DISK_STRIDE", "7"))
"""1 lets every single write fail in turn; 7 divides no pattern of them, and meets every kind of file."""


def test_a_disk_that_is_full_at_any_write_loses_and_repeats_nothing(
    tmp_path: Path, undisturbed: tuple[dict[str, Any], int]
) -> None:
    expected, writes = undisturbed
    assert writes > 40
    for full_at in range(5, writes + 1, STRIDE):
        runs = tmp_path / str(full_at)
        with pytest.MonkeyPatch.context() as patch:
            disk = Disk(full_at)
            patch.setattr(os, "write", disk)
            gate = go_on(runs)
        if disk.writes < full_at:  # a write that only the first sweep of a process needs
            assert full_at > writes - 3
            continue
        assert gate.halted, f"write {full_at} of {writes}"
        assert "there is no space left on the disk" in gate.unfinished_message("python x.py")
        assert not [path for path in runs.rglob("*.tmp")], "temporary files are removed"
        for folder in (runs / "s" / "trials").iterdir() if (runs / "s" / "trials").exists() else ():
            outcome = Outcome.read(folder)
            assert outcome is None or outcome.kind in ("completed", "pruned"), outcome
        gate = go_on(runs)
        assert gate.plan.finished(), f"write {full_at} of {writes}"
        assert record_of(gate) == expected, f"write {full_at} of {writes}"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of two megabytes in memory."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if shutil.which("mount") is None or os.geteuid() != 0:
        pytest.skip("only root can mount a small file system: the tests with a pretended full disk say the same")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "gibbsweep-test", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"a small file system cannot be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.cluster
def test_a_small_disk_that_fills_up(small_disk: Path, undisturbed: tuple[dict[str, Any], int]) -> None:
    """The kernel's own refusals, with the disk freed bit by bit."""
    ballast, parts = small_disk / "ballast", 0
    ballast.write_bytes(bytes(2 * 2**20 - 60 * 2**10))
    while (gate := go_on(small_disk)).halted:
        parts += 1
        assert not [path for path in small_disk.rglob("*.tmp")]
        os.truncate(ballast, max(0, ballast.stat().st_size - 80 * 2**10))
        assert parts < 26
    assert parts >= 1
    assert gate.plan.finished()
    assert record_of(gate) == undisturbed[0]


def test_a_file_is_what_it_was_where_its_replacement_does_not_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"before")
    monkeypatch.setattr(os, "write", Disk(1))
    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, b"after")
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("file", b"before")]


def test_a_spool_and_a_journal_have_no_torn_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool, journal = SpoolReporter(tmp_path), WholeLines(str(tmp_path / "journal"))
    spool(1, {"a": 1.0})
    journal.append_logs([{"op_code": 0}])
    before = [(tmp_path / name).read_bytes() for name in ("metrics.jsonl", "journal")]
    monkeypatch.setattr(os, "write", Disk(1))
    with pytest.raises(OSError, match="No space left"):
        spool(2, {"a": 2.0})
    with pytest.raises(OSError, match="No space left"):
        journal.append_logs([{"op_code": 1}])
    assert [(tmp_path / name).read_bytes() for name in ("metrics.jsonl", "journal")] == before
    monkeypatch.undo()
    spool(2, {"a": 2.0})
    spool.close()
    assert [record.step for record in read_spool(tmp_path / "metrics.jsonl")] == [1, 2]
    with open(tmp_path / "journal", "ab") as file:  # a kill, not a full disk
        file.write(b'{"op_co')
    mend_journal(tmp_path / "journal")
    assert (tmp_path / "journal").read_bytes() == before[1]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_what_a_full_disk_says(code: int) -> None:
    assert is_disk_full(OSError(code, os.strerror(code)))
    assert is_disk_full(RuntimeError(f"worker 0: OSError: [Errno {code}] {os.strerror(code)}: /x"))
    assert not is_disk_full(OSError(errno.EACCES, "Permission denied"))
    assert not is_disk_full(RuntimeError("out of memory"))
