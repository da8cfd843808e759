"""Another program takes the memory of the machine, and Ray's own memory monitor ends the trials for it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import ray
from tests.patience import ENOUGH_S
from tests.tune.resources.shortages import TEXT
from tests.tune.whole.killing import command, kill_tree

from gibbsweep.folder import Outcome, read_memory_retries
from gibbsweep.tune.on_ray import cluster, probing
from gibbsweep.tune.resources import shortage
from gibbsweep.tune.resources.shortage import Shortages

pytestmark = pytest.mark.cluster

GIB = 2**30
ROOM = 5 * GIB  # for the sweep, and for what else runs on this machine
OVER = GIB // 2
TAKER = """
import sys, time, psutil
held, over = [], int(sys.argv[1])
while True:
    memory = psutil.virtual_memory()
    if memory.total - memory.available < over and len(held) < int(sys.argv[2]):
        held.append(b"x" * 2**26)
    else:
        time.sleep(0.02)
"""


@pytest.fixture
def take() -> Iterator[Callable[[int], subprocess.Popen[bytes]]]:
    """Starts a program that keeps so many bytes of this machine in use, and waits until it does."""
    started = []

    def begin(used: int) -> subprocess.Popen[bytes]:
        most = (ROOM + 8 * OVER) // 2**26
        started.append(subprocess.Popen([sys.executable, "-c", TAKER, str(used), str(most)]))
        deadline = time.monotonic() + ENOUGH_S
        while psutil.virtual_memory().total - psutil.virtual_memory().available < used - OVER // 2:
            assert time.monotonic() < deadline, "the memory could not be taken"
            time.sleep(0.05)
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.wait()


def test_trials_wait_for_memory_that_another_program_takes(
    tmp_path: Path, seed_store: Callable[[Path], None], take: Callable[[int], subprocess.Popen[bytes]]
) -> None:
    """First in vain: the sweep pauses. Resumed, it waits until the program ends, and completes. No run has failed."""
    memory = psutil.virtual_memory()
    if memory.available < ROOM + 12 * OVER:
        pytest.skip("needs 11 GiB of free memory, to take most of it")
    threshold = memory.total - memory.available + ROOM
    variables = {"RAY_memory_usage_threshold": f"{threshold / memory.total:.5f}", "WAIT_S": "2"}
    seed_store(tmp_path)
    words = ("--budget", "smoke", "--trials", "1", "--seeds", "1", "--name", "s")
    local = ("--address", "local", "--cpus", "2")
    taker = take(threshold + OVER)
    process = command(tmp_path, *words, *local, script="tests/tune/on_ray/impatient.py", **variables)
    try:
        text, _ = process.communicate(timeout=ENOUGH_S)
        assert process.returncode == 130, text
        assert "other programs have taken the memory of this machine" in text
        assert "paused after 0 of 4 runs" in text and "nothing is lost: end some of them" in text
        assert f"--resume s --runs {tmp_path} --address local --cpus 2" in text
        assert "Traceback" not in text
        assert not list(tmp_path.glob("s/trials/*/outcome.json"))

        variables["WAIT_S"] = "600"
        process = command(
            tmp_path,
            "--resume",
            "s",
            *local,
            script="tests/tune/on_ray/impatient.py",
            PYTHONUNBUFFERED="1",
            **variables,
        )
        assert process.stdout is not None
        text, deadline = "", time.monotonic() + ENOUGH_S
        while "taken the memory" not in text:
            assert process.poll() is None and time.monotonic() < deadline, text
            text += process.stdout.readline()
        taker.kill()
        text += process.communicate(timeout=ENOUGH_S)[0]
    finally:
        if process.poll() is None:
            kill_tree(process)
    assert process.returncode == 0, text
    assert "there is room again" in text and "Traceback" not in text
    folders = list((tmp_path / "s" / "trials").iterdir())
    outcomes = [Outcome.read(folder) for folder in folders]
    assert [outcome and outcome.kind for outcome in outcomes] == ["completed"] * 4
    assert all(not outcome.restarts for outcome in outcomes if outcome)
    assert all(not read_memory_retries(folder) for folder in folders), "none of them wants more memory"


@pytest.mark.usefixtures("ray_session")
def test_measurements_that_ray_ends_are_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error is Ray's, raised by the task itself; on record, it is of another machine."""

    @ray.remote(max_retries=0)
    def ended_once(mark: Path) -> int:
        if not mark.exists():
            mark.touch()
            raise ray.exceptions.OutOfMemoryError(TEXT.format(node="another"))
        return 7

    @ray.remote(max_retries=0)
    def ended() -> int:
        raise ray.exceptions.OutOfMemoryError("running low on memory, and nobody knows whose fault it is")

    monkeypatch.setattr(shortage, "ELSEWHERE_S", 0.0)
    said: list[str] = []
    shortages = Shortages(cluster.nodes(), cluster.this_node(), say=said.append, halt=probing._raise)
    starts = {"once": lambda: ended_once.remote(tmp_path / "mark"), "always": ended.remote}
    assert probing._results(starts, shortages) == {"once": 7, "always": None}
    assert "the measurement of once and what follows it wait" in said[0]
    monkeypatch.setattr(shortage, "MOST_EXCUSED", 0)
    (tmp_path / "mark").unlink()
    with pytest.raises(shortage.MemoryTaken, match="Ray has ended the measurement of once 2 times") as paused:
        probing._results(starts, shortages)
    assert paused.value.args[1].startswith("end some of them")
