"""A sweep from its options to its table."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from gibbsweep.data import load
from gibbsweep.evaluate import described
from gibbsweep.study.accounting import Accounting
from gibbsweep.study.gallery import copy_sounds, draw_gallery
from gibbsweep.study.provenance import git_commit
from gibbsweep.study.results import Results
from gibbsweep.study.row import Row
from gibbsweep.study.study import Study
from gibbsweep.track import SyncReport, Tracker, default_tracking_uri
from gibbsweep.train.checkpoint import has_checkpoint, read_checkpoint
from gibbsweep.train.files import as_file_name, full_disk_said
from gibbsweep.tune import cluster
from gibbsweep.tune.clock import SweepClock
from gibbsweep.tune.decided import Decided
from gibbsweep.tune.gate import Gate
from gibbsweep.tune.journal import mend_journal
from gibbsweep.tune.options import SweepOptions, check_options
from gibbsweep.tune.plan import Plan
from gibbsweep.tune.prepare import all_evaluators, prepare
from gibbsweep.tune.progress import Progress
from gibbsweep.tune.quota import Quota, quota_of
from gibbsweep.tune.shown import shown_runs
from gibbsweep.tune.sweep_dir import SweepDir, create, only_driver, reopen


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
    with only_driver(sweep), full_disk_said(sweep.path):
        results, report = _drive(study, options, sweep, decided, started, console=console, command=command)
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
    command: str,
) -> tuple[Results, SyncReport]:
    console.print(f"[bold]{study.name}[/bold]  {study.question}")
    console.print(
        f"sweep {sweep.name}  ·  data {decided.data}  ·  budget {decided.budget}  ·  {sweep.path}", style="dim"
    )
    clock = SweepClock(sweep, started)
    mend_journal(sweep.journal)
    plan = Plan(study, decided, sweep)
    limit = quota_of(sweep, options.disk)
    gate = Gate(plan, None if limit is None else Quota(plan, limit))
    for run_dir in plan.interrupted():
        if has_checkpoint(run_dir / "checkpoint"):
            read_checkpoint(run_dir / "checkpoint")  # refuses a damaged one before anything starts
    uri = options.tracking_uri or os.environ.get("MLFLOW_TRACKING_URI") or default_tracking_uri(options.runs)
    with Tracker(sweep.path, tracking_uri=uri, experiment=study.name) as tracker:
        if not plan.finished() and gate.ready():
            prepare(study, decided, options, console)
            cluster.start(options)
            gpus = cluster.default_gpus(options)
            concurrency = cluster.check_resources(options, gpus)
            clock.train_on(None if concurrency is None else concurrency * options.workers_per_trial)
            with Progress(plan, console) as progress:

                def changed() -> None:
                    with gate.guarded():
                        clock.tick(every=1.0)
                    progress.update()

                _tune(gate, options, decided, sweep, changed, gpus=gpus, concurrency=concurrency)
                progress.update()
        results = None
        with gate.guarded():
            clock.tick()
            if plan.finished() and not gate.halted:
                results = _results(study, options, decided, plan, clock)
                _write(study, results, plan, sweep, options, decided)
        if results is None or gate.halted:
            tracker.close(status="KILLED", timeout_s=60.0 if not gate.halted else 5.0)  # a full disk takes no more
            raise Interrupted(gate.said(command))
        report = tracker.close(status="FINISHED")
    return results, report


def _tune(
    gate: Gate,
    options: SweepOptions,
    decided: Decided,
    sweep: SweepDir,
    changed: Callable[[], None],
    *,
    gpus: float,
    concurrency: int | None,
) -> None:
    from ray import tune

    from gibbsweep.tune.bridge import CRASHES_ALLOWED, PlanScheduler, PlanSearcher, Watch
    from gibbsweep.tune.trial import DRIVER_CPUS, Payload, TrialContender, run_trial

    plan = gate.plan
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
    tuner = tune.Tuner(
        tune.with_resources(tune.with_parameters(run_trial, payload=payload), resources),
        tune_config=tune.TuneConfig(
            search_alg=PlanSearcher(gate, concurrency),
            scheduler=PlanScheduler(gate),
            num_samples=-1,  # the searcher says when it is finished: a promoted trial is a new one to Tune
            reuse_actors=True,
        ),
        run_config=tune.RunConfig(
            name="tune",
            storage_path=str(sweep.path.absolute() / "ray"),
            verbose=2 if options.verbose else 0,
            callbacks=[Watch(changed)],
            failure_config=tune.FailureConfig(max_failures=CRASHES_ALLOWED),
        ),
    )
    if not options.verbose:
        logging.getLogger("ray.tune").setLevel(logging.CRITICAL)
    with gate.guarded():
        tuner.fit()


def _results(study: Study, options: SweepOptions, decided: Decided, plan: Plan, clock: SweepClock) -> Results:
    dataset, rows = load(plan.views[0], root=options.data_root), plan.rows()
    results = Results(
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
        source=dataset.source,
        verdicts=[v for target in study.targets if (v := target.judge(rows, decided.data)) is not None],
        stem=study.name if decided.data == study.data else f"{study.name}_{as_file_name(decided.data)}",
    )
    said = described(all_evaluators(study, decided), dataset)
    return replace(results, findings=[*study.findings(results), *said])


def _filled(study: Study, rows: list[Row]) -> dict[str, str]:
    """The columns that any row has a number for: a study of several data sets may name more than one run measures."""
    filled = {key: heading for key, heading in study.columns.items() if any(key in row.metrics for row in rows)}
    return filled or dict(study.columns)


def _write(
    study: Study, results: Results, plan: Plan, sweep: SweepDir, options: SweepOptions, decided: Decided
) -> None:
    folders = [sweep.results]
    # Of the checkout whose sweeps/ holds the script that runs; a script from elsewhere (a test's) writes to its runs alone.
    sweeps = [above for above in Path(sys.argv[0]).resolve().parents if above.name == "sweeps"]
    beside = [above.parent / "analysis" / "results" for above in sweeps]
    if options.results is not None:
        folders.append(options.results)
    elif decided.budget != "smoke":
        folders += [folder for folder in beside if folder.is_dir()][:1]
    for folder in folders:
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
