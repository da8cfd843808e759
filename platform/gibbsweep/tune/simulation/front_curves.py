"""Learning curves of several objectives, and what a front of trials on them is worth."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from gibbsweep.results.dominance import dominates, hypervolume
from gibbsweep.study.space import Space
from gibbsweep.tune.simulation.curves import Curves


class FrontCurves:
    """The curves of each objective over the same space and updates; the first says what training costs. ``ranges``: of each objective
    the losses between which a front counts; 0 to 1 by default."""

    def __init__(self, curves: Sequence[Curves], ranges: Sequence[tuple[float, float]] = ()) -> None:
        self._curves = tuple(curves)
        self._ranges = tuple(ranges) or ((0.0, 1.0),) * len(self._curves)

    @property
    def objectives(self) -> int:
        return len(self._curves)

    @property
    def config(self) -> Any:
        return self._curves[0].config

    @property
    def space(self) -> Space:
        return self._curves[0].space

    @property
    def updates(self) -> int:
        return self._curves[0].updates

    def loss(self, values: Mapping[str, Any], number: int, step: int) -> float:
        """Of the first objective."""
        return self._curves[0].loss(values, number, step)

    def quality(self, values: Mapping[str, Any], number: int, step: int) -> float:
        return self._curves[0].quality(values, number, step)

    def losses(self, values: Mapping[str, Any], number: int, step: int) -> tuple[float, ...]:
        return tuple(curves.loss(values, number, step) for curves in self._curves)

    def qualities(self, values: Mapping[str, Any], number: int, step: int) -> tuple[float, ...]:
        return tuple(curves.quality(values, number, step) for curves in self._curves)

    def seconds(self, values: Mapping[str, Any], number: int) -> float:
        return self._curves[0].seconds(values, number)

    def missed(self, front: Sequence[Sequence[float]]) -> float:
        """The share of the box of the objectives' ranges that ``front`` does not dominate: lower is better."""
        scaled = [
            [(loss - low) / ((high - low) or 1.0) for loss, (low, high) in zip(losses, self._ranges, strict=True)]
            for losses in front
        ]
        clipped = [[max(0.0, loss) for loss in losses] for losses in scaled]
        return 1.0 - hypervolume(clipped, (1.0,) * self.objectives)


class FrontSoFar:
    """The reports that no other beats in all objectives, as a person would choose them, with what they are worth without the noise."""

    def __init__(self, curves: FrontCurves) -> None:
        self._curves = curves
        self._front: list[tuple[tuple[float, ...], tuple[float, ...]]] = []

    def take(self, values: Mapping[str, Any], number: int, step: int) -> float | None:
        """What is missed with this report on the front; None if it is not on it."""
        losses = self._curves.losses(values, number, step)
        if not all(map(math.isfinite, losses)):
            return None
        if any(dominates(other, losses) or other == losses for other, _ in self._front):
            return None
        self._front = [entry for entry in self._front if not dominates(losses, entry[0])]
        self._front.append((losses, self._curves.qualities(values, number, step)))
        return self._curves.missed([worth for _, worth in self._front])
