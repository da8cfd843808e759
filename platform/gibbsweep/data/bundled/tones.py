"""Plain sounds to try models of waveforms on: hums, glides and plucks."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gibbsweep.data.bundled.made import SEED, Made
from gibbsweep_models.draws import seeded

RATE, LENGTH = 8000, 1024


def draw_tones(n: int, generator: torch.Generator) -> NDArray[np.int16]:
    """Draws ``n`` sounds of each kind, (3 n, 1, 1024) int16 at 8 kHz.

    All have four harmonics of amplitude 1 / k, a pitch between 150 and 450 Hz, a peak between .3 and .9 and up to 24 ms
    of silence before them. A hum is steady, a glide rises by up to an octave, a pluck dies away within some 30 ms.
    """
    return np.concatenate([_sounds(n, glide, decay, generator) for glide, decay in ((0, 0), (1, 0), (0, 1))])


def _sounds(n: int, glide: int, decay: int, generator: torch.Generator) -> NDArray[np.int16]:
    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(n, 1, generator=generator, dtype=torch.float64)

    start = uniform(0.0, 0.024)
    time = torch.arange(LENGTH, dtype=torch.float64) / RATE - start
    pitch = 150.0 * 3.0 ** uniform(0.0, 1.0)
    octaves = glide * uniform(0.5, 1.0) * RATE / LENGTH  # octaves a second
    # The phase is the integral of the pitch, pitch 2^(octaves t).
    cycles = pitch * torch.where(octaves > 0, (2.0 ** (octaves * time) - 1) / (octaves * math.log(2)), time)
    loudness = torch.exp(-decay * time / uniform(0.02, 0.04)) * (time >= 0)
    sound = sum(torch.sin(2 * math.pi * k * cycles) / k for k in range(1, 5)) * loudness
    peak = uniform(0.3, 0.9)
    scaled = sound / sound.abs().amax(dim=1, keepdim=True) * peak
    return (scaled * 32767).round().to(torch.int16).numpy()[:, None]


def tones() -> Made:
    """200 hums, 200 glides and 200 plucks; the label is the kind."""
    return Made(draw_tones(200, seeded(SEED, 4)), np.repeat(np.arange(3), 200))
