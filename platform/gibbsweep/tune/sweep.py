"""A sweep from its options to its table."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

import torch
from rich.console import Console

from gibbsweep.folder import RunFolder, disk_full_as_error
from gibbsweep.results.results import Results
from gibbsweep.study.study import Study
from gibbsweep.track import SyncReport, Tracker, check_tracking_uri, default_tracking_uri
from gibbsweep.train.checkpoint import has_checkpoint, read_checkpoint
from gibbsweep.tune.folder.clock import SweepClock
from gibbsweep.tune.folder.driver import StopRequest, only_driver, resume_command
from gibbsweep.tune.folder.layout import SweepDir
from gibbsweep.tune.journal.storage import mend_journal
from gibbsweep.tune.on_ray import cluster
from gibbsweep.tune.on_ray.execute import execute
from gibbsweep.tune.on_ray.probing import machines
from gibbsweep.tune.options.options import SweepOptions, check_options
from gibbsweep.tune.options.settings import Settings
from gibbsweep.tune.plan.outline import outline, write_outline
from gibbsweep.tune.plan.plan import Plan
from gibbsweep.tune.resources.disk import Quota, quota_of
from gibbsweep.tune.resources.gate import Gate
from gibbsweep.tune.resources.requests import devices_for
from gibbsweep.tune.search import warm_start
from gibbsweep.tune.setup.create import create, reopen
from gibbsweep.tune.setup.prepare import prepare
from gibbsweep.tune.status.live import Progress
from gibbsweep.tune.table.assemble import assemble
from gibbsweep.tune.table.write import write_results

_CLOSE_S = 60.0
"""Seconds that the tracking store gets at the end of a sweep."""
_CLOSE_AT_ONCE_S = 5.0
"""Seconds that it gets after a second Ctrl-C or on a full disk; what it then lacks can be sent later."""


class Interrupted(Exception):
    """Ctrl-C, a full disk or a halt ended a sweep that can be resumed. The message names the command that resumes
    it."""


def run_sweep(
    study: Study,
    options: SweepOptions,
    *,
    console: Console,
    command: str,
    script_options: Mapping[str, Any] | None = None,
) -> Results:
    """Run (or resume) the sweep and return its table. ``command``: what the person typed, for the hint after Ctrl-C.
    ``script_options``: the options of the study's script, which are recorded with a new sweep. Raises
    :class:`Interrupted` if the sweep stops before its end, and UserError if it cannot start."""
    check_options(options)
    check_tracking_uri(_tracking_uri(options))
    started = time.time()
    has_gpu = torch.cuda.is_available()
    sweep, settings = (
        reopen(study, options)
        if options.resume
        else create(study, options, has_gpu=has_gpu, script_options=script_options)
    )
    resume = resume_command(command, sweep)
    with only_driver(sweep, resume), disk_full_as_error(sweep.path):
        try:
            results, report = _drive(study, options, sweep, settings, started, console=console, resume=resume)
        except KeyboardInterrupt:
            raise Interrupted(f"interrupted: continue with {resume}") from None
    if report.pending or report.error:
        console.print(
            f"[yellow]not everything was tracked[/yellow] ({report.error or f'{report.pending} items are pending'}): "
            f"nothing is lost; send the rest with: gibbsweep track sync {sweep.path}",
            soft_wrap=True,
        )
    return results


def _tracking_uri(options: SweepOptions) -> str:
    return options.tracking_uri or os.environ.get("MLFLOW_TRACKING_URI") or default_tracking_uri(options.runs)


def _drive(
    study: Study,
    options: SweepOptions,
    sweep: SweepDir,
    settings: Settings,
    started: float,
    *,
    console: Console,
    resume: str,
) -> tuple[Results, SyncReport]:
    console.print(f"[bold]{study.name}[/bold]  {study.question}")
    console.print(
        f"sweep {sweep.name}  ·  data {settings.data}  ·  budget {settings.budget}  ·  {sweep.path}", style="dim"
    )
    if settings.from_sweep is not None:
        for name, history in warm_start.read(sweep.warm_start).items():
            console.print(
                f"from {settings.from_sweep}  ·  {name}: {history}", style="dim", highlight=False, soft_wrap=True
            )
    clock = SweepClock(sweep, started)
    mend_journal(sweep.journal)
    plan = Plan(study, settings, sweep)
    for search in plan.searches():
        if search.evolves:
            evolving = f"{', '.join(search.evolves)} evolve over {settings.generations} generations"
            console.print(
                f"population  ·  {search.contender.name}: {evolving}", style="dim", highlight=False, soft_wrap=True
            )
    limit, stopping = quota_of(sweep, options.disk), StopRequest(sweep)
    gate = Gate(plan, stopping, None if limit is None else Quota(plan, limit))
    for run_dir in plan.interrupted():
        checkpoint = RunFolder(run_dir).checkpoint
        if has_checkpoint(checkpoint):
            read_checkpoint(checkpoint)  # raises before anything starts if it is damaged
    write_outline(sweep, outline(plan))
    with Tracker(sweep.path, tracking_uri=_tracking_uri(options), experiment=study.name) as tracker:
        if not plan.finished() and gate.ready():
            prepare(study, settings, options, console)
            cluster.start(options)

            def say(sentence: str) -> None:
                console.print(sentence, style="dim", highlight=False, soft_wrap=True)

            gate.devices = devices = devices_for(plan, options, machines(), say)
            clock.train_on(devices.most_workers)
            try:
                with stopping, Progress(gate, console, clock) as progress:
                    execute(gate, options, progress, devices=devices, say=say)
                    progress.changed()
            except KeyboardInterrupt:  # the second Ctrl-C: stop now
                cluster.kill()
                tracker.close(status="KILLED", timeout_s=_CLOSE_AT_ONCE_S)
                raise Interrupted(gate.unfinished_message(resume)) from None
        results = None
        with gate.guarded():
            clock.tick()
            if plan.finished() and not gate.halted:
                results = assemble(study, options, settings, plan, clock)
                write_outline(sweep, outline(plan))  # with the fronts as they are now
                write_results(study, results, plan, sweep, options, settings)
        if gate.halted or results is None:
            tracker.close(status="KILLED", timeout_s=_CLOSE_AT_ONCE_S if gate.halted else _CLOSE_S)
            raise Interrupted(gate.unfinished_message(resume))
        report = tracker.close(status="FINISHED", timeout_s=_CLOSE_S)
    return results, report
