"""A sweep from its options to its table."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from rich.console import Console

from gibbsweep.data import load
from gibbsweep.evaluate import Evaluator, Prepares, described
from gibbsweep.study.accounting import Accounting
from gibbsweep.study.provenance import git_commit
from gibbsweep.study.results import Results
from gibbsweep.study.row import Row
from gibbsweep.study.study import Study
from gibbsweep.track import SyncReport, Tracker, default_tracking_uri
from gibbsweep.train.checkpoint import has_checkpoint, read_checkpoint
from gibbsweep.train.files import as_file_name
from gibbsweep.tune import cluster, warm_start
from gibbsweep.tune.clock import SweepClock
from gibbsweep.tune.decided import Decided
from gibbsweep.tune.driver import Stopping, only_driver, resume_command
from gibbsweep.tune.options import SweepOptions, check_options
from gibbsweep.tune.outline import outline, write_outline
from gibbsweep.tune.plan import Plan
from gibbsweep.tune.progress import Progress
from gibbsweep.tune.sweep_dir import SweepDir, create, reopen
from gibbsweep.tune.write_results import write_results

_NOW_S = 5.0  # for the tracking store, after a second Ctrl-C; what it lacks can be sent later


class Interrupted(Exception):
    """Ctrl-C ended a sweep that can be resumed."""


def run_sweep(
    study: Study,
    options: SweepOptions,
    *,
    console: Console,
    command: str,
    script_options: Mapping[str, Any] | None = None,
) -> Results:
    """Run (or resume) the sweep and return its table. ``command`` is what the person typed, for the hint after Ctrl-C;
    ``script_options``, the options of the script itself, are recorded with a new sweep."""
    check_options(options)
    started = time.time()
    has_gpu = torch.cuda.is_available()
    sweep, decided = (
        reopen(study, options)
        if options.resume
        else create(study, options, has_gpu=has_gpu, script_options=script_options)
    )
    resume = resume_command(command, sweep)
    with only_driver(sweep, resume):
        try:
            results, report = _drive(study, options, sweep, decided, started, console=console, resume=resume)
        except KeyboardInterrupt:
            raise Interrupted(f"interrupted: continue with {resume}") from None
    if report.pending or report.error:
        console.print(
            f"[yellow]not everything was tracked[/yellow] ({report.error or f'{report.pending} items are pending'}): "
            f"nothing is lost; send the rest with: gibbsweep track sync {sweep.path}",
            soft_wrap=True,
        )
    return results


def _drive(
    study: Study,
    options: SweepOptions,
    sweep: SweepDir,
    decided: Decided,
    started: float,
    *,
    console: Console,
    resume: str,
) -> tuple[Results, SyncReport]:
    console.print(f"[bold]{study.name}[/bold]  {study.question}")
    console.print(
        f"sweep {sweep.name}  ·  data {decided.data}  ·  budget {decided.budget}  ·  {sweep.path}", style="dim"
    )
    if decided.from_sweep is not None:
        for name, taken in warm_start.read(sweep.warm_start).items():
            console.print(
                f"from {decided.from_sweep}  ·  {name}: {taken}", style="dim", highlight=False, soft_wrap=True
            )
    clock = SweepClock(sweep, started)
    plan = Plan(study, decided, sweep)
    for run_dir in plan.interrupted():
        if has_checkpoint(run_dir / "checkpoint"):
            read_checkpoint(run_dir / "checkpoint")  # refuses a damaged one before anything starts
    write_outline(sweep, outline(plan))
    uri = options.tracking_uri or os.environ.get("MLFLOW_TRACKING_URI") or default_tracking_uri(options.runs)
    with Tracker(sweep.path, tracking_uri=uri, experiment=study.name) as tracker:
        if not plan.finished():
            _prepare(study, decided, options, console)
            cluster.start(options)
            gpus = cluster.default_gpus(options)
            concurrency = cluster.check_resources(options, gpus)
            clock.train_on(None if concurrency is None else concurrency * options.workers_per_trial)
            try:
                with Stopping(sweep) as stopping, Progress(plan, console, clock, stopping) as progress:
                    _tune(plan, options, decided, sweep, progress, stopping, gpus=gpus, concurrency=concurrency)
                    progress.changed()
            except KeyboardInterrupt:  # the second one: now
                cluster.kill()
                tracker.close(status="KILLED", timeout_s=_NOW_S)
                raise Interrupted(_interrupted(plan, resume)) from None
        clock.tick()
        if not plan.finished():
            tracker.close(status="KILLED")
            raise Interrupted(_interrupted(plan, resume))
        dataset = load(plan.views[0], root=options.data_root)
        results = _results(study, decided, plan, clock, source=dataset.source)
        said = described(_evaluators(study, decided), dataset)
        results = replace(results, findings=[*study.findings(results), *said])
        write_results(study, results, plan, sweep, options, decided)
        report = tracker.close(status="FINISHED")
    return results, report


def _interrupted(plan: Plan, resume: str) -> str:
    return f"interrupted after {len(plan.outcomes)} of {plan.total} runs: continue with {resume}"


def _prepare(study: Study, decided: Decided, options: SweepOptions, console: Console) -> None:
    """Make what evaluators need once for a data set (feature networks), so that no trial waits for it."""
    evaluators = _evaluators(study, decided)
    first = load(study.views(decided.data)[0], root=options.data_root)
    for sentence in described(evaluators, first):
        console.print(f"data  ·  {sentence}", style="dim", highlight=False, soft_wrap=True)
    phrases = set()
    for view in study.views(decided.data) if any(isinstance(e, Prepares) for e in evaluators) else ():
        dataset = load(view, root=options.data_root)
        with console.status("preparing what samples are measured with (the first time takes a minute or two)"):
            phrases |= {e.prepare(dataset) for e in evaluators if isinstance(e, Prepares)}
    for phrase in sorted(phrases):
        console.print(f"measured with  ·  {phrase}", style="dim", highlight=False, soft_wrap=True)


def _evaluators(study: Study, decided: Decided) -> list[Evaluator]:
    """All that measure a contender, each once, in the contenders' order."""
    names, budget = decided.contenders, decided.budget
    found = [e for n in names for e in (*study.evaluators_of(n, budget), *study.final_evaluators_of(n, budget))]
    return list(dict.fromkeys(found))


