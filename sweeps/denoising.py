"""Does an energy denoise as well as an autoencoder, when it is told the noise level and when it is not?

A denoiser that is the gradient of an energy costs a second differentiation and cannot be any vector field; an
autoencoder can. The study compares both, with the same U-Net, the same squared error over the same noise levels (for
the energy that is denoising score matching), the same updates and trials; ``dae_blind_longer`` has 2.5 times as many,
about the energy's device-seconds. "Told" hears the noise level; "blind" is one model for all levels that does not. An
energy trained by contrastive divergence knows no noise at all and denoises by descending to the mode of its posterior.
Equilibrium Matching (Wang & Du 2025), as an energy and as a field that is no gradient, is one model for all levels that
finds the noise in the image, and is told only how far to go. Non-local means and total variation learn nothing; blind,
all of these estimate the level from the image. The PSNR of the test images answers the question, told and blind.

Noise levels are given in [0, 1] pixel units (15/255 to .5), as such results are published. The models work on [-1, 1],
so their sigma is twice that: training levels from .1 to 1.1 there are .05 to .55 here.

    python sweeps/denoising.py                               MNIST, ten minutes on two cores
    python sweeps/denoising.py --data cifar10_4k             original colour pixels
    python sweeps/denoising.py --contenders dae_15 dae_50    autoencoders that know one level only
"""

from __future__ import annotations

import math
from dataclasses import replace

from gibbsweep import Contender, DataNeeds, Float, Goal, Study, Target
from gibbsweep.cli import run_study
from gibbsweep.evaluate import Denoising
from gibbsweep.evaluate.restoring.denoising import SIGMAS, sigma_name
from gibbsweep.results.figures import ByLevel, Panels
from gibbsweep.study import by_budget, equal_updates
from gibbsweep.study.shared.restoring import BATCHES, CD_SPACE, CONV_SIZES, POTENTIAL, POTENTIAL_SIZES, RATE, UNET_SIZES
from gibbsweep.study.space import with_values
from gibbsweep_models.baselines.classical_denoising import ClassicalDenoiserConfig
from gibbsweep_models.baselines.denoising_autoencoder import DenoisingAutoencoderConfig
from gibbsweep_models.energy.conv_ebm import ConvEBMConfig
from gibbsweep_models.energy.dsm_energy import DSMEnergyConfig
from gibbsweep_models.energy.equilibrium_matching import EquilibriumMatchingConfig
from gibbsweep_models.noise import EDMSchedule
from gibbsweep_models.objectives.cd import LangevinCD
from gibbsweep_models.samplers.mcmc import MAPDenoising

REPORTS = by_budget(smoke=2, laptop=2, long=5, gpu=10, paper=20)
# An energy is differentiated twice, which makes its update take as long as two and a half of an autoencoder.
LONGER = by_budget(smoke=10, laptop=750, long=6_250, gpu=50_000, paper=500_000)

BLIND_ENERGY, BLIND_AUTOENCODER = 0.35, 0.6
"""What a blind model takes the level to be, on [-1, 1]: each the better of .35, .6 or .7 and 1 on validation images."""

PSNR, BLIND_PSNR = "test/psnr_mean", "test/psnr_blind_mean"
TOLD = Denoising(limit=by_budget(smoke=20, paper=None, other=1_000))
BLIND = replace(TOLD, blind=True)

DSM_TOLD = Contender(DSMEnergyConfig(learning_rate=4e-3), space=RATE, by_budget=UNET_SIZES)
DAE_TOLD = Contender(DenoisingAutoencoderConfig(learning_rate=4e-3), space=RATE, by_budget=UNET_SIZES)
CD = Contender(
    ConvEBMConfig(
        cd=LangevinCD(n_steps=15, learning_rate=5e-4, data_noise=0.03), denoising=MAPDenoising(prior_weight=150.0)
    ),
    space={"denoising.prior_weight": Float(30.0, 3000.0, log=True), **CD_SPACE},
    final_evaluators=(TOLD, BLIND),
    by_budget=CONV_SIZES,
)


def blind(contender: Contender, **config: float) -> Contender:
    """The contender that is not told the noise level, and is judged so."""
    return replace(
        contender,
        config=with_values(contender.config, config),
        goal=Goal("validation/psnr_blind_mean", "maximize"),
        evaluators=(Denoising(blind=True, limit=100),),
        final_evaluators=(BLIND,),
    )


def equilibrium(*, explicit: bool) -> Contender:
    """The U-Net of the others as one energy, or one field, of all levels."""
    return Contender(
        EquilibriumMatchingConfig(POTENTIAL, explicit=explicit, learning_rate=4e-3),
        space={**RATE, "rest": Float(0.02, 0.3, log=True)},
        final_evaluators=(TOLD, BLIND),
        by_budget=POTENTIAL_SIZES,
    )


