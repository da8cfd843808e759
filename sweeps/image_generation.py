"""Does an energy draw better digits than a GAN or a VAE that was trained as long?

The study compares energies that learn by two kinds of training. By contrastive divergence, from Langevin chains on a
convolutional energy: short runs start every training chain at noise and never mix (Nijkamp et al. 2019), so the chain
is a generator of fixed depth; persistent chains live in a replay buffer, and what they draw is measured twice, from
noise by some hundred steps and from the buffer; improved contrastive divergence (Du et al. 2021) adds the gradient
through the chain, its entropy, and chains that are moved. And by regression, three times the weights in the time of
twenty Langevin steps: the gradient of one potential fits the way from digits to noise (Energy Matching, Balcerak et al.
2025; its contrast near the data ends a ``long`` training), or comes to rest at the digits (Equilibrium Matching, Wang &
Du 2025; ``equilibrium_field`` is their field that is no gradient). A long run of 10,000 steps (150 on a laptop) says
whether an energy means what its pictures suggest. Baselines: a GAN (non-saturating, with R1), a WGAN with gradient
penalty, and a VAE.

Distances in the features of the data set's own classifier (`gibbsweep evaluate prepare`) answer the question.
`--features inception` gives numbers that compare with published ones, where the weights of Inception can be had.

    python sweeps/image_generation.py                 nine trials each, 12 seconds of training: no digits yet
    python sweeps/image_generation.py --budget long   150 seconds each on one core: digits

Every contender trains for the same device-seconds, by costs of an update measured side by side on one core of an AMD
EPYC; the table has the seconds that it came to.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from gibbsweep import Choice, Contender, Float, Goal, Study, Target
from gibbsweep.cli import run_study_of
from gibbsweep.evaluate import LongRun, ReplayDistances, SampleDistances, SampleGrid
from gibbsweep.study import by_budget, columns, equal_seconds, references
from gibbsweep.study.shared import SampleOptions, distance_bars, gan, notes, vae, wgan_gp
from gibbsweep_models.energy.conv_ebm import ConvEBMConfig
from gibbsweep_models.energy.energy_matching import EnergyMatchingConfig
from gibbsweep_models.energy.equilibrium_matching import EquilibriumMatchingConfig
from gibbsweep_models.nn.energies import PotentialConfig
from gibbsweep_models.nn.noise_networks import UNetConfig
from gibbsweep_models.objectives.cd import LangevinCD
from gibbsweep_models.objectives.flow_matching import WarmContrast
from gibbsweep_models.samplers.mcmc import NesterovDescent, WarmingLangevin

# An update's cost is measured with batches of 64 images of 28x28; on a GPU it is that of its network evaluations one
# after the other.
BATCH_SIZE = by_budget(smoke=16, laptop=64, long=64, other=128)
budgets = partial(equal_seconds, seconds={"laptop": 12, "long": 150}, batch_size=BATCH_SIZE)

N_SAMPLES = by_budget(smoke=24, laptop=1_000, long=2_000, gpu=5_000, paper=10_000)
DISTANCE, BUFFER = "test/frechet_distance", "test/frechet_distance_buffer"
REPLAYED, REGRESSED = ("persistent", "improved"), ("energy_matching", "equilibrium_matching")
ENERGIES, ADVERSARIAL = ("short_run", *REPLAYED, *REGRESSED), ("gan", "wgan_gp")

LANGEVIN = {
    "cd.learning_rate": Float(3e-4, 3e-3, log=True),
    "cd.noise": Float(0.002, 0.02, log=True),
    "cd.l2": Float(0.01, 0.3, log=True),
}
# Many short updates beat few long ones, and a learning rate that falls to 0 leaves no digit favoured over the others.
# A chain's share of the training's steps is the longer the fewer chains there are, and the energy is known no further:
# as few as the distances of the buffer need.
CHAINS = LangevinCD(n_steps=15, learning_rate=1e-3, schedule="cosine", replay_size=1_000)
SMALL = {"channels": (8, 8), "cd.n_steps": 3, "sample_steps": 5}
WIDE = {"channels": (64, 128, 256, 256), "ema_decay": 0.999}
PERSISTENT_SIZES = {
    "smoke": {**SMALL, "cd.replay_size": 48},
    "gpu": {**WIDE, "cd.replay_size": 3_500},
    "paper": {**WIDE, "cd.replay_size": 10_000, "cd.n_steps": 60},
}
# Blocks of 2 x 2 pixels draw sharper strokes than more updates on 4 x 4; for a field, which costs less, 4 x 4 serve.
POTENTIAL = PotentialConfig(UNetConfig((16, 32, 64), patch=2))
COARSE = PotentialConfig(UNetConfig((32, 64, 64), patch=4))
REGRESSION = {"learning_rate": Float(1e-3, 8e-3, log=True)}
DESCENT = NesterovDescent(60, 0.05)
SMALL_POTENTIAL = {"potential.network.channels": (8, 8), "potential.network.patch": 2}
WIDE_POTENTIAL = {"potential.network": UNetConfig((64, 128, 128), blocks=2, patch=2), "ema_decay": 0.999}
EQUILIBRIUM_SIZES = {
    "smoke": {**SMALL_POTENTIAL, "sampler.n_steps": 3},
    "gpu": WIDE_POTENTIAL,
    "paper": {**WIDE_POTENTIAL, "ema_decay": 0.9999},
}

CONTENDERS = {
    "short_run": Contender(
        ConvEBMConfig(cd=replace(CHAINS, n_steps=25, restart_fraction=1.0, step_size=20.0), sample_steps=25),
        space={**LANGEVIN, "cd.step_size": Float(5.0, 30.0, log=True)},
        budgets=budgets(0.12, gpu=14_000, paper=100_000),
        by_budget={
            "smoke": {**SMALL, "sample_steps": 3},
            "gpu": WIDE,
            "paper": {**WIDE, "cd.n_steps": 100, "cd.step_size": 10.0, "sample_steps": 100},
        },
    ),
    "persistent": Contender(
        ConvEBMConfig(cd=CHAINS),
        space=LANGEVIN,
        budgets=budgets(0.075, gpu=24_000, paper=150_000),
        by_budget=PERSISTENT_SIZES,
    ),
    "improved": Contender(
        ConvEBMConfig(cd=replace(CHAINS, kl=0.3, entropy=0.1, replay_shift=1, restart_fraction=0.1)),
        space={**LANGEVIN, "cd.kl": Float(0.1, 1.0, log=True), "cd.replay_shift": Choice(0, 1, 2)},
        budgets=budgets(0.1, gpu=20_000, paper=150_000),
        by_budget=PERSISTENT_SIZES,
    ),
    "energy_matching": Contender(
        EnergyMatchingConfig(
            POTENTIAL, learning_rate=4e-3, contrast=WarmContrast(WarmingLangevin(15, 0.1), margin=20.0), sample_steps=60
        ),
        space={**REGRESSION, "sample_time": Float(0.9, 2.0), "contrast_weight": Float(1e-4, 1e-2, log=True)},
        # A regression takes .097 s, and six times that with its contrast.
        budgets=budgets(0.12, gpu=24_000, paper=150_000),
        by_budget={
            "smoke": {**SMALL_POTENTIAL, "contrast_from": 2, "contrast.sampler.n_steps": 2, "sample_steps": 3},
            "long": {"contrast_from": 1_180, "ema_decay": 0.98},
            "gpu": {**WIDE_POTENTIAL, "contrast_from": 22_000},
            "paper": {**WIDE_POTENTIAL, "contrast_from": 148_000, "ema_decay": 0.9999},
        },
    ),
    "equilibrium_matching": Contender(
        EquilibriumMatchingConfig(POTENTIAL, learning_rate=4e-3, sampler=DESCENT),
        space={**REGRESSION, "rest": Float(0.05, 0.5), "sampler.step_size": Float(0.02, 0.1, log=True)},
        budgets=budgets(0.097, gpu=30_000, paper=150_000),
        by_budget=EQUILIBRIUM_SIZES,
    ),
    "equilibrium_field": Contender(
        EquilibriumMatchingConfig(COARSE, explicit=False, sampler=DESCENT),
        kind="score",
        space={**REGRESSION, "rest": Float(0.05, 0.5), "sampler.step_size": Float(0.02, 0.1, log=True)},
        budgets=budgets(0.028, gpu=60_000, paper=400_000),
        by_budget=EQUILIBRIUM_SIZES,
    ),
    "gan": gan(2e-3, budgets(0.16, gpu=60_000, paper=500_000)),
    "wgan_gp": wgan_gp(budgets(0.08, gpu=100_000, paper=500_000)),
    "vae": vae(16, Choice(8, 16, 32), large=32),
}


def study(options: SampleOptions) -> Study:
    """The study, measured in ``options.features``."""
    features = options.features
    final = (SampleDistances(N_SAMPLES, features), SampleGrid(n=64))
    n_chains = by_budget(smoke=8, laptop=64, long=64, other=1_000)
    of_energy = (*final, LongRun(by_budget(smoke=10, laptop=150, other=10_000), n_chains, features))
    n_replayed = by_budget(smoke=24, laptop=1_000, long=1_000, gpu=3_500, paper=10_000)
    of_persistent = (*of_energy, ReplayDistances(n_replayed, features))
    own = dict.fromkeys(("short_run", *REGRESSED), of_energy) | dict.fromkeys(REPLAYED, of_persistent)
    return Study(
        name="image_generation",
        question="Does an energy draw better digits than a GAN or a VAE that was trained as long?",
        data="mnist",
        needs=options.needs,
        contenders={name: replace(c, final_evaluators=own.get(name)) for name, c in CONTENDERS.items()} | references(),
        goal=Goal("validation/frechet_distance", "minimize"),
        evaluators=(SampleDistances(by_budget(smoke=24, other=250), features),),
        final_evaluators=final,
        note=(
            "Untuned (--trials 0), the configurations are the best of eight of the energy's, four of the GAN's and of "
            "the VAE's and two of the WGAN's, by Fréchet distance on validation after 60 to 100 s. "
            f"{notes.distances(features)} `buf.`: from the replay buffer, else from noise. Drifts are of a long run "
            "after the samples: mean energy in standard deviations of the data's, and KD. "
            f"{notes.DENSITY} {notes.references()}"
        ),
        columns={
            **columns("frechet_distance", "frechet_distance_buffer", "distance_n", "distance_n_buffer"),
            **columns("kernel_distance", "kernel_distance_buffer"),
            "test/class_inception_score": "IS",
            "test/class_inception_score_buffer": "IS buf.",
            **columns("precision", "density", "recall", "recall_buffer", "coverage", "coverage_buffer"),
            **columns("long_run_energy_drift", "long_run_kernel_distance_drift"),
        },
        budgets=budgets(0.105, gpu=150_000, paper=500_000),
        targets=tuple(
            Target(f"{whom} in Fréchet distance, from {source}", metric, "<", ENERGIES, than, than_metric=DISTANCE)
            for source, metric in (("noise", DISTANCE), ("the buffer", BUFFER))
            for whom, than in (("VAE", ("vae",)), ("GANs", ADVERSARIAL))
        ),
        figures={"distances": distance_bars({DISTANCE: "from noise", BUFFER: "from the buffer"})},
        pictures=("samples", "buffer", "long_run"),
    )


STUDY = study(SampleOptions())

if __name__ == "__main__":
    run_study_of(study, SampleOptions)
