"""All that a sweep's folder says, read once, with a sentence for each part of it that cannot be read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gibbsweep.errors import UserError
from gibbsweep.folder.layout import RESULTS
from gibbsweep.report.run import Run, read_runs
from gibbsweep.results.results import Results
from gibbsweep.results.row import Row
from gibbsweep.study.goal import Goal
from gibbsweep.tune.folder.driver import is_driven
from gibbsweep.tune.folder.layout import SweepDir
from gibbsweep.tune.plan.outline import Outline, read_outline

State = str
"""``running``, ``finished``, or ``not finished`` where nothing drives a sweep that has no table."""


@dataclass(frozen=True)
class Evidence:
    """What is known of a sweep: ``read_evidence(SweepDir(Path("runs/cd_k-1")))``."""

    sweep: SweepDir
    record: Mapping[str, Any]
    """The content of ``sweep.json``."""
    state: State
    goals: Mapping[str, tuple[Goal, ...]]
    """By contender."""
    outlines: Mapping[str, Outline]
    """By contender; empty where the sweep has planned nothing yet."""
    runs: Sequence[Run]
    results: Results | None
    """The table of a finished sweep."""
    rows: Sequence[Row]
    """The rows of the table, or, before there is one, those of what is known so far."""
    problems: Sequence[str] = field(default_factory=tuple)
    """A sentence for each file that could not be read."""

    @property
    def name(self) -> str:
        return self.sweep.name

    @property
    def question(self) -> str:
        return str(self.record.get("question", ""))

    def goals_of(self, contender: str) -> tuple[Goal, ...]:
        """The goals of a contender; empty where they are not known."""
        return self.goals.get(contender, ())

    def first_goal(self) -> Goal | None:
        """The first goal of the first contender that has one."""
        return next((goals[0] for goals in self.goals.values() if goals), None)

    def searched(self, contender: str = "") -> list[Run]:
        """The search trials, of one contender or of all."""
        return [run for run in self.runs if run.kind == "search" and contender in ("", run.contender)]

    def retrained(self, group: str = "") -> list[Run]:
        """The retrainings, of one row's group or of all."""
        return [run for run in self.runs if run.kind == "retrain" and group in ("", run.group)]

    def groups(self) -> list[str]:
        """The rows of the table without their places on fronts, in its order."""
        return list(dict.fromkeys([*(row.group for row in self.rows), *(run.group for run in self.runs)]))


def read_evidence(sweep: SweepDir) -> Evidence:
    """Read the folder of ``sweep``, which has a record; whatever else is missing or damaged is said in ``problems``."""
    problems: list[str] = []
    record = sweep.record()
    outlines: dict[str, Outline] = {}
    try:
        outlines = read_outline(sweep)
    except UserError as error:
        problems.append(str(error))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        problems.append(f"{sweep.outline} cannot be read ({error}): the rungs of the search are not shown.")
    goals = {name: outline.goals for name, outline in outlines.items()} or _goals_on_record(record)
    results = _read_results(sweep, problems)
    compared = {name: _compared_paths(one) for name, one in _by_contender(record).items()}
    runs = read_runs(sweep, goals, compared, problems)
    try:
        driven = is_driven(sweep)
    except OSError as error:
        driven = False
        problems.append(f"whether the sweep runs cannot be seen ({error}).")
    # The driver of a sweep that has just ended is still there when it writes the page.
    over = results is not None and (not driven or all(run.outcome is not None for run in runs))
    state = "finished" if over else "running" if driven else "not finished"
    rows = results.rows if results is not None else rows_so_far(runs)
    return Evidence(sweep, record, state, goals, outlines, runs, results, rows, tuple(problems))


def rows_so_far(runs: Sequence[Run]) -> list[Row]:
    """The rows by the runs that have ended. Their kind, energy or baseline, is not on record before the table is."""
    groups: dict[str, list[Run]] = {}
    for run in runs:
        groups.setdefault(run.group, []).append(run)
    rows = []
    for members in groups.values():
        search = [run.outcome for run in members if run.kind == "search" and run.outcome is not None]
        retrained = [run for run in members if run.kind == "retrain"]
        for front in dict.fromkeys(run.front for run in retrained) or [""]:
            ended = {(run.view, run.seed): run.outcome for run in retrained if run.front == front and run.outcome}
            rows.append(Row.of(members[0].contender, "", members[0].option, {}, search, ended, front=front))
    return rows


def _read_results(sweep: SweepDir, problems: list[str]) -> Results | None:
    for path in sorted(sweep.results.glob("*.json")):
        try:
            return Results.from_json(path.read_text())
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            problems.append(
                f"the table {RESULTS}/{path.name} cannot be read ({type(error).__name__}: {error}): what the runs say "
                "is shown in its place."
            )
    return None


def _by_contender(record: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    fingerprint = record.get("fingerprint")
    return fingerprint if isinstance(fingerprint, Mapping) else {}


def _goals_on_record(record: Mapping[str, Any]) -> dict[str, tuple[Goal, ...]]:
    goals: dict[str, tuple[Goal, ...]] = {}
    for name, one in _by_contender(record).items():
        goal = one.get("goal", [])
        try:
            goals[name] = tuple(Goal(**g) for g in ([goal] if isinstance(goal, Mapping) else goal))
        except TypeError:
            continue  # a record of another form: the page says that no goal is known
    return goals


def _compared_paths(one: Mapping[str, Any]) -> tuple[str, ...]:
    compare = one.get("compare")
    return () if compare is None else (compare,) if isinstance(compare, str) else tuple(compare)


def space_of(evidence: Evidence, contender: str) -> Mapping[str, Any]:
    """The searched domains of a contender as the record describes them, those beneath a choice too: by path."""
    space = _by_contender(evidence.record).get(contender, {}).get("space", {})
    return _flat_space(space if isinstance(space, Mapping) else {})


def defaults_of(evidence: Evidence, contender: str) -> Mapping[str, Any]:
    """The values of the recipe that the search began with, by path."""
    config: Mapping[str, Any] = _by_contender(evidence.record).get(contender, {}).get("config", {})
    return config


def _flat_space(space: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for path, domain in space.items():
        flat[path] = domain
        then = domain.get("then", {}) if isinstance(domain, Mapping) else {}
        for below in then.values() if isinstance(then, Mapping) else ():
            flat |= _flat_space(below if isinstance(below, Mapping) else {})
    return flat


def as_text(value: Any) -> str:
    """A value of a configuration as a person reads it."""
    if isinstance(value, float):
        return f"{value:.3g}"
    return value if isinstance(value, str) else json.dumps(value)


def page_path(sweep: SweepDir) -> Path:
    """Where the page of a sweep is, unless another file is named: among the results, which tracking sends on."""
    return sweep.results / "report.html"
