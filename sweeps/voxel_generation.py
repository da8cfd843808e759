"""Do Langevin chains on an energy draw better solids than a 3-D GAN that was trained as long?

A descriptor network (Xie et al. 2018) is the energy E(x) = f(x - m) + |x - m|² / (2 s²) of voxels x in [-1, 1]: a small 3-D
convolutional network f and a Gaussian reference around the data's mean m, which keeps chains bounded where f is not yet
learned. Its chains persist, 8 Langevin steps an update (20 in the paper: short ones leave time for more updates). Baselines: a 3-D GAN (Wu et al. 2016; with R1) and a voxel VAE of
Bernoulli units, both of the same channels.

What is drawn is measured as filled or empty voxels, from noise and, for the energy, from the persistent chains too, which are
the published samples of descriptor networks: the inception score in the data set's own classifier (`gibbsweep evaluate
prepare`; it compares with no published one, which are of another classifier), coverage and minimum matching distance by
intersection over union (IoU), and whether samples are copies: the IoU with the nearest training example, beside that of real
test examples.

    python sweeps/voxel_generation.py                             four trials each, 20 seconds of training
    python sweeps/voxel_generation.py --budget long --trials 0    200 seconds each on one core
    python sweeps/voxel_generation.py --data modelnet_chairs_monitors@16    two classes, clean solids
    python sweeps/voxel_generation.py --data modelnet10 --budget paper      32³ voxels

Every contender trains for the same device-seconds: its updates are those seconds over the cost of one, measured side by side
on one core of an AMD EPYC (batches of 32 solids of 16³, the arithmetic that `--precision auto` chooses). The table has the seconds that it came to.
"""

from __future__ import annotations

from collections.abc import Mapping

from gibbsweep.cli import run_study
from gibbsweep.data import DataNeeds
from gibbsweep.evaluate import Evaluator, VoxelGeneration, VoxelReplay
from gibbsweep.study import Contender, Float, Goal, Study, Target
from gibbsweep.study.budgets import equal_seconds
from gibbsweep.train import Budget
from gibbsweep_models.baselines.gan import GANConfig
from gibbsweep_models.baselines.vae import VAEConfig
from gibbsweep_models.energy.conv_ebm import ConvEBMConfig
from gibbsweep_models.objectives.cd import LangevinCD

SECONDS = {"laptop": 20, "long": 200, "gpu": 1_200, "paper": 40_000}
"""Device-seconds of one training on one core. A GPU is given the updates that a core would make in so many: the three networks
are alike, so their costs keep their order there."""

N_SAMPLES = {"smoke": 24, "laptop": 250}
"""Otherwise as many as the split has."""


def budgets(seconds_per_update: float) -> Mapping[str, Budget]:
    """Updates for equal device-seconds, at ``seconds_per_update`` on one core."""
    on_core = {name: SECONDS[name] for name in ("laptop", "long")}
    gpu, paper = (round(SECONDS[name] / seconds_per_update) for name in ("gpu", "paper"))
    return equal_seconds(seconds_per_update, on_core, gpu=gpu, paper=paper, large_batch_size=32)


def search(budget: str) -> tuple[Evaluator, ...]:
    return (VoxelGeneration(min(200, N_SAMPLES.get(budget, 200))),)


def final(budget: str) -> tuple[Evaluator, ...]:
    return (VoxelGeneration(N_SAMPLES.get(budget, 1_000), references=True),)


def final_of_energy(budget: str) -> tuple[Evaluator, ...]:
    return (*final(budget), VoxelReplay(N_SAMPLES.get(budget, 1_000)))


CHANNELS = (16, 32, 64)
WIDE = {"channels": (64, 128, 256), "ema_decay": 0.999}

