"""``gibbsweep simulate``."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from gibbsweep.errors import UserError
from gibbsweep.option import OrDefault

if TYPE_CHECKING:
    from gibbsweep.tune.simulation.curves import Curves
    from gibbsweep.tune.simulation.simulate import Simulation


_OTHER = 10_000  # between the seeds of two objectives


@dataclass(frozen=True)
class SimulateOptions:
    trials: int = 200
    """Search trials of the one contender."""
    workers: int = 8
    """Trials that train at once."""
    seeds: int = 5
    """Simulations, a seed each; the table has their medians."""
    sampler: str = "tpe"
    """How configurations are chosen: tpe, gp, cmaes, qmc, random, grid."""
    scheduler: str = "halving"
    """How far trials run: none, median, stopping, halving, population."""
    eta: int = 3
    """Of halving and stopping: one in so many goes on at each rung."""
    rungs: OrDefault[int] = None
    """Of halving and stopping: rungs below the end (default: as many as the trials can fill, three at most)."""
    brackets: int = 1
    """Of halving: starting rungs."""
    window: int = 1
    """Judge a trial by the median of so many of its last reports."""
    generations: int = 8
    """Of a population: equal parts of training, between which members are compared."""
    overhead: float = 1.0
    """Seconds that a trial takes to start, or to continue."""
    curves: Annotated[OrDefault[str], tyro.conf.arg(metavar="SWEEP:CONTENDER")] = None
    """Draw from the learning curves of a sweep that was run, runs/NAME:CONTENDER (default: synthetic curves)."""
    objectives: int = 1
    """Of the synthetic curves: losses that conflict, 1 to 4. The best is then a Pareto front, and its loss the share of their box that
    it misses. Recorded curves have those of their sweep."""
    target: OrDefault[float] = None
    """Loss whose time is measured (default: the median of what random search to the end finds)."""


def simulate_sweep(options: SimulateOptions) -> None:
    """What a sampler, a scheduler and more workers would buy, on learning curves and a virtual clock: nothing trains."""
    from rich.console import Console
    from rich.table import Table

    from gibbsweep.tune.simulation.simulate import MOST_OBJECTIVES

    for name in ("trials", "workers", "seeds"):
        if getattr(options, name) < 1:
            raise UserError(f"--{name} must be at least 1: got {getattr(options, name)}.")
    if not 1 <= options.objectives <= MOST_OBJECTIVES:
        raise UserError(f"--objectives must be 1 to {MOST_OBJECTIVES}: got {options.objectives}.")
    asked = f"{options.sampler}, {options.scheduler}"
    found = {asked: _runs(options, options.sampler, options.scheduler)}
    found.setdefault("random, none", _runs(options, "random", "none"))
    target = options.target
    if target is None:
        target = statistics.median(run.best[-1][1] for run in found["random, none"])
    table = Table(header_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for i, heading in enumerate(
        ("sampler, scheduler", "best", f"s to {target:.4g}", "all s", "eff.", "done", "pruned", "div.")
    ):
        table.add_column(heading, justify="left" if i == 0 else "right", no_wrap=True)
    for name, runs in found.items():
        median = statistics.median
        table.add_row(
            name,
            f"{median(run.best[-1][1] for run in runs):.4g}",
            _time(median(run.time_to(target) for run in runs)),
            f"{median(run.wall for run in runs):.0f}",
            f"{median(run.efficiency(options.workers) for run in runs):.0%}",
            *(f"{median(run.ended[kind] for run in runs):g}" for kind in ("completed", "pruned", "diverged")),
        )
    Console().print(table)


def _runs(options: SimulateOptions, sampler: str, scheduler: str) -> list[Simulation]:
    from gibbsweep.tune.schedulers.choice import SchedulerConfig
    from gibbsweep.tune.simulation.simulate import SearchPolicy, simulate

    if scheduler == "population" and options.curves is not None:
        raise UserError(
            "--curves draws trials as they were, and a population changes their values as they train: leave --curves out."
        )
    form = SchedulerConfig(scheduler, options.eta, options.rungs, options.brackets, options.window, options.generations)  # type: ignore[arg-type]
    runs = []
    for seed in range(options.seeds):
        curves = _curves(options, seed)
        policy = SearchPolicy.of(
            curves, trials=options.trials, seed=seed, sampler=sampler, scheduler=form, report_every=_often(curves)  # type: ignore[arg-type]
        )  # fmt: skip
        runs.append(simulate(policy, curves, workers=options.workers, overhead=options.overhead))
        if not runs[-1].best:
            raise UserError("no trial of the simulation reported a finite loss: choose other curves, or more --trials.")
    return runs


def _curves(options: SimulateOptions, seed: int) -> Curves:
    from gibbsweep.tune.folder.layout import SweepDir
    from gibbsweep.tune.simulation.curves import RecordedCurves, SyntheticCurves
    from gibbsweep.tune.simulation.front_curves import FrontCurves

    if options.curves is None:
        first = SyntheticCurves(seed=seed)
        others = [SyntheticCurves(seed=seed + _OTHER * i) for i in range(1, options.objectives)]
        return FrontCurves([first, *others]) if others else first
    folder, colon, contender = options.curves.rpartition(":")
    if not colon or not (Path(folder) / "optuna.journal").exists():
        raise UserError(
            f"--curves takes the folder of a sweep and a contender, runs/NAME:CONTENDER: got {options.curves!r}."
        )
    recorded = RecordedCurves(SweepDir(Path(folder)), contender)
    if recorded.objectives == 1:
        return recorded
    all_goals = [RecordedCurves(SweepDir(Path(folder)), contender, i) for i in range(recorded.objectives)]
    return FrontCurves(all_goals, [curves.range for curves in all_goals])


def _often(curves: Curves) -> int:
    return max(1, curves.updates // 9)


def _time(seconds: float) -> str:
    return f"{seconds:.0f}" if math.isfinite(seconds) else "never"
