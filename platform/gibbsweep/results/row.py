"""A row of the table: one contender, or one compared option of it, over its seeds."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gibbsweep.folder import OUTCOME_KINDS, STABILITY, Outcome
from gibbsweep.results.statistic import Statistic
from gibbsweep.results.tuning import Tuning


@dataclass(frozen=True)
class Row:
    """A row of the table: a contender, or one compared option of it, over its seeds.

    :meth:`of` makes it from outcomes; a study's figures and findings read it::

        [(row.label, row.metrics["test/log_likelihood"].mean) for row in results.rows]
    """

    contender: str
    """The contender's name."""
    kind: str
    """``energy``, ``score`` or ``baseline``."""
    best_config: dict[str, Any]
    """The configuration that was retrained, by dotted path."""
    metrics: dict[str, Statistic]
    """The metrics over the seeds whose retraining completed. Among them is ``stability``, the share of all seeds that
    completed without a restart."""
    seeds: list[int]
    """The seeds of the retrainings."""
    updates: int
    """The updates of one retraining."""
    device_seconds: float
    """The mean device-seconds of one retraining."""
    outcomes: dict[str, int]
    """The number of runs (search and retraining) by how they ended."""
    compared: dict[str, Any] = field(default_factory=dict)
    """The compared values by path; empty without a comparison."""
    trials: int = 0
    """The trials of the search that have ended, in whatever way."""
    diverged_share: float = 0.0
    """The share of all runs that diverged, each counted once: those that ended so, and the ``replaced``."""
    restarts: int = 0
    """The restarts after a divergence in all runs (search and retraining)."""
    replaced: int = 0
    """The members of a population that diverged, went on from another member's checkpoint, and ended otherwise."""
    samples: float = 0.0
    """The mean number of examples that one retraining saw."""
    nfe: float | None = None
    """The mean number of network evaluations per chain of a retraining's samplers (None: nothing states them)."""
    violated: list[str] = field(default_factory=list)
    """A phrase for each constraint of the study that its metrics do not satisfy."""
    schedule: list[dict[str, Any]] = field(default_factory=list)
    """The values that changed while a population's best member trained, as ``{"from": update, "values": {path: value},
    "trial": whose training it was}``. Its retrainings repeat them, and ``best_config`` has the last."""
    tuning: Tuning | None = None
    """How well the search tuned it; None where nothing is searched."""
    front: str = ""
    """The place of a configuration on a Pareto front (``for FD``). The rows of one front share one search."""

    @property
    def group(self) -> str:
        """The contender and its compared values. The rows of one Pareto front have the same."""
        return " ".join([self.contender, *(f"{path}={value}" for path, value in self.compared.items())])

    @property
    def label(self) -> str:
        """The group, and the place on its Pareto front. No other row of the table has the same."""
        return f"{self.group} ({self.front})" if self.front else self.group

    @classmethod
    def of(
        cls,
        contender: str,
        kind: str,
        compared: Mapping[str, Any],
        best_config: Mapping[str, Any],
        search: Sequence[Outcome],
        retrained: Mapping[tuple[str, int], Outcome],
        *,
        front: str = "",
        replaced: int = 0,
    ) -> Row:
        """The row of the outcomes of a search and of the ``retrained`` outcomes by (view, seed).

        ``replaced`` is the number of search outcomes whose members of a population had diverged before. What diverged
        counts in ``diverged_share`` and in no mean. With several views a metric is, for each seed, the mean over the
        views that completed.
        """

        completed = {key: o for key, o in retrained.items() if o.kind == "completed"}
        everything = [*search, *retrained.values()]
        metrics = {key: {k: v for k, v in o.metrics.items() if k != STABILITY} for key, o in completed.items()}
        stability = {key: {STABILITY: float(o.undisturbed)} for key, o in retrained.items()}
        evaluations = [o.nfe for o in completed.values() if o.nfe is not None]
        diverged = sum(o.kind == "diverged" for o in everything) + replaced
        return cls(
            contender=contender,
            kind=kind,
            best_config=dict(best_config),
            metrics=_statistics(metrics) | _statistics(stability),
            seeds=sorted({seed for _, seed in retrained}),
            updates=max((o.step for o in completed.values()), default=0),
            device_seconds=statistics.fmean([o.device_seconds for o in completed.values()]) if completed else 0.0,
            outcomes={kind: sum(o.kind == kind for o in everything) for kind in OUTCOME_KINDS},
            compared=dict(compared),
            trials=len(search),
            diverged_share=diverged / len(everything) if everything else 0.0,
            restarts=sum(len(o.restarts) for o in everything),
            replaced=replaced,
            samples=statistics.fmean([o.samples for o in completed.values()]) if completed else 0.0,
            nfe=statistics.fmean(evaluations) if evaluations else None,
            front=front,
        )


def _statistics(metrics: Mapping[tuple[str, int], Mapping[str, float]]) -> dict[str, Statistic]:
    """The statistics over seeds of ``metrics``, which are by (view, seed); with several views also ``METRIC@VIEW``."""
    views = list(dict.fromkeys(view for view, _ in metrics))
    seeds = sorted({seed for _, seed in metrics})
    summary: dict[str, Statistic] = {}
    for name in sorted({name for run_metrics in metrics.values() for name in run_metrics}):
        values = {key: run_metrics[name] for key, run_metrics in metrics.items() if name in run_metrics}
        by_seed = [[v for (_, s), v in values.items() if s == seed] for seed in seeds]
        summary[name] = Statistic.of([statistics.fmean(group) for group in by_seed if group])
        if len(views) > 1:
            for view in views:
                values_of_view = [v for (w, _), v in values.items() if w == view]
                if values_of_view:
                    summary[f"{name}@{view}"] = Statistic.of(values_of_view)
    return summary
