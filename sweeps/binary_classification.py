"""What does an energy of images and labels buy over a classifier?

Two digits that look alike, 4 and 9. Five forms of a joint energy E(x, y), each trained for p(y | x) by cross-entropy and for
p(x) by contrastive divergence of E(x) = -log Σ_y exp(-E(x, y)), against classifiers that know p(y | x) alone: logistic
regression, and networks of equal size. Who errs less, who knows how sure to be, and whose energy is high for pictures that are
no digits at all (Fashion-MNIST)? A classifier without an energy is given -logsumexp of its logits in its place.

    python sweeps/binary_classification.py                            4 against 9, seven minutes on two cores
    python sweeps/binary_classification.py --classes 3,5              any other pair
    python sweeps/binary_classification.py --classes all              all ten digits
    python sweeps/binary_classification.py --data "kmnist[0,1]"       another set, with its classes
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from gibbsweep.cli import run_study_of
from gibbsweep.data import DataNeeds
from gibbsweep.evaluate import Classification, EnergyHistogram, Evaluator, OutlierDetection, SampleGrid
from gibbsweep.study import Choice, Contender, Float, Goal, Int, Study, Target
from gibbsweep.train import Budget
from gibbsweep_models.baselines.classifier import ClassifierConfig
from gibbsweep_models.baselines.logistic_regression import LogisticRegressionConfig
from gibbsweep_models.energy.class_energy import ClassEnergyConfig
from gibbsweep_models.energy.class_rbm import ClassRBMConfig
from gibbsweep_models.nn.energies import ConvConfig, MLPConfig, PrototypeConfig
from gibbsweep_models.objectives.cd import LangevinCD

CD = LangevinCD(n_steps=20, data_noise=0.03, learning_rate=3e-3, grad_clip=1.0, energy_gap_bound=500.0)
CONV_CD = replace(CD, gradient_clip=None, l2=0.3)
"""A network's energies are kept small by the penalty; a quadratic's slopes are steep and need the clip."""

WIDE_CONV = {"form.channels": (64, 128, 256)}
WIDE_MLP = {"form.hidden": (1024, 1024)}
LONG_CHAINS = {"cd.n_steps": 40, "cd.replay_size": 10_000, "cd_every": 1}
"""As JEM's: 20 steps and a buffer of 10,000 there, on colour images."""


def sizes(own: dict[str, Any], chains: bool = True) -> dict[str, dict[str, Any]]:
    """What the budgets of a GPU change."""
    return {budget: {**own, **(LONG_CHAINS if chains else {})} for budget in ("gpu", "paper")}


QUADRATIC = Contender(
    ClassEnergyConfig(PrototypeConfig(), cd_weight=0.1, cd=CD),
    kind="energy",
    space={
        "form.n_prototypes": Int(4, 32, log=True),
        "cd_weight": Float(0.01, 0.3, log=True),
        "cd.learning_rate": Float(1e-3, 5e-3, log=True),
    },
    at=sizes({"form.rank": 256}),
)

RBM = Contender(
    ClassRBMConfig(),
    kind="energy",
    space={
        "cd_weight": Float(0.003, 0.3, log=True),
        "k": Choice(1, 3),
        "learning_rate": Float(3e-3, 3e-2, log=True),
    },
    at=sizes({"n_hidden": 1500}, chains=False),
)

MLP_ENERGY = Contender(
    ClassEnergyConfig(MLPConfig(label="hidden"), cd_weight=0.1, cd=CD),
    kind="energy",
    space={"cd_weight": Float(0.03, 1.0, log=True), "cd.learning_rate": Float(1e-3, 5e-3, log=True)},
    at=sizes(WIDE_MLP),
)

CONV_ENERGY = Contender(
    ClassEnergyConfig(ConvConfig(label="hidden"), cd_weight=0.1, cd=CONV_CD),
    kind="energy",
    space={"cd_weight": Float(0.03, 0.3, log=True), "cd.learning_rate": Float(1e-3, 5e-3, log=True)},
    at=sizes(WIDE_CONV),
)

JEM = Contender(
    ClassEnergyConfig(ConvConfig(), cd_weight=0.1, cd=CONV_CD),
    kind="energy",
    space={"cd_weight": Float(0.03, 0.3, log=True), "cd.learning_rate": Float(1e-3, 5e-3, log=True)},
    at=sizes(WIDE_CONV),
)

