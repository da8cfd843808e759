"""Finished tables in a notebook: found, as data frames, against their baselines, and their pictures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gibbsweep.errors import UserError
from gibbsweep.folder.layout import RESULTS, SWEEP
from gibbsweep.results.answer import REFERENCES, Direction, answers, heading_of, measured_goals
from gibbsweep.results.difference import difference
from gibbsweep.results.results import Results
from gibbsweep.results.row import Row

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True)
class Finished:
    """The results of a study with the folder that they lie in. For example::

    found = find_results("image_generation", runs=Path("../runs"), published=Path("results"))
    found.table("test/frechet_distance", "test/coverage")
    """

    results: Results
    """The table and what stands around it."""
    folder: Path
    """The folder of its JSON file and of its pictures."""

    def __str__(self) -> str:
        r = self.results
        return f"{r.study}: data {r.data}, budget {r.budget}, {r.device}, commit {r.commit[:7]}"

    @property
    def answer(self) -> str:
        """The question, and its answer in a sentence for each goal, or why there is none."""
        said = answers(self.results) or ["The file does not say what the study's goal was."]
        return "\n".join([self.results.question, *(f"→ {sentence}" for sentence in said), *self.results.tuning()])

    def table(self, *metrics: str, contenders: Sequence[str] = ()) -> DataFrame:
        """``metrics`` (the table's first five columns, unless they are given) of each row, mean ± sd over seeds, with
        the row's kind, trials, seeds and device-seconds. ``contenders``: these alone."""
        import pandas as pd

        chosen = metrics or tuple(self.results.columns)[:5]
        rows = [row for row in self.results.rows if not contenders or row.contender in contenders]
        measured = [metric for metric in chosen if any(metric in row.metrics for row in rows)]
        return pd.DataFrame(
            {
                "kind": [kind_of(row) for row in rows],
                **{
                    heading_of(self.results, metric): [str(row.metrics.get(metric, "–")) for row in rows]
                    for metric in measured
                },
                "trials": [row.trials or "–" for row in rows],
                "seeds": [len(row.seeds) for row in rows],
                "device-seconds": [round(row.device_seconds, 1) for row in rows],
            },
            index=pd.Index([row.label for row in rows], name="contender"),
        )

    def against_baselines(self, metric: str = "", direction: Direction | None = None) -> DataFrame:
        """Each energy and score model against the best baseline in ``metric`` (the study's goal, unless it is given):
        the lead, two standard errors of it, and ``ahead``, ``behind`` or ``level`` where seeds cannot tell."""
        import pandas as pd

        goals = dict(measured_goals(self.results))
        metric = metric or next(iter(goals), "")
        direction = direction or goals.get(metric)
        if not metric or direction is None:
            raise UserError(
                f"{self.results.study} does not say whether {metric or 'its goal'} is to be maximized or minimized: "
                "pass a metric and a direction."
            )
        sign = 1 if direction == "maximize" else -1
        measured = [row for row in self.results.rows if metric in row.metrics]
        baselines = [row for row in measured if kind_of(row) == "baseline"]
        if not baselines:
            raise UserError(f"no baseline of {self.results.study} has a number of {metric}: choose another metric.")
        best = max(baselines, key=lambda row: sign * row.metrics[metric].mean)
        rows = []
        for row in measured:
            if kind_of(row) not in ("energy", "score"):
                continue
            gap = difference(row.metrics[metric], best.metrics[metric])
            lead = sign * gap.value
            told = "1 seed" if gap.noise is None else "level" if not gap.clear else "ahead" if lead > 0 else "behind"
            rows.append((row.label, kind_of(row), str(row.metrics[metric]), _short(lead), _short(gap.noise), told))
        heading = heading_of(self.results, metric)
        frame = pd.DataFrame(
            rows, columns=["contender", "kind", heading, f"lead over {best.label}", "± two errors", "verdict"]
        )
        return frame.set_index("contender")

    def picture(self, name: str) -> Path:
        """The file of the picture ``name``, such as ``samples``. Raises UserError where there is none, with those that
        there are."""
        path = self.folder / f"{self.results.stem}_{name}.png"
        if not path.is_file():
            stem = f"{self.results.stem}_"
            there = sorted(file.stem.removeprefix(stem) for file in self.folder.glob(f"{stem}*.png"))
            raise UserError(
                f"{self.folder} has no picture {name!r} of {self.results.stem}: it has {', '.join(there) or 'none'}."
            )
        return path

    def sounds(self, name: str = "samples") -> dict[str, Path]:
        """The WAV files ``name`` by the label of their row."""
        start = f"{self.results.stem}_{name}_"
        return {file.stem.removeprefix(start): file for file in sorted(self.folder.glob(f"{start}*.wav"))}


def _short(value: float | None) -> float | None:
    """``value`` in four digits, as a table is read."""
    return None if value is None else float(f"{value:.4g}")


def kind_of(row: Row) -> str:
    """``energy``, ``score`` or ``baseline``; ``reference`` of what trains nothing and is measured like a model."""
    return "reference" if row.contender in REFERENCES else row.kind


def find_results(study: str, *, runs: Path | None = None, published: Path | None = None, stem: str = "") -> Finished:
    """The results of the newest finished sweep of ``study`` in the folder ``runs``, else those in the folder
    ``published``. ``stem``: of the file there, where it is not the study's name. Raises UserError where there are
    none."""
    name = f"{stem or study}.json"
    finished = [] if runs is None else [path for path in runs.glob(f"*/{RESULTS}/{name}") if _created(path)]
    if finished:
        newest = max(finished, key=_created)
        return Finished(Results.from_json(newest.read_text()), newest.parent)
    if published is not None and (published / name).is_file():
        return Finished(Results.from_json((published / name).read_text()), published)
    looked = " and ".join(str(folder) for folder in (runs, published) if folder is not None)
    raise UserError(f"no finished results of {study} in {looked}: run python sweeps/{study}.py first.")


def _created(path: Path) -> str:
    """When the sweep with the results ``path`` was started; "" where that cannot be read."""
    try:
        return str(json.loads((path.parent.parent / SWEEP).read_text())["created"])
    except (OSError, ValueError, KeyError):
        return ""
