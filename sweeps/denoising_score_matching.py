"""Is one score model, trained at all noise levels, worth an autoencoder for each of them?

``dsm`` is a U-Net that learns by denoising score matching at levels of a lognormal law about .4 (Vincent 2011; Song &
Ermon 2019; the large budgets: evenly from .003 to 20), told the level and, nine times out of ten, the digit. What it
learns is a score, so it also draws digits, along the probability flow with fresh noise at each step and classifier-free
guidance (Ho & Salimans 2022), and has a likelihood, along the same flow without the guidance. It trains as long as the
five autoencoders that it stands for do together; ``dsm_short`` as long as one of them. Compared with it:
``dsm_single``, the same at the one level .01, where the score is known near the data and nowhere else, so that its
chains, started anywhere else, find no digits (Song & Ermon 2019, appendix C.1). ``dae_S``, denoising autoencoders
(Vincent et al. 2008), the same U-Net for one level S each. ``autoencoder``, which has a narrow middle and never saw
noise: what it cannot store it takes for noise.

The denoising error at each level answers the question. Levels are in data units, [-1, 1]: twice those of [0, 1]. `digit
accuracy` is the share of samples that the data set's own classifier takes for the digit that was asked for.

    python sweeps/denoising_score_matching.py                             MNIST, ten minutes on two cores
    python sweeps/denoising_score_matching.py --budget long --trials 0    200 seconds a model on one core
    python sweeps/denoising_score_matching.py --budget gpu                for bits: 1.66 is a published small U-Net's
"""

from __future__ import annotations

import math
from dataclasses import replace

from gibbsweep import Choice, Contender, DataNeeds, Float, Goal, Study, Target
from gibbsweep.cli import run_study
from gibbsweep.evaluate import BitsPerDim, ClassAccuracy, DenoisingError, SampleDistances, SampleGrid
from gibbsweep.evaluate.samples.sampling import SamplingCost, SamplingPath
from gibbsweep.results.figures import ByLevel
from gibbsweep.study import by_budget, columns, equal_seconds, references
from gibbsweep.study.shared import SMALL_CHANNELS, notes
from gibbsweep_models.baselines.autoencoder import AutoencoderConfig
from gibbsweep_models.baselines.denoising_autoencoder import DenoisingAutoencoderConfig
from gibbsweep_models.nn.denoisers import ClassifierFree
from gibbsweep_models.nn.noise_networks import UNetConfig
from gibbsweep_models.noise import EDMSchedule, GeometricSchedule
from gibbsweep_models.samplers.diffusion import Heun, ScoreLangevin
from gibbsweep_models.score.score_model import ScoreModelConfig

SIGMAS = (0.1, 0.25, 0.5, 1.0, 2.0)
SINGLE = 0.01
MEAN, OWN, ACCURACY = "test/denoising_error_mean", "test/denoising_error_own", "test/class_accuracy"

# An update of a batch of 32 digits takes .028 s on one core with the U-Net, and .06 s with the autoencoder.
UNET_BUDGETS = equal_seconds(0.028, {"laptop": 12, "long": 200}, gpu=30_000, paper=200_000)
ALL_BUDGETS = equal_seconds(0.028, {"laptop": 5 * 12, "long": 5 * 200}, gpu=30_000, paper=200_000)
AUTOENCODER_BUDGETS = equal_seconds(0.06, {"laptop": 12, "long": 200}, gpu=30_000, paper=200_000)
LEARNING_RATE = {"learning_rate": Float(1e-3, 1e-2, log=True)}
DENOISED = DenoisingError(SIGMAS, by_budget(smoke=20, other=1_000))
OF_SCORE = (
    DENOISED,
    SampleDistances(by_budget(smoke=24, laptop=1_000, long=1_000, gpu=2_000, paper=10_000)),
    ClassAccuracy(by_budget(smoke=24, laptop=200, other=1_000)),
    SampleGrid(n=64),
    SamplingPath(),
    SamplingCost(n=16),
)
SCORE_SIZES = {
    "smoke": {"network.channels": (8, 8), "sampler.n_steps": 3},
    "gpu": {"network": UNetConfig((64, 128, 128)), "ema_decay": 0.999},
    "paper": {"network": UNetConfig((128, 256, 256), blocks=2), "ema_decay": 0.9999},
}
EVENLY = GeometricSchedule(0.003, 20.0)
DSM = Contender(
    ScoreModelConfig(
        UNetConfig((64, 64), patch=4),
        # At the ends of the range there is little to learn: a short training dwells on the middle.
        schedule=EDMSchedule(sigma_min=0.003, sigma_max=20.0, p_mean=-0.9, p_std=1.4),
        # 20 levels of 4 Langevin steps, unguided, draw the digit that was asked for half as often, in more evaluations.
        sampler=Heun(20, EDMSchedule(sigma_min=0.02, sigma_max=15.0), s_churn=10.0, s_min=0.05, s_max=5.0),
        guidance=ClassifierFree(0.7, interval=(0.05, 5.0)),
        conditional=True,
        learning_rate=4e-3,
        ema_decay=0.99,
    ),
    space={**LEARNING_RATE, "weight": Choice("edm", "sigma2"), "ema_decay": Choice(0.98, 0.995)},
    budgets=ALL_BUDGETS,
    final_evaluators=(*OF_SCORE, BitsPerDim(by_budget(smoke=2, laptop=32, long=100, gpu=1_000, paper=10_000))),
    # A long training needs the ends too, for the likelihood.
    by_budget=SCORE_SIZES | {name: {**SCORE_SIZES[name], "schedule": EVENLY} for name in ("gpu", "paper")},
)
DSM_SINGLE = Contender(
    ScoreModelConfig(
        UNetConfig((64, 64), patch=4),
        schedule=EDMSchedule(p_mean=math.log(SINGLE), p_std=0.0),
        # Starts uniformly in the range of the pixels; half of the largest stable step.
        sampler=ScoreLangevin(n_steps=80, step_size=SINGLE**2, sigma=SINGLE, reach=1.0),
        conditional=True,
        learning_rate=4e-3,
        ema_decay=0.99,
    ),
    space=LEARNING_RATE,
    goal=Goal("validation/denoising_error_own", "minimize"),
    evaluators=(DenoisingError((SINGLE,), 200, average="own"),),
    final_evaluators=OF_SCORE,
    by_budget=SCORE_SIZES,
)


