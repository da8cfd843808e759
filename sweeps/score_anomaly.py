"""Does the score at many noise levels tell photographs from what is none, where the likelihood does not?

CIFAR-10 is normal; faces, emoji and noise of its own moments are not (and house numbers, SVHN, where they were fetched). With
`--data mnist` digits are normal, and clothing, the characters of Omniglot and noise are not. One patch U-Net learns the score;
what it makes of an example is read in three ways: the norms |sigma score| of the example at ten levels, whose density on training
examples is found by nearest neighbours or by a Gaussian mixture (MSMA: Mahmood et al. 2021); the energy of a score that is the
gradient of one; and the likelihood, as the variational bound of the diffusion (`flow_likelihood`, named with --contenders, takes it
exactly and a hundred times as long). Baselines: the error of an autoencoder, an isolation forest, a one-class SVM, and the likelihood
of a VAE against the length of the compressed file (Serrà et al. 2020).

    python sweeps/score_anomaly.py                                  four trials each, minutes on two cores
    python sweeps/score_anomaly.py --data mnist                     digits against clothing, characters and noise
    python sweeps/score_anomaly.py --outliers faces uniform svhn    other outliers of the same shape
    python sweeps/score_anomaly.py --data cifar10_4k                the original pixels, of 3,500 training images

Tuning sees no outlier set: it maximises the AUROC against validation images that are blended, shuffled in blocks, upside down,
smoothed, flattened to four values or noisy. The test files are read once, at the end; the goal of the table is the mean AUROC over
the outlier sets, which count alike however large they are.

Sets that were resized differ in their finest detail, and a detector of fine detail finds it. So how each set came to its size
stands in the table's findings and in the pictures, and a set that was resized up against one that was not is refused. It matters as
much how images were stored: where CIFAR-10 is a copy in JPEG and an outlier set is not, the compression may be what is detected.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from gibbsweep.cli import run_study_of
from gibbsweep.data import DataNeeds
from gibbsweep.evaluate import Evaluator, Outliers, OutlierSets, ScoreNormCurves, SyntheticAnomalies
from gibbsweep.study import Choice, Contender, Float, Goal, Int, Results, Study, Target
from gibbsweep.study.budgets import equal_seconds
from gibbsweep.train import Budget
from gibbsweep_models.baselines.autoencoder import AutoencoderConfig
from gibbsweep_models.baselines.isolation_forest import IsolationForestConfig
from gibbsweep_models.baselines.one_class_svm import OneClassSVMConfig
from gibbsweep_models.baselines.vae import VAEConfig
from gibbsweep_models.bases import BoundOfLikelihood, FlowOfLikelihood, ScoreNorms
from gibbsweep_models.energy.dsm_energy import DSMEnergyConfig
from gibbsweep_models.nn.detectors import Mixture, Neighbours
from gibbsweep_models.nn.noise_networks import UNetConfig
from gibbsweep_models.noise import GeometricSchedule
from gibbsweep_models.samplers.diffusion import Heun
from gibbsweep_models.score.score_model import ScoreModelConfig

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SECONDS = {"laptop": 10, "long": 90}
"""Device-seconds of one training on one core; fitting the detector of norms comes on top, and the table's seconds have it."""

SCORE_COST, ENERGY_COST, AUTOENCODER_COST, VAE_COST = 0.055, 0.128, 0.058, 0.057
"""Seconds of an update of a batch of 32 images of 3x32x32."""

TESTED = {"smoke": 50, "laptop": 500, "long": 1_000}
"""Examples of each set; 5,000 elsewhere."""
TUNED = {"smoke": 20, "laptop": 100, "long": 300}


@dataclass(frozen=True)
class Options:
    outliers: tuple[str, ...] = ()
    """Outlier sets: names of data sets of the shape of the normal one (NAME@SIZE resizes), noise or uniform (default: those that suit
    the data)."""


def budgets(seconds_per_update: float, *, gpu: int, paper: int) -> Mapping[str, Budget]:
    return equal_seconds(seconds_per_update, SECONDS, gpu=gpu, paper=paper)


def sizes(smoke: Mapping[str, Any], network: str = "network.") -> Mapping[str, Mapping[str, Any]]:
    """What a budget changes of a network that learns the score, its fields beginning with ``network``."""
    wide = {f"{network}channels": (64, 128, 128), f"{network}blocks": 2, f"{network}patch": 2, "ema_decay": 0.999}
    published = {
        f"{network}channels": (128, 256, 256, 256),
        f"{network}blocks": 2,
        f"{network}patch": 1,
        "ema_decay": 0.9999,
    }
    return {
        "smoke": {f"{network}channels": (8, 8), **smoke},
        "long": {"ema_decay": 0.99},
        "gpu": wide,
        "paper": {**published, "warmup": 5_000},
    }


