"""The runs of a sweep and the rows of its table, read from its folder while it runs, stopped or over."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gibbsweep.errors import UserError
from gibbsweep.folder import Outcome, RunFolder, SpoolRecord, last_record
from gibbsweep.folder.layout import CONFIG
from gibbsweep.folder.whole import read_json_object
from gibbsweep.results.results import Results
from gibbsweep.results.row import Row
from gibbsweep.study.goal import Goal, goal_names
from gibbsweep.tune.folder.driver import is_driven
from gibbsweep.tune.folder.layout import SweepDir, search_name
from gibbsweep.tune.journal.record import Record
from gibbsweep.tune.plan.outline import Outline, read_outline
from gibbsweep.tune.status.bests import bests_of
from gibbsweep.tune.status.from_folder import trial_records


@dataclass(frozen=True)
class Run:
    """One run of a sweep, as its folder has it."""

    name: str
    """Its name."""
    path: Path
    """Its folder."""
    config: Mapping[str, Any]
    """The content of its ``config.json``."""
    compared: Mapping[str, Any]
    """The values of the compared options, by path."""
    outcome: Outcome | None
    """How it ended; None while it has not."""

    @property
    def contender(self) -> str:
        return str(self.config["contender"])

    @property
    def kind(self) -> str:
        """``search`` or ``retrain``."""
        return str(self.config["kind"])

    def last_report(self) -> SpoolRecord | None:
        """Its last report."""
        return last_record(RunFolder(self.path).spool)


@dataclass(frozen=True)
class SweepRow:
    """A row of a sweep's table with the runs that it is made of."""

    row: Row
    """The row: the table's where the sweep is over, else what is known so far."""
    goals: tuple[Goal, ...]
    """What its search optimises."""
    trials: tuple[Run, ...]
    """The trials of its search that have begun."""
    retrained: tuple[Run, ...]
    """The retrainings of its best configuration that have begun."""
    best_trial: str
    """The best trial so far, by the goal and the constraints, as in ``gibbsweep status``; "" before a report."""

    @property
    def goal(self) -> Goal:
        """The goal that its runs are compared by: the one of which it is the best on a Pareto front, else the first."""
        names = dict(zip(goal_names(self.goals), self.goals, strict=True))
        return names.get(self.row.front.removeprefix("for "), self.goals[0])

    @property
    def best(self) -> Run | None:
        """The run to use: of the retrainings that completed the best by the goal, which looks at validation data alone;
        before there is one, the best trial. None before there is either."""
        done = [run for run in self.retrained if run.outcome is not None and run.outcome.kind == "completed"]
        if done:
            return min(done, key=lambda run: _loss(self.goal, run.outcome))
        return next((run for run in self.trials if run.name == self.best_trial), None)

    @property
    def value(self) -> float:
        """The goal's mean over the retrainings, or before there is one the best trial's value; NaN where neither has
        it."""
        if self.goal.metric in self.row.metrics and self.row.metrics[self.goal.metric].n:
            return self.row.metrics[self.goal.metric].mean
        return self.trial_value

    @property
    def trial_value(self) -> float:
        """The best trial's value of the goal; NaN where it has none."""
        run = next((run for run in self.trials if run.name == self.best_trial), None)
        return math.nan if run is None else run_value(run, self.goal)


def run_value(run: Run, goal: Goal) -> float:
    """What ``run`` has of ``goal`` at its end, or else at its last report; NaN where it has not."""
    if run.outcome is not None:
        return run.outcome.metrics.get(goal.metric, math.nan)
    report = run.last_report()
    return math.nan if report is None else report.metrics.get(goal.metric, math.nan)


def _loss(goal: Goal, outcome: Outcome | None) -> float:
    value = math.nan if outcome is None else outcome.metrics.get(goal.metric, math.nan)
    return math.inf if math.isnan(value) else goal.loss(value)


