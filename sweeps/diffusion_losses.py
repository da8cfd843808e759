"""Which weight of the denoising error gives the better density, and which the better pictures?

One network, one process (variance-preserving, beta on a line) and one sampler (Heun's on the probability flow). The
study compares weights of the squared error of the noise, level by level. ``sigma2`` is DDPM's simple loss (Ho et al.
2020); ``likelihood`` weights by g², the diffusion term of the bound (Song et al., "Maximum Likelihood Training of
Score-Based Diffusion Models", 2021); ``hybrid`` is the first with a thousandth of the second (Nichol & Dhariwal 2021);
``edm`` is Karras et al.'s (2022); ``vlb`` is the variational bound itself, of bytes, with its reconstruction. The
baseline is DDPM: a thousand levels, the simple loss, ancestral steps.

Two goals of one search answer the question: bits per dimension along the probability flow, and the Fréchet distance of
samples. Of each weight the best in either goal is retrained (one row where it is one configuration), and the figure
shows which rows no other beats in both. On CIFAR-10 the likelihood weight lowered the bits from 3.04 to 2.94 and raised
the distance from 3.98 to 5.18 with large networks; five seeds say whether small ones agree.

    python sweeps/diffusion_losses.py                                     MNIST, two weights and DDPM, ten minutes
    python sweeps/diffusion_losses.py --contenders network others ddpm    all weights, twice as long
    python sweeps/diffusion_losses.py --budget long --trials 0 --contenders network ddpm
    python sweeps/diffusion_losses.py --data cifar10 --budget gpu
"""

from __future__ import annotations

from dataclasses import replace

from gibbsweep import Choice, Contender, DataNeeds, Float, Goal, Sizes, Study, Target
from gibbsweep.cli import run_study
from gibbsweep.evaluate import SampleDistances, SampleGrid, SamplingCost, SamplingPath, StepCounts
from gibbsweep.evaluate.likelihood.bits import BitsPerDim, VariationalBits
from gibbsweep.results.figures import AgainstMetric
from gibbsweep.results.findings import Findings, PublishedOrder, Unbeaten
from gibbsweep.study import REFERENCES, by_budget, columns, equal_seconds, references
from gibbsweep.study.shared import N_SAMPLES, notes
from gibbsweep_models.nn.noise_networks import UNetConfig
from gibbsweep_models.noise import EDMSchedule, VPSchedule
from gibbsweep_models.samplers.diffusion import Ancestral, Heun
from gibbsweep_models.score.score_model import ScoreModelConfig

BITS, DISTANCE = "test/bits_per_dim", "test/frechet_distance"
SIMPLE, LIKELIHOOD = ("network weight=sigma2",), ("network weight=likelihood",)

# From t = 1e-4 the lowest level is .0033, below the deviation of a dequantised byte's bin.
ONE = ScoreModelConfig(
    UNetConfig((32, 64, 64), patch=4),
    schedule=VPSchedule(t_min=1e-4),
    predicts="edm",
    weight="sigma2",
    sampler=Heun(18, EDMSchedule(sigma_min=0.005, sigma_max=80.0)),
    learning_rate=4e-3,
    ema_decay=0.99,
)
# DDPM's levels, loss and sampler; a network on blocks of 16 pixels cannot predict the noise in them.
LEVELS = ScoreModelConfig.ddpm().schedule
DDPM = replace(ONE, schedule=LEVELS, sampler=Ancestral(100, LEVELS))
SIZES: Sizes = {
    "smoke": {"network.channels": (8, 8), "sampler.n_steps": 3},
    "long": {"ema_decay": 0.998},
    "gpu": {"network": UNetConfig((64, 128, 128), blocks=2), "ema_decay": 0.999},
    "paper": {"network": UNetConfig((128, 256, 256), blocks=4), "ema_decay": 0.9999, "learning_rate": 2e-4},
}


def network(*weights: str) -> Contender:
    """The one network, with the front of every weight."""
    return Contender(
        ONE,
        space={"weight": Choice(*weights), "learning_rate": Float(1e-3, 1e-2, log=True), "grad_clip": Choice(1.0, 5.0)},
        compare="weight",
        by_budget=SIZES,
    )


