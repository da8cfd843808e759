"""From what a person types to the folder of a run."""

from __future__ import annotations

import difflib
from pathlib import Path

from gibbsweep.errors import UserError
from gibbsweep.folder import RunFolder, SweepFolder
from gibbsweep.folder.layout import CHECKPOINT
from gibbsweep.tune.folder.layout import SweepDir, is_sweep
from gibbsweep.tune.plan.outline import read_outline
from gibbsweep.use.best import best_run
from gibbsweep.use.folders import RUNS, sweep_at


def find_run(text: str, runs: Path = RUNS) -> Path:
    """The folder of the run that ``text`` names: the folder itself, ``SWEEP:RUN``, or the best run of ``SWEEP``, of
    ``SWEEP:CONTENDER`` or of ``SWEEP:CONTENDER,OPTION=VALUE``, where SWEEP is a folder or a name in ``runs``. Raises
    UserError where there is no such run."""
    folder = RunFolder(Path(text))
    if folder.path.name == CHECKPOINT and folder.path.is_dir():
        folder = RunFolder(folder.path.parent)
    if folder.config.exists():
        return folder.path
    if folder.path.is_dir() and folder.path.parent == folder.sweep.trials:
        raise UserError(
            f"{folder.path} has no {folder.config.name}: the run has not begun, or its folder was not copied whole; "
            "name another run."
        )
    sweep_text, colon, name = text.rpartition(":")
    if not colon:
        if not is_sweep(folder.path) and not is_sweep(runs / text) and not SweepDir(folder.path).record_path.exists():
            raise UserError(
                f"there is no run {text!r}: name its folder, runs/SWEEP/trials/RUN, or SWEEP:RUN, or SWEEP:CONTENDER "
                "for the best run of a contender."
            )
        return _best(sweep_at(text, runs), "")
    for holder in (SweepFolder(Path(sweep_text)), SweepFolder(runs / sweep_text)):  # also that of single runs
        if name and RunFolder(holder.trial(name)).config.exists():
            return holder.trial(name)
    return _best(sweep_at(sweep_text, runs), name)


def _best(sweep: SweepDir, name: str) -> Path:
    """The best run of the contender ``name``, with its options after commas; of the whole sweep where it is empty."""
    contender, *options = name.split(",")
    contenders = list(read_outline(sweep))
    if contender and contender not in contenders:
        runs = sorted(path.name for path in sweep.trials.glob("*")) if sweep.trials.is_dir() else []
        close = difflib.get_close_matches(contender, [*contenders, *runs], n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"its contenders are {', '.join(contenders)}."
        raise UserError(f"sweep {sweep.name!r} has no run and no contender {contender!r}: {hint}")
    pairs = [option.partition("=") for option in options]
    if any(not equals for _, equals, _ in pairs):
        raise UserError(
            f"{name!r} is read as CONTENDER,OPTION=VALUE,...: got {', '.join(options)}; for example rbm,k=25."
        )
    compared = {path: value for path, _, value in pairs if path != "front"}
    front = next((value for path, _, value in pairs if path == "front"), None)
    return best_run(sweep, contender or None, compared, front).path
