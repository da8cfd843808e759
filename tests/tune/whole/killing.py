"""A sweep in a process of its own, to be killed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
from tests.patience import ENOUGH_S, wait_until

from gibbsweep.folder import read_spool

ROOT = Path(__file__).resolve().parents[3]


WORDS = ["--budget", "slow", "--trials", "1", "--seeds", "1", "--address", "local", "--cpus", "2"]


def command(runs: Path, *words: str, script: str = "tests/tiny.py", **variables: str) -> subprocess.Popen[str]:
    """A sweep of ``script`` in ``runs``, in an environment with ``variables``."""
    paths = os.pathsep.join(str(ROOT / name) for name in ("platform", "models", "."))
    return subprocess.Popen(
        [sys.executable, script, "--runs", str(runs), *words],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": paths, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # its Ray must get no signal of ours
    )


def wait_for_reports(runs: Path, count: int, process: subprocess.Popen[str]) -> None:
    wait_while_it_runs(process, lambda: sum(len(read_spool(p)) for p in runs.rglob("metrics.jsonl")) >= count)


def wait_while_it_runs(process: subprocess.Popen[str], condition: Callable[[], bool]) -> None:
    """Wait for ``condition``, for which ``process`` must not end."""
    wait_until(lambda: process.poll() is not None or condition())
    assert process.poll() is None, process.stdout.read() if process.stdout else ""


def kill_tree(process: subprocess.Popen[str]) -> None:
    """SIGKILL to the driver and to everything it started: what a power cut does."""
    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    for member in family:
        with contextlib.suppress(psutil.NoSuchProcess):  # Ray's end with the driver
            member.send_signal(signal.SIGKILL)
    process.wait()
    psutil.wait_procs(family, timeout=ENOUGH_S)
