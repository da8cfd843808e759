"""What does guidance buy of pictures of a class, and against a conditional GAN that was trained as long?

The study compares three ways to lead a score model to a class. ``classifier_guidance``: it never saw a label; a
classifier of noisy digits, trained beside it at the same noise levels and within the same seconds, adds its gradient
(Song et al. 2021; Dhariwal & Nichol 2021). ``classifier_free``: it was told the class of nine examples in ten, and what
it says with the class is moved away from what it says without (Ho & Salimans 2022). ``interval``: the same at middle
noise levels alone (Kynkäänniemi et al. 2024). The baseline is a GAN with a vector of the class in its generator and a
projection in its discriminator (Miyato & Koyama 2018).

The scale of guidance needs no retraining: every trained model is sampled at each scale from the same noise. Large
scales show the class more surely and less of its variety; the distance is least in between, or the table says that it
is not. Each model's own scale is chosen on validation examples. A classifier's scale s is comparable with the
classifier-free 1 + w: at s = 1 and w = 0 the samples are of p(x | y), were the networks perfect.

Each sample is of the class of the test example that it is compared with, so the mix of classes is the data's; asked for
no class, these models draw classes evenly, which suits CIFAR-10 and is a little off for MNIST.

    python sweeps/conditional_guidance.py                             MNIST, ten minutes on two cores
    python sweeps/conditional_guidance.py --budget long --trials 4 --seeds 2    240 seconds a model on one core
    python sweeps/conditional_guidance.py --data cifar10
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from gibbsweep import Choice, Contender, DataNeeds, Float, Goal, Row, Sizes, Space, Study, Target
from gibbsweep.cli import run_study
from gibbsweep.evaluate import ClassDistances, GuidanceScales, SamplingCost
from gibbsweep.results.figures import ByLevel, Panels, SymLog
from gibbsweep.results.findings import InteriorOptimum
from gibbsweep.study import by_budget, columns, equal_seconds, references
from gibbsweep.study.shared import SMALL_CHANNELS, notes, wide_channels
from gibbsweep_models.baselines.gan import GANConfig
from gibbsweep_models.nn.denoisers import ClassifierFree, ClassifierGuidance, Guidance
from gibbsweep_models.nn.noise_networks import NoisyClassifierConfig, UNetConfig
from gibbsweep_models.noise import EDMSchedule
from gibbsweep_models.samplers.diffusion import Heun
from gibbsweep_models.score.score_model import ScoreModelConfig

# What an update costs on one core is measured with batches of 32 digits.
budgets = partial(equal_seconds, seconds={"laptop": 16, "long": 240}, gpu=30_000, paper=400_000)

# Where hardware is scarce fewer samples, which every scale costs anew: the reference rows have as many.
N_SAMPLES = by_budget(smoke=24, laptop=400, long=1_000, gpu=5_000, paper=10_000)
FREE = (0.0, 0.1, 0.3, 1.0, 3.0, 6.0, 12.0)
"""Scales w of classifier-free guidance: 0 is the conditional model as it is. A model that was trained for seconds
barely heard the class, and wants scales that a finished one is spoilt by."""
BY_CLASSIFIER = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
"""Scales s of a classifier: 0 hears no class at all."""
SCALES = tuple(sorted({*FREE, *BY_CLASSIFIER}))

SCORES, GAN = ("classifier_guidance", "classifier_free", "interval"), ("conditional_gan",)
DISTANCE, ACCURACY, RECALL = "test/frechet_distance", "test/class_accuracy", "test/recall"

SIZES: Sizes = {
    "smoke": {"network.channels": (8, 8), "classifier.channels": (8, 8), "sampler.n_steps": 2},
    "long": {"ema_decay": 0.998},
    "gpu": {
        "network": UNetConfig((64, 128, 128), blocks=2),
        "classifier": NoisyClassifierConfig((64, 128)),
        "ema_decay": 0.999,
        "sampler.n_steps": 18,
    },
    "paper": {
        "network": UNetConfig((128, 256, 256), blocks=4),
        "classifier": NoisyClassifierConfig((128, 128, 256)),
        "ema_decay": 0.9999,
        "warmup": 5_000,
        "learning_rate": 1e-3,
        "sampler.n_steps": 18,
    },
}


def guided(guidance: Guidance, scales: tuple[float, ...], space: Space) -> Contender:
    """The one score model, with labels unless a classifier has them. Search tries fewer scales in few seconds."""
    return Contender(
        ScoreModelConfig(
            UNetConfig((64, 64), patch=4),
            # The class of a digit is decided where noise is larger than it, far above EDM's median level of .3.
            schedule=EDMSchedule(p_mean=0.4, p_std=1.0),
            sampler=Heun(12, EDMSchedule(sigma_min=0.05, sigma_max=40.0)),
            # Told to predict the noise, a network on blocks of pixels leaves noise in every picture: distance 95 after
            # the updates that bring this one to 38.
            predicts="x0",
            conditional=isinstance(guidance, ClassifierFree),
            guidance=guidance,
            classifier=NoisyClassifierConfig((32, 64), patch=4),
            learning_rate=4e-3,
            ema_decay=0.99,
        ),
        space={"learning_rate": Float(1e-3, 1e-2, log=True), "schedule.p_mean": Float(-0.4, 1.0), **space},
        evaluators=(
            by_budget(
                smoke=GuidanceScales(scales[::3], 24, metrics_only=True),
                laptop=GuidanceScales(scales[::2], 100, metrics_only=True),
                other=GuidanceScales(scales, 100, metrics_only=True),
            ),
        ),
        final_evaluators=(GuidanceScales(scales, N_SAMPLES), SamplingCost(n=32)),
        by_budget=SIZES,
    )


DROPOUT = {"label_dropout": Choice(0.1, 0.2)}
# Noise levels in data units, [-1, 1]: the deviation of MNIST is .6.
INTERVALS = Choice((0.1, 1.0), (0.3, 3.0), (0.3, 10.0))

CONTENDERS = {
    # The classifier learns within the same seconds.
    "classifier_guidance": replace(
        guided(ClassifierGuidance(1.5), BY_CLASSIFIER, {"classifier.learning_rate": Float(5e-4, 5e-3, log=True)}),
        budgets=budgets(0.028 + 0.006),
    ),
    "classifier_free": guided(ClassifierFree(0.3), FREE, DROPOUT),
    "interval": guided(ClassifierFree(1.0, (0.3, 3.0)), FREE, {**DROPOUT, "guidance.interval": INTERVALS}),
    "conditional_gan": Contender(
        GANConfig(conditional=True, discriminator_learning_rate=2e-3, generator_learning_rate=2e-3),
        space={
            "discriminator_learning_rate": Float(3e-4, 3e-3, log=True),
            "generator_learning_rate": Float(3e-4, 3e-3, log=True),
            "r1": Float(0.05, 5.0, log=True),
        },
        budgets=budgets(0.098, gpu=40_000, paper=500_000),
        by_budget={**SMALL_CHANNELS, **wide_channels(64)},
    ),
    **references(final_evaluators=(ClassDistances(N_SAMPLES),)),
}


def strength(row: Row, scale: float) -> float:
    """Where a scale stands on the axis that all share: a classifier's s, or 1 + w."""
    return scale if row.contender == "classifier_guidance" else 1.0 + scale


