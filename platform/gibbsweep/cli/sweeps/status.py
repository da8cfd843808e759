"""``gibbsweep status`` and ``gibbsweep stop``: for a sweep that another terminal or machine runs, through its
folder."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro
from tyro.conf import Positional

from gibbsweep.errors import UserError
from gibbsweep.folder.layout import default_runs

if TYPE_CHECKING:
    from gibbsweep.tune.folder.layout import SweepDir
    from gibbsweep.tune.status.from_folder import FolderOverview


@dataclass(frozen=True)
class StatusOptions:
    """The options of ``gibbsweep status``."""

    sweep: Positional[str]
    """Name of the sweep."""
    runs: Path = field(default_factory=default_runs)
    """Folder of all sweeps (default: $GIBBSWEEP_RUNS, else runs)."""


@dataclass(frozen=True)
class StopOptions:
    """The options of ``gibbsweep stop``."""

    sweep: Positional[str]
    """Name of the sweep."""
    runs: Path = field(default_factory=default_runs)
    """Folder of all sweeps (default: $GIBBSWEEP_RUNS, else runs)."""
    wait: Annotated[float, tyro.conf.arg(metavar="SECONDS")] = 600.0
    """How long to wait until it has stopped; 0 does not wait."""


def show_status(options: StatusOptions) -> None:
    """Show where a sweep stands, running, finished or killed, from its folder alone."""
    from rich.console import Console
    from rich.text import Text

    from gibbsweep.tune.folder.layout import find_sweep
    from gibbsweep.tune.status.from_folder import overview_from_folder
    from gibbsweep.tune.status.lines import contender_lines, total_lines

    sweep = find_sweep(options.runs, options.sweep)
    state = overview_from_folder(sweep)
    record = sweep.record()
    console = Console()
    console.print(Text.assemble((sweep.name, "bold"), f"  {record['question']}"), soft_wrap=True)
    line = f"data {record['data']}  ·  budget {record['budget']}  ·  {sweep.path}"
    console.print(Text(line, "dim"), soft_wrap=True)
    console.print(Text.assemble(*_state_sentence(sweep, state)), soft_wrap=True)
    lines = total_lines(state.overview, state.wall, width=console.width)
    for text in [*lines, *contender_lines(state.overview, width=console.width)]:
        console.print(text, no_wrap=True)


def stop_sweep(options: StopOptions) -> None:
    """Stop a sweep that runs, as Ctrl-C once does: its trials finish the reports they are in."""
    from gibbsweep.tune.folder.driver import Driver, is_driven, request_stop
    from gibbsweep.tune.folder.layout import find_sweep

    if options.wait < 0:
        raise UserError(f"--wait must not be negative: got {options.wait:g}.")
    sweep = find_sweep(options.runs, options.sweep)
    if not is_driven(sweep):
        raise UserError(f"sweep {sweep.name!r} is not running: there is nothing to stop.{_advice_to_continue(sweep)}")
    driver = Driver.read(sweep)
    request_stop(sweep)
    where = f" (process {driver.pid} on {driver.host})" if driver is not None else ""
    print(f"asked {sweep.name}{where} to stop: its trials finish the reports they are in", flush=True)
    deadline = time.monotonic() + options.wait
    while is_driven(sweep):
        if time.monotonic() >= deadline:
            advice = _advice_to_continue(sweep)
            print(f"it has not stopped after {options.wait:g} s, and will at its trials' next reports.{advice}")
            return
        time.sleep(0.2)
    print(f"it has stopped.{_advice_to_continue(sweep)}")


def _state_sentence(sweep: SweepDir, state: FolderOverview) -> tuple[str | tuple[str, str], ...]:
    """Whether the sweep runs, and what a person can do about it: parts of a line, some with a style."""
    from gibbsweep.tune.folder.driver import Driver, stop_command, stop_requested

    driver = Driver.read(sweep)
    if state.driven:
        where = f", process {driver.pid} on {driver.host}" if driver is not None else ""
        if stop_requested(sweep):
            return ("stopping", "yellow"), where
        return ("running", "green"), f"{where}; stop it with: {stop_command(sweep)}"
    if sweep.has_table:
        return (f"finished: its table is in {sweep.results}",)
    runs = f", {state.interrupted} runs in their course" if state.interrupted else ""
    return ("not running", "yellow"), f"{runs}.{_advice_to_continue(sweep)}"


def _advice_to_continue(sweep: SweepDir) -> str:
    """A sentence with the command that continues the sweep; "" if it is finished or has no driver on record."""
    from gibbsweep.tune.folder.driver import Driver

    driver = Driver.read(sweep)
    if driver is None or sweep.has_table:
        return ""
    return f" Continue it with: {driver.command_from_here}"
