"""Does an energy denoise as well as an autoencoder, when it is told the noise level and when it is not?

A denoiser that is the gradient of an energy costs a second differentiation and cannot be any vector field; an autoencoder can.
Both have the same U-Net here, the same squared error over the same noise levels (for the energy that is denoising score
matching), the same updates and trials; ``dae_blind_longer`` has 2.5 times as many, about the energy's device-seconds. "Told" hears the noise level; "blind" is one model for all levels that does not. An
energy trained by contrastive divergence knows no noise at all and denoises by descending to the mode of its posterior.
Non-local means and total variation learn nothing; blind, they and contrastive divergence estimate the level from the image.

Noise levels are given in [0, 1] pixel units (15/255 to .5), as such results are published. The models work on [-1, 1], so
their sigma is twice that: training levels from .1 to 1.1 there are .05 to .55 here.

    python sweeps/denoising.py                               MNIST, ten minutes on two cores
    python sweeps/denoising.py --data cifar10_4k             original colour pixels
    python sweeps/denoising.py --contenders dae_15 dae_50    autoencoders that know one level only
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from gibbsweep.cli import run_study
from gibbsweep.data import DataNeeds
from gibbsweep.evaluate import Denoising, Evaluator
from gibbsweep.evaluate.restoring.denoising import SIGMAS, sigma_name
from gibbsweep.results.targets import Target
from gibbsweep.study import Contender, Float, Goal, Results, Study
from gibbsweep.train import Budget
from gibbsweep_models.baselines.classical_denoising import ClassicalDenoiserConfig
from gibbsweep_models.baselines.denoising_autoencoder import DenoisingAutoencoderConfig
from gibbsweep_models.energy.conv_ebm import ConvEBMConfig
from gibbsweep_models.energy.dsm_energy import DSMEnergyConfig
from gibbsweep_models.noise import EDMSchedule
from gibbsweep_models.objectives.cd import LangevinCD
from gibbsweep_models.samplers.mcmc import MAPDenoising

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BUDGETS = {
    "smoke": Budget(updates=4, batch_size=8, report_every=2),
    "laptop": Budget(updates=300, batch_size=16, report_every=150),
    "long": Budget(updates=2_500, batch_size=32, report_every=500),
    "gpu": Budget(updates=20_000, batch_size=128, report_every=2_000),
    "paper": Budget(updates=200_000, batch_size=128, report_every=10_000),
}
TOLD = Goal("validation/psnr_mean", "maximize")
BLIND = Goal("validation/psnr_blind_mean", "maximize")
BLIND_ENERGY, BLIND_AUTOENCODER = 0.35, 0.6
"""What a blind model takes the level to be, on [-1, 1]: each the better of .35, .6 or .7 and 1 on validation images."""


def measured(budget: str, **options: bool) -> tuple[Evaluator, ...]:
    """On the test split: a thousand images, or all of them where the hardware allows."""
    return (Denoising(limit=None if budget == "paper" else 20 if budget == "smoke" else 1000, **options),)  # type: ignore[arg-type]


def told(budget: str) -> tuple[Evaluator, ...]:
    return measured(budget)


def blind(budget: str) -> tuple[Evaluator, ...]:
    return measured(budget, blind=True)


def told_and_blind(budget: str) -> tuple[Evaluator, ...]:
    return (*measured(budget), *measured(budget, blind=True))


LARGE = {
    "gpu": {"channels": (64, 128, 256), "patch": 1, "ema_decay": 0.999},
    "paper": {"channels": (128, 256, 256), "patch": 1, "blocks": 2, "ema_decay": 0.9999},
}
LEARNING_RATE = {"learning_rate": Float(2e-3, 8e-3, log=True)}

DSM_TOLD = Contender(DSMEnergyConfig(learning_rate=4e-3), kind="energy", space=LEARNING_RATE, at=LARGE)
DSM_BLIND = Contender(
    DSMEnergyConfig(blind_at=BLIND_ENERGY, learning_rate=3e-3),
    kind="energy",
    space=LEARNING_RATE,
    goal=BLIND,
    evaluators=(Denoising(blind=True, limit=100),),
    final_evaluators=blind,
    at=LARGE,
)
CD = Contender(
    ConvEBMConfig(
        cd=LangevinCD(n_steps=15, learning_rate=5e-4, data_noise=0.03), denoising=MAPDenoising(prior_weight=150.0)
    ),
    kind="energy",
    space={
        "denoising.prior_weight": Float(30.0, 3000.0, log=True),
        "cd.learning_rate": Float(1e-4, 1e-3, log=True),
        "cd.data_noise": Float(0.005, 0.1, log=True),
    },
    final_evaluators=told_and_blind,
    at={"gpu": {"channels": (64, 128, 256, 256)}, "paper": {"channels": (128, 256, 512, 512), "cd.n_steps": 60}},
)
DAE_TOLD = Contender(DenoisingAutoencoderConfig(learning_rate=4e-3), kind="baseline", space=LEARNING_RATE, at=LARGE)
DAE_BLIND = Contender(
    DenoisingAutoencoderConfig(blind_at=BLIND_AUTOENCODER, learning_rate=4e-3),
    kind="baseline",
    space=LEARNING_RATE,
    goal=BLIND,
    evaluators=(Denoising(blind=True, limit=100),),
    final_evaluators=blind,
    at=LARGE,
)


def with_seconds_of_energy(budgets: Mapping[str, Budget]) -> dict[str, Budget]:
    """So many updates of an autoencoder as take about an energy's device-seconds: an energy is differentiated twice, which makes
    its update two and a half times as long."""
    return {
        name: replace(budget, updates=round(2.5 * budget.updates), report_every=round(2.5 * budget.report_every))
        for name, budget in budgets.items()
    }


def dae_at(sigma: float) -> Contender:
    """An autoencoder for the one level ``sigma`` (in [0, 1] pixel units), measured at that level alone."""

    def evaluators(budget: str) -> tuple[Evaluator, ...]:
        return (Denoising((sigma,), limit=20 if budget == "smoke" else 1000),)

    return Contender(
        DenoisingAutoencoderConfig(learning_rate=4e-3, schedule=EDMSchedule(p_mean=math.log(2 * sigma), p_std=0.0)),
        kind="baseline",
        space=LEARNING_RATE,
        goal=Goal(f"validation/psnr_{sigma_name(sigma)}", "maximize"),
        evaluators=(Denoising((sigma,), limit=100),),
        final_evaluators=evaluators,
        at=LARGE,
    )


NL_MEANS = Contender(
    ClassicalDenoiserConfig("nl_means"),
    kind="baseline",
    space={"strength": Float(0.3, 1.5)},
    final_evaluators=told_and_blind,
)
TV = Contender(
    ClassicalDenoiserConfig("tv"),
    kind="baseline",
    space={"strength": Float(0.3, 1.5)},
    final_evaluators=told_and_blind,
)


def psnr_against_sigma(results: Results) -> Figure:
    """Mean PSNR on the test split at each noise level, told on the left, blind on the right, the noisy images dotted."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.0, 4.2), layout="constrained")
    for axes, kind, title in zip(
        figure.subplots(1, 2, sharey=True), ("", "blind_"), ("told the noise level", "blind"), strict=True
    ):
        for row in results.rows:
            found = [(s, row.metrics.get(f"test/psnr_{kind}{sigma_name(s)}")) for s in SIGMAS]
            points = [(s, metric) for s, metric in found if metric is not None]
            if points:
                style = {"energy": "-", "score": "-", "baseline": "--"}[row.kind]
                means, deviations = [m.mean for _, m in points], [m.sd for _, m in points]
                axes.errorbar([s for s, _ in points], means, deviations, marker="o", ls=style, label=row.label, ms=4)
        noisy = [r for r in results.rows if f"test/psnr_{kind}noisy_mean" in r.metrics]
        if noisy:
            levels = [noisy[0].metrics[f"test/psnr_{kind}noisy_{sigma_name(s)}"].mean for s in SIGMAS]
            axes.plot(SIGMAS, levels, color="grey", ls=":", label="noisy image")
        axes.set_title(f"{title} ({results.data}, {results.budget})", fontsize=10)
        axes.set_xlabel("noise level, in [0, 1] pixel units")
        axes.grid(alpha=0.3)
        if axes.lines:
            axes.legend(frameon=False, fontsize=8)
    figure.axes[0].set_ylabel("PSNR, dB")
    return figure