def dae_at(sigma: float) -> Contender:
    """An autoencoder for the one level ``sigma`` (in [0, 1] pixel units), measured at that level alone."""
    return replace(
        DAE_TOLD,
        config=with_values(DAE_TOLD.config, {"schedule": EDMSchedule(p_mean=math.log(2 * sigma), p_std=0.0)}),
        goal=Goal(f"validation/psnr_{sigma_name(sigma)}", "maximize"),
        evaluators=(Denoising((sigma,), limit=100),),
        final_evaluators=(Denoising((sigma,), limit=by_budget(smoke=20, other=1_000)),),
    )


def classical(config: ClassicalDenoiserConfig) -> Contender:
    return Contender(config, space={"strength": Float(0.3, 1.5)}, final_evaluators=(TOLD, BLIND))


DAE_BLIND = blind(DAE_TOLD, blind_at=BLIND_AUTOENCODER)

STUDY = Study(
    name="denoising",
    question="Does an energy denoise as well as an autoencoder, told the noise level and blind?",
    data="mnist",
    needs=DataNeeds(dims=3),
    contenders={
        "dsm_told": DSM_TOLD,
        "dsm_blind": blind(DSM_TOLD, blind_at=BLIND_ENERGY, learning_rate=3e-3),
        "cd": CD,
        "equilibrium_matching": equilibrium(explicit=True),
        "equilibrium_field": equilibrium(explicit=False),
        "dae_told": DAE_TOLD,
        "dae_blind": DAE_BLIND,
        "dae_blind_longer": replace(DAE_BLIND, budgets=equal_updates(LONGER, batch_size=BATCHES, reports=REPORTS)),
        **{f"dae_{sigma_name(sigma)}": dae_at(sigma) for sigma in SIGMAS},
        "nl_means": classical(ClassicalDenoiserConfig("nl_means")),
        "tv": classical(ClassicalDenoiserConfig("tv")),
    },
    default=(
        *("dsm_told", "dsm_blind", "cd", "equilibrium_matching", "equilibrium_field"),
        *("dae_told", "dae_blind", "dae_blind_longer", "dae_25", "nl_means", "tv"),
    ),
    goal=Goal("validation/psnr_mean", "maximize"),
    evaluators=(Denoising(limit=100),),
    final_evaluators=(TOLD,),
    columns={
        BLIND_PSNR: "blind PSNR",
        PSNR: "told PSNR",
        "test/psnr_blind_noisy_mean": "noisy PSNR",
        "test/ssim_blind_mean": "blind SSIM",
        "test/ssim_mean": "told SSIM",
        **{f"test/psnr_blind_{sigma_name(s)}": f"blind {sigma_name(s)}" for s in SIGMAS},
        **{f"test/psnr_{sigma_name(s)}": f"told {sigma_name(s)}" for s in SIGMAS},
    },
    budgets=equal_updates(
        by_budget(smoke=4, laptop=300, long=2_500, gpu=20_000, paper=200_000), batch_size=BATCHES, reports=REPORTS
    ),
    targets=(
        Target("the blind autoencoder", BLIND_PSNR, ">", ("dsm_blind",), ("dae_blind",)),
        Target(
            "the blind autoencoder at about the energy's device-seconds",
            BLIND_PSNR,
            ">",
            ("dsm_blind",),
            ("dae_blind_longer",),
        ),
        Target("the told autoencoder, within .1 dB", PSNR, ">", ("dsm_told",), ("dae_told",), offset=-0.1),
        Target(
            "the autoencoder of 25/255 alone, within .1 dB",
            "test/psnr_25",
            ">",
            ("dsm_told",),
            ("dae_25",),
            offset=-0.1,
        ),
        *(
            Target(f"{name}, {how}", metric, ">", (f"dsm_{how}",), (name,))
            for name in ("nl_means", "tv")
            for how, metric in (("told", PSNR), ("blind", BLIND_PSNR))
        ),
    ),
    figures={
        "psnr": Panels(
            *(
                ByLevel(
                    metric,
                    SIGMAS,
                    "noise level, in [0, 1] pixel units",
                    "PSNR, dB",
                    title=title,
                    named=sigma_name,
                    x_scale="linear",
                    beside=(f"{metric}_noisy", "noisy image"),
                )
                for metric, title in (("test/psnr", "told the noise level"), ("test/psnr_blind", "blind"))
            ),
            share_y=True,
        )
    },
    pictures=("denoised", "denoised_blind"),
)

if __name__ == "__main__":
    run_study(STUDY)
