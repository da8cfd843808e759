"""Ray itself: starting or joining a cluster, quietly, and refusing what it cannot give."""

from __future__ import annotations

import logging
import os
import stat
import warnings
from pathlib import Path

from gibbsweep.errors import UserError
from gibbsweep.tune.options import SweepOptions

_SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DEDUP_LOGS": "0",
    "RAY_TRAIN_ENABLE_STATE_TRACKING": "0",
    "RAY_TRAIN_METRICS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    # Results travel through our own spool: Tune's CSV, JSON and TensorBoard files would say the same a second time.
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
    "TUNE_GLOBAL_CHECKPOINT_S": "3600",
    "TUNE_RESULT_BUFFER_LENGTH": "1",
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",  # a run that diverges before its first report has no goal to send
    "TUNE_MAX_PENDING_TRIALS_PG": "8",  # the searcher bounds what waits; Tune's own bound of 1 would start trials one by one
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # the first Ctrl-C lets trials finish their reports: see gibbsweep.tune.driver
    # One thread a trial: without it each library starts a pool as large as the machine in every process.
    "OMP_NUM_THREADS": "1",
}


def start(options: SweepOptions) -> None:
    """Join the cluster that ``options`` and the environment name, or start one on this machine."""
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    if not options.verbose:
        os.environ["RAY_AIR_NEW_OUTPUT"] = "0"  # Tune's tables print whatever its verbosity says
    import ray

    if not options.verbose:
        warnings.filterwarnings("ignore", module="ray")
        for name in ("ray", "ray.tune", "ray.train", "ray.data", "ray._private"):
            logging.getLogger(name).setLevel(logging.ERROR)
    if ray.is_initialized():
        return
    address = options.address or os.environ.get("RAY_ADDRESS")
    joining = address not in (None, "local")
    level = logging.WARNING if options.verbose else logging.ERROR
    try:
        ray.init(
            address=address,
            num_cpus=None if joining else options.cpus,
            include_dashboard=None if joining else False,
            log_to_driver=options.verbose,
            logging_level=level,
            configure_logging=True,
        )
    except ConnectionError as error:
        reason = str(error).splitlines()[0]
        raise UserError(
            f"the Ray cluster at {address} cannot be joined ({reason}): check --address, or use --address local."
        ) from error
    _protect_token()


def kill() -> None:
    """End the trials of this process and leave the cluster, which goes with them if this process started it."""
    import ray

    ray.shutdown()


def check_resources(options: SweepOptions, gpus_per_trial: float) -> int | None:
    """How many trials may run at once; None where the cluster grows on demand. Raises UserError if none ever could.

    With a bound the next trial is asked for when there is room for it, not before: a suggestion made early knows less. Without
    one, waiting trials are what makes an autoscaler add nodes.
    """
    pieces = 1 / gpus_per_trial if 0 < gpus_per_trial < 1 else gpus_per_trial
    if abs(pieces - round(pieces)) > 0.01 * pieces:
        raise UserError(
            f"--gpus-per-trial {gpus_per_trial:g} would fragment the GPUs: use a whole number or 1/k (0.5, 0.25, ...)."
        )
    if options.wait_for_nodes:
        return None
    have = _resources()
    needs = {"CPU": float(options.workers_per_trial), "GPU": gpus_per_trial * options.workers_per_trial}
    for what, need in needs.items():
        if need > have.get(what, 0.0):
            raise UserError(
                f"one trial asks for {need:g} {what}s and the cluster has {have.get(what, 0.0):g}: lower --gpus-per-trial or "
                "--workers-per-trial, add nodes, or use --wait-for-nodes on a cluster that adds them on demand."
            )
    return min(int(have[what] / need + 1e-6) for what, need in needs.items() if need > 0)


def default_gpus(options: SweepOptions) -> float:
    """What --gpus-per-trial says, or 1 where the cluster has a GPU."""
    if options.gpus_per_trial:
        return options.gpus_per_trial
    return 1.0 if _resources().get("GPU", 0.0) >= 1 else 0.0


def _resources() -> dict[str, float]:
    import ray

    return dict(ray.cluster_resources())  # type: ignore[no-untyped-call]


def _protect_token() -> None:
    # Ray writes its authentication token for everyone to read.
    token = Path.home() / ".ray" / "auth_token"
    if token.exists() and token.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        token.chmod(0o600)
