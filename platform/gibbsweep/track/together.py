"""Sending many trials at once, where the store is a database and the trials are short."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from gibbsweep.errors import UserError
from gibbsweep.track import tables
from gibbsweep.track.gather import Gathered
from gibbsweep.track.parent import Sent, SweepRun
from gibbsweep.track.store import is_database

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from gibbsweep.track.trial import TrialMirror

# A transaction keeps an SQLite store from its other writers: a tenth of a second, for so many.
RUNS = 100


def send_together(trials: Iterable[TrialMirror], parent: SweepRun, sent: Sent, tracking_uri: str) -> None:
    """Sends those of the trials that are short, have ended and have no run yet, and nothing of the others.

    What is wrong with a trial's files is not said here, but by the pass over each trial that follows. Raises MLflow's exception
    where it refuses a request: then it is not known which trial's that was, nor which runs are there.
    """
    if not (is_database(tracking_uri) and tables.are_known()):
        return
    new = [trial for trial in trials if trial.is_short_and_new(parent)]
    if not new:
        return
    experiment = parent.client.get_experiment(parent.experiment_id)
    if experiment.lifecycle_stage != "active":
        return  # MLflow's client says so
    for start in range(0, len(new), RUNS):
        group = new[start : start + RUNS]
        gathered, now = Gathered(parent.client, experiment), Sent()
        stand_in = replace(parent, client=cast("MlflowClient", gathered))
        try:
            for trial in group:
                try:
                    trial.gather(stand_in, now)
                except UserError:
                    continue
            gathered.write()
        except BaseException:
            for trial in group:
                trial.forget()
            raise
        for trial in group:
            trial.remember()
        sent.add(now)
