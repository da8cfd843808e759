"""Does an energy draw better digits than a GAN or a VAE that was trained as long?

Langevin chains draw images from a convolutional energy in three ways. Short runs start every training chain at noise and
never mix (Nijkamp et al. 2019): the chain is a generator of fixed depth. Persistent chains live in a replay buffer; what they
draw is measured twice, from noise by some hundred steps and from the buffer. Improved contrastive divergence (Du et al. 2021)
adds the gradient through the chain, its entropy, and chains that are moved. A
Gaussian-Bernoulli RBM samples by the Gibbs-Langevin chains from noise that it is trained with (Liao et al. 2022). A long
run of 10,000 steps (1,000 on a laptop) says whether an energy means what its pictures suggest. Baselines: a GAN
(non-saturating, with R1), a WGAN with gradient penalty, and a VAE.

Distances are in the features of the data set's own classifier (`gibbsweep evaluate prepare`), of n samples and n test
images: they compare with each other and with no published number. `--features inception` gives numbers that do, where
the weights of Inception can be had.

    python sweeps/image_generation.py                             four trials each, 12 seconds of training: no digits yet
    python sweeps/image_generation.py --budget long --trials 0    150 seconds each on one core: digits

Every contender trains for the same device-seconds: its updates are those seconds over the cost of one, measured side by
side on one core of an AMD EPYC (batches of 64 images of 28x28). The table has the seconds that it came to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from gibbsweep.cli import run_study_of
from gibbsweep.data import DataNeeds
from gibbsweep.evaluate import Evaluator, Features, LongRun, ReplayDistances, SampleDistances, SampleGrid
from gibbsweep.study import Choice, Contender, Float, Goal, Results, Study, Target
from gibbsweep.study.budgets import equal_seconds
from gibbsweep.train import Budget
from gibbsweep_models.baselines.gan import GANConfig
from gibbsweep_models.baselines.vae import VAEConfig
from gibbsweep_models.energy.conv_ebm import ConvEBMConfig
from gibbsweep_models.energy.gaussian_rbm import Dense, GaussianRBMConfig
from gibbsweep_models.objectives.cd import LangevinCD

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SECONDS = {"laptop": 12, "long": 150}
"""Device-seconds of one training on one core."""


@dataclass(frozen=True)
class Options:
    features: Features = "classifier"
    """What samples are measured with: the data set's own classifier, or Inception v3."""


def budgets(seconds_per_update: float, *, gpu: int, paper: int) -> Mapping[str, Budget]:
    """Equal device-seconds on a core; on a GPU an update's cost is its network evaluations one after the other."""
    return equal_seconds(seconds_per_update, SECONDS, batch_size=64, gpu=gpu, paper=paper)


N_SAMPLES = {"smoke": 24, "laptop": 500, "long": 2_000, "gpu": 5_000, "paper": 10_000}
N_CHAINS = {"smoke": 8, "laptop": 64, "long": 64, "gpu": 1_000, "paper": 1_000}
LONG_RUN = {"smoke": 10, "laptop": 1_000}


