"""Does a score model draw better pictures than a GAN or a VAE that was trained as long?

The study compares four paths from pictures to noise on which one U-Net learns the score of CIFAR-10: ``ve`` (variance
explodes, Song et al. 2021: samples by a step of reverse time and a Langevin step at each level), ``vp`` (variance is
preserved: ancestral samples), ``flow`` (the straight path of flow matching, Lipman et al. 2023: samples by Heun's
method) and ``edm`` (a lognormal of levels, Karras et al. 2022: samples by Heun's method). ``ve_langevin`` samples by
annealed Langevin dynamics alone (Song & Ermon 2019). What the network predicts is another axis: here it is the picture,
or its mixture with the noise by Karras et al., as a network on patches cannot predict noise
(`sweeps/score_predictions.py`). ``edm_classes`` is told the class, and guided to it classifier-free (Ho & Salimans
2022). Two know no level: ``energy_matching`` (Balcerak et al. 2025), one potential whose gradient is the flow, and
``equilibrium_field`` (Wang & Du 2025), which comes to rest at pictures. Baselines: a GAN (non-saturating, with R1), a
WGAN with gradient penalty, and a VAE, each of which draws a picture in one evaluation.

Distances in the features of the data set's own classifier (`gibbsweep evaluate prepare`) answer the question.
`--features inception` gives numbers that compare with published ones, where the weights of Inception can be had. A copy
of CIFAR-10 that was stored as JPEG has other pixels than the original one, and other distances.

    python sweeps/score_generation.py                           nine trials each, 12 seconds: colours, no objects
    python sweeps/score_generation.py --budget long --trials 0  200 seconds each on one core
    python sweeps/score_generation.py --data mnist              digits

Every contender trains for the same device-seconds, by costs of an update measured side by side on one core (batches of
32). The table has the seconds that it came to, and beside them what a sample costs.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from gibbsweep import Choice, Contender, Float, Goal, Sizes, Space, Study, Target
from gibbsweep.cli import run_study_of
from gibbsweep.evaluate import (
    ClassAccuracy,
    SampleDistances,
    SampleGrid,
    SamplingCost,
    SamplingPath,
    StepCounts,
    SyntheticAccuracy,
)
from gibbsweep.results.figures import AgainstMetric
from gibbsweep.study import by_budget, columns, equal_seconds, references
from gibbsweep.study.shared import N_SAMPLES, SampleOptions, gan, notes, vae, wgan_gp
from gibbsweep_models.energy.energy_matching import EnergyMatchingConfig
from gibbsweep_models.energy.equilibrium_matching import EquilibriumMatchingConfig
from gibbsweep_models.nn.denoisers import ClassifierFree
from gibbsweep_models.nn.energies import PotentialConfig
from gibbsweep_models.nn.noise_networks import UNetConfig
from gibbsweep_models.noise import EDMSchedule
from gibbsweep_models.samplers.diffusion import AnnealedLangevin, Heun
from gibbsweep_models.samplers.mcmc import NesterovDescent
from gibbsweep_models.score.score_model import ScoreModelConfig

# What an update costs is measured with batches of 32 images of 3x32x32.
budgets = partial(equal_seconds, seconds={"laptop": 12, "long": 200})

# Blocks of 4 x 4 pixels: an update in a tenth of the time of one at full resolution, and as many more of them.
NETWORK = UNetConfig((48, 96, 96), patch=4)


def preconditioned(config: ScoreModelConfig) -> ScoreModelConfig:
    """Of Karras et al. instead of the paper's own: a block of 48 numbers needs as many channels for the noise in it."""
    return replace(config, network=NETWORK, predicts="edm", weight="edm", learning_rate=4e-3)


# Two training images are at most about 100 apart on [-1, 1]; few steps and a small network are better off with less.
VE = preconditioned(ScoreModelConfig.ve(0.01, 30.0, n_steps=40))
LANGEVIN = replace(VE, sampler=AnnealedLangevin(20, 4, 0.1, VE.schedule))
VP = preconditioned(ScoreModelConfig.vp(n_steps=80))
FLOW = preconditioned(ScoreModelConfig.flow_matching(n_steps=20, t_min=0.01))
# The lowest level is one that is trained: the picture that a network predicts at others is none.
SCHEDULE = EDMSchedule(sigma_min=0.05, sigma_max=50.0, p_mean=0.2, p_std=1.0)
EDM = ScoreModelConfig(NETWORK, schedule=SCHEDULE, predicts="x0", sampler=Heun(20, SCHEDULE), learning_rate=4e-3)


def score(config: ScoreModelConfig, space: Space, **paper: float) -> Contender:
    """``paper``: fields of the sampler at the paper's size."""
    return Contender(
        config,
        space={"learning_rate": Float(1e-3, 1e-2, log=True), **space},
        budgets=budgets(0.055, gpu=30_000, paper=400_000),
        by_budget={
            "smoke": {"network.channels": (8, 8), "sampler.n_steps": 3},
            "long": {"ema_decay": 0.995},
            "gpu": {"network": UNetConfig((64, 128, 128), blocks=2), "ema_decay": 0.999},
            "paper": {
                "network": UNetConfig((128, 256, 256, 256), blocks=4),
                "ema_decay": 0.9999,
                "warmup": 5_000,
                **{f"sampler.{name}": value for name, value in paper.items()},
            },
        },
    )


