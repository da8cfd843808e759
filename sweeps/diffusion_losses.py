"""Score matching or likelihood: which weight of the denoising error gives the better density, and which the better pictures?

One network, one process (variance-preserving, beta on a line) and one sampler (Heun's on the probability flow); only the weight of
the squared error of the noise, level by level, differs. ``sigma2`` is DDPM's simple loss (Ho et al. 2020); ``likelihood`` weights by
g², the diffusion term of the bound (Song et al., "Maximum Likelihood Training of Score-Based Diffusion Models", 2021); ``hybrid`` is
the first with a thousandth of the second (Nichol & Dhariwal 2021); ``edm`` is Karras et al.'s (2022); ``vlb`` is the variational
bound itself, of bytes, with its reconstruction. The baseline is DDPM: a thousand levels, the noise predicted, ancestral steps.

Two goals of one search: bits per dimension along the probability flow, and the Fréchet distance of samples, both of the validation
split. Of each weight the best in either goal is retrained (one row where it is one configuration), and the figure shows which rows no
other beats in both. On CIFAR-10 the likelihood weight lowered the bits from 3.04 to 2.94 and raised the distance from 3.98 to 5.18 with large
networks; five seeds say whether small ones agree.

    python sweeps/diffusion_losses.py                             MNIST, ten minutes on two cores: the two weights and DDPM
    python sweeps/diffusion_losses.py --contenders network others ddpm                all weights, twice as long
    python sweeps/diffusion_losses.py --budget long --trials 0 --contenders network ddpm
    python sweeps/diffusion_losses.py --data cifar10 --budget gpu
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gibbsweep.cli import run_study
from gibbsweep.data import DataNeeds
from gibbsweep.evaluate import (
    BitsPerDim,
    Evaluator,
    SampleDistances,
    SampleGrid,
    SamplingCost,
    SamplingPath,
    StepCounts,
    VariationalBits,
)
from gibbsweep.results.pareto import draw_front, front
from gibbsweep.results.row import Statistic
from gibbsweep.study import Choice, Contender, Float, Goal, Results, Study, Target
from gibbsweep.study.budgets import equal_seconds
from gibbsweep_models.nn.noise_networks import UNetConfig
from gibbsweep_models.noise import EDMSchedule, VPSchedule
from gibbsweep_models.samplers.diffusion import Ancestral, Heun
from gibbsweep_models.score.score_model import ScoreModelConfig

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BITS, DISTANCE = "test/bits_per_dim", "test/frechet_distance"
WEIGHTS, OTHERS = ("sigma2", "likelihood"), ("edm", "hybrid", "vlb")

SECONDS = {"laptop": 8, "long": 150}
"""Device-seconds of one training on one core, by a weight."""
BUDGETS = equal_seconds(0.028, SECONDS, gpu=30_000, paper=400_000)
"""Equal updates: one of a batch of 32 digits takes .028 s whatever the weight, and .045 s for the bound, which evaluates twice."""

N_SAMPLES = {"smoke": 24, "laptop": 200, "long": 1_000, "gpu": 5_000, "paper": 10_000}
N_BITS = {"smoke": 2, "laptop": 32, "long": 200, "gpu": 1_000, "paper": 10_000}
STEPS = {"smoke": (2, 3)}

NETWORK = UNetConfig((32, 64, 64), patch=4)
# From t = 1e-4 the lowest level is .0033, below the deviation of a dequantised byte's bin.
SCHEDULE = VPSchedule(t_min=1e-4)
ONE = ScoreModelConfig(
    NETWORK,
    schedule=SCHEDULE,
    predicts="edm",
    weight="sigma2",
    sampler=Heun(18, EDMSchedule(sigma_min=0.005, sigma_max=80.0)),
    learning_rate=4e-3,
    ema_decay=0.99,
)
LADDER = ScoreModelConfig.ddpm()
DDPM = replace(
    LADDER,
    network=NETWORK,
    sampler=Ancestral(100, LADDER.schedule),
    learning_rate=4e-3,
    ema_decay=0.99,
)


def sizes(**paper: Any) -> dict[str, dict[str, Any]]:
    """What a budget changes; ``paper``: of the sampler."""
    return {
        "smoke": {"network.channels": (8, 8), "sampler.n_steps": 3},
        "long": {"ema_decay": 0.998},
        "gpu": {"network.channels": (64, 128, 128), "network.blocks": 2, "network.patch": 1, "ema_decay": 0.999},
        "paper": {
            "network.channels": (128, 256, 256),
            "network.blocks": 4,
            "network.patch": 1,
            "ema_decay": 0.9999,
            "learning_rate": 2e-4,
            **{f"sampler.{name}": value for name, value in paper.items()},
        },
    }


def search(budget: str) -> tuple[Evaluator, ...]:
    return (BitsPerDim(min(16, N_BITS[budget])), SampleDistances(min(100, N_SAMPLES[budget])))


def final(budget: str) -> tuple[Evaluator, ...]:
    return (
        BitsPerDim(N_BITS[budget]),
        VariationalBits(4 * N_BITS[budget], draws=4),
        SampleDistances(N_SAMPLES[budget]),
        SampleGrid(n=64),
        SamplingPath(),
        StepCounts(STEPS.get(budget, (3, 5, 10, 20, 50))),
        SamplingCost(n=16),
    )


def network(weights: tuple[str, ...]) -> Contender:
    """The one network, with the front of every weight."""
    return Contender(
        ONE,
        kind="score",
        space={
            "weight": Choice(*weights),
            "learning_rate": Float(1e-3, 1e-2, log=True),
            "grad_clip": Choice(1.0, 5.0),
        },
        compare="weight",
        at=sizes(),
    )


def pareto(results: Results) -> Figure:
    return draw_front(results, BITS, DISTANCE, ("bits per dimension, probability flow", "Fréchet distance of samples"))


def findings(results: Results) -> Sequence[str]:
    """Who is on the front, and whether the order of the large networks is that of these."""
    said = []
    best = front(results.rows, BITS, DISTANCE)
    if best:
        said.append(f"No row beats these in both: {', '.join(row.label for row in best)}.")
    for metric, name, better, worse in (
        (BITS, "bits per dimension", "likelihood", "sigma2"),
        (DISTANCE, "Fréchet distance", "sigma2", "likelihood"),
    ):
        a, b = best_in(results, metric, better), best_in(results, metric, worse)
        if a is None or b is None:
            continue
        # Two standard errors of the difference of two means over seeds.
        noise = 2 * (a.sd**2 / a.n + b.sd**2 / b.n) ** 0.5
        order = "agrees with" if a.mean < b.mean else "contradicts"
        clear = "" if abs(a.mean - b.mean) > noise else ", within two standard errors of equal"
        if min(a.n, b.n) < 2:
            clear = ", by one seed, which says little"
        said.append(f"{better} against {worse} in {name}, {a} against {b}, {order} the large networks' order{clear}.")
    return said


def best_in(results: Results, metric: str, weight: str) -> Statistic | None:
    """The lowest mean of the rows on the front of ``weight``."""
    found = [r.metrics[metric] for r in results.rows if r.compared.get("weight") == weight and metric in r.metrics]
    return min(found, key=lambda statistic: statistic.mean, default=None)


STUDY = Study(
    name="diffusion_losses",
    question="Which weight of the denoising error gives the better density, and which the better pictures?",
    data="mnist",
    needs=DataNeeds(labels=True, dims=3),
    contenders={
        "network": network(WEIGHTS),
        "others": network(OTHERS),
        "ddpm": Contender(
            DDPM,
            kind="baseline",
            space={"learning_rate": Float(1e-3, 1e-2, log=True), "sampler.eta": Float(0.0, 1.0)},
            at=sizes(n_steps=1000),
        ),
    },
    default=("network", "ddpm"),
    goal=(Goal("validation/bits_per_dim", "minimize"), Goal("validation/frechet_distance", "minimize")),
    front=2,
    evaluators=search,
    final_evaluators=final,
    note=(
        "Bits per dimension are of bytes, dequantised uniformly, along the probability flow with one random direction for the trace: "
        "of `bits n` test images, in `bits nfe` evaluations at most. VLB: the variational bound of the bytes, of four times as many. "
        "The first is of data blurred by the lowest level, .0033, and DDPM's is .01. FD (Fréchet distance) and class-IS are by the "
        "data set's own classifier, of n samples."
    ),
    columns={
        BITS: "bits/dim",
        "test/bits_n": "bits n",
        "test/bits_nfe": "bits nfe",
        "test/vlb_bits": "VLB",
        DISTANCE: "FD",
        "test/distance_n": "n",
        "test/class_inception_score": "class-IS",
        "test/recall": "recall",
        "test/sampling_nfe": "nfe",
        "test/sampling_seconds": "s/sample",
    },
    budgets=BUDGETS,
    trials=10,
    seeds=5,
    targets=(
        Target(
            "the simple loss in bits per dimension, by the likelihood weight",
            BITS,
            "<",
            ("network weight=likelihood",),
            ("network weight=sigma2",),
        ),
        Target(
            "the likelihood weight in Fréchet distance, by the simple loss",
            DISTANCE,
            "<",
            ("network weight=sigma2",),
            ("network weight=likelihood",),
        ),
        Target("DDPM in bits per dimension", BITS, "<", ("network",), ("ddpm",)),
        Target("DDPM in Fréchet distance", DISTANCE, "<", ("network",), ("ddpm",)),
    ),
    figures={"pareto": pareto},
    findings=findings,
    pictures=("samples", "sampling_path", "step_counts"),
)

if __name__ == "__main__":
    run_study(STUDY)
