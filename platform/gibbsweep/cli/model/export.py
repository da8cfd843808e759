"""``gibbsweep export RUN --to DIR``: a trained run as a folder that can be shared and served."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Literal

from gibbsweep.cli.model.options import RunOptions
from gibbsweep.errors import UserError


def export_run(
    options: RunOptions,
    to: Path,
    *,
    mlflow: Literal["sample", "score"] | None = None,
    track: bool = False,
    tracking_uri: str | None = None,
) -> None:
    """Write the run of ``options`` to the folder ``to``: weights, configuration, model card, and a script that loads
    it. ``mlflow``: also a model that `mlflow models serve` serves; ``track``: also add that to the run in MLflow."""
    from gibbsweep.folder import RunFolder
    from gibbsweep.track import check_tracking_uri, default_tracking_uri, redact
    from gibbsweep.track.served import log_served
    from gibbsweep.use.export import MLFLOW, SCRIPT, export

    if (track or tracking_uri) and mlflow is None:
        raise UserError("--track adds the model that --mlflow writes: give --mlflow sample or --mlflow score, too.")
    model = options.load()
    for path in export(model, to, mlflow=mlflow):
        print(path)
    print(f"\npython {shlex.quote(str(to / SCRIPT))}")
    if mlflow is not None:
        folder = shlex.quote(str(to / MLFLOW))
        print(_serve(folder))
    if track:
        uri = tracking_uri or os.environ.get("MLFLOW_TRACKING_URI")
        uri = uri or default_tracking_uri(model.path.absolute().parents[2])
        check_tracking_uri(uri)
        where = log_served(to / MLFLOW, RunFolder(model.path), uri)
        print(f"MLFLOW_TRACKING_URI={shlex.quote(redact(uri))} {_serve(where)}")


def _serve(model: str) -> str:
    """The command that serves a model on this machine."""
    return f"mlflow models serve -m {model} --env-manager local --host 127.0.0.1 --port 5001"