POTENTIAL = PotentialConfig(NETWORK)
REGRESSION: Space = {"learning_rate": Float(1e-3, 1e-2, log=True)}
POTENTIAL_SIZES: Sizes = {
    "long": {"ema_decay": 0.995},
    "gpu": {"potential.network": UNetConfig((64, 128, 128), blocks=2, patch=2), "ema_decay": 0.999},
    "paper": {"potential.network": UNetConfig((128, 256, 256, 256), blocks=4), "ema_decay": 0.9999, "warmup": 5_000},
}
SMALL_POTENTIAL = {"potential.network.channels": (8, 8)}

CONTENDERS = {
    "ve": score(VE, {"sampler.snr": Float(0.05, 0.3, log=True)}, n_steps=1000),
    "ve_langevin": score(
        LANGEVIN, {"sampler.step_size": Float(0.02, 0.5, log=True)}, n_steps=232, steps_per_level=5, step_size=0.062
    ),
    "vp": score(VP, {"sampler.eta": Float(0.0, 1.0)}, n_steps=1000),
    "flow": score(FLOW, {"weight": Choice("edm", "velocity")}, n_steps=50),
    "edm": score(EDM, {"schedule.p_mean": Float(-0.6, 0.6), "sampler.s_churn": Choice(0.0, 5.0, 20.0)}),
    "edm_classes": score(
        replace(EDM, conditional=True, guidance=ClassifierFree(0.5)),
        {"schedule.p_mean": Float(-0.6, 0.6), "guidance.scale": Float(0.0, 2.0)},
    ),
    "energy_matching": Contender(
        EnergyMatchingConfig(POTENTIAL, learning_rate=4e-3, sample_steps=60),
        space={**REGRESSION, "sample_time": Float(0.9, 2.0)},
        budgets=budgets(0.125, gpu=12_000, paper=400_000),
        by_budget={**POTENTIAL_SIZES, "smoke": {**SMALL_POTENTIAL, "sample_steps": 3}},
    ),
    "equilibrium_field": Contender(
        EquilibriumMatchingConfig(POTENTIAL, explicit=False, learning_rate=4e-3, sampler=NesterovDescent(60, 0.05)),
        kind="score",
        space={**REGRESSION, "rest": Float(0.05, 0.5)},
        budgets=budgets(0.055, gpu=30_000, paper=400_000),
        by_budget={**POTENTIAL_SIZES, "smoke": {**SMALL_POTENTIAL, "sampler.n_steps": 3}},
    ),
    "gan": gan(1e-3, budgets(0.115, gpu=40_000, paper=500_000)),
    "wgan_gp": wgan_gp(budgets(0.054, gpu=70_000, paper=500_000)),
    "vae": vae(32, Choice(16, 32, 64), large=128),
}
DISTANCE = "test/frechet_distance"
SCORES, ADVERSARIAL = ("ve", "ve_langevin", "vp", "flow", "edm", "edm_classes"), ("gan", "wgan_gp")


def study(options: SampleOptions) -> Study:
    """The study, measured in ``options.features``."""
    final = (SampleDistances(N_SAMPLES, options.features), SampleGrid(n=64), SamplingCost(n=32))
    steps = by_budget(smoke=(2, 4), laptop=(3, 5, 10, 20, 40), other=(5, 10, 20, 50, 200))
    of_score = (*final, SamplingPath(), StepCounts(steps))
    of_classes = (
        ClassAccuracy(by_budget(smoke=24, other=1_000)),
        by_budget(
            smoke=SyntheticAccuracy(24, updates=4),
            laptop=SyntheticAccuracy(1_000),
            other=SyntheticAccuracy(5_000, updates=1_000),
        ),
    )
    return Study(
        name="score_generation",
        question="Does a score model draw better pictures than a GAN or a VAE that was trained as long?",
        data="cifar10",
        needs=options.needs,
        contenders={
            **CONTENDERS,
            **{name: replace(CONTENDERS[name], final_evaluators=of_score) for name in SCORES},
            "edm_classes": replace(CONTENDERS["edm_classes"], final_evaluators=(*of_score, *of_classes)),
            **references(final_evaluators=(*final[:2], *of_classes)),
        },
        goal=Goal("validation/frechet_distance", "minimize"),
        evaluators=(SampleDistances(by_budget(smoke=24, other=100), options.features),),
        final_evaluators=final,
        note=(
            f"{notes.distances(options.features)} {notes.DENSITY} `accuracy`: the share of samples that the classifier "
            "takes for the class that was asked for. `CAS`: the accuracy on test examples of a classifier that was "
            f"trained on samples alone. {notes.references()} {notes.sampling(32)}"
        ),
        columns={
            **columns("frechet_distance", "distance_n", "kernel_distance", "class_inception_score"),
            **columns("precision", "density", "recall", "coverage", "class_accuracy", "synthetic_accuracy"),
            **columns("sampling_nfe", "sampling_seconds"),
        },
        budgets=budgets(0.072, gpu=100_000, paper=500_000),
        targets=(
            Target("the GANs in Fréchet distance", DISTANCE, "<", SCORES, ADVERSARIAL),
            Target("the VAE in Fréchet distance", DISTANCE, "<", SCORES, ("vae",)),
            Target(
                "the class that was asked for, three times in five", "test/class_accuracy", ">", ("edm_classes",), 0.6
            ),
            Target("the GANs in recall", "test/recall", ">", SCORES, ADVERSARIAL),
            Target("Langevin dynamics alone against the GANs", DISTANCE, "<", ("ve_langevin",), ADVERSARIAL),
        ),
        figures={
            "cost": AgainstMetric(
                "test/sampling_seconds",
                DISTANCE,
                "seconds a sample",
                "Fréchet distance, lower is better",
                x_scale="log",
            )
        },
        pictures=("samples", "sampling_path", "step_counts"),
    )


STUDY = study(SampleOptions())

if __name__ == "__main__":
    run_study_of(study, SampleOptions)
