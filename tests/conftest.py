"""What all tests share: data sets and a cache of their own, one Ray, one empty tracking store that is copied.

A test reads no data set of the machine that it runs on: ``GIBBSWEEP_DATA`` names a folder of stand-ins, small sets in
the formats of the real ones (see :mod:`tests.stand_ins`). What needs a real set is marked ``real_data`` and finds it in
the folder that ``GIBBSWEEP_DATA`` named when pytest was started.
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
from filelock import FileLock
from tests.patience import ENOUGH_S

if TYPE_CHECKING:
    from tests.contracts.training import Training

os.environ.setdefault("OMP_NUM_THREADS", "1")

# A machine may be busy: no test times anything, and hypothesis does not either.
hypothesis.settings.register_profile("untimed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("untimed")

# Variables of the environment, as pytest-xdist's workers inherit it from the process that starts them.
REAL_DATA = "GIBBSWEEP_TESTS_REAL_DATA"
"""The folder of the real data sets, or nothing."""
FOLDER = "GIBBSWEEP_TESTS_FOLDER"
"""The folder of this run of pytest for what its tests share; removed at its end."""

CLUSTER_FIXTURES = frozenset({"start_ray", "server", "postgres"})
"""Fixtures that start Ray or a server: a test that asks for one is marked ``cluster`` by itself."""

OWN_PROCESSES = (
    "tests/track/",
    *(f"tests/tune/whole/test_{name}" for name in ("kill", "stop", "two_sweeps")),
    "tests/tune/on_ray/test_memory_taken",
)
"""Where tests start servers and sweeps as processes of their own, kill them, or take their memory: one at a time,
whoever runs them."""


def pytest_configure(config: pytest.Config) -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in the background of a shell; tests send it, and children
        signal.signal(signal.SIGINT, signal.default_int_handler)  # inherit that it is ignored
    if hasattr(config, "workerinput"):  # one of pytest-xdist's workers: the process that started it has done this
        return
    folder = Path(tempfile.mkdtemp(prefix="gibbsweep-tests-"))
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    os.environ[REAL_DATA] = os.environ.get("GIBBSWEEP_DATA", "")
    os.environ[FOLDER] = str(folder)
    os.environ["GIBBSWEEP_DATA"] = str(folder / "data")
    os.environ["GIBBSWEEP_CACHE"] = str(folder / "cache")
    os.environ.setdefault("RAY_gcs_server_port_wait_time_s", "300")  # seconds; Ray's own 30 are few on a busy machine


@pytest.hookimpl(tryfirst=True)  # before pytest chooses by marker
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if not CLUSTER_FIXTURES.isdisjoint(getattr(item, "fixturenames", ())):
            item.add_marker("cluster")


def kept_together(test: str) -> str:
    """The name of the tests that go to one of pytest-xdist's workers with ``test``: by default those of its file."""
    file = test.partition("::")[0]
    if file.startswith(OWN_PROCESSES):
        return "processes of their own"
    return test if file == "tests/test_smoke_studies.py" else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Of ``--dist loadfile``; ``loadgroup`` would take marks, and pytest 9.2 does not let pytest-xdist 3.8 set them."""
    from xdist.scheduler import LoadScopeScheduling

    class KeptTogether(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return kept_together(nodeid)

    return KeptTogether(config, log) if config.getvalue("dist") == "loadfile" else None


def shared(name: str, make: Callable[[Path], None]) -> Path:
    """A folder of this run of pytest, made by whichever of its workers asks first; it appears whole or not at all."""
    folder = Path(os.environ[FOLDER]) / name
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            unfinished = folder.with_name(f"{folder.name}.part")
            shutil.rmtree(unfinished, ignore_errors=True)  # of a worker that failed
            unfinished.mkdir()
            make(unfinished)
            unfinished.rename(folder)
    return folder


@pytest.fixture(autouse=True)
def no_store_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """No tracking store is named where a test begins, and none after it: MLflow's ``set_tracking_uri`` writes to the
    environment."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")  # so that it is restored whatever a test leaves
    monkeypatch.delenv("MLFLOW_TRACKING_URI")


@pytest.fixture(scope="session")
def stand_ins() -> Path:
    """The folder of stand-ins for the sets that must be fetched."""
    from tests.stand_ins import write_stand_ins

    return shared("data", write_stand_ins)


@pytest.fixture(scope="session")
def real_set() -> Callable[[str], Path]:
    """The folder of real data sets, if it holds the set of a name; a test that asks for another is skipped."""

    def find(name: str) -> Path:
        root = os.environ[REAL_DATA]
        if not root:
            pytest.skip("GIBBSWEEP_DATA is not set: give it the folder of the real data sets")
        if not list((Path(root) / name).glob("*.parquet")):
            pytest.skip(f"GIBBSWEEP_DATA holds no {name}: `gibbsweep data list` says how to get it")
        return Path(root).absolute()

    return find


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Training]:
    """The training of a system under contract, made at the first call with its name."""
    from tests.contracts.training import train_system

    folder = tmp_path_factory.mktemp("trained")
    return cache(lambda name: train_system(name, folder / name))


@pytest.fixture(scope="session")
def empty_store() -> Path:
    """A migrated SQLite file to copy: creating its tables takes seconds."""
    from gibbsweep.track import default_tracking_uri, migrate

    return shared("store", lambda folder: migrate(default_tracking_uri(folder))) / "mlflow.db"


@pytest.fixture(scope="session")
def seed_store(empty_store: Path) -> Callable[[Path], None]:
    """Gives a folder of runs an empty tracking store, where it has none."""

    def seed(runs: Path) -> None:
        if not (runs / "mlflow.db").exists():
            runs.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(empty_store, runs / "mlflow.db")

    return seed


@pytest.fixture(scope="session")
def start_ray(seed_store: Callable[[Path], None]) -> Iterator[Callable[[int], None]]:
    """Sees to a local Ray of so many CPUs at least, which stays, as starting one costs seconds. Sweeps on it begin with
    a copied tracking store."""
    import ray

    from gibbsweep.track import default_tracking_uri
    from gibbsweep.tune import sweep
    from gibbsweep.tune.on_ray import cluster
    from gibbsweep.tune.options.options import SweepOptions

    def start(cpus: int) -> None:
        if ray.is_initialized():
            if cluster.answers() and ray.cluster_resources().get("CPU", 0) >= cpus:
                return
            ray.shutdown()
        with FileLock(Path(os.environ[FOLDER]) / "ray.lock"):  # two at once take so long that Ray gives up
            cluster.start(SweepOptions(address="local", cpus=cpus))

    def seeded_uri(runs: Path) -> str:
        seed_store(runs)
        return default_tracking_uri(runs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sweep, "default_tracking_uri", seeded_uri)
        patch.setattr(sweep, "_CLOSE_S", ENOUGH_S)
        yield start
    ray.shutdown()


@pytest.fixture(scope="session")
def ray_session(start_ray: Callable[[int], None]) -> None:
    """A local Ray of two CPUs: two trials at once, or one of two workers."""
    start_ray(2)


@pytest.fixture  # asked anew by every test: another one may have shut Ray down
def ray_of_one_cpu(start_ray: Callable[[int], None]) -> None:
    """A local Ray for sweeps that may as well run one trial after the other: each trial at once is a process that
    imports PyTorch."""
    start_ray(1)
