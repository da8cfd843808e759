"""Does the score at many noise levels tell photographs from what is none, where the likelihood does not?

CIFAR-10 is normal; faces, emoji and noise of its own moments are not (and house numbers, SVHN, where they were
fetched). With `--data mnist` digits are normal, and clothing, the characters of Omniglot and noise are not. One patch
U-Net learns the score. The study compares three ways to read what it makes of an example: the norms |sigma score| of
the example at ten levels, whose density on training examples is found by nearest neighbours or by a Gaussian mixture
(MSMA: Mahmood et al. 2021); the energy of a score that is the gradient of one; and the likelihood, as the variational
bound of the diffusion (`flow_likelihood`, named with --contenders, takes it exactly and a hundred times as long).
Baselines: the error of an autoencoder, an isolation forest, a one-class SVM, and the likelihood of a VAE against the
length of the compressed file (Serrà et al. 2020).

    python sweeps/score_anomaly.py                                  nine trials each, minutes on two cores
    python sweeps/score_anomaly.py --data mnist                     digits against clothing, characters and noise
    python sweeps/score_anomaly.py --outliers faces uniform svhn    other outliers of the same shape
    python sweeps/score_anomaly.py --data cifar10_4k                the original pixels, of 3,500 training images

Tuning sees no outlier set: it maximises the AUROC against validation images that are blended, shuffled in blocks,
upside down, smoothed, flattened to four values or noisy. The test files are read once, at the end; the mean AUROC over
the outlier sets, which count alike however large they are, answers the question. Sets that were resized differ in their
finest detail, and a detector of fine detail finds it. So how each set came to its size stands in the table's findings
and in the pictures, and a set that was resized up against one that was not is refused. It matters as much how images
were stored: where CIFAR-10 is a copy in JPEG and an outlier set is not, the compression may be what is detected.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from gibbsweep import Choice, Contender, DataNeeds, Float, Goal, Int, Sizes, Space, Study, Target
from gibbsweep.cli import run_study_of
from gibbsweep.evaluate import Outliers, OutlierSets, ScoreNormCurves, SyntheticAnomalies
from gibbsweep.study import by_budget, columns, equal_seconds
from gibbsweep.study.shared import auroc_bars, isolation_forest, one_class_svm
from gibbsweep_models.baselines.autoencoder import AutoencoderConfig
from gibbsweep_models.baselines.one_class_svm import OneClassSVMConfig
from gibbsweep_models.baselines.vae import VAEConfig
from gibbsweep_models.bases import BoundOfLikelihood, FlowOfLikelihood, ScoreNorms
from gibbsweep_models.energy.dsm_energy import DSMEnergyConfig
from gibbsweep_models.nn.detectors import Mixture, Neighbours
from gibbsweep_models.nn.noise_networks import UNetConfig
from gibbsweep_models.noise import GeometricSchedule
from gibbsweep_models.samplers.diffusion import Heun
from gibbsweep_models.score.score_model import ScoreModelConfig

QUESTION = "Does the score at many noise levels tell photographs from what is none, where the likelihood does not?"

SECONDS = {"laptop": 10, "long": 90}
"""Device-seconds on one core; fitting the detector of norms comes on top, and the table's seconds have it."""

# On [-1, 1]: the levels of the norms and a little more; a likelihood needs those up to where no image is left.
NEAR, FAR = GeometricSchedule(0.015, 3.0), GeometricSchedule(0.01, 50.0)
# That of `score_generation.py`: blocks of 4 x 4 pixels.
NETWORK = UNetConfig((48, 96, 96), patch=4)
SCORE = ScoreModelConfig(NETWORK, schedule=NEAR, sampler=Heun(20, NEAR), learning_rate=4e-3, ema_decay=0.95)
LIKELIHOOD = replace(SCORE, schedule=FAR, sampler=Heun(20, FAR))
LEARNING_RATE = {"learning_rate": Float(1e-3, 1e-2, log=True)}
RANGE = {"anomaly.sigma_min": Float(0.02, 0.1, log=True), "anomaly.sigma_max": Float(0.5, 3.0, log=True)}

SIZES: Sizes = {
    "smoke": {"network.channels": (8, 8)},
    "long": {"ema_decay": 0.99},
    "gpu": {"network": UNetConfig((64, 128, 128), blocks=2, patch=2), "ema_decay": 0.999},
    "paper": {"network": UNetConfig((128, 256, 256, 256), blocks=2), "ema_decay": 0.9999, "warmup": 5_000},
}


def score(config: ScoreModelConfig, space: Space, **smoke: float) -> Contender:
    """``smoke``: fields of the anomaly score in a smoke run."""
    smoke_sizes = {**SIZES["smoke"], **{f"anomaly.{name}": value for name, value in smoke.items()}}
    budgets = equal_seconds(0.055, SECONDS, gpu=30_000, paper=400_000)
    return Contender(config, space=space, budgets=budgets, by_budget={**SIZES, "smoke": smoke_sizes})


def norms(detector: Neighbours | Mixture, space: Space) -> Contender:
    examples = {"smoke": 64, "laptop": 1_000, "long": 3_000, "gpu": 10_000, "paper": 40_000}
    contender = score(replace(SCORE, anomaly=ScoreNorms(detector)), {**LEARNING_RATE, **RANGE, **space})
    at = {name: {**SIZES.get(name, {}), "anomaly.n_examples": n} for name, n in examples.items()}
    return replace(contender, by_budget=at)


