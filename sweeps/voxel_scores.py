"""Does a score model on a smooth field draw better solids than a 3-D GAN that was trained as long?

Occupancy is 0 or 1, where no score is defined; so the score model learns that of the occupancy blurred by a Gaussian of
``blur`` voxels, around its mean, at all noise levels of Karras et al. (2022). What it samples becomes a solid again at
the level that keeps the training data's occupied volume. Real solids come back from their own fields with an
intersection over union (IoU) of 1.000 at a blur of .5 and .939 at .7; steps of sharpening first (``sharpen``) would
make that .996, and amplify what a short training leaves of the noise.

The study compares three such models. ``heun`` samples by Heun's method on the probability flow, ``langevin`` by
annealed Langevin dynamics (Song & Ermon 2019) on the same network, and ``heun_raw`` is ``heun`` on raw occupancy: what
the blur buys. Baselines: a 3-D GAN (Wu et al. 2016; with R1) and a voxel VAE of Bernoulli units. No published score
model of raw voxels has a table to compare with. Solids are measured as in `sweeps/voxel_generation.py`, all of them as
filled or empty voxels; inception score and coverage answer the question.

    python sweeps/voxel_scores.py                             nine trials each, 14 seconds of training
    python sweeps/voxel_scores.py --budget long --trials 0    200 seconds each on one core
    python sweeps/voxel_scores.py --data modelnet_chairs_monitors@16    two classes, clean solids
    python sweeps/voxel_scores.py --data modelnet10 --budget paper      32³ voxels

Contenders train for the same device-seconds, by costs of an update on one core of an AMD EPYC (batches of 32 solids of
16³, the arithmetic that `--precision auto` chooses). The table has the seconds it came to, and what a sample costs.
"""

from __future__ import annotations

from dataclasses import replace

from gibbsweep import Choice, Contender, DataNeeds, Float, Goal, Space, Study, Target
from gibbsweep.cli import run_study
from gibbsweep.evaluate import SamplingCost, SamplingPath, StepCounts, VoxelGeneration
from gibbsweep.study import by_budget, columns, equal_seconds, references
from gibbsweep.study.shared import notes, solid_baselines
from gibbsweep_models.nn.noise_networks import UNetConfig
from gibbsweep_models.noise import EDMSchedule, GeometricSchedule
from gibbsweep_models.samplers.diffusion import AnnealedLangevin, Heun
from gibbsweep_models.score.voxels import VoxelScoreConfig

SECONDS = {"laptop": 14, "long": 200}
# Beyond a laptop as many samples as the split has, a thousand at most.
FINAL = (VoxelGeneration(by_budget(smoke=24, laptop=250, other=1_000), real=True, turned=4), SamplingCost(n=16))
STEPS = by_budget(smoke=(2, 3), other=(3, 5, 9, 18))

# The field's deviation around its mean is about .16 at a blur of .7; two solids are at most about 20 apart.
SCHEDULE = EDMSchedule(sigma_min=0.02, sigma_max=15.0, p_mean=-0.8, p_std=1.3)
NETWORK = UNetConfig((96,), patch=4)
HEUN = VoxelScoreConfig(
    NETWORK, schedule=SCHEDULE, sampler=Heun(12, SCHEDULE), predicts="x0", sharpen=0, learning_rate=4e-3
)
LANGEVIN = replace(HEUN, sampler=AnnealedLangevin(12, 3, 0.3, GeometricSchedule(0.03, 15.0)))

TRAINING: Space = {
    "learning_rate": Float(1e-3, 1e-2, log=True),
    "predicts": Choice("x0", "edm"),
    "schedule.p_mean": Float(-1.6, 0.4),
    "sampler.schedule.sigma_max": Float(5.0, 40.0, log=True),
}
BLUR: Space = {"blur": Float(0.4, 1.0)}
LANGEVIN_SPACE: Space = {**BLUR, **TRAINING, "sampler.step_size": Float(0.05, 0.8, log=True)}
HEUN_SPACE: Space = {**TRAINING, "sampler.s_churn": Choice(0.0, 5.0, 20.0)}


def score(config: VoxelScoreConfig, space: Space, **large: float) -> Contender:
    """``large``: fields of the sampler at the budgets of a GPU."""
    sampler = {f"sampler.{name}": value for name, value in large.items()}
    return Contender(
        config,
        space=space,
        final_evaluators=(*FINAL, SamplingPath(n_chains=4, columns=6), StepCounts(STEPS, columns=4)),
        by_budget={
            "smoke": {"network": UNetConfig((8,), patch=2), "sampler.n_steps": 2},
            "long": {"ema_decay": 0.995},
            "gpu": {"network": UNetConfig((64, 128, 128)), "ema_decay": 0.999, **sampler},
            "paper": {"network": UNetConfig((64, 128, 128), blocks=2), "ema_decay": 0.9999, "warmup": 5_000, **sampler},
        },
    )


CONTENDERS = {
    "heun": score(HEUN, {**BLUR, **HEUN_SPACE}, n_steps=18),
    "langevin": score(LANGEVIN, LANGEVIN_SPACE, n_steps=100, steps_per_level=5, step_size=0.1),
    "heun_raw": score(replace(HEUN, blur=0.0), HEUN_SPACE, n_steps=18),
    **solid_baselines(
        (16, 32, 64),
        gan=equal_seconds(0.175, SECONDS, gpu=20_000, paper=300_000),
        vae=equal_seconds(0.105, SECONDS, gpu=30_000, paper=300_000),
    ),
    **references(final_evaluators=FINAL[:1]),
}

STUDY = Study(
    name="voxel_scores",
    question="Does a score model on a smooth field draw better solids than a 3-D GAN that was trained as long?",
    data="modelnet10@16",
    needs=DataNeeds(labels=True, dims=4, cubes=True),
    contenders=CONTENDERS,
    goal=Goal("validation/class_inception_score", "maximize"),
    evaluators=(VoxelGeneration(by_budget(smoke=24, other=150)),),
    final_evaluators=FINAL,
    note=(
        "IS: inception score by the data set's own classifier; coverage and MMD (minimum matching distance) by IoU "
        "against as many solids of the split; `nearest IoU`: of a sample with the training example nearest to it, "
        f"copies have 1. {notes.references('solids')} {notes.sampling(16)}"
    ),
    columns={
        "test/class_inception_score": "IS",
        **columns("iou_coverage", "iou_mmd"),
        **columns("nearest_train_iou", "nearest_train_iou_real", "filled"),
        **columns("voxel_n", "sampling_nfe", "sampling_seconds"),
    },
    budgets=equal_seconds(0.08, SECONDS, gpu=20_000, paper=300_000),
    targets=(
        *(
            Target(f"3-D GAN in {what}, by {sampler}", f"test/{metric}", ">", (contender,), ("gan",))
            for metric, what in (("class_inception_score", "inception score"), ("iou_coverage", "coverage"))
            for contender, sampler in (("heun", "Heun's method"), ("langevin", "annealed Langevin dynamics"))
        ),
        Target("the VAE in coverage", "test/iou_coverage", ">", ("heun", "langevin"), ("vae",)),
        Target("raw occupancy in coverage", "test/iou_coverage", ">", ("heun",), ("heun_raw",)),
        Target("raw occupancy in inception score", "test/class_inception_score", ">", ("heun",), ("heun_raw",)),
    ),
    pictures=("voxels", "nearest_train", "sampling_path", "step_counts"),
)

if __name__ == "__main__":
    run_study(STUDY)
