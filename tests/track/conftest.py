"""Stores, servers and sweeps for the tests of tracking."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.track.postgres import postgres_server
from tests.track.servers import Server, Wire
from tests.track.sweeps import Sweep, points

from gibbsweep.track import default_tracking_uri

NUMBER = itertools.count(1)


@pytest.fixture
def wire(server: Server) -> Iterator[Wire]:
    wire = Wire(server)
    yield wire
    wire.close()


@pytest.fixture
def store(tmp_path: Path, empty_store: Path) -> str:
    """The URI of a fresh SQLite store in ``tmp_path / "runs"``."""
    runs = tmp_path / "runs"
    runs.mkdir()
    (runs / "mlflow.db").write_bytes(empty_store.read_bytes())
    return default_tracking_uri(runs)


@pytest.fixture
def new_sweep(tmp_path: Path) -> Sweep:
    """A sweep with a name of its own, for stores that tests share."""
    return Sweep(tmp_path / "runs" / f"shared-{next(NUMBER)}")


@pytest.fixture
def sweep(tmp_path: Path) -> Sweep:
    return Sweep(tmp_path / "runs" / "cd_k-1")


@pytest.fixture
def expected() -> Callable[[range, Callable[[int], float]], list[tuple[int, int, float]]]:
    return points


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    (folder / "mlflow.db").write_bytes(empty_store.read_bytes())
    server = Server(folder)
    yield server
    server.stop()


@pytest.fixture
def late_server(tmp_path: Path, empty_store: Path) -> Iterator[Server]:
    """A server that nobody has started: the one that tests share may run already."""
    (tmp_path / "late").mkdir()
    (tmp_path / "late" / "mlflow.db").write_bytes(empty_store.read_bytes())
    server = Server(tmp_path / "late")
    yield server
    server.stop()


@pytest.fixture
def postgres() -> Iterator[str]:
    with postgres_server() as uri:
        yield uri
