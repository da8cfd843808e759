"""Checks, before anything trains, that a data set has what a study needs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from gibbsweep.data.inspection.listing import catalogue_rows
from gibbsweep.data.loading.dataset import Dataset
from gibbsweep.errors import UserError


@dataclass(frozen=True)
class DataNeeds:
    """Properties that a study needs of its data set.

    Example::

        DataNeeds(labels=True, dims=3, channels=1)      # labelled grey images
    """

    labels: bool = False
    """Whether it must have labels of two classes or more."""
    text: bool = False
    """Whether it must have captions."""
    dims: int | None = None
    """Axes of one example, channels included: 1 for vectors, 2 for sounds, 3 for images, 4 for voxels. None: any."""
    channels: int | None = None
    """Length of the first axis. None: any."""
    cubes: bool = False
    """Whether all axes but the first must have one length."""

    def unmet(self, *, n_classes: int, text: bool, shape: tuple[int, ...]) -> list[tuple[str, str]]:
        """Lists the needs that a set with these properties does not meet: what it has, and what is needed instead.

        ``n_classes``: 0 without labels. ``text``: whether it has captions. ``shape``: of one example.
        """
        lacking = []
        if self.labels and n_classes == 0:
            lacking.append(("has no labels", "them"))
        elif self.labels and n_classes == 1:
            lacking.append(("has a single class", "two or more"))
        if self.text and not text:
            lacking.append(("has no captions (a column 'text')", "them"))
        if self.dims is not None and len(shape) != self.dims:
            lacking.append((f"holds {_kind(len(shape))} of shape {shape}", _kind(self.dims)))
        elif self.channels is not None and shape[0] != self.channels:
            lacking.append((f"has {_count(shape[0])}", str(self.channels)))
        elif self.cubes and len(set(shape[1:])) > 1:
            lacking.append((f"holds grids of {' x '.join(map(str, shape[1:]))}", "sides of one length"))
        return lacking


def check_data(dataset: Dataset, needs: DataNeeds, *, study: str | None = None) -> None:
    """Refuses a data set that does not meet ``needs``, and names those that do; ``study`` is named in the error.

    Also refuses a set that lacks a split, whose splits do not match, or, where labels are needed, which has classes
    without a training example. All of it is read, so that nothing of it is found out after hours of training.
    """
    spec = dataset.spec
    lacking = needs.unmet(n_classes=spec.n_classes or 0, text=spec.vocabulary_size is not None, shape=tuple(spec.shape))
    if not lacking:
        dataset.check()
        if needs.labels:
            _check_classes(dataset)
        return
    has, needed = lacking[0]
    who = f"the study '{study}'" if study else "this study"
    fitting = [row["name"] for row in catalogue_rows(dataset.root) if row["present"] and _fits(row, needs)]
    remedy = f"choose one of {', '.join(fitting)}" if fitting else "fetch one that has them (`gibbsweep data list`)"
    raise UserError(f"data set '{dataset.name}' {has}, and {who} needs {needed}: {remedy}")


def _check_classes(dataset: Dataset) -> None:
    """Refuses classes that no example trains, which a model would be asked for all the same."""
    absent = dataset.classes_without_examples
    if not absent:
        return
    view = dataset.view
    present = [label for label in view.classes or range(len(dataset.classes)) if label not in absent]
    names = [dataset.class_names[label] for label in absent]
    listed = ", ".join(f"'{name}'" for name in names[:5]) + (", ..." if len(names) > 5 else "")
    remedy = (
        f"choose the view {replace(view, classes=tuple(present))}"
        if 0 < len(present) <= 20
        else "name those that have some"
    )
    raise UserError(
        f"data set '{dataset.name}' has {len(dataset.classes)} classes and no training example of {listed}: {remedy}"
    )


def _fits(row: dict[str, Any], needs: DataNeeds) -> bool:
    if row["train"] is None or row["test"] is None or not row["shape"]:
        return False
    return not needs.unmet(n_classes=row["classes"] or 0, text=row["text"], shape=tuple(row["shape"]))


def _kind(dims: int) -> str:
    return {1: "vectors", 2: "sounds", 3: "images", 4: "voxels"}.get(dims, f"examples of {dims} axes")


def _count(channels: int) -> str:
    return f"{channels} channel" + ("s" if channels > 1 else "")