CONTENDERS = {
    "score_norms_knn": norms(Neighbours(5), {"anomaly.detector.k": Int(1, 20, log=True)}),
    "score_norms_gmm": norms(Mixture(4), {"anomaly.detector.n_components": Int(1, 12, log=True)}),
    "score_energy": Contender(
        DSMEnergyConfig(NETWORK.channels, patch=4, schedule=NEAR, learning_rate=4e-3, ema_decay=0.95),
        space={**LEARNING_RATE, "anomaly_sigmas": Choice((0.02,), (0.1,), (0.5,), (0.02, 0.05, 0.1, 0.2, 0.5, 1.0))},
        budgets=equal_seconds(0.128, SECONDS, gpu=15_000, paper=200_000),
        by_budget={
            "smoke": {"channels": (8, 8)},
            "long": {"ema_decay": 0.99},
            "gpu": {"channels": (64, 128, 128), "blocks": 2, "patch": 2, "ema_decay": 0.999},
            "paper": {"channels": (128, 256, 256, 256), "blocks": 2, "patch": 1, "ema_decay": 0.9999, "warmup": 5_000},
        },
    ),
    "diffusion_likelihood": score(
        replace(LIKELIHOOD, anomaly=BoundOfLikelihood(12)),
        {**LEARNING_RATE, "weight": Choice("edm", "sigma2")},
        n_times=3,
    ),
    "flow_likelihood": replace(
        score(replace(LIKELIHOOD, anomaly=FlowOfLikelihood()), {}, tolerance=0.5), evaluators=()
    ),
    "autoencoder": Contender(
        AutoencoderConfig(latent_dim=32),
        space={"latent_dim": Choice(8, 16, 32, 64, 128), "learning_rate": Float(5e-4, 5e-3, log=True)},
        budgets=equal_seconds(0.058, SECONDS, gpu=30_000, paper=100_000),
        by_budget={name: {"channels": (64, 128, 256)} for name in ("gpu", "paper")},
    ),
    "isolation_forest": isolation_forest(Float(0.05, 1.0, log=True)),
    "one_class_svm": one_class_svm(
        OneClassSVMConfig(n_components=64), gamma=Float(0.3, 30.0, log=True), n_components=Choice(32, 64, 128, 256)
    ),
    "likelihood_ratio": Contender(
        VAEConfig(latent_dim=64, learning_rate=3e-3, corrected=True),
        space={
            "latent_dim": Choice(16, 32, 64, 128),
            "beta": Float(0.3, 1.0, log=True),
            "learning_rate": Float(5e-4, 5e-3, log=True),
        },
        budgets=equal_seconds(0.057, SECONDS, gpu=30_000, paper=100_000),
        by_budget={name: {"channels": (64, 128, 256)} for name in ("gpu", "paper")},
    ),
}
SCORES = ("score_norms_knn", "score_norms_gmm", "score_energy", "diffusion_likelihood")
AUROC = "test/auroc"
BASELINES = ("autoencoder", "isolation_forest", "one_class_svm", "likelihood_ratio")
# Sets that may have a column, of any data: those that a run has not are left out of its table.
SHOWN = ["faces", "emoji", "svhn", "fashion_mnist", "omniglot", "mnist5k", "noise"]


@dataclass(frozen=True)
class Options:
    outliers: tuple[str, ...] = ()
    """Outlier sets: names of data sets of the shape of the normal one (NAME@SIZE resizes), noise or uniform (default:
    those that suit the data)."""


def study(options: Options) -> Study:
    """The study against ``options.outliers``."""
    outliers = Outliers(options.outliers)
    final = (OutlierSets(outliers, by_budget(smoke=50, laptop=500, long=1_000, other=5_000)),)
    of_norms = (*final, ScoreNormCurves(outliers, n=by_budget(smoke=10, other=100)))
    shown = [name.split("@")[0].rstrip("?") for name in options.outliers] or SHOWN
    return Study(
        name="score_anomaly",
        question=QUESTION,
        data="cifar10",
        needs=DataNeeds(dims=3),
        contenders=CONTENDERS | {name: replace(CONTENDERS[name], final_evaluators=of_norms) for name in SCORES[:2]},
        default=(*SCORES, *BASELINES),
        goal=Goal("validation/synthetic_auroc", "maximize"),
        answer=Goal(AUROC, "maximize"),
        evaluators=(SyntheticAnomalies(by_budget(smoke=20, laptop=100, long=300, other=1_000), made_as="corrupted"),),
        final_evaluators=final,
        columns={
            **columns("auroc", "auprc", "fpr95"),
            **columns("synthetic_auroc", split="validation"),
            **{f"test/auroc_{name}": name.replace("_", " ") for name in shown},
        },
        note=(
            "AUROC, AUPRC (both classes weighing alike: .5 by chance) and FPR95 (outliers that pass where 95 % of the "
            "normal images do; lower is better) are means over the outlier sets; the columns on the right are the "
            "AUROC of each. `synthetic` is what tuning saw: changed validation images, and no outlier set. A "
            "likelihood below .5 finds outliers more likely than its own data."
        ),
        budgets=equal_seconds(0.055, SECONDS, gpu=1, paper=1),
        targets=(
            *(
                Target(f"{name.replace('_', ' ')} over every baseline, mean AUROC", AUROC, ">", (name,), BASELINES)
                for name in SCORES
            ),
            Target("the best of them over every baseline, mean AUPRC", "test/auprc", ">", SCORES, BASELINES),
            Target("the best of them over every baseline, mean FPR95", "test/fpr95", "<", SCORES, BASELINES),
        ),
        figures={"auroc": auroc_bars(r"test/auroc_(.*)", "outlier set")},
        pictures=("anomaly_scores", "score_norms"),
    )


STUDY = study(Options())

if __name__ == "__main__":
    run_study_of(study, Options)
