"""A sweep from its options to its table."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.text import Text

from gibbsweep.errors import is_disk_full
from gibbsweep.folder import RunFolder, disk_full_as_error
from gibbsweep.results.results import Results
from gibbsweep.study.study import Study
from gibbsweep.track import SyncReport, Tracker, check_tracking_uri, default_tracking_uri
from gibbsweep.track.stores.uri import redact
from gibbsweep.train.checkpoint import has_checkpoint, read_checkpoint
from gibbsweep.tune.folder.clock import SweepClock
from gibbsweep.tune.folder.driver import StopRequest, add_words, only_driver, resume_command, terminated_as_error
from gibbsweep.tune.folder.layout import SweepDir
from gibbsweep.tune.journal.storage import mend_journal
from gibbsweep.tune.on_ray import cluster
from gibbsweep.tune.on_ray.autoscaler import autoscaler_says
from gibbsweep.tune.on_ray.execute import execute
from gibbsweep.tune.on_ray.lost import LostCluster
from gibbsweep.tune.on_ray.probing import machines
from gibbsweep.tune.options.environment import default_wait
from gibbsweep.tune.options.options import SweepOptions, check_options, unrecorded_words
from gibbsweep.tune.options.settings import Settings
from gibbsweep.tune.plan.outline import outline, write_outline
from gibbsweep.tune.plan.plan import Plan
from gibbsweep.tune.resources.disk import Quota, quota_of
from gibbsweep.tune.resources.gate import Gate
from gibbsweep.tune.resources.requests import devices_for
from gibbsweep.tune.resources.shortage import MemoryTaken
from gibbsweep.tune.search import warm_start
from gibbsweep.tune.search.borrowing import borrowed_places
from gibbsweep.tune.search.search import Search
from gibbsweep.tune.setup.create import create, reopen, resume_if_started
from gibbsweep.tune.setup.defaults import words_of
from gibbsweep.tune.setup.extend import record_extension
from gibbsweep.tune.setup.prepare import prepare
from gibbsweep.tune.status.live import Progress
from gibbsweep.tune.table.assemble import assemble
from gibbsweep.tune.table.write import check_publish, check_results_folder, write_results

_CLOSE_S = 60.0
"""Seconds that the tracking store gets at the end of a sweep."""
_CLOSE_AT_ONCE_S = 5.0
"""Seconds that it gets after SIGTERM, a second Ctrl-C or on a full disk; what it then lacks can be sent later."""


class Interrupted(Exception):
    """Ctrl-C, SIGTERM, a full disk or a halt ended a sweep that can be resumed. The message names the command that
    resumes it."""

    def __init__(self, message: str, exit_code: int = 130) -> None:
        super().__init__(message)
        self.exit_code = exit_code
        """What the program exits with: 130, or 143 after SIGTERM."""


def run_sweep(
    study: Study,
    options: SweepOptions,
    *,
    console: Console,
    command: str,
    script_options: Mapping[str, Any] | None = None,
    script_words: Sequence[str] = (),
    script: Path | None = None,
    also: Callable[[SweepDir], None] = lambda _: None,
) -> Results:
    """Run (or resume) the sweep and return its table. ``command``: what the person typed, for the hint after Ctrl-C.
    ``script_options``: the options of the study's script, which are recorded with a new sweep, as is the ``script``
    itself; ``script_words``: those of them that differ from their defaults, as words of a command line. ``also``: what
    to do when the table is written and before tracking ends, so that what it adds to the results is tracked. Raises
    :class:`Interrupted` if the sweep stops before its end, and UserError if it cannot start."""
    check_options(options)
    options = resume_if_started(replace(options, wait_for_nodes=options.wait_for_nodes or default_wait()))
    check_tracking_uri(_tracking_uri(options))
    check_results_folder(options.results)
    check_publish(options)
    started = time.time()
    has_gpu = torch.cuda.is_available()
    sweep, settings = (
        reopen(study, options)
        if options.resume
        else create(study, options, has_gpu=has_gpu, script_options=script_options, script=script)
    )
    resume = resume_command(command, sweep, unrecorded_words(options))
    try:
        with terminated_as_error(), only_driver(sweep, resume), disk_full_as_error(sweep.path):
            results, report = _drive(
                study, options, sweep, settings, started,
                console=console, resume=resume, command=command, script_words=script_words, also=also,
            )  # fmt: skip
    except KeyboardInterrupt as stop:
        raise Interrupted(f"interrupted: continue with {resume}", getattr(stop, "exit_code", 130)) from None
    if report.pending or report.error:
        reason = report.error or f"{report.pending} items are pending"
        sentence = f" ({reason}): nothing is lost; send the rest with: {sync_command(sweep, options)}"
        console.print(Text.assemble(("not everything was tracked", "yellow"), sentence), soft_wrap=True)
    return results


def trials_sentence(plan: Plan) -> str:
    """How many trials each row has, how far they run, and how many of them borrow; "" without a search."""
    searches = [search for search in plan.searches() if search.trials]
    arms = [arm for search in searches for arm in search.arms]
    if not arms:
        return ""
    most = max(arm.trials for arm in arms)
    upto = "" if all(arm.trials == most for arm in arms) else "up to "
    count = f"each of {len(arms)} rows" if len(arms) > 1 else "the row"
    borrowed = len(borrowed_places(most)) if len(arms) > 1 and any(search.borrows for search in searches) else 0
    last = f", of which the last {borrowed} borrow{'s' if borrowed == 1 else ''} from the best other row"
    return f"trials  ·  {upto}{most} for {count}, scheduler {plan.settings.scheduler}{last if borrowed else ''}"


def search_sentences(search: Search, settings: Settings) -> list[str]:
    """What a person should know of a search before it starts: that its space has fewer configurations than trials were
    asked for, and what its sampler draws at random though it learns."""
    name, asked, count = search.contender.name, search.contender.trials(settings.trials), search.configurations
    arms, sentences = len(search.arms), []
    if count is not None and search.trials < asked * arms:
        of_each = f" of each of {arms} options" if arms > 1 else ""
        sentences.append(
            f"space  ·  {name}: {count} configurations, {asked} trials{of_each}: the search ends after {search.trials} "
            "trials, as a repeat would be trained to the same numbers"
        )
    if paths := search.drawn_at_random:
        sentences.append(
            f"sampler  ·  {name}: {settings.sampler} draws {', '.join(paths)} at random and learns nothing about "
            f"{'it' if len(paths) == 1 else 'them'}: --sampler tpe learns from every path"
        )
    return sentences


def _tracking_uri(options: SweepOptions) -> str:
    return options.tracking_uri or os.environ.get("MLFLOW_TRACKING_URI") or default_tracking_uri(options.runs)


def sync_command(sweep: SweepDir, options: SweepOptions) -> str:
    """The command that sends to MLflow what of ``sweep`` has not reached it."""
    store = [] if options.tracking_uri is None else ["--tracking-uri", redact(options.tracking_uri)]
    return shlex.join(["gibbsweep", "track", "sync", str(sweep.path), *store])


def _drive(
    study: Study,
    options: SweepOptions,
    sweep: SweepDir,
    settings: Settings,
    started: float,
    *,
    console: Console,
    resume: str,
    command: str,
    script_words: Sequence[str],
    also: Callable[[SweepDir], None],
) -> tuple[Results, SyncReport]:
    console.print(Text.assemble((study.name, "bold"), f"  {study.question}"))
    line = f"sweep {sweep.name}  ·  data {settings.data}  ·  budget {settings.budget}  ·  {sweep.path}"
    console.print(Text(line, "dim"), soft_wrap=True)
    if settings.from_sweep is not None:
        for name, history in warm_start.read(sweep.warm_start).items():
            console.print(Text(f"from {settings.from_sweep}  ·  {name}: {history}", "dim"), soft_wrap=True)
    if sentence := record_extension(sweep, settings):
        console.print(Text(sentence, "dim"), soft_wrap=True)
    clock = SweepClock(sweep, started)
    mend_journal(sweep.journal)
    plan = Plan(study, settings, sweep)
    if sentence := trials_sentence(plan):
        console.print(Text(sentence, "dim"), soft_wrap=True)
    for search in plan.searches():
        if search.evolves:
            evolving = f"{', '.join(search.evolves)} evolve over {settings.generations} generations"
            console.print(Text(f"population  ·  {search.contender.name}: {evolving}", "dim"), soft_wrap=True)
        for sentence in search_sentences(search, settings):
            console.print(Text(sentence, "dim"), soft_wrap=True)
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

            def say(sentence: str) -> None:
                console.print(Text(sentence, "dim"), soft_wrap=True)

            def give_up() -> None:
                tracker.close(status="KILLED", timeout_s=_CLOSE_AT_ONCE_S)
                console.print(gate.unfinished_message(resume), markup=False, highlight=False, soft_wrap=True)

            try:
                with stopping, console.status("starting Ray"):
                    cluster.start(options, say=say, leave=lambda: stopping.requested)
                if not stopping.requested:
                    gate.devices = devices = devices_for(plan, options, machines(say), say)  # ended by any signal
                    clock.train_on(devices.most_workers)
                    lost = LostCluster(stopping, cluster.watched(), give_up)
                    with stopping, lost, Progress(gate, console, clock, autoscaler_says) as progress:
                        execute(gate, options, progress, devices=devices, say=say)
                        progress.changed()
            except MemoryTaken as taken:
                gate.halt(*taken.args)
            except KeyboardInterrupt as stop:  # nothing to finish, or the second Ctrl-C: stop now
                cluster.kill()
                tracker.close(status="KILLED", timeout_s=_CLOSE_AT_ONCE_S)
                code = getattr(stop, "exit_code", stopping.exit_code)
                raise Interrupted(gate.unfinished_message(resume), code) from None
            except Exception as error:
                if not stopping.terminated or is_disk_full(error):
                    raise
                # Whoever ends this process may have ended Ray's, too: its errors are no news.
                cluster.kill()
        results, not_copied = None, ""
        with gate.guarded():
            clock.tick()
            if plan.finished() and not gate.halted:
                repeat = add_words(command, [*script_words, *words_of(study, settings)])
                results = assemble(study, options, settings, plan, clock, command=repeat)
                write_outline(sweep, outline(plan))  # with the fronts as they are now
                not_copied = write_results(study, results, plan, sweep, options, settings)
        if gate.halted or results is None:
            at_once = gate.halted or stopping.terminated  # a scheduler kills soon after it has asked
            tracker.close(status="KILLED", timeout_s=_CLOSE_AT_ONCE_S if at_once else _CLOSE_S)
            raise Interrupted(gate.unfinished_message(resume), 130 if gate.halted else stopping.exit_code)
        also(sweep)
        report = tracker.close(status="FINISHED", timeout_s=_CLOSE_S)
    if not_copied:
        console.print(not_copied, style="yellow", markup=False, highlight=False, soft_wrap=True)
    return results, report
