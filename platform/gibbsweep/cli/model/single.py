"""How ``gibbsweep train`` trains one configuration, once."""

from __future__ import annotations

import ast
import json
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gibbsweep.cli.model.train import TrainOptions
from gibbsweep.data import Dataset, check_data
from gibbsweep.errors import UserError
from gibbsweep.evaluate import Prepares
from gibbsweep.folder import Outcome, RunFolder, SweepFolder, only_process, write_json
from gibbsweep.folder.layout import check_folder_name, check_is_local
from gibbsweep.folder.whole import claim_free_folder
from gibbsweep.run.assignment import Assignment, assignment_of, data_of
from gibbsweep.run.feasible import checked_system
from gibbsweep.run.going_on import beginning_of, check_goes_on, check_same_beginning, going_on
from gibbsweep.run.provenance import git_commit, keep_script
from gibbsweep.run.recorded import RecordedRun
from gibbsweep.run.run import run
from gibbsweep.run.same_run import check_same_run
from gibbsweep.study import Study
from gibbsweep.study.at_budget import ContenderAtBudget
from gibbsweep.study.field_types import check_values
from gibbsweep.study.space import field_at, with_values
from gibbsweep.train import Budget, StdoutReporter
from gibbsweep.train.out_of_memory import ADVICE, OutOfMemory
from gibbsweep.tune.folder.find import SCRIPT, run_named, script_of
from gibbsweep.use.script import import_script, module_name, study_in, study_of_run
from gibbsweep_models.types import SystemConfig


def train(options: TrainOptions) -> None:
    """Train one contender of a study once, and evaluate it on the test split."""
    if options.retries is not None and options.retries < 0:
        raise UserError(f"--retries must be at least 0: got {options.retries}.")
    task = task_of(options)
    study, contender, config, changes = task.study, task.contender, task.config, task.changes
    if options.workers < 1:
        raise UserError(f"--workers must be at least 1: got {options.workers}.")
    if options.no_ray and options.workers > 1:
        raise UserError(
            f"--no-ray trains in one process, and --workers {options.workers} asks for more: drop one of them."
        )
    if options.name is not None:
        check_folder_name(options.name, "a run's name")
    check_is_local(options.runs, "--runs")
    name = options.name or _name(task, options)
    budget = task.budget
    if options.accumulate is not None:
        if options.accumulate < 1:
            raise UserError(f"--accumulate must be at least 1: got {options.accumulate}.")
        budget = replace(budget, accumulate=options.accumulate)
    whole = assignment_of(
        contender,
        seed=task.seed,
        data=task.data,
        run_dir=SweepFolder(options.runs / f"train-{study.name}").trial(name).absolute(),
        data_root=options.data_root,
        validation=study.validation,
        precision=options.precision,
    )
    assignment = replace(whole, name=name, config=config, budget=budget, git_commit=git_commit())
    dataset = data_of(assignment)
    check_data(dataset, study.needs, study=study.name)
    beginning = None
    if options.go_on and task.like is not None:
        beginning = beginning_of(task.like, assignment.run_dir if options.name is not None else None)
        check_goes_on(task.before, changes, dataset.spec, str(options.like))
        assignment = going_on(replace(assignment, config=task.before), beginning, changes)
        if beginning.snapshot is None:
            check_same_beginning(assignment, config)
    if options.name is not None:
        check_same_run(assignment, dataset)
    checked_system(contender.name, config, dataset, assignment.evaluators, assignment.final_evaluators)
    _prepare(assignment, dataset)
    _describe(study, assignment, task.script)
    if options.name is None:
        run_dir = _claim(assignment.run_dir)
        assignment = replace(assignment, name=run_dir.name, run_dir=run_dir)
    watch = StdoutReporter(budget.updates)
    with only_process(assignment.run_dir, wait_s=1.0):
        if beginning is not None:
            beginning.write(assignment)
            print(f"goes on from {beginning.donor.name} after {beginning.step} updates", flush=True)
        keep_script(task.script, assignment.run_dir)
        if options.no_ray:
            import torch

            if not torch.cuda.is_available():
                torch.set_num_threads(1)
            outcome = run(assignment, watch=watch)
        else:
            outcome = _with_ray(assignment, options, task.script, watch)
    print(summary(outcome, assignment.run_dir))
    if outcome.kind == "failed":
        raise SystemExit(1)


