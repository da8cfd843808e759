"""The tracking server of a cluster, with programs of its own that only note that they were called: it is started again
when it dies, is there once, and ends with Ray's head process."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.patience import ENOUGH_S, wait_until

SCRIPT = Path(__file__).resolve().parents[2] / "deploy" / "tracking_server.sh"

pytestmark = pytest.mark.cluster  # it starts servers, and kills them


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose Python is a program that notes its words and its variables, and stays."""
    (tmp_path / "code" / "deploy").mkdir(parents=True)
    shutil.copy(SCRIPT, tmp_path / "code" / "deploy")
    python = tmp_path / "code" / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(
        f'#!/bin/bash\necho "$$ $MLFLOW_SERVER_ENABLE_JOB_EXECUTION $*" >> {tmp_path}/called\nexec sleep 600\n'
    )
    python.chmod(0o755)
    (tmp_path / "bin").mkdir()
    pgrep = tmp_path / "bin" / "pgrep"  # Ray's head is there as long as the file is
    pgrep.write_text(f"#!/bin/bash\ntouch {tmp_path}/looked\ntest -e {tmp_path}/ray\n")
    pgrep.chmod(0o755)
    (tmp_path / "ray").touch()
    return tmp_path


@pytest.fixture
def start(checkout: Path) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    started = []

    def begin() -> subprocess.Popen[bytes]:
        env = {"PATH": f"{checkout / 'bin'}:/usr/bin:/bin", "GIBBSWEEP_STAYS_S": "8"}
        command = ["bash", str(checkout / "code" / "deploy" / SCRIPT.name), str(checkout)]
        started.append(subprocess.Popen(command, env=env, start_new_session=True))
        return started[-1]

    yield begin
    for process in started:
        if process.poll() is None:
            process.terminate()
        process.wait(30)
    for pid in pids(checkout):
        if alive(pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def pids(checkout: Path) -> list[int]:
    called = checkout / "called"
    return [int(line.split()[0]) for line in called.read_text().splitlines()] if called.exists() else []


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_it_is_there_once_comes_again_and_ends_with_ray(
    checkout: Path, start: Callable[[], subprocess.Popen[bytes]]
) -> None:
    first = start()
    wait_until(lambda: len(pids(checkout)) == 1)
    words = (checkout / "called").read_text().split()
    assert words[1:4] == ["false", "-m", "mlflow"]
    assert words[words.index("--host") + 1] == "127.0.0.1"
    assert words[words.index("--backend-store-uri") + 1] == f"sqlite:///{checkout}/mlflow.db"
    second = start()
    assert second.wait(ENOUGH_S) == 0
    assert len(pids(checkout)) == 1
    os.kill(pids(checkout)[0], signal.SIGKILL)
    wait_until(lambda: len(pids(checkout)) == 2)
    (checkout / "ray").unlink()
    assert first.wait(ENOUGH_S) == 0
    wait_until(lambda: not any(alive(pid) for pid in pids(checkout)))


def test_it_ends_its_server_when_it_is_ended(checkout: Path, start: Callable[[], subprocess.Popen[bytes]]) -> None:
    process = start()
    wait_until(lambda: len(pids(checkout)) == 1)
    process.terminate()
    assert process.wait(ENOUGH_S) == 0
    wait_until(lambda: not alive(pids(checkout)[0]))


def test_what_ray_leaves_is_ended_once_its_raylet_is_gone(checkout: Path) -> None:
    ray = checkout / "bin" / "ray"
    ray.write_text(f'#!/bin/bash\necho "$*" >> {checkout}/stopped\n')
    ray.chmod(0o755)
    env = {"PATH": f"{checkout / 'bin'}:/usr/bin:/bin", "GIBBSWEEP_STAYS_S": "5", "TMPDIR": str(checkout)}
    command = ["bash", str(SCRIPT.with_name("leave_with_ray.sh")), str(ray)]
    first = subprocess.Popen(command, env=env)
    try:
        wait_until((checkout / "looked").exists)  # it looks once it holds the lock
        assert subprocess.run(command, env=env, check=False, timeout=ENOUGH_S).returncode == 0
        assert first.poll() is None and not (checkout / "stopped").exists()
        (checkout / "ray").unlink()
        assert first.wait(ENOUGH_S) == 0
        assert (checkout / "stopped").read_text() == "stop\n"
    finally:
        first.kill()
        first.wait()
