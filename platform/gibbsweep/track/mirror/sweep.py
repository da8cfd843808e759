"""A sweep's runs in MLflow: a parent run with the sweep's tags, counts and results, and a child run for each trial."""

from __future__ import annotations

import re
import threading
from collections import Counter
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from gibbsweep.errors import UserError
from gibbsweep.folder import OUTCOME_KINDS, SweepFolder
from gibbsweep.folder.layout import SWEEP
from gibbsweep.folder.whole import read_json_object
from gibbsweep.track.log import log_to
from gibbsweep.track.mirror import describe
from gibbsweep.track.mirror.batch import Batch
from gibbsweep.track.mirror.parent import Sent, SweepRun, read_sweep_run
from gibbsweep.track.mirror.report import (
    SyncReport,
    count_pending,
    count_runs,
    has_begun,
    sweep_files,
    trial_names,
)
from gibbsweep.track.mirror.table import description, read_table, table_file, table_metrics
from gibbsweep.track.mirror.tracked import TrackedSweep, stamp
from gibbsweep.track.mirror.trial import TrialMirror
from gibbsweep.track.stores.store import connect, experiment_id, migrate, probe, runs_with_key
from gibbsweep.track.stores.uri import check_tracking_uri, redact

if TYPE_CHECKING:
    from mlflow import MlflowClient

_ORPHAN_S = 5.0
"""Seconds that a tracking process may take to notice that its driver has died, and to release its lock."""
SETTLED = 500
"""The number of ended trials that a pass looks at. To look at one takes two system calls: for all of ten thousand,
every few seconds, that would be a tenth of a processor."""
REQUEST_ERRORS = ("INVALID_PARAMETER_VALUE", "BAD_REQUEST", "RESOURCE_DOES_NOT_EXIST")
"""MLflow's codes for errors of one request: the rest of the pass goes on. Any other error is the store's and ends
it."""


