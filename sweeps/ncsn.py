"""Which of NCSNv2's techniques draws better pictures, and what is the last step worth?

Noise-conditional score networks (``v1``: Song & Ermon 2019) learn the score at a few noise levels and draw by Langevin
dynamics from the highest to the lowest. NCSNv2 (``v2``: Song & Ermon, "Improved Techniques for Training Score-Based
Generative Models", 2020) chooses the numbers by rules:

1. the highest level is the largest distance between two training examples, measured on whatever data is given;
2. levels are so close that the shells of neighbouring ones overlap by a half;
3. one network that is not told the level, divided by sigma, instead of one that is told and has to learn its scale;
4. the step size is the one that leaves a level's variance right after the steps there are;
5. the weights are averaged.

The paper's rule for the step is of a network that knows the level. One that does not always pulls with the force of the
level where chains should be: with so few steps a level as a laptop affords they lag behind and never come down
(`lag_of_untold`), so technique 4 here reckons with that, and at the paper's five steps a level follows the paper. v1's
step, left in its place, loses them.

The study compares v1, v2, and v2 with each technique left out by itself, v1's number in its place. The Fréchet distance
of the same samples with and without the last step, which denoises, answers the question. Published on CIFAR-10, in
Inception's features: v1 25.32, 29.8 with a last step; v2 31.75 without, 10.87 with it.

    python sweeps/ncsn.py                            CIFAR-10, nine trials each, 10 seconds: colours, no objects
    python sweeps/ncsn.py --budget long --trials 0   150 seconds each on one core
    python sweeps/ncsn.py --data mnist --budget long --trials 0    digits
    python sweeps/ncsn.py --features inception       for published numbers, and for data without labels (--data faces)
    python sweeps/ncsn.py --contenders v1 v1_with_max_distance v1_with_ladder     v1 with one technique at a time

All contenders have one network, whose updates cost the same, and samples of about as many evaluations: 220, which
technique 2 spends on about as many levels of one step (219 on CIFAR-10, 95 of two on MNIST), v1 on ten levels of 22
steps; 440 at the long budget, and 1,160 at the paper's, as published. Without technique 2 the rule for the step has ten
wide levels to bridge, and takes a larger one. The learning rate alone is searched. The network is a small U-Net, which
sees its input scaled to unit size, in place of a RefineNet with conditional instance normalisation.
"""

from __future__ import annotations

from dataclasses import replace

from gibbsweep import Contender, Float, Goal, Results, Sizes, Study, Target
from gibbsweep.cli import run_study_of
from gibbsweep.evaluate import LastStep, SampleDistances, SampleGrid, SamplingCost, SamplingPath, ScoreFields
from gibbsweep.results.difference import difference
from gibbsweep.study import REFERENCES, by_budget, columns, equal_seconds, references
from gibbsweep.study.shared import SampleOptions, distance_bars, notes
from gibbsweep_models.nn.noise_networks import UNetConfig
from gibbsweep_models.score.ncsn import NCSNConfig

NOISY, DENOISED = "test/frechet_distance_noisy", "test/frechet_distance_denoised"

# Blocks of 4 x 4 pixels in three colours are 48 numbers: fewer channels could not hand on the noise that a score is.
V2 = NCSNConfig(UNetConfig((48, 64, 96), patch=4), learning_rate=4e-3, ema_decay=0.99)
V1 = NCSNConfig.v1(network=V2.network, learning_rate=V2.learning_rate)

TECHNIQUES = {
    "max_distance": "sigma_max",
    "ladder": "n_levels",
    "one_network": "told",
    "step_rule": "step_size",
    "ema": "ema_decay",
}
"""The techniques in the order above, and the field of the configuration in which v2 has another value than v1."""

SIZES: Sizes = {
    "smoke": {"network": UNetConfig((8, 8)), "evaluations": 12, "overlap": 0.01},
    "long": {"evaluations": 440},
    "gpu": {"network": UNetConfig((64, 128, 128), blocks=2), "n_distances": 10_000},
    "paper": {
        "network": UNetConfig((128, 256, 256, 256), blocks=2),
        "n_distances": 10_000,
        "learning_rate": 1e-4,
        "warmup": 1_000,
        "evaluations": 1_160,
        "step_rule": "equation_6",
    },
}
AVERAGED = {"long": 0.998, "gpu": 0.999, "paper": 0.999}
"""The decay of the average of the weights, where there is one: it is as long as the training allows."""