# On [-1, 1]: the levels of the norms and a little more; the likelihood needs those up to where nothing is left of an image.
NEAR, FAR = GeometricSchedule(0.015, 3.0), GeometricSchedule(0.01, 50.0)
NETWORK = UNetConfig((48, 96, 96), patch=4)
"""That of `score_generation.py`: blocks of 4 x 4 pixels."""

SCORE = ScoreModelConfig(NETWORK, schedule=NEAR, sampler=Heun(20, NEAR), learning_rate=4e-3, ema_decay=0.95)
LIKELIHOOD = replace(SCORE, schedule=FAR, sampler=Heun(20, FAR))
LEARNING_RATE = {"learning_rate": Float(1e-3, 1e-2, log=True)}
RANGE = {"anomaly.sigma_min": Float(0.02, 0.1, log=True), "anomaly.sigma_max": Float(0.5, 3.0, log=True)}

SCORES = ("score_norms_knn", "score_norms_gmm", "score_energy", "diffusion_likelihood")
BASELINES = ("autoencoder", "isolation_forest", "one_class_svm", "likelihood_ratio")


def study(options: Options) -> Study:
    """The study against ``options.outliers``."""
    outliers = Outliers(options.outliers)

    def search(budget: str) -> tuple[Evaluator, ...]:
        return (SyntheticAnomalies(TUNED.get(budget, 1_000), made_as="corrupted"),)

    def final(budget: str) -> tuple[Evaluator, ...]:
        return (OutlierSets(outliers, TESTED.get(budget, 5_000)),)

    def of_norms(budget: str) -> tuple[Evaluator, ...]:
        return (*final(budget), ScoreNormCurves(outliers, n=10 if budget == "smoke" else 100))

    def norms(detector: Neighbours | Mixture, space: Mapping[str, Int]) -> Contender:
        examples = {"smoke": 64, "laptop": 1_000, "long": 3_000, "gpu": 10_000, "paper": 40_000}
        at = sizes({})
        return Contender(
            replace(SCORE, anomaly=ScoreNorms(detector)),
            kind="score",
            space={**LEARNING_RATE, **RANGE, **space},
            budgets=budgets(SCORE_COST, gpu=30_000, paper=400_000),
            final_evaluators=of_norms,
            at={budget: {**at.get(budget, {}), "anomaly.n_examples": n} for budget, n in examples.items()},
        )

    contenders = {
        "score_norms_knn": norms(Neighbours(5), {"anomaly.detector.k": Int(1, 20, log=True)}),
        "score_norms_gmm": norms(Mixture(4), {"anomaly.detector.n_components": Int(1, 12, log=True)}),
        "score_energy": Contender(
            DSMEnergyConfig(NETWORK.channels, patch=4, schedule=NEAR, learning_rate=4e-3, ema_decay=0.95),
            kind="energy",
            space={
                **LEARNING_RATE,
                "anomaly_sigmas": Choice((0.02,), (0.1,), (0.5,), (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)),
            },
            budgets=budgets(ENERGY_COST, gpu=15_000, paper=200_000),
            at=sizes({}, network=""),
        ),
        "diffusion_likelihood": Contender(
            replace(LIKELIHOOD, anomaly=BoundOfLikelihood(12)),
            kind="score",
            space={**LEARNING_RATE, "weight": Choice("edm", "sigma2")},
            budgets=budgets(SCORE_COST, gpu=30_000, paper=400_000),
            at=sizes({"anomaly.n_times": 3}),
        ),
        "flow_likelihood": Contender(
            replace(LIKELIHOOD, anomaly=FlowOfLikelihood()),
            kind="score",
            space={},
            budgets=budgets(SCORE_COST, gpu=30_000, paper=400_000),
            evaluators=(),
            at=sizes({"anomaly.tolerance": 0.5}),
        ),
        "autoencoder": Contender(
            AutoencoderConfig(latent_dim=32),
            kind="baseline",
            space={"latent_dim": Choice(8, 16, 32, 64, 128), "learning_rate": Float(5e-4, 5e-3, log=True)},
            budgets=budgets(AUTOENCODER_COST, gpu=30_000, paper=100_000),
            at={name: {"channels": (64, 128, 256)} for name in ("gpu", "paper")},
        ),
        "isolation_forest": Contender(
            IsolationForestConfig(),
            kind="baseline",
            space={"samples_per_tree": Choice(128, 256, 512, 1024), "feature_share": Float(0.05, 1.0, log=True)},
            at={"gpu": {"n_trees": 1000}, "paper": {"n_trees": 1000}},
        ),
        "one_class_svm": Contender(
            OneClassSVMConfig(n_components=64),
            kind="baseline",
            space={
                "nu": Float(0.01, 0.3, log=True),
                "gamma": Float(0.3, 30.0, log=True),
                "n_components": Choice(32, 64, 128, 256),
                "whiten": Choice(False, True),
            },
            at={"gpu": {"n_examples": 20_000}, "paper": {"n_examples": 20_000}},
        ),
        "likelihood_ratio": Contender(
            VAEConfig(latent_dim=64, learning_rate=3e-3, corrected=True),
            kind="baseline",
            space={
                "latent_dim": Choice(16, 32, 64, 128),
                "beta": Float(0.3, 1.0, log=True),
                "learning_rate": Float(5e-4, 5e-3, log=True),
            },
            budgets=budgets(VAE_COST, gpu=30_000, paper=100_000),
            at={name: {"channels": (64, 128, 256)} for name in ("gpu", "paper")},
        ),
    }
    return Study(
        name="score_anomaly",
        question="Does the score at many noise levels tell photographs from what is none, where the likelihood does not?",
        data="cifar10",
        contenders=contenders,
        default=(*SCORES, *BASELINES),
        goal=Goal("validation/synthetic_auroc", "maximize"),
        evaluators=search,
        final_evaluators=final,
        columns={
            "test/auroc": "AUROC",
            "test/auprc": "AUPRC",
            "test/fpr95": "FPR95",
            "validation/synthetic_auroc": "synthetic",
            **{f"test/auroc_{name}": name.replace("_", " ") for name in shown(options)},
        },
        note=(
            "AUROC, AUPRC (both classes weighing alike: .5 by chance) and FPR95 (outliers that pass where 95 % of the normal images do; "
            "lower is better) are means over the outlier sets; the columns on the right are the AUROC of each. `synthetic` is what tuning "
            "saw: changed validation images, and no outlier set. A likelihood below .5 finds outliers more likely than its own data."
        ),
        budgets=budgets(SCORE_COST, gpu=1, paper=1),
        trials=4,
        seeds=3,
        needs=DataNeeds(dims=3),
        targets=(
            *(
                Target(
                    f"{name.replace('_', ' ')} over every baseline, mean AUROC", "test/auroc", ">", (name,), BASELINES
                )
                for name in SCORES
            ),
            Target("the best of them over every baseline, mean AUPRC", "test/auprc", ">", SCORES, BASELINES),
            Target("the best of them over every baseline, mean FPR95", "test/fpr95", "<", SCORES, BASELINES),
        ),
        figures={"auroc": auroc_by_set},
        pictures=("anomaly_scores", "score_norms"),
    )


