"""``gibbsweep train``: one configuration, once."""

from __future__ import annotations

import ast
import importlib.util
import json
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

from tyro.conf import Positional, arg

from gibbsweep.cli.study import importing
from gibbsweep.data import Dataset, check_data
from gibbsweep.errors import UserError
from gibbsweep.evaluate import Prepares
from gibbsweep.folder import Outcome, RunFolder, SweepFolder, only_process, write_json
from gibbsweep.folder.layout import check_folder_name, check_is_local, default_runs
from gibbsweep.folder.whole import claim_free_folder
from gibbsweep.option import OrDefault
from gibbsweep.run.assignment import Assignment, assignment_of, data_of
from gibbsweep.run.feasible import checked_system
from gibbsweep.run.provenance import git_commit
from gibbsweep.run.run import run
from gibbsweep.run.same_run import check_same_run
from gibbsweep.study import Study
from gibbsweep.study.field_types import check_values
from gibbsweep.study.space import with_values
from gibbsweep.train import PrecisionOption, StdoutReporter
from gibbsweep.train.out_of_memory import ADVICE, OutOfMemory


@dataclass(frozen=True)
class TrainOptions:
    """The options of ``gibbsweep train``."""

    target: Positional[str]
    """Study script and contender, for example sweeps/cd_k.py:rbm."""
    set: Annotated[tuple[str, ...], arg(help_behavior_hint="")] = ()
    """Fields of the configuration to change, for example: --set k=10 learning_rate=0.05."""
    budget: str = "laptop"
    """How long to train: smoke, laptop, gpu, ..."""
    data: OrDefault[str] = None
    """Data set (default: the study's)."""
    seed: int = 0
    """Seed of weights, data order and noise."""
    precision: PrecisionOption = "auto"
    """Arithmetic of training: auto measures once a run which pays on this machine."""
    retries: OrDefault[int] = None
    """Restarts after a divergence, from the last good checkpoint with a new seed and halved steps (default: the
    budget's, 0)."""
    accumulate: OrDefault[int] = None
    """Parts of each worker's batch whose gradients are added up, where the whole batch does not fit a memory (default:
    the budget's)."""
    workers: int = 1
    """Data-parallel workers; more than one need Ray."""
    gpus_per_worker: float = 0.0
    """GPUs of each worker."""
    no_ray: bool = False
    """Train in this process: needs torch alone, no Ray, Optuna or MLflow."""
    name: OrDefault[str] = None
    """Name of the run's folder; an existing one is resumed by the same command, and refused to any other run (default:
    contender and time)."""
    runs: Path = field(default_factory=default_runs)
    """Folder of all runs (default: $GIBBSWEEP_RUNS, else runs)."""
    data_root: OrDefault[Path] = None
    """Folder of the data sets (default: $GIBBSWEEP_DATA)."""
    verbose: bool = False
    """Show what Ray prints."""


