"""Starts or joins a Ray cluster quietly, and says what machines it has."""

from __future__ import annotations

import logging
import os
import pwd
import signal
import socket
import stat
import tempfile
import threading
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from gibbsweep.errors import UserError, is_disk_full
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
    # Ray's own is 15: beside two busy programs a trial would then wait for minutes. --niceness changes it.
    "RAY_worker_niceness": "5",
}
"""Environment variables that switch parts of Ray off, or set them."""


_ANSWER_S = 5.0
"""Seconds that a cluster gets to answer before its address counts as dead."""
_HANDLERS_EVERY_S = 0.02
"""Seconds between two times that the handlers of signals are set while Ray starts."""
_TRIES = 3
"""How often Ray is started if it gives up."""
_TIMED_OUT = "timed out during startup"
"""Part of what Ray says when it gives up."""
_LEAVING_S = 20.0
"""Seconds that Ray gets to finish its start before it is left after a second Ctrl-C."""


def start(
    options: SweepOptions,
    *,
    import_from: Sequence[Path] = (),
    say: Callable[[str], None] = lambda sentence: None,
    leave: Callable[[], bool] = lambda: False,
) -> None:
    """Join the cluster that ``options`` and the environment name, else one that this user has started on this machine,
    else start one. Raises UserError if it cannot be joined. ``import_from``: folders from which workers import modules,
    as this process does. ``say`` is told of a cluster that is not joined, and of one that is started again. Once
    ``leave`` it is not started again: there is no cluster then."""
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    if not options.verbose:
        os.environ["RAY_AIR_NEW_OUTPUT"] = "0"  # otherwise Tune prints its tables at any verbosity
    import ray

    if not options.verbose:
        warnings.filterwarnings("ignore", module="ray")
        for name in ("ray", "ray.tune", "ray.train", "ray.data", "ray._private"):
            logging.getLogger(name).setLevel(logging.ERROR)
    if ray.is_initialized():
        return
    address = options.address or os.environ.get("RAY_ADDRESS")
    if not address and (others := cluster_of_another_user()):
        address = "local"
        say(others)
    joining = address not in (None, "", "local")
    source = "--address" if options.address else "the environment variable RAY_ADDRESS"
    if joining:
        _check_answer(str(address), source)
    if options.niceness is not None:
        os.environ["RAY_worker_niceness"] = str(options.niceness)
    settings: dict[str, Any] = {}
    if import_from:
        # Not PYTHONPATH in env_vars, which would replace each machine's own, nor py_modules, which would copy whatever
        # lies in these folders to every machine.
        settings["runtime_env"] = {"worker_process_setup_hook": _importing_from(list(map(str, import_from)))}
    level = logging.WARNING if options.verbose else logging.ERROR
    try:
        _patiently(
            lambda: ray.init(
                address=address,
                num_cpus=None if joining else options.cpus,
                include_dashboard=None if joining else False,
                log_to_driver=options.verbose,
                logging_level=level,
                configure_logging=True,
                **settings,
            ),
            say,
            leave,
        )
    except ConnectionError as error:
        reason = str(error).splitlines()[0]
        raise UserError(
            f"the Ray cluster at {address} cannot be joined ({reason}): check {source}, or use --address local."
        ) from error
    except (OSError, RuntimeError) as error:
        if is_disk_full(error) or (sentence := _refusal(error)) is None:
            raise
        raise UserError(sentence) from error
    _protect_token()


def _patiently(begin: Callable[[], object], say: Callable[[str], None], leave: Callable[[], bool]) -> None:
    """Call ``begin``, which starts Ray, again if Ray gives up. On a busy machine it does so of itself: a raylet ends if
    an agent of its own takes 15 s to start, and Ray then waits 30 s for the raylet, in vain."""
    for tries_left in reversed(range(_TRIES)):
        try:
            with_handlers_kept(begin)
            return
        except Exception as error:
            # Ray raises a plain Exception. What it had started has ended with the thread that started it.
            if _TIMED_OUT not in str(error):
                raise
            if leave():
                return
            if not tries_left:
                raise UserError(
                    f"Ray did not start on this machine, which was tried {_TRIES} times: wait until it is less busy, "
                    "or read why in the folder session_latest/logs of Ray's temporary folder (/tmp/ray)."
                ) from error
            say("Ray did not start in time on this busy machine: it is started again")


def cluster_of_another_user() -> str:
    """A sentence about the cluster that another user has started on this machine, which Ray itself would join; "" where
    there is none."""
    # `ray start --head` writes the cluster's address there, and Ray reads it where no address is given.
    note = Path(os.environ.get("RAY_TMPDIR") or tempfile.gettempdir()) / "ray" / "ray_current_cluster"
    try:
        owner = note.stat().st_uid
    except OSError:
        return ""
    if owner == os.getuid():
        return ""
    try:
        name = pwd.getpwuid(owner).pw_name
    except KeyError:
        name = f"number {owner}"
    return f"the Ray cluster that user {name} started on this machine is not joined; --address auto would join it"


