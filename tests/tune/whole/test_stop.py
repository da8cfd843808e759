"""Real signals and requests: a sweep that is asked to stop finishes the reports it is in; asked twice, it stops now.
A sweep whose output is closed goes on."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from tests.patience import ENOUGH_S
from tests.tune.whole.killing import ROOT, WORDS, command, kill_tree, wait_for_reports, wait_while_it_runs

from gibbsweep.folder import Outcome, read_spool
from gibbsweep.train.checkpoint import read_progress
from gibbsweep.tune.folder.driver import is_driven
from gibbsweep.tune.folder.layout import SweepDir
from gibbsweep.tune.journal.storage import open_storage

pytestmark = pytest.mark.cluster

GIBBSWEEP = ["-c", "from gibbsweep.cli.main import main; main()"]


def gibbsweep(*words: str) -> str:
    paths = os.pathsep.join(str(ROOT / name) for name in ("platform", "models"))
    done = subprocess.run(
        [sys.executable, *GIBBSWEEP, *words],
        env={**os.environ, "PYTHONPATH": paths, "COLUMNS": "120"},
        capture_output=True,
        text=True,
        timeout=ENOUGH_S,
        check=False,
    )
    return done.stdout + done.stderr


def family(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def named(processes: list[psutil.Process], name: str) -> list[psutil.Process]:
    """Those with ``name``. Others may end while they are looked at."""
    found = []
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.name() == name:
                found.append(process)
    return found


def check_nothing_lost(runs: Path) -> int:
    """Every run that has not ended stands where its last report does: in its spool, its checkpoint and the journal.
    Returns the updates of all runs."""
    sweep = SweepDir(runs / "s")
    assert not is_driven(sweep)
    (study,) = open_storage(sweep).get_all_studies()
    trials = {f"rbm-{t.number:04d}": t for t in open_storage(sweep).get_all_trials(study._study_id)}
    done = 0
    for run_dir in (sweep.path / "trials").iterdir():
        outcome = Outcome.read(run_dir)
        if outcome is not None:
            done += outcome.step
            continue
        steps = [record.step for record in read_spool(run_dir / "metrics.jsonl")]
        assert steps == list(range(20, steps[-1] + 1, 20)) if steps else True
        if steps:
            assert read_progress(run_dir / "checkpoint").step == steps[-1]
            done += steps[-1]
        if run_dir.name in trials:
            assert trials[run_dir.name].state.name == "RUNNING"
            assert max(trials[run_dir.name].intermediate_values, default=0) == (steps[-1] if steps else 0)
    return done


Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path, seed_store: Callable[[Path], None]) -> Iterator[Start]:
    """Starts sweeps; a test that fails leaves none behind."""
    seed_store(tmp_path)
    started = []

    def one(*words: str) -> subprocess.Popen[str]:
        started.append(command(tmp_path, *words))
        return started[-1]

    yield one
    for process in started:
        if process.poll() is None:
            kill_tree(process)


def test_ctrl_c_and_stop_finish_the_running_reports(tmp_path: Path, start: Start) -> None:
    process = start(*WORDS, "--name", "s")
    wait_for_reports(tmp_path, 20, process)
    assert "running" in gibbsweep("status", "s", "--runs", str(tmp_path))
    journal = (tmp_path / "s" / "optuna.journal").stat().st_size
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all of them
    text, _ = process.communicate(timeout=ENOUGH_S)
    assert process.returncode == 130, text
    assert "finish their reports" in text
    assert f"--resume s --runs {tmp_path}" in text
    assert "Traceback" not in text
    before = check_nothing_lost(tmp_path)
    assert (tmp_path / "s" / "optuna.journal").stat().st_size >= journal
    said = gibbsweep("status", "s", "--runs", str(tmp_path))
    assert "not running" in said
    assert "--resume s" in said

    process = start("--resume", "s", "--address", "local", "--cpus", "2")
    wait_for_reports(tmp_path, before // 20 + 10, process)
    said = gibbsweep("stop", "s", "--runs", str(tmp_path))
    assert "it has stopped. Continue it with: " in said
    assert f"tests/tiny.py --resume s --runs {tmp_path} --address local --cpus 2" in said
    text, _ = process.communicate(timeout=ENOUGH_S)
    assert process.returncode == 130, text
    assert check_nothing_lost(tmp_path) > before
    assert "there is nothing to stop" in gibbsweep("stop", "s", "--runs", str(tmp_path))
    assert "holds s." in gibbsweep("stop", "t", "--runs", str(tmp_path))


def test_ctrl_c_twice_stops_now(tmp_path: Path, start: Start) -> None:
    process = start("--budget", "silent", *WORDS[2:], "--name", "s")
    trials = tmp_path / "s" / "trials"
    wait_while_it_runs(process, lambda: len(list(trials.glob("*/config.json"))) >= 2)
    workers = family(process)
    os.killpg(process.pid, signal.SIGINT)
    time.sleep(2)
    assert process.poll() is None, "the trials' only report is far away"
    os.killpg(process.pid, signal.SIGINT)
    text, _ = process.communicate(timeout=ENOUGH_S)
    assert process.returncode == 130, text
    assert "interrupted after 0 of 4 runs" in text
    assert "--resume s" in text
    assert "Traceback" not in text
    _, alive = psutil.wait_procs(workers, timeout=ENOUGH_S)
    assert not alive
    check_nothing_lost(tmp_path)


def test_sigterm_finishes_the_running_reports(tmp_path: Path, start: Start) -> None:
    process = start(*WORDS, "--name", "s")
    wait_for_reports(tmp_path, 10, process)
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGTERM)  # as timeout(1) does: to its child, and to its group
    text, _ = process.communicate(timeout=ENOUGH_S)
    assert process.returncode == 143, text
    assert "finish their reports" in text
    assert f"--resume s --runs {tmp_path}" in text
    assert "Traceback" not in text
    assert "SIGTERM" not in text, "no stack of Ray's"
    check_nothing_lost(tmp_path)


def end_with_its_group(tmp_path: Path, start: Start, *, first: str = "") -> None:
    """A sweep that trains, and SIGTERM to all of its processes, as a batch scheduler sends it; ``first``: the name of
    those that die before the others, which otherwise is chance."""
    process = start(*WORDS, "--name", "s")
    wait_for_reports(tmp_path, 10, process)
    started = family(process)
    for member in named(started, first):
        member.send_signal(signal.SIGTERM)
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGTERM)
    text, _ = process.communicate(timeout=ENOUGH_S)
    assert process.returncode == 143, text
    assert f"--resume s --runs {tmp_path}" in text
    assert "Traceback" not in text and "Aborted" not in text
    assert "SIGTERM" not in text, "no stack of Ray's"
    _, alive = psutil.wait_procs(started, timeout=ENOUGH_S)
    assert not alive
    assert not is_driven(SweepDir(tmp_path / "s"))
    assert not list(tmp_path.glob("s/trials/*/outcome.json")), "no run has failed by it"


@pytest.mark.parametrize("first", ["raylet", "gcs_server"])
def test_sigterm_to_the_whole_group_whatever_dies_first(tmp_path: Path, start: Start, first: str) -> None:
    end_with_its_group(tmp_path, start, first=first)


def test_sigterm_to_the_whole_group_ends_the_sweep_as_sigterm_to_the_driver_does(tmp_path: Path, start: Start) -> None:
    """Ray's processes and the trials get it, too, and may be gone before their reports are finished. What was reported
    is kept, and the sweep goes on from there."""
    end_with_its_group(tmp_path, start)
    # A report is written before its checkpoint: a trial may have been ended between the two.
    done = sum(read_progress(folder).step for folder in tmp_path.glob("s/trials/*/checkpoint"))
    assert done >= 8 * 20
    spools = {path: len(read_spool(path)) for path in tmp_path.glob("s/trials/*/metrics.jsonl")}
    process = start("--resume", "s", "--address", "local", "--cpus", "2")
    # Each of them: one that has not begun yet may still lack the checkpoint of its last report.
    wait_while_it_runs(process, lambda: all(len(read_spool(path)) > lines for path, lines in spools.items()))
    process.send_signal(signal.SIGTERM)
    text, _ = process.communicate(timeout=ENOUGH_S)
    assert process.returncode == 143, text
    assert check_nothing_lost(tmp_path) > done


@pytest.mark.parametrize("sign", ["sweep.json", "driver.json", "ray"])
def test_sigterm_while_the_sweep_starts(tmp_path: Path, start: Start, sign: str) -> None:
    """``sign``: what the sweep has made when the signal arrives. "ray" stands for the first of Ray's processes."""
    process = start(*WORDS, "--name", "s")
    deadline = time.monotonic() + ENOUGH_S
    while not (named(family(process), "gcs_server") if sign == "ray" else sign_of(tmp_path, sign)):
        assert process.poll() is None, process.stdout.read() if process.stdout else ""
        assert time.monotonic() < deadline, "it does not start"
        time.sleep(0.01)
    started = family(process)
    process.send_signal(signal.SIGTERM)
    text, _ = process.communicate(timeout=ENOUGH_S)
    assert process.returncode == 143, text
    assert "--resume s" in text or sign == "sweep.json"
    assert "Traceback" not in text
    assert "Aborted" not in text
    _, alive = psutil.wait_procs(started, timeout=ENOUGH_S)
    assert not alive


def sign_of(runs: Path, name: str) -> bool:
    return (runs / "s" / name).exists()


def test_a_closed_output_does_not_stop_a_sweep(tmp_path: Path, start: Start) -> None:
    process = start("--budget", "smoke", *WORDS[2:], "--name", "s")
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()  # as ``| head -1`` does
    assert process.wait(timeout=ENOUGH_S) == 0
    assert list((tmp_path / "s" / "results").glob("*.json"))
