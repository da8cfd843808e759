"""``gibbsweep export``: a trained run as a folder of its own, or the table of a sweep."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tyro.conf import Positional

from gibbsweep.cli.model.export import export_run
from gibbsweep.cli.model.options import RunOptions
from gibbsweep.cli.sweeps.export_table import Form, export_table
from gibbsweep.errors import UserError
from gibbsweep.option import OrDefault


@dataclass(frozen=True, kw_only=True)
class ExportOptions(RunOptions):
    """A run is exported with --to; the table of a sweep with --csv, --latex or --parquet."""

    run: Positional[str]
    """The run: its folder, SWEEP:RUN, or SWEEP:CONTENDER for the best run of a contender; or a sweep, or a results file
    such as analysis/results/cd_k.json, for its table."""
    file: Positional[OrDefault[Path]] = None
    """File of the table (default: print it; Parquet needs one)."""
    to: OrDefault[Path] = None
    """Folder to write the run to: a new one, or one that an export has made."""
    mlflow: OrDefault[Literal["sample", "score"]] = None
    """With --to: also write mlflow_model/ in it, which `mlflow models serve` serves: to draw samples, or to score
    examples."""
    track: bool = False
    """With --mlflow: also add that model to the run in MLflow, from where it can be served as runs:/RUN_ID/model."""
    tracking_uri: OrDefault[str] = None
    """With --track: MLflow server or store (default: $MLFLOW_TRACKING_URI, else SQLite beside the sweep)."""
    csv: bool = False
    """A line for each row: mean, sd and n of each number, trials, cost, best configuration."""
    latex: bool = False
    """The table for LaTeX, with booktabs: mean ± sd, n, trials."""
    parquet: bool = False
    """As --csv, in Parquet."""
    by_run: bool = False
    """A line for each run of the sweep instead of each row: outcome, cost, all metrics, configuration."""


_FORMS: tuple[Form, ...] = ("csv", "latex", "parquet")


def export(options: ExportOptions) -> None:
    """Write a trained run to a folder of its own (--to), or the table of a sweep (--csv, --latex, --parquet).

    The folder of a run holds weights, configuration, a model card, and a script that loads it; it needs PyTorch and
    gibbsweep_models alone, and holds no pickle.
    """
    forms = [form for form in _FORMS if getattr(options, form)]
    if options.to is not None:
        if forms or options.by_run or options.file is not None:
            raise UserError("--to exports a run, and a file or a form exports a table: give one or the other.")
        export_run(options, options.to, mlflow=options.mlflow, track=options.track, tracking_uri=options.tracking_uri)
        return
    if len(forms) != 1:
        given = "none was given" if not forms else f"{' and '.join(f'--{form}' for form in forms)} were given"
        raise UserError(
            f"a run is exported with --to FOLDER, and a table in one form, --csv, --latex or --parquet, and {given}."
        )
    if options.mlflow or options.track or options.tracking_uri:
        raise UserError("--mlflow, --track and --tracking-uri are of a run: export it with --to FOLDER.")
    export_table(options.run, options.file, forms[0], by_run=options.by_run, runs=options.runs)
