"""The assignments of planned runs, which their workers carry out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from gibbsweep.run.assignment import Assignment, assignment_of
from gibbsweep.run.provenance import git_commit
from gibbsweep.study.space import with_values
from gibbsweep.tune.options.options import SweepOptions
from gibbsweep.tune.plan.plan import Plan
from gibbsweep.tune.plan.run import PlannedRun


class Assignments:
    """Makes the assignments of a sweep's runs. What all runs of a contender share is settled once.

    For example::

        assignments = Assignments(plan, options)
        assignment = assignments.of(plan.next())
    """

    def __init__(self, plan: Plan, options: SweepOptions) -> None:
        self._sweep, commit = plan.sweep, git_commit()
        self._shared = {
            search.contender.name: replace(
                whole_run(plan, options, search.contender.name),
                measurements=plan.sweep.precision.absolute() / f"{search.contender.name}.json",
                git_commit=commit,
                announced=search.contender.announced,
                evolves=search.evolves,
                packed=True,
            )
            for search in plan.searches()
        }
        # A search trial also reports at the rungs. A population replaces what diverges, and restarts nothing.
        self._search_budgets = {
            search.contender.name: replace(
                search.contender.budget,
                also_at=search.rungs,
                retries=search.contender.budget.retries if search.population is None else 0,
            )
            for search in plan.searches()
        }

    def of(self, run: PlannedRun) -> Assignment:
        """What the worker of ``run`` has to do."""
        shared, budget = self._shared[run.contender], self._shared[run.contender].budget
        if run.kind == "search":
            budget = self._search_budgets[run.contender]
        elif run.schedule:  # it reports between segments, and may restart
            budget = replace(self._search_budgets[run.contender], retries=budget.retries)
        return replace(
            shared,
            name=run.name,
            kind=run.kind,
            config=shared.config if run.schedule else with_values(shared.config, run.values),
            seed=run.seed,
            data=run.data,
            budget=budget,
            run_dir=self._sweep.trial(run.name).absolute(),
            final_evaluators=() if run.kind == "search" else shared.final_evaluators,
            searched=run.values,
            until=run.runs_to,
            front=run.front,
            schedule=run.schedule,
            replays=run.replays,
        )


def whole_run(plan: Plan, options: SweepOptions, contender: str) -> Assignment:
    """A run of ``contender`` as its study has it, to the end of its budget."""
    return assignment_of(
        plan.search_of(contender).contender,
        seed=plan.settings.seed,
        data=plan.views[0],
        run_dir=Path(),
        data_root=options.data_root,
        validation=plan.study.validation,
        precision=plan.settings.precision,
    )
