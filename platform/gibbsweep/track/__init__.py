"""Tracking: what trials write to their folders reaches MLflow, in batches, exactly once.

A trial's process never talks to MLflow: it appends to its spool. One process beside the sweep's driver
(:class:`Tracker`) follows all trial folders and feeds the store; :func:`sync` makes the same pass later. A dead
tracking server therefore costs nothing and loses nothing. No other package imports MLflow, and this one does so
late, in the functions that need it.
"""

from gibbsweep.track.mirror.report import SyncReport
from gibbsweep.track.mirror.sweep import sync
from gibbsweep.track.stores.query import metric_history, sweep_runs
from gibbsweep.track.stores.store import migrate
from gibbsweep.track.stores.uri import check_tracking_uri, default_tracking_uri, redact
from gibbsweep.track.tracker import Tracker

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
