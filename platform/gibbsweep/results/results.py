"""The results of a study: a row for each contender (and compared option), as JSON, Markdown and text cells."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from gibbsweep.folder import write_atomically
from gibbsweep.folder.numbers import json_number, parse_number
from gibbsweep.results.accounting import Accounting
from gibbsweep.results.answer import answers
from gibbsweep.results.page import page
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
    goals: dict[str, str] = field(default_factory=dict)
    """What the table is read by, usually what the study's searches optimise: the metric, and ``maximize`` or
    ``minimize``. Empty in files that do not say."""
    command: str = ""
    """The command that repeats the sweep; "" where it is not known."""
    sweep: str = ""
    """The name of the sweep, that of its folder; "" in files that do not say."""

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
        for name in ("goals", "command", "sweep"):
            if not record[name]:
                del record[name]
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
            *(["restarts"] if self.restarted else []),
            *(["violated"] if self.violated else []),
            *(["sec."] if brief else ["updates", "seconds"]),
        ]

    @property
    def restarted(self) -> bool:
        """Whether a run of any row restarted after a divergence."""
        return any(row.restarts for row in self.rows)

    @property
    def violated(self) -> bool:
        """Whether any row violates a constraint."""
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
                *([str(row.restarts)] if self.restarted else []),
                *([str(len(row.violated)) if row.violated else "–"] if self.violated else []),
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

    def answers(self) -> list[str]:
        """What the table answers, a sentence for each goal; see :func:`gibbsweep.results.answer.answers`."""
        return answers(self)

    def to_markdown(self) -> str:
        """The page of the results; see :func:`gibbsweep.results.page.page`."""
        return page(self)

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
