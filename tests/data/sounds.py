"""WAV files of random samples for the tests of recordings."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from scipy.io import wavfile

_RNG = np.random.default_rng(0)


def wav(samples: np.ndarray[Any, Any], rate: int = 8000) -> bytes:
    """A WAV file of samples (L,), or (L, channels), in the format of their type."""
    file = io.BytesIO()
    wavfile.write(file, rate, samples)
    return file.getvalue()


def noise(length: int) -> np.ndarray[Any, Any]:
    """(length,) int16, loud, of another content at each call."""
    return _RNG.integers(-30_000, 30_000, length, dtype=np.int16)
