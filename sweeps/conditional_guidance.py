"""What does guidance buy of pictures of a class, and against a conditional GAN that was trained as long?

A score model is led to a class in three ways. ``classifier_guidance``: it never saw a label; a classifier of noisy digits, trained beside
it at the same noise levels and within the same seconds, adds its gradient (Song et al. 2021; Dhariwal & Nichol 2021). ``classifier_free``:
it was told the class of nine examples in ten, and what it says with the class is moved away from what it says without (Ho & Salimans
2022). ``interval``: the same at middle noise levels alone (Kynkäänniemi et al. 2024). The baseline is a GAN with a vector of the class in
its generator and a projection in its discriminator (Miyato & Koyama 2018).

The scale of guidance needs no retraining: every trained model is sampled at each scale from the same noise. Large scales show the class
more surely and less of its variety; the distance is least in between, or the table says that it is not. Each model's own scale is chosen
on validation examples. A classifier's scale s is comparable with the classifier-free 1 + w: at s = 1 and w = 0 the samples are of p(x | y),
were the networks perfect.

Each sample is of the class of the test example that it is compared with, so the mix of classes is the data's; asked for no class, these
models draw classes evenly, which suits CIFAR-10 and is a little off for MNIST.

    python sweeps/conditional_guidance.py                             MNIST, ten minutes on two cores
    python sweeps/conditional_guidance.py --budget long --trials 0    240 seconds a model on one core
    python sweeps/conditional_guidance.py --data cifar10
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gibbsweep.cli import run_study
from gibbsweep.data import DataNeeds
from gibbsweep.evaluate import ClassDistances, Evaluator, GuidanceScales, SamplingCost
from gibbsweep.results.row import Row
from gibbsweep.study import Choice, Contender, Float, Goal, Results, Study, Target
from gibbsweep.study.budgets import equal_seconds
from gibbsweep.train import Budget
from gibbsweep_models.baselines.gan import GANConfig
from gibbsweep_models.nn.denoisers import ClassifierFree, ClassifierGuidance, Guidance
from gibbsweep_models.nn.noise_networks import NoisyClassifierConfig, UNetConfig
from gibbsweep_models.noise import EDMSchedule
from gibbsweep_models.samplers.diffusion import Heun
from gibbsweep_models.score.score_model import ScoreModelConfig

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SECONDS = {"laptop": 16, "long": 240}
"""Device-seconds of one training on one core."""

SCORE_COST, CLASSIFIER_COST, GAN_COST = 0.028, 0.006, 0.098
"""Seconds of an update of a batch of 32 digits: of a score model, of the classifier beside one, and of the GAN."""

N_SAMPLES = {"smoke": 24, "laptop": 250, "long": 1_000, "gpu": 5_000, "paper": 10_000}
FREE = (0.0, 0.1, 0.3, 1.0, 3.0, 6.0, 12.0)
"""Scales w of classifier-free guidance: 0 is the conditional model as it is. A model that was trained for seconds barely heard the
class, and wants scales that a finished one is spoilt by."""
BY_CLASSIFIER = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
"""Scales s of a classifier: 0 hears no class at all."""
FEWER = {"smoke": slice(0, None, 3), "laptop": slice(0, None, 2)}
"""Of the scales, those that search tries."""

SCORES, GAN = ("classifier_guidance", "classifier_free", "interval"), ("conditional_gan",)
DISTANCE, ACCURACY = "test/frechet_distance", "test/class_accuracy"


def budgets(seconds_per_update: float, *, gpu: int, paper: int) -> Mapping[str, Budget]:
    return equal_seconds(seconds_per_update, SECONDS, gpu=gpu, paper=paper)


SIZES: Mapping[str, Mapping[str, Any]] = {
    "smoke": {"network.channels": (8, 8), "classifier.channels": (8, 8), "sampler.n_steps": 2},
    "long": {"ema_decay": 0.998},
    "gpu": {
        "network.channels": (64, 128, 128),
        "network.blocks": 2,
        "network.patch": 1,
        "classifier.channels": (64, 128),
        "classifier.patch": 1,
        "ema_decay": 0.999,
        "sampler.n_steps": 18,
    },
    "paper": {
        "network.channels": (128, 256, 256),
        "network.blocks": 4,
        "network.patch": 1,
        "classifier.channels": (128, 128, 256),
        "classifier.patch": 1,
        "ema_decay": 0.9999,
        "warmup": 5_000,
        "learning_rate": 1e-3,
        "sampler.n_steps": 18,
    },
}


def model(guidance: Guidance) -> ScoreModelConfig:
    """The one score model, with labels unless a classifier has them."""
    return ScoreModelConfig(
        UNetConfig((64, 64), patch=4),
        # The class of a digit is decided where noise is larger than it, far above EDM's median level of .3.
        schedule=EDMSchedule(p_mean=0.4, p_std=1.0),
        sampler=Heun(12, EDMSchedule(sigma_min=0.01, sigma_max=40.0)),
        # Told to predict the noise, a network on blocks of pixels leaves noise in every picture: distance 95 after the updates that
        # bring this one to 38.
        predicts="x0",
        conditional=isinstance(guidance, ClassifierFree),
        guidance=guidance,
        classifier=NoisyClassifierConfig((32, 64), patch=4),
        learning_rate=4e-3,
        ema_decay=0.99,
    )


def guided(
    guidance: Guidance, scales: tuple[float, ...], space: Mapping[str, Float | Choice], cost: float
) -> Contender:
    def search(budget: str) -> tuple[Evaluator, ...]:
        return (GuidanceScales(scales[FEWER.get(budget, slice(None))], min(100, N_SAMPLES[budget]), metrics_only=True),)

    def final(budget: str) -> tuple[Evaluator, ...]:
        return (GuidanceScales(scales, N_SAMPLES[budget]), SamplingCost(n=32))

    return Contender(
        model(guidance),
        kind="score",
        space={"learning_rate": Float(1e-3, 1e-2, log=True), "schedule.p_mean": Float(-0.4, 1.0), **space},
        budgets=budgets(cost, gpu=30_000, paper=400_000),
        evaluators=search,
        final_evaluators=final,
        at=SIZES,
    )


def classes(budget: str) -> tuple[Evaluator, ...]:
    return (ClassDistances(min(100, N_SAMPLES[budget])),)


def classes_at_last(budget: str) -> tuple[Evaluator, ...]:
    return (ClassDistances(N_SAMPLES[budget]), SamplingCost(n=32))


DROPOUT = {"label_dropout": Choice(0.1, 0.2)}
INTERVALS = Choice((0.1, 1.0), (0.3, 3.0), (0.3, 10.0))
"""Noise levels in data units, [-1, 1]: the deviation of MNIST is .6."""
GAN_LARGE = {"channels": (64, 128, 256), "latent_dim": 64, "ema_decay": 0.999}


def at_scales(row: Row, name: str) -> dict[float, tuple[float, float]]:
    """Mean and deviation of ``test/NAME_at_S`` by scale S."""
    prefix = f"test/{name}_at_"
    found = {k.removeprefix(prefix): v for k, v in row.metrics.items() if k.startswith(prefix) and "@" not in k}
    return dict(sorted((float(scale), (value.mean, value.sd)) for scale, value in found.items()))


def against_scale(results: Results) -> Figure:
    """Distance, class accuracy and recall on the test split against how strongly a class is asked for; rings are the least distance."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 3.6), layout="constrained")
    names = ("frechet_distance", "class_accuracy", "recall")
    panels = figure.subplots(1, 3)
    for axes, name, label in zip(panels, names, ("Fréchet distance", "class accuracy", "recall"), strict=True):
        for number, row in enumerate(results.rows):
            colour, curve = f"C{number}", at_scales(row, name)
            if curve:
                shift = 0.0 if row.contender == "classifier_guidance" else 1.0
                x, means = [scale + shift for scale in curve], [mean for mean, _ in curve.values()]
                axes.errorbar(
                    x, means, [sd for _, sd in curve.values()], color=colour, marker=".", label=row.label, capsize=2
                )
                if name == "frechet_distance":
                    best = min(range(len(means)), key=means.__getitem__)
                    axes.plot(x[best], means[best], "o", ms=12, mfc="none", color=colour)
            elif f"test/{name}" in row.metrics:
                axes.axhline(row.metrics[f"test/{name}"].mean, color=colour, ls="--", label=row.label)
        axes.set_xscale("symlog", linthresh=0.5)
        axes.set_xlim(-0.05, 80)
        axes.set_xticks([0, 0.5, 1, 2, 4, 8, 16, 32, 64], ["0", ".5", "1", "2", "4", "8", "16", "32", "64"])
        axes.minorticks_off()
        axes.set_xlabel("1 + w, or a classifier's s")
        axes.set_title(label, fontsize=10)
        axes.grid(alpha=0.3)
    panels[0].set_yscale("log")
    if results.rows:
        figure.legend(
            *panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False, fontsize=8
        )
    return figure


