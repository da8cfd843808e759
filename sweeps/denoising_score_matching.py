"""Is one score model, trained at all noise levels, worth an autoencoder for each of them?

``dsm`` is a U-Net that learns by denoising score matching at levels of a lognormal law about .4 (Vincent 2011; Song & Ermon 2019; the
large budgets: evenly from .003 to 20), told the level and, nine times out of ten, the digit. What it learns is a score, so it also
draws digits, from noise along the probability flow with fresh noise at each step, a little further towards the digit than its score says
(classifier-free guidance, Ho & Salimans 2022), and has a likelihood, along the same flow without the guidance. It trains as long as the five
autoencoders that it stands for do together; ``dsm_short`` as long as one of them. ``dsm_single`` is the same at the one level .01, where the score is known near the data and
nowhere else: its chains, started anywhere else, find no digits (Song & Ermon 2019, appendix C.1). ``dae_S`` are denoising autoencoders
(Vincent et al. 2008), the same U-Net for one level S each. ``autoencoder`` has a narrow
middle and never saw noise: what it cannot store it takes for noise.

Levels are in data units, [-1, 1]: twice those of [0, 1]. An error of 1 is what the best linear denoiser of unrelated pixels would
leave. `digit accuracy` is the share of samples that the data set's own classifier takes for the digit that was asked for.

    python sweeps/denoising_score_matching.py                             MNIST, ten minutes on two cores
    python sweeps/denoising_score_matching.py --budget long --trials 0    200 seconds a model on one core
    python sweeps/denoising_score_matching.py --budget gpu                for bits per dimension: 1.66 is a published small U-Net's
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gibbsweep.cli import run_study
from gibbsweep.data import DataNeeds
from gibbsweep.evaluate import (
    BitsPerDim,
    ClassAccuracy,
    DenoisingError,
    Evaluator,
    SampleDistances,
    SampleGrid,
    SamplingCost,
    SamplingPath,
)
from gibbsweep.study import Choice, Contender, Float, Goal, Results, Study, Target
from gibbsweep.study.budgets import equal_seconds
from gibbsweep.train import Budget
from gibbsweep_models.baselines.autoencoder import AutoencoderConfig
from gibbsweep_models.baselines.denoising_autoencoder import DenoisingAutoencoderConfig
from gibbsweep_models.nn.denoisers import ClassifierFree
from gibbsweep_models.nn.noise_networks import UNetConfig
from gibbsweep_models.noise import EDMSchedule, GeometricSchedule
from gibbsweep_models.samplers.diffusion import Heun, ScoreLangevin
from gibbsweep_models.score.score_model import ScoreModelConfig

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIGMAS = (0.1, 0.25, 0.5, 1.0, 2.0)
SINGLE = 0.01

SECONDS = {"laptop": 12, "long": 200}
"""Device-seconds of one training on one core."""

UNET_COST, AUTOENCODER_COST = 0.028, 0.06
"""Seconds of an update of a batch of 32 digits."""


def budgets(seconds_per_update: float, models: int = 1) -> Mapping[str, Budget]:
    """The device-seconds of so many ``models``."""
    seconds = {name: models * each for name, each in SECONDS.items()}
    return equal_seconds(seconds_per_update, seconds, gpu=30_000, paper=200_000)


N_SAMPLES = {"smoke": 24, "laptop": 200, "long": 1_000, "gpu": 2_000, "paper": 10_000}
N_BITS = {"smoke": 2, "laptop": 32, "long": 100, "gpu": 1_000, "paper": 10_000}
CHANNELS, PATCH = (64, 64), 4
SIZES: Mapping[str, Mapping[str, Any]] = {
    "smoke": {"channels": (8, 8)},
    "gpu": {"channels": (64, 128, 128), "patch": 1, "ema_decay": 0.999},
    "paper": {"channels": (128, 256, 256), "blocks": 2, "patch": 1, "ema_decay": 0.9999},
}


def sizes(**smoke: int) -> Mapping[str, Mapping[str, Any]]:
    """The same sizes for the network of a score model; ``smoke``: of its sampler."""
    found = {
        budget: {name if name == "ema_decay" else f"network.{name}": value for name, value in changes.items()}
        for budget, changes in SIZES.items()
    }
    found["smoke"] |= {f"sampler.{name}": value for name, value in smoke.items()}
    return found


def limit(budget: str) -> int:
    return 20 if budget == "smoke" else 1_000


def denoised(budget: str) -> tuple[Evaluator, ...]:
    return (DenoisingError(SIGMAS, limit(budget)),)


def of_score(budget: str) -> tuple[Evaluator, ...]:
    n = N_SAMPLES[budget]
    return (
        *denoised(budget),
        SampleDistances(n),
        ClassAccuracy(min(n, 1_000)),
        SampleGrid(n=64),
        SamplingPath(),
        SamplingCost(n=16),
    )


def of_dsm(budget: str) -> tuple[Evaluator, ...]:
    return (*of_score(budget), BitsPerDim(N_BITS[budget]))


LEARNING_RATE = {"learning_rate": Float(1e-3, 1e-2, log=True)}
# At the ends of the range there is little to learn: a short training dwells on the middle. A long one needs them, for the likelihood.
MIDDLE, EVENLY = EDMSchedule(sigma_min=0.003, sigma_max=20.0, p_mean=-0.9, p_std=1.4), GeometricSchedule(0.003, 20.0)
DSM = Contender(
    ScoreModelConfig(
        UNetConfig(CHANNELS, patch=PATCH),
        schedule=MIDDLE,
        # 20 levels of 4 Langevin steps, unguided, draw the digit that was asked for half as often, in more evaluations.
        sampler=Heun(20, EDMSchedule(sigma_min=0.02, sigma_max=15.0), s_churn=10.0, s_min=0.05, s_max=5.0),
        guidance=ClassifierFree(0.7, interval=(0.05, 5.0)),
        conditional=True,
        learning_rate=4e-3,
        ema_decay=0.99,
    ),
    kind="score",
    space={**LEARNING_RATE, "weight": Choice("edm", "sigma2"), "ema_decay": Choice(0.98, 0.995)},
    budgets=budgets(UNET_COST, models=len(SIGMAS)),
    final_evaluators=of_dsm,
    at={
        **sizes(n_steps=3),
        **{name: {**sizes()[name], "schedule": EVENLY} for name in ("gpu", "paper")},
    },
)
DSM_SHORT = replace(DSM, budgets=budgets(UNET_COST))
DSM_SINGLE = Contender(
    ScoreModelConfig(
        UNetConfig(CHANNELS, patch=PATCH),
        schedule=EDMSchedule(p_mean=math.log(SINGLE), p_std=0.0),
        # Starts uniformly in the range of the pixels; half of the largest stable step.
        sampler=ScoreLangevin(n_steps=80, step_size=SINGLE**2, sigma=SINGLE, reach=1.0),
        conditional=True,
        learning_rate=4e-3,
        ema_decay=0.99,
    ),
    kind="score",
    space=LEARNING_RATE,
    goal=Goal("validation/denoising_error_own", "minimize"),
    evaluators=(DenoisingError((SINGLE,), 200, average="own"),),
    budgets=budgets(UNET_COST),
    final_evaluators=of_score,
    at=sizes(n_steps=3),
)


def dae_at(sigma: float) -> Contender:
    """An autoencoder for the one level ``sigma``, measured at that level alone."""

    def final(budget: str) -> tuple[Evaluator, ...]:
        return (DenoisingError((sigma,), limit(budget), average="own"),)

    return Contender(
        DenoisingAutoencoderConfig(
            channels=CHANNELS,
            patch=PATCH,
            schedule=EDMSchedule(p_mean=math.log(sigma), p_std=0.0),
            learning_rate=4e-3,
            ema_decay=0.99,
        ),
        kind="baseline",
        space=LEARNING_RATE,
        goal=Goal("validation/denoising_error_own", "minimize"),
        evaluators=(DenoisingError((sigma,), 200, average="own"),),
        final_evaluators=final,
        budgets=budgets(UNET_COST),
        at=SIZES,
    )


DAES = {f"dae_{sigma:g}": dae_at(sigma) for sigma in SIGMAS}
AUTOENCODER = Contender(
    AutoencoderConfig(latent_dim=32),
    kind="baseline",
    space={"learning_rate": Float(5e-4, 5e-3, log=True), "latent_dim": Choice(16, 32, 64)},
    budgets=budgets(AUTOENCODER_COST),
    at={
        "smoke": {"channels": (8, 8)},
        "gpu": {"channels": (64, 128, 128), "ema_decay": 0.999},
        "paper": {"channels": (128, 256, 256), "ema_decay": 0.9999},
    },
)


def error_against_sigma(results: Results) -> Figure:
    """The denoising error on the test split at each level: a line for a model of all levels, a point for one of a single one."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 4.2), layout="constrained")
    axes = figure.subplots()
    for row in results.rows:
        found = [
            (s, row.metrics[f"test/denoising_error_{s:g}"])
            for s in SIGMAS
            if f"test/denoising_error_{s:g}" in row.metrics
        ]
        if found:
            means, deviations = [m.mean for _, m in found], [m.sd for _, m in found]
            style = {"score": "-", "baseline": "--", "energy": "-"}[row.kind]
            axes.errorbar(
                [s for s, _ in found], means, deviations, ls=style, marker="o", ms=4, capsize=2, label=row.label
            )
    axes.axhline(1.0, color="grey", ls=":", label="best linear, unrelated pixels")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("noise level, in units of [-1, 1]")
    axes.set_ylabel("denoising error")
    axes.set_title(f"{results.data}, {results.budget}", fontsize=10)
    axes.grid(alpha=0.3)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside right upper", frameon=False, fontsize=8)
    return figure


