"""WAV files in memory to waveforms and back: one channel, 16 bits, one rate, one length."""

from __future__ import annotations

import io
import struct
import warnings
import wave
from math import gcd
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gibbsweep.errors import UserError

FULL_SCALE = 32768
"""Scale of 16-bit samples: a sample s is the amplitude s / 32768 in [-1, 1)."""

LONGEST = 1 << 22
"""Largest number of samples in one example: three minutes at 22 kHz."""

_MALFORMED = (ValueError, OSError, EOFError, struct.error, ZeroDivisionError)
"""Errors that SciPy raises for a file that is no WAV or is cut short."""


def decode_wav(encoded: bytes | None, *, where: str) -> tuple[int, NDArray[np.int16]]:
    """Decodes a WAV file of one channel to its rate and its samples (L,), brought to 16 bits.

    ``where`` names the file in errors.
    """
    if not encoded:
        raise UserError(f"{where} has no audio bytes: embed the WAV file itself in audio.bytes, not only its path")
    from scipy.io import wavfile

    try:
        with warnings.catch_warnings():
            # SciPy warns of chunks that editors add, which are harmless, and of a file that ends early, which is not.
            warnings.simplefilter("ignore", wavfile.WavFileWarning)
            warnings.filterwarnings("error", "(Reached EOF|Incomplete chunk)", wavfile.WavFileWarning)
            rate, samples = wavfile.read(io.BytesIO(encoded))
    except (*_MALFORMED, wavfile.WavFileWarning) as error:
        raise UserError(
            f"{where} cannot be decoded as WAV ({error}): convert other formats (FLAC, MP3, Ogg) to WAV, replace "
            "damaged files"
        ) from error
    if samples.ndim != 1:
        raise UserError(f"{where} has {samples.shape[1]} channels: expected one; mix it down to mono")
    if not len(samples):
        raise UserError(f"{where} holds no samples: remove that row")
    return int(rate), _as_int16(samples, where)


def _as_int16(samples: NDArray[Any], where: str) -> NDArray[np.int16]:
    if samples.dtype == np.int16:
        return samples
    if samples.dtype == np.uint8:  # 8 bits are the one format without a sign
        return (samples.astype(np.int16) - 128) * np.int16(256)
    if samples.dtype == np.int32:  # 24 bits lie in the upper three bytes, too
        upper: NDArray[np.int16] = (samples >> 16).astype(np.int16)
        return upper
    if not np.issubdtype(samples.dtype, np.floating):
        raise UserError(f"{where} has samples of type {samples.dtype}: expected 8 to 32 bits, or 32- or 64-bit floats")
    largest = float(np.abs(samples).max())
    if not largest <= 1:  # NaN compares false
        raise UserError(
            f"{where} has floating-point samples up to {largest}: expected finite ones in [-1, 1]; scale it"
        )
    return amplitude_to_int16(samples)


def amplitude_to_int16(x: NDArray[Any]) -> NDArray[np.int16]:
    """Rounds amplitudes to 16 bits. The largest sample is 32767, so 1 loses one step; values beyond [-1, 1] are cut
    off."""
    samples: NDArray[np.int16] = np.clip(np.rint(x * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)
    return samples


def encode_wav(samples: NDArray[np.int16], rate: int) -> bytes:
    """Encodes samples (L,) as a WAV file of one channel of 16 bits."""
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.astype("<i2").tobytes())
    return content.getvalue()


def resampled(samples: NDArray[np.int16], rate: int, to: int) -> NDArray[np.int16]:
    """Resamples ``samples`` (L,) from ``rate`` to the rate ``to``: (ceil(L to / rate),).

    A polyphase filter removes frequencies above half of the lower rate. A filtered peak beyond 16 bits is cut off
    there.
    """
    if rate == to:
        return samples
    from scipy.signal import resample_poly

    common = gcd(rate, to)
    return amplitude_to_int16(resample_poly(samples / FULL_SCALE, to // common, rate // common))


def fitted(samples: NDArray[np.int16], length: int) -> NDArray[np.int16]:
    """Cuts samples (..., L) at their end, or pads them there with silence, to (..., length)."""
    missing = length - samples.shape[-1]
    if missing <= 0:
        return samples[..., :length]
    return np.pad(samples, [(0, 0)] * (samples.ndim - 1) + [(0, missing)])
