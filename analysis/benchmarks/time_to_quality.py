"""How much sooner does a sweep find what random search finds? Simulated, both sides on the same learning curves and virtual clock.

``make bench-quality`` runs every policy on 20 seeds (each with its own optimum and noise), with one worker and
with eight, for as long as they need for 100 trainings, and asks when it first reports the best loss that random search reports in the
first half of that time on the same seed. The floor is a search that knows the answer: it trains, alone and from the start, whatever
reaches that loss soonest. Tune's scheduler and Optuna's pruners are the libraries' own objects (``others.py``). Writes
``analysis/results/time_to_quality.{md,json}``.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.pruners import HyperbandPruner, MedianPruner, SuccessiveHalvingPruner
from others import REPORT_EVERY, OptunaPolicy, TunePolicy

from gibbsweep.study.provenance import git_commit
from gibbsweep.tune.curves import SyntheticCurves
from gibbsweep.tune.scheduler import SchedulerForm
from gibbsweep.tune.simulate import Policy, SearchPolicy, Simulation, simulate

SEEDS, WORKERS, TRAININGS, OVERHEAD = 20, (1, 8), 100, 1.0
RESULTS = Path(__file__).resolve().parents[1] / "results"
RANDOM, FLOOR = "random search", "whoever knows the answer"


@dataclass(frozen=True)
class Entry:
    name: str
    build: Callable[[SyntheticCurves], Policy]


def ours(sampler: Any, scheduler: SchedulerForm) -> Callable[[SyntheticCurves], Policy]:
    return lambda curves: SearchPolicy.of(
        curves, trials=4_000, seed=curves.seed, sampler=sampler, scheduler=scheduler, report_every=REPORT_EVERY
    )


def tpe(seed: int) -> optuna.samplers.BaseSampler:
    return optuna.samplers.TPESampler(seed=seed)


def chance(seed: int) -> optuna.samplers.BaseSampler:
    return optuna.samplers.RandomSampler(seed=seed)


ENTRIES = (
    Entry(RANDOM, ours("random", SchedulerForm())),
    Entry("Gibbsweep, TPE", ours("tpe", SchedulerForm())),
    Entry("Gibbsweep, TPE and halving at 2 rungs", ours("tpe", SchedulerForm("halving", rungs=2))),
    Entry("Gibbsweep, random and halving", ours("random", SchedulerForm("halving"))),
    Entry("Gibbsweep, TPE and halving", ours("tpe", SchedulerForm("halving"))),
    Entry("Gibbsweep, TPE and halving in 2 brackets", ours("tpe", SchedulerForm("halving", brackets=2))),
    Entry("Ray Tune, random and ASHA", lambda curves: TunePolicy(curves, chance(curves.seed))),
    Entry("Ray Tune, Optuna's TPE and ASHA", lambda curves: TunePolicy(curves, tpe(curves.seed))),
    Entry("Optuna, TPE and median", lambda curves: OptunaPolicy(curves, tpe(curves.seed), MedianPruner())),
    Entry(
        "Optuna, TPE and successive halving",
        lambda curves: OptunaPolicy(curves, tpe(curves.seed), SuccessiveHalvingPruner(3, reduction_factor=3)),
    ),
    Entry(
        "Optuna, TPE and Hyperband",
        lambda curves: OptunaPolicy(curves, tpe(curves.seed), HyperbandPruner(3, curves.updates, 3)),
    ),
)


def measure(workers: int, seeds: int) -> list[dict[str, Any]]:
    """A row a policy: the median time to the target, how much sooner that is than random search, and the final loss, over seeds."""
    until = TRAININGS / workers * 81 * 1.5
    runs: dict[str, list[Simulation]] = {}
    for entry in ENTRIES:
        runs[entry.name] = [
            simulate(entry.build(curves), curves, workers=workers, overhead=OVERHEAD, until=until)
            for curves in (SyntheticCurves(seed=seed) for seed in range(seeds))
        ]
        final = statistics.median(run.best[-1][1] for run in runs[entry.name])
        print(time.strftime("%X"), workers, entry.name, f"{final:.4f}", flush=True)
    # Each seed has its own target, since each has its own optimum: what random search reports at half of its time.
    targets = [min(loss for at, loss in run.best if at <= until / 2) for run in runs[RANDOM]]
    base = [run.time_to(target) for run, target in zip(runs[RANDOM], targets, strict=True)]
    floor = [soonest(SyntheticCurves(seed=seed), target) for seed, target in enumerate(targets)]
    rows = [row(FLOOR, workers, base, floor, None)]
    for name, found in runs.items():
        times = [run.time_to(target) for run, target in zip(found, targets, strict=True)]
        rows.append(row(name, workers, base, times, statistics.median(run.best[-1][1] for run in found)))
    return rows


def row(name: str, workers: int, base: Sequence[float], times: Sequence[float], final: float | None) -> dict[str, Any]:
    return {
        "policy": name,
        "workers": workers,
        "seconds_to_target": statistics.median(times),
        "speed_up": statistics.median(b / t for b, t in zip(base, times, strict=True)),
        "reached": sum(map(math.isfinite, times)),
        "final_loss": final,
    }


def soonest(curves: SyntheticCurves, target: float) -> float:
    """Virtual seconds until a single training can have reached ``target``: over rates and widths, everything else at its optimum."""
    _, _, decay, dropout, ema = curves.optimum
    rest = {"momentum": 0.9, "weight_decay": 10**decay, "dropout": dropout, "ema": ema}
    found = math.inf
    for log_rate in np.linspace(-2.5, 0.5, 61):
        for width in (16, 32, 64, 128):
            values = {**rest, "learning_rate": 10**log_rate * (1.02 - 0.9), "width": width}
            steps = (*range(REPORT_EVERY, curves.updates, REPORT_EVERY), curves.updates)
            reached = (step for step in steps if curves.quality(values, 0, step) <= target)
            found = min(found, OVERHEAD + next(reached, math.inf) * curves.seconds(values, 0))
    return found


def table(rows: Sequence[dict[str, Any]], seeds: int) -> str:
    head = "| policy | virtual seconds to the target | sooner than random | reached on | final loss |\n|---|---|---|---|---|\n"
    return head + "\n".join(
        f"| {r['policy']} | {r['seconds_to_target']:.0f} | {r['speed_up']:.2f}x | {r['reached']} of {seeds} | "
        f"{'' if r['final_loss'] is None else format(r['final_loss'], '.4f')} |"
        for r in rows
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=SEEDS, help="with fewer, results are printed and not written")
    seeds = parser.parse_args().seeds
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore")
    rows = {workers: measure(workers, seeds) for workers in WORKERS}
    tables = "\n\n".join(
        f"## {workers} worker{'s' if workers > 1 else ''}\n\n{table(found, seeds)}" for workers, found in rows.items()
    )
    print(tables)
    if seeds == SEEDS:
        head = (
            f"# Time to quality\n\nSimulated: a virtual clock, synthetic learning curves that cross and diverge, {SEEDS} seeds with an "
            f"optimum each, reports every {REPORT_EVERY} of 81 updates, {OVERHEAD:g} s to start or continue a trial, time for "
            f"{TRAININGS} trainings. The target of a seed is the best loss that random search reports in the first half of its time; a "
            f"number is the median over seeds. {FLOOR.capitalize()} trains, from the start, what reaches the target soonest: "
            f"no search is sooner. Commit `{git_commit()[:12]}`.\n"
        )
        (RESULTS / "time_to_quality.md").write_text(f"{head}\n{tables}\n")
        record = {"commit": git_commit(), "rows": [one for found in rows.values() for one in found]}
        (RESULTS / "time_to_quality.json").write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
