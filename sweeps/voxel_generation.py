"""Do Langevin chains on an energy draw better solids than a 3-D GAN that was trained as long?

A descriptor network (Xie et al. 2018) is the energy E(x) = f(x - m) + |x - m|² / (2 s²) of voxels x in [-1, 1]: a small
3-D convolutional network f and a Gaussian reference around the data's mean m, which keeps chains bounded where f is not
yet learned. Its chains persist, 8 Langevin steps an update (20 in the paper: short ones leave time for more updates).
Two learn by regression, without a chain: Energy Matching (Balcerak et al. 2025), whose potential's gradient fits the
way from solids to noise, and Equilibrium Matching (Wang & Du 2025) by a field that is no gradient. They are compared
with a 3-D GAN (Wu et al. 2016; with R1) and a voxel VAE of Bernoulli units, both of the same channels.

Measures of filled and empty voxels answer the question, from noise and, for the energy, from the persistent chains too,
which are the published samples of descriptor networks: the inception score in the data set's own classifier (`gibbsweep
evaluate prepare`; it compares with no published one, which are of another classifier), coverage and minimum matching
distance by intersection over union (IoU), and whether samples are copies: the IoU with the nearest training example,
beside that of real test examples.

    python sweeps/voxel_generation.py                             nine trials each, 20 seconds of training
    python sweeps/voxel_generation.py --budget long --trials 0    200 seconds each on one core
    python sweeps/voxel_generation.py --data modelnet_chairs_monitors@16    two classes, clean solids
    python sweeps/voxel_generation.py --data modelnet10 --budget paper      32³ voxels

Every contender trains for the same device-seconds, by costs of an update measured side by side on one core of an AMD
EPYC (batches of 32 solids of 16³, the arithmetic of `--precision auto`). The table has the seconds that it came to.
"""

from __future__ import annotations

from functools import partial

from gibbsweep import Contender, DataNeeds, Float, Goal, Study, Target
from gibbsweep.cli import run_study
from gibbsweep.evaluate import VoxelGeneration, VoxelReplay
from gibbsweep.study import by_budget, columns, equal_seconds, references
from gibbsweep.study.shared import notes, solid_baselines
from gibbsweep_models.energy.conv_ebm import ConvEBMConfig
from gibbsweep_models.energy.energy_matching import EnergyMatchingConfig
from gibbsweep_models.energy.equilibrium_matching import EquilibriumMatchingConfig
from gibbsweep_models.nn.energies import PotentialConfig
from gibbsweep_models.nn.noise_networks import UNetConfig
from gibbsweep_models.samplers.mcmc import NesterovDescent

# A GPU is given the updates that a core would make in so many seconds: the networks are alike, so their costs keep
# their order there.
SECONDS = {"laptop": 20, "long": 200, "gpu": 1_200, "paper": 40_000}
budgets = partial(equal_seconds, seconds=SECONDS, batch_size=by_budget(smoke=16, other=32))

CHANNELS = (16, 32, 64)
WIDE = {"channels": (64, 128, 256), "ema_decay": 0.999}
# Beyond a laptop as many samples as the split has, a thousand at most.
N_SAMPLES = by_budget(smoke=24, laptop=250, other=1_000)

POTENTIAL = PotentialConfig(UNetConfig((32, 64), patch=4))
SMALL_POTENTIAL = {"potential.network.channels": (8, 8)}
WIDE_POTENTIAL = {name: {"potential.network.channels": (96, 192), "ema_decay": 0.999} for name in ("gpu", "paper")}

CONTENDERS = {
    "descriptor": Contender(
        ConvEBMConfig.descriptor(CHANNELS),
        space={
            "cd.learning_rate": Float(3e-4, 3e-3, log=True),
            "cd.step_size": Float(0.02, 0.2, log=True),
            "cd.noise": Float(0.005, 0.2, log=True),
            "confinement": Float(0.5, 2.0, log=True),
        },
        final_evaluators=(VoxelGeneration(N_SAMPLES, real=True, turned=4), VoxelReplay(N_SAMPLES)),
        by_budget={
            "smoke": {"channels": (8, 8), "cd.n_steps": 3, "cd.replay_size": 48, "sample_steps": 3},
            # Chains that training makes as long as those of samples.
            "laptop": {"cd.replay_size": 400},
            "gpu": {**WIDE, "cd.replay_size": 10_000},
            "paper": {**WIDE, "cd.replay_size": 10_000, "cd.n_steps": 20, "cd.step_size": 0.02},
        },
    ),
    "energy_matching": Contender(
        EnergyMatchingConfig(POTENTIAL, sample_steps=60),
        space={"learning_rate": Float(1e-3, 6e-3, log=True), "sample_time": Float(0.9, 2.0)},
        budgets=budgets(0.087),
        by_budget={"smoke": {**SMALL_POTENTIAL, "sample_steps": 3}, **WIDE_POTENTIAL},
    ),
    "equilibrium_field": Contender(
        EquilibriumMatchingConfig(POTENTIAL, explicit=False, sampler=NesterovDescent(60, 0.05)),
        kind="score",
        space={"learning_rate": Float(1e-3, 6e-3, log=True), "rest": Float(0.05, 0.5)},
        budgets=budgets(0.041),
        by_budget={"smoke": {**SMALL_POTENTIAL, "sampler.n_steps": 3}, **WIDE_POTENTIAL},
    ),
    **solid_baselines(CHANNELS, gan=budgets(0.17), vae=budgets(0.10)),
    **references(),
}

ENERGIES = ("descriptor", "energy_matching")

STUDY = Study(
    name="voxel_generation",
    question="Do Langevin chains on an energy draw better solids than a 3-D GAN that was trained as long?",
    data="modelnet10@16",
    needs=DataNeeds(labels=True, dims=4),
    contenders=CONTENDERS,
    goal=Goal("validation/class_inception_score", "maximize"),
    evaluators=(VoxelGeneration(by_budget(smoke=24, other=200)),),
    final_evaluators=(VoxelGeneration(N_SAMPLES, real=True, turned=4),),
    note=notes.references("solids"),
    columns={
        "test/class_inception_score": "IS (data set's classifier)",
        "test/class_inception_score_buffer": "IS from persistent chains",
        "test/iou_coverage": "coverage (IoU)",
        **columns("iou_coverage_buffer", "iou_mmd", "iou_mmd_buffer"),
        "test/nearest_train_iou": "nearest training IoU",
        "test/nearest_train_iou_buffer": "nearest training IoU from persistent chains",
        "test/nearest_train_iou_real": "nearest training IoU of test examples",
        "test/voxel_n": "n",
    },
    budgets=budgets(0.125),
    targets=tuple(
        Target(
            f"3-D GAN in {what}, from {source}",
            f"test/{metric}{suffix}",
            ">",
            ENERGIES,
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