@dataclass(frozen=True)
class Task:
    """What one run trains: a contender as its study has it, or as another run has it, with what options change."""

    script: Path
    """The study script."""
    study: Study
    """The study."""
    contender: ContenderAtBudget
    """The contender, at the budget by whose name it is measured."""
    before: SystemConfig
    """The configuration before ``changes``."""
    changes: dict[str, Any]
    """Fields of the configuration that differ from ``before``, by path."""
    budget: Budget
    """How long it trains."""
    data: str
    """The data set, or the view of it."""
    seed: int
    """The seed."""
    like: RecordedRun | None
    """The run that it is like; None where it is as its study has it."""

    @property
    def config(self) -> SystemConfig:
        """The configuration to train."""
        config: SystemConfig = with_values(self.before, self.changes)
        return config


def task_of(options: TrainOptions) -> Task:
    """What ``options`` ask to train. Raises UserError where they name no study or contender, or contradict each
    other."""
    like = None if options.like is None else RecordedRun.read(run_named(options.like, options.runs))
    if like is None and not options.target:
        raise UserError("nothing to train was named: name SCRIPT.py:CONTENDER, or a run with --like SWEEP:TRIAL.")
    if like is None and options.go_on:
        raise UserError("--go-on begins with the checkpoint of a run: name it with --like SWEEP:TRIAL.")
    target = options.target or (f"{script_of(like.folder.path)}:{like.contender}" if like is not None else "")
    study, name = load_target(
        target if like is None or ":" in target else f"{target}:{like.contender}",
        None if like is None else like.folder,
    )
    script = Path(target.partition(":")[0]).resolve()
    if like is not None and name != like.contender:
        raise UserError(f"{like.name} is a run of {like.contender!r}, and {name!r} was named: leave the contender out.")
    if like is not None and like.scheduled and not options.go_on:
        raise UserError(
            f"the values of {like.name} changed while it trained, which a single run does not repeat: go on from its "
            f"checkpoint with gibbsweep clone {options.like}."
        )
    named = options.budget or ("laptop" if like is None else like.budget_name(study))
    contender = study.at(named, [name], retries=options.retries)[name]
    before = contender.config if like is None else like.config(contender.config)
    changes = parse_settings(options.set)
    check_values(before, changes, contender.space)
    changes = {path: value for path, value in changes.items() if field_at(before, path) != value}
    budget = contender.budget
    if like is not None and options.budget is None:
        budget = like.budget if options.retries is None else replace(like.budget, retries=options.retries)
    if options.updates is not None:
        if options.updates < 1:
            raise UserError(f"--updates must be at least 1: got {options.updates}.")
        budget = replace(budget, updates=options.updates)
    if like is not None and options.go_on and options.seed not in (None, like.seed):
        raise UserError(
            f"a checkpoint goes on with its own seed, {like.seed}, and --seed {options.seed} was given: leave it out, "
            "or leave out --go-on."
        )
    seed = options.seed if options.seed is not None else 0 if like is None else like.seed
    data = options.data or (study.data if like is None else like.data)
    return Task(script, study, contender, before, changes, budget, data, seed, like)


def _name(task: Task, options: TrainOptions) -> str:
    """The name of a run that was given none: what it goes on from, else the contender and the time."""
    if options.go_on and task.like is not None:
        return f"{task.like.name}-on"
    return f"{task.contender.name}-{time.strftime('%Y%m%d-%H%M%S')}"


def _prepare(assignment: Assignment, dataset: Dataset) -> None:
    """Make what the evaluators need once for a data set, so that what it lacks is found before the training."""
    for evaluator in (*assignment.evaluators, *assignment.final_evaluators):
        if isinstance(evaluator, Prepares):
            evaluator.prepare(dataset)