CLASSICAL = ("nl_means", "tv")

STUDY = Study(
    name="denoising",
    question="Does an energy denoise as well as an autoencoder, told the noise level and blind?",
    data="mnist",
    needs=DataNeeds(dims=3),
    contenders={
        "dsm_told": DSM_TOLD,
        "dsm_blind": DSM_BLIND,
        "cd": CD,
        "dae_told": DAE_TOLD,
        "dae_blind": DAE_BLIND,
        "dae_blind_longer": replace(DAE_BLIND, budgets=with_seconds_of_energy(BUDGETS)),
        **{f"dae_{sigma_name(sigma)}": dae_at(sigma) for sigma in SIGMAS},
        "nl_means": NL_MEANS,
        "tv": TV,
    },
    default=("dsm_told", "dsm_blind", "cd", "dae_told", "dae_blind", "dae_blind_longer", "dae_25", "nl_means", "tv"),
    goal=TOLD,
    evaluators=(Denoising(limit=100),),
    final_evaluators=told,
    columns={
        "test/psnr_blind_mean": "blind PSNR",
        "test/psnr_mean": "told PSNR",
        "test/psnr_blind_noisy_mean": "noisy PSNR",
        "test/ssim_blind_mean": "blind SSIM",
        "test/ssim_mean": "told SSIM",
        **{f"test/psnr_blind_{sigma_name(s)}": f"blind {sigma_name(s)}" for s in SIGMAS},
        **{f"test/psnr_{sigma_name(s)}": f"told {sigma_name(s)}" for s in SIGMAS},
    },
    budgets=BUDGETS,
    targets=(
        Target("the blind autoencoder", "test/psnr_blind_mean", ">", ("dsm_blind",), ("dae_blind",)),
        Target(
            "the blind autoencoder at about the energy's device-seconds",
            "test/psnr_blind_mean",
            ">",
            ("dsm_blind",),
            ("dae_blind_longer",),
        ),
        Target("the told autoencoder, within .1 dB", "test/psnr_mean", ">", ("dsm_told",), ("dae_told",), offset=-0.1),
        Target(
            "the autoencoder of 25/255 alone, within .1 dB",
            "test/psnr_25",
            ">",
            ("dsm_told",),
            ("dae_25",),
            offset=-0.1,
        ),
        *(
            Target(f"{name}, {kind}", metric, ">", (energy,), (name,))
            for name in CLASSICAL
            for energy, kind, metric in (
                ("dsm_told", "told", "test/psnr_mean"),
                ("dsm_blind", "blind", "test/psnr_blind_mean"),
            )
        ),
    ),
    trials=2,
    seeds=3,
    figures={"psnr": psnr_against_sigma},
    pictures=("denoised", "denoised_blind"),
)

if __name__ == "__main__":
    run_study(STUDY)
