"""The values of the next trial, as a function of the seed, the trial's number and the trials on record. A sweep that
was killed therefore tries the same values again."""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Container, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args

import optuna
from optuna.samplers import BaseSampler, CmaEsSampler, GPSampler, TPESampler
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, TrialState

from gibbsweep.errors import UserError
from gibbsweep.results.dominance import order_by_fronts
from gibbsweep.study.constraint import ranking_loss
from gibbsweep.study.goal import Goal
from gibbsweep.study.space import Choice, Domain, Float, Space
from gibbsweep.tune.journal.parameters import parameter
from gibbsweep.tune.journal.ranking import end_losses, losses_of
from gibbsweep.tune.journal.record import Record
from gibbsweep.tune.samplers import unit_cube

if TYPE_CHECKING:
    from gibbsweep.tune.samplers.multi_fidelity import MultiFidelity

optuna.logging.set_verbosity(logging.ERROR)

SamplerName = Literal["tpe", "gp", "cmaes", "qmc", "random", "grid"]

RECENT, BEST = 225, 25
"""A model is fitted to so many of the last trials and so many of the best ones before them: a sampler's cost grows
faster than its history, and TPE calls at most 25 trials good (Optuna's default) however many there are."""


_FEWEST_FOR_CMAES = 2
"""Optuna's CMA-ES draws at random in a space of fewer numbers."""


