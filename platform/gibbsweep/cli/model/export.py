"""``gibbsweep export``: a trained run as a folder that can be shared and served."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gibbsweep.cli.model.options import RunOptions
from gibbsweep.errors import UserError
from gibbsweep.option import OrDefault


@dataclass(frozen=True, kw_only=True)
class ExportOptions(RunOptions):
    """The options of ``gibbsweep export``."""

    to: Path
    """Folder to write: a new one, or one that an export has made."""
    mlflow: OrDefault[Literal["sample", "score"]] = None
    """Also write mlflow_model/ in it, which `mlflow models serve` serves: to draw samples, or to score examples."""
    track: bool = False
    """With --mlflow: also add that model to the run in MLflow, from where it can be served as runs:/RUN_ID/model."""
    tracking_uri: OrDefault[str] = None
    """With --track: MLflow server or store (default: $MLFLOW_TRACKING_URI, else SQLite beside the sweep)."""


def export_run(options: ExportOptions) -> None:
    """Write a trained run to a folder of its own: weights, configuration, model card, and a script that loads it.

    The folder needs PyTorch and gibbsweep_models alone, and holds no pickle.
    """
    from gibbsweep.folder import RunFolder
    from gibbsweep.track import check_tracking_uri, default_tracking_uri, redact
    from gibbsweep.track.served import log_served
    from gibbsweep.use.export import MLFLOW, SCRIPT, export

    if (options.track or options.tracking_uri) and options.mlflow is None:
        raise UserError("--track adds the model that --mlflow writes: give --mlflow sample or --mlflow score, too.")
    model = options.load()
    for path in export(model, options.to, mlflow=options.mlflow):
        print(path)
    print(f"\npython {shlex.quote(str(options.to / SCRIPT))}")
    if options.mlflow is not None:
        folder = shlex.quote(str(options.to / MLFLOW))
        print(_serve(folder))
    if options.track:
        uri = options.tracking_uri or os.environ.get("MLFLOW_TRACKING_URI")
        uri = uri or default_tracking_uri(model.path.absolute().parents[2])
        check_tracking_uri(uri)
        where = log_served(options.to / MLFLOW, RunFolder(model.path), uri)
        print(f"MLFLOW_TRACKING_URI={shlex.quote(redact(uri))} {_serve(where)}")


def _serve(model: str) -> str:
    """The command that serves a model on this machine."""
    return f"mlflow models serve -m {model} --env-manager local --host 127.0.0.1 --port 5001"
