"""The results of a study: a row for each contender (and compared option), as JSON, Markdown and text cells."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from gibbsweep.folder import write_atomically
from gibbsweep.folder.numbers import json_number, parse_number
from gibbsweep.results.accounting import Accounting
from gibbsweep.results.row import Row
from gibbsweep.results.statistic import Statistic
from gibbsweep.results.targets import Verdict
from gibbsweep.results.tuning import Tuning, tuning_sentences


@dataclass(frozen=True)
class Results:
    """The table of a study with everything that stands around it. For example, of a sweep that is over::

    results = Results.from_json(Path("analysis/results/cd_k.json").read_text())
    {row.label: row.metrics["test/log_likelihood"].mean for row in results.rows}
    """

    study: str
    """The study's name."""
    question: str
    """The study's question."""
    data: str
    """The data set, or the view of it."""
    budget: str
    """The budget's name."""
    device: str
    """The hardware, by name."""
    commit: str
    """The commit of the code."""
    columns: dict[str, str]
    """The metrics of the table with their headings."""
    rows: list[Row]
    """A row for each contender, compared option, and configuration of a Pareto front."""
    wall_seconds: float = 0.0
    """The wall seconds of the sweep, over all its parts."""
    verdicts: list[Verdict] = field(default_factory=list)
    """The judged targets."""
    findings: list[str] = field(default_factory=list)
    """The sentences into which the study puts its table."""
    source: str = ""
    """The data set's description of itself."""
    stem: str = ""
    """The name of the files: the study's, and the data's where it is not the study's own."""
    note: str = ""
    """A caution to the reader of the numbers."""
    importances: dict[str, dict[str, float]] = field(default_factory=dict)
    """The share of the goal's variance over a contender's completed search trials that each part of the choice makes,
    by contender: ``{"form.name": .6, "form.name=conv form.width": .1}``. A part is a compared path, or a searched path
    within one compared option. With several goals each has its own, under ``CONTENDER (for GOAL)``."""
    accounting: Accounting | None = None
    """The account of the sweep's device-seconds."""

    def __post_init__(self) -> None:
        if not self.stem:
            object.__setattr__(self, "stem", self.study)

    @property
    def nothing_completed(self) -> bool:
        """Whether runs ended and none of them completed."""
        ended = sum(sum(row.outcomes.values()) for row in self.rows)
        return ended > 0 and not any(row.outcomes.get("completed") for row in self.rows)

    def to_json(self) -> str:
        """The results as JSON; a number that is not finite as a string."""
        record = asdict(self)
        for row in record["rows"]:
            row["metrics"] = {
                k: {**v, "mean": json_number(v["mean"]), "sd": json_number(v["sd"])} for k, v in row["metrics"].items()
            }
            for name in ("schedule", "replaced", "tuning"):  # of populations, and of what is searched, alone
                if not row[name]:
                    del row[name]
        if self.accounting is not None:
            record["accounting"]["efficiency"] = self.accounting.efficiency
        for verdict, judged in zip(record["verdicts"], self.verdicts, strict=True):
            verdict |= {"got": json_number(judged.got), "bound": json_number(judged.bound), "answer": judged.answer}
        return json.dumps(record, indent=1)

    @classmethod
    def from_json(cls, text: str) -> Results:
        """The results that :meth:`to_json` wrote."""
        record = json.loads(text)
        rows = [
            Row(**{**row, "metrics": _statistics(row["metrics"]), "tuning": _tuning(row.get("tuning"))})
            for row in record["rows"]
        ]
        # A file from before verdicts had errors: means alone decided.
        verdicts = [
            Verdict(v["claim"], parse_number(v["got"]), v["relation"], parse_number(v["bound"]), v.get("error", 0.0))
            for v in record["verdicts"]
        ]
        account = record["accounting"]
        accounting = None if account is None else Accounting(**{k: v for k, v in account.items() if k != "efficiency"})
        return cls(**{**record, "rows": rows, "verdicts": verdicts, "accounting": accounting})

    def header(self, *, brief: bool = False) -> list[str]:
        """The headings of the table; ``brief`` as in :meth:`cells`."""
        return [
            "contender",
            *self.columns.values(),
            "trials",
            "div." if brief else "diverged",
            *(["restarts"] if self._restarted else []),
            *(["violated"] if self._violated else []),
            *(["sec."] if brief else ["updates", "seconds"]),
        ]

    @property
    def _restarted(self) -> bool:
        return any(row.restarts for row in self.rows)

    @property
    def _violated(self) -> bool:
        return any(row.violated for row in self.rows)

    def cells(self, *, brief: bool = False) -> list[list[str]]:
        """The rows of the table as text, with a dash where a contender has no such number.

        ``brief`` leaves out the updates, and the deviations of all metrics but the first.
        """

        def number(row: Row, i: int, column: str) -> str:
            if column not in row.metrics:
                return "–"
            statistic = row.metrics[column]
            return str(replace(statistic, n=1)) if brief and i > 0 else str(statistic)

        return [
            [
                row.label,
                *(number(row, i, column) for i, column in enumerate(self.columns)),
                _trials(row),
                f"{row.diverged_share:.0%}",
                *([str(row.restarts)] if self._restarted else []),
                *([str(len(row.violated)) if row.violated else "–"] if self._violated else []),
                *([] if brief else [str(row.updates)]),
                f"{row.device_seconds:.1f}",
            ]
            for row in self.rows
        ]

    def violations(self) -> list[str]:
        """A sentence for each row that violates a constraint.

        Either no trial satisfied all constraints, or the best trial did and its retrainings do not.
        """
        return [f"{row.label} violates a constraint: {'; '.join(row.violated)}." for row in self.rows if row.violated]

    def tuning(self) -> list[str]:
        """What to know of how the rows were tuned; see :func:`gibbsweep.results.tuning.tuning_sentences`."""
        return tuning_sentences(self.rows)

    def to_markdown(self) -> str:
        """A page with the question, the table, the findings, the verdicts and the best configurations."""
        header = self.header()
        caption = (
            f"Data `{self.data}`{f' ({self.source})' if self.source else ''}, budget `{self.budget}`, {self.device}, "
            f"commit `{self.commit[:12]}`, {self.wall_seconds:.0f} s in all. Numbers are the mean ± standard deviation "
            "over the seeds of the best configuration's retraining, on the test split; `trials` are those of the row's "
            "search (in brackets: trained to the end), `diverged` is the share of all runs, `seconds` the "
            "device-seconds of one retraining's updates."
            + (
                f" Among the diverged are {replaced} members of populations that went on from another one's checkpoint."
                if (replaced := sum(row.replaced for row in self.rows))
                else ""
            )
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
            *([*(f"- {sentence}" for sentence in self.violations()), ""] if self._violated else []),
            *([*(f"- {sentence}" for sentence in self.tuning()), ""] if self.tuning() else []),
            *self._spread_lines(),
            *([f"{self.accounting}.", ""] if self.accounting else []),
            *([*(f"- {finding}" for finding in self.findings), ""] if self.findings else []),
            *self._verdict_lines(),
            "Best configurations:",
            "",
        ]
        configurations = dict(_configuration(row) for row in self.rows)
        schedules = {
            row.label: describe_schedule(row.schedule, row.updates) for row in self.rows if len(row.schedule) > 1
        }
        lines += [
            f"- {label}: {', '.join(f'{k}={_short(v)}' for k, v in c.items())}"
            + (f"; while it trains: {schedules[label]}" if label in schedules else "")
            for label, c in configurations.items()
        ]
        return "\n".join(lines) + "\n"

    def _verdict_lines(self) -> list[str]:
        if not self.verdicts:
            return []
        lines = [
            f"| {v.claim} | {v.got:.4g} | {v.relation} {v.bound:.4g} | {v.margin} | {v.answer} |" for v in self.verdicts
        ]
        explained = "`level`: within two standard errors of the difference, over the seeds of both sides (the ±)."
        head = ["| to beat | got | needed | two errors | beaten |", "|---|---|---|---|---|"]
        return [*head, *lines, "", explained, ""]

    def _spread_lines(self) -> list[str]:
        """A table of each goal over the seeds of the best configuration and over the trials of the search."""
        lines = []
        for row in self.rows:
            for metric, trials in (row.tuning.spread if row.tuning is not None else {}).items():
                seeds = row.metrics.get(metric, "–")
                lines.append(f"| {row.label} | {metric} | {seeds} | {trials} | {trials.n} |")
        head = [
            "| row | goal | over seeds | over trials to the end | of these |",
            "|---|---|---|---|---|",
        ]
        return [*head, *lines, ""] if lines else []

    def write(self, folder: Path) -> None:
        """Write ``STEM.json`` and ``STEM.md`` into ``folder``."""
        write_atomically(folder / f"{self.stem}.json", (self.to_json() + "\n").encode())
        write_atomically(folder / f"{self.stem}.md", self.to_markdown().encode())


