"""A sweep's folder as data frames, while it runs, after it stopped and when it is over."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from gibbsweep.folder import RunFolder, read_spool
from gibbsweep.study.goal import Goal
from gibbsweep.tune.folder.driver import is_driven
from gibbsweep.tune.folder.layout import SweepDir
from gibbsweep.tune.plan.outline import read_outline
from gibbsweep.use.folders import sweep_at
from gibbsweep.use.rows import Run, SweepRow, finished_results, rows_of, runs_of

if TYPE_CHECKING:
    import pandas as pd

    from gibbsweep.use.model import Model

State = Literal["running", "stopped", "finished"]


def open_sweep(sweep: Path | str) -> Sweep:
    """The ``sweep`` in a folder, or of that name below runs/. Nothing in it is changed; open it again to see what has
    come since. Raises UserError where there is none. For example::

        sweep = gibbsweep.open_sweep("runs/cd_k-1")
        sweep.rows.sort_values(sweep.goal.metric)[["contender", "k", sweep.goal.metric]]
    """
    return Sweep(sweep_at(sweep))


@dataclass(frozen=True)
class Sweep:
    """A sweep's folder: :func:`open_sweep` opens it. Each data frame is read once, when it is first asked for."""

    folder: SweepDir
    """Its folder."""

    @property
    def name(self) -> str:
        """Its name."""
        return self.folder.name

    @property
    def path(self) -> Path:
        """Its folder's path."""
        return self.folder.path

    @property
    def study(self) -> str:
        """The name of its study."""
        return str(self.record["study"])

    @property
    def question(self) -> str:
        """The question of its study."""
        return str(self.record["question"])

    @property
    def data(self) -> str:
        """The data set, or the view of it."""
        return str(self.record["data"])

    @property
    def budget(self) -> str:
        """The name of its budget."""
        return str(self.record["budget"])

    @property
    def state(self) -> State:
        """``running`` while a process drives it, ``finished`` once it has its table, else ``stopped``."""
        if is_driven(self.folder):
            return "running"
        return "finished" if finished_results(self.folder) is not None else "stopped"

    @property
    def goal(self) -> Goal:
        """The goal of its search; the first one where there are several (see ``goals``)."""
        return next(iter(self.goals.values()))[0]

    @cached_property
    def goals(self) -> Mapping[str, tuple[Goal, ...]]:
        """The goals of each contender's search."""
        return {name: outline.goals for name, outline in read_outline(self.folder).items()}

    @cached_property
    def record(self) -> Mapping[str, Any]:
        """The content of ``sweep.json``: what was asked."""
        return self.folder.record()

    @cached_property
    def rows(self) -> pd.DataFrame:
        """A row of the table each, by its label: ``contender``, each compared option by its path, ``front``,
        ``trials``, ``seeds`` (retrainings), ``updates``, ``device_seconds``, ``diverged_share``, ``best`` (the run that
        :func:`gibbsweep.load_best` loads), and for each metric its mean over the seeds, and its deviation as ``METRIC
        sd``."""
        import pandas as pd

        table = [_row(row) for row in self._rows]
        return pd.DataFrame(table).set_index("row") if table else pd.DataFrame()

    @cached_property
    def runs(self) -> pd.DataFrame:
        """A run each, by its name: ``contender``, each compared option, ``kind`` (``search`` or ``retrain``), ``seed``,
        ``data``, ``state`` (how it ended, or ``open``), ``step``, ``device_seconds``, ``message``, ``path``, and the
        metrics of its end, or of its last report."""
        import pandas as pd

        table = [_run(run) for run in self._runs]
        return pd.DataFrame(table).set_index("run") if table else pd.DataFrame()

    @cached_property
    def reports(self) -> pd.DataFrame:
        """A report of a run each, by its time in the run: ``run``, ``contender``, ``step``, ``time`` (UTC), and its
        metrics. For a curve: ``sweep.reports.pivot(index="step", columns="run", values=METRIC).plot()``."""
        import pandas as pd

        table = [
            {
                "run": run.name,
                "contender": run.contender,
                **run.compared,
                "step": report.step,
                "time": pd.Timestamp(report.time, unit="s", tz="UTC"),
                **report.metrics,
            }
            for run in self._runs
            for report in read_spool(RunFolder(run.path).spool)
        ]
        return pd.DataFrame(table)

    @cached_property
    def configurations(self) -> pd.DataFrame:
        """The whole configuration of each run, by its name: a column for each path. ``searched`` has the paths that the
        search chose, as text."""
        import pandas as pd

        table = [
            {
                "run": run.name,
                "contender": run.contender,
                "searched": " ".join(run.config.get("searched", [])),
                **{path: _cell(value) for path, value in run.config["params"].items()},
            }
            for run in self._runs
        ]
        return pd.DataFrame(table).set_index("run") if table else pd.DataFrame()

    def load_best(self, contender: str | None = None, **options: Any) -> Model:
        """The best run, as :func:`gibbsweep.load_best` finds it: ``sweep.load_best("rbm", k=25)``."""
        from gibbsweep.use.best import load_best

        return load_best(self.path, contender, **options)

    @cached_property
    def _runs(self) -> list[Run]:
        return runs_of(self.folder)

    @cached_property
    def _rows(self) -> list[SweepRow]:
        return rows_of(self.folder, self._runs)


def _row(row: SweepRow) -> dict[str, Any]:
    table, best = row.row, row.best
    metrics = {}
    for name, statistic in table.metrics.items():
        metrics[name] = statistic.mean
        metrics[f"{name} sd"] = statistic.sd
    return {
        "row": table.label,
        "contender": table.contender,
        **{path: _cell(value) for path, value in table.compared.items()},
        "front": table.front,
        "trials": table.trials,
        "seeds": len(table.seeds),
        "updates": table.updates,
        "device_seconds": table.device_seconds,
        "diverged_share": table.diverged_share,
        "best": None if best is None else best.name,
        **metrics,
    }


def _run(run: Run) -> dict[str, Any]:
    outcome = run.outcome
    report = run.last_report() if outcome is None else None
    metrics = outcome.metrics if outcome is not None else report.metrics if report is not None else {}
    seconds = outcome.device_seconds if outcome is not None else metrics.get("train/device_seconds", 0.0)
    return {
        "run": run.name,
        "contender": run.contender,
        **{path: _cell(value) for path, value in run.compared.items()},
        "kind": run.kind,
        "seed": run.config["seed"],
        "data": run.config["data"]["name"],
        "state": "open" if outcome is None else outcome.kind,
        "step": outcome.step if outcome is not None else report.step if report is not None else 0,
        "device_seconds": seconds,
        "message": "" if outcome is None else outcome.message,
        "path": str(run.path),
        **metrics,
    }


def _cell(value: Any) -> Any:
    """A value of a configuration as a cell: what is no single number or text as JSON."""
    return json.dumps(value) if isinstance(value, list | dict) else value
