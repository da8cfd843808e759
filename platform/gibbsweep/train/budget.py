"""How long to train and how often to look: updates are the clock, never epochs or seconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Budget:
    """``updates`` optimiser updates of ``batch_size`` examples (the global batch, over all workers).

    Every ``report_every`` updates, and after those of ``also_at``, the loop evaluates, reports and saves a checkpoint: at most that
    much is done twice after a crash. ``retries``: how many times a run that diverges restarts, from its last checkpoint with a new
    seed and halved steps. ``accumulate``: add up the gradients of so many equal parts of each worker's share, one after the other,
    where the whole does not fit a memory: the same update, in more time.
    """

    updates: int
    batch_size: int = 100
    report_every: int = 500
    also_at: tuple[int, ...] = ()
    retries: int = 0
    accumulate: int = 1

    def __post_init__(self) -> None:
        for name in ("updates", "batch_size", "report_every", "accumulate"):
            if getattr(self, name) < 1:
                raise ValueError(f"a budget needs {name} >= 1: got {getattr(self, name)}")
        if self.retries < 0:
            raise ValueError(f"a budget needs retries >= 0: got {self.retries}; 0 ends a run at its first divergence")

    def reports_at(self, step: int) -> bool:
        """Whether the loop reports once ``step`` updates are done: every ``report_every``, where asked for, and at the end."""
        return step % self.report_every == 0 or step in self.also_at or step == self.updates
