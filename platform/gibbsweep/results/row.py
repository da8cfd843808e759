"""A row of the table: one contender, or one compared option of it, over its seeds."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gibbsweep.train import OUTCOME_KINDS, Outcome
from gibbsweep.train.outcome import STABILITY


@dataclass(frozen=True)
class Statistic:
    """Mean and standard deviation over ``n`` seeds (the deviation of one seed is 0 by definition, hence ``n`` beside it)."""

    mean: float
    sd: float
    n: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Statistic:
        return cls(statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else 0.0, len(values))

    def __str__(self) -> str:
        if not math.isfinite(self.mean):
            return str(self.mean)
        if 0 < abs(self.mean) < 1e-3:
            return f"{self.mean:.1e} ± {self.sd:.0e}" if self.n > 1 else f"{self.mean:.1e}"
        digits = 0 if abs(self.mean) >= 1000 else 2 if abs(self.mean) >= 1 else 3
        return f"{self.mean:.{digits}f} ± {self.sd:.{digits}f}" if self.n > 1 else f"{self.mean:.{digits}f}"


@dataclass(frozen=True)
class Row:
    """``metrics`` over the retraining seeds that completed, and among them ``stability``, the share of all of them that completed
    without a restart. ``outcomes`` and ``restarts``: of all runs (search and retraining), each as it ended. ``diverged_share``: the share of
    all runs that diverged, a run once: those that ended so, and of a population the ``replaced``, members that diverged, went on from
    another one's checkpoint, and ended otherwise. ``updates`` of one retraining,
    ``device_seconds`` the mean of one, as ``samples`` (examples seen) and ``nfe`` (network evaluations per chain of the samplers of
    training; None where nothing states them) are."""

    contender: str
    kind: str
    best_config: dict[str, Any]
    metrics: dict[str, Statistic]
    seeds: list[int]
    updates: int
    device_seconds: float
    outcomes: dict[str, int]
    compared: dict[str, Any] = field(default_factory=dict)
    trials: int = 0
    diverged_share: float = 0.0
    restarts: int = 0
    replaced: int = 0
    samples: float = 0.0
    nfe: float | None = None
    violated: list[str] = field(default_factory=list)
    """The study's constraints that its metrics do not satisfy, in words."""
    schedule: list[dict[str, Any]] = field(default_factory=list)
    """Of a population: the values that changed while the best member trained, which its retrainings repeat, as
    ``{"from": update, "values": {path: value}, "trial": whose training it was}``; ``best_config`` has the last of them."""
    front: str = ""
    """Of one of several configurations on a Pareto front: what it is there for (``for FD``). Its search is that of all of them."""

    @property
    def group(self) -> str:
        """The contender and what is compared: several rows where a Pareto front is retrained."""
        return " ".join([self.contender, *(f"{path}={value}" for path, value in self.compared.items())])

    @property
    def label(self) -> str:
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
        """Summarise the search outcomes, of which ``replaced`` are those of members of a population that had diverged before, and the
        retrained outcomes by (view, seed). What diverged counts in ``diverged_share`` and in no mean. With several views a metric is, for each seed, the mean over the views that completed."""
        completed = {key: o for key, o in retrained.items() if o.outcome == "completed"}
        everything = [*search, *retrained.values()]
        metrics = {key: {k: v for k, v in o.metrics.items() if k != STABILITY} for key, o in completed.items()}
        stability = {key: {STABILITY: float(o.undisturbed)} for key, o in retrained.items()}
        evaluations = [o.nfe for o in completed.values() if o.nfe is not None]
        diverged = sum(o.outcome == "diverged" for o in everything) + replaced
        return cls(
            contender=contender,
            kind=kind,
            best_config=dict(best_config),
            metrics=_statistics(metrics) | _statistics(stability),
            seeds=sorted({seed for _, seed in retrained}),
            updates=max((o.step for o in completed.values()), default=0),
            device_seconds=statistics.fmean([o.device_seconds for o in completed.values()]) if completed else 0.0,
            outcomes={kind: sum(o.outcome == kind for o in everything) for kind in OUTCOME_KINDS},
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
    """``metrics`` of runs by view and seed, over seeds."""
    views = list(dict.fromkeys(view for view, _ in metrics))
    seeds = sorted({seed for _, seed in metrics})
    found: dict[str, Statistic] = {}
    for name in sorted({name for own in metrics.values() for name in own}):
        values = {key: own[name] for key, own in metrics.items() if name in own}
        by_seed = [[v for (_, s), v in values.items() if s == seed] for seed in seeds]
        found[name] = Statistic.of([statistics.fmean(group) for group in by_seed if group])
        if len(views) > 1:
            for view in views:
                own = [v for (w, _), v in values.items() if w == view]
                if own:
                    found[f"{name}@{view}"] = Statistic.of(own)
    return found
