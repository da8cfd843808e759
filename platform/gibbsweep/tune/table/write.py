"""The files of a sweep's table, figures, pictures and sounds, in its folder and beside the studies."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from gibbsweep.errors import UserError, is_disk_full
from gibbsweep.folder import as_file_name
from gibbsweep.results.gallery import copy_sounds, draw_gallery
from gibbsweep.results.results import Results
from gibbsweep.study.study import Study
from gibbsweep.tune.folder.layout import SweepDir
from gibbsweep.tune.options.options import SweepOptions
from gibbsweep.tune.options.settings import Settings
from gibbsweep.tune.plan.plan import Plan
from gibbsweep.tune.population.figure import draw_lineages
from gibbsweep.tune.table.pictures import shown_runs


def check_results_folder(folder: Path | None) -> None:
    """Raise UserError where ``folder``, which a person named for the table, could not be made or written. Nothing of it
    is made."""
    if folder is None:
        return
    nearest = next(above for above in (folder.absolute(), *folder.absolute().parents) if os.path.lexists(above))
    try:
        with tempfile.TemporaryFile(dir=nearest):
            pass
    except OSError as error:
        raise UserError(
            f"--results {folder} cannot be written ({nearest}: {error.strerror or error}): name a folder that you may "
            "write to, or leave it out; the sweep's own folder has the table in any case."
        ) from error


def tracked_results() -> Path | None:
    """``analysis/results`` of the checkout whose ``sweeps/`` holds the script that runs; None for any other script."""
    sweeps = [above for above in Path(sys.argv[0]).resolve().parents if above.name == "sweeps"]
    beside = (above.parent / "analysis" / "results" for above in sweeps)
    return next((folder for folder in beside if folder.is_dir()), None)


def check_publish(options: SweepOptions) -> None:
    """Raise UserError where results are to be published by a script of no checkout."""
    if options.publish and tracked_results() is None:
        raise UserError(
            f"--publish writes to analysis/results beside sweeps/, and {sys.argv[0]} lies in no such folder: name a "
            "folder for the copy with --results."
        )


def write_results(
    study: Study, results: Results, plan: Plan, sweep: SweepDir, options: SweepOptions, settings: Settings
) -> str:
    """Write everything that the study shows to the sweep's folder, to ``options.results`` where it is given, and to
    :func:`tracked_results` where it is asked for, never of the budget ``smoke``. Returns a sentence if such a copy
    cannot be written, else an empty text."""
    tracked = tracked_results() if options.publish and settings.budget != "smoke" else None
    folders = [folder for folder in (options.results, tracked) if folder is not None]
    for search in plan.searches():
        if search.evolves and search.records:
            titles = [", ".join(f"{path}={value}" for path, value in arm.compared.items()) for arm in search.arms]
            figure = draw_lineages(
                [(title, arm.records, arm.best()) for title, arm in zip(titles, search.arms, strict=True)],
                search.records,
                search.contender.space,
                search.evolves,
                search.contender.budget.updates,
            )
            sweep.results.mkdir(parents=True, exist_ok=True)
            name = as_file_name(search.contender.name)
            figure.savefig(sweep.results / f"{results.stem}_population_{name}.png", dpi=120)
    _write_all(study, results, plan, sweep.results)
    for folder in folders:
        try:
            _write_all(study, results, plan, folder)
        except OSError as error:
            if is_disk_full(error):
                raise
            return (
                f"the copy of the table in {folder} was not written ({error.strerror or error}): it is in "
                f"{sweep.results}, and --results names another folder for the copy."
            )
    return ""


def _write_all(study: Study, results: Results, plan: Plan, folder: Path) -> None:
    """Write the table, the figures, the pictures and the sounds to ``folder``."""
    results.write(folder)
    for name, draw in study.figures.items():
        figure = draw(results)
        figure.savefig(folder / f"{results.stem}_{name}.png", dpi=120, bbox_inches="tight")
    for name in study.pictures:
        gallery = draw_gallery(shown_runs(plan), name)
        if gallery is not None:
            gallery.savefig(folder / f"{results.stem}_{as_file_name(name)}.png", dpi=96, bbox_inches="tight")
    for name in study.sounds:
        copy_sounds(shown_runs(plan), name, folder, results.stem)
