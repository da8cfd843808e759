"""Starts or joins a Ray cluster quietly, and says what machines it has."""

from __future__ import annotations

import logging
import os
import stat
import warnings
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from gibbsweep.errors import UserError
from gibbsweep.tune.options.options import SweepOptions
from gibbsweep.tune.resources.memory import available_memory
from gibbsweep.tune.resources.shares import Node

_SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DEDUP_LOGS": "0",
    "RAY_TRAIN_ENABLE_STATE_TRACKING": "0",
    "RAY_TRAIN_METRICS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    # Results travel through the run folders' spools: Tune's CSV, JSON and TensorBoard files would repeat them.
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
    "TUNE_GLOBAL_CHECKPOINT_S": "3600",
    "TUNE_RESULT_BUFFER_LENGTH": "1",
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",  # a run that diverges before its first report has no goal to send
    "TUNE_MAX_PENDING_TRIALS_PG": "8",  # the searcher bounds what waits; Tune's bound of 1 starts one trial at a time
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # the first Ctrl-C lets trials finish their reports: folder/driver.py
    # Without it each library starts a pool as large as the machine in every process; on_ray/threads.py limits trials.
    "OMP_NUM_THREADS": "1",
}
"""Environment variables that switch parts of Ray off."""


def start(options: SweepOptions, *, import_from: Sequence[Path] = ()) -> None:
    """Join the cluster that ``options`` and the environment name, or start one on this machine. Raises UserError if it
    cannot be joined. ``import_from``: folders from which workers import modules, as this process does."""
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    if not options.verbose:
        os.environ["RAY_AIR_NEW_OUTPUT"] = "0"  # otherwise Tune prints its tables at any verbosity
    import ray
    from ray.job_config import JobConfig

    if not options.verbose:
        warnings.filterwarnings("ignore", module="ray")
        for name in ("ray", "ray.tune", "ray.train", "ray.data", "ray._private"):
            logging.getLogger(name).setLevel(logging.ERROR)
    if ray.is_initialized():
        return
    address = options.address or os.environ.get("RAY_ADDRESS")
    joining = address not in (None, "local")
    job_config = None
    if import_from:
        # Ray itself sends the folder of the program (`python study.py`) so. Its public settings would replace each
        # machine's own PYTHONPATH, or let workers read functions from files alone.
        job_config = JobConfig()
        job_config._py_driver_sys_path.extend(map(str, import_from))
    level = logging.WARNING if options.verbose else logging.ERROR
    try:
        ray.init(
            address=address,
            num_cpus=None if joining else options.cpus,
            include_dashboard=None if joining else False,
            log_to_driver=options.verbose,
            logging_level=level,
            configure_logging=True,
            job_config=job_config,
        )
    except ConnectionError as error:
        reason = str(error).splitlines()[0]
        raise UserError(
            f"the Ray cluster at {address} cannot be joined ({reason}): check --address, or use --address local."
        ) from error
    _protect_token()


def send_by_value(script: ModuleType) -> None:
    """Send what the module ``script`` defines to workers as code: it is a file that they cannot import by its name."""
    import ray

    ray.cloudpickle.register_pickle_by_value(script)


def kill() -> None:
    """End the trials of this process and leave the cluster. A cluster that this process started ends with them."""
    import ray

    ray.shutdown()


def nodes() -> list[Node]:
    """The machines of the cluster. The memory of this process's machine is what is available now; that of another
    machine is what Ray gives to trials."""
    import ray

    alive = [node for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]
    address = ray.util.get_node_ip_address()  # type: ignore[no-untyped-call]
    this_node = [node["NodeID"] for node in alive if node["NodeManagerAddress"] == address]
    machines = []
    for node in alive:
        has = node["Resources"]
        memory = available_memory() if [node["NodeID"]] == this_node else int(has.get("memory", 0))
        machines.append(Node(has.get("CPU", 0.0), has.get("GPU", 0.0), memory))
    return machines


def _protect_token() -> None:
    # Ray writes its authentication token for everyone to read.
    token = Path.home() / ".ray" / "auth_token"
    if token.exists() and token.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        token.chmod(0o600)
