"""What several evaluators ask of a split, so that it is asked before any run and not after hours of training. Each
function raises UserError."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from gibbsweep.errors import UserError
from gibbsweep.evaluate.drawing.grids import image_grid

if TYPE_CHECKING:
    from gibbsweep.data import Split

_TRIED = 2
"""Examples that a measure is tried on: one may have no partner."""


def ask_labels(evaluator: object, split: Split) -> None:
    """``split`` has labels."""
    if split.y is None:
        raise UserError(
            f"{type(evaluator).__name__} needs labels, and '{split.dataset.name}' has none: choose a labelled data set."
        )


def ask_classes(evaluator: object, split: Split) -> None:
    """``split`` has labels of two classes at least."""
    ask_labels(evaluator, split)
    if split.y is not None and len(torch.unique(split.y)) < 2:
        raise UserError(
            f"{type(evaluator).__name__} needs examples of two classes, and the {split.part} split of "
            f"'{split.dataset.name}' has those of one: choose another data set, or a view with more classes."
        )


def ask_number(evaluator: object, split: Split, limit: int | None, least: int) -> None:
    """At least ``least`` examples of ``split`` are measured, of which an evaluator takes ``limit`` at most."""
    n = len(split) if limit is None else min(limit, len(split))
    if n < least:
        raise UserError(
            f"{type(evaluator).__name__} needs {least} examples at least, and measures {n} of the {len(split)} in the "
            f"{split.part} split of '{split.dataset.name}': choose a larger data set, or measure more of them."
        )


def ask_captions(evaluator: object, split: Split, limit: int | None = None) -> None:
    """``split`` has captions, two different ones at least among the ``limit`` that are measured."""
    from gibbsweep.evaluate.examples import evenly_spread

    if split.dataset.vocabulary is None:
        raise UserError(
            f"{type(evaluator).__name__} needs captions, and '{split.dataset.name}' has none: choose a captioned set."
        )
    if len(set(split.text(evenly_spread(len(split), limit)))) < 2:
        raise UserError(
            f"the captions of the {split.part} split of '{split.dataset.name}' are all the same: "
            f"{type(evaluator).__name__} needs at least two; choose other data."
        )


def ask_pictures(evaluator: object, split: Split) -> None:
    """Examples of ``split`` can be drawn in a grid."""
    try_on(evaluator, split, lambda x: image_grid(x, columns=1, binary=False))


def try_on(evaluator: object, split: Split, measure: Callable[[Tensor], object]) -> None:
    """``measure``, of which an error says what the shape of the examples must be, takes empty examples (N, *D) of the
    shape of ``split``."""
    try:
        measure(torch.zeros(_TRIED, *split.shape))
    except ValueError as error:
        text = str(error).rstrip(".")
        raise UserError(
            f"{type(evaluator).__name__} cannot measure '{split.dataset.name}', whose examples are {split.shape}: "
            f"{text}."
        ) from error
