"""The order of a sweep's runs: every contender's search, then the retraining of what it finds. Knows no Ray."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from gibbsweep.folder import OUTCOME_KINDS, CheckpointCopy, Outcome
from gibbsweep.study.at_budget import ContenderAtBudget
from gibbsweep.study.study import Study
from gibbsweep.tune.folder.layout import SweepDir, search_name
from gibbsweep.tune.journal.record import Record
from gibbsweep.tune.options.settings import Settings
from gibbsweep.tune.plan.retrainings import Retraining, Retrainings
from gibbsweep.tune.plan.run import PlannedRun
from gibbsweep.tune.plan.stopped import end_stopped, stopped_outcome
from gibbsweep.tune.population.checkpoint_copies import CheckpointCopies
from gibbsweep.tune.search.arm import Arm
from gibbsweep.tune.search.of_study import searches_of
from gibbsweep.tune.search.search import Search


class Plan:
    """Hands out runs one by one and takes their outcomes. After a crash it is rebuilt from the journal and the run
    folders.

    For example::

        plan = Plan(study, settings, sweep)
        while (run := plan.next()) is not None:
            outcome = ...  # train it
            plan.close(run.name, outcome)
    """

    def __init__(self, study: Study, settings: Settings, sweep: SweepDir) -> None:
        self.study, self.settings, self.sweep = study, settings, sweep
        self.views = study.views(settings.data)
        """The data views that best configurations are retrained on; search uses the first alone."""
        self._searches = searches_of(study, settings, sweep)
        self._retrainings = Retrainings(settings, self.views, study.front_size)
        self._checkpoint_copies = CheckpointCopies(sweep)
        self._running: dict[str, PlannedRun] = {}
        self._outcomes: dict[str, Outcome] = {}
        self._contenders: dict[str, str] = {}
        self._interrupted: list[PlannedRun] = []
        self._retrained: set[str] = set()
        self._recover()

    def searches(self) -> Sequence[Search]:
        """The search of each contender."""
        return list(self._searches.values())

    def arms(self) -> list[Arm]:
        """Every compared option of every contender."""
        return [arm for search in self._searches.values() for arm in search.arms]

    def search_of(self, contender: str) -> Search:
        """The search of one contender."""
        return self._searches[contender]

    def contender_of(self, run: str) -> ContenderAtBudget:
        """The contender of a run that is running or has ended."""
        return self._searches[self._contenders[run]].contender

    def run_dir(self, run: str) -> Path:
        """The folder of a run."""
        return self.sweep.trial(run)

    @property
    def running(self) -> Mapping[str, PlannedRun]:
        """The runs that were handed out and have not ended, by name."""
        return MappingProxyType(self._running)

    @property
    def outcomes(self) -> Mapping[str, Outcome]:
        """How runs ended, by name."""
        return MappingProxyType(self._outcomes)

    @property
    def copies(self) -> Sequence[tuple[str, CheckpointCopy]]:
        """The checkpoints that this process has copied in populations, as (run, copy)."""
        return self._checkpoint_copies.made

    @property
    def total(self) -> int:
        """The number of runs of the whole sweep, with those that retrained what is the best no more."""
        planned = sum(arm.trials + len(self.retraining_runs(arm)) for arm in self.arms())
        return planned + sum(run in self._outcomes for arm in self.arms() for run in self._retrainings.superseded(arm))

    def retrainings(self, arm: Arm) -> list[Retraining]:
        """What of ``arm`` is retrained, as far as its search has ended trials."""
        return self._retrainings.of(arm)

    def retraining_runs(self, arm: Arm) -> list[str]:
        """The names of the runs that retrain what ``arm`` finds; before its search has ended, the most that there may
        be."""
        return self._retrainings.names(arm)

    def next(self) -> PlannedRun | None:
        """The next run to start. None while running ones must end first, or if nothing is left (see
        :meth:`finished`)."""
        planned = self._next()
        if planned is not None:
            self._running[planned.name] = planned
            self._contenders[planned.name] = planned.contender
        return planned

    def finished(self) -> bool:
        """Whether no run is left to start and none is running."""
        if self._running or self._interrupted:
            return False
        return all(arm.searched() and not self._pending_retrainings(arm) for arm in self.arms())

    def interrupted(self) -> list[Path]:
        """The folders of the runs that an earlier part of the sweep left unfinished."""
        retrained = [
            self.run_dir(run)
            for arm in self.arms()
            for run in self.retraining_runs(arm)
            if run not in self._outcomes and self.run_dir(run).exists()
        ]
        return [self.run_dir(planned.name) for planned in self._interrupted] + retrained

    def report(self, name: str, step: int, metrics: Mapping[str, float]) -> bool:
        """Record a report of a running search trial. ``metrics``: the goals and the metrics that have constraints.
        Returns whether the run is to stop now; its outcome, which says why, is then written."""
        planned = self._running[name]
        if planned.kind != "search":
            return False
        search = self._searches[planned.contender]
        verdict = search.report(planned.number, step, metrics)
        if verdict == "go":
            return False
        run_dir = self.run_dir(name)
        stopped_outcome(verdict, step, search.goals, search.values_in(metrics), run_dir).write(run_dir)
        return True

    def pause(self, name: str) -> bool:
        """Let a run wait that has reached the rung it was to run to; False if it has not reached it."""
        planned = self._running[name]
        paused = Outcome.read(self.run_dir(name), paused=True)
        if planned.kind != "search" or paused is None or paused.step < planned.runs_to:
            return False
        search = self._searches[planned.contender]
        record = search.records[planned.number]
        if planned.runs_to not in record.reports:  # the journal lost its report with the driver
            search.report(planned.number, planned.runs_to, paused.metrics)
        if record.state == "running":
            search.pause(planned.number)
        del self._running[name]
        return True

    def interrupt(self, name: str) -> None:
        """Note that a run was stopped in its course. It goes on when the sweep is resumed."""
        self._interrupted.append(self._running.pop(name))

    def close(self, name: str, outcome: Outcome) -> None:
        """Take the outcome of a running run."""
        planned = self._running.pop(name)
        if planned.kind == "search" and not self._searches[planned.contender].tell(planned.number, outcome):
            return  # it will be replaced at the end of its generation
        self._outcomes[name] = outcome

    def counts(self) -> dict[str, int]:
        """How many runs ended in each way."""
        return {kind: sum(o.kind == kind for o in self._outcomes.values()) for kind in OUTCOME_KINDS}

    def end_paused(self, contender: str, record: Record) -> bool:
        """End a trial that waits at a rung and will not be promoted, or that is lost with its whole population. False
        if it cannot end yet: a kill or a full disk came between its report and its pause, and it has to run again, for
        no update, to write its paused outcome."""
        run_dir = self.run_dir(run := search_name(contender, record.number))
        outcome = Outcome.read(run_dir) if record.state == "lost" else None
        if outcome is None:
            paused = Outcome.read(run_dir, paused=True)
            if paused is None or paused.step < record.runs_to:
                return False
            outcome = replace(paused, kind="pruned", message=f"not among the best after {record.runs_to} updates")
            outcome.write(run_dir)
        self._searches[contender].tell(record.number, outcome, stranded=True)
        self._keep(run, contender, outcome)
        return True

    def _next(self) -> PlannedRun | None:
        if self._interrupted:
            return self._interrupted.pop(0)
        for search in self._searches.values():
            promoted = search.promote()
            if promoted is not None:
                self._copy_checkpoints(search)
                return self._search_run(search, promoted)
        waiting = [search for search in self._searches.values() if len(search.records) < search.trials]
        if waiting:
            # In turns by the trials of an arm, so that all arms know equally much of one another.
            search = min(waiting, key=lambda search: len(search.records) / len(search.arms))
            return self._search_run(search, search.ask())
        for search in self._searches.values():
            for arm in search.arms:
                rescued, ended = search.settle(arm)
                if rescued is not None:
                    return self._search_run(search, rescued)
                for record in ended:
                    if (
                        not self.end_paused(arm.name, record)
                        and search_name(arm.name, record.number) not in self._running
                    ):
                        return self._search_run(search, record)
        return self._next_retraining()

    def _next_retraining(self) -> PlannedRun | None:
        ready = [(arm, pending) for arm in self.arms() if arm.searched() for pending in self._pending_retrainings(arm)]
        if not ready:
            return None
        # The longest first, so that no long run is left alone at the end.
        arm, (retraining, view, seed) = max(ready, key=lambda entry: self._expected_seconds(entry[0]))
        run, member = retraining.runs[view, seed], retraining.member
        self._retrained.add(run)
        schedule, replays = self._searches[arm.name].replay(arm)
        return PlannedRun(
            run, arm.name, "retrain", member.values, seed, view, arm.contender.budget.updates, arm.option,
            front=member.label, schedule=schedule, replays=replays,
        )  # fmt: skip

    def _pending_retrainings(self, arm: Arm) -> list[tuple[Retraining, str, int]]:
        """The retrainings of ``arm`` that have not been handed out, with their views and seeds."""
        return [
            (retraining, view, seed)
            for retraining in self.retrainings(arm)
            for (view, seed), run in retraining.runs.items()
            if run not in self._retrained
        ]

    def _expected_seconds(self, arm: Arm) -> float:
        seconds = [self._outcomes[run].device_seconds for run in arm.search_runs()]
        return statistics.fmean(seconds) if seconds else 0.0

    def _search_run(self, search: Search, record: Record) -> PlannedRun:
        name, population = search.contender.name, search.population
        schedule = () if population is None else population.schedule(record.number)
        return PlannedRun(
            search_name(name, record.number), name, "search", record.values, self.settings.seed, self.views[0],
            record.runs_to, search.arm_of(record).option, record.number, schedule=schedule,
        )  # fmt: skip

    def _copy_checkpoints(self, search: Search) -> None:
        contender = search.contender
        self._checkpoint_copies.make(contender.name, search.records, contender.budget.batch_size)

    def _recover(self) -> None:
        for name, search in self._searches.items():
            self._copy_checkpoints(search)
            end_stopped(search, self.sweep)
            self._interrupted += [self._search_run(search, record) for record in search.interrupted()]
            for record in search.records:
                run = search_name(name, record.number)
                outcome = Outcome.read(self.run_dir(run))
                if outcome is not None and record.state != "lost":
                    self._keep(run, name, outcome)
            for arm in search.arms:
                # What is retrained no more was paid for all the same: its seconds count.
                for run in (*self.retraining_runs(arm), *self._retrainings.superseded(arm)):
                    outcome = Outcome.read(self.run_dir(run))
                    if outcome is not None:
                        self._keep(run, name, outcome)
                        self._retrained.add(run)

    def _keep(self, run: str, contender: str, outcome: Outcome) -> None:
        self._outcomes[run] = outcome
        self._contenders[run] = contender
