"""Sentences that studies read off their tables, and the arithmetic behind them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from gibbsweep.results.difference import difference
from gibbsweep.results.pareto import front
from gibbsweep.results.results import Results
from gibbsweep.results.row import Row
from gibbsweep.results.series import Series, at_levels, series_of
from gibbsweep.results.statistic import Statistic

Reading = Callable[[Results], Sequence[str]]
"""What says something of a table, in sentences."""


class Findings:
    """Several readings of a table, one after the other.

    Study(..., findings=Findings(importances, Unbeaten("test/bits_per_dim", "test/frechet_distance")))
    """

    def __init__(self, *readings: Reading) -> None:
        self.readings = readings

    def __call__(self, results: Results) -> list[str]:
        return [sentence for reading in self.readings for sentence in reading(results)]


def two_errors(statistic: Statistic) -> float:
    """Two standard errors of the mean over seeds."""
    return 2 * statistic.sd / math.sqrt(statistic.n)


def importances(results: Results) -> list[str]:
    """One sentence with the share of each searched path in the goal's variance; none where too few trials completed."""
    totals = importance_shares(results)
    if not totals:
        return []
    listed = ", ".join(f"{path} {share:.0%}" for path, share in totals.items())
    trials = sum(row.trials for row in results.rows)
    rest = max(0.0, 1.0 - sum(totals.values()))
    return [
        f"Variance of the goal over the completed ones of {trials} trials: {listed}; interactions and noise {rest:.0%}."
    ]


def importance_shares(results: Results) -> dict[str, float]:
    """The share of each searched path over all compared options, the largest first."""
    totals: dict[str, float] = {}
    for _, path, share in importance_parts(results):
        totals[path] = totals.get(path, 0.0) + share
    return dict(sorted(totals.items(), key=lambda item: -item[1]))


def importance_parts(results: Results) -> Iterator[tuple[str, str, float]]:
    """(compared option, searched path, share): ``form.name=conv cd.l2`` is ``cd.l2`` under conv. The share of the
    choice of the option itself belongs to none, ""."""
    for shares in results.importances.values():
        for key, share in shares.items():
            option, _, path = key.rpartition(" ")
            yield option.partition("=")[2], path, share


@dataclass(frozen=True)
class Stability:
    """Sentences about runs at several values of a compared number: which diverge, where a metric is best, and how far
    it falls from its peak during training; then what one series of them costs over another of the same contender.

        Stability("test/log_likelihood", "log-likelihood", "learning rate", "drop/validation/log_likelihood", error_of)
    """

    metric: str
    """To be large."""
    name: str
    """What the metric is called."""
    number: str
    """What the compared number is called."""
    drop: str
    """The metric that says how far it fell."""
    noise: Callable[[Row], float]
    """How far the metric of a row is known: a fall of less than three times that is none."""
    x: int = 1
    """Which of the compared values is the number, by its place in the contender's ``compare``."""
    names: Mapping[str, str] | None = None
    """What other compared paths are called, their last word unless they are named."""

    def __call__(self, results: Results) -> list[str]:
        all_series = series_of(results.rows, self.x, self.names)
        costs = [_cost(a, b) for a, b in pairwise(all_series) if a.contender == b.contender]
        return [*map(self._sentence, all_series), *filter(None, costs)]

    def _sentence(self, series: Series) -> str:
        diverged = [f"{series.number(row):g} ({row.diverged_share:.0%})" for row in series.rows if row.diverged_share]
        text = f"runs diverge at a {self.number} of {', '.join(diverged)}" if diverged else "no run diverges"
        measured = [row for row in series.rows if self.metric in row.metrics]
        if measured:
            best = max(measured, key=lambda row: row.metrics[self.metric].mean)
            falls = [row for row in measured if self.drop in row.metrics]
            falls = [row for row in falls if row.metrics[self.drop].mean > 3 * self.noise(row)]
            by = ", ".join(f"{row.metrics[self.drop]} at {series.number(row):g}" for row in falls)
            text += f"; best {self.name} {best.metrics[self.metric]} at {series.number(best):g}"
            text += f"; it falls from its peak by {by or 'no more than its error'}"
        return f"{series.label}: {text}."