by_scale = partial(
    ByLevel,
    levels=SCALES,
    x_label="1 + w, or a classifier's s",
    suffix="_at_{}",
    place=strength,
    x_scale=SymLog(0.5),
    ring=DISTANCE,
)


STUDY = Study(
    name="conditional_guidance",
    question="What does guidance buy of pictures of a class, and against a conditional GAN that was trained as long?",
    data="mnist",
    needs=DataNeeds(labels=True, dims=3),
    contenders=CONTENDERS,
    goal=Goal("validation/frechet_distance", "minimize"),
    evaluators=(ClassDistances(by_budget(smoke=24, other=100)),),
    final_evaluators=(ClassDistances(N_SAMPLES), SamplingCost(n=32)),
    note=(
        "FD (Fréchet distance), accuracy and recall are by the data set's own classifier, of n samples of the classes "
        "that n test examples have, at the scale whose distance to validation examples is least. `scale` is w of D_c "
        "+ w (D_c - D), and of a classifier s of D + s sigma² grad ln p(y | x). `margin`: by which share the distance "
        f"at both ends of the scales exceeds the least between them. {notes.sampling(32)} A classifier's evaluations "
        f"are counted. {notes.references('digits of those classes')}"
    ),
    columns={
        **columns("frechet_distance", "distance_n", "class_accuracy", "kernel_distance"),
        **columns("precision", "density", "recall", "coverage"),
        **columns("guidance_scale", "interior_margin"),
        "test/frechet_distance_at_0": "FD at 0",
        **columns("sampling_nfe", "sampling_seconds"),
    },
    budgets=budgets(0.028),
    targets=(
        Target("the conditional GAN in Fréchet distance", DISTANCE, "<", SCORES, GAN),
        Target("the conditional GAN in class accuracy", ACCURACY, ">", SCORES, GAN),
        *(
            Target(f"an interior optimum of the scale, {name}", "test/interior_margin", ">", (name,), 0.0)
            for name in SCORES
        ),
        Target("classifier-free guidance at every level, by an interval", DISTANCE, "<", ("interval",), SCORES[1:2]),
    ),
    figures={
        # Noise is some seventy times as far away as the rows that are compared.
        "scale": Panels(
            by_scale(DISTANCE, y_label="Fréchet distance", y_scale="log"),
            by_scale(ACCURACY, y_label="class accuracy"),
            by_scale(RECALL, y_label="recall"),
        )
    },
    findings=InteriorOptimum(
        DISTANCE,
        "distance",
        "scale",
        SCALES,
        "test/interior_margin",
        {ACCURACY: ("class accuracy", ".3f"), RECALL: ("recall", ".2f")},
        suffix="_at_{}",
    ),
    pictures=("samples", "guidance_grid"),
)

if __name__ == "__main__":
    run_study(STUDY)
