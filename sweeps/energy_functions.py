"""Which part of an energy's form matters?

One task, and the form of the energy as the top of a conditional space: a quadratic, an RBM, a multilayer perceptron, a
convolutional network, a residual one with attention, the error of an autoencoder (without labels) or JEM (with them). Beneath each
form: what it has of activation, spectral norm, width and depth, and the L2 penalty and learning rate of contrastive divergence.
Every form gets the same number of trials and updates, and its best configuration is retrained. The figure splits the variance of
the goal over all trials: what the choice of the form makes, and what each number beneath it makes (functional ANOVA).

    python sweeps/energy_functions.py                           anomaly detection: a nine that training never saw
    python sweeps/energy_functions.py --task classification     E(x, y): all ten digits
    python sweeps/energy_functions.py --task generation         samples from noise

Tuning for anomalies sees synthetic ones alone, as in `anomaly_detection.py`; samples are measured as in `image_generation.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from gibbsweep.cli import run_study_of
from gibbsweep.data import DataNeeds
from gibbsweep.evaluate import (
    AnomalyDetection,
    Classification,
    Evaluator,
    SampleDistances,
    SampleGrid,
    SyntheticAnomalies,
)
from gibbsweep.study import Choice, Contender, Float, Goal, Int, Results, Space, Study
from gibbsweep.study.study import as_it_is
from gibbsweep.train import Budget
from gibbsweep_models.energy.class_energy import ClassEnergyConfig
from gibbsweep_models.energy.energy_form import EnergyFormConfig
from gibbsweep_models.nn.energies import NamedClassEnergiesConfig, NamedEnergyConfig
from gibbsweep_models.objectives.cd import LangevinCD

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Task = Literal["anomaly", "classification", "generation"]


@dataclass(frozen=True)
class Options:
    task: Task = "anomaly"
    """What the energy is for."""


TRAINING: Space = {
    "cd.l2": Float(0.01, 1.0, log=True),
    "cd.learning_rate": Float(3e-4, 3e-3, log=True),
}
WIDE: Space = {"form.width": Choice(4, 8, 16), **TRAINING}
DEEP: Space = {"form.depth": Int(2, 4), **WIDE}
NETWORK: Space = {
    "form.activation": Choice("silu", "gelu", "softplus", "leaky_relu"),
    "form.spectral_norm": Choice(False, True),
    **DEEP,
}
AUTOENCODER: Space = {"form.activation": NETWORK["form.activation"], **DEEP}

NETWORKS = {"mlp": NETWORK, "conv": NETWORK, "residual": NETWORK}
FORMS: Mapping[str, Space] = {"quadratic": WIDE, "rbm": WIDE, **NETWORKS, "autoencoder": AUTOENCODER}
CLASS_FORMS: Mapping[str, Space] = {"quadratic": WIDE, "rbm": WIDE, **NETWORKS, "jem": NETWORK}


def forms(spaces: Mapping[str, Space]) -> Space:
    """The form first, what it has beneath it."""
    return {"form.name": Choice(*spaces, then=spaces)}


def budgets(laptop: int, long: int, gpu: int, paper: int) -> dict[str, Budget]:
    """Updates of every form on every machine; all evaluate once, at the end."""
    sizes = {"smoke": (4, 16), "laptop": (laptop, 64), "long": (long, 64), "gpu": (gpu, 128), "paper": (paper, 128)}
    return {name: Budget(updates, batch_size, report_every=updates) for name, (updates, batch_size) in sizes.items()}


CHAINS = {"cd.n_steps": 40, "cd.replay_size": 10_000}
SIZES: Mapping[str, Mapping[str, Any]] = {
    "smoke": {"cd.n_steps": 2, "cd.replay_size": 64},
    "gpu": {"form.scale": 4, **CHAINS},
    "paper": {"form.scale": 8, **CHAINS, "cd.n_steps": 60},
}
SAMPLED = {"smoke": 3, "laptop": 100}
"""Langevin steps to a sample; 256 elsewhere."""

UNLABELLED = EnergyFormConfig(NamedEnergyConfig(width=8), LangevinCD(n_steps=10, learning_rate=1e-3))
LABELLED = ClassEnergyConfig(
    NamedClassEnergiesConfig(width=8),
    cd_weight=0.1,
    cd=LangevinCD(n_steps=10, data_noise=0.03, learning_rate=1e-3, grad_clip=1.0, energy_gap_bound=500.0),
)


def energy(task: Task) -> Contender:
    """The one contender: an energy whose form is searched."""
    labelled = task == "classification"
    at = {budget: {**SIZES.get(budget, {}), "sample_steps": SAMPLED.get(budget, 256)} for budget in ("laptop", *SIZES)}
    return Contender(
        LABELLED if labelled else UNLABELLED,
        kind="energy",
        compare="form.name",
        space=forms(CLASS_FORMS if labelled else FORMS),
        at=at,
    )


def a_class_held_out(data: str) -> tuple[str, ...]:
    """`mnist` -> `mnist[-9]`; a view says itself what is held out."""
    return (data if "[" in data else f"{data}[-9]",)


def importance(results: Results) -> Figure:
    """Left, the goal's variance over all completed trials: the form, and each number beneath it, stacked by the form it is of.
    Right, how well each form did after retraining; whiskers are deviations over seeds."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.6, 3.8), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.3, 1))
    names = [str(row.compared["form.name"]) for row in results.rows]
    colours = {name: f"C{i}" for i, name in enumerate(names)}
    parts = [(*split(key), share) for found in results.importances.values() for key, share in found.items()]
    paths = sorted({path for _, path, _ in parts}, key=lambda path: -sum(s for _, p, s in parts if p == path))
    ends = dict.fromkeys(paths, 0.0)
    for form, path, share in parts:
        left.barh(paths.index(path), share, left=ends[path], color=colours.get(form, "0.3"))
        ends[path] += share
    for place, path in enumerate(paths):
        left.text(ends[path] + 0.01, place, f"{ends[path]:.0%}", va="center", fontsize=8)
    left.set_yticks(range(len(paths)), [path.removeprefix("form.").removeprefix("cd.") for path in paths])
    left.invert_yaxis()
    left.set_xlim(0, max([*ends.values(), 0.5]) * 1.15)
    left.set_xlabel("share of the goal's variance over all trials")
    left.set_title("Which part of the choice matters" if parts else "Too few trials to tell what matters", fontsize=10)
    metric, label = next(iter(results.columns.items()))
    for place, (name, row) in enumerate(zip(names, results.rows, strict=True)):
        if metric in row.metrics:
            right.barh(place, row.metrics[metric].mean, xerr=row.metrics[metric].sd, color=colours[name])
    right.set_yticks(range(len(names)), names)
    right.invert_yaxis()
    right.set_xlabel(f"test {label}")
    right.set_title(f"{results.data}, {results.budget}", fontsize=10)
    for axes in (left, right):
        axes.grid(axis="x", alpha=0.3)
        axes.set_axisbelow(True)
    return figure