def contender(config: NCSNConfig) -> Contender:
    decays = AVERAGED if config.ema_decay > 0 else {}
    at = {name: {**sizes, **({"ema_decay": decays[name]} if name in decays else {})} for name, sizes in SIZES.items()}
    return Contender(config, space={"learning_rate": Float(1e-3, 1e-2, log=True)}, by_budget=at)


CONTENDERS = {
    "v1": contender(V1),
    "v2": contender(V2),
    **{f"v2_without_{name}": contender(replace(V2, **{key: getattr(V1, key)})) for name, key in TECHNIQUES.items()},
    **{f"v1_with_{name}": contender(replace(V1, **{key: getattr(V2, key)})) for name, key in TECHNIQUES.items()},
}
LEFT_OUT = tuple(f"v2_without_{name}" for name in TECHNIQUES)


def findings(results: Results) -> list[str]:
    """What each technique and the last step are worth in Fréchet distance, and whether seeds can tell."""
    distances = {row.contender: row.metrics for row in results.rows if DENOISED in row.metrics}
    sentences = [
        f"{name}: the last step changes the distance from {metrics[NOISY].mean:.1f} to {metrics[DENOISED].mean:.1f}."
        for name, metrics in distances.items()
        if name in ("v1", "v2")
    ]
    for name in TECHNIQUES:
        for base, changed, words in (
            ("v2", f"v2_without_{name}", "leaving it out changes v2's distance"),
            ("v1", f"v1_with_{name}", "v1 with it changes its denoised distance"),
        ):
            if base in distances and changed in distances:
                change = difference(distances[changed][DENOISED], distances[base][DENOISED])
                sentences.append(f"Technique {name}: {words} by {change}.")
    return sentences


def study(options: SampleOptions) -> Study:
    """The study, measured in ``options.features``."""
    features = options.features
    # Where hardware is scarce fewer samples, which cost a quarter of a second each: the reference rows have as many.
    last_step = LastStep(by_budget(smoke=24, laptop=400, long=1_000, gpu=5_000, paper=10_000), features)
    grid = SampleGrid(n=by_budget(smoke=4, other=48))
    return Study(
        name="ncsn",
        question="Which of NCSNv2's techniques draws better pictures, and what is the last step worth?",
        data="cifar10",
        needs=options.needs,
        contenders={**CONTENDERS, **references(final_evaluators=(last_step, grid))},
        default=("v1", "v2", *LEFT_OUT, *REFERENCES),
        goal=Goal("validation/frechet_distance", "minimize"),
        answer=Goal(DENOISED, "minimize"),
        evaluators=(SampleDistances(by_budget(smoke=24, other=50), features),),
        final_evaluators=(
            last_step,
            grid,
            SamplingPath(),
            ScoreFields(),
            SamplingCost(n=by_budget(smoke=4, other=16)),
        ),
        note=(
            f"{notes.distances(features)} {notes.DENSITY} {notes.references()} `noisy`: as Langevin dynamics ends; the "
            "others after the last step, which denoises. Search minimises the distance that a contender is published "
            "with: v1's without the last step. σ₁ and L: the highest level and their number."
        ),
        columns={
            **columns("frechet_distance_denoised", "frechet_distance_noisy", "last_step_gain", "distance_n_denoised"),
            **columns("class_inception_score_denoised", "precision_denoised", "density_denoised"),
            **columns("recall_denoised", "coverage_denoised"),
            **columns("sigma_highest", "n_noise_levels", "sampling_nfe", "sampling_seconds"),
        },
        # An update of 32 images of 3x32x32 takes .047 s whether the network is told the level or not.
        budgets=equal_seconds(0.047, {"laptop": 10, "long": 150}, gpu=50_000, paper=300_000),
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
            Target("v2 over the best that leaves one technique out", DENOISED, "<", ("v2",), LEFT_OUT),
        ),
        figures={"ablation": distance_bars({NOISY: "without the last step", DENOISED: "with it"})},
        findings=findings,
        pictures=("samples", "last_step", "sampling_path", "score_fields"),
    )


STUDY = study(SampleOptions())

if __name__ == "__main__":
    run_study_of(study, SampleOptions)
