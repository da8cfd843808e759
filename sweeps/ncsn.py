"""Which of NCSNv2's techniques draws better pictures, and what is the last step worth?

Noise-conditional score networks (``v1``: Song & Ermon 2019) learn the score at a few noise levels and draw by Langevin dynamics
from the highest to the lowest. NCSNv2 (``v2``: Song & Ermon, "Improved Techniques for Training Score-Based Generative Models",
2020) chooses the numbers by rules:

1. the highest level is the largest distance between two training examples, measured on whatever data is given;
2. levels are so close that the shells of neighbouring ones overlap by a half;
3. one network that is not told the level, divided by sigma, instead of one that is told and has to learn its scale;
4. the step size is the one that leaves a level's variance right after the steps there are;
5. the weights are averaged.

The paper's rule for the step is of a network that knows the level. One that does not always pulls with the force of the level where
chains should be: with so few steps a level as a laptop affords they lag behind and never come down (`lag_of_untold`), so technique 4
here reckons with that, and at the paper's five steps a level follows the paper. v1's step, left in its place, loses them.

Every technique is left out of v2 by itself, with v1's number in its place. Beside them stands the last step, which denoises: it is
measured on the same samples with and without, v1's too. Published on CIFAR-10, in Inception's features: v1 25.32, 29.8 with a last
step; v2 31.75 without, 10.87 with it.

    python sweeps/ncsn.py                             CIFAR-10, two trials each, 10 seconds of training: colours, no objects
    python sweeps/ncsn.py --budget long --trials 0    150 seconds each on one core
    python sweeps/ncsn.py --data mnist --budget long --trials 0    digits
    python sweeps/ncsn.py --features inception        for published numbers, and for data without labels (--data faces)
    python sweeps/ncsn.py --contenders v1 v1_with_max_distance v1_with_ladder v1_with_one_network v1_with_step_rule v1_with_ema

All contenders have one network, whose updates cost the same, and samples of about as many evaluations: 220, which technique 2 spends
on about as many levels of one step (219 on CIFAR-10, 95 of two on MNIST), v1 on ten levels of 22 steps; 440 at the long budget, and
1,160 at the paper's, as published. Without technique 2 the rule for the step has ten wide levels to bridge, and takes a larger one.
The learning rate alone is searched. The network is a small U-Net, which sees its input scaled to unit size, in place of a RefineNet
with conditional instance normalisation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from gibbsweep.cli import run_study_of
from gibbsweep.data import DataNeeds
from gibbsweep.evaluate import (
    Evaluator,
    Features,
    LastStep,
    SampleDistances,
    SampleGrid,
    SamplingCost,
    SamplingPath,
    ScoreFields,
)
from gibbsweep.study import Contender, Float, Goal, Results, Row, Study, Target
from gibbsweep.study.budgets import equal_seconds
from gibbsweep_models.nn.noise_networks import UNetConfig
from gibbsweep_models.score.ncsn import V1_LEVELS, V1_SIGMA_MAX, V1_STEP, NCSNConfig

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SECONDS = {"laptop": 10, "long": 150}
"""Device-seconds of one training on one core."""
BUDGETS = equal_seconds(0.047, SECONDS, gpu=50_000, paper=300_000)
"""An update of 32 images of 3x32x32 takes .047 s whether the network is told the level or not."""

N_SAMPLES = {"smoke": 24, "laptop": 150, "long": 400, "gpu": 5_000, "paper": 10_000}
N_SHOWN = {"smoke": 4}

NOISY, DENOISED = "test/frechet_distance_noisy", "test/frechet_distance_denoised"
EMA = 0.99

# Blocks of 4 x 4 pixels in three colours are 48 numbers: fewer channels could not hand on the noise that a score is.
NETWORK = UNetConfig((48, 64, 96), patch=4)
V2 = NCSNConfig(NETWORK, learning_rate=4e-3, ema_decay=EMA)
V1 = NCSNConfig.v1(network=V2.network, learning_rate=V2.learning_rate)

WITH: Mapping[str, Mapping[str, Any]] = {
    "max_distance": {"sigma_max": None},
    "ladder": {"n_levels": None},
    "one_network": {"told": False},
    "step_rule": {"step_size": None},
    "ema": {"ema_decay": EMA},
}
WITHOUT: Mapping[str, Mapping[str, Any]] = {
    "max_distance": {"sigma_max": V1_SIGMA_MAX},
    "ladder": {"n_levels": V1_LEVELS},
    "one_network": {"told": True},
    "step_rule": {"step_size": V1_STEP},
    "ema": {"ema_decay": 0.0},
}


def sizes(config: NCSNConfig) -> Mapping[str, Mapping[str, Any]]:
    """What a budget changes; the average of the weights is as long as the training allows, where there is one."""
    wide: dict[str, Any] = {
        "network.channels": (64, 128, 128),
        "network.blocks": 2,
        "network.patch": 1,
        "n_distances": 10_000,
    }
    published: dict[str, Any] = {
        **wide,
        "network.channels": (128, 256, 256, 256),
        "learning_rate": 1e-4,
        "warmup": 1_000,
        "evaluations": 1_160,
        "step_rule": "equation_6",
    }

    def averaged(decay: float) -> dict[str, Any]:
        return {"ema_decay": decay} if config.ema_decay > 0 else {}

    return {
        "smoke": {"network.channels": (8, 8), "network.patch": 1, "evaluations": 12, "overlap": 0.01},
        "long": {"evaluations": 440, **averaged(0.998)},
        "gpu": {**wide, **averaged(0.999)},
        "paper": {**published, **averaged(0.999)},
    }


@dataclass(frozen=True)
class Options:
    features: Features = "classifier"
    """What samples are measured with: the data set's own classifier, or Inception v3."""