class Sampler:
    """Suggests the values of the trials of one contender::

        sampler = Sampler("tpe", space, seed=0, trials=64)
        values, attributes = sampler.suggest(number, index, (goal,), records, fixed={})

    TPE and the Gaussian process model all goals of a search (Ozaki et al. 2022, "Multiobjective Tree-Structured Parzen
    Estimator"; expected hypervolume improvement, Daulton et al. 2020)."""

    name: SamplerName
    """The kind of sampler."""
    space: Space
    """The space that it samples."""

    def __init__(
        self,
        name: SamplerName,
        space: Space,
        *,
        seed: int,
        trials: int,
        rungs: Sequence[int] = (),
        updates: int = 0,
        earlier: Sequence[Record] = (),
        objectives: int = 1,
        first_trials: int | None = None,
    ) -> None:
        """``trials`` of each compared option, and how many of them its sweep was started with, where it was extended
        (``first_trials``); ``rungs``: updates at which trials are compared, without the end of
        training, which comes after ``updates``; ``earlier``: trials of another sweep that a model learns from;
        ``objectives``: number of goals. Raises UserError for a name that there is not, and for CMA-ES with several
        goals."""
        if name not in get_args(SamplerName):
            raise UserError(f"there is no sampler {name!r}: use --sampler {'|'.join(get_args(SamplerName))}.")
        if name == "cmaes" and objectives > 1:
            raise UserError(
                f"--sampler cmaes searches for one goal, and there are {objectives}: use --sampler tpe or gp, which "
                "learn from all, or qmc|random|grid."
            )
        self.name, self.space, self._seed, self._trials, self._rungs = name, space, seed, trials, rungs
        self._earlier = list(earlier)
        self._startup = min(8 if rungs else 10, max(4, (first_trials or trials) // 2))
        self._of_ends: MultiFidelity | None = None
        if name == "gp" and rungs and objectives == 1:
            from gibbsweep.tune.samplers.multi_fidelity import MultiFidelity  # scikit-learn takes a second to import

            self._of_ends = MultiFidelity(
                space, rungs, updates, seed=seed, startup=self._startup, earlier=self._earlier
            )

    def suggest(
        self, number: int, index: int, goals: Sequence[Goal], records: Sequence[Record], fixed: Mapping[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """The values of trial ``number``, the ``index``-th of its option, and the attributes that its record must keep
        for the sampler. Paths of ``fixed`` have those values."""
        if self.name == "random":
            return unit_cube.random_point(self.space, self._seed, number, fixed), {}
        if self.name == "qmc":
            return unit_cube.sobol_point(self.space, self._seed, index, fixed), {}
        if self.name == "grid":
            return unit_cube.grid(self.space, self._trials, fixed)[index], {}
        if self._of_ends is not None:
            return self._of_ends.suggest(number, goals[0], records, fixed)
        history = _history([*self._earlier, *records], goals, self._rungs, self._startup)
        if self.name == "cmaes":
            history = [_by_rank(trial, goals[0]) for trial in history]
        storage = _StorageWithHistory(history)
        with warnings.catch_warnings():
            # Optuna marks a sub-space for each branch of a Choice ("group") as experimental, and announces that a start
            # for CMA-ES ("x0") will move.
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            warnings.simplefilter("ignore", FutureWarning)
            model = self._model(number, goals)
            study = optuna.create_study(storage=storage, directions=[goal.direction for goal in goals], sampler=model)
        study.enqueue_trial({path: parameter(value) for path, value in fixed.items()})
        trial = study.ask()
        values = _suggest(trial, self.space)
        attrs = storage.get_trial(trial._trial_id).system_attrs
        return values, {key: value for key, value in attrs.items() if key.startswith("cma:")}

    def expected_ends(self, goals: Sequence[Goal], records: Sequence[Record]) -> Sequence[float] | None:
        """The loss that each of ``records`` is expected to end with, up to a scale; None where there is no model of
        it."""
        return None if self._of_ends is None else self._of_ends.expected_ends(goals[0], records)

    @property
    def expects_ends(self) -> bool:
        """Whether trials are ranked by :meth:`expected_ends` as soon as that is not None."""
        return self._of_ends is not None

    def most_trials(self, fixed: Mapping[str, Any]) -> int:
        """The most trials of one compared option that it can suggest: a grid ends, other samplers do not."""
        return len(unit_cube.grid(self.space, self._trials, fixed)) if self.name == "grid" else self._trials

    def drawn_at_random(self, fixed: Container[str]) -> list[str]:
        """The paths, beside those in ``fixed``, that a sampler that learns draws at random all the same: CMA-ES learns
        from numbers outside branches alone, of which it needs two, and the Gaussian process from no path in a branch
        (but where it learns from rungs)."""
        if self.name not in ("cmaes", "gp") or self._of_ends is not None:
            return []
        learned = {
            path for path, domain in self.space.items() if self.name == "gp" or not isinstance(domain, Choice)
        }  # fmt: skip
        if self.name == "cmaes" and len(learned) < _FEWEST_FOR_CMAES:
            learned = set()
        return [path for path in unit_cube.paths_of(self.space) if path not in learned and path not in fixed]

    def _model(self, number: int, goals: Sequence[Goal]) -> BaseSampler:
        seed = self._seed * 10_007 + number
        if self.name == "gp":
            return GPSampler(seed=seed, n_startup_trials=self._startup, deterministic_objective=False)
        if self.name == "cmaes":
            start = _best_of(_history(self._earlier, goals, self._rungs, 1), goals[0])
            return CmaEsSampler(x0=start, seed=seed, n_startup_trials=1, warn_independent_sampling=False)
        return TPESampler(seed=seed, multivariate=True, group=True, constant_liar=True, n_startup_trials=self._startup)


class _StorageWithHistory(InMemoryStorage):
    """Optuna's storage of the one trial that is suggested now, which also lists a history of trials without a copy of
    them."""

    def __init__(self, history: list[FrozenTrial]) -> None:
        super().__init__()
        self._history = history

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        stored = super().get_all_trials(study_id, deepcopy, states)
        if states == (TrialState.WAITING,):
            return stored
        return [*stored, *(trial for trial in self._history if states is None or trial.state in states)]


def _history(records: Sequence[Record], goals: Sequence[Goal], rungs: Sequence[int], least: int) -> list[FrozenTrial]:
    """The trials that the model is fitted to, by number.

    Where trials have rungs, these are the values at the end once ``least`` trials have ended; else the reports at the
    highest rung once ``least`` trials have reached it, and the trials that run towards it. As in BOHB (Falkner et al.
    2018, section 3.2), values after few updates and after many are not mixed. Until then there is no history, so that
    the sampler draws at random: a model of lower rungs would choose trials that are fast at first."""
    ended = [record for record in records if record.objectives is not None]
    if not rungs:
        others = [record for record in records if record.objectives is None][-RECENT:]
        trials = [record.frozen() for record in (*_cap(ended, end_losses(ended, goals)), *others)]
    elif len(ended) >= least:
        trials = [record.frozen() for record in _cap(ended, end_losses(ended, goals))]
    else:
        step = rungs[-1]
        reached = [record for record in records if step in record.reports]
        if len(reached) < least:
            return []
        running = [record for record in records if record.state == "running" and step not in record.reports]
        at_rung = [losses_of(goals, record.reports[step], record.violations.get(step, {})) for record in reached]
        trials = [record.frozen_at(step) for record in (*_cap(reached, at_rung), *running)]
    return sorted(trials, key=lambda trial: trial.number)


def _by_rank(trial: FrozenTrial, goal: Goal) -> FrozenTrial:
    """``trial`` with the value that it is ranked by: CMA-ES uses ranks alone, and Optuna's ignores constraints."""
    if trial.value is None or not trial.constraints:
        return trial
    ranked_trial = copy.copy(trial)
    ranked_trial.value = goal.loss(ranking_loss(goal.loss(trial.value), trial.constraints))
    return ranked_trial


def _best_of(trials: Sequence[FrozenTrial], goal: Goal) -> dict[str, Any] | None:
    """The parameters of the best of ``trials``; None if none has a value."""
    ended = [
        (ranking_loss(goal.loss(trial.value), trial.constraints), trial.number, trial.params)
        for trial in trials
        if trial.value is not None
    ]
    return min(ended, key=lambda entry: entry[:2])[2] if ended else None


def _cap(records: Sequence[Record], losses: Sequence[tuple[float, ...]]) -> list[Record]:
    """The last ``RECENT`` of ``records`` and the ``BEST`` of the others. With several goals the best are those of the
    first fronts, the most widely spread first."""
    earlier = losses[: max(0, len(records) - RECENT)]
    order = (
        order_by_fronts(earlier, BEST)
        if earlier and len(earlier[0]) > 1
        else sorted(range(len(earlier)), key=earlier.__getitem__)
    )
    return [*(records[i] for i in order[:BEST]), *records[-RECENT:]]


def _suggest(trial: optuna.trial.Trial, space: Space) -> dict[str, Any]:
    """The values that Optuna suggests for ``trial``, by path."""
    values: dict[str, Any] = {}
    for path, domain in space.items():
        values[path] = _suggest_one(trial, path, domain)
        if isinstance(domain, Choice) and values[path] in domain.then:
            values |= _suggest(trial, domain.then[values[path]])
    return values


def _suggest_one(trial: optuna.trial.Trial, path: str, domain: Domain) -> Any:
    if isinstance(domain, Choice):
        options = {parameter(option): option for option in domain.options}
        return options[trial.suggest_categorical(path, tuple(options))]
    if isinstance(domain, Float):
        return trial.suggest_float(path, domain.low, domain.high, log=domain.log)
    return trial.suggest_int(path, domain.low, domain.high, log=domain.log)
