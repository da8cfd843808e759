"""Learning curves of several objectives, and the worth of a front of trials on them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from gibbsweep.results.dominance import dominates, hypervolume
from gibbsweep.study.space import Space
from gibbsweep.tune.simulation.curves import Curves


class FrontCurves:
    """Curves of several objectives over the same space and updates. The first curves decide what training costs::

    curves = FrontCurves([SyntheticCurves(seed=0), SyntheticCurves(seed=1)])
    curves.losses(values, number=0, step=27)
    """

    def __init__(self, curves: Sequence[Curves], ranges: Sequence[tuple[float, float]] = ()) -> None:
        """``ranges``: for each objective the least and the greatest loss that count in the worth of a front; 0 and 1 by
        default."""
        self._curves = tuple(curves)
        self._ranges = tuple(ranges) or ((0.0, 1.0),) * len(self._curves)

    @property
    def objectives(self) -> int:
        """Number of objectives."""
        return len(self._curves)

    @property
    def config(self) -> Any:
        """The configuration that a person would start from."""
        return self._curves[0].config

    @property
    def space(self) -> Space:
        """The space that is searched."""
        return self._curves[0].space

    @property
    def updates(self) -> int:
        """The updates of a whole training."""
        return self._curves[0].updates

    def loss(self, values: Mapping[str, Any], number: int, step: int) -> float:
        """The loss of the first objective."""
        return self._curves[0].loss(values, number, step)

    def quality(self, values: Mapping[str, Any], number: int, step: int) -> float:
        """The quality of the first objective."""
        return self._curves[0].quality(values, number, step)

    def losses(self, values: Mapping[str, Any], number: int, step: int) -> tuple[float, ...]:
        """The loss of each objective."""
        return tuple(curves.loss(values, number, step) for curves in self._curves)

    def qualities(self, values: Mapping[str, Any], number: int, step: int) -> tuple[float, ...]:
        """The loss of each objective without the noise of its measurement."""
        return tuple(curves.quality(values, number, step) for curves in self._curves)

    def seconds(self, values: Mapping[str, Any], number: int) -> float:
        """Device-seconds of an update."""
        return self._curves[0].seconds(values, number)

    def missed(self, front: Sequence[Sequence[float]]) -> float:
        """The share of the box of the objectives' ranges that ``front`` does not dominate: lower is better. ``front``:
        the losses of each of its members."""
        scaled = [
            [(loss - low) / ((high - low) or 1.0) for loss, (low, high) in zip(losses, self._ranges, strict=True)]
            for losses in front
        ]
        clipped = [[max(0.0, loss) for loss in losses] for losses in scaled]
        return 1.0 - hypervolume(clipped, (1.0,) * self.objectives)


class FrontSoFar:
    """The reports so far that no other beats in all objectives: chosen by noisy losses, as a person would choose them,
    and worth what they are without the noise."""

    def __init__(self, curves: FrontCurves) -> None:
        self._curves = curves
        self._front: list[tuple[tuple[float, ...], tuple[float, ...]]] = []  # losses and qualities

    def add_report(self, values: Mapping[str, Any], number: int, step: int) -> float | None:
        """Add the report of trial ``number`` after ``step`` updates. Returns what the front then misses, or None if the
        report is not on the front."""
        losses = self._curves.losses(values, number, step)
        if not all(map(math.isfinite, losses)):
            return None
        if any(dominates(other, losses) or other == losses for other, _ in self._front):
            return None
        self._front = [entry for entry in self._front if not dominates(losses, entry[0])]
        self._front.append((losses, self._curves.qualities(values, number, step)))
        return self._curves.missed([qualities for _, qualities in self._front])
