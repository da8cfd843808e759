"""The order of a sweep's runs: every contender's search, then each best configuration's retraining. Knows no Ray."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from gibbsweep.study.study import Study
from gibbsweep.train import OUTCOME_KINDS, Outcome
from gibbsweep.tune.folder.layout import SweepDir, search_name
from gibbsweep.tune.journal.record import Record
from gibbsweep.tune.options.settings import Decided
from gibbsweep.tune.plan.retrainings import Retrainings
from gibbsweep.tune.plan.run import Planned
from gibbsweep.tune.plan.stopped import end_stopped, stopped_outcome
from gibbsweep.tune.population.takeovers import Takeovers
from gibbsweep.tune.search.front import Member
from gibbsweep.tune.search.of_study import searches_of


class Plan:
    """Hands out runs one by one and takes their outcomes. After a crash it is rebuilt from the journal and the run folders."""

    def __init__(self, study: Study, decided: Decided, sweep: SweepDir) -> None:
        self.study, self.decided, self.sweep = study, decided, sweep
        self.views = study.views(decided.data)
        self.searches = searches_of(study, decided, sweep)
        self.chosen = Retrainings(study, decided, self.views, self.searches)
        self.takeovers = Takeovers(sweep)
        self.trials = {name: search.trials for name, search in self.searches.items()}
        self.running: dict[str, Planned] = {}
        self.outcomes: dict[str, Outcome] = {}
        self.contender_of: dict[str, str] = {}
        self._ended: defaultdict[tuple[str, int], set[int]] = defaultdict(set)  # by contender and place of the option
        self._interrupted: list[Planned] = []
        self._retrained: set[str] = set()
        self._recover()

    @property
    def total(self) -> int:
        """Runs of the whole sweep."""
        groups = [(name, option) for name, search in self.searches.items() for option in search.contender.options()]
        return sum(self.trials.values()) + sum(len(self.retrainings(*group)) for group in groups)

    def next(self) -> Planned | None:
        """The next run to start; None while what is running must end first, or when nothing is left (see ``finished``)."""
        planned = self._next()
        if planned is not None:
            self.running[planned.name] = planned
            self.contender_of[planned.name] = planned.contender
        return planned

    def finished(self) -> bool:
        """Whether no run is left to start and none is running."""
        return not self.running and not self._interrupted and all(
            self._searched(name, option) and not self._pending_retrainings(name, option)
            for name, search in self.searches.items()
            for option in search.contender.options()
        )  # fmt: skip

    def interrupted(self) -> list[Path]:
        """The folders of the runs that an earlier part of the sweep left unfinished."""
        retrained = [
            self.sweep.trial(run)
            for name, search in self.searches.items()
            for option in search.contender.options()
            for run in self.retrainings(name, option)
            if run not in self.outcomes and self.sweep.trial(run).exists()
        ]
        return [self.sweep.trial(planned.name) for planned in self._interrupted] + retrained

    def report(self, name: str, step: int, value: float, metrics: Mapping[str, float] | None = None) -> bool:
        """Record the first goal's value of a running search trial, and of ``metrics`` the other goals' and how it keeps to the
        constraints; returns whether it should stop now, and has then written why."""
        planned = self.running[name]
        if planned.kind != "search":
            return False
        search = self.searches[planned.contender]
        verdict = search.report(planned.number, step, value, metrics)
        if verdict == "go":
            return False
        run_dir = self.sweep.trial(name)
        others = [(metrics or {}).get(goal.metric, math.nan) for goal in search.goals[1:]]
        stopped_outcome(verdict, step, search.goals, [value, *others], run_dir).write(run_dir)
        return True

    def pause(self, name: str) -> bool:
        """Let a run wait that has reached the rung it was to run to; False if it has not."""
        planned = self.running[name]
        paused = Outcome.read(self.sweep.trial(name), paused=True)
        if planned.kind != "search" or paused is None or paused.step < planned.runs_to:
            return False
        search = self.searches[planned.contender]
        if planned.runs_to not in search.records[planned.number].reports:  # its report was lost with the driver
            search.report(planned.number, planned.runs_to, paused.metrics[search.goals[0].metric], paused.metrics)
        if search.records[planned.number].state == "running":
            search.pause(planned.number)
        del self.running[name]
        return True

    def interrupt(self, name: str) -> None:
        """A run was stopped in its course: it goes on when the sweep does."""
        self._interrupted.append(self.running.pop(name))

    def close(self, name: str, outcome: Outcome) -> None:
        """Take the outcome of a running run."""
        planned = self.running.pop(name)
        if planned.kind == "search" and not self.searches[planned.contender].tell(planned.number, outcome):
            return  # it will be replaced at the end of its generation
        self._take(name, outcome, planned.contender, planned.number)

    def counts(self) -> dict[str, int]:
        return {kind: sum(o.outcome == kind for o in self.outcomes.values()) for kind in OUTCOME_KINDS}

    def _next(self) -> Planned | None:
        if self._interrupted:
            return self._interrupted.pop(0)
        for name, search in self.searches.items():
            promoted = search.promote()
            if promoted is not None:
                self._take_over(name)
                return self._search_run(name, promoted)
        waiting = [name for name, search in self.searches.items() if len(search.records) < search.trials]
        if waiting:
            name = min(waiting, key=lambda n: len(self.searches[n].records))
            return self._search_run(name, self.searches[name].ask())
        for name, search in self.searches.items():
            for option in search.contender.options():
                rescued, ended = search.settle(option)
                if rescued is not None:
                    return self._search_run(name, rescued)
                for record in ended:
                    if not self.end_paused(name, record) and search_name(name, record.number) not in self.running:
                        return self._search_run(name, record)
        ready = [
            (name, option, member, key, run)
            for name, search in self.searches.items()
            for option in search.contender.options()
            if self._searched(name, option)
            for member, key, run in self._pending_retrainings(name, option)
        ]
        if not ready:
            return None
        # The longest first, so that no long run is left alone at the end.
        name, option, member, (view, seed), run = max(ready, key=lambda item: self._expected_seconds(item[0], item[1]))
        self._retrained.add(run)
        updates = self.study.budget_of(name, self.decided.budget).updates
        schedule, replays = self.searches[name].replay(option)
        return Planned(
            run, name, "retrain", member.values, seed, view, updates, option,
            front=member.label, schedule=schedule, replays=replays,
        )  # fmt: skip

    def _take_over(self, name: str) -> None:
        self.takeovers.carry_out(
            name, self.searches[name].records, self.study.budget_of(name, self.decided.budget).batch_size
        )

    def _recover(self) -> None:
        for name, search in self.searches.items():
            self._take_over(name)
            end_stopped(search, self.sweep)
            self._interrupted += [self._search_run(name, record) for record in search.interrupted()]
            for record in search.records:
                run = search_name(name, record.number)
                outcome = Outcome.read(self.sweep.trial(run))
                if outcome is not None and record.state != "lost":
                    self._take(run, outcome, name, record.number if record.ended else -1)
            for option in search.contender.options():
                for run in self.retrainings(name, option):
                    outcome = Outcome.read(self.sweep.trial(run))
                    if outcome is not None:
                        self._take(run, outcome, name)
                        self._retrained.add(run)

    def _take(self, run: str, outcome: Outcome, contender: str, number: int = -1) -> None:
        """Keep the outcome of a run; ``number``: of a search trial that the journal has as ended. An outcome that a kill has kept from
        the journal is in no record, and might be the best."""
        if number >= 0:
            self._ended[contender, number % len(self.searches[contender].contender.options())].add(number)
        self.outcomes[run] = outcome
        self.contender_of[run] = contender

    def _search_run(self, name: str, record: Record) -> Planned:
        option, population = self.searches[name].option_of(record.number), self.searches[name].population
        schedule = () if population is None else population.schedule(record.number)
        run, seed, view = search_name(name, record.number), self.decided.seed, self.views[0]
        return Planned(
            run, name, "search", record.values, seed, view, record.runs_to, option, record.number, schedule=schedule
        )

    def end_paused(self, name: str, record: Record) -> bool:
        """End a trial that waits at a rung and will not be promoted, or that is lost with its whole population. False if it cannot end
        yet: a kill or a full disk came between its report and its pause, and it has to run again, for no update, to say how it paused."""
        run_dir = self.sweep.trial(run := search_name(name, record.number))
        outcome = Outcome.read(run_dir) if record.state == "lost" else None
        if outcome is None:
            paused = Outcome.read(run_dir, paused=True)
            if paused is None or paused.step < record.runs_to:
                return False
            outcome = replace(paused, outcome="pruned", message=f"not among the best after {record.runs_to} updates")
            outcome.write(run_dir)
        self.searches[name].tell(record.number, outcome, stranded=True)
        self._take(run, outcome, name, record.number)
        return True

    def search_runs(self, name: str, option: Any) -> list[str]:
        """The runs of a contender's search with ``option``, started or not."""
        search = self.searches[name]
        return [search_name(name, n) for n in range(self.trials[name]) if search.option_of(n) == option]

    def _searched(self, name: str, option: Any) -> bool:
        search = self.searches[name]
        return len(self._ended[name, search.contender.options().index(option)]) == search.trials_of(option)

    def retrainings(self, name: str, option: Any) -> list[str]:
        """The runs that retrain what was found: until the search has ended, as many as there may be."""
        several = self.chosen.most(name) > 1 and self._searched(name, option)
        count = len(self.chosen.members(name, option)) if several else self.chosen.most(name)
        return [run for i in range(count) for run in self.chosen.names(name, option, i).values()]

    def _pending_retrainings(self, name: str, option: Any) -> list[tuple[Member, tuple[str, int], str]]:
        return [
            (member, key, run)
            for position, member in enumerate(self.chosen.members(name, option))
            for key, run in self.chosen.names(name, option, position).items()
            if run not in self._retrained
        ]

    def _expected_seconds(self, name: str, option: Any) -> float:
        seconds = [self.outcomes[run].device_seconds for run in self.search_runs(name, option)]
        return statistics.fmean(seconds) if seconds else 0.0