def dae_at(sigma: float) -> Contender:
    """An autoencoder for the one level ``sigma``, measured at that level alone."""
    schedule = EDMSchedule(p_mean=math.log(sigma), p_std=0.0)
    return Contender(
        DenoisingAutoencoderConfig((64, 64), patch=4, schedule=schedule, learning_rate=4e-3, ema_decay=0.99),
        space=LEARNING_RATE,
        goal=Goal("validation/denoising_error_own", "minimize"),
        evaluators=(DenoisingError((sigma,), 200, average="own"),),
        final_evaluators=(DenoisingError((sigma,), by_budget(smoke=20, other=1_000), average="own"),),
        by_budget={
            **SMALL_CHANNELS,
            "gpu": {"channels": (64, 128, 128), "patch": 1, "ema_decay": 0.999},
            "paper": {"channels": (128, 256, 256), "blocks": 2, "patch": 1, "ema_decay": 0.9999},
        },
    )


DAES = {f"dae_{sigma:g}": dae_at(sigma) for sigma in SIGMAS}
AUTOENCODER = Contender(
    AutoencoderConfig(latent_dim=32),
    space={"learning_rate": Float(5e-4, 5e-3, log=True), "latent_dim": Choice(16, 32, 64)},
    budgets=AUTOENCODER_BUDGETS,
    by_budget={
        "smoke": {"channels": (8, 8)},
        "gpu": {"channels": (64, 128, 128), "ema_decay": 0.999},
        "paper": {"channels": (128, 256, 256), "ema_decay": 0.9999},
    },
)

STUDY = Study(
    name="denoising_score_matching",
    question="Is one score model, trained at all noise levels, worth an autoencoder for each of them?",
    data="mnist",
    needs=DataNeeds(labels=True, dims=3),
    contenders={
        "dsm": DSM,
        "dsm_short": replace(DSM, budgets=UNET_BUDGETS),
        "dsm_single": DSM_SINGLE,
        **DAES,
        "autoencoder": AUTOENCODER,
        **references(
            goal=Goal("validation/frechet_distance", "minimize"),
            evaluators=(SampleDistances(by_budget(smoke=24, other=200)),),
            final_evaluators=OF_SCORE[1:4],
        ),
    },
    goal=Goal("validation/denoising_error_mean", "minimize"),
    evaluators=(DenoisingError(SIGMAS, 200),),
    final_evaluators=(DENOISED,),
    note=(
        "`error` is the denoising error, 1 for the best linear denoiser of unrelated pixels: `mean` over the levels "
        f"of {', '.join(f'{s:g}' for s in SIGMAS)}, `own` at the one level that an autoencoder is for. FD (Fréchet "
        f"distance) and digit accuracy are by the data set's own classifier, of n samples. {notes.BITS} "
        f"{notes.references('digits')}"
    ),
    columns={
        MEAN: "error, mean",
        OWN: "error, own",
        **{f"test/denoising_error_{sigma:g}": f"at {sigma:g}" for sigma in SIGMAS},
        **columns("frechet_distance", "distance_n", "precision", "density", "recall", "coverage"),
        ACCURACY: "digit accuracy",
        "test/class_accuracy_real": "of test digits",
        **columns("bits_per_dim", "bits_n", "bits_nfe", "sampling_nfe", "sampling_seconds"),
    },
    budgets=UNET_BUDGETS,
    targets=(
        *(
            Target(
                f"the autoencoders of one level each, averaged over the levels, in the seconds of {seconds}",
                MEAN,
                "<",
                (name,),
                tuple(DAES),
                than_metric=OWN,
                than_mean=True,
            )
            for name, seconds in (("dsm", "all of them"), ("dsm_short", "one"))
        ),
        Target("the autoencoder that saw no noise", MEAN, "<", ("dsm",), ("autoencoder",)),
        Target("a single level draws no digits: at most twice chance", ACCURACY, "<", ("dsm_single",), 0.2),
        Target("many levels draw the digit asked for, four times in five", ACCURACY, ">", ("dsm",), 0.8),
        Target("1.66 bits a dimension (goal of the gpu budget)", "test/bits_per_dim", "<", ("dsm",), 1.66),
    ),
    figures={
        "error": ByLevel(
            "test/denoising_error",
            SIGMAS,
            "noise level, in units of [-1, 1]",
            "denoising error",
            y_scale="log",
            bound=(1.0, "best linear, unrelated pixels"),
        )
    },
    pictures=("samples", "sampling_path", "denoised_levels"),
)

if __name__ == "__main__":
    run_study(STUDY)
