"""New runs as rows of the tables of MLflow's SQL store, the very rows that its client writes."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput, Metric, Param
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
    from sqlalchemy import Table
    from sqlalchemy.orm import Session

# In the order of their foreign keys.
COLUMNS = {
    "runs": (
        "run_uuid", "name", "source_type", "source_name", "entry_point_name", "user_id", "status", "start_time",
        "end_time", "deleted_time", "source_version", "lifecycle_stage", "artifact_uri", "experiment_id",
    ),
    "tags": ("run_uuid", "key", "value"),
    "params": ("run_uuid", "key", "value"),
    "metrics": ("run_uuid", "key", "value", "timestamp", "step", "is_nan"),
    "latest_metrics": ("run_uuid", "key", "value", "timestamp", "step", "is_nan"),
    "datasets": (
        "dataset_uuid", "experiment_id", "name", "digest", "dataset_source_type", "dataset_source", "dataset_schema",
        "dataset_profile",
    ),
    "inputs": ("input_uuid", "source_type", "source_id", "destination_type", "destination_id", "step"),
    "input_tags": ("input_uuid", "name", "value"),
}  # fmt: skip


@dataclass
class NewRun:
    """A run that the store is to have. ``files``: what goes to its artifacts, as (path, folder there); ``end``: status and unix ms."""

    run_id: str
    name: str
    user: str
    start_time: int
    artifact_uri: str
    tags: dict[str, str]
    params: list[Param] = field(default_factory=list)
    metrics: list[Metric] = field(default_factory=list)
    datasets: list[DatasetInput] = field(default_factory=list)
    files: list[tuple[str, str | None]] = field(default_factory=list)
    end: tuple[str, int] | None = None


def are_known() -> bool:
    """Whether the installed MLflow's tables have the columns that are filled here, and no others."""
    return all(set(columns) == set(_table(name).columns.keys()) for name, columns in COLUMNS.items())


def insert_runs(session: Session, store: SqlAlchemyStore, experiment_id: int, runs: Sequence[NewRun]) -> None:
    """Within the session's transaction; the runs are RUNNING."""
    import sqlalchemy

    points = [list(_points(store, run)) for run in runs]
    datasets, inputs, input_tags = _inputs(session, experiment_id, runs)
    rows: dict[str, list[tuple[Any, ...]]] = {
        "runs": [
            (
                run.run_id, run.name, "UNKNOWN", "", "", run.user, "RUNNING", run.start_time,
                None, None, "", "active", run.artifact_uri, experiment_id,
            )
            for run in runs
        ],
        "tags": [(run.run_id, *tag) for run in runs for tag in run.tags.items()],
        "params": [(run.run_id, param.key, param.value) for run in runs for param in run.params],
        "metrics": [row for of_run in points for row in of_run],
        "latest_metrics": [row for of_run in points for row in _latest(of_run)],
        "datasets": datasets,
        "inputs": inputs,
        "input_tags": input_tags,
    }  # fmt: skip
    for name, columns in COLUMNS.items():
        if rows[name]:
            values = [dict(zip(columns, row, strict=True)) for row in rows[name]]
            session.execute(sqlalchemy.insert(_table(name)), values)


def end_runs(session: Session, runs: Iterable[NewRun]) -> None:
    """Gives each run the status and time of its end."""
    from sqlalchemy import bindparam, update

    ends = [{"run": run.run_id, "status": run.end[0], "end_time": run.end[1]} for run in runs if run.end is not None]
    table = _table("runs")
    if ends:
        session.execute(update(table).where(table.c.run_uuid == bindparam("run")), ends)


def _table(name: str) -> Table:
    from mlflow.store.tracking.dbmodels.models import SqlRun

    found: Table = SqlRun.metadata.tables[name]
    return found


def _points(store: SqlAlchemyStore, run: NewRun) -> Iterator[tuple[Any, ...]]:
    """Rows of ``metrics``, each point once: NaN is the value 0 with a mark, an infinity the largest double."""
    seen = set()
    for metric in run.metrics:
        is_nan, value = store.sanitize_metric_value(metric.value)
        row = (run.run_id, metric.key, value, metric.timestamp, metric.step, is_nan)
        if row not in seen:
            seen.add(row)
            yield row


def _latest(points: Iterable[tuple[Any, ...]]) -> Iterable[tuple[Any, ...]]:
    """Rows of ``latest_metrics``: of each metric the point of the largest step, of those the latest, of those the largest value."""
    found: dict[str, tuple[Any, ...]] = {}
    for point in points:
        _, key, value, timestamp, step, _ = point
        known = found.get(key)
        if known is None or (step, timestamp, value) > (known[4], known[3], known[2]):
            found[key] = point
    return found.values()


def _inputs(
    session: Session, experiment_id: int, runs: Sequence[NewRun]
) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Rows of ``datasets`` that the experiment does not have yet, of ``inputs`` and of ``input_tags``."""
    import sqlalchemy

    given = {(i.dataset.name, i.dataset.digest): i.dataset for run in runs for i in run.datasets}
    if not given:
        return [], [], []
    table = _table("datasets")
    found = sqlalchemy.select(table.c.name, table.c.digest, table.c.dataset_uuid).where(
        table.c.experiment_id == experiment_id, table.c.name.in_({name for name, _ in given})
    )
    ids = {(name, digest): dataset_id for name, digest, dataset_id in session.execute(found)}
    new = {key: uuid.uuid4().hex for key in given if key not in ids}
    ids |= new
    datasets = [
        (new[key], experiment_id, *key, d.source_type, d.source, d.schema, d.profile)
        for key, d in given.items()
        if key in new
    ]
    inputs, input_tags = [], []
    for run in runs:
        for one in run.datasets:
            input_id = uuid.uuid4().hex
            dataset_id = ids[one.dataset.name, one.dataset.digest]
            inputs.append((input_id, "DATASET", dataset_id, "RUN", run.run_id, 0))
            input_tags += [(input_id, tag.key, tag.value) for tag in one.tags]
    return datasets, inputs, input_tags
