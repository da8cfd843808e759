"""How long to train and how often to look: updates are the clock, never epochs or seconds."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Budget:
    """How long a run trains, on how much at once, and how often it reports. Raises ValueError for a count below one.

    For example::

        Budget(updates=20_000, batch_size=128, report_every=1_000)
    """

    updates: int
    """Optimiser updates."""
    batch_size: int = 100
    """Examples of an update: the global batch, over all workers; all of a data set that has fewer."""
    report_every: int = 500
    """Updates between two reports. At each the loop evaluates and saves a checkpoint: at most so many updates are done
    twice after a crash."""
    also_at: tuple[int, ...] = ()
    """Further updates after which the loop reports."""
    retries: int = 0
    """How many times a run that diverges restarts, from its last checkpoint with a new seed and halved steps."""
    accumulate: int = 1
    """Equal parts of each worker's share of a batch, whose gradients are added up one after the other where the whole
    does not fit a memory: the same update, in more time."""

    def __post_init__(self) -> None:
        for name in ("updates", "batch_size", "report_every", "accumulate"):
            if getattr(self, name) < 1:
                raise ValueError(f"a budget needs {name} >= 1: got {getattr(self, name)}")
        if self.retries < 0:
            raise ValueError(f"a budget needs retries >= 0: got {self.retries}; 0 ends a run at its first divergence")

    def within(self, examples: int) -> Budget:
        """This budget with a batch of all ``examples`` where there are fewer than the batch asks for."""
        return self if self.batch_size <= examples else replace(self, batch_size=examples)

    def reports_at(self, step: int) -> bool:
        """Whether the loop reports after ``step`` updates: every ``report_every``, at ``also_at``, and at the end."""
        return step % self.report_every == 0 or step in self.also_at or step == self.updates
