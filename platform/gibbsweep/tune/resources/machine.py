"""One machine as ``gibbsweep doctor`` sees it: what is installed, what it has, what it sees of the shared folder, and
what listens there. Knows no Ray."""

from __future__ import annotations

import ipaddress
import os
import platform
import secrets
import shutil
import socket
import tempfile
import time
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

from gibbsweep.folder.whole import is_listed
from gibbsweep.run.provenance import git_commit

PACKAGES = ("gibbsweep", "ray", "torch", "mlflow", "optuna")
"""The packages whose versions must be equal on all machines of a cluster."""
TRACKING_PORT, DASHBOARD_PORT = 5000, 8265
_OF_RAY = ("ray", "raylet", "gcs_server", "python", "mlflow", "uvicorn", "gunicorn")


@dataclass(frozen=True)
class Machine:
    """What was found on a machine: ``examine(Path("runs"), "sign")``."""

    host: str
    """Its name."""
    versions: dict[str, str]
    """The versions of Python, of the packages, and the commit of the code."""
    cpus: int
    """Processors."""
    memory: int
    """Bytes of its memory."""
    gpus: list[str]
    """Names of its GPUs, as PyTorch sees them."""
    time: float
    """Its clock, in Unix seconds."""
    free: dict[str, tuple[int, int]]
    """Free and all bytes of a disk, by a folder on it."""
    sees: bool
    """Whether the shared folder there shows the sign that the asking machine left."""
    wrote: str
    """Name of a file that it left in the shared folder; empty where it could not."""
    problem: str = ""
    """Why it could not."""
    listening: list[tuple[str, int, str]] = field(default_factory=list)
    """Addresses, ports and programs of this user's that take connections."""
    public: list[str] = field(default_factory=list)
    """Its addresses that anyone on the internet may reach."""


def examine(runs: Path, sign: str) -> Machine:
    """Look at this machine. ``runs``: the folder that all machines are to share, in which the file ``sign`` was left; a
    file ``SIGN.HOST.XXXX`` is left beside it."""
    host = socket.gethostname()
    sees = is_listed(runs / sign)
    wrote, problem = f"{sign}.{host}.{secrets.token_hex(4)}", ""
    try:
        (runs / wrote).write_text(host)
    except OSError as error:
        wrote, problem = "", error.strerror or str(error)
    folders = {str(runs): runs, "Ray's files": Path(os.environ.get("RAY_TMPDIR") or tempfile.gettempdir())}
    free: dict[str, tuple[int, int]] = {}
    for name, folder in folders.items():
        if folder.exists():
            usage = shutil.disk_usage(folder)
            free[name] = usage.free, usage.total
    return Machine(
        host=host,
        versions=_versions(),
        cpus=os.cpu_count() or 0,
        memory=psutil.virtual_memory().total,
        gpus=_gpus(),
        time=time.time(),
        free=free,
        sees=sees,
        wrote=wrote,
        problem=problem,
        listening=_listening(),
        public=_public_addresses(),
    )


def _versions() -> dict[str, str]:
    found = {"Python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "missing"
    return found | {"code": git_commit()}


def _gpus() -> list[str]:
    import torch

    if not torch.cuda.is_available():
        return []
    return [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]


def _listening() -> list[tuple[str, int, str]]:
    """What of this user's, by the names of Ray's and MLflow's programs, takes connections."""
    found: set[tuple[str, int, str]] = set()
    for process in psutil.process_iter(["name"]):
        name = process.info["name"] or ""
        if not name.startswith(_OF_RAY):
            continue
        try:
            connections = process.net_connections(kind="tcp")
        except psutil.Error:  # of another user, or gone
            continue
        for one in connections:
            if one.status == psutil.CONN_LISTEN:
                found.add((one.laddr.ip, one.laddr.port, name))
    return sorted(found)


def _public_addresses() -> list[str]:
    """The addresses of its network cards that are reachable from everywhere."""
    addresses = [one.address.partition("%")[0] for card in psutil.net_if_addrs().values() for one in card]
    return [text for text in addresses if _is_global(text)]


def _is_global(text: str) -> bool:
    try:
        return ipaddress.ip_address(text).is_global
    except ValueError:  # of hardware
        return False
