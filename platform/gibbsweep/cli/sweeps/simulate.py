"""``gibbsweep simulate``: sweeps on learning curves and a virtual clock."""

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


_SEED_STEP = 10_000  # between the seeds of two objectives


@dataclass(frozen=True)
class SimulateOptions:
    """The options of ``gibbsweep simulate``."""

    trials: int = 200
    """Search trials of each row."""
    rows: int = 1
    """Compared options of the contender, all equal in truth: the table then says how far apart their bests are, also
    where none borrows from another (alone)."""
    workers: int = 8
    """Trials that train at once."""
    seeds: int = 5
    """Simulations, a seed each; the table has their medians."""
    sampler: str = "tpe"
    """How configurations are chosen: tpe, gp, cmaes, qmc, random, grid."""
    scheduler: str = "halving"
    """How far trials run: none, median, stopping, halving, population."""
    eta: int = 3
    """One trial in so many goes on at each rung, with halving and stopping."""
    rungs: OrDefault[int] = None
    """Rungs below the end, with halving and stopping (default: as many as the trials can fill, three at most)."""
    brackets: int = 1
    """Starting rungs, with halving."""
    window: int = 1
    """Judge a trial by the median of so many of its last reports."""
    generations: int = 8
    """Equal parts of training, between which the members of a population are compared."""
    overhead: float = 1.0
    """Seconds that a trial takes to start, or to continue."""
    curves: Annotated[OrDefault[str], tyro.conf.arg(metavar="SWEEP:CONTENDER")] = None
    """Draw from the learning curves of a sweep that was run, runs/NAME:CONTENDER (default: synthetic curves)."""
    objectives: int = 1
    """Conflicting losses of the synthetic curves, 1 to 4. With several the best is a Pareto front, and its loss the
    share of their box that it misses. Recorded curves have the losses of their sweep."""
    target: OrDefault[float] = None
    """Loss whose time is measured (default: the median of the best of random search to the end)."""


def simulate_sweep(options: SimulateOptions) -> None:
    """Simulate a sweep on a virtual clock: what a sampler, a scheduler and more workers would gain."""
    from rich.console import Console
    from rich.table import Table

    from gibbsweep.tune.simulation.simulate import MOST_OBJECTIVES

    for name in ("trials", "rows", "workers", "seeds"):
        if getattr(options, name) < 1:
            raise UserError(f"--{name} must be at least 1: got {getattr(options, name)}.")
    if options.rows > 1 and options.objectives > 1:
        raise UserError("--rows says how far apart the bests of one loss are: leave --objectives out, or --rows.")
    if not 1 <= options.objectives <= MOST_OBJECTIVES:
        raise UserError(f"--objectives must be 1 to {MOST_OBJECTIVES}: got {options.objectives}.")
    asked = f"{options.sampler}, {options.scheduler}"
    simulations = {asked: _simulations(options, options.sampler, options.scheduler)}
    if options.rows > 1:
        simulations["  alone"] = _simulations(options, options.sampler, options.scheduler, borrow=False)
    # The baseline is what chance alone finds.
    simulations.setdefault("random, none", _simulations(options, "random", "none", borrow=False))
    target = options.target
    if target is None:
        target = statistics.median(simulation.best[-1][1] for simulation, _ in simulations["random, none"])
    table = Table(header_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for i, heading in enumerate(
        (
            "sampler, scheduler", "best", *(("apart",) if options.rows > 1 else ()), f"s to {target:.4g}",
            "all s", "eff.", "done", "pruned", "div.",
        )
    ):  # fmt: skip
        table.add_column(heading, justify="left" if i == 0 else "right", no_wrap=True)
    for name, with_rows in simulations.items():
        median, of_name = statistics.median, [simulation for simulation, _ in with_rows]
        table.add_row(
            name,
            f"{median(simulation.best[-1][1] for simulation in of_name):.4g}",
            *([f"{median(max(rows) - min(rows) for _, rows in with_rows):.2g}"] if options.rows > 1 else []),
            _seconds_text(median(simulation.time_to(target) for simulation in of_name)),
            f"{median(simulation.wall for simulation in of_name):.0f}",
            f"{median(simulation.efficiency(options.workers) for simulation in of_name):.0%}",
            *(f"{median(s.ended[kind] for s in of_name):g}" for kind in ("completed", "pruned", "diverged")),
        )
    Console().print(table)


def _simulations(
    options: SimulateOptions, sampler: str, scheduler: str, *, borrow: bool = True
) -> list[tuple[Simulation, list[float]]]:
    """A simulation for each seed, with the quality of the best of each row."""
    from gibbsweep.tune.schedulers.choice import SchedulerConfig
    from gibbsweep.tune.simulation.simulate import SearchPolicy, simulate

    if scheduler == "population" and options.curves is not None:
        raise UserError(
            "--curves draws trials as they were, and a population changes their values as they train: leave "
            "--curves out."
        )
    form = SchedulerConfig(
        scheduler,  # type: ignore[arg-type]
        options.eta,
        options.rungs,
        options.brackets,
        options.window,
        options.generations,
    )
    simulations: list[tuple[Simulation, list[float]]] = []
    for seed in range(options.seeds):
        curves = _curves(options, seed)
        policy = SearchPolicy.of(
            curves,
            trials=options.trials,
            seed=seed,
            sampler=sampler,  # type: ignore[arg-type]
            scheduler=form,
            report_every=max(1, curves.updates // 9),
            rows=options.rows,
            borrow=borrow,
        )
        simulation = simulate(policy, curves, workers=options.workers, overhead=options.overhead)
        simulations.append((simulation, policy.row_qualities() if options.rows > 1 else []))
        if not simulation.best:
            raise UserError("no trial of the simulation reported a finite loss: choose other curves, or more --trials.")
    return simulations


def _curves(options: SimulateOptions, seed: int) -> Curves:
    """The learning curves that ``options`` ask for."""
    from gibbsweep.tune.folder.layout import SweepDir
    from gibbsweep.tune.simulation.curves import RecordedCurves, SyntheticCurves
    from gibbsweep.tune.simulation.front_curves import FrontCurves

    if options.curves is None:
        first = SyntheticCurves(seed=seed)
        others = [SyntheticCurves(seed=seed + _SEED_STEP * i) for i in range(1, options.objectives)]
        return FrontCurves([first, *others]) if others else first
    folder, colon, contender = options.curves.rpartition(":")
    if not colon or not SweepDir(Path(folder)).journal.exists():
        raise UserError(
            f"--curves takes the folder of a sweep and a contender, runs/NAME:CONTENDER: got {options.curves!r}."
        )
    recorded = RecordedCurves(SweepDir(Path(folder)), contender)
    if recorded.objectives == 1:
        return recorded
    all_goals = [RecordedCurves(SweepDir(Path(folder)), contender, i) for i in range(recorded.objectives)]
    return FrontCurves(all_goals, [curves.range for curves in all_goals])


def _seconds_text(seconds: float) -> str:
    return f"{seconds:.0f}" if math.isfinite(seconds) else "never"