def runs_of(sweep: SweepDir) -> list[Run]:
    """All runs of ``sweep`` that have begun, by name."""
    record = sweep.record()
    runs = []
    for path in sorted(sweep.runs_with(CONFIG)):
        config = read_json_object(RunFolder(path).config)
        missing = {"contender", "kind", "seed", "params", "data"} - set(config)
        if missing:
            raise UserError(
                f"{RunFolder(path).config} lacks {', '.join(sorted(missing))}: restore it from a copy, or remove "
                f"{path} to leave the run out."
            )
        paths = _compared_paths(record, config["contender"])
        compared = {path: config["params"][path] for path in paths if path in config["params"]}
        runs.append(Run(path.name, path, config, compared, Outcome.read(path)))
    return runs


def finished_results(sweep: SweepDir) -> Results | None:
    """The table of a sweep that is over; None for one that runs or stopped before its end."""
    if is_driven(sweep):
        return None
    for path in sorted(sweep.results.glob("*.json")):
        record = read_json_object(path)
        if record.get("study") == sweep.record()["study"] and "rows" in record:
            return Results.from_json(path.read_text())
    return None


def rows_of(sweep: SweepDir, runs: Sequence[Run] | None = None) -> list[SweepRow]:
    """The rows of ``sweep``: those of its table where it is over, else a row for each compared option of which a run
    has begun, in the order of their contenders. ``runs``: those of :func:`runs_of`, where they are read already. Raises
    UserError before the sweep has planned its runs."""
    outlines = read_outline(sweep)
    runs = runs_of(sweep) if runs is None else runs
    records = trial_records(sweep, outlines)
    results = finished_results(sweep)
    rows = results.rows if results is not None else list(_rows_so_far(outlines, runs))
    return [_with_runs(row, outlines[row.contender], runs, records[row.contender]) for row in rows]


def _rows_so_far(outlines: Mapping[str, Outline], runs: Sequence[Run]) -> Iterator[Row]:
    for contender in outlines:
        of_contender = [run for run in runs if run.contender == contender]
        trials = [run for run in of_contender if run.kind == "search"]
        retrained = [run for run in of_contender if run.kind == "retrain"]
        for compared in _distinct([*_by_number(trials), *retrained]):
            searched = [run.outcome for run in trials if run.compared == compared and run.outcome is not None]
            of_row = [run for run in retrained if run.compared == compared]
            for front in dict.fromkeys(run.config.get("front", "") for run in of_row) or [""]:
                repeated = [run for run in of_row if run.config.get("front", "") == front]
                outcomes = {
                    (run.config["data"]["name"], run.config["seed"]): run.outcome
                    for run in repeated
                    if run.outcome is not None
                }
                config = repeated[0].config["params"] if repeated else {}
                yield Row.of(contender, "", compared, config, searched, outcomes, front=front)


def _by_number(trials: Sequence[Run]) -> list[Run]:
    """``trials`` in the order in which they were asked for; a number of five digits comes after 9999."""
    return sorted(trials, key=lambda run: (len(run.name), run.name))


def _distinct(runs: Sequence[Run]) -> list[Mapping[str, Any]]:
    """The compared values of ``runs``, each once."""
    return list({json.dumps(run.compared): run.compared for run in runs}.values())


def _with_runs(row: Row, outline: Outline, runs: Sequence[Run], records: Sequence[Record]) -> SweepRow:
    compared = json.loads(json.dumps(row.compared))
    of_row = [run for run in runs if run.contender == row.contender and run.compared == compared]
    trials = tuple(run for run in _by_number(of_row) if run.kind == "search")
    retrained = [run for run in of_row if run.kind == "retrain" and run.config.get("front", "") == row.front]
    names = {run.name for run in trials}
    own = [record for record in records if search_name(row.contender, record.number) in names]
    bests, _ = bests_of(row.contender, outline, own)
    return SweepRow(row, outline.goals, trials, tuple(retrained), bests[0].run if bests else "")


def _compared_paths(record: Mapping[str, Any], contender: str) -> tuple[str, ...]:
    compare = record["fingerprint"].get(contender, {}).get("compare")
    return () if compare is None else (compare,) if isinstance(compare, str) else tuple(compare)
