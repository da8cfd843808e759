"""Which sets a detector is asked to tell from its own data, and what it is shown of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from gibbsweep.data import Dataset, Split
from gibbsweep.data.inspection.resize_path import ResizePath, check_resizing, resize_path
from gibbsweep.data.loading.view import view_of
from gibbsweep.errors import UserError
from gibbsweep.evaluate.contract import first_examples
from gibbsweep_models.draws import rand, randn

CUSTOMARY: Mapping[str, tuple[str, ...]] = {
    "cifar10": ("faces", "emoji", "noise", "svhn?"),
    "cifar10_4k": ("faces", "emoji", "noise", "svhn?"),
    "mnist": ("fashion_mnist", "omniglot@28", "noise"),
    "mnist5k": ("fashion_mnist", "omniglot@28", "noise"),
    "digits": ("mnist5k@8", "noise"),
}
"""Outlier sets of one shape with each set of normal data; ``NAME?``: where it is there."""

DRAWN = ("noise", "uniform")
"""Gaussian noise with the mean and deviation of each channel of the normal examples, and uniform noise, both bytes."""


@dataclass(frozen=True)
class Outliers:
    """``names``: views of data sets, or of :data:`DRAWN`; none: those that are :data:`CUSTOMARY`."""

    names: tuple[str, ...] = ()

    def of(self, dataset: Dataset) -> tuple[str, ...]:
        """The names, without the optional ones that are not there."""
        name = dataset.view.name
        if not self.names and name not in CUSTOMARY:
            raise UserError(
                f"no outlier sets are customary for '{name}': name some of its shape {dataset.spec.shape}, --outliers SET SET, or "
                f"choose one of {', '.join(CUSTOMARY)}"
            )
        asked = self.names or CUSTOMARY[name]
        return tuple(name.removesuffix("?") for name in asked if not name.endswith("?") or _is_here(name[:-1], dataset))

    def paths(self, dataset: Dataset) -> dict[str, ResizePath]:
        """How each came to its size, the normal set first, under the name ``normal``."""
        sets = {_short(name): name for name in self.of(dataset) if name not in DRAWN}
        return {"normal": resize_path(dataset.view, dataset.root)} | {
            short: resize_path(name, dataset.root) for short, name in sets.items()
        }

    def check(self, dataset: Dataset) -> None:
        """Refuse outliers that are missing, of another shape, or told from the normal set by how they were resized. The test files'
        shapes alone are looked at."""
        names = self.of(dataset)
        if len({_short(name) for name in names}) < len(names) or not names:
            raise UserError(f"the outlier sets are {', '.join(names) or 'none'}: expected one or more different sets")
        paths = self.paths(dataset)
        check_resizing(paths.pop("normal"), list(paths.values()))
        for name in names:
            if name not in DRAWN:
                dataset.other(name, "test")

    def examples(self, split: Split, normal: Tensor, limit: int, *, generator: torch.Generator) -> dict[str, Tensor]:
        """At most ``limit`` examples (N, *D) of each set by its short name: of its test file for the test split, else of its training
        file. ``normal``: examples of the split, whose moments drawn noise has."""
        found = {}
        for name in self.of(split.dataset):
            if name in DRAWN:
                found[name] = _drawn(name, normal, limit, generator)
            else:
                other = split.dataset.other(name, "test" if split.part == "test" else "train")
                found[_short(name)] = first_examples(other, limit, normal.device)
        return found


def _is_here(name: str, dataset: Dataset) -> bool:
    from gibbsweep.data.catalogue.folders import data_root
    from gibbsweep.data.catalogue.layouts import files_of

    return "test" in files_of(name, data_root(dataset.root))


def _short(name: str) -> str:
    return name if name in DRAWN else view_of(name).name


def _drawn(name: str, normal: Tensor, n: int, generator: torch.Generator) -> Tensor:
    """Noise (n, *D) on the 256 even values of [-1, 1]."""
    shape = (n, *normal.shape[1:])
    if name == "uniform":
        noise = 2 * rand(shape, generator=generator).to(normal) - 1
    else:
        axes = [0, *range(2, normal.ndim)]
        mean, std = normal.mean(dim=axes, keepdim=True), normal.std(dim=axes, keepdim=True)
        noise = (mean + std * randn(shape, generator=generator).to(normal)).clamp(-1, 1)
    return (noise * 127.5 + 127.5).round() / 127.5 - 1
