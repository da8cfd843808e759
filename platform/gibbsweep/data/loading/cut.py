"""Chooses the rows of a file that train, validate and test."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gibbsweep.data.loading.view import DataView
from gibbsweep.data.tables.table import Table
from gibbsweep.errors import UserError
from gibbsweep_models.draws import seeded

_TRAIN, _TEST = 1, 2  # random streams under the seed


def cut(
    n: int,
    share: float,
    seed: int,
    limit: int | None = None,
    *,
    name: str = "",
    mask: Tensor | None = None,
    together: Tensor | None = None,
) -> tuple[Tensor | None, Tensor]:
    """Cuts ``n`` rows into those that train (None: all) and those that validate.

    Both are ascending and disjoint, and depend on the arguments alone. A positive ``share`` gives the validation split
    round(share · n) rows, at least 1. ``limit``: at most so many rows of each part. ``name``: the data set, for errors.
    ``mask`` (n,) bool: the rows that a view has; both parts lose the others, so that no view trains on a row that
    another view validates with. ``together`` (n,) int64: rows of one number stay on one side; the validation split
    grows by part of a group where the cut would divide it.
    """
    n_validation = max(1, int(share * n + 0.5)) if share > 0 else 0
    if n_validation >= n:
        raise UserError(
            f"a validation share of {share} leaves nothing of the {n} training examples of '{name}': choose a smaller "
            "one"
        )
    order = _shuffled(n, seed, _TRAIN)
    if together is not None:
        order, n_validation = _whole_groups(order, together, n_validation)
    parts = order[n_validation:], order[:n_validation]
    train, validation = (part[:limit] if mask is None else part[mask[part]][:limit] for part in parts)
    if not len(train) or (n_validation and not len(validation)):
        raise UserError(
            f"'{name}' keeps {int(mask.sum()) if mask is not None else n} of {n} training examples, too few for a "
            f"training split and a validation split of the share {share}: keep more classes, or change the share"
        )
    return None if len(train) == n else train.sort().values, validation.sort().values


def same_text(text: Any | None) -> Tensor | None:
    """Numbers the captions of an Arrow array (n,), so that equal captions have equal numbers; None without captions.

    A row without a caption has a number of its own. For :func:`cut`: a caption that trains (two drawings of one thing)
    must not validate.
    """
    if text is None:
        return None
    numbers = torch.tensor(text.dictionary_encode().indices.fill_null(-1).to_numpy(zero_copy_only=False)).long()
    return torch.where(numbers < 0, len(numbers) + torch.arange(len(numbers)), numbers)


def _whole_groups(order: Tensor, together: Tensor, n_first: int) -> tuple[Tensor, int]:
    """Moves the rows of each group to the group's first one in ``order``.

    Returns the new order and the smallest count from ``n_first`` on that divides no group.
    """
    _, group = torch.unique(together, return_inverse=True)
    first = torch.full((int(group.max()) + 1,), len(order))
    first.scatter_reduce_(0, group[order], torch.arange(len(order)), "amin")
    keys, places = first[group[order]].sort(stable=True)
    inside = (keys[n_first:] == keys[n_first - 1]).sum() if n_first else 0
    return order[places], n_first + int(inside)


def rows_of(table: Table, view: DataView, limit: int | None, seed: int, *, testing: bool) -> Tensor | None:
    """Rows of a whole file that a view has, at most ``limit``; None: all."""
    n, mask = len(table.x), view.keeps(table.y, testing=testing)
    if mask is not None and not mask.any():
        raise UserError(
            f"'{view}' keeps none of the {n} {'test' if testing else 'training'} examples: keep more classes"
        )
    rows = None if mask is None or mask.all() else mask.nonzero()[:, 0]
    if limit is not None and limit < (n if rows is None else len(rows)):
        order = _shuffled(n, seed, _TEST)
        rows = (order if mask is None else order[mask[order]])[:limit].sort().values
    return rows


def _shuffled(n: int, seed: int, stream: int) -> Tensor:
    return torch.randperm(n, generator=seeded(seed, stream))
