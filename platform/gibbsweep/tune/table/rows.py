"""The table of a sweep: a row for each contender and compared option, and of a Pareto front for each of its members that is retrained."""

from __future__ import annotations

from dataclasses import replace

from gibbsweep.results.row import Row
from gibbsweep.study.constraint import violated
from gibbsweep.study.space import flatten
from gibbsweep.tune.plan.plan import Plan
from gibbsweep.tune.population.summary import replaced_members
from gibbsweep.tune.search.front import Member


def rows_of(plan: Plan) -> list[Row]:
    """What is known so far."""
    rows = []
    for name, search in plan.searches.items():
        contender = search.contender
        for option in contender.options():
            searched = [plan.outcomes[run] for run in plan.search_runs(name, option) if run in plan.outcomes]
            replaced = len(replaced_members(search.records_of(option)))
            for position, member in enumerate(plan.chosen.members(name, option) or [Member("", {})]):
                runs = plan.chosen.names(name, option, position)
                retrained = {key: plan.outcomes[run] for key, run in runs.items() if run in plan.outcomes}
                best = {**(flatten(contender.config) if plan.trials[name] == 0 else {}), **member.values}
                compared = contender.compared(option)
                row = Row.of(
                    name, contender.kind, compared, best, searched, retrained, front=member.label, replaced=replaced
                )
                means = {metric: statistic.mean for metric, statistic in row.metrics.items()}
                against = violated(plan.study.constraints_of(name), means) if row.seeds else []
                rows.append(replace(row, violated=against, schedule=search.replay_as_json(option)))
    return rows
