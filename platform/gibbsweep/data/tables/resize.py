"""Tables of images, voxels and sounds at another size, and of images in another colour."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from gibbsweep.data.formats.images import CHANNELS, Colour, recoloured
from gibbsweep.data.formats.wav import LONGEST, fitted
from gibbsweep.data.tables.cache import cached
from gibbsweep.data.tables.table import Decoded, Table
from gibbsweep.errors import UserError

FILTER = "bilinear, antialiased"
"""Name of the filter that resizes images, for tables and logs."""

_LARGEST = 1024  # pixels or voxels an edge
_CHUNK = 1024  # examples resized at once: bounds the memory of the float copies


def at_size(name: str, key: str, table: Table, size: int | None, colour: Colour | None = None) -> Table:
    """Brings ``table`` of data set or file ``name`` to a ``size`` and a ``colour``, once a node; None: as it is."""
    shape = table.metadata.shape
    if colour is not None:
        check_colour(name, len(shape), colour)
    if size is not None:
        _check_size(name, shape, size)
    recolour = colour is not None and shape[0] != CHANNELS[colour]
    resize = size is not None and any(edge != size for edge in shape[1:])
    if not (recolour or resize):
        return table
    stem = name + (f"@{size}" if resize else "") + (f"@{colour}" if recolour else "")
    return cached(stem, key, lambda: _decoded(table, size if resize else None, colour if recolour else None))


def _decoded(table: Table, size: int | None, colour: Colour | None) -> Decoded:
    x = table.x.numpy()
    if colour is not None:
        x = recoloured(x, colour)
    if size is not None:
        x = fitted(x, size) if x.dtype == np.int16 else resized(torch.from_numpy(x), size)
    return Decoded(
        x=x,
        y=None if table.y is None else table.y.numpy(),
        text=None if table.text is None else table.text.to_pylist(),
        metadata=replace(table.metadata, shape=x.shape[1:]),
        vocabulary=table.vocabulary,
    )


def resized(x: Tensor, size: int) -> NDArray[np.uint8]:
    """Resizes bytes (N, C, H, H) or (N, C, H, H, H) from the edge H to the edge ``size``.

    Images: bilinear, antialiased, rounded. Voxels (0 or 255): a new voxel is set where at least half of the volume that
    it covers was set.
    """
    out = np.empty((*x.shape[:2], *[size] * (x.ndim - 2)), np.uint8)
    for start in range(0, len(x), _CHUNK):
        part = x[start : start + _CHUNK].float()
        if x.ndim == 4:
            new = functional.interpolate(part, size=[size] * 2, mode="bilinear", antialias=True)
            new = new.round_().clamp_(0, 255)  # only rounding errors in the sum of the weights can leave the range
        else:
            new = torch.where(functional.interpolate(part, size=[size] * 3, mode="area") >= 127.5, 255.0, 0.0)
        out[start : start + _CHUNK] = new.to(torch.uint8).numpy()
    return out


def check_colour(name: str, dims: int, colour: Colour) -> None:
    """Refuses to bring examples of ``dims`` axes, channels included, to ``colour`` where they are no images."""
    if dims != 3:
        raise UserError(f"'{name}@{colour}' asks for images and data set '{name}' holds none: leave @{colour} out")


def check_edge(name: str, size: int) -> None:
    """Refuses an edge of images or voxels that is absurdly large."""
    if size > _LARGEST:
        raise UserError(f"'{name}@{size}' is larger than {_LARGEST}: choose a smaller size")


def _check_size(name: str, shape: tuple[int, ...], size: int) -> None:
    """Refuses what cannot be brought to the edge or length ``size``: vectors, oblong examples, absurd sizes."""
    if len(shape) == 2:
        if size > LONGEST:
            raise UserError(f"'{name}@{size}' is longer than {LONGEST} samples: choose a smaller length")
        return
    if len(shape) < 3:
        raise UserError(
            f"'{name}@{size}' is resized and data set '{name}' holds vectors of {shape}: leave the size out"
        )
    if len(set(shape[1:])) > 1:
        raise UserError(
            f"'{name}@{size}' is resized and the examples of '{name}' have the unequal edges {shape[1:]}: make the "
            "set's examples cubes first, cropped or padded"
        )
    check_edge(name, size)