def split(key: str) -> tuple[str, str]:
    """``form.name=conv cd.l2`` -> conv and cd.l2; what is compared belongs to no form."""
    option, _, path = key.rpartition(" ")
    return option.partition("=")[2], path


def findings(results: Results) -> Sequence[str]:
    """What the figure shows, in sentences."""
    totals: dict[str, float] = {}
    for found in results.importances.values():
        for key, share in found.items():
            totals[split(key)[1]] = totals.get(split(key)[1], 0.0) + share
    if not totals:
        return []
    ranked = sorted(totals.items(), key=lambda item: -item[1])
    listed = ", ".join(f"{path} {share:.0%}" for path, share in ranked)
    trials = sum(row.trials for row in results.rows)
    rest = max(0.0, 1.0 - sum(totals.values()))
    return [
        f"Variance of the goal over the completed ones of {trials} trials: {listed}; interactions and noise {rest:.0%}."
    ]


@dataclass(frozen=True)
class _Task:
    """What depends on the task."""

    question: str
    goal: Goal
    search: tuple[Evaluator, ...]
    final: tuple[Evaluator, ...]
    columns: Mapping[str, str]
    budgets: Mapping[str, Budget]
    picture: str


TASKS: Mapping[Task, _Task] = {
    "anomaly": _Task(
        "Which part of an energy's form matters for finding anomalies?",
        Goal("validation/synthetic_auroc", "maximize"),
        (SyntheticAnomalies(500),),
        (AnomalyDetection(),),
        {"test/auroc": "AUROC", "test/auprc": "AUPRC", "validation/synthetic_auroc": "synthetic"},
        budgets(laptop=300, long=1_000, gpu=5_000, paper=50_000),
        "anomalies",
    ),
    "classification": _Task(
        "Which part of an energy's form matters for naming classes?",
        Goal("validation/nll", "minimize"),
        (Classification(),),
        (Classification(), SampleGrid(16)),
        {"test/accuracy": "accuracy", "test/error": "error", "test/nll": "NLL", "test/ece": "ECE"},
        budgets(laptop=200, long=2_000, gpu=10_000, paper=100_000),
        "samples",
    ),
    "generation": _Task(
        "Which part of an energy's form matters for drawing samples?",
        Goal("validation/frechet_distance", "minimize"),
        (SampleDistances(200),),
        (SampleDistances(500), SampleGrid(64)),
        {
            "test/frechet_distance": "FD (data set's classifier)",
            "test/kernel_distance": "KD",
            "test/precision": "precision",
            "test/recall": "recall",
            "test/distance_n": "n",
        },
        budgets(laptop=80, long=800, gpu=9_000, paper=150_000),
        "samples",
    ),
}


def study(options: Options) -> Study:
    """The study of one task."""
    task = TASKS[options.task]
    return Study(
        name="energy_functions" if options.task == "anomaly" else f"energy_functions_{options.task}",
        question=task.question,
        data="mnist",
        needs=DataNeeds(labels=True, dims=3),
        contenders={"energy": energy(options.task)},
        goal=task.goal,
        evaluators=task.search,
        final_evaluators=task.final,
        columns=task.columns,
        budgets=task.budgets,
        views=a_class_held_out if options.task == "anomaly" else as_it_is,
        trials=6 * len(FORMS),
        seeds=3,
        figures={"importance": importance},
        findings=findings,
        pictures=(task.picture,),
        note="Trials are those of all forms together, each form's the same number.",
    )


STUDY = study(Options())

if __name__ == "__main__":
    run_study_of(study, Options)
