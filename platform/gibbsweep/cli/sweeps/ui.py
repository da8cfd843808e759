"""``gibbsweep ui``: MLflow on the sweeps of a folder, or Optuna's dashboard on one of them."""

from __future__ import annotations

import os
import webbrowser
from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from gibbsweep.cli.sweeps.report import runs_and_name
from gibbsweep.errors import UserError
from gibbsweep.option import OrDefault


@dataclass(frozen=True)
class UiOptions:
    """The options of ``gibbsweep ui``."""

    runs: Positional[Path] = Path("runs")
    """Folder of all sweeps, or the folder of one sweep (default: runs)."""
    port: OrDefault[int] = None
    """Port of 127.0.0.1 (default: 5000, or any free one)."""
    optuna: OrDefault[str] = None
    """Open Optuna's dashboard on the trials of this sweep, in place of MLflow."""
    tracking_uri: OrDefault[str] = None
    """MLflow server or store (default: $MLFLOW_TRACKING_URI, else SQLite in the folder)."""
    open: bool = False
    """Also open the page in a browser."""


def open_ui(options: UiOptions) -> None:
    """Show the sweeps of a folder in MLflow, or one in Optuna's dashboard, until Ctrl-C."""
    from gibbsweep.tune.folder.driver import terminated_as_error

    try:
        with terminated_as_error():
            _optuna(options, options.optuna) if options.optuna is not None else _mlflow(options)
    except KeyboardInterrupt as stop:
        print("ended", flush=True)
        raise SystemExit(getattr(stop, "exit_code", 0)) from None


def _mlflow(options: UiOptions) -> None:
    from gibbsweep.folder import SweepFolder
    from gibbsweep.track.stores.uri import check_tracking_uri, default_tracking_uri, is_database, redact, sqlite_path
    from gibbsweep.track.ui import UiServer, first_tracked, free_port, latest_first, run_page, sweep_page

    folder = options.runs
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}: name the one that holds your sweeps, or run a sweep first.")
    one = SweepFolder(folder) if SweepFolder(folder).record_path.exists() else None
    runs = folder.absolute().parent if one is not None else folder
    uri = options.tracking_uri or os.environ.get("MLFLOW_TRACKING_URI") or default_tracking_uri(runs)
    check_tracking_uri(uri)
    name, run_id = first_tracked([one] if one is not None else latest_first(runs), uri)
    if not is_database(uri):  # a server that somebody else runs
        address = uri.rstrip("/")
        _show(redact(sweep_page(address, run_id)), options, f"MLflow runs at {redact(address)}")
        return
    database = sqlite_path(uri)
    if database is not None and not database.exists():
        raise UserError(
            f"there is no tracking store at {database} yet: it appears when the first trial of a sweep has reported."
        )
    port = free_port(options.port)
    print(f"starting MLflow on 127.0.0.1:{port} (Ctrl-C ends it)", flush=True)
    with UiServer(runs, uri, port) as server:
        _show(sweep_page(server.address, run_id), options, f"the trials of {name}" if run_id else "all experiments")
        if page := run_page(server.address, run_id):
            print(f"the sweep itself: {page}", flush=True)
        server.wait()


def _optuna(options: UiOptions, sweep: str) -> None:
    from gibbsweep.track.ui import free_port
    from gibbsweep.tune.folder.layout import find_sweep
    from gibbsweep.tune.status.dashboard import serve_dashboard

    found = find_sweep(*runs_and_name(sweep, options.runs))
    port = free_port(options.port, usual=8080)

    def started(trials: int) -> None:
        _show(f"http://127.0.0.1:{port}", options, f"{trials} trials of {found.name}, as they are now (Ctrl-C ends it)")

    serve_dashboard(found, port, started)


def _show(page: str, options: UiOptions, what: str) -> None:
    print(f"{what}: {page}", flush=True)
    if options.open and not webbrowser.open(page):
        print("no browser could be opened: paste the address into one", flush=True)
