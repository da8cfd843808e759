"""Which part of an energy's form matters?

One task, and the form of the energy as the top of a conditional space. The study compares a quadratic, an RBM, a
multilayer perceptron, a convolutional network, a residual one with attention, and the error of an autoencoder (without
labels) or JEM (with them). Beneath each form: what it has of activation, spectral norm, width and depth, and the L2
penalty and learning rate of contrastive divergence. Every form gets the same number of trials and updates, and its best
configuration is retrained. The figure answers the question: it splits the variance of the goal over all trials into
what the choice of the form makes, and what each number beneath it makes (functional ANOVA). Tuning for anomalies sees
synthetic ones alone, as in `anomaly_detection.py`; samples are measured as in `image_generation.py`.

    python sweeps/energy_functions.py                           anomaly detection: a nine that training never saw
    python sweeps/energy_functions.py --task classification     E(x, y): all ten digits
    python sweeps/energy_functions.py --task generation         samples from noise
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from gibbsweep import Budget, Choice, Contender, DataNeeds, Float, Goal, Int, Space, Study
from gibbsweep.cli import run_study_of
from gibbsweep.evaluate import AnomalyDetection, Classification, SampleDistances, SampleGrid, SyntheticAnomalies
from gibbsweep.results.figures import Importances, Panels, RowBars
from gibbsweep.results.findings import importances
from gibbsweep.study import by_budget, columns, equal_updates
from gibbsweep.study.study import as_it_is
from gibbsweep_models.energy.class_energy import ClassEnergyConfig
from gibbsweep_models.energy.energy_form import EnergyFormConfig
from gibbsweep_models.nn.energies import NamedClassEnergiesConfig, NamedEnergyConfig
from gibbsweep_models.objectives.cd import LangevinCD
from gibbsweep_models.types import SystemConfig

TRAINING: Space = {"cd.l2": Float(0.01, 1.0, log=True), "cd.learning_rate": Float(3e-4, 3e-3, log=True)}
WIDE: Space = {"form.width": Choice(4, 8, 16), **TRAINING}
DEEP: Space = {"form.depth": Int(2, 4), **WIDE}
ACTIVATION: Space = {"form.activation": Choice("silu", "gelu", "softplus", "leaky_relu")}
NETWORK: Space = {**ACTIVATION, "form.spectral_norm": Choice(False, True), **DEEP}

NETWORKS: dict[str, Space] = {"quadratic": WIDE, "rbm": WIDE, "mlp": NETWORK, "conv": NETWORK, "residual": NETWORK}
FORMS: dict[str, Space] = {**NETWORKS, "autoencoder": {**ACTIVATION, **DEEP}}
CLASS_FORMS = {**NETWORKS, "jem": NETWORK}


def energy(config: SystemConfig, forms: dict[str, Space]) -> Contender:
    """The one contender: an energy whose form is searched, with what each form has beneath it."""
    chains = {"cd.n_steps": 40, "cd.replay_size": 10_000, "sample_steps": 256}
    return Contender(
        config,
        compare="form.name",
        space={"form.name": Choice(*forms, then=forms)},
        by_budget={
            "laptop": {"sample_steps": 100},
            "smoke": {"cd.n_steps": 2, "cd.replay_size": 64, "sample_steps": 3},
            "gpu": {"form.scale": 4, **chains},
            "paper": {"form.scale": 8, **chains, "cd.n_steps": 60},
        },
    )


CD = LangevinCD(n_steps=10, learning_rate=1e-3)
UNLABELLED = energy(EnergyFormConfig(NamedEnergyConfig(width=8), CD), FORMS)
LABELLED_CD = replace(CD, data_noise=0.03, grad_clip=1.0, energy_gap_bound=500.0)
LABELLED = energy(ClassEnergyConfig(NamedClassEnergiesConfig(width=8), cd_weight=0.1, cd=LABELLED_CD), CLASS_FORMS)


def budgets(updates: int) -> dict[str, Budget]:
    return equal_updates(updates, batch_size=by_budget(smoke=16, laptop=64, long=64, other=128))


def a_class_held_out(data: str) -> tuple[str, ...]:
    """`mnist` -> `mnist[-9]`; a view says itself what is held out."""
    return (data if "[" in data else f"{data}[-9]",)


STUDY = Study(
    name="energy_functions",
    question="Which part of an energy's form matters for finding anomalies?",
    data="mnist",
    needs=DataNeeds(labels=True, dims=3),
    contenders={"energy": UNLABELLED},
    goal=Goal("validation/synthetic_auroc", "maximize"),
    answer=Goal("test/auroc", "maximize"),
    evaluators=(SyntheticAnomalies(500),),
    final_evaluators=(AnomalyDetection(),),
    columns={**columns("auroc", "auprc"), **columns("synthetic_auroc", split="validation")},
    budgets=budgets(by_budget(smoke=4, laptop=300, long=1_000, gpu=5_000, paper=50_000)),
    views=a_class_held_out,
    figures={"importance": Panels(Importances(), RowBars(by_option=True))},
    findings=importances,
    pictures=("anomalies",),
    # The importances are those of trials that trained to the end.
    trials=by_budget(smoke=2, other=8),
    scheduler="none",
)


@dataclass(frozen=True)
class Options:
    task: Literal["anomaly", "classification", "generation"] = "anomaly"
    """What the energy is for."""


def study(options: Options) -> Study:
    """The study of one task."""
    with_samples = replace(STUDY, views=as_it_is, pictures=("samples",))
    if options.task == "classification":
        return replace(
            with_samples,
            name="energy_functions_classification",
            question="Which part of an energy's form matters for naming classes?",
            contenders={"energy": LABELLED},
            goal=Goal("validation/nll", "minimize"),
            answer=None,
            evaluators=(Classification(),),
            final_evaluators=(Classification(), SampleGrid(16)),
            columns=columns("accuracy", "error", "nll", "ece"),
            budgets=budgets(by_budget(smoke=4, laptop=200, long=2_000, gpu=10_000, paper=100_000)),
        )
    if options.task == "generation":
        return replace(
            with_samples,
            name="energy_functions_generation",
            question="Which part of an energy's form matters for drawing samples?",
            goal=Goal("validation/frechet_distance", "minimize"),
            answer=None,
            evaluators=(SampleDistances(200),),
            final_evaluators=(SampleDistances(500), SampleGrid(64)),
            columns={
                "test/frechet_distance": "FD (data set's classifier)",
                **columns("kernel_distance"),
                "test/precision": "precision",
                **columns("recall", "distance_n"),
            },
            budgets=budgets(by_budget(smoke=4, laptop=80, long=800, gpu=9_000, paper=150_000)),
        )
    return STUDY


if __name__ == "__main__":
    run_study_of(study, Options)
