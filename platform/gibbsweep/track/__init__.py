"""Tracking: what trials write in their folders reaches MLflow, in batches, exactly once.

A trial's process never talks to MLflow: it appends to its spool. One process beside the sweep's driver
(:class:`Tracker`)
follows all trial folders and feeds the store; :func:`sync` is the same pass, run later. A dead tracking server
therefore
costs nothing and loses nothing. The only package that imports MLflow, and only when something is called.
"""

from gibbsweep.track.query import metric_history, sweep_runs
from gibbsweep.track.report import SyncReport
from gibbsweep.track.store import migrate
from gibbsweep.track.sweep import sync
from gibbsweep.track.tracker import Tracker
from gibbsweep.track.uri import check_tracking_uri, default_tracking_uri, redact

__all__ = [
    "SyncReport",
    "Tracker",
    "check_tracking_uri",
    "default_tracking_uri",
    "metric_history",
    "migrate",
    "redact",
    "sweep_runs",
    "sync",
]
