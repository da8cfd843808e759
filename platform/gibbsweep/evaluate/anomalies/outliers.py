"""Outlier sets: other data, or noise, that a detector is asked to tell from its own data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from gibbsweep.data import Dataset, Split
from gibbsweep.data.inspection.resize_path import ResizePath, check_resizing, resize_path
from gibbsweep.data.loading.view import view_of
from gibbsweep.errors import UserError
from gibbsweep.evaluate.examples import examples_of
from gibbsweep_models.draws import rand, randn

CUSTOMARY: Mapping[str, tuple[str, ...]] = {
    "cifar10": ("faces", "emoji", "noise", "svhn?"),
    "cifar10_4k": ("faces", "emoji", "noise", "svhn?"),
    "mnist": ("fashion_mnist", "omniglot@28", "noise"),
    "mnist5k": ("fashion_mnist", "omniglot@28", "noise"),
    "digits": ("mnist5k@8", "noise"),
}
"""Outlier sets by the normal data set, which has their shape. ``NAME?`` is left out where its files are not present."""

DRAWN = ("noise", "uniform")
"""Outlier sets that are drawn: Gaussian noise with the mean and deviation of each channel of the normal examples, and
uniform noise, both rounded to bytes."""


@dataclass(frozen=True)
class Outliers:
    """The outlier sets that a detector is asked to tell from its own data.

    Example::

        outliers = Outliers(("svhn", "noise"))
        outliers.check(load("cifar10"))
    """

    names: tuple[str, ...] = ()
    """Views of data sets, or names of :data:`DRAWN`; none for the :data:`CUSTOMARY` ones."""

    def names_for(self, dataset: Dataset) -> tuple[str, ...]:
        """The names of the outlier sets for ``dataset``, without the optional ones whose files are not present."""
        normal = dataset.view.name
        if not self.names and normal not in CUSTOMARY:
            raise UserError(
                f"no outlier sets are customary for '{normal}': name some outliers of its shape {dataset.spec.shape}, "
                f"or choose one of {', '.join(CUSTOMARY)}"
            )
        names = self.names or CUSTOMARY[normal]
        return tuple(
            name.removesuffix("?") for name in names if not name.endswith("?") or _is_present(name[:-1], dataset)
        )

    def paths(self, dataset: Dataset) -> dict[str, ResizePath]:
        """How each set came to its size, by its short name; the normal set stands first, under the name ``normal``."""
        names = {_short(name): name for name in self.names_for(dataset) if name not in DRAWN}
        return {"normal": resize_path(dataset.view, dataset.root)} | {
            short: resize_path(name, dataset.root) for short, name in names.items()
        }

    def check(self, dataset: Dataset) -> None:
        """Raise UserError where an outlier set is missing, of another shape, or can be told from the normal set by how
        it was resized. Of the test files only the shapes are looked at."""
        names = self.names_for(dataset)
        if len({_short(name) for name in names}) < len(names) or not names:
            raise UserError(f"the outlier sets are {', '.join(names) or 'none'}: expected one or more different sets")
        paths = self.paths(dataset)
        check_resizing(paths.pop("normal"), list(paths.values()))
        for name in names:
            if name not in DRAWN:
                dataset.other(name, "test")

    def examples(self, split: Split, normal: Tensor, limit: int, *, generator: torch.Generator) -> dict[str, Tensor]:
        """At most ``limit`` examples (N, *D) of each set by its short name: from its test file for the test split, else
        from its training file. Drawn noise has the moments of ``normal`` (M, *D), examples of the split."""
        by_name = {}
        for name in self.names_for(split.dataset):
            if name in DRAWN:
                by_name[name] = _noise(name, normal, limit, generator)
            else:
                other = split.dataset.other(name, "test" if split.part == "test" else "train")
                by_name[_short(name)] = examples_of(other, limit, normal.device)
        return by_name


def _is_present(name: str, dataset: Dataset) -> bool:
    from gibbsweep.data.catalogue.folders import data_root
    from gibbsweep.data.catalogue.layouts import files_of

    return "test" in files_of(name, data_root(dataset.root))


def _short(name: str) -> str:
    return name if name in DRAWN else view_of(name).name


def _noise(name: str, normal: Tensor, n: int, generator: torch.Generator) -> Tensor:
    """Noise (n, *D) on the 256 even values of [-1, 1]."""
    shape = (n, *normal.shape[1:])
    if name == "uniform":
        noise = 2 * rand(shape, generator=generator).to(normal) - 1
    else:
        axes = [0, *range(2, normal.ndim)]
        mean, std = normal.mean(dim=axes, keepdim=True), normal.std(dim=axes, keepdim=True)
        noise = (mean + std * randn(shape, generator=generator).to(normal)).clamp(-1, 1)
    return (noise * 127.5 + 127.5).round() / 127.5 - 1
