"""Sounds that a model makes: to hear, to see, and what they cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from gibbsweep.data import Split
from gibbsweep.data.formats.wav import amplitude_to_int16
from gibbsweep.errors import UserError
from gibbsweep.evaluate.drawing.spectrograms import spectrogram_grid
from gibbsweep.evaluate.examples import examples_of
from gibbsweep.evaluate.samples.sampling import timed_samples
from gibbsweep.train import Evaluation, Sound
from gibbsweep_models.capabilities import CanSample

_PAUSE = 0.15
"""Seconds of silence between two sounds of a file."""


@dataclass(frozen=True)
class SoundSamples:
    """Sounds from noise, one after the other as the sound ``samples`` and as the picture ``spectrograms``.

    Metrics: ``sound_seconds_per_second``, seconds of sound that one second of this device makes, all ``n`` at once (its
    evaluations dominate; a measurement: the same seed gives another number); ``sound_nfe``, network evaluations of one
    sound; ``sound_cut_share``, the share of samples that lie beyond [-1, 1] and are cut off in the file.

    Example::

        evaluation = SoundSamples(n=4)(system, load("tones").test, generator=seeded(0))
        evaluation.sounds["samples"].rate
    """

    n: int = 12
    """Number of sounds."""
    columns: int = 4
    """Sounds in a row of the picture."""
    real: bool = False
    """Whether to add as many sounds of the split, as ``real_samples`` and ``real_spectrograms``."""
    needs: ClassVar[type] = CanSample

    def check_split(self, split: Split) -> None:
        rate_of(split)

    def __call__(self, system: CanSample, split: Split, *, generator: torch.Generator) -> Evaluation:
        rate = rate_of(split)
        samples, elapsed = timed_samples(system, self.n, generator=generator)
        x = samples.x
        metrics = {
            "sound_seconds_per_second": x.shape[-1] * len(x) / rate / elapsed,
            "sound_nfe": float(samples.nfe),
            "sound_cut_share": float((x.abs() > 1).float().mean()),
        }
        images = {"spectrograms": spectrogram_grid(x, rate, columns=self.columns)}
        sounds = {"samples": one_after_another(x, rate)}
        if self.real:
            real = examples_of(split, self.n, generator.device)
            images["real_spectrograms"] = spectrogram_grid(real, rate, columns=self.columns)
            sounds["real_samples"] = one_after_another(real, rate)
        return Evaluation(metrics, images, sounds)


def one_after_another(x: Tensor, rate: int) -> Sound:
    """One sound of the sounds ``x`` (N, 1, L), with a pause after each."""
    waves = torch.nn.functional.pad(x.detach().float().cpu()[:, 0], (0, round(_PAUSE * rate)))
    return Sound(amplitude_to_int16(waves.flatten().numpy()), rate)


def rate_of(split: Split) -> int:
    """The sampling rate of a split's sounds, in samples a second."""
    rate = split.dataset.spec.sampling_rate
    if rate is None:
        raise UserError(
            f"'{split.dataset.name}' holds no sounds, which a rate belongs to: use SampleGrid for pictures and solids"
        )
    return rate
