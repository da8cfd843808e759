"""Refuses to compare images of two sets that the way they were resized would tell apart."""

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
    """How the square images of a view came to their size.

    Example::

        resize_path("mnist5k@16").steps         # "28x28, resized down to 16x16 (bilinear, antialiased)"
    """

    data: str
    """Name of the view."""
    stored: int
    """Edge of the images in the file."""
    shown: int
    """Edge of the images in the view."""
    source: str = ""
    """What the set's metadata states of its source and of what was done to the images before."""
    filter: str = FILTER
    """Filter that resizes from ``stored`` to ``shown``."""

    @property
    def direction(self) -> Literal["as stored", "up", "down"]:
        """Whether the images were resized, and to a larger or a smaller edge."""
        if self.stored == self.shown:
            return "as stored"
        return "up" if self.shown > self.stored else "down"

    @property
    def steps(self) -> str:
        """The steps in words, such as ``32x32, resized down to 28x28 (bilinear, antialiased)``."""
        edge = f"{self.stored}x{self.stored}"
        if self.direction == "as stored":
            return f"{edge} as stored"
        return f"{edge}, resized {self.direction} to {self.shown}x{self.shown} ({self.filter})"

    def __str__(self) -> str:
        return f"`{self.data}`: {self.steps}; source: {self.source or 'not stated'}."


def resize_path(data: str | DataView, root: Path | str | None = None) -> ResizePath:
    """How the images of ``data`` came to their size; a UserError where they are not square images."""
    view = view_of(data)
    try:
        whole = load(DataView(view.name), root=root)
    except UserError as error:
        load(view, root=root)  # raises what is wrong with the view itself
        raise UserError(
            f"the images of '{view.name}' have no common size and colour, so how each came to that of '{view}' cannot "
            "be compared with other sets: store them in one size and colour"
        ) from error
    shape = whole.spec.shape
    if len(shape) != 3 or shape[1] != shape[2]:
        raise UserError(
            f"'{view.name}' holds examples of {shape}: expected square images, whose resizing can be compared"
        )
    note = f" ({whole.note})" if whole.note and whole.note not in whole.source else ""
    return ResizePath(str(view), shape[-1], view.size or shape[-1], whole.source + note)


def check_resizing(normal: ResizePath, others: Sequence[ResizePath]) -> None:
    """Refuses to compare ``normal`` with ``others`` where resizing alone would tell their images apart.

    Images that were resized up have no fine detail, and two filters leave two spectra. Images as stored may be compared
    with images that were resized down without aliasing.
    """
    for other in others:
        up = [path for path in (normal, other) if path.direction == "up"]
        if len(up) == 1:
            raise UserError(
                f"'{normal.data}' ({normal.steps}) and '{other.data}' ({other.steps}) differ by how they were resized, "
                "which a detector would find instead of what they show: choose a size that neither is resized up to, "
                "or both"
            )
        resized = [path for path in (normal, other) if path.direction != "as stored"]
        if len({path.filter for path in resized}) > 1:
            raise UserError(
                f"'{normal.data}' ({normal.steps}) and '{other.data}' ({other.steps}) were resized by different "
                "filters, which a detector would find instead of what they show: resize both by one"
            )
