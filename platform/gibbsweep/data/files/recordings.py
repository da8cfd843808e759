"""Decodes a column of WAV files to waveforms of one rate and one length."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gibbsweep.data.formats.wav import decode_wav, fitted, resampled
from gibbsweep.data.tables.metadata import Metadata
from gibbsweep.errors import UserError


@dataclass(frozen=True)
class AudioForm:
    """The rate and the length that recordings are brought to.

    AudioForm(length=8000, rate=8000)   # one second at 8 kHz
    """

    length: int | None = None
    """Samples: longer recordings end there, shorter ones go on in silence. None: ``usual``."""
    rate: int | None = None
    """Samples a second that recordings are resampled to. None: they must all have one rate, and keep it."""
    usual: int | None = None
    """The set's usual length in samples at its own rate. None: the recordings must all have one length, and keep it."""


class Recordings:
    """Decodes a column ``audio`` to examples (1, L) int16."""

    dtype: type[np.generic] = np.int16

    def __init__(self, stated: Metadata, path: Path, form: AudioForm) -> None:
        if stated.shape and (len(stated.shape) != 2 or stated.shape[0] != 1):
            raise UserError(f"{path} states the shape {stated.shape} of recordings: expected (1, samples)")
        self.path = path
        self.form = form
        self.rate = stated.sampling_rate
        self.longer = 0
        self._usual = stated.shape[1] if stated.shape else form.usual
        self._length: int | None = form.length

    def decode(self, column: Any, start: int) -> Iterator[NDArray[np.int16]]:
        binary = column.field("bytes") if pa.types.is_struct(column.type) else column
        for row, encoded in enumerate(binary.to_pylist(), start):
            where = f"row {row} of {self.path}"
            rate, samples = decode_wav(encoded, where=where)
            self.rate = self.rate or rate
            if self.form.rate is None and rate != self.rate:
                raise UserError(
                    f"{where} is sampled at {rate} Hz and the set at {self.rate} Hz: resample the file, correct "
                    "'sampling_rate' in the 'gibbsweep' metadata of the schema, or ask for one rate, "
                    f"NAME@{self.rate}Hz"
                )
            samples = resampled(samples, rate, self.form.rate or rate)
            length = self._fixed_length(samples)
            if len(samples) != length and self.form.length is None and self._usual is None:
                raise UserError(
                    f"{where} is {len(samples)} samples long and row 0 {length}: name a length that all are cut or "
                    f"padded to, NAME@{length}, or state 'shape': [1, {length}] in the 'gibbsweep' metadata of the "
                    "schema"
                )
            self.longer += len(samples) > length
            yield fitted(samples, length)[None]

    def _fixed_length(self, first: NDArray[np.int16]) -> int:
        if self._length is None:
            rate, set_rate = self.form.rate, self.rate
            usual = (
                self._usual
                if rate is None or set_rate is None or not self._usual
                else ceil(self._usual * rate / set_rate)
            )
            self._length = usual or len(first)
        return self._length

    def completed(self, metadata: Metadata, rows: int) -> Metadata:
        """``metadata`` with the shape and rate that all ``rows`` got, and with a note where some were cut."""
        cut = f"{self.longer} of {rows} recordings are longer than {self._length} samples and end there"
        note = "; ".join(part for part in (metadata.note, cut if self.longer else "") if part)
        return replace(metadata, shape=(1, self._length or 0), sampling_rate=self.form.rate or self.rate, note=note)
