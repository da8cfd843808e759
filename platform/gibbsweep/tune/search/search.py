"""The search of one contender: what to try next, how far each trial runs, and what became of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from optuna.storages import BaseStorage

from gibbsweep.folder import STABILITY, Outcome
from gibbsweep.study.at_budget import ContenderAtBudget
from gibbsweep.study.constraint import violations
from gibbsweep.study.space import flatten, values_within, with_values
from gibbsweep.train import Segment
from gibbsweep.tune.folder.layout import search_name
from gibbsweep.tune.journal import entries
from gibbsweep.tune.journal.ranking import losses_of
from gibbsweep.tune.journal.record import Record, record_of
from gibbsweep.tune.population.population import Population
from gibbsweep.tune.samplers.finite import configurations, nearest_untried
from gibbsweep.tune.samplers.sampler import Sampler, SamplerName
from gibbsweep.tune.schedulers.base import Losses, Verdict
from gibbsweep.tune.schedulers.choice import SchedulerConfig
from gibbsweep.tune.schedulers.generations import Generations
from gibbsweep.tune.search.arm import Arm
from gibbsweep.tune.search.borrowing import loan_for


class Search:
    """The search of one contender. It is one Optuna study, which the contender's arms share, so no contender starves
    another.

    ``storage`` holds the truth: what a trial is to do is written to it before the trial starts, and records, rungs and
    suggestions are rebuilt from it on resume. ``trials``: how many each arm has. ``earlier``: trials of another sweep
    from which its sampler learns (see :mod:`gibbsweep.tune.search.warm_start`). ``evolves``: the paths whose values
    change in a population. ``first_trials``: how many trials each arm had when its sweep was started, where that was
    extended. ``borrow``: whether the last trials of each arm borrow values from other arms (see
    :mod:`gibbsweep.tune.search.borrowing`).

    For example::

        search = Search(InMemoryStorage(), STUDY.at("laptop")["rbm"], trials=8, seed=0)
        record = search.ask()  # a trial that is now on record; train it to record.runs_to
        search.report(record.number, 100, {"validation/fd": 12.0})
        search.tell(record.number, outcome)
    """

    def __init__(
        self,
        storage: BaseStorage,
        contender: ContenderAtBudget,
        *,
        trials: int,
        seed: int,
        sampler: SamplerName = "tpe",
        scheduler: SchedulerConfig | None = None,
        earlier: Sequence[Record] = (),
        evolves: Sequence[str] = (),
        borrow: bool = True,
        first_trials: int | None = None,
    ) -> None:
        self.contender, self.goals = contender, contender.goals
        self._earlier, self._storage, self._seed = len(earlier), storage, seed
        self._study_id = entries.study_in(storage, contender.name, self.goals)
        options, updates = contender.options(), contender.budget.updates
        form = scheduler or SchedulerConfig()
        schedulers = [form.build(updates, trials, len(self.goals)) for _ in options]
        self.rungs = schedulers[0].rungs
        """Updates, below the end of the budget, at which its trials must report."""
        self._sampler = Sampler(
            sampler,
            contender.space,
            seed=seed,
            trials=trials,
            rungs=self.rungs,
            updates=updates,
            earlier=earlier,
            objectives=len(self.goals),
            first_trials=first_trials,
        )
        fewest = min(self._sampler.most_trials(contender.compared(option)) for option in options) if trials else 0
        counts = [configurations(contender.space, contender.compared(option)) for option in options]
        self.configurations = None if None in counts else sum(count for count in counts if count is not None)
        """The number of configurations of the whole space; None if it is infinite."""
        if self.configurations is not None and not isinstance(schedulers[0], Generations):
            # Trials of a sweep that was started before repeats were left out stay on record.
            on_record = -(-len(storage.get_all_trials(self._study_id, deepcopy=False)) // len(options))
            fewest = min(fewest, max(on_record, *(count for count in counts if count is not None), 1))
        each = min(trials, fewest)
        self.trials = each * len(options)
        """How many trials the search has, of all arms: fewer than were asked for if a grid has fewer points, or the
        space fewer configurations. A compared option that has fewer than another repeats some."""
        self.arms = [
            Arm(contender, option, position, len(options), each, scheduler)
            for position, (option, scheduler) in enumerate(zip(options, schedulers, strict=True))
        ]
        self.borrows = borrow and sampler != "grid" and form.name != "population"
        """Whether trials borrow values: not on a grid, which has its own points, nor in a population, whose members
        all begin at once."""
        self.lenders: Sequence[Arm] = self.arms
        """The arms whose best values its trials may borrow; a sweep adds those of other contenders."""
        self.records: list[Record] = []
        """The trials of all arms on record; the n-th has the number n."""
        self.population: Population | None = None
        if isinstance(generations := schedulers[0], Generations):
            self.population = Population(
                storage, self.records, generations, contender.space, evolves, 
                lambda value, broken: self._losses((value,), broken)[0],
                members=[each] * len(options), seed=seed, window=form.window,
            )  # fmt: skip
        self._recover()

    @property
    def evolves(self) -> tuple[str, ...]:
        """The paths whose values change while trials train; empty outside a population."""
        return () if self.population is None else self.population.evolves

    @property
    def drawn_at_random(self) -> list[str]:
        """The paths that the sampler draws at random though it learns from trials."""
        return self._sampler.drawn_at_random(self.contender.contender.compared_paths) if self.trials else []

    @property
    def begins_with_the_recipe(self) -> bool:
        """Whether the first trial of every arm is the contender's own configuration: not on a grid, which has its own
        points."""
        return self._sampler.name != "grid"

    def arm_of(self, record: Record) -> Arm:
        """The arm that ``record`` is a trial of."""
        return self.arms[record.number % len(self.arms)]

    def ask(self) -> Record:
        """A new trial, now on record. The first trial of every arm is the contender's own configuration, so that the
        recipe is always tried (except on a grid, which has its own points). Its last trials borrow values from the best
        other arm."""
        number = len(self.records)
        arm = self.arms[number % len(self.arms)]
        fixed = arm.compared
        loan = loan_for(arm, self.lenders) if self.borrows else None
        if not arm.records and self.begins_with_the_recipe:
            recipe, _ = values_within(flatten(with_values(self.contender.config, fixed)), self.contender.space)
            fixed = {**recipe, **fixed}
        elif loan is not None:
            fixed = loan.values
        index = len(arm.records)
        values, attrs = self._sampler.suggest(number, index, self.goals, self.records, fixed)
        if self.configurations is not None and self.population is None:  # a repeat would be equal to the last bit
            tried = [record.values for record in arm.records]
            values = nearest_untried(
                self.contender.space, values, tried, arm.compared, seed=self._seed, number=number
            )  # fmt: skip
        runs_to = arm.scheduler.runs_to(index)
        record = entries.begin(
            self._storage, self._study_id, number, self.contender.space, values, runs_to, attrs,
            lender="" if loan is None else loan.lender,
        )  # fmt: skip
        self._add(record)
        return record

    def promote(self) -> Record | None:
        """A waiting trial that is good enough to go on, running again; None if there is none."""
        if self.population is not None:
            return self.population.promote()
        ends = None
        if any(record.state == "paused" for record in self.records):
            ends = self._sampler.expected_ends(self.goals, self.records)
        for arm in self.arms:
            promoted = arm.scheduler.promote(None if ends is None else ends[arm.position :: arm.turns])
            if promoted is not None:
                return self._go_on(arm, *promoted)
        return None

    def settle(self, arm: Arm) -> tuple[Record | None, list[Record]]:
        """How ``arm`` comes to its end once all its trials have begun, none runs and none can be promoted: (the best
        waiting trial, running again, if no trial has completed yet; otherwise the waiting trials, which will never go
        on). Before that: (None, [])."""
        if self.population is not None:
            return None, self.population.stranded(arm.position)
        if len(arm.records) < arm.trials or any(record.state == "running" for record in arm.records):
            return None, []
        if not any(record.state == "completed" for record in arm.records):
            rescued = arm.scheduler.rescue()
            if rescued is not None:
                return self._go_on(arm, *rescued), []
        return None, [record for record in arm.records if record.state == "paused"]

    def hopeless(self) -> list[Record]:
        """The waiting trials that will never go on, whatever is still reported. An arm in which no trial has completed
        has none, as its best waiting trial may yet be rescued. A search whose model ranks the trials has none, as the
        model may rank any of them higher later."""
        if self._sampler.expects_ends:
            return []
        return [
            arm.records[index]
            for arm in self.arms
            if any(record.state == "completed" for record in arm.records)
            for index in arm.scheduler.hopeless()
        ]

    def interrupted(self) -> list[Record]:
        """The trials that are running: after a crash, those that the crash interrupted."""
        return [record for record in self.records if record.state == "running" and record.pruned_after is None]

    def report(self, number: int, step: int, metrics: Mapping[str, float]) -> Verdict:
        """Record the goals' values among ``metrics`` and how far the metrics are from the constraints, and say whether
        the trial goes on. A goal that is not finite or is missing is not recorded. A report that is on record is not
        judged again: a run that goes on after a crash announces its checkpoint, and its peers may be others by then."""
        record = self.records[number]
        if record.copies and step <= record.copies[-1].step:
            return "go"  # a report of its donor, which the copied checkpoint repeats
        if step in record.reports:
            return "prune" if record.prune_verdicts.get(step) else "go"
        values, broken = self.values_in(metrics), violations(self.contender.constraints, metrics)
        arm = self.arm_of(record)
        verdict = arm.scheduler.report(arm.index(record), step, self._losses(values, broken))
        if all(map(math.isfinite, values)):
            entries.report(self._storage, record, step, values, broken, pruned=verdict == "prune")
        return verdict

    def pause(self, number: int) -> None:
        """Let a trial wait that has reached ``runs_to`` and has reported."""
        record = self.records[number]
        arm = self.arm_of(record)
        arm.scheduler.pause(arm.index(record), record.runs_to, promoted=False)
        record.state = "paused"

    def tell(self, number: int, outcome: Outcome, *, stranded: bool = False) -> bool:
        """Record how a trial ended. False if a population will replace it instead (unless it is ``stranded`` in one).

        If the one goal is stability, a divergence counts as measured: the trial is COMPLETE, with the share of its
        updates that it survived. Beside other goals it does not: their values at the divergence belong to another
        training than those at the end.
        """
        record = self.records[number]
        values = self.values_in(outcome.metrics)
        # A trial without finite goals cannot be compared with others.
        lacking = not all(map(math.isfinite, values))
        ended = "diverged" if outcome.kind == "completed" and lacking else outcome.kind
        if self.population is not None and not stranded and self.population.lose(record, ended):
            return False
        alone = [goal.metric for goal in self.goals] == [STABILITY]
        measured = ended == "completed" or (alone and ended == "diverged")
        broken = violations(self.contender.constraints, outcome.metrics) if measured else {}
        entries.end(self._storage, record, ended, outcome, values if measured else None, broken)
        arm = self.arm_of(record)
        arm.scheduler.close(arm.index(record), ended == "completed")
        return True

    def values_in(self, metrics: Mapping[str, float]) -> tuple[float, ...]:
        """Each goal's value among ``metrics``; NaN if it is missing."""
        return tuple(metrics.get(goal.metric, math.nan) for goal in self.goals)

    def replay(self, arm: Arm) -> tuple[tuple[Segment, ...], str | None]:
        """The schedule by which the best trial of ``arm`` was trained, and that trial's run; ((), None) outside a
        population."""
        best = None if self.population is None else arm.best()
        if self.population is None or best is None:
            return (), None
        return self.population.schedule(best.number), search_name(arm.name, best.number)

    def replay_as_json(self, arm: Arm) -> list[dict[str, Any]]:
        """The schedule of :meth:`replay` for the results: the values that evolve, and the trial that trained with
        them."""
        best = None if self.population is None else arm.best()
        return (
            [] if self.population is None or best is None else self.population.schedule_as_json(best.number, arm.name)
        )

    def _recover(self) -> None:
        for number, trial in enumerate(self._storage.get_all_trials(self._study_id, deepcopy=False)):
            record = record_of(number, trial, self.rungs)
            self._add(record)
            self._report_again(record)
        if self.population is not None:
            self.population.recover()

    def _add(self, record: Record) -> None:
        record.warm_start_trials = self._earlier
        self.records.append(record)
        self.arm_of(record).records.append(record)

    def _report_again(self, record: Record) -> None:
        """Report a recorded trial to its scheduler again, in the order in which it happened."""
        arm = self.arm_of(record)
        scheduler, index = arm.scheduler, arm.index(record)
        for step in sorted(record.reports):
            scheduler.report(index, step, self._losses(record.reports[step], record.violations.get(step, {})))
            waited = step in self.rungs and scheduler.runs_to(index) <= step <= record.runs_to
            if waited and (step < record.runs_to or record.state != "running"):
                scheduler.pause(index, step, promoted=step < record.runs_to)
        if record.ended:
            scheduler.close(index, record.state == "completed")

    def _go_on(self, arm: Arm, index: int, runs_to: int) -> Record:
        record = arm.records[index]
        entries.go_on(self._storage, record, runs_to)
        return record

    def _losses(self, values: Sequence[float], broken: Mapping[str, float]) -> Losses:
        return losses_of(self.goals, values, broken)
