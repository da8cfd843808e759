"""The restart of a run after a divergence, with halved step sizes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gibbsweep.folder import Outcome, Restart, RunFolder, write_restarts
from gibbsweep.study.step_sizes import step_sizes
from gibbsweep.train.checkpoint import read_progress
from gibbsweep_models import parallel


def add_restart(diverged: Outcome, run_dir: Path, config: Any, named: tuple[str, ...] | None) -> list[Restart]:
    """Add the restart that follows ``diverged`` to those in the run's folder, and return all of them.

    The step sizes of ``config`` (those at the paths ``named``, or all that it declares) are halved once more.
    """
    checkpoint = read_progress(RunFolder(run_dir).checkpoint)
    before = diverged.restarts
    earlier_nfe = (checkpoint.nfe, *(restart.lost_nfe for restart in before))
    restart = Restart(
        diverged.step,
        diverged.phase,
        diverged.message,
        resumed_at=checkpoint.step,
        values={path: value * 0.5 ** (len(before) + 1) for path, value in step_sizes(config, named).items()},
        lost_seconds=diverged.device_seconds - diverged.lost_seconds - checkpoint.device_seconds,
        lost_nfe=None if diverged.nfe is None else diverged.nfe - sum(count or 0 for count in earlier_nfe),
    )
    restarts = [*before, restart]
    if parallel.rank() == 0:
        write_restarts(run_dir, restarts)
    return restarts
