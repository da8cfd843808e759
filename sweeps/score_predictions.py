"""What must a network on patches predict?

A score model has two axes: the path from pictures to noise (``ve``: variance explodes, levels even in their logarithm;
``vp``: variance is preserved, beta on a line; ``linear``: the straight path of flow matching, Lipman et al. 2023) and
what its network predicts of a noisy picture: the picture itself (``x0``), the noise in it (``eps``), their difference
(``velocity``), or a mixture that changes with the level (``edm``, Karras et al. 2022). Exact networks of all
predictions are one and the same denoiser, so only learning tells them apart. Li & He ("Back to Basics: Let Denoising
Generative Models Denoise", 2025) found on ImageNet that a transformer whose patches are as wide as its layers cannot
predict noise, whatever the loss: the picture lies near a surface of few dimensions, the noise does not. Here a U-Net
gets blocks of 4 x 4 pixels in three colours, 48 numbers, in 48 channels.

The study trains all twelve combinations on CIFAR-10 with one network, one loss (Karras et al.'s weight of the error of
the picture), the same ends of the path, .02 and 80, and the same number of updates, and samples all of them by Heun's
method on their own levels. The Fréchet distance in the features of the data set's own classifier answers the question.

    python sweeps/score_predictions.py                            two trials each, 8 seconds of training
    python sweeps/score_predictions.py --budget long --trials 4   200 seconds each on one core
    python sweeps/score_predictions.py --set network.patch=1      a network that sees pixels

Rows of one path cost the same, so equal updates are equal seconds.
"""

from __future__ import annotations

from gibbsweep import Choice, Contender, DataNeeds, Float, Goal, Results, Study, Target
from gibbsweep.cli import run_study
from gibbsweep.evaluate import SampleDistances, SampleGrid
from gibbsweep.study import by_budget, columns, equal_seconds
from gibbsweep.study.shared import distance_bars, notes
from gibbsweep_models.nn.noise_networks import UNetConfig
from gibbsweep_models.noise import GeometricSchedule, LinearSchedule, VPSchedule
from gibbsweep_models.samplers.diffusion import Heun
from gibbsweep_models.score.score_model import ScoreModelConfig

LOW, HIGH = 0.02, 80.0
"""The lowest and the highest level of every path."""
DISTANCE = "test/frechet_distance"
PREDICTIONS = ("x0", "eps", "velocity", "edm")
PATHS: dict[str, GeometricSchedule | VPSchedule | LinearSchedule] = {
    "ve": GeometricSchedule(LOW, HIGH),
    "vp": VPSchedule(t_min=3.0647e-3, t_max=0.93351),
    "linear": LinearSchedule(LOW / (1 + LOW), HIGH / (1 + HIGH)),
}


def path(name: str) -> Contender:
    """One path, and a row for each prediction."""
    schedule = PATHS[name]
    return Contender(
        ScoreModelConfig(
            UNetConfig((48, 96, 96), patch=4),
            schedule=schedule,
            sampler=Heun(20, schedule),
            learning_rate=4e-3,
        ),
        space={"predicts": Choice(*PREDICTIONS), "learning_rate": Float(1e-3, 1e-2, log=True)},
        compare="predicts",
        by_budget={
            "smoke": {"network.channels": (8, 8), "sampler.n_steps": 3},
            "long": {"ema_decay": 0.995},
            "gpu": {"network.channels": (64, 128, 128), "network.blocks": 2, "ema_decay": 0.999},
        },
    )


def spread(results: Results) -> list[str]:
    """How far the distance goes over predictions on one path, and over paths at one prediction."""
    means = {row.label: row.metrics[DISTANCE].mean for row in results.rows if DISTANCE in row.metrics}
    grid = {
        name: [means[label] for what in PREDICTIONS if (label := f"{name} predicts={what}") in means] for name in PATHS
    }
    complete = [row for row in grid.values() if len(row) == len(PREDICTIONS)]
    if len(complete) < len(PATHS):
        return []
    over_predictions = max(max(row) - min(row) for row in complete)
    over_paths = [max(column) - min(column) for column in zip(*complete, strict=True)]
    best = min(means, key=lambda label: means[label])
    sentence = (
        f"What the network predicts moves the Fréchet distance by up to {over_predictions:.3g} on one path; the path "
        f"moves it by {min(over_paths):.3g} to {max(over_paths):.3g} at one prediction. Best: {best}."
    )
    return [sentence]


STUDY = Study(
    name="score_predictions",
    question="What must a network on patches predict?",
    data="cifar10",
    needs=DataNeeds(labels=True, dims=3),
    contenders={name: path(name) for name in PATHS},
    goal=Goal("validation/frechet_distance", "minimize"),
    evaluators=(SampleDistances(by_budget(smoke=24, other=100)),),
    final_evaluators=(
        SampleDistances(by_budget(smoke=24, laptop=200, long=1_000, gpu=5_000)),
        SampleGrid(n=64),
    ),
    note=f"{notes.distances()} Noise can have a high precision: read it with recall and FD.",
    columns=columns(
        "frechet_distance", "distance_n", "kernel_distance", "class_inception_score", "precision", "recall"
    ),
    budgets=equal_seconds(0.055, {"laptop": 8, "long": 200}, gpu=30_000),
    trials=2,
    seeds=2,
    targets=tuple(
        Target(f"eps by {what}, path {name}", DISTANCE, "<", (f"{name} predicts={what}",), (f"{name} predicts=eps",))
        for name in PATHS
        for what in ("x0", "velocity", "edm")
    ),
    figures={"distances": distance_bars({DISTANCE: ""})},
    findings=spread,
    pictures=("samples",),
)

if __name__ == "__main__":
    run_study(STUDY)
