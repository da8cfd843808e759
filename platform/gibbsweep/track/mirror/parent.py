"""A sweep's own run in MLflow, the parent of its trials' runs, and the totals of what has been sent to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gibbsweep.track.stores.store import search_runs

if TYPE_CHECKING:
    from mlflow import MlflowClient


@dataclass
class Sent:
    """Running totals of what has been sent."""

    metrics: int = 0
    """Points of metrics."""
    images: int = 0
    """Pictures."""
    artifacts: int = 0
    """Other files, sounds included."""


@dataclass
class SweepRun:
    """The run of a sweep, and the runs of its trials that the store has."""

    client: MlflowClient
    """The client of the store."""
    experiment_id: str
    """The experiment of all these runs."""
    run_id: str
    """The id of the sweep's run."""
    name: str
    """The sweep's name."""
    words: dict[str, str] = field(default_factory=dict)
    """The tags that the trials' runs have from the sweep (see :func:`~gibbsweep.track.mirror.describe.words`)."""
    children: dict[str, str] = field(default_factory=dict)
    """Run key (see :func:`~gibbsweep.track.mirror.describe.run_key`) -> id of a trial's run."""
    deleted: set[str] = field(default_factory=set)
    """Run keys of the trials whose run the user deleted: they stay deleted."""


def read_sweep_run(
    client: MlflowClient, experiment_id: str, run_id: str, name: str, words: dict[str, str] | None = None
) -> SweepRun:
    """The run ``run_id`` of the sweep ``name``, with the trials' runs that the store has now; ``words``: the tags that
    they have from the sweep."""
    parent = SweepRun(client, experiment_id, run_id, name, words or {})
    for run in search_runs(client, [experiment_id], f"tags.`mlflow.parentRunId` = '{run_id}'", deleted=True):
        key = run.data.tags.get("gibbsweep.run_key", "")
        if run.info.lifecycle_stage == "active":
            parent.children[key] = run.info.run_id
        else:
            parent.deleted.add(key)
    parent.deleted -= parent.children.keys()
    return parent
