"""What a study found: a row for each contender (and compared option), as JSON, Markdown and on a terminal."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from gibbsweep.study.accounting import Accounting
from gibbsweep.study.study import STABILITY
from gibbsweep.study.targets import Verdict
from gibbsweep.train import OUTCOME_KINDS, Outcome
from gibbsweep.train.files import json_number, parse_number, write_atomically


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
    without a restart. ``outcomes`` and ``restarts``: of all runs (search and retraining). ``updates`` of one retraining,
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
    samples: float = 0.0
    nfe: float | None = None

    @property
    def label(self) -> str:
        return " ".join([self.contender, *(f"{path}={value}" for path, value in self.compared.items())])

    @classmethod
    def of(
        cls,
        contender: str,
        kind: str,
        compared: Mapping[str, Any],
        best_config: Mapping[str, Any],
        search: Sequence[Outcome],
        retrained: Mapping[tuple[str, int], Outcome],
    ) -> Row:
        """Summarise the search outcomes and the retrained outcomes by (view, seed). What diverged counts in ``diverged_share``
        and in no mean. With several views a metric is, for each seed, the mean over the views that completed."""
        completed = {key: o for key, o in retrained.items() if o.outcome == "completed"}
        everything = [*search, *retrained.values()]
        metrics = {key: {k: v for k, v in o.metrics.items() if k != STABILITY} for key, o in completed.items()}
        stability = {key: {STABILITY: float(o.undisturbed)} for key, o in retrained.items()}
        evaluations = [o.nfe for o in completed.values() if o.nfe is not None]
        diverged = sum(o.outcome == "diverged" for o in everything)
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
            samples=statistics.fmean([o.samples for o in completed.values()]) if completed else 0.0,
            nfe=statistics.fmean(evaluations) if evaluations else None,
        )


@dataclass(frozen=True)
class Results:
    """Everything a study's table says."""

    study: str
    question: str
    data: str
    budget: str
    device: str
    commit: str
    columns: dict[str, str]
    rows: list[Row]
    wall_seconds: float = 0.0
    verdicts: list[Verdict] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    """What the study's own reading of the table says, in sentences."""
    source: str = ""
    """What the data is, in its own words."""
    stem: str = ""
    """The files' name: the study's, and the data's where it is not the study's own."""
    note: str = ""
    importances: dict[str, dict[str, float]] = field(default_factory=dict)
    """For each contender, the share of the goal's variance over its completed search trials that each part of the choice makes:
    ``{"form.name": .6, "form.name=conv form.width": .1}``, what is compared and, within one option of it, a searched path."""

    accounting: Accounting | None = None

    def __post_init__(self) -> None:
        if not self.stem:
            object.__setattr__(self, "stem", self.study)

    def to_json(self) -> str:
        record = asdict(self)
        for row in record["rows"]:
            row["metrics"] = {
                k: {**v, "mean": json_number(v["mean"]), "sd": json_number(v["sd"])} for k, v in row["metrics"].items()
            }
        if self.accounting is not None:
            record["accounting"]["efficiency"] = self.accounting.efficiency
        for verdict in record["verdicts"]:
            verdict |= {"got": json_number(verdict["got"]), "bound": json_number(verdict["bound"])}
        return json.dumps(record, indent=1)

    @classmethod
    def from_json(cls, text: str) -> Results:
        record = json.loads(text)
        rows = []
        for row in record["rows"]:
            metrics = {
                k: Statistic(parse_number(v["mean"]), parse_number(v["sd"]), v["n"]) for k, v in row["metrics"].items()
            }
            rows.append(Row(**{**row, "metrics": metrics}))
        verdicts = [
            Verdict(**{**v, "got": parse_number(v["got"]), "bound": parse_number(v["bound"])})
            for v in record.get("verdicts", [])  # tables written before there were targets have none
        ]
        spent = record.get("accounting")  # nor was it said what a sweep's device-seconds went into
        accounting = None if spent is None else Accounting(**{k: v for k, v in spent.items() if k != "efficiency"})
        return cls(**{**record, "rows": rows, "verdicts": verdicts, "accounting": accounting})

    def header(self, *, brief: bool = False) -> list[str]:
        return [
            "contender",
            *self.columns.values(),
            "div." if brief else "diverged",
            *(["restarts"] if self._restarted else []),
            *(["sec."] if brief else ["updates", "seconds"]),
        ]

    @property
    def _restarted(self) -> bool:
        return any(row.restarts for row in self.rows)

    def cells(self, *, brief: bool = False) -> list[list[str]]:
        """The table's rows as text; a dash where a contender has no such number. ``brief`` leaves out the updates and the
        deviations of all metrics but the first."""

        def number(row: Row, i: int, column: str) -> str:
            if column not in row.metrics:
                return "–"
            statistic = row.metrics[column]
            return str(replace(statistic, n=1)) if brief and i > 0 else str(statistic)

        return [
            [
                row.label,
                *(number(row, i, column) for i, column in enumerate(self.columns)),
                f"{row.diverged_share:.0%}",
                *([str(row.restarts)] if self._restarted else []),
                *([] if brief else [str(row.updates)]),
                f"{row.device_seconds:.1f}",
            ]
            for row in self.rows
        ]

    def to_markdown(self) -> str:
        header = self.header()
        caption = (
            f"Data `{self.data}`{f' ({self.source})' if self.source else ''}, budget `{self.budget}`, {self.device}, "
            f"commit `{self.commit[:12]}`, {self.wall_seconds:.0f} s in all. Numbers are the mean ± standard deviation over the seeds of the best "
            "configuration's retraining, on the test split; `diverged` is the share of all runs, `seconds` the "
            "device-seconds of one retraining's updates."
            + (" `restarts` counts those after a divergence, in all runs of the row." if self._restarted else "")
        )
        lines = [
            f"# {self.study}",
            "",
            self.question,
            "",
            caption,
            "",
            *([self.note, ""] if self.note else []),
            f"| {' | '.join(header)} |",
            f"|{'---|' * len(header)}",
            *(f"| {' | '.join(cells)} |" for cells in self.cells()),
            "",
            *([f"{self.accounting}.", ""] if self.accounting else []),
            *([*(f"- {finding}" for finding in self.findings), ""] if self.findings else []),
            *self._verdict_lines(),
            "Best configurations:",
            "",
        ]
        configurations = dict(_configuration(row) for row in self.rows)
        lines += [
            f"- {label}: {', '.join(f'{k}={_short(v)}' for k, v in c.items())}" for label, c in configurations.items()
        ]
        return "\n".join(lines) + "\n"

    def _verdict_lines(self) -> list[str]:
        if not self.verdicts:
            return []
        lines = [f"| {v.claim} | {v.got:.4g} | {v.relation} {v.bound:.4g} | {v.answer} |" for v in self.verdicts]
        return ["| to beat | got | needed | beaten |", "|---|---|---|---|", *lines, ""]

    def write(self, folder: Path) -> None:
        """``STUDY.json`` and ``STUDY.md`` in ``folder``."""
        write_atomically(folder / f"{self.stem}.json", (self.to_json() + "\n").encode())
        write_atomically(folder / f"{self.stem}.md", self.to_markdown().encode())


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


def _configuration(row: Row) -> tuple[str, dict[str, Any]]:
    """What to print a row's configuration under: where nothing was searched, rows of a contender differ in what they compare alone."""
    if row.trials:
        return row.label, row.best_config
    return row.contender, {k: v for k, v in row.best_config.items() if k not in row.compared}


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