class SweepMirror:
    """Sends what is new in a sweep's folder::

        mirror = SweepMirror(Path("runs/cd_k-1"), tracking_uri="sqlite:///runs/mlflow.db")
        errors = mirror.send(ending="FINISHED")

    A failed pass leaves everything ready for the next one.
    """

    def __init__(self, sweep_dir: Path, *, tracking_uri: str, experiment: str = "") -> None:
        self.sweep_dir = sweep_dir.absolute()
        self.tracking_uri = tracking_uri
        self.sent = Sent()
        self.state = TrackedSweep.load(self.sweep_dir, redact(tracking_uri))
        self.state.experiment = experiment or self.state.experiment
        self._migrated = False
        self._parent: SweepRun | None = None
        self._trials: dict[str, TrialMirror] = {}
        self._saving = threading.Lock()
        self._turn = 0

    @property
    def run_id(self) -> str:
        """The id of the sweep's own run; "" while there is none."""
        return self._parent.run_id if self._parent else ""

    def set_ending(self, status: str) -> None:
        """Writes to disk which status the sweep ended with ("" while it runs), for the next process that reaches the
        store."""
        self.state.ending = status
        self._save()

    def send(self, ending: str = "") -> str:
        """Makes one pass over the sweep; ``ending`` is the status to end its run with, "" while it goes on.

        Returns the errors of single trials, "" if there are none. Raises what the store raises if it cannot be reached.
        """
        from mlflow.exceptions import MlflowException

        try:
            probe(self.tracking_uri)
            if not self._migrated:
                migrate(self.tracking_uri)
                self._migrated = True
            parent = self._parent or self._ensure_parent()
            if self.state.status != "RUNNING" and not ending:
                parent.client.update_run(parent.run_id, status="RUNNING")
                self.state.status = "RUNNING"
                self._save()
            errors = []
            for trial in self._due(ending):
                try:
                    trial.send(parent, self.sent, ending)
                except UserError as error:
                    errors.append(str(error))
                except MlflowException as error:
                    if error.error_code not in REQUEST_ERRORS:
                        raise
                    errors.append(f"{trial.folder.name}: {error}")
            self._send_counts(parent)
            self._send_files(parent)
            self._send_table(parent)
            if ending and self.state.status != ending:
                parent.client.set_terminated(parent.run_id, ending)
                self.state.status = ending
                self._save()
            return "; ".join(errors)
        except BaseException:
            # A request whose answer was lost may have been carried out: the next pass searches before it creates.
            self._parent = None
            raise

    def _ensure_parent(self) -> SweepRun:
        """The sweep's own run as the store has it, created if need be."""
        sweep = read_json_object(SweepFolder(self.sweep_dir).record_path)
        name = str(sweep.get("name") or self.sweep_dir.name)
        client = connect(self.tracking_uri)
        experiment = self.state.experiment or str(sweep.get("study") or name)
        experiment_key = experiment_id(client, experiment, self.tracking_uri, self.sweep_dir.parent)
        tags = describe.sweep_tags(sweep, name)
        run_ids = [
            run.info.run_id
            for run in runs_with_key(client, [experiment_key], name)
            if run.data.tags.get("gibbsweep.created", "") == tags.get("gibbsweep.created", "")
        ]
        if self.state.run_id in run_ids:
            run_id = self.state.run_id
        elif run_ids:
            run_id = run_ids[-1]
        else:
            start = _unix_seconds(sweep.get("created"), SweepFolder(self.sweep_dir).record_path)
            run_id = client.create_run(
                experiment_key, start_time=round(start * 1000), run_name=name, tags=tags
            ).info.run_id
        if run_id != self.state.run_id:
            self.state = TrackedSweep(
                store=self.state.store, run_id=run_id, experiment=experiment, ending=self.state.ending
            )
            if run_ids:
                client.update_run(run_id, status="RUNNING")
            self._save()
        self._send_parameters(client, run_id, sweep)
        self._parent = read_sweep_run(client, experiment_key, run_id, name, describe.words(sweep))
        return self._parent

    def _send_parameters(self, client: MlflowClient, run_id: str, sweep: dict[str, Any]) -> None:
        """Sends the sweep's own run the options of the sweep. A parameter cannot be written twice."""
        from mlflow.entities import Param

        wanted = describe.sweep_parameters(sweep)
        written = client.get_run(run_id).data.params if wanted else {}
        Batch([Param(name, value) for name, value in wanted.items() if name not in written]).send(client, run_id)

    def _due(self, ending: str) -> list[TrialMirror]:
        """The trials that this pass looks at: all that have not ended, and ``SETTLED`` of those that have, in turn,
        as they hardly ever change. The last pass looks at all."""
        folder = SweepFolder(self.sweep_dir).trials
        going_on: list[TrialMirror] = []
        settled: list[TrialMirror] = []
        for name in trial_names(self.sweep_dir):
            trial = self._trials.get(name)
            if trial is None and has_begun(folder, name):
                trial = self._trials[name] = TrialMirror(folder / name, self.state.store)
            if trial is not None:
                (settled if trial.settled and not ending else going_on).append(trial)
        self._turn += 1
        turns = 1 + len(settled) // SETTLED
        return going_on + settled[self._turn % turns :: turns]

    def _send_counts(self, parent: SweepRun) -> None:
        """Sends the number of ended trials, by kind of outcome, as metrics of the sweep's own run."""
        from mlflow.entities import Metric

        ended = {name: trial.state for name, trial in self._trials.items() if trial.state.finished}
        counts = Counter(state.outcome for state in ended.values())
        by_kind: dict[str, int] = {kind: counts[kind] for kind in OUTCOME_KINDS}
        if by_kind == self.state.counts or not ended:
            return
        # Step and time follow from the files, so that sending again what was sent before a crash adds nothing.
        time = max(int(state.outcome_stamp.split(":")[0]) for state in ended.values()) // 1_000_000
        metrics = [Metric(f"trials/{kind}", float(n), time, len(ended)) for kind, n in by_kind.items()]
        parent.client.log_batch(parent.run_id, metrics=metrics)
        self.state.counts = by_kind
        self.sent.metrics += len(metrics)
        self._save()

    def _send_files(self, parent: SweepRun) -> None:
        """Sends the files of the sweep that are new or have changed, as artifacts of its own run."""
        for path in sweep_files(self.sweep_dir):
            name, file_stamp = path.relative_to(self.sweep_dir).as_posix(), stamp(path)
            if not file_stamp or self.state.artifacts.get(name) == file_stamp:
                continue
            parent.client.log_artifact(parent.run_id, str(path), name.rpartition("/")[0] or None)
            # A new dict: another thread may be saving the old one.
            self.state.artifacts = {**self.state.artifacts, name: file_stamp}
            self.sent.artifacts += 1
            self._save()

    def _send_table(self, parent: SweepRun) -> None:
        """Sends the numbers of a finished sweep's table, and a description with it, to the sweep's own run."""
        from mlflow.entities import Metric

        path = table_file(self.sweep_dir)
        file_stamp = stamp(path) if path is not None else ""
        if path is None or not file_stamp or self.state.table == file_stamp:
            return
        results = read_table(path)
        if results is not None:
            # The time of the file, so that sending again what was sent before a crash adds nothing.
            time = int(file_stamp.split(":")[0]) // 1_000_000
            numbers = table_metrics(results)
            metrics = [Metric(name, value, time, 0) for name, value in numbers.items()]
            text = description(results, parent.run_id, sorted(self.state.artifacts))
            Batch(metrics=metrics, tags={"mlflow.note.content": text}).send(parent.client, parent.run_id)
            self.sent.metrics += len(metrics)
        self.state.table = file_stamp
        self._save()

    def report(self, error: str = "") -> SyncReport:
        """What has been sent so far, and what is left."""
        return SyncReport(
            runs=count_runs(self.sweep_dir, self.tracking_uri),
            metrics_sent=self.sent.metrics,
            images_sent=self.sent.images,
            artifacts_sent=self.sent.artifacts,
            pending=count_pending(self.sweep_dir, self.tracking_uri),
            error=error,
        )

    def _save(self) -> None:
        with self._saving:
            self.state.save(self.sweep_dir)


