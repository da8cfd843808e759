"""Population-based training as a scheduler: every member pauses at the end of each generation and runs to the end of
the budget. :mod:`gibbsweep.tune.population.population` decides for all members at once which one goes on from which
checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from gibbsweep.errors import UserError
from gibbsweep.tune.schedulers.base import Losses, is_finite


def boundaries(updates: int, generations: int) -> tuple[int, ...]:
    """The updates at which all but the last of ``generations`` equal parts of ``updates`` end."""
    if generations > updates:
        raise UserError(f"--generations {generations} needs as many updates, and there are {updates}: ask for fewer.")
    return tuple(round(updates * k / generations) for k in range(1, generations))


class Generations:
    """The scheduler ``population``: it promotes no trial, and ends a trial early only if its losses are not finite.

    For example::

        Generations(updates=800, generations=8).runs_to(0)  # 100
    """

    def __init__(self, updates: int, generations: int) -> None:
        self.updates = updates
        self.rungs = boundaries(updates, generations)

    def runs_to(self, index: int) -> int:
        return self.rungs[0]

    def after(self, step: int) -> int:
        """The end of the generation that begins at ``step``."""
        return next((rung for rung in self.rungs if rung > step), self.updates)

    def report(self, index: int, step: int, losses: Losses) -> Literal["go", "diverge"]:
        return "go" if is_finite(losses) else "diverge"

    def pause(self, index: int, step: int, *, promoted: bool) -> None:
        """Do nothing: the population reads the reports from the trial's record."""

    def promote(self, ends: Sequence[float] | None = None) -> tuple[int, int] | None:
        return None

    def rescue(self) -> tuple[int, int] | None:
        return None

    def hopeless(self) -> list[int]:
        return []  # every waiting member goes on, or is replaced

    def close(self, index: int, completed: bool) -> None:
        """Do nothing: the scheduler holds nothing about a trial."""
