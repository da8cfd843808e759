"""Does a score model draw better pictures than a GAN or a VAE that was trained as long?

The study compares three ways in which one U-Net learns the score of CIFAR-10 at many noise levels, all of Song et al.
(2021) and Karras et al. (2022): ``ve`` (variance explodes, as in NCSN++: the score itself, samples by a step of reverse
time and a Langevin step at each level), ``vp`` (variance is preserved, as in DDPM++: the noise, ancestral samples) and
``edm`` (a lognormal of levels, the picture itself, samples by Heun's method on the probability flow). ``ve_langevin``
samples by annealed Langevin dynamics alone (Song & Ermon 2019). Baselines: a GAN (non-saturating, with R1), a WGAN with
gradient penalty, and a VAE, each of which draws a picture in one evaluation.

Distances answer the question, in the features of the data set's own classifier (`gibbsweep evaluate prepare`), of n
samples and n test images: they compare with each other and with no published number. `--features inception` gives
numbers that do, where the weights of Inception can be had. A copy of CIFAR-10 that was stored as JPEG has other pixels
than the original one, and other distances.

    python sweeps/score_generation.py                           nine trials each, 12 seconds: colours, no objects
    python sweeps/score_generation.py --budget long --trials 0  200 seconds each on one core
    python sweeps/score_generation.py --data mnist              digits

Every contender trains for the same device-seconds, by costs of an update measured side by side on one core (batches of
32). The table has the seconds that it came to, and beside them what a sample costs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from gibbsweep import Budget, Choice, Contender, DataNeeds, Float, Goal, Space, Study, Target
from gibbsweep.cli import run_study_of
from gibbsweep.evaluate import Features, SampleDistances, SampleGrid, SamplingCost, SamplingPath, StepCounts
from gibbsweep.results.figures import AgainstMetric
from gibbsweep.study import by_budget, columns, equal_seconds
from gibbsweep_models.baselines.gan import GANConfig
from gibbsweep_models.baselines.vae import VAEConfig
from gibbsweep_models.nn.noise_networks import UNetConfig
from gibbsweep_models.noise import EDMSchedule
from gibbsweep_models.samplers.diffusion import AnnealedLangevin, Heun
from gibbsweep_models.score.score_model import ScoreModelConfig


@dataclass(frozen=True)
class Options:
    features: Features = "classifier"
    """What samples are measured with: the data set's own classifier, or Inception v3."""


def budgets(seconds_per_update: float, *, gpu: int, paper: int) -> dict[str, Budget]:
    """Equal device-seconds on a core. What an update costs is measured with batches of 32 images of 3x32x32."""
    return equal_seconds(seconds_per_update, {"laptop": 12, "long": 200}, gpu=gpu, paper=paper)


# Blocks of 4 x 4 pixels: an update in a tenth of the time of one at full resolution, and as many more of them.
NETWORK = UNetConfig((48, 96, 96), patch=4)
# Two training images are at most about 100 apart on [-1, 1]; few steps and a small network are better off with less.
VE = replace(ScoreModelConfig.ve(0.01, 30.0, n_steps=40), network=NETWORK, learning_rate=4e-3)
LANGEVIN = replace(VE, sampler=AnnealedLangevin(20, 4, 0.1, VE.schedule))
VP = replace(ScoreModelConfig.vp(n_steps=80), network=NETWORK, learning_rate=4e-3)
SCHEDULE = EDMSchedule(sigma_min=0.005, sigma_max=50.0, p_mean=0.2, p_std=1.0)
# A network of blocks learns the picture sooner than the noise in it, for which a block of 48 numbers needs as many
# channels.
EDM = ScoreModelConfig(NETWORK, schedule=SCHEDULE, predicts="x0", sampler=Heun(20, SCHEDULE), learning_rate=4e-3)


def score(config: ScoreModelConfig, space: Space, **paper: float) -> Contender:
    """``paper``: fields of the sampler at the paper's size."""
    return Contender(
        config,
        space={"learning_rate": Float(1e-3, 1e-2, log=True), **space},
        budgets=budgets(0.055, gpu=30_000, paper=400_000),
        at={
            "smoke": {"network.channels": (8, 8), "sampler.n_steps": 3},
            "long": {"ema_decay": 0.995},
            "gpu": {"network": UNetConfig((64, 128, 128), blocks=2), "ema_decay": 0.999},
            "paper": {
                "network": UNetConfig((128, 256, 256, 256), blocks=4),
                "ema_decay": 0.9999,
                "warmup": 5_000,
                **{f"sampler.{name}": value for name, value in paper.items()},
            },
        },
    )


