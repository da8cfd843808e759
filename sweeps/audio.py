"""Does a score model of waveforms speak better digits than a WaveGAN that was trained as long?

The study compares score models of waveforms in two views of a sound. ``bands``: the coefficients of a lapped transform,
64 bands by 64 frames, each band divided by its deviation and companded, in which a word is a picture; the map is
orthogonal but for that and comes back exactly. A U-Net with attention learns the score there by EDM (Karras et al.
2022), told the digit and guided classifier-free (Ho & Salimans 2022), and samples by Heun's method;
``bands_langevin`` samples the same model by annealed Langevin dynamics (Song & Ermon 2019), and ``bands_unlabelled``
is told nothing. ``patches``: blocks of 16 samples of the waveform as it is, by a U-Net. ``dilated`` has DiffWave's
network (Kong et al. 2021), a stack of dilated convolutions with gates, at EDM's prediction. Baselines: DiffWave as it
was published, that network in a DDPM of the noise with 50 levels and as many steps, and WaveGAN (Donahue et al. 2019):
25-wide convolutions, a critic with gradient penalty and shuffled phases.

Distances, the inception score and digit accuracy answer the question, in the features of the data set's own classifier
of log-mel spectrograms (`gibbsweep evaluate prepare --data fsdd@4096`). Only a model that can be asked for a digit has
an accuracy.

    python sweeps/audio.py                              nine trials each, 15 seconds of training: sounds, not yet digits
    python sweeps/audio.py --budget long                240 seconds each on one core: digits
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
from gibbsweep_models.nn.denoisers import ClassifierFree
from gibbsweep_models.nn.noise_networks import DilatedNetConfig, UNetConfig
from gibbsweep_models.noise import EDMSchedule, GeometricSchedule
from gibbsweep_models.samplers.diffusion import AnnealedLangevin, Heun
from gibbsweep_models.score.banded_waveform import BandedWaveformConfig
from gibbsweep_models.score.score_model import ScoreModelConfig
from gibbsweep_models.score.waveform import WaveformScoreConfig

SECONDS = {"laptop": 15, "long": 240, "gpu": 1_200, "paper": 40_000}
"""Device-seconds of one training on one core. A GPU is given the updates that a core would make in so many."""
BATCH_SIZE, REPORTS = by_budget(smoke=8, paper=16, other=32), by_budget(gpu=10, paper=10, other=1)
budgets = partial(equal_seconds, seconds=SECONDS, smoke=2, batch_size=BATCH_SIZE, reports=REPORTS)
UNET_BUDGETS, STACK_BUDGETS, BAND_BUDGETS = budgets(0.14), budgets(0.21), budgets(0.11)

# In units in which speech has the deviation .5. The lowest level is 46 dB below it, near the noise of the recordings.
SCHEDULE = EDMSchedule(sigma_min=0.0025, sigma_max=40.0)
PATCHES = WaveformScoreConfig(
    UNetConfig((48, 96, 96)),
    patch=16,
    schedule=SCHEDULE,
    sampler=Heun(18, SCHEDULE),
    conditional=True,
    learning_rate=3e-3,
    warmup=10,
    ema_decay=0.99,
)
# In the companded bands, whose deviation is about .8, details below .02 are not heard.
LEVELS = EDMSchedule(sigma_min=0.02, sigma_max=40.0)
BANDS = BandedWaveformConfig(
    ScoreModelConfig(
        UNetConfig((32, 64, 96), patch=4, attention=True, rows=True),
        schedule=EDMSchedule(p_mean=-0.6, p_std=1.4),
        sampler=Heun(18, LEVELS),
        conditional=True,
        guidance=ClassifierFree(1.0),
        learning_rate=4e-3,
        ema_decay=0.99,
    )
)
LANGEVIN = AnnealedLangevin(20, 5, 0.1, GeometricSchedule(0.02, 20.0))
STACK = DilatedNetConfig(channels=32, layers=8, cycle=8)
DIFFWAVE = WaveformScoreConfig.diffwave(n_levels=50, beta_last=0.05)
DIFFWAVE = replace(DIFFWAVE, network=STACK, patch=8, learning_rate=3e-3, warmup=10, ema_decay=0.99)
WAVEGAN = GANConfig.wavegan(4e-4, (16, 32, 64, 64), latent_dim=64)

UNET_SIZES: Sizes = {
    "smoke": {"network.channels": (4, 8), "sampler.n_steps": 2},
    "gpu": {"network.channels": (96, 192, 192), "patch": 8, "ema_decay": 0.999},
    "paper": {"network.channels": (128, 256, 256, 256), "network.blocks": 2, "patch": 4, "ema_decay": 0.9999},
}
WIDE = UNetConfig((64, 128, 192), patch=2, attention=True, rows=True)
BAND_SIZES: Sizes = {
    "smoke": {"score.network.channels": (4, 8), "score.sampler.n_steps": 2},
    "long": {"score.ema_decay": 0.995},
    "gpu": {"score.network": WIDE, "score.ema_decay": 0.999},
    "paper": {"score.network": replace(WIDE, channels=(128, 256, 256), blocks=2), "score.ema_decay": 0.9999},
}
STACK_SIZES: Sizes = {
    "smoke": {"network.channels": 4, "network.layers": 2, "sampler.n_steps": 2},
    "gpu": {"network.channels": 64, "network.layers": 30, "network.cycle": 10, "patch": 4, "ema_decay": 0.999},
    # DiffWave's network for spoken digits without words.
    "paper": {"network.channels": 256, "network.layers": 36, "network.cycle": 12, "patch": 1, "ema_decay": 0.9999},
}
RATE = Float(1e-3, 1e-2, log=True)
TRAINING = {"learning_rate": RATE, "schedule.p_mean": Float(-2.0, 0.0), "schedule.p_std": Float(0.8, 1.8)}
BAND_TRAINING = {
    "score.learning_rate": RATE,
    "score.schedule.p_mean": Float(-1.2, 0.4),
    "score.schedule.p_std": Float(0.9, 1.8),
}
GUIDED = {**BAND_TRAINING, "score.guidance.scale": Float(0.0, 3.0)}

DISTANCES = SampleDistances(by_budget(smoke=24, laptop=300, long=300, other=2_000))
SOUNDS = SoundSamples(by_budget(smoke=4, other=12))
SPOKEN = (DISTANCES, SOUNDS, ClassAccuracy(by_budget(smoke=24, laptop=200, long=300, other=1_000)))
"""The measures of a model that can be asked for a digit, and of the reference rows."""

CONTENDERS = {
    "bands": Contender(
        BANDS,
        space=GUIDED,
        budgets=BAND_BUDGETS,
        final_evaluators=(DISTANCES, replace(SOUNDS, real=True), *SPOKEN[2:]),
        by_budget=BAND_SIZES,
    ),
    "bands_langevin": Contender(
        replace(BANDS, score=replace(BANDS.score, sampler=LANGEVIN)),
        space={**GUIDED, "score.sampler.step_size": Float(0.02, 0.5, log=True)},
        budgets=BAND_BUDGETS,
        final_evaluators=SPOKEN,
        by_budget={**BAND_SIZES, "smoke": {**BAND_SIZES["smoke"], "score.sampler.steps_per_level": 2}},
    ),
    "bands_unlabelled": Contender(
        replace(BANDS, score=replace(BANDS.score, conditional=False, guidance=None)),
        space=BAND_TRAINING,
        budgets=BAND_BUDGETS,
        by_budget=BAND_SIZES,
    ),
    "patches": Contender(PATCHES, space=TRAINING, final_evaluators=SPOKEN, by_budget=UNET_SIZES),
    "dilated": Contender(
        replace(PATCHES, network=STACK, patch=8, conditional=False),
        space=TRAINING,
        budgets=STACK_BUDGETS,
        by_budget=STACK_SIZES,
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
SCORES = ("bands", "bands_langevin", "bands_unlabelled", "patches", "dilated")

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
        Target("digits that are heard, four times in five", "test/class_accuracy", ">", ("bands",), 0.8),
        Target("DiffWave in Fréchet distance", "test/frechet_distance", "<", SCORES, ("diffwave",)),
    ),
    pictures=("spectrograms", "real_spectrograms"),
    sounds=("samples", "real_samples"),
)

if __name__ == "__main__":
    run_study(STUDY)
