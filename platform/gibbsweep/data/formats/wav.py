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

_MALFORMED = (ValueError, OSError, EOFError, NameError, struct.error, ZeroDivisionError)
"""Errors that SciPy raises for a file that is no WAV or is cut short; NameError: it found no samples at all."""

_ENDLESS = 0x7FFF0000
"""Sizes in a header from here on are marks of a program that wrote to a pipe and did not know the length."""


def decode_wav(encoded: bytes | None, *, where: str) -> tuple[int, NDArray[np.int16]]:
    """Decodes a WAV file of one channel to its rate and its samples (L,), brought to 16 bits.

    ``where`` names the file in errors.
    """
    rate, samples = read_wav(encoded, where=where)
    return rate, as_int16(samples, where=where)


def read_wav(encoded: bytes | None, *, where: str) -> tuple[int, NDArray[Any]]:
    """Reads a WAV file of one channel: its rate and its samples (L,) in their own type.

    The header of a stream, which does not state the length, is read as one that reaches to the end of the file.
    """
    if not encoded:
        raise UserError(f"{where} has no audio bytes: embed the WAV file itself in audio.bytes, not only its path")
    from scipy.io import wavfile

    try:
        with warnings.catch_warnings():
            # SciPy warns of chunks that editors add, which are harmless, and of a file that ends early, which is not.
            warnings.simplefilter("ignore", wavfile.WavFileWarning)
            warnings.filterwarnings("error", "(Reached EOF|Incomplete chunk)", wavfile.WavFileWarning)
            rate, samples = wavfile.read(io.BytesIO(_with_sizes(encoded)))
    except (*_MALFORMED, wavfile.WavFileWarning) as error:
        reason = "it holds no samples" if isinstance(error, NameError) else error
        raise UserError(
            f"{where} cannot be decoded as WAV ({reason}): convert other formats (FLAC, MP3, Ogg) to WAV, replace "
            "damaged files"
        ) from error
    if samples.ndim != 1:
        raise UserError(f"{where} has {samples.shape[1]} channels: expected one; mix it down to mono")
    if not len(samples):
        raise UserError(f"{where} holds no samples: remove that row")
    return int(rate), samples


def _with_sizes(encoded: bytes) -> bytes:
    """The file with its true sizes in the header where a stream's header leaves them open, else as it is."""
    if len(encoded) < 12 or encoded[:4] != b"RIFF" or encoded[8:12] != b"WAVE":
        return encoded
    open_ended = _is_open(encoded[4:8])
    start, frame = 12, 1
    while start + 8 <= len(encoded):
        name, size = encoded[start : start + 4], encoded[start + 4 : start + 8]
        if name == b"fmt " and start + 22 <= len(encoded):
            frame = max(1, struct.unpack("<H", encoded[start + 20 : start + 22])[0])
        if name == b"data":
            if open_ended and _is_open(size):
                # Nothing follows the samples of a stream; the last of them may have been cut in two.
                whole = (len(encoded) - start - 8) // frame * frame
                encoded = encoded[: start + 4] + struct.pack("<I", whole) + encoded[start + 8 : start + 8 + whole]
            break
        length = struct.unpack("<I", size)[0]
        start += 8 + length + length % 2
    return encoded[:4] + struct.pack("<I", len(encoded) - 8) + encoded[8:] if open_ended else encoded


def _is_open(size: bytes) -> bool:
    """Whether a size in a header is 0 or one of the marks of a stream."""
    value: int = struct.unpack("<I", size)[0]
    return value == 0 or value >= _ENDLESS


def as_int16(samples: NDArray[Any], *, where: str) -> NDArray[np.int16]:
    """Brings samples of 8 to 64 bits to 16; :func:`loses_bits` says whether that loses something."""
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


def loses_bits(samples: NDArray[Any]) -> bool:
    """Whether samples are finer than 16 bits can hold."""
    if samples.dtype == np.int32:
        return bool((samples & 0xFFFF).any())
    if not np.issubdtype(samples.dtype, np.floating):
        return False
    steps = samples.astype(np.float64) * FULL_SCALE
    return bool((steps != np.rint(steps)).any())


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
