"""Loading a data set by name and cutting it into train, validation and test."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gibbsweep.data.bundled import open_bundled
from gibbsweep.data.cache import cached
from gibbsweep.data.catalogue import entry_of
from gibbsweep.data.folders import SplitName, data_root, files_of, missing
from gibbsweep.data.parquet import identity, read_images
from gibbsweep.data.split import Split
from gibbsweep.data.table import Table
from gibbsweep.errors import UserError
from gibbsweep_models.draws import seeded
from gibbsweep_models.types import DataSpec, Units


def load(
    name: str,
    *,
    root: Path | str | None = None,
    units: Units = "signed",
    seed: int = 0,
    validation: float = 0.1,
    limit: int | None = None,
) -> Dataset:
    """The data set ``name``: bundled, or from ``ROOT/NAME/{train,test}.parquet``, decoded on first use.

    ``validation``: the share of the training file that becomes the validation split, chosen by ``seed`` alone.
    ``limit``: at most this many examples of each split, chosen by ``seed``; a larger limit holds those of a smaller one.
    """
    if units not in ("signed", "binary"):
        raise UserError(f"units are '{units}': expected 'signed' (values in [-1, 1]) or 'binary' (values in {{0, 1}})")
    if not 0.0 <= validation < 1.0:
        raise UserError(f"the validation share is {validation}: expected a number from 0 up to, not including, 1")
    if limit is not None and limit < 1:
        raise UserError(f"the limit is {limit}: expected at least 1 example, or none for all")
    folder = None if root is None else data_root(root)  # absolute, for a process that starts elsewhere
    openers = _openers(name, data_root(root))
    first = openers["train" if "train" in openers else "test"]()
    if "train" in openers:
        openers["train"] = lambda: first
    else:
        openers["test"] = lambda: first
    recipe: dict[str, Any] = {"root": folder, "units": units, "seed": seed, "validation": validation, "limit": limit}
    return Dataset(name, first, openers, recipe)


def load_split(
    name: str,
    split: SplitName,
    *,
    root: Path | str | None = None,
    units: Units = "signed",
) -> Split:
    """All of one file of a data set, nothing cut off: for outlier sets without a train split, and for inspection."""
    openers = _openers(name, data_root(root))
    if split not in openers:
        raise _no_split(name, split, openers)
    return Split(openers[split](), None, units)


class Dataset:
    """A data set in certain units. The training file is open; the test file is opened when :attr:`test` is first read.

    ``fingerprint``: a hash of the decoded examples and labels of the training file (of the test file where there is none; of
    both for a bundled set), the same on every machine. A pickled data set is its recipe: it is loaded anew, from the mapped file, where it arrives.
    """

    def __init__(
        self, name: str, first: Table, openers: dict[SplitName, Callable[[], Table]], recipe: dict[str, Any]
    ) -> None:
        self.name = name
        self.spec = DataSpec(tuple(first.x.shape[1:]), recipe["units"], first.n_classes)
        self.classes = first.metadata.classes
        self.source = first.metadata.source
        self.licence = first.metadata.licence
        self.note = first.metadata.note
        self.fingerprint = first.fingerprint
        self._openers = openers
        self._recipe = recipe

    def __reduce__(self) -> tuple[Any, ...]:
        return _reload, (self.name, self._recipe)

    def __repr__(self) -> str:
        return f"Dataset({self.name!r}, {self.spec}, fingerprint={self.fingerprint})"

    @property
    def train(self) -> Split:
        """The training examples, without those of :attr:`validation`."""
        return self._train_and_validation[0]

    @property
    def validation(self) -> Split:
        """The share of the training file set aside for tuning."""
        return self._train_and_validation[1]

    @cached_property
    def test(self) -> Split:
        """The test examples, read from their own file now, for the first time."""
        table = self._open("test")
        shape, n_classes = tuple(table.x.shape[1:]), table.n_classes
        if shape != self.spec.shape or (n_classes or 0) > (self.spec.n_classes or 0):
            raise UserError(
                f"the test file of '{self.name}' has examples of {shape} in {n_classes} classes and its training file "
                f"{self.spec.shape} in {self.spec.n_classes}: make both from one source"
            )
        limit = self._recipe["limit"]
        whole = limit is None or limit >= len(table.x)
        rows = None if whole else _shuffled(len(table.x), self._recipe["seed"], _TEST)[:limit].sort().values
        return Split(table, rows, self.spec.units, self, "test")

    def other(self, name: str, split: SplitName = "test") -> Split:
        """A split of another data set, from the same root and in the same units, whose examples have this one's shape:
        outliers to compare with."""
        recipe = self._recipe
        other = load(name, root=recipe["root"], units=recipe["units"], seed=recipe["seed"], validation=0.0)
        if other.spec.shape != self.spec.shape:
            raise UserError(
                f"data set '{name}' has examples of {other.spec.shape} and '{self.name}' of {self.spec.shape}: "
                "compare sets of one shape"
            )
        return other.train if split == "train" else other.test

    @cached_property
    def _train_and_validation(self) -> tuple[Split, Split]:
        table, recipe = self._open("train"), self._recipe
        train, validation = cut(len(table.x), recipe["validation"], recipe["seed"], recipe["limit"], name=self.name)
        units = self.spec.units
        return Split(table, train, units, self, "train"), Split(table, validation, units, self, "validation")

    def _open(self, split: SplitName) -> Table:
        if split not in self._openers:
            raise _no_split(self.name, split, self._openers)
        return self._openers[split]()


_TRAIN, _TEST = 1, 2  # streams of the seed


def cut(n: int, share: float, seed: int, limit: int | None = None, *, name: str = "") -> tuple[Tensor | None, Tensor]:
    """Which of ``n`` rows train (None: all) and which validate: disjoint, complete, ascending, a function of the arguments.

    A positive ``share`` gives the validation split round(share · n) rows, at least 1.
    """
    n_validation = max(1, int(share * n + 0.5)) if share > 0 else 0
    if n_validation >= n:
        raise UserError(
            f"a validation share of {share} leaves nothing of the {n} training examples of '{name}': choose a smaller one"
        )
    order = _shuffled(n, seed, _TRAIN)
    train, validation = order[n_validation:][:limit], order[:n_validation][:limit]
    return None if len(train) == n else train.sort().values, validation.sort().values


def _shuffled(n: int, seed: int, stream: int) -> Tensor:
    return torch.randperm(n, generator=seeded(seed, stream))


def _openers(name: str, root: Path) -> dict[SplitName, Callable[[], Table]]:
    """How to open each split that exists."""
    files = files_of(name, root)
    entry = entry_of(name)
    if entry is not None and entry.how == "bundled":
        if files:
            raise UserError(f"{root / name} has the name of a bundled data set: rename the folder to use it")
        return {"train": lambda: open_bundled(entry, "train"), "test": lambda: open_bundled(entry, "test")}
    if not files:
        raise missing(name, root)
    return {split: _file_opener(name, split, path) for split, path in files.items()}


def _file_opener(name: str, split: SplitName, path: Path) -> Callable[[], Table]:
    return lambda: cached(f"{name}-{split}", identity(path), lambda: read_images(path))


def _no_split(name: str, split: SplitName, openers: dict[SplitName, Callable[[], Table]]) -> UserError:
    has = " and ".join(openers)
    other = "cannot be trained on, only tested with" if split == "train" else "cannot be tested with"
    return UserError(f"data set '{name}' has only {has}.parquet and {other}: add {split}.parquet beside it")


def _reload(name: str, recipe: dict[str, Any]) -> Dataset:
    return load(name, **recipe)