def sync(sweep_dir: Path, *, tracking_uri: str) -> SyncReport:
    """Sends everything of a sweep that the store does not have, after a crash or while its server was down::

        report = sync(Path("runs/cd_k-1"), tracking_uri="http://127.0.0.1:5000")
        assert not report.error and report.pending == 0

    The sweep must not be running, as its own tracker does the same. Runs without an outcome are ended as KILLED,
    and reopened when the sweep is resumed. A second call sends nothing twice. Raises UserError if ``sweep_dir`` is
    no sweep's folder, or if another process tracks it.
    """
    check_tracking_uri(tracking_uri)
    sweep_dir = Path(sweep_dir)
    folder = SweepFolder(sweep_dir)
    try:
        if not folder.record_path.exists():
            raise UserError(f"{sweep_dir} has no {SWEEP}: expected a sweep's folder, such as runs/cd_k-1")
        with sweep_lock(sweep_dir, wait_s=_ORPHAN_S), log_to(folder.track_log) as log:
            mirror = SweepMirror(sweep_dir, tracking_uri=tracking_uri)
            unreachable = False
            try:
                error = mirror.send(ending=mirror.state.ending or "KILLED")
            except Exception as caught:
                log.exception("sync stopped")
                error, unreachable = one_line(caught), is_unreachable(caught)
            return replace(mirror.report(error), unreachable=unreachable)
    except Timeout as error:
        raise UserError(f"{sweep_dir} is being tracked by another process: it sends everything itself") from error
    except PermissionError as error:
        raise UserError(
            f"{sweep_dir} belongs to another user ({error.filename} cannot be written): ask its owner to send it"
        ) from error


def sweep_lock(sweep_dir: Path, wait_s: float = 0.0) -> FileLock:
    """The lock of the one process that sends a sweep to a store. The system releases it when that process dies."""
    return FileLock(SweepFolder(sweep_dir).track_lock, timeout=wait_s)


def one_line(error: BaseException) -> str:
    """An error as one line without passwords, for a report. Sentences of Gibbsweep's own are whole, others may be
    cut."""
    if isinstance(error, UserError):
        return redact(str(error))
    return " ".join(redact(f"{type(error).__name__}: {error}").split())[:500]


def is_unreachable(error: BaseException) -> bool:
    """Whether ``error`` says that a store does not answer now, and may later."""
    if isinstance(error, ConnectionError | TimeoutError):
        return True
    # MLflow wraps what its own libraries raise, and keeps only the text.
    return bool(
        re.search(
            r"Max retries exceeded|Connection ?(refused|reset|aborted|error)|[Tt]imed out|error code 50[234]"
            r"|OperationalError|TEMPORARILY_UNAVAILABLE",
            f"{getattr(error, 'error_code', '')} {error}",
        )
    )


def _unix_seconds(created: Any, path: Path) -> float:
    """When the sweep with the record in ``path`` was created, or when that file was last written if it does not say
    so."""
    if isinstance(created, int | float):
        return float(created)
    if isinstance(created, str):
        try:
            return datetime.fromisoformat(created).timestamp()
        except ValueError as error:
            raise UserError(f"{path}: created is {created!r}, expected unix seconds or an ISO 8601 time") from error
    return path.stat().st_mtime