def shown(options: Options) -> tuple[str, ...]:
    """The sets that may have a column, of any data: those that a run has not are left out of its table."""
    if options.outliers:
        return tuple(name.split("@")[0].rstrip("?") for name in options.outliers)
    return ("faces", "emoji", "svhn", "fashion_mnist", "omniglot", "mnist5k", "noise")


def auroc_by_set(results: Results) -> Figure:
    """A group of bars for each outlier set and for their mean, a bar for each contender; whiskers are deviations over seeds."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.2, 4.2), layout="constrained")
    axes = figure.subplots()
    prefix = "test/auroc_"
    sets = sorted({key for row in results.rows for key in row.metrics if key.startswith(prefix)})
    groups = [*sets, "test/auroc"]
    width = 0.8 / max(1, len(results.rows))
    for i, row in enumerate(results.rows):
        bars = [(place, row.metrics[group]) for place, group in enumerate(groups) if group in row.metrics]
        axes.bar(
            [place + (i + 0.5) * width - 0.4 for place, _ in bars],
            [found.mean for _, found in bars],
            width,
            yerr=[found.sd for _, found in bars],
            error_kw={"linewidth": 0.8},
            color=f"C{i}",
            hatch=None if row.kind == "baseline" else "//",
            edgecolor="white",
            linewidth=0,
            label=row.label.replace("_", " "),
        )
    axes.axhline(0.5, color="black", linewidth=0.8, linestyle=":")
    axes.set_xticks(range(len(groups)), [*(key.removeprefix(prefix).replace("_", " ") for key in sets), "mean"])
    axes.set_xlabel("outlier set (hatched: scores and energies)")
    axes.set_ylabel("test AUROC")
    axes.set_ylim(0, 1)
    axes.set_title(f"{results.data}, {results.budget}", fontsize=10)
    axes.legend(frameon=False, ncols=4, fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.16))
    return figure


STUDY = study(Options())

if __name__ == "__main__":
    run_study_of(study, Options)
