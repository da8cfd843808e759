"""What MLflow's client would be asked about new runs, gathered and written to an SQL store at once.

Each request of the client's is a transaction or three and builds MLflow's objects row by row: a run that did nothing costs a processor
30 ms. A sweep of short trials has hundreds of them a minute.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from gibbsweep.track import tables
from gibbsweep.track.store import sql_store
from gibbsweep.track.tables import NewRun

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import DatasetInput, Experiment, Metric, Param, Run, RunTag


class Gathered:
    """Stands in for the client where a run is new: it keeps the requests that describe, feed and end such runs until :meth:`write`.

    Whatever else a client can be asked is missing here. A request that MLflow would refuse is refused, with its own words.
    """

    def __init__(self, client: MlflowClient, experiment: Experiment) -> None:
        self._client, self._experiment = client, experiment
        self._runs: dict[str, NewRun] = {}

    def create_run(self, experiment_id: str, start_time: int, run_name: str, tags: dict[str, str]) -> Run:
        from mlflow.entities import Run, RunData, RunInfo
        from mlflow.utils.uri import append_to_uri_path

        assert experiment_id == self._experiment.experiment_id
        run_id, user = uuid.uuid4().hex, tags.get("mlflow.user", "unknown")
        below = cast("Any", append_to_uri_path)  # some of MLflow's functions carry no types
        uri = below(self._experiment.artifact_location, run_id, "artifacts")
        self._runs[run_id] = NewRun(
            run_id, run_name, user, start_time, uri, {**tags, "mlflow.runName": run_name}
        )  # fmt: skip
        info = RunInfo(run_id, experiment_id, user, "RUNNING", start_time, None, "active", uri, run_name)
        return Run(info, RunData())

    def log_inputs(self, run_id: str, datasets: list[DatasetInput]) -> None:
        from mlflow.utils.validation import _validate_dataset_inputs

        _validate_dataset_inputs(datasets)
        self._runs[run_id].datasets += datasets

    def log_batch(
        self, run_id: str, metrics: Sequence[Metric], params: Sequence[Param], tags: Sequence[RunTag]
    ) -> None:
        from mlflow.utils.validation import _validate_batch_log_data

        run, valid = self._runs[run_id], cast("Any", _validate_batch_log_data)
        metrics, params, tags = valid(metrics, params, tags)
        run.metrics += metrics
        run.params += params
        run.tags |= {tag.key: tag.value for tag in tags}

    def log_artifact(self, run_id: str, local_path: str, artifact_path: str | None = None) -> None:
        self._runs[run_id].files.append((local_path, artifact_path))

    log_artifacts = log_artifact

    def set_terminated(self, run_id: str, status: str, end_time: int) -> None:
        self._runs[run_id].end = status, end_time

    def write(self) -> None:
        """All rows of all runs in one transaction; then their files; then, in a second one, how they ended.

        After a crash in between, a run is there with all its points and is found by its key: as after a crash between two
        requests of the client's.
        """
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        runs, store = list(self._runs.values()), sql_store(self._client)
        with store.ManagedSessionMaker(read_only=False) as session:
            tables.insert_runs(session, store, int(self._experiment.experiment_id), runs)
        for run in runs:
            repository: Any = get_artifact_repository(run.artifact_uri, tracking_uri=self._client.tracking_uri)
            for path, folder in run.files:
                if os.path.isdir(path):
                    repository.log_artifacts(path, folder)
                else:
                    repository.log_artifact(path, folder)
        with store.ManagedSessionMaker(read_only=False) as session:
            tables.end_runs(session, runs)
