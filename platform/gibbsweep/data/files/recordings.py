"""Decodes a column of WAV files to waveforms of one rate and one length."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gibbsweep.data.files.form import Form
from gibbsweep.data.files.layout import files_in
from gibbsweep.data.formats.wav import as_int16, fitted, loses_bits, read_wav, resampled
from gibbsweep.data.tables.metadata import Metadata
from gibbsweep.errors import UserError


class Recordings:
    """Decodes a column ``audio`` to examples (1, L) int16."""

    dtype: type[np.generic] = np.int16

    def __init__(self, stated: Metadata, path: Path, form: Form) -> None:
        if stated.shape and (len(stated.shape) != 2 or stated.shape[0] != 1):
            raise UserError(f"{path} states the shape {stated.shape} of recordings: expected (1, samples)")
        self.form = form
        self.rate = stated.sampling_rate
        self.longer = 0
        self.finer = 0
        self._usual = stated.shape[1] if stated.shape else form.usual
        self._length: int | None = form.size

    def decode(self, column: Any, start: int, path: Path) -> Iterator[NDArray[np.int16]]:
        for row, encoded in enumerate(files_in(column), start):
            where = f"row {row} of {path}"
            rate, raw = read_wav(encoded, where=where)
            self.finer += loses_bits(raw)
            self.rate = self.rate or rate
            if self.form.rate is None and rate != self.rate:
                raise UserError(
                    f"{where} is sampled at {rate} Hz and the set at {self.rate} Hz: resample the file, correct "
                    "'sampling_rate' in the 'gibbsweep' metadata of the schema, or ask for one rate, "
                    f"NAME@{self.rate}Hz"
                )
            samples = resampled(as_int16(raw, where=where), rate, self.form.rate or rate)
            length = self._fixed_length(samples)
            if len(samples) != length and self.form.size is None and self._usual is None:
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
        rounded = f"{self.finer} of {rows} recordings have more than 16 bits and are rounded to 16"
        metadata = replace(metadata, shape=(1, self._length or 0), sampling_rate=self.form.rate or self.rate)
        return metadata.with_note(cut if self.longer else "").with_note(rounded if self.finer else "")
