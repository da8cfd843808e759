"""The Pareto front of a search with two goals."""

from __future__ import annotations

import math

from gibbsweep.report.blocks import Block, Charts, Section
from gibbsweep.report.chart import Chart, Colours, Line
from gibbsweep.report.evidence import Evidence
from gibbsweep.report.run import Run
from gibbsweep.results.dominance import front_ranks
from gibbsweep.study.goal import Goal, goal_names


def section(evidence: Evidence, colours: Colours) -> Section:
    """A figure for each contender that has two goals or more, in its first two."""
    charts = []
    for contender, goals in evidence.goals.items():
        if len(goals) > 1:
            charts += [chart] if (chart := _chart(evidence, contender, goals[0], goals[1], colours)) else []
    blocks: list[Block] = [Charts(charts)] if charts else []
    return Section("front", "Pareto front", blocks)


def _chart(evidence: Evidence, contender: str, first: Goal, second: Goal, colours: Colours) -> Chart | None:
    points = []
    trials = evidence.searched(contender)
    whole = [run for run in trials if run.state == "completed"]
    for run in whole or trials:  # what ended early had less training
        x, y = run.value(first), run.value(second)
        if x is not None and y is not None and math.isfinite(x) and math.isfinite(y):
            points.append((run, x, y))
    if len(points) < 2:
        return None
    ranks = front_ranks([(first.loss(x), second.loss(y)) for _, x, y in points])
    best = sorted({(x, y) for (_, x, y), rank in zip(points, ranks, strict=True) if rank == 0})
    lines = [
        Line("Pareto front", [x for x, _ in best], [y for _, y in best], "#8a8a8a", "lines", width=1.2, dashed=True)
    ]
    groups: dict[str, list[tuple[Run, float, float]]] = {}
    for run, x, y in points:
        groups.setdefault(run.group, []).append((run, x, y))
    for group, members in groups.items():
        lines.append(
            Line(
                group, [x for _, x, _ in members], [y for _, _, y in members], colours[group], "points",
                texts=[(run.name, 1) for run, _, _ in members], size=7,
            )
        )  # fmt: skip
    x_name, y_name = goal_names((first, second))
    good = {"maximize": "high", "minimize": "low"}
    return Chart(
        f"front_{contender}",
        f"{contender}: {len(best)} of {len(points)} trials that trained to the end are on the front"
        if whole
        else f"{contender}: {len(best)} of {len(points)} trials are on the front so far",
        lines,
        x_label=x_name,
        y_label=y_name,
        caption=f"No trial beats those on the front in both; {good[first.direction]} {x_name} and "
        f"{good[second.direction]} {y_name} are good.",
    )