def _trials(row: Row) -> str:
    """How many trials the search of a row had and, if that is fewer, how many trained to the end; a dash where nothing
    is searched."""
    if row.tuning is None:
        return str(row.trials) if row.trials else "–"
    return f"{row.trials}" if row.tuning.to_the_end == row.trials else f"{row.trials} ({row.tuning.to_the_end})"


def _statistics(record: Mapping[str, Any]) -> dict[str, Statistic]:
    return {k: Statistic(parse_number(v["mean"]), parse_number(v["sd"]), v["n"]) for k, v in record.items()}


def _tuning(record: Mapping[str, Any] | None) -> Tuning | None:
    return None if record is None else Tuning(**{**record, "spread": _statistics(record["spread"])})


def _configuration(row: Row) -> tuple[str, dict[str, Any]]:
    """The name under which a row's configuration is printed, and the configuration.

    Where nothing was searched, the rows of a contender differ only in what they compare: they share one line.
    """
    if row.trials:
        return row.label, row.best_config
    return row.contender, {k: v for k, v in row.best_config.items() if k not in row.compared}


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def describe_schedule(schedule: Sequence[Mapping[str, Any]], updates: int) -> str:
    """One line for a schedule in the form of :func:`gibbsweep.run.schedule.schedule_as_json`.

    It has every path that changes, with its value until each change.
    """
    paths = dict.fromkeys(path for part in schedule[1:] for path in part["values"])
    lines = []
    for path in paths:
        steps = [(part["from"], part["values"][path]) for part in schedule if path in part["values"]]
        ends = [*(start for start, _ in steps[1:]), updates]
        parts = [f"{_short(value)} to {end}" for (_, value), end in zip(steps, ends, strict=True)]
        lines.append(f"{path} {', '.join(parts)}")
    return "; ".join(lines)