def ablation(results: Results) -> Figure:
    """The Fréchet distance of each row, before the last step (open) and after it (full), with deviations over seeds."""
    from matplotlib.figure import Figure

    rows = [row for row in results.rows if NOISY in row.metrics and DENOISED in row.metrics]
    figure = Figure(figsize=(7.2, 1.2 + 0.34 * len(rows)), layout="constrained")
    axes = figure.subplots()
    heights = range(len(rows), 0, -1)
    for metric, face, label in ((NOISY, "white", "without the last step"), (DENOISED, "C0", "with it")):
        found = [row.metrics[metric] for row in rows]
        axes.errorbar(
            [m.mean for m in found],
            heights,
            xerr=[m.sd for m in found],
            fmt="o",
            color="C0",
            mfc=face,
            capsize=2,
            label=label,
        )
    axes.set_yticks(heights, [row.label for row in rows])
    axes.set_xlabel("Fréchet distance, lower is better")
    axes.set_title(f"{results.data}, {results.budget}", fontsize=10)
    axes.grid(alpha=0.3)
    if rows:
        figure.legend(*axes.get_legend_handles_labels(), loc="outside right upper", frameon=False, fontsize=8)
    return figure


def findings(results: Results) -> Sequence[str]:
    """What each technique and the last step are worth in Fréchet distance, and whether seeds can tell."""
    rows = {row.contender: row for row in results.rows if DENOISED in row.metrics}
    said = [
        f"{row.label}: the last step changes the distance from {row.metrics[NOISY].mean:.1f} to {row.metrics[DENOISED].mean:.1f}."
        for row in rows.values()
        if row.contender in ("v1", "v2")
    ]
    for name in WITHOUT:
        v2, less = rows.get("v2"), rows.get(f"v2_without_{name}")
        if v2 is not None and less is not None:
            said.append(f"Technique {name}: leaving it out changes v2's distance by {_difference(less, v2)}.")
        v1, more = rows.get("v1"), rows.get(f"v1_with_{name}")
        if v1 is not None and more is not None:
            said.append(f"Technique {name}: v1 with it changes its denoised distance by {_difference(more, v1)}.")
    return said