def train_one(options: TrainOptions) -> None:
    """Train one contender of a study once, and evaluate it on the test split."""
    study, contender_name = load_target(options.target)
    if options.retries is not None and options.retries < 0:
        raise UserError(f"--retries must be at least 0: got {options.retries}.")
    contender = study.at(options.budget, [contender_name], retries=options.retries)[contender_name]
    changes = parse_settings(options.set)
    check_values(contender.config, changes, contender.space)
    config = with_values(contender.config, changes)
    if options.workers < 1:
        raise UserError(f"--workers must be at least 1: got {options.workers}.")
    if options.no_ray and options.workers > 1:
        raise UserError(
            f"--no-ray trains in one process, and --workers {options.workers} asks for more: drop one of them."
        )
    if options.name is not None:
        check_folder_name(options.name, "a run's name")
    check_is_local(options.runs, "--runs")
    name = options.name or f"{contender.name}-{time.strftime('%Y%m%d-%H%M%S')}"
    budget = contender.budget
    if options.accumulate is not None:
        if options.accumulate < 1:
            raise UserError(f"--accumulate must be at least 1: got {options.accumulate}.")
        budget = replace(budget, accumulate=options.accumulate)
    whole = assignment_of(
        contender,
        seed=options.seed,
        data=options.data or study.data,
        run_dir=SweepFolder(options.runs / f"train-{study.name}").trial(name).absolute(),
        data_root=options.data_root,
        validation=study.validation,
        precision=options.precision,
    )
    assignment = replace(whole, name=name, config=config, budget=budget, git_commit=git_commit())
    dataset = data_of(assignment)
    check_data(dataset, study.needs, study=study.name)
    if options.name is not None:
        check_same_run(assignment, dataset)
    checked_system(contender.name, config, dataset, assignment.evaluators, assignment.final_evaluators)
    _prepare(assignment, dataset)
    _describe(study, assignment)
    if options.name is None:
        run_dir = _claim(assignment.run_dir)
        assignment = replace(assignment, name=run_dir.name, run_dir=run_dir)
    watch = StdoutReporter(budget.updates)
    with only_process(assignment.run_dir, wait_s=1.0):
        if options.no_ray:
            import torch

            if not torch.cuda.is_available():
                torch.set_num_threads(1)
            outcome = run(assignment, watch=watch)
        else:
            outcome = _with_ray(assignment, options, watch)
    print(summary(outcome, assignment.run_dir))
    if outcome.kind == "failed":
        raise SystemExit(1)


def _prepare(assignment: Assignment, dataset: Dataset) -> None:
    """Make what the evaluators need once for a data set, so that what it lacks is found before the training."""
    for evaluator in (*assignment.evaluators, *assignment.final_evaluators):
        if isinstance(evaluator, Prepares):
            evaluator.prepare(dataset)


def _describe(study: Study, assignment: Assignment) -> None:
    """Describe the study in the folder of its single runs, so that ``gibbsweep track sync`` can send them."""
    path = RunFolder(assignment.run_dir).sweep.record_path
    if path.exists():
        return
    record = {
        "name": path.parent.name,
        "study": study.name,
        "question": study.question,
        "data": assignment.data,
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


def _with_ray(assignment: Assignment, options: TrainOptions, watch: StdoutReporter) -> Outcome:
    """Run ``assignment`` with Ray Train, on a cluster if it needs GPUs or several workers."""
    from gibbsweep.tune.on_ray import cluster
    from gibbsweep.tune.on_ray.trial import fit
    from gibbsweep.tune.options.options import SweepOptions
    from gibbsweep.tune.resources.requests import check_resources

    cluster_options = SweepOptions(
        workers_per_trial=options.workers, gpus_per_trial=options.gpus_per_worker, verbose=options.verbose
    )
    if options.workers > 1 or options.gpus_per_worker:
        script = Path(options.target.partition(":")[0]).resolve()
        cluster.start(cluster_options, import_from=(script.parent,))
        cluster.send_by_value(sys.modules[_module_name(script)])
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


def load_target(target: str) -> tuple[Study, str]:
    """The study and the contender's name of a ``target`` FILE.py:CONTENDER. Raises UserError where there is no such
    file, not exactly one study in it, or no such contender."""
    path, _, contender = target.partition(":")
    module = _import_script(Path(path))
    studies = [value for value in vars(module).values() if isinstance(value, Study)]
    if len(studies) != 1:
        raise UserError(
            f"{path} defines {len(studies)} studies, expected one at its top level: name a script of sweeps/."
        )
    study = studies[0]
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


def _import_script(path: Path) -> ModuleType:
    """Import the study script at ``path`` as Python would run it: its folder comes first on the path of imports."""
    if not path.is_file():
        raise UserError(f"there is no study script {str(path)!r}: name a file, for example sweeps/cd_k.py:rbm.")
    name = _module_name(path)
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UserError(f"{path} is not a Python script: name a file of sweeps/.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    with importing(path):
        spec.loader.exec_module(module)
    return module


def _module_name(script: Path) -> str:
    """The name of the module of a study script, which hides no module that can be imported."""
    return f"gibbsweep_study_{script.stem}"