# In the units of [-1, 1] the paper's chain (reference 0.5, step 0.1 on voxels in [0, 1]) is x - 0.02 grad E + 0.2 n around a
# reference of 1; it drops the noise after 100 of 3,000 epochs. 8 steps of 0.05 go as far as 20 of 0.02.
DESCRIPTOR = ConvEBMConfig(
    channels=CHANNELS,
    confinement=1.0,
    cd=LangevinCD(
        n_steps=8,
        step_size=0.05,
        noise=0.02,
        gradient_clip=None,
        l2=0.0,
        learning_rate=1e-3,
        schedule="cosine",
        betas=(0.5, 0.999),
        grad_clip=None,
        energy_gap_bound=1e5,
    ),
    sample_steps=100,
)

STUDY = Study(
    name="voxel_generation",
    question="Do Langevin chains on an energy draw better solids than a 3-D GAN that was trained as long?",
    data="modelnet10@16",
    needs=DataNeeds(labels=True, dims=4),
    contenders={
        "descriptor": Contender(
            DESCRIPTOR,
            kind="energy",
            space={
                "cd.learning_rate": Float(3e-4, 3e-3, log=True),
                "cd.step_size": Float(0.02, 0.2, log=True),
                "cd.noise": Float(0.005, 0.2, log=True),
                "confinement": Float(0.5, 2.0, log=True),
            },
            budgets=budgets(0.125),
            final_evaluators=final_of_energy,
            at={
                "smoke": {"channels": (8, 8), "cd.n_steps": 3, "cd.replay_size": 48, "sample_steps": 3},
                "gpu": {**WIDE, "cd.replay_size": 10_000},
                "paper": {**WIDE, "cd.replay_size": 10_000, "cd.n_steps": 20, "cd.step_size": 0.02},
            },
        ),
        "gan": Contender(
            GANConfig(channels=CHANNELS),
            kind="baseline",
            space={
                "discriminator_learning_rate": Float(1e-4, 3e-3, log=True),
                "generator_learning_rate": Float(1e-4, 3e-3, log=True),
                "r1": Float(0.05, 5.0, log=True),
            },
            budgets=budgets(0.17),
            at={"smoke": {"channels": (8, 8)}, **{name: {**WIDE, "latent_dim": 200} for name in ("gpu", "paper")}},
        ),
        "vae": Contender(
            VAEConfig(units="binary", channels=CHANNELS, latent_dim=32),
            kind="baseline",
            space={
                "learning_rate": Float(3e-4, 5e-3, log=True),
                "beta": Float(0.3, 2.0, log=True),
            },
            budgets=budgets(0.10),
            at={"smoke": {"channels": (8, 8)}, **{name: {**WIDE, "latent_dim": 100} for name in ("gpu", "paper")}},
        ),
    },
    goal=Goal("validation/class_inception_score", "maximize"),
    evaluators=search,
    final_evaluators=final,
    columns={
        "test/class_inception_score": "IS (data set's classifier)",
        "test/class_inception_score_buffer": "IS from persistent chains",
        "test/class_inception_score_train": "IS of training examples",
        "test/iou_coverage": "coverage (IoU)",
        "test/iou_coverage_buffer": "coverage from persistent chains",
        "test/iou_coverage_train": "coverage of training examples",
        "test/iou_mmd": "MMD (1 - IoU)",
        "test/iou_mmd_buffer": "MMD from persistent chains",
        "test/iou_mmd_train": "MMD of training examples",
        "test/nearest_train_iou": "nearest training IoU",
        "test/nearest_train_iou_buffer": "nearest training IoU from persistent chains",
        "test/nearest_train_iou_real": "nearest training IoU of test examples",
        "test/voxel_n": "n",
    },
    budgets=budgets(0.125),
    trials=4,
    seeds=3,
    targets=tuple(
        Target(
            f"3-D GAN in {what}, from {source}",
            f"test/{metric}{suffix}",
            ">",
            ("descriptor",),
            ("gan",),
            than_metric=f"test/{metric}",
        )
        for metric, what in (("class_inception_score", "inception score"), ("iou_coverage", "coverage"))
        for source, suffix in (("noise", ""), ("persistent chains", "_buffer"))
    ),
    pictures=("voxels", "voxels_buffer", "nearest_train"),
)

if __name__ == "__main__":
    run_study(STUDY)