def _describe(study: Study, assignment: Assignment, script: Path) -> None:
    """Describe the study in the folder of its single runs, so that ``gibbsweep track sync`` can send them."""
    path = RunFolder(assignment.run_dir).sweep.record_path
    if path.exists():
        return
    record = {
        "name": path.parent.name,
        "study": study.name,
        "question": study.question,
        "data": assignment.data,
        SCRIPT: str(script),
        "git_commit": assignment.git_commit,
        "created": time.time(),
    }
    try:
        write_json(path, record)
    except OSError as error:
        raise UserError(
            f"{path.parent} cannot be written ({error.strerror}): choose a writable folder with --runs."
        ) from error


def _claim(run_dir: Path) -> Path:
    """The new folder ``run_dir``, or one with -2, -3, ... after its name: runs may start in the same second."""
    try:
        return claim_free_folder(run_dir)
    except OSError as error:
        raise UserError(
            f"{run_dir.parent} cannot be written ({error.strerror}): choose a writable folder with --runs."
        ) from error


def _with_ray(assignment: Assignment, options: TrainOptions, script: Path, watch: StdoutReporter) -> Outcome:
    """Run ``assignment`` with Ray Train, on a cluster if it needs GPUs or several workers."""
    from gibbsweep.tune.on_ray import cluster
    from gibbsweep.tune.on_ray.trial import fit
    from gibbsweep.tune.options.options import SweepOptions
    from gibbsweep.tune.resources.requests import check_resources

    cluster_options = SweepOptions(
        workers_per_trial=options.workers, gpus_per_trial=options.gpus_per_worker, verbose=options.verbose
    )
    if options.workers > 1 or options.gpus_per_worker:
        cluster.start(cluster_options, import_from=(script.parent,), say=print)
        cluster.send_by_value(sys.modules[module_name(script)])
        check_resources(cluster_options, options.gpus_per_worker, cluster.nodes())
    try:
        return fit(
            assignment,
            workers=options.workers,
            gpus_per_worker=options.gpus_per_worker,
            in_tune=False,
            watch=watch,
        )
    except OutOfMemory as out:
        raise UserError(
            f"a worker ran out of {out.memory} memory ({out.what}): end other programs, or {ADVICE}; the run goes on "
            f"from its last checkpoint with the same command and --name {assignment.name}."
        ) from out


def load_target(target: str, like: RunFolder | None = None) -> tuple[Study, str]:
    """The study and the contender's name of a ``target`` FILE.py:CONTENDER. Raises UserError where there is no such
    file, not exactly one study in it, or no such contender. With the options that the script was given for the sweep of
    the run ``like``."""
    path, _, contender = target.partition(":")
    study = study_in(import_script(Path(path)), Path(path)) if like is None else study_of_run(Path(path), like)
    if not contender:
        raise UserError(f"{target!r} names no contender: write {path}:NAME with one of {', '.join(study.contenders)}.")
    study.contender(contender)
    return study, contender


def parse_settings(settings: tuple[str, ...]) -> dict[str, Any]:
    """The values of ``path=value`` words, by path: JSON or Python where it parses (numbers, true, None, lists, tuples),
    else text."""
    values: dict[str, Any] = {}
    for setting in settings:
        path, equals, text = setting.partition("=")
        if not equals:
            raise UserError(f"--set takes field=value: got {setting!r}; for example --set k=10.")
        value = _parse_value(text)
        values[path] = tuple(value) if isinstance(value, list) else value
    return values


def _parse_value(text: str) -> Any:
    for parse, refusal in ((json.loads, json.JSONDecodeError), (ast.literal_eval, (ValueError, SyntaxError))):
        try:
            return parse(text)
        except refusal:
            continue
    return text


def summary(outcome: Outcome, run_dir: Path) -> str:
    """The lines that a single run ends with: its outcome, its cost, its test metrics and its folder."""
    numbers = "\n".join(
        f"  {name:<40} {value:.6g}" for name, value in sorted(outcome.metrics.items()) if name.startswith("test/")
    )
    head = f"{outcome} at update {outcome.step}, {outcome.device_seconds:.1f} device-seconds, {outcome.precision}"
    return "\n".join(part for part in (head, outcome.message, numbers, str(run_dir)) if part)
