"""The time until a sweep finds what random search finds, simulated on the same learning curves and virtual clock.

``make bench-quality`` runs every policy on 20 seeds (each with its own optimum and noise), with one worker and with
eight, for the time that they need for 100 trainings. It writes ``analysis/results/time_to_quality.{md,json}``. The time
to the target is when a policy first reports the best loss that random search reports in the first half of its time on
the same seed.

Eight workers end 100 trainings after a dozen each. A third part therefore gives them 100 trainings each, which is the
time of one worker, and there a policy may take as long as random search does. The floor is a search that knows the
answer: it trains, alone and from the start, the configuration that reaches the target soonest. Tune's scheduler and
Optuna's pruners are the libraries' own objects (``others.py``).
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from joblib import Parallel, delayed
from optuna.pruners import HyperbandPruner, MedianPruner, SuccessiveHalvingPruner
from others import REPORT_EVERY, OptunaPolicy, TunePolicy

from gibbsweep.run.provenance import git_commit
from gibbsweep.tune.schedulers.choice import SchedulerConfig
from gibbsweep.tune.simulation.curves import SyntheticCurves
from gibbsweep.tune.simulation.simulate import Policy, SearchPolicy, Simulation, simulate

SEEDS, OVERHEAD = 20, 1.0
RESULTS = Path(__file__).resolve().parents[1] / "results"
RANDOM, FLOOR = "random search", "whoever knows the answer"


@dataclass(frozen=True)
class Part:
    """A part of the benchmark: how many workers have how much time."""

    workers: int
    """Workers at once."""
    trainings: int
    """The trainings for which there is time."""
    to_the_end: bool = True
    """Whether policies have all of the time, or only as much as random search takes to the target."""

    @property
    def title(self) -> str:
        workers = f"{self.workers} worker{'s' if self.workers > 1 else ''}"
        limit = "" if self.to_the_end else " and as much as random search takes"
        return f"{workers}, time for {self.trainings} trainings{limit}"


PARTS = (Part(1, 100), Part(8, 100), Part(8, 800, to_the_end=False))


@dataclass(frozen=True)
class Entry:
    """A policy of the table."""

    name: str
    """Its name in the table."""
    build: Callable[[SyntheticCurves], Policy]
    """Makes the policy for the curves of a seed."""


def ours(sampler: Any, scheduler: SchedulerConfig) -> Callable[[SyntheticCurves], Policy]:
    """A function that makes a policy of our search."""
    return lambda curves: SearchPolicy.of(
        curves, trials=4_000, seed=curves.seed, sampler=sampler, scheduler=scheduler, report_every=REPORT_EVERY
    )


def tpe(seed: int) -> optuna.samplers.BaseSampler:
    return optuna.samplers.TPESampler(seed=seed)


def chance(seed: int) -> optuna.samplers.BaseSampler:
    return optuna.samplers.RandomSampler(seed=seed)


ENTRIES = (
    Entry(RANDOM, ours("random", SchedulerConfig())),
    Entry("Gibbsweep, TPE", ours("tpe", SchedulerConfig())),
    Entry("Gibbsweep, TPE and halving at 2 rungs", ours("tpe", SchedulerConfig("halving", rungs=2))),
    Entry("Gibbsweep, random and halving", ours("random", SchedulerConfig("halving"))),
    Entry("Gibbsweep, TPE and halving", ours("tpe", SchedulerConfig("halving"))),
    Entry("Gibbsweep, GP and halving", ours("gp", SchedulerConfig("halving"))),
    Entry("Gibbsweep, GP and halving at 2 rungs", ours("gp", SchedulerConfig("halving", rungs=2))),
    Entry("Gibbsweep, TPE and halving in 2 brackets", ours("tpe", SchedulerConfig("halving", brackets=2))),
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


def measure(part: Part, seeds: int, jobs: int, entries: Sequence[Entry]) -> Iterator[dict[str, Any]]:
    """Yield a row for each policy: the median time to the target over seeds, how much sooner that is than random
    search, and the final loss."""
    until = part.trainings / part.workers * 81 * 1.5

    def run(entry: Entry, limits: Sequence[float]) -> list[Simulation]:
        simulations: list[Simulation] = Parallel(n_jobs=jobs)(
            delayed(_simulate)(entry, seed, part.workers, limit) for seed, limit in enumerate(limits)
        )
        return simulations

    random = run(ENTRIES[0], [until] * seeds)
    # Each seed has its own target, since each has its own optimum: what random search reports at half of its time.
    targets = [min(loss for at, loss in one.best if at <= until / 2) for one in random]
    base = [one.time_to(target) for one, target in zip(random, targets, strict=True)]
    limits = [until] * seeds if part.to_the_end else base
    floor = [soonest(SyntheticCurves(seed=seed), target) for seed, target in enumerate(targets)]
    yield row(FLOOR, part, base, floor, None)
    for entry in entries:
        simulations = random if entry.name == RANDOM else run(entry, limits)
        times = [one.time_to(target) for one, target in zip(simulations, targets, strict=True)]
        final = statistics.median(one.best[-1][1] for one in simulations) if part.to_the_end else None
        yield row(entry.name, part, base, times, final)


def _simulate(entry: Entry, seed: int, workers: int, until: float) -> Simulation:
    _quiet()  # in a process of its own
    curves = SyntheticCurves(seed=seed)
    return simulate(entry.build(curves), curves, workers=workers, overhead=OVERHEAD, until=until)


def _quiet() -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore")


def row(name: str, part: Part, base: Sequence[float], times: Sequence[float], final: float | None) -> dict[str, Any]:
    return {
        "policy": name,
        "workers": part.workers,
        "trainings": part.trainings,
        "seconds_to_target": statistics.median(times),
        "speed_up": statistics.median(b / t for b, t in zip(base, times, strict=True)),
        "reached": sum(map(math.isfinite, times)),
        "final_loss": final,
    }


def soonest(curves: SyntheticCurves, target: float) -> float:
    """Virtual seconds until a single training can have reached ``target``, over rates and widths, with everything else
    at its optimum."""
    _, _, decay, dropout, ema = curves.optimum
    rest = {"momentum": 0.9, "weight_decay": 10**decay, "dropout": dropout, "ema": ema}
    fewest = math.inf
    for log_rate in np.linspace(-2.5, 0.5, 61):
        for width in (16, 32, 64, 128):
            values = {**rest, "learning_rate": 10**log_rate * (1.02 - 0.9), "width": width}
            steps = (*range(REPORT_EVERY, curves.updates, REPORT_EVERY), curves.updates)
            reached = (step for step in steps if curves.quality(values, 0, step) <= target)
            fewest = min(fewest, OVERHEAD + next(reached, math.inf) * curves.seconds(values, 0))
    return fewest


def table(rows: Sequence[dict[str, Any]], seeds: int) -> str:
    """``rows`` as Markdown."""
    head = (
        "| policy | virtual seconds to the target | sooner than random | reached on | final loss |\n"
        "|---|---|---|---|---|\n"
    )
    return head + "\n".join(
        f"| {r['policy']} | {r['seconds_to_target']:.0f} | {r['speed_up']:.2f}x | {r['reached']} of {seeds} | "
        f"{'' if r['final_loss'] is None else format(r['final_loss'], '.4f')} |"
        for r in rows
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=SEEDS, help="with fewer, results are printed and not written")
    parser.add_argument("--jobs", type=int, default=-1, help="processes (default: one a core)")
    parser.add_argument("--parts", type=int, nargs="+", default=[1, 2, 3], choices=[1, 2, 3])
    parser.add_argument(
        "--only", nargs="+", default=[""], metavar="WORDS", help="policies with one of these in their name"
    )
    asked = parser.parse_args()
    _quiet()
    entries = [entry for entry in ENTRIES if any(words in entry.name for words in asked.only)]
    # A virtual clock: a row is the same whenever it is measured.
    path = RESULTS / "time_to_quality.json"
    rows = json.loads(path.read_text())["rows"] if asked.seeds == SEEDS and path.exists() else []
    for part in (PARTS[number - 1] for number in asked.parts):
        for new in measure(part, asked.seeds, asked.jobs, entries):
            key = _key(new)
            rows = [*(old for old in rows if _key(old) != key), new]
            print(part.title, "|", table([new], asked.seeds).splitlines()[-1], flush=True)
            if asked.seeds == SEEDS:
                write(rows)


def write(rows: Sequence[dict[str, Any]]) -> None:
    """Write the results of all parts."""
    order = [FLOOR, *(entry.name for entry in ENTRIES)]
    rows = sorted(rows, key=lambda r: (r["trainings"], r["workers"], order.index(r["policy"])))
    tables = "\n\n".join(
        f"## {part.title.capitalize()}\n\n"
        f"{table([r for r in rows if _key(r)[1:] == (part.workers, part.trainings)], SEEDS)}"
        for part in PARTS
    )
    head = (
        "# Time to quality\n\nSimulated: a virtual clock, synthetic learning curves that cross and diverge, "
        f"{SEEDS} seeds with an optimum each, reports every {REPORT_EVERY} of 81 updates, {OVERHEAD:g} s to start or "
        "continue a trial. The target of a seed is the best loss that random search reports in the first half of its "
        "time; a number is the median over seeds, infinite where half of them do not reach it. "
        f"{FLOOR.capitalize()} trains, from the start, what reaches the target soonest: no search is sooner. "
        f"Commit `{git_commit()[:12]}`.\n"
    )
    (RESULTS / "time_to_quality.md").write_text(f"{head}\n{tables}\n")
    record = {"commit": git_commit(), "rows": rows}
    (RESULTS / "time_to_quality.json").write_text(json.dumps(record, indent=1) + "\n")


def _key(result: dict[str, Any]) -> tuple[str, int, int]:
    return result["policy"], result["workers"], result["trainings"]


if __name__ == "__main__":
    main()
