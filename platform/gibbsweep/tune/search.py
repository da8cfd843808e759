"""Optuna's part: what to try next, and what became of it. One Optuna study for each contender, so that none starves another."""

from __future__ import annotations

import logging
import math
import statistics
import warnings
from collections.abc import Mapping
from typing import Any

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from gibbsweep.study.space import Choice, Domain, Float, Int, Space, flatten, with_values
from gibbsweep.study.study import STABILITY, Contender, Goal
from gibbsweep.train import Outcome
from gibbsweep.tune.importance import importances
from gibbsweep.tune.sweep_dir import SweepDir

optuna.logging.set_verbosity(logging.ERROR)

_STATES = {
    "completed": TrialState.COMPLETE,
    "pruned": TrialState.PRUNED,
    "diverged": TrialState.FAIL,
    "failed": TrialState.FAIL,
}
_MEDIAN_PEERS = 4  # finished peers before a median means anything


def open_storage(sweep: SweepDir) -> JournalStorage:
    sweep.path.mkdir(parents=True, exist_ok=True)
    return JournalStorage(JournalFileBackend(str(sweep.journal)))


class Search:
    """The search of one contender, whose truth is the journal: everything here is rebuilt from it on resume."""

    def __init__(
        self, storage: JournalStorage, name: str, contender: Contender, goal: Goal, *, trials: int, seed: int
    ) -> None:
        self.name, self.contender, self.goal, self.trials = name, contender, goal, trials
        # An interrupted sampler's random state is lost with its process, so every start reseeds it by the trials on record.
        self._study = optuna.create_study(
            storage=storage, study_name=name, direction=goal.direction, load_if_exists=True
        )
        on_record = len(self.trials_on_record())
        with (
            warnings.catch_warnings()
        ):  # "group" is marked experimental: a sub-space of its own for each branch of a Choice
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            self._study.sampler = optuna.samplers.TPESampler(
                seed=seed * 10_007 + on_record,
                multivariate=True,
                group=True,
                constant_liar=True,
                n_startup_trials=min(10, max(4, trials // 2)),
            )
        self._running: dict[int, optuna.trial.Trial] = {}

    def trials_on_record(self) -> list[optuna.trial.FrozenTrial]:
        """Every trial that was asked for, by number."""
        return [t for t in self._study.get_trials(deepcopy=False) if t.state != TrialState.WAITING]

    def option_of(self, number: int) -> Any:
        """The compared option of trial ``number``: they take turns."""
        options = self.contender.options()
        return options[number % len(options)]

    def ask(self) -> tuple[int, dict[str, Any]]:
        """The next trial's number and searched values. The first trial of every compared option is the contender's own
        configuration: the recipe is always among what is tried."""
        number = len(self.trials_on_record())
        compared = self.contender.compared(self.option_of(number))
        fixed: dict[str, Any] = {}
        if number < len(self.contender.options()):
            fixed = _values_within(with_values(self.contender.config, compared), self.contender.space)
        fixed |= {path: _parameter(v) for path, v in compared.items()}
        waiting = self._study.get_trials(deepcopy=False, states=(TrialState.WAITING,))
        if fixed and not waiting:  # a sweep killed between the next two lines left its trial waiting
            self._study.enqueue_trial(fixed)
        trial = self._study.ask()
        values = _suggest(trial, self.contender.space)
        trial.set_user_attr("values", values)
        self._running[trial.number] = trial
        return trial.number, values

    def interrupted(self) -> list[tuple[int, dict[str, Any]]]:
        """Trials that were asked for and never told: what a killed sweep left running."""
        found = []
        for frozen in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            trial = optuna.trial.Trial(self._study, frozen._trial_id)
            values = frozen.user_attrs.get("values")
            if (
                values is None
            ):  # killed while it was being asked for: what was suggested stands, the rest is suggested now
                values = _suggest(trial, self.contender.space)
                trial.set_user_attr("values", values)
            self._running[frozen.number] = trial
            found.append((frozen.number, dict(values)))
        return found

    def report(self, number: int, step: int, value: float) -> None:
        """Record an intermediate value; one that is not finite is not recorded (the trial's outcome will say why)."""
        trial = self._running[number]
        if math.isfinite(value):
            trial.report(value, step)

    def worse_than_median(self, number: int, step: int, value: float) -> bool:
        """Whether ``value`` at ``step`` is worse than the median of the finished trials with the same compared option."""
        peers = [
            t.intermediate_values[step]
            for t in self.trials_on_record()
            if t.state == TrialState.COMPLETE
            and step in t.intermediate_values
            and self.option_of(t.number) == self.option_of(number)
        ]
        return len(peers) >= _MEDIAN_PEERS and self.goal.better(statistics.median(peers), value)

    def tell(self, number: int, outcome: Outcome) -> None:
        """Close a trial. Diverged and failed trials are both FAIL to Optuna; the attribute ``outcome`` tells them apart. Where the goal
        is stability, a divergence is what was measured: COMPLETE, with the share of its updates that the trial survived."""
        trial = self._running.pop(number)
        value = outcome.metrics.get(self.goal.metric, math.nan)
        state = _STATES[outcome.outcome]
        if self.goal.metric == STABILITY and outcome.outcome == "diverged":
            state = TrialState.COMPLETE
        trial.set_user_attr("outcome", outcome.outcome)
        trial.set_user_attr("device_seconds", outcome.device_seconds)
        trial.set_user_attr("restarts", len(outcome.restarts))
        if state == TrialState.COMPLETE and not math.isfinite(value):
            trial.set_user_attr("outcome", "diverged")
            state = TrialState.FAIL
        self._study.tell(trial, value if state == TrialState.COMPLETE else None, state=state)

    def best(self, option: Any) -> dict[str, Any] | None:
        """The searched values of the best completed trial with ``option``; None if none completed."""
        best: tuple[float, dict[str, Any]] | None = None
        for trial in self.trials_on_record():
            if trial.state != TrialState.COMPLETE or self.option_of(trial.number) != option or trial.value is None:
                continue
            if best is None or self.goal.better(trial.value, best[0]):
                best = (trial.value, dict(trial.user_attrs["values"]))
        return None if best is None else best[1]

    def importances(self) -> dict[str, float]:
        """Which part of the choice the goal depends on: see :mod:`gibbsweep.tune.importance`."""
        groups: dict[str, list[optuna.trial.FrozenTrial]] = {}
        for trial in self.trials_on_record():
            if trial.state == TrialState.COMPLETE:
                compared = self.contender.compared(self.option_of(trial.number))
                groups.setdefault(", ".join(f"{path}={value}" for path, value in compared.items()), []).append(trial)
        return importances(groups, self.contender.compared_paths)


def _suggest(trial: optuna.trial.Trial, space: Space) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for path, domain in space.items():
        values[path] = _suggest_one(trial, path, domain)
        if isinstance(domain, Choice) and values[path] in domain.then:
            values |= _suggest(trial, domain.then[values[path]])
    return values


def _suggest_one(trial: optuna.trial.Trial, path: str, domain: Domain) -> Any:
    if isinstance(domain, Float):
        return trial.suggest_float(path, domain.low, domain.high, log=domain.log)
    if isinstance(domain, Int):
        return trial.suggest_int(path, domain.low, domain.high, log=domain.log)
    options = {_parameter(option): option for option in domain.options}
    return options[trial.suggest_categorical(path, tuple(options))]


def _parameter(option: Any) -> Any:
    """How Optuna sees an option: its storage keeps plain values alone, so a tuple of widths goes by its text."""
    return option if option is None or isinstance(option, bool | int | float | str) else str(option)


def _values_within(config: Any, space: Space) -> dict[str, Any]:
    """Optuna's parameters for the values of ``config`` at the paths of ``space``, where they lie inside it."""
    flat: Mapping[str, Any] = flatten(config)
    values: dict[str, Any] = {}
    for path, domain in space.items():
        value = tuple(flat[path]) if isinstance(flat[path], list) else flat[path]
        inside = value in domain.options if isinstance(domain, Choice) else domain.low <= value <= domain.high  # type: ignore[operator]
        if inside:
            values[path] = _parameter(value)
            if isinstance(domain, Choice) and value in domain.then:
                values |= _values_within(config, domain.then[value])
    return values