def study(options: Options) -> Study:
    """The study, measured in ``options.features``."""
    features = options.features

    def search(budget: str) -> tuple[Evaluator, ...]:
        return (SampleDistances(min(250, N_SAMPLES[budget]), features),)

    def final(budget: str) -> tuple[Evaluator, ...]:
        return (SampleDistances(N_SAMPLES[budget], features), SampleGrid(n=64))

    def of_energy(budget: str) -> tuple[Evaluator, ...]:
        long_run = LongRun(LONG_RUN.get(budget, 10_000), N_CHAINS[budget], features)
        return (*final(budget), long_run)

    def of_persistent(budget: str) -> tuple[Evaluator, ...]:
        return (*of_energy(budget), ReplayDistances(N_SAMPLES[budget], features))

    small = {"channels": (8, 8), "cd.n_steps": 3, "sample_steps": 5}
    wide = {"channels": (64, 128, 256, 256), "ema_decay": 0.999}
    langevin = {
        "cd.learning_rate": Float(3e-4, 3e-3, log=True),
        "cd.noise": Float(0.002, 0.02, log=True),
        "cd.l2": Float(0.01, 0.3, log=True),
    }
    # Many short updates beat few long ones, and a learning rate that falls to 0 leaves no digit favoured over the others.
    chains = LangevinCD(n_steps=15, learning_rate=1e-3, schedule="cosine")
    short_run = Contender(
        ConvEBMConfig(cd=replace(chains, n_steps=25, restart_fraction=1.0, step_size=20.0), sample_steps=25),
        kind="energy",
        space={**langevin, "cd.step_size": Float(5.0, 30.0, log=True)},
        budgets=budgets(0.12, gpu=14_000, paper=100_000),
        final_evaluators=of_energy,
        at={
            "smoke": {**small, "sample_steps": 3},
            "gpu": wide,
            "paper": {**wide, "cd.n_steps": 100, "cd.step_size": 10.0, "sample_steps": 100},
        },
    )
    persistent_at: Mapping[str, Mapping[str, Any]] = {
        "smoke": {**small, "cd.replay_size": 48},
        "gpu": {**wide, "cd.replay_size": 10_000},
        "paper": {**wide, "cd.replay_size": 10_000, "cd.n_steps": 60},
    }
    persistent = Contender(
        ConvEBMConfig(cd=chains),
        kind="energy",
        space=langevin,
        budgets=budgets(0.075, gpu=24_000, paper=150_000),
        final_evaluators=of_persistent,
        at=persistent_at,
    )
    improved = Contender(
        ConvEBMConfig(cd=replace(chains, kl=0.3, entropy=0.1, replay_shift=1, restart_fraction=0.1)),
        kind="energy",
        space={**langevin, "cd.kl": Float(0.1, 1.0, log=True), "cd.replay_shift": Choice(0, 1, 2)},
        budgets=budgets(0.1, gpu=20_000, paper=150_000),
        final_evaluators=of_persistent,
        at=persistent_at,
    )
    grbm = Contender(
        GaussianRBMConfig(Dense(512), chain="gibbs_langevin", start="noise", k=50, learning_rate=0.1),
        kind="energy",
        space={"learning_rate": Float(0.01, 0.3, log=True), "inner_step_size": Float(0.01, 0.1, log=True)},
        budgets=budgets(0.12, gpu=9_000, paper=300_000),
        final_evaluators=of_energy,
        at={
            "smoke": {"hidden.n_hidden": 16, "k": 2, "sample_steps": 3},
            "gpu": {"hidden.n_hidden": 4096},
            "paper": {"hidden.n_hidden": 4096, "k": 100},
        },
    )
    learning_rates = {
        "discriminator_learning_rate": Float(1e-4, 3e-3, log=True),
        "generator_learning_rate": Float(1e-4, 3e-3, log=True),
    }
    gan_at = {name: {"channels": (64, 128, 256), "latent_dim": 64, "ema_decay": 0.999} for name in ("gpu", "paper")}
    vae_at = {name: {"channels": (64, 128, 256), "latent_dim": 32, "ema_decay": 0.999} for name in ("gpu", "paper")}
    gan = Contender(
        GANConfig(discriminator_learning_rate=2e-3, generator_learning_rate=2e-3),
        kind="baseline",
        space={**learning_rates, "r1": Float(0.05, 5.0, log=True)},
        budgets=budgets(0.16, gpu=60_000, paper=500_000),
        at=gan_at,
    )
    wgan_gp = Contender(
        GANConfig.wgan_gp(learning_rate=1e-3),
        kind="baseline",
        space={**learning_rates, "generator_every": Choice(2, 5)},
        budgets=budgets(0.08, gpu=100_000, paper=500_000),
        at=gan_at,
    )
    vae = Contender(
        VAEConfig(learning_rate=3e-3),
        kind="baseline",
        space={"learning_rate": Float(3e-4, 5e-3, log=True), "beta": Float(0.3, 1.0), "latent_dim": Choice(8, 16, 32)},
        budgets=budgets(0.105, gpu=150_000, paper=500_000),
        at=vae_at,
    )
    energies, adversarial = ("short_run", "persistent", "improved", "grbm"), ("gan", "wgan_gp")
    network = "Inception v3" if features == "inception" else "the data set's own classifier"
    return Study(
        name="image_generation",
        question="Does an energy draw better digits than a GAN or a VAE that was trained as long?",
        data="mnist",
        needs=DataNeeds(labels=features == "classifier", dims=3),
        contenders={
            "short_run": short_run,
            "persistent": persistent,
            "improved": improved,
            "grbm": grbm,
            "gan": gan,
            "wgan_gp": wgan_gp,
            "vae": vae,
        },
        goal=Goal("validation/frechet_distance", "minimize"),
        evaluators=search,
        final_evaluators=final,
        note=(
            "Untuned (--trials 0), the configurations are the best of eight of the energy's, four of the GAN's and of the VAE's "
            "and two of the WGAN's, by Fréchet distance on validation after 60 to 100 s. "
            f"FD, KD and class-IS (Fréchet distance, kernel distance, class inception score), precision and recall are in the "
            f"features of {network}, of n samples against n images; `buf.`: from the replay buffer, else from noise. "
            "Drifts are of a long run after the samples: mean energy in standard deviations of the data's, and KD. "
            "Noise can have a high precision, where few features tell it from an unusual image: read it with recall and FD."
        ),
        columns={
            "test/frechet_distance": "FD",
            "test/frechet_distance_buffer": "FD buf.",
            "test/distance_n": "n",
            "test/kernel_distance": "KD",
            "test/kernel_distance_buffer": "KD buf.",
            "test/class_inception_score": "IS",
            "test/class_inception_score_buffer": "IS buf.",
            "test/precision": "prec.",
            "test/recall": "recall",
            "test/recall_buffer": "recall buf.",
            "test/long_run_energy_drift": "E drift",
            "test/long_run_kernel_distance_drift": "KD drift",
        },
        budgets=vae.budgets or {},
        trials=4,
        seeds=3,
        targets=(
            *(
                Target(
                    f"{whom}, from {source}", f"test/{metric}", "<", energies, than, than_metric="test/frechet_distance"
                )
                for source, metric in (("noise", "frechet_distance"), ("the buffer", "frechet_distance_buffer"))
                for whom, than in (("VAE in Fréchet distance", ("vae",)), ("GANs in Fréchet distance", adversarial))
            ),
        ),
        figures={"distances": distances},
        pictures=("samples", "buffer", "long_run"),
    )


def distances(results: Results) -> Figure:
    """The Fréchet distance of each contender's best configuration on the test split, from noise and from the buffer."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 3.4), layout="constrained")
    axes = figure.subplots()
    for offset, (metric, label) in enumerate(
        (("test/frechet_distance", "from noise"), ("test/frechet_distance_buffer", "from the buffer"))
    ):
        found = [(i, row.metrics[metric]) for i, row in enumerate(results.rows) if metric in row.metrics]
        axes.barh(
            [i + 0.4 * offset - 0.2 for i, _ in found],
            [statistic.mean for _, statistic in found],
            height=0.38,
            xerr=[statistic.sd for _, statistic in found],
            label=label,
        )
    axes.set_yticks(range(len(results.rows)), [f"{row.label} ({row.device_seconds:.0f} s)" for row in results.rows])
    axes.invert_yaxis()
    axes.set_xlabel("Fréchet distance, lower is better")
    axes.set_title(f"{results.data}, {results.budget}", fontsize=10)
    axes.grid(axis="x", alpha=0.3)
    axes.legend(frameon=False)
    return figure


STUDY = study(Options())

if __name__ == "__main__":
    run_study_of(study, Options)
