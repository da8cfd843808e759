"""What a study asks of its data, checked by name before anything trains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gibbsweep.data.inspection.listing import catalogue_rows
from gibbsweep.data.loading.dataset import Dataset
from gibbsweep.errors import UserError


@dataclass(frozen=True)
class DataNeeds:
    """``labels`` (of two classes or more) and ``text`` (captions): needed or not. ``dims``: axes of one example, channels
    included: 1 for vectors, 2 for sounds, 3 for images, 4 for voxels. ``channels``: length of the first axis. None: any. ``cubes``: whether all axes
    but the first must be of one length."""

    labels: bool = False
    text: bool = False
    dims: int | None = None
    channels: int | None = None
    cubes: bool = False

    def unmet(self, *, n_classes: int, text: bool, shape: tuple[int, ...]) -> list[tuple[str, str]]:
        """What a set with these properties (``n_classes``: 0 without labels) lacks: what it is or has, and what is needed
        instead."""
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
    """Refuse, by name and with those that would do, a data set that lacks what ``needs`` says; ``study`` names who needs it."""
    spec = dataset.spec
    lacking = needs.unmet(n_classes=spec.n_classes or 0, text=spec.vocabulary_size is not None, shape=tuple(spec.shape))
    if not lacking:
        return
    has, needed = lacking[0]
    who = f"the study '{study}'" if study else "this study"
    fitting = [row["name"] for row in catalogue_rows(dataset.root) if row["present"] and _fits(row, needs)]
    remedy = f"choose one of {', '.join(fitting)}" if fitting else "fetch one that has them (`gibbsweep data list`)"
    raise UserError(f"data set '{dataset.name}' {has}, and {who} needs {needed}: {remedy}")


def _fits(row: dict[str, Any], needs: DataNeeds) -> bool:
    if row["train"] is None or not row["shape"]:
        return False
    return not needs.unmet(n_classes=row["classes"] or 0, text=row["text"], shape=tuple(row["shape"]))


def _kind(dims: int) -> str:
    return {1: "vectors", 2: "sounds", 3: "images", 4: "voxels"}.get(dims, f"examples of {dims} axes")


def _count(channels: int) -> str:
    return f"{channels} channel" + ("s" if channels > 1 else "")
