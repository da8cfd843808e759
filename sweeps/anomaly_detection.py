"""Which energy notices a digit that it has never seen?

Each digit in turn is the anomaly: it is absent from training and validation (`mnist[-3]`: no threes), and the whole test split,
10,000 digits of which about a tenth are the anomaly, is scored. The anomaly is the positive class of AUROC and AUPRC.

Tuning never sees the digit that is held out. It maximises the AUROC against synthetic anomalies made of validation images
(halves of two digits, two digits at once, mirrored, transposed, half of a digit on an empty ground), on the first view alone;
the best configuration is then trained anew for every digit with every seed. The contenders get the same number of trials and
device-seconds of one order, which the table states; the RBM, an isolation forest (10,000 examples) and a one-class SVM (4,000
examples, principal components) take what they need.

    python sweeps/anomaly_detection.py                          all ten digits, minutes on two cores
    python sweeps/anomaly_detection.py --budget long            longer training
    python sweeps/anomaly_detection.py --data fashion_mnist     ten kinds of clothing instead of ten digits
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gibbsweep.cli import run_study
from gibbsweep.data import DataNeeds
from gibbsweep.evaluate import AnomalyDetection, SyntheticAnomalies
from gibbsweep.results.targets import Target
from gibbsweep.study import Choice, Contender, Float, Goal, Results, Study
from gibbsweep.train import Budget
from gibbsweep_models.baselines.autoencoder import AutoencoderConfig
from gibbsweep_models.baselines.isolation_forest import IsolationForestConfig
from gibbsweep_models.baselines.one_class_svm import OneClassSVMConfig
from gibbsweep_models.baselines.vae import VAEConfig
from gibbsweep_models.energy.conv_ebm import ConvEBMConfig
from gibbsweep_models.energy.normalized_autoencoder import NormalizedAutoencoderConfig
from gibbsweep_models.energy.rbm import RBMConfig
from gibbsweep_models.objectives.cd import LangevinCD

if TYPE_CHECKING:
    from matplotlib.figure import Figure

N_CLASSES = 10
ENERGIES = ("conv_ebm", "normalized_autoencoder", "rbm")


def budgets(laptop: int, long: int, gpu: int, paper: int, batch_size: int = 128) -> dict[str, Budget]:
    """Updates of one contender on every machine; all evaluate once, at the end."""
    return {
        name: Budget(updates, batch_size, report_every=updates)
        for name, updates in {"smoke": 6, "laptop": laptop, "long": long, "gpu": gpu, "paper": paper}.items()
    }


def each_class_held_out(data: str) -> tuple[str, ...]:
    """`mnist` -> `mnist[-0]`, ..., `mnist[-9]`."""
    return tuple(f"{data}[-{label}]" for label in range(N_CLASSES))


CONV_EBM = Contender(
    ConvEBMConfig(
        channels=(8, 16, 32),
        cd=LangevinCD(n_steps=5, step_size=20.0, restart_fraction=0.2, learning_rate=2e-3),
    ),
    kind="energy",
    space={
        "cd.learning_rate": Float(5e-4, 5e-3, log=True),
        "cd.step_size": Float(5.0, 50.0, log=True),
        "cd.noise": Float(0.002, 0.05, log=True),
        "cd.restart_fraction": Float(0.02, 0.5, log=True),
    },
    budgets=budgets(laptop=400, long=2_000, gpu=10_000, paper=100_000, batch_size=32),
    at={
        "gpu": {"channels": (32, 64, 128), "cd.n_steps": 40, "cd.replay_size": 10_000},
        "paper": {"channels": (64, 128, 256, 256), "cd.n_steps": 60, "cd.replay_size": 10_000},
    },
)

NORMALIZED_AUTOENCODER = Contender(
    NormalizedAutoencoderConfig(
        latent_dim=12,
        pretraining=800,
        learning_rate=1e-3,
        l2=3.0,
        latent_steps=2,
        latent_noise=0.1,
        n_steps=2,
        restart_fraction=0.5,
    ),
    kind="energy",
    space={
        "latent_dim": Choice(8, 12, 16),
        "n_steps": Choice(1, 2, 4),
        "learning_rate": Float(3e-4, 3e-3, log=True),
        "l2": Float(1.0, 5.0, log=True),
        "latent_noise": Float(0.03, 0.3, log=True),
        "restart_fraction": Float(0.05, 1.0, log=True),
    },
    budgets=budgets(laptop=1_200, long=5_000, gpu=20_000, paper=70_000, batch_size=32),
    at={
        "smoke": {"pretraining": 3},
        "long": {"pretraining": 3_000},
        "gpu": {"pretraining": 10_000, "hidden": (1024, 512)},
        # Epochs of the paper's hold-out experiment, 100 and 50 at its batch size, and the length of its chains.
        "paper": {
            "pretraining": 46_000,
            "hidden": (1024, 512),
            "latent_steps": 10,
            "n_steps": 50,
            "replay_size": 10_000,
        },
    },
)

RBM = Contender(
    RBMConfig(n_hidden=128, learning_rate=0.05, persistent=True),
    kind="energy",
    space={
        "n_hidden": Choice(32, 128, 256),
        "learning_rate": Float(0.01, 0.2, log=True),
        "persistent": Choice(True, False),
        "weight_decay": Float(1e-6, 1e-2, log=True),
    },
    budgets=budgets(laptop=800, long=4_000, gpu=20_000, paper=100_000),
)

AUTOENCODER = Contender(
    AutoencoderConfig(channels=(8, 16, 32), latent_dim=8),
    kind="baseline",
    space={"latent_dim": Choice(2, 4, 8, 16, 32), "learning_rate": Float(5e-4, 5e-3, log=True)},
    budgets=budgets(laptop=350, long=1_600, gpu=20_000, paper=100_000, batch_size=32),
    at={"gpu": {"channels": (32, 64)}, "paper": {"channels": (32, 64, 128)}},
)

VAE = Contender(
    VAEConfig(channels=(8, 16, 32), latent_dim=2),
    kind="baseline",
    space={
        "latent_dim": Choice(2, 4, 8, 16, 32),
        "beta": Float(0.3, 3.0, log=True),
        "learning_rate": Float(5e-4, 5e-3, log=True),
    },
    budgets=budgets(laptop=350, long=1_600, gpu=20_000, paper=100_000, batch_size=32),
    at={"gpu": {"channels": (32, 64)}, "paper": {"channels": (32, 64, 128)}},
)

ISOLATION_FOREST = Contender(
    IsolationForestConfig(),
    kind="baseline",
    space={"samples_per_tree": Choice(128, 256, 512, 1024), "feature_share": Float(0.1, 1.0)},
    at={"gpu": {"n_trees": 1000}, "paper": {"n_trees": 1000}},
)

ONE_CLASS_SVM = Contender(
    OneClassSVMConfig(),
    kind="baseline",
    space={
        "nu": Float(0.01, 0.3, log=True),
        "gamma": Float(1.0, 30.0, log=True),
        "n_components": Choice(16, 32, 64),
        "whiten": Choice(False, True),
    },
    at={"gpu": {"n_examples": 20_000}, "paper": {"n_examples": 20_000}},
)


def auroc_by_class(results: Results) -> Figure:
    """A group of bars for each class that was held out, a bar for each contender; whiskers are deviations over seeds."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.2), layout="constrained")
    axes = figure.subplots()
    views = each_class_held_out(results.data)
    width = 0.8 / max(1, len(results.rows))
    for i, row in enumerate(results.rows):
        found = [(float(place), row.metrics.get(f"test/auroc@{view}")) for place, view in enumerate(views)]
        found.append((len(views) + 0.5, row.metrics.get("test/auroc")))
        bars = [(place, statistic) for place, statistic in found if statistic is not None]
        axes.bar(
            [place + (i + 0.5) * width - 0.4 for place, _ in bars],
            [statistic.mean for _, statistic in bars],
            width,
            yerr=[statistic.sd for _, statistic in bars],
            error_kw={"linewidth": 0.8},
            color=f"C{i}",
            hatch="//" if row.kind == "energy" else None,
            edgecolor="white",
            linewidth=0,
            label=row.label.replace("_", " "),
        )
    axes.axhline(0.5, color="black", linewidth=0.8, linestyle=":")
    axes.set_xticks([*range(len(views)), len(views) + 0.5], [*(str(label) for label in range(N_CLASSES)), "mean"])
    axes.set_xlabel("class held out (hatched: energies)")
    axes.set_ylabel("test AUROC")
    axes.set_ylim(0, 1)
    axes.set_title(f"{results.question} ({results.data}, {results.budget})", fontsize=10)
    axes.legend(frameon=False, ncols=4, loc="upper center", bbox_to_anchor=(0.5, -0.14))
    return figure


