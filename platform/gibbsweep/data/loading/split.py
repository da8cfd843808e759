"""Rows of a memory-mapped table, in the units that models see."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gibbsweep.data.loading.units import conversion
from gibbsweep.data.tables.table import Table
from gibbsweep_models.draws import seeded
from gibbsweep_models.types import Units

Indices = Tensor | slice | NDArray[Any]


class TableSplit:
    """Rows of a table, in the units that models see. D = the shape of one example, channels first.

    Example::

        split = load_split("digits", "test")
        split.batch(torch.arange(10))           # {"x": (10, 1, 8, 8) in [-1, 1], "y": (10,)}

    ``table``: the memory-mapped file that the split is cut from. ``rows`` (N,) int64: the table's rows that belong to
    the split, ascending; None: all of them. ``labels`` (n_classes,) int64: the split's label for each label of the
    table; None where they are equal.
    """

    def __init__(
        self,
        table: Table,
        rows: Tensor | None = None,
        units: Units = "signed",
        labels: Tensor | None = None,
    ) -> None:
        self.table = table
        self.rows = rows
        self.labels = labels
        self.units: Units = units
        self._convert = conversion(table.x.dtype, units)

    def __len__(self) -> int:
        return len(self.table.x) if self.rows is None else len(self.rows)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape D of one example."""
        return tuple(self.table.x.shape[1:])

    @property
    def x(self) -> Tensor:
        """Raw examples (N, *D): uint8 for images and voxels, int16 for sounds, float32 for vectors.

        The memory-mapped array itself where the split is the whole file, a copy of the split's rows where it is a part.
        """
        return self.table.x if self.rows is None else self.table.x.index_select(0, self.rows)

    @property
    def y(self) -> Tensor | None:
        """Labels (N,) int64, or None: the mapped array or a copy like :attr:`x`, a copy where they are renumbered."""
        if self.table.y is None:
            return None
        y = self.table.y if self.rows is None else self.table.y.index_select(0, self.rows)
        return y if self.labels is None else self.labels[y]

    def batch(self, indices: Indices) -> dict[str, Tensor]:
        """Examples at ``indices`` in [0, N), as copies that may be changed.

        ``"x"`` (B, *D) float32 in the split's units, ``"y"`` (B,) int64 if labelled, ``"text"`` (B, L) int64 if
        captioned: the ids of the words, padded with 0. Signed units: (u - 127.5) / 127.5 of a byte u, exact to the last
        bit and symmetric, 0 to -1 and 255 to 1. Binary units: 1 from 128 on. A sample s of a sound is s / 32768, in
        [-1, 1). Real-valued data is passed on unchanged.
        """
        rows = self._rows(indices)
        batch = {"x": self._convert(self.table.x.index_select(0, rows))}
        if self.table.y is not None:
            y = self.table.y.index_select(0, rows)
            batch["y"] = y if self.labels is None else self.labels[y]
        if self.table.tokens is not None:
            batch["text"] = self.table.tokens.index_select(0, rows)
        return batch

    def text(self, indices: Indices) -> list[str | None]:
        """Captions at ``indices``, None for an empty cell; a ValueError where the data set has no captions."""
        if self.table.text is None:
            raise ValueError("this data set has no column 'text': choose one with captions")
        texts: list[str | None] = self.table.text.take(self._rows(indices).numpy()).to_pylist()
        return texts

    def examples(self, n: int, seed: int = 0) -> dict[str, Tensor]:
        """Batch of ``n`` different examples, drawn by ``seed``."""
        if not 0 < n <= len(self):
            raise ValueError(f"examples: got n={n} of a split of {len(self)} examples; ask for 1 to {len(self)}")
        return self.batch(torch.randperm(len(self), generator=seeded(seed))[:n])

    def _rows(self, indices: Indices) -> Tensor:
        if isinstance(indices, slice):
            wanted = torch.arange(*indices.indices(len(self)))
        elif isinstance(indices, np.ndarray):
            wanted = torch.from_numpy(indices)
        else:
            wanted = indices
        if wanted.dtype == torch.bool:
            if len(wanted) != len(self):
                raise ValueError(f"a mask must have one entry an example: got {len(wanted)}, expected {len(self)}")
            wanted = wanted.nonzero()[:, 0]
        return wanted if self.rows is None else self.rows.index_select(0, wanted)
