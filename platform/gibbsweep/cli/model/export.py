"""``gibbsweep export``: a trained run as a folder that can be shared and served."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gibbsweep.cli.model.options import RunOptions
from gibbsweep.option import OrDefault


@dataclass(frozen=True, kw_only=True)
class ExportOptions(RunOptions):
    """The options of ``gibbsweep export``."""

    to: Path
    """Folder to write: a new one, or one that an export has made."""
    mlflow: OrDefault[Literal["sample", "score"]] = None
    """Also write mlflow_model/ in it, which `mlflow models serve` serves: to draw samples, or to score examples."""


def export_run(options: ExportOptions) -> None:
    """Write a trained run to a folder of its own: weights, configuration, model card, and a script that loads it.

    The folder needs PyTorch and gibbsweep_models alone, and holds no pickle.
    """
    from gibbsweep.use.export import MLFLOW, SCRIPT, export

    model = options.load()
    for path in export(model, options.to, mlflow=options.mlflow):
        print(path)
    print(f"\npython {shlex.quote(str(options.to / SCRIPT))}")
    if options.mlflow is not None:
        folder = shlex.quote(str(options.to / MLFLOW))
        print(f"mlflow models serve -m {folder} --env-manager local --host 127.0.0.1 --port 5001")
