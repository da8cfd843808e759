"""``gibbsweep best``: the best run of each row of a sweep."""

from __future__ import annotations

import math
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tyro.conf import Positional

from gibbsweep.errors import UserError

if TYPE_CHECKING:
    from gibbsweep.use.rows import SweepRow


@dataclass(frozen=True)
class BestOptions:
    """The options of ``gibbsweep best``."""

    sweep: Positional[str]
    """Name of the sweep, or its folder."""
    contender: Positional[str] = ""
    """Only the rows of this contender."""
    runs: Path = Path("runs")
    """Folder of all sweeps."""


def show_best(options: BestOptions) -> None:
    """Name the best run of each row of a sweep, running, stopped or finished, and what to do with it.

    A row's value is its goal's mean over the retrainings; its run is the retraining that is best by the goal, which
    looks at validation data alone. Before there are retrainings, both are those of the best trial.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from gibbsweep.use.best import best_row, chosen
    from gibbsweep.use.folders import study_script, sweep_at
    from gibbsweep.use.rows import rows_of

    sweep = sweep_at(options.sweep, options.runs)
    rows = chosen(sweep, rows_of(sweep), options.contender or None, {})
    try:
        first = best_row(rows)
    except UserError:
        first = None  # rows of different goals, or without a number: each is shown, and none is called the best
    table = Table(header_style="bold", box=None, pad_edge=False)
    table.add_column("row")
    table.add_column("value", justify="right")
    table.add_column("run", overflow="fold")
    for row in rows:
        path = "no result yet" if row.best is None else str(row.best.path)
        style = "green" if row is first and len(rows) > 1 else None
        table.add_row(Text(row.row.label), Text(_value(row)), Text(path), style=style)
    console = Console(soft_wrap=not Console().is_terminal)
    goals = dict.fromkeys(f"{goal.direction} {goal.metric}" for row in rows for goal in row.goals)
    console.print(Text(f"{sweep.name}  {', '.join(goals)}", "dim"))
    console.print(table)
    shown = first if first is not None else next((row for row in rows if row.best is not None), None)
    if shown is None or shown.best is None:
        return
    run, script = shlex.quote(str(shown.best.path)), study_script(sweep)
    study = "" if script is None else f" --study {shlex.quote(str(script))}"
    classes = study if any(not _is_ours(name) for name in shown.best.config.get("classes", {}).values()) else ""
    commands = [f"gibbsweep sample {run}{classes}"]
    if script is not None:
        commands.append(f"gibbsweep evaluate {run}{study}")
    if not classes:
        commands.append(f"gibbsweep export {run} --to {shown.row.contender}")
    console.print()
    for command in commands:
        console.print(Text(command), soft_wrap=True)


def _is_ours(name: str) -> bool:
    return name.startswith("gibbsweep_models.")


def _value(row: SweepRow) -> str:
    """The row's number of its goal, and of how many runs it is."""
    statistic = row.row.metrics.get(row.goal.metric)
    if statistic is not None and statistic.n:
        return str(statistic)
    return "–" if math.isnan(row.value) else f"{row.value:.4g} (best trial)"
