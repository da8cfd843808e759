"""``gibbsweep track``: what of a sweep has not reached MLflow."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from gibbsweep.errors import UserError
from gibbsweep.folder import SweepFolder
from gibbsweep.folder.layout import TRIALS
from gibbsweep.option import OrDefault


@dataclass(frozen=True)
class SyncOptions:
    """The options of ``gibbsweep track sync``."""

    sweep: Positional[Path]
    """Folder of the sweep, for example runs/cd_k-20261123-120000."""
    tracking_uri: OrDefault[str] = None
    """MLflow server or store (default: $MLFLOW_TRACKING_URI, else SQLite beside the sweep)."""


def sync_sweep(options: SyncOptions) -> None:
    """Send to MLflow, exactly once, all of a sweep that has not reached it."""
    from gibbsweep.track import default_tracking_uri, redact, sync

    if not SweepFolder(options.sweep).trials.is_dir():
        raise UserError(f"{options.sweep} is not a sweep's folder: name one that holds {TRIALS}/, such as runs/NAME.")
    uri = options.tracking_uri or os.environ.get("MLFLOW_TRACKING_URI") or default_tracking_uri(options.sweep.parent)
    report = sync(options.sweep, tracking_uri=uri)
    if report.error:
        again = "; try again when it is up" if report.unreachable else ""
        raise UserError(f"{redact(uri)} could not take everything ({report.error}): nothing is lost{again}.")
    print(
        f"{report.runs} runs: sent {report.metrics_sent} metrics, {report.images_sent} images, "
        f"{report.artifacts_sent} artifacts"
    )
