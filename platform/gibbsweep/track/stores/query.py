"""Reading tracked runs back, for notebooks and reports."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from gibbsweep.errors import UserError
from gibbsweep.track.stores.store import connect, runs_with_key, search_runs
from gibbsweep.track.stores.uri import redact, sqlite_path

if TYPE_CHECKING:
    import pandas as pd
    from mlflow import MlflowClient


def sweep_runs(tracking_uri: str, sweep_name: str) -> pd.DataFrame:
    """The trials of the latest sweep of that name, a row each, sorted by the trial's name::

        runs = sweep_runs("sqlite:///runs/mlflow.db", "cd_k-20261124-101500")
        runs.groupby("params.k")["metrics.validation/log_likelihood"].max()

    Columns: ``run_id``, ``trial``, ``contender``, ``kind``, ``front`` (for the retraining of a Pareto front, which
    point of it that is), ``outcome``, ``status``, ``start_time`` and ``end_time`` (UTC), then ``params.NAME`` (as a
    number or a boolean where it is one) and ``metrics.NAME`` (the last value). Raises UserError if the store has no
    such sweep.
    """
    import pandas as pd

    client = reader(tracking_uri)
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    parents = runs_with_key(client, experiments, sweep_name)
    if not parents:
        raise UserError(f"no sweep named {sweep_name!r} in {redact(tracking_uri)}: give the name of a folder in runs/")
    parent = max(parents, key=lambda run: run.info.start_time)
    rows = []
    for run in search_runs(client, experiments, f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'"):
        row: dict[str, Any] = {"run_id": run.info.run_id, "trial": run.info.run_name}
        for name in ("contender", "kind", "front", "outcome"):
            row[name] = run.data.tags.get(f"gibbsweep.{name}", "")
        row["status"] = run.info.status
        row["start_time"] = pd.to_datetime(run.info.start_time, unit="ms", utc=True)
        row["end_time"] = pd.to_datetime(run.info.end_time, unit="ms", utc=True)
        row |= {f"params.{name}": _number(value) for name, value in run.data.params.items()}
        row |= {f"metrics.{name}": _with_infinities(value) for name, value in run.data.metrics.items()}
        rows.append(row)
    table = pd.DataFrame(rows)
    return table.sort_values("trial", ignore_index=True) if rows else table


def metric_history(tracking_uri: str, run_id: str, key: str) -> pd.DataFrame:
    """Every point of the metric ``key`` of a run: columns ``step``, ``time`` (UTC) and ``value``, sorted by step."""
    import pandas as pd

    points = reader(tracking_uri).get_metric_history(run_id, key)
    table = pd.DataFrame(
        {
            "step": [point.step for point in points],
            "time": pd.to_datetime([point.timestamp for point in points], unit="ms", utc=True),
            "value": [_with_infinities(point.value) for point in points],
        }
    )
    return table.sort_values(["step", "time"], ignore_index=True)


def reader(tracking_uri: str) -> MlflowClient:
    """A client of a store that exists: MLflow would create an SQLite file."""
    database = sqlite_path(tracking_uri)
    if database is not None and not database.exists():
        raise UserError(f"there is no tracking store at {database}: run a sweep first, or name another store")
    return connect(tracking_uri)


def _number(text: str) -> Any:
    """``text`` as the number or boolean that it says, else itself."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, bool | int | float) else text


def _with_infinities(value: float) -> float:
    """``value``, or an infinity if it is the largest double, as which SQL stores keep an infinity of that sign."""
    if abs(value) >= sys.float_info.max * (1 - 1e-9):
        return float("inf") if value > 0 else float("-inf")
    return value