def _importing_from(folders: list[str]) -> Callable[[], None]:
    """What a worker's process does when it starts, so that it imports modules from ``folders``, too."""

    def import_from_them() -> None:  # sent as code, as a worker may have no module of this name
        import sys

        sys.path[:0] = [folder for folder in folders if folder not in sys.path]

    return import_from_them


def _check_answer(address: str, source: str) -> None:
    """Raise UserError if nothing listens at ``address``, which ``source`` gave. Ray itself would try for minutes."""
    parts = urlsplit(address if "://" in address else f"//{address}")
    try:
        port = parts.port
    except ValueError:
        port = None
    if parts.hostname is None or port is None:
        return  # "auto", or a form that Ray itself reads or refuses
    try:
        socket.create_connection((parts.hostname, port), _ANSWER_S).close()
    except OSError as error:
        raise UserError(
            f"nothing answers at {address}, the address of a Ray cluster that {source} gave "
            f"({error.strerror or error}): start the cluster, correct {source}, or use --address local."
        ) from error


def _refusal(error: OSError | RuntimeError) -> str | None:
    """The sentence for an error by which the machine refuses to start Ray; None for any other error."""
    text = " ".join(str(error).split())
    if "AF_UNIX path length" in text:
        folder = os.environ.get("RAY_TMPDIR") or tempfile.gettempdir()
        return (
            f"Ray cannot start in {folder}, as the paths of its sockets would be longer than the system allows: point "
            "the environment variable RAY_TMPDIR to a folder with a shorter path, such as /tmp."
        )
    if isinstance(error, RuntimeError):
        if "home directory" not in text:
            return None
        return (
            "this user has no home folder, in which Ray writes its token: set HOME, or RAY_AUTH_TOKEN_PATH, to a path "
            "that this user can write."
        )
    if ".ray" in str(error.filename or ""):
        return (
            f"Ray cannot write its token to {error.filename} ({error.strerror}): set HOME to a folder that this user "
            "can write, or RAY_AUTH_TOKEN_PATH to the path of a token file."
        )
    where = f" in {error.filename}" if error.filename else ""
    return (
        f"Ray cannot start{where} ({error.strerror or text}): point the environment variable RAY_TMPDIR to a folder "
        "that this user can write."
    )


def with_handlers_kept(begin: Callable[[], object]) -> None:
    """Call ``begin`` in a thread, and keep this process's handlers of signals meanwhile. Ray puts its own in their
    place, one of them in C++ that aborts the process at SIGTERM; and while it starts, no handler of Python's runs in
    the thread that starts it."""
    if threading.current_thread() is not threading.main_thread():
        begin()
        return
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    done: Future[object] = Future()

    def run() -> None:
        try:
            done.set_result(begin())
        except BaseException as error:  # noqa: BLE001  # raised below, in the thread that waits
            done.set_exception(error)
        else:
            # Linux ends Ray's processes with the thread that started them (PR_SET_PDEATHSIG): it lasts as long as this
            # process does.
            threading.Event().wait()

    threading.Thread(target=run, name="ray-init", daemon=True).start()
    try:
        while not done.done():
            _set_again(handlers)
            wait([done], _HANDLERS_EVERY_S)
    except BaseException:
        wait([done], _LEAVING_S)  # Ray can be shut down once it has started
        raise
    finally:
        _set_again(handlers)
    done.result()


def _set_again(handlers: dict[signal.Signals, Any]) -> None:
    for number, handler in handlers.items():
        if handler is not None:
            signal.signal(number, handler)


def send_by_value(script: ModuleType) -> None:
    """Send what the module ``script`` defines to workers as code: it is a file that they cannot import by its name."""
    import ray

    ray.cloudpickle.register_pickle_by_value(script)  # type: ignore[no-untyped-call]


def kill() -> None:
    """End the trials of this process and leave the cluster. A cluster that this process started ends with them."""
    import ray

    if not ray.is_initialized() or answers():  # else there is nothing left, and Ray would wait for it
        ray.shutdown()


def answers() -> bool:
    """Whether the cluster that was joined or started answers."""
    import ray

    host, _, port = str(ray.get_runtime_context().gcs_address).rpartition(":")
    return _answers(host, int(port))


def watched() -> Callable[[], bool]:
    """Says from now on whether the cluster and this machine's part of it, its raylet, answer: Ray
    cannot do without either."""
    import ray

    mine = this_node()
    (node,) = (node for node in ray.nodes() if node["NodeID"] == mine)  # type: ignore[no-untyped-call]
    address, port = str(node["NodeManagerAddress"]), int(node["NodeManagerPort"])
    return lambda: _answers(address, port) and answers()


def _answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host.strip("[]"), port), _ANSWER_S).close()
    except OSError:
        return False
    return True


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
        machines.append(Node(has.get("CPU", 0.0), has.get("GPU", 0.0), memory, str(node["NodeID"])))
    return machines


def this_node() -> str:
    """Ray's name of the machine of this process, as in :func:`nodes`."""
    import ray

    return str(ray.get_runtime_context().get_node_id())


def _protect_token() -> None:
    # Ray writes its authentication token for everyone to read.
    try:
        token = Path.home() / ".ray" / "auth_token"
    except RuntimeError:  # no home folder, and so no token in it
        return
    if token.exists() and token.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        token.chmod(0o600)
