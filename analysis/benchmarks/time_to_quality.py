"""How much sooner does a sweep find what random search finds? Simulated, both sides on the same learning curves and virtual clock.

``python analysis/benchmarks/time_to_quality.py`` runs every policy on 20 seeds (each with its own optimum and noise) for as long as 8
workers need for 100 trainings, and asks when it first reports the best loss that random search reports in the first half of that time
on the same seed. Tune's scheduler and Optuna's pruners are the libraries' own objects, asked as they are asked in a sweep. Writes
``analysis/results/time_to_quality.{md,json}``.
"""

from __future__ import annotations

import json
import math
import statistics
import time
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import optuna
from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, SuccessiveHalvingPruner
from optuna.trial import TrialState

from gibbsweep.study.provenance import git_commit
from gibbsweep.study.space import Choice, Float
from gibbsweep.tune.curves import SyntheticCurves
from gibbsweep.tune.scheduler import SchedulerForm
from gibbsweep.tune.simulate import Job, Policy, SearchPolicy, simulate

SEEDS, WORKERS, TRAININGS, REPORT_EVERY, OVERHEAD = 20, 8, 100, 3, 1.0
RESULTS = Path(__file__).resolve().parents[1] / "results"


class OptunaPolicy:
    """Optuna's ask, report, should_prune and tell, with its default sampler or a random one; NaN ends a trial, as its users write it."""

    def __init__(self, curves: SyntheticCurves, sampler: optuna.samplers.BaseSampler, pruner: BasePruner) -> None:
        self.report_at = (*range(REPORT_EVERY, curves.updates, REPORT_EVERY), curves.updates)
        self._space = curves.space
        self._study = optuna.create_study(sampler=sampler, pruner=pruner)
        self._study.enqueue_trial(dict(vars(curves.config)))
        self._trials: dict[int, optuna.trial.Trial] = {}

    def next(self) -> Job | None:
        trial = self._study.ask()
        values: dict[str, Any] = {}
        for path, domain in self._space.items():
            if isinstance(domain, Choice):
                values[path] = trial.suggest_categorical(path, domain.options)
            elif isinstance(domain, Float):
                values[path] = trial.suggest_float(path, domain.low, domain.high, log=domain.log)
        self._trials[trial.number] = trial
        return Job(trial.number, values, 0, self.report_at[-1])

    def report(self, job: Job, step: int, loss: float) -> bool:
        trial = self._trials[job.number]
        if not math.isfinite(loss):
            self._study.tell(trial, state=TrialState.FAIL)
            return True
        trial.report(loss, step)
        if step == self.report_at[-1]:
            self._study.tell(trial, loss)
        elif self.should_stop(job, step, loss):
            self.stop(trial, loss)
            return True
        return False

    def should_stop(self, job: Job, step: int, loss: float) -> bool:
        return self._trials[job.number].should_prune()

    def stop(self, trial: optuna.trial.Trial, loss: float) -> None:
        self._study.tell(trial, state=TrialState.PRUNED)

    def finished(self, job: Job) -> None:
        """Told at its last report."""

    def outcomes(self) -> Counter[str]:
        return Counter(trial.state.name for trial in self._study.get_trials(deepcopy=False))


class TunePolicy(OptunaPolicy):
    """Ray Tune's AsyncHyperBandScheduler (ASHA), with what OptunaSearch tells Optuna: a stopped trial is complete, with its last value."""

    def __init__(self, curves: SyntheticCurves, sampler: optuna.samplers.BaseSampler) -> None:
        from ray.tune.schedulers import ASHAScheduler

        super().__init__(curves, sampler, optuna.pruners.NopPruner())
        self._scheduler = ASHAScheduler(
            time_attr="step", metric="loss", mode="min", max_t=curves.updates, grace_period=3, reduction_factor=3
        )
        self._known: dict[int, Any] = {}

    def should_stop(self, job: Job, step: int, loss: float) -> bool:
        if job.number not in self._known:
            self._known[job.number] = SimpleNamespace(trial_id=str(job.number))
            self._scheduler.on_trial_add(None, self._known[job.number])  # type: ignore[arg-type]  # it does not look
        trial = self._known[job.number]
        decision = self._scheduler.on_trial_result(None, trial, {"step": step, "loss": loss})  # type: ignore[arg-type]
        return str(decision) == "STOP"

    def stop(self, trial: optuna.trial.Trial, loss: float) -> None:
        self._study.tell(trial, loss)


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
    Entry("random search", ours("random", SchedulerForm())),
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


def measure(seeds: int = SEEDS) -> list[dict[str, Any]]:
    """A row a policy: the median time to the target and the median final loss, over seeds."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore")
    until = TRAININGS / WORKERS * 81 * 1.5
    runs: dict[str, list[Any]] = {}
    for entry in ENTRIES:
        runs[entry.name] = []
        for seed in range(seeds):
            curves = SyntheticCurves(seed=seed)
            runs[entry.name].append(
                simulate(entry.build(curves), curves, workers=WORKERS, overhead=OVERHEAD, until=until)
            )
        print(
            time.strftime("%X"),
            entry.name,
            f"{statistics.median(r.best[-1][1] for r in runs[entry.name]):.4f}",
            flush=True,
        )
    # Each seed has its own target, since each has its own optimum: what random search reports at half of its time.
    rows = []
    targets = [min(loss for time, loss in run.best if time <= until / 2) for run in runs["random search"]]
    base = [run.time_to(target) for run, target in zip(runs["random search"], targets, strict=True)]
    for name, found in runs.items():
        times = [run.time_to(target) for run, target in zip(found, targets, strict=True)]
        rows.append(
            {
                "policy": name,
                "seconds_to_target": statistics.median(times),
                "speed_up": statistics.median(b / t for b, t in zip(base, times, strict=True)),
                "reached": sum(map(math.isfinite, times)),
                "final_loss": statistics.median(run.best[-1][1] for run in found),
                "efficiency": statistics.median(run.efficiency(WORKERS) for run in found),
            }
        )
    return rows


def main() -> None:
    rows = measure()
    lines = [
        "| policy | virtual seconds to the target | sooner than random | reached on | final loss |",
        "|---|---|---|---|---|",
        *(
            f"| {r['policy']} | {r['seconds_to_target']:.0f} | {r['speed_up']:.2f}x | {r['reached']} of {SEEDS} | {r['final_loss']:.4f} |"
            for r in rows
        ),
    ]
    head = (
        "# Time to quality\n\nSimulated: a virtual clock, synthetic learning curves that cross and diverge, "
        f"{WORKERS} workers, {SEEDS} seeds with an optimum each, reports every {REPORT_EVERY} of 81 updates, {OVERHEAD:g} s to start or "
        "continue a trial. The target of a seed is the best loss that random search reports in the first half of its time; a number is the median over "
        f"seeds. Commit `{git_commit()[:12]}`.\n"
    )
    print("\n".join(lines))
    (RESULTS / "time_to_quality.md").write_text(head + "\n" + "\n".join(lines) + "\n")
    (RESULTS / "time_to_quality.json").write_text(json.dumps({"commit": git_commit(), "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
