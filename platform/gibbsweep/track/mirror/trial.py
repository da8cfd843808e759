"""One trial's run in MLflow: created once, fed from the trial's folder, and ended when there is an outcome."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from gibbsweep.errors import UserError
from gibbsweep.folder import RunFolder, iter_spool
from gibbsweep.folder.whole import read_json_object
from gibbsweep.track.mirror import describe
from gibbsweep.track.mirror.batch import MAX_METRICS, Batch
from gibbsweep.track.mirror.describe import Final, read_final
from gibbsweep.track.mirror.media import ImageGrids, image_files, send_sound, sound_files
from gibbsweep.track.mirror.parent import Sent, SweepRun
from gibbsweep.track.mirror.thinning import Thinning
from gibbsweep.track.mirror.tracked import TrackedTrial, stamp

if TYPE_CHECKING:
    from mlflow import MlflowClient

log = logging.getLogger("gibbsweep.track")


class TrialMirror:
    """Sends what is new in one trial's folder::

        mirror = TrialMirror(folder, store="sqlite:///runs/mlflow.db")
        mirror.send(sweep_run, sent=Sent())

    It can be interrupted anywhere and called again.
    """

    def __init__(self, folder: Path, store: str) -> None:
        self.folder = folder
        self._run = RunFolder(folder)
        self._reports, self._outcome = self._run.spool, self._run.outcome
        # As strings: every pass asks the system about these two files of every trial.
        self._files = str(self._outcome), str(self._reports)
        self.state = TrackedTrial.load(folder, store)
        # What identified the parent run and the files when all was sent and the trial had ended; "" if it had not.
        self._settled_as = ""

    @property
    def settled(self) -> bool:
        """Whether the trial had ended, and all of it had been sent, after the last pass."""
        return bool(self._settled_as)

    def send(self, parent: SweepRun, sent: Sent, ending: str = "") -> None:
        """Sends what is new below the sweep's run ``parent``, and adds it to the totals in ``sent``. With
        ``ending``, the sweep is over, and a run without an outcome is ended as KILLED."""
        key = describe.run_key(parent.name, self.folder.name)
        identity = f"{parent.run_id} {self._file_stamps()}"
        if self.state.deleted != (key in parent.deleted):
            self.state.deleted = not self.state.deleted
            self._save()
        if self.state.deleted or (self.state.finished and self._settled_as == identity):
            return
        batch = self._ensure_run(parent, key)
        client, run_id = parent.client, self.state.run_id
        # Looked at before the spool: a trial writes its outcome last, so with an outcome the spool is whole.
        outcome_stamp = stamp(self._outcome)
        if self.state.finished and self.state.outcome_stamp != outcome_stamp:
            self._reopen(client)
        final = read_final(self.folder) if outcome_stamp and not self.state.finished else None
        self._send_metrics(client, sent, batch, final)
        if outcome_stamp and final is None and not self.state.finished:  # reports after the end have reopened the run
            final = read_final(self.folder)
            self._send_metrics(client, sent, Batch(), final)
        self._send_images(client, sent)
        self._send_sounds(client, sent)
        if final is not None:
            self._finish(client, sent, final)
        if outcome_stamp:
            self._settled_as = identity
        elif ending and self.state.status == "RUNNING":
            client.set_terminated(run_id, "KILLED", end_time=int(self.state.last_time * 1000) or None)
            self.state.status = "KILLED"
            self._save()

    def _ensure_run(self, parent: SweepRun, key: str) -> Batch:
        """Finds or creates the trial's run; returns the parameters that it does not have yet."""
        run_id = parent.children.get(key)
        if self.state.run_id and self.state.run_id == run_id and self.state.parent_id == parent.run_id:
            return Batch() if self.state.described else self._description(parent.client)
        if self.state.run_id:
            log.warning("%s: the store does not know run %s: everything is sent again", key, self.state.run_id)
        config_path, is_new = self._run.config, run_id is None
        self.state = TrackedTrial(store=self.state.store, parent_id=parent.run_id)
        if run_id is None:
            config = read_json_object(config_path)
            run = parent.client.create_run(
                parent.experiment_id,
                start_time=int(config_path.stat().st_mtime * 1000),
                run_name=self.folder.name,
                tags=describe.trial_tags(config, parent.name, self.folder.name, parent.run_id, parent.words),
            )
            run_id = parent.children[key] = run.info.run_id
        else:
            # Its status was lost with tracked.json: it is running until the outcome says otherwise.
            parent.client.update_run(run_id, status="RUNNING")
        self.state.run_id = run_id
        self._save()
        return self._description(parent.client, is_new=is_new)

    def _description(self, client: MlflowClient, *, is_new: bool = False) -> Batch:
        """Sends the run its data set; returns the parameters that it does not have yet."""
        from mlflow.entities import Param

        config = read_json_object(self._run.config)
        # A parameter cannot be written twice.
        written = {} if is_new else client.get_run(self.state.run_id).data.params
        dataset = describe.dataset_input(config)
        if dataset is not None:
            client.log_inputs(self.state.run_id, [dataset])
        parameters = describe.parameters(config).items()
        return Batch([Param(name, value) for name, value in parameters if name not in written])

    def _reopen(self, client: MlflowClient) -> None:
        """Lets an ended run go on."""
        client.update_run(self.state.run_id, status="RUNNING")
        if self.state.outcome:
            client.set_tag(self.state.run_id, "gibbsweep.outcome", "")
            client.set_tag(self.state.run_id, "gibbsweep.message", "")
        self.state.finished, self.state.outcome, self.state.outcome_stamp = False, "", ""
        self.state.status = "RUNNING"
        self._save()

    def _send_metrics(self, client: MlflowClient, sent: Sent, batch: Batch, final: Final | None) -> None:
        """Sends what ``batch`` holds, then the reports that the run does not have yet, then the metrics and tags of
        ``final``. Raises UserError, after all that can be sent, for a corrupt report or outcome."""
        reports, size = self._reports, self._spool_size()
        if size < self.state.offset:
            log.warning("%s is shorter than what was sent of it: it is sent again from its start", reports)
            self.state.offset = 0
        corrupt = final.error if final is not None else None
        if size > self.state.offset:
            try:
                thinning = Thinning.of(read_json_object(self._run.config))
                for record in iter_spool(reports, self.state.offset):
                    if len(batch.metrics) + len(record.metrics) > MAX_METRICS and batch.metrics:
                        self._send_batch(client, batch, sent)
                    if self.state.status != "RUNNING":
                        self._reopen(client)
                    if thinning.keeps(record.step):
                        self._add(batch, record.metrics, record.step, record.time)
                    batch.position = record.end, record.time
            except UserError as error:
                corrupt = error
        if final is not None and corrupt is None:
            # The time of the last report, so that a final metric that repeats it is the same point, not a second one.
            _, last_time = batch.position or (0, self.state.last_time)
            self._add(batch, final.metrics, final.step, last_time or final.time)
            batch.tags |= final.tags
        self._send_batch(client, batch, sent)
        if corrupt is not None:
            raise corrupt

    def _send_batch(self, client: MlflowClient, batch: Batch, sent: Sent) -> None:
        """Sends ``batch`` and saves how far the run is."""
        if self.state.infinite and batch.metrics:
            # An SQL store keeps an infinity as the largest double of its sign: the tag says which points are infinite.
            batch.tags["gibbsweep.infinite_metrics"] = ", ".join(self.state.infinite)[: describe.MAX_TAG]
        count, described = len(batch.metrics), self.state.described
        if not (count or batch.params or batch.tags or batch.position) and described:
            return
        batch.send(client, self.state.run_id)
        if batch.position is not None:
            self.state.offset, self.state.last_time = batch.position
        self.state.described = True
        self._save()
        sent.metrics += count

    def _add(self, batch: Batch, values: Mapping[str, float], step: int, time: float) -> None:
        """Adds a point of each metric to ``batch``, and notes the first infinite ones."""
        from mlflow.entities import Metric

        for name, value in values.items():
            note = f"{name}={'+' if value > 0 else '-'}inf@"
            if math.isinf(value) and not any(earlier.startswith(note) for earlier in self.state.infinite):
                self.state.infinite.append(f"{note}{step}")
        batch.metrics += [
            Metric(describe.valid_name(name), value, round(time * 1000), step) for name, value in values.items()
        ]

    def _send_images(self, client: MlflowClient, sent: Sent) -> None:
        paths = sorted(set(image_files(self.folder)) - set(self.state.images))
        if not paths:
            return
        grids = ImageGrids(client, self.state.run_id)
        for path in paths:
            grids.send(self._run.images / path, path)
            self.state.images.append(path)
            self._save()
            sent.images += 1

    def _send_sounds(self, client: MlflowClient, sent: Sent) -> None:
        for path in sorted(set(sound_files(self.folder)) - set(self.state.sounds)):
            send_sound(client, self.state.run_id, self.folder, path)
            self.state.sounds.append(path)
            self._save()
            sent.artifacts += 1

    def _finish(self, client: MlflowClient, sent: Sent, final: Final) -> None:
        """Sends the run its files and ends it."""
        run_id = self.state.run_id
        for file in (self._run.config, self._run.outcome, self._run.log):
            if file.exists():
                client.log_artifact(run_id, str(file))
                sent.artifacts += 1
        checkpoint = self._run.checkpoint
        if checkpoint.is_dir() and not describe.may_lose_checkpoint(self.folder):
            client.log_artifacts(run_id, str(checkpoint), checkpoint.name)
            sent.artifacts += sum(file.is_file() for file in checkpoint.rglob("*"))
        status = "FINISHED" if final.outcome in ("completed", "pruned") else "FAILED"
        client.set_terminated(run_id, status, end_time=round(max(self.state.last_time, final.time) * 1000))
        self.state.outcome, self.state.outcome_stamp = final.outcome, final.stamp
        self.state.status, self.state.finished = status, True
        self._save()

    def _file_stamps(self) -> str:
        outcome, reports = self._files
        return f"{stamp(outcome)} {stamp(reports)}"

    def _spool_size(self) -> int:
        return self._reports.stat().st_size if self._reports.exists() else 0

    def _save(self) -> None:
        self.state.save(self.folder)