def _cost(short: Series, long: Series) -> str:
    """How many times the device-seconds of ``short`` are those of ``long``, at the numbers of both; "" where none took
    any."""
    seconds = {short.number(row): row.device_seconds for row in short.rows}
    both = [(seconds.get(long.number(row), 0.0), row.device_seconds) for row in long.rows]
    ran = [(a, b) for a, b in both if a and b]
    if not ran:
        return ""
    ratio = sum(b for _, b in ran) / sum(a for a, _ in ran)
    return f"{short.contender}: an update with {long.shared} costs {ratio:.1f} times one with {short.shared}."


@dataclass(frozen=True)
class InteriorOptimum:
    """Sentences about a metric that is measured at several levels, one for each row: at which level it is least,
    whether that is between the ends of the levels by more than two standard errors, and where other metrics go from end
    to end.

        InteriorOptimum("test/fd", "distance", "scale", (0, 1, 2), "test/margin", {"test/recall": ("recall", ".2f")})
    """

    metric: str
    """Its name without the level; to be small."""
    name: str
    """What the metric is called."""
    level: str
    """What a level is called."""
    levels: Sequence[float]
    margin: str
    """The metric that says by which share the ends exceed the least between them; a row without it has no sentence."""
    others: Mapping[str, tuple[str, str]]
    """Metrics that are measured at the same levels: what each is called, and the format of its numbers."""
    suffix: str = "_{}"
    """What a level adds to a metric's name."""

    def __call__(self, results: Results) -> list[str]:
        return [sentence for row in results.rows for sentence in self._sentences(row)]

    def _sentences(self, row: Row) -> list[str]:
        values = at_levels(row, self.metric, self.levels, self.suffix)
        margin = row.metrics.get(self.margin)
        if not values or margin is None:
            return []
        low, high = min(values), max(values)
        best = min(values, key=lambda level: values[level].mean)
        if best in (low, high):
            where = f"an end of the {self.level}s: no interior optimum"
        elif margin.n < 2:
            where = f"in the interior, by {margin.mean:.0%} and one seed, which says little"
        else:
            clear = "more" if margin.mean > two_errors(margin) else "less"
            where = f"in the interior, by {margin.mean:.0%}, {clear} than two standard errors"
        changes: list[str] = []
        for metric, (name, spec) in self.others.items():
            ends = [end.mean for end in at_levels(row, metric, (low, high), self.suffix).values()]
            if len(ends) == 2:
                changes.append(f"the {name} {'' if changes else 'goes '}from {ends[0]:{spec}} to {ends[1]:{spec}}")
        at_best = f"the {self.name} is least at {best:g} ({values[best].mean:.3g}), {where}"
        from_end_to_end = f"; from {self.level} {low:g} to {high:g} {' and '.join(changes)}" if changes else ""
        return [f"{row.label}: {at_best}{from_end_to_end}."]


@dataclass(frozen=True)
class Unbeaten:
    """A sentence that names the rows on the front: no other row is at least as good in both of two metrics, and better
    in one.

        Unbeaten("test/bits_per_dim", "test/frechet_distance")
    """

    first: str
    second: str
    """To be small, like ``first``."""

    def __call__(self, results: Results) -> list[str]:
        best = front(results.rows, self.first, self.second)
        return [f"No row beats these in both: {', '.join(row.label for row in best)}."] if best else []


@dataclass(frozen=True)
class PublishedOrder:
    """A sentence about two options of a compared path: whether the one that others report to have less of a metric has
    less of it here, and whether seeds can tell. The best row of each option counts.

        PublishedOrder("test/bits_per_dim", "bits per dimension", "weight", "likelihood", "sigma2", "the paper's order")
    """

    metric: str
    name: str
    """What the metric is called."""
    path: str
    lower: str
    """The option of ``path`` that has less of the metric by the published order."""
    higher: str
    order: str
    """What the published order is called."""

    def __call__(self, results: Results) -> list[str]:
        a, b = self._best(results, self.lower), self._best(results, self.higher)
        if a is None or b is None:
            return []
        agrees = "agrees with" if a.mean < b.mean else "contradicts"
        clear = "" if difference(a, b).clear else ", within two standard errors of equal"
        if min(a.n, b.n) < 2:
            clear = ", by one seed, which says little"
        return [f"{self.lower} against {self.higher} in {self.name}, {a} against {b}, {agrees} {self.order}{clear}."]

    def _best(self, results: Results, option: str) -> Statistic | None:
        rows = [row for row in results.rows if row.compared.get(self.path) == option]
        measured = [row.metrics[self.metric] for row in rows if self.metric in row.metrics]
        return min(measured, key=lambda statistic: statistic.mean, default=None)