def findings(results: Results) -> Sequence[str]:
    """Where each distance is least, whether that is between the ends by more than two standard errors, and what accuracy costs."""
    said = []
    for row in results.rows:
        distance, accuracy, recall = (at_scales(row, name) for name in ("frechet_distance", "class_accuracy", "recall"))
        margin = row.metrics.get("test/interior_margin")
        if not distance or margin is None:
            continue
        best = min(distance, key=lambda scale: distance[scale][0])
        if best in (min(distance), max(distance)):
            where = "an end of the scales: no interior optimum"
        elif margin.n < 2:
            where = f"in the interior, by {margin.mean:.0%} and one seed, which says little"
        else:
            clear = "more" if margin.mean > 2 * margin.sd / margin.n**0.5 else "less"
            where = f"in the interior, by {margin.mean:.0%}, {clear} than two standard errors"
        low, high = min(distance), max(distance)
        said.append(
            f"{row.label}: the distance is least at {best:g} ({distance[best][0]:.3g}), {where}; from scale {low:g} to {high:g} the class "
            f"accuracy goes from {accuracy[low][0]:.3f} to {accuracy[high][0]:.3f} and the recall from {recall[low][0]:.2f} to "
            f"{recall[high][0]:.2f}."
        )
    return said


STUDY = Study(
    name="conditional_guidance",
    question="What does guidance buy of pictures of a class, and against a conditional GAN that was trained as long?",
    data="mnist",
    needs=DataNeeds(labels=True, dims=3),
    contenders={
        "classifier_guidance": guided(
            ClassifierGuidance(1.5),
            BY_CLASSIFIER,
            {"classifier.learning_rate": Float(5e-4, 5e-3, log=True)},
            SCORE_COST + CLASSIFIER_COST,
        ),
        "classifier_free": guided(ClassifierFree(0.3), FREE, DROPOUT, SCORE_COST),
        "interval": guided(
            ClassifierFree(1.0, (0.3, 3.0)), FREE, {**DROPOUT, "guidance.interval": INTERVALS}, SCORE_COST
        ),
        "conditional_gan": Contender(
            GANConfig(conditional=True, discriminator_learning_rate=2e-3, generator_learning_rate=2e-3),
            kind="baseline",
            space={
                "discriminator_learning_rate": Float(3e-4, 3e-3, log=True),
                "generator_learning_rate": Float(3e-4, 3e-3, log=True),
                "r1": Float(0.05, 5.0, log=True),
            },
            budgets=budgets(GAN_COST, gpu=40_000, paper=500_000),
            at={"smoke": {"channels": (8, 8)}, "gpu": GAN_LARGE, "paper": GAN_LARGE},
        ),
    },
    goal=Goal("validation/frechet_distance", "minimize"),
    evaluators=classes,
    final_evaluators=classes_at_last,
    note=(
        "FD (Fréchet distance), accuracy and recall are by the data set's own classifier, of n samples of the classes that n test examples "
        "have, at the scale whose distance to validation examples is least. `scale` is w of D_c + w (D_c - D), and of a classifier s of "
        "D + s sigma² grad ln p(y | x). `margin`: by which share the distance at both ends of the scales exceeds the least between them. "
        "`nfe` and `s/sample`: network evaluations, the classifier's counted, and seconds of one of 32 samples drawn at once."
    ),
    columns={
        DISTANCE: "FD",
        "test/distance_n": "n",
        ACCURACY: "accuracy",
        "test/recall": "recall",
        "test/kernel_distance": "KD",
        "test/guidance_scale": "scale",
        "test/interior_margin": "margin",
        "test/frechet_distance_at_0": "FD at 0",
        "test/sampling_nfe": "nfe",
        "test/sampling_seconds": "s/sample",
    },
    budgets=budgets(SCORE_COST, gpu=30_000, paper=400_000),
    trials=4,
    seeds=3,
    targets=(
        Target("the conditional GAN in Fréchet distance", DISTANCE, "<", SCORES, GAN),
        Target("the conditional GAN in class accuracy", ACCURACY, ">", SCORES, GAN),
        *(
            Target(f"an interior optimum of the scale, {name}", "test/interior_margin", ">", (name,), 0.0)
            for name in SCORES
        ),
        Target("classifier-free guidance at every level, by an interval", DISTANCE, "<", ("interval",), SCORES[1:2]),
    ),
    figures={"scale": against_scale},
    findings=findings,
    pictures=("samples", "guidance_grid", "guidance_curve"),
)

if __name__ == "__main__":
    run_study(STUDY)
