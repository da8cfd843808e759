"""Quality against cost: what a device-second buys."""

from __future__ import annotations

import math

from gibbsweep.report.blocks import Block, Charts, Section
from gibbsweep.report.chart import Chart, Colours, Line, Marker, axis_scale, robust_range
from gibbsweep.report.evidence import Evidence
from gibbsweep.report.ranking import Quality, best_first, quality

_MARKERS: dict[str, Marker] = {"energy": "square", "score": "circle", "baseline": "triangle", "": "circle"}
_MOST_LABELLED = 8


def section(evidence: Evidence, colours: Colours) -> Section:
    """A point a row, and a point a trial."""
    measure = quality(evidence)
    if measure is None:
        return Section("cost", "Quality against cost")
    charts = [chart for chart in (_rows(evidence, measure, colours), _trials(evidence, measure, colours)) if chart]
    blocks: list[Block] = [Charts(charts)] if charts else []
    return Section("cost", "Quality against cost", blocks)


def _rows(evidence: Evidence, measure: Quality, colours: Colours) -> Chart | None:
    rows = [row for row in best_first(evidence, measure) if row.device_seconds > 0]
    if len(rows) < 2:
        return None
    lines = []
    for row in rows:
        statistic, marker = row.metrics[measure.metric], _MARKERS.get(row.kind, "circle")
        lines.append(
            Line(
                row.label, [row.device_seconds], [statistic.mean], colours[row.group], "points",
                y_error=[statistic.sd] if statistic.n > 1 else (), marker=marker,
                size=10, texts=[(row.label, 1)],
            )
        )  # fmt: skip
    # The front: what no cheaper row is as good as.
    front: list[tuple[float, float]] = []
    for row in sorted(rows, key=lambda row: (row.device_seconds, measure.goal.loss(row.metrics[measure.metric].mean))):
        value = row.metrics[measure.metric].mean
        if not front or measure.goal.better(value, front[-1][1]):
            front.append((row.device_seconds, value))
    if len(front) > 1:
        x, y = zip(*front, strict=True)
        lines.insert(0, Line("no cheaper row is as good", x, y, "#8a8a8a", "steps", width=1.2, dashed=True))
    kinds = {row.kind for row in rows} - {""}
    shapes = {"energy": "squares: energies", "score": "circles: scores", "baseline": "triangles: baselines"}
    return Chart(
        "quality_and_cost",
        f"{measure.heading} against the device-seconds of one training",
        lines,
        x_label="device-seconds of one training",
        y_label=measure.heading,
        x_scale=axis_scale(row.device_seconds for row in rows),
        caption=f"Bars are standard deviations over seeds; {', '.join(shapes[kind] for kind in sorted(kinds))}."
        if kinds
        else "Bars are standard deviations over seeds.",
    )


def _trials(evidence: Evidence, measure: Quality, colours: Colours) -> Chart | None:
    goal = measure.goal
    by_group: dict[str, list[tuple[float, float, str]]] = {}
    for run in evidence.searched():
        value = run.value(goal)
        if value is not None and math.isfinite(value) and run.device_seconds > 0:
            by_group.setdefault(run.group, []).append((run.device_seconds, value, f"{run.name}, {run.state}"))
    count = sum(map(len, by_group.values()))
    if count < 3:
        return None
    lines = []
    for group in (group for group in evidence.groups() if group in by_group):
        points = by_group[group]
        lines.append(
            Line(
                group, [x for x, _, _ in points], [y for _, y, _ in points], colours[group], "points",
                texts=[(text, 1) for _, _, text in points], size=7 if count < 200 else 5, opacity=0.8,
            )
        )  # fmt: skip
    values = [y for points in by_group.values() for _, y, _ in points]
    cut = robust_range(values, better=goal.direction)
    return Chart(
        "trials_and_cost",
        f"All {count} trials: {goal.metric} against device-seconds",
        lines,
        x_label="device-seconds of the trial",
        y_label=goal.metric,
        x_scale=axis_scale(x for points in by_group.values() for x, _, _ in points),
        y_range=cut,
        caption="Trials that are far worse lie outside: a double click on the figure shows all." if cut else "",
    )
