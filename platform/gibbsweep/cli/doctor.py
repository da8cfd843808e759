"""``gibbsweep doctor``: whether this machine, or a whole cluster, is as sweeps need it."""

from __future__ import annotations

import os
import secrets
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from gibbsweep.errors import UserError
from gibbsweep.folder.layout import check_is_local, default_runs
from gibbsweep.option import OrDefault

if TYPE_CHECKING:
    from gibbsweep.tune.resources.machine import Machine
    from gibbsweep.tune.status.doctor import Seen


@dataclass(frozen=True)
class DoctorOptions:
    """The options of ``gibbsweep doctor``."""

    address: OrDefault[str] = None
    """Ray cluster to look at: an address, or `auto` for the running one (default: none, this machine alone)."""
    runs: Path = field(default_factory=default_runs)
    """Folder of all sweeps, which the machines share (default: $GIBBSWEEP_RUNS, else runs)."""
    tracking_uri: OrDefault[str] = None
    """MLflow server or store (default: $MLFLOW_TRACKING_URI, else SQLite under --runs)."""


def examine_all(options: DoctorOptions) -> None:
    """Look at this machine or a cluster, and say what to mend.

    Versions, the shared folder, clocks, disks, the token, tracking and ports are looked at.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from gibbsweep.tune.options.sizes import size_text
    from gibbsweep.tune.status.doctor import findings

    check_is_local(options.runs, "--runs")
    seen, silent = _look(options)
    console = Console()
    machines = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("machine", "CPUs", "memory", "GPUs"):
        machines.add_column(name, justify="left" if name in ("machine", "GPUs") else "right")
    for machine in seen.machines:
        machines.add_row(machine.host, str(machine.cpus), size_text(machine.memory), _counted(machine.gpus))
    console.print(machines)
    console.print()
    found = findings(seen)
    table = Table(box=None, show_header=False, pad_edge=False)
    for one in found:
        text = Text(one.found) if one.well else Text.assemble(one.found, ("\n" + one.mend, "yellow"))
        table.add_row(Text("ok" if one.well else "mend", "green" if one.well else "bold red"), one.subject, text)
    for where in silent:
        table.add_row(Text("mend", "bold red"), "answers", f"{where} does not answer: look at it, or end it")
    console.print(table)
    count = sum(not one.well for one in found) + len(silent)
    if count:
        console.print(f"\n{count} to mend", style="bold red")
        raise SystemExit(1)


def _look(options: DoctorOptions) -> tuple[Seen, list[str]]:
    """What was found, and the machines that did not answer."""
    from gibbsweep.tune.resources.machine import examine
    from gibbsweep.tune.status.doctor import Seen

    runs, sign, silent = options.runs.absolute(), f".doctor-{secrets.token_hex(8)}", list[str]()
    try:
        runs.mkdir(parents=True, exist_ok=True)
        (runs / sign).touch()
    except OSError as error:
        raise UserError(
            f"the run folder {runs} cannot be written ({error.strerror}): choose a writable one with --runs."
        ) from error
    machines: list[tuple[Machine, float]]
    open_without_token = None
    try:
        if options.address is None:
            machines = [(examine(runs, sign), 0.0)]
        else:
            from gibbsweep.tune.on_ray.examine import examine_cluster, lets_in_without_token

            machines, silent = examine_cluster(options.address, runs, sign)
            open_without_token = lets_in_without_token()
        files = frozenset(path.name for path in runs.iterdir())
    finally:
        for path in runs.glob(f"{sign}*"):
            path.unlink(missing_ok=True)
    uri, problem = _tracking(options, runs)
    seen = Seen(
        machines=[machine for machine, _ in machines],
        skews=[skew for _, skew in machines],
        files=files,
        runs=str(runs),
        joined=options.address is not None,
        open_without_token=open_without_token,
        tracking=uri,
        tracking_problem=problem,
    )
    return seen, silent


def _tracking(options: DoctorOptions, runs: Path) -> tuple[str, str]:
    """The tracking server or store, without its password, and why it cannot be used."""
    from gibbsweep.track.stores.uri import default_tracking_uri, redact

    uri = options.tracking_uri or os.environ.get("MLFLOW_TRACKING_URI") or default_tracking_uri(runs)
    if urlsplit(uri).scheme not in ("http", "https"):
        return redact(uri), ""
    try:
        with urllib.request.urlopen(f"{uri.rstrip('/')}/health", timeout=10):
            return redact(uri), ""
    except urllib.error.HTTPError as error:
        return redact(uri), f"it answers {error.code}"
    except (OSError, ValueError) as error:
        return redact(uri), f"nothing answers ({getattr(error, 'reason', None) or error})"


def _counted(names: list[str]) -> str:
    counts = {name: names.count(name) for name in names}
    return ", ".join(f"{count} × {name}" for name, count in counts.items()) or "none"
