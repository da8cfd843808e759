"""How the pictures of two sets came to one size, and which comparisons that would make trivial."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gibbsweep.data.loading.dataset import load
from gibbsweep.data.loading.view import DataView, view_of
from gibbsweep.data.tables.resize import FILTER
from gibbsweep.errors import UserError


@dataclass(frozen=True)
class ResizePath:
    """``data``: the view's name; ``stored`` and ``shown``: the edge of its images in the file and in the view; ``filter``: by which the
    one becomes the other; ``source``: what the set says of what was done before."""

    data: str
    stored: int
    shown: int
    source: str = ""
    filter: str = FILTER

    @property
    def direction(self) -> Literal["as stored", "up", "down"]:
        if self.stored == self.shown:
            return "as stored"
        return "up" if self.shown > self.stored else "down"

    @property
    def steps(self) -> str:
        """``32x32, resized down to 28x28 (bilinear, antialiased)``."""
        edge = f"{self.stored}x{self.stored}"
        if self.direction == "as stored":
            return f"{edge} as stored"
        return f"{edge}, resized {self.direction} to {self.shown}x{self.shown} ({self.filter})"

    def __str__(self) -> str:
        return f"`{self.data}`: {self.steps}; source: {self.source or 'not stated'}."


def resize_path(data: str | DataView, root: Path | str | None = None) -> ResizePath:
    """That of a set of square images."""
    view = view_of(data)
    whole = load(DataView(view.name), root=root)
    shape = whole.spec.shape
    if len(shape) != 3 or shape[1] != shape[2]:
        raise UserError(
            f"'{view.name}' holds examples of {shape}: expected square images, whose resizing can be compared"
        )
    note = f" ({whole.note})" if whole.note and whole.note not in whole.source else ""
    return ResizePath(str(view), shape[-1], view.size or shape[-1], whole.source + note)


def check_resizing(normal: ResizePath, others: Sequence[ResizePath]) -> None:
    """Refuse to compare sets that were resized in ways that tell them apart by themselves: what was resized up has no fine detail, and
    two filters leave two spectra. What is as stored may be compared with what was resized down without aliasing."""
    for other in others:
        up = [path for path in (normal, other) if path.direction == "up"]
        if len(up) == 1:
            raise UserError(
                f"'{normal.data}' ({normal.steps}) and '{other.data}' ({other.steps}) differ by how they were resized, which a "
                "detector would find instead of what they show: choose a size that neither is resized up to, or both"
            )
        resized = [path for path in (normal, other) if path.direction != "as stored"]
        if len({path.filter for path in resized}) > 1:
            raise UserError(
                f"'{normal.data}' ({normal.steps}) and '{other.data}' ({other.steps}) were resized by different filters, which a "
                "detector would find instead of what they show: resize both by one"
            )
