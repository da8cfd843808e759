"""The options of a sweep."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro

from gibbsweep.errors import UserError
from gibbsweep.folder.layout import check_folder_name, check_is_local, default_runs
from gibbsweep.option import OrDefault
from gibbsweep.precisions import PrecisionOption
from gibbsweep.track.stores.uri import redact
from gibbsweep.tune.options.environment import default_gpus, without_variables
from gibbsweep.tune.options.sizes import parse_size
from gibbsweep.tune.samplers.sampler import SamplerName
from gibbsweep.tune.schedulers.choice import SchedulerName


@dataclass(frozen=True)
class SweepOptions:
    """Options that decide the numbers default to the study's, and on --resume to the sweep's own."""

    # The docstring is part of the help. In Python: run_sweep(study, SweepOptions(trials=16, scheduler="halving"))

    contenders: OrDefault[tuple[str, ...]] = None
    """Which contenders to run, for example: --contenders rbm conv_ebm (default: the study's)."""
    trials: OrDefault[int] = None
    """Search trials of each row: of each contender and, in one that compares, of each option; 0 retrains its
    configuration as it stands (default: the study's)."""
    seeds: OrDefault[int] = None
    """Retrainings of each best configuration, a seed each (default: the study's)."""
    budget: OrDefault[str] = None
    """How long to train: smoke, laptop, gpu, ... (default: $GIBBSWEEP_BUDGET, else gpu with a GPU, else laptop)."""
    data: OrDefault[str] = None
    """Data set (default: the study's; see `gibbsweep data list`)."""
    seed: OrDefault[int] = None
    """Seed of the search and of every training (default 0)."""
    precision: OrDefault[PrecisionOption] = None
    """Arithmetic of training: auto measures once a sweep which pays for each contender (default)."""
    sampler: OrDefault[SamplerName] = None
    """How configurations are chosen (default tpe): tpe, gp and cmaes learn from the trials so far, gp with rungs also
    from reports below the end; qmc, random and grid do not."""
    scheduler: OrDefault[SchedulerName] = None
    """How far trials run (default: the study's, mostly halving). none trains them to the end; halving pauses trials at
    rungs and continues the best from their checkpoints; stopping stops the others there; median stops trials that are
    worse than the median of their finished peers; population lets the worst trials go on from the best's checkpoints,
    with other learning rates."""
    eta: OrDefault[int] = None
    """One trial in so many goes on at each rung, with halving and stopping (default 3)."""
    rungs: OrDefault[int] = None
    """Rungs below the end, with halving and stopping (default: as many as the trials can fill)."""
    brackets: OrDefault[int] = None
    """Starting rungs, with halving: the first bracket starts at the lowest (default 1)."""
    window: OrDefault[int] = None
    """Judge a trial by the median of so many of its last reports, for goals that jitter (default 1)."""
    generations: OrDefault[int] = None
    """Equal parts of training, between which the members of a population are compared (default 8)."""
    retries: Annotated[OrDefault[int], tyro.conf.arg(metavar="N")] = None
    """Restarts of a run that diverges, from its last good checkpoint with a new seed and halved steps (default: the
    budget's, 0)."""

    from_sweep: Annotated[OrDefault[str], tyro.conf.arg(name="from", metavar="SWEEP")] = None
    """Start from the trials of an earlier sweep (its name, or its folder): tpe, gp and cmaes learn from those that lie
    in this study's space, by their values after as many updates as trials are compared at here."""

    no_borrow: OrDefault[bool] = None
    """Let no row borrow. By default the last quarter of each row's trials take over the best values so far of the best
    other row, in the fields that both search."""

    name: OrDefault[str] = None
    """Name of the sweep and of its folder (default: study and time)."""
    resume: OrDefault[str] = None
    """Continue the sweep of this name; one that has finished gets more trials with --trials."""
    resume_or_start: bool = False
    """Continue the sweep of --name if there is one, else start it: one command for a job that may be queued again."""
    runs: Path = field(default_factory=default_runs)
    """Folder of all sweeps and of the local tracking store, shared by all machines of a cluster (default:
    $GIBBSWEEP_RUNS, else runs)."""
    results: OrDefault[Path] = None
    """Also write the table, as STUDY.md and STUDY.json, and its pictures here; the sweep's own folder has them in any
    case."""
    publish: bool = False
    """Also write them to analysis/results beside the script's sweeps/, which the repository tracks; not of the smoke
    budget."""
    data_root: OrDefault[Path] = None
    """Folder of the data sets (default: $GIBBSWEEP_DATA)."""
    tracking_uri: OrDefault[str] = None
    """MLflow server or store (default: $MLFLOW_TRACKING_URI, else SQLite under --runs)."""
    address: OrDefault[str] = None
    """Ray cluster to use: an address, `auto` for the one on this machine, or `local` for a fresh one (default: the one
    that you started on this machine, else local)."""
    disk: OrDefault[str] = None
    """Most space that the checkpoints of the sweep may take, for example 20GB: the least wanted are removed (default:
    no limit)."""
    cpus: Annotated[OrDefault[int], tyro.conf.arg(metavar="N")] = None
    """CPUs that a local cluster may use (default: all)."""
    gpus_per_trial: Annotated[float | Literal["auto"], tyro.conf.arg(metavar="N|1/K|auto", help_behavior_hint="")] = (
        field(default_factory=default_gpus)
    )
    """GPUs of one trial; 0.5, 0.25, ... pack several trials on one GPU, if its memory holds them; auto packs as many as
    it holds, up to eight (default: $GIBBSWEEP_GPUS_PER_TRIAL, else 1 where there is a GPU)."""
    workers_per_trial: int = 1
    """Data-parallel workers of one trial."""
    wait_for_nodes: bool = False
    """Wait for the nodes of a cluster that adds them on demand, instead of refusing what it cannot give now (also
    where GIBBSWEEP_WAIT_FOR_NODES is 1)."""
    niceness: Annotated[OrDefault[int], tyro.conf.arg(metavar="N")] = None
    """How far trials give way to other programs of the machine, from 0 (not at all) to 19, on a cluster that the sweep
    starts (default 5)."""
    verbose: bool = False
    """Show what Ray, MLflow and the trials print."""


DECIDING = (
    "contenders",
    "trials",
    "seeds",
    "budget",
    "data",
    "seed",
    "precision",
    "sampler",
    "scheduler",
    "eta",
    "rungs",
    "brackets",
    "window",
    "generations",
    "retries",
    "from_sweep",
    "no_borrow",
)
"""The options that decide the numbers of a sweep, and are recorded with it."""


_UNRECORDED = (
    "data_root",
    "results",
    "publish",
    "tracking_uri",
    "address",
    "disk",
    "cpus",
    "gpus_per_trial",
    "workers_per_trial",
    "wait_for_nodes",
    "niceness",
    "verbose",
)
"""The options that are not on record, so that a command that continues a sweep repeats them."""


def unrecorded_words(options: SweepOptions) -> list[str]:
    """The words of a command line for those of ``options`` that were given and are not recorded with the sweep. A
    password in the tracking URI is not shown."""
    words: list[str] = []
    with without_variables():
        plain = SweepOptions()
    here = SweepOptions()
    for name in _UNRECORDED:
        value = getattr(options, name)
        if value == getattr(plain, name) == getattr(here, name):
            continue
        option = f"--{name.replace('_', '-')}"
        text = redact(value) if name == "tracking_uri" else str(value)
        words += [option] if value is True else [option, text]
    return words


def check_options(options: SweepOptions) -> None:
    """Raise UserError for an option that no sweep can have: a negative number, a wrong size or a wrong name."""
    for name, least in (("trials", 0), ("seeds", 0), ("retries", 0), ("workers_per_trial", 1), ("cpus", 1)):
        value = getattr(options, name)
        if value is not None and value < least:
            raise UserError(f"--{name.replace('_', '-')} must be at least {least}: got {value}.")
    if options.niceness is not None and not 0 <= options.niceness <= 19:
        raise UserError(f"--niceness must be 0 to 19: got {options.niceness}.")
    for name in ("runs", "results", "data_root"):
        if (folder := getattr(options, name)) is not None:
            check_is_local(folder, f"--{name.replace('_', '-')}")
    if options.disk is not None:
        parse_size(options.disk)
    if not isinstance(options.gpus_per_trial, str):
        check_share(options.gpus_per_trial)
    if options.publish and options.budget == "smoke":
        raise UserError(
            "--publish and --budget smoke were both given: numbers of a smoke run are none; drop one of them."
        )
    if options.name is not None and options.resume is not None:
        raise UserError(
            f"--name {options.name} and --resume {options.resume} were both given: resuming keeps the name."
        )
    if options.resume_or_start and options.name is None:
        given = "" if options.resume is None else f" and not with --resume {options.resume}"
        raise UserError(
            f"--resume-or-start goes with --name{given}: name the sweep that it continues or starts, for example "
            f"--name {options.resume or 'NAME'} --resume-or-start."
        )
    if options.name is not None:
        check_folder_name(options.name, "a sweep's name")
    if options.resume is not None and (not options.resume or "/" in options.resume or options.resume.startswith(".")):
        raise UserError(f"a sweep's name is the name of a folder: got {options.resume!r}; give the one below --runs.")


def check_share(gpus: float) -> None:
    """Raise UserError for a number of ``gpus`` that is neither whole nor 1/k, as a share of some GPU would be left
    over."""
    if gpus < 0:
        raise UserError(f"--gpus-per-trial must not be negative: got {gpus:g}.")
    parts = 1 / gpus if 0 < gpus < 1 else gpus
    if abs(parts - round(parts)) > 0.01 * parts:
        raise UserError(
            f"--gpus-per-trial {gpus:g} would fragment the GPUs: use a whole number or 1/k (0.5, 0.25, ...)."
        )
