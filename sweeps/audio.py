"""Does a score model of waveforms speak better digits than a WaveGAN that was trained as long?

Score models of waveforms are trained and sampled in several ways. As EDM (Karras et al. 2022) with a U-Net over patches of 16
samples, by its deterministic solver of the flow, the same by annealed Langevin dynamics (Song & Ermon 2019), and told the digit. As
EDM with DiffWave's network (Kong et al. 2021), a stack of dilated convolutions with gates. As DiffWave itself: that network in a DDPM
of the noise with 50 levels and as many steps. The baseline is WaveGAN (Donahue et al. 2019): 25-wide convolutions, a critic with
gradient penalty and shuffled phases.

Distances, the inception score and digit accuracy are in the features of the data set's own classifier of log-mel spectrograms
(`gibbsweep evaluate prepare --data fsdd@4096`): they compare with each other and with no published number. Digit accuracy is the
share of samples that it hears as the digit that was asked for, so only a model that can be asked has one.

    python sweeps/audio.py                                four trials each, 15 seconds of training: sounds, not yet digits
    python sweeps/audio.py --budget long --trials 0       200 seconds each on one core
    python sweeps/audio.py --data sc09 --budget paper     published sizes, one second at 16 kHz

The first 4,096 samples, half a second, hold four digits of five whole. Every contender trains for the same device-seconds: its
updates are those seconds over the cost of one on one core (batches of 32). The table has the seconds that it came to. What each
contender made is beside it, as pictures and as WAV files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gibbsweep.cli import run_study
from gibbsweep.data import DataNeeds
from gibbsweep.evaluate import ClassAccuracy, Evaluator, SampleDistances, SoundSamples
from gibbsweep.study import Choice, Contender, Float, Goal, Study, Target
from gibbsweep.train import Budget
from gibbsweep_models.baselines.gan import GANConfig
from gibbsweep_models.nn.noise_networks import DilatedNetConfig, UNetConfig
from gibbsweep_models.noise import EDMSchedule, GeometricSchedule
from gibbsweep_models.samplers.diffusion import AnnealedLangevin, Heun
from gibbsweep_models.score.waveform import WaveformScoreConfig

SECONDS = {"laptop": 15, "long": 200, "gpu": 1_200, "paper": 40_000}
"""Device-seconds of one training on one core. A GPU is given the updates that a core would make in so many."""

N_SAMPLES = {"smoke": 24, "laptop": 200, "long": 300}


def budgets(seconds_per_update: float) -> Mapping[str, Budget]:
    """Updates for equal device-seconds, at ``seconds_per_update`` on one core."""
    updates = {name: round(seconds / seconds_per_update) for name, seconds in SECONDS.items()}
    return {
        "smoke": Budget(updates=2, batch_size=8, report_every=2),
        **{
            name: Budget(n, 16 if name == "paper" else 32, n if name in ("laptop", "long") else n // 10)
            for name, n in updates.items()
        },
    }


def search(budget: str) -> tuple[Evaluator, ...]:
    return (SampleDistances(min(100, N_SAMPLES.get(budget, 250))),)


def final(budget: str) -> tuple[Evaluator, ...]:
    n = 4 if budget == "smoke" else 12
    return (SampleDistances(N_SAMPLES.get(budget, 2_000)), SoundSamples(n))


def final_with_real(budget: str) -> tuple[Evaluator, ...]:
    distances, sounds = final(budget)
    assert isinstance(sounds, SoundSamples)
    return (distances, replace(sounds, real=True))


def final_of_classes(budget: str) -> tuple[Evaluator, ...]:
    return (*final(budget), ClassAccuracy(N_SAMPLES.get(budget, 1_000)))


WIDE = {"network.channels": (96, 192, 192), "patch": 8, "ema_decay": 0.999}
DEEP = {"network.channels": 64, "network.layers": 30, "network.cycle": 10, "patch": 4, "ema_decay": 0.999}
PUBLISHED = {"network.channels": 256, "network.layers": 36, "network.cycle": 12, "patch": 1, "ema_decay": 0.9999}
"""DiffWave's network for spoken digits without words."""


def unets(**smoke: Any) -> Mapping[str, Mapping[str, Any]]:
    """What each budget changes of a score model over a U-Net; ``smoke``: of its sampler."""
    return {
        "smoke": {"network.channels": (4, 8), **_of_sampler(smoke)},
        "gpu": WIDE,
        "paper": {"network.channels": (128, 256, 256, 256), "network.blocks": 2, "patch": 4, "ema_decay": 0.9999},
    }


