"""Does a score model draw better pictures than a GAN or a VAE that was trained as long?

One U-Net learns the score of CIFAR-10 at many noise levels in three ways, all of Song et al. (2021) and Karras et al. (2022):
``ve`` (variance explodes, as in NCSN++: the score itself, samples by a step of reverse time and a Langevin step at each level),
``vp`` (variance is preserved, as in DDPM++: the noise, ancestral samples) and ``edm`` (a lognormal of levels, the picture itself, samples
by Heun's method on the probability flow). ``ve_langevin`` samples by annealed Langevin dynamics alone (Song & Ermon 2019). Baselines: a GAN
(non-saturating, with R1), a WGAN with gradient penalty, and a VAE, each of which draws a picture in one evaluation.

Distances are in the features of the data set's own classifier (`gibbsweep evaluate prepare`), of n samples and n test images: they
compare with each other and with no published number. `--features inception` gives numbers that do, where the weights of Inception
can be had. A copy of CIFAR-10 that was stored as JPEG has other pixels than the original one, and other distances.

    python sweeps/score_generation.py                             four trials each, 12 seconds of training: colours, no objects
    python sweeps/score_generation.py --budget long --trials 0    200 seconds each on one core
    python sweeps/score_generation.py --data mnist                digits

Every contender trains for the same device-seconds: its updates are those seconds over the cost of one, measured side by side on
one core (batches of 32). The table has the seconds that it came to, and beside them what a sample costs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from gibbsweep.cli import run_study_of
from gibbsweep.data import DataNeeds
from gibbsweep.evaluate import (
    Evaluator,
    Features,
    SampleDistances,
    SampleGrid,
    SamplingCost,
    SamplingPath,
    StepCounts,
)
from gibbsweep.study import Choice, Contender, Float, Goal, Results, Study, Target
from gibbsweep.study.budgets import equal_seconds
from gibbsweep.train import Budget
from gibbsweep_models.baselines.gan import GANConfig
from gibbsweep_models.baselines.vae import VAEConfig
from gibbsweep_models.nn.noise_networks import UNetConfig
from gibbsweep_models.noise import EDMSchedule
from gibbsweep_models.samplers.diffusion import AnnealedLangevin, Heun
from gibbsweep_models.score.score_model import ScoreModelConfig

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SECONDS = {"laptop": 12, "long": 200}
"""Device-seconds of one training on one core."""

N_SAMPLES = {"smoke": 24, "laptop": 250, "long": 1_000, "gpu": 5_000, "paper": 10_000}
STEPS = {"smoke": (2, 4), "laptop": (3, 5, 10, 20, 40)}


@dataclass(frozen=True)
class Options:
    features: Features = "classifier"
    """What samples are measured with: the data set's own classifier, or Inception v3."""


def budgets(seconds_per_update: float, *, gpu: int, paper: int) -> Mapping[str, Budget]:
    return equal_seconds(seconds_per_update, SECONDS, gpu=gpu, paper=paper)


def sizes(**paper: Any) -> Mapping[str, Mapping[str, Any]]:
    """What a budget changes of a score model; ``paper``: of its sampler."""
    smoke = {"network.channels": (8, 8), "sampler.n_steps": 3}
    wide = {"network.channels": (64, 128, 128), "network.blocks": 2, "network.patch": 1, "ema_decay": 0.999}
    published = {"network.channels": (128, 256, 256, 256), "network.blocks": 4, "network.patch": 1, "ema_decay": 0.9999}
    return {
        "smoke": smoke,
        "long": {"ema_decay": 0.995},
        "gpu": wide,
        "paper": {**published, "warmup": 5_000, **{f"sampler.{name}": value for name, value in paper.items()}},
    }


SCORE_COST, GAN_COST, WGAN_COST, VAE_COST = 0.055, 0.115, 0.054, 0.072
"""Seconds of an update of a batch of 32 images of 3x32x32."""

NETWORK = UNetConfig((48, 96, 96), patch=4)
"""Blocks of 4 x 4 pixels: an update in a tenth of the time of one at full resolution, and as many more of them."""

# The largest distance between two training images is about 100 on [-1, 1]; few steps and a small network are better off with less.
VE = replace(ScoreModelConfig.ve(0.01, 30.0, n_steps=40), network=NETWORK, learning_rate=4e-3)
LANGEVIN = replace(VE, sampler=AnnealedLangevin(20, 4, 0.1, VE.schedule))
VP = replace(ScoreModelConfig.vp(n_steps=80), network=NETWORK, learning_rate=4e-3)
SCHEDULE = EDMSchedule(sigma_min=0.005, sigma_max=50.0, p_mean=0.2, p_std=1.0)
# A network of blocks learns the picture itself sooner than the noise in it, for which a block of 48 numbers needs as many channels.
EDM = ScoreModelConfig(NETWORK, schedule=SCHEDULE, predicts="x0", sampler=Heun(20, SCHEDULE), learning_rate=4e-3)

LEARNING_RATE = {"learning_rate": Float(1e-3, 1e-2, log=True)}
SCORES, ADVERSARIAL = ("ve", "ve_langevin", "vp", "edm"), ("gan", "wgan_gp")


