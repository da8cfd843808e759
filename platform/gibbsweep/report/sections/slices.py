"""Slices: the goal against each searched value, a point a trial."""

from __future__ import annotations

import math
import random

from gibbsweep.report.axes import short_names, varied_axes
from gibbsweep.report.blocks import Block, Charts, Folded, Section
from gibbsweep.report.chart import Chart, Colours, Line, robust_range
from gibbsweep.report.evidence import Evidence
from gibbsweep.report.run import Run

_SHOWN = 12
"""Figures that are not folded."""
_WIDEST = 0.22
"""How far from the place of its option a point may stand, so that equal ones do not hide one another."""


def section(evidence: Evidence, colours: Colours) -> Section:
    """Small figures, one for each searched path of each contender."""
    charts = [chart for contender in evidence.goals for chart in _charts(evidence, contender, colours)]
    blocks: list[Block] = [Charts(charts[:_SHOWN])] if charts else []
    if charts[_SHOWN:]:
        blocks.append(Folded(f"{len(charts) - _SHOWN} more", [Charts(charts[_SHOWN:])]))
    return Section("slices", "One value at a time", blocks)


def _charts(evidence: Evidence, contender: str, colours: Colours) -> list[Chart]:
    goal = next(iter(evidence.goals_of(contender)), None)
    if goal is None:
        return []
    trials = [(run, value) for run in evidence.searched(contender) if (value := run.value(goal)) is not None]
    trials = [(run, value) for run, value in trials if math.isfinite(value)]
    if len(trials) < 3:
        return []
    axes = varied_axes(evidence, contender, [run for run, _ in trials])
    names = short_names([axis.path for axis in axes])
    groups: dict[str, list[tuple[Run, float]]] = {}
    for run, value in trials:
        groups.setdefault(run.group, []).append((run, value))
    cut = robust_range((value for _, value in trials), better=goal.direction)
    several = len([name for name in evidence.goals if evidence.searched(name)]) > 1
    charts = []
    for axis in axes:
        jitter = random.Random(0)
        lines = []
        for group in (group for group in evidence.groups() if group in groups):
            places = [(run, axis.place(run.values.get(axis.path)), value) for run, value in groups[group]]
            points = [(run, x, value) for run, x, value in places if not math.isnan(x)]
            if not points:
                continue
            aside = [jitter.uniform(-_WIDEST, _WIDEST) if axis.options else 0.0 for _ in points]
            lines.append(
                Line(
                    group, [x + a for (_, x, _), a in zip(points, aside, strict=True)], [y for _, _, y in points],
                    colours[group], "points", texts=[(f"{run.name} ({run.group})", 1) for run, _, _ in points],
                    size=6 if len(trials) < 200 else 4, opacity=0.75,
                )
            )  # fmt: skip
        if lines:
            title = f"{contender}: {names[axis.path]}" if several else names[axis.path]
            charts.append(
                Chart(
                    f"slice_{contender}_{axis.path}", title, lines, x_label=axis.path, y_label=goal.short,
                    x_scale=axis.scale, x_ticks=axis.ticks(), y_range=cut, height=260, small=True,
                )
            )  # fmt: skip
    return charts