def dilated(**smoke: Any) -> Mapping[str, Mapping[str, Any]]:
    """The same over dilated convolutions."""
    return {
        "smoke": {"network.channels": 4, "network.layers": 2, **_of_sampler(smoke)},
        "gpu": DEEP,
        "paper": PUBLISHED,
    }


def _of_sampler(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    return {f"sampler.{name}": value for name, value in fields.items()}


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
STACK = DilatedNetConfig(channels=32, layers=8, cycle=8)
LANGEVIN = AnnealedLangevin(20, 5, 0.1, GeometricSchedule(0.01, 10.0))
DIFFWAVE = replace(
    WaveformScoreConfig.diffwave(n_levels=50, beta_last=0.05),
    network=STACK,
    patch=8,
    learning_rate=3e-3,
    warmup=10,
    ema_decay=0.99,
)

TRAINING = {
    "learning_rate": Float(1e-3, 1e-2, log=True),
    "schedule.p_mean": Float(-2.0, 0.0),
    "schedule.p_std": Float(0.8, 1.8),
}
UNET_COST = 0.14
STACK_COST = 0.17
WAVEGAN_COST = 0.455

SCORES = ("heun", "langevin", "classes", "dilated")

STUDY = Study(
    name="audio",
    question="Does a score model of waveforms speak better digits than a WaveGAN that was trained as long?",
    data="fsdd@4096",
    needs=DataNeeds(labels=True, dims=2),
    contenders={
        "heun": Contender(
            EDM,
            kind="score",
            space=TRAINING,
            budgets=budgets(UNET_COST),
            final_evaluators=final_with_real,
            at=unets(n_steps=2),
        ),
        "langevin": Contender(
            replace(EDM, sampler=LANGEVIN),
            kind="score",
            space={
                **TRAINING,
                "sampler.step_size": Float(0.02, 0.5, log=True),
                "sampler.schedule.sigma_min": Float(0.003, 0.03, log=True),
            },
            budgets=budgets(UNET_COST),
            at=unets(n_steps=2, steps_per_level=2),
        ),
        "classes": Contender(
            replace(EDM, conditional=True),
            kind="score",
            space=TRAINING,
            budgets=budgets(UNET_COST),
            final_evaluators=final_of_classes,
            at=unets(n_steps=2),
        ),
        "dilated": Contender(
            replace(EDM, network=STACK, patch=8),
            kind="score",
            space=TRAINING,
            budgets=budgets(STACK_COST),
            at=dilated(n_steps=2),
        ),
        "diffwave": Contender(
            DIFFWAVE,
            kind="baseline",
            space={"learning_rate": Float(1e-3, 1e-2, log=True), "grad_clip": Choice(0.1, 1.0)},
            budgets=budgets(STACK_COST),
            at=dilated(n_steps=3),
        ),
        "wavegan": Contender(
            replace(
                GANConfig.wgan_gp(learning_rate=4e-4),
                channels=(16, 32, 64, 64),
                latent_dim=64,
                betas=(0.5, 0.9),
                phase_shuffle=2,
            ),
            kind="baseline",
            space={
                "discriminator_learning_rate": Float(1e-4, 3e-3, log=True),
                "generator_learning_rate": Float(1e-4, 3e-3, log=True),
                "phase_shuffle": Choice(0, 2),
            },
            budgets=budgets(WAVEGAN_COST),
            at={
                "smoke": {"channels": (4, 8), "generator_every": 1},
                "gpu": {"channels": (32, 64, 128, 256), "latent_dim": 100, "ema_decay": 0.999},
                "paper": {"channels": (64, 128, 256, 512, 1024), "latent_dim": 100, "ema_decay": 0.999},
            },
        ),
    },
    goal=Goal("validation/frechet_distance", "minimize"),
    evaluators=search,
    final_evaluators=final,
    note=(
        "FD, KD and class-IS (Fréchet distance, kernel distance, class inception score), precision and recall are in the features "
        "of the data set's own classifier, of n samples against n recordings: read them beside each other, and beside no "
        "published number. `digit accuracy`: the share that it hears as the digit that was asked for. `s/s`: seconds of sound "
        "that a second of the device makes, twelve sounds at once. `cut`: the share of samples that were louder than the file can be."
    ),
    columns={
        "test/frechet_distance": "FD",
        "test/distance_n": "n",
        "test/kernel_distance": "KD",
        "test/class_inception_score": "class-IS",
        "test/class_accuracy": "digit accuracy",
        "test/class_accuracy_real": "of recordings",
        "test/precision": "prec.",
        "test/recall": "recall",
        "test/sound_seconds_per_second": "s/s",
        "test/sound_nfe": "nfe",
        "test/sound_cut_share": "cut",
    },
    budgets=budgets(UNET_COST),
    trials=4,
    seeds=3,
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
