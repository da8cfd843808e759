"""The results of a finished sweep: its rows, their cost, and the study's findings."""

from __future__ import annotations

from dataclasses import replace

from gibbsweep.data import load
from gibbsweep.evaluate import described
from gibbsweep.folder import as_file_name
from gibbsweep.results.accounting import Accounting
from gibbsweep.results.results import Results
from gibbsweep.results.row import Row
from gibbsweep.run.provenance import git_commit
from gibbsweep.study.study import Study
from gibbsweep.tune.folder.clock import SweepClock
from gibbsweep.tune.options.options import SweepOptions
from gibbsweep.tune.options.settings import Settings
from gibbsweep.tune.plan.plan import Plan
from gibbsweep.tune.population.summary import seconds_replaced
from gibbsweep.tune.search.importance import importances_of
from gibbsweep.tune.setup.prepare import all_evaluators
from gibbsweep.tune.table.rows import rows_of


def assemble(
    study: Study, options: SweepOptions, settings: Settings, plan: Plan, clock: SweepClock, *, command: str
) -> Results:
    """The results of ``plan``, all of whose runs have ended. ``command``: the one that repeats the sweep."""
    dataset, rows = load(plan.views[0], root=options.data_root), rows_of(plan)
    results = Results(
        study=study.name,
        question=study.question,
        data=settings.data,
        budget=settings.budget,
        device=", ".join(sorted({o.device for o in plan.outcomes.values() if o.device})) or "no device",
        commit=git_commit(),
        columns=_columns_with_values(study, rows),
        note=study.note,
        rows=rows,
        importances={label: shares for search in plan.searches() for label, shares in importances_of(search).items()},
        wall_seconds=clock.wall_seconds,
        accounting=Accounting.of(
            plan.outcomes.values(),
            devices=clock.devices,
            available=clock.available,
            replaced=[
                (plan.outcomes[run].kind, seconds)
                for search in plan.searches()
                for run, seconds in seconds_replaced(
                    search.contender.name, search.records, search.rungs, plan.sweep
                ).items()
            ],
        ),
        source=dataset.source,
        verdicts=[v for target in study.targets if (v := target.judge(rows, settings.data)) is not None],
        goals=study.answered_by,
        command=command,
        sweep=plan.sweep.name,
        stem=study.name if settings.data == study.data else f"{study.name}_{as_file_name(settings.data)}",
    )
    sentences = described(all_evaluators(study, settings), dataset)
    return replace(results, findings=[*study.findings(results), *sentences])


def _columns_with_values(study: Study, rows: list[Row]) -> dict[str, str]:
    """The columns for which any row has a number: a study of several data sets may name more columns than one run
    measures."""
    filled = {key: heading for key, heading in study.columns.items() if any(key in row.metrics for row in rows)}
    return filled or dict(study.columns)
