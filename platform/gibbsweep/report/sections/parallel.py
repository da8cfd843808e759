"""Parallel coordinates: the best trials as lines through their values."""

from __future__ import annotations

import math

from gibbsweep.report.axes import short_names, varied_axes
from gibbsweep.report.blocks import Block, Charts, Section
from gibbsweep.report.chart import Chart, Line, Side
from gibbsweep.report.evidence import Evidence, as_text

MOST_TRIALS = 60
"""The most trials of a figure: more lines hide one another."""
_MOST_TICKS = 8
_GOOD, _POOR = (214, 39, 40), (150, 170, 200)


def section(evidence: Evidence) -> Section:
    """A figure for each contender that searches two paths or more."""
    charts = [chart for contender in evidence.goals if (chart := _chart(evidence, contender)) is not None]
    blocks: list[Block] = [Charts(charts)] if charts else []
    return Section("parallel", "Parallel coordinates", blocks)


def _chart(evidence: Evidence, contender: str) -> Chart | None:
    goal = next(iter(evidence.goals_of(contender)), None)
    if goal is None:
        return None
    trials = [(run, value) for run in evidence.searched(contender) if (value := run.value(goal)) is not None]
    trials = [(run, value) for run, value in trials if math.isfinite(value) and run.state == "completed"]
    trials.sort(key=lambda pair: goal.loss(pair[1]))
    shown = trials[:MOST_TRIALS]
    axes = varied_axes(evidence, contender, [run for run, _ in shown])
    if len(shown) < 3 or len(axes) < 2:
        return None
    names = short_names([axis.path for axis in axes])
    ends: list[tuple[float, float]] = []
    notes: list[tuple[float, float, str, Side]] = []
    for at, axis in enumerate(axes):
        places = [axis.place(run.values.get(axis.path)) for run, _ in shown]
        places = [place for place in places if not math.isnan(place)]
        low, high = (0.0, len(axis.options) - 1.0) if axis.options else (min(places), max(places))
        ends.append((low, high))
        if axis.options and len(axis.options) <= _MOST_TICKS:
            notes += [(at, _between(i, low, high), as_text(o), "right") for i, o in enumerate(axis.options)]
        else:
            labels = (axis.options[0], axis.options[-1]) if axis.options else (low, high)
            notes += [(at, 0.0, as_text(labels[0]), "below"), (at, 1.0, as_text(labels[1]), "above")]
    values = [value for _, value in shown]
    low, high = min(values), max(values)
    last = len(axes)
    notes += [(last, 0.0, f"{low:.4g}", "below"), (last, 1.0, f"{high:.4g}", "above")]
    lines = []
    for rank, (run, value) in reversed(list(enumerate(shown))):  # the best is drawn last, above the others
        y = [
            axis.share(run.values.get(axis.path), *end)
            if not math.isnan(axis.place(run.values.get(axis.path)))
            else math.nan
            for axis, end in zip(axes, ends, strict=True)
        ]
        y.append(_between(value, low, high))
        best = rank < max(1, len(shown) // 10)
        lines.append(
            Line(
                "", [float(i) for i in range(last + 1)], y, _colour(rank / max(1, len(shown) - 1)),
                texts=[(f"{run.name} ({run.group}), {goal.short} {value:.4g}", last + 1)],
                width=2.4 if best else 1.2, opacity=0.95 if best else 0.6,
            )
        )  # fmt: skip
    of = f"the best {len(shown)} of {len(trials)}" if len(trials) > len(shown) else f"all {len(shown)}"
    return Chart(
        f"parallel_{contender}",
        f"{contender}: {of} trials that trained to the end",
        lines,
        x_ticks=[*((float(i), names[axis.path]) for i, axis in enumerate(axes)), (float(last), goal.short)],
        x_range=(-0.35, last + 0.45),
        y_range=(-0.12, 1.12),
        marks=[(float(i), "") for i in range(last + 1)],
        notes=notes,
        hide_y=True,
        least_width=110 * (last + 1),
        height=400,
        caption="Each line is a trial, from the best (red) to the worst that is shown (grey blue).",
    )


def _between(value: float, low: float, high: float) -> float:
    return 0.5 if high == low else (value - low) / (high - low)


def _colour(share: float) -> str:
    red, green, blue = (round(good + (poor - good) * share**0.5) for good, poor in zip(_GOOD, _POOR, strict=True))
    return f"#{red:02x}{green:02x}{blue:02x}"
