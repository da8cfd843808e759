"""``gibbsweep evaluate RUN``: a trained run, measured again."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import arg

from gibbsweep.cli.model.options import RunOptions, say
from gibbsweep.errors import UserError
from gibbsweep.option import OrDefault

if TYPE_CHECKING:
    from gibbsweep.train import Evaluation
    from gibbsweep.use.model import Model


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions(RunOptions):
    """The options of ``gibbsweep evaluate``."""

    only: Annotated[tuple[str, ...], arg(help_behavior_hint="")] = ()
    """Evaluators to measure by, for example: --only EnergyGap SampleDistances (default: all of the study's). Those that
    the study lacks measure with the numbers that they have by default."""
    split: Literal["test", "validation"] = "test"
    """Which split is measured, and by which of the study's evaluators."""
    budget: OrDefault[str] = None
    """Budget whose evaluators are taken (default: the run's)."""
    data: OrDefault[str] = None
    """Data set to measure on, of the same shape (default: the run's)."""
    data_root: OrDefault[Path] = None
    """Folder of the data sets (default: $GIBBSWEEP_DATA)."""
    to: OrDefault[Path] = None
    """Folder to write numbers, pictures and sounds to (default: numbers are printed alone)."""


def evaluate_run(options: EvaluateOptions) -> None:
    """Measure a trained run again, by its study's evaluators (--study) or by those named (--only).

    The run's folder stays as it is. `gibbsweep evaluate prepare` makes the network in whose features samples are
    measured.
    """
    from gibbsweep.folder import RunFolder
    from gibbsweep.tune.folder.layout import SweepDir
    from gibbsweep.use.folders import study_script
    from gibbsweep.use.measure import Measures, changed_data, measure, only, possible, study_measures

    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("gibbsweep.evaluate").setLevel(logging.INFO)
    model = options.load()
    measures = Measures(())
    if options.study is not None:
        measures = study_measures(model, options.study, split=options.split, budget=options.budget)
    elif not options.only:
        script = study_script(SweepDir(RunFolder(model.path.absolute()).sweep.path)) or "sweeps/STUDY.py"
        raise UserError(
            f"got no measures: name the study's script, --study {script}, or with --only some of "
            f"{', '.join(possible(model.system))}."
        )
    if options.only:
        measures = only(measures, options.only, model.system)
    evaluation = measure(model, measures, split=options.split, data=options.data, data_root=options.data_root)
    if options.data is None and changed_data(model, options.data_root):
        say([f"data set '{model.data}' has changed since {model.path.name} was trained"])
    recorded = model.metrics if options.data in (None, model.data) else {}
    width = max(map(len, evaluation.metrics), default=0)
    for name, value in evaluation.metrics.items():
        before = recorded.get(name, math.nan)
        same = math.isnan(before) or before == value
        print(f"{name:<{width}}  {value:<12.6g}{'' if same else f'  on record: {before:.6g}'}".rstrip())
    if options.to is not None:
        _write(options.to, model, evaluation)


def _write(folder: Path, model: Model, evaluation: Evaluation) -> None:
    from gibbsweep.data.formats.wav import encode_wav
    from gibbsweep.folder import as_file_name, write_atomically, write_json
    from gibbsweep.folder.numbers import json_metrics
    from gibbsweep.train.report import write_png

    try:
        record = {"run": str(model.path), "step": model.step, "metrics": json_metrics(evaluation.metrics)}
        write_json(folder / "metrics.json", record)
        for name, pixels in evaluation.images.items():
            write_png(folder / f"{as_file_name(name)}.png", pixels)
        for name, sound in evaluation.sounds.items():
            write_atomically(folder / f"{as_file_name(name)}.wav", encode_wav(sound.samples, sound.rate))
    except OSError as error:
        raise UserError(f"{folder} cannot be written ({error.strerror or error}): choose another --to.") from error
    print(folder)
