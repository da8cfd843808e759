"""What the machine refuses while Ray starts is one sentence."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tests.patience import ENOUGH_S

ROOT = Path(__file__).resolve().parents[3]
START = """
from gibbsweep.cli.shell.parse import one_sentence
from gibbsweep.tune.on_ray import cluster
from gibbsweep.tune.options.options import SweepOptions
with one_sentence():
    cluster.start(SweepOptions(cpus=1{options}))
    import ray, os
    print("niceness", ray.get(ray.remote(lambda: os.nice(0)).remote()) - os.nice(0))
"""

pytestmark = pytest.mark.cluster


def start(options: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join(str(ROOT / name) for name in ("platform", "models"))
    return subprocess.run(
        [sys.executable, "-c", START.format(options=options)],
        env={**os.environ, "PYTHONPATH": paths, **variables},
        capture_output=True,
        text=True,
        timeout=ENOUGH_S,
        check=False,
    )


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def test_a_dead_cluster_is_named_with_its_source() -> None:
    address = f"127.0.0.1:{free_port()}"
    for options, variables, source in (
        ("", {"RAY_ADDRESS": address}, "RAY_ADDRESS"),
        (f", address={address!r}", {}, "--address"),
    ):
        done = start(options, **variables)
        assert done.returncode == 2, done.stderr
        assert f"nothing answers at {address}" in done.stderr
        assert f"{source} gave" in done.stderr
        assert done.stderr.count("\n") == 1


def test_a_dead_address_takes_no_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray is not even asked, which would try for minutes."""
    import ray

    from gibbsweep.errors import UserError
    from gibbsweep.tune.on_ray import cluster
    from gibbsweep.tune.options.options import SweepOptions

    monkeypatch.setattr(ray, "is_initialized", lambda: False)  # other tests of this process may have started one
    began = time.monotonic()
    with pytest.raises(UserError, match="nothing answers"):
        cluster.start(SweepOptions(address=f"ray://127.0.0.1:{free_port()}"))
    assert time.monotonic() - began < 15


def test_a_cluster_of_another_user_is_not_joined_unasked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import ray

    from gibbsweep.tune.on_ray import cluster
    from gibbsweep.tune.options.options import SweepOptions

    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    addresses: list[Any] = []
    monkeypatch.setattr(ray, "init", lambda address, **settings: addresses.append(address))
    said: list[str] = []

    def start(**options: Any) -> None:
        cluster.start(SweepOptions(cpus=1, **options), say=said.append)

    start()
    note = tmp_path / "ray" / "ray_current_cluster"
    note.parent.mkdir()
    note.write_text(f"127.0.0.1:{free_port()}")
    start()
    assert (addresses, said) == ([None, None], [])  # one's own, or none: Ray looks for it
    monkeypatch.setattr(os, "getuid", lambda: note.stat().st_uid + 1)
    start()
    assert addresses[-1] == "local"
    (sentence,) = said
    assert "is not joined; --address auto would join it" in sentence
    start(address="auto")
    assert (addresses[-1], len(said)) == ("auto", 1)


def test_a_long_path_of_sockets(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 80)
    folder.mkdir()
    done = start(', address="local"', RAY_TMPDIR=str(folder))
    assert done.returncode == 2, done.stderr
    assert "point the environment variable RAY_TMPDIR" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_home_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = start(', address="local"', HOME=str(tmp_path / "file"), RAY_AUTH_MODE="token")
    assert done.returncode == 2, done.stderr
    assert "RAY_AUTH_TOKEN_PATH" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("options", "niceness"), [("", 5), (", niceness=0", 0)])
def test_trials_hardly_give_way(options: str, niceness: int) -> None:
    done = start(f', address="local"{options}')
    assert f"niceness {niceness}" in done.stdout, done.stderr


KILL_THE_FIRST = """
import threading, time, psutil
def kill_the_first():
    while True:
        for process in psutil.Process().children(recursive=True):
            try:
                if process.name() == "raylet":
                    process.kill()
                    return
            except psutil.NoSuchProcess:  # it has ended since
                pass
        time.sleep(0.01)
threading.Thread(target=kill_the_first, daemon=True).start()
"""


def test_a_raylet_that_ends_while_it_starts_is_started_again() -> None:
    """As it does of itself on a busy machine, if its agent takes 15 s to start."""
    paths = os.pathsep.join(str(ROOT / name) for name in ("platform", "models"))
    done = subprocess.run(
        [sys.executable, "-c", KILL_THE_FIRST + START.format(options=", address='local'")],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        timeout=ENOUGH_S,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "niceness 5\n"), done.stderr


def test_ray_that_never_starts_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    import ray

    from gibbsweep.errors import UserError
    from gibbsweep.tune.on_ray import cluster
    from gibbsweep.tune.options.options import SweepOptions

    def init(**settings: Any) -> None:
        tried.append(settings["address"])
        raise Exception("The current node timed out during startup.")  # noqa: TRY002  # as Ray does

    tried: list[str] = []
    said: list[str] = []
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", init)
    with pytest.raises(UserError, match="did not start on this machine, which was tried 3 times"):
        cluster.start(SweepOptions(address="local"), say=said.append)
    assert (tried, len(said)) == (["local"] * 3, 2)
