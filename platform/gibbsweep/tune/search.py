"""The search of one contender: what to try next, how far each trial runs, and what became of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from optuna.storages import BaseStorage, JournalStorage
from optuna.study import StudyDirection
from optuna.trial import TrialState, create_trial

from gibbsweep.study.constraint import Constraint, violations
from gibbsweep.study.space import flatten, values_within, with_values
from gibbsweep.study.study import STABILITY, Contender, Goal, Goals, as_goals, goal_names
from gibbsweep.train import Outcome
from gibbsweep.tune.front import Member, best_first, losses_of, members_of
from gibbsweep.tune.front_rung import Loss
from gibbsweep.tune.generations import Generations
from gibbsweep.tune.importance import importances_by_goal
from gibbsweep.tune.journal import WholeLines, deferred
from gibbsweep.tune.population import Population
from gibbsweep.tune.record import AT, OTHERS_AT, PRUNED, STATES, Record, as_constraints, parameters, recorded
from gibbsweep.tune.sampler import Sampler, SamplerName
from gibbsweep.tune.scheduler import Scheduler, SchedulerForm, Verdict
from gibbsweep.tune.sweep_dir import SweepDir


def open_storage(sweep: SweepDir) -> JournalStorage:
    sweep.path.mkdir(parents=True, exist_ok=True)
    return JournalStorage(WholeLines(str(sweep.journal)))


class Search:
    """One Optuna study for each contender, so that none starves another. Its truth is ``storage``: whatever a trial is to do is written
    there before it starts, and records, rungs and suggestions are rebuilt from it on resume. ``earlier``: trials of another sweep that
    its sampler learns from, and nothing else (see :mod:`gibbsweep.tune.warm_start`)."""

    def __init__(
        self,
        storage: BaseStorage,
        name: str,
        contender: Contender,
        goal: Goals,
        *,
        updates: int,
        trials: int,
        seed: int,
        sampler: SamplerName = "tpe",
        scheduler: SchedulerForm | None = None,
        constraints: Sequence[Constraint] = (),
        earlier: Sequence[Record] = (),
        evolves: Sequence[str] = (),
    ) -> None:
        self.name, self.contender, self.goals = name, contender, as_goals(goal)
        self._constraints, self._earlier = tuple(constraints), len(earlier)
        self._options = contender.options()
        self._storage, self._study_id = storage, _study_id(storage, name, self.goals)
        each = -(-trials // len(self._options))
        form = scheduler or SchedulerForm()
        self._schedulers = [form.build(updates, each, len(self.goals)) for _ in self._options]
        n, rungs = len(self.goals), self.rungs
        self._sampler = Sampler(
            sampler, contender.space, seed=seed, trials=each, rungs=rungs, earlier=earlier, objectives=n
        )
        fewest = min(self._sampler.points(contender.compared(o)) for o in self._options) if trials else 0
        self.trials = min(trials, fewest * len(self._options))
        self.records: list[Record] = []
        self.population: Population | None = None
        if isinstance(generations := self._schedulers[0], Generations):
            self.population = Population(
                storage, self.records, generations, contender.space, evolves, lambda v, found: losses_of(self.goals, (v,), found)[0],
                members=[self.trials_of(option) for option in self._options], seed=seed, window=form.window,
            )  # fmt: skip
        self._recover()

    @property
    def rungs(self) -> tuple[int, ...]:
        """Updates, below the end of the budget, at which its trials must report."""
        return self._schedulers[0].rungs

    def option_of(self, number: int) -> Any:
        """The compared option of trial ``number``: they take turns."""
        return self._options[number % len(self._options)]

    def trials_of(self, option: Any) -> int:
        """How many trials there will be of ``option``."""
        each, more = divmod(self.trials, len(self._options))
        return each + (self._options.index(option) < more)

    def records_of(self, option: Any) -> list[Record]:
        return [record for record in self.records if self.option_of(record.number) == option]

    def ask(self) -> Record:
        """A new trial. The first one of every compared option is the contender's own configuration: the recipe is always among what is
        tried (a grid's points are its own)."""
        number = len(self.records)
        fixed = self.contender.compared(self.option_of(number))
        if number < len(self._options) and self._sampler.name != "grid":
            recipe, _ = values_within(flatten(with_values(self.contender.config, fixed)), self.contender.space)
            fixed = {**recipe, **fixed}
        index = number // len(self._options)
        values, attrs = self._sampler.suggest(number, index, self.goals, self.records, fixed)
        params, distributions = parameters(self.contender.space, values)
        runs_to = self._scheduler(number).runs_to(index)
        template = create_trial(
            state=TrialState.RUNNING,
            params=params,
            distributions=distributions,
            user_attrs={"values": values, "runs_to": runs_to},
            system_attrs=attrs,
        )
        trial_id = self._storage.create_new_trial(self._study_id, template)
        record = Record(number, trial_id, values, params, distributions, runs_to, attrs=attrs)
        record.earlier = self._earlier
        self.records.append(record)
        return record

    def promote(self) -> Record | None:
        """A waiting trial that is good enough to go on, running again; None if there is none."""
        if self.population is not None:
            return self.population.promote()
        for position, scheduler in enumerate(self._schedulers):
            found = scheduler.promote()
            if found is not None:
                return self._go_on(position, *found)
        return None

    def settle(self, option: Any) -> tuple[Record | None, list[Record]]:
        """Once every trial of ``option`` was asked for, none runs and none can be promoted: (the best waiting trial, running again, if
        none has completed yet; the waiting trials that will never go on, if one has). Nothing before that."""
        position, records = self._options.index(option), self.records_of(option)
        if self.population is not None:
            return None, self.population.stranded(position)
        if len(records) < self.trials_of(option) or any(record.state == "running" for record in records):
            return None, []
        if not any(record.state == "completed" for record in records):
            found = self._schedulers[position].rescue()
            if found is not None:
                return self._go_on(position, *found), []
        return None, [record for record in records if record.state == "paused"]

    def hopeless(self) -> list[Record]:
        """The waiting trials that will never go on, whatever still comes. None of an option of which no trial has completed: the best
        that waits may yet be rescued."""
        return [
            self.records[index * len(self._options) + position]
            for position, option in enumerate(self._options)
            if any(record.state == "completed" for record in self.records_of(option))
            for index in self._schedulers[position].hopeless()
        ]

    def interrupted(self) -> list[Record]:
        """The trials that are running: after a crash, those that it interrupted."""
        return [record for record in self.records if record.state == "running" and record.pruned_after is None]

    def stopped(self) -> list[tuple[Record, int]]:
        """The trials that are running though they were to be pruned after so many updates: a crash kept them from their end."""
        found = [(record, record.pruned_after) for record in self.records if record.state == "running"]
        return [(record, step) for record, step in found if step is not None]

    def report(self, number: int, step: int, value: float, metrics: Mapping[str, float] | None = None) -> Verdict:
        """Record an intermediate ``value`` of the goal (with several: of the first, the others being among ``metrics``), and how far
        ``metrics`` are from the constraints, and say whether the trial goes on. What is not finite is not recorded. A report that is on
        record is not judged again: a run that goes on after a crash announces its checkpoint, and its peers may be others by then."""
        record = self.records[number]
        if record.copies and step <= record.copies[-1].step:
            return "go"  # the checkpoint that it took over says where it is: a report of its donor's
        if step in record.reports:
            return "prune" if record.pruned.get(step) else "go"
        found = violations(self._constraints, metrics or {})
        others = tuple((metrics or {}).get(goal.metric, math.nan) for goal in self.goals[1:])
        verdict = self._scheduler(number).report(self._index(number), step, self._loss((value, *others), found))
        if all(map(math.isfinite, (value, *others))):
            pruned = verdict == "prune"
            beside: dict[str, Any] = ({f"{AT}{step}": found} if found else {}) | (
                {f"{OTHERS_AT}{step}": others} if others else {}
            )
            if pruned or step in record.pruned:  # a verdict whose report a kill kept from the journal counts no more
                beside[f"{PRUNED}{step}"] = record.pruned[step] = pruned
            for key, known in beside.items():  # first: they must be known wherever the value is
                with deferred(self._storage):
                    self._storage.set_trial_user_attr(record.trial_id, key, known)
            self._storage.set_trial_intermediate_value(record.trial_id, step, value)
            record.take(step, (value, *others), found)
        return verdict

    def pause(self, number: int) -> None:
        """The trial has reached ``runs_to`` and its report was taken."""
        record = self.records[number]
        self._scheduler(number).pause(self._index(number), record.runs_to, promoted=False)
        record.state = "paused"

    def tell(self, number: int, outcome: Outcome, *, stranded: bool = False) -> bool:
        """Close a trial; False if a population will replace it instead (unless it is ``stranded`` there). Diverged and failed trials are
        both FAIL to Optuna; the attribute ``outcome`` tells them apart. Where the one goal is stability, a divergence is what was
        measured: COMPLETE, with the share of its updates that the trial survived. Beside other goals it is not: their values at the
        divergence are of another training than those at the end."""
        record = self.records[number]
        values = [outcome.metrics.get(goal.metric, math.nan) for goal in self.goals]
        # Without finite goals it cannot be compared with anything.
        lacking = not all(map(math.isfinite, values))
        ended = "diverged" if outcome.outcome == "completed" and lacking else outcome.outcome
        if self.population is not None and not stranded and self.population.lose(record, ended):
            return False
        alone = [goal.metric for goal in self.goals] == [STABILITY]
        measured = ended == "completed" or (alone and ended == "diverged")
        at_the_end = as_constraints(violations(self._constraints, outcome.metrics)) if measured else {}
        record.attrs |= at_the_end
        with deferred(self._storage):
            self._storage.set_trial_user_attr(record.trial_id, "outcome", ended)
            self._storage.set_trial_user_attr(record.trial_id, "device_seconds", outcome.device_seconds)
            self._storage.set_trial_user_attr(record.trial_id, "restarts", len(outcome.restarts))
            for key, violation in at_the_end.items():
                self._storage.set_trial_system_attr(record.trial_id, key, violation)
        record.state, record.value = ended, values[0] if measured else None
        record.other_values = tuple(values[1:]) if measured else ()
        state = TrialState.COMPLETE if measured else STATES[ended]
        self._storage.set_trial_state_values(record.trial_id, state, values if measured else None)
        self._scheduler(number).close(self._index(number), ended == "completed")
        return True

    def best(self, option: Any) -> Record | None:
        """The best completed trial with ``option`` that satisfies every constraint, or else the one that comes closest; None if none
        completed."""
        return next(iter(best_first(self.records_of(option), self.goals)), None)

    def members(self, option: Any, most: int) -> list[Member]:
        """What is retrained with ``option`` once its trials have ended: see :func:`gibbsweep.tune.front.members_of`."""
        return members_of(self.records_of(option), self.goals, most)

    def importances(self) -> dict[str, dict[str, float]]:
        """Which part of the choice the goal depends on, under the contender's name; of several goals each, under ``CONTENDER (for GOAL)``.
        Without those that too few trials say anything of (see :mod:`gibbsweep.tune.importance`)."""
        groups: dict[str, list[Record]] = {}
        # A member's values change: none of them made its goal.
        for record in self.records if self.population is None else ():
            if record.state == "completed":
                compared = self.contender.compared(self.option_of(record.number))
                groups.setdefault(", ".join(f"{k}={v}" for k, v in compared.items()), []).append(record)
        names = [f"{self.name} (for {name})" for name in goal_names(self.goals)]
        found = importances_by_goal(groups, self.contender.compared_paths, names if len(names) > 1 else [self.name])
        return {label: own for label, own in found.items() if own}

    def _recover(self) -> None:
        for number, trial in enumerate(self._storage.get_all_trials(self._study_id, deepcopy=False)):
            record = recorded(number, trial, self.rungs)
            record.earlier = self._earlier
            self.records.append(record)
            self._tell_again(record)
        if self.population is not None:
            self.population.recover()

    def _tell_again(self, record: Record) -> None:
        """The scheduler hears of a recorded trial what it heard when it happened."""
        scheduler, index = self._scheduler(record.number), self._index(record.number)
        for step in sorted(record.reports):
            scheduler.report(index, step, self._loss(record.reported(step), record.violations.get(step, {})))
            waited = step in self.rungs and scheduler.runs_to(index) <= step <= record.runs_to
            if waited and (step < record.runs_to or record.state != "running"):
                scheduler.pause(index, step, promoted=step < record.runs_to)
        if record.ended:
            scheduler.close(index, record.state == "completed")

    def _go_on(self, position: int, index: int, runs_to: int) -> Record:
        record = self.records[index * len(self._options) + position]
        self._storage.set_trial_user_attr(record.trial_id, "runs_to", runs_to)
        record.runs_to, record.state = runs_to, "running"
        return record

    def _scheduler(self, number: int) -> Scheduler:
        return self._schedulers[number % len(self._options)]

    def _index(self, number: int) -> int:
        return number // len(self._options)

    def _loss(self, values: Sequence[float], found: Mapping[str, float]) -> Loss:
        losses = losses_of(self.goals, values, found)
        return losses if len(losses) > 1 else losses[0]


def _study_id(storage: BaseStorage, name: str, goals: Sequence[Goal]) -> int:
    if name in (study.study_name for study in storage.get_all_studies()):
        return storage.get_study_id_from_name(name)
    directions = [StudyDirection.MAXIMIZE if g.direction == "maximize" else StudyDirection.MINIMIZE for g in goals]
    return storage.create_new_study(directions, name)
