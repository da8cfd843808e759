"""Learning curves: each trial up to the rung where it ended, and the retrainings of the best."""

from __future__ import annotations

import math
from collections.abc import Sequence

from gibbsweep.report.blocks import Block, Charts, Section
from gibbsweep.report.chart import Chart, Colours, Line, Scale, axis_scale, robust_range, thin
from gibbsweep.report.evidence import Evidence
from gibbsweep.report.run import Run
from gibbsweep.study.goal import Goal

MOST_OF_A_CURVE = 400


def section(evidence: Evidence, colours: Colours, most_points: int) -> Section:
    """For each goal a figure of the search and one of the retrainings, of at most about ``most_points`` points each."""
    by_goal: dict[Goal, list[str]] = {}
    for contender, goals in evidence.goals.items():
        for goal in goals:
            by_goal.setdefault(goal, []).append(contender)
    charts = []
    for goal, contenders in by_goal.items():
        runs = [run for run in evidence.runs if run.contender in contenders and run.reports]
        for kind, title in (("search", "The search"), ("retrain", "Retrainings of the best")):
            of_kind = [run for run in runs if run.kind == kind]
            most = max(12, min(MOST_OF_A_CURVE, most_points // max(1, len(of_kind))))
            chart = _chart(evidence, goal, of_kind, kind, title, colours, most)
            charts += [chart] if chart is not None else []
    blocks: list[Block] = [Charts(charts)] if charts else []
    return Section("curves", "Learning curves", blocks)


def _chart(
    evidence: Evidence, goal: Goal, runs: Sequence[Run], kind: str, title: str, colours: Colours, most: int
) -> Chart | None:
    """The curves of ``runs``, of at most ``most`` points each; None where none has a report of ``goal``."""
    lines: list[Line] = []
    values: list[float] = []
    ends: list[tuple[float, float, float, str]] = []
    points = 0
    for group in evidence.groups():
        x: list[float] = []
        seconds: list[float] = []
        y: list[float] = []
        texts: list[tuple[str, int]] = []
        for run in (run for run in runs if run.group == group):
            reports = [report for report in run.reports if goal.metric in report.metrics]
            if not reports:
                continue
            steps, curve = [float(r.step) for r in reports], [r.metrics[goal.metric] for r in reports]
            kept = thin(steps, curve, most)
            x += [steps[i] for i in kept] + [math.nan]
            y += [curve[i] for i in kept] + [math.nan]
            at = [reports[i].metrics.get("train/device_seconds", 0.0) for i in kept]
            seconds += [*at, math.nan]
            texts.append((f"{run.name}, {run.state}", len(kept) + 1))
            values += [curve[i] for i in kept]
            points += len(kept)
            if run.state == "diverged":
                last = next((i for i in reversed(kept) if math.isfinite(curve[i])), None)
                if last is not None:
                    ends.append((steps[last], at[kept.index(last)], curve[last], f"{run.name} diverged"))
        if x:
            few = len(texts) <= 40
            single = max(count for _, count in texts) <= 2  # curves of one report: a line has no length
            lines.append(
                Line(
                    group, x, y, colours[group], "points" if single else "lines", also_x=seconds, texts=texts,
                    opacity=0.9 if few else 0.55, width=1.6 if few else 1.0,
                )
            )  # fmt: skip
    if not lines:
        return None
    if ends:
        lines.append(
            Line(
                "diverged", [e[0] for e in ends], [e[2] for e in ends], "#d62728", "points",
                also_x=[e[1] for e in ends], texts=[(e[3], 1) for e in ends], marker="cross", size=9,
            )
        )  # fmt: skip
    rungs = sorted({rung for outline in evidence.outlines.values() for rung in outline.rungs})
    cut = robust_range(values, better=goal.direction)
    outside = " Values that are far worse lie outside: a double click on the figure shows all." if cut else ""
    return Chart(
        f"curves_{kind}_{goal.short}",
        f"{title}: {goal.metric}, {sum(len(line.texts) for line in lines if line.label != 'diverged')} runs",
        lines,
        x_label="updates",
        also_x_label="device-seconds",
        y_label=goal.metric,
        x_scale=_scale(lines, rungs if kind == "search" else []),
        y_range=cut,
        marks=[(float(rung), f"rung {i}") for i, rung in enumerate(rungs, 1)] if kind == "search" else (),
        height=420,
        caption=("Trials wait at the rungs, and only the best go on." if rungs and kind == "search" else "") + outside,
    )


def _scale(lines: Sequence[Line], rungs: Sequence[int]) -> Scale:
    """Logarithmic where the rungs crowd at the left."""
    if len(rungs) < 2:
        return "linear"
    return axis_scale([*map(float, rungs), *(x for line in lines for x in line.x if x > 0)])