def _tune(
    plan: Plan,
    options: SweepOptions,
    decided: Decided,
    sweep: SweepDir,
    progress: Progress,
    stopping: Stopping,
    *,
    gpus: float,
    concurrency: int | None,
) -> None:
    from ray import tune

    from gibbsweep.tune.bridge import CRASHES_ALLOWED, PlanScheduler, PlanSearcher, StopWhenIdle, Watch
    from gibbsweep.tune.trial import DRIVER_CPUS, Payload, TrialContender, run_trial

    study = plan.study
    payload = Payload(
        contenders={
            name: TrialContender(
                config=study.config_of(name, decided.budget),
                budget=decided.budget_of(study, name),
                search_budget=replace(decided.budget_of(study, name), also_at=plan.searches[name].rungs),
                goal=study.goal_of(name),
                evaluators=study.evaluators_of(name, decided.budget),
                final_evaluators=study.final_evaluators_of(name, decided.budget),
                halve=study.contenders[name].halve,
                constrained=tuple(c.metric for c in study.constraints_of(name)),
            )
            for name in decided.contenders
        },
        data_root=options.data_root.absolute() if options.data_root else None,
        validation=study.validation,
        precision=decided.precision,  # type: ignore[arg-type]
        git_commit=git_commit(),
        workers=options.workers_per_trial,
        gpus_per_worker=gpus,
        echo=options.verbose,
    )
    grouped = options.workers_per_trial > 1
    resources = {"CPU": DRIVER_CPUS} if grouped else {"CPU": 1} | ({"GPU": gpus} if gpus else {})
    watch = Watch(progress)
    tuner = tune.Tuner(
        tune.with_resources(tune.with_parameters(run_trial, payload=payload), resources),
        tune_config=tune.TuneConfig(
            search_alg=PlanSearcher(plan, concurrency, stopping),
            scheduler=PlanScheduler(plan, stopping),
            num_samples=-1,  # the searcher says when it is finished: a promoted trial is a new one to Tune
            reuse_actors=True,
        ),
        run_config=tune.RunConfig(
            name="tune",
            storage_path=str(sweep.path.absolute() / "ray"),
            verbose=2 if options.verbose else 0,
            callbacks=[watch],
            stop=StopWhenIdle(watch, stopping),
            failure_config=tune.FailureConfig(max_failures=CRASHES_ALLOWED),
        ),
    )
    if not options.verbose:
        logging.getLogger("ray.tune").setLevel(logging.CRITICAL)
    tuner.fit()


def _results(study: Study, decided: Decided, plan: Plan, clock: SweepClock, *, source: str) -> Results:
    rows = plan.rows()
    return Results(
        study=study.name,
        question=study.question,
        data=decided.data,
        budget=decided.budget,
        device=", ".join(sorted({o.device for o in plan.outcomes.values() if o.device})) or "no device",
        commit=git_commit(),
        columns=_filled(study, rows),
        note=study.note,
        rows=rows,
        importances={name: found for name, search in plan.searches.items() if (found := search.importances())},
        wall_seconds=clock.wall_seconds,
        accounting=Accounting.of(plan.outcomes.values(), devices=clock.devices, available=clock.available),
        source=source,
        verdicts=[v for target in study.targets if (v := target.judge(rows, decided.data)) is not None],
        stem=study.name if decided.data == study.data else f"{study.name}_{as_file_name(decided.data)}",
    )


def _filled(study: Study, rows: list[Row]) -> dict[str, str]:
    """The columns that any row has a number for: a study of several data sets may name more than one run measures."""
    filled = {key: heading for key, heading in study.columns.items() if any(key in row.metrics for row in rows)}
    return filled or dict(study.columns)
