"""What does an energy of images and labels buy over a classifier?

Two digits that look alike, 4 and 9. The study compares five forms of a joint energy E(x, y), each trained for p(y | x)
by cross-entropy and for p(x) by contrastive divergence of E(x) = -log Σ_y exp(-E(x, y)), against classifiers that know
p(y | x) alone: logistic regression, and networks of equal size. Three numbers answer the question: who errs less, who
knows how sure to be, and whose energy is high for pictures that are no digits at all (Fashion-MNIST). A classifier
without an energy is given -logsumexp of its logits in its place.

    python sweeps/binary_classification.py                            4 against 9, seven minutes on two cores
    python sweeps/binary_classification.py --classes 3,5              any other pair
    python sweeps/binary_classification.py --classes all              all ten digits
    python sweeps/binary_classification.py --data "kmnist[0,1]"       another set, with its classes
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from gibbsweep import Choice, Contender, DataNeeds, Float, Goal, Int, Space, Study, Target
from gibbsweep.cli import run_study_of
from gibbsweep.evaluate import Classification, EnergyHistogram, OutlierDetection, SampleGrid
from gibbsweep.study import by_budget, columns, equal_updates
from gibbsweep_models.baselines.classifier import ClassifierConfig
from gibbsweep_models.baselines.logistic_regression import LogisticRegressionConfig
from gibbsweep_models.energy.class_energy import ClassEnergyConfig
from gibbsweep_models.energy.class_rbm import ClassRBMConfig
from gibbsweep_models.nn.energies import ConvConfig, MLPConfig, PrototypeConfig
from gibbsweep_models.objectives.cd import LangevinCD
from gibbsweep_models.types import SystemConfig

CD = LangevinCD(n_steps=20, data_noise=0.03, learning_rate=3e-3, grad_clip=1.0, energy_gap_bound=500.0)
CONV_CD = replace(CD, gradient_clip=None, l2=0.3)
"""A network's energies are kept small by the penalty; a quadratic's slopes are steep and need the clip."""

LONG_CHAINS = {"cd.n_steps": 40, "cd.replay_size": 10_000, "cd_every": 1}
"""As JEM's: 20 steps and a buffer of 10,000 there, on colour images."""
WIDE_CONV = {"form.channels": (64, 128, 256)}
WIDE_MLP = {"form.hidden": (1024, 1024)}

CD_SPACE = {"cd_weight": Float(0.03, 0.3, log=True), "cd.learning_rate": Float(1e-3, 5e-3, log=True)}
CLASSIFIER_SPACE = {
    "learning_rate": Float(1e-3, 5e-3, log=True),
    "weight_decay": Float(1e-3, 0.3, log=True),
    "data_noise": Float(0.01, 0.3, log=True),
}

# The whole test split; a smoke run looks at a few examples.
FINAL = (
    Classification(limit=by_budget(smoke=200, other=None)),
    OutlierDetection(limit=by_budget(smoke=200, other=None)),
    EnergyHistogram(n=by_budget(smoke=100, other=1_000), n_samples=by_budget(smoke=4, other=64)),
)


def energy(config: SystemConfig, space: Space, large: dict[str, object]) -> Contender:
    """An energy, which can also be asked for pictures; ``large``: what the budgets of a GPU change."""
    return Contender(
        config,
        space=space,
        final_evaluators=(*FINAL, SampleGrid(by_budget(smoke=4, other=64))),
        by_budget={"gpu": large, "paper": large},
    )


CONTENDERS = {
    "quadratic": energy(
        ClassEnergyConfig(PrototypeConfig(), cd_weight=0.1, cd=CD),
        {
            "form.n_prototypes": Int(4, 32, log=True),
            "cd_weight": Float(0.01, 0.3, log=True),
            "cd.learning_rate": Float(1e-3, 5e-3, log=True),
        },
        {"form.rank": 256, **LONG_CHAINS},
    ),
    "rbm": energy(
        ClassRBMConfig(),
        {"cd_weight": Float(0.003, 0.3, log=True), "k": Choice(1, 3), "learning_rate": Float(3e-3, 3e-2, log=True)},
        {"n_hidden": 1500},
    ),
    "mlp_energy": energy(
        ClassEnergyConfig(MLPConfig(label="hidden"), cd_weight=0.1, cd=CD),
        {**CD_SPACE, "cd_weight": Float(0.03, 1.0, log=True)},
        {**WIDE_MLP, **LONG_CHAINS},
    ),
    "conv_energy": energy(
        ClassEnergyConfig(ConvConfig(label="hidden"), cd_weight=0.1, cd=CONV_CD), CD_SPACE, {**WIDE_CONV, **LONG_CHAINS}
    ),
    "jem": energy(ClassEnergyConfig(ConvConfig(), cd_weight=0.1, cd=CONV_CD), CD_SPACE, {**WIDE_CONV, **LONG_CHAINS}),
    "logistic": Contender(LogisticRegressionConfig(), space={"c": Float(0.003, 3.0, log=True)}),
    "mlp": Contender(
        ClassifierConfig(MLPConfig()), space=CLASSIFIER_SPACE, by_budget={"gpu": WIDE_MLP, "paper": WIDE_MLP}
    ),
    "cnn": Contender(
        ClassifierConfig(ConvConfig()), space=CLASSIFIER_SPACE, by_budget={"gpu": WIDE_CONV, "paper": WIDE_CONV}
    ),
}
ENERGIES = ("quadratic", "rbm", "mlp_energy", "conv_energy", "jem")

STUDY = Study(
    name="binary_classification",
    question="What does an energy of images and labels buy over a classifier?",
    data="mnist[4,9]",
    needs=DataNeeds(labels=True, dims=3),
    contenders=CONTENDERS,
    # Accuracy on a thousand validation images moves in steps; the likelihood of their labels ranks finer.
    goal=Goal("validation/nll", "minimize"),
    evaluators=(Classification(), OutlierDetection(limit=1000)),
    final_evaluators=FINAL,
    columns=columns("accuracy", "error", "nll", "ece", "outlier_auroc"),
    budgets=equal_updates(
        by_budget(smoke=4, laptop=600, long=3_000, gpu=10_000, paper=170_000),
        batch_size=by_budget(smoke=32, gpu=256, paper=64, other=100),
        reports=by_budget(smoke=2, laptop=3, long=3, gpu=5, paper=17),
    ),
    targets=(
        Target("halve logistic regression's error", "test/error", "<", ENERGIES, ("logistic",), factor=0.5),
        Target("JEM's accuracy within .3 points of the CNN's", "test/accuracy", ">", ("jem",), ("cnn",), offset=-0.003),
        Target("JEM finds outliers better than the CNN", "test/outlier_auroc", ">", ("jem",), ("cnn",)),
        Target("RBM features + logistic regression, ten classes", "test/accuracy", ">", ENERGIES, 0.9821, data="mnist"),
    ),
    pictures=("energies", "samples"),
)


@dataclass(frozen=True)
class Options:
    classes: str = "4,9"
    """Which digits of MNIST: two or more of them (3,5), or all. (`--data` names another set, with its classes.)"""


def study(options: Options) -> Study:
    """:data:`STUDY` on ``options.classes``, whose results do not take the place of the default's."""
    data = "mnist" if options.classes == "all" else f"mnist[{options.classes}]"
    if data == STUDY.data:
        return STUDY
    return replace(STUDY, name=f"{STUDY.name}_{options.classes.replace(',', '-')}", data=data)


if __name__ == "__main__":
    run_study_of(study, Options)