def _difference(row: Row, base: Row) -> str:
    a, b = row.metrics[DENOISED], base.metrics[DENOISED]
    # Two standard errors of the difference of two means over seeds.
    noise = 2 * (a.sd**2 / a.n + b.sd**2 / b.n) ** 0.5
    verdict = "" if abs(a.mean - b.mean) > noise else ", which seeds cannot tell from nothing"
    return f"{a.mean - b.mean:+.1f} (± {noise:.1f}, two standard errors){verdict}"


def study(options: Options) -> Study:
    """The study, measured in ``options.features``."""
    features = options.features
    network = "Inception v3" if features == "inception" else "the data set's own classifier"
    comparable = "" if features == "inception" else " They compare with no published number."

    def search(budget: str) -> tuple[Evaluator, ...]:
        return (SampleDistances(min(50, N_SAMPLES[budget]), features),)

    def final(budget: str) -> tuple[Evaluator, ...]:
        n = N_SHOWN.get(budget, 48)
        return (
            LastStep(N_SAMPLES[budget], features),
            SampleGrid(n=n),
            SamplingPath(),
            ScoreFields(),
            SamplingCost(n=min(n, 16)),
        )

    def contender(config: NCSNConfig) -> Contender:
        return Contender(config, kind="score", space={"learning_rate": Float(1e-3, 1e-2, log=True)}, at=sizes(config))

    left_out = {f"v2_without_{name}": contender(replace(V2, **changes)) for name, changes in WITHOUT.items()}
    added = {f"v1_with_{name}": contender(replace(V1, **changes)) for name, changes in WITH.items()}
    return Study(
        name="ncsn",
        question="Which of NCSNv2's techniques draws better pictures, and what is the last step worth?",
        data="cifar10",
        needs=DataNeeds(labels=features == "classifier", dims=3),
        contenders={"v1": contender(V1), "v2": contender(V2), **left_out, **added},
        default=("v1", "v2", *left_out),
        goal=Goal("validation/frechet_distance", "minimize"),
        evaluators=search,
        final_evaluators=final,
        note=(
            "FD (Fréchet distance), class-IS (class inception score), precision and recall are in the features of "
            f"{network}, of n samples against n images.{comparable} `noisy`: as Langevin dynamics ends; the "
            "others after the last step, which denoises. Search minimises the distance that a contender is published with: v1's "
            "without the last step. σ₁ and L: the highest level and their number."
        ),
        columns={
            DENOISED: "FD",
            NOISY: "FD, noisy",
            "test/last_step_gain": "gain of last step",
            "test/distance_n_denoised": "n",
            "test/class_inception_score_denoised": "class-IS",
            "test/precision_denoised": "prec.",
            "test/recall_denoised": "recall",
            "test/sigma_highest": "σ₁",
            "test/n_noise_levels": "L",
            "test/sampling_nfe": "nfe",
            "test/sampling_seconds": "s/sample",
        },
        budgets=BUDGETS,
        trials=2,
        seeds=3,
        targets=(
            Target(
                "v2 over v1 as published, without its last step", DENOISED, "<", ("v2",), ("v1",), than_metric=NOISY
            ),
            Target("v2 over v1 with a last step", DENOISED, "<", ("v2",), ("v1",)),
            Target("the last step lowers v2's distance", DENOISED, "<", ("v2",), ("v2",), than_metric=NOISY),
            Target(
                "by the published factor, 31.75 to 10.87",
                DENOISED,
                "<",
                ("v2",),
                ("v2",),
                factor=10.87 / 31.75,
                than_metric=NOISY,
                data="cifar10",
            ),
            Target("v2 over the best that leaves one technique out", DENOISED, "<", ("v2",), tuple(left_out)),
        ),
        figures={"ablation": ablation},
        findings=findings,
        pictures=("samples", "last_step", "sampling_path", "score_fields"),
    )


STUDY = study(Options())

if __name__ == "__main__":
    run_study_of(study, Options)