STUDY = Study(
    name="denoising_score_matching",
    question="Is one score model, trained at all noise levels, worth an autoencoder for each of them?",
    data="mnist",
    needs=DataNeeds(labels=True, dims=3),
    contenders={"dsm": DSM, "dsm_short": DSM_SHORT, "dsm_single": DSM_SINGLE, **DAES, "autoencoder": AUTOENCODER},
    goal=Goal("validation/denoising_error_mean", "minimize"),
    evaluators=(DenoisingError(SIGMAS, 200),),
    final_evaluators=denoised,
    note=(
        "`error` is the denoising error, 1 for the best linear denoiser of unrelated pixels: `mean` over the levels of "
        f"{', '.join(f'{s:g}' for s in SIGMAS)}, `own` at the one level that an autoencoder is for. FD (Fréchet distance) and digit "
        "accuracy are by the data set's own classifier, of n samples. Bits per dimension are of bytes, dequantised uniformly, along "
        "the probability flow with one random direction for the trace: of `bits n` images in `bits nfe` evaluations at most."
    ),
    columns={
        "test/denoising_error_mean": "error, mean",
        "test/denoising_error_own": "error, own",
        **{f"test/denoising_error_{sigma:g}": f"at {sigma:g}" for sigma in SIGMAS},
        "test/frechet_distance": "FD",
        "test/distance_n": "n",
        "test/class_accuracy": "digit accuracy",
        "test/class_accuracy_real": "of test digits",
        "test/bits_per_dim": "bits/dim",
        "test/bits_n": "bits n",
        "test/bits_nfe": "bits nfe",
        "test/sampling_nfe": "nfe",
        "test/sampling_seconds": "s/sample",
    },
    budgets=budgets(UNET_COST),
    trials=2,
    seeds=3,
    targets=(
        *(
            Target(
                f"the autoencoders of one level each, averaged over the levels, {how}",
                "test/denoising_error_mean",
                "<",
                (name,),
                tuple(DAES),
                than_metric="test/denoising_error_own",
                than_mean=True,
            )
            for name, how in (("dsm", "in the seconds of all of them"), ("dsm_short", "in the seconds of one"))
        ),
        Target("the autoencoder that saw no noise", "test/denoising_error_mean", "<", ("dsm",), ("autoencoder",)),
        Target(
            "a single level draws no digits: at most twice chance", "test/class_accuracy", "<", ("dsm_single",), 0.2
        ),
        Target("many levels draw the digit asked for, four times in five", "test/class_accuracy", ">", ("dsm",), 0.8),
        Target("1.66 bits a dimension (goal of the gpu budget)", "test/bits_per_dim", "<", ("dsm",), 1.66),
    ),
    figures={"error": error_against_sigma},
    pictures=("samples", "sampling_path", "denoised_levels"),
)

if __name__ == "__main__":
    run_study(STUDY)
