"""A finished sweep that gets more trials: ``--resume NAME --trials 32``.

What is done stays as it is. The samplers go on where they were, as the values of a trial are a function of the seed,
its number and the record; rungs stay where the first trials had them; and what is the best of all trials is retrained
if it was not before.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import asdict, replace

from gibbsweep.errors import UserError
from gibbsweep.folder import write_json
from gibbsweep.run.provenance import git_commit
from gibbsweep.study.study import Study
from gibbsweep.tune.folder.driver import is_driven, stop_command
from gibbsweep.tune.folder.layout import SweepDir
from gibbsweep.tune.options.settings import Settings
from gibbsweep.tune.samplers.finite import configurations
from gibbsweep.tune.schedulers.rungs import rungs_for


def extended(study: Study, sweep: SweepDir, settings: Settings, trials: int) -> Settings:
    """The ``settings`` of ``sweep`` with so many ``trials``, of which there were fewer. Raises UserError where the
    sweep has not come to its end, and where more trials have no meaning."""
    now = f"sweep {sweep.name!r} has {settings.trials} trials a row"
    if is_driven(sweep):
        raise UserError(f"sweep {sweep.name!r} is running: extend it when it has finished, or {stop_command(sweep)}.")
    if not sweep.has_table:
        raise UserError(
            f"sweep {sweep.name!r} has not finished its {settings.trials} trials a row: continue it without --trials "
            "first, then extend it."
        )
    anew = f"start a new sweep with --trials {trials}"
    if settings.scheduler == "population":
        raise UserError(
            f"{now} in a population, whose members all begin at once: a later one has nobody of its age to be compared "
            f"with; {anew}."
        )
    if settings.sampler == "grid":
        raise UserError(f"{now} on a grid, whose points all move when there are more of them: {anew}.")
    contenders = settings.contenders_of(study).values()
    searched = [(at, option) for at in contenders if at.trials(settings.trials) for option in at.options()]
    if not searched:
        raise UserError(f"{now} and searches nothing: there is nothing to extend; {anew}.")
    counts = [configurations(at.space, at.compared(option)) for at, option in searched]
    if all(count is not None and count <= settings.trials for count in counts):
        raise UserError(
            f"{now}, and each row has tried all configurations of its space: widen the space, or stop here."
        )
    rungs = settings.rungs
    if rungs is None and settings.scheduler in ("halving", "stopping"):
        rungs = rungs_for(settings.trials, settings.eta)
    return replace(settings, trials=trials, rungs=rungs, extended=(*settings.extended, settings.trials))


def record_extension(sweep: SweepDir, settings: Settings) -> str:
    """Write to the record of ``sweep`` that it is extended to ``settings``, unless it says so already; the table that
    it had is kept in a folder of its own. Returns a sentence on it, "" without an extension. The caller is the sweep's
    one driver. Raises UserError where another process has extended the sweep meanwhile."""
    record = sweep.record()
    recorded = record["options"]["trials"]
    if recorded == settings.trials:
        return ""
    before = settings.extended[-1] if settings.extended else settings.trials
    if recorded != before:
        raise UserError(f"sweep {sweep.name!r} was extended to {recorded} trials a row meanwhile: resume it again.")
    kept = sweep.results_of(before)
    if sweep.results.exists():  # not so where a kill came before the record was written
        shutil.rmtree(kept, ignore_errors=True)
        sweep.results.rename(kept)
    extension = {"trials": settings.trials, "git_commit": git_commit(), "created": time.time()}
    extensions = [*record.get("extensions", []), extension]
    write_json(sweep.record_path, {**record, "options": asdict(settings), "extensions": extensions})
    return f"extended  ·  from {before} to {settings.trials} trials a row; its table of {before} is kept in {kept}"