GAN_SPACE = {
    "discriminator_learning_rate": Float(1e-4, 3e-3, log=True),
    "generator_learning_rate": Float(1e-4, 3e-3, log=True),
}
GAN_SIZES = {name: {"channels": (64, 128, 256), "latent_dim": 64, "ema_decay": 0.999} for name in ("gpu", "paper")}
VAE_SIZES = {name: {"channels": (64, 128, 256), "latent_dim": 128, "ema_decay": 0.999} for name in ("gpu", "paper")}

CONTENDERS = {
    "ve": score(VE, {"sampler.snr": Float(0.05, 0.3, log=True)}, n_steps=1000),
    "ve_langevin": score(
        LANGEVIN, {"sampler.step_size": Float(0.02, 0.5, log=True)}, n_steps=232, steps_per_level=5, step_size=0.062
    ),
    "vp": score(VP, {"sampler.eta": Float(0.0, 1.0)}, n_steps=1000),
    "edm": score(EDM, {"schedule.p_mean": Float(-0.6, 0.6), "sampler.s_churn": Choice(0.0, 5.0, 20.0)}),
    "gan": Contender(
        GANConfig(discriminator_learning_rate=1e-3, generator_learning_rate=1e-3),
        space={**GAN_SPACE, "r1": Float(0.05, 5.0, log=True)},
        budgets=budgets(0.115, gpu=40_000, paper=500_000),
        at=GAN_SIZES,
    ),
    "wgan_gp": Contender(
        GANConfig.wgan_gp(learning_rate=1e-3),
        space={**GAN_SPACE, "generator_every": Choice(2, 5)},
        budgets=budgets(0.054, gpu=70_000, paper=500_000),
        at=GAN_SIZES,
    ),
    "vae": Contender(
        VAEConfig(learning_rate=3e-3, latent_dim=32),
        space={"learning_rate": Float(3e-4, 5e-3, log=True), "beta": Float(0.3, 1.0), "latent_dim": Choice(16, 32, 64)},
        at=VAE_SIZES,
    ),
}
DISTANCE = "test/frechet_distance"
SCORES, ADVERSARIAL = ("ve", "ve_langevin", "vp", "edm"), ("gan", "wgan_gp")


def study(options: Options) -> Study:
    """The study, measured in ``options.features``."""
    n = by_budget(smoke=24, laptop=250, long=1_000, gpu=5_000, paper=10_000)
    final = (SampleDistances(n, options.features), SampleGrid(n=64), SamplingCost(n=32))
    steps = by_budget(smoke=(2, 4), laptop=(3, 5, 10, 20, 40), other=(5, 10, 20, 50, 200))
    of_score = (*final, SamplingPath(), StepCounts(steps))
    network = "Inception v3" if options.features == "inception" else "the data set's own classifier"
    return Study(
        name="score_generation",
        question="Does a score model draw better pictures than a GAN or a VAE that was trained as long?",
        data="cifar10",
        needs=DataNeeds(labels=options.features == "classifier", dims=3),
        contenders=CONTENDERS | {name: replace(CONTENDERS[name], final_evaluators=of_score) for name in SCORES},
        goal=Goal("validation/frechet_distance", "minimize"),
        evaluators=(SampleDistances(by_budget(smoke=24, other=100), options.features),),
        final_evaluators=final,
        note=(
            "FD, KD and class-IS (Fréchet distance, kernel distance, class inception score), precision and recall are "
            f"in the features of {network}, of n samples against n images. `nfe` and `s/sample`: network evaluations "
            "and seconds of one of 32 samples that are drawn at once on this device."
        ),
        columns={
            **columns("frechet_distance", "distance_n", "kernel_distance", "class_inception_score"),
            **columns("precision", "recall", "sampling_nfe", "sampling_seconds"),
        },
        budgets=budgets(0.072, gpu=100_000, paper=500_000),
        targets=(
            Target("the GANs in Fréchet distance", DISTANCE, "<", SCORES, ADVERSARIAL),
            Target("the VAE in Fréchet distance", DISTANCE, "<", SCORES, ("vae",)),
            Target("the GANs in recall", "test/recall", ">", SCORES, ADVERSARIAL),
            Target("Langevin dynamics alone against the GANs", DISTANCE, "<", ("ve_langevin",), ADVERSARIAL),
        ),
        figures={
            "cost": AgainstMetric(
                "test/sampling_seconds",
                DISTANCE,
                "seconds a sample",
                "Fréchet distance, lower is better",
                x_scale="log",
            )
        },
        pictures=("samples", "sampling_path", "step_counts"),
    )


STUDY = study(Options())

if __name__ == "__main__":
    run_study_of(study, Options)
