"""Does a score model of waveforms speak better digits than a WaveGAN that was trained as long?

The study compares score models of waveforms, trained and sampled in several ways. As EDM (Karras et al. 2022) with a
U-Net over patches of 16 samples, by its deterministic solver of the flow, the same by annealed Langevin dynamics (Song
& Ermon 2019), and told the digit. As EDM with DiffWave's network (Kong et al. 2021), a stack of dilated convolutions
with gates. As DiffWave itself: that network in a DDPM of the noise with 50 levels and as many steps. The baseline is
WaveGAN (Donahue et al. 2019): 25-wide convolutions, a critic with gradient penalty and shuffled phases.

Distances, the inception score and digit accuracy answer the question, in the features of the data set's own classifier
of log-mel spectrograms (`gibbsweep evaluate prepare --data fsdd@4096`). Only a model that can be asked for a digit has
an accuracy.

    python sweeps/audio.py                              nine trials each, 15 seconds of training: sounds, not yet digits
    python sweeps/audio.py --budget long --trials 0     200 seconds each on one core
    python sweeps/audio.py --data sc09 --budget paper   published sizes, one second at 16 kHz

The first 4,096 samples, half a second, hold four digits of five whole. Every contender trains for the same
device-seconds, by costs of an update on one core (batches of 32). The table has the seconds that it came to. What each
contender made is beside it, as pictures and as WAV files.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from gibbsweep import Choice, Contender, DataNeeds, Float, Goal, Sizes, Study, Target
from gibbsweep.cli import run_study
from gibbsweep.evaluate import ClassAccuracy, SampleDistances, SoundSamples
from gibbsweep.study import by_budget, columns, equal_seconds, references
from gibbsweep.study.shared import GAN_RATES, notes
from gibbsweep_models.baselines.gan import GANConfig
from gibbsweep_models.nn.noise_networks import DilatedNetConfig, UNetConfig
from gibbsweep_models.noise import EDMSchedule, GeometricSchedule
from gibbsweep_models.samplers.diffusion import AnnealedLangevin, Heun
from gibbsweep_models.score.waveform import WaveformScoreConfig

SECONDS = {"laptop": 15, "long": 200, "gpu": 1_200, "paper": 40_000}
"""Device-seconds of one training on one core. A GPU is given the updates that a core would make in so many."""
BATCH_SIZE, REPORTS = by_budget(smoke=8, paper=16, other=32), by_budget(gpu=10, paper=10, other=1)
budgets = partial(equal_seconds, seconds=SECONDS, smoke=2, batch_size=BATCH_SIZE, reports=REPORTS)
UNET_BUDGETS, STACK_BUDGETS = budgets(0.14), budgets(0.17)

# In units in which speech has the deviation .5. The lowest level is 46 dB below it, near the noise of the recordings.
SCHEDULE = EDMSchedule(sigma_min=0.0025, sigma_max=40.0)
EDM = WaveformScoreConfig(
    UNetConfig((48, 96, 96)),
    patch=16,
    schedule=SCHEDULE,
    sampler=Heun(18, SCHEDULE),
    learning_rate=3e-3,
    warmup=10,
    ema_decay=0.99,
)
LANGEVIN = replace(EDM, sampler=AnnealedLangevin(20, 5, 0.1, GeometricSchedule(0.01, 10.0)))
STACK = DilatedNetConfig(channels=32, layers=8, cycle=8)
DIFFWAVE = WaveformScoreConfig.diffwave(n_levels=50, beta_last=0.05)
DIFFWAVE = replace(DIFFWAVE, network=STACK, patch=8, learning_rate=3e-3, warmup=10, ema_decay=0.99)
WAVEGAN = GANConfig.wavegan(4e-4, (16, 32, 64, 64), latent_dim=64)

UNET_SIZES: Sizes = {
    "smoke": {"network.channels": (4, 8), "sampler.n_steps": 2},
    "gpu": {"network.channels": (96, 192, 192), "patch": 8, "ema_decay": 0.999},
    "paper": {"network.channels": (128, 256, 256, 256), "network.blocks": 2, "patch": 4, "ema_decay": 0.9999},
}
STACK_SIZES: Sizes = {
    "smoke": {"network.channels": 4, "network.layers": 2, "sampler.n_steps": 2},
    "gpu": {"network.channels": 64, "network.layers": 30, "network.cycle": 10, "patch": 4, "ema_decay": 0.999},
    # DiffWave's network for spoken digits without words.
    "paper": {"network.channels": 256, "network.layers": 36, "network.cycle": 12, "patch": 1, "ema_decay": 0.9999},
}
TRAINING = {
    "learning_rate": Float(1e-3, 1e-2, log=True),
    "schedule.p_mean": Float(-2.0, 0.0),
    "schedule.p_std": Float(0.8, 1.8),
}

DISTANCES = SampleDistances(by_budget(smoke=24, laptop=300, long=300, other=2_000))
SOUNDS = SoundSamples(by_budget(smoke=4, other=12))
SPOKEN = (DISTANCES, SOUNDS, ClassAccuracy(by_budget(smoke=24, laptop=200, long=300, other=1_000)))
"""The measures of a model that can be asked for a digit, and of the reference rows."""

CONTENDERS = {
    "heun": Contender(
        EDM, space=TRAINING, final_evaluators=(DISTANCES, replace(SOUNDS, real=True)), by_budget=UNET_SIZES
    ),
    "langevin": Contender(
        LANGEVIN,
        space={
            **TRAINING,
            "sampler.step_size": Float(0.02, 0.5, log=True),
            "sampler.schedule.sigma_min": Float(0.003, 0.03, log=True),
        },
        by_budget={**UNET_SIZES, "smoke": {**UNET_SIZES["smoke"], "sampler.steps_per_level": 2}},
    ),
    "classes": Contender(replace(EDM, conditional=True), space=TRAINING, final_evaluators=SPOKEN, by_budget=UNET_SIZES),
    "dilated": Contender(
        replace(EDM, network=STACK, patch=8), space=TRAINING, budgets=STACK_BUDGETS, by_budget=STACK_SIZES
    ),
    "diffwave": Contender(
        DIFFWAVE,
        kind="baseline",
        space={"learning_rate": Float(1e-3, 1e-2, log=True), "grad_clip": Choice(0.1, 1.0)},
        budgets=STACK_BUDGETS,
        by_budget={**STACK_SIZES, "smoke": {**STACK_SIZES["smoke"], "sampler.n_steps": 3}},
    ),
    "wavegan": Contender(
        WAVEGAN,
        space={**GAN_RATES, "phase_shuffle": Choice(0, 2)},
        budgets=budgets(0.455),
        by_budget={
            "smoke": {"channels": (4, 8), "generator_every": 1},
            "gpu": {"channels": (32, 64, 128, 256), "latent_dim": 100, "ema_decay": 0.999},
            "paper": {"channels": (64, 128, 256, 512, 1024), "latent_dim": 100, "ema_decay": 0.999},
        },
    ),
    **references(final_evaluators=SPOKEN),
}
SCORES = ("heun", "langevin", "classes", "dilated")

STUDY = Study(
    name="audio",
    question="Does a score model of waveforms speak better digits than a WaveGAN that was trained as long?",
    data="fsdd@4096",
    needs=DataNeeds(labels=True, dims=2),
    contenders=CONTENDERS,
    goal=Goal("validation/frechet_distance", "minimize"),
    evaluators=(SampleDistances(by_budget(smoke=24, other=100)),),
    final_evaluators=(DISTANCES, SOUNDS),
    note=(
        f"{notes.distances(of='recordings')} `digit accuracy`: the share that it hears as the digit asked for. "
        "`s/s`: seconds of sound that a second of the device makes, twelve sounds at once. `cut`: the share of samples "
        f"that were louder than the file can be. The test split has 300 recordings. {notes.references('recordings')}"
    ),
    columns={
        **columns("frechet_distance", "distance_n", "kernel_distance", "class_inception_score"),
        "test/class_accuracy": "digit accuracy",
        "test/class_accuracy_real": "of recordings",
        **columns("precision", "density", "recall", "coverage"),
        **columns("sound_seconds_per_second", "sound_nfe", "sound_cut_share"),
    },
    budgets=UNET_BUDGETS,
    targets=(
        Target("WaveGAN in Fréchet distance", "test/frechet_distance", "<", SCORES, ("wavegan",)),
        Target("WaveGAN in inception score", "test/class_inception_score", ">", SCORES, ("wavegan",)),
        Target("DiffWave in Fréchet distance", "test/frechet_distance", "<", SCORES, ("diffwave",)),
    ),
    pictures=("spectrograms", "real_spectrograms"),
    sounds=("samples", "real_samples"),
)

if __name__ == "__main__":
    run_study(STUDY)
