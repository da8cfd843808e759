"""The search trials of a sweep as numbers: for importances before there is a table."""

from __future__ import annotations

from gibbsweep.report.evidence import Evidence
from gibbsweep.study.goal import goal_names
from gibbsweep.tune.journal.record import Record
from gibbsweep.tune.search.importance import importances
from gibbsweep.tune.status.from_folder import trial_records


def importances_so_far(evidence: Evidence) -> dict[str, dict[str, float]]:
    """The importances by what the journal has now, as :attr:`gibbsweep.results.results.Results.importances` has them;
    none where the journal cannot be read."""
    try:
        records = trial_records(evidence.sweep, evidence.outlines)
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    found: dict[str, dict[str, float]] = {}
    for contender, of_contender in records.items():
        outline = evidence.outlines[contender]
        if outline.population:  # the values of a member change, so none of them alone explains its goal
            continue
        runs = {run.name: run for run in evidence.searched(contender)}
        groups: dict[str, list[Record]] = {}
        paths: tuple[str, ...] = ()
        for record in of_contender:
            run = runs.get(f"{contender}-{record.number:04d}")
            if run is not None and record.state == "completed" and record.objectives is not None:
                paths = tuple(run.option)
                option = ", ".join(f"{path}={value}" for path, value in run.option.items())
                groups.setdefault(option, []).append(record)
        names = goal_names(outline.goals)
        for i, goal in enumerate(names):
            trials = {option: [record.frozen_for(i) for record in members] for option, members in groups.items()}
            shares = importances(trials, paths)
            if shares:
                found[f"{contender} (for {goal})" if len(names) > 1 else contender] = shares
    return found
