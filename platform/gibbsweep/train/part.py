"""The part of a run that one call of the training loop carries out: up to where, after which restarts, in which
segment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gibbsweep.folder import Restart
from gibbsweep.train.budget import Budget
from gibbsweep.train.streams import Stream
from gibbsweep_models import draws


@dataclass(frozen=True)
class Segment:
    """A stretch of a run that trains under its own values of the configuration and draws from its own stream.

    For example::

        Segment(start=500, values={"learning_rate": 1e-4}, stream=(3, 500))
    """

    start: int
    """Updates after which it begins."""
    values: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the configuration, by path, that hold in it."""
    stream: tuple[int, ...] = ()
    """Numbers that are mixed into the run's seed for what the segment draws; the seed itself where there are none."""

    def seed(self, seed: int) -> int:
        """The seed of the data order and of all noise of this segment in a run of ``seed``."""
        return draws.mix(seed, Stream.SEGMENT, *self.stream) if self.stream else seed


@dataclass(frozen=True)
class Part:
    """The part of a run that one call of :func:`~gibbsweep.train.loop.train` carries out; by default all that is left
    of it.

    For example::

        paused = train(system, data, budget, report=report, run_dir=run_dir, seed=0, part=Part(until=500))
    """

    until: int | None = None
    """Updates after which the run pauses, with a checkpoint; the budget must report there. None: it goes on to its
    end."""
    restarts: tuple[Restart, ...] = ()
    """The divergences that the run has behind it, as its folder has them. The caller has built the system with the
    smaller steps of the last one; the order of the data and the noise follow another seed after each."""
    segment: Segment | None = None
    """The segment that the part belongs to: the system was built with its values. None: the run has no segments."""
    continues: Mapping[str, Any] | None = None
    """The configuration that the checkpoint was trained with, where the segment begins at it. The checkpoint then
    gives the weights and the optimisers' moments, and the system gives the optimisers' settings (decay, momentum).
    None: the run's own."""

    def end(self, budget: Budget) -> int:
        """Updates after which this part ends. Raises ValueError where ``budget`` has no report, so no checkpoint."""
        end = budget.updates if self.until is None else min(self.until, budget.updates)
        if not budget.reports_at(end):
            raise ValueError(
                f"got until={self.until}, expected updates after which {budget} reports: a pause needs a checkpoint"
            )
        return end

    def seed(self, seed: int) -> int:
        """The seed of the data order and of all noise of this part in a run of ``seed``."""
        return seed_after(seed if self.segment is None else self.segment.seed(seed), len(self.restarts))

    @property
    def lost_seconds(self) -> float:
        """Device-seconds of the updates that restarts threw away."""
        return sum(restart.lost_seconds for restart in self.restarts)

    @property
    def lost_updates(self) -> int:
        """Updates that restarts threw away."""
        return sum(restart.step - restart.resumed_at for restart in self.restarts)


WHOLE_RUN = Part()
"""All that is left of a run that has neither restarts nor segments."""


def seed_after(seed: int, n_restarts: int) -> int:
    """The seed of the data order and of all noise after ``n_restarts``; ``seed`` itself before the first."""
    return draws.mix(seed, Stream.RESTART, n_restarts) if n_restarts else seed
