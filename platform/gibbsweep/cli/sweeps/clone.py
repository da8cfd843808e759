"""``gibbsweep clone``: a variation of a trial, from its checkpoint on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from gibbsweep.option import OrDefault


@dataclass(frozen=True)
class CloneOptions:
    """The options of ``gibbsweep clone``."""

    run: Annotated[Positional[str], arg(metavar="SWEEP:TRIAL")]
    """The trial, or the folder of any run. Its sweep may be running."""
    set: Annotated[tuple[str, ...], arg(help_behavior_hint="")] = ()
    """Fields of the configuration to change, for example: --set learning_rate=0.01."""
    updates: OrDefault[int] = None
    """Train for so many updates in all (default: to the end of the trial's budget; as many again where it is at its
    end)."""
    name: OrDefault[str] = None
    """Name of the new run; an unfinished one is resumed by the same command (default: TRIAL-on)."""
    with_ray: bool = False
    """Train in a process of Ray's, as the sweep does, instead of in this one."""
    runs: Path = Path("runs")
    """Folder of all runs."""
    data_root: OrDefault[Path] = None
    """Folder of the data sets (default: $GIBBSWEEP_DATA)."""


def clone(options: CloneOptions) -> None:
    """Start a single run from the checkpoint of a trial, with other values; the sweep may go on meanwhile."""
    from gibbsweep.cli.model.train import TrainOptions, train_one
    from gibbsweep.run.recorded import RecordedRun
    from gibbsweep.train.checkpoint import read_progress
    from gibbsweep.tune.folder.find import run_named

    updates = options.updates
    if updates is None:
        source = RecordedRun.read(run_named(options.run, options.runs))
        done, budget = read_progress(source.folder.checkpoint).step, source.budget.updates
        updates = budget if done < budget else done + budget
    train_one(
        TrainOptions(
            like=options.run,
            go_on=True,
            set=options.set,
            updates=updates,
            name=options.name,
            no_ray=not options.with_ray,
            runs=options.runs,
            data_root=options.data_root,
        )
    )
