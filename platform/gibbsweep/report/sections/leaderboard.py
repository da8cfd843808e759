"""The table of the rows, best first, and how they stand at equal device-seconds."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial

from gibbsweep.report.blocks import Block, Folded, Section, Table, Words
from gibbsweep.report.chart import Colours
from gibbsweep.report.evidence import Evidence, as_text, defaults_of
from gibbsweep.report.ranking import Quality, at_seconds, best_first, best_trial, equal_seconds, quality
from gibbsweep.results.page import describe_schedule
from gibbsweep.results.row import Row
from gibbsweep.results.statistic import Statistic

MOST_ROWS = 200


def section(evidence: Evidence, colours: Colours) -> Section:
    """The table, and what each best configuration changes of the recipe."""
    measure = quality(evidence)
    if measure is None or not evidence.rows:
        return Section("leaderboard", "Leaderboard")
    ranked = best_first(evidence, measure)
    rows = [*ranked, *_by_best_trial(evidence, measure, [row for row in evidence.rows if row not in ranked])][
        :MOST_ROWS
    ]
    blocks: list[Block] = [_table(evidence, measure, rows, colours)]
    if len(evidence.rows) > MOST_ROWS:
        blocks.append(Words([f"The first {MOST_ROWS} of {len(evidence.rows)} rows are shown."], style="quiet"))
    if configurations := _configurations(evidence, measure, rows):
        blocks.append(Folded("Best configurations: what differs from the recipe", [configurations]))
    return Section("leaderboard", "Leaderboard", blocks)


def _by_best_trial(evidence: Evidence, measure: Quality, rows: list[Row]) -> list[Row]:
    """Rows of which nothing has been retrained, by their best trial; those without one come last."""
    trials = {row.label: best_trial(evidence, row.group, measure.goal) for row in rows}
    values = {label: run.value(measure.goal) for label, run in trials.items() if run is not None}
    losses = {label: measure.goal.loss(value) for label, value in values.items() if value is not None}
    return sorted(rows, key=lambda row: losses.get(row.label, math.inf))


def _table(evidence: Evidence, measure: Quality, rows: list[Row], colours: Colours) -> Table:
    """The goal, and at equal device-seconds; how often it was measured and tried; the cost; the other metrics."""
    goal, seconds = measure.goal, equal_seconds(evidence, measure.goal)
    others = dict(evidence.results.columns) if evidence.results is not None else {}
    others.pop(measure.metric, None)
    others = {metric: heading for metric, heading in others.items() if any(metric in row.metrics for row in rows)}
    arrow = "↑" if goal.direction == "maximize" else "↓"
    retrained = any(measure.metric in row.metrics for row in rows)
    trials = {} if retrained else {row.label: best_trial(evidence, row.group, goal) for row in rows}
    value_of = {label: run.value(goal) for label, run in trials.items() if run is not None}
    at_equal = (
        {row.label: at_seconds(evidence, row.group, goal, seconds) for row in rows} if seconds is not None else {}
    )

    columns: list[tuple[str, Callable[[Row], str]]] = [("row", lambda row: row.label)]
    if retrained:
        columns.append((f"{measure.heading} {arrow}", lambda row: _metric(row, measure.metric)))
    else:
        columns.append((f"best trial {arrow}", lambda row: _number(value_of.get(row.label))))
    if seconds is not None:
        columns.append((f"at {_seconds(seconds)} s {arrow}", lambda row: _or_dash(at_equal.get(row.label))))
    if retrained:
        columns.append(("n", lambda row: str(row.metrics[measure.metric].n) if measure.metric in row.metrics else "–"))
    columns += [("trials", _trials), ("diverged", lambda row: f"{row.diverged_share:.0%}")]
    if any(row.restarts for row in rows):
        columns.append(("restarts", lambda row: str(row.restarts or "–")))
    if any(row.device_seconds for row in rows):
        columns.append(("device-s", lambda row: f"{row.device_seconds:.1f}" if row.device_seconds else "–"))
        columns.append(("updates", lambda row: f"{row.updates:,}" if row.updates else "–"))
    columns += [(heading, partial(_metric, metric=metric)) for metric, heading in others.items()]
    if len({row.kind for row in rows}) > 1:
        columns.append(("kind", lambda row: row.kind or "–"))

    firsts = {
        place: goal.loss(row.metrics[measure.metric].mean if retrained else value_of[row.label] or 0.0)
        for place, row in enumerate(rows)
        if (measure.metric in row.metrics if retrained else value_of.get(row.label) is not None)
    }
    equal = {place: goal.loss(at.mean) for place, row in enumerate(rows) if (at := at_equal.get(row.label)) is not None}
    return Table(
        [heading for heading, _ in columns],
        [[cell(row) for _, cell in columns] for row in rows],
        best=[(min(losses, key=losses.__getitem__), at) for at, losses in ((1, firsts), (2, equal)) if losses],
        muted=[place for place, row in enumerate(rows) if row.kind == "baseline"],
        colours=[colours[row.group] for row in rows],
        caption=_caption(evidence, measure, seconds, retrained),
    )


def _metric(row: Row, metric: str) -> str:
    return _or_dash(row.metrics.get(metric))


def _or_dash(statistic: Statistic | None) -> str:
    return "–" if statistic is None else str(statistic)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"


def _caption(evidence: Evidence, measure: Quality, seconds: float | None, retrained: bool) -> str:
    parts = []
    if retrained:
        parts.append("Numbers are the mean ± standard deviation over n seeds of the best configuration's retraining")
        parts[-1] += ", on the test split." if measure.metric.startswith("test/") else "."
    else:
        parts.append("Nothing has been retrained yet: “best trial” is the best of the search, with one seed.")
    if seconds is not None:
        parts.append(
            f"“at {_seconds(seconds)} s”: {measure.goal.metric} after as many device-seconds as the cheapest row "
            "takes, so that nobody is ahead by having trained for longer."
        )
    parts.append("“trials” were searched (in brackets: trained to the end); “diverged” is the share of all runs.")
    if any(row.kind == "baseline" for row in evidence.rows):
        parts.append("Baselines stand in grey.")
    return " ".join(parts)


def _seconds(seconds: float) -> str:
    return f"{seconds:.0f}" if seconds >= 20 else f"{seconds:.2g}"


def _trials(row: Row) -> str:
    if row.tuning is None or row.tuning.to_the_end == row.trials:
        return str(row.trials) if row.trials else "–"
    return f"{row.trials} ({row.tuning.to_the_end})"


def _configurations(evidence: Evidence, measure: Quality, rows: list[Row]) -> Table | None:
    """What the best configuration of each row changes of the contender's recipe."""
    lines = []
    for row in rows:
        config: Mapping[str, object] = row.best_config
        if not config:
            best = best_trial(evidence, row.group, measure.goal)
            config = {path: best.values.get(path) for path in best.searched} if best is not None else {}
        recipe = defaults_of(evidence, row.contender)
        changed = {
            path: value for path, value in config.items() if path not in row.compared and recipe.get(path) != value
        }
        words = ", ".join(f"{path} = {as_text(value)}" for path, value in changed.items())
        if len(row.schedule) > 1:
            words += f"; while it trains: {describe_schedule(row.schedule, row.updates)}"
        if config:
            lines.append([row.label, words or "nothing"])
    return Table(["row", "differs from the recipe in"], lines, numeric=False) if lines else None
