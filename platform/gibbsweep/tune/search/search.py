"""The search of one contender: what to try next, how far each trial runs, and what became of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from optuna.storages import BaseStorage

from gibbsweep.study.constraint import Constraint, violations
from gibbsweep.study.goal import Goals, as_goals
from gibbsweep.study.space import flatten, values_within, with_values
from gibbsweep.study.study import Contender
from gibbsweep.train import Outcome, Segment
from gibbsweep.train.outcome import STABILITY
from gibbsweep.tune.folder.layout import search_name
from gibbsweep.tune.journal import entries
from gibbsweep.tune.journal.ranking import best_first, losses_of
from gibbsweep.tune.journal.record import Record, recorded
from gibbsweep.tune.population.population import Population
from gibbsweep.tune.samplers.sampler import Sampler, SamplerName
from gibbsweep.tune.schedulers.base import Loss, Scheduler, Verdict
from gibbsweep.tune.schedulers.choice import SchedulerForm
from gibbsweep.tune.schedulers.generations import Generations
from gibbsweep.tune.search.front import Member, members_of


class Search:
    """One Optuna study for each contender, so that none starves another. Its truth is ``storage``: whatever a trial is to do is written
    there before it starts, and records, rungs and suggestions are rebuilt from it on resume. ``earlier``: trials of another sweep that
    its sampler learns from, and nothing else (see :mod:`gibbsweep.tune.search.warm_start`)."""

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
        self._storage, self._study_id = storage, entries.study_in(storage, name, self.goals)
        each = -(-trials // len(self._options))
        form = scheduler or SchedulerForm()
        self._schedulers = [form.build(updates, each, len(self.goals)) for _ in self._options]
        n, rungs = len(self.goals), self.rungs
        self._sampler = Sampler(
            sampler,
            contender.space,
            seed=seed,
            trials=each,
            rungs=rungs,
            updates=updates,
            earlier=earlier,
            objectives=n,
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
        runs_to = self._scheduler(number).runs_to(index)
        record = entries.begin(self._storage, self._study_id, number, self.contender.space, values, runs_to, attrs)
        record.earlier = self._earlier
        self.records.append(record)
        return record

    def promote(self) -> Record | None:
        """A waiting trial that is good enough to go on, running again; None if there is none."""
        if self.population is not None:
            return self.population.promote()
        ends = None
        if any(record.state == "paused" for record in self.records):
            ends = self._sampler.expected_ends(self.goals, self.records)
        for position, scheduler in enumerate(self._schedulers):
            found = scheduler.promote(None if ends is None else ends[position :: len(self._options)])
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
        that waits may yet be rescued. None where a model ranks them: it may think better of any of them."""
        if self._sampler.expects_ends:
            return []
        return [
            self.records[index * len(self._options) + position]
            for position, option in enumerate(self._options)
            if any(record.state == "completed" for record in self.records_of(option))
            for index in self._schedulers[position].hopeless()
        ]

    def interrupted(self) -> list[Record]:
        """The trials that are running: after a crash, those that it interrupted."""
        return [record for record in self.records if record.state == "running" and record.pruned_after is None]

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
            entries.report(self._storage, record, step, (value, *others), found, pruned=verdict == "prune")
        return verdict

    def pause(self, number: int) -> None:
        """The trial has reached ``runs_to`` and its report was taken."""
        record = self.records[number]
        self._scheduler(number).pause(self._index(number), record.runs_to, promoted=False)
        record.state = "paused"

    def tell(self, number: int, outcome: Outcome, *, stranded: bool = False) -> bool:
        """Close a trial; False if a population will replace it instead (unless it is ``stranded`` there). Where the one goal is stability,
        a divergence is what was measured: COMPLETE, with the share of its updates that the trial survived. Beside other goals it is not:
        their values at the divergence are of another training than those at the end."""
        record = self.records[number]
        values = [outcome.metrics.get(goal.metric, math.nan) for goal in self.goals]
        # Without finite goals it cannot be compared with anything.
        lacking = not all(map(math.isfinite, values))
        ended = "diverged" if outcome.outcome == "completed" and lacking else outcome.outcome
        if self.population is not None and not stranded and self.population.lose(record, ended):
            return False
        alone = [goal.metric for goal in self.goals] == [STABILITY]
        measured = ended == "completed" or (alone and ended == "diverged")
        at_the_end = violations(self._constraints, outcome.metrics) if measured else {}
        entries.end(self._storage, record, ended, outcome, values if measured else None, at_the_end)
        self._scheduler(number).close(self._index(number), ended == "completed")
        return True

    def best(self, option: Any) -> Record | None:
        """The best completed trial with ``option`` that satisfies every constraint, or else the one that comes closest; None if none
        completed."""
        return next(iter(best_first(self.records_of(option), self.goals)), None)

    def members(self, option: Any, most: int) -> list[Member]:
        """What is retrained with ``option`` once its trials have ended: see :func:`gibbsweep.tune.search.front.members_of`."""
        return members_of(self.records_of(option), self.goals, most)

    def replay(self, option: Any) -> tuple[tuple[Segment, ...], str | None]:
        """The schedule that the best trial with ``option`` was trained by, and that trial's run; neither outside a population."""
        best = None if self.population is None else self.best(option)
        if self.population is None or best is None:
            return (), None
        return self.population.schedule(best.number), search_name(self.name, best.number)

    def replay_as_json(self, option: Any) -> list[dict[str, Any]]:
        """That schedule for the results: what evolves, and which trial trained by it."""
        best = None if self.population is None else self.best(option)
        return [] if self.population is None or best is None else self.population.told(best.number, self.name)

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
        entries.go_on(self._storage, record, runs_to)
        return record

    def _scheduler(self, number: int) -> Scheduler:
        return self._schedulers[number % len(self._options)]

    def _index(self, number: int) -> int:
        return number // len(self._options)

    def _loss(self, values: Sequence[float], found: Mapping[str, float]) -> Loss:
        losses = losses_of(self.goals, values, found)
        return losses if len(losses) > 1 else losses[0]
