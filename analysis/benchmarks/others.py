"""Optuna's pruners and Ray Tune's ASHA as policies of the simulator.

They are the libraries' own objects, called as they are called in a sweep.
"""

from __future__ import annotations

import math
from collections import Counter
from types import SimpleNamespace
from typing import Any

import optuna
from optuna.pruners import BasePruner
from optuna.trial import TrialState

from gibbsweep.study.space import Choice, Float
from gibbsweep.tune.simulation.curves import SyntheticCurves
from gibbsweep.tune.simulation.simulate import Job

REPORT_EVERY = 3


class OptunaPolicy:
    """Optuna's ask, report, should_prune and tell, with a sampler and a pruner of Optuna's. NaN ends a trial, as in the
    code of its users."""

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
        """Do nothing: Optuna was told at the last report."""

    def outcomes(self) -> Counter[str]:
        return Counter(trial.state.name for trial in self._study.get_trials(deepcopy=False))


class TunePolicy(OptunaPolicy):
    """Ray Tune's AsyncHyperBandScheduler (ASHA), which reports to Optuna as OptunaSearch does: a stopped trial is
    complete, with its last value."""

    def __init__(self, curves: SyntheticCurves, sampler: optuna.samplers.BaseSampler) -> None:
        from ray.tune.schedulers import ASHAScheduler

        super().__init__(curves, sampler, optuna.pruners.NopPruner())
        # Typed for a controller and trials of Tune's, of which it looks at no more than a trial's id.
        self._scheduler: Any = ASHAScheduler(
            time_attr="step", metric="loss", mode="min", max_t=curves.updates, grace_period=3, reduction_factor=3
        )
        self._known: dict[int, Any] = {}

    def should_stop(self, job: Job, step: int, loss: float) -> bool:
        if job.number not in self._known:
            self._known[job.number] = SimpleNamespace(trial_id=str(job.number))
            self._scheduler.on_trial_add(None, self._known[job.number])
        trial = self._known[job.number]
        decision = self._scheduler.on_trial_result(None, trial, {"step": step, "loss": loss})
        return str(decision) == "STOP"

    def stop(self, trial: optuna.trial.Trial, loss: float) -> None:
        self._study.tell(trial, loss)