NEAREST, NEAR = Goal("validation/frechet_distance", "minimize"), SampleDistances(by_budget(smoke=24, other=100))
DISTANCES = (SampleDistances(N_SAMPLES), SampleGrid(n=64))

STUDY = Study(
    name="diffusion_losses",
    question="Which weight of the denoising error gives the better density, and which the better pictures?",
    data="mnist",
    needs=DataNeeds(labels=True, dims=3),
    contenders={
        "network": network("sigma2", "likelihood"),
        "others": network("edm", "hybrid", "vlb"),
        "ddpm": Contender(
            DDPM,
            kind="baseline",
            space={"learning_rate": Float(1e-3, 1e-2, log=True), "sampler.eta": Float(0.0, 1.0)},
            by_budget={**SIZES, "paper": {**SIZES["paper"], "sampler.n_steps": 1000}},
        ),
        **references(goal=NEAREST, evaluators=(NEAR,), final_evaluators=DISTANCES),
    },
    default=("network", "ddpm", *REFERENCES),
    goal=(Goal("validation/bits_per_dim", "minimize"), NEAREST),
    front_size=2,
    evaluators=(BitsPerDim(by_budget(smoke=2, other=16)), NEAR),
    final_evaluators=(
        BitsPerDim(by_budget(smoke=2, laptop=32, long=200, gpu=1_000, paper=10_000)),
        VariationalBits(by_budget(smoke=8, laptop=128, long=800, gpu=4_000, paper=40_000), draws=4),
        *DISTANCES,
        SamplingPath(),
        StepCounts(by_budget(smoke=(2, 3), other=(3, 5, 10, 20, 50))),
        SamplingCost(n=16),
    ),
    note=(
        f"{notes.BITS} VLB: the variational bound of the bytes, of four times as many, with its standard error over "
        "them (VLB SE). The first is of data blurred by the lowest level, .0033, and DDPM's is .01. FD (Fréchet "
        f"distance) and class-IS are by the data set's own classifier, of n samples. {notes.references('digits')}"
    ),
    columns={
        **columns("bits_per_dim", "bits_n", "bits_nfe", "vlb_bits", "vlb_bits_se", "frechet_distance"),
        **columns("distance_n", "class_inception_score", "precision", "density", "recall", "coverage"),
        **columns("sampling_nfe", "sampling_seconds"),
    },
    # Equal updates: one of 32 digits takes .028 s whatever the weight, and .045 s for the bound, which evaluates twice.
    budgets=equal_seconds(0.028, {"laptop": 8, "long": 150}, gpu=30_000, paper=400_000),
    # To the end: a front needs trials that have both goals there.
    trials=by_budget(smoke=2, laptop=8, other=9),
    scheduler=by_budget(smoke="none", laptop="none", other="halving"),
    seeds=5,
    targets=(
        Target("the simple loss in bits per dimension, by the likelihood weight", BITS, "<", LIKELIHOOD, SIMPLE),
        Target("the likelihood weight in Fréchet distance, by the simple loss", DISTANCE, "<", SIMPLE, LIKELIHOOD),
        Target("DDPM in bits per dimension", BITS, "<", ("network",), ("ddpm",)),
        Target("DDPM in Fréchet distance", DISTANCE, "<", ("network",), ("ddpm",)),
    ),
    figures={
        "pareto": AgainstMetric(
            BITS, DISTANCE, "bits per dimension, probability flow", "Fréchet distance of samples", join="front"
        )
    },
    findings=Findings(
        Unbeaten(BITS, DISTANCE),
        PublishedOrder(BITS, "bits per dimension", "weight", "likelihood", "sigma2", "the large networks' order"),
        PublishedOrder(DISTANCE, "Fréchet distance", "weight", "sigma2", "likelihood", "the large networks' order"),
    ),
    pictures=("samples", "sampling_path", "step_counts"),
)

if __name__ == "__main__":
    run_study(STUDY)