def study(options: Options) -> Study:
    """The study, measured in ``options.features``."""
    features = options.features

    def search(budget: str) -> tuple[Evaluator, ...]:
        return (SampleDistances(min(100, N_SAMPLES[budget]), features),)

    def final(budget: str) -> tuple[Evaluator, ...]:
        return (SampleDistances(N_SAMPLES[budget], features), SampleGrid(n=64), SamplingCost(n=32))

    def of_score(budget: str) -> tuple[Evaluator, ...]:
        return (*final(budget), SamplingPath(), StepCounts(STEPS.get(budget, (5, 10, 20, 50, 200))))

    def score(config: ScoreModelConfig, space: Mapping[str, Float | Choice], **paper: Any) -> Contender:
        return Contender(
            config,
            kind="score",
            space={**LEARNING_RATE, **space},
            budgets=budgets(SCORE_COST, gpu=30_000, paper=400_000),
            final_evaluators=of_score,
            at=sizes(**paper),
        )

    learning_rates = {
        "discriminator_learning_rate": Float(1e-4, 3e-3, log=True),
        "generator_learning_rate": Float(1e-4, 3e-3, log=True),
    }
    gan_at = {name: {"channels": (64, 128, 256), "latent_dim": 64, "ema_decay": 0.999} for name in ("gpu", "paper")}
    vae_at = {name: {"channels": (64, 128, 256), "latent_dim": 128, "ema_decay": 0.999} for name in ("gpu", "paper")}
    vae = Contender(
        VAEConfig(learning_rate=3e-3, latent_dim=32),
        kind="baseline",
        space={"learning_rate": Float(3e-4, 5e-3, log=True), "beta": Float(0.3, 1.0), "latent_dim": Choice(16, 32, 64)},
        budgets=budgets(VAE_COST, gpu=100_000, paper=500_000),
        at=vae_at,
    )
    network = "Inception v3" if features == "inception" else "the data set's own classifier"
    return Study(
        name="score_generation",
        question="Does a score model draw better pictures than a GAN or a VAE that was trained as long?",
        data="cifar10",
        needs=DataNeeds(labels=features == "classifier", dims=3),
        contenders={
            "ve": score(VE, {"sampler.snr": Float(0.05, 0.3, log=True)}, n_steps=1000),
            "ve_langevin": score(
                LANGEVIN,
                {"sampler.step_size": Float(0.02, 0.5, log=True)},
                n_steps=232,
                steps_per_level=5,
                step_size=0.062,
            ),
            "vp": score(VP, {"sampler.eta": Float(0.0, 1.0)}, n_steps=1000),
            "edm": score(EDM, {"schedule.p_mean": Float(-0.6, 0.6), "sampler.s_churn": Choice(0.0, 5.0, 20.0)}),
            "gan": Contender(
                GANConfig(discriminator_learning_rate=1e-3, generator_learning_rate=1e-3),
                kind="baseline",
                space={**learning_rates, "r1": Float(0.05, 5.0, log=True)},
                budgets=budgets(GAN_COST, gpu=40_000, paper=500_000),
                at=gan_at,
            ),
            "wgan_gp": Contender(
                GANConfig.wgan_gp(learning_rate=1e-3),
                kind="baseline",
                space={**learning_rates, "generator_every": Choice(2, 5)},
                budgets=budgets(WGAN_COST, gpu=70_000, paper=500_000),
                at=gan_at,
            ),
            "vae": vae,
        },
        goal=Goal("validation/frechet_distance", "minimize"),
        evaluators=search,
        final_evaluators=final,
        note=(
            f"FD, KD and class-IS (Fréchet distance, kernel distance, class inception score), precision and recall are in the "
            f"features of {network}, of n samples against n images. `nfe` and `s/sample`: network evaluations and seconds of one of "
            "32 samples that are drawn at once on this device."
        ),
        columns={
            "test/frechet_distance": "FD",
            "test/distance_n": "n",
            "test/kernel_distance": "KD",
            "test/class_inception_score": "class-IS",
            "test/precision": "prec.",
            "test/recall": "recall",
            "test/sampling_nfe": "nfe",
            "test/sampling_seconds": "s/sample",
        },
        budgets=vae.budgets or {},
        trials=4,
        seeds=3,
        targets=(
            Target("the GANs in Fréchet distance", "test/frechet_distance", "<", SCORES, ADVERSARIAL),
            Target("the VAE in Fréchet distance", "test/frechet_distance", "<", SCORES, ("vae",)),
            Target("the GANs in recall", "test/recall", ">", SCORES, ADVERSARIAL),
            Target(
                "Langevin dynamics alone against the GANs", "test/frechet_distance", "<", ("ve_langevin",), ADVERSARIAL
            ),
        ),
        figures={"cost": distance_against_cost},
        pictures=("samples", "sampling_path", "step_counts"),
    )


def distance_against_cost(results: Results) -> Figure:
    """The Fréchet distance on the test split against what a sample costs, both with their deviations over seeds."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 4.2), layout="constrained")
    axes = figure.subplots()
    for row in results.rows:
        if "test/frechet_distance" in row.metrics and "test/sampling_seconds" in row.metrics:
            x, y = row.metrics["test/sampling_seconds"], row.metrics["test/frechet_distance"]
            marker = "o" if row.kind == "score" else "^"
            label = f"{row.label} ({row.device_seconds:.0f} s of training)"
            axes.errorbar(x.mean, y.mean, xerr=x.sd, yerr=y.sd, marker=marker, ls="", ms=6, capsize=2, label=label)
    axes.set_xscale("log")
    axes.set_xlabel("seconds a sample")
    axes.set_ylabel("Fréchet distance, lower is better")
    axes.set_title(f"{results.data}, {results.budget}", fontsize=10)
    axes.grid(alpha=0.3)
    if axes.containers:
        figure.legend(*axes.get_legend_handles_labels(), loc="outside right upper", frameon=False, fontsize=8)
    return figure


STUDY = study(Options())

if __name__ == "__main__":
    run_study_of(study, Options)