LOGISTIC = Contender(LogisticRegressionConfig(), kind="baseline", space={"c": Float(0.003, 3.0, log=True)})

CLASSIFIER_SPACE = {
    "learning_rate": Float(1e-3, 5e-3, log=True),
    "weight_decay": Float(1e-3, 0.3, log=True),
    "data_noise": Float(0.01, 0.3, log=True),
}

MLP = Contender(
    ClassifierConfig(MLPConfig()), kind="baseline", space=CLASSIFIER_SPACE, at=sizes(WIDE_MLP, chains=False)
)
CNN = Contender(
    ClassifierConfig(ConvConfig()), kind="baseline", space=CLASSIFIER_SPACE, at=sizes(WIDE_CONV, chains=False)
)

ENERGIES = ("quadratic", "rbm", "mlp_energy", "conv_energy", "jem")
LAST = (Classification(), OutlierDetection(limit=None), EnergyHistogram())


def at_the_end(budget: str) -> tuple[Evaluator, ...]:
    """The whole test split; a smoke run looks at a few examples."""
    if budget == "smoke":
        return (Classification(limit=200), OutlierDetection(limit=200), EnergyHistogram(n=100, n_samples=4))
    return LAST


def with_samples(contender: Contender) -> Contender:
    """An energy can also be asked for pictures."""
    return Contender(
        **{
            **vars(contender),
            "final_evaluators": lambda budget: (*at_the_end(budget), SampleGrid(4 if budget == "smoke" else 64)),
        }
    )


@dataclass(frozen=True)
class Options:
    classes: str = "4,9"
    """Which digits of MNIST: two or more of them (3,5), or all. (`--data` names another set, with its classes.)"""


STUDY = Study(
    name="binary_classification",
    question="What does an energy of images and labels buy over a classifier?",
    data="mnist[4,9]",
    needs=DataNeeds(labels=True, dims=3),
    contenders={
        "quadratic": with_samples(QUADRATIC),
        "rbm": with_samples(RBM),
        "mlp_energy": with_samples(MLP_ENERGY),
        "conv_energy": with_samples(CONV_ENERGY),
        "jem": with_samples(JEM),
        "logistic": LOGISTIC,
        "mlp": MLP,
        "cnn": CNN,
    },
    # Accuracy on a thousand validation images moves in steps; the likelihood of their labels ranks finer.
    goal=Goal("validation/nll", "minimize"),
    evaluators=(Classification(), OutlierDetection(limit=1000)),
    final_evaluators=at_the_end,
    columns={
        "test/accuracy": "accuracy",
        "test/error": "error",
        "test/nll": "NLL",
        "test/ece": "ECE",
        "test/outlier_auroc": "outlier AUROC",
    },
    budgets={
        "smoke": Budget(updates=4, batch_size=32, report_every=2),
        "laptop": Budget(updates=600, batch_size=100, report_every=200),
        "long": Budget(updates=3_000, batch_size=100, report_every=1_000),
        "gpu": Budget(updates=10_000, batch_size=256, report_every=2_000),
        "paper": Budget(updates=170_000, batch_size=64, report_every=10_000),
    },
    trials=3,
    seeds=3,
    targets=(
        Target("halve logistic regression's error", "test/error", "<", ENERGIES, ("logistic",), factor=0.5),
        Target("JEM's accuracy within .3 points of the CNN's", "test/accuracy", ">", ("jem",), ("cnn",), offset=-0.003),
        Target("JEM finds outliers better than the CNN", "test/outlier_auroc", ">", ("jem",), ("cnn",)),
        Target("RBM features + logistic regression, ten classes", "test/accuracy", ">", ENERGIES, 0.9821, data="mnist"),
    ),
    pictures=("energies", "samples"),
)


def study(options: Options) -> Study:
    """:data:`STUDY` on ``options.classes``, whose results do not take the place of the default's."""
    data = "mnist" if options.classes == "all" else f"mnist[{options.classes}]"
    if data == STUDY.data:
        return STUDY
    return replace(STUDY, name=f"{STUDY.name}_{options.classes.replace(',', '-')}", data=data)


if __name__ == "__main__":
    run_study_of(study, Options)
