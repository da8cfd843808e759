"""Sounds that a model makes: to hear, to see, and what they cost."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from gibbsweep.data import Split
from gibbsweep.data.formats.wav import amplitude_to_int16
from gibbsweep.errors import UserError
from gibbsweep.evaluate.drawing.spectrograms import spectrogram_grid
from gibbsweep.evaluate.examples import first_examples
from gibbsweep.train import Evaluation, Sound
from gibbsweep_models.capabilities import CanSample

_PAUSE = 0.15
"""Seconds of silence between two sounds of a file."""


@dataclass(frozen=True)
class SoundSamples:
    """``n`` sounds from noise, one after the other as the sound ``samples`` and as the picture ``spectrograms``; with ``real`` as
    many of the split as ``real_samples`` and ``real_spectrograms``.

    ``sound_seconds_per_second``: seconds of sound that one second of this device makes, all ``n`` at once (its evaluations
    dominate, so the same seed gives another number); ``sound_nfe``: network evaluations of one. Amplitudes beyond [-1, 1] are
    cut off in the file, and ``sound_cut_share`` is the share of samples that this changes.
    """

    n: int = 12
    columns: int = 4
    real: bool = False
    needs: ClassVar[type] = CanSample

    def __call__(self, system: CanSample, split: Split, *, generator: torch.Generator) -> Evaluation:
        rate = rate_of(split)
        _finish(generator.device)
        start = time.perf_counter()
        samples = system.sample(self.n, generator=generator)
        _finish(generator.device)
        elapsed = time.perf_counter() - start
        x = samples.x
        metrics = {
            "sound_seconds_per_second": x.shape[-1] * len(x) / rate / elapsed,
            "sound_nfe": float(samples.nfe),
            "sound_cut_share": float((x.abs() > 1).float().mean()),
        }
        images = {"spectrograms": spectrogram_grid(x, rate, columns=self.columns)}
        sounds = {"samples": one_after_another(x, rate)}
        if self.real:
            real = first_examples(split, self.n, generator.device)
            images["real_spectrograms"] = spectrogram_grid(real, rate, columns=self.columns)
            sounds["real_samples"] = one_after_another(real, rate)
        return Evaluation(metrics, images, sounds)


def one_after_another(x: Tensor, rate: int) -> Sound:
    """Sounds (N, 1, L) with pauses between them."""
    waves = torch.nn.functional.pad(x.detach().float().cpu()[:, 0], (0, round(_PAUSE * rate)))
    return Sound(amplitude_to_int16(waves.flatten().numpy()), rate)


def rate_of(split: Split) -> int:
    """The sampling rate of a split's sounds."""
    rate = split.dataset.spec.sampling_rate
    if rate is None:
        raise UserError(
            f"'{split.dataset.name}' holds no sounds, which a rate belongs to: use SampleGrid for pictures and solids"
        )
    return rate


def _finish(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