def targets(contender: str = "normalized_autoencoder") -> tuple[Target, ...]:
    """Published numbers of a VAE with two latent dimensions (digit 1: .73, digit 9: .66, mean .855), this study's own VAE, and
    no digit whose scores are upside down, all asked of one contender."""
    lowest = {1: 0.73, 9: 0.66}
    by_digit = [
        Target(
            f"digit {digit}: {'the published VAE' if digit in lowest else 'better than chance'}",
            f"test/auroc@mnist[-{digit}]", ">", (contender,), lowest.get(digit, 0.5),
        )
        for digit in range(N_CLASSES)
    ]  # fmt: skip
    return (
        Target("mean AUROC of the published VAE", "test/auroc", ">", (contender,), 0.855),
        Target("mean AUROC of this study's VAE", "test/auroc", ">", (contender,), ("vae",)),
        Target("mean AUROC of the autoencoder", "test/auroc", ">", (contender,), ("autoencoder",)),
        *by_digit,
    )


STUDY = Study(
    name="anomaly_detection",
    question="Which energy notices a digit that it has never seen?",
    data="mnist",
    contenders={
        "conv_ebm": CONV_EBM,
        "normalized_autoencoder": NORMALIZED_AUTOENCODER,
        "rbm": RBM,
        "autoencoder": AUTOENCODER,
        "vae": VAE,
        "isolation_forest": ISOLATION_FOREST,
        "one_class_svm": ONE_CLASS_SVM,
    },
    default=(*ENERGIES, "autoencoder", "vae", "isolation_forest", "one_class_svm"),
    goal=Goal("validation/synthetic_auroc", "maximize"),
    evaluators=(SyntheticAnomalies(),),
    final_evaluators=(AnomalyDetection(),),
    columns={
        "test/auroc": "AUROC",
        "test/auprc": "AUPRC",
        "validation/synthetic_auroc": "synthetic",
        **{f"test/auroc@mnist[-{digit}]": f"{digit}" for digit in range(N_CLASSES)},
    },
    budgets=budgets(laptop=1, long=1, gpu=1, paper=1),
    trials=4,
    seeds=3,
    needs=DataNeeds(labels=True, dims=3),
    views=each_class_held_out,
    targets=targets(),
    figures={"auroc": auroc_by_class},
    pictures=("anomalies",),
)

if __name__ == "__main__":
    run_study(STUDY)
