"""Loads a view of a data set and cuts it into train, validation and test."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from torch import Tensor

from gibbsweep.data.catalogue.folders import data_root
from gibbsweep.data.catalogue.layouts import SplitName
from gibbsweep.data.loading.cut import cut, rows_of, same_text
from gibbsweep.data.loading.sources import Openers, no_split, openers
from gibbsweep.data.loading.split import TableSplit
from gibbsweep.data.loading.units import conversion
from gibbsweep.data.loading.view import DataView, view_of
from gibbsweep.data.tables.table import Table
from gibbsweep.errors import UserError
from gibbsweep_models.types import DataSpec, Units

PartName = Literal["train", "validation", "test"]


def load(
    data: str | DataView,
    *,
    root: Path | str | None = None,
    units: Units = "signed",
    seed: int = 0,
    validation: float = 0.1,
    limit: int | None = None,
) -> Dataset:
    """Loads the data set or view ``data``: bundled, or from ``ROOT/NAME/{train,test}.parquet``, decoded on first use.

    ``root``: the folder of data sets; None: ``$GIBBSWEEP_DATA``, else the user's data folder. ``units``: "signed" for
    values in [-1, 1], "binary" for 0 and 1. ``validation``: share of the training file that becomes the validation
    split, chosen by ``seed`` alone; a view's splits are parts of its set's. ``limit``: at most this many examples of
    each split, chosen by ``seed``; a larger limit holds the examples of a smaller one. The smaller of this limit and
    the view's counts.
    """
    view = view_of(data)
    if units not in ("signed", "binary"):
        raise UserError(f"units are '{units}': expected 'signed' (values in [-1, 1]) or 'binary' (values in {{0, 1}})")
    if not 0.0 <= validation < 1.0:
        raise UserError(f"the validation share is {validation}: expected a number from 0 up to, not including, 1")
    if limit is not None and limit < 1:
        raise UserError(f"the limit is {limit}: expected at least 1 example, or none for all")
    folder = None if root is None else data_root(root)  # absolute, for a process that starts elsewhere
    splits = openers(view, data_root(root))
    opened: SplitName = "train" if "train" in splits else "test"
    first = splits[opened]()
    conversion(first.x.dtype, units)  # refuses units that such data has not
    splits[opened] = lambda: first
    view.check_classes(first.metadata.classes)
    recipe: dict[str, Any] = {"root": folder, "units": units, "seed": seed, "validation": validation, "limit": limit}
    return Dataset(view, first, splits, recipe)


def load_split(
    data: str | DataView,
    split: SplitName,
    *,
    root: Path | str | None = None,
    units: Units = "signed",
) -> TableSplit:
    """Loads all rows of one file that a view has, with nothing set aside: for outlier sets and for inspection."""
    view = view_of(data)
    splits = openers(view, data_root(root))
    if split not in splits:
        raise no_split(view.name, split, data_root(root))
    table = splits[split]()
    view.check_classes(table.metadata.classes)
    rows = rows_of(table, view, view.limit, 0, testing=split == "test")
    return TableSplit(table, rows, units, view.relabelling(table.n_classes))


class Split(TableSplit):
    """A split of a data set, for measures that compare it with the set's training examples or with another set.

    Example::

        split = load("digits").validation
        split.part, split.dataset.name          # ("validation", "digits")

    ``dataset``: the data set that was split. ``part``: the name of this split; measures read the test file of another
    set for the test split alone.
    """

    def __init__(
        self,
        table: Table,
        rows: Tensor | None,
        units: Units,
        labels: Tensor | None,
        *,
        dataset: Dataset,
        part: PartName,
    ) -> None:
        super().__init__(table, rows, units, labels)
        self.dataset = dataset
        self.part: PartName = part


class Dataset:
    """A view of a data set in signed or binary units, cut into :attr:`train`, :attr:`validation` and :attr:`test`.

    Example::

        digits = load("digits[:500]", units="binary")
        len(digits.train), digits.spec.shape    # (500, (1, 8, 8))

    The training file is open; the test file is opened when :attr:`test` is first read. A pickled data set is its
    recipe: the process that unpickles it loads it anew, from the mapped file.

    ``name``: the view as text. ``classes``: names of the view's labels, ``class_names`` those of the whole set.
    ``spec``: shape, units, classes and vocabulary for a model. ``vocabulary``: encodes captions; None without captions.
    ``fingerprint``: a hash of the decoded examples and labels of the training file (of the test file where there is
    none; of both for a bundled set) and of the view, the same on every machine.
    """

    def __init__(self, view: DataView, first: Table, splits: Openers, recipe: dict[str, Any]) -> None:
        classes = first.metadata.classes
        self.view = view
        self.name = str(view)
        self.root: Path | None = recipe["root"]
        self.classes = classes if view.classes is None else tuple(classes[label] for label in view.classes)
        self.vocabulary = first.vocabulary
        self.spec = DataSpec(
            tuple(first.x.shape[1:]),
            recipe["units"],
            len(self.classes) or None,
            None if first.vocabulary is None else first.vocabulary.size,
            None if first.vocabulary is None else first.vocabulary.length,
            first.metadata.sampling_rate,
        )
        self.source = first.metadata.source
        self.licence = first.metadata.licence
        self.note = first.metadata.note
        self.fingerprint = view.fingerprint(first.fingerprint)
        self.class_names = classes
        self._splits = splits
        self._recipe = recipe

    def __reduce__(self) -> tuple[Any, ...]:
        return _reload, (self.view, self._recipe)

    def __repr__(self) -> str:
        return f"Dataset({self.name!r}, {self.spec}, fingerprint={self.fingerprint})"

    @property
    def train(self) -> Split:
        """Training examples, without those of :attr:`validation`."""
        return self._train_and_validation[0]

    @property
    def validation(self) -> Split:
        """Share of the training file that is set aside for tuning."""
        return self._train_and_validation[1]

    @cached_property
    def test(self) -> Split:
        """Test examples, read from their own file at the first access."""
        table = self._open("test")
        shape, classes = tuple(table.x.shape[1:]), table.metadata.classes
        if shape != self.spec.shape or classes != self.class_names[: len(classes)]:
            raise UserError(
                f"the test file of '{self.view.name}' has examples of {shape} in {len(classes)} classes and its "
                f"training file {self.spec.shape} in {len(self.class_names)}, or classes of other names: make both "
                "from one source"
            )
        if table.metadata.sampling_rate != self.spec.sampling_rate:
            raise UserError(
                f"the test file of '{self.view.name}' is sampled at {table.metadata.sampling_rate} Hz and its training "
                f"file at {self.spec.sampling_rate} Hz: ask for one rate, {self.view.name}@{self.spec.sampling_rate}Hz"
            )
        if table.vocabulary != self.vocabulary:
            raise UserError(
                f"only one of the two files of '{self.view.name}' has a column 'text': give both captions, or none"
            )
        rows = rows_of(table, self.view, self._limit, self._recipe["seed"], testing=True)
        return Split(table, rows, self.spec.units, self.view.relabelling(table.n_classes), dataset=self, part="test")

    def check(self) -> None:
        """Raises UserError where a split is missing or empty, or the test file does not match the training file."""
        for split in (self.train, self.validation, self.test):
            _ = split.shape

    @cached_property
    def classes_without_examples(self) -> tuple[int, ...]:
        """Classes of the view, numbered as in the set, that no training example has, apart from excluded ones."""
        y = self._open("train").y
        if y is None:
            return ()
        counts = y.bincount(minlength=len(self.class_names))
        wanted = self.view.classes or range(len(self.class_names))
        return tuple(label for label in wanted if not counts[label] and label not in self.view.exclude)

    def other(self, data: str | DataView, split: SplitName = "test") -> Split:
        """Split of another data set to compare with, from the same root, in the same units and of the same shape."""
        recipe = self._recipe
        other = load(data, root=recipe["root"], units=recipe["units"], seed=recipe["seed"], validation=0.0)
        if other.spec.shape != self.spec.shape:
            raise UserError(
                f"data set '{other.name}' has examples of {other.spec.shape} and '{self.name}' of {self.spec.shape}: "
                "compare sets of one shape; NAME@SIZE resizes images and cuts or pads sounds"
            )
        if other.spec.sampling_rate != self.spec.sampling_rate:
            raise UserError(
                f"data set '{other.name}' is sampled at {other.spec.sampling_rate} Hz and '{self.name}' at "
                f"{self.spec.sampling_rate} Hz: compare sets of one rate; NAME@{self.spec.sampling_rate}Hz resamples"
            )
        return other.train if split == "train" else other.test

    @cached_property
    def _train_and_validation(self) -> tuple[Split, Split]:
        table, recipe = self._open("train"), self._recipe
        mask = self.view.keeps(table.y, testing=False)
        train, validation = cut(
            len(table.x),
            recipe["validation"],
            recipe["seed"],
            self._limit,
            name=self.name,
            mask=mask,
            together=same_text(table.text),
        )
        units, labels = self.spec.units, self.view.relabelling(table.n_classes)
        return (
            Split(table, train, units, labels, dataset=self, part="train"),
            Split(table, validation, units, labels, dataset=self, part="validation"),
        )

    @property
    def _limit(self) -> int | None:
        limits = [limit for limit in (self._recipe["limit"], self.view.limit) if limit is not None]
        return min(limits, default=None)

    def _open(self, split: SplitName) -> Table:
        if split not in self._splits:
            raise no_split(self.view.name, split, data_root(self.root))
        return self._splits[split]()


def _reload(view: DataView, recipe: dict[str, Any]) -> Dataset:
    return load(view, **recipe)
