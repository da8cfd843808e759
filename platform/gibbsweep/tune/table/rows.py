"""The table of a sweep: a row for each arm or, for an arm with a Pareto front, a row for each retrained member of the
front."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gibbsweep.results.row import Row
from gibbsweep.study.constraint import describe_violations
from gibbsweep.study.space import flatten
from gibbsweep.tune.plan.plan import Plan
from gibbsweep.tune.plan.retrainings import Retraining
from gibbsweep.tune.population.summary import replaced_members
from gibbsweep.tune.search.arm import Arm
from gibbsweep.tune.search.front import FrontMember
from gibbsweep.tune.search.search import Search
from gibbsweep.tune.table.tuned import tuning_of


def rows_of(plan: Plan) -> list[Row]:
    """The rows of ``plan`` by what is known so far."""
    return [row for search in plan.searches() for arm in search.arms for row in _rows(plan, search, arm)]


def _rows(plan: Plan, search: Search, arm: Arm) -> Iterator[Row]:
    searched = [plan.outcomes[run] for run in arm.search_runs() if run in plan.outcomes]
    whole = {} if arm.trials else flatten(arm.contender.config)  # nothing was searched
    for retraining in plan.retrainings(arm) or [Retraining(FrontMember("", {}), {})]:
        row = Row.of(
            arm.name,
            arm.contender.kind,
            arm.compared,
            {**whole, **retraining.member.values},
            searched,
            {key: plan.outcomes[run] for key, run in retraining.runs.items() if run in plan.outcomes},
            front=retraining.member.label,
            replaced=len(replaced_members(arm.records)),
        )
        means = {metric: statistic.mean for metric, statistic in row.metrics.items()}
        broken = describe_violations(arm.contender.constraints, means) if row.seeds else []
        tuning = tuning_of(search, arm, retraining.member)
        yield replace(row, violated=broken, schedule=search.replay_as_json(arm), tuning=tuning)
